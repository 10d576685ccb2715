//! Fabric nodes that hang, are far away, come and go, or are no nodes at all.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use fabricd::{Fault, FaultKind, Server};
use mysqlfabric::base::error::Code;
use mysqlfabric::config::{Config, Node, ReportErrors};
use mysqlfabric::observe::events::Kind;
use mysqlfabric::router::Router;
use mysqlfabric::topology::{Key, Wanted};

use crate::cache::promote;
use crate::support::*;

fn at(port: u16) -> Node {
    Node { host: "127.0.0.1".into(), port }
}

fn told(host: &str, port: u16) -> fabricd::Node {
    fabricd::Node { host: host.into(), port: port.into(), mysql_port: None }
}

/// Refreshes as Fabric says, which is every second.
fn in_background(servers: &[&Server]) -> Config {
    Config {
        background_refresh: true,
        ttl_min: Duration::ZERO,
        connect_attempts: 1,
        request_timeout: Duration::from_secs(20),
        ..config(servers)
    }
}

fn find(router: &Router) {
    group_of(router, "employees.salaries", Key::Integer(1)).expect("a group");
}

fn dumps(server: &Server) -> usize {
    methods(server).iter().filter(|method| *method == "dump.servers").count()
}

/// How many dumps a handle asks for in so many seconds.
fn dumps_in(server: &Server, seconds: u64) -> usize {
    server.clear_requests();
    std::thread::sleep(Duration::from_secs(seconds));
    dumps(server)
}

#[test]
fn learned_nodes_that_are_silent_cost_one_bound_together() {
    let mut server = sample();
    // They take connections and never answer: 63 addresses of this machine.
    let silent = TcpListener::bind("0.0.0.0:0").expect("a free port");
    let port = silent.local_addr().expect("its address").port();
    let silent = (1..=63).map(|i| told(&format!("127.0.1.{i}"), port));
    server.farm().nodes = [told("127.0.0.1", server.port())].into_iter().chain(silent).collect();
    let config = Config {
        connect_attempts: 1,
        request_timeout: Duration::from_millis(500),
        ..config(&[&server])
    };
    let router = Router::new(config);
    find(&router);
    assert_eq!(router.fabric_nodes().expect("nodes").len(), 64);
    server.stop();
    let begun = Instant::now();
    let refusal = code(group_of(&router, "shop.orders", Key::Integer(1)));
    let took = begun.elapsed().as_millis();
    println!("63 silent nodes: {took} ms, {refusal:?}");
    assert_eq!(refusal, Code::Timeout);
    assert!(took < 5_000, "500 ms are the bound for all, and not for each: {took} ms");
}

#[test]
fn a_node_that_hangs_holds_nobody_up() {
    let (hung, good) = (sample(), sample());
    hung.set_fault(Fault::always(FaultKind::Hang));
    let router = Router::new(in_background(&[&hung, &good]));
    let begun = Instant::now();
    find(&router);
    let took = begun.elapsed().as_millis();
    println!("first lookup with one hung node of two: {took} ms");
    assert!(took < 8_000, "{took} ms");

    // Now the good one hangs, too, and the first one is well again.
    hung.set_fault(Fault::none());
    good.set_fault(Fault::always(FaultKind::Hang));
    let (mut oldest, begun) = (0, Instant::now());
    while begun.elapsed() < Duration::from_secs(9) {
        oldest = oldest.max(router.age().expect("an age"));
        std::thread::sleep(Duration::from_millis(20));
    }
    println!("oldest topology while one of two hangs: {oldest} ms");
    assert!(oldest < 7_000, "{oldest} ms");
}

/// Longer than one connection that hangs may hold anybody up, and far less than the request timeout
/// of `with_one`.
const NOT_LONG: Duration = Duration::from_secs(20);

fn with_one(server: &Server) -> Config {
    Config { request_timeout: Duration::from_secs(120), ..in_background(&[server]) }
}

fn hang_once(server: &Server) {
    server.set_fault(Fault::once(FaultKind::Hang));
}

#[test]
fn one_connection_that_hangs_holds_nobody_up_though_there_is_one_node() {
    let server = sample();
    let half_a_minute = Duration::from_secs(30);
    let wait = |router: &Router, group: &str| {
        router.group_server_wait(group, Wanted::Primary, half_a_minute, |_, s| Ok(s.port))
    };
    let timed = |what: &str, work: &dyn Fn(&Router)| {
        let router = Router::new(with_one(&server));
        router.event_fd().expect("a descriptor");
        let before = server.faults_applied();
        hang_once(&server);
        let begun = Instant::now();
        work(&router);
        println!("{what} after one connection that hangs: {:?}", begun.elapsed());
        assert_eq!(server.faults_applied(), before + 1, "{what}");
        assert!(begun.elapsed() < NOT_LONG, "{what}: {:?}", begun.elapsed());
        server.clear_fault();
    };
    timed("_wait", &|router| assert_eq!(wait(router, "shard1").expect("a primary"), 33611));
    timed("seed", &|router| router.seed(None).expect("seeded"));
    timed("an event", &|router| {
        let no_time = Duration::ZERO;
        let at_once = router.group_server_wait("shard1", Wanted::Primary, no_time, |_, _| Ok(()));
        assert_eq!(code(at_once), Code::WouldBlock);
        let mut fetched = None;
        eventually("FETCHED", || {
            let event = router.next_event().ok().map(|delivery| delivery.event);
            fetched = event.filter(|event| event.kind == Kind::Fetched);
            fetched.is_some()
        });
        assert_eq!(fetched.and_then(|event| event.failure), None, "and it went well");
    });
    // In the background, too.
    let router = Router::new(with_one(&server));
    find(&router);
    let before = server.faults_applied();
    hang_once(&server);
    eventually("a refresh that hangs", || server.faults_applied() > before);
    promote(&server, "shard1", 33612);
    eventually("the new primary", || primary_of(&router, "shard1").expect("one") == 33612);
}

#[test]
fn a_node_that_hangs_is_asked_by_two_connections_and_not_more() {
    let server = sample();
    let request_timeout = Duration::from_secs(5);
    let router = Router::new(Config { connect_attempts: 1, request_timeout, ..config(&[&server]) });
    server.set_fault(Fault::always(FaultKind::Hang));
    assert_eq!(code(router.prefetch(&["employees.salaries"])), Code::Timeout);
    assert_eq!(server.faults_applied(), 2);
}

#[test]
fn a_node_that_takes_its_time_for_large_dumps_is_not_asked_twice_for_each() {
    let server = sample();
    let router =
        Router::new(Config { request_timeout: Duration::from_secs(60), ..config(&[&server]) });
    let slow = FaultKind::Delay(Duration::from_secs(3));
    server.set_fault(Fault::always(slow.clone()).on("dump.servers"));
    router.seed(None).expect("seeded");
    // Nobody knows yet that it is usual.
    eventually("both answers", || dumps(&server) == 2);
    // Small questions in between say nothing of large ones.
    for dump in 1..=2 {
        server.clear_fault();
        for _ in 0..30 {
            router.execute("dump", "fabric_nodes", &[]).expect("an answer");
            router.group_servers("shard1", false, |_, _| Ok(())).expect("servers");
        }
        server.set_fault(Fault::always(slow.clone()).on("dump.servers"));
        server.clear_requests();
        router.prefetch(&[]).expect("the whole farm");
        assert_eq!(dumps(&server), 1, "dump {dump}");
    }
}

#[test]
fn a_slow_node_is_not_overtaken_for_nothing() {
    let (slow, other) = (sample(), sample());
    let router = Router::new(Config { connect_attempts: 1, ..config(&[&slow, &other]) });
    slow.set_fault(Fault::always(FaultKind::Delay(Duration::from_millis(100))));
    find(&router);
    assert!(methods(&other).is_empty(), "{:?}", methods(&other));
}

#[test]
fn a_report_is_made_once_however_long_it_takes() {
    let (slow, other) = (sample(), sample());
    slow.farm().nodes = vec![told("127.0.0.1", slow.port())];
    let router = Router::new(Config {
        connect_attempts: 1,
        report_errors: ReportErrors::Failure,
        ..config(&[&slow, &other])
    });
    find(&router);
    let delay = FaultKind::Delay(Duration::from_millis(2_500));
    slow.set_fault(Fault::always(delay).on("threat.report_failure"));
    let uuid = slow.farm().groups[1].servers[0].uuid.clone();
    router.report_result(&uuid, 2003);
    eventually("the report", || !slow.reports().is_empty());
    assert!(other.reports().is_empty());
    assert!(methods(&other).is_empty(), "{:?}", methods(&other));
}

#[test]
fn nodes_that_nobody_names_any_more_are_forgotten() {
    let (server, learned) = (sample(), sample());
    server.farm().nodes = vec![told("127.0.0.1", server.port()), told("127.0.0.1", learned.port())];
    let mut config = in_background(&[&server]);
    config.ttl_max = Duration::from_millis(60);
    config.nodes_interval = Duration::from_millis(50);
    let router = Router::new(config);
    find(&router);
    assert_eq!(router.fabric_nodes().expect("nodes"), [at(server.port()), at(learned.port())]);
    server.farm().nodes = vec![told("localhost", server.port())];
    eventually("one node", || router.fabric_nodes().expect("nodes") == [at(server.port())]);
    // And a new one is found.
    server.farm().nodes = vec![told("127.0.0.1", learned.port())];
    eventually("two nodes", || router.fabric_nodes().expect("nodes").len() == 2);
    // The one that the service names later stays.
    router.seed(Some(at(learned.port()))).expect("a seed");
    server.farm().nodes = Vec::new();
    let asked =
        |server: &Server| methods(server).iter().filter(|m| *m == "dump.fabric_nodes").count();
    let before = asked(&server);
    eventually("three questions more", || asked(&server) >= before + 3);
    assert_eq!(router.fabric_nodes().expect("nodes").len(), 2);
}

#[test]
fn nodes_are_not_asked_for_at_every_refresh() {
    let server = sample();
    let mut config = in_background(&[&server]);
    config.ttl_max = Duration::from_millis(60);
    config.refresh_share_percent = 100;
    let router = Router::new(config);
    find(&router);
    server.clear_requests();
    eventually("five refreshes", || dumps(&server) >= 5);
    assert!(!methods(&server).contains(&"dump.fabric_nodes".to_owned()), "{:?}", methods(&server));
}

#[test]
fn impossible_nodes_spoil_nothing() {
    let mut server = sample();
    let long = "n".repeat(300);
    let port = server.port();
    server.farm().nodes = vec![
        told("127.0.0.1", port),
        told("a b", 1),
        told(&long, 2),
        told("user@host", 3),
        told("fe80::1%eth0", 4),
    ];
    let heard = Heard::default();
    let router =
        Router::new(Config { connect_attempts: 1, log: heard.log(), ..config(&[&server]) });
    find(&router);
    assert_eq!(router.fabric_nodes().expect("nodes"), [at(port)]);
    assert!(heard.says("names 4 that cannot be asked (\"a b\":1)"), "{:?}", heard.messages());
    server.stop();
    let refusal = code(group_of(&router, "shop.orders", Key::Integer(1)));
    assert_eq!(refusal, Code::Unreachable, "the node that could be asked is what counts");
}

#[test]
fn too_many_nodes_are_left_out_with_a_word() {
    let server = sample();
    server.farm().nodes = (0..5_000).map(|i| told(&format!("n{i}.example"), 1)).collect();
    let heard = Heard::default();
    let router = Router::new(Config { log: heard.log(), ..config(&[&server]) });
    find(&router);
    assert_eq!(router.fabric_nodes().expect("nodes").len(), 64);
    assert!(heard.says("names 5000 Fabric nodes; 4937 are left out"), "{:?}", heard.messages());
}

#[test]
fn a_far_node_is_asked_as_often_as_a_near_one() {
    let (near, far) = (sample(), sample());
    let way = |millis: u64| FaultKind::Delay(Duration::from_millis(2 * millis));
    for millis in [50, 100] {
        far.set_fault(Fault::always(way(millis)));
        let routers = [&near, &far].map(|server| Router::new(in_background(&[server])));
        routers.iter().for_each(find);
        let counted = std::thread::scope(|scope| {
            [&near, &far].map(|server| scope.spawn(|| dumps_in(server, 8))).map(|t| t.join())
        });
        let [near, far] = counted.map(|count| count.expect("a count"));
        println!("dumps in 8 s at a TTL of 1 s: near {near}, {millis} ms away {far}");
        assert!(near >= 4 && far >= 4, "near {near}, {millis} ms away {far}");
    }
}

#[test]
fn a_node_that_has_much_to_do_is_asked_less_often() {
    let server = sample();
    let work = FaultKind::Delay(Duration::from_millis(300));
    server.set_fault(Fault::always(work).on("dump.servers"));
    let router = Router::new(in_background(&[&server]));
    find(&router);
    // The second refresh shows what is usual.
    eventually("two refreshes", || dumps(&server) >= 3);
    let count = dumps_in(&server, 6);
    assert!(count <= 2, "300 ms are to be 5 % of the time, not {count} in 6 s");
}

#[test]
fn a_node_that_answers_anybody_ends_the_blindness() {
    let server = sample();
    let routers = [(); 6].map(|()| {
        let mut config = in_background(&[&server]);
        config.ttl_max = Duration::from_millis(60);
        config.refresh_share_percent = 100;
        config.backoff_limit = Duration::from_secs(600);
        Router::new(config)
    });
    routers.iter().for_each(find);
    server.set_fault(Fault::always(FaultKind::Close));
    // Pauses of up to 16 s come next.
    let failed = |router: &Router| router.metrics().refreshes.failed;
    eventually("six failures", || routers.iter().all(|router| failed(router) >= 6));
    server.set_fault(Fault::none());
    let (begun, mut longest) = (Instant::now(), 0);
    for router in &routers {
        let before = router.metrics().refreshes.background;
        router.execute("manage", "ping", &[]).expect("an answer");
        let begun = Instant::now();
        eventually("a refresh", || router.metrics().refreshes.background >= before + 2);
        longest = longest.max(begun.elapsed().as_millis());
    }
    println!(
        "blind after an outage: {longest} ms at most, {} ms in all",
        begun.elapsed().as_millis()
    );
    assert!(longest < 2_000, "{longest} ms");
}
