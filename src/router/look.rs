//! Looking a thing up, and fetching it first where it is missing or past its time.

use crate::error::{Code, Error, Result};
use crate::refresh::absent::AbsentNames;
use crate::refresh::clock::Clock;
use crate::refresh::flight::Wish;
use crate::topology::{Compat, Entry, GroupId, Table, TableState, Topology};

use super::names::full_name;
use super::{Request, Router, Scope, refusal};

/// A lookup fetches at most so often before it settles for what there is.
const MAX_LOOKS: usize = 4;

/// What a look at the topology came to.
pub(super) enum Look<T> {
    Found(T),
    /// Not there, or not to be trusted: fetch before answering.
    Missing(Wish),
    /// There, but past its time: worth a fetch if nobody else is at it.
    Old(Wish, T),
}

impl<T> Look<T> {
    /// Goes on with what was found, and remembers what was missing or old on the way.
    fn then<U>(self, next: impl FnOnce(T) -> Look<U>) -> Look<U> {
        match self {
            Self::Found(found) => next(found),
            Self::Missing(wish) => Look::Missing(wish),
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
}

/// What is not listed, as Fabric last said.
#[derive(Clone, Copy)]
struct Absent<'a> {
    tables: &'a AbsentNames,
    groups: &'a AbsentNames,
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
        Self { basis: Basis::Anything, ..self }
    }

    fn judge<E, T>(self, entry: &Entry<E>, found: T, wish: impl FnOnce() -> Wish) -> Look<T> {
        if self.takes(entry) { Look::Found(found) } else { self.judge_old(entry, found, wish()) }
    }

    #[inline]
    fn takes<E>(self, entry: &Entry<E>) -> bool {
        match self.basis {
            Basis::Kept(_) => !entry.is_distrusted(),
            Basis::Until(now) => entry.is_fresh(now),
            Basis::Anything => true,
        }
    }

    #[cold]
    fn judge_old<E, T>(self, entry: &Entry<E>, found: T, wish: Wish) -> Look<T> {
        match self.fetched {
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
        let basis = match self.basis {
            Basis::Kept(clock) => Basis::Until(clock.now()),
            other => other,
        };
        match (Trust { basis, ..self }).judge(&entry, (), || wish) {
            Look::Old(wish, ()) => Look::Missing(wish),
            other => other,
        }
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
        // An answer that is about to be renewed refuses nobody yet.
        Look::Old(wish, entry) => match choose(entry) {
            Ok(group) => Ok(Look::Old(wish, group)),
            Err(_) => Ok(Look::Missing(wish)),
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
                if let Look::Missing(more) | Look::Old(more, _) = next {
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
                // Old maps that disagree may be two halves of one change.
                match (clash, agreed) {
                    (None, agreed) => agreed,
                    (Some(_), Look::Old(wish, _)) => Look::Missing(wish),
                    (Some((a, b)), _) => {
                        let named = |(name, id)| (name, topology.group_name(id));
                        return Err(refusal::different_shards(named(a), named(b)));
                    }
                }
            }
        });
    }
    let none = || Error::new(Code::Argument, "no table is named; name at least one");
    Ok(chosen.ok_or_else(none)?.then(|(group, _)| Look::Found(group)))
}

impl Router {
    /// Looks until everything is there, fetching what is missing and renewing what is old.
    pub(super) fn look<F, T>(
        &self,
        find: impl Fn(&Topology, Trust<'_>) -> Result<Look<F>>,
        finish: impl FnOnce(&Topology, F) -> Result<T>,
    ) -> Result<T> {
        {
            let topology = self.refresher.topology();
            if let Look::Found(found) = find(&topology, self.trust())? {
                self.refresher.refuse_stale()?;
                return finish(&topology, found);
            }
        }
        self.look_and_fetch(find, finish)
    }

    /// How far a lookup may trust what is there: as far as the background refresh looks after
    /// it, else as far as it is fresh.
    fn trust(&self) -> Trust<'_> {
        // A forked child finds no refresh of its own and starts one. What it has inherited
        // serves at once.
        let basis = if self.refresher.refreshes_itself() || self.refresher.keep_refreshed() {
            Basis::Kept(self.refresher.clock())
        } else {
            Basis::Until(self.refresher.clock().now())
        };
        let absent = Absent {
            tables: self.refresher.absent_tables(),
            groups: self.refresher.absent_groups(),
        };
        Trust { basis, absent, fetched: None }
    }

    #[cold]
    fn look_and_fetch<F, T>(
        &self,
        find: impl Fn(&Topology, Trust<'_>) -> Result<Look<F>>,
        finish: impl FnOnce(&Topology, F) -> Result<T>,
    ) -> Result<T> {
        let trust = self.trust();
        let mut fetched = Wish::default();
        for _ in 0..MAX_LOOKS {
            let topology = self.refresher.topology();
            match find(&topology, Trust { fetched: Some(&fetched), ..trust })? {
                Look::Found(found) => {
                    self.refresher.keep_refreshed();
                    self.refresher.refuse_stale()?;
                    return finish(&topology, found);
                }
                Look::Missing(wish) => {
                    if let Err(error) = self.refresher.obtain(wish.clone()) {
                        // A failure counts only where nothing older can serve instead.
                        if matches!(find(&topology, trust.blind())?, Look::Missing(_)) {
                            return Err(self.failed(error));
                        }
                        self.refresher.keep_old(&wish, &error);
                    }
                    fetched.merge(wish);
                }
                Look::Old(wish, found) => {
                    if !self.refresher.renew(&wish) {
                        self.refresher.refuse_stale()?;
                        return finish(&topology, found);
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
}
