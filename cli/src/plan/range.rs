//! The RANGE types: keys in an order, none of which is below the lowest bound. What is asked goes by
//! the library's own lookup, whatever the type.

use std::collections::BTreeMap;

use mysqlfabric::topology::{
    Compat, GroupId, Key, KeyError, Shard, ShardMap, ShardingType, integer,
};

use crate::farm::Table;

use super::Move;

/// A shard map as the library has it, with the names of its groups.
pub struct Range<'t> {
    map: ShardMap,
    groups: Vec<&'t str>,
}

impl<'t> Range<'t> {
    /// The map of a table.
    ///
    /// # Errors
    /// In words: a bound is none of the type, or belongs to two groups.
    pub fn of(table: &'t Table) -> Result<Self, String> {
        let mut groups: Vec<&str> = table.shards.iter().map(|shard| shard.group.as_str()).collect();
        groups.sort_unstable();
        groups.dedup();
        let number =
            |name: &str| GroupId(groups.binary_search(&name).map_or(u32::MAX, |at| at as u32));
        let rows = table.shards.iter().map(|shard| {
            (shard.lower_bound.as_str(), Shard::listed(shard.id, number(&shard.group)))
        });
        let name = |id: GroupId| groups.get(id.0 as usize).unwrap_or(&"").to_string();
        let map = ShardMap::new(table.kind, rows, name).map_err(|error| error.to_string())?;
        Ok(Self { map, groups })
    }

    /// The position of the shard of a key; nothing below the lowest bound.
    ///
    /// # Errors
    /// In words: it is no key of the type.
    pub fn position(&self, key: &str) -> Result<Option<usize>, String> {
        match self.map.find_position(Key::Text(key.as_bytes()), Compat::Server) {
            Ok(at) => Ok(Some(at)),
            Err(KeyError::BelowLowest) => Ok(None),
            Err(_) => Err(format!("'{key}' is no key of type {}", self.map.kind().name())),
        }
    }

    fn group(&self, at: Option<usize>) -> Option<&'t str> {
        let id = self.map.shard(at?)?.group;
        self.groups.get(id.0 as usize).copied()
    }

    /// The group of a key.
    pub fn group_of(&self, key: &str) -> Result<Option<&'t str>, String> {
        Ok(self.group(self.position(key)?))
    }

    /// The bounds, as the library writes them.
    pub fn bounds(&self) -> Vec<String> {
        (0..self.map.len()).map(|at| self.map.bound_text(at)).collect()
    }

    /// How many of the keys each shard has, in the order of their bounds; the last is those without.
    pub fn counts(&self, keys: &[String]) -> Result<Vec<u64>, String> {
        let mut counts = vec![0; self.map.len() + 1];
        for key in keys {
            counts[self.position(key)?.unwrap_or(self.map.len())] += 1;
        }
        Ok(counts)
    }

    /// Which part of the keys each group has.
    pub fn shares(&self, keys: &[String]) -> Result<BTreeMap<String, f64>, String> {
        let mut shares = BTreeMap::new();
        for key in keys {
            if let Some(group) = self.group_of(key)? {
                *shares.entry(group.to_owned()).or_default() += 1.0 / keys.len() as f64;
            }
        }
        Ok(shares)
    }

    /// The keys whose group is another one in `new`, neighbours joined; with the share that each such
    /// interval has of the sampled keys, if there are some.
    pub fn moves(&self, new: &Range<'_>, keys: &[String]) -> Result<Vec<Move>, String> {
        // Where a bound stands among those of both: its positions ascend with it.
        let mut bounds: BTreeMap<(Option<usize>, Option<usize>), String> = BTreeMap::new();
        for bound in self.bounds().into_iter().chain(new.bounds()) {
            bounds.insert((self.position(&bound)?, new.position(&bound)?), bound);
        }
        let mut counts: BTreeMap<(Option<usize>, Option<usize>), u64> = BTreeMap::new();
        for key in keys {
            *counts.entry((self.position(key)?, new.position(key)?)).or_default() += 1;
        }
        let mut moves: Vec<Move> = Vec::new();
        let places: Vec<_> = bounds.into_iter().collect();
        for (at, (place, from)) in places.iter().enumerate() {
            let (old_group, new_group) = (self.group(place.0), new.group(place.1));
            if old_group == new_group {
                continue;
            }
            let until = places.get(at + 1).map(|(_, bound)| bound.clone());
            let count = counts.get(place).copied().unwrap_or_default();
            let share = (!keys.is_empty()).then(|| count as f64 / keys.len() as f64);
            let (old_group, new_group) =
                (old_group.map(str::to_owned), new_group.map(str::to_owned));
            match moves.last_mut() {
                Some(last)
                    if last.until.as_ref() == Some(from)
                        && (&last.old_group, &last.new_group) == (&old_group, &new_group) =>
                {
                    last.until = until;
                    last.share = last.share.zip(share).map(|(a, b)| a + b);
                }
                _ => moves.push(Move {
                    from: Some(from.clone()),
                    until,
                    old_group,
                    new_group,
                    share,
                }),
            }
        }
        Ok(moves)
    }
}

/// The bounds that give so many shards as many of the keys each; `low` is the first.
///
/// # Errors
/// In words: a key is none of the type, or there are too few that differ.
pub fn by_sample(
    kind: ShardingType,
    keys: &[String],
    low: &str,
    shards: u32,
) -> Result<Vec<String>, String> {
    // Keys are sorted by a map in which each is a bound. A BIGINT UNSIGNED key may be above all bounds.
    let is_bound = |key: &&String| {
        kind.class() != ShardingType::Range || integer::bound(key.as_bytes()).is_some()
    };
    // Where none is, they are none of the type, or no bound lies between them.
    let has_bounds = keys.iter().any(|key| is_bound(&key));
    let sorted = keys.iter().filter(|key| !has_bounds || is_bound(key));
    let each = sorted.map(|key| (key.as_str(), Shard::listed(0, GroupId(0))));
    let map = ShardMap::new(kind, each, |_| String::new()).map_err(|error| error.to_string())?;
    let mut counts: Vec<u64> = vec![0; map.len()];
    for key in keys {
        let at = map.find_position(Key::Text(key.as_bytes()), Compat::Server);
        let at = at.map_err(|_| format!("'{key}' is no key of type {}", kind.name()))?;
        counts[at] += 1;
    }
    let first = [(low, Shard::listed(0, GroupId(0)))];
    let lowest = ShardMap::new(kind, first.into_iter(), |_| String::new());
    let lowest = lowest.map_err(|error| error.to_string())?;
    let mut bounds = vec![low.to_owned()];
    let (mut behind, total, shards) = (0u64, keys.len() as u64, u64::from(shards));
    for (at, count) in counts.iter().enumerate() {
        let next = bounds.len() as u64;
        // The bound that is as near as may be to where the shard should begin.
        let is_due = behind * shards + count * shards / 2 >= next * total;
        if next < shards && is_due && behind > 0 {
            bounds.push(map.bound_text(at));
        }
        behind += count;
    }
    if (bounds.len() as u64) < shards {
        return Err(format!(
            "the {total} keys have {} values, which make {} shards at most; sample more, or plan \
             fewer shards",
            map.len(),
            bounds.len()
        ));
    }
    let key = map.bound_text(0);
    match lowest.find_position(Key::Text(key.as_bytes()), Compat::Server) {
        Ok(_) => Ok(bounds),
        Err(_) => Err(format!("the key '{key}' is below --low '{low}', and would have no shard")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::table;
    use super::*;

    fn texts(keys: impl IntoIterator<Item = impl ToString>) -> Vec<String> {
        keys.into_iter().map(|key| key.to_string()).collect()
    }

    #[test]
    fn moves_are_between_the_bounds_of_both() {
        let old = table("t", ShardingType::Range, &[("0", "a"), ("100", "b"), ("200", "c")]);
        let new = table("t", ShardingType::Range, &[("-50", "a"), ("150", "c"), ("300", "a")]);
        let (old, new) = (Range::of(&old).unwrap(), Range::of(&new).unwrap());
        let keys = texts([-60, -50, 10, 120, 150, 160, 250, 301, 302, 303]);
        let moves = old.moves(&new, &keys).unwrap();
        let moves: Vec<_> = moves
            .iter()
            .map(|m| {
                let text = |text: &Option<String>| text.clone().unwrap_or_default();
                let (from, until) = (text(&m.from), text(&m.until));
                (from, until, text(&m.old_group), text(&m.new_group), m.share.unwrap())
            })
            .collect();
        let moved =
            |a: &str, b: &str, c: &str, d: &str, e| (a.into(), b.into(), c.into(), d.into(), e);
        let expected = [
            moved("-50", "0", "", "a", 0.1),
            moved("100", "150", "b", "a", 0.1),
            moved("150", "200", "b", "c", 0.2),
            moved("300", "", "c", "a", 0.3),
        ];
        assert_eq!(moves, expected);
    }

    #[test]
    fn sampled_keys_make_shards_of_one_size() {
        let keys = texts((0..1000).map(|i| i * i));
        let bounds = by_sample(ShardingType::Range, &keys, "0", 4).unwrap();
        assert_eq!(bounds, ["0", "62500", "250000", "562500"]);
        let named: Vec<(&str, &str)> = bounds.iter().map(|bound| (bound.as_str(), "g")).collect();
        let table = table("t", ShardingType::Range, &named);
        assert_eq!(Range::of(&table).unwrap().counts(&keys).unwrap(), [250, 250, 250, 250, 0]);
        let words = texts(["b", "a", "d", "c"]);
        assert_eq!(by_sample(ShardingType::RangeString, &words, "", 2).unwrap(), ["", "c"]);
        let why = by_sample(ShardingType::Range, &texts([1, 1, 1]), "0", 2).unwrap_err();
        assert!(why.contains("1 values"), "{why}");
        let why = by_sample(ShardingType::Range, &texts([1, 2]), "2", 2).unwrap_err();
        assert!(why.contains("below --low"), "{why}");
        let why = by_sample(ShardingType::Range, &texts(["x"]), "2", 2).unwrap_err();
        assert!(why.contains("'x'"), "{why}");
    }

    #[test]
    fn a_key_above_all_bounds_is_in_the_last_shard() {
        let above = "18446744073709551615".to_owned();
        let keys = [texts(1..=3), vec![above.clone(); 3]].concat();
        let bounds = by_sample(ShardingType::Range, &keys, "0", 2).unwrap();
        assert_eq!(bounds, ["0", "3"]);
        by_sample(ShardingType::Range, &[above], "0", 1).unwrap_err();
        let none = by_sample(ShardingType::Range, &texts(["1", "x"]), "0", 1).unwrap_err();
        assert!(none.contains("'x' is no key"), "{none}");
    }
}
