//! JSON members that the format does not have. Later versions may have them, so they are ignored,
//! unless they look like a misspelling of a member that it has.

use std::fmt::{self, Display};

use serde::de::{Deserialize, Deserializer, Visitor};
use serde_ignored::Path;

use super::document::{Document, FabricNode, Group, HeldShard, Server, Shard, Table};

/// Shorter names are not compared: each is one letter off too many others.
const LEAST_LETTERS: usize = 4;

/// What is wrong with a member that nobody knows: its place, and the name that was meant.
pub fn misspelling(path: &Path<'_>) -> Option<String> {
    let Path::Map { parent, key } = path else { return None };
    let letters = letters(key);
    let meant = known(parent).find(|name| looks_like(&letters, &self::letters(name)));
    let meant = meant.or_else(|| means_a_hold(parent, &letters).then_some(HELD_SHARDS))?;
    let place = Place(path);
    Some(format!(
        "{place}: there is no such member, but {meant} is one; correct it, or take it out"
    ))
}

/// Without it the keys of the shards that are to be held would go to the shards below.
const HELD_SHARDS: &str = "held_shards";

/// A name as far as nobody mistakes it: its case, and how its words are joined, are.
fn letters(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '_' | '-')).flat_map(char::to_lowercase).collect()
}

fn looks_like(letters: &str, known: &str) -> bool {
    letters == known || letters.chars().count() >= LEAST_LETTERS && is_one_off(letters, known)
}

/// Whether a member of the file, of a table or of a shard can only be about shards that are held.
fn means_a_hold(parent: &Path<'_>, letters: &str) -> bool {
    let is_about_shards = match parent {
        Path::Root => true,
        Path::Seq { parent: Path::Map { key, .. }, .. } => key == "tables" || key == "shards",
        _ => false,
    };
    is_about_shards && ["held", "hold"].iter().any(|begin| letters.starts_with(begin))
}

/// The members that there are at a place.
fn known(parent: &Path<'_>) -> impl Iterator<Item = &'static str> {
    // Read apart from the rest of the file.
    const CHECKSUM: &[&str] = &["checksum"];
    const NONE: &[&str] = &[];
    let (members, more) = match parent {
        Path::Root => (of::<Document>(), CHECKSUM),
        Path::Seq { parent: Path::Map { key, .. }, .. } => (
            match key.as_str() {
                "tables" => of::<Table>(),
                "shards" => of::<Shard>(),
                "held_shards" => of::<HeldShard>(),
                "groups" => of::<Group>(),
                "servers" => of::<Server>(),
                "fabric_nodes" => of::<FabricNode>(),
                _ => NONE,
            },
            NONE,
        ),
        _ => (NONE, NONE),
    };
    members.iter().chain(more).copied()
}

/// Whether two different names become one by a letter more, less, or another one, or by two that
/// change places.
fn is_one_off(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let alike = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let (a, b) = (a.get(alike..).unwrap_or_default(), b.get(alike..).unwrap_or_default());
    let (a_rest, b_rest) = (a.get(1..).unwrap_or_default(), b.get(1..).unwrap_or_default());
    match (a, b) {
        ([], []) => false,
        ([a, a_next, a_tail @ ..], [b, b_next, b_tail @ ..])
            if a == b_next && b == a_next && a_tail == b_tail =>
        {
            true
        }
        ([], _) => b_rest.is_empty(),
        (_, []) => a_rest.is_empty(),
        _ => a_rest == b_rest || a == b_rest || a_rest == b,
    }
}

/// A place as other messages show it: `tables[0].shards[1].id`.
struct Place<'p, 'a>(&'p Path<'a>);

impl Display for Place<'_, '_> {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Path::Root => Ok(()),
            Path::Seq { parent, index } => write!(to, "{}[{index}]", Place(parent)),
            Path::Map { parent: Path::Root, key } => to.write_str(key),
            Path::Map { parent, key } => write!(to, "{}.{key}", Place(parent)),
            Path::Some { parent }
            | Path::NewtypeStruct { parent }
            | Path::NewtypeVariant { parent } => Place(parent).fmt(to),
        }
    }
}

/// The members of a struct, as its own reader names them.
fn of<'de, T: Deserialize<'de>>() -> &'static [&'static str] {
    match T::deserialize(Asked) {
        Err(Members(members)) => members,
        Ok(_) => &[],
    }
}

/// Gives a reader nothing, and keeps what it asked for.
struct Asked;

#[derive(Debug)]
struct Members(&'static [&'static str]);

impl Display for Members {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("nothing is read here")
    }
}

impl std::error::Error for Members {}

impl serde::de::Error for Members {
    fn custom<T: Display>(_: T) -> Self {
        Self(&[])
    }
}

impl<'de> Deserializer<'de> for Asked {
    type Error = Members;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Members> {
        Err(Members(&[]))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        members: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Members> {
        Err(Members(members))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_name_their_members() {
        assert_eq!(
            of::<Group>(),
            ["id", "confirmed_at", "servers", "discover", "seeds", "weights", "zones"]
        );
        assert!(of::<Table>().contains(&"type"), "as the file has it");
        assert!(of::<Document>().contains(&"written_by"));
        assert_eq!(of::<String>(), [""; 0]);
    }

    #[test]
    fn one_letter_off() {
        for (a, b) in [
            ("weight", "weigth"),
            ("weight", "weght"),
            ("weight", "weigght"),
            ("weight", "eight"),
            ("weight", "weigh"),
            ("weight", "weights"),
            ("weight", "xweight"),
            ("weight", "Weight"),
            ("mode", "moed"),
            ("mode", "omde"),
            ("gruppe", "grüppe"),
        ] {
            assert!(is_one_off(a, b) && is_one_off(b, a), "{a} {b}");
        }
        for (a, b) in [
            ("weight", "weight"),
            ("weight", "wieghts"),
            ("weight", "height_"),
            ("mode", "node_"),
            ("mode", "dome"),
            ("mode", "mdoes"),
            ("", ""),
            ("status", "state"),
        ] {
            assert!(!is_one_off(a, b) && !is_one_off(b, a), "{a} {b}");
        }
    }
}
