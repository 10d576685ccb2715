//! From what changed to the topology that lookups see, and to everybody who has to know of it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::base::clock::Clock;
use crate::base::error::{Code, Error, Result};
use crate::base::random;
use crate::config::Config;
use crate::observe::events::{Events, Kind};
use crate::observe::log::{Level, Log};
use crate::topology::Reachability;

use super::health::missing_holds::MissingHolds;
use super::health::servers::{Change, ServerHealth};
use super::health::state::HealthState;
use super::known::Known;
use super::update::Update;
use super::waiters::Waiters;
use super::worker::Worker;

/// Replaces the topology of one handle: one change at a time, whoever it comes from.
pub struct Publisher {
    config: Arc<Config>,
    pub(super) clock: Clock,
    /// Where the turns among secondaries begin: another place in every handle.
    start: u64,
    /// Whether lower bounds are kept that the source stops listing.
    keeps_missing: bool,
    /// What lookups see.
    pub(super) known: Known,
    /// Its lock is that of whoever publishes.
    pub(super) health: HealthState,
    pub(super) missing: MissingHolds,
    pub events: Events,
    pub(super) worker: Worker,
    pub waiters: Waiters,
    is_stopping: AtomicBool,
}

impl Publisher {
    /// No I/O.
    pub fn new(config: Arc<Config>, clock: Clock, keeps_missing: bool) -> Self {
        Self {
            clock,
            start: random::bytes().map_or(0, |bytes| u128::from_le_bytes(bytes) as u64),
            keeps_missing: keeps_missing && !config.vanished_hold.is_zero(),
            known: Known::default(),
            health: HealthState::default(),
            missing: MissingHolds::new(config.vanished_hold),
            events: Events::new(config.events.clone(), config.log.clone()),
            worker: Worker::default(),
            waiters: Waiters::default(),
            is_stopping: AtomicBool::new(false),
            config,
        }
    }

    /// The handle is being freed: what comes in from now on was cut off.
    pub fn stop(&self) {
        self.is_stopping.store(true, Ordering::Relaxed);
    }

    pub fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Relaxed)
    }

    /// Replaces the topology by what `write` makes of it, if that is another one. Under no lock.
    pub fn publish(&self, write: impl FnOnce(&mut Update<'_>)) {
        self.publish_until(&|| self.is_stopping(), write);
    }

    /// As `publish`, but leaves off when `stops` says so; whether it did not.
    pub fn publish_until(
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
            let mut health = self.health.lock();
            let (log, now) = (notes.log(), self.clock.now());
            let changed = health.expire(now);
            let current = self.known.topology.load_full();
            let keeps = self.keeps_missing;
            let update = Update::new(&current, &mut health, log, self.start, keeps, now);
            let Config { read_preference, zone, .. } = &*self.config;
            let mut update = update.reading(*read_preference, zone.as_ref()).until(stops);
            write(&mut update);
            is_whole = !update.has_stopped();
            let absent = update.take_absent();
            absent
                .tables
                .iter()
                .for_each(|(name, times)| self.known.absent_tables.note(name, *times));
            absent
                .groups
                .iter()
                .for_each(|(name, times)| self.known.absent_groups.note(name, *times));
            let remembers_others = update.remembers_others();
            // Of a handle that is being freed a half of the farm must not come into the snapshot file.
            let is_of_use = is_whole || !self.is_stopping();
            if is_of_use && let Some(next) = update.finish() {
                let is_changed = next.generation != current.generation;
                unused = self.known.topology.publish(Arc::new(next));
                if self.missing.note(&self.known.topology.load()) {
                    self.worker.look();
                }
                if is_changed {
                    self.events.published(&current, &self.known.topology.load(), &self.clock);
                }
                if is_changed || remembers_others {
                    self.save_soon();
                }
            }
            // Here, or an event could be told behind the one of what ended it.
            self.tell_of_servers(&mut health, log);
            self.health.tell(&health);
            for ((group, server_uuid), reachability) in changed {
                let state = match reachability {
                    Reachability::Up => "is used again: the request that tried it told nothing bad",
                    _ => "may be tried by one request",
                };
                log.write(
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

    /// Has a topology that was just published written, by the thread in the background if
    /// there is to be one.
    fn save_soon(&self) {
        if self.config.snapshot_file.is_some() && self.config.background_refresh {
            self.worker.request_save();
        }
    }

    /// Tells of a refresh, by an event if its outcome is not like the last one's.
    pub fn tell_refreshed(&self, is_there: bool) {
        let generation = self.known.topology.load().generation;
        self.events.refreshed(is_there, generation, &self.clock);
    }

    /// Tells whoever did not wait for a fetch that it is over.
    pub fn tell_fetched(&self, outcome: &Result<()>) {
        let generation = self.known.topology.load().generation;
        self.events.fetched(outcome.as_ref().err(), generation, &self.clock);
    }

    /// Has a thread's absence told of, and gives the error of it; once, as it may be so for long.
    pub fn no_thread(&self, purpose: &str, error: &io::Error) -> Error {
        let message = format!(
            "no thread can be had {purpose} ({error}); see the limits of the process, such as \
             RLIMIT_NPROC and its cgroup's pids.max"
        );
        self.config.log.write_once(Level::Warning, format_args!("{message}"));
        Error::new(Code::System, message)
    }

    /// To be called when the thread does not keep things fresh any more, behind what says so: who
    /// sees the new epoch sees that, too.
    pub fn nobody_keeps_fresh(&self) {
        self.known.topology.invalidate_caches();
    }

    /// Sees that the callback hears what happened. Only where no lock is held.
    pub fn deliver(&self) {
        self.events.deliver(&self.clock);
    }

    /// Queues the events of what begins or ends for a server, behind whatever made it so, and keeps
    /// the lines for the log. Only under the lock of `health`, which keeps them in order.
    fn tell_of_servers(&self, health: &mut ServerHealth, log: &Log) {
        let generation = self.known.topology.load().generation;
        for (change, group, server) in health.take_news() {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refresh::testing::{primary, publisher};
    use crate::refresh::update::Asked;

    fn list(publisher: &Publisher, uuid: &str) {
        publisher.publish(|update| {
            update.groups(&Asked::Everything, vec![primary("g", uuid)], &[], 1_000);
        });
    }

    #[test]
    fn only_another_farm_is_a_new_generation() {
        let publisher = publisher();
        let before = publisher.known.topology.load_full();
        let waited = publisher.waiters.published();
        list(&publisher, "p");
        assert!(Arc::ptr_eq(&before, &publisher.known.topology.load_full()), "nothing is new");
        list(&publisher, "q");
        assert_eq!(publisher.known.topology.load().generation, before.generation + 1);
        assert_eq!(publisher.waiters.published(), waited + 2, "who waits looks after each");
    }

    #[test]
    fn names_that_are_listed_nowhere_are_noted_beside_the_topology() {
        let publisher = publisher();
        let names = ["h".to_owned()].into();
        publisher.publish(|update| update.groups(&Asked::Names(&names), Vec::new(), &[], 9));
        assert_eq!(publisher.known.absent_groups.get(b"h").map(|absent| absent.expires()), Some(9));
        assert_eq!(publisher.known.groups(), ["g"]);
    }

    #[test]
    fn a_half_of_a_farm_is_published_only_while_the_handle_lives() {
        let publisher = publisher();
        let before = publisher.known.topology.load_full();
        let write = |update: &mut Update<'_>| {
            let stays = vec![primary("h", "s")];
            update.groups(&Asked::Names(&["h".to_owned()].into()), stays, &[], 9);
        };
        publisher.stop();
        assert!(!publisher.publish_until(&|| true, write), "it has left off");
        assert!(Arc::ptr_eq(&before, &publisher.known.topology.load_full()));
    }

    #[test]
    fn a_reason_stays_until_the_source_says_something_else() {
        let publisher = publisher();
        let reason = || {
            let topology = publisher.known.topology.load_full();
            let id = topology.group_number(b"g").expect("the group");
            topology.group(id).and_then(|entry| entry.value.reason().map(ToString::to_string))
        };
        publisher.publish(|update| {
            let mut server = primary("g", "p");
            server.server.status = 2;
            update.reasons([("g".to_owned(), "it is away".into())].into());
            update.groups(&Asked::Everything, vec![server], &[], 9);
        });
        assert_eq!(reason().as_deref(), Some("it is away"));
        publisher.publish(|update| _ = update.observed().quarantine("g", "p", false, 1, 9));
        assert_eq!(reason().as_deref(), Some("it is away"));
        list(&publisher, "p");
        assert_eq!(reason(), None);
    }

    #[test]
    fn a_group_with_a_reason_is_there_without_a_server() {
        let publisher = publisher();
        publisher.publish(|update| {
            update.reasons([("g".to_owned(), "it is away".into())].into());
            update.groups(&Asked::Everything, Vec::new(), &[], 9);
        });
        let topology = publisher.known.topology.load_full();
        let id = topology.group_number(b"g").expect("the group");
        let group = &topology.group(id).expect("it is known").value;
        assert_eq!(group.reason().map(|reason| &**reason), Some("it is away"));
        assert!(group.servers().is_empty());
    }
}
