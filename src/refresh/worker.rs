//! The thread of a handle that sees to it that what the handle knows is fresh: whether there is one,
//! and what others want of it. What it does, and when, is in `schedule`.

use std::io;
use std::mem;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::base::clock::{Clock, millis};
use crate::base::error::Result;
use crate::base::sync::{Condvar, Mutex, rank};
use crate::base::{self, fork};

use super::single_flight::OVERDUE;
use super::timer::{EachTimer, Timer};

/// The least time between two fetches, however many callers are in a hurry.
pub(crate) const LEAST_PAUSE: Duration = Duration::from_millis(100);

/// How long to go without the thread when the system has none to give, in milliseconds.
pub(crate) const RETRY_AFTER: u64 = 1_000;

/// The longest that the thread goes without looking what there is to do, in milliseconds. Whoever
/// gives it something to do wakes it.
const LOOK_AFTER: u64 = 3_600_000;

/// The fetches of one timer.
#[derive(Default)]
struct Fetches {
    /// When the fetch began that is under way; 0 = none is.
    since: AtomicU64,
    /// Whether the last one failed.
    has_failed: AtomicBool,
    /// Whether a caller has had to wait for the source since.
    is_missed: AtomicBool,
}

impl Fetches {
    fn is_under_way(&self) -> bool {
        self.since.load(Ordering::Relaxed) != 0
    }
}

/// The thread of one handle, if there is one.
#[derive(Default)]
pub struct Worker {
    /// The fork generation the thread runs in, plus one; 0 = no thread. A forked child has the
    /// number of its parent and no thread.
    alive_in: AtomicU64,
    fetches: EachTimer<Fetches>,
    /// Whether the thread is at a fetch itself, for want of another one, and sees nothing else.
    is_alone: AtomicBool,
    /// Whether the thread asks too seldom to keep anything fresh, because nobody uses the handle.
    dozes: AtomicBool,
    /// When a thread may be tried to be had again after there was none.
    retry_at: AtomicU64,
    orders: Mutex<Orders, { rank::ORDERS }>,
    changed: Condvar,
    thread: Mutex<Option<JoinHandle<()>>, { rank::WORKER }>,
}

#[derive(Default)]
struct Orders {
    stop: bool,
    of_timers: EachTimer<OfTimer>,
    /// Something ends at another time than it did.
    look: bool,
    /// There is a topology to write to the disk.
    save: bool,
    /// Somebody uses the handle after a pause.
    woken: bool,
}

#[derive(Default)]
struct OfTimer {
    /// Somebody wants a refresh now rather than in time.
    refresh: bool,
    /// What the fetch that was under way came to.
    refreshed: Option<Refreshed>,
}

impl Orders {
    fn refresh(&mut self) {
        self.of_timers.main.refresh = true;
        self.of_timers.groups.refresh = true;
    }
}

/// What a refresh came to.
#[derive(Debug)]
pub struct Refreshed {
    pub outcome: Result<()>,
    /// The processor time that its thread took.
    pub work: Duration,
}

/// What the thread has to do next.
#[derive(Debug)]
pub enum Task {
    /// In time, or because somebody wants one now.
    Fetch {
        timer: Timer,
        is_wanted: bool,
    },
    /// The fetch under way is over.
    Rest(Timer, Refreshed),
    /// A quarantine or a hold has lasted long enough.
    Settle,
    /// The topology on disk is not the one in use.
    Save,
    Stop,
}

/// When a timer has the thread fetch, in milliseconds on the handle's clock.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// When the last fetch began.
    pub begun: u64,
    /// When the next one is to begin.
    pub due: u64,
}

/// What may have the thread do something sooner than it is due.
#[derive(Debug, Default, Clone, Copy)]
pub struct Pressure {
    /// The pause between two fetches, if somebody waits for the source's next word.
    pub pause: Option<Duration>,
    /// How long until a quarantine or a hold ends.
    pub settles_in: Option<Duration>,
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

    /// Whether the thread has been at one fetch for long.
    pub fn hangs(&self, now: u64) -> bool {
        self.fetches.any(|fetches| match fetches.since.load(Ordering::Relaxed) {
            0 => false,
            since => now.saturating_sub(since) >= millis(OVERDUE),
        })
    }

    /// Starts the thread, whose work is what `run` makes, if it does not run in this process and is
    /// not to stop.
    ///
    /// # Errors
    /// The system has none to give. It is not asked again for a while.
    pub fn start<R: FnOnce() + Send + 'static>(
        &self,
        now: u64,
        run: impl FnOnce() -> R,
    ) -> io::Result<()> {
        if self.is_alive() || now < self.retry_at.load(Ordering::Relaxed) {
            return Ok(());
        }
        let mut thread = self.thread.lock();
        if self.is_alive() || self.orders.lock().stop {
            return Ok(());
        }
        // A forked child has what its parent was at, and nobody who is at it.
        Timer::ALL.into_iter().for_each(|timer| self.fetch_is_over(timer));
        self.is_alone.store(false, Ordering::Relaxed);
        let started = base::thread::start("fabric-refresh", run()).inspect_err(|_| {
            // Until then lookups have what they need fetched.
            self.retry_at.store(now + RETRY_AFTER, Ordering::Relaxed);
        })?;
        let predecessor = thread.replace(started);
        self.dozes.store(false, Ordering::Relaxed);
        self.alive_in.store(fork::generation() + 1, Ordering::Relaxed);
        drop(thread);
        // It is one that panicked, and only has to end.
        predecessor.into_iter().for_each(base::thread::join);
        Ok(())
    }

    /// The system has just given a thread: one more is tried to be had at once.
    pub fn threads_are_back(&self) {
        self.retry_at.store(0, Ordering::Relaxed);
    }

    /// Has the thread keep things fresh again, from its next fetch on.
    pub fn wake(&self) {
        if self.dozes.load(Ordering::Relaxed) {
            let mut orders = self.orders.lock();
            if !mem::replace(&mut orders.woken, true) {
                orders.refresh();
                self.changed.notify_all();
            }
        }
    }

    fn order(&self, order: impl FnOnce(&mut Orders)) {
        order(&mut self.orders.lock());
        self.changed.notify_all();
    }

    /// Has the thread refresh at once.
    pub fn request_refresh(&self) {
        self.order(Orders::refresh);
    }

    /// As `request_refresh`, where nobody needs other maps.
    pub fn request_groups(&self) {
        self.order(|orders| orders.of_timers.groups.refresh = true);
    }

    /// Has the thread look again what ends when.
    pub fn look(&self) {
        self.order(|orders| orders.look = true);
    }

    /// Has the thread write the topology to the disk, at once or when it starts.
    pub fn request_save(&self) {
        self.order(|orders| orders.save = true);
    }

    /// Hands the thread what the fetch came to that it had begun.
    pub fn refreshed(&self, timer: Timer, refreshed: Refreshed) {
        self.order(|orders| orders.of_timers.of_mut(timer).refreshed = Some(refreshed));
    }

    /// A node has answered somebody else: if the last refresh failed, the next one comes at once.
    pub fn source_answered(&self) {
        for timer in Timer::ALL {
            if self.fetches.of(timer).has_failed.swap(false, Ordering::Relaxed) {
                self.order(|orders| orders.of_timers.of_mut(timer).refresh = true);
            }
        }
    }

    /// A caller waits for the source: the next pauses are short again.
    pub fn source_is_missed(&self) {
        for timer in Timer::ALL {
            self.fetches.of(timer).is_missed.store(true, Ordering::Relaxed);
        }
    }

    /// Ends the thread and waits for it. What it has on the wire must have been cut off before.
    pub fn stop(&self) {
        self.order(|orders| orders.stop = true);
        let thread = self.thread.lock().take();
        if let Some(thread) = thread {
            base::thread::join(thread);
        }
    }
}

/// What the thread itself says, and asks.
impl Worker {
    /// A fetch of this timer is under way from `now` on.
    pub(super) fn fetch_begins(&self, timer: Timer, now: u64) {
        self.fetches.of(timer).since.store(now, Ordering::Relaxed);
    }

    /// No fetch of this timer is under way any more.
    pub(super) fn fetch_is_over(&self, timer: Timer) {
        self.fetches.of(timer).since.store(0, Ordering::Relaxed);
    }

    /// Notes whether a refresh failed.
    pub(super) fn set_failed(&self, timer: Timer, has_failed: bool) {
        self.fetches.of(timer).has_failed.store(has_failed, Ordering::Relaxed);
    }

    /// Whether the pauses after failures may grow on: nobody has had to wait since the last one.
    pub(super) fn backs_off(&self, timer: Timer) -> bool {
        let Fetches { has_failed, is_missed, .. } = self.fetches.of(timer);
        has_failed.load(Ordering::Relaxed) && !is_missed.swap(false, Ordering::Relaxed)
    }

    /// The thread is at a fetch itself from here on, or is no more.
    pub(super) fn set_alone(&self, is_alone: bool) {
        self.is_alone.store(is_alone, Ordering::Relaxed);
    }

    /// Notes whether the thread asks too seldom to keep anything fresh; true if that is new.
    pub(super) fn set_dozing(&self, dozes: bool) -> bool {
        self.dozes.swap(dozes, Ordering::Relaxed) != dozes
    }

    /// Whether somebody has used the handle after a pause since this was asked last.
    pub(super) fn take_woken(&self) -> bool {
        mem::take(&mut self.orders.lock().woken)
    }

    /// The thread has ended.
    pub(super) fn has_ended(&self) {
        self.alive_in.store(0, Ordering::Relaxed);
    }

    /// Waits for so long, unless the thread is to stop.
    pub(super) fn pause(&self, long: Duration) {
        let orders = self.orders.lock();
        drop(self.changed.wait_timeout_while(orders, long, |orders| !orders.stop));
    }

    /// Waits until there is something to do. A fetch is due in time, or at once when somebody is in a
    /// hurry, but never sooner than the least pause after the last one of its timer began, nor beside
    /// it.
    pub(super) fn next_task(
        &self,
        clock: &Clock,
        times: EachTimer<Option<Times>>,
        pressure: impl Fn() -> Pressure,
    ) -> Task {
        let is_fetching = self.fetches.any(Fetches::is_under_way);
        loop {
            // Asked before the lock is taken, for the answers are not the orders' to give. Whoever
            // makes them others has the thread look again, which it sees below.
            let Pressure { pause, settles_in } = pressure();
            let mut orders = self.orders.lock();
            if mem::take(&mut orders.look) {
                continue;
            }
            let now = clock.now();
            if times.groups.is_none() && mem::take(&mut orders.of_timers.groups.refresh) {
                orders.of_timers.main.refresh = true;
            }
            for timer in Timer::ALL {
                if let Some(refreshed) = orders.of_timers.of_mut(timer).refreshed.take() {
                    return Task::Rest(timer, refreshed);
                }
            }
            // What is new is saved even when it is time to stop: the next start may need it.
            if mem::take(&mut orders.save) {
                return Task::Save;
            }
            // What a fetch that was cut off has still brought is to be saved, too.
            if orders.stop && !is_fetching {
                return Task::Stop;
            }
            let mut next = u64::MAX;
            for timer in Timer::ALL {
                let Some(Times { begun, due }) = *times.of(timer) else { continue };
                if orders.stop || self.fetches.of(timer).is_under_way() {
                    continue;
                }
                let refresh = &mut orders.of_timers.of_mut(timer).refresh;
                let hurry = refresh.then_some(LEAST_PAUSE).or(pause);
                let at = hurry.map_or(due, |pause| due.min(begun + millis(pause)));
                if at <= now {
                    *refresh = false;
                    return Task::Fetch { timer, is_wanted: hurry.is_some() };
                }
                next = next.min(at);
            }
            if settles_in == Some(Duration::ZERO) {
                return Task::Settle;
            }
            let pause = Duration::from_millis((next - now).min(LOOK_AFTER));
            let pause = settles_in.map_or(pause, |settle| settle.min(pause));
            drop(self.changed.wait_timeout(orders, pause));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    const NEVER: Times = Times { begun: 1, due: u64::MAX };

    fn only(times: Times) -> EachTimer<Option<Times>> {
        EachTimer { main: Some(times), groups: None }
    }

    fn next(worker: &Worker, times: Times, pressure: Pressure) -> Task {
        worker.next_task(&Clock::default(), only(times), || pressure)
    }

    #[test]
    fn what_is_new_is_saved_before_the_thread_ends() {
        let worker = Worker::default();
        worker.stop();
        worker.request_save();
        worker.request_refresh();
        assert!(matches!(next(&worker, NEVER, Pressure::default()), Task::Save));
        assert!(matches!(next(&worker, NEVER, Pressure::default()), Task::Stop));
        worker.fetch_begins(Timer::Main, 1);
        worker.refreshed(Timer::Main, Refreshed { outcome: Ok(()), work: Duration::ZERO });
        assert!(matches!(next(&worker, NEVER, Pressure::default()), Task::Rest(Timer::Main, _)));
    }

    #[test]
    fn a_fetch_comes_in_time_or_after_the_least_pause_when_somebody_waits() {
        let worker = Worker::default();
        let now = Pressure { settles_in: Some(Duration::ZERO), ..Pressure::default() };
        let in_time = Times { begun: 1, due: 1 };
        assert!(matches!(next(&worker, in_time, now), Task::Fetch { .. }));
        assert!(matches!(next(&worker, NEVER, now), Task::Settle));

        let clock = Clock::default();
        worker.request_refresh();
        let task = worker.next_task(&clock, only(NEVER), Pressure::default);
        assert!(matches!(task, Task::Fetch { .. }));
        assert!(clock.now() >= NEVER.begun + millis(LEAST_PAUSE));
        assert!(matches!(next(&worker, NEVER, now), Task::Settle), "it was wanted once");

        let waited_for = Pressure { pause: Some(Duration::from_millis(1)), ..Pressure::default() };
        assert!(matches!(next(&worker, NEVER, waited_for), Task::Fetch { .. }));
        worker.fetch_begins(Timer::Main, 1);
        let both = Pressure { settles_in: now.settles_in, ..waited_for };
        assert!(matches!(next(&worker, NEVER, both), Task::Settle), "no fetch beside another");
    }

    #[test]
    fn who_changes_what_ends_when_has_it_asked_anew() {
        let (worker, asked) = (Worker::default(), AtomicUsize::new(0));
        worker.look();
        let pressure = || {
            let settles_in = match asked.fetch_add(1, Ordering::Relaxed) {
                0 => None,
                _ => Some(Duration::ZERO),
            };
            Pressure { settles_in, ..Pressure::default() }
        };
        assert!(matches!(worker.next_task(&Clock::default(), only(NEVER), pressure), Task::Settle));
        assert_eq!(asked.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn a_failure_is_over_once_somebody_else_has_had_an_answer() {
        let worker = Worker::default();
        worker.set_failed(Timer::Main, true);
        assert!(worker.backs_off(Timer::Main));
        worker.source_is_missed();
        assert!(
            !worker.backs_off(Timer::Main) && worker.backs_off(Timer::Main),
            "once for each caller that waits"
        );
        worker.source_answered();
        assert!(!worker.backs_off(Timer::Main));
        assert!(matches!(next(&worker, NEVER, Pressure::default()), Task::Fetch { .. }), "at once");
    }

    #[test]
    fn each_timer_fetches_in_its_own_time() {
        let (worker, clock) = (Worker::default(), Clock::default());
        let both = |main, groups| EachTimer { main: Some(main), groups: Some(groups) };
        let in_time = Times { begun: 1, due: 1 };
        let next = |times| worker.next_task(&clock, times, Pressure::default);
        let is_of = |task, of| matches!(task, Task::Fetch { timer, .. } if timer == of);
        worker.fetch_begins(Timer::Main, 1);
        assert!(is_of(next(both(in_time, in_time)), Timer::Groups), "beside the other one's");
        worker.fetch_is_over(Timer::Main);
        assert!(is_of(next(both(in_time, NEVER)), Timer::Main));

        worker.request_groups();
        assert!(is_of(next(both(NEVER, NEVER)), Timer::Groups), "and no maps");
        worker.request_groups();
        assert!(is_of(next(only(NEVER)), Timer::Main), "which asks for groups, too");

        worker.set_failed(Timer::Main, true);
        assert!(worker.backs_off(Timer::Main) && !worker.backs_off(Timer::Groups));
        worker.source_answered();
        assert!(is_of(next(both(NEVER, NEVER)), Timer::Main), "only the one that failed");
        worker.fetch_begins(Timer::Main, 1);
        worker.refreshed(Timer::Groups, Refreshed { outcome: Ok(()), work: Duration::ZERO });
        assert!(matches!(next(both(in_time, NEVER)), Task::Rest(Timer::Groups, _)));
        worker.order(|orders| orders.stop = true);
        worker.refreshed(Timer::Main, Refreshed { outcome: Ok(()), work: Duration::ZERO });
        assert!(matches!(next(both(in_time, in_time)), Task::Rest(Timer::Main, _)), "not another");
    }
}
