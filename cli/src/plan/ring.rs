//! HASH: the ring of 128-bit digests. A shard has the digests from its bound to the next one; the
//! highest has those below the lowest bound, too.

use std::collections::BTreeMap;

use mysqlfabric::topology::hash;

use crate::farm::Table;

use super::Move;

/// The bounds of a map in their order, each with a group. Never empty.
#[derive(Debug)]
pub struct Ring<'t> {
    arcs: Vec<(u128, &'t str)>,
}

/// A part of the ring; 0 stands for all of it, which no other part is as long as.
type Length = u128;

fn share(length: Length) -> f64 {
    // 2^128
    const ALL: f64 = 340_282_366_920_938_463_463_374_607_431_768_211_456.0;
    if length == 0 { 1.0 } else { length as f64 / ALL }
}

impl<'t> Ring<'t> {
    /// Nothing for a table without shards, or with a bound that is none.
    pub fn of(table: &'t Table) -> Option<Self> {
        let arc = |shard: &'t crate::farm::Shard| {
            Some((hash::parse(shard.lower_bound.as_bytes())?, shard.group.as_str()))
        };
        let mut arcs = table.shards.iter().map(arc).collect::<Option<Vec<_>>>()?;
        arcs.sort_unstable();
        arcs.dedup_by_key(|arc| arc.0);
        (!arcs.is_empty()).then_some(Self { arcs })
    }

    /// From each bound to the next.
    fn lengths(&self) -> impl Iterator<Item = (u128, Length)> {
        let next = self.arcs.iter().cycle().skip(1);
        self.arcs.iter().zip(next).map(|(arc, next)| (arc.0, next.0.wrapping_sub(arc.0)))
    }

    /// From a bound to the next.
    fn length_from(&self, bound: &str) -> Option<(u128, Length)> {
        let bound = hash::parse(bound.as_bytes())?;
        let at = self.arcs.binary_search_by_key(&bound, |arc| arc.0).ok()?;
        let next = self.arcs.get(at + 1).or(self.arcs.first())?;
        Some((bound, next.0.wrapping_sub(bound)))
    }

    /// Which part of the keys is from a bound to the next.
    pub fn share_from(&self, bound: &str) -> Option<f64> {
        self.length_from(bound).map(|(_, length)| share(length))
    }

    /// Which part of the keys each group has.
    pub fn shares(&self) -> BTreeMap<String, f64> {
        let mut lengths: BTreeMap<&str, Length> = BTreeMap::new();
        for ((_, group), (_, length)) in self.arcs.iter().zip(self.lengths()) {
            // Only all of the ring comes to 0 again.
            let sum = lengths.entry(group).or_default();
            *sum = sum.wrapping_add(length);
        }
        lengths.into_iter().map(|(group, length)| (group.to_owned(), share(length))).collect()
    }

    /// The group of a digest.
    fn owner(&self, digest: u128) -> Option<&'t str> {
        let above = self.arcs.partition_point(|(bound, _)| *bound <= digest);
        let at = above.checked_sub(1).unwrap_or(self.arcs.len() - 1);
        self.arcs.get(at).map(|arc| arc.1)
    }

    /// Which parts of the keys from a bound to the next one are in which groups of `other`.
    pub fn parts_in<'o>(&self, bound: &str, other: &Ring<'o>) -> BTreeMap<&'o str, f64> {
        let mut parts = BTreeMap::new();
        let Some((from, length)) = self.length_from(bound) else { return parts };
        // One less than the length, which may be all of the ring.
        let last = length.wrapping_sub(1);
        let first_above = other.arcs.partition_point(|arc| arc.0 <= from);
        let cuts = other.arcs.iter().cycle().skip(first_above).take(other.arcs.len());
        let cuts = cuts.map(|arc| arc.0.wrapping_sub(from));
        let mut begin = 0;
        for end in cuts.filter(|cut| *cut != 0).take_while(|cut| *cut <= last).chain([length]) {
            if let Some(group) = other.owner(from.wrapping_add(begin)) {
                *parts.entry(group).or_default() += share(end.wrapping_sub(begin));
            }
            begin = end;
        }
        parts
    }

    /// The digests whose group is another one in `new`, neighbours joined.
    pub fn moves(&self, new: &Ring<'_>) -> Vec<Move> {
        let mut bounds: Vec<u128> = self.arcs.iter().chain(&new.arcs).map(|arc| arc.0).collect();
        bounds.sort_unstable();
        bounds.dedup();
        let ends = bounds.iter().cycle().skip(1);
        let mut moved: Vec<(u128, u128, &str, &str)> = Vec::new();
        for (from, until) in bounds.iter().zip(ends) {
            let (Some(old), Some(new)) = (self.owner(*from), new.owner(*from)) else { continue };
            if old == new {
                continue;
            }
            match moved.last_mut() {
                Some(last) if last.1 == *from && (last.2, last.3) == (old, new) => last.1 = *until,
                _ => moved.push((*from, *until, old, new)),
            }
        }
        // Around zero.
        if let [first, .., last] = moved.as_mut_slice()
            && last.1 == first.0
            && (last.2, last.3) == (first.2, first.3)
        {
            first.0 = last.0;
            moved.pop();
        }
        let text = |(from, until, old, new): (u128, u128, &str, &str)| Move {
            from: Some(hash::format(from)),
            until: Some(hash::format(until)),
            old_group: Some(old.to_owned()),
            new_group: Some(new.to_owned()),
            share: Some(share(until.wrapping_sub(from))),
        };
        moved.into_iter().map(text).collect()
    }
}

#[cfg(test)]
mod tests {
    use mysqlfabric::topology::ShardingType;

    use super::super::testing;
    use super::*;

    /// A table whose bounds have these first digits.
    fn table(shards: &[(&str, &str)]) -> Table {
        let mut table = testing::table("t", ShardingType::Hash, shards);
        for shard in &mut table.shards {
            shard.lower_bound = format!("{:0<32}", shard.lower_bound);
        }
        table
    }

    fn shares(table: &Table) -> Vec<(String, f64)> {
        Ring::of(table).unwrap().shares().into_iter().collect()
    }

    fn moves(old: &Table, new: &Table) -> Vec<(String, String, String, String, f64)> {
        let moves = Ring::of(old).unwrap().moves(&Ring::of(new).unwrap());
        let short = |text: Option<String>| text.unwrap()[..1].to_owned();
        let moves = moves.into_iter().map(|m| {
            let (old, new) = (m.old_group.unwrap(), m.new_group.unwrap());
            (short(m.from), short(m.until), old, new, m.share.unwrap())
        });
        moves.collect()
    }

    fn moved(
        from: &str,
        until: &str,
        old: &str,
        new: &str,
        share: f64,
    ) -> (String, String, String, String, f64) {
        (from.into(), until.into(), old.into(), new.into(), share)
    }

    #[test]
    fn the_highest_has_what_is_below_the_lowest() {
        let table = table(&[("4", "a"), ("8", "b")]);
        assert_eq!(shares(&table), [("a".into(), 0.25), ("b".into(), 0.75)]);
        let ring = Ring::of(&table).unwrap();
        assert_eq!(ring.share_from(&format!("{:0<32}", "8")), Some(0.75));
        assert_eq!([0, u128::MAX].map(|at| ring.owner(at)), [Some("b"); 2]);
    }

    #[test]
    fn a_group_may_have_all_of_the_ring() {
        assert_eq!(shares(&table(&[("7", "a")])), [("a".into(), 1.0)]);
        assert_eq!(shares(&table(&[("0", "a"), ("8", "a"), ("C", "a")])), [("a".into(), 1.0)]);
        let (old, new) = (table(&[("7", "a")]), table(&[("7", "b")]));
        assert_eq!(moves(&old, &new), [moved("7", "7", "a", "b", 1.0)]);
        assert_eq!(moves(&old, &table(&[("3", "b")])), [moved("3", "3", "a", "b", 1.0)]);
        assert_eq!(moves(&old, &old), []);
    }

    #[test]
    fn moves_are_joined_also_around_zero() {
        let old = table(&[("0", "a"), ("4", "b"), ("8", "a"), ("C", "b")]);
        let new = table(&[("0", "a"), ("8", "b")]);
        assert_eq!(
            moves(&old, &new),
            [moved("4", "8", "b", "a", 0.25), moved("8", "C", "a", "b", 0.25)]
        );
        let (old, new) = (table(&[("4", "a"), ("8", "b")]), table(&[("4", "a"), ("8", "c")]));
        assert_eq!(moves(&old, &new), [moved("8", "4", "b", "c", 0.75)]);
        let new = table(&[("4", "a"), ("6", "c")]);
        let expected = [moved("6", "8", "a", "c", 0.125), moved("8", "4", "b", "c", 0.75)];
        assert_eq!(moves(&old, &new), expected);
        let (old, new) =
            (table(&[("0", "a"), ("4", "b"), ("C", "a")]), table(&[("4", "b"), ("C", "c")]));
        assert_eq!(moves(&old, &new), [moved("C", "4", "a", "c", 0.5)]);
    }

    #[test]
    fn parts_are_what_is_in_both() {
        let old = table(&[("4", "a"), ("8", "b")]);
        let new = table(&[("0", "x"), ("6", "x")]);
        let (old, new) = (Ring::of(&old).unwrap(), Ring::of(&new).unwrap());
        let parts = |digit: &str| new.parts_in(&format!("{digit:0<32}"), &old);
        assert_eq!(parts("0"), BTreeMap::from([("a", 0.125), ("b", 0.25)]));
        assert_eq!(parts("6"), BTreeMap::from([("a", 0.125), ("b", 0.5)]));
        let all = table(&[("7", "x")]);
        let parts = Ring::of(&all).unwrap().parts_in(&format!("{:0<32}", "7"), &old);
        assert_eq!(parts, BTreeMap::from([("a", 0.25), ("b", 0.75)]));
    }
}
