//! The events one consumer has not taken yet.

use std::collections::{BTreeMap, BTreeSet};

use super::event::{Event, Topic};

/// How many events wait before the first of them is dropped. That is one which a later event of the
/// same topic has overtaken: the last event of each topic that a consumer gets is how things are.
pub const ROOM: usize = 256;

/// How many events wait at most, whatever they are about: then the oldest goes, of those about tables
/// as long as there are some, since one dump may tell of a hundred thousand.
const MOST: usize = 16_384;

#[derive(Debug, Default)]
pub struct Ring {
    /// By their numbers: the oldest first.
    waiting: BTreeMap<u64, Event>,
    /// The number of the newest event of each topic.
    newest: BTreeMap<(Topic, String), u64>,
    /// The numbers of the other events.
    overtaken: BTreeSet<u64>,
    /// The numbers of those that are the first to go for want of room, where none is overtaken.
    many: BTreeSet<u64>,
    last: u64,
    lost: u64,
}

impl Ring {
    /// Adds events; how many had to go for want of room.
    pub fn push_all(&mut self, events: &[Event]) -> u64 {
        events.iter().map(|event| u64::from(self.push(event.clone()))).sum()
    }

    /// Adds an event; true if another had to go for want of room.
    fn push(&mut self, event: Event) -> bool {
        self.last += 1;
        let (topic, whose) = event.topic();
        if let Some(before) = self.newest.insert((topic, whose.to_owned()), self.last) {
            match topic.newest_says_all() {
                true => _ = self.waiting.remove(&before),
                false => _ = self.overtaken.insert(before),
            }
        }
        if topic.is_many() {
            self.many.insert(self.last);
        }
        self.waiting.insert(self.last, event);
        if self.waiting.len() <= ROOM {
            return false;
        }
        let is_lost = match self.overtaken.pop_first() {
            Some(overtaken) => {
                self.many.remove(&overtaken);
                self.waiting.remove(&overtaken).is_some()
            }
            None if self.waiting.len() > MOST => self.make_room().is_some(),
            None => false,
        };
        self.lost += u64::from(is_lost);
        is_lost
    }

    /// The next event, and how many were lost before it.
    pub fn take(&mut self) -> Option<(Event, u64)> {
        let event = self.take_oldest()?;
        Some((event, std::mem::take(&mut self.lost)))
    }

    fn take_oldest(&mut self) -> Option<Event> {
        let (number, _) = self.waiting.first_key_value()?;
        self.take_out(*number)
    }

    fn make_room(&mut self) -> Option<Event> {
        match self.many.first().copied() {
            Some(number) => self.take_out(number),
            None => self.take_oldest(),
        }
    }

    fn take_out(&mut self, number: u64) -> Option<Event> {
        let event = self.waiting.remove(&number)?;
        self.many.remove(&number);
        if !self.overtaken.remove(&number) {
            let (topic, whose) = event.topic();
            self.newest.remove(&(topic, whose.to_owned()));
        }
        Some(event)
    }

    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::Kind;
    use super::*;

    fn event(kind: Kind, about: &str, at: u64) -> Event {
        let (group, server, table) = (about.to_owned(), about.to_owned(), about.to_owned());
        Event { kind, generation: at, at, group, server, table, ..Event::default() }
    }

    /// All that waits: kinds, whom they are about, and when they happened.
    fn rest(ring: &mut Ring) -> Vec<(Kind, String, u64)> {
        let taken = std::iter::from_fn(|| ring.take());
        let rest = taken.map(|(event, _)| (event.kind, event.group, event.at)).collect();
        assert!(ring.is_empty() && ring.newest.is_empty() && ring.overtaken.is_empty());
        assert!(ring.many.is_empty());
        rest
    }

    #[test]
    fn of_what_was_overtaken_the_oldest_go_and_are_counted_once() {
        let mut ring = Ring::default();
        let flap = |at| event(Kind::PrimaryChanged, "g", at);
        let dropped = (0..ROOM as u64 + 10).filter(|at| ring.push(flap(*at))).count();
        assert_eq!(dropped, 10);
        assert_eq!(ring.take(), Some((flap(10), 10)));
        assert_eq!(ring.take(), Some((flap(11), 0)));
        assert_eq!(rest(&mut ring).len(), ROOM - 2);
    }

    #[test]
    fn a_topology_gives_way_to_the_next() {
        let mut ring = Ring::default();
        let pushed = [
            event(Kind::TopologyChanged, "", 1),
            event(Kind::PrimaryChanged, "g", 1),
            event(Kind::TopologyChanged, "", 2),
            event(Kind::PrimaryChanged, "h", 2),
        ];
        assert_eq!(ring.push_all(&pushed), 0);
        let at = |kind, about: &str, at| (kind, about.to_owned(), at);
        let expected = [
            at(Kind::PrimaryChanged, "g", 1),
            at(Kind::TopologyChanged, "", 2),
            at(Kind::PrimaryChanged, "h", 2),
        ];
        assert_eq!(rest(&mut ring), expected);
        assert_eq!(ring.push_all(&pushed[..1]), 0, "one that was taken has nothing to give way");
        assert_eq!(rest(&mut ring).len(), 1);
    }

    #[test]
    fn what_happened_once_outlasts_what_happens_all_the_time() {
        let mut ring = Ring::default();
        ring.push(event(Kind::Ready, "", 0));
        ring.push(event(Kind::PrimaryChanged, "quiet", 1));
        ring.push(event(Kind::ServerQuarantined, "quiet", 2));
        ring.push(event(Kind::FabricLost, "", 3));
        for at in 4..10_000 {
            ring.push(event(Kind::TopologyChanged, "", at));
            ring.push(event(Kind::PrimaryChanged, "busy", at));
            let kind = if at % 2 == 0 { Kind::ServerQuarantined } else { Kind::ServerBack };
            ring.push(event(kind, "busy", at));
        }
        assert_eq!(ring.lost, 3 * 9_996 + 4 - 9_995 - ROOM as u64);
        let rest = rest(&mut ring);
        assert_eq!(rest.len(), ROOM);
        let kinds: Vec<Kind> = rest.iter().take(4).map(|(kind, ..)| *kind).collect();
        let once = [Kind::Ready, Kind::PrimaryChanged, Kind::ServerQuarantined, Kind::FabricLost];
        assert_eq!(kinds, once);
        assert!(rest.is_sorted_by_key(|(_, _, at)| *at));
        assert_eq!(rest.last().map(|(kind, _, at)| (*kind, *at)), Some((Kind::ServerBack, 9_999)));
    }

    #[test]
    fn there_is_an_end_to_it() {
        let mut ring = Ring::default();
        let many = MOST as u64 + 500;
        let lost = (0..many).filter(|at| ring.push(event(Kind::ServerBack, &at.to_string(), *at)));
        assert_eq!(lost.count(), 500);
        let first = ring.take().map(|(event, lost)| (event.at, lost));
        assert_eq!(first, Some((500, 500)));
        assert_eq!(rest(&mut ring).len(), MOST - 1);
    }

    #[test]
    fn a_dump_without_tables_pushes_no_failover_out() {
        let mut ring = Ring::default();
        ring.push(event(Kind::PrimaryChanged, "g", 0));
        let many = MOST as u64 + 500;
        for at in 1..=many {
            ring.push(event(Kind::ShardHeld, &at.to_string(), at));
        }
        ring.push(event(Kind::FabricLost, "", many + 1));
        let taken = std::iter::from_fn(|| ring.take()).map(|(event, _)| event);
        let kinds: Vec<(Kind, u64)> = taken.map(|event| (event.kind, event.at)).collect();
        assert_eq!(kinds.len(), MOST);
        assert_eq!(kinds.first(), Some(&(Kind::PrimaryChanged, 0)));
        assert_eq!(kinds.get(1), Some(&(Kind::ShardHeld, 503)));
        assert_eq!(kinds.last(), Some(&(Kind::FabricLost, many + 1)));
        assert!(rest(&mut ring).is_empty());
    }

    #[test]
    fn of_a_table_the_newest_tells_how_things_are() {
        let mut ring = Ring::default();
        for at in 0..10_000 {
            let kind = if at % 2 == 0 { Kind::ShardHeld } else { Kind::ShardReleased };
            ring.push(event(kind, "db.t", at));
            ring.push(event(Kind::ShardHeld, "db.u", at));
        }
        let rest = rest(&mut ring);
        assert_eq!(rest.len(), ROOM);
        assert_eq!(rest.last().map(|(kind, _, at)| (*kind, *at)), Some((Kind::ShardHeld, 9_999)));
        let of_t = rest.iter().rfind(|(_, about, _)| about == "db.t");
        assert_eq!(of_t.map(|(kind, _, at)| (*kind, *at)), Some((Kind::ShardReleased, 9_999)));
    }
}
