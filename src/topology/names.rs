//! A map from names to values for the warm path: one hash, one probe, one comparison.

/// Open addressing over a list in insertion order. Built once per change and then only read.
#[derive(Debug, Clone)]
pub struct Names<V> {
    entries: Vec<(u64, Box<[u8]>, V)>,
    /// Positions in `entries` plus one; 0 is free. A power of two, at most half full.
    slots: Box<[u32]>,
}

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
        self.entries.iter().map(|(_, name, value)| (&**name, value))
    }

    #[inline(always)]
    pub fn get(&self, name: &[u8]) -> Option<&V> {
        self.position(name).and_then(|at| self.entries.get(at)).map(|(_, _, value)| value)
    }

    /// The value at a position, which is a name's until the next change.
    #[inline(always)]
    pub fn at(&self, position: usize) -> Option<&V> {
        self.entries.get(position).map(|(_, _, value)| value)
    }

    /// Sets the value of a name and hands back the one it replaces.
    pub fn insert(&mut self, name: &[u8], value: V) -> Option<V> {
        if let Some(entry) = self.position(name).and_then(|at| self.entries.get_mut(at)) {
            return Some(std::mem::replace(&mut entry.2, value));
        }
        self.entries.push((hash(name), name.into(), value));
        if self.entries.len() * 2 > self.slots.len() {
            self.rebuild();
        } else {
            place(&mut self.slots, hash(name), self.entries.len());
        }
        None
    }

    /// Keeps only the entries `keep` agrees to.
    pub fn retain(&mut self, mut keep: impl FnMut(&[u8], &V) -> bool) {
        self.entries.retain(|(_, name, value)| keep(name, value));
        self.rebuild();
    }

    // Not inlined: it needs all registers, and so do its callers.
    #[inline(never)]
    pub fn position(&self, name: &[u8]) -> Option<usize> {
        let hash = hash(name);
        let mask = self.slots.len().wrapping_sub(1);
        let mut slot = hash as usize & mask;
        loop {
            let at = (*self.slots.get(slot)? as usize).checked_sub(1)?;
            let (entry_hash, entry_name, _) = self.entries.get(at)?;
            if *entry_hash == hash && same(entry_name, name) {
                return Some(at);
            }
            slot = (slot + 1) & mask;
        }
    }

    fn rebuild(&mut self) {
        let size = (self.entries.len() * 4).next_power_of_two().max(4);
        self.slots = vec![0; size].into();
        for (at, (hash, _, _)) in self.entries.iter().enumerate() {
            place(&mut self.slots, *hash, at + 1);
        }
    }
}

fn place(slots: &mut [u32], hash: u64, value: usize) {
    let mask = slots.len() - 1;
    let mut slot = hash as usize & mask;
    while let Some(held) = slots.get_mut(slot) {
        if *held == 0 {
            *held = value as u32;
            return;
        }
        slot = (slot + 1) & mask;
    }
}

/// Whether two names are equal. Most are short, and a call would take longer than this.
#[inline(always)]
fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let (Some(a_last), Some(b_last)) = (a.last_chunk::<8>(), b.last_chunk::<8>()) else {
        return a == b;
    };
    let mut differ = word(a_last) ^ word(b_last);
    let (a_words, b_words) = (a.as_chunks::<8>().0, b.as_chunks::<8>().0);
    for (a, b) in a_words.iter().zip(b_words) {
        differ |= word(a) ^ word(b);
    }
    differ == 0
}

#[inline(always)]
fn word(bytes: &[u8; 8]) -> u64 {
    u64::from_le_bytes(*bytes)
}

/// Folds eight bytes at a time through a 64x64 -> 128 bit multiplication, the last eight of
/// them perhaps for the second time. Names come from the farm and the service's own source, so
/// there is no adversary to hash against.
#[inline(always)]
fn hash(name: &[u8]) -> u64 {
    const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut state = name.len() as u64 ^ FACTOR;
    for chunk in name.as_chunks::<8>().0 {
        state = fold(state ^ word(chunk), FACTOR);
    }
    let last = match name.last_chunk::<8>() {
        Some(last) => word(last),
        None => name.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)),
    };
    fold(state ^ last, FACTOR)
}

#[inline]
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
