//! Shards that Fabric stopped listing: the server itself is asked where their keys are.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::base::error::{Code, Error};
use crate::base::sync::{Mutex, rank};
use crate::observe::log::Level;
use crate::source::{Locator, RetryPolicy};
use crate::topology::TableState;

use crate::base::clock::{millis, signed};
use crate::refresh::{Refresher, Workshop};

/// The least time between two questions about one shard, in milliseconds.
const ASK_EVERY: u64 = 1_000;

/// More questions than this would keep a refresh from the rest of the farm.
const MAX_QUESTIONS: usize = 8;

/// Which vanished shards the server was asked about. What they are and since when is in the
/// topology.
#[derive(Default)]
pub struct Vanished {
    /// When, by table and lower bound.
    asked: Mutex<BTreeMap<(String, String), u64>, { rank::VANISHED }>,
    /// The user's role does not include the question.
    forbidden: AtomicBool,
}

impl Vanished {
    /// Of these shards those to be asked about now: who waited longest.
    fn due(&self, vanished: Vec<(String, String)>, now: u64) -> Vec<(String, String)> {
        let mut asked = self.asked.lock();
        let mut cases: Vec<_> =
            vanished.into_iter().map(|shard| (asked.get(&shard).copied(), shard)).collect();
        cases.sort();
        *asked = cases.iter().filter_map(|(then, shard)| Some((shard.clone(), (*then)?))).collect();
        let due = cases.into_iter().filter(|(then, _)| then.is_none_or(|t| t + ASK_EVERY <= now));
        let due: Vec<_> = due.take(MAX_QUESTIONS).map(|(_, shard)| shard).collect();
        asked.extend(due.iter().map(|shard| (shard.clone(), now)));
        due
    }
}

impl Refresher {
    /// What went missing at this time on the handle's clock or before has been held long enough.
    pub(in crate::refresh) fn held_until(&self) -> i64 {
        signed(self.clock.now()).saturating_sub(signed(millis(self.config.vanished_hold)))
    }

    /// Notes when the first hold of a vanished shard ends in the newest topology. Whoever publishes
    /// one does, under the same lock.
    pub(in crate::refresh) fn note_vanished(&self) {
        let hold = millis(self.config.vanished_hold);
        let since = self.topology.load().missing_first().filter(|_| hold != u64::MAX);
        let end = since.map(|since| since.saturating_add_unsigned(hold).max(1));
        let end = end.map_or(0, i64::unsigned_abs);
        if self.vanished_end.swap(end, Ordering::Relaxed) != end {
            self.worker.look();
        }
    }

    /// How long until the hold of a vanished shard ends.
    #[inline]
    pub(in crate::refresh) fn vanished_ends_in(&self, now: u64) -> Option<Duration> {
        match self.vanished_end.load(Ordering::Relaxed) {
            0 => None,
            end => Some(Duration::from_millis(end.saturating_sub(now))),
        }
    }

    /// Ends the holds of vanished shards that have lasted long enough.
    pub(in crate::refresh) fn end_vanished_holds(&self) {
        if self.topology.load().missing() == 0 {
            return;
        }
        let until = self.held_until();
        let mut over = Vec::new();
        self.publish(|update| over = update.forget_missing(until));
        for (table, bound) in over {
            self.config.log.write(
                Level::Warning,
                format_args!(
                    "table '{table}': the shard at '{bound}' was held long enough; its keys go to \
                     the shard below"
                ),
            );
        }
    }

    /// Asks the server where the keys of the vanished shards are, and takes in what it says.
    pub(in crate::refresh) fn ask_for_vanished(&self, shop: &Workshop, retry: RetryPolicy) {
        if self.topology.load().missing() == 0 {
            return;
        }
        let Ok(locator) = self.sources.maps.locator() else { return };
        let now = self.clock.now();
        if shop.vanished.forbidden.load(Ordering::Relaxed) {
            return;
        }
        for (table, bound) in shop.vanished.due(self.topology.load().vanished(), now) {
            if let Some(group) = self.ask_for(shop, locator, &table, &bound, retry) {
                self.publish(|update| update.resolve(&table, &bound, &group));
            }
        }
    }

    /// The group that holds a key of the shard at `bound`, if the server names one.
    fn ask_for(
        &self,
        shop: &Workshop,
        locator: &dyn Locator,
        table: &str,
        bound: &str,
        retry: RetryPolicy,
    ) -> Option<String> {
        let key = {
            let topology = self.topology.load();
            match &topology.tables.get(table.as_bytes())?.value {
                TableState::Known(known) => known.map.key_at(bound)?,
                _ => return None,
            }
        };
        match locator.locate(table, &key, &self.asking(shop).ask(retry.once())) {
            Ok(uuid) => {
                let topology = self.topology.load();
                topology.group_of_server(&uuid?).map(|(group, ..)| group.to_owned())
            }
            Err(error) => {
                self.not_told(shop, table, bound, &error);
                None
            }
        }
    }

    fn not_told(&self, shop: &Workshop, table: &str, bound: &str, error: &Error) {
        if error.code == Code::Forbidden {
            // The user may not ask for it: asking again is no use.
            shop.vanished.forbidden.store(true, Ordering::Relaxed);
        }
        self.config.log.write(
            Level::Info,
            format_args!("table '{table}': the shard at '{bound}' stays held: {error}"),
        );
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
        let mut asked = Vec::new();
        for now in [0, 1, 2, ASK_EVERY, ASK_EVERY + 1] {
            asked.extend(vanished.due((0..20).map(shard).collect(), now));
        }
        let expected: Vec<_> = (0..20).chain(0..16).map(shard).collect();
        assert_eq!(asked, expected);
    }

    #[test]
    fn a_shard_that_is_back_is_forgotten() {
        let vanished = Vanished::default();
        assert_eq!(vanished.due(vec![shard(1), shard(2)], 0), [shard(1), shard(2)]);
        assert_eq!(vanished.due(vec![shard(2)], 1), []);
        assert_eq!(vanished.due(vec![shard(1), shard(2)], 2), [shard(1)]);
    }
}
