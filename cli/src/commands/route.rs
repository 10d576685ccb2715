//! `route`: which server holds a table and key.

use std::path::Path;

use mysqlfabric::router::{Router, Scope};
use mysqlfabric::topology::{Key, Server};
use serde::Serialize;

use crate::args::{Format, Route};
use crate::exit::{Exit, Failure, Result};
use crate::input::lines;
use crate::output::{Row, address, or_dash, printable};

use super::servers::ServerRow;
use super::{Run, wanted};

/// Where a key is.
#[derive(Debug, Serialize)]
struct Routed {
    key: Option<String>,
    #[serde(flatten)]
    server: ServerRow,
}

impl Row for Routed {
    const HEAD: &'static [&'static str] =
        &["KEY", "SERVER", "GROUP", "STATUS", "MODE", "ZONE", "UUID"];

    fn cells(&self) -> Vec<String> {
        vec![
            or_dash(self.key.as_deref()),
            self.print(Format::Address),
            self.server.group.clone(),
            self.server.status.clone(),
            self.server.mode.clone(),
            or_dash(self.server.zone.as_deref()),
            self.server.uuid.clone(),
        ]
    }
}

impl Routed {
    fn of(key: Option<&str>, group: &str, server: &Server) -> Self {
        Self { key: key.map(str::to_owned), server: ServerRow::of(group, server) }
    }

    fn print(&self, what: Format) -> String {
        let ServerRow { group, host, port, uuid, .. } = &self.server;
        match what {
            Format::Address => address(host, *port),
            Format::Host => host.clone(),
            Format::Port => port.to_string(),
            Format::Uuid => uuid.clone(),
            Format::Group => group.clone(),
        }
    }
}

pub fn run(run: &Run, args: &Route) -> Result<Exit> {
    let keys = keys(&args.keys)?;
    let router = Router::new(run.settings.config()?);
    let routed = match routed(run, &router, args, &keys) {
        // Of a farm that is known whole the library says which names there are; where nobody answers,
        // it is not known that there is none.
        Err(Failure::Told { exit: Exit::Unknown, .. }) => {
            router.seed(None)?;
            routed(run, &router, args, &keys)?
        }
        routed => routed?,
    };
    match args.print {
        Some(what) => {
            let mut lines = String::new();
            for text in routed.iter().map(|of| of.print(what)) {
                if text != printable(&text) {
                    return Err(Failure::new(
                        Exit::Answer,
                        format!(
                            "'{text}' has control characters, and is not printed as a line; see --json"
                        ),
                    ));
                }
                lines += &(text + "\n");
            }
            run.out.text(&lines)?;
        }
        None => run.out.list("routes", &routed)?,
    }
    Ok(Exit::Done)
}

fn routed(run: &Run, router: &Router, args: &Route, keys: &[String]) -> Result<Vec<Routed>> {
    let (wanted, most) = (wanted(args.role), run.settings.timeout);
    if let Some(group) = &args.group {
        let take = |group: &str, server: &Server| Ok(Routed::of(None, group, server));
        let routed = match args.wait {
            true => router.group_server_wait(group, wanted, most, take),
            false => router.group_server(group, wanted, take),
        };
        return Ok(vec![routed?]);
    }
    let names: Vec<&[u8]> =
        args.tables.iter().flat_map(|names| names.split(',')).map(str::as_bytes).collect();
    let route = |key: Option<&str>| {
        let scope = if args.global { Scope::Global } else { Scope::Local };
        let read = key.map(|key| Key::Text(key.as_bytes()));
        let take = |group: &str, server: &Server| Ok(Routed::of(key, group, server));
        let routed = match args.wait {
            true => router.shard_server_wait(&names, read, scope, wanted, most, take),
            false => router.shard_server(&names, read, scope, wanted, take),
        };
        routed.map_err(Failure::from)
    };
    if args.global {
        return Ok(vec![route(None)?]);
    }
    if keys.is_empty() {
        return Err(Failure::usage(
            "no key is given; name one, or - for one a line from standard input, or --global",
        ));
    }
    let mut routed = Vec::new();
    let mut refused = Vec::new();
    for (at, key) in keys.iter().enumerate() {
        match route(Some(key)) {
            Ok(of) => routed.push(of),
            Err(failure) => refused.push((at, failure)),
        }
    }
    let count = refused.len();
    let Some((at, first)) = refused.into_iter().next() else { return Ok(routed) };
    if keys.len() == 1 {
        return Err(first);
    }
    // Under --print each line is that of a key.
    if !routed.is_empty() && args.print.is_none() {
        run.out.list("routes", &routed)?;
    }
    let more = if count > 1 { format!(", and {} more", count - 1) } else { String::new() };
    Err(first.about(&format!("key {} of {}{more}", at + 1, keys.len())))
}

/// The keys; `-` stands for the lines of standard input.
fn keys(given: &[String]) -> Result<Vec<String>> {
    let mut keys = Vec::new();
    for key in given {
        match key.as_str() {
            "-" => keys.extend(lines(Path::new("-"))?),
            key => keys.push(key.to_owned()),
        }
    }
    Ok(keys)
}
