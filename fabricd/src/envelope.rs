//! What an answer looks like on the wire, by generation.

use crate::commands::{Answer, Failure, Outcome, ResultSet};
use crate::farm::Farm;
use crate::value::Value;
use crate::{generation1, xml_write};

/// The XML of an outcome.
pub fn wrap(farm: &Farm, generation: u8, method: &str, outcome: Outcome) -> String {
    let failure = match outcome {
        Ok(Answer::Plain(value)) => return xml_write::response(&value),
        Ok(Answer::Sets(sets)) if generation == 1 => {
            return xml_write::response(&generation1::answer(farm, method, sets));
        }
        Ok(Answer::Sets(sets)) => return xml_write::response(&generation2(farm, "", sets)),
        Err(failure) => failure,
    };
    match failure {
        Failure::Unknown => {
            let text =
                format!("<type 'exceptions.Exception'>:method \"{method}\" is not supported");
            xml_write::fault(1, &text)
        }
        Failure::Type(text) if generation == 1 => {
            xml_write::fault(1, &format!("<type 'exceptions.TypeError'>:{text}"))
        }
        Failure::Command(text) if generation == 1 => {
            xml_write::response(&generation1::error(method, &text))
        }
        Failure::Type(text) | Failure::Command(text) => {
            xml_write::response(&generation2(farm, &text, Vec::new()))
        }
    }
}

/// Version of the format, UUID, TTL, error, and the result sets.
fn generation2(farm: &Farm, error: &str, sets: Vec<ResultSet>) -> Value {
    let set = |set: ResultSet| {
        let names = Value::Array(set.names.into_iter().map(Value::from).collect());
        let rows = Value::Array(set.rows.into_iter().map(Value::Array).collect());
        let info = Value::Struct(vec![("names".to_owned(), names)]);
        Value::Struct(vec![("info".to_owned(), info), ("rows".to_owned(), rows)])
    };
    Value::Array(vec![
        Value::Int(1),
        farm.fabric_uuid.as_str().into(),
        farm.ttl.into(),
        error.into(),
        Value::Array(sets.into_iter().map(set).collect()),
    ])
}
