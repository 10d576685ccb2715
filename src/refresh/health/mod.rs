//! What the service tells of its connections, taken into the topology at once.

pub mod errno;
pub mod missing_shards;
pub mod quarantine;
pub mod reporter;
pub mod reports;
pub mod servers;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;

use crate::base::clock::millis;
use crate::base::error::Result;

use self::errno::Actions;
use self::servers::Observed;
use super::bound::Bound;
use super::fetcher::interrupted;
use super::flight::{OVERDUE, Wish};
use super::{Refresher, Workshop};

/// The least time between two fetches, however many callers are in a hurry.
pub const LEAST_PAUSE: Duration = Duration::from_millis(100);

/// How long Fabric may take, in milliseconds, from the end of its time to live, for which it keeps
/// the primary of a shard that it splits or moves read-only, to the new shard map. The most that
/// was seen is 1.2 s.
const COMMITS_AFTER: u64 = 4_000;

/// The longest write hold, in milliseconds: the longest time any option takes.
const LONGEST_HOLD: u64 = 600_000;

/// Numbers about the observations that others may read without their lock.
#[derive(Default)]
pub struct Observing {
    quarantined: AtomicUsize,
    /// The servers of which good news would be news.
    doubted: ArcSwap<BTreeSet<String>>,
    held: AtomicUsize,
    /// When a primary refused a write last, while writes are held.
    refused: AtomicU64,
    /// When the next observation ends; 0 = there is none.
    next_end: AtomicU64,
}

impl Observing {
    pub fn note(&self, observed: &Observed) {
        let quarantines = observed.quarantines();
        self.quarantined.store(quarantines.out_of_use(), Ordering::Relaxed);
        let doubted: BTreeSet<String> = quarantines.doubted().map(str::to_owned).collect();
        if **self.doubted.load() != doubted {
            self.doubted.store(Arc::new(doubted));
        }
        self.held.store(observed.held(), Ordering::Relaxed);
        self.refused.store(observed.refused_last().unwrap_or(0), Ordering::Relaxed);
        self.next_end.store(observed.next_end().unwrap_or(0), Ordering::Relaxed);
    }

    pub fn quarantined(&self) -> usize {
        self.quarantined.load(Ordering::Relaxed)
    }

    /// Whether a server was away, and nothing has proven since that it is back.
    pub fn doubts(&self, server_uuid: &str) -> bool {
        self.doubted.load().contains(server_uuid)
    }

    pub fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// When the next observation ends; 0 = there is none.
    pub fn next_end(&self) -> u64 {
        self.next_end.load(Ordering::Relaxed)
    }

    /// How long until the next observation ends.
    pub fn ends_in(&self, now: u64) -> Option<Duration> {
        match self.next_end.load(Ordering::Relaxed) {
            0 => None,
            end => Some(Duration::from_millis(end.saturating_sub(now))),
        }
    }
}

/// A server's group, and what Fabric says of it there.
struct InGroup {
    name: String,
    takes_writes: bool,
    is_primary: bool,
}

impl Refresher {
    /// Takes in what a service saw of a server. Where that is not what the topology says, Fabric
    /// is asked again.
    pub fn observe(&self, server_uuid: &str, errno: i32) {
        let actions = errno::actions(errno);
        self.workshop.with(|shop| {
            if errno == 0 {
                self.server_answered(shop, server_uuid);
            } else if actions.include(Actions::QUARANTINE) {
                self.quarantine(shop, server_uuid);
            } else if actions.include(Actions::HOLD_WRITES) {
                self.hold(shop, server_uuid);
            } else if actions.include(Actions::ASK_AGAIN)
                && let Some(found) = self.group_of_server(server_uuid)
            {
                self.ask_again(&found.name);
            }
        });
        self.tell();
    }

    fn server_answered(&self, shop: &Workshop, server_uuid: &str) {
        // The usual case of the usual call: nothing was wrong with this one.
        if shop.observing.doubts(server_uuid) {
            self.publish(shop, |update| update.observed().release(server_uuid));
        }
    }

    /// Ends what has lasted long enough.
    pub fn settle(&self) {
        self.workshop.with(|shop| {
            let now = self.clock.now();
            if self.vanished_ends_in(now) == Some(Duration::ZERO) {
                self.end_vanished_holds(shop);
            } else if shop.observing.ends_in(now) == Some(Duration::ZERO) {
                self.publish(shop, |_| {});
            }
        });
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
    pub(super) fn settles_in(&self) -> Option<Duration> {
        self.ends_in(self.clock.now())
    }

    #[inline]
    fn ends_in(&self, now: u64) -> Option<Duration> {
        let observed = self.workshop.with(|shop| shop.observing.ends_in(now));
        let ends = [observed, self.vanished_ends_in(now)];
        ends.into_iter().flatten().min()
    }

    /// How many servers are quarantined.
    pub fn quarantined(&self) -> usize {
        self.workshop.with(|shop| shop.observing.quarantined())
    }

    fn quarantine(&self, shop: &Workshop, server_uuid: &str) {
        let Some(found) = self.group_of_server(server_uuid) else { return };
        let InGroup { name: group, is_primary, .. } = found;
        let (now, pause) = (self.clock.now(), millis(self.config.quarantine));
        self.publish(shop, |update| {
            update.observed().quarantine(&group, server_uuid, is_primary, now, pause);
        });
        self.ask_again(&group);
    }

    /// Only the primary's word counts: a secondary is read-only by trade, and a primary of
    /// yesterday is one today.
    fn hold(&self, shop: &Workshop, server_uuid: &str) {
        let Some(found) = self.group_of_server(server_uuid) else { return };
        let InGroup { name: group, takes_writes, .. } = found;
        if takes_writes && !self.config.write_hold.is_zero() {
            let (now, lasts) = (self.clock.now(), self.write_hold());
            self.publish(shop, |update| {
                update.observed().hold(&group, server_uuid, now, lasts);
            });
        }
        self.ask_again(&group);
    }

    /// How long writes are held after a refusal, in milliseconds: Fabric keeps a primary read-only
    /// for its own time to live, whatever the handle makes of that, and commits the new shard map
    /// a while after.
    fn write_hold(&self) -> u64 {
        let ttl = self.facts().ttl.map_or(0, |seconds| seconds.saturating_mul(1000));
        millis(self.config.write_hold).max(ttl.saturating_add(COMMITS_AFTER)).min(LONGEST_HOLD)
    }

    fn group_of_server(&self, server_uuid: &str) -> Option<InGroup> {
        let topology = self.topology.load();
        topology.groups().find_map(|(_, name, entry)| {
            let group = &entry?.value;
            let server = group.servers().iter().find(|server| server.uuid == server_uuid)?;
            let takes_writes = group.named_primary().is_some_and(|p| p.uuid == server_uuid);
            let (name, is_primary) = (name.to_owned(), server.is_primary());
            Some(InGroup { name, takes_writes, is_primary })
        })
    }

    /// Has Fabric asked again: at once by the background refresh, else by the next lookup.
    fn ask_again(&self, group: &str) {
        if self.worker.is_alive() {
            self.worker.hurry();
            return;
        }
        let topology = self.topology.load();
        let number = topology.group_number(group.as_bytes());
        if let Some(entry) = number.and_then(|id| topology.group(id)) {
            entry.expire();
        }
        // A read-only primary may mean a new shard map.
        for (_, entry) in topology.tables.iter() {
            entry.expire();
        }
    }

    /// The pause between two fetches if somebody waits for Fabric's next word: a caller, or a
    /// group whose writes are held, though the longer Fabric takes, the less a moment more counts.
    pub(super) fn urgent_pause(&self) -> Option<Duration> {
        self.workshop.with(|shop| {
            if shop.waiting.is_needed() {
                return Some(LEAST_PAUSE);
            }
            if shop.observing.held() == 0 {
                return None;
            }
            let refused = shop.observing.refused.load(Ordering::Relaxed);
            let waited = Duration::from_millis(self.clock.now().saturating_sub(refused));
            Some(LEAST_PAUSE.max(waited / 50))
        })
    }

    /// Waits for a newer topology than the one of `seen`, as long as `bound` allows or until it is
    /// time to look again; meanwhile `wish` is asked for as often as may be.
    pub fn wait_for_news(self: &Arc<Self>, seen: u64, bound: &Bound, wish: &Wish) {
        self.workshop.with(|shop| {
            let _present = shop.waiting.enter();
            let is_over = || self.is_interrupted(bound);
            // A refresh in the background that hangs is no reason not to ask beside it.
            if self.worker.is_alive() && !self.worker.hangs(self.clock.now()) {
                self.worker.hurry();
                shop.waiting.wait(seen, bound.left().min(OVERDUE), is_over);
                return;
            }
            let now = self.clock.now();
            let next = self.next_poll.load(Ordering::Relaxed);
            if now >= next {
                let after = now.saturating_add(millis(LEAST_PAUSE));
                let mine = self.next_poll.compare_exchange(
                    next,
                    after,
                    Ordering::Relaxed,
                    Ordering::Relaxed,
                );
                if mine.is_ok() && !self.have_fetched(wish) {
                    // Whoever waits may fetch, and sees by itself what became of it.
                    let _ = self.obtain(wish, bound);
                }
            }
            shop.waiting.wait(seen, bound.left().min(LEAST_PAUSE), is_over);
        });
        self.tell();
    }

    /// Whether the service has interrupted the call of this bound; then that is its answer.
    pub fn refuse_interrupted(&self, bound: &Bound, what: &str) -> Result<()> {
        if self.is_interrupted(bound) { Err(interrupted(what)) } else { Ok(()) }
    }

    /// See [`Waiting::published`](super::waiting::Waiting::published).
    pub fn published(&self) -> u64 {
        self.workshop.with(|shop| shop.waiting.published())
    }
}
