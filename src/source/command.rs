//! Commands of the service's for a source, reports, and what is answered: rows of values.

use crate::config::ReportErrors;

/// One value. The members of a struct keep their order.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Int(i64),
    Bool(bool),
    Double(f64),
    Text(String),
    DateTime(String),
    Bytes(Vec<u8>),
    Nil,
    Array(Vec<Value>),
    Struct(Vec<(String, Value)>),
}

impl Value {
    /// The first member of that name, if this is a struct and has one.
    pub fn member(&self, name: &str) -> Option<&Value> {
        match self {
            Value::Struct(members) => members.iter().find(|(n, _)| n == name).map(|(_, v)| v),
            _ => None,
        }
    }

    pub fn as_text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// What kind of value it is, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Int(_) => "an integer",
            Value::Bool(_) => "a boolean",
            Value::Double(_) => "a double",
            Value::Text(_) => "a string",
            Value::DateTime(_) => "a date and time",
            Value::Bytes(_) => "binary data",
            Value::Nil => "nil",
            Value::Array(_) => "an array",
            Value::Struct(_) => "a struct",
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::Text(text.to_owned())
    }
}

/// One table of an answer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ResultSet {
    /// Empty where the source names none.
    pub columns: Vec<String>,
    pub rows: Vec<Vec<Value>>,
}

/// A command of two words, with its arguments.
#[derive(Debug, Clone, Copy)]
pub struct Command<'a> {
    pub group: &'a str,
    pub command: &'a str,
    pub args: &'a [Value],
}

/// A server that failed, as the service saw it.
#[derive(Debug, Clone, Copy)]
pub struct Report<'a> {
    pub server_uuid: &'a str,
    pub errno: i32,
    pub how: ReportErrors,
}
