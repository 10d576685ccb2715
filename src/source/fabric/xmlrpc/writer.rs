//! Calls as XML.

use super::base64;
use super::markup::is_xml_char;
use super::reader::MAX_DEPTH;
use crate::base::error::{Code, Error, Result};
use crate::base::text::excerpt;
use crate::source::command::Value;

/// A call of `method` with positional parameters.
///
/// The name stays on one line: the server looks for it in the raw text, before it parses any
/// XML, and one line at a time.
pub fn method_call(method: &str, params: &[Value]) -> Result<String> {
    check_method(method)?;
    let mut out = String::with_capacity(256);
    out.push_str("<?xml version='1.0'?>\n<methodCall>\n<methodName>");
    out.push_str(method);
    out.push_str("</methodName>\n<params>\n");
    for param in params {
        out.push_str("<param>\n");
        value(&mut out, param)?;
        out.push_str("\n</param>\n");
    }
    out.push_str("</params>\n</methodCall>\n");
    Ok(out)
}

/// Appends `<value>` and all that belongs in it.
pub fn value(out: &mut String, value: &Value) -> Result<()> {
    nested(out, value, 0)
}

fn nested(out: &mut String, value: &Value, depth: usize) -> Result<()> {
    if depth > MAX_DEPTH {
        let message = format!("an argument nests deeper than {MAX_DEPTH} arrays and structs");
        return Err(Error::new(Code::Argument, message));
    }
    out.push_str("<value>");
    match value {
        Value::Int(number) => element(out, "int", &number.to_string()),
        Value::Bool(yes) => element(out, "boolean", if *yes { "1" } else { "0" }),
        Value::Double(number) => element(out, "double", &double(*number)?),
        Value::Text(text) => element(out, "string", &escaped(text)?),
        Value::DateTime(text) => element(out, "dateTime.iso8601", &escaped(text)?),
        Value::Bytes(bytes) => element(out, "base64", &base64::encode(bytes)),
        Value::Nil => out.push_str("<nil/>"),
        Value::Array(items) => {
            out.push_str("<array><data>");
            for item in items {
                nested(out, item, depth + 1)?;
            }
            out.push_str("</data></array>");
        }
        Value::Struct(members) => {
            out.push_str("<struct>");
            for (name, member) in members {
                out.push_str("<member>");
                element(out, "name", &escaped(name)?);
                nested(out, member, depth + 1)?;
                out.push_str("</member>");
            }
            out.push_str("</struct>");
        }
    }
    out.push_str("</value>");
    Ok(())
}

fn element(out: &mut String, tag: &str, content: &str) {
    out.push('<');
    out.push_str(tag);
    out.push('>');
    out.push_str(content);
    out.push_str("</");
    out.push_str(tag);
    out.push('>');
}

/// XML 1.0 has no way to write most control characters, not even as references; and a bare
/// carriage return would arrive as a line feed (section 2.11).
fn escaped(text: &str) -> Result<String> {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\r' => out.push_str("&#13;"),
            _ if is_xml_char(character) => out.push(character),
            _ => {
                let code = u32::from(character);
                let message = format!(
                    "an argument holds the character U+{code:04X}, which XML cannot carry; \
                     remove it"
                );
                return Err(Error::new(Code::Argument, message));
            }
        }
    }
    Ok(out)
}

fn double(number: f64) -> Result<String> {
    if number.is_finite() {
        return Ok(format!("{number:?}"));
    }
    Err(Error::new(Code::Argument, format!("the argument {number} is not a finite number")))
}

fn check_method(method: &str) -> Result<()> {
    let legal =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b':' | b'/');
    if !method.is_empty() && method.bytes().all(legal) {
        return Ok(());
    }
    let message = format!(
        "\"{}\" cannot be a command: only letters, digits, '.', '_', ':' and '/' may be in it",
        excerpt(method, 60)
    );
    Err(Error::new(Code::Argument, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_in_full() {
        let call =
            method_call("dump.servers", &[Value::Int(0), "a&<b>\r\n".into(), Value::Nil]).unwrap();
        assert_eq!(
            call,
            "<?xml version='1.0'?>\n<methodCall>\n<methodName>dump.servers</methodName>\n<params>\n\
             <param>\n<value><int>0</int></value>\n</param>\n\
             <param>\n<value><string>a&amp;&lt;b&gt;&#13;\n</string></value>\n</param>\n\
             <param>\n<value><nil/></value>\n</param>\n\
             </params>\n</methodCall>\n"
        );
    }

    #[test]
    fn what_xml_cannot_carry_is_refused() {
        let nested = (0..100).fold(Value::Nil, |inner, _| Value::Array(vec![inner]));
        for param in [
            Value::from("a\0b"),
            Value::from("\u{1b}"),
            Value::from("\u{FFFE}"),
            Value::Double(f64::NAN),
            Value::Double(f64::INFINITY),
            Value::Struct(vec![("\u{7}".into(), Value::Nil)]),
            nested,
        ] {
            assert_eq!(method_call("a.b", &[param]).unwrap_err().code, Code::Argument);
        }
        for method in ["", "a b", "a\nb", "a<b", "a.b</methodName>"] {
            assert_eq!(method_call(method, &[]).unwrap_err().code, Code::Argument, "{method}");
        }
    }
}
