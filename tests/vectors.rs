//! Every recorded answer of a real server, line by line.
//!
//! Where the library decides otherwise on purpose, the line is counted under its reason; a
//! difference without a reason fails.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::PathBuf;

use mysqlfabric::topology::builder::TableBuilder;
use mysqlfabric::topology::{Compat, GroupId, Key, KeyError, Shard, ShardRow, Table};
use serde_json::Value;

struct Farm {
    names: Vec<String>,
    tables: HashMap<String, Table>,
}

fn data(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/vectors").join(name)
}

fn farm() -> Farm {
    let text = fs::read_to_string(data("shards.json")).expect("shards.json");
    let dump: Value = serde_json::from_str(&text).expect("JSON");
    let mut names: Vec<String> = Vec::new();
    let mut number = |name: &str| {
        let at = names.iter().position(|known| known == name).unwrap_or_else(|| {
            names.push(name.to_owned());
            names.len() - 1
        });
        GroupId(at as u32)
    };
    let mut builders: HashMap<String, TableBuilder> = HashMap::new();
    for row in dump["rows"].as_array().expect("rows") {
        let text = |column: usize| row[column].as_str().expect("text");
        let shard_id = row[4].as_i64().expect("shard id");
        let shard = Shard { id: shard_id, group: number(text(6)) };
        let global_group = number(text(7));
        let row = ShardRow {
            schema: text(0).into(),
            table: text(1).into(),
            column: text(2).into(),
            lower_bound: text(3).into(),
            shard_id,
            type_name: text(5).into(),
            group: text(6).into(),
            global_group: text(7).into(),
            read_only: false,
        };
        match builders.entry(format!("{}.{}", row.schema, row.table)) {
            Entry::Vacant(entry) => _ = entry.insert(TableBuilder::new(&row, global_group, shard)),
            Entry::Occupied(mut entry) => {
                entry.get_mut().push(&row, global_group, shard, |id| format!("{id:?}"));
            }
        }
    }
    let tables = builders
        .into_iter()
        .map(|(name, builder)| {
            let table = builder.table(|group| group, |id| format!("{id:?}"));
            (name, table.expect("a usable table"))
        })
        .collect();
    Farm { names, tables }
}

fn lines() -> impl Iterator<Item = Value> {
    let mut files: Vec<PathBuf> = fs::read_dir(data(""))
        .expect("the vectors")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
        .collect();
    files.sort();
    files.into_iter().flat_map(|path| {
        let text = fs::read_to_string(path).expect("a vector file");
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect::<Vec<_>>()
    })
}

/// What the library answers: a group name, or why not.
fn answer<'f>(farm: &'f Farm, line: &Value, compat: Compat) -> Result<&'f str, KeyError> {
    let table = &farm.tables[line["table"].as_str().expect("table")];
    let text = line["key"].as_str().expect("key");
    let key = match line["key_type"].as_str() {
        Some("int") => match text.parse() {
            Ok(value) => Key::Integer(value),
            // Beyond 64 bits the C API carries it as text.
            Err(_) => text.parse().map_or(Key::Text(text.as_bytes()), Key::Unsigned),
        },
        _ => Key::Text(text.as_bytes()),
    };
    let shard = table.map.find(key, compat)?;
    Ok(&farm.names[shard.group.0 as usize])
}

/// Why the library may differ from the server on this line, by PROTOCOL's list of decisions.
fn reason(line: &Value, ours: Result<&str, KeyError>) -> Option<&'static str> {
    let (table, kind) = (line["table"].as_str()?, line["type"].as_str()?);
    let (key, is_text) = (line["key"].as_str()?, line["key_type"] == "str");
    match (kind, ours) {
        ("RANGE" | "RANGE_INTEGER", Err(KeyError::NotInteger)) if is_text => {
            Some("RANGE text that is no plain decimal integer")
        }
        ("RANGE", _) if is_text && key.parse::<i64>().is_ok_and(|k| k.unsigned_abs() > 1 << 53) => {
            Some("RANGE text above 2^53, which the server compares as DOUBLE")
        }
        ("RANGE_DATETIME", Err(KeyError::NotDateTime)) if is_text => {
            Some("RANGE_DATETIME text in a form that is refused")
        }
        ("RANGE_STRING", _) if table == "crm.nonascii" && key.chars().any(|c| c > '\u{FFFF}') => {
            Some("RANGE_STRING bound outside the BMP matches by its bytes")
        }
        (_, Ok("shard1")) if table == "disabled_db.t" && line["error"] == "Shard not enabled" => {
            Some("disabled shard: a hole that no dump shows")
        }
        _ => None,
    }
}

#[test]
fn every_line_is_routed_as_the_server_did() {
    let farm = farm();
    let (mut total, mut agreed) = (0, 0);
    let mut differ: BTreeMap<&str, usize> = BTreeMap::new();
    for line in lines() {
        total += 1;
        let ours = answer(&farm, &line, Compat::Server);
        let same = match line["group"].as_str() {
            Some(group) => ours == Ok(group),
            None => ours.is_err(),
        };
        if same {
            agreed += 1;
        } else {
            let why = reason(&line, ours);
            let why = why.unwrap_or_else(|| panic!("no reason to differ: {ours:?} for {line}"));
            *differ.entry(why).or_default() += 1;
        }
    }
    println!("{agreed} of {total} agree with the server; on purpose otherwise: {differ:#?}");
    assert_eq!((agreed, total), (16_170, 16_389));
    let expected = [
        ("RANGE text that is no plain decimal integer", 87),
        ("RANGE_DATETIME text in a form that is refused", 17),
        ("RANGE_STRING bound outside the BMP matches by its bytes", 69),
        ("disabled shard: a hole that no dump shows", 46),
    ];
    assert_eq!(differ, BTreeMap::from(expected));
}

/// The two rules of `FABRIC_COMPAT_CONNECTOR_PYTHON`: HASH below every bound, RANGE below the
/// lowest one.
#[test]
fn compat_gives_the_answers_of_the_reference() {
    let farm = farm();
    let (mut hash, mut hash_wrapped, mut range, mut range_below) = (0, 0, 0, 0);
    for line in lines() {
        let (kind, reference) = match (line["type"].as_str(), line["key_type"].as_str()) {
            (Some("HASH"), _) => ("HASH", line["reference_group_utf8"].as_str()),
            (Some("RANGE"), Some("int")) => ("RANGE", line["reference_group"].as_str()),
            _ => continue,
        };
        let reference = reference.expect("the reference answers every such key");
        let (ours, server) =
            (answer(&farm, &line, Compat::ConnectorPython), answer(&farm, &line, Compat::Server));
        assert_eq!(ours, Ok(reference), "{line}");
        match kind {
            "HASH" => (hash += 1, hash_wrapped += usize::from(server != ours)),
            _ => (range += 1, range_below += usize::from(server != ours)),
        };
    }
    println!("HASH {hash}, {hash_wrapped} unlike the server; RANGE {range}, {range_below} unlike");
    assert_eq!((hash, hash_wrapped), (3_049, 812));
    assert_eq!((range, range_below), (5_979, 1_759));
}
