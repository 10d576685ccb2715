//! A table in the text of a topology file, all else of which stays as it is, byte for byte.

use std::borrow::Cow;
use std::io;
use std::ops::Range;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::{Table, table_of};

#[derive(Deserialize)]
struct Parts<'t> {
    #[serde(borrow)]
    tables: &'t RawValue,
    checksum: Option<IgnoredAny>,
}

impl<'t> Parts<'t> {
    fn of(text: &'t str) -> io::Result<Self> {
        // Some editors begin a file with a byte order mark.
        Ok(serde_json::from_str(text.trim_start_matches('\u{feff}'))?)
    }
}

#[derive(Deserialize)]
struct Name<'t> {
    #[serde(borrow)]
    schema: Cow<'t, str>,
    #[serde(borrow)]
    table: Cow<'t, str>,
}

/// Whether the text of a topology file has a checksum, and so must not change.
///
/// # Errors
/// It is the text of none.
pub fn is_sealed(text: &str) -> io::Result<bool> {
    Ok(Parts::of(text)?.checksum.is_some())
}

/// The text of a topology file with a table in the place of the one that has its name, else behind the
/// last one. Shards that are DISABLED are in `held_shards`, which stays.
///
/// # Errors
/// It is the text of none.
pub fn with_table(text: &str, table: &Table) -> io::Result<String> {
    let Parts { tables, .. } = Parts::of(text)?;
    let entries: Vec<&RawValue> = serde_json::from_str(tables.get())?;
    let mut known = None;
    for entry in &entries {
        let name: Name<'_> = serde_json::from_str(entry.get())?;
        if (&*name.schema, &*name.table) == (&*table.schema, &*table.name) {
            known = Some(*entry);
        }
    }
    let own = serde_json::to_string_pretty(&table_of(table))?;
    let newline = newline(text);
    let (at, new) = match (known, entries.last()) {
        (Some(known), _) => {
            let at = place(text, known);
            let own = own.replace('\n', &format!("{newline}{}", indent(text, at.start).0));
            (at, own)
        }
        (None, Some(last)) => {
            let last = place(text, last);
            let (indent, is_first) = indent(text, last.start);
            let own = own.replace('\n', &format!("{newline}{indent}"));
            let between = if is_first { format!(",{newline}{indent}") } else { ", ".to_owned() };
            (last.end..last.end, between + &own)
        }
        (None, None) => {
            let at = place(text, tables);
            let outer = indent(text, at.start).0;
            let own = own.replace('\n', &format!("{newline}{outer}  "));
            (at, format!("[{newline}{outer}  {own}{newline}{outer}]"))
        }
    };
    let mut edited = text.to_owned();
    edited.replace_range(at, &new);
    Ok(edited)
}

/// How the lines of a text end: as the first one does.
fn newline(text: &str) -> &'static str {
    let first = text.split_once('\n').map_or("", |(line, _)| line);
    if first.ends_with('\r') { "\r\n" } else { "\n" }
}

/// Where a part of a text is that was read from it.
fn place(text: &str, part: &RawValue) -> Range<usize> {
    let start = part.get().as_ptr().addr() - text.as_ptr().addr();
    start..start + part.get().len()
}

/// The blanks that the line begins with, and whether there is nothing else before the position.
fn indent(text: &str, position: usize) -> (&str, bool) {
    let before = &text[..position];
    let line = &before[before.rfind('\n').map_or(0, |end| end + 1)..];
    let blanks = line.len() - line.trim_start_matches([' ', '\t']).len();
    (&line[..blanks], blanks == line.len())
}

#[cfg(test)]
mod tests {
    use mysqlfabric::topology::ShardingType;
    use serde_json::Value;

    use super::*;
    use crate::plan::testing;

    const OLD: &str = r#"{"id": 7, "schema": "s", "table": "r", "note": "]"}"#;

    fn edited(text: &str) -> String {
        let table = testing::table("r", ShardingType::Range, &[("1", "a")]);
        let edited = with_table(text, &table).expect("JSON");
        serde_json::from_str::<Value>(edited.trim_start_matches('\u{feff}')).expect("JSON");
        edited
    }

    #[test]
    fn only_the_table_is_another_one() {
        let own = |indent: &str| {
            let own = edited(r#"{"tables":[]}"#);
            let own =
                own.strip_prefix("{\"tables\":[\n  ").and_then(|own| own.strip_suffix("\n]}"));
            own.expect("a table").replace("\n  ", &format!("\n{indent}"))
        };
        assert!(own("").contains("\n      \"lower_bound\": 1,\n"), "{}", own(""));
        for (before, old, indent, after) in [
            ("{\n  \"ttl_ms\": 1e3, \"tables\": [\n    ", OLD, "    ", "\n  ], \"b\": [1 ]}\n"),
            (
                "\u{feff}{\"tables\":[{\"schema\":\"r\",\"table\":\"s\"},",
                OLD,
                "",
                ", {\"schema\":\"s\",\"table\":\"\"}]}",
            ),
            ("{\"a\": \"\\\"tables\\\":\",\n\t\"t\\u0061bles\": [\n\t\t", OLD, "\t\t", "]}"),
        ] {
            let (text, expected) =
                (format!("{before}{old}{after}"), format!("{before}{}{after}", own(indent)));
            assert_eq!(edited(&text), expected);
            assert_eq!(edited(&expected), expected, "once more");
        }
    }

    #[test]
    fn lines_end_as_those_of_the_file_do() {
        let other = OLD.replace("\"r\"", "\"q\"");
        for entry in [OLD, &other, ""] {
            let text = format!("{{\n  \"tables\": [\n    {entry}\n  ]\n}}\n");
            let as_there = edited(&text.replace('\n', "\r\n"));
            assert_eq!(as_there, edited(&text).replace('\n', "\r\n"));
        }
    }

    #[test]
    fn a_new_one_is_behind_the_last() {
        let other = OLD.replace("\"r\"", "\"q\"");
        let text = edited(&format!("{{\n  \"tables\": [\n    {other}\n  ]\n}}"));
        assert!(
            text.starts_with(&format!(
                "{{\n  \"tables\": [\n    {other},\n    {{\n      \"schema\": \"s\""
            )),
            "{text}"
        );
        assert!(text.ends_with("\n    }\n  ]\n}"), "{text}");
        let text = edited(&format!("{{\"tables\": [{other}]}}"));
        assert!(text.starts_with(&format!("{{\"tables\": [{other}, {{\n  \"schema\"")), "{text}");
        let text = edited("{\n  \"tables\": []\n}");
        assert!(text.starts_with("{\n  \"tables\": [\n    {\n      \"schema\""), "{text}");
        assert!(text.ends_with("\n    }\n  ]\n}"), "{text}");
    }
}
