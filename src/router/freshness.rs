//! What a lookup may use of a snapshot that the background refresh does not keep fresh, and what it
//! finds missing or old there, which is to be fetched.

use std::cell::{Cell, RefCell};

use crate::base::error::{Code, Error, Result};
use crate::refresh::Refresher;
use crate::refresh::age::ANY_AGE;
use crate::refresh::single_flight::FetchRequest;
use crate::topology::{Entry, Group, GroupId, TableState, Topology};

use super::names::full_name;
use super::resolve::{Freshness, Miss};

/// How far a lookup trusts what is there.
#[derive(Debug, Clone, Copy)]
pub enum Basis {
    /// As far as the background refresh keeps it.
    Kept,
    /// As far as it is fresh at this time.
    Until(u64),
    /// Whatever there is, however old.
    Anything,
}

/// Only what may be used without a word: whatever else there is has the lookup look again, more
/// closely. For handles that nobody keeps fresh, or that limit the age.
#[derive(Debug, Clone, Copy)]
pub struct InTime {
    basis: Basis,
    /// What was confirmed before this is too old.
    oldest: i64,
}

impl InTime {
    pub fn new(refresher: &Refresher, basis: Basis) -> Self {
        Self { basis, oldest: refresher.age_limit.oldest() }
    }

    #[inline(always)]
    fn takes<E>(self, entry: &Entry<E>) -> std::result::Result<(), Miss> {
        let is_taken = self.basis.takes(entry) && is_young(entry, self.oldest);
        if is_taken { Ok(()) } else { Err(Miss::Expired) }
    }
}

impl Freshness for InTime {
    #[inline(always)]
    fn table(self, _: &[u8], entry: &Entry<TableState>) -> std::result::Result<(), Miss> {
        self.takes(entry)
    }

    #[inline(always)]
    fn group(
        self,
        _: &Topology,
        _: GroupId,
        entry: &Entry<Group>,
    ) -> std::result::Result<(), Miss> {
        self.takes(entry)
    }
}

impl Basis {
    /// Whether an entry is in time.
    #[inline(always)]
    fn takes<E>(self, entry: &Entry<E>) -> bool {
        match self {
            Self::Kept => !entry.is_distrusted(),
            Self::Until(now) => entry.is_fresh(now),
            Self::Anything => true,
        }
    }
}

#[inline(always)]
fn is_young<E>(entry: &Entry<E>, oldest: i64) -> bool {
    oldest == ANY_AGE || entry.confirmed() >= oldest
}

/// What a call has had fetched.
#[derive(Debug, Default)]
pub(super) struct Tried {
    /// New enough for the call, however short its time to live.
    pub fetched: Option<FetchRequest>,
    /// What could not be had, and why: whatever needs it is refused.
    failed: Option<(FetchRequest, Error)>,
}

impl Tried {
    /// This could not be had.
    pub fn fail(&mut self, request: FetchRequest, error: Error) {
        match &mut self.failed {
            Some((all, _)) => all.merge(request),
            None => self.failed = Some((request, error)),
        }
    }
}

/// One attempt at a lookup: what it may use, and what it met.
pub(super) struct FreshnessCheck<'r> {
    refresher: &'r Refresher,
    basis: Basis,
    /// What this call has fetched already.
    tried: &'r Tried,
    /// What was confirmed before this is too old.
    oldest: i64,
    findings: RefCell<Findings>,
    /// Of the table that was asked about last.
    last: Cell<Ground>,
    /// Whether a table refuses a join and is itself fresh, whatever the others are.
    is_firm: Cell<bool>,
}

#[derive(Debug, Default)]
struct Findings {
    /// What is missing or old. Nothing is, as a rule, and so nothing is to be dropped.
    request: Option<FetchRequest>,
    is_missing: bool,
    /// The first that is too old, and when it was confirmed.
    too_old: Option<(FetchRequest, i64)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ground {
    Fresh,
    /// Past its time: it serves, but is worth a fetch.
    Old,
    /// Not there, or not to be used before it was fetched.
    Missing,
}

/// What an attempt came to.
pub(super) enum Attempt<T> {
    Found(T),
    Refused(Miss),
    /// Something is not there, or not to be used: fetch it before answering. And what refused.
    Missing(FetchRequest, Option<Miss>),
    /// This, found or refused by what is past its time.
    Old(FetchRequest, std::result::Result<T, Miss>),
}

impl<'r> FreshnessCheck<'r> {
    pub fn new(refresher: &'r Refresher, basis: Basis, tried: &'r Tried) -> Self {
        let oldest = match basis {
            Basis::Anything => ANY_AGE,
            _ => refresher.age_limit.oldest(),
        };
        Self {
            refresher,
            basis,
            tried,
            oldest,
            findings: RefCell::default(),
            last: Cell::new(Ground::Fresh),
            is_firm: Cell::new(false),
        }
    }

    /// What the attempt came to that had this outcome.
    pub fn attempt<T>(&self, outcome: std::result::Result<T, Miss>) -> Attempt<T> {
        let Findings { request, is_missing, .. } = &mut *self.findings.borrow_mut();
        match (request.take(), outcome) {
            (None, Ok(found)) => Attempt::Found(found),
            (None, Err(miss)) => Attempt::Refused(miss),
            (Some(_), Err(miss)) if self.is_firm.get() => Attempt::Refused(miss),
            (Some(request), outcome) if *is_missing => Attempt::Missing(request, outcome.err()),
            (Some(request), outcome) => Attempt::Old(request, outcome),
        }
    }

    /// Refuses if something was too old.
    pub fn refuse_too_old(&self) -> Result<()> {
        match self.findings.borrow_mut().too_old.take() {
            Some((what, confirmed)) => Err(self.refresher.age_limit.too_old(&what, confirmed)),
            None => Ok(()),
        }
    }

    /// The refusal of a group that is too old.
    pub fn too_old(&self, topology: &Topology, group: GroupId) -> Error {
        let confirmed = topology.group(group).map_or(i64::MIN, |entry| entry.confirmed());
        self.refresher
            .age_limit
            .too_old(&FetchRequest::group(topology.group_name(group)), confirmed)
    }

    /// The refusal of a lookup by what it went by, or of what was too old for that.
    pub fn refuse(&self, refusal: Error) -> Error {
        match refusal.code {
            Code::Argument | Code::TableName | Code::InvalidUtf8 => refusal,
            _ => self.refuse_too_old().err().unwrap_or(refusal),
        }
    }

    /// Whether something was too old.
    pub fn is_too_old(&self) -> bool {
        self.findings.borrow().too_old.is_some()
    }

    /// Notes that the lookup went by `what`, which was confirmed then.
    pub fn note_age(&self, what: &FetchRequest, confirmed: i64) {
        if confirmed < self.oldest {
            let too_old = &mut self.findings.borrow_mut().too_old;
            too_old.get_or_insert_with(|| (what.clone(), confirmed));
        }
    }

    /// Why a group could not be had that this call has asked for.
    pub fn failure(&self, topology: &Topology, group: GroupId) -> Option<&'r Error> {
        let (request, error) = self.tried.failed.as_ref()?;
        let is_asked = request.everything || request.groups.contains(topology.group_name(group));
        is_asked.then_some(error)
    }

    /// Whether something was missing up to now.
    pub fn is_missing(&self) -> bool {
        self.findings.borrow().is_missing
    }

    /// Whether nothing is to be said of an entry.
    #[inline]
    pub fn takes<E>(&self, entry: &Entry<E>) -> bool {
        self.is_in_time(entry) && is_young(entry, self.oldest)
    }

    #[inline]
    fn is_in_time<E>(&self, entry: &Entry<E>) -> bool {
        self.basis.takes(entry)
    }

    /// Of an entry that is not to be taken without a word.
    #[cold]
    fn judge<E>(&self, entry: &Entry<E>, is_in_time: bool, what: FetchRequest) -> Ground {
        self.note_age(&what, entry.confirmed());
        self.judge_time(entry, is_in_time, what)
    }

    fn judge_time<E>(&self, entry: &Entry<E>, is_in_time: bool, what: FetchRequest) -> Ground {
        if is_in_time || self.has_fetched(&what) {
            return Ground::Fresh;
        }
        self.want(what, if entry.is_distrusted() { Ground::Missing } else { Ground::Old })
    }

    fn has_fetched(&self, what: &FetchRequest) -> bool {
        self.tried.fetched.as_ref().is_some_and(|fetched| fetched.covers(what))
    }

    fn want(&self, what: FetchRequest, ground: Ground) -> Ground {
        let findings = &mut *self.findings.borrow_mut();
        findings.request.get_or_insert_default().merge(what);
        findings.is_missing |= ground == Ground::Missing;
        ground
    }

    /// Of a name that is in no topology. What the source said of it is nobody's to keep: it is good
    /// for its time to live, and then the next caller who asks has it asked for again.
    fn judge_absent(&self, answer: Option<Entry<()>>, what: FetchRequest) -> Ground {
        let Some(answer) = answer else {
            // What this call has fetched is not forgotten, however many names others asked for.
            let is_fetched = self.has_fetched(&what);
            return if is_fetched { Ground::Fresh } else { self.want(what, Ground::Missing) };
        };
        answer.confirm_at(answer.confirmed().max(self.refresher.answered.whole_confirmed()));
        let is_in_time = match self.basis {
            Basis::Kept => answer.is_fresh(self.refresher.clock().now()),
            Basis::Until(_) => self.is_in_time(&answer),
            // There is nothing old to serve in its stead.
            Basis::Anything => !answer.is_distrusted(),
        };
        self.judge(&answer, is_in_time, what)
    }
}

impl Freshness for &FreshnessCheck<'_> {
    #[inline]
    fn table(self, name: &[u8], entry: &Entry<TableState>) -> std::result::Result<(), Miss> {
        let ground = match self.takes(entry) {
            true => Ground::Fresh,
            false => {
                let what = FetchRequest::table(&String::from_utf8_lossy(name));
                self.judge(entry, self.is_in_time(entry), what)
            }
        };
        self.last.set(ground);
        if ground == Ground::Missing { Err(Miss::Expired) } else { Ok(()) }
    }

    #[inline]
    fn group(
        self,
        topology: &Topology,
        group: GroupId,
        entry: &Entry<Group>,
    ) -> std::result::Result<(), Miss> {
        if self.takes(entry) {
            return Ok(());
        }
        match self.judge(
            entry,
            self.is_in_time(entry),
            FetchRequest::group(topology.group_name(group)),
        ) {
            Ground::Missing => Err(Miss::Expired),
            Ground::Old | Ground::Fresh => Ok(()),
        }
    }

    #[cold]
    fn unknown_table(self, name: &[u8]) -> Miss {
        let (ground, miss) = match full_name(name) {
            Ok(_) if !self.refresher.has_maps() => (Ground::Fresh, Miss::UnknownTable),
            Ok(full) => {
                let answer = self.refresher.known().absent_tables.get(name);
                (self.judge_absent(answer, FetchRequest::table(full)), Miss::UnknownTable)
            }
            Err(error) if error.code == Code::InvalidUtf8 => (Ground::Fresh, Miss::TableUtf8),
            Err(_) => (Ground::Fresh, Miss::TableName),
        };
        self.last.set(ground);
        miss
    }

    #[cold]
    fn unknown_group(self, name: &[u8]) -> Miss {
        let answer = self.refresher.known().absent_groups.get(name);
        self.judge_absent(answer, FetchRequest::group(&String::from_utf8_lossy(name)));
        Miss::UnknownGroup
    }

    #[cold]
    fn unfetched_group(self, topology: &Topology, group: GroupId) -> Miss {
        if self.failure(topology, group).is_none() {
            self.want(FetchRequest::group(topology.group_name(group)), Ground::Missing);
        }
        Miss::Expired
    }

    fn looks_on(self, miss: Miss) -> bool {
        let is_firm = match miss {
            // Old maps that disagree may be two halves of one change.
            Miss::DifferentShards => self.findings.borrow().request.is_none(),
            _ => self.last.get() == Ground::Fresh,
        };
        self.is_firm.set(is_firm);
        !is_firm
    }
}

/// As the check itself, but what is too old of a group refuses the keys in that group alone.
#[derive(Clone, Copy)]
pub(super) struct GroupByGroup<'c>(pub &'c FreshnessCheck<'c>);

impl Freshness for GroupByGroup<'_> {
    fn table(self, name: &[u8], entry: &Entry<TableState>) -> std::result::Result<(), Miss> {
        self.0.table(name, entry)
    }

    fn group(
        self,
        topology: &Topology,
        group: GroupId,
        entry: &Entry<Group>,
    ) -> std::result::Result<(), Miss> {
        if self.0.takes(entry) {
            return Ok(());
        }
        let what = FetchRequest::group(topology.group_name(group));
        match self.0.judge_time(entry, self.0.is_in_time(entry), what) {
            Ground::Missing => Err(Miss::Expired),
            _ if !is_young(entry, self.0.oldest) => Err(Miss::TooOld(group)),
            Ground::Old | Ground::Fresh => Ok(()),
        }
    }

    fn unknown_table(self, name: &[u8]) -> Miss {
        self.0.unknown_table(name)
    }

    fn unknown_group(self, name: &[u8]) -> Miss {
        self.0.unknown_group(name)
    }

    fn unfetched_group(self, topology: &Topology, group: GroupId) -> Miss {
        self.0.unfetched_group(topology, group)
    }

    fn looks_on(self, miss: Miss) -> bool {
        self.0.looks_on(miss)
    }
}
