//! Several nodes asked the same, of which one answer is enough.

use std::panic::{self, AssertUnwindSafe};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use crate::base::thread::start_in;
use crate::base::work;
use crate::config::Node;
use crate::error::{Code, Error, Result};
use crate::fabric::Attempt;

/// More nodes than this are not asked at the same time.
const MAX_AT_ONCE: usize = 16;

/// How long a node may go without connection before the next one is asked, too (RFC 8305 has the
/// same for addresses).
const TO_CONNECT: Duration = Duration::from_millis(250);

/// How long a node that has taken the connection may go without an answer before the next one is
/// asked, too.
const TO_ANSWER: Duration = Duration::from_secs(1);

/// The head start that a node has before the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeadStart {
    pub to_connect: Duration,
    pub to_answer: Duration,
}

impl HeadStart {
    /// The next node is asked when one has failed, and not before.
    pub(crate) const NONE: Self = Self { to_connect: Duration::MAX, to_answer: Duration::MAX };

    /// For so many nodes, all of which must have their turn within `bound`. A farm whose answers
    /// `usually` take long is not asked for each of them twice.
    pub fn of(nodes: usize, bound: Duration, usually: Duration) -> Self {
        let share = bound / u32::try_from(nodes.saturating_add(1)).unwrap_or(u32::MAX);
        Self {
            to_connect: TO_CONNECT.min(share),
            to_answer: TO_ANSWER.max(usually.saturating_mul(2)).min(share),
        }
    }
}

/// The answer that came first.
pub struct Won<T> {
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
struct Running {
    node: usize,
    begun: Instant,
    attempt: Attempt,
}

impl Running {
    /// When the next node's turn comes.
    fn next_at(&self, head_start: HeadStart) -> Instant {
        let pause = match self.attempt.is_connected() {
            true => head_start.to_answer,
            false => head_start.to_connect,
        };
        // Endless is as good as a day.
        self.begun.checked_add(pause).unwrap_or(self.begun + Duration::from_secs(86_400))
    }
}

/// Asks `nodes` in their order until one answers: the next one as soon as one has failed, or has
/// had its head start. All are over at `until`. `failed` hears of those that failed, and of those
/// that had not answered in time when another one did.
///
/// With one node, or where no thread can be had, asks in the calling thread.
pub fn race<T: Send>(
    nodes: &[Node],
    head_start: HeadStart,
    until: Option<Instant>,
    ask: impl Fn(&Node, &Attempt) -> Result<T> + Sync,
    mut failed: impl FnMut(&Node, Option<Error>),
) -> Option<Won<T>> {
    if let [node] = nodes {
        return here(0, node, until, &ask, &mut failed);
    }
    let (told, heard) = mpsc::channel();
    thread::scope(|scope| {
        let mut running: Vec<Running> = Vec::new();
        let mut waiting = nodes.iter().enumerate().peekable();
        // Whether the next one need not wait, and how many may run.
        let (mut at_once, mut most) = (true, MAX_AT_ONCE);
        loop {
            let due = running.last().map_or_else(Instant::now, |last| last.next_at(head_start));
            let is_due = at_once || due <= Instant::now();
            if running.len() < most
                && is_due
                && let Some((index, node)) = waiting.peek().copied()
            {
                at_once = false;
                let attempt = Attempt::until(until);
                let (told, ask, own) = (told.clone(), &ask, attempt.clone());
                let begun = Instant::now();
                let started = start_in(scope, "fabric-ask", move || {
                    let outcome = panic::catch_unwind(AssertUnwindSafe(|| ask(node, &own)));
                    // The winner may have been heard already, and the others are of no interest.
                    let _ = told.send((
                        index,
                        outcome.unwrap_or_else(|_| Err(panicked())),
                        work::of_thread(),
                    ));
                });
                match started {
                    Ok(_) => {
                        waiting.next();
                        running.push(Running { node: index, begun, attempt });
                    }
                    // There are no threads. Those under way come to their end first.
                    Err(_) if !running.is_empty() => most = running.len(),
                    Err(_) => {
                        waiting.next();
                        let won = here(index, node, until, ask, &mut failed);
                        if won.is_some() {
                            return won;
                        }
                        at_once = true;
                    }
                }
                continue;
            }
            if running.is_empty() {
                return None;
            }
            let more = running.len() < most && waiting.peek().is_some();
            let news = match more {
                true => heard.recv_timeout(due.saturating_duration_since(Instant::now())),
                false => heard.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            let Ok((index, outcome, elsewhere)) = news else { continue };
            let Some(place) = running.iter().position(|running| running.node == index) else {
                continue;
            };
            let ended = running.remove(place);
            most = MAX_AT_ONCE;
            match outcome {
                Ok(answer) => {
                    for loser in &running {
                        loser.attempt.cancel();
                        if let Some(node) = nodes.get(loser.node)
                            && loser.next_at(head_start) <= Instant::now()
                        {
                            failed(node, None);
                        }
                    }
                    let took = ended.begun.elapsed();
                    return Some(Won {
                        node: index,
                        answer,
                        attempt: ended.attempt,
                        took,
                        elsewhere,
                    });
                }
                Err(error) => {
                    if let Some(node) = nodes.get(index) {
                        failed(node, Some(error));
                    }
                    at_once = true;
                }
            }
        }
    })
}

/// Asks one node in the calling thread.
fn here<T>(
    index: usize,
    node: &Node,
    until: Option<Instant>,
    ask: &impl Fn(&Node, &Attempt) -> Result<T>,
    failed: &mut impl FnMut(&Node, Option<Error>),
) -> Option<Won<T>> {
    let (attempt, begun) = (Attempt::until(until), Instant::now());
    match ask(node, &attempt) {
        Ok(answer) => {
            let took = begun.elapsed();
            Some(Won { node: index, answer, attempt, took, elsewhere: Duration::ZERO })
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
        thread::scope(|scope| {
            for node in some {
                let (told, ask) = (told.clone(), &ask);
                // Without a thread a node is not asked this time.
                let _ = start_in(scope, "fabric-ask", move || {
                    let attempt = Attempt::until(Some(until));
                    let outcome = panic::catch_unwind(AssertUnwindSafe(|| ask(node, &attempt)));
                    let _ = told.send((node, outcome.unwrap_or_else(|_| Err(panicked()))));
                });
            }
            drop(told);
            heard.iter().for_each(|(node, outcome)| ended(node, outcome));
        });
    }
}

fn panicked() -> Error {
    Error::new(Code::Panic, "a question to a Fabric node ended in a panic; please report this")
}

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
            thread::sleep(Duration::from_millis(1));
        }
        Err(silent())
    }

    #[test]
    fn the_next_one_is_asked_when_one_fails() {
        let head_start = HeadStart { to_connect: NEVER, to_answer: NEVER };
        for count in [1, 3] {
            let mut failures = Vec::new();
            let ask =
                |node: &Node, _: &Attempt| if node.port == count { Ok(7) } else { Err(silent()) };
            let failed =
                |node: &Node, error: Option<Error>| failures.push((node.port, error.is_some()));
            let won = race(&nodes(count), head_start, None, ask, failed).unwrap();
            assert_eq!((won.node, won.answer), (usize::from(count) - 1, 7));
            assert_eq!(failures, (1..count).map(|port| (port, true)).collect::<Vec<_>>());
        }
        let won = race(&nodes(3), head_start, None, |_, _| Err::<(), _>(silent()), |_, _| ());
        assert!(won.is_none());
        assert!(race(&[], head_start, None, |_, _| Ok(()), |_, _| ()).is_none());
    }

    #[test]
    fn the_next_one_is_asked_when_one_is_slow() {
        let soon = Duration::from_millis(1);
        for connects in [false, true] {
            let to_answer = if connects { soon } else { NEVER };
            let head_start = HeadStart { to_connect: soon, to_answer };
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
            assert_eq!(race(&all, head_start, None, ask, failed).unwrap().answer, 40);
            let slow = slow.into_inner().unwrap();
            assert!(slow.contains(&1), "{slow:?}");
        }
    }

    #[test]
    fn not_too_many_are_asked_at_once() {
        let head_start = HeadStart { to_connect: Duration::ZERO, to_answer: Duration::ZERO };
        let (inside, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let ask = |_: &Node, _: &Attempt| -> Result<()> {
            most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            thread::sleep(Duration::from_millis(2));
            inside.fetch_sub(1, Ordering::SeqCst);
            Err(silent())
        };
        let mut failures = 0;
        assert!(race(&nodes(60), head_start, None, ask, |_, _| failures += 1).is_none());
        assert_eq!(failures, 60);
        assert!(most.load(Ordering::SeqCst) <= MAX_AT_ONCE);
        let mut answers = 0;
        ask_all(&nodes(60), Instant::now() + NEVER, ask, |_, _| answers += 1);
        assert_eq!(answers, 60);
        assert!(most.load(Ordering::SeqCst) <= MAX_AT_ONCE);
    }

    #[test]
    fn a_panic_is_a_failure() {
        let head_start = HeadStart { to_connect: NEVER, to_answer: NEVER };
        let ask = |node: &Node, _: &Attempt| match node.port {
            1 => panic!("on purpose"),
            port => Ok(port),
        };
        let mut failures = Vec::new();
        let failed = |_: &Node, error: Option<Error>| failures.push(error.map(|error| error.code));
        assert_eq!(race(&nodes(2), head_start, None, ask, failed).unwrap().answer, 2);
        assert_eq!(failures, [Some(Code::Panic)]);
    }

    #[test]
    fn everybody_has_a_turn_within_the_bound() {
        let of = |nodes, bound, usually| {
            let HeadStart { to_connect, to_answer } =
                HeadStart::of(nodes, Duration::from_millis(bound), Duration::from_millis(usually));
            (to_connect.as_millis(), to_answer.as_millis())
        };
        assert_eq!(of(2, 20_000, 5), (250, 1000));
        assert_eq!(of(2, 20_000, 1_500), (250, 3000));
        assert_eq!(of(2, 20_000, 60_000), (250, 6666));
        assert_eq!(of(63, 500, 5), (7, 7));
    }
}
