//! Shards that Fabric stopped listing: the server itself is asked where their keys are.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Code, Error};
use crate::fabric::Value;
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
        let mut cases = lock(&self.since);
        cases.retain(|shard, _| vanished.contains(shard));
        for shard in vanished {
            cases.entry(shard).or_insert(Case { until, asked: None });
        }
        self.any.store(!cases.is_empty(), Ordering::Relaxed);
    }

    /// The shards that have been nowhere for long enough.
    fn over(&self, now: u64) -> Vec<(String, String)> {
        let cases = lock(&self.since);
        cases.iter().filter(|(_, case)| case.until <= now).map(|(shard, _)| shard.clone()).collect()
    }

    /// The shards to be asked about now.
    fn due(&self, now: u64) -> Vec<(String, String)> {
        let mut cases = lock(&self.since);
        let due = cases
            .iter_mut()
            .filter(|(_, case)| case.asked.is_none_or(|asked| asked + ASK_EVERY <= now));
        due.take(MAX_QUESTIONS)
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
        for (table, bound) in shop.vanished.over(now) {
            self.config.log.write(
                Level::Warning,
                format_args!(
                    "table '{table}': the shard at '{bound}' was held long enough; its keys go to \
                     the shard below"
                ),
            );
            self.publish(shop, |update| update.forget_vanished(&table, &bound));
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
        let ask = |node: &_| shop.client.lookup_servers(node, table, key.clone());
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
