//! Groups in an update: from the rows of their servers to what lookups choose from.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::observe::log::Level;
use crate::topology::group::MAX_SERVERS;
use crate::topology::{Entry, Group, HealthOverlay, RejectedRow, Server, ServerRow, Times, server};

use super::{Asked, Update};

/// So many groups that have no servers, and that no map names, are kept, so that one that comes back
/// is known to be the one that was gone.
const MAX_EMPTY_GROUPS: usize = 32;

impl Update<'_> {
    /// The groups that are taken in next have no primary for these reasons.
    pub fn reasons(&mut self, reasons: BTreeMap<String, Arc<str>>) {
        self.reasons = reasons;
    }

    /// The groups that are taken in next have these servers, by UUID, that have answered the source.
    pub fn heard(&mut self, servers: BTreeSet<String>) {
        self.heard = servers;
    }

    /// Takes in the servers of groups, good until `expires`.
    pub fn groups(
        &mut self,
        asked: &Asked<'_>,
        rows: Vec<ServerRow>,
        skipped: &[RejectedRow],
        expires: u64,
    ) {
        self.tell_skipped("a server is left out, its row is unusable", skipped);
        let mut found: BTreeMap<String, Vec<Server>> = BTreeMap::new();
        for row in rows {
            if self.stops() {
                return;
            }
            if asked.covers(&row.group) {
                found.entry(row.group).or_default().push(row.server);
            }
        }
        for (name, servers) in &mut found {
            if self.stops() {
                return;
            }
            // A source may repeat rows.
            without_repetitions(servers);
            if let Some(more) = servers.len().checked_sub(MAX_SERVERS + 1) {
                servers.truncate(MAX_SERVERS);
                self.log.write_once(
                    Level::Warning,
                    format_args!(
                        "group '{name}' lists more than {MAX_SERVERS} servers; {} are left out",
                        more + 1
                    ),
                );
            }
        }
        // What has a reason to have no primary is there, with servers or without.
        for name in self.reasons.keys().filter(|name| asked.covers(name)) {
            found.entry(name.clone()).or_default();
        }
        match asked {
            Asked::Names(names) => {
                for name in *names {
                    found.entry(name.clone()).or_default();
                }
            }
            Asked::Everything | Asked::AllBut(_) => {
                let known = self.view().groups().map(|(_, name, _)| name.to_owned());
                for name in known.filter(|name| asked.covers(name)).collect::<Vec<_>>() {
                    found.entry(name).or_default();
                }
            }
        }
        for (name, servers) in found {
            if self.stops() {
                return;
            }
            let primary = server::primary(&servers).and_then(|at| servers.get(at));
            let primary = primary.filter(|server| server.takes_writes());
            self.observed.primary_is(&name, primary.map(|server| server.uuid.as_str()));
            let [now, asked_at] =
                [self.now, self.confirmed].map(|at| u64::try_from(at).unwrap_or_default());
            self.observed.listed(&name, &servers, now);
            for uuid in
                servers.iter().map(|server| &server.uuid).filter(|uuid| self.heard.contains(*uuid))
            {
                let is_primary = primary.is_some_and(|primary| primary.uuid == *uuid);
                self.observed.heard(&name, uuid, is_primary, asked_at);
            }
            let reason = self.reasons.remove(&name);
            self.group(&name, servers, Times { expires, confirmed: self.confirmed }, reason);
            let known = self.view().group_number(name.as_bytes());
            if let Some(entry) = known.and_then(|id| self.view().group(id)) {
                self.heard.iter().for_each(|uuid| entry.value.hear(uuid, asked_at));
            }
        }
    }

    /// Takes in a group; `reason` is why it has no primary, if the source says so.
    pub(super) fn group(
        &mut self,
        name: &str,
        servers: Vec<Server>,
        times: Times,
        reason: Option<Arc<str>>,
    ) {
        let number = self.view().group_number(name.as_bytes());
        if number.is_none() && servers.is_empty() && reason.is_none() {
            self.absent.groups.push((name.to_owned(), times));
            return;
        }
        let known = number.and_then(|id| self.view().group(id)).cloned();
        let overlay = self.overlay(name, &servers);
        if let Some(entry) = &known
            && entry.value.is_same(&servers, &overlay)
            && entry.value.reason() == reason.as_ref()
        {
            entry.confirm(times);
            return;
        }
        let previous = known.as_ref().map(|entry| &entry.value);
        let is_news = previous.is_none_or(|previous| *previous.servers() != *servers);
        let group = Group::new(name, servers, &overlay, previous, self.start).with_reason(reason);
        if group.has_primaries() && !previous.is_some_and(Group::has_primaries) {
            self.log.write(
                Level::Warning,
                format_args!(
                    "several primaries of group '{name}' are listed; writes go to none of them \
                     until there is one"
                ),
            );
        }
        // What the service saw of the servers is no change of the farm.
        let topology = if is_news { self.change() } else { self.rewrite() };
        let id = topology.number_group(name);
        topology.set_group(id, Some(Arc::new(Entry::new(group, times))));
    }

    /// Forgets groups that are gone: they have no servers and had none before this change either,
    /// and nothing names them.
    pub(super) fn forget_groups(&mut self) {
        let Some(next) = &mut self.next else { return };
        let is_empty = |entry: Option<&Arc<Entry<Group>>>| {
            entry.is_none_or(|entry| entry.value.servers().is_empty())
        };
        let empty = next.groups().filter(|(_, _, entry)| is_empty(*entry));
        let empty: BTreeSet<String> = empty.map(|(_, name, _)| name.to_owned()).collect();
        if empty.len() <= MAX_EMPTY_GROUPS {
            return;
        }
        let (current, observed) = (self.current, &*self.observed);
        next.forget_groups(|name| {
            let before = current.group_number(name.as_bytes());
            empty.contains(name)
                && before.is_some_and(|id| is_empty(current.group(id)))
                && !observed.is_held(name)
        });
    }

    pub(super) fn overlay(&self, group: &str, servers: &[Server]) -> HealthOverlay {
        let reach = servers.iter().map(|server| self.observed.reachability(group, &server.uuid));
        HealthOverlay {
            reachability: reach.collect(),
            held: self.observed.is_held(group),
            zone: self.zone.cloned(),
            preference: self.preference,
        }
    }
}

/// The same servers in the same order, each once.
fn without_repetitions(servers: &mut Vec<Server>) {
    let mut seen = BTreeSet::new();
    let mut first = Vec::with_capacity(servers.len());
    for Server { uuid, host, port, mode, status, weight, zone } in servers.iter() {
        first.push(seen.insert((uuid, host, port, mode, status, weight.to_bits(), zone)));
    }
    let mut first = first.into_iter();
    servers.retain(|_| first.next().unwrap_or(true));
}
