//! Requests: `methodCall` into a method name and its parameters.

use quick_xml::Reader;
use quick_xml::events::Event;

use crate::value::Value;

/// A parsed request.
#[derive(Debug)]
pub struct Call {
    pub method: String,
    pub params: Vec<Value>,
}

#[derive(Debug, Default)]
struct Element {
    name: String,
    text: String,
    children: Vec<Element>,
}

impl Element {
    fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|c| c.name == name)
    }
}

/// Parses a request; the error is the text a real node puts into its fault.
pub fn call(body: &str) -> Result<Call, String> {
    let root = tree(body)?;
    let method = root
        .child("methodName")
        .map(|m| m.text.clone())
        .ok_or("<class 'xmlrpclib.ResponseError'>:ResponseError()")?;
    let mut params = Vec::new();
    if let Some(list) = root.child("params") {
        for param in list.children.iter().filter(|c| c.name == "param") {
            let value =
                param.child("value").ok_or("<class 'xmlrpclib.ResponseError'>:ResponseError()")?;
            params.push(self::value(value)?);
        }
    }
    Ok(Call { method, params })
}

fn value(element: &Element) -> Result<Value, String> {
    let Some(typed) = element.children.first() else {
        return Ok(Value::Str(element.text.clone()));
    };
    let text = typed.text.trim();
    Ok(match typed.name.as_str() {
        "nil" => Value::Nil,
        "int" | "i4" | "i8" => Value::Int(text.parse().map_err(|_| {
            format!(
                "<type 'exceptions.ValueError'>:invalid literal for int() with base 10: '{text}'"
            )
        })?),
        "boolean" => match text {
            "1" => Value::Bool(true),
            "0" => Value::Bool(false),
            _ => return Err("<type 'exceptions.TypeError'>:bad boolean value".to_owned()),
        },
        "double" => Value::Double(text.parse().map_err(|_| {
            format!("<type 'exceptions.ValueError'>:could not convert string to float: {text}")
        })?),
        "array" => {
            let data = typed.child("data");
            let items = data.map(|d| d.children.as_slice()).unwrap_or_default();
            Value::Array(items.iter().map(value).collect::<Result<_, _>>()?)
        }
        "struct" => {
            let mut members = Vec::new();
            for member in &typed.children {
                if let (Some(name), Some(v)) = (member.child("name"), member.child("value")) {
                    members.push((name.text.clone(), value(v)?));
                }
            }
            Value::Struct(members)
        }
        _ => Value::Str(typed.text.clone()),
    })
}

fn expat(problem: &str, body: &str, offset: usize) -> String {
    let before = &body.as_bytes()[..offset.min(body.len())];
    let line = before.iter().filter(|b| **b == b'\n').count() + 1;
    let column = before.iter().rev().take_while(|b| **b != b'\n').count();
    format!("<class 'xml.parsers.expat.ExpatError'>:{problem}: line {line}, column {column}")
}

fn tree(body: &str) -> Result<Element, String> {
    let mut reader = Reader::from_str(body);
    let mut open = vec![Element::default()];
    loop {
        let offset = usize::try_from(reader.buffer_position()).unwrap_or(0);
        let event = reader
            .read_event()
            .map_err(|_| expat("not well-formed (invalid token)", body, offset))?;
        match event {
            Event::Start(tag) => {
                let name = tag.name().as_ref().to_owned();
                open.push(Element { name, ..Element::default() });
            }
            Event::Empty(tag) => {
                let name = tag.name().as_ref().to_owned();
                if let Some(parent) = open.last_mut() {
                    parent.children.push(Element { name, ..Element::default() });
                }
            }
            Event::End(_) => {
                if let Some(done) = open.pop()
                    && let Some(parent) = open.last_mut()
                {
                    parent.children.push(done);
                }
            }
            Event::Text(text) => append(&mut open, &text),
            Event::CData(text) => append(&mut open, &text),
            Event::GeneralRef(reference) => {
                let resolved = match reference.resolve_char_ref() {
                    Ok(Some(c)) => Some(c),
                    _ => named(&reference),
                };
                match resolved {
                    Some(c) => append(&mut open, c.encode_utf8(&mut [0; 4])),
                    None => return Err(expat("undefined entity", body, offset)),
                }
            }
            Event::Eof => break,
            _ => {}
        }
    }
    if open.len() > 1 {
        return Err(expat("no element found", body, body.len()));
    }
    open.pop()
        .and_then(|mut document| document.children.pop())
        .ok_or_else(|| expat("no element found", body, body.len()))
}

fn append(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

fn named(reference: &str) -> Option<char> {
    match reference {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_type() {
        let call = call(
            "<?xml version='1.0'?><methodCall><methodName>a.b</methodName><params>\
             <param><value>bare</value></param><param><value><nil/></value></param>\
             <param><value><int>-5</int></value></param>\
             <param><value><boolean>1</boolean></value></param>\
             <param><value><double>0.5</double></value></param>\
             <param><value><string>x &amp;&#233; &lt;</string></value></param>\
             <param><value><array><data><value><int>1</int></value></data></array></value></param>\
             <param><value><string></string></value></param>\
             </params></methodCall>",
        )
        .unwrap();
        assert_eq!(call.method, "a.b");
        assert_eq!(
            call.params,
            [
                "bare".into(),
                Value::Nil,
                Value::Int(-5),
                true.into(),
                0.5.into(),
                "x &é <".into(),
                Value::Array(vec![Value::Int(1)]),
                "".into(),
            ]
        );
    }

    #[test]
    fn a_cut_request_is_named_as_expat_does() {
        let cut = "<methodCall><methodName>dump.servers</methodName><params>";
        assert_eq!(
            call(cut).unwrap_err(),
            "<class 'xml.parsers.expat.ExpatError'>:no element found: line 1, column 57"
        );
    }
}
