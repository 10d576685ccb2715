//! A shard moves from one server to another under writers: `sql/move_shard.sh`, as docs/RESHARDING.md says.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use mysqlfabric::base::error::Code;
use mysqlfabric::config::{Config, Credentials, TlsMode};
use mysqlfabric::mysql::{Account, Address, Failure, Session, Target};
use mysqlfabric::router::{Router, Scope};
use mysqlfabric::topology::{Key, Wanted};
use zeroize::Zeroizing;

use crate::client::{connect, query, root, value};
use crate::directory::Directory;
use crate::support::{Kind, RealServer};

/// How long a handle routes by what it knows, and the script waits: interval, age limit, and more for a
/// machine that is busy.
const TTL: Duration = Duration::from_millis(100);
const MAX_STALE: Duration = Duration::from_secs(2);
const WAIT: &str = "4";

/// Two groups of one server each, and the map on the second.
pub struct Farm {
    pub servers: [RealServer; 2],
    pub directory: PathBuf,
}

impl Farm {
    pub fn start() -> Option<Self> {
        let servers = [RealServer::start(Kind::Mysql, &[])?, RealServer::start(Kind::Mysql, &[])?];
        // The server's own goes with it.
        let directory = std::env::temp_dir().join(format!("mf-move-{}", servers[0].port()));
        fs::create_dir_all(&directory).expect("a directory");
        for server in &servers {
            let mut session = root(server);
            for statement in [
                "CREATE USER app@'%' IDENTIFIED BY 'app'",
                "CREATE DATABASE shop",
                "CREATE TABLE shop.orders (id BIGINT PRIMARY KEY, what VARBINARY(40), at DATETIME NULL)",
                "GRANT SELECT, INSERT ON shop.* TO app@'%'",
                "GRANT SELECT ON mysqlfabric.* TO app@'%'",
                "CREATE USER mover@'%' IDENTIFIED BY 'mover'",
                "GRANT SELECT, INSERT, DELETE ON shop.* TO mover@'%'",
                "GRANT SELECT, UPDATE ON mysqlfabric.* TO mover@'%'",
                "GRANT PROCESS, CONNECTION_ADMIN, SYSTEM_VARIABLES_ADMIN ON *.* TO mover@'%'",
            ] {
                query(&mut session, statement).unwrap_or_else(|f| panic!("{statement}: {f:?}"));
            }
        }
        Some(Self { servers, directory })
    }

    /// The shard map on a server: groups 'a', the first server, and 'b', the second one.
    pub fn map(&self, on: usize) -> Directory<'_> {
        let mut map = Directory::named(&self.servers[on], "mysqlfabric");
        let mut change = Vec::new();
        for (group, server) in [("a", &self.servers[0]), ("b", &self.servers[1])] {
            let uuid = value(&mut root(server), "SELECT @@server_uuid");
            let port = server.port();
            change.push(format!("INSERT INTO groups_ (group_id) VALUES ('{group}')"));
            change.push(format!(
                "INSERT INTO servers (host, port, group_id, server_uuid, mode, status, weight) \
                 VALUES ('127.0.0.1', {port}, '{group}', '{uuid}', 'READ_WRITE', 'PRIMARY', 1)"
            ));
        }
        map.change(&change);
        map
    }

    /// An option file for a server.
    pub fn options(&self, server: usize) -> PathBuf {
        let path = self.directory.join(format!("{server}.cnf"));
        let socket = self.servers[server].socket();
        let socket = socket.display();
        let text = format!("[client]\nuser = mover\npassword = mover\nsocket = {socket}\n");
        fs::write(&path, text).expect("the options");
        path
    }

    pub fn move_shard(&self, arguments: &[&str]) -> Output {
        self.script(arguments).output().expect("the script")
    }

    pub fn script(&self, arguments: &[&str]) -> Command {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let program = |name: &str| {
            let wrapper = self.directory.join(name);
            let programs = root.join("tests/servers/programs.sh");
            let text = format!(
                "#!/usr/bin/env bash\nsource '{}'\nmysql bin/{name} \"$@\"\n",
                programs.display()
            );
            fs::write(&wrapper, text).expect("the program");
            format!("bash {}", wrapper.display())
        };
        let mut script = Command::new(root.join("sql/move_shard.sh"));
        script
            .env("MYSQL", program("mysql"))
            .env("MYSQLDUMP", program("mysqldump"))
            .args(["--map", &self.options(1).display().to_string()])
            .args(["--from", &self.options(0).display().to_string()])
            .args(["--to", &self.options(1).display().to_string()])
            .args(["--wait", WAIT])
            .args(arguments);
        script
    }

    fn everywhere(&self, statement: &str) {
        for server in &self.servers {
            query(&mut root(server), statement).unwrap_or_else(|f| panic!("{statement}: {f:?}"));
        }
    }

    /// How often each id is in the tables of the two servers.
    fn rows(&self) -> BTreeMap<u64, u32> {
        let mut rows = BTreeMap::new();
        for server in &self.servers {
            let sets = query(&mut root(server), "SELECT id FROM shop.orders").expect("the rows");
            for row in sets[0].rows() {
                let id = std::str::from_utf8(row.get(0).expect("an id")).expect("digits");
                *rows.entry(id.parse().expect("a number")).or_default() += 1;
            }
        }
        rows
    }
}

impl Drop for Farm {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// Hands on connections to the map until it is cut.
struct Way {
    port: u16,
    is_cut: Arc<AtomicBool>,
    open: Arc<Mutex<Vec<TcpStream>>>,
}

impl Way {
    fn to(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let way = Self {
            port: listener.local_addr().expect("an address").port(),
            is_cut: Arc::default(),
            open: Arc::default(),
        };
        let (is_cut, open) = (Arc::clone(&way.is_cut), Arc::clone(&way.open));
        thread::spawn(move || {
            for client in listener.incoming() {
                let (Ok(client), false) = (client, is_cut.load(Ordering::SeqCst)) else { continue };
                let server = TcpStream::connect(("127.0.0.1", port)).expect("the map");
                let copy = |stream: &TcpStream| stream.try_clone().expect("a copy");
                open.lock().expect("the list").extend([copy(&client), copy(&server)]);
                for (mut from, mut to) in [(copy(&client), copy(&server)), (server, client)] {
                    thread::spawn(move || {
                        let _ = io::copy(&mut from, &mut to);
                        let _ = to.shutdown(Shutdown::Both);
                    });
                }
            }
        });
        way
    }

    fn cut(&self) {
        self.is_cut.store(true, Ordering::SeqCst);
        for stream in self.open.lock().expect("the list").drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

fn app() -> Account {
    let mut account = Account::new("app", "app");
    account.full_password_unverified = true;
    account
}

fn handle(port: u16) -> Router {
    let mut config = Config {
        connect_attempts: 1,
        ttl_max: TTL,
        max_stale: Some(MAX_STALE),
        refresh_share_percent: 100,
        ..Config::default()
    };
    config.mysql.credentials =
        Some(Credentials { user: "app".into(), password: Zeroizing::new("app".into()) });
    config.mysql.full_password_unverified = true;
    config.set_source(&format!("mysql://app@127.0.0.1:{port}/mysqlfabric")).expect("a URL");
    Router::new(config)
}

/// What a service did.
#[derive(Debug, Default)]
struct Written {
    acknowledged: Vec<u64>,
    /// Of the shard that moves, by port.
    moving: BTreeMap<u16, u32>,
    held: u32,
    stale: u32,
    refused: u32,
}

/// Writes rows through a handle until it is over, each under an id of its own; what fails is tried again
/// under another.
fn write(router: &Router, ids: &AtomicU64, is_over: &AtomicBool) -> Written {
    let mut written = Written::default();
    let mut sessions: BTreeMap<u16, Session> = BTreeMap::new();
    while !is_over.load(Ordering::Relaxed) {
        let id = ids.fetch_add(1, Ordering::Relaxed);
        // Half of the keys are in the shard that moves.
        let id = if id.is_multiple_of(2) { id } else { id + 1_000_000 };
        let key = Some(Key::Integer(id as i64));
        let server =
            router.shard_server(&[b"shop.orders"], key, Scope::Local, Wanted::Primary, |_, s| {
                Ok((s.port, s.uuid.clone()))
            });
        let (port, uuid) = match server {
            Ok(server) => server,
            Err(error) => {
                match error.code {
                    Code::WriteHeld => written.held += 1,
                    Code::Stale => written.stale += 1,
                    _ => panic!("{error}"),
                }
                thread::sleep(Duration::from_millis(10));
                continue;
            }
        };
        let session = match sessions.entry(port) {
            std::collections::btree_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::btree_map::Entry::Vacant(new) => {
                let node = mysqlfabric::config::Node { host: "127.0.0.1".into(), port };
                let mode = Some(TlsMode::Required);
                let target = Target::new(Address::Tcp(node), mode, None, None);
                new.insert(connect(&target, &app()).expect("a session"))
            }
        };
        let insert = format!("INSERT INTO shop.orders VALUES ({id}, X'00FF27', NULL)");
        match query(session, &insert) {
            Ok(_) => {
                written.acknowledged.push(id);
                if id >= 1_000_000 {
                    *written.moving.entry(port).or_default() += 1;
                }
            }
            Err(failure) => {
                written.refused += 1;
                if let Some(errno) = failure.errno() {
                    router.report_result(&uuid, i32::from(errno));
                }
                sessions.remove(&port);
            }
        }
        thread::sleep(Duration::from_millis(1));
    }
    written
}

#[test]
fn a_shard_moves_and_no_row_is_lost_or_doubled() {
    let Some(farm) = Farm::start() else { return };
    let [old, new] = &farm.servers;
    let mut map = farm.map(1);
    let mut change =
        vec!["INSERT INTO tables VALUES ('shop', 'orders', 'id', 'RANGE', 'a')".into()];
    for (bound, group) in [(0, "a"), (1_000_000, "a"), (2_000_000, "b")] {
        change.push(format!(
            "INSERT INTO shards (schema_name, table_name, lower_bound, group_id) \
             VALUES ('shop', 'orders', '{bound}', '{group}')"
        ));
    }
    map.change(&change);

    let way = Way::to(new.port());
    let (near, cut_off) = (handle(new.port()), handle(way.port));
    let (ids, is_over) = (AtomicU64::new(0), AtomicBool::new(false));
    // A transaction that is open before the move, and wants to be committed after it.
    let mut late =
        connect(&Target::plain(Address::Socket(old.socket())), &app()).expect("a session");
    query(&mut late, "START TRANSACTION").expect("a transaction");
    query(&mut late, "INSERT INTO shop.orders VALUES (1999999, 'late', NULL)").expect("a row");

    let (written, moved) = thread::scope(|scope| {
        let services =
            [&near, &near, &cut_off].map(|router| scope.spawn(|| write(router, &ids, &is_over)));
        wait_for_rows(&farm, 100);
        way.cut();
        let moved = farm.move_shard(&["shop.orders", "1000000", "b"]);
        // What is written in the new place counts, too.
        thread::sleep(Duration::from_secs(1));
        is_over.store(true, Ordering::Relaxed);
        (services.map(|service| service.join().expect("a service")), moved)
    });
    let said = String::from_utf8_lossy(&moved.stdout).into_owned();
    let errors = String::from_utf8_lossy(&moved.stderr).into_owned();
    assert!(moved.status.success(), "{said}{errors}");
    let late = query(&mut late, "COMMIT");
    assert!(
        matches!(
            late,
            Err(Failure::Unreachable(_)
                | Failure::Server(_)
                | Failure::Refused(_)
                | Failure::Protocol(_))
        ),
        "{late:?}"
    );

    let rows = farm.rows();
    let acknowledged: Vec<u64> =
        written.iter().flat_map(|written| written.acknowledged.iter().copied()).collect();
    let lost: Vec<u64> = acknowledged.iter().copied().filter(|id| !rows.contains_key(id)).collect();
    let doubled: Vec<&u64> =
        rows.iter().filter(|(_, count)| **count > 1).map(|(id, _)| id).collect();
    println!(
        "{} rows acknowledged, {} found, {} lost, {} doubled\n{said}",
        acknowledged.len(),
        rows.len(),
        lost.len(),
        doubled.len()
    );
    assert_eq!((lost, doubled), (Vec::new(), Vec::new()));
    assert!(!rows.contains_key(&1_999_999), "the late one was not acknowledged");

    // Nothing of the shard is in the old place, and all that came later is in the new one.
    let count = "SELECT COUNT(*) FROM shop.orders WHERE id >= 1000000";
    assert_eq!(value(&mut root(old), count), "0");
    let [one, other, cut_off] = &written;
    for near in [one, other] {
        assert!(near.held > 0 && near.stale == 0, "{near:?}");
        assert!(
            near.moving.contains_key(&old.port()) && near.moving.contains_key(&new.port()),
            "{near:?}"
        );
    }
    assert!(cut_off.stale > 0 && !cut_off.moving.contains_key(&new.port()), "{cut_off:?}");
    assert_eq!(value(&mut root(old), "SELECT @@global.super_read_only"), "0");

    rows_are_where_the_library_looks(&farm, &mut map, new.port());
}

fn wait_for_rows(farm: &Farm, count: usize) {
    let begun = Instant::now();
    while farm.rows().range(1_000_000..).count() < count {
        assert!(begun.elapsed() < Duration::from_secs(60), "nobody writes");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Bounds of each type, with keys that are hard to quote or to compare, and how a table has them.
type Typed = (&'static str, &'static str, [&'static str; 3], Vec<String>);

fn types() -> Vec<Typed> {
    let texts =
        ["", "A", "Ab", "B", "O'Brien", "\\\\", "a", "\u{e9}", "\u{e9}t", "z"].map(str::to_owned);
    let backslashes =
        ["A", "a", "a\\a", "a\\\\z", "a\\b", "a\\b\\", "a\\c", "b"].map(str::to_owned);
    let days = (1990..2030).map(|year| format!("{year}-02-28 23:59:59"));
    let digests = [
        "20000000000000000000000000000000",
        "80000000000000000000000000000000",
        "C0000000000000000000000000000000",
    ];
    let texts_of_hash = (0..60).map(|at| format!("u\u{e9}'{at}"));
    vec![
        ("RANGE_STRING", "VARCHAR(20)", ["", "B", "a"], texts.to_vec()),
        ("RANGE_STRING", "VARCHAR(20)", ["", "B", "a\\b"], backslashes.to_vec()),
        ("RANGE_DATETIME", "DATETIME", ["1970-01-01", "2000-01-01", "20100101"], days.collect()),
        ("HASH", "BIGINT", digests, (-30..30).map(|at| at.to_string()).collect()),
        ("HASH", "VARCHAR(20)", digests, texts_of_hash.collect()),
        ("RANGE", "BIGINT", ["-5", "9", "10"], (-5..30).map(|at| at.to_string()).collect()),
    ]
}

/// The rows that the script takes for a shard's are those that the library has there.
fn rows_are_where_the_library_looks(farm: &Farm, map: &mut Directory<'_>, port: u16) {
    let [old, _] = &farm.servers;
    for (at, (kind, of_column, bounds, keys)) in types().into_iter().enumerate() {
        let table = format!("of_{at}");
        for server in &farm.servers {
            let columns = format!("k {of_column} COLLATE utf8mb4_bin PRIMARY KEY");
            let columns = if of_column.starts_with('V') {
                columns
            } else {
                columns.replace("COLLATE utf8mb4_bin ", "")
            };
            query(
                &mut root(server),
                &format!("CREATE TABLE shop.{table} ({columns}) DEFAULT CHARSET utf8mb4"),
            )
            .expect("a table");
        }
        let mut session = root(old);
        query(&mut session, "SET NAMES utf8mb4").expect("UTF-8");
        for key in &keys {
            let key = key.replace('\\', "\\\\").replace('\'', "''");
            query(&mut session, &format!("INSERT INTO shop.{table} VALUES ('{key}')"))
                .expect("a row");
        }
        let mut change =
            vec![format!("INSERT INTO tables VALUES ('shop', '{table}', 'k', '{kind}', 'a')")];
        change.extend(bounds.iter().map(|bound| {
            let bound = bound.replace('\\', "\\\\");
            format!(
                "INSERT INTO shards (schema_name, table_name, lower_bound, group_id) \
                 VALUES ('shop', '{table}', '{bound}', 'a')"
            )
        }));
        map.change(&change);
        let name = format!("shop.{table}");
        // MySQL 9.6 and later have MD5() once somebody wants it.
        if kind == "HASH" && query(&mut root(old), "SELECT MD5('')").is_err() {
            let refused = farm.move_shard(&["--wait", "0", &name, bounds[0], "b"]);
            let said = String::from_utf8_lossy(&refused.stderr).into_owned();
            assert!(said.contains("component_classic_hashing"), "{said}");
            for server in &farm.servers {
                let install = "INSTALL COMPONENT 'file://component_classic_hashing'";
                query(&mut root(server), install).expect("MD5()");
            }
        }
        // The lowest, and then the highest, which has the rest of the ring.
        for bound in [bounds[0], bounds[2]] {
            // Whatever a server makes of quotes and backslashes, and when it commits.
            farm.everywhere(
                "SET GLOBAL sql_mode = 'NO_BACKSLASH_ESCAPES,ANSI_QUOTES', GLOBAL autocommit = 0",
            );
            let moved = farm.move_shard(&["--wait", "0", &name, bound, "b"]);
            farm.everywhere("SET GLOBAL sql_mode = DEFAULT, GLOBAL autocommit = 1");
            assert!(moved.status.success(), "{kind} {bound}: {moved:?}");
            let router = handle(port);
            let mut found = 0;
            for server in &farm.servers {
                let mut session = root(server);
                query(&mut session, "SET NAMES utf8mb4").expect("UTF-8");
                let sets =
                    query(&mut session, &format!("SELECT k FROM shop.{table}")).expect("rows");
                for row in sets[0].rows() {
                    let text = row.get(0).expect("a key");
                    let key = match std::str::from_utf8(text).expect("UTF-8").parse() {
                        Ok(number) if of_column == "BIGINT" => Key::Integer(number),
                        _ => Key::Text(text),
                    };
                    let port = router.shard_server(
                        &[name.as_bytes()],
                        Some(key),
                        Scope::Local,
                        Wanted::Primary,
                        |_, s| Ok(s.port),
                    );
                    assert_eq!(
                        port.expect("a server"),
                        server.port(),
                        "{kind} {key:?} after {bound}"
                    );
                    found += 1;
                }
            }
            assert_eq!(found, keys.len(), "{kind}");
        }
    }
}
