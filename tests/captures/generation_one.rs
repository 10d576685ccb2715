//! Replies of Fabric 1.4.4, recognised without being told.

use crate::canned::{Canned, Commands, Protocol, client, config};
use mysqlfabric::base::error::{Code, Error};
use mysqlfabric::source::fabric::{Generation, ResultSets, Value};

fn execute(name: &str, group: &str, command: &str) -> Result<ResultSets, Error> {
    let server = Canned::replaying(&[name]);
    client(config()).execute(&server.node, group, command, &[])
}

#[test]
fn a_fault_leads_to_the_call_without_arguments() {
    let server = Canned::replaying(&["gen1_fabric_nodes_arg", "gen1_fabric_nodes"]);
    let reply = client(config()).fabric_nodes(&server.node).unwrap();
    assert_eq!(
        (reply.generation, reply.uuid.as_str(), reply.ttl_seconds),
        (Generation::One, "", 1)
    );
    assert_eq!((reply.nodes[0].host.as_str(), reply.nodes[0].port), ("127.0.0.1", 32304));
    let requests = server.requests();
    assert!(requests[0].contains("<string>protocol.xmlrpc</string>"));
    assert!(requests[1].contains("<params>\n</params>"));
}

#[test]
fn dumps() {
    let server =
        Canned::replaying(&["gen1_servers_shard1", "gen1_servers_empty", "gen1_servers_all"]);
    let client = client(config());
    let dump = client.servers(&server.node, "shard1").unwrap();
    assert_eq!((dump.rows.len(), dump.ttl_seconds, dump.skipped.len()), (4, 1, 0));
    let second = &dump.rows[1].server;
    assert_eq!((second.port, second.mode, second.status, second.weight), (33612, 1, 2, 2.0));
    assert_eq!(dump.rows[3].group, "shard10");
    assert_eq!(client.servers(&server.node, "").unwrap().rows, []);
    assert_eq!(client.servers(&server.node, "").unwrap().rows.len(), 14);

    let server = Canned::replaying(&["gen1_si_hash", "gen1_si_unknown", "gen1_si_all"]);
    let dump = client.sharding_information(&server.node, "").unwrap();
    let bounds: Vec<_> = dump.rows.iter().map(|row| (row.shard_id, &*row.lower_bound)).collect();
    assert_eq!(bounds[0], (14, "C783BBB72B956E3F1818E9D4A59D76CB"));
    assert_eq!(bounds[3], (17, "66048CB1692FBF2BC8037F30D21FCFFE"));
    assert_eq!(client.sharding_information(&server.node, "").unwrap().rows, []);
    let all = client.sharding_information(&server.node, "").unwrap();
    assert_eq!((all.rows.len(), all.skipped.len()), (32, 0));
}

#[test]
fn other_commands() {
    let reply = execute("gen1_lookup_range", "sharding", "lookup_servers").unwrap();
    assert_eq!(reply.sets[0].columns, ["server_uuid", "address", "is_primary"]);
    assert_eq!(reply.sets[0].rows.len(), 3);
    assert_eq!(reply.sets[0].rows[0][1..], ["127.0.0.1:33611".into(), Value::Bool(true)]);
    let reply = execute("gen1_group_lookup_servers", "group", "lookup_servers").unwrap();
    let columns = ["status", "weight", "mode", "server_uuid", "address"];
    assert_eq!(
        (reply.sets[0].columns.as_slice(), reply.sets[0].rows.len()),
        (&columns.map(String::from)[..], 3)
    );
    let reply = execute("gen1_lookup_table", "sharding", "lookup_table").unwrap();
    assert_eq!(reply.sets[0].rows[0][0], Value::Int(1));
    let reply = execute("gen1_health", "group", "health").unwrap();
    assert_eq!((reply.sets[0].columns[0].as_str(), reply.sets[0].rows.len()), ("name", 3));
    let reply = execute("gen1_ping", "manage", "ping").unwrap();
    assert_eq!(reply.sets[0].rows, [[Value::Bool(true)]]);
    let reply = execute("gen1_shard_maps", "dump", "shard_maps").unwrap();
    assert_eq!(reply.sets[0].columns, ["mapping_id", "type_name", "global_group_id"]);
    assert_eq!(reply.sets[0].rows[1], ["5".into(), "HASH".into(), "global".into()]);
}

#[test]
fn faults_and_what_is_no_dump() {
    for (name, text) in [
        ("gen1_servers_3args", "execute() takes at most 3 arguments (4 given)"),
        ("gen1_servers_int", "<type 'exceptions.TypeError'>:expected string or buffer"),
        ("gen1_unknown_method", "is not supported"),
        ("gen1_store_dump_servers", "is not supported"),
    ] {
        let error = execute(name, "a", "b").unwrap_err();
        assert!(error.code == Code::Fabric && error.message.contains(text), "{name}: {error}");
    }
    let server = Canned::replaying(&["gen1_ping"]);
    let error = client(config()).servers(&server.node, "").unwrap_err();
    assert_eq!(error.code, Code::Protocol, "{error}");
}
