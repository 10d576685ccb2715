//! `explain`: why a lookup is answered as it is.

use mysqlfabric::base::error::Code;
use mysqlfabric::router::Router;
use mysqlfabric::router::explain::{Explanation, Origin, OriginState};
use mysqlfabric::router::resolve::{Query, ShardKey, Target};
use mysqlfabric::topology::{Key, Why};
use serde::Serialize;

use crate::args::Explain;
use crate::c_names::translated;
use crate::exit::{Exit, Result};
use crate::farm::State;
use crate::output::{address, ago, printable};
use crate::plan::quoted;

use super::{Run, wanted};

/// An explanation for programs. What is not known is null.
#[derive(Debug, Serialize)]
struct Explained {
    /// `host:port` of the server that the lookup would get.
    server: Option<String>,
    uuid: Option<String>,
    /// Why this one, or why none.
    why: Option<&'static str>,
    /// The library's status, 0 if the lookup is answered.
    status: i32,
    /// Why the lookup is refused.
    message: Option<String>,
    table: Option<String>,
    r#type: Option<&'static str>,
    column: Option<String>,
    /// As the shard map reads it.
    key: Option<String>,
    /// Of HASH.
    digest: Option<String>,
    shard_id: Option<i64>,
    lower_bound: Option<String>,
    /// Where the next shard begins.
    upper_bound: Option<String>,
    shard_state: Option<&'static str>,
    /// How long its keys are held yet.
    shard_held_ms: Option<u64>,
    table_state: Option<&'static str>,
    table_age_ms: Option<u64>,
    group: Option<String>,
    servers_listed: Option<usize>,
    servers_quarantined: Option<usize>,
    /// How long its writes are held yet.
    writes_held_ms: Option<u64>,
    group_state: Option<&'static str>,
    group_age_ms: Option<u64>,
    generation: u64,
    source: String,
    node: Option<String>,
    #[serde(skip)]
    code: Option<Code>,
}

pub fn run(run: &Run, args: &Explain) -> Result<Exit> {
    let router = Router::new(run.settings.config()?);
    let target = match (&args.group, &args.table, &args.key) {
        (Some(group), ..) => Target::Group(group.as_bytes()),
        (None, Some(table), Some(key)) => {
            Target::Table(table.as_bytes(), ShardKey::Key(Key::Text(key.as_bytes())))
        }
        (None, Some(table), None) => Target::Table(table.as_bytes(), ShardKey::Missing),
        (None, None, _) => return Ok(Exit::Usage),
    };
    let query = Query { target, wanted: wanted(args.role) };
    let url = run.settings.url()?;
    let explained = router.explain(&query, |explanation| Ok(Explained::of(explanation, url)))?;
    match run.out.json {
        true => run.out.value(&explained)?,
        false => run.out.text(&explained.text())?,
    }
    Ok(explained.code.map_or(Exit::Done, Exit::of))
}

impl Explained {
    fn of(explanation: &Explanation<'_>, url: &str) -> Self {
        let Explanation { topology, answer, table, group, node, .. } = explanation;
        let server = answer.as_ref().ok().and_then(|(chosen, _)| chosen.server());
        let refusal = answer.as_ref().err();
        let known = table.as_ref().and_then(|table| table.table);
        let key = table.as_ref().and_then(|table| table.key.clone());
        let shard = table.as_ref().and_then(|table| table.shard);
        let map = known.map(|known| &known.map).zip(shard);
        let is_held = shard.is_some_and(|(_, shard)| shard.is_kept());
        let millis = |time: std::time::Duration| time.as_millis().try_into().unwrap_or(u64::MAX);
        let of_group = group.as_ref().and_then(|group| group.known.as_ref());
        let origin = |origin: Option<Origin>| (origin.map(state), origin.and_then(|of| of.age));
        let (table_state, table_age_ms) = origin(table.as_ref().map(|table| table.origin));
        let (group_state, group_age_ms) = origin(of_group.map(|(_, origin)| *origin));
        Self {
            server: server.map(|server| address(&server.host, server.port)),
            uuid: server.map(|server| server.uuid.clone()),
            why: explanation.why().map(why),
            status: refusal.map_or(0, |refusal| refusal.code as i32),
            message: refusal.map(|refusal| translated(&refusal.message)),
            table: table.as_ref().map(|table| table.name.clone()),
            r#type: known.map(|known| known.map.kind().name()),
            column: known.map(|known| known.column.clone()),
            digest: key.as_ref().and_then(|(_, digest)| digest.clone()),
            key: key.map(|(text, _)| text),
            shard_id: shard.filter(|_| !is_held).map(|(_, shard)| shard.id),
            lower_bound: map.map(|(map, (at, _))| map.bound_text(at)),
            upper_bound: map
                .filter(|(map, (at, _))| at + 1 < map.len())
                .map(|(map, (at, _))| map.bound_text(at + 1)),
            shard_state: shard.map(|(_, shard)| match shard.group.is_read_only() {
                _ if is_held => "HELD",
                true => State::ReadOnly.name(),
                false => State::Enabled.name(),
            }),
            shard_held_ms: table.as_ref().and_then(|table| table.held_for).map(millis),
            table_state,
            table_age_ms,
            group: group.as_ref().map(|group| group.name.to_owned()),
            servers_listed: of_group.map(|(group, _)| group.servers().len()),
            servers_quarantined: of_group.map(|(group, _)| group.out_of_use()),
            writes_held_ms: group.as_ref().and_then(|group| group.held_for).map(millis),
            group_state,
            group_age_ms,
            generation: topology.generation,
            source: url.to_owned(),
            node: node.as_ref().map(ToString::to_string),
            code: refusal.map(|refusal| refusal.code),
        }
    }

    /// Lines of a name and what there is to be said of it.
    fn text(&self) -> String {
        let mut lines = Vec::new();
        let mut line = |name: &'static str, text: String| lines.push((name, text));
        if let Some(table) = &self.table {
            let of = self.r#type.zip(self.column.as_ref());
            let of = of.map_or_else(
                || ", which cannot be routed".to_owned(),
                |(kind, column)| format!(", {kind} by {column}"),
            );
            line("table", format!("{table}{of}{}", good(self.table_state, self.table_age_ms)));
        }
        if let Some(key) = &self.key {
            line("key", key.clone());
        }
        if let Some(digest) = &self.digest {
            line("digest", digest.clone());
        }
        if let Some(lower) = &self.lower_bound {
            let until = match (&self.upper_bound, self.r#type) {
                (Some(upper), _) => format!("to below {upper}"),
                (None, Some("HASH")) => "on, and below the first bound".to_owned(),
                (None, _) => "on".to_owned(),
            };
            let id = self.shard_id.map_or_else(|| "one".to_owned(), |id| id.to_string());
            let state = self.shard_state.unwrap_or("-");
            let held = held(self.shard_held_ms);
            line("shard", format!("{id}, from {} {until}, {state}{held}", quoted(lower)));
        }
        if let Some(group) = &self.group {
            let servers = match (self.servers_listed, self.servers_quarantined) {
                (Some(listed), Some(quarantined)) => {
                    format!(", {listed} servers, {quarantined} left out")
                }
                _ => String::new(),
            };
            let held = match self.writes_held_ms {
                Some(_) => format!(", writes{}", held(self.writes_held_ms)),
                None => String::new(),
            };
            let good = good(self.group_state, self.group_age_ms);
            line("group", format!("{group}{servers}{held}{good}"));
        }
        match (&self.server, &self.uuid, self.why) {
            (Some(server), Some(uuid), why) => {
                line("server", format!("{server}, {uuid}"));
                line("why", why.unwrap_or("-").to_owned());
            }
            (_, _, why) => {
                line("server", "none".to_owned());
                if let Some(why) = why {
                    line("why", why.to_owned());
                }
                line("refusal", self.message.clone().unwrap_or_default());
            }
        }
        let node = self.node.as_ref().map_or_else(String::new, |node| format!(", by {node}"));
        line("source", format!("{}{node}, generation {}", self.source, self.generation));
        lines.into_iter().map(|(name, text)| format!("{name:<9}{}\n", printable(&text))).collect()
    }
}

fn held(millis: Option<u64>) -> String {
    match millis {
        None => String::new(),
        // No time ends it.
        Some(millis) if millis > i64::MAX as u64 / 2 => " held".to_owned(),
        Some(millis) => format!(" held for {} yet", ago(millis)),
    }
}

fn good(state: Option<&str>, age: Option<u64>) -> String {
    match (state, age) {
        (None, _) => String::new(),
        (Some(state), None) => format!(", {state}"),
        (Some(state), Some(age)) => format!(", {state}, confirmed {} ago", ago(age)),
    }
}

fn state(origin: Origin) -> &'static str {
    match origin.state {
        OriginState::Fresh => "fresh",
        OriginState::Stale => "stale",
        OriginState::File => "from a file",
    }
}

fn why(why: Why) -> &'static str {
    match why {
        Why::Primary => "it takes the group's writes",
        Why::ByWeight => "it is its turn, by weight, among the secondaries",
        Why::OnlyOne => "it is the only one that takes reads",
        Why::OwnZone => "it is its turn, by weight, among those of the own zone",
        Why::NoSecondary => "it is the primary, and no secondary is in use",
        Why::OnTrial => "nobody knows whether it is back, and this request is to find out",
        Why::LastResort => "all that may serve are left out, and trying is better than refusing",
        Why::PreferredPrimary => "it is the primary, which is preferred for reads",
        Why::NoPrimary => "it is a secondary, and the primary, which is preferred, is not in use",
        Why::WritesHeld => "the primary refused a write",
        Why::ShardReadOnly => "the shard takes no writes by its map",
        Why::ShardMissing => "the source stopped listing the shard",
    }
}
