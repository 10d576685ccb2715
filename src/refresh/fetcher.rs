//! Who fetches for callers: threads that live for what has gathered. Callers wait for them, within
//! their own bounds, and fetch themselves only where no thread can be had.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::base;
use crate::base::clock::{Clock, millis};
use crate::base::error::{Code, Error, Result};
use crate::base::panicked::caught;
use crate::base::thread::Threads;
use crate::config::Config;
use crate::observe::log::Level;
use crate::observe::metrics::{By, Metrics};
use crate::source::{RetryPolicy, Sources};
use crate::topology::Topology;

use super::answered::Answered;
use super::bound::{Bound, Interrupts, Limit, interrupted};
use super::failure::{Failure, Obtained};
use super::intervals::Due;
use super::publisher::Publisher;
use super::schedule::BackgroundRefresh;
use super::single_flight::{Completion, FetchRequest, OVERDUE, SingleFlight, Ticket, Waited};
use super::snapshot::{SNAPSHOT_AFTER, SnapshotFile};
use super::watch::WatchedFetch;
use super::worker::LEAST_PAUSE;

/// Fetches for the callers of one handle.
pub struct Fetcher {
    pub(super) config: Arc<Config>,
    pub(super) sources: Arc<Sources>,
    pub(super) publisher: Arc<Publisher>,
    pub(super) answered: Arc<Answered>,
    pub(super) fetches: Arc<WatchedFetch>,
    pub(super) background: Arc<BackgroundRefresh>,
    pub(super) file: Arc<SnapshotFile>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) single_flight: Arc<SingleFlight>,
    pub interrupts: Arc<Interrupts>,
    pub(super) threads: Threads,
    /// When a waiting caller may ask the source again, without a background refresh.
    pub(super) next_poll: AtomicU64,
}

impl Fetcher {
    fn clock(&self) -> &Clock {
        &self.publisher.clock
    }

    /// The bound of a lookup.
    pub fn lookup_bound(&self) -> Bound {
        self.interrupts.bound(self.config.lookup_timeout, Limit::Lookup)
    }

    /// The bound of a call that asks for much: each attempt may take a request's time, for all
    /// requests and nodes together.
    pub fn fetch_bound(&self) -> Bound {
        self.interrupts.bound(self.fetch_time(), Limit::Fetch)
    }

    fn fetch_time(&self) -> Duration {
        let attempts = self.config.connect_attempts.max(1);
        let asking = self.config.request_timeout.saturating_mul(attempts);
        asking.saturating_add(self.config.connect_delay.saturating_mul(attempts - 1))
    }

    /// Has everybody who waits see that there was an interrupt.
    pub fn wake(&self) {
        self.single_flight.wake();
        self.publisher.waiters.wake();
    }

    /// Nobody waits any more, and nothing is taken.
    pub fn close(&self) {
        self.single_flight.close();
    }

    /// Waits for the threads that fetch. What they have on the wire must have been cut off before.
    pub fn stop(&self) {
        self.threads.end();
    }

    /// Whether waiting for the source's answer has just been in vain, and nobody knows better yet.
    pub fn is_in_trouble(&self) -> bool {
        let trouble = &self.fetches.trouble;
        trouble.hangs() || trouble.failed().is_some() && self.single_flight.is_busy()
    }

    /// When the sources were last asked in vain, if they were since they answered.
    pub fn failed_last(&self) -> Option<u64> {
        self.fetches.trouble.failed()
    }

    /// After a failed fetch of what is known already: the old answer serves on, and the next
    /// try comes after one more time to live, so that callers do not queue for a dead source.
    pub fn keep_old(&self, request: &FetchRequest, error: &Error) {
        if self.renew(request) {
            self.config.log.write_once(
                Level::Warning,
                format_args!(
                    "{} gave no new topology, the old one stays in use: {error}",
                    self.sources.name()
                ),
            );
        }
    }

    /// Has what is known of `request` serve for one more time to live; true if something is.
    fn renew(&self, request: &FetchRequest) -> bool {
        let until = self.answered.intervals.of_each().from(self.clock().now());
        !self.file.state.is_early() && self.publisher.known.renew(request, until)
    }

    /// Whether something that `request` names has been known for so long that a lookup had better
    /// wait for news: longer than two times to live, one of which is over.
    pub fn is_long_over(&self, topology: &Topology, request: &FetchRequest) -> bool {
        let (now, ttl) = (self.clock().now(), self.answered.intervals.of_each());
        self.publisher.known.is_over(topology, request, now, ttl)
    }

    /// As `obtain`, for what is no lookup: once the first fetch has taken a while, a snapshot will
    /// do that knows all of `request`. The fetch goes on.
    pub fn obtain_or_snapshot(self: &Arc<Self>, request: &FetchRequest, bound: &Bound) -> Obtained {
        if !self.file.is_in_reserve() {
            return self.obtain(request, bound);
        }
        match self.obtain(request, &bound.up_to(SNAPSHOT_AFTER)) {
            Err(failure) if failure.error.code == Code::Timeout => {
                self.file.serve_early();
                match self.file.state.is_early() && self.publisher.known.covers(request) {
                    true => Ok(()),
                    false if bound.left().is_zero() => Err(failure),
                    false => self.obtain(request, bound),
                }
            }
            outcome => outcome,
        }
    }

    /// Has `request` fetched and waits for it, together with whoever else waits, within `bound`. Every
    /// node is tried, as often as the options say.
    pub fn obtain(self: &Arc<Self>, request: &FetchRequest, bound: &Bound) -> Obtained {
        if bound.may_wait() {
            self.publisher.worker.source_is_missed();
        }
        let outcome = self.obtain_quietly(request, bound);
        self.publisher.deliver();
        outcome
    }

    fn obtain_quietly(self: &Arc<Self>, request: &FetchRequest, bound: &Bound) -> Obtained {
        loop {
            let asked = self.single_flight.ask(request.clone(), !bound.may_wait());
            let (ticket, mut starts) = asked.ok_or_else(was_freed)?;
            if !bound.may_wait() {
                if starts {
                    self.start().inspect_err(|_| self.single_flight.gone())?;
                }
                return Err(would_block(request).into());
            }
            loop {
                if starts && self.start().is_err() {
                    self.fetch_here(bound);
                }
                match self.wait_for_completion(&ticket, bound) {
                    Waited::Completed(outcome) => return ended(outcome, ticket),
                    Waited::Unserved => starts = true,
                    Waited::CutShort => break,
                    Waited::NotYet => match self.single_flight.leave(&ticket) {
                        Some(Completion::Over(outcome)) => return ended(outcome, ticket),
                        _ => return Err(self.not_waited_for(request, bound, ticket)),
                    },
                }
            }
            if bound.left().is_zero() || self.interrupts.ended(bound) {
                return Err(self.not_waited_for(request, bound, ticket));
            }
        }
    }

    /// `Unserved` also where one fetcher more is to be started, beside one that takes long.
    fn wait_for_completion(&self, ticket: &Ticket, bound: &Bound) -> Waited {
        let is_over = || self.interrupts.ended(bound);
        match self.single_flight.wait(ticket, bound.left().min(OVERDUE), is_over) {
            Waited::NotYet if is_over() || bound.left().is_zero() => Waited::NotYet,
            Waited::NotYet if self.single_flight.wants_another(ticket) => Waited::Unserved,
            Waited::NotYet => self.single_flight.wait(ticket, bound.left(), is_over),
            waited => waited,
        }
    }

    /// Has `request` fetched while nobody waits for it; what is known serves meanwhile. False if there
    /// is no thread for it.
    pub fn have_fetched(self: &Arc<Self>, request: &FetchRequest) -> bool {
        // A source that fails at once must not be asked by every lookup.
        let failed = self.fetches.trouble.failed();
        if failed.is_some_and(|at| self.clock().now() < at.saturating_add(millis(LEAST_PAUSE))) {
            return true;
        }
        if let Some((_, true)) = self.single_flight.ask(request.clone(), false)
            && self.start().is_err()
        {
            // The want of a thread has been told.
            self.single_flight.gone();
            self.renew(request);
            return false;
        }
        true
    }

    /// Starts a fetcher that the line counts already.
    fn start(self: &Arc<Self>) -> Result<()> {
        let fetcher = Arc::clone(self);
        match base::thread::start("fabric-fetch", move || fetcher.serve()) {
            Ok(thread) => {
                self.threads.add(thread);
                Ok(())
            }
            Err(error) => Err(self.publisher.no_thread("to fetch the topology", &error)),
        }
    }

    fn serve(self: &Arc<Self>) {
        self.publisher.worker.threads_are_back();
        let fetch = |request: &FetchRequest| Completion::Over(self.fetch(request, None));
        self.single_flight.serve(false, fetch, |completion, left| self.completed(completion, left));
    }

    /// Fetches what has gathered in the caller's own thread, within its bound.
    fn fetch_here(self: &Arc<Self>, bound: &Bound) {
        let fetch = |request: &FetchRequest| {
            let outcome = self.fetch(request, Some(bound));
            match outcome {
                Err(_) if bound.left().is_zero() || self.interrupts.ended(bound) => {
                    Completion::CutShort
                }
                outcome => Completion::Over(outcome),
            }
        };
        self.single_flight.serve(true, fetch, |completion, left| self.completed(completion, left));
    }

    fn fetch(self: &Arc<Self>, request: &FetchRequest, caller: Option<&Bound>) -> Result<()> {
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
        let fetch = || self.fetches.run(request, Due::ALL, retry, By::Caller);
        let outcome = caught("a fetch of the topology", fetch);
        match &outcome {
            Ok(()) => _ = self.background.keep_refreshed(),
            Err(error) if error.code == Code::Interrupted => {}
            Err(error) => self.keep_old(request, error),
        }
        outcome
    }

    fn completed(&self, completion: &Completion, left: bool) {
        if left && let Completion::Over(outcome) = completion {
            self.publisher.tell_fetched(outcome);
        }
        self.publisher.deliver();
    }

    /// Waits for a newer topology than the one of `seen`, as long as `bound` allows or until it is
    /// time to look again; meanwhile `request` is asked for as often as may be.
    pub fn wait_for_news(self: &Arc<Self>, seen: u64, bound: &Bound, request: &FetchRequest) {
        let Publisher { waiters, worker, .. } = &*self.publisher;
        let _entered = waiters.enter();
        let is_over = || self.interrupts.ended(bound);
        // A refresh in the background that hangs is no reason not to ask beside it.
        if worker.is_alive() && !worker.hangs(self.clock().now()) {
            worker.request_refresh();
            waiters.wait(seen, bound.left().min(OVERDUE), is_over);
        } else {
            self.poll(bound, request);
            waiters.wait(seen, bound.left().min(LEAST_PAUSE), is_over);
        }
        self.publisher.deliver();
    }

    /// Has `request` fetched, unless somebody else who waits has just had that done.
    fn poll(self: &Arc<Self>, bound: &Bound, request: &FetchRequest) {
        let (now, relaxed) = (self.clock().now(), Ordering::Relaxed);
        let next = self.next_poll.load(relaxed);
        let after = now.saturating_add(millis(LEAST_PAUSE));
        let is_mine =
            now >= next && self.next_poll.compare_exchange(next, after, relaxed, relaxed).is_ok();
        if is_mine && !self.have_fetched(request) {
            // Whoever waits may fetch, and sees by itself what became of it.
            let _ = self.obtain(request, bound);
        }
    }

    fn not_waited_for(&self, request: &FetchRequest, bound: &Bound, ticket: Ticket) -> Failure {
        if self.interrupts.ended(bound) {
            return interrupted(&format!("the answer about {request}")).into();
        }
        self.fetches.trouble.takes_long();
        let most = millis(bound.most());
        let begun = self.clock().now().saturating_sub(most);
        let heard = self.metrics.last_error().filter(|last| last.at >= begun);
        let heard = heard.map(|last| format!("; meanwhile: {}", last.message)).unwrap_or_default();
        let snapshot = self.file.missing().map(|why| format!("; {why}")).unwrap_or_default();
        let error = Error::new(
            Code::Timeout,
            format!(
                "{} did not answer about {request} within the {most} ms {}; it goes on being \
                 asked{snapshot}{heard}",
                self.sources.name(),
                bound.limit()
            ),
        );
        let at_deadline = bound.limit() == Limit::Deadline;
        Failure { error, at_deadline, ticket: Some(ticket) }
    }
}

/// What became of a fetch, for one of those who waited for it.
fn ended(outcome: Result<()>, ticket: Ticket) -> Obtained {
    outcome.map_err(|error| Failure { error, at_deadline: false, ticket: Some(ticket) })
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
