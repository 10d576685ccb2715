//! A high-availability group: its servers, and which of them serves a request.

use std::mem::offset_of;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use super::balance::{Cursor, InlineSchedule, Schedule};
use super::health_overlay::{HealthOverlay, Probe, Reachability};
use super::read_preference::ReadPreference;
use super::readers::{Assurance, Candidates, Readers};
use super::server::{self, Server};
use super::server_image::{HostTail, ServerImage, ServerImages};
use super::why::Why;

/// A group's number in a snapshot. A group keeps it through the snapshots that follow, until it is
/// forgotten: then another group may get it, so only a name says for longer which group is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupId(pub u32);

impl GroupId {
    /// The group of a shard that the source stopped listing: nobody knows where its keys are.
    pub const NOWHERE: Self = Self(u32::MAX);

    /// What a shard's group has more in its number while the shard is read-only. No group has a number
    /// as high, so that a lookup finds none there: only then it asks why, and what is found goes no
    /// longer way.
    const READ_ONLY: u32 = 1 << 31;

    /// The group of a shard that takes no writes at the moment.
    pub fn read_only(self) -> Self {
        Self(self.0 | Self::READ_ONLY)
    }

    /// Whether it is the group of a shard that takes no writes at the moment.
    pub fn is_read_only(self) -> bool {
        self != Self::NOWHERE && self.0 & Self::READ_ONLY != 0
    }

    /// The group, whatever the state of the shard.
    pub fn base(self) -> Self {
        if self.is_read_only() { Self(self.0 & !Self::READ_ONLY) } else { self }
    }

    /// The group of what lies in two shards, if both are in one: read-only if either of them is.
    pub fn joined(self, other: Self) -> Option<Self> {
        (self.base() == other.base()).then_some(Self(self.0 | other.0))
    }
}

/// The most servers of a group: the turns among secondaries count them in 16 bits. Real groups
/// have a handful.
pub(crate) const MAX_SERVERS: usize = u16::MAX as usize;

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Modes WRITEONLY and READWRITE, status PRIMARY.
    Primary,
    /// Mode READONLY, status SECONDARY, or nothing given.
    Reader,
    /// Status FAULTY or SPARE: such servers never serve.
    Unservable,
}

/// The servers of one group. Empty when the source lists none, be the group empty or unknown: its
/// answer is the same for both.
#[derive(Debug)]
#[repr(C)]
pub struct Group {
    // What lookups read comes first, so that it lies in one cache line, but for the images.
    /// None if the schedule is too long, or a server is on trial.
    inline: InlineSchedule,
    schedule: Arc<Schedule>,
    /// Whether the primary takes writes.
    takes_writes: bool,
    /// The primary as it is handed out, then the readers and those on trial.
    images: ServerImages,

    /// The position of the server that takes writes, or would if they were not held.
    primary: u32,
    /// The servers that take reads, in the order of the schedule's indexes.
    readers: Readers,
    name: Box<str>,
    servers: Box<[Server]>,
    /// Whether the service gets through to each server; and whether the primary refused a write and
    /// nobody knows yet where writes go now.
    overlay: HealthOverlay,
    probed: Box<[ProbedServer]>,
    /// When each server has last answered the source itself, on the handle's clock; 0 = it never did, or the
    /// source does not ask servers. They change in place, as the times of an entry do.
    heard: Box<[AtomicU64]>,
    /// Why there is no primary, if the source says so.
    reason: Option<Arc<str>>,
}

/// A server that one request may try.
#[derive(Debug, Clone)]
struct ProbedServer {
    at: u32,
    probe: Probe,
}

/// A server chosen from its group.
#[derive(Debug, Clone, Copy)]
pub struct Chosen<'g> {
    group: &'g Group,
    /// The index of its image.
    at: usize,
}

impl<'g> Chosen<'g> {
    pub fn group_name(&self) -> &'g str {
        &self.group.name
    }

    pub fn server(&self) -> Option<&'g Server> {
        self.group.servers.get(self.group.position(self.at)?)
    }

    /// The server as it is handed out, unless some text of its group is too long for that.
    #[inline(always)]
    pub fn image(&self) -> Option<(&'g ServerImage, Option<&'g HostTail>)> {
        self.group.images.get(self.at)
    }
}

impl Group {
    /// Where the first image is.
    pub(super) const IMAGES: usize = offset_of!(Group, images) + offset_of!(ServerImages, inline);

    /// Keeps the order the source gave. `previous` lends its schedule when the readers and their
    /// weights are the same, so that a refresh does not start the turns again; `start` is where
    /// a new schedule begins.
    pub fn new(
        name: &str,
        servers: Vec<Server>,
        overlay: &HealthOverlay,
        previous: Option<&Group>,
        start: u64,
    ) -> Self {
        let mut overlay = overlay.clone();
        overlay.reachability.resize(servers.len(), Reachability::Up);
        let primary = server::primary(&servers);
        let takes_writes = |at: &usize| servers.get(*at).is_some_and(Server::takes_writes);
        let primary = primary.filter(takes_writes).map(|at| at as u32);
        let candidates = Candidates::new(&servers, &overlay);
        let readers = candidates.tiers().next().unwrap_or_default();
        let reading = |index: &u32| servers.get(*index as usize);
        let serving = || readers.positions.iter().filter_map(reading);
        let weights: Vec<f64> = serving().map(|server| server.weight).collect();
        let members = serving().map(|server| &server.uuid);
        let schedule = match previous {
            Some(previous)
                if previous.schedule.weights() == weights && previous.members().eq(members) =>
            {
                Arc::clone(&previous.schedule)
            }
            _ => Arc::new(Schedule::new(&weights, start)),
        };
        let takes_writes = primary.is_some() && !overlay.held;
        let heard_before = |uuid: &str| previous.map_or(0, |previous| previous.heard_of(uuid));
        let heard = servers.iter().map(|server| heard_before(&server.uuid).into()).collect();
        let primary = primary.unwrap_or_default();
        let probe = |at: u32| match overlay.reachability.get(at as usize) {
            Some(Reachability::HalfOpen(probe)) => Some(ProbedServer { at, probe: probe.clone() }),
            _ => None,
        };
        let probed: Box<[ProbedServer]> =
            candidates.on_trial(&readers).into_iter().filter_map(probe).collect();
        let inline = InlineSchedule::of(&schedule)
            .filter(|_| probed.is_empty())
            .unwrap_or(InlineSchedule::NONE);
        let on_trial = probed.iter().map(|server| &server.at);
        let handed_out = [&primary].into_iter().chain(&readers.positions).chain(on_trial);
        let images = ServerImages::new(name, handed_out.filter_map(reading));
        Self {
            inline,
            takes_writes,
            images,
            schedule,
            primary,
            readers,
            name: name.into(),
            servers: servers.into(),
            overlay,
            probed,
            heard,
            reason: None,
        }
    }

    /// All servers the source listed, those that never serve among them.
    pub fn servers(&self) -> &[Server] {
        &self.servers
    }

    /// The server that the source calls the primary, whether or not writes are held.
    pub fn named_primary(&self) -> Option<&Server> {
        let primary = self.servers.get(server::primary(&self.servers)?);
        primary.filter(|server| server.takes_writes())
    }

    /// Whether more than one server is called the primary.
    pub fn has_primaries(&self) -> bool {
        self.servers.iter().filter(|server| server.is_primary()).count() > 1
    }

    /// How many servers are left out, or are on trial.
    pub fn out_of_use(&self) -> usize {
        self.overlay.reachability.iter().filter(|reach| **reach != Reachability::Up).count()
    }

    /// Whether writes are held back.
    pub fn is_held(&self) -> bool {
        self.overlay.held
    }

    /// A server has answered the source, which had asked at `asked_at`.
    pub fn hear(&self, server_uuid: &str, asked_at: u64) {
        let mut both = self.servers.iter().zip(&self.heard);
        if let Some((_, heard)) = both.find(|(server, _)| server.uuid == server_uuid) {
            heard.fetch_max(asked_at, Relaxed);
        }
    }

    fn heard_of(&self, server_uuid: &str) -> u64 {
        let mut both = self.servers.iter().zip(&self.heard);
        both.find(|(server, _)| server.uuid == server_uuid).map_or(0, |(_, h)| h.load(Relaxed))
    }

    /// The servers, and when each has last answered the source itself, on the handle's clock.
    pub fn heard(&self) -> impl Iterator<Item = (&Server, Option<u64>)> {
        let both = self.servers.iter().zip(&self.heard);
        both.map(|(server, heard)| (server, Some(heard.load(Relaxed)).filter(|heard| *heard != 0)))
    }

    /// Which servers its reads go to.
    pub fn preference(&self) -> ReadPreference {
        self.overlay.preference
    }

    /// The server for the next request of this kind, by a thread with this cursor.
    #[inline(always)]
    pub fn choose(&self, wanted: Wanted, cursor: &Cursor) -> Option<Chosen<'_>> {
        let at = match wanted {
            Wanted::Primary if self.takes_writes => 0,
            Wanted::Reader => self.next_reader(cursor)? + 1,
            Wanted::Primary | Wanted::Unservable => return None,
        };
        Some(Chosen { group: self, at })
    }

    /// The server that `choose` gives next to the thread with this cursor, and why. Nothing changes by it.
    pub fn peek(&self, wanted: Wanted, cursor: &Cursor) -> Option<(Chosen<'_>, Why)> {
        let readers = self.readers.positions.len();
        let at = match wanted {
            Wanted::Primary if self.takes_writes => 0,
            Wanted::Reader => {
                match self.probed.iter().position(|server| !server.probe.is_taken()) {
                    Some(on_trial) => readers + on_trial + 1,
                    None => {
                        Some(self.schedule.peek(cursor)).filter(|reader| *reader < readers)? + 1
                    }
                }
            }
            Wanted::Primary | Wanted::Unservable => return None,
        };
        let chosen = Chosen { group: self, at };
        Some((chosen, self.why(wanted, &chosen)))
    }

    fn why(&self, wanted: Wanted, chosen: &Chosen<'_>) -> Why {
        let Readers { positions, assurance, is_own_zone, .. } = &self.readers;
        let is_primary = chosen.server().is_some_and(Server::is_primary);
        match (self.preference(), assurance) {
            _ if wanted == Wanted::Primary => Why::Primary,
            _ if chosen.at > positions.len() => Why::OnTrial,
            (_, Assurance::LeftOut) => Why::LastResort,
            (_, Assurance::OnTrial) => Why::OnTrial,
            (ReadPreference::Primary, _) if is_primary => Why::PreferredPrimary,
            (ReadPreference::Secondary, _) if is_primary => Why::NoSecondary,
            (ReadPreference::Primary, _) => Why::NoPrimary,
            _ if *is_own_zone => Why::OwnZone,
            _ if positions.len() == 1 => Why::OnlyOne,
            _ => Why::ByWeight,
        }
    }

    /// What services saw of its servers.
    pub(super) fn overlay(&self) -> &HealthOverlay {
        &self.overlay
    }

    /// The turns of its readers.
    pub(super) fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// The index of the reader whose turn it is, by a thread with this cursor; none that is on trial.
    pub(super) fn next_turn(&self, cursor: &Cursor) -> Option<usize> {
        let next = self.inline.next(&self.schedule, cursor);
        next.or_else(|| {
            Some(self.schedule.next(cursor)).filter(|r| *r < self.readers.positions.len())
        })
    }

    /// Whether somebody takes its reads by this preference.
    pub fn has_readers(&self, preference: ReadPreference) -> bool {
        let overlay = HealthOverlay { preference, ..self.overlay.clone() };
        Candidates::new(&self.servers, &overlay).tiers().next().is_some()
    }

    /// Who takes its reads.
    pub fn readers(&self) -> &Readers {
        &self.readers
    }

    /// The position of the server with an image.
    fn position(&self, image: usize) -> Option<usize> {
        let Some(at) = image.checked_sub(1) else { return Some(self.primary as usize) };
        let readers = &self.readers.positions;
        let on_trial = || self.probed.get(at - readers.len()).map(|server| server.at);
        readers.get(at).copied().or_else(on_trial).map(|at| at as usize)
    }

    /// A number among the readers and those on trial.
    #[inline(always)]
    fn next_reader(&self, cursor: &Cursor) -> Option<usize> {
        match self.inline.next(&self.schedule, cursor) {
            None => self.next_of_all(cursor),
            reader => reader,
        }
    }

    #[inline(never)]
    fn next_of_all(&self, cursor: &Cursor) -> Option<usize> {
        if let Some(server) = self.probed.iter().position(|server| server.probe.take()) {
            return Some(self.readers.positions.len() + server);
        }
        let reader = self.schedule.next(cursor);
        (reader < self.readers.positions.len()).then_some(reader)
    }

    /// As `choose`, but none that the service could not reach: of a server on trial, one caller
    /// gets it.
    pub fn choose_reachable(&self, wanted: Wanted, cursor: &Cursor) -> Option<Chosen<'_>> {
        // Each reader once: one whose trial is on is no reason to leave out the next.
        let readers = self.readers.positions.len();
        let choices = if wanted == Wanted::Reader { readers.max(1) } else { 1 };
        (0..choices).find_map(|_| {
            let chosen = self.choose(wanted, cursor)?;
            match self.overlay.reachability.get(self.position(chosen.at)?)? {
                Reachability::Up => Some(chosen),
                // Those behind the readers were chosen by their probes.
                Reachability::HalfOpen(probe) => {
                    (chosen.at > readers || probe.take()).then_some(chosen)
                }
                Reachability::Down => None,
            }
        })
    }

    /// Whether `choose` has a server to give, reachable or not.
    pub fn may_serve(&self, wanted: Wanted) -> bool {
        match wanted {
            Wanted::Primary => self.takes_writes,
            Wanted::Reader => !self.readers.positions.is_empty(),
            Wanted::Unservable => false,
        }
    }

    /// Whether both list the same servers in the same state, and the service saw the same.
    pub fn is_same(&self, servers: &[Server], overlay: &HealthOverlay) -> bool {
        let is_as = |at: usize, known: &Reachability| match overlay.reachability.get(at) {
            None => *known == Reachability::Up,
            Some(reach) => known == reach,
        };
        *self.servers == *servers
            && self.overlay.held == overlay.held
            && self.overlay.reachability.iter().enumerate().all(|(at, known)| is_as(at, known))
    }

    /// The same group, of which the source says why it has no primary.
    pub fn with_reason(self, reason: Option<Arc<str>>) -> Self {
        Self { reason, ..self }
    }

    /// Why there is no primary, if the source says so.
    pub fn reason(&self) -> Option<&Arc<str>> {
        self.reason.as_ref()
    }

    fn members(&self) -> impl Iterator<Item = &String> {
        let readers = self.readers.positions.iter();
        let servers = readers.filter_map(|index| self.servers.get(*index as usize));
        servers.map(|server| &server.uuid)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn server(uuid: &str, status: i32, mode: i32, weight: f64) -> Server {
        Server { uuid: uuid.into(), host: "h".into(), port: 3306, mode, status, weight, zone: None }
    }

    fn picks(group: &Group, wanted: Wanted, count: usize) -> Vec<String> {
        let mine = Cursor::default();
        let chosen = (0..count).filter_map(|_| group.choose(wanted, &mine));
        chosen.filter_map(|chosen| chosen.server()).map(|s| s.uuid.clone()).collect()
    }

    #[test]
    fn writes_go_to_the_primary_and_reads_to_the_secondaries() {
        let servers = vec![server("p", 3, 3, 1.0), server("a", 2, 1, 1.0), server("b", 2, 1, 1.0)];
        let group = Group::new("g", servers, &HealthOverlay::default(), None, 0);
        assert_eq!(picks(&group, Wanted::Primary, 2), ["p", "p"]);
        let mut read = picks(&group, Wanted::Reader, 2);
        read.sort();
        assert_eq!(read, ["a", "b"]);
        assert!(picks(&group, Wanted::Unservable, 1).is_empty());
    }

    #[test]
    fn reads_fall_back_to_the_primary_only_without_secondaries() {
        let group = Group::new(
            "g",
            vec![server("p", 3, 3, 1.0), server("s", 1, 0, 1.0)],
            &HealthOverlay::default(),
            None,
            5,
        );
        assert_eq!(picks(&group, Wanted::Reader, 2), ["p", "p"]);
        let group =
            Group::new("g", vec![server("p", 3, 2, 1.0)], &HealthOverlay::default(), None, 5);
        assert!(picks(&group, Wanted::Reader, 1).is_empty(), "a WRITE_ONLY primary reads nothing");
    }

    #[test]
    fn a_servers_own_mode_is_honoured() {
        let servers = vec![
            server("p", 3, 1, 1.0),
            server("offline", 2, 0, 1.0),
            server("write-only", 2, 2, 1.0),
            server("strange mode", 2, 9, 1.0),
            server("strange status", 7, 3, 1.0),
            server("faulty", 0, 3, 1.0),
            server("spare", 1, 3, 1.0),
            server("good", 2, 1, 1.0),
        ];
        let group = Group::new("g", servers, &HealthOverlay::default(), None, 0);
        assert!(picks(&group, Wanted::Primary, 1).is_empty(), "a READ_ONLY primary writes nothing");
        assert_eq!(picks(&group, Wanted::Reader, 4), ["good"; 4]);
    }

    #[test]
    fn the_turns_survive_a_refresh_of_the_same_members() {
        let servers =
            || vec![server("p", 3, 3, 1.0), server("a", 2, 1, 1.0), server("b", 2, 1, 1.0)];
        let first = Group::new("g", servers(), &HealthOverlay::default(), None, 0);
        let mut taken = picks(&first, Wanted::Reader, 1);
        let second = Group::new("g", servers(), &HealthOverlay::default(), Some(&first), 0);
        taken.extend(picks(&second, Wanted::Reader, 1));
        taken.sort();
        assert_eq!(taken, ["a", "b"], "the second group went on where the first stood");

        let mut heavier = servers();
        heavier[1].weight = 3.0;
        let third = Group::new("g", heavier, &HealthOverlay::default(), Some(&second), 0);
        assert!(!Arc::ptr_eq(&third.schedule, &second.schedule));
    }

    #[test]
    fn turns_follow_the_members_wherever_they_are_listed() {
        let list = |uuids: &[&str]| {
            let status = |uuid: &str| if uuid == "p" { (3, 3) } else { (2, 1) };
            let servers =
                uuids.iter().map(|uuid| server(uuid, status(uuid).0, status(uuid).1, 1.0));
            servers.collect::<Vec<_>>()
        };
        let first = Group::new("g", list(&["p", "a", "b"]), &HealthOverlay::default(), None, 0);
        let mut moved = list(&["p", "a", "p", "b"]);
        moved[0] = server("spare", 1, 0, 1.0);
        moved.swap(1, 2);
        let moved = Group::new("g", moved, &HealthOverlay::default(), Some(&first), 0);
        assert!(Arc::ptr_eq(&first.schedule, &moved.schedule));
        let cursor = Cursor::default();
        let mut pick = |group: &Group| {
            let chosen = group.choose(Wanted::Reader, &cursor).expect("a reader");
            chosen.server().map(|server| server.uuid.clone()).expect("a server")
        };
        let picks: Vec<String> = [&first, &moved, &moved, &first].map(&mut pick).into();
        assert_eq!(picks, ["a", "b", "a", "b"]);
    }

    #[test]
    fn images_are_those_of_the_servers() {
        let servers = ["p", "a", "b", "c", "d", "e"];
        let servers: Vec<Server> = servers
            .iter()
            .map(|uuid| server(uuid, if *uuid == "p" { 3 } else { 2 }, 3, 1.0))
            .collect();
        let mut reach = vec![Reachability::Up; servers.len()];
        reach[2] = Reachability::HalfOpen(Probe::default());
        let overlay = HealthOverlay { reachability: reach, ..HealthOverlay::default() };
        let group = Group::new("g", servers, &overlay, None, 0);
        let cursor = Cursor::default();
        for wanted in [Wanted::Primary].into_iter().chain([Wanted::Reader; 12]) {
            let chosen = group.choose(wanted, &cursor).expect("a server");
            let (image, _) = chosen.image().expect("an image");
            let uuid = &chosen.server().expect("a server").uuid;
            assert!(image.uuid.starts_with(uuid.as_bytes()), "{uuid}");
        }
    }

    #[test]
    fn handles_begin_at_different_places() {
        let servers = || vec![server("a", 2, 1, 1.0), server("b", 2, 1, 1.0)];
        let (one, two) = (
            Group::new("g", servers(), &HealthOverlay::default(), None, 0),
            Group::new("g", servers(), &HealthOverlay::default(), None, 1),
        );
        assert_ne!(picks(&one, Wanted::Reader, 1), picks(&two, Wanted::Reader, 1));
    }

    #[test]
    fn what_cannot_be_reached_is_left_out_while_somebody_can() {
        let servers =
            || vec![server("p", 3, 3, 1.0), server("a", 2, 1, 1.0), server("b", 2, 1, 1.0)];
        let shun = |shunned: [bool; 3]| {
            let reach =
                shunned.map(|away| if away { Reachability::Down } else { Reachability::Up });
            let overlay =
                HealthOverlay { reachability: reach.to_vec(), ..HealthOverlay::default() };
            Group::new("g", servers(), &overlay, None, 0)
        };
        assert_eq!(picks(&shun([false, true, false]), Wanted::Reader, 2), ["b", "b"]);
        assert_eq!(picks(&shun([false, true, true]), Wanted::Reader, 2), ["p", "p"]);
        let mut all = picks(&shun([true, true, true]), Wanted::Reader, 2);
        all.sort();
        assert_eq!(all, ["a", "b"], "the last ones standing are never left out");
        let dead_primary = shun([true, false, false]);
        assert_eq!(picks(&dead_primary, Wanted::Primary, 1), ["p"], "there is no other");
        assert!(dead_primary.choose_reachable(Wanted::Primary, &Cursor::default()).is_none());
        assert!(dead_primary.choose_reachable(Wanted::Reader, &Cursor::default()).is_some());
    }

    #[test]
    fn one_request_tries_a_server_that_was_away() {
        let servers =
            || vec![server("p", 3, 3, 1.0), server("a", 2, 1, 1.0), server("b", 2, 1, 1.0)];
        let on_trial = |reachability| HealthOverlay { reachability, ..HealthOverlay::default() };
        let server = Reachability::HalfOpen(Probe::default());
        let overlay = on_trial(vec![Reachability::Up, server, Reachability::Up]);
        let group = Group::new("g", servers(), &overlay, None, 0);
        assert_eq!(picks(&group, Wanted::Reader, 4), ["a", "b", "b", "b"]);
        let mut heavier = servers();
        heavier[2].weight = 5.0;
        let next = Group::new("g", heavier, &overlay, Some(&group), 0);
        assert_eq!(picks(&next, Wanted::Reader, 2), ["b", "b"], "the server is on already");
        let again = Group::new("g", servers(), &HealthOverlay::default(), Some(&next), 0);
        assert_eq!(picks(&again, Wanted::Reader, 10).iter().filter(|s| *s == "a").count(), 5);

        let server = Reachability::HalfOpen(Probe::default());
        let overlay = on_trial(vec![Reachability::Up, server, Reachability::Down]);
        let alone = Group::new("g", servers(), &overlay, None, 0);
        assert_eq!(picks(&alone, Wanted::Reader, 3), ["a", "p", "p"], "one request, no more");
        let server = Reachability::HalfOpen(Probe::default());
        let overlay = on_trial(vec![Reachability::Down, server, Reachability::Down]);
        let last = Group::new("g", servers(), &overlay, None, 0);
        assert_eq!(picks(&last, Wanted::Reader, 3), ["a"; 3], "better than those that are away");
    }

    #[test]
    fn one_of_those_who_wait_gets_a_server_on_trial() {
        let servers =
            || vec![server("p", 3, 3, 1.0), server("a", 2, 1, 1.0), server("b", 2, 1, 1.0)];
        let server = || Reachability::HalfOpen(Probe::default());
        let reachability = vec![server(), server(), server()];
        let overlay = HealthOverlay { reachability, ..HealthOverlay::default() };
        let group = Group::new("g", servers(), &overlay, None, 0);
        let cursor = Cursor::default();
        let wait = |wanted| {
            let chosen = group.choose_reachable(wanted, &cursor).and_then(|chosen| chosen.server());
            chosen.map(|server| server.uuid.clone())
        };
        assert_eq!(wait(Wanted::Primary).as_deref(), Some("p"));
        assert_eq!(wait(Wanted::Primary), None);
        let readers = [wait(Wanted::Reader), wait(Wanted::Reader)].map(Option::unwrap_or_default);
        assert_eq!(BTreeSet::from(readers), BTreeSet::from(["a".to_owned(), "b".to_owned()]));
        assert_eq!(wait(Wanted::Reader), None);
        assert!(group.may_serve(Wanted::Primary) && group.may_serve(Wanted::Reader));
        assert_eq!(picks(&group, Wanted::Primary, 2), ["p", "p"], "who does not wait may try");
    }

    #[test]
    fn reads_stay_in_the_own_zone_while_one_of_it_is_in_use() {
        let placed = |uuid, status, mode, zone: &str| Server {
            zone: Some(zone.to_owned()).filter(|zone| !zone.is_empty()),
            ..server(uuid, status, mode, 1.0)
        };
        let servers = || {
            vec![
                placed("p", 3, 3, "west"),
                placed("a", 2, 1, "east"),
                placed("b", 2, 1, "west"),
                placed("c", 2, 1, ""),
                placed("d", 2, 1, "west"),
                placed("away", 1, 0, "north"),
            ]
        };
        let overlay = |zone: Option<&str>, down: &[usize], half: &[usize]| HealthOverlay {
            preference: ReadPreference::default(),
            reachability: (0..6)
                .map(|at| match (down.contains(&at), half.contains(&at)) {
                    (true, _) => Reachability::Down,
                    (_, true) => Reachability::HalfOpen(Probe::default()),
                    _ => Reachability::Up,
                })
                .collect(),
            zone: zone.map(Into::into),
            held: false,
        };
        let all = ["a", "b", "c", "d"];
        for (zone, down, half, expected) in [
            (None, &[][..], &[][..], &all[..]),
            (Some("west"), &[], &[], &["b", "d"]),
            (Some("east"), &[], &[], &["a"]),
            // In the primary's zone reads are a secondary's all the same.
            (Some("west"), &[2, 4], &[], &["a", "c"]),
            (Some("west"), &[2], &[], &["d"]),
            (Some("east"), &[1], &[], &["b", "c", "d"]),
            // One request tries it, and is no reason to leave the zone or to stay in it.
            (Some("east"), &[], &[1], &all),
            (Some("west"), &[], &[1, 2], &["a", "b", "d"]),
            (Some("west"), &[0, 1, 2, 3, 4], &[], &all),
            // Nobody readable is there; a part of a name, and other letters, are other zones.
            (Some("north"), &[], &[], &all),
            (Some("WEST"), &[], &[], &all),
            (Some("wes"), &[], &[], &all),
        ] {
            let overlay = overlay(zone, down, half);
            let group = Group::new("g", servers(), &overlay, None, 0);
            let chosen = BTreeSet::from_iter(picks(&group, Wanted::Reader, 12));
            let expected = expected.iter().map(|uuid| (*uuid).to_owned()).collect();
            assert_eq!(chosen, expected, "{zone:?} {down:?} {half:?}");
            assert_eq!(picks(&group, Wanted::Primary, 1), ["p"], "writes go where they went");
            assert!(group.is_same(&servers(), &overlay));
        }
        let mut moved = servers();
        moved[1].zone = Some("west".into());
        let group = Group::new("g", servers(), &HealthOverlay::default(), None, 0);
        assert!(!group.is_same(&moved, &HealthOverlay::default()), "a server's zone is news");
        // By weight and turns as ever.
        moved[2].weight = 2.0;
        let near = overlay(Some("west"), &[], &[]);
        let group = Group::new("g", moved, &near, None, 0);
        let chosen = picks(&group, Wanted::Reader, 40);
        let times = ["a", "b", "d"].map(|uuid| chosen.iter().filter(|c| *c == uuid).count());
        assert_eq!(times, [10, 20, 10]);
    }

    #[test]
    fn a_hold_stops_writes_and_nothing_else() {
        let servers = vec![server("p", 3, 3, 1.0), server("a", 2, 1, 1.0)];
        let overlay = HealthOverlay { held: true, ..HealthOverlay::default() };
        let group = Group::new("g", servers.clone(), &overlay, None, 0);
        assert!(picks(&group, Wanted::Primary, 1).is_empty());
        assert_eq!(picks(&group, Wanted::Reader, 1), ["a"]);
        assert_eq!(group.named_primary().map(|s| s.uuid.as_str()), Some("p"));
        assert!(group.is_same(&servers, &overlay));
        assert!(!group.is_same(&servers, &HealthOverlay::default()));
    }

    proptest! {
        #[test]
        fn a_look_ahead_is_what_comes_next_and_takes_no_turn(
            roles in prop::collection::vec(
                (1i32..4, 1i32..4, 1u32..4, 0usize..4, prop::option::of("[ab]")),
                0..6,
            ),
            preference in 1usize..5,
            zone in prop::option::of("[ab]"),
            picks in 1usize..9,
        ) {
            let preferences = [
                ReadPreference::Secondary,
                ReadPreference::SecondaryOnly,
                ReadPreference::Primary,
                ReadPreference::Nearest,
            ];
            let reach = |reach: usize| match reach {
                0 => Reachability::Down,
                1 => Reachability::HalfOpen(Probe::default()),
                _ => Reachability::Up,
            };
            let overlay = HealthOverlay {
                reachability: roles.iter().map(|(.., at, _)| reach(*at)).collect(),
                preference: preferences[preference - 1],
                zone: zone.map(Into::into),
                ..HealthOverlay::default()
            };
            let servers = (0..).zip(&roles).map(|(at, (status, mode, weight, _, zone))| Server {
                zone: zone.clone(),
                ..server(&format!("s{at}"), *status, *mode, f64::from(*weight))
            });
            let servers: Vec<Server> = servers.collect();
            let group = Group::new("g", servers.clone(), &overlay, None, 3);
            let mine = Cursor::default();
            // The same group once no server of it is on trial, with the same turns.
            let all_up = HealthOverlay { reachability: Vec::new(), ..overlay.clone() };
            let later = Group::new("g", servers, &all_up, Some(&group), 3);
            for pick in 0..picks * 2 {
                let group = if pick < picks { &group } else { &later };
                for wanted in [Wanted::Reader, Wanted::Primary, Wanted::Unservable] {
                    let uuid = |chosen: &Chosen<'_>| chosen.server().map(|server| server.uuid.clone());
                    let ahead = group.peek(wanted, &mine).map(|(chosen, _)| uuid(&chosen));
                    let again = group.peek(wanted, &mine).map(|(chosen, _)| uuid(&chosen));
                    prop_assert_eq!(&ahead, &again);
                    prop_assert_eq!(ahead, group.choose(wanted, &mine).map(|chosen| uuid(&chosen)));
                }
            }
        }
    }
}
