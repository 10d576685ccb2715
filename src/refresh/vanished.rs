//! Shards that Fabric stopped listing: the server itself is asked where their keys are.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Code, Error};
use crate::fabric::{Client, Value};
use crate::log::Level;
use crate::topology::{GroupId, HeldKey, TableState};

use super::clock::millis;
use super::nodes::Rounds;
use super::{Refresher, Workshop, lock};

/// The least time between two questions about one shard, in milliseconds.
const ASK_EVERY: u64 = 1_000;

/// More questions than this would keep a refresh from the rest of the farm.
const MAX_QUESTIONS: usize = 8;

/// What is known of each vanished shard, by table and lower bound.
#[derive(Default)]
pub struct Vanished {
    since: Mutex<BTreeMap<(String, String), Case>>,
    /// Whether there is any: a refresh of an ordinary farm must not look through all tables.
    any: AtomicBool,
    /// The user's role does not include the question.
    forbidden: AtomicBool,
}

struct Case {
    until: u64,
    asked: Option<u64>,
}

impl Vanished {
    /// Notes which shards are nowhere now.
    pub fn note(&self, vanished: Vec<(String, String)>, until: u64) {
        let vanished = BTreeSet::from_iter(vanished);
        let mut cases = lock(&self.since);
        cases.retain(|shard, _| vanished.contains(shard));
        for shard in vanished {
            cases.entry(shard).or_insert(Case { until, asked: None });
        }
        self.any.store(!cases.is_empty(), Ordering::Relaxed);
    }

    /// The bounds of the shards that have been nowhere for long enough, by table.
    fn over(&self, now: u64) -> BTreeMap<String, BTreeSet<String>> {
        let cases = lock(&self.since);
        let mut over: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for ((table, bound), _) in cases.iter().filter(|(_, case)| case.until <= now) {
            over.entry(table.clone()).or_default().insert(bound.clone());
        }
        over
    }

    /// The shards to be asked about now: those that waited longest.
    fn due(&self, now: u64) -> Vec<(String, String)> {
        let mut cases = lock(&self.since);
        let mut due: Vec<_> = cases
            .iter_mut()
            .filter(|(_, case)| case.asked.is_none_or(|asked| asked + ASK_EVERY <= now))
            .collect();
        due.sort_by_key(|(_, case)| case.asked);
        due.into_iter()
            .take(MAX_QUESTIONS)
            .map(|(shard, case)| {
                case.asked = Some(now);
                shard.clone()
            })
            .collect()
    }
}

impl Refresher {
    /// Asks the server where the keys of vanished shards are, and takes in what it says.
    pub(super) fn ask_for_vanished(&self, shop: &Workshop) {
        if !shop.vanished.any.load(Ordering::Relaxed) {
            return;
        }
        let now = self.clock.now();
        let over = shop.vanished.over(now);
        for (table, bound) in over.iter().flat_map(|(t, bounds)| bounds.iter().map(move |b| (t, b)))
        {
            self.config.log.write(
                Level::Warning,
                format_args!(
                    "table '{table}': the shard at '{bound}' was held long enough; its keys go to \
                     the shard below"
                ),
            );
        }
        if !over.is_empty() {
            self.publish(shop, |update| {
                over.iter().for_each(|(table, bounds)| update.forget_vanished(table, bounds));
            });
        }
        if shop.vanished.forbidden.load(Ordering::Relaxed) {
            return;
        }
        for (table, bound) in shop.vanished.due(now) {
            if let Some(group) = self.ask_for(shop, &table, &bound) {
                self.publish(shop, |update| update.resolve(&table, &bound, group));
            }
        }
    }

    /// The group that holds a key of the shard at `bound`, if the server names one.
    fn ask_for(&self, shop: &Workshop, table: &str, bound: &str) -> Option<GroupId> {
        let key = {
            let topology = self.topology.load();
            match &topology.tables.get(table.as_bytes())?.value {
                TableState::Known(known) => known.map.key_at(bound)?,
                _ => return None,
            }
        };
        let key = match key {
            HeldKey::Integer(value) => Value::Int(value),
            HeldKey::Text(text) => Value::Text(text),
        };
        let ask = |client: &Client, node: &_| client.lookup_servers(node, table, key.clone());
        match self.on_nodes(shop, Rounds::ONCE, ask) {
            Ok(sets) => {
                let set = sets.sets.first()?;
                let column = set.columns.iter().position(|name| name == "server_uuid")?;
                let uuid = set.rows.first()?.get(column)?.as_text()?;
                self.group_holding(uuid)
            }
            Err(error) => {
                self.not_told(shop, table, bound, &error);
                None
            }
        }
    }

    fn not_told(&self, shop: &Workshop, table: &str, bound: &str, error: &Error) {
        if error.code == Code::Forbidden {
            // The role `connector` has dumps and threats only; asking again is no use.
            shop.vanished.forbidden.store(true, Ordering::Relaxed);
        }
        self.config.log.write(
            Level::Info,
            format_args!("table '{table}': the shard at '{bound}' stays held: {error}"),
        );
    }

    fn group_holding(&self, server_uuid: &str) -> Option<GroupId> {
        let topology = self.topology.load();
        topology.groups().find_map(|(id, _, entry)| {
            let servers = entry?.value.servers();
            servers.iter().any(|server| server.uuid == server_uuid).then_some(id)
        })
    }

    /// Until when a shard that vanishes now is held.
    pub(super) fn vanished_until(&self) -> u64 {
        self.clock.now().saturating_add(millis(self.config.vanished_hold))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shard(number: usize) -> (String, String) {
        ("db.t".to_owned(), format!("{number:03}"))
    }

    #[test]
    fn everybody_is_asked_about_in_turn() {
        let vanished = Vanished::default();
        vanished.note((0..20).map(shard).collect(), 9_000);
        let mut asked = Vec::new();
        for now in [0, 1, 2, ASK_EVERY, ASK_EVERY + 1] {
            asked.extend(vanished.due(now));
        }
        let expected: Vec<_> = (0..20).chain(0..16).map(shard).collect();
        assert_eq!(asked, expected);
    }

    #[test]
    fn a_shard_that_is_back_is_forgotten_and_the_others_keep_their_time() {
        let vanished = Vanished::default();
        vanished.note(vec![shard(1), shard(2)], 100);
        vanished.note(vec![shard(2), shard(3)], 200);
        let over = |now| vanished.over(now).into_values().flatten().collect::<Vec<_>>();
        assert_eq!(over(99), [""; 0]);
        assert_eq!(over(100), ["002"]);
        assert_eq!(over(200), ["002", "003"]);
    }
}
