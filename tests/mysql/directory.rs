//! A shard map in MySQL tables as a source, on real servers.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use mysqlfabric::base::error::{Code, Error, Result};
use mysqlfabric::config::{Config, Credentials, Node, SourceUrl};
use mysqlfabric::mysql::{Account, Session};
use mysqlfabric::observe::log::{Level, Log};
use mysqlfabric::router::{Router, Scope};
use mysqlfabric::source::directory::DirectorySource;
use mysqlfabric::source::discovery::spec::{GroupSpec, Kind as Discover, Specs};
use mysqlfabric::source::{Ask, Asker, Content, RetryPolicy, Wanted as Asked, WholeSource};
use mysqlfabric::topology::{Key, Server, Wanted};
use zeroize::Zeroizing;

use crate::client::{each, query, root, user, value};
use crate::support::{Kind, RealServer};

/// Long enough for a million rows, on whatever machine.
const LONG: Duration = Duration::from_secs(100);

const CHANGE: &str = "UPDATE version SET number = number + 1";

/// The statements of a file of `sql/`, for another database than it names.
pub fn statements(file: &str, databases: &[(&str, &str)]) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("sql").join(file);
    let mut sql = fs::read_to_string(path).expect("the file");
    for (of_file, name) in databases {
        sql = sql.replace(of_file, name);
    }
    let lines = sql.lines().filter(|line| !line.starts_with("--"));
    let sql = lines.collect::<Vec<_>>().join("\n");
    let statements = sql.split(";\n").map(|statement| statement.trim().trim_end_matches(';'));
    statements.filter(|statement| !statement.is_empty()).map(str::to_owned).collect()
}

/// A shard map in a database of its own.
pub struct Directory<'s> {
    server: &'s RealServer,
    pub database: String,
    session: Session,
}

impl<'s> Directory<'s> {
    pub fn empty(server: &'s RealServer) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let database = format!("map_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        Self::named(server, &database)
    }

    pub fn named(server: &'s RealServer, database: &str) -> Self {
        let mut new = Self { server, database: database.to_owned(), session: root(server) };
        let names = [
            ("EXISTS mysqlfabric", format!("EXISTS {database}")),
            ("USE mysqlfabric", format!("USE {database}")),
        ];
        let names = names.each_ref().map(|(of_file, name)| (*of_file, name.as_str()));
        for statement in statements("mysqlfabric.sql", &names) {
            new.run(&statement);
        }
        new
    }

    /// Tables db.t and db.u on three listed groups of two servers each: a primary on port 1, 2 or 3, and
    /// a secondary.
    fn small(server: &'s RealServer) -> Self {
        let mut new = Self::empty(server);
        new.fill();
        new
    }

    fn fill(&mut self) {
        let mut change = Vec::new();
        for port in 1..=3 {
            change.push(format!("INSERT INTO groups_ (group_id) VALUES ('g{port}')"));
            change.push(format!(
                "INSERT INTO servers (host, port, group_id, server_uuid, mode, status, weight) VALUES \
                 ('h', {port}, 'g{port}', 'p{port}', 'READ_WRITE', 'PRIMARY', 1), ('h', {port}0, 'g{port}', 's{port}', 'READ_ONLY', 'SECONDARY', 0.5)"
            ));
        }
        for table in ["t", "u"] {
            change
                .push(format!("INSERT INTO tables VALUES ('db', '{table}', 'id', 'RANGE', 'g1')"));
            for (id, bound, group) in [(1, 0, "g1"), (2, 100, "g2"), (3, 200, "g3")] {
                change.push(format!(
                    "INSERT INTO shards VALUES ({id}, 'db', '{table}', '{bound}', '{group}', 'ENABLED')"
                ));
            }
        }
        self.change(&change);
    }

    pub fn run(&mut self, statement: &str) {
        query(&mut self.session, statement).unwrap_or_else(|f| panic!("{statement}: {f:?}"));
    }

    /// A change of the map, in one transaction.
    pub fn change(&mut self, statements: &[impl AsRef<str>]) {
        self.run("START TRANSACTION");
        self.run(CHANGE);
        statements.iter().for_each(|statement| self.run(statement.as_ref()));
        self.run("COMMIT");
    }

    fn is_native(&self) -> bool {
        !self.session.version().starts_with("9.")
    }

    /// A user that may read the tables, and nothing else.
    fn reader(&mut self) -> Account {
        let kind = if self.is_native() { "BY ?" } else { "WITH caching_sha2_password BY ?" };
        let name = format!("reader_{}", self.database);
        let account = user(self.server, &name, kind);
        self.run(&format!("GRANT SELECT ON {}.* TO {name}@'%'", self.database));
        account
    }

    /// A handle's options, by the URL of the socket, where every way to log in goes.
    fn config(&self, account: &Account) -> Config {
        let (user, database) = (&account.user, &self.database);
        let socket = self.server.socket();
        let socket = socket.to_str().expect("UTF-8");
        of_url(account, &format!("mysql://{user}@localhost/{database}?socket={socket}"))
    }

    fn router(&mut self) -> Router {
        let reader = self.reader();
        Router::new(self.config(&reader))
    }
}

fn of_url(account: &Account, url: &str) -> Config {
    let mut config = Config {
        background_refresh: false,
        connect_attempts: 1,
        ttl_min: Duration::from_millis(1),
        ttl_max: Duration::from_millis(50),
        ..Config::default()
    };
    config.mysql.credentials = Some(Credentials {
        user: account.user.clone(),
        password: Zeroizing::new(account.password.to_string()),
    });
    config.set_source(url).expect("a URL");
    config.check().expect("it fits");
    config
}

fn at(router: &Router, table: &str, key: i64, wanted: Wanted) -> Result<u16> {
    let tables = &[table.as_bytes()];
    router.shard_server(tables, Some(Key::Integer(key)), Scope::Local, wanted, |_, s| Ok(s.port))
}

fn of(router: &Router, key: i64) -> Result<u16> {
    at(router, "db.t", key, Wanted::Primary)
}

fn code_of(outcome: &Result<u16>) -> Option<Code> {
    outcome.as_ref().err().map(|error| error.code)
}

fn eventually(what: &str, mut come: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !come() {
        assert!(begun.elapsed() < Duration::from_secs(60), "never came: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// What a handle says, by a log.
fn heard(config: &mut Config) -> Arc<Mutex<String>> {
    let said = Arc::new(Mutex::new(String::new()));
    let to = Arc::clone(&said);
    config.log = Log::new(Level::Debug, move |_, line| {
        let mut said = to.lock().expect("the text");
        said.push_str(line);
        said.push('\n');
    });
    said
}

#[test]
fn every_handle_sees_each_change_on_every_server() {
    for (kind, server) in each() {
        let mut directory = Directory::small(server);
        let reader = directory.reader();
        let mut config = directory.config(&reader);
        let quiet = Router::new(config.clone());
        config.background_refresh = true;
        let routers = [quiet, Router::new(config.clone()), Router::new(config)];
        for router in &routers {
            for (key, port) in [(0, 1), (99, 1), (100, 2), (200, 3), (5000, 3)] {
                assert_eq!(of(router, key).expect("a server"), port, "{kind:?}");
            }
            assert_eq!(code_of(&of(router, -1)), Some(Code::KeyOutOfRange));
            assert_eq!(code_of(&at(router, "db.x", 1, Wanted::Primary)), Some(Code::UnknownTable));
            assert_eq!(at(router, "db.t", 100, Wanted::Reader).expect("a secondary"), 20);
        }
        directory.change(&["UPDATE shards SET group_id = 'g1' WHERE lower_bound = '100'"]);
        for router in &routers {
            eventually("the move", || of(router, 150).expect("one of both") == 1);
        }
        // A promotion by hand.
        directory.change(&[
            "UPDATE servers SET status = 'SPARE' WHERE server_uuid = 'p3'",
            "UPDATE servers SET status = 'PRIMARY', mode = 'READ_WRITE' WHERE server_uuid = 's3'",
        ]);
        for router in &routers {
            eventually("the promotion", || of(router, 200).is_ok_and(|port| port == 30));
        }
        // A table and a group go.
        directory.change(&[
            "DELETE FROM shards WHERE table_name = 'u'",
            "DELETE FROM tables WHERE table_name = 'u'",
            "DELETE FROM servers WHERE group_id = 'g2'",
        ]);
        for router in &routers {
            let gone = || router.group_server("g2", Wanted::Primary, |_, server| Ok(server.port));
            eventually("the end of g2", || gone().is_err());
            let table = at(router, "db.u", 1, Wanted::Primary);
            assert_eq!(code_of(&table), Some(Code::UnknownTable), "of the same change");
        }
    }
}

/// A writer changes two tables and a server at once, over and over; nobody sees a part of it, or an
/// older one after a newer one.
#[test]
fn a_change_is_seen_as_a_whole_and_never_goes_back() {
    for (kind, server) in each() {
        let mut directory = Directory::small(server);
        let reader = directory.reader();
        let mut config = directory.config(&reader);
        config.ttl_max = Duration::from_millis(1);
        config.background_refresh = true;
        config.refresh_share_percent = 100;
        let routers = [Router::new(config.clone()), Router::new(config)];
        let is_over = AtomicBool::new(false);
        let seen: Vec<BTreeSet<u16>> = thread::scope(|scope| {
            let readers = routers.iter().map(|router| {
                let is_over = &is_over;
                scope.spawn(move || {
                    let (mut seen, mut last) = (BTreeSet::new(), 0);
                    while !is_over.load(Ordering::Relaxed) {
                        // Both tables have their only shard in the same group, whichever that is, and
                        // its primary's port is the number of the change.
                        let tables: &[&[u8]] = &[b"db.t", b"db.u"];
                        let port = router
                            .shard_server(
                                tables,
                                Some(Key::Integer(1)),
                                Scope::Local,
                                Wanted::Primary,
                                |group, server| Ok((group.to_owned(), server.port)),
                            )
                            .map(|(group, port)| {
                                let of_group = if port % 2 == 0 { "g1" } else { "g2" };
                                assert!(port < 1000 || group == of_group, "{group} {port}");
                                port
                            })
                            .expect("a server");
                        if port >= 1000 {
                            assert!(port >= last, "{port} after {last}");
                            last = port;
                            seen.insert(port);
                        }
                    }
                    seen
                })
            });
            let readers: Vec<_> = readers.collect();
            for number in 1000..1060 {
                let group = if number % 2 == 0 { "g1" } else { "g2" };
                directory.change(&[
                    &*format!("UPDATE shards SET group_id = '{group}' WHERE table_name = 't' AND lower_bound = '0'"),
                    &*format!("UPDATE servers SET port = {number} WHERE group_id = '{group}' AND status = 'PRIMARY'"),
                    &*format!("UPDATE shards SET group_id = '{group}' WHERE table_name = 'u' AND lower_bound = '0'"),
                ]);
                thread::sleep(Duration::from_millis(5));
            }
            for router in &routers {
                eventually("the last change", || of(router, 1).expect("a server") == 1059);
            }
            is_over.store(true, Ordering::Relaxed);
            readers.into_iter().map(|reader| reader.join().expect("it holds")).collect()
        });
        assert!(seen.iter().all(|seen| seen.len() > 1), "{kind:?} saw {seen:?}");
    }
}

#[test]
fn shards_have_states() {
    for (kind, server) in each() {
        let mut directory = Directory::small(server);
        let set = |directory: &mut Directory<'_>, state: &str| {
            let set = format!(
                "UPDATE shards SET state = '{state}' WHERE table_name = 't' AND lower_bound = '100'"
            );
            directory.change(&[set]);
        };
        set(&mut directory, "DISABLED");
        let router = directory.router();
        assert_eq!(code_of(&of(&router, 150)), Some(Code::ShardUnavailable), "{kind:?}");
        assert_eq!(of(&router, 99).expect("a server"), 1, "{kind:?}");

        set(&mut directory, "READ_ONLY");
        eventually("reads", || at(&router, "db.t", 150, Wanted::Reader).is_ok_and(|p| p == 20));
        let held = of(&router, 150).expect_err("writes are held");
        assert_eq!(held.code, Code::WriteHeld);
        assert!(held.message.contains("read-only by its shard map"), "{held}");
        assert_eq!(of(&router, 200).expect("another shard"), 3);
        assert_eq!(at(&router, "db.u", 150, Wanted::Primary).expect("another table"), 2);

        // Moved while it is held, and enabled: who waits gets the new place, and no other.
        thread::scope(|scope| {
            let waiting = scope.spawn(|| {
                router.shard_server_wait(
                    &[b"db.t"],
                    Some(Key::Integer(150)),
                    Scope::Local,
                    Wanted::Primary,
                    Duration::from_secs(60),
                    |_, server| Ok(server.port),
                )
            });
            directory.change(&[
                "UPDATE shards SET group_id = 'g3' WHERE table_name = 't' AND lower_bound = '100'",
            ]);
            eventually("the move", || {
                at(&router, "db.t", 150, Wanted::Reader).is_ok_and(|p| p == 30)
            });
            assert_eq!(code_of(&of(&router, 150)), Some(Code::WriteHeld));
            set(&mut directory, "ENABLED");
            assert_eq!(waiting.join().expect("it waits").expect("a server"), 3, "{kind:?}");
        });
    }
}

#[test]
fn a_server_that_lags_behind_is_not_believed() {
    let (Some(one), Some(other)) =
        (RealServer::shared(Kind::Mysql56), RealServer::shared(Kind::Mariadb))
    else {
        return;
    };
    let mut ahead = Directory::named(one, "lagging");
    let mut behind = Directory::named(other, "lagging");
    for directory in [&mut ahead, &mut behind] {
        directory.fill();
        directory.run("UPDATE version SET incarnation = 'same'");
    }
    ahead.change(&["UPDATE shards SET group_id = 'g1' WHERE lower_bound = '100'"]);
    let (reader, _) = (ahead.reader(), behind.reader());
    let (user, ports) = (&reader.user, [one.port(), other.port()]);
    let url = |ports: [u16; 2]| {
        format!("mysql://{user}@127.0.0.1:{},127.0.0.1:{}/lagging", ports[0], ports[1])
    };
    let mut config = of_url(&reader, &url(ports));
    let said = heard(&mut config);
    let router = Router::new(config);
    assert_eq!(of(&router, 150).expect("a server"), 1);

    // The one that is ahead is gone, and the other one answers.
    ahead.run("RENAME TABLE version TO version_away");
    let age = || router.age().expect("an age");
    eventually("what the other has", || {
        assert_eq!(of(&router, 150).expect("what is known"), 1);
        said.lock().expect("the text").contains("lags behind")
    });
    let before = age();
    eventually("nobody confirms it", || {
        assert_eq!(of(&router, 150).expect("what is known"), 1);
        age() > before
    });
    let said = said.lock().expect("the text");
    assert_eq!(
        said.matches("what is known of the shard map stays in use").count(),
        1,
        "it is said once: {said}"
    );
    drop(said);

    // It catches up.
    behind.change(&["UPDATE shards SET group_id = 'g3' WHERE lower_bound = '100'"]);
    behind.run(CHANGE);
    eventually("the newer one", || of(&router, 150).is_ok_and(|port| port == 3));
    ahead.run("RENAME TABLE version_away TO version");
    for _ in 0..20 {
        assert_eq!(of(&router, 150).expect("a server"), 3, "now the first one is behind");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn restored_tables_are_believed_where_they_can_be_written() {
    let Some(server) = RealServer::start(Kind::Mysql56, &[]) else { return };
    let mut directory = Directory::small(&server);
    let router = directory.router();
    assert_eq!(of(&router, 150).expect("a server"), 2);
    directory.run("UPDATE shards SET group_id = 'g1'");
    directory.run("SET GLOBAL read_only = 1");
    directory.run("UPDATE version SET incarnation = 'another', number = 1");
    for _ in 0..20 {
        assert_eq!(of(&router, 150).expect("what is known"), 2);
        thread::sleep(Duration::from_millis(10));
    }
    directory.run("SET GLOBAL read_only = 0");
    eventually("the restored ones", || of(&router, 150).is_ok_and(|port| port == 1));

    // A backup put back without a new incarnation looks like a replica that lags.
    directory.change(&["UPDATE shards SET group_id = 'g3'"]);
    eventually("a change", || of(&router, 150).is_ok_and(|port| port == 3));
    directory.run("UPDATE shards SET group_id = 'g2'");
    directory.run("UPDATE version SET number = 1");
    for _ in 0..20 {
        assert_eq!(of(&router, 150).expect("what is known"), 3);
        thread::sleep(Duration::from_millis(10));
    }
    router.reset_cache(None);
    eventually("as it is", || of(&router, 150).is_ok_and(|port| port == 2));
}

#[test]
fn a_change_that_nobody_counted_is_seen_where_it_can_be_written_and_said() {
    for (kind, server) in each() {
        let mut directory = Directory::small(server);
        let reader = directory.reader();
        let mut config = directory.config(&reader);
        let said = heard(&mut config);
        let router = Router::new(config);
        assert_eq!(of(&router, 150).expect("a server"), 2);
        let warnings =
            || said.lock().expect("the text").matches("did not count that; it is taken").count();
        directory.run("UPDATE shards SET group_id = 'g1' WHERE lower_bound = '100'");
        eventually("the move", || of(&router, 150).expect("a server") == 1);
        assert_eq!(warnings(), 1, "{kind:?}");
        // Two servers that exchange their places.
        directory.run(
            "UPDATE servers SET group_id = IF(group_id = 'g1', 'g2', 'g1') \
             WHERE server_uuid IN ('p1', 'p2')",
        );
        eventually("the exchange", || of(&router, 150).expect("a server") == 2);
        directory.change(&["UPDATE shards SET group_id = 'g3' WHERE lower_bound = '100'"]);
        eventually("what is counted", || of(&router, 150).expect("a server") == 3);
        assert_eq!(warnings(), 1, "it is said once, {kind:?}");
    }
}

#[test]
fn a_change_that_nobody_counted_is_not_taken_from_a_replica() {
    let Some(server) = RealServer::start(Kind::Mysql56, &["--read-only=1"]) else { return };
    let mut directory = Directory::small(&server);
    let reader = directory.reader();
    let mut config = directory.config(&reader);
    let said = heard(&mut config);
    let router = Router::new(config);
    assert_eq!(of(&router, 150).expect("a server"), 2);
    directory.run("UPDATE shards SET group_id = 'g1' WHERE lower_bound = '100'");
    eventually("a warning", || {
        assert_eq!(of(&router, 150).expect("what is known"), 2);
        said.lock().expect("the text").contains("may lag behind, what is known of it stays in use")
    });
    directory.run(CHANGE);
    eventually("the counted one", || of(&router, 150).expect("a server") == 1);
}

fn refusal(config: Config) -> Error {
    of(&Router::new(config), 1).expect_err("a refusal")
}

fn says(error: &Error, code: Code, words: &[&str]) {
    assert_eq!(error.code, code, "{error}");
    for words in words {
        assert!(error.message.contains(words), "no \"{words}\" in: {error}");
    }
}

#[test]
fn what_is_wrong_is_said_with_the_remedy() {
    for (_, server) in each() {
        let mut directory = Directory::small(server);
        let reader = directory.reader();
        let config = directory.config(&reader);
        let database = directory.database.clone();

        let mut other = config.clone();
        if let Some(SourceUrl::Mysql(of_url)) = &mut other.source {
            of_url.name = "nowhere".into();
        }
        // Who may see nothing of it is not told whether it is there.
        says(&refusal(other), Code::Forbidden, &["GRANT SELECT ON `nowhere`.*"]);

        // Known stays known, whatever becomes of the tables.
        let router = Router::new(config.clone());
        assert_eq!(of(&router, 1).expect("a server"), 1);
        for (breaks, mends, code, words) in [
            (
                "DELETE FROM version",
                "INSERT INTO version VALUES (1, 1, 9, 'i')",
                Code::Protocol,
                vec!["table version has 0 rows", "sql/mysqlfabric.sql"],
            ),
            (
                "UPDATE version SET schema_version = 2",
                "UPDATE version SET schema_version = 1",
                Code::Protocol,
                vec!["of version 2, and 1 is"],
            ),
            (
                "UPDATE version SET incarnation = ''",
                "UPDATE version SET incarnation = 'i'",
                Code::Protocol,
                vec!["incarnation is empty"],
            ),
            (
                "RENAME TABLE shards TO s",
                "RENAME TABLE s TO shards",
                Code::Protocol,
                vec!["half of one", "sql/mysqlfabric.sql", &database],
            ),
            (
                "ALTER TABLE shards CHANGE state stat CHAR(9)",
                "ALTER TABLE shards CHANGE stat state CHAR(9)",
                Code::Protocol,
                vec!["half of one"],
            ),
        ] {
            directory.run(breaks);
            says(&refusal(config.clone()), code, &words);
            assert_eq!(of(&router, 1).expect("what is known"), 1, "{breaks}");
            directory.run(mends);
        }
        assert_eq!(of(&Router::new(config.clone()), 1).expect("as before"), 1);

        let name = &reader.user;
        directory.run(&format!("REVOKE SELECT ON {database}.* FROM {name}@'%'"));
        directory.run(&format!("GRANT SELECT ON {database}.version TO {name}@'%'"));
        let grant = format!("GRANT SELECT ON `{database}`.* TO '{name}'@'...'");
        says(&refusal(config.clone()), Code::Forbidden, &[&grant]);
        assert_eq!(of(&router, 1).expect("what is known"), 1);
        directory.run(&format!("REVOKE SELECT ON {database}.version FROM {name}@'%'"));
        says(&refusal(config), Code::Forbidden, &[&grant]);
    }
}

#[test]
fn nodes_of_fabric_are_refused_beside_it() {
    let mut config = Config::default();
    config.nodes.push(Node { host: "fabric".into(), port: 32274 });
    config.set_source("mysql://h/map").expect("a URL");
    says(&config.check().expect_err("a refusal"), Code::Argument, &["fabric:32274", "mysql://"]);
    let mut config = Config::default();
    config.set_source("mysql://router@h/map").expect("a URL");
    says(&config.check().expect_err("no password"), Code::Argument, &["credentials for MySQL"]);
}

/// A row that nobody can use spoils its own table or group, and nothing else.
#[test]
fn odd_rows_are_set_aside_one_by_one() {
    for (kind, server) in each() {
        let mut directory = Directory::small(server);
        for statement in [
            "SET SESSION foreign_key_checks = 0",
            "SET SESSION sql_mode = ''",
            "ALTER TABLE shards ADD KEY (schema_name, table_name), DROP PRIMARY KEY",
            "ALTER TABLE shards MODIFY lower_bound VARBINARY(255) NULL DEFAULT NULL",
            "ALTER TABLE shards MODIFY state CHAR(9) NULL",
            "ALTER TABLE servers MODIFY mode CHAR(20), MODIFY weight CHAR(20)",
        ] {
            directory.run(statement);
        }
        let tables = ["no_shards", "no_number", "no_row", "odd_state", "odd_bound", "twice"];
        let mut change: Vec<String> = Vec::new();
        for table in tables.iter().filter(|table| **table != "no_row") {
            change
                .push(format!("INSERT INTO tables VALUES ('db', '{table}', 'id', 'RANGE', 'g1')"));
        }
        for (table, bound, group, state) in [
            ("no_number", "NULL", "g1", "ENABLED"),
            ("no_row", "'0'", "g1", "ENABLED"),
            ("odd_state", "'0'", "g1", "HALF"),
            ("odd_bound", "'x'", "g1", "ENABLED"),
            ("twice", "'7'", "g1", "ENABLED"),
            ("twice", "'07'", "g2", "ENABLED"),
        ] {
            let row = format!("(9, 'db', '{table}', {bound}, '{group}', '{state}')");
            change.push(format!("INSERT INTO shards VALUES {row}"));
        }
        change.push("INSERT INTO groups_ (group_id) VALUES ('odd'), ('half')".into());
        for row in [
            "('a', 1, 'odd', NULL, 'READ_WRITE', 'PRIMARY', 1)",
            "('b', 1, 'half', 'u-b', 'SIDEWAYS', 'PRIMARY', 1)",
            "('c', 1, 'half', 'u-c', 'READ_WRITE', 'PRIMARY', '1much')",
            "('d/e', 1, 'half', 'u-d', 'READ_WRITE', 'PRIMARY', 1)",
            "('f', 1, 'half', 'u-f', 'READ_WRITE', 'PRIMARY', 1)",
        ] {
            change.push(format!("INSERT INTO servers (host, port, group_id, server_uuid, mode, status, weight) VALUES {row}"));
        }
        directory.change(&change);
        let reader = directory.reader();
        let mut config = directory.config(&reader);
        let said = heard(&mut config);
        let router = Router::new(config);
        assert_eq!(of(&router, 150).expect("a server"), 2, "{kind:?}");
        for table in tables {
            let outcome = at(&router, &format!("db.{table}"), 9, Wanted::Primary);
            let error = outcome.expect_err(table);
            says(&error, Code::UnsupportedSharding, &[table]);
        }
        let primary = |group: &str| router.group_server(group, Wanted::Primary, |_, s| Ok(s.port));
        assert_eq!(primary("half").expect("the only one that is good"), 1);
        assert!(primary("odd").is_err());
        let said = said.lock().expect("the text");
        for words in ["server_uuid is NULL", "\"SIDEWAYS\"", "weight 1much", "'d/e', port 1"] {
            assert!(said.contains(words), "{kind:?}: no {words} in {said}");
        }
    }
}

/// Columns pad names, so that foreign keys take one with a blank behind it for the same.
#[test]
fn blanks_behind_names_count_for_nothing() {
    for (kind, server) in each() {
        let mut directory = Directory::small(server);
        directory.change(&[
            "INSERT INTO servers (host, group_id, server_uuid) VALUES ('x ', 'g1 ', 'x1 ')",
            "INSERT INTO tables VALUES ('db', 'v', 'id', 'RANGE', 'g1 ')",
            "INSERT INTO shards VALUES (4, 'db', 'v ', '0', 'g2 ', 'ENABLED')",
            "UPDATE shards SET group_id = 'g3  ' WHERE table_name = 't' AND lower_bound = '100'",
        ]);
        let router = directory.router();
        assert_eq!(of(&router, 150).expect("g3"), 3, "{kind:?}");
        assert_eq!(at(&router, "db.v", 1, Wanted::Primary).expect("g2"), 2, "{kind:?}");
        let global = |_: &str, server: &Server| Ok(server.port);
        let global = router.shard_server(&[b"db.v"], None, Scope::Global, Wanted::Primary, global);
        assert_eq!(global.expect("g1"), 1, "{kind:?}");
    }
}

/// Where collations do not pad, a name with a blank behind it is another one, which nobody can mean.
#[test]
fn groups_whose_names_differ_in_blanks_are_refused() {
    let Some(server) = RealServer::shared(Kind::Mysql) else { return };
    let mut directory = Directory { server, database: "no_pad".to_owned(), session: root(server) };
    let names = [
        ("EXISTS mysqlfabric", "EXISTS no_pad"),
        ("USE mysqlfabric", "USE no_pad"),
        ("COLLATE utf8mb4_bin", "COLLATE utf8mb4_0900_bin"),
    ];
    statements("mysqlfabric.sql", &names).iter().for_each(|statement| directory.run(statement));
    directory.fill();
    directory.change(&[
        "INSERT INTO groups_ (group_id) VALUES ('g2 ')",
        "INSERT INTO servers (host, port, group_id, server_uuid, mode, status, weight) \
         VALUES ('y', 9, 'g2 ', 'y9', 'READ_WRITE', 'PRIMARY', 1)",
    ]);
    let reader = directory.reader();
    let mut config = directory.config(&reader);
    let said = heard(&mut config);
    assert_eq!(of(&Router::new(config), 150).expect("the first one"), 2);
    let said = said.lock().expect("the text");
    assert!(
        said.contains("'y:9' of table servers: table groups_ has group \"g2\" twice"),
        "{said}"
    );
}

/// In doubt nothing is written: a row that is left out says which it is, and may be the primary.
#[test]
fn a_primary_that_cannot_be_told_is_said_to_a_lookup() {
    for (kind, server) in each() {
        let mut directory = Directory::small(server);
        directory.change(&[
            "INSERT INTO servers (host, port, group_id, mode, status) \
             VALUES ('other', 7, 'g2', 'READ_WRITE', 'PRIMARY')",
            "UPDATE servers SET host = 'h:5' WHERE server_uuid = 'p3'",
        ]);
        let router = directory.router();
        assert_eq!(of(&router, 1).expect("its own group"), 1, "{kind:?}");
        let doubt = of(&router, 150).expect_err("which of both");
        says(&doubt, Code::NoServer, &["'other:7' of table servers", "server_uuid is NULL"]);
        assert_eq!(at(&router, "db.t", 150, Wanted::Reader).expect("reads go on"), 20);
        let no_host = of(&router, 250).expect_err("no address");
        says(
            &no_host,
            Code::NoServer,
            &["'h:5:3' of table servers", "'h:5', port 3, is no address"],
        );
        directory.change(&[
            "UPDATE servers SET status = 'SECONDARY' WHERE host = 'other'",
            "UPDATE servers SET host = 'h' WHERE server_uuid = 'p3'",
        ]);
        eventually("its end", || of(&router, 150).is_ok_and(|port| port == 2));
        eventually("its end", || of(&router, 250).is_ok_and(|port| port == 3));
    }
}

/// A million shards take more than an answer may by default, which is a status and no more.
#[test]
#[ignore = "takes a minute; make check-all runs it"]
fn a_million_shards() {
    let Some(server) = RealServer::start(Kind::Mysql56, &["--innodb_buffer_pool_size=256M"]) else {
        return;
    };
    let mut directory = Directory::small(&server);
    directory.run("CREATE TABLE digits (d INT)");
    directory.run("INSERT INTO digits VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)");
    directory.run("SET SESSION foreign_key_checks = 0");
    let digits = ["a", "b", "c", "d", "e", "f"].map(|name| format!("digits {name}")).join(", ");
    let number = "a.d + 10 * b.d + 100 * c.d + 1000 * d.d + 10000 * e.d + 100000 * f.d";
    let mut change = vec!["DELETE FROM shards WHERE table_name = 't'".to_owned()];
    change.extend((0..10).map(|part| {
        format!(
            "INSERT INTO shards SELECT {number}, 'db', 't', {number}, \
             CONCAT('g', 1 + ({number}) % 3), 'ENABLED' FROM {digits} WHERE f.d = {part}"
        )
    }));
    directory.change(&change);
    let reader = directory.reader();
    let mut config = directory.config(&reader);
    (config.lookup_timeout, config.request_timeout) = (LONG, LONG);
    says(&refusal(config.clone()), Code::ReplyTooLarge, &["67108864 bytes", "larger replies"]);
    config.max_reply_bytes = 128 << 20;
    let router = Router::new(config);
    let begun = Instant::now();
    for (key, port) in [(0, 1), (1, 2), (999_998, 3), (999_999, 1), (i64::MAX, 1)] {
        assert_eq!(of(&router, key).expect("a server"), port);
    }
    println!("a million shards were read in {:?}", begun.elapsed());
}

/// What `discover` may be.
const KINDS: [&str; 6] =
    ["auto", "group_replication", "innodb_cluster", "replicaset", "clusterset", "replication"];

/// The ports of group g1 that are read.
fn readers(router: &Router) -> BTreeSet<u16> {
    (0..12).map(|_| at(router, "db.t", 1, Wanted::Reader).expect("a reader")).collect()
}

/// Reads stay in the handle's zone as far as the tables say where servers are, which they need not.
#[test]
fn zones_are_a_column_that_tables_need_not_have() {
    const COLUMN: &str = "zone VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL DEFAULT NULL";
    for (kind, server) in each() {
        let mut directory = Directory::small(server);
        directory.change(&[
            "INSERT INTO servers (host, port, group_id, server_uuid, zone) VALUES \
             ('h', 11, 'g1', 's11', 'west'), ('h', 12, 'g1', 's12', 'west'), \
             ('h', 13, 'g1', 's13', 'east')",
        ]);
        let reader = directory.reader();
        let mut config = directory.config(&reader);
        let said = heard(&mut config);
        let everywhere = Router::new(config.clone());
        config.zone = Some("west".into());
        let west = Router::new(config);
        let all = BTreeSet::from([10, 11, 12, 13]);
        assert_eq!(readers(&everywhere), all, "{kind:?}");
        assert_eq!(readers(&west), BTreeSet::from([11, 12]), "{kind:?}");
        assert_eq!(of(&west, 1).expect("a primary"), 1, "writes go wherever it is");
        directory.change(&["UPDATE servers SET zone = NULL WHERE port = 11"]);
        eventually("the move", || readers(&west) == [12].into());

        // One that nobody can use leaves out its server, as all that is in a row.
        directory.change(&["UPDATE servers SET zone = 'a\\tb' WHERE port = 13"]);
        eventually("the odd zone", || readers(&everywhere) == [10, 11, 12].into());
        assert!(said.lock().expect("the text").contains("zone \"a\\tb\" has control characters"));

        directory.run("ALTER TABLE servers DROP zone");
        directory.run(CHANGE);
        eventually("no column", || readers(&west) == all);
        assert_eq!(readers(&Router::new(directory.config(&reader))), all, "{kind:?}");
        directory.run(&format!("ALTER TABLE servers ADD {COLUMN}"));
        directory.change(&["UPDATE servers SET zone = 'west' WHERE port = 10"]);
        eventually("the column", || readers(&west) == [10].into());
        // And one that is not counted up.
        directory.run("UPDATE servers SET zone = 'west ' WHERE port = 12");
        eventually("the digest", || readers(&west) == [10, 12].into());
    }
}

/// A handle, as a source sees it.
struct Patient;

impl Asker for Patient {
    fn now(&self) -> u64 {
        7
    }

    fn is_stopping(&self) -> bool {
        false
    }

    fn is_interrupted(&self, _: u64) -> bool {
        false
    }

    fn interrupted(&self, what: &str) -> Error {
        Error::new(Code::Interrupted, what)
    }

    fn pause(&self, _: Duration, _: Option<u64>) -> bool {
        true
    }

    fn node_answered(&self, _: bool, _: Duration) {}

    fn source_answered(&self) {}
}

/// Groups that are to be discovered are left to others, with whom to ask.
#[test]
fn groups_may_be_discovered() {
    for (kind, server) in each() {
        let mut directory = Directory::small(server);
        let mut change = vec![
            "INSERT INTO groups_ VALUES ('gr', 'group_replication'), ('none', 'auto')".to_owned(),
            "INSERT INTO servers (host, port, group_id, weight, zone) VALUES \
             ('a', 33061, 'gr', 1, ''), ('b', 3306, 'gr', 0.25, 'west'), ('::1', 1, 'gr', 1, NULL)"
                .to_owned(),
        ];
        for kind in KINDS {
            change.push(format!("INSERT INTO groups_ VALUES ('of_{kind}', '{kind}')"));
            change.push(format!(
                "INSERT INTO servers (host, group_id) VALUES ('{}', 'of_{kind}')",
                kind.replace('_', "-")
            ));
        }
        directory.change(&change);
        let reader = directory.reader();
        let config = Arc::new(directory.config(&reader));
        let Some(SourceUrl::Mysql(database)) = &config.source else { panic!("a shard map") };
        let specs = Arc::new(Specs::default());
        let source = DirectorySource::new(database, &config, &Arc::default(), &specs);
        let (names, known) = (BTreeSet::new(), || Vec::new());
        let wanted = Asked { everything: true, names: &names, known: &known, is_stale: &|_| true };
        let retry = RetryPolicy {
            count: 1,
            pause: Duration::ZERO,
            until: None,
            together: false,
            background: false,
            caller: None,
        };
        let ask = Ask { retry, asker: &Patient };
        let whole = source.whole(0, &wanted, &ask).expect("an answer");

        let node = |host: &str, port| Node { host: host.into(), port };
        let nodes = [node("::1", 1), node("a", 33061), node("b", 3306)];
        let spec = GroupSpec {
            kind: Discover::GroupReplication,
            seeds: nodes.to_vec(),
            zones: [(node("b", 3306), "west".to_owned())].into(),
            weights: BTreeMap::from_iter(nodes.into_iter().zip([1.0, 1.0, 0.25])),
        };
        assert_eq!(specs.get().get("gr"), Some(&spec), "{kind:?}");
        assert_eq!(whole.elsewhere, specs.get().keys().cloned().collect());
        for kind in KINDS {
            let spec = &specs.get()[&format!("of_{kind}")];
            assert_eq!((spec.kind.name(), spec.seeds.len()), (kind, 1));
        }
        let Content::Rows { rows, rejected, .. } = whole.groups.content else { panic!("rows") };
        assert_eq!(rows.servers.len(), 6, "those of the listed groups");
        assert_eq!(rejected.len(), 1);
        assert!(
            rejected[0].reason.contains("\"none\" is to be discovered as auto"),
            "{rejected:?}"
        );

        let again = source.whole(whole.version, &wanted, &ask).expect("an answer");
        assert_eq!((again.version, &again.elsewhere), (whole.version, &whole.elsewhere));
        assert!(matches!(again.groups.content, Content::Unchanged { .. }));
        directory.change(&["UPDATE groups_ SET discover = NULL"]);
        let listed = source.whole(whole.version, &wanted, &ask).expect("an answer");
        assert!(listed.version > whole.version && listed.elsewhere.is_empty());
        assert!(specs.get().is_empty());
    }
}

/// The servers of such a group are asked, and a change of how a group is found is one of the map.
#[test]
fn groups_are_found_by_asking() {
    for (kind, server) in each() {
        let mut directory = Directory::small(server);
        let port = server.port();
        directory.change(&[
            "INSERT INTO groups_ VALUES ('found', 'replication')",
            &*format!(
                "INSERT INTO servers (host, port, group_id) VALUES ('127.0.0.1', {port}, 'found')"
            ),
            "UPDATE shards SET group_id = 'found' WHERE table_name = 't' AND lower_bound = '100'",
        ]);
        let reader = directory.reader();
        let grant = if kind == Kind::Mariadb { "SLAVE MONITOR" } else { "REPLICATION CLIENT" };
        directory.run(&format!("GRANT {grant} ON *.* TO {}@'%'", reader.user));
        for refreshes in [false, true] {
            let mut config = directory.config(&reader);
            config.background_refresh = refreshes;
            let router = Router::new(config);
            eventually("its primary", || of(&router, 150).is_ok_and(|found| found == port));
            assert_eq!(of(&router, 99).expect("a listed one"), 1, "{kind:?}");
            directory.change(&["UPDATE shards SET state = 'READ_ONLY' WHERE group_id = 'found'"]);
            eventually("the hold", || code_of(&of(&router, 150)) == Some(Code::WriteHeld));
            assert_eq!(at(&router, "db.t", 150, Wanted::Reader).expect("reads go on"), port);
            directory.change(&["UPDATE shards SET state = 'ENABLED' WHERE group_id = 'found'"]);
            eventually("its end", || of(&router, 150).is_ok_and(|found| found == port));
        }
        let router = Router::new(directory.config(&reader));
        eventually("its primary", || of(&router, 150).is_ok_and(|found| found == port));
        directory.change(&[
            "UPDATE servers SET server_uuid = 'listed', mode = 'READ_WRITE', status = 'PRIMARY', \
             host = 'elsewhere', port = 77 WHERE group_id = 'found'",
            "UPDATE groups_ SET discover = NULL WHERE group_id = 'found'",
        ]);
        eventually("the list", || of(&router, 150).is_ok_and(|listed| listed == 77));
        directory.change(&[
            &*format!(
                "UPDATE servers SET host = '127.0.0.1', port = {port} WHERE group_id = 'found'"
            ),
            "UPDATE groups_ SET discover = 'auto' WHERE group_id = 'found'",
        ]);
        eventually("found again", || of(&router, 150).is_ok_and(|found| found == port));
    }
}

/// What Fabric kept, in tables of our own.
#[test]
fn a_store_of_fabric_is_copied() {
    let versions = ["1.4", "1.5", "1.6"];
    let all = each().flat_map(|server| versions.map(|version| (server, version)));
    for ((kind, server), version) in all {
        let store = crate::state_store::small_store(server, version);
        let mut directory = Directory::empty(server);
        let database = directory.database.clone();
        let names = [("fabric.", format!("{store}.")), ("mysqlfabric", database.clone())];
        let names = names.each_ref().map(|(of_file, name)| (*of_file, name.as_str()));
        let copy = statements("from_fabric_store.sql", &names);
        copy.iter().for_each(|statement| directory.run(statement));
        let router = directory.router();
        for (key, port) in [(0, 1), (99, 1), (100, 2), (200, 3), (5000, 3)] {
            assert_eq!(of(&router, key).expect("a server"), port, "{kind:?}");
        }
        assert_eq!(at(&router, "db.t", 100, Wanted::Reader).expect("a secondary"), 20);
        let rows =
            |directory: &mut Directory<'_>, select: &str| value(&mut directory.session, select);
        let server_row = "SELECT CONCAT_WS('|', host, port, group_id, mode, status, weight) FROM \
                          servers WHERE server_uuid = 's2'";
        assert_eq!(rows(&mut directory, server_row), "h|20|g2|READ_ONLY|SECONDARY|0.5");
        assert_eq!(rows(&mut directory, "SELECT SUM(shard_id) FROM shards"), "6");

        // A second copy into the same tables fails, and leaves nothing.
        let number = rows(&mut directory, "SELECT number FROM version");
        let failed = copy.iter().any(|statement| query(&mut directory.session, statement).is_err());
        assert!(failed);
        directory.run("ROLLBACK");
        assert_eq!(rows(&mut directory, "SELECT number FROM version"), number);
    }
}
