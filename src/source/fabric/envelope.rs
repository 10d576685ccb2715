//! The wrapping of a reply: who answers, how long it holds, and rows and columns, in the forms
//! of both generations of servers. A reply tells by its shape which form it has.

use crate::base::error::{Code, Error, Result};
use crate::source::command::{ResultSet, Value};
use crate::source::fabric::tabulate::{objects, table};

/// 1.4, or 1.5 and later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Generation {
    One,
    Two,
}

/// The shape of a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `[1, uuid, ttl, error, sets]` of generation 2, whatever the command.
    Two,
    /// `[0, version, ttl, rows]`: a dump of generation 1.
    Dump,
    /// `[success, message, value]`: another command of generation 1.
    Command,
    /// `[uuid, steps, ...]`: a procedure of generation 1.
    Procedure,
    /// Anything else: `manage.ping` of generation 1, `system.listMethods` of either.
    Bare,
}

impl Form {
    pub fn generation(self) -> Generation {
        match self {
            Form::Two => Generation::Two,
            _ => Generation::One,
        }
    }
}

/// A reply without its wrapping.
#[derive(Debug, Clone, PartialEq)]
pub struct Envelope {
    pub form: Form,
    /// Empty in generation 1.
    pub uuid: String,
    pub ttl_seconds: u64,
    /// The server's own words, if the command failed.
    pub error: Option<String>,
    pub sets: Vec<ResultSet>,
}

impl Envelope {
    pub fn decode(value: Value) -> Result<Self> {
        let items = match value {
            Value::Array(items) => items,
            bare => return Ok(Self::generation_one(Form::Bare, None, vec![table(bare)?])),
        };
        match <[Value; 5]>::try_from(items) {
            Ok([Value::Int(version), uuid, ttl, error, sets]) => {
                Self::generation_two(version, uuid, ttl, error, sets)
            }
            Ok(other) => Self::decode_older(other.into()),
            Err(items) => Self::decode_older(items),
        }
    }

    /// `[1, uuid, ttl, error, sets]`
    fn generation_two(
        version: i64,
        uuid: Value,
        ttl: Value,
        error: Value,
        sets: Value,
    ) -> Result<Self> {
        if version != 1 {
            let message = format!(
                "the reply is of format {version}, and only format 1 is known; this library is \
                 older than the node"
            );
            return Err(Error::new(Code::Protocol, message));
        }
        match (uuid, ttl, error, sets) {
            (Value::Text(uuid), Value::Int(ttl), Value::Text(error), Value::Array(sets)) => {
                Ok(Self {
                    form: Form::Two,
                    uuid,
                    ttl_seconds: u64::try_from(ttl).unwrap_or(0),
                    error: (!error.is_empty()).then_some(error),
                    sets: sets.into_iter().map(result_set).collect::<Result<_>>()?,
                })
            }
            (uuid, ttl, error, sets) => Err(malformed(&format!(
                "its uuid, ttl, error and result sets are {}, {}, {} and {}",
                uuid.kind(),
                ttl.kind(),
                error.kind(),
                sets.kind()
            ))),
        }
    }

    fn decode_older(items: Vec<Value>) -> Result<Self> {
        match items.as_slice() {
            [Value::Int(_), Value::Int(_), Value::Int(ttl), Value::Array(_)] => {
                let ttl_seconds = u64::try_from(*ttl).unwrap_or(0);
                let rows = items.into_iter().next_back().map(rows).unwrap_or_default();
                let set = ResultSet { columns: Vec::new(), rows };
                Ok(Self { ttl_seconds, ..Self::generation_one(Form::Dump, None, vec![set]) })
            }
            [Value::Bool(success), Value::Text(message), _] => {
                let error = (!success).then(|| last_line_of_traceback(message));
                let set = items.into_iter().next_back().map(table).transpose()?;
                Ok(Self::generation_one(Form::Command, error, set.into_iter().collect()))
            }
            [Value::Text(uuid), Value::Array(steps), ..] if steps.iter().all(is_struct) => {
                let error = diagnosis(steps.last());
                let head = ResultSet {
                    columns: vec!["uuid".into()],
                    rows: vec![vec![Value::Text(uuid.clone())]],
                };
                let steps = match items.into_iter().nth(1) {
                    Some(Value::Array(steps)) => steps,
                    _ => Vec::new(),
                };
                let sets = vec![head, objects(steps)?];
                Ok(Self::generation_one(Form::Procedure, error, sets))
            }
            _ => Ok(Self::generation_one(Form::Bare, None, vec![table(Value::Array(items))?])),
        }
    }

    fn generation_one(form: Form, error: Option<String>, sets: Vec<ResultSet>) -> Self {
        Self { form, uuid: String::new(), ttl_seconds: 0, error, sets }
    }
}

/// `{info: {names: [..]}, rows: [[..]..]}`
fn result_set(set: Value) -> Result<ResultSet> {
    let columns = column_names(&set)?;
    let Value::Struct(members) = set else {
        return Err(malformed("a result set is no struct"));
    };
    match members.into_iter().find(|(name, _)| name == "rows") {
        Some((_, Value::Array(items))) => {
            Ok(ResultSet { columns, rows: rows(Value::Array(items)) })
        }
        _ => Err(malformed("a result set has no rows")),
    }
}

/// `{info: {names: [..]}}`
pub fn column_names(set: &Value) -> Result<Vec<String>> {
    let names = set.member("info").and_then(|info| info.member("names"));
    let Some(Value::Array(names)) = names else {
        return Err(malformed("a result set has no info.names"));
    };
    let columns = names.iter().map(|name| name.as_text().map(str::to_owned));
    let columns = columns.collect::<Option<Vec<_>>>();
    columns.ok_or_else(|| malformed("a column's name is no string"))
}

/// A row that is not a row becomes one of a single cell, for its reader to refuse alone.
fn rows(value: Value) -> Vec<Vec<Value>> {
    let Value::Array(items) = value else { return Vec::new() };
    let row = |item| match item {
        Value::Array(cells) => cells,
        cell => vec![cell],
    };
    items.into_iter().map(row).collect()
}

fn is_struct(value: &Value) -> bool {
    matches!(value, Value::Struct(_))
}

/// Generation 1 hides the failure of a procedure in its last step.
fn diagnosis(step: Option<&Value>) -> Option<String> {
    let text = step?.member("diagnosis")?.as_text()?;
    (!text.is_empty() && text != "None").then(|| last_line_of_traceback(text))
}

/// Generation 1 sends the whole traceback of an error; what went wrong is in its last line.
fn last_line_of_traceback(message: &str) -> String {
    let text = message.trim();
    match text.starts_with("Traceback") {
        true => text.lines().next_back().unwrap_or(text).trim().to_owned(),
        false => text.to_owned(),
    }
}

fn malformed(what: &str) -> Error {
    Error::new(Code::Protocol, format!("the reply is wrapped in no form known here: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array<const N: usize>(items: [Value; N]) -> Value {
        Value::Array(items.into())
    }

    #[test]
    fn generation_two() {
        let names = array(["a".into(), "b".into()]);
        let info = Value::Struct(vec![("names".into(), names)]);
        let rows = array([array([Value::Int(1), Value::Nil]), "lonely".into()]);
        let set = Value::Struct(vec![
            ("more".into(), Value::Nil),
            ("rows".into(), rows),
            ("info".into(), info),
        ]);
        let reply = array([Value::Int(1), "u".into(), Value::Int(7), "".into(), array([set])]);
        let envelope = Envelope::decode(reply).unwrap();
        assert_eq!((envelope.form, envelope.ttl_seconds), (Form::Two, 7));
        assert_eq!((envelope.uuid.as_str(), envelope.error), ("u", None));
        let rows = vec![vec![Value::Int(1), Value::Nil], vec!["lonely".into()]];
        let columns = vec!["a".into(), "b".into()];
        assert_eq!(envelope.sets, [ResultSet { columns, rows }]);
    }

    #[test]
    fn wrong_wrappings_are_refused() {
        let set = |members: Vec<(String, Value)>| Value::Struct(members);
        for (version, ttl, sets) in [
            (2, Value::Int(1), array([])),
            (1, "1".into(), array([])),
            (1, Value::Int(1), Value::Nil),
            (1, Value::Int(1), array([Value::Nil])),
            (1, Value::Int(1), array([set(vec![("rows".into(), array([]))])])),
        ] {
            let reply = array([Value::Int(version), "u".into(), ttl, "".into(), sets]);
            assert_eq!(Envelope::decode(reply).unwrap_err().code, Code::Protocol);
        }
    }

    #[test]
    fn generation_one_errors() {
        let traceback = "Traceback (most recent call last):\n  File \"x\"\nGroupError: no such\n";
        let reply = array([Value::Bool(false), traceback.into(), Value::Bool(true)]);
        let error = Envelope::decode(reply).unwrap().error;
        assert_eq!(error.as_deref(), Some("GroupError: no such"));
        let step = |text: &str| Value::Struct(vec![("diagnosis".into(), text.into())]);
        let steps = array([step("early"), step("ServerError: gone")]);
        let reply = array(["uuid".into(), steps, Value::Bool(false)]);
        let error = Envelope::decode(reply).unwrap().error;
        assert_eq!(error.as_deref(), Some("ServerError: gone"));
        let reply = array(["uuid".into(), array([step("")]), Value::Bool(true)]);
        assert_eq!(Envelope::decode(reply).unwrap().error, None);
    }
}
