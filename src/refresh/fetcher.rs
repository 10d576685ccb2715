//! Who fetches for callers: threads that live for what has gathered. Callers wait for them, within
//! their own bounds, and fetch themselves only where no thread can be had.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::base::error::{Code, Error, Result};
use crate::base::panicked::caught;
use crate::base::{self, callback};
use crate::observe::log::Level;
use crate::observe::metrics::By;
use crate::source::RetryPolicy;

use super::bound::{Bound, Limit, interrupted};
use super::intervals::Due;
use super::single_flight::{Completion, FetchRequest, OVERDUE, Ticket, Waited};
use super::worker::LEAST_PAUSE;
use super::{ProcessState, Refresher};
use crate::base::clock::millis;

impl Refresher {
    /// The bound of a call that may take so long and begins now. In a callback of the service's
    /// nothing waits.
    pub fn bound(&self, most: Duration, limit: Limit) -> Bound {
        let most = if callback::is_running() { Duration::ZERO } else { most };
        Bound::new(most, self.interrupts.load(Ordering::Relaxed), limit)
    }

    /// The bound of a lookup.
    pub fn lookup_bound(&self) -> Bound {
        self.bound(self.config.lookup_timeout, Limit::Lookup)
    }

    /// The bound of a call that asks for much: each attempt may take a request's time, for all
    /// requests and nodes together.
    pub fn fetch_bound(&self) -> Bound {
        self.bound(self.fetch_time(), Limit::Fetch)
    }

    fn fetch_time(&self) -> Duration {
        let attempts = self.config.connect_attempts.max(1);
        let asking = self.config.request_timeout.saturating_mul(attempts);
        asking.saturating_add(self.config.connect_delay.saturating_mul(attempts - 1))
    }

    /// Ends the waits of those who wait now.
    pub fn interrupt(&self) {
        self.interrupts.fetch_add(1, Ordering::Relaxed);
        // Behind it: who is woken sees it.
        self.sources.iter().for_each(|source| source.interrupt());
        self.process.with(|process| {
            process.single_flight.wake();
        });
        self.waiters.wake();
    }

    pub(super) fn is_interrupted(&self, bound: &Bound) -> bool {
        self.interrupts.load(Ordering::Relaxed) != bound.interrupts()
    }

    /// Has `request` fetched and waits for it, together with whoever else waits, within `bound`. Every
    /// node is tried, as often as the options say.
    pub fn obtain(self: &Arc<Self>, request: &FetchRequest, bound: &Bound) -> Result<()> {
        if bound.may_wait() {
            self.worker.source_is_missed();
        }
        let outcome = self.process.with(|process| self.obtain_in(process, request, bound));
        self.tell();
        outcome
    }

    fn obtain_in(
        self: &Arc<Self>,
        process: &ProcessState,
        request: &FetchRequest,
        bound: &Bound,
    ) -> Result<()> {
        loop {
            let asked = process.single_flight.ask(request.clone(), !bound.may_wait());
            let (ticket, mut starts) = asked.ok_or_else(was_freed)?;
            if !bound.may_wait() {
                if starts {
                    self.start_fetcher(process).inspect_err(|_| process.single_flight.gone())?;
                }
                return Err(would_block(request));
            }
            loop {
                if starts && self.start_fetcher(process).is_err() {
                    self.fetch_here(process, bound);
                }
                match self.wait_for_completion(process, &ticket, bound) {
                    Waited::Completed(outcome) => return outcome,
                    Waited::Unserved => starts = true,
                    Waited::CutShort => break,
                    Waited::NotYet => match process.single_flight.leave(&ticket) {
                        Some(Completion::Over(outcome)) => return outcome,
                        _ => return Err(self.not_waited_for(request, bound)),
                    },
                }
            }
            if bound.left().is_zero() || self.is_interrupted(bound) {
                return Err(self.not_waited_for(request, bound));
            }
        }
    }

    /// `Unserved` also where one fetcher more is to be started, beside one that takes long.
    fn wait_for_completion(
        &self,
        process: &ProcessState,
        ticket: &Ticket,
        bound: &Bound,
    ) -> Waited {
        let is_over = || self.is_interrupted(bound);
        match process.single_flight.wait(ticket, bound.left().min(OVERDUE), is_over) {
            Waited::NotYet if is_over() || bound.left().is_zero() => Waited::NotYet,
            Waited::NotYet if process.single_flight.wants_another(ticket) => Waited::Unserved,
            Waited::NotYet => process.single_flight.wait(ticket, bound.left(), is_over),
            waited => waited,
        }
    }

    /// Has `request` fetched while nobody waits for it; what is known serves meanwhile. False if there
    /// is no thread for it.
    pub fn have_fetched(self: &Arc<Self>, request: &FetchRequest) -> bool {
        // A source that fails at once must not be asked by every lookup.
        let failed = self.last_failure.load(Ordering::Relaxed);
        if failed != 0 && self.clock.now() < failed.saturating_add(millis(LEAST_PAUSE)) {
            return true;
        }
        self.process.with(|process| {
            if let Some((_, true)) = process.single_flight.ask(request.clone(), false)
                && self.start_fetcher(process).is_err()
            {
                // The want of a thread has been told.
                process.single_flight.gone();
                self.renew_old(request);
                return false;
            }
            true
        })
    }

    /// Starts a fetcher that the line counts already.
    fn start_fetcher(self: &Arc<Self>, process: &ProcessState) -> Result<()> {
        let refresher = Arc::clone(self);
        match base::thread::start("fabric-fetch", move || refresher.serve_flights()) {
            Ok(thread) => {
                process.fetchers.add(thread);
                Ok(())
            }
            Err(error) => Err(self.no_thread("to fetch the topology", &error)),
        }
    }

    /// Says that the system has no thread left; once, as it may be so for long.
    pub(super) fn no_thread(&self, purpose: &str, error: &std::io::Error) -> Error {
        let message = format!(
            "no thread can be had {purpose} ({error}); see the limits of the process, such as \
             RLIMIT_NPROC and its cgroup's pids.max"
        );
        self.config.log.write_once(Level::Warning, format_args!("{message}"));
        Error::new(Code::System, message)
    }

    fn serve_flights(self: &Arc<Self>) {
        self.worker.threads_are_back();
        self.process.with(|process| {
            let fetch = |request: &FetchRequest| {
                Completion::Over(self.fetch_for_callers(process, request, None))
            };
            process
                .single_flight
                .serve(false, fetch, |completion, left| self.completed(completion, left));
        });
    }

    /// Fetches what has gathered in the caller's own thread, within its bound.
    fn fetch_here(self: &Arc<Self>, process: &ProcessState, bound: &Bound) {
        let fetch = |request: &FetchRequest| {
            let outcome = self.fetch_for_callers(process, request, Some(bound));
            match outcome {
                Err(_) if bound.left().is_zero() || self.is_interrupted(bound) => {
                    Completion::CutShort
                }
                outcome => Completion::Over(outcome),
            }
        };
        process
            .single_flight
            .serve(true, fetch, |completion, left| self.completed(completion, left));
    }

    fn fetch_for_callers(
        self: &Arc<Self>,
        process: &ProcessState,
        request: &FetchRequest,
        caller: Option<&Bound>,
    ) -> Result<()> {
        let until = match caller {
            Some(bound) => bound.until(),
            None => Instant::now().checked_add(self.fetch_time()),
        };
        let retry = RetryPolicy {
            count: self.config.connect_attempts,
            pause: self.config.connect_delay,
            until,
            caller: caller.map(Bound::interrupts),
            ..RetryPolicy::ONCE
        };
        let fetch = || self.watched(process, request, Due::ALL, retry, By::Caller);
        let outcome = caught("a fetch of the topology", fetch);
        match &outcome {
            Ok(()) => _ = self.keep_refreshed(),
            Err(error) if error.code == Code::Interrupted => {}
            Err(error) => self.keep_old(request, error),
        }
        outcome
    }

    fn completed(&self, completion: &Completion, left: bool) {
        if left && let Completion::Over(outcome) = completion {
            let generation = self.topology.load().generation;
            self.events.fetched(outcome.as_ref().err(), generation, &self.clock);
        }
        self.tell();
    }

    /// Waits for a newer topology than the one of `seen`, as long as `bound` allows or until it is
    /// time to look again; meanwhile `request` is asked for as often as may be.
    pub fn wait_for_news(self: &Arc<Self>, seen: u64, bound: &Bound, request: &FetchRequest) {
        let _entered = self.waiters.enter();
        let is_over = || self.is_interrupted(bound);
        // A refresh in the background that hangs is no reason not to ask beside it.
        if self.worker.is_alive() && !self.worker.hangs(self.clock.now()) {
            self.worker.request_refresh();
            self.waiters.wait(seen, bound.left().min(OVERDUE), is_over);
        } else {
            self.poll(bound, request);
            self.waiters.wait(seen, bound.left().min(LEAST_PAUSE), is_over);
        }
        self.tell();
    }

    /// Has `request` fetched, unless somebody else who waits has just had that done.
    fn poll(self: &Arc<Self>, bound: &Bound, request: &FetchRequest) {
        let (now, relaxed) = (self.clock.now(), Ordering::Relaxed);
        let next = self.next_poll.load(relaxed);
        let after = now.saturating_add(millis(LEAST_PAUSE));
        let is_mine =
            now >= next && self.next_poll.compare_exchange(next, after, relaxed, relaxed).is_ok();
        if is_mine && !self.have_fetched(request) {
            // Whoever waits may fetch, and sees by itself what became of it.
            let _ = self.obtain(request, bound);
        }
    }

    /// Whether the service has interrupted the call of this bound; then that is its answer.
    pub fn refuse_interrupted(&self, bound: &Bound, what: &str) -> Result<()> {
        if self.is_interrupted(bound) { Err(interrupted(what)) } else { Ok(()) }
    }

    /// See [`Waiters::published`](super::waiters::Waiters::published).
    pub fn published(&self) -> u64 {
        self.waiters.published()
    }

    fn not_waited_for(&self, request: &FetchRequest, bound: &Bound) -> Error {
        if self.is_interrupted(bound) {
            return interrupted(&format!("the answer about {request}"));
        }
        self.hangs.store(true, Ordering::Relaxed);
        let most = millis(bound.most());
        let begun = self.clock.now().saturating_sub(most);
        let heard = self.metrics.last_error().filter(|last| last.at >= begun);
        let heard = heard.map(|last| format!("; meanwhile: {}", last.message)).unwrap_or_default();
        let snapshot = self.process.with(|process| self.no_snapshot(process));
        let snapshot = snapshot.map(|why| format!("; {why}")).unwrap_or_default();
        Error::new(
            Code::Timeout,
            format!(
                "{} did not answer about {request} within the {most} ms {}; it goes on being \
                 asked{snapshot}{heard}",
                self.source_name(),
                bound.limit()
            ),
        )
    }
}

pub fn would_block(request: &FetchRequest) -> Error {
    Error::new(
        Code::WouldBlock,
        format!(
            "{request} {} not known yet, and the call may not wait; it is being asked for, and \
             FABRIC_EVENT_FETCHED tells when there is an answer",
            if request.is_plural() { "are" } else { "is" }
        ),
    )
}

fn was_freed() -> Error {
    Error::new(Code::NotSeeded, "the handle has been freed, and fetches nothing any more")
}
