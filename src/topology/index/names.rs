//! A map from names to values for the warm path: one hash, one probe, one comparison.

use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};

/// Open addressing over a list in insertion order. Built once per change and then only read.
///
/// Names come from the farm, which may choose them so that they collide. A name that would lie too
/// far from the first slot it could be at has the table hash all its names anew, under a key that
/// nobody can foresee: building a table and looking a name up take linear and constant time,
/// whatever the names are. The first key is the same in every table and process, so ordinary farms
/// take the same instructions each time.
#[derive(Debug, Clone)]
pub struct NameTable<V> {
    entries: Vec<Named<V>>,
    /// Positions in `entries` plus one; 0 is free. A power of two, at most half full.
    slots: Box<[u32]>,
    key: HashKey,
    /// How many slots at most lie before a name's own, from the first it could be at.
    most_steps: usize,
}

/// A name that takes more steps than this to be found hints at names that were chosen to collide:
/// chance makes one among billions.
const MOST_STEPS: usize = 128;

#[derive(Debug, Clone)]
#[repr(C)]
struct Named<V> {
    fingerprint: Fingerprint,
    value: V,
    name: Box<[u8]>,
}

/// The first and the last eight bytes of a name, and how long it is, which is all of a name that
/// is not longer than both together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Fingerprint {
    first: u64,
    last: u64,
    length: usize,
}

/// The longest name that its fingerprint tells all of.
const SHORT: usize = 16;

impl<V> Default for NameTable<V> {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            slots: Box::default(),
            key: HashKey::FIRST,
            most_steps: MOST_STEPS,
        }
    }
}

impl<V> NameTable<V> {
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &V)> {
        self.entries.iter().map(|entry| (&*entry.name, &entry.value))
    }

    #[inline(always)]
    pub fn get(&self, name: &[u8]) -> Option<&V> {
        self.position(name).and_then(|at| self.at(at))
    }

    /// The value at a position, which is a name's until the next change.
    #[inline(always)]
    pub fn at(&self, position: usize) -> Option<&V> {
        self.entries.get(position).map(|entry| &entry.value)
    }

    /// Sets the value of a name and hands back the one it replaces.
    pub fn insert(&mut self, name: &[u8], value: V) -> Option<V> {
        if let Some(entry) = self.position(name).and_then(|at| self.entries.get_mut(at)) {
            return Some(std::mem::replace(&mut entry.value, value));
        }
        self.entries.push(Named { fingerprint: Fingerprint::of(name), value, name: name.into() });
        if self.entries.len() * 2 > self.slots.len() {
            self.rebuild();
        } else if !self.place(self.entries.len() - 1) {
            self.key = HashKey::random();
            self.rebuild();
        }
        None
    }

    /// Keeps only the entries `keep` agrees to.
    pub fn retain(&mut self, mut keep: impl FnMut(&[u8], &V) -> bool) {
        self.entries.retain(|entry| keep(&entry.name, &entry.value));
        self.rebuild();
    }

    /// As `get`, from `last_hit`, the position of the name that was asked for last, which is put right for the next time. A
    /// processor goes on from a position that was right the last times before it has read the name.
    #[inline(always)]
    pub fn get_last_hit_first(&self, name: &[u8], last_hit: &Cell<u32>) -> Option<&V> {
        match self.entries.get(last_hit.get() as usize) {
            Some(entry) if entry.is(Fingerprint::of(name), name) => Some(&entry.value),
            _ => self.get_and_note(name, last_hit),
        }
    }

    #[inline(never)]
    fn get_and_note(&self, name: &[u8], last_hit: &Cell<u32>) -> Option<&V> {
        let at = self.position(name)?;
        last_hit.set(at as u32);
        self.at(at)
    }

    #[inline(always)]
    pub fn position(&self, name: &[u8]) -> Option<usize> {
        let fingerprint = Fingerprint::of(name);
        let slot = self.key.hash(fingerprint, name) as usize & self.slots.len().wrapping_sub(1);
        let at = (*self.slots.get(slot)? as usize).checked_sub(1)?;
        if self.entries.get(at)?.is(fingerprint, name) { Some(at) } else { self.probe(slot, name) }
    }

    /// The position of a name that is not at the first slot it could be at.
    #[inline(never)]
    fn probe(&self, first: usize, name: &[u8]) -> Option<usize> {
        let (fingerprint, mask) = (Fingerprint::of(name), self.slots.len().wrapping_sub(1));
        let mut slot = first;
        for _ in 0..self.most_steps {
            slot = (slot + 1) & mask;
            let at = (*self.slots.get(slot)? as usize).checked_sub(1)?;
            if self.entries.get(at)?.is(fingerprint, name) {
                return Some(at);
            }
        }
        None
    }

    /// Hashes all names anew, under other keys until none of them lies too far from its first slot.
    fn rebuild(&mut self) {
        self.most_steps = MOST_STEPS;
        let size = (self.entries.len() * 4).next_power_of_two().max(4);
        loop {
            self.slots = vec![0; size].into();
            if (0..self.entries.len()).all(|at| self.place(at)) {
                return;
            }
            self.key = HashKey::random();
            // Should no key part the names, the steps end with the table.
            self.most_steps *= 2;
        }
    }

    /// Puts the entry at a position into its slot; false if that is too far from the first it
    /// could be in.
    fn place(&mut self, at: usize) -> bool {
        let Some(entry) = self.entries.get(at) else { return true };
        let mask = self.slots.len() - 1;
        let first = self.key.hash(entry.fingerprint, &entry.name) as usize;
        for step in 0..=self.most_steps {
            if let Some(held) = self.slots.get_mut(first.wrapping_add(step) & mask)
                && *held == 0
            {
                *held = at as u32 + 1;
                return true;
            }
        }
        false
    }
}

impl<V> Named<V> {
    #[inline(always)]
    fn is(&self, fingerprint: Fingerprint, name: &[u8]) -> bool {
        self.fingerprint == fingerprint && (fingerprint.length <= SHORT || same(&self.name, name))
    }
}

#[inline(never)]
fn same(a: &[u8], b: &[u8]) -> bool {
    a == b
}

impl Fingerprint {
    #[inline(always)]
    fn of(name: &[u8]) -> Self {
        let length = name.len();
        match (name.first_chunk(), name.last_chunk()) {
            (Some(first), Some(last)) => Self { first: word(first), last: word(last), length },
            _ => Self { first: tiny(name), last: 0, length },
        }
    }
}

/// What names are hashed with. Both words are odd, so that any lengths are told apart by the lowest
/// bits of their products.
#[derive(Debug, Clone, Copy)]
struct HashKey([u64; 2]);

impl HashKey {
    const FIRST: Self = Self([0x9e37_79b9_7f4a_7c15, 0xd1b5_4a32_d192_ed03]);

    #[cold]
    fn random() -> Self {
        let state = RandomState::new();
        Self([0, 1].map(|half: u64| state.hash_one(half) | 1))
    }

    /// Of the name with this fingerprint, all of whose bytes count.
    #[inline(always)]
    fn hash(self, fingerprint: Fingerprint, name: &[u8]) -> u64 {
        let Self([one, other]) = self;
        let state = fold(fingerprint.first ^ one, fingerprint.last ^ other);
        let state = if fingerprint.length <= SHORT { state } else { self.long_hash(state, name) };
        // Of names that begin and end alike some differ in their length alone.
        state.wrapping_add((fingerprint.length as u64).wrapping_mul(one))
    }

    #[inline(never)]
    fn long_hash(self, state: u64, name: &[u8]) -> u64 {
        let Self([one, _]) = self;
        name.as_chunks::<8>().0.iter().fold(state, |state, chunk| fold(state ^ word(chunk), one))
    }
}

/// A name of less than eight bytes.
#[inline(never)]
fn tiny(name: &[u8]) -> u64 {
    name.iter().fold(0, |word, byte| word << 8 | u64::from(*byte))
}

#[inline(always)]
fn word(bytes: &[u8; 8]) -> u64 {
    u64::from_le_bytes(*bytes)
}

/// Both halves of the product.
#[inline(always)]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn similar_names_are_told_apart() {
        let mut names = NameTable::default();
        for i in 0..10_000u32 {
            assert_eq!(names.insert(format!("db.table_{i}").as_bytes(), i), None);
        }
        for i in 0..10_000u32 {
            assert_eq!(names.get(format!("db.table_{i}").as_bytes()), Some(&i));
        }
        assert_eq!(names.get(b"db.table_10000"), None);
        assert_eq!(names.insert(b"db.table_7", 70), Some(7));
        assert_eq!(names.len(), 10_000);
    }

    #[test]
    fn long_names_may_differ_anywhere() {
        let mut names = NameTable::default();
        for length in 0..60 {
            let name = vec![b'n'; length];
            assert_eq!(names.insert(&name, (length, length)), None);
            for at in 0..length {
                let mut name = name.clone();
                name[at] = b'!';
                assert_eq!(names.insert(&name, (length, at)), None, "{length} {at}");
            }
        }
        for length in 0..60 {
            let mut name = vec![b'n'; length];
            assert_eq!(names.get(&name), Some(&(length, length)));
            for at in 0..length {
                name[at] = b'!';
                assert_eq!(names.get(&name), Some(&(length, at)));
                name[at] = b'?';
                assert_eq!(names.get(&name), None);
                name[at] = b'n';
            }
        }
    }

    /// How many steps each name takes to be found.
    fn steps<V>(names: &NameTable<V>) -> impl Iterator<Item = usize> {
        let mask = names.slots.len() - 1;
        let taken = names.slots.iter().enumerate().filter(|(_, held)| **held != 0);
        taken.map(move |(slot, held)| {
            let entry = &names.entries[*held as usize - 1];
            slot.wrapping_sub(names.key.hash(entry.fingerprint, &entry.name) as usize) & mask
        })
    }

    #[test]
    fn names_that_differ_in_the_middle_share_no_slots() {
        let mut names = NameTable::default();
        for i in 0..10_000u32 {
            names.insert(format!("tenant_{i:05}.orders_archive").as_bytes(), i);
        }
        assert!(steps(&names).max() < Some(40));
    }

    /// Names that all hash to the same slot under the first key, in tables of up to 2^24 slots: one
    /// factor of the product is 1, and the other has no low bits.
    fn colliding(number: u64) -> [u8; 16] {
        let HashKey([one, other]) = HashKey::FIRST;
        let mut name = [0; 16];
        name[..8].copy_from_slice(&(one ^ 1).to_le_bytes());
        name[8..].copy_from_slice(&(other ^ number << 24).to_le_bytes());
        name
    }

    #[test]
    fn names_that_were_made_to_collide_are_parted() {
        let mut names = NameTable::default();
        for number in 0..60_000 {
            assert_eq!(names.insert(&colliding(number), number), None);
        }
        let ([first, second], HashKey(now)) = (HashKey::FIRST.0, names.key);
        assert_ne!([first, second], now);
        assert!(steps(&names).max() <= Some(MOST_STEPS));
        assert!((0..60_000).all(|number| names.get(&colliding(number)) == Some(&number)));
        assert_eq!(names.get(&colliding(60_000)), None);
        names.retain(|_, number| *number % 2 == 0);
        assert_eq!(names.get(&colliding(59_998)), Some(&59_998));
        assert_eq!(names.get(&colliding(59_999)), None);
    }

    #[test]
    fn names_that_differ_in_length_alone_are_parted() {
        let mut names = NameTable::default();
        // Each eight of them begin alike and end alike.
        for i in 0..8_000u32 {
            let (edge, middle) = (char::from(b'a' + (i / 8 % 26) as u8), i as usize % 8);
            let other = char::from_u32(0x100 + i / 208).unwrap();
            let name = format!("{other}{}{edge}", "n".repeat(6 + middle));
            assert_eq!(names.insert(name.as_bytes(), i), None);
        }
        assert!(steps(&names).max() < Some(40));
    }

    #[test]
    fn names_that_no_key_parts_are_found_all_the_same() {
        let mut names = NameTable::default();
        (0..1_000).for_each(|number| _ = names.insert(&colliding(number), number));
        // As after several keys that were no better than the first.
        (names.key, names.most_steps) = (HashKey::FIRST, 8 * MOST_STEPS);
        names.slots.fill(0);
        assert!((0..1_000).all(|at| names.place(at)));
        assert_eq!(steps(&names).max(), Some(999));
        assert!((0..1_000).all(|number| names.get(&colliding(number)) == Some(&number)));
        assert_eq!(names.get(&colliding(1_000)), None);
    }

    proptest! {
        #[test]
        fn behaves_like_an_ordinary_map(
            operations in proptest::collection::vec(("[a-c.]{0,4}", 0u8..20), 0..80),
        ) {
            let (mut names, mut model) = (NameTable::default(), BTreeMap::new());
            for (name, value) in operations {
                if value == 0 {
                    names.retain(|kept, _| kept != name.as_bytes());
                    model.remove(&name);
                } else {
                    prop_assert_eq!(names.insert(name.as_bytes(), value), model.insert(name, value));
                }
                prop_assert_eq!(names.len(), model.len());
                for (name, value) in &model {
                    prop_assert_eq!(names.get(name.as_bytes()), Some(value));
                }
                prop_assert_eq!(names.get(b"zzz"), None);
            }
        }
    }
}
