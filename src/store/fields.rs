//! The single values of a topology file: each with the range it must be in.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::config::is_zone;

/// A lower bound as text, which may have been written as a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    pub text: String,
    pub is_integer: bool,
}

impl From<String> for Bound {
    fn from(text: String) -> Self {
        Self { text, is_integer: false }
    }
}

impl Serialize for Bound {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Bound {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        bound(from)
    }
}

/// What may be done with the keys of a shard that is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub enum ShardState {
    #[default]
    #[serde(rename = "ENABLED")]
    Enabled,
    /// Reads go on, writes are held.
    #[serde(rename = "READ_ONLY")]
    ReadOnly,
}

impl ShardState {
    pub fn of(read_only: bool) -> Self {
        if read_only { Self::ReadOnly } else { Self::Enabled }
    }

    pub fn is_enabled(&self) -> bool {
        *self == Self::Enabled
    }
}

/// What a value may be; the first function that takes it wins.
struct Field<T> {
    what: &'static str,
    integer: fn(i64) -> Option<T>,
    float: fn(f64) -> Option<T>,
    text: fn(&str) -> Option<T>,
}

impl<T> Field<T> {
    fn of(what: &'static str) -> Self {
        Self { what, integer: |_| None, float: |_| None, text: |_| None }
    }
}

impl<T> Visitor<'_> for Field<T> {
    type Value = T;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.what)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<T, E> {
        (self.integer)(value).ok_or_else(|| E::invalid_value(Unexpected::Signed(value), &self))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<T, E> {
        let taken = i64::try_from(value).ok().and_then(self.integer);
        taken.ok_or_else(|| E::invalid_value(Unexpected::Unsigned(value), &self))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<T, E> {
        (self.float)(value).ok_or_else(|| E::invalid_value(Unexpected::Float(value), &self))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<T, E> {
        (self.text)(value).ok_or_else(|| E::invalid_value(Unexpected::Str(value), &self))
    }
}

/// What C could not carry as a string is no name.
fn c_text(text: &str) -> Option<String> {
    (!text.contains('\0')).then(|| text.to_owned())
}

pub fn text<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    from.deserialize_any(Field { text: c_text, ..Field::of("a string without NUL") })
}

pub fn name<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let text = |text: &str| c_text(text).filter(|text| !text.is_empty());
    from.deserialize_any(Field { text, ..Field::of("a string that is not empty, without NUL") })
}

/// A database or a table: the API joins the two with a dot.
pub fn part<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let text = |text: &str| c_text(text).filter(|text| !text.is_empty() && !text.contains('.'));
    from.deserialize_any(Field { text, ..Field::of("a name that is not empty, without a dot") })
}

pub fn shard_state<'de, D: Deserializer<'de>>(from: D) -> Result<ShardState, D::Error> {
    let text = |text: &str| match text {
        "ENABLED" => Some(ShardState::Enabled),
        "READ_ONLY" => Some(ShardState::ReadOnly),
        _ => None,
    };
    let what = "ENABLED or READ_ONLY (the bound of a shard that is out of use goes on held_shards)";
    from.deserialize_any(Field { text, ..Field::of(what) })
}

/// An integer may be written as one; which texts a bound takes is the sharding type's matter.
pub fn bound<'de, D: Deserializer<'de>>(from: D) -> Result<Bound, D::Error> {
    let text = |text: &str| c_text(text).map(Bound::from);
    let integer = |number: i64| Some(Bound { text: number.to_string(), is_integer: true });
    from.deserialize_any(Field { text, integer, ..Field::of("a string or a 64-bit integer") })
}

/// A text that means something.
pub fn parsed<'de, T, D: Deserializer<'de>>(
    from: D,
    what: &'static str,
    parse: fn(&str) -> Option<T>,
) -> Result<T, D::Error> {
    from.deserialize_any(Field { text: parse, ..Field::of(what) })
}

pub fn port<'de, D: Deserializer<'de>>(from: D) -> Result<u16, D::Error> {
    let integer = |number: i64| u16::try_from(number).ok().filter(|port| *port > 0);
    from.deserialize_any(Field { integer, ..Field::of("a port, 1 to 65535") })
}

pub fn weight<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    let float = |number: f64| Some(number).filter(|weight| *weight > 0.0 && weight.is_finite());
    let integer = |number: i64| Some(number as f64).filter(|weight| *weight > 0.0);
    from.deserialize_any(Field { float, integer, ..Field::of("a number greater than 0") })
}

pub fn zone<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let text = |text: &str| is_zone(text).then(|| text.to_owned());
    let what = "a zone, which is a string of 1 to 64 bytes without control characters";
    from.deserialize_any(Field { text, ..Field::of(what) })
}

/// A zone that is there.
pub fn some_zone<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    zone(from).map(Some)
}

const DAY_MS: u64 = 86_400_000;

pub fn ttl<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    let integer =
        |number: i64| u64::try_from(number).ok().filter(|n| (1..=DAY_MS).contains(n)).map(Some);
    from.deserialize_any(Field { integer, ..Field::of("milliseconds, 1 to 86400000") })
}

pub fn seconds<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    let integer = |number: i64| u64::try_from(number).ok().map(Some);
    from.deserialize_any(Field { integer, ..Field::of("seconds since 1970") })
}

/// A number that has a name: written by name where it has one, read either way. Numbers of
/// servers to come stay as they are.
pub trait Named {
    const WHAT: &'static str;
    const NAMES: [(&'static str, i32); 4];

    fn serialize<S: Serializer>(number: &i32, to: S) -> Result<S::Ok, S::Error> {
        match Self::NAMES.iter().find(|(_, known)| known == number) {
            Some((name, _)) => to.serialize_str(name),
            None => to.serialize_i32(*number),
        }
    }

    fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<i32, D::Error> {
        from.deserialize_any(Field {
            text: |text| Self::NAMES.iter().find(|(name, _)| *name == text).map(|known| known.1),
            integer: |number| i32::try_from(number).ok(),
            ..Field::of(Self::WHAT)
        })
    }
}

pub struct Mode;

impl Named for Mode {
    const WHAT: &'static str = "OFFLINE, READ_ONLY, WRITE_ONLY, READ_WRITE or a number";
    const NAMES: [(&'static str, i32); 4] =
        [("OFFLINE", 0), ("READ_ONLY", 1), ("WRITE_ONLY", 2), ("READ_WRITE", 3)];
}

pub struct Status;

impl Named for Status {
    const WHAT: &'static str = "FAULTY, SPARE, SECONDARY, PRIMARY or a number";
    const NAMES: [(&'static str, i32); 4] =
        [("FAULTY", 0), ("SPARE", 1), ("SECONDARY", 2), ("PRIMARY", 3)];
}
