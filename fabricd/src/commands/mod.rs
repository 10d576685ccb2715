//! The commands of a node, without envelope or transport.

mod admin;
mod control;
mod dump;
mod group;
mod procedure;
mod sharding;
mod signature;
mod threat;

use crate::state::Shared;
use crate::value::Value;

/// A table of an answer.
#[derive(Clone, Debug)]
pub struct ResultSet {
    pub names: Vec<String>,
    pub rows: Vec<Vec<Value>>,
}

impl ResultSet {
    pub fn new(names: &[&str], rows: Vec<Vec<Value>>) -> Self {
        ResultSet { names: names.iter().map(|n| (*n).to_owned()).collect(), rows }
    }
}

/// What a command gives back.
#[derive(Debug)]
pub enum Answer {
    Sets(Vec<ResultSet>),
    /// Answered without an envelope.
    Plain(Value),
}

impl From<ResultSet> for Answer {
    fn from(set: ResultSet) -> Self {
        Answer::Sets(vec![set])
    }
}

/// Why a command gives nothing back.
#[derive(Debug)]
pub enum Failure {
    /// The command ran and failed; goes into the envelope.
    Command(String),
    /// The call did not fit the command: generation 1 makes a fault of it.
    Type(String),
    /// No such method; always a fault.
    Unknown,
}

impl From<String> for Failure {
    fn from(text: String) -> Self {
        Failure::Command(text)
    }
}

impl From<&str> for Failure {
    fn from(text: &str) -> Self {
        Failure::Command(text.to_owned())
    }
}

pub type Outcome = Result<Answer, Failure>;

/// Runs a command. `control`: came in through the control port.
pub fn run(shared: &Shared, method: &str, params: &[Value], control: bool) -> Outcome {
    if control && let Some(command) = method.strip_prefix("fabricd.") {
        return control::run(shared, command, params);
    }
    let generation = shared.farm().generation;
    signature::check(method, params.len(), generation)?;
    let args = Args(params);
    let (group, command) = method.split_once('.').ok_or(Failure::Unknown)?;
    match group {
        "dump" => dump::run(shared, command, &args),
        "group" => group::run(shared, command, &args),
        "sharding" => sharding::run(shared, command, &args),
        "threat" => threat::run(shared, command, &args),
        "server" => admin::server(shared, command, &args),
        "manage" => Ok(Answer::Sets(Vec::new())),
        "system" => Ok(Answer::Plain(signature::list())),
        _ => Err(Failure::Unknown),
    }
}

/// Positional parameters.
pub struct Args<'a>(&'a [Value]);

impl Args<'_> {
    /// A parameter, nil if it was not given.
    fn get(&self, index: usize) -> &Value {
        self.0.get(index).unwrap_or(&Value::Nil)
    }

    fn text(&self, index: usize) -> String {
        self.get(index).text()
    }

    /// None for nil as for a missing one.
    fn given(&self, index: usize) -> Option<&Value> {
        self.0.get(index).filter(|v| **v != Value::Nil)
    }

    fn flag(&self, index: usize, default: bool) -> bool {
        self.0.get(index).map_or(default, Value::truthy)
    }

    fn int(&self, index: usize) -> Result<i64, Failure> {
        let value = self.get(index);
        let int = match value {
            Value::Int(i) => i64::try_from(*i).ok(),
            Value::Bool(b) => Some(i64::from(*b)),
            Value::Str(s) => s.trim().parse().ok(),
            _ => None,
        };
        int.ok_or_else(|| Failure::Command(format!("({}) is not a number", value.text())))
    }

    fn double(&self, index: usize) -> Result<f64, Failure> {
        let value = self.get(index);
        let double = match value {
            Value::Double(d) => Some(*d),
            other => other.text().trim().parse().ok(),
        };
        double.ok_or_else(|| Failure::Command(format!("({}) is not a number", value.text())))
    }
}
