//! Replies, byte for byte in the layout of Python's marshaller.

use crate::pyfloat;
use crate::value::Value;

const DECLARATION: &str = "<?xml version='1.0'?>\n";

/// A `methodResponse` with one parameter.
pub fn response(value: &Value) -> String {
    let mut out = String::from(DECLARATION);
    out.push_str("<methodResponse>\n<params>\n<param>\n");
    write(&mut out, value);
    out.push_str("</param>\n</params>\n</methodResponse>\n");
    out
}

/// A fault; Fabric only ever uses code 1.
pub fn fault(code: i64, text: &str) -> String {
    let mut out = String::from(DECLARATION);
    out.push_str("<methodResponse>\n<fault>\n");
    let members =
        vec![("faultCode".to_owned(), code.into()), ("faultString".to_owned(), text.into())];
    write(&mut out, &Value::Struct(members));
    out.push_str("</fault>\n</methodResponse>\n");
    out
}

fn write(out: &mut String, value: &Value) {
    match value {
        Value::Nil => out.push_str("<value><nil/></value>\n"),
        Value::Bool(b) => scalar(out, "boolean", if *b { "1" } else { "0" }),
        Value::Int(i) => scalar(out, "int", &i.to_string()),
        Value::Double(d) => scalar(out, "double", &pyfloat::repr(*d)),
        Value::Str(s) => scalar(out, "string", &escape(s)),
        Value::Array(items) => {
            out.push_str("<value><array><data>\n");
            for item in items {
                write(out, item);
            }
            out.push_str("</data></array></value>\n");
        }
        Value::Struct(members) => {
            out.push_str("<value><struct>\n");
            for (name, value) in members {
                out.push_str("<member>\n<name>");
                out.push_str(&escape(name));
                out.push_str("</name>\n");
                write(out, value);
                out.push_str("</member>\n");
            }
            out.push_str("</struct></value>\n");
        }
    }
}

fn scalar(out: &mut String, tag: &str, text: &str) {
    out.push_str("<value><");
    out.push_str(tag);
    out.push('>');
    out.push_str(text);
    out.push_str("</");
    out.push_str(tag);
    out.push_str("></value>\n");
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
