//! A map from names to values for the warm path: one hash, one probe, one comparison.

use std::cell::Cell;

/// Open addressing over a list in insertion order. Built once per change and then only read.
#[derive(Debug, Clone)]
pub struct Names<V> {
    entries: Vec<Named<V>>,
    /// Positions in `entries` plus one; 0 is free. A power of two, at most half full.
    slots: Box<[u32]>,
}

#[derive(Debug, Clone)]
#[repr(C)]
struct Named<V> {
    ends: Ends,
    value: V,
    name: Box<[u8]>,
}

/// The first and the last eight bytes of a name, and how long it is, which is all of a name that
/// is not longer than both together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ends {
    first: u64,
    last: u64,
    length: usize,
}

/// The longest name that its ends tell all of.
const SHORT: usize = 16;

impl<V> Default for Names<V> {
    fn default() -> Self {
        Self { entries: Vec::new(), slots: Box::default() }
    }
}

impl<V> Names<V> {
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &V)> {
        self.entries.iter().map(|entry| (&*entry.name, &entry.value))
    }

    #[inline(always)]
    pub fn get(&self, name: &[u8]) -> Option<&V> {
        self.position(name).and_then(|at| self.at(at))
    }

    /// The value at a position, which is a name's until the next change.
    #[inline(always)]
    pub fn at(&self, position: usize) -> Option<&V> {
        self.entries.get(position).map(|entry| &entry.value)
    }

    /// Sets the value of a name and hands back the one it replaces.
    pub fn insert(&mut self, name: &[u8], value: V) -> Option<V> {
        if let Some(entry) = self.position(name).and_then(|at| self.entries.get_mut(at)) {
            return Some(std::mem::replace(&mut entry.value, value));
        }
        self.entries.push(Named { ends: Ends::of(name), value, name: name.into() });
        if self.entries.len() * 2 > self.slots.len() {
            self.rebuild();
        } else {
            place(&mut self.slots, name, self.entries.len());
        }
        None
    }

    /// Keeps only the entries `keep` agrees to.
    pub fn retain(&mut self, mut keep: impl FnMut(&[u8], &V) -> bool) {
        self.entries.retain(|entry| keep(&entry.name, &entry.value));
        self.rebuild();
    }

    /// As `get`, from a `guess` of the name's position, which is put right for the next time. A
    /// processor goes on from a guess that was right the last times before it has read the name.
    #[inline(always)]
    pub fn get_guessed(&self, name: &[u8], guess: &Cell<u32>) -> Option<&V> {
        match self.entries.get(guess.get() as usize) {
            Some(entry) if entry.is(Ends::of(name), name) => Some(&entry.value),
            _ => self.get_and_note(name, guess),
        }
    }

    #[inline(never)]
    fn get_and_note(&self, name: &[u8], guess: &Cell<u32>) -> Option<&V> {
        let at = self.position(name)?;
        guess.set(at as u32);
        self.at(at)
    }

    #[inline(always)]
    pub fn position(&self, name: &[u8]) -> Option<usize> {
        let ends = Ends::of(name);
        let slot = ends.hash(name) as usize & self.slots.len().wrapping_sub(1);
        let at = (*self.slots.get(slot)? as usize).checked_sub(1)?;
        if self.entries.get(at)?.is(ends, name) { Some(at) } else { self.probe(slot, name) }
    }

    /// The position of a name that is not at the first slot it could be at.
    #[inline(never)]
    fn probe(&self, first: usize, name: &[u8]) -> Option<usize> {
        let (ends, mask) = (Ends::of(name), self.slots.len().wrapping_sub(1));
        let mut slot = first;
        loop {
            slot = (slot + 1) & mask;
            let at = (*self.slots.get(slot)? as usize).checked_sub(1)?;
            if self.entries.get(at)?.is(ends, name) {
                return Some(at);
            }
        }
    }

    fn rebuild(&mut self) {
        let size = (self.entries.len() * 4).next_power_of_two().max(4);
        self.slots = vec![0; size].into();
        for (at, entry) in self.entries.iter().enumerate() {
            place(&mut self.slots, &entry.name, at + 1);
        }
    }
}

fn place(slots: &mut [u32], name: &[u8], value: usize) {
    let mask = slots.len() - 1;
    let mut slot = Ends::of(name).hash(name) as usize & mask;
    while let Some(held) = slots.get_mut(slot) {
        if *held == 0 {
            *held = value as u32;
            return;
        }
        slot = (slot + 1) & mask;
    }
}

impl<V> Named<V> {
    #[inline(always)]
    fn is(&self, ends: Ends, name: &[u8]) -> bool {
        self.ends == ends && (ends.length <= SHORT || same(&self.name, name))
    }
}

#[inline(never)]
fn same(a: &[u8], b: &[u8]) -> bool {
    a == b
}

/// Names come from the farm and the service's own source, so there is no adversary to hash
/// against.
const FACTORS: [u64; 2] = [0x9e37_79b9_7f4a_7c15, 0xd1b5_4a32_d192_ed03];

impl Ends {
    #[inline(always)]
    fn of(name: &[u8]) -> Self {
        let length = name.len();
        match (name.first_chunk(), name.last_chunk()) {
            (Some(first), Some(last)) => Self { first: word(first), last: word(last), length },
            _ => Self { first: tiny(name), last: 0, length },
        }
    }

    /// Of the name with these ends, all of whose bytes count.
    #[inline(always)]
    fn hash(self, name: &[u8]) -> u64 {
        let [one, other] = FACTORS;
        let state = fold(self.first ^ one, self.last ^ other);
        if self.length <= SHORT { state } else { long_hash(state, name) }
    }
}

#[inline(never)]
fn long_hash(ends: u64, name: &[u8]) -> u64 {
    let [one, _] = FACTORS;
    name.as_chunks::<8>().0.iter().fold(ends, |state, chunk| fold(state ^ word(chunk), one))
}

/// A name of less than eight bytes.
#[inline(never)]
fn tiny(name: &[u8]) -> u64 {
    name.iter().fold(0, |word, byte| word << 8 | u64::from(*byte))
}

#[inline(always)]
fn word(bytes: &[u8; 8]) -> u64 {
    u64::from_le_bytes(*bytes)
}

/// Both halves of the product.
#[inline(always)]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn similar_names_are_told_apart() {
        let mut names = Names::default();
        for i in 0..10_000u32 {
            assert_eq!(names.insert(format!("db.table_{i}").as_bytes(), i), None);
        }
        for i in 0..10_000u32 {
            assert_eq!(names.get(format!("db.table_{i}").as_bytes()), Some(&i));
        }
        assert_eq!(names.get(b"db.table_10000"), None);
        assert_eq!(names.insert(b"db.table_7", 70), Some(7));
        assert_eq!(names.len(), 10_000);
    }

    #[test]
    fn long_names_may_differ_anywhere() {
        let mut names = Names::default();
        for length in 0..60 {
            let name = vec![b'n'; length];
            assert_eq!(names.insert(&name, (length, length)), None);
            for at in 0..length {
                let mut name = name.clone();
                name[at] = b'!';
                assert_eq!(names.insert(&name, (length, at)), None, "{length} {at}");
            }
        }
        for length in 0..60 {
            let mut name = vec![b'n'; length];
            assert_eq!(names.get(&name), Some(&(length, length)));
            for at in 0..length {
                name[at] = b'!';
                assert_eq!(names.get(&name), Some(&(length, at)));
                name[at] = b'?';
                assert_eq!(names.get(&name), None);
                name[at] = b'n';
            }
        }
    }

    #[test]
    fn names_that_differ_in_the_middle_share_no_slots() {
        let mut names = Names::default();
        for i in 0..10_000u32 {
            names.insert(format!("tenant_{i:05}.orders_archive").as_bytes(), i);
        }
        let mask = names.slots.len() - 1;
        let steps = names.slots.iter().enumerate().filter(|(_, held)| **held != 0);
        let steps = steps.map(|(slot, held)| {
            let entry = &names.entries[*held as usize - 1];
            slot.wrapping_sub(entry.ends.hash(&entry.name) as usize) & mask
        });
        assert!(steps.max() < Some(40));
    }

    proptest! {
        #[test]
        fn behaves_like_an_ordinary_map(
            operations in proptest::collection::vec(("[a-c.]{0,4}", 0u8..20), 0..80),
        ) {
            let (mut names, mut model) = (Names::default(), BTreeMap::new());
            for (name, value) in operations {
                if value == 0 {
                    names.retain(|kept, _| kept != name.as_bytes());
                    model.remove(&name);
                } else {
                    prop_assert_eq!(names.insert(name.as_bytes(), value), model.insert(name, value));
                }
                prop_assert_eq!(names.len(), model.len());
                for (name, value) in &model {
                    prop_assert_eq!(names.get(name.as_bytes()), Some(value));
                }
                prop_assert_eq!(names.get(b"zzz"), None);
            }
        }
    }
}
