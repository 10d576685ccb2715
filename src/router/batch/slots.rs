//! What keys come to, and the groups that one call has met.

use crate::base::error::Code;
use crate::topology::GroupId;

/// What a key came to: the index of its server, or a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot(u32);

/// The least number that is no index but a status.
const FAILED: u32 = 1 << 31;

impl Slot {
    /// Of the server with this index.
    pub(super) fn of(index: u32) -> Self {
        Self(index)
    }

    pub const EMPTY: Self = Self::failed(Code::NoServer);

    pub(super) const fn failed(code: Code) -> Self {
        Self(FAILED | code as u32)
    }

    #[inline(always)]
    pub(super) fn is_failed(self) -> bool {
        self.0 >= FAILED
    }

    /// The index of the server, or the number of a [`Code`].
    #[inline(always)]
    pub fn index(self) -> std::result::Result<u32, i32> {
        if self.is_failed() { Err((self.0 & !FAILED) as i32) } else { Ok(self.0) }
    }
}

#[derive(Clone, Copy)]
struct Entry {
    /// `GroupId::NOWHERE` if the entry is free.
    group: GroupId,
    slot: Slot,
}

const FREE: Entry = Entry { group: GroupId::NOWHERE, slot: NOWHERE };

/// The slot of what is nowhere.
const NOWHERE: Slot = Slot::failed(Code::ShardUnavailable);

/// A call that meets up to half as many groups allocates nothing.
const FEW: usize = 256;

/// An open hash table, at most half full.
pub(super) struct Slots {
    few: [Entry; FEW],
    /// Instead of `few`, once they are too many.
    many: Vec<Entry>,
    used: usize,
}

impl Slots {
    pub(super) fn new() -> Self {
        Self { few: [FREE; FEW], many: Vec::new(), used: 0 }
    }

    /// The slot of a group that was met; of none, always `NOWHERE`.
    #[inline(always)]
    pub(super) fn get(&self, group: GroupId) -> Option<Slot> {
        let entries = if self.many.is_empty() { &self.few[..] } else { &self.many };
        let entry = entries.get(position(entries, group))?;
        (entry.group == group).then_some(entry.slot)
    }

    /// The group must be one that is somewhere, and not there yet.
    #[cold]
    pub(super) fn insert(&mut self, group: GroupId, slot: Slot) {
        self.used += 1;
        if self.used * 2 > self.few.len().max(self.many.len()) {
            self.grow();
        }
        let entries = if self.many.is_empty() { &mut self.few[..] } else { &mut self.many };
        put(entries, Entry { group, slot });
    }

    fn grow(&mut self) {
        let old = if self.many.is_empty() { &self.few[..] } else { &self.many };
        let mut grown = vec![FREE; old.len() * 4];
        for entry in old.iter().filter(|entry| entry.group != GroupId::NOWHERE) {
            put(&mut grown, *entry);
        }
        self.many = grown;
    }
}

fn put(entries: &mut [Entry], entry: Entry) {
    let at = position(entries, entry.group);
    if let Some(free) = entries.get_mut(at) {
        *free = entry;
    }
}

/// Where the group is, or would be. The number of entries is a power of two, and some are free.
#[inline(always)]
fn position(entries: &[Entry], group: GroupId) -> usize {
    // Numbers are given in turn; an odd factor keeps neighbours apart and the low bits a
    // permutation.
    let mask = entries.len().wrapping_sub(1);
    let mut at = (group.0.wrapping_mul(0x9e37_79b1) as usize) & mask;
    while entries
        .get(at)
        .is_some_and(|entry| entry.group != group && entry.group != GroupId::NOWHERE)
    {
        at = (at + 1) & mask;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_group_keeps_its_slot() {
        let mut slots = Slots::new();
        assert_eq!(slots.get(GroupId::NOWHERE), Some(NOWHERE));
        let groups = || (0..3_000).map(|number| GroupId(number * 7 % 3_001));
        for group in groups() {
            assert_eq!(slots.get(group), None);
            slots.insert(group, Slot(group.0 + 1));
            assert_eq!(slots.get(group), Some(Slot(group.0 + 1)));
        }
        for group in groups() {
            assert_eq!(slots.get(group), Some(Slot(group.0 + 1)));
        }
    }
}
