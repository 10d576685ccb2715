//! One fetch: the requests a wish takes, and their answers taken into the topology.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::error::Result;
use crate::fabric::Dump;
use crate::topology::{TableState, Topology};

use super::flight::Wish;
use super::nodes::Rounds;
use super::update::{Asked, Update};
use super::{Facts, Refresher, Workshop, lock};

/// With more names than this one request for everything is cheaper for Fabric than a query for
/// each pattern.
const MAX_PATTERNS: usize = 64;

impl Refresher {
    /// Asks for the Fabric nodes if nobody did yet, then for the tables, then for the groups
    /// named and those the tables need: at most three requests, and one new topology.
    pub(super) fn fetch(&self, shop: &Workshop, wish: &Wish, rounds: Rounds) -> Result<()> {
        if !self.is_seeded() {
            self.fetch_nodes(shop, rounds)?;
        }
        // Only the caller whose fetch is under way gets here, so no two updates meet.
        let current = self.topology.load_full();
        let mut update = Update::new(&current, &self.config.log);
        let outcome = self.fetch_parts(shop, wish, rounds, &mut update);
        // What could be had is published even if a part is missing: a new shard map without
        // its new group fails lookups there, the old one would send them astray.
        if let Some(next) = update.finish() {
            self.topology.store(Arc::new(next));
        }
        if outcome.is_ok() && wish.everything {
            self.whole.store(true, Ordering::Relaxed);
        }
        outcome
    }

    fn fetch_parts(
        &self,
        shop: &Workshop,
        wish: &Wish,
        rounds: Rounds,
        update: &mut Update<'_>,
    ) -> Result<()> {
        if wish.everything || !wish.tables.is_empty() {
            self.fetch_tables(shop, wish, rounds, update)?;
        }
        let groups = groups_for(wish, update.view());
        if wish.everything || !groups.is_empty() {
            self.fetch_groups(shop, wish.everything, &groups, rounds, update)?;
        }
        Ok(())
    }

    fn fetch_nodes(&self, shop: &Workshop, rounds: Rounds) -> Result<()> {
        let reply = self.on_nodes(shop, rounds, |node| shop.client.fabric_nodes(node))?;
        lock(&shop.nodes).learn(&reply.nodes);
        self.facts.store(Arc::new(Facts { uuid: reply.uuid, ttl: Some(reply.ttl_seconds) }));
        self.seeded.store(1, Ordering::Release);
        Ok(())
    }

    fn fetch_tables(
        &self,
        shop: &Workshop,
        wish: &Wish,
        rounds: Rounds,
        update: &mut Update<'_>,
    ) -> Result<()> {
        let patterns = if wish.everything { String::new() } else { patterns(&wish.tables) };
        let asked_at = self.clock.now();
        let dump =
            self.on_nodes(shop, rounds, |node| shop.client.sharding_information(node, &patterns))?;
        let expires = self.answered(&dump, asked_at);
        let asked = asked(wish.everything, &wish.tables);
        update.tables(&asked, &dump.rows, &dump.skipped, asked_at, expires);
        Ok(())
    }

    fn fetch_groups(
        &self,
        shop: &Workshop,
        everything: bool,
        groups: &BTreeSet<String>,
        rounds: Rounds,
        update: &mut Update<'_>,
    ) -> Result<()> {
        let patterns = if everything { String::new() } else { patterns(groups) };
        let asked_at = self.clock.now();
        let dump = self.on_nodes(shop, rounds, |node| shop.client.servers(node, &patterns))?;
        let expires = self.answered(&dump, asked_at);
        let asked = asked(everything, groups);
        update.groups(&asked, dump.rows, &dump.skipped, asked_at, expires, self.start);
        Ok(())
    }

    /// Notes that Fabric answered, and until when the answer is fresh. It counts from the
    /// question: the server may have looked at any time since.
    fn answered<T>(&self, dump: &Dump<T>, asked_at: u64) -> u64 {
        self.last_answer.store(self.clock.now(), Ordering::Relaxed);
        let ttl = Some(dump.ttl_seconds);
        self.facts.store(Arc::new(Facts { uuid: dump.uuid.clone(), ttl }));
        asked_at.saturating_add(self.time_to_live(ttl))
    }
}

/// The groups named, and those of the named tables that nobody has asked for yet.
fn groups_for(wish: &Wish, topology: &Topology) -> BTreeSet<String> {
    let mut groups = wish.groups.clone();
    for name in &wish.tables {
        if let Some(entry) = topology.tables.get(name.as_bytes())
            && let TableState::Known(table) = &entry.value
        {
            let unknown = table.groups().into_iter().filter(|id| topology.group(*id).is_none());
            groups.extend(unknown.map(|id| topology.group_name(id).to_owned()));
        }
    }
    groups
}

fn asked(everything: bool, names: &BTreeSet<String>) -> Asked<'_> {
    if everything { Asked::Everything } else { Asked::Names(names) }
}

/// One request's patterns. The server splits at commas, drops blanks around them and reads
/// backslashes as escapes, so a name with any of these can only be had with all the others.
fn patterns(names: &BTreeSet<String>) -> String {
    let awkward =
        |name: &String| name.contains([',', '\\']) || name.trim() != name || name.is_empty();
    if names.len() > MAX_PATTERNS || names.iter().any(awkward) {
        return String::new();
    }
    names.iter().map(String::as_str).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn names_go_into_one_request() {
        assert_eq!(patterns(&names(&["db.a", "db.b"])), "db.a,db.b");
    }

    #[test]
    fn awkward_names_ask_for_everything() {
        for name in ["a,b.t", "a\\b.t", " a.t"] {
            assert_eq!(patterns(&names(&["db.a", name])), "");
        }
        let many: BTreeSet<String> = (0..65).map(|i| format!("db.t{i}")).collect();
        assert_eq!(patterns(&many), "");
    }
}
