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
use super::timer::{EachTimer, Timer};
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
            None => self.answered.connected.any() || self.file.state.serves(),
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
    fn begin_refresh(self: &Arc<Self>, timer: Timer, due: Due) {
        let shared = Arc::clone(self);
        let fetches = move || shared.publisher.worker.refreshed(timer, shared.refresh(due));
        match base::thread::start("fabric-fetch", fetches) {
            Ok(thread) => self.threads.add(thread),
            Err(error) => {
                self.publisher.no_thread("for one refresh in the background", &error);
                self.publisher.worker.set_alone(true);
                self.publisher.nobody_keeps_fresh();
                let refreshed = self.refresh(due);
                self.publisher.worker.set_alone(false);
                self.publisher.worker.refreshed(timer, refreshed);
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

    /// Whether maps and groups have a source each: then each is asked in its own time.
    fn asks_apart(&self) -> bool {
        !self.sources.are_one()
    }

    /// The interval of what a timer asks, in milliseconds.
    fn interval(&self, timer: Timer) -> u64 {
        let intervals = &self.answered.intervals;
        match (self.asks_apart(), timer) {
            (false, _) => intervals.shorter(),
            (true, Timer::Main) => intervals.of_each().tables,
            (true, Timer::Groups) => intervals.of_each().groups,
        }
    }

    /// The interval that the source of what a timer asks has named; nothing before its first answer, whatever
    /// the other one has said by then.
    fn said(&self, timer: Timer) -> Option<Duration> {
        let intervals = &self.answered.intervals;
        match (self.asks_apart(), timer) {
            (false, _) => intervals.said(),
            (true, Timer::Main) => intervals.maps.said(),
            (true, Timer::Groups) => intervals.groups.said(),
        }
    }

    /// What a refresh asks that a timer begins `now`, in time or because somebody wants one.
    fn due(&self, timer: Timer, now: u64, is_wanted: bool) -> Due {
        match (self.asks_apart(), timer) {
            (false, _) if is_wanted => Due::ALL,
            (false, _) => self.answered.intervals.due(now),
            (true, Timer::Main) => Due { maps: true, groups: false },
            (true, Timer::Groups) => Due { maps: false, groups: true },
        }
    }

    /// The first fetch was a caller's, or the parent's of a forked child: its time to live runs.
    fn first_pause(&self, timer: Timer) -> Duration {
        if self.said(timer).is_none() {
            return BEFORE_THE_FIRST_ANSWER;
        }
        let age = Duration::from_millis(self.since_answer().unwrap_or(0));
        jitter(Duration::from_millis(self.interval(timer)), BEGIN_AFTER).saturating_sub(age)
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
        let task = worker.next_task(&publisher.clock, schedule.times(), pressure);
        if matches!(task, Task::Stop) {
            return;
        }
        let begins = match task {
            Task::Fetch { timer, .. } => Some(timer),
            _ => None,
        };
        let see_to = || schedule.see_to(background, task);
        // The log of a service may panic. Nobody would keep things fresh but for a next lookup, if
        // there is one.
        if catch(see_to).is_err() {
            begins.into_iter().for_each(|timer| worker.fetch_is_over(timer));
            worker.pause(Duration::from_millis(RETRY_AFTER));
        }
    }
}

/// When the thread has what to do.
struct Schedule {
    timers: EachTimer<Option<TimerSchedule>>,
    idle: Idle,
}

/// When a timer has the thread fetch.
struct TimerSchedule {
    timer: Timer,
    backoff: Backoff,
    duty_cycle: DutyCycle,
    times: Times,
    /// Whether it asks too seldom to keep anything fresh.
    dozes: bool,
}

impl Schedule {
    fn new(background: &BackgroundRefresh) -> Self {
        // What came up before is another thread's, or a parent's.
        background.work.take();
        let main = Some(TimerSchedule::new(background, Timer::Main));
        let groups = background.asks_apart().then(|| TimerSchedule::new(background, Timer::Groups));
        let idle = Idle::since(background.clock().now());
        Self { timers: EachTimer { main, groups }, idle }
    }

    fn times(&self) -> EachTimer<Option<Times>> {
        let times = |schedule: &Option<TimerSchedule>| schedule.as_ref().map(|s| s.times);
        EachTimer { main: times(&self.timers.main), groups: times(&self.timers.groups) }
    }

    fn see_to(&mut self, background: &Arc<BackgroundRefresh>, task: Task) {
        match task {
            Task::Stop => {}
            Task::Settle => background.health.settle_at(background.clock().now()),
            Task::Save => background.file.save(),
            Task::Fetch { timer, is_wanted } => {
                if let Some(schedule) = self.timers.of_mut(timer) {
                    schedule.fetch(background, is_wanted);
                }
            }
            Task::Rest(timer, refreshed) => {
                if let Some(schedule) = self.timers.of_mut(timer) {
                    schedule.rest(background, refreshed, &mut self.idle);
                }
                let dozes = [&self.timers.main, &self.timers.groups];
                let dozes = dozes.into_iter().flatten().any(|schedule| schedule.dozes);
                if background.publisher.worker.set_dozing(dozes) && dozes {
                    background.publisher.nobody_keeps_fresh();
                }
                background.file.save();
            }
        }
    }
}

impl TimerSchedule {
    fn new(background: &BackgroundRefresh, timer: Timer) -> Self {
        let due = background.clock().now() + millis(background.first_pause(timer));
        Self {
            timer,
            backoff: Backoff::new(background.config.backoff_limit),
            duty_cycle: DutyCycle::default(),
            times: Times { begun: 0, due },
            dozes: false,
        }
    }

    fn fetch(&mut self, background: &Arc<BackgroundRefresh>, is_wanted: bool) {
        let (worker, timer) = (&background.publisher.worker, self.timer);
        if !worker.backs_off(timer) {
            self.backoff.succeeded();
        }
        self.times.begun = background.clock().now();
        worker.fetch_begins(timer, self.times.begun);
        background.begin_refresh(timer, background.due(timer, self.times.begun, is_wanted));
    }

    /// The fetch is over.
    fn rest(&mut self, background: &BackgroundRefresh, refreshed: Refreshed, idle: &mut Idle) {
        background.publisher.worker.fetch_is_over(self.timer);
        let now = background.clock().now();
        let usual = self.pause_after(background, refreshed, now);
        let pause = self.stretched(background, now, usual, idle);
        self.times.due = now.saturating_add(millis(pause));
    }

    /// The pause from `now` to the next refresh, as long as somebody uses the handle.
    fn pause_after(
        &mut self,
        background: &BackgroundRefresh,
        refreshed: Refreshed,
        now: u64,
    ) -> Duration {
        let Refreshed { outcome, work: own } = refreshed;
        let work = own + background.work.take();
        background.publisher.worker.set_failed(self.timer, outcome.is_err());
        let rest = self.duty_cycle.pause(millis(work), background.config.refresh_share_percent);
        match outcome {
            Ok(()) => {
                self.backoff.succeeded();
                let interval = Duration::from_millis(background.interval(self.timer));
                let in_time = jitter(interval, BEGIN_AFTER);
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
        }
    }

    /// The pause until the next refresh: the `usual` one as long as somebody uses the handle.
    fn stretched(
        &mut self,
        background: &BackgroundRefresh,
        now: u64,
        usual: Duration,
        idle: &mut Idle,
    ) -> Duration {
        if background.publisher.worker.take_woken() || background.is_needed() {
            idle.is_over(now);
        }
        let after = background.config.idle_after;
        let mut pause = idle.pause(background.lookups(), now, after, usual);
        if pause > usual && background.publisher.known.holds_shards() {
            idle.is_over(now);
            pause = usual;
        }
        let stays_fresh = millis(pause) <= background.interval(self.timer).saturating_mul(2);
        self.dozes = pause > usual && !stays_fresh;
        pause
    }
}

/// The first pause while no source has said after how long to ask again: it may be soon.
const BEFORE_THE_FIRST_ANSWER: Duration = Duration::from_millis(500);
