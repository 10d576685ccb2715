//! Reports to the source, off the caller's path: deduplicated, and one at a time.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;
use std::{io, mem};

use crate::base;
use crate::base::clock::millis;
use crate::base::error::Result;
use crate::base::panicked::caught;
use crate::base::sync::{Mutex, rank};
use crate::base::thread::Threads;

/// More servers than this do not fail at once; a queue that is longer is a mistake.
const MAX_QUEUED: usize = 64;

/// What waits to be reported, and what was.
#[derive(Default)]
pub struct Reports {
    state: Mutex<State, { rank::REPORTS }>,
    /// The thread that reports, and those before it that may not be over yet.
    threads: Threads,
}

#[derive(Default)]
struct State {
    queue: VecDeque<(String, i32)>,
    /// When each server was reported last.
    reported: BTreeMap<String, u64>,
    busy: bool,
    stopped: bool,
}

impl Reports {
    /// Queues a report, unless the same server was reported within the `window`. True if nobody is
    /// at the queue: then the caller is to have `start` do so.
    pub fn queue(&self, server_uuid: &str, errno: i32, now: u64, window: Duration) -> bool {
        let mut state = self.state.lock();
        state.reported.retain(|_, then| now.saturating_sub(*then) < millis(window));
        let known = state.reported.contains_key(server_uuid);
        if known || state.stopped || state.queue.len() >= MAX_QUEUED {
            return false;
        }
        state.reported.insert(server_uuid.to_owned(), now);
        state.queue.push_back((server_uuid.to_owned(), errno));
        !mem::replace(&mut state.busy, true)
    }

    /// Starts a thread for what waits, which is to call `send_all`.
    ///
    /// # Errors
    /// There is none to be had. What waits was not reported, and may be as soon as somebody says so
    /// again.
    pub fn start(&self, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
        match base::thread::start("fabric-report", work) {
            Ok(thread) => {
                self.threads.add(thread);
                Ok(())
            }
            Err(error) => {
                let mut guard = self.state.lock();
                let state = &mut *guard;
                state.busy = false;
                for (server_uuid, _) in mem::take(&mut state.queue) {
                    state.reported.remove(&server_uuid);
                }
                Err(error)
            }
        }
    }

    /// Sends what waits until nothing does, and tells what became of each report.
    pub fn send_all(
        &self,
        send: impl Fn(&str, i32) -> Result<()>,
        sent: impl Fn(&str, Result<()>),
    ) {
        while let Some((server_uuid, errno)) = self.next() {
            // The next one may do better than one that panics.
            sent(&server_uuid, caught("a report of a failure", || send(&server_uuid, errno)));
        }
    }

    fn next(&self) -> Option<(String, i32)> {
        let mut state = self.state.lock();
        let next = state.queue.pop_front();
        state.busy = next.is_some();
        next
    }

    /// Ends the reporting thread and waits for it. What it has on the wire must have been cut
    /// off before.
    pub fn stop(&self) {
        {
            let mut state = self.state.lock();
            state.stopped = true;
            state.queue.clear();
        }
        self.threads.end();
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::sync::Arc;

    use super::*;
    use crate::base::error::Code;

    const WINDOW: Duration = Duration::from_secs(10);

    /// What is sent by who calls `send_all` now, and what becomes of it.
    fn sent(reports: &Reports) -> Vec<(String, i32, Option<Code>)> {
        let all = RefCell::new(Vec::new());
        let send = |server: &str, errno| match errno {
            0 => panic!("on purpose"),
            _ => {
                all.borrow_mut().push((server.to_owned(), errno, None));
                Ok(())
            }
        };
        reports.send_all(send, |server, outcome| {
            if let Err(error) = outcome {
                all.borrow_mut().push((server.to_owned(), 0, Some(error.code)));
            }
        });
        all.into_inner()
    }

    #[test]
    fn each_server_is_reported_once_in_a_while_by_one_thread() {
        let reports = Reports::default();
        assert!(reports.queue("a", 2003, 1, WINDOW), "nobody is at it");
        assert!(!reports.queue("b", 2013, 1, WINDOW), "somebody is");
        assert!(!reports.queue("a", 2013, 10_000, WINDOW), "it was just reported");
        assert_eq!(sent(&reports), [("a".into(), 2003, None), ("b".into(), 2013, None)]);
        assert!(!reports.queue("a", 2013, 10_000, WINDOW));
        assert!(reports.queue("a", 2013, 10_001, WINDOW), "its time is over");
        assert_eq!(sent(&reports), [("a".into(), 2013, None)]);
    }

    #[test]
    fn a_report_that_panics_is_no_reason_to_leave_the_next_one_out() {
        let reports = Reports::default();
        assert!(reports.queue("a", 0, 1, WINDOW));
        reports.queue("b", 2003, 1, WINDOW);
        let expected = [("a".into(), 0, Some(Code::Panic)), ("b".into(), 2003, None)];
        assert_eq!(sent(&reports), expected);
    }

    #[test]
    fn the_queue_ends_somewhere_and_with_the_handle() {
        let reports = Arc::new(Reports::default());
        (0..=MAX_QUEUED).for_each(|server| {
            reports.queue(&server.to_string(), 2003, 1, WINDOW);
        });
        assert_eq!(reports.state.lock().queue.len(), MAX_QUEUED);
        assert_eq!(sent(&reports).len(), MAX_QUEUED);
        let shared = Arc::clone(&reports);
        assert!(reports.queue("again", 2003, 1, WINDOW));
        reports.start(move || _ = sent(&shared)).expect("a thread");
        reports.stop();
        assert!(!reports.queue("too late", 2003, 1, WINDOW));
        assert!(reports.state.lock().queue.is_empty());
    }
}
