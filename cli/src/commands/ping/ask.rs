//! Asking: a request to a Fabric node, a login and a statement to a MySQL server.

use std::thread;
use std::time::Instant;

use mysqlfabric::base::error::Error;
use mysqlfabric::config::{Config, Node, SourceUrl};
use mysqlfabric::mysql::{Address, Limits};
use mysqlfabric::router::Router;

use crate::c_names::translated;
use crate::commands::servers::ServerRow;
use crate::database::Connection;

use super::{Ponged, is_fabric};

/// What a server answers that does not have a variable.
const UNKNOWN_VARIABLE: u16 = 1193;

/// Somebody who was asked.
pub struct Asked {
    node: Node,
    row: Ponged,
    /// The UUID that a server has.
    uuid: Option<String>,
}

/// All of them at once, but for those who were asked while the farm was loaded.
pub fn ask(
    config: &Config,
    named: &[Node],
    trusted: &[Node],
    nodes: Vec<Node>,
    servers: Vec<ServerRow>,
    mut early: Vec<Asked>,
) -> Vec<Ponged> {
    let is_fabric = is_fabric(config);
    let is_cluster = matches!(config.source, Some(SourceUrl::Cluster(_)));
    let is_server =
        |node: &Node| servers.iter().any(|of| of.host == node.host && of.port == node.port);
    let mut early = |node: &Node| {
        let at = early.iter().position(|asked| asked.node == *node)?;
        Some(early.swap_remove(at))
    };
    // One that is a server of the farm, too, is asked once.
    let nodes = nodes.into_iter().filter(|node| is_fabric || !is_server(node));
    let nodes: Vec<_> = nodes.map(|node| (node.clone(), early(&node))).collect();
    let servers: Vec<_> = servers
        .into_iter()
        .map(|server| {
            let node = Node { host: server.host.clone(), port: server.port };
            let asked = if is_fabric { None } else { early(&node) };
            (server, node, asked)
        })
        .collect();
    let listed: Vec<String> = servers.iter().map(|(server, ..)| server.uuid.clone()).collect();
    thread::scope(|scope| {
        let nodes = scope.spawn(move || ask_nodes(config, named, trusted, nodes));
        let servers: Vec<_> = servers
            .into_iter()
            .map(|(server, node, asked)| {
                scope.spawn(move || {
                    let asked = asked.unwrap_or_else(|| ask_mysql(config, node, trusted));
                    of_server(&server, asked)
                })
            })
            .collect();
        let nodes = nodes.join().unwrap_or_default().into_iter();
        let nodes = nodes.map(|asked| of_node(asked, is_cluster, &listed));
        nodes.chain(servers.into_iter().filter_map(|thread| thread.join().ok())).collect()
    })
}

/// All nodes at once, but for those who were asked already.
pub fn ask_nodes(
    config: &Config,
    named: &[Node],
    trusted: &[Node],
    nodes: Vec<(Node, Option<Asked>)>,
) -> Vec<Asked> {
    let ask_node = |node: Node| match (is_fabric(config), named.contains(&node)) {
        (true, _) => ask_fabric(config, node),
        (false, true) => ask_mysql(config, node, trusted),
        // A member that was found, and is no server of a group any more.
        (false, false) => {
            let asked = ask_mysql(config, node, trusted);
            Asked { row: Ponged { what: "member", ..asked.row }, ..asked }
        }
    };
    thread::scope(|scope| {
        let nodes: Vec<_> = nodes
            .into_iter()
            .map(|(node, asked)| scope.spawn(move || asked.unwrap_or_else(|| ask_node(node))))
            .collect();
        nodes.into_iter().filter_map(|thread| thread.join().ok()).collect()
    })
}

fn blank(node: &Node) -> Ponged {
    Ponged {
        what: "node",
        address: node.to_string(),
        group: None,
        result: "ok",
        login_ms: None,
        answer_ms: None,
        version: None,
        read_only: None,
        note: None,
    }
}

/// One request to a Fabric node: which nodes there are.
fn ask_fabric(config: &Config, node: Node) -> Asked {
    let mut config = Config { nodes: vec![node.clone()], ..config.clone() };
    if let Some(SourceUrl::Fabric { nodes, .. } | SourceUrl::FabricMysql { nodes, .. }) =
        &mut config.source
    {
        *nodes = vec![node.clone()];
    }
    config.background_refresh = false;
    let router = Router::new(config);
    let begun = Instant::now();
    let answer = router.fabric_nodes();
    let row = blank(&node);
    let row = match answer {
        Ok(_) => Ponged { answer_ms: Some(millis(begun)), ..row },
        Err(error) => failed(row, &error),
    };
    Asked { node, row, uuid: None }
}

fn failed(row: Ponged, error: &Error) -> Ponged {
    Ponged { result: "failed", note: Some(translated(&error.message)), ..row }
}

/// The row of a node that was asked. One that should be in a group may have another address there, and so is
/// looked for by its UUID.
fn of_node(Asked { row, uuid, .. }: Asked, is_cluster: bool, listed: &[String]) -> Ponged {
    let is_of_group = is_cluster || row.what == "member";
    let is_listed = |uuid: &String| listed.iter().any(|of| of.eq_ignore_ascii_case(uuid));
    match uuid {
        Some(uuid) if is_of_group && !listed.is_empty() && !is_listed(&uuid) => {
            let note = Some("it answers, and is in no group that was found".to_owned());
            Ponged { result: "doubtful", note, ..row }
        }
        _ => row,
    }
}

/// The row of a server that was asked, which may be another one than is listed.
fn of_server(server: &ServerRow, Asked { row, uuid, .. }: Asked) -> Ponged {
    let row = Ponged { what: "server", group: Some(server.group.clone()), ..row };
    let is_primary = server.status == "PRIMARY";
    let doubt = match (uuid, row.read_only) {
        (Some(uuid), _) if !uuid.eq_ignore_ascii_case(&server.uuid) => {
            Some(format!("another server answers here: its UUID is {uuid}"))
        }
        (_, Some(true)) if is_primary => {
            Some("it is listed as PRIMARY, and is read only".to_owned())
        }
        (_, Some(false)) if server.status == "SECONDARY" => {
            Some("it is listed as SECONDARY, and takes writes".to_owned())
        }
        _ => None,
    };
    match doubt {
        Some(doubt) => Ponged { result: "doubtful", note: Some(doubt), ..row },
        None => row,
    }
}

/// A login, and one statement.
fn ask_mysql(config: &Config, node: Node, trusted: &[Node]) -> Asked {
    let (row, uuid) = login(config, &node, trusted.contains(&node));
    Asked { node, row, uuid }
}

fn login(config: &Config, node: &Node, is_for_named: bool) -> (Ponged, Option<String>) {
    let row = blank(node);
    let Some(user) = config.mysql.credentials.as_ref().map(|own| own.user.as_str()) else {
        return (Ponged { result: "not tried", ..row }, None);
    };
    let of = match (&config.source, is_for_named) {
        (Some(SourceUrl::Mysql(database) | SourceUrl::FabricStore(database)), true) => {
            database.socket.clone().map(Address::Socket)
        }
        _ => None,
    };
    let address = of.unwrap_or_else(|| Address::Tcp(node.clone()));
    let failed = |failure: mysqlfabric::mysql::Failure| {
        failed(row.clone(), &failure.into_error(&address, user))
    };
    let begun = Instant::now();
    let connected = Connection::open(config, address.clone(), None, is_for_named);
    let mut connection = match connected {
        Ok(connection) => connection,
        Err(failure) => return (failed(failure), None),
    };
    let login_ms = Some(millis(begun));
    let begun = Instant::now();
    let mut ask = |statement| connection.query(statement, &Limits::of(1 << 16));
    let answer = match ask("SELECT @@global.read_only, @@server_uuid") {
        // MariaDB has no UUID.
        Err(failure) if failure.errno() == Some(UNKNOWN_VARIABLE) => {
            ask("SELECT @@global.read_only")
        }
        answer => answer,
    };
    let sets = match answer {
        Ok(sets) => sets,
        Err(failure) => return (Ponged { login_ms, ..failed(failure) }, None),
    };
    let answer_ms = Some(millis(begun));
    let cells = sets.iter().flat_map(|set| set.rows()).next();
    let cell = |column| cells.and_then(|row| row.get(column));
    let read_only = cell(0).map(|cell| cell != b"0");
    let uuid = cell(1).map(|cell| String::from_utf8_lossy(cell).into_owned());
    let version = Some(connection.version().to_owned());
    (Ponged { login_ms, answer_ms, version, read_only, ..row }, uuid)
}

fn millis(begun: Instant) -> f64 {
    begun.elapsed().as_secs_f64() * 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_left_its_group_is_doubtful() {
        let node = Node { host: "a".into(), port: 1 };
        let result = |what, is_cluster, uuid: Option<&str>, listed: &[&str]| {
            let row = Ponged { what, ..blank(&node) };
            let asked = Asked { node: node.clone(), row, uuid: uuid.map(str::to_owned) };
            let listed: Vec<String> = listed.iter().map(|of| (*of).to_owned()).collect();
            of_node(asked, is_cluster, &listed).result
        };
        assert_eq!(result("node", true, Some("u"), &["v"]), "doubtful");
        assert_eq!(result("member", false, Some("u"), &["v"]), "doubtful");
        assert_eq!(result("node", true, Some("u"), &["v", "U"]), "ok", "by another address");
        assert_eq!(result("node", false, Some("u"), &["v"]), "ok", "it has the map alone");
        assert_eq!(result("node", true, None, &["v"]), "ok", "MariaDB has none");
        assert_eq!(result("node", true, Some("u"), &[]), "ok", "nothing was found");
    }
}
