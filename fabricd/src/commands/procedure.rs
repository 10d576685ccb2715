//! The result of a procedure: what became of it, and its steps.

use super::{Answer, Outcome, ResultSet};
use crate::clock;
use crate::value::Value;

/// A procedure that ran these actions and succeeded.
pub fn done(actions: &[&str], synchronous: bool) -> Outcome {
    let uuid = clock::uuid();
    if !synchronous {
        return Ok(ResultSet::new(&["uuid"], vec![vec![uuid.into()]]).into());
    }
    let state = vec![uuid.into(), true.into(), true.into(), true.into()];
    let mut steps = Vec::new();
    for action in actions {
        // Real nodes show the address of an object of theirs here.
        let event = clock::random() & 0x7fff_ffff_fff0;
        let triggered = format!("Triggered by <mysql.fabric.events.Event object at {event:#x}>.");
        steps.push(step(3, triggered));
        steps.push(step(4, format!("Executing action ({action}).")));
        steps.push(step(5, format!("Executed action ({action}).")));
    }
    Ok(Answer::Sets(vec![
        ResultSet::new(&["uuid", "finished", "success", "result"], vec![state]),
        ResultSet::new(&["state", "success", "when", "description"], steps),
    ]))
}

fn step(state: i64, description: String) -> Vec<Value> {
    let when = (clock::now() * 1e6).round() / 1e6;
    vec![state.into(), Value::Int(2), when.into(), description.into()]
}
