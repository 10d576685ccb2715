//! Several nodes asked the same, of which one answer is enough.
//!
//! A connection may hang though its node is well: where all have had their turn, a node that has sent
//! no byte is asked once more, beside the first question.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use crate::base::error::{Code, Error, Result};
use crate::base::panicked::caught;
use crate::base::thread;
use crate::base::work;
use crate::config::Node;
use crate::source::Attempt;

/// More nodes than this are not asked at the same time.
const MAX_AT_ONCE: usize = 16;

/// How long a node may go without connection before the next one is asked, too (RFC 8305 has the
/// same for addresses).
const TO_CONNECT: Duration = Duration::from_millis(250);

/// How long a node that has taken the connection may go without an answer before the next one is
/// asked, too.
const TO_ANSWER: Duration = Duration::from_secs(1);

/// How often it is looked whether a node whose answer came in owes another one.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// The head start that a node has before the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HedgeDelay {
    pub to_connect: Duration,
    pub to_answer: Duration,
    /// How long a node may owe the first byte of its answer before it is asked once more itself.
    pub to_begin: Duration,
}

impl HedgeDelay {
    /// The next node is asked when one has failed, and not before.
    pub(crate) const NONE: Self =
        Self { to_connect: Duration::MAX, to_answer: Duration::MAX, to_begin: Duration::MAX };

    /// For so many nodes, all of which must have their turn within `bound`. A farm whose answers
    /// `usually` take long is not asked for each of them twice; for that it may have the time that
    /// all of them have, since a node that is asked anew needs as long again.
    pub fn of(nodes: usize, bound: Duration, typical: Duration) -> Self {
        let share = bound / u32::try_from(nodes.saturating_add(1)).unwrap_or(u32::MAX);
        Self {
            to_connect: TO_CONNECT.min(share),
            to_answer: TO_ANSWER.max(typical.saturating_mul(2)).min(share),
            to_begin: TO_ANSWER.min(bound / 2).max(typical.saturating_mul(2)),
        }
    }
}

/// The answer that came first.
pub struct FirstAnswer<T> {
    /// The index of its node.
    pub node: usize,
    pub answer: T,
    pub attempt: Attempt,
    /// What the answer took.
    pub took: Duration,
    /// The processor time it took on threads other than the caller's.
    pub elsewhere: Duration,
}

/// An attempt that is under way.
struct RunningAttempt {
    /// Each has its own.
    number: usize,
    node: usize,
    begun: Instant,
    attempt: Attempt,
}

impl RunningAttempt {
    /// When the next node's turn comes.
    fn next_at(&self, hedge_delay: HedgeDelay) -> Instant {
        let pause = match self.attempt.is_connected() {
            true => hedge_delay.to_answer,
            false => hedge_delay.to_connect,
        };
        after(self.begun, pause)
    }

    /// When the same node is to be asked once more; `None` while its answer comes in.
    fn again_at(&self, hedge_delay: HedgeDelay) -> Option<Instant> {
        Some(after(self.attempt.silent_since()?, hedge_delay.to_begin))
    }
}

fn after(begun: Instant, pause: Duration) -> Instant {
    // Endless is as good as a day.
    begun.checked_add(pause).unwrap_or(begun + Duration::from_secs(86_400))
}

/// Whose turn it is next, and when.
struct AttemptSchedule<'n> {
    nodes: &'n [Node],
    hedge_delay: HedgeDelay,
    /// How many have had their first turn.
    begun: usize,
    /// Those that have had their second one, too.
    again: BTreeSet<usize>,
}

impl AttemptSchedule<'_> {
    /// The next node, by its index, and when its turn comes beside those that are under way.
    fn next(&self, running: &[RunningAttempt], now: Instant) -> Option<(usize, Instant)> {
        let last = running.last();
        if self.begun < self.nodes.len() {
            return Some((self.begun, last.map_or(now, |last| last.next_at(self.hedge_delay))));
        }
        let silent = running.iter().filter(|running| !self.again.contains(&running.node));
        let at = |silent: &RunningAttempt| Some((silent.node, silent.again_at(self.hedge_delay)?));
        let (node, at) = silent.filter_map(at).min_by_key(|(_, at)| *at)?;
        // One after the other: each of them may be the one that answers.
        Some((node, last.map_or(at, |last| at.max(last.next_at(self.hedge_delay)))))
    }

    fn took(&mut self, node: usize) {
        if node == self.begun {
            self.begun += 1;
        } else {
            self.again.insert(node);
        }
    }

    /// Whether one that owes nothing now may have a second turn later, because it takes several
    /// requests to answer.
    fn may_change(&self, running: &[RunningAttempt]) -> bool {
        let never_again = self.hedge_delay.to_begin == Duration::MAX;
        !never_again && running.iter().any(|running| !self.again.contains(&running.node))
    }
}

/// Asks `nodes` in their order until one answers: the next one as soon as one has failed, or has
/// had its head start; and then those once more that are silent, each beside its first question. All
/// are over at `until`. `failed` hears of those that failed, and of those that had not answered in
/// time when another one did.
///
/// Where no thread can be had, asks in the calling thread, one after the other: each has its share of
/// what is left of the time, unless the next one is to be asked only when it has failed.
pub fn race<T: Send>(
    nodes: &[Node],
    hedge_delay: HedgeDelay,
    until: Option<Instant>,
    ask: impl Fn(&Node, &Attempt) -> Result<T> + Sync,
    mut failed: impl FnMut(&Node, Option<Error>),
) -> Option<FirstAnswer<T>> {
    if let ([node], HedgeDelay::NONE) = (nodes, hedge_delay) {
        return here(0, node, until, &ask, &mut failed);
    }
    let (told, heard) = mpsc::channel();
    thread::scope(|threads| {
        let mut running: Vec<RunningAttempt> = Vec::new();
        let mut schedule = AttemptSchedule { nodes, hedge_delay, begun: 0, again: BTreeSet::new() };
        // What came of the one question to a node while its other one was under way.
        let mut silences: BTreeMap<usize, (usize, Error)> = BTreeMap::new();
        // Whether the next one need not wait, and how many may run.
        let (mut at_once, mut most) = (true, MAX_AT_ONCE);
        let mut number = 0;
        loop {
            let now = Instant::now();
            let next = schedule.next(&running, now).filter(|_| running.len() < most);
            if let Some((index, due)) = next
                && (due <= now || at_once && schedule.begun < nodes.len())
                && let Some(node) = nodes.get(index)
            {
                at_once = false;
                let attempt = Attempt::until(until);
                let (told, ask, own) = (told.clone(), &ask, attempt.clone());
                number += 1;
                let own_number = number;
                let started = threads.start("fabric-ask", move || {
                    let outcome = caught(QUESTION, || ask(node, &own));
                    // The winner may have been heard already, and the others are of no interest.
                    let _ = told.send((own_number, outcome, work::of_thread()));
                });
                match started {
                    Ok(()) => {
                        schedule.took(index);
                        running.push(RunningAttempt { number, node: index, begun: now, attempt });
                    }
                    // There are no threads. Those under way come to their end first.
                    Err(_) if !running.is_empty() => most = running.len(),
                    Err(_) => {
                        schedule.took(index);
                        let left = nodes.len().saturating_sub(index);
                        let until = if hedge_delay == HedgeDelay::NONE {
                            until
                        } else {
                            time_for_first(until, left)
                        };
                        let first = here(index, node, until, ask, &mut failed);
                        if first.is_some() {
                            return first;
                        }
                        at_once = true;
                    }
                }
                continue;
            }
            if running.is_empty() {
                return None;
            }
            let due = next.map(|(_, due)| due);
            let due = due.or_else(|| schedule.may_change(&running).then(|| now + LOOK_AGAIN));
            let news = match due {
                Some(due) => heard.recv_timeout(due.saturating_duration_since(now)),
                None => heard.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            let Ok((number, outcome, elsewhere)) = news else { continue };
            let Some(place) = running.iter().position(|running| running.number == number) else {
                continue;
            };
            let ended = running.remove(place);
            most = MAX_AT_ONCE;
            let index = ended.node;
            match outcome {
                Ok(answer) => {
                    for loser in &running {
                        loser.attempt.cancel();
                        if loser.node != index
                            && let Some(node) = nodes.get(loser.node)
                            && loser.next_at(hedge_delay) <= Instant::now()
                        {
                            failed(node, None);
                        }
                    }
                    let took = ended.begun.elapsed();
                    return Some(FirstAnswer {
                        node: index,
                        answer,
                        attempt: ended.attempt,
                        took,
                        elsewhere,
                    });
                }
                Err(error) => {
                    // A question that came to nothing is no answer while the same node has another
                    // one; what the node says itself it would only say twice.
                    let others = running.iter().filter(|running| running.node == index);
                    let is_silence = is_silence(&error);
                    if is_silence && others.clone().next().is_some() {
                        silences.insert(index, (number, error));
                        continue;
                    }
                    // The first one had all of the time, and so tells how much that was.
                    let error = match silences.remove(&index) {
                        Some((other, earlier)) if is_silence && other < number => earlier,
                        _ => error,
                    };
                    others.for_each(|other| other.attempt.cancel());
                    running.retain(|running| running.node != index);
                    if let Some(node) = nodes.get(index) {
                        failed(node, Some(error));
                    }
                    at_once = true;
                }
            }
        }
    })
}

/// Whether a failure says nothing of what the node would answer.
fn is_silence(error: &Error) -> bool {
    matches!(error.code, Code::Unreachable | Code::Timeout | Code::Protocol)
}

/// Until when the first of so many nodes may be asked, if each is to have as long.
fn time_for_first(until: Option<Instant>, nodes: usize) -> Option<Instant> {
    let (until, now) = (until?, Instant::now());
    let nodes = u32::try_from(nodes.max(1)).unwrap_or(u32::MAX);
    Some(now + until.saturating_duration_since(now) / nodes)
}

/// Asks one node in the calling thread.
fn here<T>(
    index: usize,
    node: &Node,
    until: Option<Instant>,
    ask: &impl Fn(&Node, &Attempt) -> Result<T>,
    failed: &mut impl FnMut(&Node, Option<Error>),
) -> Option<FirstAnswer<T>> {
    let (attempt, begun) = (Attempt::until(until), Instant::now());
    match ask(node, &attempt) {
        Ok(answer) => {
            let took = begun.elapsed();
            Some(FirstAnswer { node: index, answer, attempt, took, elsewhere: Duration::ZERO })
        }
        Err(error) => {
            failed(node, Some(error));
            None
        }
    }
}

/// Asks all `nodes` at once, as many as threads can be had for, and hands on what they answer
/// until `until`.
pub fn ask_all<T: Send>(
    nodes: &[Node],
    until: Instant,
    ask: impl Fn(&Node, &Attempt) -> Result<T> + Sync,
    mut ended: impl FnMut(&Node, Result<T>),
) {
    for some in nodes.chunks(MAX_AT_ONCE) {
        let (told, heard) = mpsc::channel();
        thread::scope(|threads| {
            for node in some {
                let (told, ask) = (told.clone(), &ask);
                // Without a thread a node is not asked this time.
                let _ = threads.start("fabric-ask", move || {
                    let attempt = Attempt::until(Some(until));
                    let _ = told.send((node, caught(QUESTION, || ask(node, &attempt))));
                });
            }
            drop(told);
            heard.iter().for_each(|(node, outcome)| ended(node, outcome));
        });
    }
}

/// What a panic's error names.
const QUESTION: &str = "a question to a node";

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const NEVER: Duration = Duration::from_secs(3600);

    fn nodes(count: u16) -> Vec<Node> {
        (1..=count).map(|port| Node { host: "n".into(), port }).collect()
    }

    fn silent() -> Error {
        Error::new(Code::Unreachable, "silent")
    }

    /// Hangs until another one has won.
    fn hang(attempt: &Attempt) -> Result<u16> {
        while !attempt.is_cancelled() {
            std::thread::sleep(Duration::from_millis(1));
        }
        Err(silent())
    }

    #[test]
    fn the_next_one_is_asked_when_one_fails() {
        let hedge_delay = HedgeDelay::NONE;
        for count in [1, 3] {
            let mut failures = Vec::new();
            let ask =
                |node: &Node, _: &Attempt| if node.port == count { Ok(7) } else { Err(silent()) };
            let failed =
                |node: &Node, error: Option<Error>| failures.push((node.port, error.is_some()));
            let first = race(&nodes(count), hedge_delay, None, ask, failed).unwrap();
            assert_eq!((first.node, first.answer), (usize::from(count) - 1, 7));
            assert_eq!(failures, (1..count).map(|port| (port, true)).collect::<Vec<_>>());
        }
        let first = race(&nodes(3), hedge_delay, None, |_, _| Err::<(), _>(silent()), |_, _| ());
        assert!(first.is_none());
        assert!(race(&[], hedge_delay, None, |_, _| Ok(()), |_, _| ()).is_none());
    }

    #[test]
    fn the_next_one_is_asked_when_one_is_slow() {
        let soon = Duration::from_millis(1);
        for connects in [false, true] {
            let to_answer = if connects { soon } else { NEVER };
            let hedge_delay = HedgeDelay { to_connect: soon, to_answer, to_begin: NEVER };
            let slow = Mutex::new(Vec::new());
            let ask = |node: &Node, attempt: &Attempt| {
                if connects {
                    attempt.connected();
                }
                if node.port == 40 { Ok(node.port) } else { hang(attempt) }
            };
            let failed = |node: &Node, error: Option<Error>| {
                assert_eq!(error, None);
                slow.lock().unwrap().push(node.port);
            };
            // The sixteenth is the last that may be asked while nobody ends.
            let all: Vec<Node> = nodes(15).into_iter().chain(nodes(40).pop()).collect();
            assert_eq!(race(&all, hedge_delay, None, ask, failed).unwrap().answer, 40);
            let slow = slow.into_inner().unwrap();
            assert!(slow.contains(&1), "{slow:?}");
        }
    }

    #[test]
    fn not_too_many_are_asked_at_once() {
        let zero = Duration::ZERO;
        let hedge_delay = HedgeDelay { to_connect: zero, to_answer: zero, to_begin: zero };
        let (inside, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let ask = |_: &Node, _: &Attempt| -> Result<()> {
            most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(2));
            inside.fetch_sub(1, Ordering::SeqCst);
            Err(silent())
        };
        let mut failures = 0;
        assert!(race(&nodes(60), hedge_delay, None, ask, |_, _| failures += 1).is_none());
        assert_eq!(failures, 60);
        assert!(most.load(Ordering::SeqCst) <= MAX_AT_ONCE);
        let mut answers = 0;
        ask_all(&nodes(60), Instant::now() + NEVER, ask, |_, _| answers += 1);
        assert_eq!(answers, 60);
        assert!(most.load(Ordering::SeqCst) <= MAX_AT_ONCE);
    }

    #[test]
    fn of_two_questions_that_came_to_nothing_the_first_one_tells_why() {
        // Enough for the first question's thread to begin before the second one's, on a busy machine.
        let soon = Duration::from_millis(200);
        let hedge_delay = HedgeDelay { to_connect: soon, to_answer: soon, to_begin: soon };
        for ends_first in [0, 1] {
            let (asked, ended) = (AtomicUsize::new(0), AtomicUsize::new(0));
            let ask = |_: &Node, _: &Attempt| -> Result<()> {
                let number = asked.fetch_add(1, Ordering::SeqCst);
                while asked.load(Ordering::SeqCst) < 2
                    || number != ends_first && ended.load(Ordering::SeqCst) == 0
                {
                    std::thread::sleep(Duration::from_millis(1));
                }
                ended.fetch_add(1, Ordering::SeqCst);
                Err(Error::new(Code::Timeout, number.to_string()))
            };
            let mut told = Vec::new();
            let failed = |_: &Node, error: Option<Error>| told.extend(error.map(|e| e.message));
            assert!(race(&nodes(1), hedge_delay, None, ask, failed).is_none());
            assert_eq!(told, ["0"], "{ends_first}");
        }
    }

    #[test]
    fn a_node_that_sends_no_byte_is_asked_once_more_and_one_that_does_is_not() {
        let soon = Duration::from_millis(1);
        let hedge_delay = HedgeDelay { to_connect: soon, to_answer: soon, to_begin: soon };
        // The first connection to each hangs, and those of the last node do not.
        let asked = [const { AtomicUsize::new(0) }; 4];
        let ask = |node: &Node, attempt: &Attempt| {
            let before = asked[usize::from(node.port)].fetch_add(1, Ordering::SeqCst);
            if before == 1 && node.port == 3 { Ok(node.port) } else { hang(attempt) }
        };
        let mut silent_nodes = Vec::new();
        let failed = |node: &Node, error: Option<Error>| {
            assert_eq!(error, None);
            silent_nodes.push(node.port);
        };
        let first = race(&nodes(3), hedge_delay, None, ask, failed).unwrap();
        assert_eq!((first.node, first.answer), (2, 3));
        assert_eq!(asked.each_ref().map(|count| count.load(Ordering::SeqCst)), [0, 2, 2, 2]);
        assert!(!silent_nodes.contains(&3), "it has answered");

        let asked = AtomicUsize::new(0);
        let ask = |_: &Node, attempt: &Attempt| {
            asked.fetch_add(1, Ordering::SeqCst);
            attempt.answered(Duration::ZERO);
            std::thread::sleep(Duration::from_millis(900));
            Ok(())
        };
        // Time enough for its first byte on a busy machine.
        let hedge_delay = HedgeDelay { to_begin: Duration::from_millis(300), ..hedge_delay };
        assert!(race(&nodes(1), hedge_delay, None, ask, |_, _| ()).is_some());
        assert_eq!(asked.into_inner(), 1);
    }

    #[test]
    fn of_two_questions_to_a_node_what_it_says_counts_and_one_that_breaks_does_not() {
        let soon = Duration::from_millis(1);
        let hedge_delay = HedgeDelay { to_connect: soon, to_answer: soon, to_begin: soon };
        let (asked, over) = (AtomicUsize::new(0), AtomicUsize::new(0));
        // The second one breaks; the first one then gives the answer, or the refusal.
        for refuses in [false, true] {
            let ask = |_: &Node, attempt: &Attempt| {
                if asked.fetch_add(1, Ordering::SeqCst) % 2 == 1 {
                    over.fetch_add(1, Ordering::SeqCst);
                    return Err(silent());
                }
                while over.load(Ordering::SeqCst) == 0 {
                    std::thread::sleep(Duration::from_millis(1));
                }
                std::thread::sleep(Duration::from_millis(20));
                assert!(!attempt.is_cancelled());
                if refuses { Err(Error::new(Code::Fabric, "no")) } else { Ok(()) }
            };
            let mut failures = Vec::new();
            let failed = |_: &Node, error: Option<Error>| failures.push(error.map(|e| e.code));
            let first = race(&nodes(1), hedge_delay, None, ask, failed);
            assert_eq!(first.is_some(), !refuses);
            assert_eq!(failures, if refuses { vec![Some(Code::Fabric)] } else { vec![] });
            assert_eq!(asked.load(Ordering::SeqCst) % 2, 0);
            over.store(0, Ordering::SeqCst);
        }
        // What one says ends the other, which would hang for ever.
        let ask = |_: &Node, attempt: &Attempt| match asked.fetch_add(1, Ordering::SeqCst) % 2 {
            0 => hang(attempt).map(drop),
            _ => Err(Error::new(Code::Auth, "no")),
        };
        assert!(race(&nodes(1), hedge_delay, None, ask, |_, _| ()).is_none());
    }

    #[test]
    fn a_panic_is_a_failure() {
        let hedge_delay = HedgeDelay::NONE;
        let ask = |node: &Node, _: &Attempt| match node.port {
            1 => panic!("on purpose"),
            port => Ok(port),
        };
        let mut failures = Vec::new();
        let failed = |_: &Node, error: Option<Error>| failures.push(error.map(|error| error.code));
        assert_eq!(race(&nodes(2), hedge_delay, None, ask, failed).unwrap().answer, 2);
        assert_eq!(failures, [Some(Code::Panic)]);
    }

    #[test]
    fn everybody_has_a_turn_within_the_bound() {
        let of = |nodes, bound, typical| {
            let HedgeDelay { to_connect, to_answer, to_begin } =
                HedgeDelay::of(nodes, Duration::from_millis(bound), Duration::from_millis(typical));
            (to_connect.as_millis(), to_answer.as_millis(), to_begin.as_millis())
        };
        assert_eq!(of(2, 20_000, 5), (250, 1000, 1000));
        assert_eq!(of(2, 20_000, 1_500), (250, 3000, 3000));
        assert_eq!(of(2, 20_000, 60_000), (250, 6666, 120_000));
        assert_eq!(of(1, 20_000, 8_000), (250, 10_000, 16_000));
        assert_eq!(of(63, 500, 5), (7, 7, 250));
    }
}
