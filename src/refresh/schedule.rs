//! The background refresh: one thread per handle has what the handle knows fetched before it
//! expires, so that no lookup has to.
//!
//! The thread itself never waits for a source (a refresh does, on a thread of its own): quarantines
//! and holds end in time, and snapshots are saved, however long a fetch hangs.

use std::sync::Arc;
use std::time::Duration;

use crate::base::clock::{Clock, millis};
use crate::base::error::Result;
use crate::base::panicked::{catch, caught};
use crate::base::random::jitter;
use crate::base::thread::Threads;
use crate::base::{self, work};
use crate::config::Config;
use crate::observe::log::Level;
use crate::observe::metrics::{By, Metrics};
use crate::source::{Backoff, RetryPolicy, Sources};

use super::answered::Answered;
use super::duty_cycle::{DutyCycle, Work};
use super::health::Health;
use super::idle::Idle;
use super::intervals::Due;
use super::publisher::Publisher;
use super::single_flight::FetchRequest;
use super::snapshot::SnapshotFile;
use super::watch::WatchedFetch;
use super::worker::{LEAST_PAUSE, Pressure, RETRY_AFTER, Refreshed, Task, Times};

/// A fetch begins when this share of the time to live is over, at the latest and the earliest:
/// early enough to be done before the end, spread so that handles do not march in step.
const BEGIN_AFTER: (f64, f64) = (0.55, 0.8);

/// The background refresh of one handle.
pub struct BackgroundRefresh {
    pub(super) config: Arc<Config>,
    pub(super) sources: Arc<Sources>,
    pub(super) publisher: Arc<Publisher>,
    pub(super) answered: Arc<Answered>,
    pub(super) fetches: Arc<WatchedFetch>,
    pub(super) health: Arc<Health>,
    pub(super) file: Arc<SnapshotFile>,
    pub(super) metrics: Arc<Metrics>,
    /// What it has cost the nodes since it was asked last.
    pub(super) work: Arc<Work>,
    pub(super) threads: Threads,
}

impl BackgroundRefresh {
    fn clock(&self) -> &Clock {
        &self.publisher.clock
    }

    /// Starts the background refresh, if the options want one and it does not run yet; true if
    /// it runs then. Nothing is started before the first fetch, so that a handle which is never
    /// used costs no thread.
    pub fn keep_refreshed(self: &Arc<Self>) -> bool {
        // With a snapshot at hand not before the first fetch is over: until then it alone says
        // what may be used.
        let has_begun = match self.file.path() {
            None => self.answered.is_connected() || self.file.state.serves(),
            Some(_) => self.file.state.has_begun(),
        };
        if self.config.background_refresh && has_begun {
            self.start();
        }
        self.publisher.worker.keeps_fresh()
    }

    /// Ends the thread, and waits for it and for those that fetch. What they have on the wire must
    /// have been cut off before.
    pub fn stop(&self) {
        self.publisher.worker.stop();
        self.threads.end();
    }

    /// Starts the thread if it does not run in this process, or has it keep things fresh again.
    fn start(self: &Arc<Self>) {
        let run = || {
            let background = Arc::clone(self);
            move || run(&background)
        };
        if let Err(error) = self.publisher.worker.start(self.clock().now(), run) {
            self.publisher.no_thread("for the background refresh", &error);
        }
        self.publisher.worker.wake();
    }

    /// Begins a refresh, whose end the thread in the background is told of. It has a thread of its
    /// own, since it waits for the source; where none can be had it runs here, and those who look up
    /// see meanwhile to what time ends.
    fn begin_refresh(self: &Arc<Self>, due: Due) {
        let shared = Arc::clone(self);
        let fetches = move || shared.publisher.worker.refreshed(shared.refresh(due));
        match base::thread::start("fabric-fetch", fetches) {
            Ok(thread) => self.threads.add(thread),
            Err(error) => {
                self.publisher.no_thread("for one refresh in the background", &error);
                self.publisher.worker.set_alone(true);
                self.publisher.nobody_keeps_fresh();
                let refreshed = self.refresh(due);
                self.publisher.worker.set_alone(false);
                self.publisher.worker.refreshed(refreshed);
            }
        }
    }

    /// A panic is a refresh that failed: the next one may do better.
    fn refresh(&self, due: Due) -> Refreshed {
        let before = work::of_thread();
        let outcome = caught("the background refresh", || self.refresh_known(due));
        Refreshed { outcome, work: work::of_thread().saturating_sub(before) }
    }

    /// One background refresh: everything the handle knows that is `due`, one round over the nodes.
    fn refresh_known(&self, due: Due) -> Result<()> {
        let request = match self.answered.is_whole() {
            true => FetchRequest::everything(),
            false => self.publisher.known.fetched(),
        };
        let outcome = self.fetches.run(&request, due, RetryPolicy::BACKGROUND, By::Background);
        self.publisher.known.topology.tidy();
        self.publisher.deliver();
        outcome
    }

    fn pressure(&self) -> Pressure {
        let now = self.clock().now();
        Pressure { pause: self.urgent_pause(now), settles_in: self.health.ends_in(now) }
    }

    /// The pause between two fetches if somebody waits for the source's next word: a caller, or a
    /// group whose writes are held, though the longer that takes, the less a moment more counts.
    fn urgent_pause(&self, now: u64) -> Option<Duration> {
        if self.publisher.waiters.are_there() {
            return Some(LEAST_PAUSE);
        }
        let refused = self.publisher.health.numbers().refused_last()?;
        let waited = Duration::from_millis(now.saturating_sub(refused));
        Some(LEAST_PAUSE.max(waited / 50))
    }

    /// Whether somebody depends on the background refresh without looking anything up.
    fn is_needed(&self) -> bool {
        self.publisher.events.somebody_listens()
            || self.publisher.waiters.are_there()
            || self.publisher.health.numbers().is_needed()
    }

    /// Milliseconds since the source last answered a dump, this handle or the one that left the
    /// snapshot; `None` if it never did.
    pub fn since_answer(&self) -> Option<u64> {
        let now = self.clock().now();
        match self.answered.last() {
            None => self.file.state.age(now),
            Some(then) => Some(now.saturating_sub(then)),
        }
    }

    /// How many lookups there were, answered or refused.
    fn lookups(&self) -> u64 {
        let (answered, refused) = self.metrics.lookups.totals();
        answered.wrapping_add(refused)
    }

    /// Whether what the background refresh knows is fresh for so long that nobody has to ask.
    fn stays_fresh_for(&self, pause: Duration) -> bool {
        let ttl = self.answered.intervals.shorter();
        millis(pause) <= ttl.saturating_mul(2)
    }
}

/// Sets the worker down as gone when its thread ends, however it ends.
struct ExitGuard<'a>(&'a Publisher);

impl Drop for ExitGuard<'_> {
    fn drop(&mut self) {
        self.0.worker.has_ended();
        self.0.nobody_keeps_fresh();
    }
}

fn run(background: &Arc<BackgroundRefresh>) {
    let publisher = &background.publisher;
    let worker = &publisher.worker;
    let _exit = ExitGuard(publisher);
    let mut schedule = Schedule::new(background);
    loop {
        let pressure = || background.pressure();
        let task = worker.next_task(&publisher.clock, schedule.times, pressure);
        if matches!(task, Task::Stop) {
            return;
        }
        let begins = matches!(task, Task::Fetch { .. });
        let see_to = || schedule.see_to(background, task);
        // The log of a service may panic. Nobody would keep things fresh but for a next lookup, if
        // there is one.
        if catch(see_to).is_err() {
            if begins {
                worker.fetch_is_over();
            }
            worker.pause(Duration::from_millis(RETRY_AFTER));
        }
    }
}

/// When the thread has what to do.
struct Schedule {
    backoff: Backoff,
    duty_cycle: DutyCycle,
    idle: Idle,
    times: Times,
}

impl Schedule {
    fn new(background: &BackgroundRefresh) -> Self {
        let now = background.clock().now();
        // What came up before is another thread's, or a parent's.
        background.work.take();
        Self {
            backoff: Backoff::new(background.config.backoff_limit),
            duty_cycle: DutyCycle::default(),
            idle: Idle::since(now),
            times: Times { begun: 0, due: now + millis(first_pause(background)) },
        }
    }

    fn see_to(&mut self, background: &Arc<BackgroundRefresh>, task: Task) {
        let worker = &background.publisher.worker;
        match task {
            Task::Stop => {}
            Task::Settle => background.health.settle_at(background.clock().now()),
            Task::Save => background.file.save(),
            Task::Fetch { is_wanted } => {
                if !worker.backs_off() {
                    self.backoff.succeeded();
                }
                self.times.begun = background.clock().now();
                worker.fetch_begins(self.times.begun);
                background.begin_refresh(if is_wanted {
                    Due::ALL
                } else {
                    background.answered.intervals.due(self.times.begun)
                });
            }
            Task::Rest(refreshed) => {
                worker.fetch_is_over();
                let now = background.clock().now();
                let pause = self.pause_after(background, refreshed, now);
                self.times.due = now.saturating_add(millis(pause));
                background.file.save();
            }
        }
    }

    /// The pause from `now` to the next refresh.
    fn pause_after(
        &mut self,
        background: &BackgroundRefresh,
        refreshed: Refreshed,
        now: u64,
    ) -> Duration {
        let Refreshed { outcome, work: own } = refreshed;
        let work = own + background.work.take();
        background.publisher.worker.set_failed(outcome.is_err());
        let rest = self.duty_cycle.pause(millis(work), background.config.refresh_share_percent);
        let usual = match outcome {
            Ok(()) => {
                self.backoff.succeeded();
                let ttl = background.answered.intervals.shorter();
                let in_time = jitter(Duration::from_millis(ttl), BEGIN_AFTER);
                let took = now.saturating_sub(self.times.begun);
                in_time.saturating_sub(Duration::from_millis(took)).max(Duration::from_millis(rest))
            }
            Err(error) => {
                let pause = self.backoff.failed();
                if !background.publisher.is_stopping() {
                    background.config.log.write_once(
                        Level::Warning,
                        format_args!(
                            "{} gave no new topology, the old one stays in use: {error}",
                            background.sources.name()
                        ),
                    );
                }
                pause
            }
        };
        self.stretched(background, now, usual)
    }

    /// The pause until the next refresh: the `usual` one as long as somebody uses the handle.
    fn stretched(&mut self, background: &BackgroundRefresh, now: u64, usual: Duration) -> Duration {
        if background.publisher.worker.take_woken() || background.is_needed() {
            self.idle.is_over(now);
        }
        let after = background.config.idle_after;
        let mut pause = self.idle.pause(background.lookups(), now, after, usual);
        if pause > usual && background.publisher.known.holds_shards() {
            self.idle.is_over(now);
            pause = usual;
        }
        let dozes = pause > usual && !background.stays_fresh_for(pause);
        if background.publisher.worker.set_dozing(dozes) && dozes {
            background.publisher.nobody_keeps_fresh();
        }
        pause
    }
}

/// The first pause while no source has said after how long to ask again: it may be soon.
const BEFORE_THE_FIRST_ANSWER: Duration = Duration::from_millis(500);

/// The first fetch was a caller's, or the parent's of a forked child: its time to live runs.
fn first_pause(background: &BackgroundRefresh) -> Duration {
    if background.answered.intervals.said().is_none() {
        return BEFORE_THE_FIRST_ANSWER;
    }
    let ttl = background.answered.intervals.shorter();
    let age = Duration::from_millis(background.since_answer().unwrap_or(0));
    jitter(Duration::from_millis(ttl), BEGIN_AFTER).saturating_sub(age)
}
