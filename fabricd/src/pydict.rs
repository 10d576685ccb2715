//! The order in which a Python 2 dictionary gives back its keys: that of a real node's structs.

use crate::value::Value;

/// Puts members into the order of a dictionary they were inserted into one by one.
pub fn ordered(members: Vec<(String, Value)>) -> Vec<(String, Value)> {
    let mut size = 8;
    let mut slots: Vec<Option<(String, Value)>> = vec![None; size];
    let mut used = 0;
    for member in members {
        insert(&mut slots, member);
        used += 1;
        if used * 3 >= size * 2 {
            while size <= used * 4 {
                size *= 2;
            }
            let old = std::mem::replace(&mut slots, vec![None; size]);
            for member in old.into_iter().flatten() {
                insert(&mut slots, member);
            }
        }
    }
    slots.into_iter().flatten().collect()
}

fn insert(slots: &mut [Option<(String, Value)>], member: (String, Value)) {
    let mask = slots.len() as u64 - 1;
    let hash = hash(&member.0);
    let (mut at, mut perturb) = (hash, hash);
    while slots[(at & mask) as usize].is_some() {
        at = at.wrapping_mul(5).wrapping_add(perturb).wrapping_add(1);
        perturb >>= 5;
    }
    slots[(at & mask) as usize] = Some(member);
}

/// The string hash of a 64-bit Python 2 without hash randomisation.
fn hash(text: &str) -> u64 {
    let bytes = text.as_bytes();
    let Some(first) = bytes.first() else {
        return 0;
    };
    let mixed =
        bytes.iter().fold(u64::from(*first) << 7, |x, b| x.wrapping_mul(1_000_003) ^ u64::from(*b));
    mixed ^ bytes.len() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_like_python() {
        // hash("a") and hash("abc") of Python 2.7 on 64 bits.
        assert_eq!(hash("a"), 12416037344);
        assert_eq!(hash("abc"), 1453079729188098211);
    }
}
