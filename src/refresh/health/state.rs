//! What services saw of a handle's servers: changed under a lock, and read without it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::{ArcSwap, Guard};

use crate::base::sync::{Mutex, MutexGuard, rank};

use super::quarantine::Doubt;
use super::servers::ServerHealth;

/// The health of a handle's servers. A forked child goes on from what was told last: its first
/// publication would end all quarantines and holds otherwise.
pub struct HealthState {
    /// Whoever publishes a topology holds it.
    servers: Mutex<ServerHealth, { rank::OBSERVED }>,
    told: Arc<ArcSwap<HealthNumbers>>,
}

/// What was so after the last change.
#[derive(Debug, Default)]
pub struct HealthNumbers {
    servers: ServerHealth,
    /// The servers of which good news would be news.
    doubted: BTreeSet<String>,
}

impl Default for HealthState {
    fn default() -> Self {
        let told: Arc<ArcSwap<HealthNumbers>> = Arc::default();
        let inherited = Arc::clone(&told);
        Self { servers: Mutex::new(move || inherited.load().servers.clone()), told }
    }
}

impl HealthState {
    pub fn lock(&self) -> MutexGuard<'_, ServerHealth> {
        self.servers.lock()
    }

    /// Has others see what `servers` are like from now on. Only under the lock, which keeps two
    /// changes in order.
    pub fn tell(&self, servers: &ServerHealth) {
        if servers.is_empty() && self.told.load().servers.is_empty() {
            return;
        }
        let doubted = servers.quarantines().doubted().map(str::to_owned).collect();
        self.told.store(Arc::new(HealthNumbers { servers: servers.clone(), doubted }));
    }

    /// What was told last. No lock, no system call.
    pub fn numbers(&self) -> Guard<Arc<HealthNumbers>> {
        self.told.load()
    }
}

impl HealthNumbers {
    /// How many servers are quarantined.
    pub fn quarantined(&self) -> usize {
        self.servers.quarantines().out_of_use()
    }

    /// What is known of a server that services could not reach; see [`Quarantines::doubt`].
    ///
    /// [`Quarantines::doubt`]: super::quarantine::Quarantines::doubt
    pub fn doubt(&self, group: &str, server_uuid: &str) -> Option<Doubt> {
        self.servers.quarantines().doubt(group, server_uuid)
    }

    /// Whether a server was away, and nothing has proven since that it is back.
    pub fn doubts(&self, server_uuid: &str) -> bool {
        self.doubted.contains(server_uuid)
    }

    /// Whether something is going to end: a quarantine, or a hold.
    pub fn is_needed(&self) -> bool {
        self.quarantined() > 0 || self.held() > 0 || self.servers.next_end().is_some()
    }

    /// How many groups have their writes held.
    pub fn held(&self) -> usize {
        self.servers.fences().count()
    }

    /// For how long the writes of a group are held yet, at most; `None` if they are not.
    pub fn held_for(&self, group: &str, now: u64) -> Option<Duration> {
        let end = self.servers.fences().end(group)?;
        Some(Duration::from_millis(end.saturating_sub(now)))
    }

    /// When a primary refused a write last, while writes are held; in milliseconds on the handle's
    /// clock.
    pub fn refused_last(&self) -> Option<u64> {
        self.servers.fences().refused_last()
    }

    /// How long until the next quarantine or hold ends.
    pub fn ends_in(&self, now: u64) -> Option<Duration> {
        let end = self.servers.next_end()?;
        Some(Duration::from_millis(end.saturating_sub(now)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_see_what_was_told_last() {
        let state = HealthState::default();
        assert_eq!(state.numbers().ends_in(0), None);
        {
            let mut servers = state.lock();
            servers.quarantine("g", "s", false, 0, 100);
            servers.hold("h", "p", 10, 300);
            assert!(!state.numbers().doubts("s"), "not before it is told");
            state.tell(&servers);
        }
        let numbers = state.numbers();
        assert!(numbers.doubts("s") && !numbers.doubts("p"));
        assert_eq!((numbers.quarantined(), numbers.held()), (1, 1));
        assert_eq!(numbers.refused_last(), Some(10));
        assert_eq!(numbers.ends_in(40), Some(Duration::from_millis(60)));
        {
            let mut servers = state.lock();
            servers.release("s");
            servers.expire(310);
            state.tell(&servers);
        }
        let numbers = state.numbers();
        assert_eq!((numbers.quarantined(), numbers.held()), (0, 0));
        assert!(!numbers.doubts("s") && numbers.refused_last().is_none());
        assert_eq!(numbers.ends_in(0), None);
    }
}
