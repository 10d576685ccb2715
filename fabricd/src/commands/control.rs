//! `fabricd.*`: what only the control port offers.

use std::time::Duration;

use super::{Answer, Args, Failure, Outcome, ResultSet, dump};
use crate::farm::{MODE_NAMES, STATUS_NAMES, Server, State, number_of};
use crate::fault::Fault;
use crate::state::Shared;
use crate::value::Value;

pub fn run(shared: &Shared, command: &str, params: &[Value]) -> Outcome {
    let args = Args(params);
    let text = |i| args.given(i).map(Value::text).unwrap_or_default();
    match command {
        "fault" => {
            let count = if params.len() > 2 { args.int(2)? } else { -1 };
            shared.set_fault(Fault::parse(&text(0), &text(1), count, &text(3))?);
        }
        "reset" => shared.reset(),
        "purge_nonces" => shared.nonces().purge(),
        "requests" => return Ok(requests(shared)),
        "reports" => return Ok(reports(shared)),
        "counters" => return Ok(counters(shared)),
        "store_down" => shared.set_store_down(args.flag(0, true)),
        "set_check_nonce" => shared.set_check_nonce(args.flag(0, true)),
        "set_failover_delay" => {
            let ms = u64::try_from(args.int(0)?).unwrap_or(0);
            shared.set_failover_delay(Duration::from_millis(ms));
        }
        "set_threshold" => {
            let size = |i| args.int(i).map(|n| usize::try_from(n).unwrap_or(0));
            shared.set_threshold(size(0)?, size(1)?);
        }
        // The session acts on it once this answer is out.
        "shutdown" => {}
        _ => return farm(shared, command, &args),
    }
    Ok(dump::done())
}

fn farm(shared: &Shared, command: &str, args: &Args<'_>) -> Outcome {
    let text = |i| args.given(i).map(Value::text).unwrap_or_default();
    let mut farm = shared.farm();
    match command {
        "set_ttl" => farm.ttl = args.int(0)?,
        "set_version" => farm.version = text(0),
        "promote" => farm.promote(&text(0), &text(1))?,
        "demote" => farm.demote(&text(0))?,
        "set_status" => farm.set_status(&text(0), status(args.get(1))?)?,
        "set_mode" => farm.set_mode(&text(0), mode(args.get(1))?)?,
        "set_weight" => farm.set_weight(&text(0), args.double(1)?)?,
        "add_group" => farm.add_group(&text(0), &text(1))?,
        "add_server" => {
            let server = Server {
                uuid: text(1),
                host: text(2),
                port: args.int(3)?,
                status: status(args.get(4))?,
                mode: mode(args.get(5))?,
                weight: if args.given(6).is_some() { args.double(6)? } else { 1.0 },
            };
            farm.add_server(&text(0), server)?;
        }
        "remove_server" => farm.remove_server(&text(0))?,
        "add_mapping" => return Ok(ids("mapping_id", &[farm.add_mapping(&text(0), &text(1))])),
        "add_table" => farm.add_table(args.int(0)?, &text(1), &text(2))?,
        "add_shard" => {
            let state = if text(3).eq_ignore_ascii_case("DISABLED") {
                State::Disabled
            } else {
                State::Enabled
            };
            let id = farm.add_shard(args.int(0)?, &text(1), &text(2), state)?;
            return Ok(ids("shard_id", &[id]));
        }
        "disable_shard" => farm.set_shard_state(args.int(0)?, State::Disabled)?,
        "enable_shard" => farm.set_shard_state(args.int(0)?, State::Enabled)?,
        "remove_shard" => farm.remove_shard(args.int(0)?)?,
        "split_shard" => {
            let (lower, upper) = farm.split_shard(args.int(0)?, &text(1), &text(2))?;
            return Ok(ids("shard_id", &[lower, upper]));
        }
        "move_shard" => farm.move_shard(args.int(0)?, &text(1))?,
        "move_group" => farm.move_group(&text(0), &text(1))?,
        "set_nodes" => farm.set_nodes(&text(0))?,
        "break_table" => farm.broken_tables.push(text(0)),
        "raw_row" => farm.raw_row(&text(0), &text(1))?,
        "load" => {
            let loaded = crate::farm::Farm::from_json(&text(0))?;
            *farm = loaded;
        }
        _ => return Err(Failure::Unknown),
    }
    Ok(dump::done())
}

fn status(value: &Value) -> Result<i64, Failure> {
    any_number(&STATUS_NAMES, value)
}

fn mode(value: &Value) -> Result<i64, Failure> {
    any_number(&MODE_NAMES, value)
}

/// A name, or any number at all: a test may want what no real node would send.
fn any_number(names: &[&str; 4], value: &Value) -> Result<i64, Failure> {
    let number = value.text().parse().ok().or_else(|| number_of(names, value));
    number.ok_or_else(|| Failure::Command(format!("({}) is none of {names:?}", value.text())))
}

fn ids(name: &str, ids: &[i64]) -> Answer {
    ResultSet::new(&[name], ids.iter().map(|id| vec![(*id).into()]).collect()).into()
}

fn requests(shared: &Shared) -> Answer {
    let log = shared.log();
    let rows = log.iter().map(|r| {
        vec![
            r.method.as_str().into(),
            Value::Int(r.bytes_in as i128),
            i64::from(r.status).into(),
            r.authorized.into(),
            r.path.as_str().into(),
            r.accept_encoding.as_deref().unwrap_or("").into(),
        ]
    });
    let names = ["method", "bytes_in", "status", "authorized", "path", "accept_encoding"];
    ResultSet::new(&names, rows.collect()).into()
}

fn reports(shared: &Shared) -> Answer {
    let reports = shared.reports();
    let rows = reports.iter().map(|(_, r)| {
        vec![
            r.command.as_str().into(),
            r.server_uuid.as_str().into(),
            r.reporter.as_str().into(),
            r.error.as_str().into(),
        ]
    });
    ResultSet::new(&["command", "server_uuid", "reporter", "error"], rows.collect::<Vec<_>>())
        .into()
}

fn counters(shared: &Shared) -> Answer {
    let row = vec![
        Value::Int(shared.connections().into()),
        Value::Int(shared.log().len() as i128),
        Value::Int(shared.faults_applied().into()),
    ];
    ResultSet::new(&["connections", "requests", "faults"], vec![row]).into()
}
