//! `servers`: the servers of the farm.

use mysqlfabric::router::Router;
use mysqlfabric::topology::Server;
use serde::Serialize;

use crate::args::Servers;
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

pub fn run(run: &Run, args: &Servers) -> Result<Exit> {
    let router = run.load()?;
    run.repeat(args.repeat, || {
        let rows = of_group(of(&router)?, args.group.as_deref(), |row| &row.group)?;
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
