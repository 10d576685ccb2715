//! The places of the groups that one call has met.

use crate::topology::GroupId;

#[derive(Clone, Copy)]
struct Slot {
    /// `GroupId::NOWHERE` if the slot is free.
    group: GroupId,
    place: u32,
}

const FREE: Slot = Slot { group: GroupId::NOWHERE, place: NOWHERE };

/// The place of what is nowhere.
pub(super) const NOWHERE: u32 = u32::MAX;

/// A call that meets up to half as many groups allocates nothing.
const FEW: usize = 256;

/// An open hash table, at most half full.
pub(super) struct Slots {
    few: [Slot; FEW],
    /// Instead of `few`, once they are too many.
    many: Vec<Slot>,
    used: usize,
}

impl Slots {
    pub(super) fn new() -> Self {
        Self { few: [FREE; FEW], many: Vec::new(), used: 0 }
    }

    /// The place of a group that was met; of none, always `NOWHERE`.
    #[inline(always)]
    pub(super) fn get(&self, group: GroupId) -> Option<u32> {
        let slots = if self.many.is_empty() { &self.few[..] } else { &self.many };
        let slot = slots.get(position(slots, group))?;
        (slot.group == group).then_some(slot.place)
    }

    /// The group must be one that is somewhere, and not there yet.
    #[cold]
    pub(super) fn insert(&mut self, group: GroupId, place: u32) {
        self.used += 1;
        if self.used * 2 > self.few.len().max(self.many.len()) {
            self.grow();
        }
        let slots = if self.many.is_empty() { &mut self.few[..] } else { &mut self.many };
        put(slots, Slot { group, place });
    }

    fn grow(&mut self) {
        let old = if self.many.is_empty() { &self.few[..] } else { &self.many };
        let mut grown = vec![FREE; old.len() * 4];
        for slot in old.iter().filter(|slot| slot.group != GroupId::NOWHERE) {
            put(&mut grown, *slot);
        }
        self.many = grown;
    }
}

fn put(slots: &mut [Slot], slot: Slot) {
    let at = position(slots, slot.group);
    if let Some(free) = slots.get_mut(at) {
        *free = slot;
    }
}

/// Where the group is, or would be. The number of slots is a power of two, and some are free.
#[inline(always)]
fn position(slots: &[Slot], group: GroupId) -> usize {
    // Numbers are given in turn; an odd factor keeps neighbours apart and the low bits a
    // permutation.
    let mask = slots.len().wrapping_sub(1);
    let mut at = (group.0.wrapping_mul(0x9e37_79b1) as usize) & mask;
    while slots.get(at).is_some_and(|slot| slot.group != group && slot.group != GroupId::NOWHERE) {
        at = (at + 1) & mask;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_group_keeps_its_place() {
        let mut slots = Slots::new();
        assert_eq!(slots.get(GroupId::NOWHERE), Some(NOWHERE));
        let groups = || (0..3_000).map(|number| GroupId(number * 7 % 3_001));
        for group in groups() {
            assert_eq!(slots.get(group), None);
            slots.insert(group, group.0 + 1);
            assert_eq!(slots.get(group), Some(group.0 + 1));
        }
        for group in groups() {
            assert_eq!(slots.get(group), Some(group.0 + 1));
        }
    }
}
