//! The answer to a `CALL`: who answers, and the command's result sets, as rows of text or as JSON.

use crate::commands::ResultSet;
use crate::farm::Farm;
use crate::value::Value;
use crate::{pydict, pyfloat};

use super::packet::{Answer, TooMany};

const TINY: u8 = 1;
const LONGLONG: u8 = 8;
const NEWDECIMAL: u8 = 246;
const BLOB: u8 = 252;
const VAR_STRING: u8 = 253;

/// More result sets follow.
const MORE: u16 = 8;

/// The first result set: who answers, for how long that is good, and what is wrong.
pub fn head(farm: &Farm, error: Option<&str>) -> ResultSet {
    let message = error.map_or(Value::Nil, Value::from);
    let row = vec![farm.fabric_uuid.as_str().into(), farm.ttl.into(), message];
    ResultSet::new(&["fabric_uuid", "ttl", "message"], vec![row])
}

/// As rows of text. `table` stands in the definitions of the columns.
pub fn text(answer: &mut Answer, table: &str, sets: &[ResultSet]) -> Result<(), TooMany> {
    for (index, set) in sets.iter().enumerate() {
        let more = if index + 1 < sets.len() { MORE } else { 0 };
        let columns: Vec<(&str, u8)> = set
            .names
            .iter()
            .enumerate()
            .map(|(column, name)| (name.as_str(), kind(set, column)))
            .collect();
        let rows = set.rows.iter().map(|row| row.iter().map(cell).collect());
        write(answer, table, &columns, rows, more)?;
    }
    Ok(())
}

/// As one text: an array of result sets, each an array of objects.
pub fn json(answer: &mut Answer, table: &str, sets: &[ResultSet]) -> Result<(), TooMany> {
    let object = |set: &ResultSet, row: &[Value]| {
        let members = set.names.iter().cloned().zip(row.iter().cloned()).collect();
        let members: Vec<String> = pydict::ordered(members)
            .into_iter()
            .map(|(name, value)| format!("{}: {}", ascii(&name), json_of(&value)))
            .collect();
        format!("{{{}}}", members.join(", "))
    };
    let list = |items: Vec<String>| format!("[{}]", items.join(", "));
    let sets = sets.iter().map(|set| list(set.rows.iter().map(|row| object(set, row)).collect()));
    let text = list(sets.collect());
    write(answer, table, &[("json", BLOB)], std::iter::once(vec![Some(text)]), 0)
}

fn write(
    answer: &mut Answer,
    table: &str,
    columns: &[(&str, u8)],
    rows: impl Iterator<Item = Vec<Option<String>>>,
    more: u16,
) -> Result<(), TooMany> {
    answer.packet(&[u8::try_from(columns.len()).map_err(|_| TooMany)?])?;
    for (name, kind) in columns {
        answer.packet(&definition(table, name, *kind))?;
    }
    answer.packet(&end(0))?;
    for row in rows {
        answer
            .packet(&row.iter().flat_map(|cell| counted(cell.as_deref())).collect::<Vec<u8>>())?;
    }
    answer.packet(&end(more))
}

fn end(status: u16) -> Vec<u8> {
    [&[0xfe, 0, 0], status.to_le_bytes().as_slice()].concat()
}

fn definition(table: &str, name: &str, kind: u8) -> Vec<u8> {
    let mut bytes: Vec<u8> = ["fabric", "fabric", table, table, name, name]
        .into_iter()
        .flat_map(|text| counted(Some(text)))
        .collect();
    bytes.extend_from_slice(&[12, 33, 0, 0, 4, 0, 0, kind, 1, 0, 0, 0, 0]);
    bytes
}

/// A text behind its length, which a node counts as its Python counts: in halves of UTF-16, however
/// many bytes they are.
fn counted(text: Option<&str>) -> Vec<u8> {
    let Some(text) = text else { return vec![0xfb] };
    let length = text.encode_utf16().count() as u64;
    let bytes = length.to_le_bytes();
    let mut out = match length {
        0..=250 => vec![bytes[0]],
        251..=0xffff => [&[0xfc], &bytes[..2]].concat(),
        0x1_0000..=0xff_ffff => [&[0xfd], &bytes[..3]].concat(),
        _ => [&[0xfe], &bytes[..8]].concat(),
    };
    out.extend_from_slice(text.as_bytes());
    out
}

/// The type of a column: that of its first value, or the one that a node declares for a set without rows.
fn kind(set: &ResultSet, column: usize) -> u8 {
    let first = set.rows.iter().filter_map(|row| row.get(column)).find(|v| **v != Value::Nil);
    match first {
        Some(Value::Bool(_)) => TINY,
        Some(Value::Int(_)) => LONGLONG,
        Some(Value::Double(_)) => NEWDECIMAL,
        Some(_) => VAR_STRING,
        None => match set.names.get(column).map(String::as_str) {
            Some("ttl" | "port" | "shard_id" | "mapping_id") => LONGLONG,
            Some("mode" | "status") if set.names.iter().any(|name| name == "port") => LONGLONG,
            Some("weight") => NEWDECIMAL,
            Some("failure_detector") => TINY,
            _ => VAR_STRING,
        },
    }
}

/// A value as text. One that reads "None" is sent as NULL, since that is what nothing is written as.
fn cell(value: &Value) -> Option<String> {
    let text = match value {
        Value::Bool(truth) => i64::from(*truth).to_string(),
        other => other.text(),
    };
    (text != "None").then_some(text)
}

fn json_of(value: &Value) -> String {
    match value {
        Value::Nil => "null".to_owned(),
        Value::Bool(truth) => truth.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Double(number) => pyfloat::repr(*number),
        Value::Str(text) => ascii(text),
        Value::Array(items) => {
            format!("[{}]", items.iter().map(json_of).collect::<Vec<_>>().join(", "))
        }
        Value::Struct(members) => {
            let member =
                |(name, value): &(String, Value)| format!("{}: {}", ascii(name), json_of(value));
            format!("{{{}}}", members.iter().map(member).collect::<Vec<_>>().join(", "))
        }
    }
}

/// A JSON string of ASCII alone, characters outside the first plane in two halves.
fn ascii(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => out += "\\\"",
            '\\' => out += "\\\\",
            '\n' => out += "\\n",
            '\r' => out += "\\r",
            '\t' => out += "\\t",
            ' '..='~' => out.push(character),
            _ => {
                for half in character.encode_utf16(&mut [0; 2]) {
                    out += &format!("\\u{half:04x}");
                }
            }
        }
    }
    out + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_ascii() {
        assert_eq!(ascii("a\"\\\n\u{e9}\u{1f600}\u{1}"), r#""a\"\\\n\u00e9\ud83d\ude00\u0001""#);
    }

    #[test]
    fn lengths_do_not_count_bytes() {
        assert_eq!(counted(Some("é")), [1, 0xc3, 0xa9]);
        assert_eq!(counted(Some("\u{1f600}"))[0], 2);
        assert_eq!(counted(None), [0xfb]);
        assert_eq!(counted(Some(&"x".repeat(251)))[..3], [0xfc, 251, 0]);
    }
}
