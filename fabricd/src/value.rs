//! XML-RPC values, as far as Fabric uses them.

use crate::pyfloat;

/// A value of a request or of a reply.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Nil,
    Bool(bool),
    /// Wide, because a real node takes `<int>` of any size in a request.
    Int(i128),
    Double(f64),
    Str(String),
    Array(Vec<Value>),
    Struct(Vec<(String, Value)>),
}

impl Value {
    /// The text Python's `str()` makes of it; error texts and hash keys are built from that.
    pub fn text(&self) -> String {
        match self {
            Value::Nil => "None".to_owned(),
            Value::Bool(true) => "True".to_owned(),
            Value::Bool(false) => "False".to_owned(),
            Value::Int(i) => i.to_string(),
            Value::Double(d) => pyfloat::repr(*d),
            Value::Str(s) => s.clone(),
            Value::Array(items) => {
                let items: Vec<String> = items.iter().map(Value::text).collect();
                format!("[{}]", items.join(", "))
            }
            Value::Struct(members) => {
                let members: Vec<String> =
                    members.iter().map(|(k, v)| format!("'{k}': {}", v.text())).collect();
                format!("{{{}}}", members.join(", "))
            }
        }
    }

    /// Python's truth value.
    pub fn truthy(&self) -> bool {
        match self {
            Value::Nil => false,
            Value::Bool(b) => *b,
            Value::Int(i) => *i != 0,
            Value::Double(d) => *d != 0.0,
            Value::Str(s) => !s.is_empty(),
            Value::Array(a) => !a.is_empty(),
            Value::Struct(s) => !s.is_empty(),
        }
    }
}

impl From<&str> for Value {
    fn from(s: &str) -> Self {
        Value::Str(s.to_owned())
    }
}

impl From<String> for Value {
    fn from(s: String) -> Self {
        Value::Str(s)
    }
}

impl From<i64> for Value {
    fn from(i: i64) -> Self {
        Value::Int(i.into())
    }
}

impl From<bool> for Value {
    fn from(b: bool) -> Self {
        Value::Bool(b)
    }
}

impl From<f64> for Value {
    fn from(d: f64) -> Self {
        Value::Double(d)
    }
}

impl From<&serde_json::Value> for Value {
    fn from(json: &serde_json::Value) -> Self {
        use serde_json::Value as J;
        match json {
            J::Null => Value::Nil,
            J::Bool(b) => Value::Bool(*b),
            J::Number(n) => match n.as_i64() {
                Some(i) => i.into(),
                None => Value::Double(n.as_f64().unwrap_or(0.0)),
            },
            J::String(s) => s.as_str().into(),
            J::Array(a) => Value::Array(a.iter().map(Value::from).collect()),
            J::Object(o) => {
                Value::Struct(o.iter().map(|(k, v)| (k.clone(), Value::from(v))).collect())
            }
        }
    }
}
