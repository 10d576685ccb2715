//! What the service tells of its connections, taken into the topology at once.

pub mod errno;
pub mod missing_shards;
pub mod quarantine;
pub mod reports;
pub mod servers;
pub mod state;
pub mod write_fence;

use std::time::Duration;

use crate::base::clock::millis;

use self::errno::Actions;
use super::Refresher;

/// The longest write hold, in milliseconds: the longest time any option takes.
const LONGEST_HOLD: u64 = 600_000;

impl Refresher {
    /// Takes in what a service saw of a server. Where that is not what the topology says, Fabric
    /// is asked again.
    pub fn observe(&self, server_uuid: &str, errno: i32) {
        let actions = errno::actions(errno);
        if errno == 0 {
            self.server_answered(server_uuid);
        } else if actions.include(Actions::QUARANTINE) {
            self.quarantine(server_uuid);
        } else if actions.include(Actions::HOLD_WRITES) {
            self.hold(server_uuid);
        } else if actions.include(Actions::ASK_AGAIN)
            && let Some((group, ..)) = self.topology.load().group_of_server(server_uuid)
        {
            self.ask_again(Some(group), true);
        }
        self.tell();
    }

    fn server_answered(&self, server_uuid: &str) {
        // The usual case of the usual call: nothing was wrong with this one.
        if self.health.numbers().doubts(server_uuid) {
            self.publish(|update| update.observed().release(server_uuid));
        }
    }

    /// Ends what has lasted long enough.
    pub fn settle(&self) {
        let now = self.clock.now();
        if self.vanished_ends_in(now) == Some(Duration::ZERO) {
            self.end_vanished_holds();
        } else if self.health.numbers().ends_in(now) == Some(Duration::ZERO) {
            self.publish(|_| {});
        }
        self.tell();
    }

    /// Ends what has lasted long enough at `now`, for who looks something up: where no thread of the
    /// handle sees to it.
    #[inline]
    pub fn settle_at(&self, now: u64) {
        if self.ends_in(now) == Some(Duration::ZERO) {
            self.settle();
        }
    }

    /// How long until a quarantine or a hold ends.
    #[inline]
    pub(super) fn ends_in(&self, now: u64) -> Option<Duration> {
        let ends = [self.health.numbers().ends_in(now), self.vanished_ends_in(now)];
        ends.into_iter().flatten().min()
    }

    /// How many servers are quarantined.
    pub fn quarantined(&self) -> usize {
        self.health.numbers().quarantined()
    }

    fn quarantine(&self, server_uuid: &str) {
        let topology = self.topology.load_full();
        let Some((group, _, server)) = topology.group_of_server(server_uuid) else { return };
        let (now, pause) = (self.clock.now(), millis(self.config.quarantine));
        self.publish(|update| {
            update.observed().quarantine(group, server_uuid, server.is_primary(), now, pause);
        });
        self.ask_again(Some(group), true);
    }

    /// Only the primary's word counts: a secondary is read-only by trade, and a primary of
    /// yesterday is one today.
    fn hold(&self, server_uuid: &str) {
        let topology = self.topology.load_full();
        let Some((name, group, _)) = topology.group_of_server(server_uuid) else { return };
        let takes_writes = group.named_primary().is_some_and(|p| p.uuid == server_uuid);
        if takes_writes && !self.config.write_hold.is_zero() {
            let (now, lasts) = (self.clock.now(), self.write_hold());
            self.publish(|update| {
                update.observed().hold(name, server_uuid, now, lasts);
            });
        }
        // A read-only primary may mean a new shard map.
        self.ask_again(Some(name), true);
    }

    /// How long writes are held after a refusal, in milliseconds: for as long as a primary may be
    /// read-only while its keys go elsewhere, or longer if the options say so.
    fn write_hold(&self) -> u64 {
        let longest_move = self.sources.maps.longest_move(self.intervals.maps.said());
        millis(self.config.write_hold.max(longest_move)).min(LONGEST_HOLD)
    }

    /// Has the source asked again about a group, and with `maps` about all shard maps, too: at once
    /// by the background refresh, else by the next lookup.
    fn ask_again(&self, group: Option<&str>, maps: bool) {
        if self.worker.is_alive() {
            self.worker.request_refresh();
            return;
        }
        let topology = self.topology.load();
        let number = group.and_then(|group| topology.group_number(group.as_bytes()));
        if let Some(entry) = number.and_then(|id| topology.group(id)) {
            entry.expire();
        }
        if maps {
            topology.tables.iter().for_each(|(_, entry)| entry.expire());
        }
    }
}
