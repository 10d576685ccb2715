//! Which commands there are, and with how many parameters.

use super::Failure;
use crate::value::Value;

const METHODS: &str = "dump.fabric_nodes dump.servers dump.shard_index dump.shard_maps \
    dump.shard_tables dump.sharding_information event.trigger event.wait_for_procedures \
    group.activate group.add group.create group.deactivate group.demote group.description \
    group.destroy group.health group.lookup_groups group.lookup_servers group.promote \
    group.remove manage.logging_level manage.ping manage.setup manage.start manage.stop \
    manage.teardown provider.list provider.register provider.unregister role.list server.clone \
    server.create server.destroy server.list server.lookup_uuid server.set_mode \
    server.set_status server.set_weight sharding.add_shard sharding.add_table \
    sharding.create_definition sharding.disable_shard sharding.enable_shard \
    sharding.list_definitions sharding.list_tables sharding.lookup_servers \
    sharding.lookup_table sharding.move_shard sharding.prune_shard sharding.remove_definition \
    sharding.remove_shard sharding.remove_table sharding.split_shard snapshot.create \
    snapshot.destroy statistics.group statistics.node statistics.procedure system.listMethods \
    system.methodHelp system.methodSignature threat.report_error threat.report_failure user.add \
    user.delete user.list user.password user.roles user.usercommand";

/// The list a real node gives, though not all of it is implemented here.
pub fn list() -> Value {
    Value::Array(METHODS.split_whitespace().map(Value::from).collect())
}

/// Fewest and most parameters.
fn arity(method: &str, generation: u8) -> Option<(usize, usize)> {
    Some(match method {
        "dump.fabric_nodes" if generation == 1 => (0, 0),
        "dump.fabric_nodes" => (0, 1),
        "dump.servers"
        | "dump.sharding_information"
        | "dump.shard_tables"
        | "dump.shard_maps"
        | "dump.shard_index" => (0, 2),
        "group.lookup_servers" => (1, 4),
        "group.lookup_groups" => (0, 1),
        "group.description" => (1, 3),
        "group.health" => (1, 2),
        "group.promote" => (1, 4),
        "group.demote" => (1, 3),
        "group.activate" | "group.deactivate" => (1, 2),
        "sharding.lookup_servers" => (2, 3),
        "sharding.lookup_table" | "sharding.list_tables" => (1, 1),
        "sharding.list_definitions" => (0, 0),
        "sharding.add_shard" => (2, 4),
        "sharding.disable_shard" | "sharding.enable_shard" | "sharding.remove_shard" => (1, 2),
        "sharding.move_shard" => (2, 4),
        "sharding.split_shard" => (2, 5),
        "server.lookup_uuid" => (1, 1),
        "server.set_status" => (2, 4),
        "server.set_mode" | "server.set_weight" => (2, 3),
        "threat.report_failure" | "threat.report_error" => (1, 5),
        "manage.ping" | "system.listMethods" => (0, 0),
        _ => return None,
    })
}

/// Refuses an unknown method, and a wrong number of parameters in the words of Python 2.
pub fn check(method: &str, given: usize, generation: u8) -> Result<(), Failure> {
    let Some((fewest, most)) = arity(method, generation) else {
        return Err(if METHODS.split_whitespace().any(|m| m == method) {
            Failure::Command(format!("fabricd does not implement {method}"))
        } else {
            Failure::Unknown
        });
    };
    let (bound, wanted) = if fewest == most {
        ("exactly", most)
    } else if given > most {
        ("at most", most)
    } else {
        ("at least", fewest)
    };
    if (fewest..=most).contains(&given) {
        return Ok(());
    }
    // Python counts the object itself.
    let (wanted, given) = (wanted + 1, given + 1);
    let plural = if wanted == 1 { "" } else { "s" };
    Err(Failure::Type(format!("execute() takes {bound} {wanted} argument{plural} ({given} given)")))
}
