//! What services tell of their connections, taken into the topology at once, and ended in time.
//!
//! [`errno`] says what each MySQL errno means. [`servers`] keeps what was seen: servers in
//! [`quarantine`], and groups behind a [`write_fence`]; [`probes`] finds out whether a server is back. [`state`] is that of one handle, for whoever
//! reads it. [`missing_shards`] are those that the source stopped listing, whose keys are held as
//! [`missing_holds`] says. [`reports`] waits to tell the source of failures.

pub mod errno;
pub mod missing_holds;
pub mod missing_shards;
pub mod probes;
pub mod quarantine;
pub mod reports;
pub mod servers;
pub mod state;
pub mod write_fence;

use std::sync::Arc;
use std::time::Duration;

use crate::base::clock::millis;
use crate::base::random::jitter;
use crate::config::Config;
use crate::observe::log::Level;
use crate::source::AskAgain;

use self::errno::Actions;
use self::probes::Probes;
use super::publisher::Publisher;

/// The longest write hold, in milliseconds: the longest time any option takes.
const LONGEST_HOLD: u64 = 600_000;

impl AskAgain for Health {
    fn group_is_stale(&self, group: &str) {
        self.ask_again(Some(group), false);
    }
}

/// What becomes of a service's own errors, and of their time.
pub struct Health {
    config: Arc<Config>,
    publisher: Arc<Publisher>,
    /// Tries servers, where the handle has an account to do it by.
    probes: Option<Arc<Probes>>,
}

impl Health {
    pub fn new(
        config: Arc<Config>,
        publisher: Arc<Publisher>,
        probes: Option<Arc<Probes>>,
    ) -> Self {
        Self { config, publisher, probes }
    }

    /// Ends the threads that try servers, cutting off what they have on the wire.
    pub fn stop(&self) {
        self.probes.iter().for_each(|probes| probes.stop());
    }

    /// Takes in what a service saw of a server. Where that is not what the topology says, the source
    /// is asked again. `longest_move` is for how long a primary may be read-only while its keys go
    /// elsewhere.
    pub fn observe(&self, server_uuid: &str, errno: i32, longest_move: impl FnOnce() -> Duration) {
        let actions = errno::actions(errno);
        if errno == 0 {
            self.release(server_uuid);
        } else if actions.include(Actions::QUARANTINE) {
            self.quarantine(server_uuid, errno);
        } else if actions.include(Actions::HOLD_WRITES) {
            self.hold_writes(server_uuid, longest_move);
        } else if actions.include(Actions::ASK_AGAIN)
            && let Some((group, ..)) =
                self.publisher.known.topology.load().group_of_server(server_uuid)
        {
            self.ask_again(Some(group), true);
        }
        self.publisher.deliver();
    }

    fn release(&self, server_uuid: &str) {
        // The usual case of the usual call: nothing was wrong with this one.
        if self.publisher.health.numbers().doubts(server_uuid) {
            self.publisher.publish(|update| update.observed().release(server_uuid));
        }
    }

    fn quarantine(&self, server_uuid: &str, errno: i32) {
        let topology = self.publisher.known.topology.load_full();
        let Some((group, _, server)) = topology.group_of_server(server_uuid) else { return };
        // Handles that lost a server together do not try it together.
        let pause = match self.probes {
            Some(_) => jitter(self.config.quarantine, (0.9, 1.1)),
            None => self.config.quarantine,
        };
        let (now, pause) = (self.publisher.clock.now(), millis(pause));
        self.publisher.publish(|update| {
            update.observed().quarantine(group, server_uuid, server.is_primary(), now, pause);
            update.observed().reported(group, server_uuid, errno);
            if self.probes.is_some() {
                update.observed().probe(group, server_uuid);
            }
        });
        self.ask_again(Some(group), true);
    }

    /// Only the primary's word counts: a secondary is always read-only, and so is today who was the
    /// primary yesterday.
    fn hold_writes(&self, server_uuid: &str, longest_move: impl FnOnce() -> Duration) {
        let topology = self.publisher.known.topology.load_full();
        let Some((name, group, _)) = topology.group_of_server(server_uuid) else { return };
        let takes_writes = group.named_primary().is_some_and(|p| p.uuid == server_uuid);
        if takes_writes && !self.config.write_hold.is_zero() {
            let (now, lasts) = (self.publisher.clock.now(), self.write_hold(longest_move()));
            self.publisher.publish(|update| {
                update.observed().hold(name, server_uuid, now, lasts);
            });
        }
        // A read-only primary may mean a new shard map.
        self.ask_again(Some(name), true);
    }

    /// How long writes are held after a refusal, in milliseconds: for as long as a primary may be
    /// read-only while its keys go elsewhere, or longer if the options say so.
    fn write_hold(&self, longest_move: Duration) -> u64 {
        millis(self.config.write_hold.max(longest_move)).min(LONGEST_HOLD)
    }

    /// Has the source asked again about a group, and with `maps` about all shard maps, too: at once
    /// by the background refresh, else by the next lookup.
    pub fn ask_again(&self, group: Option<&str>, maps: bool) {
        let topology = self.publisher.known.topology.load();
        let number = group.and_then(|group| topology.group_number(group.as_bytes()));
        if let Some(entry) = number.and_then(|id| topology.group(id)) {
            entry.expire();
        }
        if self.publisher.worker.is_alive() {
            match maps {
                true => self.publisher.worker.request_refresh(),
                false => self.publisher.worker.request_groups(),
            }
            return;
        }
        if maps {
            topology.tables.iter().for_each(|(_, entry)| entry.expire());
        }
    }

    /// How long until a quarantine or a hold ends.
    #[inline]
    pub fn ends_in(&self, now: u64) -> Option<Duration> {
        let servers = self.publisher.health.numbers().ends_in(now);
        servers.into_iter().chain(self.publisher.missing.ends_in(now)).min()
    }

    /// Ends what has lasted long enough at `now`. The thread of the handle sees to it in time; where
    /// none does, whoever looks something up or fetches does before.
    #[inline]
    pub fn settle_at(&self, now: u64) {
        if self.ends_in(now) == Some(Duration::ZERO) {
            self.settle();
        }
    }

    #[cold]
    fn settle(&self) {
        // Every publication ends what services saw of servers in time.
        let now = self.publisher.clock.now();
        let (mut over, until) = (Vec::new(), self.publisher.missing.over_at(now));
        let mut due = Vec::new();
        self.publisher.publish(|update| {
            over = update.forget_missing(until);
            if let Some(probes) = &self.probes {
                due = update.observed().take_probes(now, probes.most());
            }
        });
        if let Some(probes) = &self.probes {
            probes.begin(due);
        }
        for (table, bound) in over {
            self.config.log.write(
                Level::Warning,
                format_args!(
                    "table '{table}': the shard at '{bound}' was held long enough; its keys go to \
                     the shard below"
                ),
            );
        }
        self.publisher.deliver();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::Clock;
    use crate::config::Config;
    use crate::refresh::update::Asked;
    use crate::topology::balance::Cursors;
    use crate::topology::{Server, ServerRow, ShardRow, TablesBuilder, Wanted};

    fn server(uuid: &str, status: i32) -> ServerRow {
        let server = Server {
            uuid: uuid.into(),
            host: "h".into(),
            port: 3306,
            mode: 3,
            status,
            weight: 1.0,
            zone: None,
        };
        ServerRow { group: "g".into(), server }
    }

    /// A farm of one group, of the primary `p` and the secondaries `a` and `b`, and of one table.
    fn farm(config: Config) -> Health {
        let (config, clock) = (Arc::new(config), Clock::default());
        let publisher = Arc::new(Publisher::new(Arc::clone(&config), clock, true));
        let rows = vec![server("p", 3), server("a", 2), server("b", 2)];
        publisher.publish(|update| {
            update.tables(&Asked::Everything, shards(&["1", "100"]), &[], 10_000);
            update.groups(&Asked::Everything, rows, &[], 10_000);
        });
        Health::new(config, publisher, None)
    }

    /// Table `db.t`, whose shards begin at these bounds and lie in group `g`.
    pub fn shards(bounds: &[&str]) -> TablesBuilder {
        let mut rows = TablesBuilder::default();
        for (bound, shard_id) in bounds.iter().zip(1..) {
            rows.push(&ShardRow {
                schema: "db".into(),
                table: "t".into(),
                column: "c".into(),
                lower_bound: (*bound).into(),
                shard_id,
                type_name: "RANGE".into(),
                group: "g".into(),
                global_group: "global".into(),
                read_only: false,
            });
        }
        rows
    }

    impl Health {
        /// The servers that `wanted` gets, in some cursors.
        fn chosen(&self, wanted: Wanted) -> Vec<String> {
            let topology = self.publisher.known.topology.load_full();
            let id = topology.group_number(b"g").expect("the group");
            let (group, cursors) = (topology.group(id).expect("its servers"), Cursors::new());
            let choose = |_| group.value.choose(wanted, topology.cursor(id, &cursors));
            let chosen = (0..6).filter_map(choose).filter_map(|chosen| chosen.server());
            let mut chosen: Vec<String> = chosen.map(|server| server.uuid.clone()).collect();
            chosen.sort();
            chosen.dedup();
            chosen
        }

        fn is_fresh(&self) -> (bool, bool) {
            let topology = self.publisher.known.topology.load_full();
            let id = topology.group_number(b"g").expect("the group");
            let group = topology.group(id).expect("its servers");
            (topology.tables.get(b"db.t").expect("the table").is_fresh(5), group.is_fresh(5))
        }
    }

    fn at_once() -> Duration {
        Duration::ZERO
    }

    #[test]
    fn a_read_only_primary_holds_its_groups_writes_until_their_time_is_over() {
        let health = farm(Config { write_hold: Duration::from_secs(6), ..Config::default() });
        health.observe("a", 1290, at_once);
        assert_eq!(health.chosen(Wanted::Primary), ["p"], "a secondary's word does not count");
        assert_eq!(health.is_fresh(), (false, false), "and yet the source is asked again");
        health.observe("p", 1290, || Duration::from_secs(7));
        assert!(health.chosen(Wanted::Primary).is_empty());
        let end = health.ends_in(health.publisher.clock.now()).expect("an end");
        let expected = Duration::from_secs(7);
        assert!(end <= expected && end > expected - Duration::from_secs(2), "{end:?}");
        health.settle_at(0);
        assert!(health.chosen(Wanted::Primary).is_empty(), "not yet");
        health.observe("p", 0, at_once);
        assert!(health.chosen(Wanted::Primary).is_empty(), "a read says nothing of writes");
    }

    #[test]
    fn a_hold_lasts_as_long_as_the_source_needs_and_no_longer_than_any_option() {
        let health = farm(Config { write_hold: Duration::from_secs(2), ..Config::default() });
        assert_eq!(health.write_hold(Duration::ZERO), 2_000);
        assert_eq!(health.write_hold(Duration::from_secs(64)), 64_000);
        assert_eq!(health.write_hold(Duration::MAX), LONGEST_HOLD);
        let never = farm(Config { write_hold: Duration::ZERO, ..Config::default() });
        never.observe("p", 1290, at_once);
        assert_eq!(never.chosen(Wanted::Primary), ["p"]);
        assert_eq!(never.is_fresh(), (false, false));
    }

    #[test]
    fn a_lost_server_is_left_out_until_it_answers() {
        let health = farm(Config::default());
        assert_eq!(health.chosen(Wanted::Reader), ["a", "b"]);
        health.observe("a", 2013, at_once);
        assert_eq!(health.chosen(Wanted::Reader), ["b"]);
        assert_eq!(health.is_fresh(), (false, false));
        health.observe("b", 0, at_once);
        assert_eq!(health.chosen(Wanted::Reader), ["b"]);
        health.observe("a", 0, at_once);
        assert_eq!(health.chosen(Wanted::Reader), ["a", "b"]);
        assert_eq!(health.ends_in(0), None);
    }

    #[test]
    fn what_is_no_matter_of_the_server_changes_nothing() {
        let health = farm(Config::default());
        let before = health.publisher.known.topology.load_full();
        for (server, errno) in [("a", 1062), ("a", 1040), ("x", 2013), ("x", 1290), ("x", 3100)] {
            health.observe(server, errno, at_once);
        }
        assert!(Arc::ptr_eq(&before, &health.publisher.known.topology.load_full()));
        assert_eq!(health.is_fresh(), (true, true));
        health.observe("a", 3100, at_once);
        assert_eq!(health.is_fresh(), (false, false), "who leaves may have been the primary");
    }

    #[test]
    fn a_missing_shard_is_held_and_let_go_in_time() {
        let hold = Duration::from_millis(1);
        let health = farm(Config { vanished_hold: hold, ..Config::default() });
        let publisher = &health.publisher;
        assert_eq!(health.ends_in(health.publisher.clock.now()), None);
        publisher.publish(|update| {
            update.tables(&Asked::Everything, shards(&["1"]), &[], 10_000);
        });
        assert_eq!(publisher.known.topology.load().missing(), 1);
        while health.ends_in(health.publisher.clock.now()).expect("an end") > Duration::ZERO {
            std::thread::yield_now();
        }
        health.settle_at(health.publisher.clock.now());
        assert_eq!(publisher.known.topology.load().missing(), 0);
        assert_eq!(health.ends_in(health.publisher.clock.now()), None);
    }
}
