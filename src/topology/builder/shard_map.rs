//! The rows of one table while they come in, each bound read at once into what it is compared by.

use std::cmp::Ordering;
use std::collections::HashMap;

use crate::topology::group::GroupId;
use crate::topology::shard_map::{MapError, Shard, ShardMap, ShardingType};
use crate::topology::{datetime, hash, integer, text};

use super::lower_bounds::{LowerBound, LowerBounds};

/// A shard map in the making.
#[derive(Debug)]
pub struct ShardMapBuilder {
    kind: ShardingType,
    begins: LowerBounds,
    /// How bounds were written that would be written otherwise, by row, for messages.
    spellings: HashMap<u32, Box<str>>,
    rows: u32,
    /// Whether the rows are in the order of their bounds, no two of which are equal.
    is_settled: bool,
    error: Option<MapError>,
}

impl ShardMapBuilder {
    pub fn new(kind: ShardingType) -> Self {
        let begins = match kind {
            ShardingType::Range | ShardingType::RangeInteger | ShardingType::RangeDatetime => {
                LowerBounds::Integer(Vec::new())
            }
            ShardingType::RangeString | ShardingType::Hash => LowerBounds::Wide(Vec::new()),
        };
        Self { kind, begins, spellings: HashMap::new(), rows: 0, is_settled: false, error: None }
    }

    /// Takes in a row. After the first bound that is none the others do not matter.
    pub fn push(&mut self, text: &str, shard: Shard) {
        if self.error.is_some() {
            return;
        }
        self.is_settled = false;
        if self.read(text, shard).is_none() {
            self.error = Some(MapError::Bound(text.to_owned(), self.kind.name()));
            self.begins = LowerBounds::Integer(Vec::new());
        }
        self.rows = self.rows.saturating_add(1);
    }

    /// Whether the last bound that was pushed, or one before it, is none.
    pub fn is_refused(&self) -> bool {
        self.error.is_some()
    }

    fn read(&mut self, text: &str, Shard { id, group }: Shard) -> Option<()> {
        let (bytes, row) = (text.as_bytes(), self.rows);
        match (&mut self.begins, self.kind) {
            (LowerBounds::Integer(begins), ShardingType::RangeDatetime) => {
                let bound = datetime::parse(bytes).ok()?;
                if datetime::format(bound) != text {
                    self.spellings.insert(row, text.into());
                }
                begins.push(LowerBound { bound, id, group, row });
            }
            (LowerBounds::Integer(begins), _) => {
                let bound = integer::bound(bytes)?;
                if matches!(bytes, [b'+', ..] | [b'0', _, ..] | [b'-', b'0', ..]) {
                    self.spellings.insert(row, text.into());
                }
                begins.push(LowerBound { bound, id, group, row });
            }
            (LowerBounds::Wide(begins), ShardingType::Hash) => {
                let bound = hash::parse(bytes)?;
                if bytes.iter().any(u8::is_ascii_lowercase) {
                    self.spellings.insert(row, text.into());
                }
                begins.push(LowerBound { bound, id, group, row });
            }
            (LowerBounds::Wide(begins), _) => match text::packed(bytes) {
                Some(bound) => {
                    if bytes.ends_with(b" ") {
                        self.spellings.insert(row, text.into());
                    }
                    begins.push(LowerBound { bound, id, group, row });
                }
                None => {
                    self.lengthen();
                    return self.read(text, Shard { id, group });
                }
            },
            (LowerBounds::LongText(begins), _) => {
                begins.push(LowerBound { bound: bytes.into(), id, group, row });
            }
        }
        Some(())
    }

    /// Makes room for texts longer than Fabric stores them.
    fn lengthen(&mut self) {
        if let LowerBounds::Wide(begins) = &mut self.begins {
            let spellings = &mut self.spellings;
            let long =
                std::mem::take(begins).into_iter().map(|LowerBound { bound, id, group, row }| {
                    let bound = match spellings.remove(&row) {
                        Some(text) => text.into_boxed_bytes(),
                        None => text::unpacked(bound),
                    };
                    LowerBound { bound, id, group, row }
                });
            self.begins = LowerBounds::LongText(long.collect());
        }
    }

    /// The map of the rows. Groups keep the numbers they have in the draft until `number` gives
    /// them those of the map.
    pub fn map(
        mut self,
        number: impl Fn(GroupId) -> GroupId,
        group_name: impl Fn(GroupId) -> String,
    ) -> Result<ShardMap, MapError> {
        self.settle(group_name)?;
        ShardMap::from_rows(self.kind, self.begins, number)
    }

    /// Sorts the rows, or says why they make no map.
    pub fn settle(&mut self, group_name: impl Fn(GroupId) -> String) -> Result<(), MapError> {
        if let Some(error) = &self.error {
            return Err(error.clone());
        }
        if self.is_settled {
            return Ok(());
        }
        let conflict = match &mut self.begins {
            LowerBounds::Integer(begins) => settle(begins, i64::cmp),
            LowerBounds::Wide(begins) => settle(begins, u128::cmp),
            LowerBounds::LongText(begins) => settle(begins, |a, b| text::compare(a, b)),
        };
        if let Some(Conflict { at, groups: [first, second] }) = conflict {
            return Err(MapError::Ambiguous(
                self.written(at),
                group_name(first),
                group_name(second),
            ));
        }
        self.is_settled = true;
        Ok(())
    }

    /// The bound of a row as it was written.
    fn written(&self, row: u32) -> String {
        if let Some(text) = self.spellings.get(&row) {
            return text.to_string();
        }
        let text = match &self.begins {
            LowerBounds::Integer(begins) => {
                let begin = begins.iter().find(|begin| begin.row == row);
                begin.map(|begin| match self.kind {
                    ShardingType::RangeDatetime => datetime::format(begin.bound),
                    _ => begin.bound.to_string(),
                })
            }
            LowerBounds::Wide(begins) => {
                let begin = begins.iter().find(|begin| begin.row == row);
                begin.map(|begin| match self.kind {
                    ShardingType::Hash => hash::format(begin.bound),
                    _ => String::from_utf8_lossy(&text::unpacked(begin.bound)).into_owned(),
                })
            }
            LowerBounds::LongText(begins) => {
                let begin = begins.iter().find(|begin| begin.row == row);
                begin.map(|begin| String::from_utf8_lossy(&begin.bound).into_owned())
            }
        };
        text.unwrap_or_default()
    }
}

impl ShardMap {
    /// Sorts the rows of one table, which the server lists by shard id and not by bound, and
    /// drops exact repetitions, which overlapping patterns produce.
    pub fn new<'a>(
        kind: ShardingType,
        rows: impl Iterator<Item = (&'a str, Shard)>,
        group_name: impl Fn(GroupId) -> String,
    ) -> Result<Self, MapError> {
        let mut draft = ShardMapBuilder::new(kind);
        rows.for_each(|(text, shard)| draft.push(text, shard));
        draft.map(|group| group, group_name)
    }

    /// Of the rows of other maps, one after the other: a large map is not held as texts.
    pub(in crate::topology) fn rebuilt(
        kind: ShardingType,
        rows: impl Iterator<Item = (String, Shard)>,
    ) -> Option<Self> {
        let mut draft = ShardMapBuilder::new(kind);
        rows.for_each(|(text, shard)| draft.push(&text, shard));
        draft.map(|group| group, |_| String::new()).ok()
    }
}

/// Two rows with one bound and different groups: the second row, and both groups.
struct Conflict {
    at: u32,
    groups: [GroupId; 2],
}

/// Sorts rows, which the server lists by shard id and not by bound, and drops repetitions, which
/// overlapping patterns produce; or gives the first two that contradict each other.
fn settle<B>(
    rows: &mut Vec<LowerBound<B>>,
    order: impl Fn(&B, &B) -> Ordering,
) -> Option<Conflict> {
    rows.sort_unstable_by(|a, b| order(&a.bound, &b.bound).then(a.row.cmp(&b.row)));
    let pair = |a: &LowerBound<B>, b: &LowerBound<B>| order(&a.bound, &b.bound).is_eq();
    let mut first: Option<&LowerBound<B>> = None;
    for row in rows.iter() {
        match first {
            Some(first) if pair(first, row) => {
                if first.group != row.group {
                    return Some(Conflict { at: row.row, groups: [first.group, row.group] });
                }
            }
            _ => first = Some(row),
        }
    }
    rows.dedup_by(|later, kept| pair(kept, later));
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(kind: ShardingType, rows: &[(&str, u32)]) -> Result<ShardMap, String> {
        let mut draft = ShardMapBuilder::new(kind);
        for (id, (text, group)) in rows.iter().enumerate() {
            draft.push(text, Shard { id: id as i64, group: GroupId(*group) });
        }
        let number = |group: GroupId| GroupId(group.0 + 100);
        draft.map(number, |group| format!("g{}", group.0)).map_err(|error| error.to_string())
    }

    #[test]
    fn messages_have_bounds_as_they_were_written() {
        let long = "a text of more than 16 bytes";
        for (kind, first, second) in [
            (ShardingType::Range, "7", "007"),
            (ShardingType::Range, "007", "7"),
            (ShardingType::RangeInteger, "0", "-0"),
            (ShardingType::RangeInteger, "10", "+10"),
            (ShardingType::RangeDatetime, "2010-01-01 00:00:00", "20100101"),
            (ShardingType::RangeDatetime, "20100101", "2010-01-01 00:00:00"),
            (ShardingType::RangeString, "M", "M  "),
            (ShardingType::RangeString, "M ", "M"),
            (ShardingType::RangeString, long, long),
            (ShardingType::Hash, &"A".repeat(32), &"a".repeat(32)),
            (ShardingType::Hash, &"a".repeat(32), &"A".repeat(32)),
        ] {
            let error = map(kind, &[(first, 1), (second, 2)]).unwrap_err();
            let expected =
                format!("lower bound '{second}' belongs to two shards, in groups 'g1' and 'g2'");
            assert_eq!(error, expected);
        }
        let rows = [("M ", 1), (long, 2), ("M", 3)];
        let error = map(ShardingType::RangeString, &rows).unwrap_err();
        assert_eq!(error, "lower bound 'M' belongs to two shards, in groups 'g1' and 'g3'");
        let error = map(ShardingType::Range, &[("5", 1), ("x", 1), ("5", 2), ("y", 1)]);
        assert_eq!(error.unwrap_err(), "lower bound 'x' is not one of type RANGE");
        assert_eq!(map(ShardingType::Hash, &[]).unwrap_err(), "it has no shards");
    }

    #[test]
    fn of_repeated_rows_the_first_counts() {
        let rows: Vec<(String, u32)> = (0..400).map(|at| ((at * 7 % 100).to_string(), 3)).collect();
        let rows: Vec<(&str, u32)> = rows.iter().map(|(text, group)| (&**text, *group)).collect();
        let map = map(ShardingType::Range, &rows).unwrap();
        assert_eq!(map.len(), 100);
        for (at, shard) in map.shards().enumerate() {
            assert_eq!((shard.id * 7 % 100, shard.group), (at as i64, GroupId(103)));
            assert!(shard.id < 100);
        }
    }
}
