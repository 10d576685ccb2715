//! Servers that a service could not reach: for each one a circuit breaker.
//!
//! A server is away for a pause, and then on trial: exactly one request gets it. Bad news of the
//! trial makes the next pause twice as long; a trial without bad news brings the server back to
//! use, but proves nothing, since nobody may have told. What proves that a server is back is a good
//! report of it, or the source, which lists it again after it did not, or as the primary again after
//! it was that no more.
//! That the source goes on listing a server is no proof: it does so for seconds after a server has
//! died, or for ever.
//!
//! Where the handle has an account to log in by, it tries the server itself when the pause is over, and
//! no request does. A source that has spoken with the server since it was lost has that done sooner.

mod server;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::topology::{Reachability, Server};

use self::server::Quarantine;
pub use self::server::{Doubt, ServerState};

/// How long a server is remembered that the source does not list any more, in milliseconds.
const REMEMBER_UNLISTED: u64 = 3_600_000;

/// A server, by its group and its UUID.
pub type InGroup = (String, String);

/// The servers of a farm that are not in use for want of good news, or are without proof that
/// they work. Times are milliseconds on the handle's clock.
#[derive(Debug, Clone, Default)]
pub struct Quarantines {
    /// By group, and then by server UUID.
    groups: BTreeMap<String, BTreeMap<String, Quarantine>>,
}

impl Quarantines {
    pub fn reachability(&self, group: &str, server_uuid: &str) -> Reachability {
        let quarantine = self.groups.get(group).and_then(|servers| servers.get(server_uuid));
        quarantine.map_or(Reachability::Up, Quarantine::reachability)
    }

    /// Takes in that a server could not be reached; `pause` is how long one stays away at first.
    /// True if it was in use before.
    pub fn failed(
        &mut self,
        group: &str,
        server_uuid: &str,
        is_primary: bool,
        now: u64,
        pause: u64,
    ) -> bool {
        let servers = self.groups.entry(group.to_owned()).or_default();
        let Some(quarantine) = servers.get_mut(server_uuid) else {
            servers.insert(server_uuid.to_owned(), Quarantine::new(is_primary, now, pause));
            return true;
        };
        quarantine.failed_again(now)
    }

    /// A service has reported a failure of a server with this errno.
    pub fn reported(&mut self, group: &str, server_uuid: &str, errno: i32) {
        if let Some(quarantine) = self.of_mut(group, server_uuid) {
            quarantine.errno = errno;
            quarantine.reports += 1;
        }
    }

    /// What is known of a server that was not proven to be there since a service could not reach it.
    pub fn doubt(&self, group: &str, server_uuid: &str) -> Option<Doubt> {
        Some(self.groups.get(group)?.get(server_uuid)?.doubt())
    }

    /// A good report of a server: its group, if there was a doubt.
    pub fn answered(&mut self, server_uuid: &str) -> Option<String> {
        let holds = |servers: &BTreeMap<_, _>| servers.contains_key(server_uuid);
        let group = self.groups.iter().find(|(_, servers)| holds(servers))?.0.clone();
        self.forget(&group, server_uuid);
        Some(group)
    }

    /// From now on the handle tries the server itself.
    pub fn probe(&mut self, group: &str, server_uuid: &str) {
        if let Some(quarantine) = self.of_mut(group, server_uuid) {
            quarantine.is_probed = true;
        }
    }

    /// The servers that the handle is to try now. Of one that nothing is heard of within `most`, a
    /// request finds out.
    pub fn take_probes(&mut self, now: u64, most: u64) -> Vec<InGroup> {
        let mut due = Vec::new();
        for (group, servers) in &mut self.groups {
            let probed = servers.iter_mut().filter(|(_, q)| q.is_probed && q.unlisted.is_none());
            for (uuid, quarantine) in probed {
                if quarantine.begin_probe(now, most) {
                    due.push((group.clone(), uuid.clone()));
                }
            }
        }
        due
    }

    /// The handle has tried the server, and it is not back.
    pub fn probe_failed(&mut self, group: &str, server_uuid: &str, now: u64) {
        if let Some(quarantine) = self.of_mut(group, server_uuid) {
            quarantine.probe_failed(now);
        }
    }

    /// The handle cannot tell: one request is to try the server. True if it was waited for.
    pub fn probe_refused(&mut self, group: &str, server_uuid: &str, now: u64) -> bool {
        let quarantine = self.of_mut(group, server_uuid);
        let probed = quarantine.filter(|quarantine| quarantine.is_being_probed());
        probed.map(|quarantine| quarantine.begin_trial(now)).is_some()
    }

    fn of_mut(&mut self, group: &str, server_uuid: &str) -> Option<&mut Quarantine> {
        self.groups.get_mut(group)?.get_mut(server_uuid)
    }

    /// Takes in what the source lists of a group: the servers that this proves to be back.
    pub fn listed(&mut self, group: &str, servers: &[Server], now: u64) -> Vec<String> {
        // A group that is empty as a whole says nothing of one of its servers.
        let Some(doubted) = self.groups.get_mut(group).filter(|_| !servers.is_empty()) else {
            return Vec::new();
        };
        let serving = servers.iter().filter(|server| server.serves());
        let serving: BTreeMap<&str, &Server> =
            serving.map(|server| (server.uuid.as_str(), server)).collect();
        let mut back = Vec::new();
        for (uuid, quarantine) in doubted {
            match serving.get(uuid.as_str()) {
                None => _ = quarantine.unlisted.get_or_insert(now),
                Some(server) => {
                    let promoted = server.is_primary() && quarantine.was_demoted;
                    if quarantine.unlisted.is_some() || promoted {
                        back.push(uuid.clone());
                    }
                    quarantine.was_demoted |= quarantine.was_primary && !server.is_primary();
                    quarantine.was_primary |= server.is_primary();
                }
            }
        }
        back.iter().for_each(|uuid| self.forget(group, uuid));
        back
    }

    /// Takes in that a server has answered the source, which had asked at `asked_at`. It does not prove
    /// that others are let in, and yet one that is there is tried sooner: a primary, in whose place there
    /// is nobody, at once, and again after each first pause, however long its pauses have grown.
    pub fn heard(&mut self, group: &str, server_uuid: &str, is_primary: bool, asked_at: u64) {
        if let Some(quarantine) = self.of_mut(group, server_uuid) {
            quarantine.heard(is_primary, asked_at);
        }
    }

    fn forget(&mut self, group: &str, server_uuid: &str) {
        if let Some(servers) = self.groups.get_mut(group) {
            servers.remove(server_uuid);
            if servers.is_empty() {
                self.groups.remove(group);
            }
        }
    }

    /// Begins and ends what its time has come for; the servers that may be tried now, and those
    /// that are in use again.
    pub fn expire(&mut self, now: u64) -> Vec<(InGroup, Reachability)> {
        let mut changed = Vec::new();
        for (group, servers) in &mut self.groups {
            servers.retain(|_, quarantine| {
                let since = quarantine.unlisted.unwrap_or(now);
                now.saturating_sub(since) < REMEMBER_UNLISTED
            });
            // Nobody can try what is not listed, and that it is listed again will prove enough.
            let listed = servers.iter_mut().filter(|(_, q)| q.unlisted.is_none());
            for (uuid, quarantine) in listed {
                if let Some(reachability) = quarantine.expire(now) {
                    changed.push(((group.clone(), uuid.clone()), reachability));
                }
            }
        }
        self.groups.retain(|_, servers| !servers.is_empty());
        changed
    }

    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// When there is something for `expire` to do.
    pub fn next_end(&self) -> Option<u64> {
        self.all().filter_map(|(_, quarantine)| quarantine.next_end()).min()
    }

    /// How many of the servers that the source lists are not in use: away, or on trial by one request.
    pub fn out_of_use(&self) -> usize {
        self.all().filter(|(_, q)| !q.is_in_use() && q.unlisted.is_none()).count()
    }

    /// The servers of which good news would be news.
    pub fn doubted(&self) -> impl Iterator<Item = &str> {
        self.all().map(|(uuid, _)| uuid)
    }

    fn all(&self) -> impl Iterator<Item = (&str, &Quarantine)> {
        let servers = self.groups.values().flatten();
        servers.map(|(uuid, quarantine)| (uuid.as_str(), quarantine))
    }
}
