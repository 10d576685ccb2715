//! `import`: a shard map goes into MySQL tables, all of it or nothing.

use std::collections::HashSet;

use mysqlfabric::config::SourceUrl;
use serde_json::json;

use crate::args::Import;
use crate::database::Database;
use crate::exit::{Exit, Failure, Result};
use crate::farm::{Change, Farm, Server, Shard, State, Table, changes, statements};
use crate::output::{Progress, rows_as_table, to_value, warn};

use super::Run;
use super::export::farm;

pub fn run(run: &Run, args: &Import) -> Result<Exit> {
    let config = run.settings.config()?;
    let Some(SourceUrl::Mysql(database)) = config.source.clone() else {
        return Err(Failure::usage(
            "a shard map is imported into MySQL tables: --url mysql://user@host[/database]",
        ));
    };
    let (new, from) = match (&args.file, &args.from) {
        (Some(path), _) => (crate::farm::read(path)?, path.display().to_string()),
        (None, Some(url)) => (farm(run, url)?, url.clone()),
        (None, None) => return Err(Failure::usage("name a topology file, or a source by --from")),
    };
    fits(&new).map_err(|why| Failure::new(Exit::File, format!("'{from}': {why}")))?;
    let progress = Progress::of("importing");
    let mut tables = Database::open(&config, &database, !args.dry_run)?;
    let zones = tables.has_zones()?;
    let old = tables.farm()?;
    let changes = changes(&old, &new);
    let has_zone = |server: &Server| server.zone.is_some();
    if !zones && new.groups.iter().flat_map(|group| &group.servers).any(has_zone) {
        return Err(Failure::new(
            Exit::Refused,
            "servers have zones, and table servers no column for them; ALTER TABLE servers ADD zone \
             VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL DEFAULT NULL",
        ));
    }
    let released = released(&old, &new);
    if changes.is_empty() || args.dry_run {
        drop((tables, progress));
        for shard in &released {
            warn(&format!("{shard}, and would be let go (--release-held)"));
        }
        return say(run, &changes, false);
    }
    if !old.is_empty() && !args.replace {
        return Err(Failure::new(
            Exit::Refused,
            format!(
                "`{}` has a map already, with {} tables and {} groups, and {} things would change; look at \
                 them with --dry-run, and give --replace",
                database.name,
                old.tables.len(),
                old.groups.len(),
                changes.len()
            ),
        ));
    }
    if let (Some(shard), false) = (released.first(), args.release_held) {
        return Err(Failure::new(
            Exit::Refused,
            format!(
                "{shard}, and would be let go{}; somebody may be moving it: look at it, and give --release-held",
                match released.len() - 1 {
                    0 => String::new(),
                    more => format!(", as would {more} more"),
                }
            ),
        ));
    }
    for statement in statements(&new, zones) {
        tables.run(&statement).map_err(|failure| {
            failure.about(&format!(
                "nothing was changed, since a statement was refused ({})",
                head(&statement)
            ))
        })?;
    }
    tables.run("COMMIT").map_err(|failure| {
        failure.about("whether the map was changed is not known; import it with --dry-run to see")
    })?;
    drop((tables, progress));
    for shard in &released {
        warn(&format!("{shard} until now, and was let go"));
    }
    say(run, &changes, true)
}

/// Shards that are held, and whose keys could be written or read again by the new map.
fn released(old: &Farm, new: &Farm) -> Vec<String> {
    let severity = |state: State| match state {
        State::Enabled => 0,
        State::ReadOnly => 1,
        State::Disabled => 2,
    };
    let mut released = Vec::new();
    for table in &old.tables {
        let after = new.table(&table.full_name());
        let after = after.map(Table::intervals).unwrap_or_default();
        for of in table.intervals().iter().filter(|of| of.shard.state != State::Enabled) {
            let is_kept = after.iter().any(|new| {
                (&new.from, &new.until) == (&of.from, &of.until)
                    && severity(new.shard.state) >= severity(of.shard.state)
            });
            if !is_kept {
                let (name, Shard { id, state, .. }) = (table.full_name(), of.shard);
                released.push(format!("shard {id} of {name} is {}", state.name()));
            }
        }
    }
    released
}

fn say(run: &Run, changes: &[Change], is_done: bool) -> Result<Exit> {
    if run.out.json {
        run.out.object([("changes", to_value(changes)?), ("imported", json!(is_done))])?;
        return Ok(Exit::Done);
    }
    let summary = match (changes.len(), is_done) {
        (0, _) => "the tables have this map already\n".to_owned(),
        (count, true) => format!("changed: {count}\n"),
        (count, false) => format!("would change: {count}\n"),
    };
    let table = if changes.is_empty() { String::new() } else { rows_as_table(changes) };
    run.out.text(&(table + &summary))?;
    Ok(Exit::Done)
}

/// The first line of a statement.
fn head(statement: &str) -> &str {
    statement.lines().next().unwrap_or_default()
}

/// Whether the tables can hold the farm, so that the server does not cut anything or name a constraint
/// where a row would help.
fn fits(farm: &Farm) -> std::result::Result<(), String> {
    for group in &farm.groups {
        name(&group.id, 64, "group")?;
        for server in &group.servers {
            fits_server(&group.id, server, group.discover.is_some())?;
        }
    }
    let (mut addresses, mut uuids) = (HashSet::new(), HashSet::new());
    for group in &farm.groups {
        for server in &group.servers {
            let Server { host, port, uuid, .. } = server;
            if !addresses.insert((host.to_ascii_lowercase(), port)) {
                return Err(format!(
                    "server {host}:{port} of group '{}' is listed twice; a server is in one group",
                    group.id
                ));
            }
            if uuid.as_ref().is_some_and(|uuid| !uuids.insert(uuid.to_ascii_lowercase())) {
                return Err(format!(
                    "server {host}:{port} of group '{}' has the UUID of another one",
                    group.id
                ));
            }
        }
    }
    if let Some(held) = farm.held.first() {
        return Err(format!(
            "the shard of {}.{} from '{}' is held, and the tables want to know its number and group; give it \
             id and group in held_shards, and it is DISABLED in the tables",
            held.schema, held.table, held.lower_bound
        ));
    }
    for table in &farm.tables {
        let full_name = table.full_name();
        for (text, what) in
            [(&table.schema, "schema"), (&table.name, "table"), (&table.column, "column")]
        {
            name(text, 64, what).map_err(|why| format!("table {full_name}: {why}"))?;
        }
        for shard in &table.shards {
            if shard.lower_bound.len() > 255 {
                return Err(format!(
                    "table {full_name}: the bound of shard {} has {} bytes, and 255 are the most",
                    shard.id,
                    shard.lower_bound.len()
                ));
            }
        }
    }
    Ok(())
}

fn fits_server(group: &str, server: &Server, is_asked: bool) -> std::result::Result<(), String> {
    let Server { host, port, uuid, mode, status, weight, zone } = server;
    let of = |why: String| format!("server {host}:{port} of group '{group}': {why}");
    if !host.is_ascii() || host.len() > 255 {
        return Err(of("a host has at most 255 ASCII characters in the tables".into()));
    }
    match uuid {
        Some(uuid) if !uuid.is_ascii() || uuid.len() > 40 => {
            return Err(of(format!("UUID '{uuid}' is longer than 40 ASCII characters")));
        }
        None if !is_asked => return Err(of("a group whose servers are listed needs UUIDs".into())),
        _ => {}
    }
    if !(0..4).contains(mode) || !(0..4).contains(status) {
        return Err(of(format!("mode {mode} or status {status} has no name in the tables")));
    }
    if !(weight.is_finite() && *weight > 0.0) {
        return Err(of(format!("weight {weight} is not above 0")));
    }
    match zone {
        Some(zone) if !zone.is_ascii() => Err(of(format!(
            "zone '{zone}' has other than ASCII characters, which the tables do not hold"
        ))),
        _ => Ok(()),
    }
}

fn name(text: &str, most: usize, what: &str) -> std::result::Result<(), String> {
    let count = text.chars().count();
    if count > most {
        return Err(format!("{what} '{text}' has {count} characters, and {most} are the most"));
    }
    if text.ends_with(' ') {
        return Err(format!(
            "{what} '{text}' ends with a blank, which counts for nothing in the tables"
        ));
    }
    Ok(())
}
