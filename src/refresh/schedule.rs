//! The background refresh: one thread per handle has what the handle knows fetched before it
//! expires, so that no lookup has to.
//!
//! The thread itself never waits for a source (a refresh does, on a thread of its own): quarantines
//! and holds end in time, and snapshots are saved, however long a fetch hangs.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::base::clock::millis;
use crate::base::error::Result;
use crate::base::panicked::{catch, caught};
use crate::base::random::jitter;
use crate::base::{self, work};
use crate::observe::log::Level;
use crate::observe::metrics::By;
use crate::source::{Backoff, RetryPolicy};

use super::Refresher;
use super::duty_cycle::DutyCycle;
use super::idle::Idle;
use super::intervals::Due;
use super::single_flight::FetchRequest;
use super::worker::{LEAST_PAUSE, Pressure, RETRY_AFTER, Refreshed, Task, Times};

/// A fetch begins when this share of the time to live is over, at the latest and the earliest:
/// early enough to be done before the end, spread so that handles do not march in step.
const BEGIN_AFTER: (f64, f64) = (0.55, 0.8);

impl Refresher {
    /// Starts the thread if it does not run in this process, or has it keep things fresh again.
    pub(super) fn start_worker(self: &Arc<Self>) {
        let run = || {
            let refresher = Arc::clone(self);
            move || run(&refresher)
        };
        if let Err(error) = self.worker.start(self.clock.now(), run) {
            self.no_thread("for the background refresh", &error);
        }
        self.worker.wake();
    }

    /// Begins a refresh, whose end the thread in the background is told of. It has a thread of its
    /// own, since it waits for the source; where none can be had it runs here, and those who look up
    /// see meanwhile to what time ends.
    fn begin_refresh(self: &Arc<Self>, due: Due) {
        let shared = Arc::clone(self);
        let fetches = move || shared.worker.refreshed(shared.refresh(due));
        match base::thread::start("fabric-fetch", fetches) {
            Ok(thread) => self.process.with(|process| process.fetchers.add(thread)),
            Err(error) => {
                self.no_thread("for one refresh in the background", &error);
                self.worker.set_alone(true);
                self.nobody_keeps_fresh();
                let refreshed = self.refresh(due);
                self.worker.set_alone(false);
                self.worker.refreshed(refreshed);
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
        let topology = self.topology.load_full();
        let mut request = FetchRequest {
            everything: self.whole.load(Ordering::Relaxed),
            ..FetchRequest::default()
        };
        if !request.everything {
            for (name, _) in topology.tables.iter() {
                request.tables.insert(String::from_utf8_lossy(name).into_owned());
            }
            let known = topology.groups().filter(|(_, _, entry)| entry.is_some());
            request.groups.extend(known.map(|(_, name, _)| name.to_owned()));
        }
        let outcome = self.process.with(|process| {
            self.watched(process, &request, due, RetryPolicy::BACKGROUND, By::Background)
        });
        self.topology.tidy();
        self.tell();
        outcome
    }

    /// To be called when the thread does not keep things fresh any more, behind what says so: who
    /// sees the new epoch sees that, too.
    fn nobody_keeps_fresh(&self) {
        self.topology.invalidate_caches();
    }

    fn pressure(&self) -> Pressure {
        let now = self.clock.now();
        Pressure { pause: self.urgent_pause(now), settles_in: self.health.ends_in(now) }
    }

    /// The pause between two fetches if somebody waits for the source's next word: a caller, or a
    /// group whose writes are held, though the longer that takes, the less a moment more counts.
    fn urgent_pause(&self, now: u64) -> Option<Duration> {
        if self.waiters.are_there() {
            return Some(LEAST_PAUSE);
        }
        let refused = self.publisher.health.numbers().refused_last()?;
        let waited = Duration::from_millis(now.saturating_sub(refused));
        Some(LEAST_PAUSE.max(waited / 50))
    }

    /// Whether somebody depends on the background refresh without looking anything up.
    fn is_needed(&self) -> bool {
        self.events.somebody_listens()
            || self.waiters.are_there()
            || self.publisher.health.numbers().is_needed()
    }

    /// How many lookups there were, answered or refused.
    fn lookups(&self) -> u64 {
        let (answered, refused) = self.metrics.lookups.totals();
        answered.wrapping_add(refused)
    }

    /// Whether the keys of a shard are held until the source says where they belong. Looks through
    /// all shards.
    fn holds_shards(&self) -> bool {
        !self.topology.load().vanished().is_empty()
    }

    /// Whether what the background refresh knows is fresh for so long that nobody has to ask.
    fn stays_fresh_for(&self, pause: Duration) -> bool {
        let ttl = self.interval();
        millis(pause) <= ttl.saturating_mul(2)
    }
}

/// Sets the worker down as gone when its thread ends, however it ends.
struct ExitGuard<'a>(&'a Refresher);

impl Drop for ExitGuard<'_> {
    fn drop(&mut self) {
        self.0.worker.has_ended();
        self.0.nobody_keeps_fresh();
    }
}

fn run(refresher: &Arc<Refresher>) {
    let worker = &refresher.worker;
    let _exit = ExitGuard(refresher);
    let mut schedule = Schedule::new(refresher);
    loop {
        let pressure = || refresher.pressure();
        let task = worker.next_task(&refresher.clock, schedule.times, pressure);
        if matches!(task, Task::Stop) {
            return;
        }
        let begins = matches!(task, Task::Fetch { .. });
        let see_to = || schedule.see_to(refresher, task);
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
    fn new(refresher: &Refresher) -> Self {
        let now = refresher.clock.now();
        Self {
            backoff: Backoff::new(refresher.config.backoff_limit),
            duty_cycle: DutyCycle::default(),
            idle: Idle::since(now),
            times: Times { begun: 0, due: now + millis(first_pause(refresher)) },
        }
    }

    fn see_to(&mut self, refresher: &Arc<Refresher>, task: Task) {
        let worker = &refresher.worker;
        match task {
            Task::Stop => {}
            Task::Settle => refresher.health.settle_at(refresher.clock.now()),
            Task::Save => refresher.save(),
            Task::Fetch { is_wanted } => {
                if !worker.backs_off() {
                    self.backoff.succeeded();
                }
                self.times.begun = refresher.clock.now();
                worker.fetch_begins(self.times.begun);
                refresher.begin_refresh(if is_wanted { Due::ALL } else { refresher.due() });
            }
            Task::Rest(refreshed) => {
                worker.fetch_is_over();
                let now = refresher.clock.now();
                let pause = self.pause_after(refresher, refreshed, now);
                self.times.due = now.saturating_add(millis(pause));
                refresher.save();
            }
        }
    }

    /// The pause from `now` to the next refresh.
    fn pause_after(&mut self, refresher: &Refresher, refreshed: Refreshed, now: u64) -> Duration {
        let Refreshed { outcome, work: own } = refreshed;
        let work = own + refresher.process.with(|process| process.work.take());
        refresher.worker.set_failed(outcome.is_err());
        let rest = self.duty_cycle.pause(millis(work), refresher.config.refresh_share_percent);
        let usual = match outcome {
            Ok(()) => {
                self.backoff.succeeded();
                let ttl = refresher.interval();
                let in_time = jitter(Duration::from_millis(ttl), BEGIN_AFTER);
                let took = now.saturating_sub(self.times.begun);
                in_time.saturating_sub(Duration::from_millis(took)).max(Duration::from_millis(rest))
            }
            Err(error) => {
                let pause = self.backoff.failed();
                if !refresher.is_stopping() {
                    refresher.config.log.write_once(
                        Level::Warning,
                        format_args!(
                            "{} gave no new topology, the old one stays in use: {error}",
                            refresher.source_name()
                        ),
                    );
                }
                pause
            }
        };
        self.stretched(refresher, now, usual)
    }

    /// The pause until the next refresh: the `usual` one as long as somebody uses the handle.
    fn stretched(&mut self, refresher: &Refresher, now: u64, usual: Duration) -> Duration {
        if refresher.worker.take_woken() || refresher.is_needed() {
            self.idle.is_over(now);
        }
        let after = refresher.config.idle_after;
        let mut pause = self.idle.pause(refresher.lookups(), now, after, usual);
        if pause > usual && refresher.holds_shards() {
            self.idle.is_over(now);
            pause = usual;
        }
        let dozes = pause > usual && !refresher.stays_fresh_for(pause);
        if refresher.worker.set_dozing(dozes) && dozes {
            refresher.nobody_keeps_fresh();
        }
        pause
    }
}

/// The first pause while no source has said after how long to ask again: it may be soon.
const BEFORE_THE_FIRST_ANSWER: Duration = Duration::from_millis(500);

/// The first fetch was a caller's, or the parent's of a forked child: its time to live runs.
fn first_pause(refresher: &Refresher) -> Duration {
    if refresher.said_interval().is_none() {
        return BEFORE_THE_FIRST_ANSWER;
    }
    let ttl = refresher.interval();
    let age = Duration::from_millis(refresher.since_answer().unwrap_or(0));
    jitter(Duration::from_millis(ttl), BEGIN_AFTER).saturating_sub(age)
}
