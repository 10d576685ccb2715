//! Names that somebody asked for and that the source does not list.
//!
//! They are no part of the topology: a service that misspells names, or makes them up, changes
//! nothing about the farm, publishes nothing and fills no memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::sync::{Mutex, rank};
use crate::topology::{Entry, Times};

/// How many names of a kind are remembered; the oldest goes for the next.
const MOST: usize = 1000;

/// How many bytes of names. Fabric's own have 64 characters at most.
const MOST_BYTES: usize = 1 << 18;

/// A longer name is not remembered: it would have all others forgotten.
const LONGEST: usize = 1 << 10;

/// The names of one kind, tables or groups, and the times of each answer. For the slow way
/// of lookups alone: it takes a lock.
#[derive(Default)]
pub struct AbsentNames {
    known: Mutex<Known, { rank::ABSENT }>,
}

#[derive(Default)]
struct Known {
    answers: BTreeMap<Arc<str>, Answer>,
    /// By the numbers of the answers: the oldest first.
    order: BTreeMap<u64, Arc<str>>,
    last: u64,
    /// Of the names.
    bytes: usize,
}

struct Answer {
    number: u64,
    times: Times,
}

impl AbsentNames {
    /// The source has said that it does not list this name.
    pub fn note(&self, name: &str, times: Times) {
        if name.len() <= LONGEST {
            self.known.lock().note(name, times);
        }
    }

    /// The answer for a name that is in no topology, if there was one.
    pub fn get(&self, name: &[u8]) -> Option<Entry<()>> {
        let name = str::from_utf8(name).ok()?;
        let times = self.known.lock().answers.get(name)?.times;
        Some(Entry::new((), times))
    }

    /// The answer for a name serves until `expires`, if there was one, and it may be used.
    pub fn renew(&self, name: &str, expires: u64) {
        if let Some(answer) = self.known.lock().answers.get_mut(name)
            && answer.times.expires != 0
        {
            answer.times.expires = expires;
        }
    }

    /// The answer for a name must not be used before the source was asked again.
    pub fn distrust(&self, name: &str) {
        self.renew(name, 0);
    }

    /// As `distrust`, of all names.
    pub fn distrust_all(&self) {
        let mut known = self.known.lock();
        known.answers.values_mut().for_each(|answer| answer.times.expires = 0);
    }

    /// All answers were seen to be as they are.
    pub fn confirm_all(&self, times: Times) {
        let mut known = self.known.lock();
        known.answers.values_mut().for_each(|answer| answer.times = times);
    }
}

impl Known {
    fn note(&mut self, name: &str, times: Times) {
        self.last += 1;
        let number = self.last;
        let name = match self.answers.get_mut(name) {
            Some(answer) => {
                let before = std::mem::replace(answer, Answer { number, times });
                self.order.remove(&before.number)
            }
            None => None,
        }
        .unwrap_or_else(|| {
            let name: Arc<str> = name.into();
            self.bytes += name.len();
            self.answers.insert(Arc::clone(&name), Answer { number, times });
            name
        });
        self.order.insert(number, name);
        while self.answers.len() > MOST || self.bytes > MOST_BYTES {
            let Some((_, oldest)) = self.order.pop_first() else { return };
            self.answers.remove(&oldest);
            self.bytes -= oldest.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn until(expires: u64) -> Times {
        Times { expires, confirmed: 1 }
    }

    #[test]
    fn the_oldest_answers_go() {
        let absent = AbsentNames::default();
        (0..8_000).for_each(|i| absent.note(&format!("db.t{i}"), until(i)));
        assert!(absent.get(b"db.t6999").is_none());
        assert_eq!(absent.get(b"db.t7000").map(|entry| entry.expires()), Some(7_000));

        absent.note("db.t7000", until(9_000));
        absent.note("db.new", until(1));
        assert!(absent.get(b"db.t7001").is_none(), "it is the oldest now");
        assert_eq!(absent.get(b"db.t7000").map(|entry| entry.expires()), Some(9_000));
        absent.renew("db.new", 2);
        absent.renew("db.nobody asked for it", 2);
        assert_eq!(absent.get(b"db.new").map(|entry| entry.expires()), Some(2));
        absent.distrust_all();
        absent.renew("db.new", 3);
        assert!(absent.get(b"db.new").is_some_and(|entry| entry.is_distrusted()));
        let known = absent.known.lock();
        assert_eq!((known.answers.len(), known.order.len()), (MOST, MOST));
        assert_eq!(known.bytes, known.order.values().map(|name| name.len()).sum::<usize>());
        drop(known);
    }

    #[test]
    fn long_names_fill_no_memory() {
        let absent = AbsentNames::default();
        (0..2_000).for_each(|i| absent.note(&format!("{i:01000}"), until(1)));
        absent.note(&"n".repeat(LONGEST + 1), until(1));
        let known = absent.known.lock();
        assert_eq!((known.answers.len(), known.order.len()), (262, 262));
        assert_eq!(known.bytes, 262_000);
        drop(known);
        assert!(absent.get(format!("{:01000}", 1_999).as_bytes()).is_some());
    }
}
