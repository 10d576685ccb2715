//! `groups`: the groups of servers.

use mysqlfabric::base::error::{Code, Error};
use mysqlfabric::router::Router;
use mysqlfabric::topology::Wanted;
use serde::Serialize;

use crate::args::Groups;
use crate::c_names::translated;
use crate::exit::{Exit, Result};
use crate::output::{Row, address, ago, or_dash, yes_no};

use super::Run;

#[derive(Debug, Serialize)]
pub struct GroupRow {
    pub group: String,
    /// `host:port`; nothing without one.
    pub primary: Option<String>,
    pub servers: usize,
    /// Of these, those that are left out, or are on trial.
    pub quarantined: usize,
    pub takes_writes: bool,
    pub writes_held: bool,
    pub shards: u64,
    pub age_ms: Option<u64>,
    /// Why it has no primary, if the source says so.
    pub reason: Option<String>,
}

impl Row for GroupRow {
    const HEAD: &'static [&'static str] =
        &["GROUP", "PRIMARY", "SERVERS", "QUARANTINED", "WRITES", "SHARDS", "AGE", "REASON"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.group.clone(),
            or_dash(self.primary.as_deref()),
            self.servers.to_string(),
            self.quarantined.to_string(),
            if self.writes_held { "held".to_owned() } else { yes_no(self.takes_writes) },
            self.shards.to_string(),
            or_dash(self.age_ms.map(ago)),
            or_dash(self.reason.as_deref()),
        ]
    }
}

pub fn run(run: &Run, args: &Groups) -> Result<Exit> {
    run.look(args.repeat, |router, _| {
        let rows = of_group(of(router)?, args.group.as_deref(), |row| &row.group)?;
        run.out.list("groups", &rows)?;
        Ok(Exit::Done)
    })
}

/// The rows of one group, if one is named.
///
/// # Errors
/// There is none.
pub fn of_group<T>(
    mut rows: Vec<T>,
    named: Option<&str>,
    name: impl Fn(&T) -> &str,
) -> Result<Vec<T>> {
    let Some(group) = named else { return Ok(rows) };
    rows.retain(|row| name(row) == group);
    if rows.is_empty() {
        let message = format!("there is no group '{group}'; mysqlfabric groups lists them");
        return Err(Error::new(Code::UnknownGroup, message).into());
    }
    Ok(rows)
}

/// The groups that a router knows.
pub fn of(router: &Router) -> Result<Vec<GroupRow>> {
    Ok(router.groups(|known| {
        let group = known.group;
        let primary = group.named_primary();
        Ok(GroupRow {
            group: known.name.to_owned(),
            primary: primary.map(|server| address(&server.host, server.port)),
            servers: group.servers().len(),
            quarantined: group.out_of_use(),
            takes_writes: group.may_serve(Wanted::Primary),
            writes_held: group.is_held(),
            shards: known.shards,
            age_ms: known.age,
            reason: group.reason().map(|reason| translated(reason)),
        })
    })?)
}
