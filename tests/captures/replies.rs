//! Every captured reply of generation 2, through the real client.

use std::collections::BTreeMap;

use crate::canned::{Canned, Commands, Protocol, capture, client, config, header, path};
use mysqlfabric::base::error::{Code, Error};
use mysqlfabric::source::fabric::{Generation, ResultSets, Value};
use mysqlfabric::topology::{Server, ShardRow};

const UUID: &str = "5ca1ab1e-a007-feed-f00d-cab3fe13249e";

fn execute(name: &str, group: &str, command: &str) -> Result<ResultSets, Error> {
    let server = Canned::replaying(&[name]);
    client(config()).execute(&server.node, group, command, &[])
}

fn failure(name: &str) -> Error {
    execute(name, "some", "command").unwrap_err()
}

fn servers(name: &str) -> Vec<(String, Server)> {
    let server = Canned::replaying(&[name]);
    let dump = client(config()).servers(&server.node, "").unwrap();
    assert_eq!((dump.uuid.as_str(), dump.ttl_seconds), (UUID, 1));
    assert_eq!(dump.skipped, []);
    dump.rows.into_iter().map(|row| (row.group, row.server)).collect()
}

fn shards(name: &str) -> Vec<ShardRow<'static>> {
    let server = Canned::replaying(&[name]);
    let dump = client(config()).sharding_information(&server.node, "").unwrap();
    assert_eq!((dump.uuid.as_str(), dump.ttl_seconds), (UUID, 1));
    assert_eq!(dump.skipped, []);
    dump.rows
}

#[test]
fn the_request_is_as_a_node_wants_it() {
    let server = Canned::replaying(&["fabric_nodes_xmlrpc"]);
    let reply = client(config()).fabric_nodes(&server.node).unwrap();
    assert_eq!(
        (reply.generation, reply.uuid.as_str(), reply.ttl_seconds),
        (Generation::Two, UUID, 1)
    );
    assert_eq!(reply.nodes.len(), 1);
    assert_eq!((reply.nodes[0].host.as_str(), reply.nodes[0].port), ("127.0.0.1", 32274));
    let request = server.requests().remove(0);
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /RPC2 HTTP/1.1\r\n"), "{head}");
    for (name, value) in [
        ("host", format!("127.0.0.1:{}", server.node.port)),
        ("user-agent", format!("libmysqlfabric/{}", env!("CARGO_PKG_VERSION"))),
        ("content-type", "text/xml".into()),
        ("content-length", body.len().to_string()),
        ("accept-encoding", "gzip".into()),
        ("connection", "close".into()),
    ] {
        assert_eq!(header(head, name), Some(value.as_str()), "{name}");
    }
    for name in ["authorization", "transfer-encoding", "cookie", "referer", "expect"] {
        assert_eq!(header(head, name), None, "{name}");
    }
    let captured = std::fs::read_to_string(path("fabric_nodes_xmlrpc.req")).unwrap();
    let captured = captured.split_once("\r\n\r\n").unwrap().1;
    let squeezed = |text: &str| text.replace('\n', "");
    assert_eq!(squeezed(body), squeezed(captured));
}

#[test]
fn server_dumps() {
    let all = servers("servers_all_empty");
    let mut groups = BTreeMap::<&str, usize>::new();
    for (group, server) in &all {
        *groups.entry(group).or_default() += 1;
        assert_eq!((server.uuid.len(), server.host.as_str()), (36, "127.0.0.1"));
        assert!((33601..33700).contains(&server.port) && server.weight > 0.0);
        // PRIMARY is READ_WRITE, SECONDARY is READ_ONLY, SPARE is OFFLINE.
        assert!([(3, 3), (2, 1), (1, 0)].contains(&(server.status, server.mode)), "{server:?}");
    }
    let counts: Vec<_> = groups.into_iter().collect();
    let expected =
        [("global", 2), ("shard1", 3), ("shard10", 1), ("shard2", 3), ("shard3", 1), ("shard4", 1)];
    assert_eq!(counts, expected);
    for same in ["servers_nil_nil", "servers_noarg", "servers_1arg"] {
        assert_eq!(servers(same), all);
    }
    let shard1 = servers("servers_shard1_substring");
    assert!(shard1.iter().any(|(group, _)| group == "shard10"), "the pattern is a substring");
    let weights: Vec<f64> =
        shard1.iter().filter(|(group, _)| group == "shard1").map(|(_, s)| s.weight).collect();
    assert_eq!(weights, [1.0, 2.0, 0.5]);
    let expected = [
        ("servers_case", 2),
        ("servers_dup", 2),
        ("servers_global", 2),
        ("servers_emptygrp", 0),
        ("servers_quote", 0),
        ("servers_unicode", 0),
        ("servers_unknown", 0),
        ("weight_0_1", 4),
    ];
    for (name, count) in expected {
        assert_eq!(servers(name).len(), count, "{name}");
    }
}

#[test]
fn sharding_dumps() {
    let all = shards("si_all");
    assert_eq!(all.len(), 28);
    let types: Vec<_> = ["RANGE", "RANGE_INTEGER", "RANGE_STRING", "RANGE_DATETIME", "HASH"]
        .into_iter()
        .filter(|name| all.iter().any(|shard| shard.type_name == *name))
        .collect();
    assert_eq!(types.len(), 5, "{types:?}");
    assert!(all.iter().all(|shard| shard.global_group == "global"));
    let bounds = |name| -> Vec<_> { shards(name).into_iter().map(|s| s.lower_bound).collect() };
    assert_eq!(bounds("si_datetime"), ["2000-01-01", "2010-01-01", "2020-06-15"]);
    let hash = shards("si_hash");
    assert_eq!(hash.len(), 4);
    for shard in &hash {
        assert_eq!((&*shard.schema, &*shard.table), ("hashdb", "accounts"));
        assert!(shard.lower_bound.len() == 32 && shard.type_name == "HASH");
    }
    for unknown in ["si_unknown", "si_dbonly", "si_tableonly", "si_trailingspace"] {
        assert_eq!(shards(unknown), [], "{unknown}");
    }
    assert_eq!(shards("si_range"), shards("si_upper"), "patterns ignore case");
}

#[test]
fn big_dumps_plain_and_zipped() {
    for (plain, zipped) in [("big_1200_t", "big_1200_t_gzip"), ("big_1200_h", "big_1200_h_gzip")] {
        assert!(capture(zipped).windows(8).any(|bytes| bytes == b"\r\n\r\n\x1f\x8b\x08\0"));
        let rows = shards(plain);
        assert_eq!(rows.len(), 1200, "{plain}");
        assert_eq!(shards(zipped), rows);
    }
    for name in ["big_5000_t_gzip", "big_5000_h_gzip"] {
        assert_eq!(shards(name).len(), 5000, "{name}");
    }
}

#[test]
fn commands_become_rows_and_columns() {
    let reply = execute("sls_range", "sharding", "lookup_servers").unwrap();
    let [set] = reply.sets.as_slice() else { panic!("{reply:?}") };
    assert_eq!(set.columns, ["server_uuid", "address", "status", "mode", "weight"]);
    assert_eq!(set.rows.len(), 3);
    assert_eq!(
        set.rows[1][1..],
        ["127.0.0.1:33612".into(), "SECONDARY".into(), "READ_ONLY".into(), Value::Double(2.0)]
    );
    assert_eq!((reply.uuid.as_str(), reply.ttl_seconds), (UUID, 1));
    assert_eq!(execute("ping", "manage", "ping").unwrap().sets, []);
    let health = execute("gh", "group", "health").unwrap();
    assert_eq!(health.sets.iter().map(|set| set.rows.len()).collect::<Vec<_>>(), [3, 0]);
    assert_eq!(health.sets[0].rows[0][1], Value::Bool(true));
    let procedure = execute("proc_result_sync", "group", "description").unwrap();
    let [head, steps] = procedure.sets.as_slice() else { panic!("{procedure:?}") };
    assert_eq!(head.columns, ["uuid", "finished", "success", "result"]);
    assert_eq!(head.rows[0][1..], [Value::Bool(true), Value::Bool(true), Value::Bool(true)]);
    assert_eq!(steps.rows[0][2], Value::Double(1795415425.750577));
    let text = steps.rows[0][3].as_text().unwrap();
    assert!(text.contains("<mysql.fabric.events.Event object"), "entities are resolved: {text}");
    let both = execute("fabric_nodes_nil", "dump", "fabric_nodes").unwrap();
    assert_eq!(both.sets[0].rows.len(), 2);
    let methods = execute("system_listMethods", "system", "listMethods").unwrap();
    assert_eq!(methods.sets[0].columns, ["value"]);
    assert!(methods.sets[0].rows.contains(&vec!["dump.servers".into()]));
    let unknown = execute("slt_unknown", "sharding", "lookup_table").unwrap();
    assert!(unknown.sets[0].rows[0].iter().all(|cell| *cell == "".into()));
    let empty = execute("gl_unicode", "group", "lookup_groups").unwrap();
    assert_eq!(empty.sets[0].rows[0][3], "None".into(), "a NULL comes as this string");
}

#[test]
fn errors_inside_the_envelope() {
    for (name, text) in [
        ("sls_below", "Invalid Key 0"),
        ("sls_disabled", "Shard not enabled"),
        ("sls_unknown", "not found"),
        ("sls_badhint", "Unknown lookup hint"),
        ("sls_global_table", "list index out of range"),
        ("gls_unknown", "does not exist."),
        ("gl_unknown", "does not exist."),
        ("servers_3args", "execute() takes at most 3 arguments (4 given)"),
        ("servers_pattern_int", "expected string or buffer"),
        ("servers_pattern_array", "expected string or buffer"),
        ("fabric_nodes_bad", "is not supported."),
        ("report_failure_unknown_uuid", "does not exist."),
        ("report_failure_garbage", "ServerError: Server (not a uuid) does not exist."),
        ("role_connector_threat", "does not exist."),
        ("store_down_dump_servers_32284", "failed accessing (127.0.0.1:33600)"),
    ] {
        let error = failure(name);
        assert_eq!(error.code, Code::Fabric, "{name}: {error}");
        assert!(error.message.contains(text), "{name}: {error}");
        assert!(error.message.starts_with("some.command at 127.0.0.1:"), "{error}");
    }
}

#[test]
fn faults_keep_the_servers_text() {
    for (name, text) in [
        ("unknown_method", "<type 'exceptions.Exception'>:method \"dump.nosuch\" is not supported"),
        (
            "http_bad_xml",
            "<class 'xml.parsers.expat.ExpatError'>:no element found: line 1, column 57",
        ),
        ("unknown_group_method", "is not supported"),
    ] {
        let error = failure(name);
        assert_eq!(error.code, Code::Fabric, "{name}");
        assert!(error.message.contains(text), "{name}: {error}");
    }
}

#[test]
fn statuses() {
    for (name, code, text) in [
        ("role_connector_ping_403", Code::Forbidden, "Not allowed to execute 'core.manage.ping'"),
        ("role_connector_group_403", Code::Forbidden, "dump.* and threat.*"),
        ("http_wrong_path", Code::Protocol, "404 Not Found"),
        ("http_get", Code::Protocol, "501 Unsupported method ('GET')"),
        ("http_chunked_request", Code::Protocol, "500 Internal Server Error"),
        ("http_no_methodname", Code::Protocol, "400 Bad Request"),
        ("http_gzip_request", Code::Protocol, "501"),
        ("auth_401_challenge", Code::Auth, "fabric_options_set_credentials"),
        ("auth_wrong_password", Code::Protocol, "before its answer was whole"),
        ("auth_basic", Code::Protocol, "before its answer was whole"),
        ("method_without_dot", Code::Protocol, "does not answer in HTTP"),
    ] {
        let error = failure(name);
        assert_eq!(error.code, code, "{name}: {error}");
        assert!(error.message.contains(text), "{name}: {error}");
        assert!(error.message.contains("127.0.0.1:"), "{name}: {error}");
    }
}

/// No capture of XML-RPC is left out, and each goes one of three ways.
#[test]
fn every_capture_is_understood() {
    let mut counts = BTreeMap::<&str, usize>::new();
    for entry in std::fs::read_dir(path("")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let Some(name) = name.strip_suffix(".res") else { continue };
        // What a node says on its other port, in MySQL's protocol.
        if name.starts_with("mysql_") {
            continue;
        }
        let bytes = capture(name);
        let kind = match execute(name, "some", "command") {
            Ok(_) => "answers",
            Err(error) if error.code == Code::Fabric => "refusals of a command",
            Err(error) => {
                let text = error.to_string();
                assert!(!bytes.starts_with(b"HTTP/1.0 200"), "{name}: {text}");
                "refusals of a request"
            }
        };
        *counts.entry(kind).or_default() += 1;
    }
    let expected = [("answers", 130), ("refusals of a command", 40), ("refusals of a request", 33)];
    assert_eq!(counts, BTreeMap::from(expected));
}
