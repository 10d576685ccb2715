//! What the tests ask real servers by.

use std::time::{Duration, Instant};

use mysqlfabric::config::Node;
use mysqlfabric::mysql::{Account, Address, Failure, Limits, ResultSet, Session, Target};
use tokio::sync::watch;

use crate::support::{Kind, RealServer};

/// Long enough for what comes at once, on whatever machine.
const LONG: Duration = Duration::from_secs(30);

pub fn tcp(server: &RealServer) -> Address {
    Address::Tcp(Node { host: "127.0.0.1".into(), port: server.port() })
}

pub fn connect(target: &Target, account: &Account) -> Result<Session, Failure> {
    // Whoever could cut it off is kept for good.
    let never = || {
        let (sender, receiver) = watch::channel(false);
        std::mem::forget(sender);
        receiver
    };
    Session::connect(target, account, Instant::now() + LONG, [never(), never()])
}

pub fn query(session: &mut Session, statement: &str) -> Result<Vec<ResultSet>, Failure> {
    session.query(statement, &Limits::of(256 << 20), Instant::now() + LONG)
}

/// The only cell of the answer.
pub fn value(session: &mut Session, statement: &str) -> String {
    let sets =
        query(session, statement).unwrap_or_else(|failure| panic!("{statement}: {failure:?}"));
    let rows: Vec<_> = sets[0].rows().collect();
    assert_eq!((sets.len(), rows.len()), (1, 1), "{statement}");
    String::from_utf8(rows[0].get(0).expect("a value").to_vec()).expect("text")
}

/// As root, over the Unix socket.
pub fn root(server: &RealServer) -> Session {
    let target = Target::plain(Address::Socket(server.socket()));
    connect(&target, &Account::new("root", "")).expect("root")
}

/// A user of the test's own, made on the server anew, whose password stands where the `?` is.
pub fn user(server: &RealServer, name: &str, identified: &str) -> Account {
    let mut root = root(server);
    let identified = identified.replace('?', "'pass-word'");
    query(&mut root, &format!("CREATE USER {name}@'%' IDENTIFIED {identified}")).expect("a user");
    Account::new(name, "pass-word")
}

/// The servers that are there.
pub fn each() -> impl Iterator<Item = (Kind, &'static RealServer)> {
    [Kind::Mysql, Kind::Mysql56, Kind::Mariadb]
        .into_iter()
        .filter_map(|kind| RealServer::shared(kind).map(|server| (kind, server)))
}
