//! The statement that calls a command. A node knows no escapes in it.

use std::fmt::Write;

use crate::base::error::{Code, Error, Result};
use crate::base::text::excerpt;
use crate::source::command::Value;

/// `CALL group.command(arguments)`.
///
/// # Errors
/// `Code::Argument` for what cannot be written so that a node reads it as it was meant.
pub fn statement(method: &str, args: &[Value]) -> Result<String> {
    let mut text = format!("CALL {method}(");
    for (index, value) in args.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        write_argument(&mut text, value).map_err(|why| {
            let message = format!(
                "argument {} of {method} cannot go over MySQL-RPC, {why}; ask over XML-RPC, by a source \
                 fabric://host",
                index + 1
            );
            Error::new(Code::Argument, message)
        })?;
    }
    text.push(')');
    Ok(text)
}

fn write_argument(statement: &mut String, value: &Value) -> std::result::Result<(), String> {
    let written = match value {
        Value::Int(number) => write!(statement, "{number}"),
        Value::Double(number) => write!(statement, "{number:?}"),
        // As Python writes them.
        Value::Bool(truth) => statement.write_str(if *truth { "True" } else { "False" }),
        Value::Nil => statement.write_str("NULL"),
        Value::Text(text) => {
            if text.contains(['\'', '"', '\\']) {
                let text = excerpt(text, 60);
                return Err(format!(
                    "which has no escape for the quote or backslash in \"{text}\""
                ));
            }
            write!(statement, "'{text}'")
        }
        other => {
            return Err(format!("which has texts and numbers alone, and it is {}", other.kind()));
        }
    };
    written.map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_written_as_a_node_reads_them() {
        let args =
            ["a,b".into(), Value::Int(-5), Value::Nil, Value::Bool(true), Value::Double(0.5)];
        assert_eq!(statement("a.b", &args).unwrap(), "CALL a.b('a,b',-5,NULL,True,0.5)");
        assert_eq!(statement("a.b", &[]).unwrap(), "CALL a.b()");
        assert_eq!(statement("a.b", &["é".into(), "".into()]).unwrap(), "CALL a.b('é','')");
    }

    #[test]
    fn what_would_be_read_as_something_else_is_refused() {
        let bytes = Value::Bytes(vec![1]);
        for value in ["O'Brien".into(), "a\"b".into(), "a\\b".into(), Value::Array(vec![]), bytes] {
            let error = statement("a.b", &["x".into(), value]).unwrap_err();
            assert_eq!(error.code, Code::Argument);
            assert!(error.message.contains("argument 2 of a.b"), "{error}");
        }
    }
}
