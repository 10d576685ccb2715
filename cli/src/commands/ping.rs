//! `ping`: every node of the source and every server of the farm, all at once.

use std::thread;
use std::time::Instant;

use mysqlfabric::config::{Config, Node, SourceUrl};
use mysqlfabric::mysql::{Address, Limits};
use mysqlfabric::router::Router;
use serde::Serialize;

use crate::args::Ping;
use crate::database::Connection;
use crate::exit::{Exit, Failure, Result};
use crate::output::{Progress, Row, note, or_dash};

use super::Run;
use super::servers::{self, ServerRow};

/// What one of them said.
#[derive(Debug, Clone, Serialize)]
struct Ponged {
    /// `node` of the source, or `server` of the farm.
    what: &'static str,
    address: String,
    group: Option<String>,
    /// `ok`, `failed`, `doubtful` or `not tried`.
    result: &'static str,
    /// Until the login was done.
    login_ms: Option<f64>,
    /// One statement.
    answer_ms: Option<f64>,
    version: Option<String>,
    read_only: Option<bool>,
    note: Option<String>,
}

impl Row for Ponged {
    const HEAD: &'static [&'static str] =
        &["WHAT", "ADDRESS", "GROUP", "RESULT", "LOGIN", "ANSWER", "VERSION", "READ ONLY", "NOTE"];

    fn cells(&self) -> Vec<String> {
        let millis = |millis: Option<f64>| or_dash(millis.map(|millis| format!("{millis:.2} ms")));
        vec![
            self.what.to_owned(),
            self.address.clone(),
            or_dash(self.group.as_deref()),
            self.result.to_owned(),
            millis(self.login_ms),
            millis(self.answer_ms),
            or_dash(self.version.as_deref()),
            or_dash(self.read_only.map(crate::output::yes_no)),
            or_dash(self.note.as_deref()),
        ]
    }
}

/// What a server answers that does not have a variable.
const UNKNOWN_VARIABLE: u16 = 1193;

pub fn run(run: &Run, args: &Ping) -> Result<Exit> {
    let config = run.settings.config()?;
    let named = named(&config);
    let router = Router::new(config.clone());
    if config.mysql.credentials.is_none() {
        note(
            "MySQL servers are not tried without an account (--user): they count logins that \
             break off",
        );
    }
    // Who cannot be had from the source is asked all the same.
    let loaded = {
        let _progress = Progress::of("loading the farm");
        router.seed(None).map_err(Failure::from)
    };
    run.repeat(args.repeat, || {
        let nodes = router.fabric_nodes().unwrap_or_default();
        let nodes = match (is_fabric(&config), nodes.is_empty()) {
            (true, false) => nodes,
            // The members that were found, and whom the URL names.
            _ => named
                .iter()
                .cloned()
                .chain(nodes.into_iter().filter(|of| !named.contains(of)))
                .collect(),
        };
        let rows = {
            let _progress = Progress::of("asking");
            ask(&config, &named, nodes, servers::of(&router)?)
        };
        run.out.list("pings", &rows)?;
        let is_well = rows.iter().all(|row| matches!(row.result, "ok" | "not tried"));
        match (&loaded, is_well) {
            (Ok(()), true) => Ok(Exit::Done),
            _ => Ok(Exit::Found),
        }
    })
    .and_then(|exit| loaded.map(|()| exit))
}

/// The nodes that the URL names.
fn named(config: &Config) -> Vec<Node> {
    match &config.source {
        Some(SourceUrl::Fabric { nodes, .. } | SourceUrl::FabricMysql { nodes, .. }) => {
            nodes.clone()
        }
        Some(SourceUrl::FabricStore(database) | SourceUrl::Mysql(database)) => {
            database.servers.clone()
        }
        Some(SourceUrl::Cluster(cluster)) => cluster.servers.clone(),
        Some(SourceUrl::File { .. }) | None => Vec::new(),
    }
}

fn is_fabric(config: &Config) -> bool {
    matches!(config.source, Some(SourceUrl::Fabric { .. } | SourceUrl::FabricMysql { .. }))
}

fn ask(config: &Config, named: &[Node], nodes: Vec<Node>, servers: Vec<ServerRow>) -> Vec<Ponged> {
    let is_fabric = is_fabric(config);
    let is_server =
        |node: &Node| servers.iter().any(|of| of.host == node.host && of.port == node.port);
    // One that is a server of the farm, too, is asked once.
    let nodes: Vec<Node> = nodes.into_iter().filter(|node| is_fabric || !is_server(node)).collect();
    thread::scope(|scope| {
        let nodes: Vec<_> = nodes
            .into_iter()
            .map(|node| {
                scope.spawn(move || match is_fabric {
                    true => ask_fabric(config, &node),
                    // A member that was found, and is no server of a group any more.
                    false if !named.contains(&node) => ask_mysql(config, "member", &node, false).0,
                    false => ask_mysql(config, "node", &node, true).0,
                })
            })
            .collect();
        let servers: Vec<_> = servers
            .into_iter()
            .map(|server| scope.spawn(move || ask_server(config, named, &server)))
            .collect();
        nodes.into_iter().chain(servers).filter_map(|thread| thread.join().ok()).collect()
    })
}

fn blank(what: &'static str, of: String) -> Ponged {
    Ponged {
        what,
        address: of,
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
fn ask_fabric(config: &Config, node: &Node) -> Ponged {
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
    let row = blank("node", node.to_string());
    match answer {
        Ok(_) => Ponged { answer_ms: Some(millis(begun)), ..row },
        Err(error) => Ponged { result: "failed", note: Some(error.message), ..row },
    }
}

fn ask_server(config: &Config, named: &[Node], server: &ServerRow) -> Ponged {
    let node = Node { host: server.host.clone(), port: server.port };
    let (mut row, uuid) = ask_mysql(config, "server", &node, named.contains(&node));
    row.group = Some(server.group.clone());
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

/// A login, and one statement; and the UUID that the server has.
fn ask_mysql(
    config: &Config,
    what: &'static str,
    node: &Node,
    is_for_named: bool,
) -> (Ponged, Option<String>) {
    let row = blank(what, node.to_string());
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
        let error = failure.into_error(&address, user);
        Ponged { result: "failed", note: Some(error.message), ..row.clone() }
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
