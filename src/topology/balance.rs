//! Smooth weighted round robin: which secondary is next.
//!
//! The turns are worked out once per set of weights, so a pick is one counter and one table
//! read. After any number of picks every secondary has had its exact share within one pick
//! (the chairman assignment of Tijdeman, 1980). That bound holds from the start of the
//! sequence; between two arbitrary points it is two picks for three or more secondaries,
//! where no sequence can promise one.
//!
//! Each thread goes through the turns by itself, from the one after where the last thread
//! joined: threads that picked from one counter would wait for each other's cache line. So the
//! bounds hold for each thread, and for threads that pick only once for all of them together.

use std::cell::Cell;
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicU32, AtomicU64};

/// Longer sequences would follow odd weights more closely than anyone can notice.
const MAX_SLOTS: usize = 1024;

/// The turns of one set of secondaries, and where the threads are in it.
///
/// The position outlives a refresh that leaves the members and weights alone, because the
/// next snapshot shares this value.
#[derive(Debug)]
pub struct Schedule {
    /// In the whole process; never 0, and not used again before long.
    id: u32,
    weights: Box<[f64]>,
    turns: Box<[u16]>,
    /// Where the next thread joins.
    joined: AtomicU32,
    /// Where the last thread joined a schedule beside this one, in the lower half of a number; the upper
    /// half is the number of that schedule.
    beside: [AtomicU64; BESIDE_KEPT],
}

/// So many schedules beside one have exact shares among threads that pick once; more than these begin
/// anywhere, which is fair on the average.
const BESIDE_KEPT: usize = 8;

/// A thread that reads from more groups than this in turn shares the position of some of them
/// with other threads, which costs time and no fairness.
const CURSORS: usize = 1024;

/// Where one thread is in the schedules of the groups it read from last.
#[derive(Debug)]
pub struct Cursors {
    places: [Cursor; CURSORS],
}

/// Where one thread is in the schedule of one group.
#[derive(Debug, Default)]
pub struct Cursor {
    /// 0 for none.
    schedule: Cell<u32>,
    /// The next turn.
    at: Cell<u16>,
    /// The index of the reader at that turn, always: a schedule has two forms, and a thread goes on in one
    /// where it was in the other.
    reader: Cell<u16>,
}

impl Cursor {
    const fn new() -> Self {
        Self { schedule: Cell::new(0), at: Cell::new(0), reader: Cell::new(0) }
    }

    fn set(&self, at: usize, reader: Option<u16>) {
        self.at.set(at as u16);
        self.reader.set(reader.unwrap_or_default());
    }
}

impl Cursors {
    pub const fn new() -> Self {
        Self { places: [const { Cursor::new() }; CURSORS] }
    }

    /// The turn in the group of a number.
    #[inline(always)]
    pub fn of(&self, number: usize) -> &Cursor {
        let [first, ..] = &self.places;
        self.places.get(number % CURSORS).unwrap_or(first)
    }
}

impl Default for Cursors {
    fn default() -> Self {
        Self::new()
    }
}

/// The numbers of schedules that are made for one call, by what is in them, are not below this.
const BESIDE: u32 = 1 << 31;

fn next_id() -> u32 {
    static IDS: AtomicU32 = AtomicU32::new(0);
    IDS.fetch_add(1, Relaxed) % (BESIDE - 1) + 1
}

impl Schedule {
    /// `weights` are positive and finite; `start` is where this handle begins.
    pub fn new(weights: &[f64], start: u64) -> Self {
        let turns = turns(&shares(weights));
        let first = start % (turns.len() as u64).max(1);
        let joined = AtomicU32::new(first as u32);
        Self { id: next_id(), weights: weights.into(), turns, joined, beside: Default::default() }
    }

    /// A schedule for one call, of other servers of the same group. The thread with this cursor finds its
    /// place in that of the same `number` again, whenever it is made; others go on behind the last thread
    /// that joined one of that number.
    pub fn beside(&self, weights: &[f64], number: u32, cursor: &Cursor) -> Self {
        let turns = turns(&shares(weights));
        // All ones is the number of no schedule.
        let id = (number | BESIDE).min(NO_SCHEDULE - 1);
        let is_known = cursor.schedule.get() == id;
        let first = if is_known { 0 } else { self.join_beside(id) % (turns.len() as u32).max(1) };
        let joined = AtomicU32::new(first);
        Self { id, weights: weights.into(), turns, joined, beside: Default::default() }
    }

    /// Where the next thread joins the schedule of a number. One counter for all of them would give every
    /// other turn alone to two choices that take turns.
    fn join_beside(&self, number: u32) -> u32 {
        let [first, ..] = &self.beside;
        let held_by =
            |wanted: u32| move |last: &&AtomicU64| (last.load(Relaxed) >> 32) as u32 == wanted;
        let kept = || self.beside.iter().find(held_by(number));
        let free = || self.beside.iter().find(held_by(0));
        let any = || self.beside.get(number as usize % BESIDE_KEPT);
        let last = kept().or_else(free).or_else(any).unwrap_or(first);
        let mut start = 0;
        let next = |last: u64| {
            let (of, at) = ((last >> 32) as u32, last as u32);
            start = if of == number { at.wrapping_add(1) } else { scattered(at ^ number) };
            Some(u64::from(number) << 32 | u64::from(start))
        };
        // It never refuses.
        let _ = last.fetch_update(Relaxed, Relaxed, next);
        start
    }

    pub fn id(&self) -> u32 {
        self.id
    }

    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// The index of the next secondary for the thread whose turn this is.
    #[inline]
    pub fn next(&self, cursor: &Cursor) -> usize {
        if cursor.schedule.get() != self.id {
            self.join(cursor);
        }
        let reader = cursor.reader.get();
        let at = usize::from(cursor.at.get()) + 1;
        self.set(cursor, if at < self.turns.len() { at } else { 0 });
        usize::from(reader)
    }

    fn set(&self, cursor: &Cursor, at: usize) {
        cursor.set(at, self.turns.get(at).copied());
    }

    /// The index that `next` gives to that thread, which changes nothing.
    pub fn peek(&self, cursor: &Cursor) -> usize {
        self.turns.get(self.place(cursor)).copied().map_or(0, usize::from)
    }

    /// The indexes of all turns from the next one of that thread on, which changes nothing.
    pub fn from(&self, cursor: &Cursor) -> impl Iterator<Item = usize> + use<> {
        let mut turns = self.turns.clone();
        turns.rotate_left(self.place(cursor).min(turns.len()));
        turns.into_iter().map(usize::from)
    }

    /// The next turn of that thread.
    fn place(&self, cursor: &Cursor) -> usize {
        match cursor.schedule.get() == self.id {
            true => usize::from(cursor.at.get()),
            false => self.joined.load(Relaxed) as usize % self.turns.len().max(1),
        }
    }

    /// A thread that did not use this schedule lately goes on behind the last that joined.
    #[inline(never)]
    fn join(&self, cursor: &Cursor) {
        let length = (self.turns.len() as u32).max(1);
        let at = self.joined.fetch_add(1, Relaxed) % length;
        cursor.schedule.set(self.id);
        self.set(cursor, at as usize);
    }

    /// The index of a secondary for each turn.
    #[cfg(test)]
    pub fn turns(&self) -> &[u16] {
        &self.turns
    }
}

/// A schedule of at most 16 turns, as most are, which lies in its group without a pointer.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct InlineSchedule {
    /// The number of the schedule, or `NO_SCHEDULE`.
    id: u32,
    length: u32,
    turns: [u8; MAX_INLINE],
}

const MAX_INLINE: usize = 16;

/// The number of no schedule, and of no turn either.
const NO_SCHEDULE: u32 = u32::MAX;

impl InlineSchedule {
    pub const NONE: Self = Self { id: NO_SCHEDULE, length: 0, turns: [0; MAX_INLINE] };

    /// Nothing if the schedule is too long.
    pub fn of(schedule: &Schedule) -> Option<Self> {
        let length = schedule.turns.len() as u32;
        let mut inline = Self { id: schedule.id, length, ..Self::NONE };
        for (at, turn) in schedule.turns.iter().enumerate() {
            *inline.turns.get_mut(at)? = u8::try_from(*turn).ok()?;
        }
        (length > 0).then_some(inline)
    }

    /// As [`Schedule::next`] of the `schedule` that this is the inline form of; nothing if there is none.
    #[inline(always)]
    pub fn next(&self, schedule: &Schedule, cursor: &Cursor) -> Option<usize> {
        if cursor.schedule.get() != self.id && !self.join(schedule, cursor) {
            return None;
        }
        // Found when the turn before was taken: nobody has to wait for it now.
        let reader = cursor.reader.get();
        let at = u32::from(cursor.at.get()) + 1;
        let at = if at < self.length { at as usize } else { 0 };
        cursor.set(at, self.turns.get(at % MAX_INLINE).copied().map(u16::from));
        Some(usize::from(reader))
    }

    #[inline(never)]
    fn join(&self, schedule: &Schedule, cursor: &Cursor) -> bool {
        if self.id == NO_SCHEDULE {
            return false;
        }
        schedule.join(cursor);
        true
    }
}

/// A number that has nothing to do with the other one, and is always the same.
fn scattered(number: u32) -> u32 {
    let number = (number ^ (number >> 16)).wrapping_mul(0x85eb_ca6b);
    let number = (number ^ (number >> 13)).wrapping_mul(0xc2b2_ae35);
    number ^ (number >> 16)
}

/// Small integers in the proportion of the weights: exact when the weights are in the
/// proportion of small integers, else the closest that add up to `MAX_SLOTS`.
fn shares(weights: &[f64]) -> Vec<u32> {
    let smallest = weights.iter().copied().fold(f64::INFINITY, f64::min);
    for factor in 1..=64u32 {
        let scaled: Vec<f64> =
            weights.iter().map(|weight| weight / smallest * f64::from(factor)).collect();
        // Fabric stores weights as FLOAT and prints six digits: 1/3 arrives as 0.333333.
        let exact = scaled.iter().all(|share| (share - share.round()).abs() <= share * 1e-5);
        if exact && scaled.iter().sum::<f64>() <= MAX_SLOTS as f64 {
            return scaled.iter().map(|share| share.round() as u32).collect();
        }
    }
    let total: f64 = weights.iter().sum();
    weights
        .iter()
        .map(|weight| ((weight / total * MAX_SLOTS as f64).round() as u32).max(1))
        .collect()
}

/// Spreads each index over the sequence as often as its share says, as evenly as can be: of
/// those that are owed a turn, the one whose turn is due first.
fn turns(shares: &[u32]) -> Box<[u16]> {
    let total: i64 = shares.iter().map(|share| i64::from(*share)).sum();
    let count = shares.len() as i64;
    if count < 2 {
        return shares.iter().take(1).map(|_| 0).collect();
    }
    // All quantities are scaled by `total * slack`, so that the comparisons are exact.
    let slack = 2 * count - 2;
    // The first turn at which the next one is owed.
    let owed_at = |share: u32, given: i64| {
        let (owed, step) = (total * (1 + given * slack), i64::from(share) * slack);
        owed / step + i64::from(owed % step > 0)
    };
    let mut later: BinaryHeap<_> = (0..)
        .zip(shares)
        .map(|(index, share)| Reverse((owed_at(*share, 0), index, *share, 0)))
        .collect();
    let mut owed = BinaryHeap::new();
    let mut sequence = Vec::with_capacity(total as usize);
    for turn in 1..=total {
        while let Some(Reverse((at, index, share, given))) = later.peek().copied()
            && at <= turn
        {
            later.pop();
            owed.push(Reverse(DueTurn { due: slack * (given + 1) - 1, share, index, given }));
        }
        // Somebody is always owed a turn: the dues of all add up to it.
        let Some(Reverse(DueTurn { share, index, given, .. })) = owed.pop() else { break };
        later.push(Reverse((owed_at(share, given + 1), index, share, given + 1)));
        sequence.push(index);
    }
    sequence.into_boxed_slice()
}

/// Who is owed a turn, and when, as a fraction of its share, the turn is due.
#[derive(PartialEq, Eq)]
struct DueTurn {
    due: i64,
    share: u32,
    index: u16,
    given: i64,
}

impl Ord for DueTurn {
    fn cmp(&self, other: &Self) -> Ordering {
        let (one, two) = (self.due * i64::from(other.share), other.due * i64::from(self.share));
        one.cmp(&two).then(self.index.cmp(&other.index))
    }
}

impl PartialOrd for DueTurn {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn shares_are_the_smallest_integers() {
        assert_eq!(shares(&[1.0, 1.0, 1.0]), [1, 1, 1]);
        assert_eq!(shares(&[2.0, 0.5]), [4, 1]);
        assert_eq!(shares(&[0.333333, 1.0]), [1, 3]);
        assert_eq!(shares(&[1.5, 1.0]), [3, 2]);
        assert_eq!(shares(&[1e9, 1.0]), [1024, 1]);
    }

    #[test]
    fn a_heavy_server_gets_no_bursts() {
        let (schedule, mine) = (Schedule::new(&[3.0, 1.0], 0), Cursors::new());
        let picks: Vec<usize> = (0..8).map(|_| schedule.next(mine.of(0))).collect();
        assert_eq!(picks.iter().filter(|pick| **pick == 1).count(), 2);
        assert!(!picks.windows(4).any(|window| window == [0, 0, 0, 0]), "{picks:?}");
    }

    #[test]
    fn threads_that_pick_once_share_one_sequence() {
        let schedule = Schedule::new(&[2.0, 0.5], 3);
        let picks: Vec<usize> = (0..500).map(|_| schedule.next(&Cursor::new())).collect();
        assert_eq!(picks.iter().filter(|pick| **pick == 0).count(), 400);
        assert!(picks.windows(5).all(|five| five.iter().filter(|pick| **pick == 1).count() == 1));
    }

    #[test]
    fn a_thread_that_reads_from_too_many_groups_stays_fair() {
        let schedules: Vec<Schedule> =
            (0..CURSORS + 5).map(|_| Schedule::new(&[1.0, 1.0], 0)).collect();
        let mine = Cursors::new();
        let mut first = vec![0; schedules.len()];
        for _ in 0..100 {
            for (number, (schedule, first)) in schedules.iter().zip(&mut first).enumerate() {
                *first += usize::from(schedule.next(mine.of(number)) == 0);
            }
        }
        assert_eq!(first, vec![50; schedules.len()]);
    }

    #[test]
    fn threads_share_the_load() {
        let schedule = Schedule::new(&[2.0, 0.5], 7);
        let heavy: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        let mine = Cursors::new();
                        (0..1000).filter(|_| schedule.next(mine.of(0)) == 0).count()
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().expect("a picking thread")).sum()
        });
        assert_eq!(heavy, 3200);
    }

    /// As `turns`, with a look at everybody for each turn.
    fn turns_by_looking(shares: &[u32]) -> Vec<u16> {
        let total: i64 = shares.iter().map(|share| i64::from(*share)).sum();
        let slack = 2 * shares.len() as i64 - 2;
        let mut given = vec![0i64; shares.len()];
        let next = |turn: i64, given: &[i64]| {
            let owed = shares.iter().zip(given).enumerate().filter(|(_, (share, given))| {
                (turn * i64::from(**share) - **given * total) * slack >= total
            });
            let due = |share: u32, given: i64| (slack * (given + 1) - 1, i64::from(share));
            let next = owed.min_by(|(_, (a, a_given)), (_, (b, b_given))| {
                let ((a, a_share), (b, b_share)) = (due(**a, **a_given), due(**b, **b_given));
                (a * b_share).cmp(&(b * a_share))
            });
            next.expect("somebody is owed a turn").0
        };
        let turn = |turn| {
            let index = next(turn, &given);
            given[index] += 1;
            index as u16
        };
        (1..=total).map(turn).collect()
    }

    #[test]
    fn sixty_thousand_secondaries_take_no_time() {
        let mut weights = vec![1.0; 60_000];
        weights[7] = 50.0;
        let begun = std::time::Instant::now();
        let schedule = Schedule::new(&weights, 0);
        // It took 25 s to look at everybody for each turn, optimised.
        assert!(begun.elapsed() < std::time::Duration::from_secs(5), "{:?}", begun.elapsed());
        let mut seen = vec![false; weights.len()];
        schedule.turns().iter().for_each(|turn| seen[usize::from(*turn)] = true);
        assert!(seen.iter().all(|seen| *seen));
    }

    proptest! {
        #[test]
        fn turns_are_those_of_a_look_at_everybody(
            shares in proptest::collection::vec(1u32..60, 2..40),
        ) {
            prop_assert_eq!(&*turns(&shares), turns_by_looking(&shares));
        }

        #[test]
        fn everyone_has_a_share_within_one_pick(
            shares in proptest::collection::vec(1u32..60, 1..12),
        ) {
            let total: u32 = shares.iter().sum();
            let weights: Vec<f64> = shares.iter().map(|share| f64::from(*share)).collect();
            let (schedule, mine) = (Schedule::new(&weights, 0), Cursors::new());
            let mut given = vec![0f64; shares.len()];
            for turn in 1..=(total * 2) {
                given[schedule.next(mine.of(0))] += 1.0;
                for (index, share) in shares.iter().enumerate() {
                    let exact = f64::from(turn) * f64::from(*share) / f64::from(total);
                    prop_assert!((given[index] - exact).abs() < 1.0, "turn {turn}: {given:?}");
                }
            }
        }

        #[test]
        fn any_window_is_within_two_picks_and_within_one_for_a_pair(
            shares in proptest::collection::vec(1u32..30, 2..6),
            from in 0usize..200,
            length in 1usize..200,
        ) {
            let total: u32 = shares.iter().sum();
            let weights: Vec<f64> = shares.iter().map(|share| f64::from(*share)).collect();
            let (schedule, mine) = (Schedule::new(&weights, from as u64), Cursors::new());
            let picks: Vec<usize> = (0..length).map(|_| schedule.next(mine.of(0))).collect();
            let limit = if shares.len() == 2 { 1.0 } else { 2.0 };
            for (index, share) in shares.iter().enumerate() {
                let given = picks.iter().filter(|pick| **pick == index).count() as f64;
                let exact = length as f64 * f64::from(*share) / f64::from(total);
                prop_assert!((given - exact).abs() <= limit, "{given} of {exact}");
            }
        }

        #[test]
        fn any_weights_make_a_bounded_sequence(
            weights in proptest::collection::vec(1e-6f64..1e6, 1..40),
        ) {
            let schedule = Schedule::new(&weights, 3);
            prop_assert!(schedule.turns.len() <= MAX_SLOTS + weights.len());
            for index in 0..weights.len() {
                prop_assert!(schedule.turns.contains(&(index as u16)));
            }
        }
    }
}
