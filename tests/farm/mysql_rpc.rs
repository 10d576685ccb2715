//! Fabric over MySQL-RPC: a source whose answers are those of XML-RPC.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use fabricd::{
    Farm, FarmServer, Fault, FaultKind, Group, Node as FabricNode, Options, Oversized, Server,
};
use mysqlfabric::base::error::{Code, Result};
use mysqlfabric::config::{Config, Credentials, ReportErrors, TlsFiles};
use mysqlfabric::router::Router;
use mysqlfabric::source::Value;
use mysqlfabric::topology::{Key, Wanted};
use zeroize::Zeroizing;

use crate::support::*;

fn with_mysql(farm: Farm) -> Server {
    let options = Options { mysql: Some("127.0.0.1:0".to_owned()), ..Options::new(farm) };
    Server::start(options).expect("fabricd starts")
}

fn port(server: &Server) -> u16 {
    server.mysql_port().expect("a port for MySQL-RPC")
}

/// As `config`, by the URL of a source.
fn by_url(server: &Server) -> Config {
    let mut config = Config { nodes: Vec::new(), ..config(&[server]) };
    config.set_source(&format!("fabric+mysql://admin@127.0.0.1:{}", port(server))).expect("a URL");
    config.check().expect("it fits");
    config
}

/// The farm that the vectors are of, with a primary in each group.
fn recorded_farm() -> Farm {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fabricd/data/farm-vectors.json");
    let mut farm = Farm::from_file(path.to_str().expect("UTF-8")).expect("a farm");
    let shards = farm.mappings.iter().flat_map(|mapping| &mapping.shards);
    let groups: BTreeSet<&str> = shards.map(|shard| shard.group.as_str()).collect();
    let groups = (10_000..).zip(groups).map(|(port, group)| Group {
        id: group.to_owned(),
        description: String::new(),
        failure_detector: false,
        servers: vec![FarmServer {
            uuid: format!("server-{port}"),
            host: "127.0.0.1".to_owned(),
            port,
            mode: 3,
            status: fabricd::PRIMARY,
            weight: 1.0,
        }],
    });
    farm.groups = groups.collect();
    farm
}

fn over_mysql(server: &Server) -> Router {
    Router::new(by_url(server))
}

fn calls(server: &Server) -> Vec<String> {
    let calls = server.requests().into_iter().filter(|call| call.path == "mysql");
    calls.map(|call| call.method).collect()
}

fn credentials(user: &str, password: &str) -> Option<Credentials> {
    Some(Credentials { user: user.into(), password: Zeroizing::new(password.into()) })
}

#[test]
fn lookups_take_three_calls_and_then_none() {
    let server = with_mysql(Farm::sample());
    let router = over_mysql(&server);
    let group = group_of(&router, "employees.salaries", Key::Integer(10_021)).expect("a group");
    assert_eq!(group, "shard2");
    let expected = ["dump.fabric_nodes", "dump.sharding_information", "dump.servers"];
    assert_eq!(calls(&server), expected);
    for key in 1..100 {
        group_of(&router, "employees.salaries", Key::Integer(key)).expect("a group");
    }
    assert_eq!(calls(&server).len(), 3);
    assert!(methods(&server).iter().all(|method| method != "401"), "nobody asks over XML-RPC");
}

/// Integers as such, and beyond 64 bits as text: as the C API carries them.
fn key(line: &serde_json::Value) -> Key<'_> {
    let text = line["key"].as_str().expect("key");
    match line["key_type"].as_str() {
        Some("int") => match text.parse() {
            Ok(value) => Key::Integer(value),
            Err(_) => text.parse().map_or(Key::Text(text.as_bytes()), Key::Unsigned),
        },
        _ => Key::Text(text.as_bytes()),
    }
}

#[test]
fn every_vector_answers_as_over_xmlrpc() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let server = with_mysql(recorded_farm());
    let (one, other) = (router(&server), over_mysql(&server));
    one.seed(None).expect("over XML-RPC");
    other.seed(None).expect("over MySQL-RPC");
    let (mut compared, mut routed) = (0, 0);
    for entry in fs::read_dir(root.join("tests/data/vectors")).expect("the vectors") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|extension| extension != "jsonl") {
            continue;
        }
        for line in fs::read_to_string(path).expect("a vector file").lines() {
            let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
            let table = line["table"].as_str().expect("table");
            let answer = |router: &Router| -> Result<Choice> {
                ask(router, table, key(&line), Wanted::Primary)
            };
            let (one, other) = (answer(&one), answer(&other));
            match (one, other) {
                (Ok(one), Ok(other)) => {
                    assert_eq!(one, other, "{line}");
                    routed += 1;
                }
                (one, other) => assert_eq!(code(one), code(other), "{line}"),
            }
            compared += 1;
        }
    }
    assert_eq!(compared, 16_389);
    assert!(routed > 10_000, "{routed}");
}

#[test]
fn users_are_those_of_the_protocol() {
    let mut farm = Farm::sample();
    for user in &mut farm.users {
        user.protocol = Some(if user.user == "conn" { "mysql" } else { "xmlrpc" }.to_owned());
    }
    let server = with_mysql(farm);
    let node = format!("127.0.0.1:{}", port(&server));
    let refused = |given: Option<Credentials>| {
        let mut config = by_url(&server);
        config.source = None;
        config.set_source(&format!("fabric+mysql://{node}")).expect("a URL");
        config.credentials = given;
        let refusal = group_of(&Router::new(config), "employees.salaries", Key::Integer(1));
        refusal.expect_err("a refusal")
    };
    let error = refused(credentials("admin", "secret"));
    assert_eq!(error.code, Code::Auth, "{error}");
    assert!(error.message.contains(&node) && error.message.contains("\"admin\""), "{error}");
    assert!(!error.message.contains("secret"), "{error}");
    assert_eq!(refused(credentials("conn", "wrong")).code, Code::Auth);
    let error = refused(None);
    assert_eq!(error.code, Code::Unreachable, "{error}");
    assert!(error.message.contains("fabric_options_set_credentials"), "{error}");

    // The role connector has the dumps, and nothing else.
    let mut config = by_url(&server);
    config.source = None;
    config.set_source(&format!("fabric+mysql://conn@{node}")).expect("a URL");
    config.credentials = credentials("conn", "connpw");
    config.check().expect("it fits");
    let router = Router::new(config);
    group_of(&router, "employees.salaries", Key::Integer(1)).expect("a group");
    let error = router.execute("group", "lookup_groups", &[]).expect_err("a refusal");
    assert_eq!(error.code, Code::Forbidden, "{error}");
}

/// A node has no TLS on this port; the password's hash is not for whoever says so.
#[test]
fn where_tls_is_asked_for_nothing_of_the_password_goes_out() {
    let server = with_mysql(Farm::sample());
    let directory = std::env::temp_dir().join(format!("mysql-rpc-{}", std::process::id()));
    let certs = fabricd::Certs::generate().expect("certificates");
    fs::create_dir_all(&directory).expect("a directory");
    certs.write_to(directory.to_str().expect("UTF-8")).expect("written");
    let config = Config {
        tls: Some(TlsFiles { ca: directory.join("ca.pem"), identity: None }),
        ..by_url(&server)
    };
    let refusal = group_of(&Router::new(config), "employees.salaries", Key::Integer(1));
    let error = refusal.expect_err("a refusal");
    fs::remove_dir_all(&directory).expect("removed");
    assert_eq!(error.code, Code::Tls, "{error}");
    assert!(error.message.contains("offers no TLS"), "{error}");
    assert_eq!(calls(&server), Vec::<String>::new());
}

#[test]
fn the_nodes_that_speak_it_are_learned() {
    let (mut first, second) = (with_mysql(Farm::sample()), with_mysql(Farm::sample()));
    let told = |server: &Server| FabricNode {
        host: "127.0.0.1".into(),
        port: server.port().into(),
        mysql_port: Some(port(server).into()),
    };
    first.farm().nodes = vec![told(&first), told(&second)];
    let router = over_mysql(&first);
    let nodes = router.fabric_nodes().expect("nodes");
    let ports: Vec<u16> = nodes.iter().map(|node| node.port).collect();
    assert_eq!(ports, [port(&first), port(&second)]);
    first.stop();
    group_of(&router, "employees.salaries", Key::Integer(1)).expect("the learned node answers");
    assert!(!calls(&second).is_empty());
}

/// What text would break: more shards than packets can be counted, and characters beyond ASCII.
#[test]
fn large_and_foreign_answers_are_whole() {
    let mut farm = recorded_farm();
    let mapping = farm.mapping_of("employees.salaries").expect("a mapping").id;
    for bound in 0..1000 {
        let bound = (30_000 + bound).to_string();
        farm.add_shard(mapping, &bound, "shard1", fabricd::State::Enabled).expect("a shard");
    }
    let server = with_mysql(farm);
    let router = over_mysql(&server);
    router.seed(None).expect("all of it");
    let group = |table, key| group_of(&router, table, key).expect("a group");
    assert_eq!(group("employees.salaries", Key::Integer(30_500)), "shard1");
    assert_eq!(group("crm.nonascii", Key::Text("\u{65e5}\u{672c}".as_bytes())), "shard3");
}

#[test]
fn names_that_no_call_can_hold_are_asked_for_with_all_others() {
    let mut farm = Farm::sample();
    let like = farm.groups.iter().find(|group| group.id == "shard1").expect("a group").clone();
    farm.groups.push(Group { id: "it's".to_owned(), ..like });
    let server = with_mysql(farm);
    let router = over_mysql(&server);
    assert_eq!(primary_of(&router, "it's").expect("a server"), 33611);
    for name in ["sho'p.orders", "sho\"p.orders"] {
        assert_eq!(code(group_of(&router, name, Key::Integer(1))), Code::UnknownTable);
    }
}

#[test]
fn commands_and_reports_go_this_way_too() {
    let server = with_mysql(Farm::sample());
    let router = over_mysql(&server);
    let sets = router.execute("sharding", "lookup_servers", &["crm.names".into(), "a,b".into()]);
    let sets = sets.expect("an answer");
    assert!(sets[0].columns.iter().any(|column| column == "server_uuid"), "{sets:?}");
    let error = router.execute("group", "lookup_servers", &["nosuch".into()]);
    let error = error.expect_err("no such group");
    assert!(error.message.contains("Group (nosuch) does not exist."), "{error}");
    let error = router.execute("sharding", "lookup_servers", &["crm.names".into(), "O'B".into()]);
    assert_eq!(error.expect_err("no escape for it").code, Code::Argument);
    let error = router.execute("no", "such", &[Value::Nil]).expect_err("no such command");
    assert_eq!(error.code, Code::Fabric, "{error}");

    let config = Config { report_errors: ReportErrors::Failure, ..by_url(&server) };
    let reporting = Router::new(config);
    let primary = reporting
        .group_server("shard1", Wanted::Primary, |_, server| Ok(server.uuid.clone()))
        .expect("a primary");
    reporting.report_result(&primary, 2003);
    eventually("the report", || !server.reports().is_empty());
    assert_eq!(server.reports()[0].server_uuid, primary);
}

/// Whatever a node does, an answer comes within the request timeout, and what is known stays.
#[test]
fn a_node_that_misbehaves_costs_one_deadline() {
    let server = with_mysql(Farm::sample());
    let timeout = Duration::from_millis(500);
    let config = Config {
        request_timeout: timeout,
        max_reply_bytes: 1 << 20,
        connect_attempts: 1,
        ..by_url(&server)
    };
    let router = Router::new(config);
    group_of(&router, "employees.salaries", Key::Integer(1)).expect("a group");
    for (kind, expected) in [
        (FaultKind::Hang, Code::Timeout),
        (FaultKind::Close, Code::Unreachable),
        (FaultKind::CloseMidReply, Code::Unreachable),
        (FaultKind::HangUp, Code::Unreachable),
        // Its first bytes are the length of a packet.
        (FaultKind::Garbage, Code::ReplyTooLarge),
        (FaultKind::Oversized(Oversized::Endless), Code::ReplyTooLarge),
        (FaultKind::Fault("a fault".into()), Code::Fabric),
        (FaultKind::Error("an error".into()), Code::Fabric),
    ] {
        server.set_fault(Fault::always(kind.clone()));
        let begun = Instant::now();
        let error = group_of(&router, "shop.orders", Key::Integer(1)).expect_err("a refusal");
        assert_eq!(error.code, expected, "{kind:?}: {error}");
        let deadlines = begun.elapsed().as_millis() / timeout.as_millis();
        assert!(deadlines < 20, "{kind:?} took {deadlines} deadlines");
        let known = group_of(&router, "employees.salaries", Key::Integer(1));
        assert_eq!(known.expect("what is known"), "shard1", "{kind:?}");
    }
    server.clear_fault();
    eventually("an answer", || group_of(&router, "shop.orders", Key::Integer(1)).is_ok());
}
