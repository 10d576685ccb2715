//! Which server of a group serves a request.

use crate::topology::balance::Cursor;
use crate::topology::health_overlay::Reachability;
use crate::topology::read_preference::ReadPreference;
use crate::topology::readers::{Assurance, Readers};
use crate::topology::server::Server;
use crate::topology::server_image::{HostTail, ServerImage};
use crate::topology::why::Why;

use super::Group;

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

    /// The index of the reader whose turn it is, by a thread with this cursor; none that is on trial.
    pub(in crate::topology) fn next_turn(&self, cursor: &Cursor) -> Option<usize> {
        let next = self.inline.next(&self.schedule, cursor);
        next.or_else(|| {
            Some(self.schedule.next(cursor)).filter(|r| *r < self.readers.positions.len())
        })
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
}
