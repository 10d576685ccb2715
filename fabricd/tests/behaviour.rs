//! Manners, faults, changes at run time, and stopping.

mod common;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use common::{call, exchange, recorded, request, strings};
use fabricd::{Fault, FaultKind, Options, Oversized, Server};

const SHARD1_PRIMARY: &str = "aa9b1821-e706-11f1-b000-02fc00000001";
const SHARD1_SECONDARY: &str = "aab422d7-e706-11f1-b000-02fc00000001";

fn open() -> Server {
    let options =
        Options { auth: false, control: Some("127.0.0.1:0".to_owned()), ..Options::default() };
    Server::start(options).unwrap()
}

fn control(server: &Server, method: &str, params: &[&str]) -> String {
    let reply = call(server.control_port().unwrap(), method, params);
    assert!(!reply.contains("<fault>"), "{method}: {reply}");
    reply
}

/// The cells of an answer, without the envelope.
fn cells(reply: &str) -> Vec<String> {
    let rows = reply.split_once("<name>rows</name>").expect("rows").1;
    let lines = rows.lines().filter_map(|line| {
        let cell = line.strip_prefix("<value><")?;
        let (_, cell) = cell.split_once('>')?;
        cell.split_once("</").map(|(text, _)| text.to_owned())
    });
    lines.collect()
}

fn servers(server: &Server, group: &str) -> Vec<Vec<String>> {
    let reply = call(server.port(), "dump.servers", &["", group]);
    cells(&reply).chunks(7).map(<[String]>::to_vec).collect()
}

fn ping(server: &Server) -> Vec<u8> {
    exchange(server.port(), &request("manage.ping", ""))
}

fn works(server: &Server) -> bool {
    ping(server).starts_with(b"HTTP/1.0 200 OK\r\n")
}

#[test]
fn faults_come_and_go() {
    let server = open();
    let whole = ping(&server);
    let one = |kind: FaultKind| {
        server.set_fault(Fault::once(kind));
        let reply = ping(&server);
        assert!(works(&server), "a fault for one request stays for one");
        reply
    };
    assert!(one(FaultKind::Close).is_empty());
    assert_eq!(one(FaultKind::CloseMidReply).len(), whole.len() / 2);
    assert!(one(FaultKind::Garbage).ends_with(b"</html>\n"));
    assert!(one(FaultKind::GarbageXml).starts_with(b"HTTP/1.0 200"));
    assert_eq!(one(FaultKind::Unterminated400).len(), 98);
    assert!(one(FaultKind::Status(503)).starts_with(b"HTTP/1.0 503 "));
    assert!(one(FaultKind::Status(401)).ends_with(b"qop=\"auth\"\r\n\r\n\r\n"));
    let fault = one(FaultKind::Fault("told <to>".to_owned()));
    assert!(String::from_utf8(fault).unwrap().contains("told &lt;to&gt;"));
    let error = one(FaultKind::Error("told to".to_owned()));
    assert!(String::from_utf8(error).unwrap().contains("<string>told to</string>"));
    let start = Instant::now();
    one(FaultKind::Delay(Duration::from_millis(300)));
    assert!(start.elapsed() >= Duration::from_millis(300));
    assert_eq!(server.faults_applied(), 10);
}

#[test]
fn a_fault_picks_its_method() {
    let server = open();
    server.set_fault(Fault::always(FaultKind::Close).on("dump.servers"));
    assert!(works(&server));
    assert!(call(server.port(), "dump.servers", &[]).is_empty());
    assert!(call(server.port(), "dump.servers", &[]).is_empty());
    server.clear_fault();
    assert!(!call(server.port(), "dump.servers", &[]).is_empty());
}

#[test]
fn oversized_answers_do_not_end() {
    let server = open();
    for (how, header) in [
        (Oversized::Endless, "text/xml\r\n\r\n"),
        (Oversized::Length, "Content-length: 10000000000\r\n"),
        (Oversized::Gzip, "Content-Encoding: gzip\r\n"),
    ] {
        server.set_fault(Fault::once(FaultKind::Oversized(how)));
        let mut stream = TcpStream::connect(server.addr()).unwrap();
        stream.write_all(&request("manage.ping", "")).unwrap();
        let mut start = vec![0; 1 << 17];
        stream.read_exact(&mut start).unwrap();
        assert!(String::from_utf8_lossy(&start).contains(header), "{how:?}");
    }
    assert!(works(&server));
}

#[test]
fn idle_connections_stall_the_node() {
    let server = Server::start(Options { auth: false, threads: 2, ..Options::default() }).unwrap();
    let idle: Vec<TcpStream> = (0..2).map(|_| TcpStream::connect(server.addr()).unwrap()).collect();
    let mut stream = TcpStream::connect(server.addr()).unwrap();
    stream.write_all(&request("manage.ping", "")).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    assert!(stream.read(&mut [0; 16]).is_err(), "answered in spite of the idle ones");
    drop(idle);
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).unwrap();
    assert!(reply.starts_with(b"HTTP/1.0 200"));
    assert_eq!(server.connections(), 3);
}

#[test]
fn nonces_are_checked_when_told() {
    let server = Server::start(Options::default()).unwrap();
    let invented = fs::read(recorded("captures/auth_invented_nonce.req")).unwrap();
    assert!(exchange(server.port(), &invented).starts_with(b"HTTP/1.0 200"));
    assert!(exchange(server.port(), &invented).is_empty(), "nc=1 once more");
    server.purge_nonces();
    server.set_check_nonce(true);
    assert!(exchange(server.port(), &invented).starts_with(b"HTTP/1.0 401"));
    let seen: Vec<(u16, bool)> =
        server.requests().iter().map(|r| (r.status, r.authorized)).collect();
    assert_eq!(seen, [(200, true), (0, false), (401, false)]);
    assert_eq!(server.requests()[0].method, "dump.fabric_nodes");
}

#[test]
fn a_reported_primary_is_replaced_after_the_delay() {
    let server = open();
    server.set_failover_delay(Duration::from_millis(600));
    let port = server.port();
    let report =
        thread::spawn(move || call(port, "threat.report_failure", &[SHARD1_PRIMARY, "me", "2003"]));
    let statuses = || {
        let rows = servers(&server, "shard1");
        let rows = rows.into_iter().filter(|r| r[1] == "shard1");
        rows.map(|r| (r[0].clone(), r[5].clone())).collect::<Vec<_>>()
    };
    thread::sleep(Duration::from_millis(300));
    let between = statuses();
    assert_eq!(between.len(), 2, "the reported one is hidden at once");
    assert!(between.iter().all(|(_, status)| status == "2"), "and nobody is primary");
    let reply = report.join().unwrap();
    assert!(reply.contains("_change_to_candidate"));
    assert_eq!(statuses()[0], (SHARD1_SECONDARY.to_owned(), "3".to_owned()));
    assert_eq!(server.reports()[0].reporter, "me");
}

#[test]
fn enough_reported_errors_are_a_failure() {
    let server = open();
    control(&server, "fabricd.set_threshold", &["3", "2"]);
    for (reporter, left) in [("a", 4), ("a", 4), ("a", 4), ("b", 3)] {
        call(server.port(), "threat.report_error", &[SHARD1_SECONDARY, reporter, "2013"]);
        // The pattern finds shard10 and its one server as well.
        assert_eq!(servers(&server, "shard1").len(), left);
    }
    assert_eq!(cells(&control(&server, "fabricd.reports", &[])).len(), 4 * 4);
}

#[test]
fn the_farm_changes_through_the_control_port() {
    let server = open();
    control(&server, "fabricd.set_ttl", &["7"]);
    assert_eq!(server.farm().ttl, 7);
    control(&server, "fabricd.promote", &["shard1", SHARD1_SECONDARY]);
    assert_eq!(servers(&server, "shard1")[1][5], "3");
    control(&server, "fabricd.demote", &["shard1"]);
    assert!(servers(&server, "shard1")[..3].iter().all(|r| r[5] == "2"));
    control(&server, "fabricd.set_status", &[SHARD1_PRIMARY, "SPARE"]);
    control(&server, "fabricd.set_mode", &[SHARD1_SECONDARY, "OFFLINE"]);
    control(&server, "fabricd.set_weight", &[SHARD1_SECONDARY, "0.333333333"]);
    let rows = servers(&server, "shard1");
    assert_eq!(rows[0][4..], ["0", "1", "1.0"]);
    assert_eq!(rows[1][4..], ["0", "2", "0.333333"]);
    let params = ["new", "u-1", "db.example", "3306", "PRIMARY", "3", "2"];
    control(&server, "fabricd.add_server", &params);
    assert_eq!(
        servers(&server, "new"),
        [["u-1", "new", "db.example", "3306", "3", "3", "2.0"].map(str::to_owned)]
    );
    control(&server, "fabricd.remove_server", &["u-1"]);
    assert!(servers(&server, "new").is_empty());

    let shards = || {
        let reply = call(server.port(), "dump.sharding_information", &["", "hash2.t"]);
        let cells = cells(&reply);
        cells.chunks(8).map(|r| format!("{} {}", r[4], r[6])).collect::<Vec<_>>()
    };
    assert_eq!(cells(&control(&server, "fabricd.split_shard", &["18", "", "new"])), ["23", "24"]);
    assert_eq!(shards(), ["19 shard2", "23 shard1", "24 new"]);
    control(&server, "fabricd.move_shard", &["24", "shard4"]);
    control(&server, "fabricd.disable_shard", &["19"]);
    assert_eq!(shards(), ["23 shard1", "24 shard4"]);
    control(&server, "fabricd.enable_shard", &["19"]);
    control(&server, "fabricd.move_group", &["shard4", "shard3"]);
    assert_eq!(shards(), ["19 shard2", "23 shard1", "24 shard3"]);
    let added = control(&server, "fabricd.add_shard", &["6", "", "shard4", "DISABLED"]);
    assert_eq!(cells(&added), ["25"]);
    assert_eq!(shards().len(), 3);
    control(&server, "fabricd.add_table", &["6", "hash2.u", "id"]);
    let tables = call(server.port(), "dump.sharding_information", &["", "hash2.%"]);
    assert_eq!(cells(&tables).len(), 6 * 8);

    control(&server, "fabricd.set_nodes", &["a.example:1,b.example:self"]);
    let nodes = call(server.port(), "dump.fabric_nodes", &["protocol.xmlrpc"]);
    let own = server.port().to_string();
    assert_eq!(cells(&nodes), ["a.example", "1", "b.example", &own]);

    control(&server, "fabricd.raw_row", &["servers", "[\"only one cell\"]"]);
    let odd = "{\"column\": \"colour\", \"value\": 5}";
    control(&server, "fabricd.raw_row", &["servers", odd]);
    let reply = call(server.port(), "dump.servers", &["", "emptygrp"]);
    assert!(reply.contains("<value><string>colour</string></value>"));
    assert_eq!(cells(&reply), ["only one cell", "5"]);

    control(&server, "fabricd.reset", &[]);
    assert_eq!(shards(), ["18 shard1", "19 shard2"]);
    assert_eq!(server.farm().ttl, 1);
}

#[test]
fn control_port_counts_and_refuses_politely() {
    let server = open();
    works(&server);
    let counters = cells(&control(&server, "fabricd.counters", &[]));
    assert_eq!(counters, ["1", "1", "0"]);
    let requests = cells(&control(&server, "fabricd.requests", &[]));
    assert_eq!(requests[0], "manage.ping");
    assert_eq!(requests[2..5], ["200", "1", "/RPC2"]);
    assert!(control(&server, "fabricd.promote", &["nosuch", "x"]).contains("does not exist"));
    assert!(control(&server, "fabricd.fault", &["nosuch"]).contains("is not a kind"));
    control(&server, "fabricd.fault", &["status", "403", "1"]);
    assert!(ping(&server).starts_with(b"HTTP/1.0 403"));
    assert!(works(&server));
    // Only the control port knows these.
    assert!(call(server.port(), "fabricd.counters", &[]).contains("<fault>"));
}

#[test]
fn stopping_frees_the_port_whatever_clients_do() {
    let mut server = open();
    server.set_fault(Fault::once(FaultKind::Hang));
    let mut hung = TcpStream::connect(server.addr()).unwrap();
    hung.write_all(&request("manage.ping", "")).unwrap();
    let _idle = TcpStream::connect(server.addr()).unwrap();
    thread::sleep(Duration::from_millis(100));
    let (port, start) = (server.port(), Instant::now());
    server.stop();
    assert!(start.elapsed() < Duration::from_secs(5));
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err(), "the port is closed at once");
    let listen = format!("127.0.0.1:{port}");
    let again = Server::start(Options { auth: false, listen, ..Options::default() }).unwrap();
    assert!(works(&again));
    drop(again);
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
}

#[test]
fn shutdown_ends_the_node() {
    let server = open();
    control(&server, "fabricd.shutdown", &[]);
    server.wait();
}

#[test]
fn dumps_are_atomic() {
    let server = open();
    let (port, control_port) = (server.port(), server.control_port().unwrap());
    // From here on either all of these shards are in one group, or all in the other.
    control(&server, "fabricd.move_group", &["shard1", "shard3"]);
    let mover = thread::spawn(move || {
        for i in 0..60 {
            let group = if i % 2 == 1 { ["shard1", "shard3"] } else { ["shard3", "shard1"] };
            call(control_port, "fabricd.move_group", &group);
        }
    });
    while !mover.is_finished() {
        let dump = call(port, "dump.sharding_information", &["", "employees.%"]);
        let groups: Vec<String> = cells(&dump).chunks(8).map(|r| r[6].clone()).collect();
        let has = |group: &str| groups.iter().any(|g| g == group);
        assert!(has("shard1") != has("shard3"), "{groups:?}");
    }
    mover.join().unwrap();
}

#[test]
fn generation_1_has_its_own_envelope() {
    let farm = fabricd::Farm::sample_generation_1();
    let server = Server::start(Options { auth: false, ..Options::new(farm) }).unwrap();
    let port = server.port();
    let fault = call(port, "dump.fabric_nodes", &["protocol.xmlrpc"]);
    assert!(fault.contains("takes exactly 1 argument (2 given)"));
    let below = call(port, "sharding.lookup_servers", &["employees.salaries", "0"]);
    assert!(below.contains("<boolean>0</boolean>") && below.contains("Invalid Key 0"));
    let report = exchange(port, &request("threat.report_failure", &strings(&["nosuch"])));
    assert!(String::from_utf8(report).unwrap().contains("<name>diagnosis</name>"));
}
