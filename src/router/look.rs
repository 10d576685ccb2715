//! Looking a thing up, and fetching it first where it is missing or past its time.

use std::time::Duration;

use crate::base::clock::Clock;
use crate::base::error::{Code, Error, Result};
use crate::refresh::absent::AbsentNames;
use crate::refresh::bound::Bound;
use crate::refresh::fetcher::would_block;
use crate::refresh::flight::Wish;
use crate::refresh::snapshot::SNAPSHOT_AFTER;
use crate::topology::{Compat, Entry, GroupId, Table, TableState, Topology, Wanted};

use super::ages::Ages;
use super::names::full_name;
use super::{Request, Router, Scope, refusal};

/// A lookup fetches at most so often before it settles for what there is.
const MAX_LOOKS: usize = 4;

/// How long the first fetch may take before a write that may not wait goes on from a snapshot: as
/// long as one that waits for half of the lookup timeout, unless that was set.
const WRITES_AFTER: Duration = Duration::from_millis(2_500);

/// What a look at the topology came to.
pub(super) enum Look<T> {
    Found(T),
    /// Not there, or not to be trusted: fetch before answering.
    Missing(Wish),
    /// There, but past its time: worth a fetch.
    Old(Wish, T),
    /// What is there refuses, and is past its time.
    OldRefusal(Wish, Error),
}

impl<T> Look<T> {
    /// Goes on with what was found, and remembers what was missing or old on the way.
    fn then<U>(self, next: impl FnOnce(T) -> Look<U>) -> Look<U> {
        match self {
            Self::Found(found) => next(found),
            Self::Missing(wish) => Look::Missing(wish),
            Self::OldRefusal(wish, error) => Look::OldRefusal(wish, error),
            Self::Old(mut wish, found) => match next(found) {
                Look::Found(found) => Look::Old(wish, found),
                Look::Missing(more) => {
                    wish.merge(more);
                    Look::Missing(wish)
                }
                Look::Old(more, found) => {
                    wish.merge(more);
                    Look::Old(wish, found)
                }
                Look::OldRefusal(more, error) => {
                    wish.merge(more);
                    Look::OldRefusal(wish, error)
                }
            },
        }
    }
}

/// How much a look takes for granted.
#[derive(Clone, Copy)]
pub(super) struct Trust<'a> {
    basis: Basis<'a>,
    absent: Absent<'a>,
    /// What this call has fetched already: new enough for it, however short its time to live.
    fetched: Option<&'a Wish>,
    /// How old what it uses may be.
    ages: Option<&'a Ages<'a>>,
}

/// What is not listed, as Fabric last said.
#[derive(Clone, Copy)]
struct Absent<'a> {
    tables: &'a AbsentNames,
    groups: &'a AbsentNames,
    /// When the whole farm was last listed without them.
    confirmed: i64,
}

#[derive(Debug, Clone, Copy)]
enum Basis<'a> {
    /// What the background refresh keeps; this clock tells the age of what it does not keep.
    Kept(&'a Clock),
    /// What is fresh at this time.
    Until(u64),
    /// Whatever there is.
    Anything,
}

impl Trust<'_> {
    /// Takes whatever there is.
    pub(super) fn blind(self) -> Self {
        Self { basis: Basis::Anything, ages: None, ..self }
    }

    /// Takes what is too old like the rest: who says so, says it of each group by itself.
    pub(super) fn at_any_age(self) -> Self {
        Self { ages: None, ..self }
    }

    /// Why an entry cannot be used, if it is too old.
    pub(super) fn too_old<E>(self, entry: &Entry<E>, what: impl FnOnce() -> Wish) -> Option<Error> {
        let ages = self.ages.filter(|ages| !ages.allow(entry))?;
        ages.refusal(&what(), entry.confirmed())
    }

    fn judge<E, T>(self, entry: &Entry<E>, found: T, wish: impl FnOnce() -> Wish) -> Look<T> {
        if self.takes(entry) { Look::Found(found) } else { self.judge_old(entry, found, wish()) }
    }

    #[inline]
    fn takes<E>(self, entry: &Entry<E>) -> bool {
        self.has_time(entry) && self.ages.is_none_or(|ages| ages.allow(entry))
    }

    #[inline]
    fn has_time<E>(self, entry: &Entry<E>) -> bool {
        match self.basis {
            Basis::Kept(_) => !entry.is_distrusted(),
            Basis::Until(now) => entry.is_fresh(now),
            Basis::Anything => true,
        }
    }

    #[cold]
    fn judge_old<E, T>(self, entry: &Entry<E>, found: T, wish: Wish) -> Look<T> {
        if let Some(ages) = self.ages {
            ages.note(&wish, entry.confirmed());
        }
        match self.fetched {
            _ if self.has_time(entry) => Look::Found(found),
            Some(fetched) if fetched.covers(&wish) => Look::Found(found),
            _ if entry.is_distrusted() => Look::Missing(wish),
            _ => Look::Old(wish, found),
        }
    }

    /// Of a name that is in no topology: found, if Fabric has said that there is none.
    ///
    /// Negative answers are nobody's to keep: they are good for their time to live, and then
    /// the next caller who asks has them asked for again.
    fn judge_absent(self, entry: Option<Entry<()>>, wish: Wish) -> Look<()> {
        let Some(entry) = entry else {
            // What this call has fetched is not forgotten, however many names others asked for.
            let asked = self.fetched.is_some_and(|fetched| fetched.covers(&wish));
            return if asked { Look::Found(()) } else { Look::Missing(wish) };
        };
        entry.confirm_at(entry.confirmed().max(self.absent.confirmed));
        let basis = match self.basis {
            Basis::Kept(clock) => Basis::Until(clock.now()),
            other => other,
        };
        (Trust { basis, ..self }).judge(&entry, (), || wish)
    }
}

/// The group that serves a request.
pub(super) fn group_of_request(
    topology: &Topology,
    request: &Request<'_>,
    compat: Compat,
    trust: Trust<'_>,
) -> Result<Look<GroupId>> {
    let found = match request.tables {
        [name] => shard(topology, name, request, compat, trust)?,
        names => shards(topology, names, request, compat, trust)?,
    };
    Ok(found.then(|id| group(topology, id, trust)))
}

/// The group of one name, whether or not any table lives there.
pub(super) fn group_named(name: &str) -> impl Fn(&Topology, Trust<'_>) -> Result<Look<GroupId>> {
    move |topology, trust| match topology.group_number(name.as_bytes()) {
        Some(id) => Ok(group(topology, id, trust)),
        None => {
            let absent = trust.absent.groups.get(name.as_bytes());
            match trust.judge_absent(absent, Wish::group(name)) {
                Look::Missing(wish) => Ok(Look::Missing(wish)),
                Look::Old(wish, ()) => Ok(Look::OldRefusal(wish, refusal::unknown_group(name))),
                _ => Err(refusal::unknown_group(name)),
            }
        }
    }
}

/// Whether a table is at hand.
pub(super) fn table_named(name: &str) -> impl Fn(&Topology, Trust<'_>) -> Result<Look<()>> {
    move |topology, trust| Ok(table(topology, name.as_bytes(), trust)?.then(|_| Look::Found(())))
}

/// A table that has been fetched, or why it cannot be used.
pub(super) fn known_table<'t>(topology: &'t Topology, name: &[u8]) -> Result<&'t Table> {
    match topology.tables.get(name) {
        Some(entry) => usable(name, entry),
        None => Err(refusal::unknown_table(name)),
    }
}

pub(super) fn usable<'t>(name: &[u8], entry: &'t Entry<TableState>) -> Result<&'t Table> {
    match &entry.value {
        TableState::Known(table) => Ok(table),
        TableState::Unusable(error) => Err(refusal::unusable_table(name, error)),
    }
}

/// A table name comes from the C boundary as bytes: those that name a known table are UTF-8,
/// because Fabric's answers are.
pub(super) fn table<'t>(
    topology: &'t Topology,
    name: &[u8],
    trust: Trust<'_>,
) -> Result<Look<&'t Entry<TableState>>> {
    match topology.tables.get(name) {
        Some(entry) => {
            let wish = || Wish::table(&String::from_utf8_lossy(name));
            Ok(trust.judge(entry, &**entry, wish))
        }
        None => {
            let wish = Wish::table(full_name(name)?);
            match trust.judge_absent(trust.absent.tables.get(name), wish) {
                Look::Missing(wish) => Ok(Look::Missing(wish)),
                Look::Old(wish, ()) => Ok(Look::OldRefusal(wish, refusal::unknown_table(name))),
                _ => Err(refusal::unknown_table(name)),
            }
        }
    }
}

pub(super) fn group(topology: &Topology, id: GroupId, trust: Trust<'_>) -> Look<GroupId> {
    let wish = || Wish::group(topology.group_name(id));
    match topology.group(id) {
        Some(entry) => trust.judge(entry, id, wish),
        None => Look::Missing(wish()),
    }
}

/// Whether a group is there and good for this look.
#[inline]
pub(super) fn is_at_hand(topology: &Topology, id: GroupId, trust: Trust<'_>) -> bool {
    topology.group(id).is_some_and(|entry| trust.takes(entry))
}

fn shard(
    topology: &Topology,
    name: &[u8],
    request: &Request<'_>,
    compat: Compat,
    trust: Trust<'_>,
) -> Result<Look<GroupId>> {
    let choose = |entry| {
        let table = usable(name, entry)?;
        if request.scope == Scope::Global {
            return Ok(table.global_group);
        }
        let key = request.key.ok_or_else(|| refusal::key_missing(name))?;
        match table.map.find(key, compat) {
            Ok(shard) if shard.group == GroupId::NOWHERE => {
                Err(refusal::shard_unavailable(name, key))
            }
            Ok(shard) => Ok(shard.group),
            Err(error) => Err(refusal::key(name, table, key, error)),
        }
    };
    match table(topology, name, trust)? {
        Look::Found(entry) => choose(entry).map(Look::Found),
        Look::Missing(wish) => Ok(Look::Missing(wish)),
        Look::OldRefusal(wish, error) => Ok(Look::OldRefusal(wish, error)),
        Look::Old(wish, entry) => match choose(entry) {
            Ok(group) => Ok(Look::Old(wish, group)),
            Err(error) => Ok(Look::OldRefusal(wish, error)),
        },
    }
}

/// All tables must lie in one group.
fn shards(
    topology: &Topology,
    names: &[&[u8]],
    request: &Request<'_>,
    compat: Compat,
    trust: Trust<'_>,
) -> Result<Look<GroupId>> {
    let mut chosen: Option<Look<(GroupId, &[u8])>> = None;
    for name in names {
        let next = shard(topology, name, request, compat, trust)?;
        chosen = Some(match chosen {
            None => next.then(|group| Look::Found((group, *name))),
            Some(Look::Missing(mut wish)) => {
                if let Look::Missing(more) | Look::Old(more, _) | Look::OldRefusal(more, _) = next {
                    wish.merge(more);
                }
                Look::Missing(wish)
            }
            Some(first) => {
                let mut clash = None;
                let agreed = first.then(|(first, first_name)| {
                    next.then(|group| {
                        if group != first {
                            clash = Some(((first_name, first), (*name, group)));
                        }
                        Look::Found((first, first_name))
                    })
                });
                match (clash, agreed) {
                    (None, agreed) => agreed,
                    (Some((a, b)), agreed) => {
                        let named = |(name, id)| (name, topology.group_name(id));
                        let error = refusal::different_shards(named(a), named(b));
                        // Old maps that disagree may be two halves of one change.
                        match agreed {
                            Look::Old(wish, _) => Look::OldRefusal(wish, error),
                            _ => return Err(error),
                        }
                    }
                }
            }
        });
    }
    let none = || Error::new(Code::Argument, "no table is named; name at least one");
    Ok(chosen.ok_or_else(none)?.then(|(group, _)| Look::Found(group)))
}

/// What a lookup is for, and how long it may take.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Terms {
    /// The bound of the whole call; that of a lookup, from now on, if the call has none yet.
    pub bound: Option<Bound>,
    /// Whether a wrong answer would have somebody write in the wrong place.
    pub writes: bool,
}

impl Terms {
    pub fn of(wanted: Wanted) -> Self {
        Self { bound: None, writes: wanted == Wanted::Primary }
    }

    pub fn within(bound: Bound) -> Self {
        Self { bound: Some(bound), writes: false }
    }
}

impl Router {
    /// Looks until everything is there, having fetched what is missing. What is old serves while it
    /// is fetched behind the lookup's back, unless it has been old for long.
    pub(super) fn look<F, T>(
        &self,
        terms: Terms,
        find: impl Fn(&Topology, Trust<'_>) -> Result<Look<F>>,
        finish: impl FnOnce(&Topology, F) -> Result<T>,
    ) -> Result<T> {
        {
            let trust = self.trust();
            let topology = self.refresher.topology();
            let ages = Ages::of(&self.refresher);
            let trust = Trust { ages: Some(&ages), ..trust };
            if let Look::Found(found) = ages.judge(find(&topology, trust))? {
                return finish(&topology, found);
            }
        }
        self.look_and_fetch(terms, find, finish)
    }

    /// How far a lookup may trust what is there: as far as the background refresh looks after
    /// it, else as far as it is fresh.
    fn trust(&self) -> Trust<'_> {
        // A forked child finds no refresh of its own and starts one. What it has inherited
        // serves at once.
        let basis = if self.refresher.refreshes_itself() || self.refresher.keep_refreshed() {
            Basis::Kept(self.refresher.clock())
        } else {
            let now = self.refresher.clock().now();
            self.refresher.settle_at(now);
            Basis::Until(now)
        };
        let absent = Absent {
            tables: self.refresher.absent_tables(),
            groups: self.refresher.absent_groups(),
            confirmed: self.refresher.farm_confirmed(),
        };
        Trust { basis, absent, fetched: None, ages: None }
    }

    #[cold]
    fn look_and_fetch<F, T>(
        &self,
        terms: Terms,
        find: impl Fn(&Topology, Trust<'_>) -> Result<Look<F>>,
        finish: impl FnOnce(&Topology, F) -> Result<T>,
    ) -> Result<T> {
        let bound = terms.bound.unwrap_or_else(|| self.refresher.lookup_bound());
        let trust = self.trust();
        let mut fetched = Wish::default();
        for _ in 0..MAX_LOOKS {
            let topology = self.refresher.topology();
            let ages = Ages::of(&self.refresher);
            let looking = Trust { fetched: Some(&fetched), ages: Some(&ages), ..trust };
            match ages.judge(find(&topology, looking))? {
                Look::Found(found) => {
                    self.refresher.keep_refreshed();
                    return finish(&topology, found);
                }
                Look::Missing(wish) => {
                    if self.refresher.knows_all()
                        && let Some(refusal) = refuse_unknown(&topology, &wish)
                    {
                        self.refresher.have_fetched(&wish);
                        ages.note(&wish, self.refresher.farm_confirmed());
                        return ages.refuse().and(Err(refusal));
                    }
                    let mut outcome = self.obtain_for_lookup(&wish, &bound, terms.writes);
                    let is_missing = || -> Result<bool> {
                        let topology = self.refresher.topology();
                        Ok(matches!(find(&topology, trust.blind())?, Look::Missing(_)))
                    };
                    if matches!(&outcome, Err(error) if error.code == Code::Timeout)
                        && !bound.left().is_zero()
                        && is_missing()?
                    {
                        outcome = self.refresher.obtain(&wish, &bound);
                    }
                    if let Err(error) = outcome {
                        // A failure counts only where nothing older can serve instead, and where
                        // somebody may wait for something newer.
                        let is_early = self.refresher.is_from_early_snapshot();
                        let blocks = error.code == Code::WouldBlock
                            && (!is_early || self.must_ask_first(terms.writes));
                        if blocks || error.code == Code::Interrupted || is_missing()? {
                            return Err(self.failed(error));
                        }
                        self.refresher.keep_old(&wish, &error);
                    }
                    fetched.merge(wish);
                }
                Look::Old(wish, found) => {
                    if !self.renew(&topology, &wish, &bound, terms.writes, &ages)? {
                        ages.refuse()?;
                        return finish(&topology, found);
                    }
                    fetched.merge(wish);
                }
                Look::OldRefusal(wish, error) => {
                    let is_known = || refuse_unknown(&topology, &wish).is_none();
                    if self.refresher.knows_all() && !is_known() {
                        self.refresher.have_fetched(&wish);
                        return ages.refuse().and(Err(error));
                    }
                    if !self.renew(&topology, &wish, &bound, terms.writes, &ages)? {
                        return ages.refuse().and(Err(error));
                    }
                    fetched.merge(wish);
                }
            }
        }
        Err(Error::new(
            Code::NoServer,
            "the farm changes faster than it can be looked up; try again",
        ))
    }

    /// Has what is missing fetched. While the first fetch takes long a snapshot may serve: for reads
    /// after a while, for writes only after half of the time, or a while longer if they have none.
    fn obtain_for_lookup(&self, wish: &Wish, bound: &Bound, writes: bool) -> Result<()> {
        if !self.refresher.has_snapshot_in_reserve() {
            return self.refresher.obtain(wish, bound);
        }
        let part = match writes {
            true => bound.most() / 2,
            false => SNAPSHOT_AFTER.saturating_sub(self.refresher.in_reserve_for()),
        };
        let outcome = self.refresher.obtain(wish, &bound.up_to(part));
        let is_time = match &outcome {
            Err(error) if error.code == Code::Timeout => true,
            Err(error) if error.code == Code::WouldBlock => !self.must_ask_first(writes),
            _ => false,
        };
        if is_time {
            self.refresher.serve_early();
        }
        outcome
    }

    /// Whether it is too soon for a call that may not wait to go on from the snapshot in reserve.
    fn must_ask_first(&self, writes: bool) -> bool {
        let after = if writes { WRITES_AFTER } else { SNAPSHOT_AFTER };
        self.refresher.in_reserve_for() < after
    }

    /// Has what is old fetched; true if it has been, and the lookup is to look again. It is waited
    /// for only if it has been old for long, as after a pause in which nobody asked for it, or is too
    /// old to serve.
    fn renew(
        &self,
        topology: &Topology,
        wish: &Wish,
        bound: &Bound,
        writes: bool,
        ages: &Ages<'_>,
    ) -> Result<bool> {
        let (waits, bound) = if self.refresher.is_from_early_snapshot() {
            (writes, bound.up_to(bound.most() / 2))
        } else {
            let is_over = ages.is_too_old() || self.refresher.is_long_over(topology, wish);
            (is_over && !self.refresher.is_in_trouble(), *bound)
        };
        if !waits || !bound.may_wait() {
            self.refresher.have_fetched(wish);
            let is_early = self.refresher.is_from_early_snapshot();
            return match is_early && writes && self.must_ask_first(writes) {
                true => Err(self.failed(would_block(wish))),
                false => Ok(false),
            };
        }
        match self.refresher.obtain(wish, &bound) {
            Ok(()) => Ok(true),
            Err(error) if error.code == Code::Interrupted => Err(self.failed(error)),
            Err(error) => {
                self.refresher.keep_old(wish, &error);
                Ok(false)
            }
        }
    }
}

/// The refusal of the first name that was never heard of, or that Fabric does not list.
fn refuse_unknown(topology: &Topology, wish: &Wish) -> Option<Error> {
    let is_unknown_table = |name: &&String| topology.tables.get(name.as_bytes()).is_none();
    if let Some(name) = wish.tables.iter().find(is_unknown_table) {
        return Some(refusal::unknown_table(name.as_bytes()));
    }
    let is_unknown = |name: &&String| topology.group_number(name.as_bytes()).is_none();
    wish.groups.iter().find(is_unknown).map(|name| refusal::unknown_group(name))
}
