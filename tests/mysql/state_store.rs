//! Fabric's state store as a source, on real servers.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use std::{fs, thread};

use mysqlfabric::base::error::{Code, Error, Result};
use mysqlfabric::config::{Config, Credentials, Node, ReportErrors, TlsMode};
use mysqlfabric::mysql::{Account, Session};
use mysqlfabric::observe::log::{Level, Log};
use mysqlfabric::router::{Router, Scope};
use mysqlfabric::topology::{Key, Wanted};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::client::{each, query, root, user};
use crate::support::{Kind, RealServer};

const TABLES: [&str; 5] = ["servers", "shard_maps", "shard_ranges", "shard_tables", "shards"];

/// A store in a database of its own.
struct Store<'s> {
    server: &'s RealServer,
    database: String,
    session: Session,
}

impl<'s> Store<'s> {
    fn empty(server: &'s RealServer, version: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let database = format!("store_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let mut session = root(server);
        query(&mut session, &format!("CREATE DATABASE {database}")).expect("a database");
        query(&mut session, &format!("USE {database}")).expect("the database");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/servers/state_store.sh");
        let sql = Command::new(script).arg(version).output().expect("the script");
        assert!(sql.status.success(), "{sql:?}");
        let mut store = Self { server, database, session };
        String::from_utf8(sql.stdout).expect("SQL").split(';').map(str::trim).for_each(
            |statement| {
                if !statement.is_empty() {
                    store.run(statement);
                }
            },
        );
        store
    }

    /// A table on three groups of two servers each: a primary on port 1, 2 or 3, and a secondary.
    fn small(server: &'s RealServer, version: &str) -> Self {
        let mut store = Self::empty(server, version);
        for (group, port) in [("g1", 1), ("g2", 2), ("g3", 3)] {
            store.run(&format!("INSERT INTO `groups` VALUES ('{group}', '', 'p{port}', NULL, 1)"));
            store.run(&format!(
                "INSERT INTO servers VALUES ('p{port}', 'h:{port}', 3, 3, 1, '{group}'), \
                 ('s{port}', 'h:{port}0', 1, 2, 0.5, '{group}')"
            ));
        }
        store.run("INSERT INTO shard_maps VALUES (1, 'RANGE', 'g1')");
        store.run(
            "INSERT INTO shard_tables (shard_mapping_id, table_name, column_name) \
             VALUES (1, 'db.t', 'id')",
        );
        for (id, bound, group) in [(1, 0, "g1"), (2, 100, "g2"), (3, 200, "g3")] {
            store.run(&format!("INSERT INTO shards VALUES ({id}, '{group}', 'ENABLED')"));
            store.run(&format!("INSERT INTO shard_ranges VALUES (1, '{bound}', {id})"));
        }
        store
    }

    fn run(&mut self, statement: &str) {
        query(&mut self.session, statement).unwrap_or_else(|f| panic!("{statement}: {f:?}"));
    }

    /// A user that may read what a handle reads, and nothing else.
    fn reader(&mut self) -> Account {
        let kind = if self.is_native() { "BY ?" } else { "WITH caching_sha2_password BY ?" };
        let name = format!("reader_{}", self.database);
        let account = user(self.server, &name, kind);
        for table in TABLES {
            self.run(&format!("GRANT SELECT ON {}.{table} TO {name}@'%'", self.database));
        }
        account
    }

    fn is_native(&self) -> bool {
        !self.session.version().starts_with("9.")
    }

    /// A handle's options, by the URL of the socket, where every way to log in goes.
    fn config(&self, account: &Account) -> Config {
        let mut config = Config {
            background_refresh: false,
            connect_attempts: 1,
            ttl_min: Duration::from_millis(1),
            ttl_max: Duration::from_millis(100),
            ..Config::default()
        };
        config.mysql.credentials = Some(Credentials {
            user: account.user.clone(),
            password: Zeroizing::new(account.password.to_string()),
        });
        let (user, database) = (&account.user, &self.database);
        let socket = self.server.socket();
        let socket = socket.to_str().expect("UTF-8");
        let url = format!("fabric+store://{user}@localhost/{database}?socket={socket}");
        config.set_source(&url).expect("a URL");
        config.check().expect("it fits");
        config
    }

    fn router(&mut self) -> Router {
        let reader = self.reader();
        Router::new(self.config(&reader))
    }
}

/// The database of a small store.
pub fn small_store(server: &RealServer, version: &str) -> String {
    Store::small(server, version).database
}

fn port(router: &Router, table: &str, key: Key<'_>) -> Result<u16> {
    let tables = &[table.as_bytes()];
    router.shard_server(tables, Some(key), Scope::Local, Wanted::Primary, |_, s| Ok(s.port))
}

fn of(router: &Router, key: i64) -> Result<u16> {
    port(router, "db.t", Key::Integer(key))
}

fn code(outcome: Result<u16>) -> Code {
    outcome.expect_err("a refusal").code
}

fn eventually(what: &str, mut come: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !come() {
        assert!(begun.elapsed() < Duration::from_secs(30), "never came: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn every_version_on_every_server() {
    for (kind, server) in each() {
        for version in ["1.4", "1.5", "1.6"] {
            let mut store = Store::small(server, version);
            let router = store.router();
            for (key, expected) in [(0, 1), (99, 1), (100, 2), (200, 3), (5000, 3)] {
                let port = of(&router, key);
                assert_eq!(port.expect("a server"), expected, "{kind:?} {version}");
            }
            assert_eq!(code(of(&router, -1)), Code::KeyOutOfRange);
            assert_eq!(code(port(&router, "db.other", Key::Integer(1))), Code::UnknownTable);
            let secondary = router.group_server("g2", Wanted::Reader, |_, server| Ok(server.port));
            assert_eq!(secondary.expect("a secondary"), 20);
        }
    }
}

/// What an operator does at Fabric changes several tables at once.
#[test]
fn a_change_is_seen_as_a_whole() {
    for (kind, server) in each() {
        let mut store = Store::small(server, "1.6");
        let router = store.router();
        assert_eq!(of(&router, 150).expect("a server"), 2);

        // A failover: the two exchange their places, and nothing else changes.
        store.run("UPDATE servers SET status = 5 - status, mode = 4 - mode WHERE group_id = 'g2'");
        eventually("the failover", || of(&router, 150).is_ok_and(|port| port == 20));

        // A shard moves while it is looked up: it is in the one group or the other, never nowhere.
        store.run("START TRANSACTION");
        store.run("UPDATE shards SET group_id = 'g3' WHERE shard_id = 2");
        store.run("DELETE FROM servers WHERE group_id = 'g2'");
        for _ in 0..20 {
            assert_eq!(of(&router, 150).expect("a server"), 20, "{kind:?}: not committed yet");
            thread::sleep(Duration::from_millis(10));
        }
        store.run("COMMIT");
        eventually("the move", || of(&router, 150).expect("one of both") == 3);

        // A group that has lost its last server is not there any more.
        let gone = || router.group_server("g2", Wanted::Primary, |_, server| Ok(server.port));
        eventually("the end of g2", || gone().is_err());
    }
}

#[test]
fn a_shard_that_is_not_enabled_is_known_from_the_first_answer_on() {
    for (kind, server) in each() {
        let mut store = Store::small(server, "1.5");
        store.run("UPDATE shards SET state = 'DISABLED' WHERE shard_id = 2");
        let router = store.router();
        assert_eq!(of(&router, 99).expect("a server"), 1, "{kind:?}");
        assert_eq!(code(of(&router, 100)), Code::ShardUnavailable, "{kind:?}");
        assert_eq!(code(of(&router, 199)), Code::ShardUnavailable);
        assert_eq!(of(&router, 200).expect("a server"), 3);
        store.run("UPDATE shards SET state = 'ENABLED' WHERE shard_id = 2");
        eventually("the shard", || of(&router, 150).is_ok_and(|port| port == 2));
        store.run("UPDATE shards SET state = 'DISABLED' WHERE shard_id = 3");
        eventually("the hold", || code_of(&of(&router, 300)) == Some(Code::ShardUnavailable));
    }
}

fn code_of(outcome: &Result<u16>) -> Option<Code> {
    outcome.as_ref().err().map(|error| error.code)
}

#[test]
fn a_server_that_is_faulty_serves_nobody() {
    let Some(server) = RealServer::shared(Kind::Mysql56) else { return };
    let mut store = Store::small(server, "1.6");
    store.run("UPDATE servers SET status = 0 WHERE server_uuid IN ('p1', 's2')");
    let router = store.router();
    assert_eq!(code(of(&router, 1)), Code::NoServer);
    assert_eq!(of(&router, 100).expect("the primary"), 2);
    let read = router.group_server("g2", Wanted::Reader, |_, server| Ok(server.port));
    assert_eq!(read.expect("the primary, for want of another"), 2);
}

/// A store with the rows of the recorded decisions, whose groups have a primary each: the first on port 1,
/// in their order.
pub struct Recorded<'s> {
    store: Store<'s>,
    groups: BTreeSet<String>,
}

impl<'s> Recorded<'s> {
    pub fn on(server: &'s RealServer) -> Self {
        let mut store = Store::empty(server, "1.5");
        let dump = fs::read_to_string(vectors().join("shards.json")).expect("shards.json");
        let dump: Value = serde_json::from_str(&dump).expect("JSON");
        let mut groups = BTreeSet::new();
        let mut maps: BTreeMap<(String, String), usize> = BTreeMap::new();
        for row in dump["rows"].as_array().expect("rows") {
            let text = |column: usize| row[column].as_str().expect("text").replace('\'', "''");
            let (table, kind) = (format!("{}.{}", text(0), text(1)), text(5));
            let next = maps.len() + 1;
            let number = *maps.entry((table.clone(), kind.clone())).or_insert(next);
            if number == next {
                store.run(&format!("INSERT INTO shard_maps VALUES ({number}, '{kind}', 'global')"));
                store.run(&format!(
                    "INSERT INTO shard_tables VALUES ({number}, '{table}', '{}')",
                    text(2)
                ));
            }
            let (id, group) = (row[4].as_i64().expect("id"), text(6));
            // Two tables of one mapping name the same shard.
            let id = id * 100 + number as i64;
            store.run(&format!("INSERT INTO shards VALUES ({id}, '{group}', 'ENABLED')"));
            groups.insert(group);
            let bound = match kind.as_str() {
                "HASH" => format!("X'{}'", text(3)),
                _ => format!("'{}'", text(3)),
            };
            store.run(&format!("INSERT INTO shard_ranges VALUES ({number}, {bound}, {id})"));
        }
        // The hole: what the dump does not have.
        let number = maps[&("disabled_db.t".to_owned(), "RANGE".to_owned())];
        store.run("INSERT INTO shards VALUES (21, 'shard2', 'DISABLED')");
        store.run(&format!("INSERT INTO shard_ranges VALUES ({number}, '100', 21)"));
        for (port, group) in (1..).zip(&groups) {
            store.run(&format!(
                "INSERT INTO servers VALUES ('u{port}', 'h:{port}', 3, 3, 1, '{group}')"
            ));
        }
        for group in groups.iter().map(String::as_str).chain(["global"]) {
            store.run(&format!("INSERT INTO `groups` VALUES ('{group}', '', NULL, NULL, 1)"));
        }
        Self { store, groups }
    }

    pub fn router(&mut self) -> Router {
        self.store.router()
    }

    pub fn database(&self) -> &str {
        &self.store.database
    }

    /// Looks up every recorded key. The answers are as tests/vectors.rs counts them, and the 46 of the hole
    /// with them: the keys of a shard that a dump of Fabric does not show.
    pub fn compare(&self, router: &Router) {
        let ports: BTreeMap<u16, &String> = (1..).zip(&self.groups).collect();
        let answers = compared(&vectors(), |table, key| {
            port(router, table, key).map(|port| ports[&port].as_str().to_owned())
        });
        assert_eq!(answers, (16_389, 46));
    }
}

fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/vectors")
}

/// What each recorded decision of a real server says, from a store with the same rows.
#[test]
fn every_vector_answers_and_those_of_the_hole_as_the_server() {
    for kind in [Kind::Mysql, Kind::Mariadb] {
        let Some(server) = RealServer::shared(kind) else { continue };
        let mut recorded = Recorded::on(server);
        let router = recorded.router();
        recorded.compare(&router);
    }
}

/// How many lines there are, and how many are of the hole; all others as the dump of the same farm has them
/// are what tests/vectors.rs looks at, so here the server's own group counts wherever it names one.
fn compared(data: &Path, answer: impl Fn(&str, Key<'_>) -> Result<String>) -> (usize, usize) {
    let (mut lines, mut holes, mut differ) = (0, 0, 0);
    for entry in fs::read_dir(data).expect("the vectors") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|extension| extension != "jsonl") {
            continue;
        }
        for line in fs::read_to_string(&path).expect("a vector file").lines() {
            let line: Value = serde_json::from_str(line).expect("JSON");
            let text = line["key"].as_str().expect("key");
            let key = match line["key_type"].as_str() {
                Some("int") => match text.parse() {
                    Ok(value) => Key::Integer(value),
                    Err(_) => text.parse().map_or(Key::Text(text.as_bytes()), Key::Unsigned),
                },
                _ => Key::Text(text.as_bytes()),
            };
            let ours = answer(line["table"].as_str().expect("table"), key);
            lines += 1;
            let is_of_hole = line["error"] == "Shard not enabled";
            match ours {
                // Text that is no integer is refused as such.
                Err(error) if is_of_hole => {
                    let code = error.code;
                    assert!(
                        matches!(code, Code::ShardUnavailable | Code::KeyType),
                        "{line}: {error}"
                    );
                    holes += usize::from(code == Code::ShardUnavailable);
                }
                ours if line["group"].as_str() != ours.as_deref().ok() => differ += 1,
                _ => {}
            }
        }
    }
    // 219 differ on purpose over Fabric's own protocols, the 46 of the hole among them.
    assert_eq!(differ, 219 - 46);
    (lines, holes)
}

fn refused(config: Config) -> Error {
    of(&Router::new(config), 1).expect_err("a refusal")
}

#[test]
fn what_is_wrong_is_said_with_the_remedy() {
    for (kind, server) in each() {
        let mut store = Store::small(server, "1.6");
        let reader = store.reader();
        let database = store.database.clone();

        // One grant less.
        store.run(&format!("REVOKE SELECT ON {database}.shards FROM {}@'%'", reader.user));
        let error = refused(store.config(&reader));
        assert_eq!(error.code, Code::Forbidden, "{kind:?}: {error}");
        let grant = format!("GRANT SELECT ON `{database}`.shards TO '{}'", reader.user);
        assert!(error.message.contains(&grant), "{error}");
        assert!(!error.message.contains("and the same for"), "{error}");
        store.run(&format!("GRANT SELECT ON {database}.shards TO {}@'%'", reader.user));

        // Two less, and those alone are named.
        let (grants, revoked) = ([("GRANT", "TO"), ("REVOKE", "FROM")], ["shard_maps", "servers"]);
        let set = |store: &mut Store<'_>, (verb, to): (&str, &str)| {
            for table in revoked {
                store.run(&format!("{verb} SELECT ON {database}.{table} {to} {}@'%'", reader.user));
            }
        };
        set(&mut store, grants[1]);
        let error = refused(store.config(&reader));
        let grant = format!(
            "GRANT SELECT ON `{database}`.shard_maps TO '{}'@'...', and the same for servers",
            reader.user
        );
        assert!(error.message.ends_with(&grant), "{kind:?}: {error}");
        set(&mut store, grants[0]);

        // A wrong password.
        let mut config = store.config(&reader);
        let wrong = Zeroizing::new("wrong".to_owned());
        config.mysql.credentials = Some(Credentials { user: reader.user.clone(), password: wrong });
        let error = refused(config);
        assert_eq!(error.code, Code::Auth, "{kind:?}: {error}");
        assert!(error.message.contains(&reader.user), "{error}");

        // Half a schema.
        store.run("DROP TABLE shard_ranges");
        let error = refused(store.config(&reader));
        assert_eq!(error.code, Code::Protocol, "{kind:?}: {error}");
        assert!(error.message.contains("no state store of Fabric"), "{error}");

        // Nobody listens.
        let mut config = store.config(&reader);
        config.source = None;
        config.set_source("fabric+store://127.0.0.1:1/fabric").expect("a URL");
        let error = refused(config);
        assert_eq!(error.code, Code::Unreachable, "{kind:?}: {error}");
        assert!(error.message.contains("127.0.0.1:1"), "{error}");
    }
}

/// Rows that make no sense spoil their own table or group, and no other.
#[test]
fn odd_rows_go_alone() {
    let Some(server) = RealServer::shared(Kind::Mariadb) else { return };
    let mut store = Store::small(server, "1.6");
    store.run("INSERT INTO servers VALUES ('odd', 'no-port', 3, 3, 1, 'g2')");
    store.run("INSERT INTO shard_maps VALUES (2, 'RANGE_STRING', NULL)");
    store.run("INSERT INTO shard_tables VALUES (2, 'db.odd', 'id', 0)");
    store.run("INSERT INTO shards VALUES (9, 'g1', 'ENABLED')");
    store.run("INSERT INTO shard_ranges VALUES (2, X'FF00', 9)");
    let router = store.router();
    assert_eq!(of(&router, 1).expect("a server"), 1);
    assert_eq!(of(&router, 200).expect("a server"), 3);
    port(&router, "db.odd", Key::Text(b"x")).expect_err("its global group is NULL");
}

/// Without a database what is known serves on, and a handle without Fabric nodes reports to nobody.
#[test]
fn what_is_known_stays_when_the_store_is_gone() {
    let Some(server) = RealServer::start(Kind::Mysql56, &[]) else { return };
    let mut store = Store::small(&server, "1.6");
    let router = store.router();
    assert_eq!(of(&router, 100).expect("a server"), 2);
    assert_eq!(
        router.execute("group", "lookup_groups", &[]).map(drop).map_err(|e| e.code),
        Err(Code::NotSeeded)
    );
    let Store { session, .. } = store;
    drop(session);
    drop(server);
    for _ in 0..20 {
        assert_eq!(of(&router, 100).expect("what is known"), 2);
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn reports_go_to_the_fabric_nodes_that_there_are() {
    let Some(server) = RealServer::shared(Kind::Mysql56) else { return };
    let mut store = Store::small(server, "1.6");
    let mut farm = fabricd::Farm::sample();
    let mut servers = farm.groups.iter().flat_map(|group| &group.servers);
    let reported = servers.next().expect("a server").uuid.clone();
    farm.ttl = 1;
    let fabric = fabricd::Server::start(fabricd::Options::new(farm)).expect("fabricd starts");
    store.run(&format!("UPDATE servers SET server_uuid = '{reported}' WHERE server_uuid = 'p1'"));
    let reader = store.reader();
    let config = Config {
        nodes: vec![Node { host: "127.0.0.1".into(), port: fabric.port() }],
        credentials: Some(Credentials {
            user: "admin".into(),
            password: Zeroizing::new("secret".to_owned()),
        }),
        report_errors: ReportErrors::Error,
        ..store.config(&reader)
    };
    let router = Router::new(config);
    assert_eq!(of(&router, 1).expect("a server"), 1);
    router.report_result(&reported, 2003);
    eventually("the report", || fabric.reports().iter().any(|r| r.server_uuid == reported));
    let dumps = fabric.requests().into_iter().filter(|request| request.method.starts_with("dump"));
    assert_eq!(dumps.filter(|request| request.method != "dump.fabric_nodes").count(), 0);
}

/// A hundred thousand shards come in one snapshot.
#[test]
#[ignore = "takes a minute; make check-all runs it"]
fn a_large_store() {
    let Some(server) = RealServer::shared(Kind::Mysql) else { return };
    let mut store = Store::small(server, "1.6");
    for thousand in 0..100 {
        let rows = |row: &dyn Fn(u32) -> String| {
            (1..=1000).map(|n| row(1000 + thousand * 1000 + n)).collect::<Vec<_>>().join(",")
        };
        let shards = rows(&|n| format!("({n}, 'g{}', 'ENABLED')", n % 3 + 1));
        store.run(&format!("INSERT INTO shards VALUES {shards}"));
        let ranges = rows(&|n| format!("(1, '{n}', {n})"));
        store.run(&format!("INSERT INTO shard_ranges VALUES {ranges}"));
    }
    let router = store.router();
    assert_eq!(of(&router, 1001).expect("a server"), 1001 % 3 + 1);
}

/// A password that the server wants in full goes out over verified TLS, and over no other.
#[test]
fn over_tcp_the_password_goes_out_over_verified_tls() {
    // One of its own: others would have it forget the password, too.
    let Some(server) = RealServer::start(Kind::Mysql, &[]) else { return };
    let mut store = Store::small(&server, "1.6");
    let reader = store.reader();
    let over_tcp = |store: &Store<'_>| {
        let mut config = store.config(&reader);
        config.source = None;
        let (user, port, database) = (&reader.user, server.port(), &store.database);
        let url = format!("fabric+store://{user}@127.0.0.1:{port}/{database}");
        config.set_source(&url).expect("a URL");
        config
    };
    store.run("FLUSH PRIVILEGES");
    let error = refused(over_tcp(&store));
    assert_eq!(error.code, Code::Auth, "{error}");
    assert!(error.message.contains("in full"), "{error}");
    let mut config = over_tcp(&store);
    config.mysql.ca = Some(server.data("ca.pem"));
    config.mysql.tls_mode = Some(TlsMode::VerifyCa);
    assert_eq!(of(&Router::new(config), 100).expect("a server"), 2);
    // The server knows the password from then on, and the log says what hangs on that.
    let (heard, mut config) = (Arc::new(Mutex::new(Vec::new())), over_tcp(&store));
    let told = Arc::clone(&heard);
    config.log = Log::new(Level::Warning, move |_, message| {
        told.lock().expect("unpoisoned").push(message.to_owned());
    });
    assert_eq!(of(&Router::new(config), 200).expect("a server"), 3);
    let heard = heard.lock().expect("unpoisoned").join("\n");
    assert!(heard.contains("a password that it remembers"), "{heard}");
    store.run("FLUSH PRIVILEGES");
    let mut config = over_tcp(&store);
    config.mysql.full_password_unverified = true;
    assert_eq!(of(&Router::new(config), 100).expect("a server"), 2);
}

/// A process that starts while the database is down routes from its snapshot file, and holds what was
/// not enabled.
#[test]
fn a_snapshot_file_serves_while_the_store_is_down() {
    let Some(server) = RealServer::start(Kind::Mysql56, &[]) else { return };
    let mut store = Store::small(&server, "1.6");
    store.run("UPDATE shards SET state = 'DISABLED' WHERE shard_id = 2");
    let reader = store.reader();
    let path = std::env::temp_dir().join(format!("state-store-{}.json", std::process::id()));
    let config = || Config { snapshot_file: Some(path.clone()), ..store.config(&reader) };
    let router = Router::new(config());
    assert_eq!(of(&router, 1).expect("a server"), 1);
    eventually("the file", || path.exists());
    drop(router);
    let config = config();
    drop(store);
    drop(server);
    let router = Router::new(config);
    assert_eq!(of(&router, 1).expect("from the file"), 1);
    assert_eq!(of(&router, 200).expect("from the file"), 3);
    assert_eq!(code(of(&router, 150)), Code::ShardUnavailable);
    drop(router);
    fs::remove_file(&path).expect("removed");
}
