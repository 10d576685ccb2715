//! `server.*`.

use super::{Args, Failure, Outcome, ResultSet, procedure};
use crate::farm::{FAULTY, MODE_NAMES, PRIMARY, SECONDARY, STATUS_NAMES, number_of};
use crate::state::Shared;

pub fn server(shared: &Shared, command: &str, args: &Args<'_>) -> Outcome {
    let id = args.text(0);
    let mut farm = shared.farm();
    let missing = || Failure::Command(format!("ServerError: Server ({id}) does not exist."));
    let server = farm.server(&id).ok_or_else(missing)?;
    match command {
        "lookup_uuid" => {
            let row = vec![server.uuid.as_str().into()];
            return Ok(ResultSet::new(&["uuid"], vec![row]).into());
        }
        "set_status" => {
            let status = number_of(&STATUS_NAMES, args.get(1))
                .ok_or_else(|| format!("Trying to use an invalid status ({}).", args.text(1)))?;
            // Back from FAULTY leads only through SPARE.
            if (server.status, status) == (FAULTY, SECONDARY) || status == PRIMARY {
                return Err(format!(
                    "Cannot change the status of server ({id}) to ({}).",
                    args.text(1)
                )
                .into());
            }
            farm.set_status(&id, status)?;
        }
        "set_mode" => {
            let mode = number_of(&MODE_NAMES, args.get(1))
                .ok_or_else(|| format!("Trying to use an invalid mode ({}).", args.text(1)))?;
            farm.set_mode(&id, mode)?;
        }
        _ => {
            let weight = args.double(1)?;
            if weight <= 0.0 {
                return Err("Cannot set the server's weight to zero or less.".into());
            }
            farm.set_weight(&id, weight)?;
        }
    }
    drop(farm);
    let synchronous = args.flag(if command == "set_status" { 3 } else { 2 }, true);
    procedure::done(&[&format!("_{command}")], synchronous)
}
