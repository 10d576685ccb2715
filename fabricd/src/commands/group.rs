//! `group.*`.

use super::{Args, Failure, Outcome, ResultSet, procedure};
use crate::farm::{
    FAULTY, Group, MODE_NAMES, PRIMARY, SPARE, STATUS_NAMES, Server, name_of, number_of,
};
use crate::state::Shared;
use crate::value::Value;

pub fn run(shared: &Shared, command: &str, args: &Args<'_>) -> Outcome {
    match command {
        "lookup_servers" => lookup_servers(shared, args),
        "lookup_groups" => lookup_groups(shared, args),
        "health" => health(shared, args),
        "description" => {
            let (id, text) = (args.text(0), args.text(1));
            let mut farm = shared.farm();
            let group = farm.groups.iter_mut().find(|g| g.id == id);
            group.ok_or_else(|| missing(&id))?.description = text;
            drop(farm);
            procedure::done(&["_update_group_description"], args.flag(2, true))
        }
        "activate" | "deactivate" => {
            let id = args.text(0);
            let mut farm = shared.farm();
            let group = farm.groups.iter_mut().find(|g| g.id == id);
            group.ok_or_else(|| missing(&id))?.failure_detector = command == "activate";
            drop(farm);
            procedure::done(&["_manage_failure_detector"], args.flag(1, true))
        }
        "promote" => {
            let group = args.text(0);
            let mut farm = shared.farm();
            farm.group(&group).ok_or_else(|| missing(&group))?;
            let server = args.given(1).map(Value::text).or_else(|| farm.candidate(&group));
            let server =
                server.ok_or_else(|| format!("There is no valid candidate in group ({group})."))?;
            farm.promote(&group, &server)?;
            drop(farm);
            procedure::done(&["_change_to_candidate"], args.flag(3, true))
        }
        _ => {
            shared.farm().demote(&args.text(0))?;
            procedure::done(&["_block_write_demote"], args.flag(2, true))
        }
    }
}

fn missing(group: &str) -> Failure {
    Failure::Command(format!("Group ({group}) does not exist."))
}

/// One selection of `group.lookup_servers`.
fn selector(
    args: &Args<'_>,
    index: usize,
    what: &str,
    names: &[&str; 4],
) -> Result<Option<i64>, Failure> {
    let Some(value) = args.given(index) else {
        return Ok(None);
    };
    let possible: Vec<String> =
        names.iter().enumerate().map(|(i, n)| format!("({i}, '{n}')")).collect();
    number_of(names, value).map(Some).ok_or_else(|| {
        Failure::Command(format!(
            "Trying to use an invalid {what} ({}). Possible values are {}.",
            value.text(),
            possible.join(", ")
        ))
    })
}

fn lookup_servers(shared: &Shared, args: &Args<'_>) -> Outcome {
    let id = args.text(0);
    let farm = shared.farm();
    let group = farm.group(&id).ok_or_else(|| missing(&id))?;
    let status = selector(args, 2, "status", &STATUS_NAMES)?;
    let mode = selector(args, 3, "mode", &MODE_NAMES)?;
    let server = args.given(1).map(Value::text);
    let wanted = |s: &&Server| {
        status.is_none_or(|status| s.status == status)
            && mode.is_none_or(|mode| s.mode == mode)
            && server.as_ref().is_none_or(|id| s.is(id))
    };
    let rows = sorted(group).into_iter().filter(wanted).map(server_row).collect();
    Ok(server_set(rows).into())
}

fn sorted(group: &Group) -> Vec<&Server> {
    let mut servers: Vec<&Server> = group.servers.iter().collect();
    servers.sort_by(|a, b| a.uuid.cmp(&b.uuid));
    servers
}

fn server_row(s: &Server) -> Vec<Value> {
    vec![
        s.uuid.as_str().into(),
        s.address().into(),
        name_of(&STATUS_NAMES, s.status).into(),
        name_of(&MODE_NAMES, s.mode).into(),
        s.weight.into(),
    ]
}

fn server_set(rows: Vec<Vec<Value>>) -> ResultSet {
    ResultSet::new(&["server_uuid", "address", "status", "mode", "weight"], rows)
}

/// The servers of a group in the form lookups answer; no rows for an unknown group.
pub fn servers_of(group: Option<&Group>) -> ResultSet {
    let rows = group.map(sorted).unwrap_or_default().into_iter().map(server_row).collect();
    server_set(rows)
}

fn lookup_groups(shared: &Shared, args: &Args<'_>) -> Outcome {
    let farm = shared.farm();
    let wanted = args.given(0).map(Value::text);
    if let Some(id) = &wanted {
        farm.group(id).ok_or_else(|| missing(id))?;
    }
    let rows = farm.groups.iter().filter(|g| wanted.as_ref().is_none_or(|id| g.id == *id));
    let rows = rows.map(|g| {
        let master = g.servers.iter().find(|s| s.status == PRIMARY);
        vec![
            g.id.as_str().into(),
            g.description.as_str().into(),
            g.failure_detector.into(),
            // There is no NULL on the wire: it goes out as this text.
            master.map_or("None", |s| &s.uuid).into(),
        ]
    });
    let names = ["group_id", "description", "failure_detector", "master_uuid"];
    Ok(ResultSet::new(&names, rows.collect()).into())
}

fn health(shared: &Shared, args: &Args<'_>) -> Outcome {
    let id = args.text(0);
    let farm = shared.farm();
    let group = farm.group(&id).ok_or_else(|| missing(&id))?;
    let row = |s: &Server| {
        vec![
            s.uuid.as_str().into(),
            (s.status != FAULTY).into(),
            name_of(&STATUS_NAMES, s.status).into(),
            false.into(),
            (s.status == SPARE).into(),
            false.into(),
            false.into(),
            "False".into(),
            "False".into(),
        ]
    };
    let names = [
        "uuid",
        "is_alive",
        "status",
        "is_not_running",
        "is_not_configured",
        "io_not_running",
        "sql_not_running",
        "io_error",
        "sql_error",
    ];
    let servers = ResultSet::new(&names, sorted(group).into_iter().map(row).collect());
    Ok(super::Answer::Sets(vec![servers, ResultSet::new(&["issue"], Vec::new())]))
}
