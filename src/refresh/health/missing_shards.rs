//! Shards that the source stopped listing: it is asked where their keys are, if it can tell that apart
//! from its lists.

use std::collections::BTreeMap;

use crate::base::error::{Code, Result};
use crate::base::sync::{Mutex, rank};
use crate::observe::log::{Level, Log};
use crate::refresh::publisher::Publisher;
use crate::topology::{HeldKey, TableState, Topology};

/// The least time between two questions about one shard, in milliseconds.
const ASK_EVERY: u64 = 1_000;

/// More questions than this would keep a refresh from the rest of the farm.
const MAX_QUESTIONS: usize = 8;

/// A shard, by its table and its lower bound.
type Case = (String, String);

/// Which missing shards the source was asked about. What they are and since when is in the topology.
#[derive(Default)]
pub struct MissingShards {
    questions: Mutex<Questions, { rank::VANISHED }>,
}

#[derive(Default)]
struct Questions {
    /// When each was asked last.
    asked: BTreeMap<Case, u64>,
    /// The user's role does not include the question.
    is_forbidden: bool,
}

impl MissingShards {
    /// Asks where the keys of missing shards are, of those that it is time for, and publishes what
    /// `locate` says: the UUID of a server of the group that has a key of this table, if any does.
    pub fn ask(
        &self,
        publisher: &Publisher,
        log: &Log,
        now: u64,
        locate: impl Fn(&str, &HeldKey) -> Result<Option<String>>,
    ) {
        if publisher.known.topology.load().missing() == 0 {
            return;
        }
        let vanished = publisher.known.topology.load().vanished();
        for (table, bound) in self.due(vanished, now) {
            let Some(key) = key_in(&publisher.known.topology.load(), &table, &bound) else {
                continue;
            };
            let server_uuid = match locate(&table, &key) {
                Ok(Some(server_uuid)) => server_uuid,
                Ok(None) => continue,
                Err(error) => {
                    // The user may not ask for it: asking again is no use.
                    self.questions.lock().is_forbidden |= error.code == Code::Forbidden;
                    log.write(
                        Level::Info,
                        format_args!("table '{table}': the shard at '{bound}' stays held: {error}"),
                    );
                    continue;
                }
            };
            let topology = publisher.known.topology.load_full();
            if let Some((group, ..)) = topology.group_of_server(&server_uuid) {
                publisher.publish(|update| update.resolve(&table, &bound, group));
            }
        }
    }

    /// Of these shards those to be asked about now: who waited longest.
    fn due(&self, vanished: Vec<Case>, now: u64) -> Vec<Case> {
        let Questions { asked, is_forbidden } = &mut *self.questions.lock();
        if *is_forbidden {
            return Vec::new();
        }
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

/// A key of the shard of `table` that begins at `bound`.
fn key_in(topology: &Topology, table: &str, bound: &str) -> Option<HeldKey> {
    match &topology.tables.get(table.as_bytes())?.value {
        TableState::Known(known) => known.map.key_at(bound),
        TableState::Unusable(_) => None,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn shard(number: usize) -> (String, String) {
        ("db.t".to_owned(), format!("{number:03}"))
    }

    #[test]
    fn everybody_is_asked_about_in_turn() {
        let missing = MissingShards::default();
        let mut asked = Vec::new();
        for now in [0, 1, 2, ASK_EVERY, ASK_EVERY + 1] {
            asked.extend(missing.due((0..20).map(shard).collect(), now));
        }
        let expected: Vec<_> = (0..20).chain(0..16).map(shard).collect();
        assert_eq!(asked, expected);
    }

    #[test]
    fn a_shard_that_is_back_is_forgotten() {
        let missing = MissingShards::default();
        assert_eq!(missing.due(vec![shard(1), shard(2)], 0), [shard(1), shard(2)]);
        assert_eq!(missing.due(vec![shard(2)], 1), []);
        assert_eq!(missing.due(vec![shard(1), shard(2)], 2), [shard(1)]);
    }

    /// A farm in which the shard of `db.t` that began at 100 has gone missing.
    pub fn with_a_missing_shard() -> Publisher {
        use crate::refresh::health::tests::shards;
        use crate::refresh::update::Asked;
        use crate::topology::{Server, ServerRow};

        let publisher = Publisher::new(Default::default(), Default::default(), true);
        let server = Server {
            uuid: "s".into(),
            host: "h".into(),
            port: 1,
            mode: 3,
            status: 3,
            weight: 1.0,
            zone: None,
        };
        let servers = vec![ServerRow { group: "moved".into(), server }];
        publisher.publish(|update| {
            update.tables(&Asked::Everything, shards(&["1", "100"]), &[], 9);
            update.groups(&Asked::Everything, servers, &[], 9);
        });
        publisher.publish(|update| update.tables(&Asked::Everything, shards(&["1"]), &[], 9));
        publisher
    }

    #[test]
    fn the_source_is_asked_where_the_keys_are_and_believed() {
        let (publisher, missing) = (with_a_missing_shard(), MissingShards::default());
        let said = std::cell::Cell::new(None);
        let ask = |now| {
            let locate = |table: &str, key: &HeldKey| {
                assert_eq!((table, key), ("db.t", &HeldKey::Integer(100)));
                Ok(said.get().map(str::to_owned))
            };
            missing.ask(&publisher, &Log::default(), now, locate);
        };
        for answer in [None, Some("a stranger")] {
            said.set(answer);
            ask(if answer.is_none() { 1 } else { 1 + ASK_EVERY });
            assert_eq!(publisher.known.topology.load().vanished(), [("db.t".into(), "100".into())]);
        }
        said.set(Some("s"));
        ask(2 + ASK_EVERY);
        assert_eq!(publisher.known.topology.load().vanished().len(), 1, "not so soon again");
        ask(1 + 2 * ASK_EVERY);
        assert_eq!(publisher.known.topology.load().vanished(), []);
    }

    #[test]
    fn who_may_not_ask_does_not_ask_again() {
        let (publisher, missing) = (with_a_missing_shard(), MissingShards::default());
        let asked = std::cell::Cell::new(0);
        for now in [1, 1 + ASK_EVERY, 1 + 2 * ASK_EVERY] {
            missing.ask(&publisher, &Log::default(), now, |_, _| {
                asked.set(asked.get() + 1);
                let code = if asked.get() > 1 { Code::Forbidden } else { Code::Timeout };
                Err(crate::base::error::Error::new(code, "no"))
            });
        }
        assert_eq!(asked.get(), 2);
    }
}
