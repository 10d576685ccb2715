//! Many keys in one call are answered as each would be alone, for every table of the sample farm.

use std::time::Duration;

use fabricd::State;
use mysqlfabric::base::error::{Code, Error, Result};
use mysqlfabric::config::Config;
use mysqlfabric::router::batch::{Batch, CHUNK, Keys, Outcome, Session, Slot};
use mysqlfabric::router::{Router, Scope};
use mysqlfabric::thread_cache::ThreadCache;
use mysqlfabric::topology::{Key, Wanted};

use crate::feedback::shard_of;
use crate::support::*;

const TABLES: [&str; 7] = [
    "employees.salaries",
    "shop.orders",
    "log.events",
    "crm.names",
    "hashdb.accounts",
    "hashdb.users",
    "hash2.t",
];

/// The answers as they come, from the start again in each pass.
#[derive(Default)]
pub struct Answers {
    pub ports: Vec<u16>,
    pub keys: Vec<std::result::Result<u32, i32>>,
}

impl Answers {
    /// One pass over the keys.
    fn pass(&mut self, session: &mut Session<'_, '_>, keys: &[Key<'_>]) {
        *self = Self::default();
        let mut slots = [Slot::EMPTY; CHUNK];
        for keys in keys.chunks(CHUNK) {
            session.resolve(Keys::Any(keys), &[], &mut slots);
            self.keys.extend(slots.iter().take(keys.len()).map(|slot| slot.index()));
            let (first, servers) = session.met();
            assert_eq!(self.ports.len(), first as usize, "the indexes come in turn");
            self.ports.extend(servers.map(|chosen| chosen.server().expect("a server").port));
        }
    }
}

pub fn batch(
    router: &Router,
    tables: &[&str],
    keys: &[Key<'_>],
    scope: Scope,
) -> Result<(Answers, Outcome)> {
    let tables: Vec<&[u8]> = tables.iter().map(|table| table.as_bytes()).collect();
    let mut answers = Answers::default();
    let batch = Batch { tables: &tables, scope, wanted: Wanted::Primary, fits: |_| Ok(()) };
    let pass = |session: &mut Session<'_, '_>| answers.pass(session, keys);
    let outcome =
        ThreadCache::with(|cache| router.servers_of_keys(cache, &batch, keys.len(), pass))?;
    Ok((answers, outcome))
}

fn single(router: &Router, tables: &[&str], key: Key<'_>, scope: Scope) -> Result<u16> {
    let tables: Vec<&[u8]> = tables.iter().map(|table| table.as_bytes()).collect();
    router.shard_server(&tables, Some(key), scope, Wanted::Primary, |_, server| Ok(server.port))
}

fn agrees(router: &Router, tables: &[&str], keys: &[Key<'_>], scope: Scope) {
    let (answers, outcome) = batch(router, tables, keys, scope).expect("answers");
    assert_eq!(answers.keys.len(), keys.len());
    assert_eq!(outcome.servers as usize, answers.ports.len());
    let mut failed: Vec<(usize, Error)> = Vec::new();
    for (at, (key, answer)) in keys.iter().zip(&answers.keys).enumerate() {
        let together = answer.map(|index| answers.ports[index as usize]);
        let alone = single(router, tables, *key, scope);
        assert_eq!(together, alone.as_ref().copied().map_err(|error| error.code as i32), "{key:?}");
        failed.extend(alone.err().map(|error| (at, error)));
    }
    assert_eq!(outcome.failed, failed.len());
    assert_eq!(outcome.first, failed.into_iter().next(), "the words, too, are the same");
    let mut ports = answers.ports.clone();
    ports.sort_unstable();
    ports.dedup();
    assert_eq!(ports.len(), answers.ports.len(), "each server once");
}

/// Integers around the bounds, texts of every kind, and keys that are wrong for some table.
fn keys(texts: &[Vec<u8>]) -> Vec<Key<'_>> {
    let around = [-1_000_000_000_001, -1000, 0, 10_000, 20_000, 1_000_000_000_000];
    let near = around.into_iter().flat_map(|bound| bound - 2..bound + 3);
    let integers = near.chain(0..60).chain([i64::MIN, i64::MAX]).map(Key::Integer);
    integers.chain(texts.iter().map(|text| Key::Text(text))).collect()
}

fn texts() -> Vec<Vec<u8>> {
    let plain = ["", " ", "A", "M  ", "Lz", "anna", "m", "_", "\u{e9}mile", "alice", "1e4", "007"];
    let dates = ["1999-12-31", "2010-01-01", "20091231235959", "2009-12-31 23:59:59.5", "99991231"];
    let long = (0..80).map(|length| "k".repeat(length));
    let numbered = (0..100).map(|number| format!("user {number}"));
    let all = plain.into_iter().chain(dates).map(str::to_owned).chain(long).chain(numbered);
    all.map(String::into_bytes).chain([b"\xff".to_vec(), b"M\xff".to_vec()]).collect()
}

#[test]
fn every_key_is_answered_as_if_alone() {
    let server = sample();
    let texts = texts();
    let keys = keys(&texts);
    for compat_connector_python in [false, true] {
        let router = Router::new(Config { compat_connector_python, ..config(&[&server]) });
        for table in TABLES {
            for count in [0, 1, 3, 16, 63, 64, 65, keys.len()] {
                agrees(&router, &[table], &keys[..count], Scope::Local);
            }
            agrees(&router, &[table], &keys, Scope::Global);
            for key in &keys {
                agrees(&router, &[table], &[*key], Scope::Local);
            }
        }
        agrees(&router, &["employees.salaries", "employees.dept_emp"], &keys, Scope::Local);
        agrees(&router, &["employees.salaries", "shop.orders"], &keys, Scope::Local);
        agrees(&router, &["shop.orders", "hashdb.accounts", "crm.names"], &keys, Scope::Local);
        agrees(&router, &["employees.salaries", "crm.names"], &keys, Scope::Global);
    }
}

#[test]
fn a_batch_fetches_what_is_missing_once() {
    let server = sample();
    let router = router(&server);
    let keys: Vec<Key<'_>> = (1..30_000).step_by(7).map(Key::Integer).collect();
    let (answers, outcome) =
        batch(&router, &["employees.salaries"], &keys, Scope::Local).expect("answers");
    assert_eq!((outcome.servers, outcome.failed), (3, 0));
    assert_eq!(answers.ports, [33611, 33621, 33631]);
    let asked = methods(&server).len();
    agrees(&router, &["employees.salaries"], &keys, Scope::Local);
    assert_eq!(methods(&server).len(), asked, "and all is known afterwards");
}

#[test]
fn what_is_wrong_with_the_call_fails_all_of_it() {
    let server = sample();
    let router = router(&server);
    let keys = [Key::Integer(1); 3];
    let refused = |tables: &[&str]| code(batch(&router, tables, &keys, Scope::Local).map(drop));
    assert_eq!(refused(&[]), Code::Argument);
    assert_eq!(refused(&["no_dot"]), Code::TableName);
    assert_eq!(refused(&["no.such"]), Code::UnknownTable);
    assert_eq!(refused(&["employees.salaries", "no.such"]), Code::UnknownTable);
}

#[test]
fn a_group_without_a_server_fails_its_own_keys() {
    let server = sample();
    let router = router(&server);
    server.farm().demote("shard2").expect("a demotion");
    let keys: Vec<Key<'_>> = [1, 10_001, 20_001, 10_002].map(Key::Integer).into();
    let (answers, outcome) =
        batch(&router, &["employees.salaries"], &keys, Scope::Local).expect("answers");
    let refused = Err(Code::NoServer as i32);
    assert_eq!(answers.keys, [Ok(0), refused, Ok(1), refused]);
    assert_eq!(answers.ports, [33611, 33631]);
    assert_eq!((outcome.servers, outcome.failed), (2, 2));
    let (at, error) = outcome.first.expect("a reason");
    assert_eq!((at, error.code), (1, Code::NoServer));
    assert!(error.message.contains("'shard2' has no primary"), "{}", error.message);
    let numbers = router.metrics();
    assert_eq!((numbers.lookups, numbers.refused), (2, 2), "each key counts");
}

#[test]
fn more_groups_than_lie_on_the_stack() {
    let server = sample();
    let mapping = {
        let mut farm = server.farm();
        let mapping = farm.add_mapping("RANGE", "global");
        farm.add_table(mapping, "wide.t", "id").expect("a table");
        for at in 0..300 {
            let name = format!("g{at}");
            farm.add_group(&name, "").expect("a group");
            let primary = fabricd::FarmServer {
                uuid: format!("00000000-0000-0000-0000-{at:012}"),
                host: "127.0.0.1".into(),
                port: 40_000 + at,
                mode: 3,
                status: fabricd::PRIMARY,
                weight: 1.0,
            };
            farm.add_server(&name, primary).expect("a primary");
            farm.add_shard(mapping, &(at * 10).to_string(), &name, State::Enabled)
                .expect("a shard");
        }
        mapping
    };
    assert!(mapping > 0);
    let router = router(&server);
    let keys: Vec<Key<'_>> = (0..6_000).map(|at| Key::Integer(at * 7 % 3_001 - 1)).collect();
    agrees(&router, &["wide.t"], &keys, Scope::Local);
}

#[test]
fn a_shard_that_vanished_fails_its_own_keys() {
    let server = sample();
    let router = Router::new(Config {
        ttl_min: Duration::ZERO,
        ttl_max: Duration::from_millis(5),
        ..config(&[&server])
    });
    let tables = ["employees.salaries", "hashdb.users"];
    let keys: Vec<Key<'_>> = (9_900..10_100).map(Key::Integer).collect();
    for table in tables {
        agrees(&router, &[table], &keys, Scope::Local);
    }
    for (table, bound) in [(tables[0], "10001"), (tables[1], "E6C81F2F91025F5719B5D173C6E330B7")] {
        let shard = shard_of(&server, table, bound);
        server.farm().set_shard_state(shard, State::Disabled).expect("disabled");
        eventually("a hold", || {
            batch(&router, &[table], &keys, Scope::Local).is_ok_and(|(_, found)| found.failed > 0)
        });
        let (answers, outcome) = batch(&router, &[table], &keys, Scope::Local).expect("answers");
        for (key, answer) in keys.iter().zip(&answers.keys) {
            let alone = single(&router, &[table], *key, Scope::Local);
            let together = answer.map(|index| answers.ports[index as usize]);
            assert_eq!(together, alone.map_err(|error| error.code as i32), "{table} {key:?}");
        }
        let unavailable = Err(Code::ShardUnavailable as i32);
        let gone = answers.keys.iter().filter(|key| **key == unavailable).count();
        assert_eq!(gone, outcome.failed);
        assert!(gone < keys.len());
    }
}
