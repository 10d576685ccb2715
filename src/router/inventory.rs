//! What a handle knows of the farm, for whoever wants to see all of it. No I/O.

use crate::base::error::Result;
use crate::config::Node;
use crate::refresh::age::since;
pub use crate::refresh::health::quarantine::{Doubt, ServerState};
use crate::topology::{Group, GroupId, Server, TableState, Topology};

use super::{Router, errors};

/// A group that has been fetched.
pub struct KnownGroup<'t> {
    pub name: &'t str,
    pub group: &'t Group,
    /// How long ago it was confirmed, in milliseconds; `None` where nobody knows.
    pub age: Option<u64>,
    /// How many shards of all tables lie in it.
    pub shards: u64,
}

/// What is known of a server.
pub struct KnownServer<'t> {
    pub group: &'t str,
    pub server: &'t Server,
    pub state: ServerState,
    /// What services could not reach of it; `None` if nothing is to be said against it.
    pub doubt: Option<Doubt>,
    /// The time on the handle's clock, in milliseconds.
    pub now: u64,
    /// How long ago it has answered the source itself, in milliseconds.
    pub heard: Option<u64>,
}

/// A node of the source, or a server that is asked of its group: a member, one that was, or one that the
/// options or the map name.
#[derive(Debug, Clone)]
pub struct KnownNode {
    pub node: Node,
    /// Whether it is one of the source's own, and not only a server of a group.
    pub is_source: bool,
    pub group: Option<String>,
    /// For how many milliseconds it has not answered, and what became of the last question; nothing if it
    /// answered, or was not asked yet.
    pub silence: Option<(u64, String)>,
}

impl Router {
    /// Whom the source asks, in the order they became known.
    pub fn known_nodes(&self) -> Vec<KnownNode> {
        let now = self.refresher.clock().now();
        let known = self.refresher.asked().into_iter().map(|state| KnownNode {
            node: state.node,
            is_source: state.is_source,
            group: state.group,
            silence: state.silence.map(|of| (now.saturating_sub(of.since), of.why)),
        });
        known.collect()
    }

    /// Hands each server of a group to `take`, or of all groups, in the order of their names.
    ///
    /// # Errors
    /// The group is not known; and those of `take`.
    pub fn server_health<T>(
        &self,
        group: Option<&str>,
        take: impl Fn(&KnownServer<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        let (topology, health) = (self.refresher.topology(), self.refresher.server_health());
        let now = self.refresher.clock().now();
        let known = topology.groups().filter_map(|(_, name, entry)| Some((name, &entry?.value)));
        let is_wanted = |name: &str| group.is_none_or(|group| group == name);
        let mut known: Vec<(&str, &Group)> = known.filter(|(name, _)| is_wanted(name)).collect();
        if let (Some(group), []) = (group, known.as_slice()) {
            return Err(errors::unknown_group(group));
        }
        known.sort_unstable_by_key(|(name, _)| *name);
        let servers = known.into_iter().flat_map(|(group, servers)| {
            servers.heard().map(move |(server, heard)| (group, server, heard))
        });
        let told = servers.map(|(group, server, heard)| {
            let doubt = health.doubt(group, &server.uuid);
            let state = doubt.map_or(ServerState::InUse, |doubt| doubt.state);
            let heard = heard.map(|heard| now.saturating_sub(heard));
            take(&KnownServer { group, server, state, doubt, now, heard })
        });
        told.collect()
    }

    /// Hands each table to `take` that the source lists, and whose name is not longer, in the order of
    /// their names.
    pub fn tables<T>(
        &self,
        longest: usize,
        take: impl Fn(&Topology, &str, &TableState) -> Result<T>,
    ) -> Result<Vec<T>> {
        let topology = self.refresher.topology();
        let mut tables: Vec<(&[u8], &TableState)> =
            topology.tables.iter().map(|(name, entry)| (name, &entry.value)).collect();
        tables.retain(|(name, _)| name.len() <= longest);
        tables.sort_unstable_by_key(|(name, _)| *name);
        let named = |(name, state): (&[u8], &TableState)| {
            take(&topology, &String::from_utf8_lossy(name), state)
        };
        tables.into_iter().map(named).collect()
    }

    /// Hands each group to `take` that has been fetched, in the order of their names. One without servers
    /// is among them only if the source says why it has none.
    pub fn groups<T>(&self, take: impl Fn(KnownGroup<'_>) -> Result<T>) -> Result<Vec<T>> {
        let topology = self.refresher.topology();
        let now = self.refresher.clock().now();
        let shards = shards_of_groups(&topology);
        let known = topology.groups().filter_map(|(id, name, entry)| {
            let (group, confirmed) = entry.map(|entry| (&entry.value, entry.confirmed()))?;
            let is_listed = !group.servers().is_empty() || group.reason().is_some();
            let shards = shards.get(id.0 as usize).copied().unwrap_or_default();
            is_listed.then(|| KnownGroup { name, group, age: since(confirmed, now), shards })
        });
        let mut known: Vec<KnownGroup<'_>> = known.collect();
        known.sort_unstable_by_key(|group| group.name);
        known.into_iter().map(take).collect()
    }
}

/// By number: how many shards of all tables lie in the group.
fn shards_of_groups(topology: &Topology) -> Vec<u64> {
    let mut shards: Vec<u64> = Vec::new();
    for (_, _, table) in topology.maps() {
        let groups = table.map.shards().map(|shard| shard.group);
        for group in groups.filter(|group| *group != GroupId::NOWHERE) {
            let at = group.base().0 as usize;
            if shards.len() <= at {
                shards.resize(at + 1, 0);
            }
            if let Some(count) = shards.get_mut(at) {
                *count += 1;
            }
        }
    }
    shards
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Listed, router};
    use super::*;
    use crate::base::error::Code;
    use crate::config::Config;

    #[test]
    fn each_server_is_told_of_with_what_is_held_against_it_and_when_it_was_heard() {
        let servers = [("g1", "u2", 3, 3), ("g0", "u0", 3, 3), ("g0", "u1", 2, 1)];
        let router = router(&Listed::of(&servers, &[]), Config::default());
        let told = |group| {
            router.server_health(group, |known| {
                let errno = known.doubt.map(|doubt| doubt.errno);
                let is_heard = known.heard.is_some();
                Ok((
                    known.group.to_owned(),
                    known.server.uuid.clone(),
                    known.state,
                    errno,
                    is_heard,
                ))
            })
        };
        assert_eq!(told(None).expect("a list"), []);
        router.prefetch(&[]).expect("the farm");
        router.refresher.observe("u1", 2003);
        let expected = |group: &str, uuid: &str, state, errno, is_heard| {
            (group.to_owned(), uuid.to_owned(), state, errno, is_heard)
        };
        let (up, out) = (ServerState::InUse, ServerState::LeftOut);
        let all = [
            expected("g0", "u0", up, None, true),
            expected("g0", "u1", out, Some(2003), false),
            expected("g1", "u2", up, None, true),
        ];
        // The group was made anew by the report, and what was heard of its servers before stays.
        assert_eq!(told(None).expect("a list"), all);
        assert_eq!(told(Some("g1")).expect("a list"), all[2..]);
        assert_eq!(told(Some("g2")).expect_err("no group").code, Code::UnknownGroup);
    }
}
