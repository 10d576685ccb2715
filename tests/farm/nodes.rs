//! Several Fabric nodes: learned ones, dead ones, hostile ones.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use fabricd::{Fault, FaultKind, Options, Server};
use mysqlfabric::base::error::Code;
use mysqlfabric::config::{Config, Node};
use mysqlfabric::router::Router;
use mysqlfabric::topology::Key;
use zeroize::Zeroizing;

use crate::support::*;

fn with_nodes(nodes: Vec<Node>) -> Router {
    let server = sample();
    Router::new(Config { nodes, ..config(&[&server]) })
}

fn at(port: u16) -> Node {
    Node { host: "127.0.0.1".into(), port }
}

/// A node as `dump.fabric_nodes` names it.
fn told(host: &str, port: u16) -> fabricd::Node {
    fabricd::Node { host: host.into(), port: port.into(), mysql_port: None }
}

/// A port nobody listens on.
fn dead_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("its address").port()
}

/// A port that accepts connections into its backlog and never answers.
fn black_hole() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("its address").port();
    (listener, port)
}

#[test]
fn a_dead_node_is_passed_over_and_then_left_alone() {
    let server = sample();
    let router = with_nodes(vec![at(dead_port()), at(server.port())]);
    group_of(&router, "employees.salaries", Key::Integer(1)).expect("the second node answers");
    group_of(&router, "shop.orders", Key::Integer(1)).expect("and goes on answering");
}

/// The hosts of a source's URL are nodes as if each had been named alone.
#[test]
fn the_hosts_of_a_url_are_nodes() {
    let server = sample();
    let mut config = Config { nodes: Vec::new(), ..config(&[&server]) };
    let (dead, port) = (dead_port(), server.port());
    config.set_source(&format!("fabric://admin@127.0.0.1:{dead},127.0.0.1:{port}")).expect("a URL");
    config.check().expect("the user is that of the credentials");
    let router = Router::new(config);
    group_of(&router, "employees.salaries", Key::Integer(1)).expect("the second node answers");
    let nodes = router.fabric_nodes().expect("nodes");
    assert_eq!(nodes.get(..2), Some([at(dead), at(port)].as_slice()));
}

#[test]
fn a_silent_node_costs_one_deadline_and_no_more() {
    let server = sample();
    let (_silent, port) = black_hole();
    let mut config = config(&[&server]);
    config.nodes = vec![at(port), at(server.port())];
    config.request_timeout = Duration::from_millis(500);
    let router = Router::new(config);
    group_of(&router, "employees.salaries", Key::Integer(1)).expect("the second node answers");
    let begun = Instant::now();
    for table in ["shop.orders", "disabled_db.t", "hashdb.users", "hashdb.accounts"] {
        group_of(&router, table, Key::Integer(8)).expect("a group");
    }
    let deadlines = begun.elapsed().as_millis() / 500;
    assert!(deadlines < 4, "four fetches must not each wait for the silent node: {deadlines}");
}

#[test]
fn nodes_tell_of_others() {
    let (first, mut second) = (sample(), sample());
    first.farm().nodes = vec![told("127.0.0.1", first.port()), told("127.0.0.1", second.port())];
    let mut first = first;
    let router = with_nodes(vec![at(first.port())]);
    let nodes = router.fabric_nodes().expect("nodes");
    assert_eq!(nodes, [at(first.port()), at(second.port())]);
    first.stop();
    group_of(&router, "employees.salaries", Key::Integer(1)).expect("the learned node answers");
    second.stop();
    let refusal = group_of(&router, "shop.orders", Key::Integer(1));
    assert_eq!(code(refusal), Code::Unreachable);
    group_of(&router, "employees.salaries", Key::Integer(1)).expect("what is known stays");
}

#[test]
fn a_wildcard_means_the_address_that_was_asked() {
    let server = sample();
    server.farm().nodes = vec![told("0.0.0.0", 32274)];
    let router = router(&server);
    assert_eq!(router.fabric_nodes().expect("nodes"), [at(server.port())]);
}

#[test]
fn attempts_are_counted_and_paused() {
    let port = dead_port();
    let heard = Heard::default();
    let config = Config {
        nodes: vec![at(port)],
        connect_attempts: 3,
        connect_delay: Duration::from_millis(50),
        log: heard.log(),
        ..Config::default()
    };
    let router = Router::new(config);
    let begun = Instant::now();
    let refusal = primary_of(&router, "shard1").expect_err("nobody is there");
    assert_eq!(refusal.code, Code::Unreachable);
    assert!(refusal.message.contains(&port.to_string()), "{refusal}");
    assert!(begun.elapsed() >= Duration::from_millis(100), "two pauses");
    assert_eq!(heard.messages().len(), 3 + 1, "each round, and the end: {:?}", heard.messages());
}

#[test]
fn a_wrong_password_is_not_tried_again_and_again() {
    let server = sample();
    let mut config = config(&[&server]);
    config.connect_attempts = 50;
    config.credentials.as_mut().expect("credentials").password = Zeroizing::new("hunter2".into());
    let router = Router::new(config);
    let refusal = primary_of(&router, "shard1").expect_err("the password is wrong");
    assert_eq!(refusal.code, Code::Auth);
    assert!(!refusal.message.contains("hunter2"), "{refusal}");
    assert!(server.requests().len() <= 4, "{:?}", methods(&server));
}

#[test]
fn without_nodes_there_is_nobody_to_ask() {
    let router = Router::new(Config::default());
    assert_eq!(code(primary_of(&router, "shard1")), Code::NotSeeded);
    assert_eq!(code(router.seed(None)), Code::NotSeeded);
    assert_eq!(code(router.execute("manage", "ping", &[])), Code::NotSeeded);

    let server = Server::start(Options { auth: false, ..Options::default() }).expect("fabricd");
    router.seed(Some(at(server.port()))).expect("a node named later");
    assert_eq!(primary_of(&router, "shard1").expect("a primary"), 33611);
    assert!(!methods(&server).contains(&"401".to_owned()));
}

#[test]
fn every_fault_of_one_node_is_made_good_by_the_other() {
    let (bad, good) = (sample(), sample());
    let faults = [
        FaultKind::Close,
        FaultKind::CloseMidReply,
        FaultKind::Garbage,
        FaultKind::GarbageXml,
        FaultKind::Unterminated400,
        FaultKind::Status(403),
        FaultKind::Status(500),
        FaultKind::Fault("on purpose".into()),
        FaultKind::Error("on purpose".into()),
    ];
    for fault in faults {
        let router = Router::new(config(&[&bad, &good]));
        bad.set_fault(Fault::always(fault.clone()));
        let group = group_of(&router, "employees.salaries", Key::Integer(1));
        assert_eq!(group.expect("the good node answers"), "shard1", "{fault:?}");
    }
}

#[test]
fn a_command_is_never_run_twice() {
    let (bad, good) = (sample(), sample());
    let router = Router::new(config(&[&bad, &good]));
    group_of(&router, "employees.salaries", Key::Integer(1)).expect("a group");
    bad.set_fault(Fault::always(FaultKind::CloseMidReply));
    assert_eq!(code(router.execute("manage", "ping", &[])), Code::Protocol);
    assert!(methods(&good).is_empty(), "the other node is not asked to run it again");
}

#[test]
fn generation_1_needs_no_configuration() {
    let server = start(fabricd::Farm::sample_generation_1());
    let router = router(&server);
    let group = group_of(&router, "employees.salaries", Key::Integer(10_021));
    assert_eq!(group.expect("a group"), "shard2");
    let asked = methods(&server);
    assert_eq!(
        asked,
        [
            "401",
            "dump.fabric_nodes",
            "dump.fabric_nodes",
            "dump.sharding_information",
            "dump.servers"
        ]
    );
    assert_eq!(router.identity(), "");
}
