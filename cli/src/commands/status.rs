//! `status`: what a handle knows, how old it is, and what is wrong.

use std::collections::BTreeSet;

use mysqlfabric::router::Router;
use mysqlfabric::router::inventory::KnownNode;
use mysqlfabric::topology::TableState;
use serde::Serialize;

use crate::args::Status;
use crate::c_names::translated;
use crate::exit::{Exit, Failure, Result};
use crate::output::{Metrics, address, ago, or_dash, printable};

use super::groups::GroupRow;
use super::tables::TableRow;
use super::{Run, groups, tables};

#[derive(Debug, Serialize)]
struct StatusOf {
    source: String,
    /// What the source calls itself.
    identity: String,
    generation: u64,
    age_ms: Option<u64>,
    ttl_ms: Option<u64>,
    nodes_known: usize,
    nodes_up: usize,
    tables: usize,
    shards: usize,
    groups: usize,
    groups_taking_writes: usize,
    servers: usize,
    servers_quarantined: usize,
    refreshes: u64,
    refreshes_failed: u64,
    last_error: Option<String>,
    problems: Vec<String>,
    nodes: Vec<NodeOf>,
}

/// A node of the source, or a server that is asked of its group.
#[derive(Debug, Serialize)]
struct NodeOf {
    host: String,
    port: u16,
    group: Option<String>,
    up: bool,
    /// Why it did not answer, and for how long.
    error: Option<String>,
    silent_ms: Option<u64>,
}

impl NodeOf {
    fn new(KnownNode { node, group, silence, .. }: KnownNode) -> Self {
        let up = silence.is_none();
        let (silent_ms, error) = silence.unzip();
        let error = error.map(|error| translated(&error));
        Self { host: node.host, port: node.port, group, up, error, silent_ms }
    }

    /// Why it is of no use. What the library says of a MySQL server begins with its address.
    fn problem(&self) -> Option<String> {
        let (error, address) = (self.error.as_deref()?, address(&self.host, self.port));
        let group =
            self.group.as_ref().map_or_else(String::new, |group| format!(" of group {group}"));
        Some(match error.strip_prefix(address.as_str()) {
            Some(what) => format!("node {address}{group}{what}"),
            None => format!("node {address}{group} did not answer: {error}"),
        })
    }
}

pub fn run(run: &Run, args: &Status) -> Result<Exit> {
    run.look(args.repeat, |router, not_loaded| {
        let (groups, tables) = (groups::of(router)?, tables::of(router)?);
        let mut status = status(run.settings.url()?, router, &groups, &tables)?;
        if let Some(Failure::Told { message, .. }) = not_loaded {
            status.problems.push(message.clone());
        }
        match (args.prometheus, run.out.json) {
            (true, _) => run.out.text(&prometheus(&status, &groups, &tables))?,
            (_, true) => run.out.value(&status)?,
            _ => run.out.text(&text(&status))?,
        }
        let is_wrong = args.strict && !status.problems.is_empty();
        Ok(if is_wrong { Exit::Found } else { Exit::Done })
    })
}

fn status(
    url: &str,
    router: &Router,
    groups: &[GroupRow],
    tables: &[TableRow],
) -> Result<StatusOf> {
    let numbers = router.metrics();
    let nodes: Vec<NodeOf> = router.known_nodes().into_iter().map(NodeOf::new).collect();
    Ok(StatusOf {
        source: url.to_owned(),
        identity: router.identity(),
        generation: numbers.generation,
        age_ms: router.age(),
        ttl_ms: router.ttl(),
        nodes_known: numbers.nodes_known,
        nodes_up: numbers.nodes_up,
        tables: tables.len(),
        shards: tables.iter().map(|table| table.shards).sum(),
        groups: groups.len(),
        groups_taking_writes: groups.iter().filter(|group| group.takes_writes).count(),
        servers: groups.iter().map(|group| group.servers).sum(),
        servers_quarantined: groups.iter().map(|group| group.quarantined).sum(),
        refreshes: numbers.refreshes.background + numbers.refreshes.callers,
        refreshes_failed: numbers.refreshes.failed,
        last_error: numbers.last_error.map(|error| translated(&error.message)),
        // A server that left its group for good is among the nodes, as is one of another name that the
        // source was given.
        problems: nodes
            .iter()
            .filter_map(NodeOf::problem)
            .chain(without_servers(router, groups)?)
            .chain(problems(groups, tables))
            .collect(),
        nodes,
    })
}

/// Groups of tables that the source lists no server of.
fn without_servers(router: &Router, groups: &[GroupRow]) -> Result<Vec<String>> {
    let of_tables = router.tables(usize::MAX, |topology, _, state| {
        let TableState::Known(known) = state else { return Ok(Vec::new()) };
        let names = known.groups().into_iter().map(|group| topology.group_name(group).to_owned());
        Ok(names.collect())
    })?;
    let mut missing: BTreeSet<String> = of_tables.into_iter().flatten().collect();
    missing.retain(|name| groups.iter().all(|known| known.group != *name));
    let told = |group| format!("group {group} of the tables has no servers: none is listed");
    Ok(missing.into_iter().map(told).collect())
}

/// What keeps lookups from being answered.
fn problems(groups: &[GroupRow], tables: &[TableRow]) -> Vec<String> {
    let mut problems = Vec::new();
    for GroupRow { group, takes_writes, writes_held, quarantined, reason, .. } in groups {
        if *writes_held {
            problems.push(format!("group {group}: writes are held"));
        } else if !takes_writes {
            let why = reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
            problems.push(format!("group {group} has no primary that takes writes{why}"));
        }
        if *quarantined > 0 {
            problems.push(format!("group {group}: {quarantined} of its servers are left out"));
        }
    }
    for TableRow { table, held, read_only, problem, .. } in tables {
        if let Some(problem) = problem {
            problems.push(format!("table {table} cannot be used: {problem}"));
        }
        if *held > 0 {
            problems.push(format!("table {table}: the keys of {held} shards are held"));
        }
        if *read_only > 0 {
            problems.push(format!(
                "table {table}: {read_only} of its shards are READ_ONLY: writes of their keys are held"
            ));
        }
    }
    problems
}

fn text(of: &StatusOf) -> String {
    let identity = if of.identity.is_empty() {
        String::new()
    } else {
        format!(" ({})", printable(&of.identity))
    };
    let mut text = format!(
        "source      {}{identity}\n\
         nodes       {} of {} up\n\
         topology    generation {}, confirmed {} ago, asked for every {}\n\
         tables      {} with {} shards\n\
         groups      {} of {} take writes\n\
         servers     {}, {} left out\n",
        printable(&of.source),
        of.nodes_up,
        of.nodes_known,
        of.generation,
        or_dash(of.age_ms.map(ago)),
        or_dash(of.ttl_ms.map(ago)),
        of.tables,
        of.shards,
        of.groups_taking_writes,
        of.groups,
        of.servers,
        of.servers_quarantined,
    );
    if let Some(error) = &of.last_error {
        text += &format!("last error  {}\n", printable(error));
    }
    if of.problems.is_empty() {
        text += "problems    none\n";
    }
    for (at, problem) in of.problems.iter().enumerate() {
        text += &format!("{:<12}{}\n", if at == 0 { "problems" } else { "" }, printable(problem));
    }
    text
}

fn prometheus(of: &StatusOf, groups: &[GroupRow], tables: &[TableRow]) -> String {
    let mut metrics = Metrics::default();
    let seconds = |millis: Option<u64>| millis.map_or(f64::NAN, |millis| millis as f64 / 1_000.0);
    let number = |number: usize| number as f64;
    for (name, help, value) in [
        (
            "mysqlfabric_topology_age_seconds",
            "Since the oldest part was confirmed.",
            seconds(of.age_ms),
        ),
        (
            "mysqlfabric_topology_generation",
            "Counts the changes of the farm.",
            of.generation as f64,
        ),
        ("mysqlfabric_nodes_known", "Nodes of the source.", number(of.nodes_known)),
        ("mysqlfabric_nodes_up", "Nodes that did not fail when last asked.", number(of.nodes_up)),
        (
            "mysqlfabric_problems",
            "What mysqlfabric status lists as problems.",
            number(of.problems.len()),
        ),
    ] {
        metrics.one(name, "gauge", help, value);
    }
    type OfGroup = fn(&GroupRow) -> f64;
    let of_groups: [(&str, &str, OfGroup); 5] = [
        ("mysqlfabric_group_takes_writes", "1 if lookups for writes get a primary.", |group| {
            f64::from(u8::from(group.takes_writes))
        }),
        ("mysqlfabric_group_writes_held", "1 while writes are held.", |group| {
            f64::from(u8::from(group.writes_held))
        }),
        ("mysqlfabric_group_servers", "Servers that are listed.", |group| group.servers as f64),
        (
            "mysqlfabric_group_servers_quarantined",
            "Servers that are left out, or on trial.",
            |group| group.quarantined as f64,
        ),
        ("mysqlfabric_group_shards", "Shards of all tables in it.", |group| group.shards as f64),
    ];
    for (name, help, value) in of_groups {
        metrics.begin(name, "gauge", help);
        for group in groups {
            metrics.value(name, &[("group", &group.group)], value(group));
        }
    }
    type OfTable = fn(&TableRow) -> f64;
    let of_tables: [(&str, &str, OfTable); 3] = [
        ("mysqlfabric_table_shards", "Shards that are listed.", |table| table.shards as f64),
        ("mysqlfabric_table_shards_held", "Shards whose keys are held.", |table| table.held as f64),
        ("mysqlfabric_table_usable", "1 if its keys can be routed.", |table| {
            f64::from(u8::from(table.problem.is_none()))
        }),
    ];
    for (name, help, value) in of_tables {
        metrics.begin(name, "gauge", help);
        for table in tables {
            metrics.value(name, &[("table", &table.table)], value(table));
        }
    }
    metrics.text().to_owned()
}
