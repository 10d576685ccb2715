//! `servers`: the servers of the farm.

use mysqlfabric::config::Node;
use mysqlfabric::router::Router;
use mysqlfabric::router::inventory::KnownNode;
use mysqlfabric::topology::Server;
use serde::Serialize;

use crate::args::Servers;
use crate::c_names::translated;
use crate::exit::{Exit, Result};
use crate::farm::{mode_name, status_name};
use crate::output::{Row, address, or_dash};

use super::Run;
use super::groups::of_group;

#[derive(Debug, Serialize)]
pub struct ServerRow {
    pub group: String,
    pub host: String,
    pub port: u16,
    pub status: String,
    pub mode: String,
    pub weight: f64,
    pub zone: Option<String>,
    pub uuid: String,
}

impl Row for ServerRow {
    const HEAD: &'static [&'static str] =
        &["GROUP", "SERVER", "STATUS", "MODE", "WEIGHT", "ZONE", "UUID"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.group.clone(),
            address(&self.host, self.port),
            self.status.clone(),
            self.mode.clone(),
            self.weight.to_string(),
            or_dash(self.zone.as_deref()),
            self.uuid.clone(),
        ]
    }
}

impl ServerRow {
    pub fn of(group: &str, server: &Server) -> Self {
        Self {
            group: group.to_owned(),
            host: server.host.clone(),
            port: server.port,
            status: status_name(server.status),
            mode: mode_name(server.mode),
            weight: server.weight,
            zone: server.zone.clone(),
            uuid: server.uuid.clone(),
        }
    }
}

/// A server that the source was told of, and that does not answer: no group lists it as a member.
#[derive(Debug, Serialize)]
pub struct MissingRow {
    pub group: String,
    pub host: String,
    pub port: u16,
    status: &'static str,
    mode: Option<String>,
    weight: Option<f64>,
    zone: Option<String>,
    uuid: Option<String>,
    pub error: String,
    pub silent_ms: u64,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum AnyRow {
    Listed(ServerRow),
    Missing(MissingRow),
}

impl AnyRow {
    fn group(&self) -> &str {
        match self {
            Self::Listed(row) => &row.group,
            Self::Missing(row) => &row.group,
        }
    }
}

impl Row for AnyRow {
    const HEAD: &'static [&'static str] = ServerRow::HEAD;

    fn cells(&self) -> Vec<String> {
        match self {
            Self::Listed(row) => row.cells(),
            Self::Missing(row) => {
                let (group, server) = (row.group.clone(), address(&row.host, row.port));
                let unknown = || "-".to_owned();
                vec![
                    group,
                    server,
                    row.status.to_owned(),
                    unknown(),
                    unknown(),
                    unknown(),
                    unknown(),
                ]
            }
        }
    }
}

pub fn run(run: &Run, args: &Servers) -> Result<Exit> {
    run.look(args.repeat, |router, _| {
        let listed = of(router)?;
        let missing = missing(router, &listed).into_iter().map(AnyRow::Missing);
        let mut rows: Vec<AnyRow> = listed.into_iter().map(AnyRow::Listed).collect();
        rows.extend(missing);
        // Groups are in this order already, and those that are missing come last of theirs.
        rows.sort_by(|one, other| one.group().cmp(other.group()));
        let rows = of_group(rows, args.group.as_deref(), AnyRow::group)?;
        run.out.list("servers", &rows)?;
        Ok(Exit::Done)
    })
}

/// The servers that a router knows, by their groups.
pub fn of(router: &Router) -> Result<Vec<ServerRow>> {
    let groups = router.groups(|known| {
        let servers = known.group.servers().iter();
        let servers = servers.map(|server| ServerRow::of(known.name, server));
        Ok(servers.collect::<Vec<_>>())
    })?;
    Ok(groups.into_iter().flatten().collect())
}

/// Servers that are asked of a group, do not answer, and are not listed.
fn missing(router: &Router, listed: &[ServerRow]) -> Vec<MissingRow> {
    let is_listed = |node: &Node| {
        listed.iter().any(|row| (row.host.as_str(), row.port) == (node.host.as_str(), node.port))
    };
    let nodes = router.known_nodes().into_iter().filter(|known| !is_listed(&known.node));
    let missing = nodes.filter_map(|KnownNode { node, group, silence, .. }| {
        let (silent_ms, error) = silence?;
        Some(MissingRow {
            group: group?,
            host: node.host,
            port: node.port,
            status: "MISSING",
            mode: None,
            weight: None,
            zone: None,
            uuid: None,
            error: translated(&error),
            silent_ms,
        })
    });
    missing.collect()
}
