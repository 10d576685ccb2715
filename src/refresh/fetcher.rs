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
use super::flight::{Landing, OVERDUE, Ticket, Waited, Wish};
use super::intervals::Due;
use super::worker::LEAST_PAUSE;
use super::{Refresher, Workshop};
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
        self.workshop.with(|shop| {
            shop.flights.wake();
        });
        self.waiters.wake();
    }

    pub(super) fn is_interrupted(&self, bound: &Bound) -> bool {
        self.interrupts.load(Ordering::Relaxed) != bound.interrupts()
    }

    /// Has `wish` fetched and waits for it, together with whoever else waits, within `bound`. Every
    /// node is tried, as often as the options say.
    pub fn obtain(self: &Arc<Self>, wish: &Wish, bound: &Bound) -> Result<()> {
        if bound.may_wait() {
            self.worker.source_is_missed();
        }
        let outcome = self.workshop.with(|shop| self.obtain_in(shop, wish, bound));
        self.tell();
        outcome
    }

    fn obtain_in(self: &Arc<Self>, shop: &Workshop, wish: &Wish, bound: &Bound) -> Result<()> {
        loop {
            let asked = shop.flights.ask(wish.clone(), !bound.may_wait());
            let (ticket, mut starts) = asked.ok_or_else(was_freed)?;
            if !bound.may_wait() {
                if starts {
                    self.start_fetcher(shop).inspect_err(|_| shop.flights.gone())?;
                }
                return Err(would_block(wish));
            }
            loop {
                if starts && self.start_fetcher(shop).is_err() {
                    self.fetch_here(shop, bound);
                }
                match self.wait_for_landing(shop, &ticket, bound) {
                    Waited::Landed(outcome) => return outcome,
                    Waited::Unserved => starts = true,
                    Waited::CutShort => break,
                    Waited::NotYet => match shop.flights.leave(&ticket) {
                        Some(Landing::Over(outcome)) => return outcome,
                        _ => return Err(self.not_waited_for(wish, bound)),
                    },
                }
            }
            if bound.left().is_zero() || self.is_interrupted(bound) {
                return Err(self.not_waited_for(wish, bound));
            }
        }
    }

    /// `Unserved` also where one fetcher more is to be started, beside one that takes long.
    fn wait_for_landing(&self, shop: &Workshop, ticket: &Ticket, bound: &Bound) -> Waited {
        let is_over = || self.is_interrupted(bound);
        match shop.flights.wait(ticket, bound.left().min(OVERDUE), is_over) {
            Waited::NotYet if is_over() || bound.left().is_zero() => Waited::NotYet,
            Waited::NotYet if shop.flights.wants_another(ticket) => Waited::Unserved,
            Waited::NotYet => shop.flights.wait(ticket, bound.left(), is_over),
            waited => waited,
        }
    }

    /// Has `wish` fetched while nobody waits for it; what is known serves meanwhile. False if there
    /// is no thread for it.
    pub fn have_fetched(self: &Arc<Self>, wish: &Wish) -> bool {
        // A Fabric that fails at once must not be asked by every lookup.
        let failed = self.last_failure.load(Ordering::Relaxed);
        if failed != 0 && self.clock.now() < failed.saturating_add(millis(LEAST_PAUSE)) {
            return true;
        }
        self.workshop.with(|shop| {
            if let Some((_, true)) = shop.flights.ask(wish.clone(), false)
                && self.start_fetcher(shop).is_err()
            {
                // The want of a thread has been told.
                shop.flights.gone();
                self.renew_old(wish);
                return false;
            }
            true
        })
    }

    /// Starts a fetcher that the line counts already.
    fn start_fetcher(self: &Arc<Self>, shop: &Workshop) -> Result<()> {
        let refresher = Arc::clone(self);
        match base::thread::start("fabric-fetch", move || refresher.serve_flights()) {
            Ok(thread) => {
                shop.fetchers.add(thread);
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
        self.workshop.with(|shop| {
            let fetch = |wish: &Wish| Landing::Over(self.fetch_for_callers(shop, wish, None));
            shop.flights.serve(false, fetch, |landing, left| self.landed(landing, left));
        });
    }

    /// Fetches what has gathered in the caller's own thread, within its bound.
    fn fetch_here(self: &Arc<Self>, shop: &Workshop, bound: &Bound) {
        let fetch = |wish: &Wish| {
            let outcome = self.fetch_for_callers(shop, wish, Some(bound));
            match outcome {
                Err(_) if bound.left().is_zero() || self.is_interrupted(bound) => Landing::CutShort,
                outcome => Landing::Over(outcome),
            }
        };
        shop.flights.serve(true, fetch, |landing, left| self.landed(landing, left));
    }

    fn fetch_for_callers(
        self: &Arc<Self>,
        shop: &Workshop,
        wish: &Wish,
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
        let fetch = || self.watched(shop, wish, Due::ALL, retry, By::Caller);
        let outcome = caught("a fetch of the topology", fetch);
        match &outcome {
            Ok(()) => _ = self.keep_refreshed(),
            Err(error) if error.code == Code::Interrupted => {}
            Err(error) => self.keep_old(wish, error),
        }
        outcome
    }

    fn landed(&self, landing: &Landing, left: bool) {
        if left && let Landing::Over(outcome) = landing {
            let generation = self.topology.load().generation;
            self.events.fetched(outcome.as_ref().err(), generation, &self.clock);
        }
        self.tell();
    }

    /// Waits for a newer topology than the one of `seen`, as long as `bound` allows or until it is
    /// time to look again; meanwhile `wish` is asked for as often as may be.
    pub fn wait_for_news(self: &Arc<Self>, seen: u64, bound: &Bound, wish: &Wish) {
        let _entered = self.waiters.enter();
        let is_over = || self.is_interrupted(bound);
        // A refresh in the background that hangs is no reason not to ask beside it.
        if self.worker.is_alive() && !self.worker.hangs(self.clock.now()) {
            self.worker.request_refresh();
            self.waiters.wait(seen, bound.left().min(OVERDUE), is_over);
        } else {
            self.poll(bound, wish);
            self.waiters.wait(seen, bound.left().min(LEAST_PAUSE), is_over);
        }
        self.tell();
    }

    /// Has `wish` fetched, unless somebody else who waits has just had that done.
    fn poll(self: &Arc<Self>, bound: &Bound, wish: &Wish) {
        let (now, relaxed) = (self.clock.now(), Ordering::Relaxed);
        let next = self.next_poll.load(relaxed);
        let after = now.saturating_add(millis(LEAST_PAUSE));
        let is_mine =
            now >= next && self.next_poll.compare_exchange(next, after, relaxed, relaxed).is_ok();
        if is_mine && !self.have_fetched(wish) {
            // Whoever waits may fetch, and sees by itself what became of it.
            let _ = self.obtain(wish, bound);
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

    fn not_waited_for(&self, wish: &Wish, bound: &Bound) -> Error {
        if self.is_interrupted(bound) {
            return interrupted(&format!("Fabric's answer about {wish}"));
        }
        self.hangs.store(true, Ordering::Relaxed);
        let most = millis(bound.most());
        let begun = self.clock.now().saturating_sub(most);
        let heard = self.metrics.last_error().filter(|last| last.at >= begun);
        let heard = heard.map(|last| format!("; meanwhile: {}", last.message)).unwrap_or_default();
        let snapshot = self.workshop.with(|shop| self.no_snapshot(shop));
        let snapshot = snapshot.map(|why| format!("; {why}")).unwrap_or_default();
        Error::new(
            Code::Timeout,
            format!(
                "Fabric did not answer about {wish} within the {most} ms {}; it goes on being \
                 asked{snapshot}{heard}",
                bound.limit()
            ),
        )
    }
}

pub fn would_block(wish: &Wish) -> Error {
    Error::new(
        Code::WouldBlock,
        format!(
            "{wish} {} not known yet, and the call may not wait; Fabric is being asked, and \
             FABRIC_EVENT_FETCHED tells when it has answered",
            if wish.is_plural() { "are" } else { "is" }
        ),
    )
}

fn was_freed() -> Error {
    Error::new(Code::NotSeeded, "the handle has been freed, and nobody asks Fabric any more")
}
