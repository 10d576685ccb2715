//! A table's lower bounds in order, and the group that holds what begins at each.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use crate::topology::builder::{LowerBound, LowerBounds};
use crate::topology::group::GroupId;
use crate::topology::index::bounds::BoundIndex;
use crate::topology::index::long_text::LongTexts;
use crate::topology::key::Key;
use crate::topology::{datetime, hash, integer};

use super::bounds::{BOUND_SIZE, Bounds};
use super::shard::{HeldKey, MapError, Shard, ShardingType};

/// The bounds of a table in ascending order, and the shard that begins at each.
///
/// Never empty: a table without shards has no map.
#[derive(Debug, PartialEq, Eq)]
pub struct ShardMap {
    pub(super) kind: ShardingType,
    pub(super) bounds: Bounds,
    /// Apart from the numbers of the shards, which no lookup reads.
    pub(super) groups: Box<[GroupId]>,
    ids: Box<[i64]>,
    /// How many of the shards are not listed any more.
    missing: usize,
}

/// Enough to find a key in a shard that holds a hundred-thousandth of the ring.
const MOST_TRIES: i64 = 1 << 20;

impl ShardMap {
    /// The map of rows that are in the order of their bounds, no two of which are equal.
    pub(in crate::topology) fn from_rows(
        kind: ShardingType,
        rows: LowerBounds,
        number: impl Fn(GroupId) -> GroupId,
    ) -> Result<Self, MapError> {
        let (groups, ids) = match &rows {
            LowerBounds::Integer(rows) => shards(rows, number),
            LowerBounds::Wide(rows) => shards(rows, number),
            LowerBounds::LongText(rows) => shards(rows, number),
        };
        if ids.is_empty() {
            return Err(MapError::NoShards);
        }
        let bounds = match (rows, kind) {
            (LowerBounds::Integer(rows), ShardingType::RangeDatetime) => {
                Bounds::DateTime(BoundIndex::of_integers(rows.iter().map(|row| row.bound)))
            }
            (LowerBounds::Integer(rows), _) => {
                Bounds::Integer(BoundIndex::of_integers(rows.iter().map(|row| row.bound)))
            }
            (LowerBounds::Wide(rows), ShardingType::Hash) => {
                Bounds::Hash(BoundIndex::of_digests(rows.iter().map(|row| row.bound)))
            }
            (LowerBounds::Wide(rows), _) => {
                Bounds::Text(BoundIndex::of_wide(rows.iter().map(|row| row.bound)))
            }
            (LowerBounds::LongText(rows), _) => {
                Bounds::LongText(LongTexts::new(rows.into_iter().map(|row| row.bound)))
            }
        };
        let missing = ids.iter().filter(|id| **id < Shard::LEAST_ID).count();
        Ok(Self { kind, bounds, groups, ids, missing })
    }

    pub fn kind(&self) -> ShardingType {
        self.kind
    }

    /// Whether the bounds are integers, and integers the keys.
    pub fn is_of_integers(&self) -> bool {
        matches!(self.bounds, Bounds::Integer(_))
    }

    /// The shards in the order of their bounds.
    pub fn shards(&self) -> impl ExactSizeIterator<Item = Shard> + DoubleEndedIterator + '_ {
        let both = self.ids.iter().zip(&self.groups);
        both.map(|(id, group)| Shard { id: *id, group: *group })
    }

    /// The number of shards.
    pub fn len(&self) -> usize {
        self.groups.len()
    }

    /// Never: a map has a shard.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// The shard at a position.
    pub fn shard(&self, at: usize) -> Option<Shard> {
        Some(Shard { id: *self.ids.get(at)?, group: *self.groups.get(at)? })
    }

    /// How many of its shards are not listed any more.
    pub fn missing(&self) -> usize {
        self.missing
    }

    /// Since when each missing shard is so, and what it takes in bytes.
    pub fn missing_sizes(&self) -> impl Iterator<Item = (i64, usize)> + '_ {
        let shards = self.shards().enumerate();
        shards.filter_map(|(at, shard)| Some((shard.missing_since()?, self.bounds.size(at))))
    }

    /// What its missing shards take in bytes.
    pub fn missing_size(&self) -> usize {
        match &self.bounds {
            Bounds::LongText(_) => self.missing_sizes().map(|(_, size)| size).sum(),
            _ => self.missing * BOUND_SIZE,
        }
    }

    /// How many of its shards are held: not listed any more, and nobody knows where their keys are.
    pub fn held(&self) -> usize {
        (0..self.len()).filter(|at| self.is_held(*at)).count()
    }

    /// Whether a shard is held that `other` does not hold.
    pub fn holds_beyond(&self, other: Option<&Self>) -> bool {
        let in_other = |at| {
            let other = other?;
            Some(other.is_held(other.bounds.position(&self.bounds, at)?))
        };
        (0..self.len()).any(|at| self.is_held(at) && in_other(at) != Some(true))
    }

    fn is_held(&self, at: usize) -> bool {
        self.shard(at).is_some_and(|shard| shard.is_kept() && shard.group == GroupId::NOWHERE)
    }

    /// Whether the bounds of both are of one type, whatever name it goes by.
    pub fn is_comparable(&self, other: &Self) -> bool {
        self.kind.class() == other.kind.class()
    }

    /// This map, with every bound of `before` that it lost. A dump leaves out disabled shards,
    /// and without their bounds their keys would fall to the next lower shard. What is newly lost
    /// is nowhere, since `now`; so is what the source told the group of, once it lists another map,
    /// since it may have moved with the rest. What was nowhere already stays so.
    pub fn keeping(self, before: &Self, now: i64) -> Self {
        if !self.is_comparable(before) || self.bounds.has_all(&before.bounds) {
            return self;
        }
        let is_same = self.lists_as(before);
        let own = self.shards().enumerate().map(|(at, shard)| (self.bound_text(at), shard));
        let lost = before.shards().enumerate();
        let lost = lost.filter(|(at, _)| self.bounds.position(&before.bounds, *at).is_none());
        let kept = lost.map(|(at, shard)| {
            let stays = shard.is_kept() && (is_same || shard.group == GroupId::NOWHERE);
            (before.bound_text(at), if stays { shard } else { Shard::missing(now) })
        });
        // The bounds come out of two maps of this kind, and no two of them are equal.
        Self::rebuilt(self.kind, own.chain(kept)).unwrap_or(self)
    }

    /// The first of its shards that begins at a bound of `other`'s, too.
    pub fn first_shared(&self, other: &Self) -> Option<Shard> {
        let of_one_type = self.is_comparable(other);
        let mut both =
            (0..self.len()).filter(|at| other.bounds.position(&self.bounds, *at).is_some());
        self.shard(both.next().filter(|_| of_one_type)?)
    }

    /// Whether it has the bound of `other` at `at`, listed or kept.
    pub fn has_bound(&self, other: &Self, at: usize) -> bool {
        self.is_comparable(other) && self.bounds.position(&other.bounds, at).is_some()
    }

    /// Whether `before` lists the shards of this map in the same groups, and no others.
    fn lists_as(&self, before: &Self) -> bool {
        let listed = || before.shards().enumerate().filter(|(_, shard)| !shard.is_kept());
        listed().count() == self.len()
            && listed().all(|(at, shard)| {
                let own = self.bounds.position(&before.bounds, at).and_then(|at| self.shard(at));
                own.is_some_and(|own| own.group.base() == shard.group.base())
            })
    }

    /// The map with none of its shards listed: what was, is missing since `now`.
    pub fn all_missing(&self, now: i64) -> Option<Self> {
        self.with_shards(|_, own| {
            let is_nowhere = own.is_kept() && own.group == GroupId::NOWHERE;
            Some(if is_nowhere { own } else { Shard::missing(now) })
        })
    }

    /// The groups that gave keys to, or got keys from, another one between this map and `after`.
    /// A shard whose group is unknown, before or after, does not count as moved.
    pub fn moved(&self, after: &Self) -> BTreeSet<GroupId> {
        let mut moved = BTreeSet::new();
        if !self.is_comparable(after) {
            let known = self.groups.iter().chain(&after.groups).map(|group| group.base());
            moved.extend(known.filter(|group| *group != GroupId::NOWHERE));
            return moved;
        }
        let mut note = |before: Option<GroupId>, after: Option<GroupId>| {
            if let (Some(before), Some(after)) = (before, after)
                && before.base() != after.base()
                && ![before, after].contains(&GroupId::NOWHERE)
            {
                moved.extend([before.base(), after.base()]);
            }
        };
        let ring = self.kind == ShardingType::Hash;
        let (mut at, mut other) = (0, 0);
        loop {
            // Of keys that are below the next bound of either map.
            let owner = |groups: &'_ [GroupId], next: usize| match next.checked_sub(1) {
                Some(at) => groups.get(at).copied(),
                None => groups.last().copied().filter(|_| ring),
            };
            note(owner(&self.groups, at), owner(&after.groups, other));
            let order = match (at < self.len(), other < after.len()) {
                (false, false) => return moved,
                (true, false) => Ordering::Less,
                (false, true) => Ordering::Greater,
                (true, true) => self.bounds.compare(at, &after.bounds, other),
            };
            at += usize::from(order.is_le());
            other += usize::from(order.is_ge());
        }
    }

    /// The map in which a kept bound has found its group, or is gone if its keys belong to the
    /// shard below.
    pub fn resolved(&self, bound: &str, group: GroupId) -> Option<Self> {
        let at = self.kept_at(bound)?;
        let below = match at.checked_sub(1) {
            Some(below) => self.shard(below),
            None if self.kind == ShardingType::Hash => self.shards().last(),
            None => None,
        };
        let is_below = below.is_some_and(|below| below.group.base() == group && !below.is_kept());
        self.with_shards(|index, own| match index == at {
            true => (!is_below).then_some(Shard { group, ..own }),
            false => Some(own),
        })
    }

    /// The map without the missing shards that `goes` says of, if there are such; nothing is left
    /// of it if no others are in it.
    pub fn without_missing(&self, goes: impl Fn(Shard) -> bool) -> Option<Option<Self>> {
        let goes = |shard: Shard| shard.is_kept() && goes(shard);
        if self.missing == 0 || !self.shards().any(goes) {
            return None;
        }
        Some(self.with_shards(|_, own| (!goes(own)).then_some(own)))
    }

    /// The position of a bound that is kept although the source does not list it.
    fn kept_at(&self, bound: &str) -> Option<usize> {
        let mut kept = self.shards().enumerate().filter(|(_, shard)| shard.is_kept());
        kept.find(|(at, _)| self.bound_text(*at) == bound).map(|(at, _)| at)
    }

    /// The same bounds with other shards, or without the bounds that get none.
    fn with_shards(&self, shard: impl Fn(usize, Shard) -> Option<Shard>) -> Option<Self> {
        let rows = self.shards().enumerate();
        let rows = rows.filter_map(|(at, own)| Some((self.bound_text(at), shard(at, own)?)));
        Self::rebuilt(self.kind, rows)
    }

    /// A key that the kept shard at this bound holds, for a question to the server itself. For HASH
    /// one is looked for, which may fail in a very small shard; RANGE_DATETIME has none, since
    /// servers before 1.6 answer such questions wrongly.
    pub fn key_at(&self, bound: &str) -> Option<HeldKey> {
        let at = self.kept_at(bound)?;
        match &self.bounds {
            Bounds::Integer(bounds) => bounds.integer(at).map(HeldKey::Integer),
            Bounds::Text(_) | Bounds::LongText(_) => Some(HeldKey::Text(bound.to_owned())),
            Bounds::DateTime(_) => None,
            Bounds::Hash(bounds) => {
                let (least, next) = (bounds.wide(at)?, bounds.wide(at + 1));
                let within = |digest| least <= digest && next.is_none_or(|next| digest < next);
                (0..MOST_TRIES)
                    .find(|key| hash::of_key(Key::Integer(*key)).is_ok_and(within))
                    .map(HeldKey::Integer)
            }
        }
    }

    /// A key as the map reads it, in the form of its bounds, and for HASH its digest: an integer text
    /// without zeros before it, a date with its time. As it came where no bound can be like it.
    pub fn key_text(&self, key: Key<'_>) -> (String, Option<String>) {
        let given = match key {
            Key::Integer(value) => value.to_string(),
            Key::Unsigned(value) => value.to_string(),
            Key::Text(text) => String::from_utf8_lossy(text).into_owned(),
        };
        let read = match &self.bounds {
            Bounds::Integer(_) => integer::bound(given.as_bytes()).map(|value| value.to_string()),
            Bounds::DateTime(_) => datetime::parse(given.as_bytes()).ok().map(datetime::format),
            Bounds::Hash(_) | Bounds::Text(_) | Bounds::LongText(_) => None,
        };
        let is_hash = self.kind == ShardingType::Hash;
        let digest = is_hash.then(|| hash::of_key(key).ok().map(hash::format)).flatten();
        (read.unwrap_or(given), digest)
    }

    /// A lower bound as text: decimal, 32 upper-case digits, `YYYY-MM-DD hh:mm:ss`, or the
    /// string itself.
    pub fn bound_text(&self, index: usize) -> String {
        match &self.bounds {
            Bounds::Integer(bounds) => bounds.integer(index).map(|bound| bound.to_string()),
            Bounds::DateTime(bounds) => bounds.integer(index).map(datetime::format),
            Bounds::Hash(bounds) => bounds.wide(index).map(hash::format),
            bounds @ (Bounds::Text(_) | Bounds::LongText(_)) => {
                bounds.text(index).map(|bound| String::from_utf8_lossy(&bound).into_owned())
            }
        }
        .unwrap_or_default()
    }
}

fn shards<B>(
    rows: &[LowerBound<B>],
    number: impl Fn(GroupId) -> GroupId,
) -> (Box<[GroupId]>, Box<[i64]>) {
    (rows.iter().map(|row| number(row.group)).collect(), rows.iter().map(|row| row.id).collect())
}
