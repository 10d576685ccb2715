//! Servers that were lost and are tried by the handle itself: real ones, of all kinds.

use std::sync::{Arc, Mutex};
use std::time::Duration;
use std::{fs, thread};

use mysqlfabric::config::{Config, Credentials, TlsMode};
use mysqlfabric::mysql::{Address, Session, Target};
use mysqlfabric::observe::log::{Level, Log};
use mysqlfabric::router::Router;
use mysqlfabric::topology::{Server, Wanted};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use zeroize::Zeroizing;

use crate::client::{connect, query, root, user};
use crate::eventually;
use crate::support::{Kind, RealServer};

fn signal(server: &RealServer, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(server.pid()).expect("a process"));
    kill(pid, signal).expect("signalled");
}

/// How many logins the server saw that came to nothing.
fn aborted(session: &mut Session) -> u64 {
    let sets = query(session, "SHOW GLOBAL STATUS LIKE 'Aborted_connects'").expect("a status");
    let row = sets[0].rows().next().expect("a row");
    String::from_utf8_lossy(row.get(1).expect("a value")).parse().expect("a number")
}

/// A group of this server, `u`, and of one that nobody asks, `v`.
fn farm(server: &RealServer, user: &str, password: &str, log: Log) -> Router {
    let path = std::env::temp_dir().join(format!("mf-probes-{}.json", server.port()));
    let secondary = |uuid: &str, port: u16| {
        format!(
            r#"{{"uuid": "{uuid}", "host": "127.0.0.1", "port": {port}, "mode": 1, "status": 2,
            "weight": 1}}"#
        )
    };
    let servers = [secondary("u", server.port()), secondary("v", 1)].join(", ");
    let text = format!(
        r#"{{"format": "libmysqlfabric topology", "version": 1, "tables": [],
        "groups": [{{"id": "g", "servers": [{servers}]}}]}}"#
    );
    fs::write(&path, text).expect("written");
    let mut config = Config {
        quarantine: Duration::from_millis(20),
        connect_timeout: Duration::from_millis(500),
        log,
        ..Config::default()
    };
    config.set_topology_file(path.clone()).expect("a path");
    let password = Zeroizing::new(password.to_owned());
    config.mysql.credentials = Some(Credentials { user: user.to_owned(), password });
    config.mysql.tls_mode = Some(TlsMode::Preferred);
    let router = Router::new(config);
    eventually("the server", || gets_it(&router));
    fs::remove_file(path).expect("removed");
    router
}

fn gets_it(router: &Router) -> bool {
    let uuid = |_: &str, server: &Server| Ok(server.uuid == "u");
    router.group_server("g", Wanted::Reader, uuid).expect("one of the two")
}

fn stays_away(router: &Router) {
    for _ in 0..300 {
        assert!(!gets_it(router), "a request gets a server that is away");
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_server_is_back_when_it_lets_clients_in() {
    for kind in [Kind::Mysql, Kind::Mysql56, Kind::Mariadb] {
        let Some(server) = RealServer::start(kind, &[]) else { continue };
        let how = if kind == Kind::Mysql { "WITH caching_sha2_password BY ?" } else { "BY ?" };
        let account = user(&server, "probing", how);
        // From now on the server has the hash of the password at hand.
        let socket = Target::plain(Address::Socket(server.socket()));
        drop(connect(&socket, &account).expect("a login"));
        let lines = Arc::<Mutex<Vec<String>>>::default();
        let told = Arc::clone(&lines);
        let log =
            Log::new(Level::Info, move |_, line| told.lock().expect("lines").push(line.into()));
        let router = farm(&server, &account.user, &account.password, log);
        let mut root = root(&server);
        let before = aborted(&mut root);

        // It was a false alarm, as after an idle connection.
        router.report_result("u", 2006);
        eventually("its being back", || gets_it(&router));
        assert_eq!(aborted(&mut root), before, "{kind:?}: no broken handshake");

        signal(&server, Signal::SIGSTOP);
        router.report_result("u", 2013);
        stays_away(&router);
        signal(&server, Signal::SIGCONT);
        eventually("its being thawed", || gets_it(&router));

        if kind == Kind::Mysql {
            query(&mut root, "SET GLOBAL offline_mode = ON").expect("offline");
            router.report_result("u", 6400);
            stays_away(&router);
            query(&mut root, "SET GLOBAL offline_mode = OFF").expect("online");
            eventually("its being online", || gets_it(&router));
        }

        query(&mut root, "DROP USER probing@'%'").expect("dropped");
        router.report_result("u", 2013);
        eventually("a request that tries it", || gets_it(&router));
        let said = lines.lock().expect("lines").clone();
        assert!(said.iter().any(|line| line.contains("is left to one request")), "{said:?}");
    }
}
