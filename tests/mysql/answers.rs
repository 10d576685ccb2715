//! What real servers answer.

use std::time::{Duration, Instant};

use mysqlfabric::mysql::{Failure, Limits};

use crate::client::{each, query, root, value};
use crate::support::{Kind, RealServer};

#[test]
fn rows_with_everything_in_them() {
    for (kind, server) in each() {
        let mut session = root(server);
        let sets = query(
            &mut session,
            "SELECT 1 AS number, NULL AS nothing, '' AS blank, 'é日😀' AS text, REPEAT('x', 70000) AS wide \
             UNION ALL SELECT 2, 'y', 'z', '', ''",
        );
        let sets = sets.unwrap();
        assert_eq!(sets[0].columns(), ["number", "nothing", "blank", "text", "wide"]);
        let rows: Vec<_> = sets[0].rows().collect();
        assert_eq!(rows.len(), 2, "{kind:?}");
        assert_eq!(rows[0].get(0), Some(&b"1"[..]));
        assert_eq!(rows[0].get(1), None);
        assert_eq!(rows[0].get(2), Some(&b""[..]));
        assert_eq!(rows[0].get(3), Some("é日😀".as_bytes()));
        assert_eq!(rows[0].get(4).map(<[u8]>::len), Some(70_000));
        assert_eq!(rows[1].get(1), Some(&b"y"[..]));
    }
}

#[test]
fn a_procedure_answers_in_several_sets() {
    for (kind, server) in each() {
        let mut session = root(server);
        query(&mut session, "CREATE DATABASE sets").unwrap();
        let procedure = "CREATE PROCEDURE sets.two() BEGIN SELECT 1 AS a; DO 1; SELECT 2 AS b UNION SELECT 3; END";
        query(&mut session, procedure).unwrap();
        let sets = query(&mut session, "CALL sets.two()").unwrap();
        let found: Vec<_> =
            sets.iter().map(|set| (set.columns().to_vec(), set.rows().len())).collect();
        assert_eq!(found, [(vec!["a".to_owned()], 1), (vec!["b".to_owned()], 2)], "{kind:?}");
        assert_eq!(value(&mut session, "SELECT 4"), "4");
    }
}

#[test]
fn an_error_leaves_the_connection_as_it_was() {
    for (_, server) in each() {
        let mut session = root(server);
        for (statement, errno) in [("SELEC 1", 1064), ("SELECT * FROM no.such", 1146)] {
            let Err(Failure::Server(error)) = query(&mut session, statement) else {
                panic!("an error")
            };
            assert_eq!(
                error.errno,
                if errno == 1146 && error.errno == 1049 { 1049 } else { errno }
            );
        }
        // Several statements in one are an error, too: nobody asked for them.
        assert!(matches!(query(&mut session, "SELECT 1; SELECT 2"), Err(Failure::Server(_))));
        assert_eq!(value(&mut session, "SELECT 5"), "5");
    }
}

#[test]
fn a_cell_of_more_than_16_mib() {
    for (kind, server) in each() {
        query(&mut root(server), "SET GLOBAL max_allowed_packet = 64 * 1024 * 1024").unwrap();
        let mut session = root(server);
        let sets = query(&mut session, "SELECT REPEAT('abcdefgh', 4 * 1024 * 1024)").unwrap();
        let cell = sets[0].rows().next().unwrap().get(0).unwrap();
        assert!(cell.len() == 32 << 20 && cell.ends_with(b"abcdefgh"), "{kind:?}");
        // And a statement of that size.
        let statement = format!("SELECT LENGTH('{}')", "y".repeat(17 << 20));
        assert_eq!(value(&mut session, &statement), (17 << 20).to_string());
    }
}

#[test]
fn a_million_rows_and_the_limit() {
    let Some(server) = RealServer::shared(Kind::Mariadb) else { return };
    let mut session = root(server);
    query(&mut session, "USE mysql").unwrap();
    let sets = query(&mut session, "SELECT seq, seq + 1 FROM seq_1_to_1000000").unwrap();
    assert_eq!(sets[0].rows().len(), 1_000_000);
    let last = sets[0].rows().last().unwrap();
    assert_eq!((last.get(0), last.get(1)), (Some(&b"1000000"[..]), Some(&b"1000001"[..])));
    let limits = Limits { rows: 1000, ..Limits::of(1 << 20) };
    let until = Instant::now() + Duration::from_secs(30);
    let failure = session.query("SELECT seq FROM seq_1_to_1000000", &limits, until);
    assert_eq!(failure, Err(Failure::TooLarge("rows", 1000)));
}

#[test]
fn no_file_of_this_machine_is_sent() {
    let Some(server) = RealServer::shared(Kind::Mariadb) else { return };
    let mut session = root(server);
    query(&mut session, "CREATE DATABASE files").unwrap();
    query(&mut session, "CREATE TABLE files.t (line TEXT)").unwrap();
    let failure = query(&mut session, "LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE files.t");
    // The server knows that this client sends none.
    assert!(matches!(failure, Err(Failure::Server(_) | Failure::Protocol(_))), "{failure:?}");
    assert_eq!(value(&mut root(server), "SELECT COUNT(*) FROM files.t"), "0");
}

#[test]
fn a_statement_that_takes_too_long_is_left() {
    for (kind, server) in each() {
        let mut session = root(server);
        let until = Instant::now() + Duration::from_millis(300);
        let failure = session.query("SELECT SLEEP(30)", &Limits::of(1000), until);
        assert_eq!(failure, Err(Failure::Timeout), "{kind:?}");
        assert_eq!(query(&mut session, "SELECT 1"), Err(Failure::Unusable));
    }
}

#[test]
fn a_connection_that_the_server_ended_is_out_of_reach() {
    for (kind, server) in each() {
        let mut session = root(server);
        query(&mut session, "SET SESSION wait_timeout = 1").unwrap();
        let id = value(&mut session, "SELECT CONNECTION_ID()");
        let listed = format!("SELECT COUNT(*) FROM information_schema.processlist WHERE id = {id}");
        let mut other = root(server);
        let begun = Instant::now();
        while value(&mut other, &listed) != "0" {
            assert!(begun.elapsed() < Duration::from_secs(30), "never ended");
            std::thread::sleep(Duration::from_millis(50));
        }
        // MySQL 9 says why (4031), the others close it.
        let failure = query(&mut session, "SELECT 1");
        assert!(matches!(failure, Err(Failure::Unreachable(_))), "{kind:?}: {failure:?}");
    }
}

#[test]
fn a_goodbye_is_no_broken_connection() {
    for (kind, server) in each() {
        // In a server of its own, others' tests would count.
        let Some(own) = RealServer::start(kind, &[]) else { continue };
        let _ = server;
        for _ in 0..3 {
            drop(root(&own));
        }
        let mut session = root(&own);
        let aborted = query(&mut session, "SHOW GLOBAL STATUS LIKE 'Aborted_clients'").unwrap();
        assert_eq!(aborted[0].rows().next().unwrap().get(1), Some(&b"0"[..]), "{kind:?}");
    }
}
