//! The answer to a call, as JSON: an array of result sets, each an array of objects. The first one has
//! one object: who answers, for how long that is good, and what is wrong.

use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};

use crate::base::error::{Code, Error, Result};
use crate::base::text::excerpt;
use crate::source::command::{ResultSet, Value};
use crate::source::fabric::envelope::{Envelope, Form};
use crate::source::fabric::tabulate::objects;

/// Reads an answer. A result set without rows has no columns either.
///
/// # Errors
/// `Code::Protocol` if it is none, `Code::ReplyTooLarge` if its rows are no table.
pub fn read(json: &[u8]) -> Result<Envelope> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let sets = Any.deserialize(&mut deserializer).and_then(|sets| {
        deserializer.end()?;
        Ok(sets)
    });
    let sets = sets.map_err(|error| malformed(&excerpt(&error.to_string(), 100)))?;
    let Value::Array(sets) = sets else { return Err(malformed("it is no list of result sets")) };
    let mut sets = sets.into_iter().map(|set| match set {
        Value::Array(rows) => objects(rows),
        _ => Err(malformed("a result set is no list of rows")),
    });
    let head = sets.next().ok_or_else(|| malformed("it has no result set"))??;
    let cell = |name: &str| {
        let column = head.columns.iter().position(|column| column == name)?;
        head.rows.first()?.get(column)
    };
    let (Some(Value::Text(uuid)), Some(Value::Int(ttl))) = (cell("fabric_uuid"), cell("ttl"))
    else {
        return Err(malformed("its first result set has no fabric_uuid and ttl"));
    };
    let error = match cell("message") {
        None | Some(Value::Nil) => None,
        Some(Value::Text(message)) => Some(message.clone()),
        Some(_) => return Err(malformed("its message is no string")),
    };
    Ok(Envelope {
        form: Form::Two,
        uuid: uuid.clone(),
        ttl_seconds: u64::try_from(*ttl).unwrap_or(0),
        error,
        sets: sets.collect::<Result<Vec<ResultSet>>>()?,
    })
}

fn malformed(why: &str) -> Error {
    Error::new(Code::Protocol, format!("the answer is not as MySQL-RPC has it: {why}"))
}

/// Reads any value. Members of an object keep their order.
struct Any;

impl<'de> DeserializeSeed<'de> for Any {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> std::result::Result<Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Any {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> std::result::Result<Value, E> {
        Ok(Value::Nil)
    }

    fn visit_bool<E>(self, truth: bool) -> std::result::Result<Value, E> {
        Ok(Value::Bool(truth))
    }

    fn visit_i64<E>(self, number: i64) -> std::result::Result<Value, E> {
        Ok(Value::Int(number))
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> std::result::Result<Value, E> {
        i64::try_from(number).map(Value::Int).map_err(|_| E::custom("a number is too large"))
    }

    fn visit_f64<E>(self, number: f64) -> std::result::Result<Value, E> {
        Ok(Value::Double(number))
    }

    fn visit_str<E>(self, text: &str) -> std::result::Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> std::result::Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(Any)? {
            items.try_reserve(1).map_err(A::Error::custom)?;
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Value, A::Error> {
        let mut members = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            members.push((name, map.next_value_seed(Any)?));
        }
        Ok(Value::Struct(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = r#"[{"message": null, "fabric_uuid": "u", "ttl": 3}]"#;

    #[test]
    fn rows_are_objects_in_any_order() {
        let rows = r#"[{"b": 1, "a": "\u00e9"}, {"a": null, "b": 0.5}]"#;
        let envelope = read(format!("[{HEAD}, {rows}, []]").as_bytes()).unwrap();
        assert_eq!((envelope.uuid.as_str(), envelope.ttl_seconds, envelope.error), ("u", 3, None));
        assert_eq!(envelope.sets[0].columns, ["b", "a"]);
        let expected = [vec![Value::Int(1), "é".into()], vec![Value::Double(0.5), Value::Nil]];
        assert_eq!(envelope.sets[0].rows, expected);
        assert_eq!(envelope.sets[1], ResultSet::default());
    }

    #[test]
    fn a_message_is_what_is_wrong() {
        let answer = HEAD.replace("null", "\"Group (x) does not exist.\"");
        let envelope = read(format!("[{answer}]").as_bytes()).unwrap();
        assert_eq!(envelope.error.as_deref(), Some("Group (x) does not exist."));
    }

    #[test]
    fn what_is_none_is_refused() {
        for (json, said) in [
            ("", "EOF"),
            ("{}", "no list of result sets"),
            ("[]", "no result set"),
            ("[[]]", "no fabric_uuid and ttl"),
            ("[1]", "no list of rows"),
            (r#"[[{"fabric_uuid": "u", "ttl": "1"}]]"#, "no fabric_uuid and ttl"),
            (r#"[[{"fabric_uuid": "u", "ttl": 1, "message": 1}]]"#, "message is no string"),
            (r#"[[{"fabric_uuid": "u", "ttl": 1e400}]]"#, "number out of range"),
            (r#"[[{"fabric_uuid": "u", "ttl": 18446744073709551615}]]"#, "too large"),
            (r#"[[{"fabric_uuid": "u", "ttl": 1}]] x"#, "trailing"),
        ] {
            let error = read(json.as_bytes()).unwrap_err();
            assert_eq!(error.code, Code::Protocol, "{json}");
            assert!(error.message.contains(said), "{json}: {error}");
        }
        let deep = "[".repeat(100_000);
        assert_eq!(read(deep.as_bytes()).unwrap_err().code, Code::Protocol);
    }
}
