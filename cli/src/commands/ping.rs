//! `ping`: every node of the source and every server of the farm, all at once.

mod ask;

use std::thread;
use std::time::Duration;

use mysqlfabric::config::{Config, Node, SourceUrl};
use mysqlfabric::router::Router;
use serde::Serialize;

use crate::args::Ping;
use crate::exit::{Exit, Failure, Result};
use crate::farm;
use crate::output::{Progress, Row, note, or_dash};

use self::ask::{ask, ask_nodes};
use super::{Run, servers};

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

pub fn run(run: &Run, args: &Ping) -> Result<Exit> {
    let config = run.settings.config()?;
    let (named, trusted) = (named(&config), trusted(&config));
    // What it knows is asked for, and nobody waits for it but here.
    let router = Router::new(Config { lookup_timeout: Duration::ZERO, ..config.clone() });
    if config.mysql.credentials.is_none() {
        note(
            "MySQL servers are not tried without an account (--user): they count logins that \
             break off",
        );
    }
    // Who cannot be had from the source is asked all the same, and meanwhile: where nobody answers, both
    // end together.
    let load = || {
        thread::scope(|scope| {
            let _progress = Progress::of("loading the farm");
            let early = scope.spawn(|| {
                let nodes = named.iter().map(|node| (node.clone(), None)).collect();
                ask_nodes(&config, &named, &trusted, nodes)
            });
            let loaded = router.seed(None).map_err(Failure::from);
            (loaded, early.join().unwrap_or_default())
        })
    };
    let mut loaded = None;
    run.repeat(args.repeat, || {
        let mut early = Vec::new();
        // A source that was down comes back while somebody watches.
        if !matches!(loaded, Some(Ok(()))) {
            let (now, asked) = load();
            (loaded, early) = (Some(now), asked);
        }
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
            ask(&config, &named, &trusted, nodes, servers::of(&router)?, early)
        };
        run.out.list("pings", &rows)?;
        let is_well = rows.iter().all(|row| matches!(row.result, "ok" | "not tried"));
        match (&loaded, is_well) {
            (Some(Ok(())), true) => Ok(Exit::Done),
            _ => Ok(Exit::Found),
        }
    })
    .and_then(|exit| loaded.unwrap_or(Ok(())).map(|()| exit))
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

/// The servers that the service itself has named, in the URL or in a topology file: they may get the password
/// unverified where that is allowed, and no server that others have named.
fn trusted(config: &Config) -> Vec<Node> {
    match &config.source {
        // One that cannot be read is told when it is loaded.
        Some(SourceUrl::File { path }) => farm::named(path).unwrap_or_default(),
        // These name Fabric nodes, which in turn name all servers.
        Some(SourceUrl::Fabric { .. } | SourceUrl::FabricMysql { .. }) => Vec::new(),
        _ => named(config),
    }
}

fn is_fabric(config: &Config) -> bool {
    matches!(config.source, Some(SourceUrl::Fabric { .. } | SourceUrl::FabricMysql { .. }))
}
