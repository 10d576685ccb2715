//! Which shard a key belongs to, in the eyes of a real node.

use std::cmp::Ordering;

use crate::farm::{Mapping, Shard, State};
use crate::mysql_datetime::datetime;
use crate::value::Value;
use crate::{hashring, mysql_number};

/// Finds the shard of a key; the error is the text for the envelope.
///
/// `datetime_bug`: 1.5 answers the lowest shard for any RANGE_DATETIME key that has one.
pub fn shard<'a>(
    mapping: &'a Mapping,
    key: &Value,
    datetime_bug: bool,
) -> Result<&'a Shard, String> {
    // Disabled shards take part: a key of theirs is an error, not the neighbour's.
    let shards: Vec<&Shard> = mapping.shards.iter().collect();
    let found = match mapping.type_name.as_str() {
        "HASH" => hash(shards, key),
        "RANGE_STRING" => string(shards, key),
        "RANGE_DATETIME" => date(shards, key, datetime_bug),
        _ => number(shards, key),
    };
    match found {
        None => Err(invalid(key)),
        Some(shard) if shard.state == State::Disabled => Err("Shard not enabled".to_owned()),
        Some(shard) => Ok(shard),
    }
}

/// A real node cannot put a text outside ASCII into an error; another error comes out.
fn invalid(key: &Value) -> String {
    let text = format!("Invalid Key {}", key.text());
    if text.is_ascii() {
        return text;
    }
    "Exception raised - 'local variable 'ret' referenced before assignment'".to_owned()
}

fn number<'a>(shards: Vec<&'a Shard>, key: &Value) -> Option<&'a Shard> {
    let bound = |s: &Shard| mysql_number::signed(&s.lower_bound);
    let below = |s: &Shard| match key {
        // Exact for an integer, in DOUBLE for everything else.
        Value::Int(key) => i128::from(bound(s)) <= *key,
        Value::Bool(key) => bound(s) <= i64::from(*key),
        Value::Double(key) => bound(s) as f64 <= *key,
        Value::Str(key) => bound(s) as f64 <= mysql_number::double(key),
        _ => false,
    };
    shards.into_iter().filter(|s| below(s)).max_by_key(|s| bound(s))
}

fn hash<'a>(shards: Vec<&'a Shard>, key: &Value) -> Option<&'a Shard> {
    let hash = hashring::hash(&key.text());
    let below = shards.iter().filter(|s| s.lower_bound <= hash).max_by_key(|s| &s.lower_bound);
    // Below the lowest bound the ring closes: the highest shard has it.
    below.or_else(|| shards.iter().max_by_key(|s| &s.lower_bound)).copied()
}

fn string<'a>(shards: Vec<&'a Shard>, key: &Value) -> Option<&'a Shard> {
    if *key == Value::Nil {
        return None;
    }
    let key = key.text();
    shards
        .into_iter()
        // The store's utf8 has three bytes a character; such a bound compares with nothing.
        .filter(|s| s.lower_bound.chars().all(|c| c.len_utf8() < 4))
        .filter(|s| pad_space(&s.lower_bound, &key) != Ordering::Greater)
        .max_by(|a, b| pad_space(&a.lower_bound, &b.lower_bound))
}

/// Bytes with the shorter side padded with blanks.
fn pad_space(a: &str, b: &str) -> Ordering {
    let length = a.len().max(b.len());
    let padded =
        |s: &str| s.bytes().chain(std::iter::repeat(b' ')).take(length).collect::<Vec<_>>();
    padded(a).cmp(&padded(b))
}

fn date<'a>(shards: Vec<&'a Shard>, key: &Value, bug: bool) -> Option<&'a Shard> {
    let key = datetime(&key.text())?;
    let bound = |s: &Shard| datetime(&s.lower_bound);
    let below = shards.into_iter().filter(|s| bound(s).is_some_and(|b| b <= key));
    if bug { below.min_by_key(|s| bound(s)) } else { below.max_by_key(|s| bound(s)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::farm::Farm;

    fn group(table: &str, key: Value) -> String {
        let farm = Farm::sample();
        let mapping = farm.mapping_of(table).unwrap();
        shard(mapping, &key, false).map_or_else(|e| e, |s| s.group.clone())
    }

    #[test]
    fn ranges() {
        assert_eq!(group("employees.salaries", "0".into()), "Invalid Key 0");
        assert_eq!(group("employees.salaries", Value::Int(10_001)), "shard2");
        assert_eq!(group("employees.salaries", "1e4".into()), "shard1");
        assert_eq!(group("employees.salaries", Value::Nil), "Invalid Key None");
        assert_eq!(group("disabled_db.t", "150".into()), "Shard not enabled");
    }

    #[test]
    fn the_ring_closes_at_the_top() {
        assert_eq!(group("hashdb.accounts", "a".into()), "shard2");
    }

    #[test]
    fn the_datetime_bug_is_an_option() {
        let farm = Farm::sample();
        let mapping = farm.mapping_of("log.events").unwrap();
        let key = Value::from("2021-01-01");
        assert_eq!(shard(mapping, &key, true).unwrap().group, "shard1");
        assert_eq!(shard(mapping, &key, false).unwrap().group, "shard3");
    }
}
