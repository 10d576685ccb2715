//! Reports to Fabric, off the caller's path: deduplicated, and one at a time.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use crate::base;
use crate::log::Level;

use super::Refresher;
use super::clock::millis;

/// More servers than this do not fail at once; a queue that is longer is a mistake.
const MAX_QUEUED: usize = 64;

/// What waits to be reported, and what was.
#[derive(Default)]
pub struct Reports {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    queue: VecDeque<(String, i32)>,
    /// When each server was reported last.
    reported: BTreeMap<String, u64>,
    busy: bool,
    stopped: bool,
    thread: Option<JoinHandle<()>>,
}

impl Reports {
    /// Ends the reporting thread and waits for it. What it has on the wire must have been cut
    /// off before.
    pub fn stop(&self) {
        let thread = {
            let mut state = lock(&self.state);
            state.stopped = true;
            state.queue.clear();
            state.thread.take()
        };
        if let Some(thread) = thread
            && thread.thread().id() != thread::current().id()
        {
            // It ends by itself or has panicked; either way it is over.
            let _ = thread.join();
        }
    }

    fn next(&self) -> Option<(String, i32)> {
        let mut state = lock(&self.state);
        let next = state.queue.pop_front();
        state.busy = next.is_some();
        next
    }
}

impl Refresher {
    /// Queues a report, unless the same server was reported within the window. Fabric acts on a
    /// report for 0.1 to 1.3 s, and nobody waits for that but a thread that ends with the queue.
    pub fn queue_report(self: &Arc<Self>, server_uuid: &str, errno: i32) {
        let now = self.clock.now();
        let window = millis(self.config.report_window);
        let alone = self.workshop.with(|shop| {
            let mut state = lock(&shop.reports.state);
            state.reported.retain(|_, then| now.saturating_sub(*then) < window);
            let known = state.reported.contains_key(server_uuid);
            if known || state.stopped || state.queue.len() >= MAX_QUEUED {
                return false;
            }
            state.reported.insert(server_uuid.to_owned(), now);
            state.queue.push_back((server_uuid.to_owned(), errno));
            !std::mem::replace(&mut state.busy, true)
        });
        if alone {
            self.start_reporting();
        }
    }

    fn start_reporting(self: &Arc<Self>) {
        let refresher = Arc::clone(self);
        let thread = base::thread::start("fabric-report", move || refresher.send_reports());
        self.workshop.with(|shop| {
            let mut state = lock(&shop.reports.state);
            match thread {
                Ok(thread) => {
                    if let Some(predecessor) = state.thread.replace(thread) {
                        // It found the queue empty, or there would be no new one.
                        let _ = predecessor.join();
                    }
                }
                Err(error) => {
                    state.busy = false;
                    state.queue.clear();
                    self.config.log.write(
                        Level::Warning,
                        format_args!("no thread to report a failure to Fabric: {error}"),
                    );
                }
            }
        });
    }

    fn send_reports(&self) {
        self.workshop.with(|shop| {
            while let Some((server_uuid, errno)) = shop.reports.next() {
                match self.report(&server_uuid, errno, self.config.report_errors) {
                    // Fabric answers when it is done: there is news now.
                    Ok(()) if self.worker.is_alive() => self.worker.hurry(),
                    Ok(()) => self.expire_group_of(&server_uuid),
                    Err(error) => self.config.log.write(
                        Level::Warning,
                        format_args!(
                            "the failure of server {server_uuid} was not reported: {error}"
                        ),
                    ),
                }
            }
        });
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
