//! Looking a thing up, and having it fetched first where it is missing or past its time.

use std::cell::Cell;
use std::time::Duration;

use crate::base::error::{Code, Error, Result};
use crate::refresh::bound::Bound;
use crate::refresh::failure::Obtained;
use crate::refresh::fetcher::would_block;
use crate::refresh::single_flight::FetchRequest;
use crate::refresh::snapshot::SNAPSHOT_AFTER;
use crate::topology::{GroupId, Table, Topology, Wanted};

use super::freshness::{Attempt, Basis, FreshnessCheck, Tried};
use super::resolve::{LookupView, Miss, Query, ShardKey, Target};
use super::{Router, errors};

/// A lookup fetches at most so often before it settles for what there is.
const MAX_ATTEMPTS: usize = 4;

/// How long the first fetch may take before a write that may not wait goes on from a snapshot: as
/// long as one that waits for half of the lookup timeout, unless that was set.
const WRITES_AFTER: Duration = Duration::from_millis(2_500);

/// What a lookup is for, and how long it may take.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Terms {
    /// The bound of the whole call; that of a lookup, from now on, if the call has none yet.
    pub bound: Option<Bound>,
    /// Whether a wrong answer would have somebody write in the wrong place.
    pub writes: bool,
    /// Whether a group that cannot be had refuses the keys in it alone.
    pub by_key: bool,
    /// Whether what is past its time is left so, where a lookup would be answered by it and have it
    /// renewed behind its back.
    pub leaves_old: bool,
}

impl Terms {
    pub fn of(wanted: Wanted) -> Self {
        Self { writes: wanted == Wanted::Primary, ..Self::default() }
    }

    pub fn within(bound: Bound) -> Self {
        Self { bound: Some(bound), ..Self::default() }
    }
}

/// A state of the farm: see [`Topology::generation`].
pub(super) type Generation = u64;

/// What an attempt sees.
pub(super) type Checked<'v> = LookupView<'v, &'v FreshnessCheck<'v>>;

impl Router {
    /// Looks for the group of a query, and hands it to `finish`. Where a topology is named in which
    /// the query's name was found `unknown`, it is not looked for there again.
    pub(super) fn look_for_group<T>(
        &self,
        terms: Terms,
        query: &Query<'_>,
        mut unknown: Option<Generation>,
        finish: impl FnOnce(Checked<'_>, GroupId) -> Result<T>,
    ) -> Result<T> {
        let find = |view: Checked<'_>| {
            if unknown.take() == Some(view.topology.generation)
                && let Some(miss) = view.unknown(query.target)
            {
                return Err(miss);
            }
            let group = view.group_of(query.target)?;
            view.group_entry_for(group, query.wanted).map(|_| group.base())
        };
        self.look(terms, query, find, finish)
    }

    /// Looks for a table, and hands it to `finish`.
    pub(super) fn look_for_table<T>(
        &self,
        terms: Terms,
        name: &[u8],
        finish: impl FnOnce(&Topology, &Table) -> Result<T>,
    ) -> Result<T> {
        let target = Target::Table(name, ShardKey::Global);
        let query = Query { target, wanted: Wanted::Unservable };
        let find = |view: Checked<'_>| view.usable(name, view.table_named(name)?).map(|_| ());
        self.look(terms, &query, find, |view, ()| {
            finish(view.topology, errors::known_table(view.topology, name)?)
        })
    }

    /// Looks until everything is there, having fetched what is missing. What is old serves while it
    /// is fetched behind the lookup's back, unless it has been old for long.
    pub(super) fn look<F, T>(
        &self,
        terms: Terms,
        query: &Query<'_>,
        mut find: impl FnMut(Checked<'_>) -> std::result::Result<F, Miss>,
        finish: impl FnOnce(Checked<'_>, F) -> Result<T>,
    ) -> Result<T> {
        let (basis, last_hit) = (self.basis(), Cell::new(0));
        let (mut bound, mut tried) = (terms.bound, Tried::default());
        for attempt in 0..MAX_ATTEMPTS {
            let topology = self.refresher.topology();
            let check = FreshnessCheck::new(&self.refresher, basis, &tried);
            let view = self.view(&topology, &last_hit, &check);
            let outcome = find(view);
            match check.attempt(outcome) {
                Attempt::Found(found) => {
                    check.refuse_too_old()?;
                    if attempt > 0 {
                        self.refresher.background.keep_refreshed();
                    }
                    return finish(view, found);
                }
                Attempt::Refused(miss) => {
                    return Err(check.refuse(errors::error_of(view, query, miss)));
                }
                Attempt::Missing(request, miss) => {
                    let unknown = || match miss {
                        Some(miss @ (Miss::UnknownTable | Miss::UnknownGroup)) => {
                            Some(errors::error_of(view, query, miss))
                        }
                        _ => errors::unknown(&topology, &request),
                    };
                    if self.refresher.answered.knows_all()
                        && let Some(refusal) = unknown()
                    {
                        self.have_fetched(terms, &request);
                        check.note_age(&request, self.refresher.answered.whole_confirmed());
                        return check.refuse_too_old().and(Err(refusal));
                    }
                    let bound = bound.get_or_insert_with(|| self.refresher.fetcher.lookup_bound());
                    let is_missing = || self.is_missing(query, &mut find);
                    match self.fetch_missing(&request, bound, terms.writes, is_missing) {
                        Ok(()) => tried.fetched.get_or_insert_default().merge(request),
                        Err(error) if terms.by_key && self.spares_others(&request, &error) => {
                            self.refresher.fetcher.keep_old(&request, &error);
                            tried.fail(request, error);
                        }
                        Err(error) => return Err(error),
                    }
                }
                Attempt::Old(request, outcome) => {
                    let is_unknown = self.refresher.answered.knows_all()
                        && errors::unknown(&topology, &request).is_some();
                    let bound = bound.get_or_insert_with(|| self.refresher.fetcher.lookup_bound());
                    if is_unknown {
                        self.have_fetched(terms, &request);
                    } else if self.renew(&topology, &request, bound, terms, &check)? {
                        tried.fetched.get_or_insert_default().merge(request);
                        continue;
                    }
                    check.refuse_too_old()?;
                    return match outcome {
                        Ok(found) => finish(view, found),
                        Err(miss) => Err(errors::error_of(view, query, miss)),
                    };
                }
            }
        }
        Err(Error::new(
            Code::NoServer,
            "the farm changes faster than it can be looked up; try again",
        ))
    }

    /// Has something fetched that nobody waits for.
    fn have_fetched(&self, terms: Terms, request: &FetchRequest) {
        if !terms.leaves_old {
            self.refresher.fetcher.have_fetched(request);
        }
    }

    /// How far a lookup may trust what is there: as far as the background refresh looks after
    /// it, else as far as it is fresh.
    pub(super) fn basis(&self) -> Basis {
        // A forked child finds no refresh of its own and starts one. What it has inherited
        // serves at once.
        if self.refresher.refreshes_itself() || self.refresher.background.keep_refreshed() {
            return Basis::Kept;
        }
        let now = self.refresher.clock().now();
        self.refresher.health.settle_at(now);
        Basis::Until(now)
    }

    /// Whether something that a lookup needs is not there at all; if it is, and refuses, the refusal.
    fn is_missing<F>(
        &self,
        query: &Query<'_>,
        find: &mut impl FnMut(Checked<'_>) -> std::result::Result<F, Miss>,
    ) -> Result<bool> {
        let (topology, last_hit, tried) =
            (self.refresher.topology(), Cell::new(0), Tried::default());
        let check = FreshnessCheck::new(&self.refresher, Basis::Anything, &tried);
        let view = self.view(&topology, &last_hit, &check);
        let outcome = find(view);
        match check.attempt(outcome) {
            Attempt::Missing(..) => Ok(true),
            Attempt::Found(_) | Attempt::Old(..) => Ok(false),
            Attempt::Refused(miss) => Err(errors::error_of(view, query, miss)),
        }
    }

    /// Whether what could not be had leaves an answer for some keys: all tables are known, however old.
    fn spares_others(&self, request: &FetchRequest, error: &Error) -> bool {
        let topology = self.refresher.topology();
        error.code != Code::Interrupted
            && request.tables.iter().all(|name| topology.tables.get(name.as_bytes()).is_some())
    }

    /// Has what is missing fetched. A failure counts only where nothing older can serve instead, and
    /// where somebody may wait for something newer.
    fn fetch_missing(
        &self,
        request: &FetchRequest,
        bound: &Bound,
        writes: bool,
        mut is_missing: impl FnMut() -> Result<bool>,
    ) -> Result<()> {
        let mut outcome = self.obtain_for_lookup(request, bound, writes);
        if matches!(&outcome, Err(failure) if failure.error.code == Code::Timeout)
            && !bound.left().is_zero()
            && is_missing()?
        {
            outcome = self.refresher.fetcher.obtain(request, bound);
        }
        let Err(failure) = outcome else { return Ok(()) };
        let (code, is_early) = (failure.error.code, self.refresher.file.state.is_early());
        let blocks = code == Code::WouldBlock && (!is_early || self.must_ask_first(writes));
        if blocks || code == Code::Interrupted || is_missing()? {
            return Err(self.failed(failure));
        }
        self.refresher.fetcher.keep_old(request, &failure.error);
        Ok(())
    }

    /// Has what is missing fetched. While the first fetch takes long a snapshot may serve: for reads
    /// after a while, for writes only after half of the time, or a while longer if they have none.
    fn obtain_for_lookup(&self, request: &FetchRequest, bound: &Bound, writes: bool) -> Obtained {
        if !self.refresher.file.is_in_reserve() {
            return self.refresher.fetcher.obtain(request, bound);
        }
        let part = match writes {
            true => bound.most() / 2,
            false => SNAPSHOT_AFTER.saturating_sub(self.refresher.file.in_reserve_for()),
        };
        let outcome = self.refresher.fetcher.obtain(request, &bound.up_to(part));
        let is_time = match outcome.as_ref().map_err(|failure| failure.error.code) {
            Err(Code::Timeout) => true,
            Err(Code::WouldBlock) => !self.must_ask_first(writes),
            _ => false,
        };
        if is_time {
            self.refresher.file.serve_early();
        }
        outcome
    }

    /// Whether it is too soon for a call that may not wait to go on from the snapshot in reserve.
    fn must_ask_first(&self, writes: bool) -> bool {
        let after = if writes { WRITES_AFTER } else { SNAPSHOT_AFTER };
        self.refresher.file.in_reserve_for() < after
    }

    /// Has what is old fetched; true if it has been, and the lookup is to look again. It is waited
    /// for only if it has been old for long, as after a pause in which nobody asked for it, or is too
    /// old to serve.
    fn renew(
        &self,
        topology: &Topology,
        request: &FetchRequest,
        bound: &Bound,
        terms: Terms,
        check: &FreshnessCheck<'_>,
    ) -> Result<bool> {
        let writes = terms.writes;
        let (waits, bound) = if self.refresher.file.state.is_early() {
            (writes, bound.up_to(bound.most() / 2))
        } else {
            let is_over =
                check.is_too_old() || self.refresher.fetcher.is_long_over(topology, request);
            (is_over && !self.refresher.fetcher.is_in_trouble(), *bound)
        };
        if !waits || !bound.may_wait() {
            self.have_fetched(terms, request);
            let is_early = self.refresher.file.state.is_early();
            return match is_early && writes && self.must_ask_first(writes) {
                true => Err(self.failed(would_block(request).into())),
                false => Ok(false),
            };
        }
        match self.refresher.fetcher.obtain(request, &bound) {
            Ok(()) => Ok(true),
            Err(failure) if failure.error.code == Code::Interrupted => Err(self.failed(failure)),
            Err(failure) => {
                self.refresher.fetcher.keep_old(request, &failure.error);
                Ok(false)
            }
        }
    }
}
