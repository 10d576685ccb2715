//! A high-availability group: its servers, and what is known of them. Which of them serves a request is in
//! [`choose`].

mod choose;
mod id;
#[cfg(test)]
mod tests;

use std::mem::offset_of;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use super::balance::{InlineSchedule, Schedule};
use super::health_overlay::{HealthOverlay, Probe, Reachability};
use super::read_preference::ReadPreference;
use super::readers::{Candidates, Readers};
use super::server::{self, Server};
use super::server_image::ServerImages;

pub use self::choose::{Chosen, Wanted};
pub use self::id::GroupId;

/// The most servers of a group: the turns among secondaries count them in 16 bits. Real groups
/// have a handful.
pub(crate) const MAX_SERVERS: usize = u16::MAX as usize;

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

    /// What services saw of its servers.
    pub(super) fn overlay(&self) -> &HealthOverlay {
        &self.overlay
    }

    /// The turns of its readers.
    pub(super) fn schedule(&self) -> &Schedule {
        &self.schedule
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
