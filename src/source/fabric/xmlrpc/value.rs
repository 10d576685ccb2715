//! A reply as a tree.

use std::io::BufRead;

use super::event::{Event, Scalar};
use super::markup::protocol;
use super::reader::Reader;
use crate::base::error::Result;
use crate::base::memory;
use crate::source::command::Value;

/// What came back: the method's value, or a fault. Real servers fault with code 1 and
/// `<type 'exceptions.X'>:text` only; most errors come inside a value instead.
#[derive(Debug, Clone, PartialEq)]
pub enum Response {
    Value(Value),
    Fault { code: i64, text: String },
}

impl From<Scalar> for Value {
    fn from(scalar: Scalar) -> Self {
        match scalar {
            Scalar::Int(value) => Value::Int(value),
            Scalar::Bool(value) => Value::Bool(value),
            Scalar::Double(value) => Value::Double(value),
            Scalar::Text(value) => Value::Text(value),
            Scalar::DateTime(value) => Value::DateTime(value),
            Scalar::Bytes(value) => Value::Bytes(value),
            Scalar::Nil => Value::Nil,
        }
    }
}

/// Reads one whole reply, to the end of the input.
pub fn read_response(input: impl BufRead) -> Result<Response> {
    read_from(Reader::new(input))
}

/// As `read_response`, of a reply that may have so many bytes: what is made of it takes memory in
/// relation to that.
pub fn read_response_within(input: impl BufRead, max_bytes: u64) -> Result<Response> {
    read_from(Reader::within(input, max_bytes))
}

fn read_from<R: BufRead>(mut reader: Reader<R>) -> Result<Response> {
    let faulty = reader.begin()?;
    let first = reader.next_event()?;
    let value = value_from(first, &mut reader)?;
    end_of_response(&mut reader, faulty, value)
}

impl<R: BufRead> Reader<R> {
    /// Reads up to the only value, and says whether that tells of a fault.
    pub fn begin(&mut self) -> Result<bool> {
        match self.next_event()? {
            Event::Reply => Ok(false),
            Event::Fault => Ok(true),
            other => Err(out_of_place(&other)),
        }
    }
}

/// Reads what is behind the only value, which must be nothing.
pub fn end_of_response<R: BufRead>(
    reader: &mut Reader<R>,
    faulty: bool,
    value: Value,
) -> Result<Response> {
    match reader.next_event()? {
        Event::End if faulty => fault(&value),
        Event::End => Ok(Response::Value(value)),
        other => Err(out_of_place(&other)),
    }
}

/// Builds the value that `first` begins. The reader's limit on depth bounds the recursion.
pub fn value_from<R: BufRead>(first: Event, reader: &mut Reader<R>) -> Result<Value> {
    match first {
        Event::Scalar(scalar) => {
            reader.room.value(scalar.bytes())?;
            Ok(scalar.into())
        }
        Event::ArrayStart => {
            reader.room.list()?;
            let mut items = Vec::new();
            loop {
                match reader.next_event()? {
                    Event::ArrayEnd => return Ok(Value::Array(items)),
                    event => memory::push(&mut items, value_from(event, reader)?)?,
                }
            }
        }
        Event::StructStart => {
            reader.room.list()?;
            let mut members = Vec::new();
            loop {
                match reader.next_event()? {
                    Event::StructEnd => return Ok(Value::Struct(members)),
                    Event::Member(name) => {
                        let event = reader.next_event()?;
                        reader.room.value(name.len())?;
                        memory::push(&mut members, (name, value_from(event, reader)?))?;
                    }
                    other => return Err(out_of_place(&other)),
                }
            }
        }
        other => Err(out_of_place(&other)),
    }
}

fn fault(value: &Value) -> Result<Response> {
    match (value.member("faultCode"), value.member("faultString")) {
        (Some(Value::Int(code)), Some(Value::Text(text))) => {
            Ok(Response::Fault { code: *code, text: text.clone() })
        }
        _ => Err(protocol("a fault without an integer faultCode and a string faultString")),
    }
}

fn out_of_place(event: &Event) -> crate::base::error::Error {
    protocol(&format!("{event:?} is out of place"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Result<Response> {
        let document = format!(
            "<methodResponse><params><param><value>{value}</value></param></params></methodResponse>"
        );
        read_response(document.as_bytes())
    }

    #[test]
    fn trees() {
        let xml = "<struct><member><name>a</name><value><array><data> <value><int>1</int></value>\
                   <value>x</value></data></array></value></member>\n<member><name/><value><nil/>\
                   </value></member></struct>";
        let expected = Value::Struct(vec![
            ("a".into(), Value::Array(vec![Value::Int(1), "x".into()])),
            (String::new(), Value::Nil),
        ]);
        assert_eq!(read(xml).unwrap(), Response::Value(expected));
        let empty = Response::Value(Value::Array(vec![]));
        assert_eq!(read("<array><data/></array>").unwrap(), empty);
    }

    #[test]
    fn faults() {
        let fault = |members: &str| {
            let document = format!(
                "<methodResponse><fault><value><struct>{members}</struct></value></fault></methodResponse>"
            );
            read_response(document.as_bytes())
        };
        let code = "<member><name>faultCode</name><value><int>1</int></value></member>";
        let text = "<member><name>faultString</name><value>&lt;no&gt;</value></member>";
        let expected = Response::Fault { code: 1, text: "<no>".into() };
        assert_eq!(fault(&format!("{text}{code}")).unwrap(), expected);
        assert!(fault(code).is_err());
        assert!(fault(text).is_err());
    }
}
