//! `watch`: events as they come.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant, SystemTime};

use mysqlfabric::observe::events::{Delivery, Listener};
use mysqlfabric::router::Router;
use serde::Serialize;

use crate::args::Watch;
use crate::exit::{Exit, Failure, Result};
use crate::output::{address, printable, utc};
use crate::settings::seconds;

use super::{Run, servers};

#[derive(Debug, Serialize)]
struct EventOf {
    time: String,
    /// As the constant in C, without FABRIC_EVENT_.
    event: String,
    generation: u64,
    group: Option<String>,
    /// `host:port`, of a server that is still listed.
    server: Option<String>,
    server_uuid: Option<String>,
    table: Option<String>,
    /// Of a table's shards, how many are held.
    held_shards: Option<usize>,
    /// Events before this one that were lost because nobody took them.
    lost_before: u64,
}

/// How often it is looked whether somebody still reads a pipe.
const LOOK: Duration = Duration::from_secs(3_600);

pub fn run(run: &Run, args: &Watch) -> Result<Exit> {
    let mut config = run.settings.config()?;
    let (to, events) = channel();
    config.events = Listener::new(move |delivery: &Delivery| {
        // Nobody takes them once the command ends.
        let _ = to.send(delivery.clone());
    });
    let until = args
        .lasting
        .map(|lasting| seconds(lasting, "--for"))
        .transpose()?
        .map(|of| Instant::now() + of);
    let router = run.load_of(config)?;
    let mut left = args.count.unwrap_or(u64::MAX);
    while left > 0 {
        let most = until.map_or(LOOK, |until| until.saturating_duration_since(Instant::now()));
        match events.recv_timeout(most) {
            Ok(delivery) => {
                say(run, &router, &delivery)?;
                left -= 1;
            }
            Err(RecvTimeoutError::Timeout) if until.is_none() => {}
            Err(RecvTimeoutError::Timeout) => break,
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Failure::new(Exit::Internal, "the library tells no more events"));
            }
        }
    }
    Ok(Exit::Done)
}

fn say(run: &Run, router: &Router, delivery: &Delivery) -> Result<()> {
    let Delivery { event, lost_before, age } = delivery;
    let some = |text: &String| (!text.is_empty()).then(|| text.clone());
    let listed = servers::of(router)?;
    let server = listed.iter().find(|server| server.uuid == event.server);
    let event = EventOf {
        time: utc(SystemTime::now() - Duration::from_millis(*age)),
        event: event.kind.name().to_string_lossy().into_owned(),
        generation: event.generation,
        group: some(&event.group),
        server: server.map(|server| address(&server.host, server.port)),
        server_uuid: some(&event.server),
        table: some(&event.table),
        held_shards: (!event.table.is_empty()).then_some(event.held_shards),
        lost_before: *lost_before,
    };
    if run.out.json {
        return run.out.value(&event);
    }
    let mut line = format!("{}  {:<18}", event.time, event.event);
    let server = event.server.as_ref().or(event.server_uuid.as_ref());
    for (name, value) in [("group", &event.group), ("table", &event.table)] {
        if let Some(value) = value {
            line += &format!("  {name} {value}");
        }
    }
    match server {
        Some(server) => line += &format!("  server {server}"),
        None if event.event == "PRIMARY_CHANGED" => line += "  no primary",
        None => {}
    }
    if let Some(held) = event.held_shards {
        line += &format!("  {held} shards held");
    }
    if event.lost_before > 0 {
        line += &format!("  ({} events before were lost)", event.lost_before);
    }
    run.out.text(&(printable(line.trim_end()) + "\n"))
}
