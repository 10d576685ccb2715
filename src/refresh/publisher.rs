//! From what changed to the topology that lookups see, and to who has to know of it.

use std::sync::Arc;

use crate::observe::events::Kind;
use crate::observe::log::{Level, Log};
use crate::topology::Reachability;

use super::Refresher;
use super::health::servers::{Change, ServerHealth};
use super::update::Update;

impl Refresher {
    /// Replaces the topology by what `write` makes of it, if that is another one.
    pub(super) fn publish(&self, write: impl FnOnce(&mut Update<'_>)) {
        self.publish_until(&|| self.is_stopping(), write);
    }

    /// As `publish`, but leaves off when `stops` says so; whether it did not.
    pub(super) fn publish_until(
        &self,
        stops: &dyn Fn() -> bool,
        write: impl FnOnce(&mut Update<'_>),
    ) -> bool {
        // Callbacks never run under a lock.
        let notes = self.config.log.deferred();
        let is_whole;
        let unused = {
            let mut unused = Vec::new();
            // Fetches are single already; what the service itself reports comes from any thread.
            let mut observed = self.health.lock();
            let now = self.clock.now();
            let changed = observed.expire(now);
            let current = self.topology.load_full();
            // A topology file means what it says; Fabric's dumps leave out disabled shards.
            let keeps =
                !self.sources.maps.lists_every_shard() && !self.config.vanished_hold.is_zero();
            let log = notes.log();
            let update = Update::new(&current, &mut observed, log, self.start, keeps, now);
            let mut update = update.until(stops);
            write(&mut update);
            is_whole = !update.has_stopped();
            let absent = update.take_absent();
            absent.tables.iter().for_each(|(name, times)| self.absent_tables.note(name, *times));
            absent.groups.iter().for_each(|(name, times)| self.absent_groups.note(name, *times));
            let remembers_others = update.remembers_others();
            // Of a handle that is being freed a half of the farm must not come into the snapshot file.
            let is_of_use = is_whole || !self.is_stopping();
            if is_of_use && let Some(next) = update.finish() {
                let is_changed = next.generation != current.generation;
                unused = self.topology.publish(Arc::new(next));
                self.note_vanished();
                if is_changed {
                    self.events.published(&current, &self.topology.load(), &self.clock);
                }
                if is_changed || remembers_others {
                    self.save_soon();
                }
            }
            // Here, or an event could be told behind the one of what ended it.
            self.tell_of_observed(&mut observed, notes.log());
            self.health.tell(&observed);
            for ((group, server_uuid), reach) in changed {
                let state = match reach {
                    Reachability::Up => "is used again: the request that tried it told nothing bad",
                    _ => "may be tried by one request",
                };
                notes.log().write(
                    Level::Info,
                    format_args!("server {server_uuid} of group '{group}' {state}"),
                );
            }
            unused
        };
        // Nobody waits while it is taken apart.
        drop(unused);
        notes.tell(&self.config.log);
        // Behind the topology: tests/model shows what a waiter could miss otherwise.
        self.waiters.notify();
        is_whole
    }

    /// Queues the events of what begins or ends for a server, behind whatever made it so, and keeps
    /// the lines for the log. Only under the lock of `observed`, which keeps them in order.
    fn tell_of_observed(&self, observed: &mut ServerHealth, log: &Log) {
        let generation = self.topology.load().generation;
        for (change, group, server) in observed.take_news() {
            let kind = match change {
                Change::Quarantined => Kind::ServerQuarantined,
                Change::Back => Kind::ServerBack,
                Change::WritesHeld => Kind::WritesHeld,
                Change::WritesReleased => Kind::WritesReleased,
            };
            self.events.of_server(kind, &group, &server, generation, &self.clock);
            match change {
                Change::Quarantined => log.write(
                    Level::Warning,
                    format_args!("server {server} of group '{group}' could not be reached"),
                ),
                Change::Back => {}
                Change::WritesHeld => log.write(
                    Level::Warning,
                    format_args!(
                        "the primary of group '{group}' is read-only: it was demoted, or a shard \
                         is being split or moved; writes to the group are held"
                    ),
                ),
                Change::WritesReleased => log.write(
                    Level::Info,
                    format_args!("writes to group '{group}' are held no longer"),
                ),
            }
        }
    }
}
