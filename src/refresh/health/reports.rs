//! Reports to Fabric, off the caller's path: deduplicated, and one at a time.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::{io, mem};

use crate::base;
use crate::base::panicked::caught;
use crate::base::sync::{Mutex, rank};
use crate::base::thread::Threads;
use crate::observe::log::Level;

use crate::base::clock::millis;
use crate::refresh::Refresher;

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

    /// Takes in the thread that was started for what waits, or that there is none to be had.
    fn begun(&self, thread: io::Result<JoinHandle<()>>) -> io::Result<()> {
        match thread {
            Ok(thread) => {
                self.threads.add(thread);
                Ok(())
            }
            Err(error) => {
                let mut guard = self.state.lock();
                let state = &mut *guard;
                state.busy = false;
                // They were not reported, and may be as soon as somebody says so again.
                for (server_uuid, _) in mem::take(&mut state.queue) {
                    state.reported.remove(&server_uuid);
                }
                Err(error)
            }
        }
    }

    fn next(&self) -> Option<(String, i32)> {
        let mut state = self.state.lock();
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
            let mut state = shop.reports.state.lock();
            state.reported.retain(|_, then| now.saturating_sub(*then) < window);
            let known = state.reported.contains_key(server_uuid);
            if known || state.stopped || state.queue.len() >= MAX_QUEUED {
                return false;
            }
            state.reported.insert(server_uuid.to_owned(), now);
            state.queue.push_back((server_uuid.to_owned(), errno));
            !mem::replace(&mut state.busy, true)
        });
        if alone {
            self.start_reporting();
        }
    }

    fn start_reporting(self: &Arc<Self>) {
        let refresher = Arc::clone(self);
        let thread = base::thread::start("fabric-report", move || refresher.send_reports());
        let none = self.workshop.with(|shop| shop.reports.begun(thread));
        if let Err(error) = none {
            self.no_thread("to report a failure to Fabric", &error);
        }
    }

    fn send_reports(&self) {
        self.workshop.with(|shop| {
            while let Some((server_uuid, errno)) = shop.reports.next() {
                let report = || self.report(&server_uuid, errno, self.config.report_errors);
                // The next one may do better than one that panics.
                match caught("a report to Fabric", report) {
                    // Fabric answers when it is done: there is news now.
                    Ok(()) => {
                        let topology = self.topology.load();
                        let group = topology.group_of_server(&server_uuid).map(|(name, ..)| name);
                        self.ask_again(group, false);
                    }
                    Err(_) if self.is_stopping() => {}
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
