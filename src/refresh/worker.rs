//! The background refresh: one thread per handle has what the handle knows fetched before it
//! expires, so that no lookup has to.
//!
//! The thread itself never waits for Fabric ([`Refresh`] does, on a thread of its own): quarantines
//! and holds end in time, and snapshots are saved, however long a fetch hangs.

use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::base::error::Result;
use crate::base::random::jitter;
use crate::base::sync::{Condvar, Mutex, rank};
use crate::base::{self, fork};
use crate::observe::log::Level;
use crate::source::Backoff;

use super::Refresher;
use super::flight::OVERDUE;
use super::health::LEAST_PAUSE;
use super::idle::Idle;
use super::refreshing::Refreshed;
use super::share::Share;
use crate::base::clock::millis;

/// A fetch begins when this share of the time to live is over, at the latest and the earliest:
/// early enough to be done before the end, spread so that handles do not march in step.
const BEGIN_AFTER: (f64, f64) = (0.55, 0.8);

/// How long to go without the thread when the system has none to give, in milliseconds.
const RETRY_AFTER: u64 = 1_000;

/// The longest that the thread goes without looking what there is to do, in milliseconds. Whoever
/// gives it something to do wakes it.
const LOOK_AFTER: u64 = 3_600_000;

/// The thread of one handle, if there is one.
#[derive(Default)]
pub struct Worker {
    /// The fork generation the thread runs in, plus one; 0 = no thread. A forked child has the
    /// number of its parent and no thread.
    alive_in: AtomicU64,
    /// When the fetch began that is under way; 0 = none is.
    fetching_since: AtomicU64,
    /// Whether the thread is at a fetch itself, for want of another one, and sees nothing else.
    is_alone: AtomicBool,
    /// Whether the thread asks too seldom to keep anything fresh, because nobody uses the handle.
    dozes: AtomicBool,
    /// When a thread may be tried to be had again after there was none.
    retry_at: AtomicU64,
    inner: fork::PerProcess<Inner>,
    /// Whether the last refresh failed.
    is_blind: AtomicBool,
    /// Whether a caller has had to wait for Fabric since.
    is_missed: AtomicBool,
}

#[derive(Default)]
struct Inner {
    orders: Mutex<Orders, { rank::ORDERS }>,
    changed: Condvar,
    thread: Mutex<Option<JoinHandle<()>>, { rank::WORKER }>,
}

#[derive(Default)]
struct Orders {
    stop: bool,
    /// Somebody wants a refresh now rather than in time.
    hurry: bool,
    /// Something ends at another time than it did.
    look: bool,
    /// There is a topology to write to the disk.
    save: bool,
    /// Somebody uses the handle after a pause.
    woken: bool,
    /// What the fetch that was under way came to.
    refreshed: Option<Refreshed>,
}

impl Worker {
    /// Whether there is a thread in this process. Two loads, no call.
    #[inline]
    pub fn is_alive(&self) -> bool {
        self.alive_in.load(Ordering::Relaxed) == fork::generation() + 1
    }

    /// Whether lookups may leave it to the thread to keep things fresh.
    #[inline]
    pub fn keeps_fresh(&self) -> bool {
        self.is_alive()
            && !self.dozes.load(Ordering::Relaxed)
            && !self.is_alone.load(Ordering::Relaxed)
    }

    /// Has the thread keep things fresh again, from its next fetch on.
    pub fn wake(&self) {
        if self.dozes.load(Ordering::Relaxed) {
            self.inner.with(|inner| {
                let mut orders = inner.orders.lock();
                if !std::mem::replace(&mut orders.woken, true) {
                    orders.hurry = true;
                    inner.changed.notify_all();
                }
            });
        }
    }

    /// Whether the thread has been at one fetch for long.
    pub fn hangs(&self, now: u64) -> bool {
        match self.fetching_since.load(Ordering::Relaxed) {
            0 => false,
            since => now.saturating_sub(since) >= millis(OVERDUE),
        }
    }

    /// Starts the thread if it does not run in this process.
    pub fn start(&self, refresher: &Arc<Refresher>) {
        let now = refresher.clock.now();
        if self.is_alive() || now < self.retry_at.load(Ordering::Relaxed) {
            return;
        }
        self.inner.with(|inner| {
            let mut thread = inner.thread.lock();
            if self.is_alive() || inner.orders.lock().stop {
                return;
            }
            let shared = Arc::clone(refresher);
            // A forked child has what its parent was at, and nobody who is at it.
            self.fetching_since.store(0, Ordering::Relaxed);
            self.is_alone.store(false, Ordering::Relaxed);
            match base::thread::start("fabric-refresh", move || run(&shared)) {
                Ok(handle) => {
                    let predecessor = thread.replace(handle);
                    self.dozes.store(false, Ordering::Relaxed);
                    self.alive_in.store(fork::generation() + 1, Ordering::Relaxed);
                    drop(thread);
                    // It is one that panicked, and only has to end.
                    predecessor.into_iter().for_each(base::thread::join);
                }
                Err(error) => {
                    drop(thread);
                    // Until then lookups have what they need fetched.
                    self.retry_at.store(now + RETRY_AFTER, Ordering::Relaxed);
                    refresher.no_thread("for the background refresh", &error);
                }
            }
        });
    }

    /// The system has just given a thread: one more is tried to be had at once.
    pub fn threads_are_back(&self) {
        self.retry_at.store(0, Ordering::Relaxed);
    }

    /// Has the thread refresh at once.
    pub fn hurry(&self) {
        self.inner.with(|inner| {
            inner.orders.lock().hurry = true;
            inner.changed.notify_all();
        });
    }

    /// A node has answered somebody else: if the last refresh failed, the next one comes at once.
    pub fn fabric_is_there(&self) {
        if self.is_blind.swap(false, Ordering::Relaxed) {
            self.hurry();
        }
    }

    /// A caller waits for Fabric: the next pauses are short again.
    pub fn fabric_is_missed(&self) {
        self.is_missed.store(true, Ordering::Relaxed);
    }

    /// Has the thread look again what ends when.
    pub fn look(&self) {
        self.inner.with(|inner| {
            inner.orders.lock().look = true;
            inner.changed.notify_all();
        });
    }

    /// Has the thread write the topology to the disk, at once or when it starts.
    pub fn save(&self) {
        self.inner.with(|inner| {
            inner.orders.lock().save = true;
            inner.changed.notify_all();
        });
    }

    /// Hands the thread what the fetch came to that it had begun.
    pub(super) fn landed(&self, refreshed: Refreshed) {
        self.inner.with(|inner| {
            inner.orders.lock().refreshed = Some(refreshed);
            inner.changed.notify_all();
        });
    }

    /// The thread is at a fetch itself from here on, or is no more.
    pub(super) fn set_alone(&self, refresher: &Refresher, is_alone: bool) {
        self.is_alone.store(is_alone, Ordering::Relaxed);
        if is_alone {
            // Behind it: who sees the new stamp sees that nobody keeps anything fresh.
            refresher.topology.doubt();
        }
    }

    /// The pause until the next refresh: `pause` as long as somebody uses the handle.
    fn rest(&self, refresher: &Refresher, idle: &mut Idle, now: u64, pause: Duration) -> Duration {
        let woken = self.inner.with(|inner| std::mem::take(&mut inner.orders.lock().woken));
        if woken || refresher.is_needed() {
            idle.is_over(now);
        }
        let usual = pause;
        let mut pause = idle.pause(refresher.lookups(), now, refresher.config.idle_after, usual);
        if pause > usual && refresher.holds_shards() {
            idle.is_over(now);
            pause = usual;
        }
        let dozes = pause > usual && !refresher.stays_fresh_for(pause);
        if self.dozes.swap(dozes, Ordering::Relaxed) != dozes && dozes {
            // Behind it: who sees the new stamp sees that nobody keeps anything fresh.
            refresher.topology.doubt();
        }
        pause
    }

    /// Ends the thread and waits for it. What it has on the wire must have been cut off before.
    pub fn stop(&self) {
        self.inner.with(|inner| {
            inner.orders.lock().stop = true;
            inner.changed.notify_all();
            let thread = inner.thread.lock().take();
            if let Some(thread) = thread {
                base::thread::join(thread);
            }
        });
    }
}

/// Sets the worker down as gone when its thread ends, however it ends.
struct Departure<'a>(&'a Refresher);

impl Drop for Departure<'_> {
    fn drop(&mut self) {
        self.0.worker.alive_in.store(0, Ordering::Relaxed);
        // Behind it: who sees the new stamp sees that nobody keeps anything fresh.
        self.0.topology.doubt();
    }
}

/// What the thread has to do next.
enum Task {
    Fetch,
    /// The fetch under way is over.
    Rest(Refreshed),
    /// A quarantine or a hold has lasted long enough.
    Settle,
    /// The topology on disk is not the one in use.
    Save,
    Stop,
}

fn run(refresher: &Arc<Refresher>) {
    let worker = &refresher.worker;
    let _departure = Departure(refresher);
    let mut schedule = Schedule::new(refresher);
    loop {
        let task = worker.inner.with(|inner| wait(refresher, inner, &schedule));
        if matches!(task, Task::Stop) {
            return;
        }
        let begins = matches!(task, Task::Fetch);
        let see_to = || schedule.see_to(refresher, task);
        // The log of a service may panic. Nobody would keep things fresh but for a next lookup, if
        // there is one.
        if panic::catch_unwind(AssertUnwindSafe(see_to)).is_err() {
            if begins {
                worker.fetching_since.store(0, Ordering::Relaxed);
            }
            let pause = Duration::from_millis(RETRY_AFTER);
            worker.inner.with(|inner| {
                let orders = inner.orders.lock();
                drop(inner.changed.wait_timeout_while(orders, pause, |orders| !orders.stop));
            });
        }
    }
}

/// When the thread has what to do.
struct Schedule {
    backoff: Backoff,
    share: Share,
    idle: Idle,
    /// When the last fetch began.
    begun: u64,
    /// When the next one is to begin.
    due: u64,
}

impl Schedule {
    fn new(refresher: &Refresher) -> Self {
        let now = refresher.clock.now();
        Self {
            backoff: Backoff::new(refresher.config.backoff_limit),
            share: Share::default(),
            idle: Idle::since(now),
            begun: 0,
            due: now + millis(first_pause(refresher)),
        }
    }

    fn see_to(&mut self, refresher: &Arc<Refresher>, task: Task) {
        let worker = &refresher.worker;
        match task {
            Task::Stop => {}
            Task::Settle => refresher.settle(),
            Task::Save => refresher.save(),
            Task::Fetch => {
                if !worker.is_blind.load(Ordering::Relaxed)
                    || worker.is_missed.swap(false, Ordering::Relaxed)
                {
                    self.backoff.succeeded();
                }
                self.begun = refresher.clock.now();
                worker.fetching_since.store(self.begun, Ordering::Relaxed);
                refresher.begin_refresh();
            }
            Task::Rest(Refreshed { outcome, work: own }) => {
                worker.fetching_since.store(0, Ordering::Relaxed);
                let work = own + refresher.workshop.with(|shop| shop.work.take());
                worker.is_blind.store(outcome.is_err(), Ordering::Relaxed);
                let now = refresher.clock.now();
                let took = now.saturating_sub(self.begun);
                let rest = self.share.rest(millis(work), refresher.config.refresh_share_percent);
                let pause = next_pause(refresher, &outcome, took, rest, &mut self.backoff);
                let pause = worker.rest(refresher, &mut self.idle, now, pause);
                self.due = now.saturating_add(millis(pause));
                refresher.save();
            }
        }
    }
}

/// The first fetch was a caller's, or the parent's of a forked child: its time to live runs.
fn first_pause(refresher: &Refresher) -> Duration {
    let ttl = refresher.time_to_live(refresher.facts().ttl);
    let age = Duration::from_millis(refresher.since_answer().unwrap_or(0));
    jitter(Duration::from_millis(ttl), BEGIN_AFTER).saturating_sub(age)
}

fn next_pause(
    refresher: &Refresher,
    outcome: &Result<()>,
    took: u64,
    rest: u64,
    backoff: &mut Backoff,
) -> Duration {
    match outcome {
        Ok(()) => {
            backoff.succeeded();
            let ttl = refresher.time_to_live(refresher.facts().ttl);
            let in_time = jitter(Duration::from_millis(ttl), BEGIN_AFTER);
            in_time.saturating_sub(Duration::from_millis(took)).max(Duration::from_millis(rest))
        }
        Err(error) => {
            let pause = backoff.failed();
            if refresher.is_stopping() {
                return pause;
            }
            refresher.config.log.write_once(
                Level::Warning,
                format_args!("Fabric gave no new topology, the old one stays in use: {error}"),
            );
            pause
        }
    }
}

/// Waits until there is something to do. A fetch is due in time, or at once when somebody is in a
/// hurry, but never sooner than the least pause after the last one began, nor beside it.
fn wait(refresher: &Refresher, inner: &Inner, schedule: &Schedule) -> Task {
    let Schedule { due, begun, .. } = *schedule;
    let is_fetching = refresher.worker.fetching_since.load(Ordering::Relaxed) != 0;
    loop {
        // Asked before the lock is taken, for the answers are not the orders' to give. Whoever
        // makes them others has the thread hurry, which it sees below.
        let (urgent, settles_in) = (refresher.urgent_pause(), refresher.settles_in());
        let mut orders = inner.orders.lock();
        if std::mem::take(&mut orders.look) {
            continue;
        }
        let now = refresher.clock.now();
        let hurry = orders.hurry.then_some(LEAST_PAUSE);
        let fetch_at = match hurry.or(urgent) {
            _ if is_fetching => u64::MAX,
            Some(pause) => due.min(begun + millis(pause)),
            None => due,
        };
        if let Some(refreshed) = orders.refreshed.take() {
            return Task::Rest(refreshed);
        }
        // What is new is saved even when it is time to stop: the next start may need it.
        if std::mem::take(&mut orders.save) {
            return Task::Save;
        }
        // What a fetch that was cut off has still brought is to be saved, too.
        if orders.stop && !is_fetching {
            return Task::Stop;
        }
        if fetch_at <= now {
            orders.hurry = false;
            return Task::Fetch;
        }
        if settles_in == Some(Duration::ZERO) {
            return Task::Settle;
        }
        let pause = Duration::from_millis((fetch_at - now).min(LOOK_AFTER));
        let pause = settles_in.map_or(pause, |settle| settle.min(pause));
        drop(inner.changed.wait_timeout(orders, pause));
    }
}
