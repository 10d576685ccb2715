//! From the rows of an answer to the next topology. No I/O: what was fetched comes in, what
//! changed goes out.

mod groups;
mod missing;
mod tables;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::observe::log::{Level, Log};
use crate::topology::{ReadPreference, RejectedRow, Times, Topology};

use super::health::servers::ServerHealth;
use crate::base::clock::signed;

/// So many lines about one reply's broken rows or names tell what is wrong with it.
const MAX_LINES: usize = 20;

/// Which of the rows were asked for: a source may have answered about more.
pub enum Asked<'a> {
    Everything,
    /// Everything else is newer than the answer.
    AllBut(&'a BTreeSet<String>),
    Names(&'a BTreeSet<String>),
}

impl Asked<'_> {
    fn covers(&self, name: &str) -> bool {
        match self {
            Self::Everything => true,
            Self::AllBut(names) => !names.contains(name),
            Self::Names(names) => names.contains(name),
        }
    }
}

/// Names that the source does not list, and the times of that answer.
#[derive(Debug, Default)]
pub struct Absent {
    pub tables: Vec<(String, Times)>,
    pub groups: Vec<(String, Times)>,
}

/// A topology being written. It copies the current one only when something changed.
pub struct Update<'a> {
    current: &'a Topology,
    next: Option<Topology>,
    observed: &'a mut ServerHealth,
    log: &'a Log,
    /// Where new rotations begin.
    start: u64,
    /// Whether lower bounds that the source stops listing are kept.
    keeps: bool,
    /// How many tables became unusable.
    unusable: usize,
    absent: Absent,
    /// Why groups have no primary.
    reasons: BTreeMap<String, Arc<str>>,
    /// The servers that have answered the source.
    heard: BTreeSet<String>,
    /// Whether other bounds are remembered of tables that have no map of their type.
    remembers_others: bool,
    /// Whether of some table none are remembered any more.
    remembers_less: bool,
    /// On the handle's clock.
    now: i64,
    /// When what is taken in was last confirmed.
    confirmed: i64,
    /// Whether there is no time for the rest, asked between two tables or groups.
    stops: Option<&'a dyn Fn() -> bool>,
    stopped: bool,
    /// Where the service runs, if it is told.
    zone: Option<&'a Arc<str>>,
    preference: ReadPreference,
}

impl<'a> Update<'a> {
    pub fn new(
        current: &'a Topology,
        observed: &'a mut ServerHealth,
        log: &'a Log,
        start: u64,
        keeps: bool,
        now: u64,
    ) -> Self {
        let (absent, now) = (Absent::default(), signed(now));
        let confirmed = now;
        Self {
            current,
            next: None,
            observed,
            log,
            start,
            keeps,
            unusable: 0,
            absent,
            reasons: BTreeMap::new(),
            heard: BTreeSet::new(),
            remembers_others: false,
            remembers_less: false,
            now,
            confirmed,
            stops: None,
            stopped: false,
            zone: None,
            preference: ReadPreference::default(),
        }
    }

    /// Reads of the groups that are taken in go to these servers, to those of this zone first.
    pub fn reading(self, preference: ReadPreference, zone: Option<&'a Arc<str>>) -> Self {
        Self { zone, preference, ..self }
    }

    /// Leaves off when `stops` says so: what has been taken in by then is a topology of its own, in
    /// which the rest is as it was. A single table or group is taken in as a whole.
    pub fn until(self, stops: &'a dyn Fn() -> bool) -> Self {
        Self { stops: Some(stops), ..self }
    }

    /// Whether it left off before all was taken in.
    pub fn has_stopped(&self) -> bool {
        self.stopped
    }

    fn stops(&mut self) -> bool {
        self.stopped = self.stopped || self.stops.is_some_and(|stops| stops());
        self.stopped
    }

    /// What is taken in from here on was last confirmed then; without a word of it, now.
    pub fn confirmed_at(&mut self, confirmed: i64) {
        self.confirmed = confirmed;
    }

    /// What the service saw, to be added to.
    pub fn observed(&mut self) -> &mut ServerHealth {
        self.observed
    }

    /// The names found to be listed nowhere, which are no part of a topology.
    pub fn take_absent(&mut self) -> Absent {
        std::mem::take(&mut self.absent)
    }

    /// Whether it remembers other bounds of tables that have no map of their type. It may be the same
    /// farm all the same.
    pub fn remembers_others(&self) -> bool {
        self.remembers_others
    }

    /// The next topology, or nothing if it would be what is known already.
    pub fn finish(mut self) -> Option<Topology> {
        if let Some(more) = self.unusable.checked_sub(MAX_LINES + 1) {
            self.log.write(Level::Warning, format_args!("{} more tables are unusable", more + 1));
        }
        // What was observed of a group may have changed without any news of its servers.
        for name in self.observed.take_touched() {
            let entry = self.view().group_number(name.as_bytes());
            if let Some(entry) = entry.and_then(|id| self.view().group(id)).cloned() {
                let reason = entry.value.reason().cloned();
                self.group(&name, entry.value.servers().to_vec(), entry.times(), reason);
            }
        }
        self.forget_groups();
        if let Some(next) = self.next.as_mut().filter(|_| self.remembers_less) {
            next.seen_bounds.retain(|_, entry| !entry.value.is_empty());
        }
        self.next
    }

    /// The topology as it stands so far.
    pub fn view(&self) -> &Topology {
        self.next.as_ref().unwrap_or(self.current)
    }

    /// The next topology, in which the farm is another one.
    fn change(&mut self) -> &mut Topology {
        let generation = self.current.generation + 1;
        let next = self.rewrite();
        next.generation = generation;
        next
    }

    /// The next topology, in which the farm may be the same.
    fn rewrite(&mut self) -> &mut Topology {
        self.next.get_or_insert_with(|| self.current.clone())
    }

    /// Tells of rows that nobody can use, of so many as somebody will read about.
    fn tell_skipped(&self, what: &str, skipped: &[RejectedRow]) {
        for row in skipped.iter().take(MAX_LINES) {
            self.log.write_once(Level::Warning, format_args!("{what}: {}", row.reason));
        }
        if let Some(more) = skipped.len().checked_sub(MAX_LINES + 1) {
            let more = more + 1;
            self.log.write_once(Level::Warning, format_args!("{what}: {more} more such rows"));
        }
    }
}
