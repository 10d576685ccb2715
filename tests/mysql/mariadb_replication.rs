//! The rules of plain replication on two real MariaDB servers.

use mysqlfabric::mysql::{Account, Session};

use crate::client::{query, root};
use crate::seen::Seen;
use crate::support::{Kind, RealServer};

fn run(session: &mut Session, statements: &[&str]) {
    for statement in statements {
        query(session, statement).unwrap_or_else(|failure| panic!("{statement}: {failure:?}"));
    }
}

fn server(id: &str) -> Option<RealServer> {
    let id = format!("--server-id={id}");
    RealServer::start(Kind::Mariadb, &[&id, "--log-bin=bin", "--log-slave-updates=ON"])
}

/// Has a server replicate from another one.
fn follow(replica: &mut Session, source: &RealServer) {
    let port = source.port();
    let change = format!(
        "CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = {port}, MASTER_USER = 'copy', \
         MASTER_PASSWORD = 'pass-word', MASTER_USE_GTID = slave_pos, MASTER_CONNECT_RETRY = 1"
    );
    run(replica, &["STOP SLAVE", &change, "START SLAVE", "SET GLOBAL read_only = ON"]);
}

#[test]
fn rules_of_replication_on_mariadb() {
    let (Some(one), Some(two)) = (server("1"), server("2")) else { return };
    let (mut first, mut second) = (root(&one), root(&two));
    for session in [&mut first, &mut second] {
        run(
            session,
            &[
                "SET sql_log_bin = 0",
                "CREATE USER copy@'%' IDENTIFIED BY 'pass-word'",
                "GRANT REPLICATION SLAVE ON *.* TO copy@'%'",
                "CREATE USER rules@'%' IDENTIFIED BY 'pass-word'",
                "GRANT SLAVE MONITOR ON *.* TO rules@'%'",
            ],
        );
    }
    follow(&mut second, &one);
    let account = Account::new("rules", "pass-word");
    let hosts = format!("127.0.0.1:{},127.0.0.1:{}", one.port(), two.port());
    let found = Seen::by(&hosts, &account, "", |_| ());
    let seen = Seen::by(&hosts, &account, "&kind=replication", |_| ());
    for seen in [&found, &seen] {
        seen.becomes(one.port(), &[two.port()]);
    }
    run(&mut first, &["SET GLOBAL read_only = ON"]);
    seen.has_no_primary("none of its servers takes writes", &[one.port(), two.port()]);
    // They change places.
    run(&mut second, &["STOP SLAVE", "RESET SLAVE ALL", "SET GLOBAL read_only = OFF"]);
    seen.has_no_primary("no other server says that it replicates from it", &[two.port()]);
    follow(&mut first, &two);
    for seen in [&found, &seen] {
        seen.becomes(two.port(), &[one.port()]);
    }
    // Both take writes: the one that is the source of the other goes on.
    run(&mut first, &["SET GLOBAL read_only = OFF"]);
    seen.becomes(two.port(), &[one.port()]);
    run(&mut first, &["STOP SLAVE", "RESET SLAVE ALL"]);
    seen.has_no_primary("take writes, and not exactly one of them is the source", &[]);
    drop(first);
    drop(one);
    // The one that is left was confirmed.
    seen.becomes(two.port(), &[]);
}
