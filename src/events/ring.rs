//! The events one consumer has not taken yet, the newest of them.

use std::collections::VecDeque;

use super::event::Event;

/// A consumer that falls behind further than this loses the oldest.
pub const ROOM: usize = 256;

#[derive(Debug, Default)]
pub struct Ring {
    waiting: VecDeque<Event>,
    lost: u64,
}

impl Ring {
    /// Adds events; how many of the oldest had to go for them.
    pub fn push_all(&mut self, events: &[Event]) -> u64 {
        events.iter().map(|event| u64::from(self.push(event.clone()))).sum()
    }

    /// Adds an event; true if the oldest one had to go for it.
    fn push(&mut self, event: Event) -> bool {
        let full = self.waiting.len() >= ROOM;
        if full {
            self.waiting.pop_front();
            self.lost += 1;
        }
        self.waiting.push_back(event);
        full
    }

    /// The next event, and how many were lost before it.
    pub fn take(&mut self) -> Option<(Event, u64)> {
        let event = self.waiting.pop_front()?;
        Some((event, std::mem::take(&mut self.lost)))
    }

    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::Kind;
    use super::*;

    #[test]
    fn the_oldest_go_and_are_counted_once() {
        let mut ring = Ring::default();
        let event = |at| Event {
            kind: Kind::TopologyChanged,
            generation: 0,
            at,
            group: String::new(),
            server: String::new(),
        };
        let dropped = (0..ROOM as u64 + 10).filter(|at| ring.push(event(*at))).count();
        assert_eq!(dropped, 10);
        let mut taken = std::iter::from_fn(|| ring.take());
        assert_eq!(taken.next(), Some((event(10), 10)));
        assert_eq!(taken.next(), Some((event(11), 0)));
        assert_eq!(taken.count(), ROOM - 2);
        assert!(ring.is_empty());
    }
}
