//! What a handle knows: the topology in use, and the names that its sources do not list.

use std::sync::Arc;

use crate::topology::{Entry, Group, Topology};

use super::absent::AbsentNames;
use super::intervals::OfEach;
use super::single_flight::FetchRequest;
use super::snapshot_cell::SnapshotCell;

/// The topology in use, and the names that somebody asked for and that are in none.
#[derive(Default)]
pub struct Known {
    /// Shared with who looks up.
    pub topology: Arc<SnapshotCell>,
    /// The tables that the source does not list.
    pub absent_tables: AbsentNames,
    /// The groups that the source lists no server of, and no table has a part in.
    pub absent_groups: AbsentNames,
}

fn group<'t>(topology: &'t Topology, name: &str) -> Option<&'t Arc<Entry<Group>>> {
    topology.group(topology.group_number(name.as_bytes())?)
}

impl Known {
    /// Whether there was an answer for a table, be it that there is none.
    pub fn has_table(&self, topology: &Topology, name: &str) -> bool {
        topology.tables.get(name.as_bytes()).is_some()
            || self.absent_tables.get(name.as_bytes()).is_some()
    }

    /// Whether there was an answer for a group, be it that there is none.
    pub fn has_group(&self, topology: &Topology, name: &str) -> bool {
        group(topology, name).is_some() || self.absent_groups.get(name.as_bytes()).is_some()
    }

    /// Whether a request can be answered without asking.
    pub fn covers(&self, request: &FetchRequest) -> bool {
        let topology = self.topology.load();
        request.tables.iter().all(|name| topology.tables.get(name.as_bytes()).is_some())
            && request.groups.iter().all(|name| self.has_group(&topology, name))
    }

    /// The names of all tables.
    pub fn tables(&self) -> Vec<String> {
        let topology = self.topology.load();
        let names = topology.tables.iter();
        names.map(|(name, _)| String::from_utf8_lossy(name).into_owned()).collect()
    }

    /// The names of all groups, fetched or not.
    pub fn groups(&self) -> Vec<String> {
        self.topology.load().groups().map(|(_, name, _)| name.to_owned()).collect()
    }

    /// All tables, and the groups that have been fetched.
    pub fn fetched(&self) -> FetchRequest {
        let topology = self.topology.load();
        let groups = topology.groups().filter(|(_, _, entry)| entry.is_some());
        let groups = groups.map(|(_, name, _)| name.to_owned()).collect();
        FetchRequest { tables: self.tables().into_iter().collect(), groups, everything: false }
    }

    /// Has a group, or all there is, fetched anew before it is used again.
    pub fn distrust(&self, name: Option<&str>) {
        let topology = self.topology.load();
        let Some(name) = name else {
            topology.tables.iter().for_each(|(_, entry)| entry.distrust());
            topology.seen_bounds.iter().for_each(|(_, entry)| entry.distrust());
            self.absent_tables.distrust_all();
            self.absent_groups.distrust_all();
            topology.groups().filter_map(|(_, _, entry)| entry).for_each(|e| e.distrust());
            return;
        };
        match group(&topology, name) {
            Some(entry) => entry.distrust(),
            None => self.absent_groups.distrust(name),
        }
    }

    /// Has what is known of `request` serve until then; true if something is in the topology. That a
    /// name is not listed serves only if it may be used.
    pub fn renew(&self, request: &FetchRequest, until: OfEach) -> bool {
        let topology = self.topology.load();
        let mut any = false;
        for name in &request.tables {
            match topology.tables.get(name.as_bytes()) {
                Some(entry) => {
                    entry.renew(until.tables);
                    any = true;
                }
                None => self.absent_tables.renew(name, until.tables),
            }
        }
        for name in &request.groups {
            match group(&topology, name) {
                Some(entry) => {
                    entry.renew(until.groups);
                    any = true;
                }
                None => self.absent_groups.renew(name, until.groups),
            }
        }
        any
    }

    /// Whether something that `request` names has expired at `now` for longer than `over`, or was
    /// never known.
    pub fn is_over(
        &self,
        topology: &Topology,
        request: &FetchRequest,
        now: u64,
        over: OfEach,
    ) -> bool {
        let table = |name: &String| match topology.tables.get(name.as_bytes()) {
            Some(entry) => Some(entry.expires()),
            None => self.absent_tables.get(name.as_bytes()).map(|absent| absent.expires()),
        };
        let group = |name: &String| match group(topology, name) {
            Some(entry) => Some(entry.expires()),
            None => self.absent_groups.get(name.as_bytes()).map(|absent| absent.expires()),
        };
        let is_over = |expires: Option<u64>, over: u64| {
            expires.is_none_or(|expires| expires.saturating_add(over) < now)
        };
        request.tables.iter().any(|name| is_over(table(name), over.tables))
            || request.groups.iter().any(|name| is_over(group(name), over.groups))
    }

    /// Whether a table is to be asked for now: its last answer is over, since somebody has said so.
    pub fn is_stale_table(&self, name: &str) -> bool {
        let topology = self.topology.load();
        topology.tables.get(name.as_bytes()).is_none_or(|entry| entry.is_over())
    }

    /// As `is_stale_table`, of a group.
    pub fn is_stale_group(&self, name: &str) -> bool {
        group(&self.topology.load(), name).is_none_or(|entry| entry.is_over())
    }

    /// Whether the keys of a shard are held until the source says where they belong. Looks through
    /// all shards.
    pub fn holds_shards(&self) -> bool {
        !self.topology.load().vanished().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refresh::testing::publisher;
    use crate::topology::Times;

    fn both(table: &str, group: &str) -> FetchRequest {
        let mut request = FetchRequest::table(table);
        request.merge(FetchRequest::group(group));
        request
    }

    #[test]
    fn what_was_answered_is_known_be_it_that_there_is_none() {
        let known = &publisher().known;
        let topology = known.topology.load_full();
        assert!(known.has_table(&topology, "db.t") && known.has_group(&topology, "g"));
        assert!(!known.has_table(&topology, "db.u") && !known.has_group(&topology, "h"));
        let times = Times { expires: 9, confirmed: 1 };
        known.absent_tables.note("db.u", times);
        known.absent_groups.note("h", times);
        assert!(known.has_table(&topology, "db.u") && known.has_group(&topology, "h"));
        assert!(known.covers(&both("db.t", "h")), "a group that is not there is an answer");
        assert!(!known.covers(&both("db.u", "g")), "a table that is not there serves nobody");
        assert_eq!((known.tables(), known.groups()), (vec!["db.t".into()], vec!["g".into()]));
        assert_eq!(known.fetched(), both("db.t", "g"));
    }

    #[test]
    fn a_reset_has_all_asked_for_again_though_the_old_serves_on() {
        let known = &publisher().known;
        known.absent_groups.note("h", Times { expires: 9, confirmed: 1 });
        let topology = known.topology.load_full();
        known.distrust(Some("g"));
        let is_trusted = || !topology.tables.get(b"db.t").expect("the table").is_distrusted();
        assert!(is_trusted() && known.is_stale_group("g") && !known.is_stale_table("db.t"));
        known.distrust(None);
        assert!(!is_trusted() && known.is_stale_table("db.t"));
        let until = OfEach { tables: 50, groups: 60 };
        assert!(known.renew(&both("db.t", "g"), until), "there is something old");
        assert!(is_trusted() && !known.is_stale_group("g"));
        assert!(!known.renew(&FetchRequest::group("h"), until), "there is nothing");
        assert!(known.absent_groups.get(b"h").is_some_and(|absent| absent.is_distrusted()));
    }

    #[test]
    fn what_has_expired_for_long_is_over() {
        let known = &publisher().known;
        let topology = known.topology.load_full();
        let over = OfEach { tables: 10, groups: 20 };
        let is_over = |request, now| known.is_over(&topology, &request, now, over);
        assert!(!is_over(both("db.t", "g"), 1_010));
        assert!(is_over(both("db.t", "g"), 1_011));
        assert!(!is_over(FetchRequest::group("g"), 1_020));
        assert!(is_over(FetchRequest::group("g"), 1_021));
        assert!(is_over(FetchRequest::group("h"), 1), "it was never known");
    }
}
