//! One question to one node, as those see it who may ask another node meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::net::event_loop::guarded;

/// What a question may take, and how far it got. Clones are the same attempt.
#[derive(Clone, Default)]
pub struct Attempt {
    until: Option<Instant>,
    progress: Arc<Progress>,
}

struct Progress {
    begun: Instant,
    /// Microseconds since then at which the request went out that has no answer yet; `ANSWERED` if
    /// all have.
    asked: AtomicU64,
    cancelled: watch::Sender<bool>,
    connected: AtomicBool,
    /// Microseconds.
    waited: AtomicU64,
    quickest: AtomicU64,
    answers: AtomicU64,
}

const ANSWERED: u64 = u64::MAX;

impl Default for Progress {
    fn default() -> Self {
        Self {
            begun: Instant::now(),
            asked: AtomicU64::new(0),
            cancelled: watch::Sender::default(),
            connected: AtomicBool::default(),
            waited: AtomicU64::default(),
            quickest: AtomicU64::default(),
            answers: AtomicU64::default(),
        }
    }
}

/// How long the first bytes of a node's answers were waited for: the way there and back, and what
/// the node did before it answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FirstByteTimes {
    pub answers: u32,
    pub total: Duration,
    /// `None` without an answer.
    pub quickest: Option<Duration>,
}

impl Attempt {
    /// An attempt that must be over at `until`, if that comes before the request timeout.
    pub fn until(until: Option<Instant>) -> Self {
        Self { until, progress: Arc::default() }
    }

    /// Whether the two are the same attempt.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.progress, &other.progress)
    }

    /// How long a request that begins now may take, if `most` is allowed at most.
    pub fn left(&self, most: Duration) -> Duration {
        match self.until {
            Some(until) => most.min(until.saturating_duration_since(Instant::now())),
            None => most,
        }
    }

    /// Cuts it off: nobody wants its answer any more.
    pub fn cancel(&self) {
        // Who is woken may have lost its descriptors.
        guarded(|| self.progress.cancelled.send_replace(true));
    }

    pub fn is_cancelled(&self) -> bool {
        *self.progress.cancelled.borrow()
    }

    pub fn cancelled(&self) -> watch::Receiver<bool> {
        self.progress.cancelled.subscribe()
    }

    /// Whether the node took a connection. TLS is agreed on then, too.
    pub fn is_connected(&self) -> bool {
        self.progress.connected.load(Ordering::Relaxed)
    }

    pub fn connected(&self) {
        self.progress.connected.store(true, Ordering::Relaxed);
    }

    /// Notes that a request goes out.
    pub fn asks(&self) {
        let Progress { begun, asked, .. } = &*self.progress;
        let now = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        asked.store(now.min(ANSWERED - 1), Ordering::Relaxed);
    }

    /// Since when the node owes the first byte of an answer; nothing while one comes in.
    pub fn silent_since(&self) -> Option<Instant> {
        let Progress { begun, asked, .. } = &*self.progress;
        match asked.load(Ordering::Relaxed) {
            ANSWERED => None,
            after => begun.checked_add(Duration::from_micros(after)),
        }
    }

    /// Notes that an answer began `after` so long.
    pub(crate) fn answered(&self, after: Duration) {
        self.progress.asked.store(ANSWERED, Ordering::Relaxed);
        let after = u64::try_from(after.as_micros()).unwrap_or(u64::MAX);
        let Progress { waited, quickest, answers, .. } = &*self.progress;
        waited.fetch_add(after, Ordering::Relaxed);
        // The requests of one attempt come one after the other.
        match answers.fetch_add(1, Ordering::Relaxed) {
            0 => quickest.store(after, Ordering::Relaxed),
            _ => drop(quickest.fetch_min(after, Ordering::Relaxed)),
        }
    }

    pub fn waits(&self) -> FirstByteTimes {
        let Progress { waited, quickest, answers, .. } = &*self.progress;
        let answers = answers.load(Ordering::Relaxed);
        let quickest = Duration::from_micros(quickest.load(Ordering::Relaxed));
        FirstByteTimes {
            answers: u32::try_from(answers).unwrap_or(u32::MAX),
            total: Duration::from_micros(waited.load(Ordering::Relaxed)),
            quickest: (answers > 0).then_some(quickest),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearer_of_two_bounds_counts() {
        let (second, minute) = (Duration::from_secs(1), Duration::from_secs(60));
        assert_eq!(Attempt::default().left(minute), minute);
        let attempt = Attempt::until(Some(Instant::now() + minute));
        assert_eq!(attempt.left(second), second);
        assert!(attempt.left(minute * 2) <= minute);
        assert_eq!(Attempt::until(Some(Instant::now())).left(second), Duration::ZERO);
    }

    #[test]
    fn a_node_is_silent_until_its_answer_begins_and_again_from_the_next_request_on() {
        let attempt = Attempt::default();
        let begun = attempt.silent_since().expect("nothing has come");
        attempt.answered(Duration::ZERO);
        assert_eq!(attempt.silent_since(), None);
        std::thread::sleep(Duration::from_millis(2));
        attempt.clone().asks();
        assert!(attempt.silent_since().expect("nothing has come") > begun);
    }

    #[test]
    fn waits_add_up() {
        let attempt = Attempt::default();
        assert_eq!(attempt.waits(), FirstByteTimes::default());
        for millis in [30, 10, 20] {
            attempt.clone().answered(Duration::from_millis(millis));
        }
        let quickest = Some(Duration::from_millis(10));
        let total = Duration::from_millis(60);
        assert_eq!(attempt.waits(), FirstByteTimes { answers: 3, total, quickest });
    }
}
