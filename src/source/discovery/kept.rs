//! What is kept from round to round, for one round at a time: the event loop with its connections, and
//! what is known of each group.

use std::collections::BTreeMap;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;

use crate::base::error::{Code, Error, Result};
use crate::base::sync::{Condvar, Mutex, rank};
use crate::config::Node;
use crate::net::event_loop::{Cancelled, Ended, EventLoop, broken};
use crate::net::off_runtime::off_runtime;

use super::members::{Members, Ways};
use super::rules::Memory;
use super::spec::GroupSpec;

/// How often who waits for another round looks whether there is still use in it.
const LOOK: Duration = Duration::from_millis(20);

/// What is known of a group.
#[derive(Clone)]
pub struct GroupState {
    pub spec: GroupSpec,
    pub memory: Memory,
    /// Who is asked in the next round; the seeds if nobody is.
    pub members: Vec<Node>,
    /// When it was asked last, on the handle's clock, and after how long it is to be asked again.
    pub asked_at: u64,
    pub interval: u64,
    /// What its metadata calls it.
    pub name: Option<String>,
}

impl GroupState {
    pub fn new(spec: &GroupSpec) -> Self {
        Self {
            spec: spec.clone(),
            memory: Memory::default(),
            members: Vec::new(),
            asked_at: 0,
            interval: 0,
            name: None,
        }
    }

    /// Whether a round asks it that begins `now`. Rounds begin before the interval is over, so that
    /// they are over before it is.
    pub fn is_due(&self, now: u64) -> bool {
        self.asked_at.saturating_add(self.interval / 2) <= now
    }

    /// When its interval is over.
    pub fn due_at(&self) -> u64 {
        self.asked_at.saturating_add(self.interval)
    }
}

pub type States = BTreeMap<String, GroupState>;

/// A loop and its connections, to be used by one round at a time.
struct Network {
    /// `None` once they are taken apart.
    parts: Option<(EventLoop, Members)>,
    /// How often the cache had been reset when it was used last.
    resets: u64,
}

impl Network {
    fn new(ways: &Arc<Ways>, cancelled: Cancelled, resets: u64) -> Result<Self> {
        let event_loop = EventLoop::new([cancelled.clone(), cancelled]);
        let event_loop = event_loop.map_err(|error| Error::new(Code::System, error.to_string()))?;
        Ok(Self { parts: Some((event_loop, Members::new(Arc::clone(ways)))), resets })
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        let Some((event_loop, members)) = self.parts.take() else { return };
        // Where no thread can be had for it the servers see that nobody says goodbye.
        let _ = off_runtime(move || {
            // A loop that is broken has leaked them.
            let _ = event_loop.run(members.close());
            Ok(())
        });
    }
}

/// What is kept. A forked child has connections of its own, and goes on from what its parent knew.
pub struct Kept {
    ways: Arc<Ways>,
    cancelled: Cancelled,
    slot: Mutex<Slot, { rank::DISCOVERY }>,
    free: Condvar,
    inherited: Arc<ArcSwap<States>>,
    resets: AtomicU64,
}

#[derive(Default)]
struct Slot {
    is_taken: bool,
    network: Option<Network>,
}

/// What is kept, while a round has it.
pub struct Taken<'k> {
    kept: &'k Kept,
    /// `None` once it is given back.
    network: Option<Network>,
    pub states: States,
    resets: u64,
}

impl Kept {
    pub fn new(ways: Arc<Ways>, cancelled: Cancelled) -> Self {
        Self {
            ways,
            cancelled,
            slot: Mutex::default(),
            free: Condvar::default(),
            inherited: Arc::default(),
            resets: AtomicU64::new(0),
        }
    }

    /// Takes it, when no other round has it any more; nothing if there is no use in waiting on.
    ///
    /// # Errors
    /// There is no event loop to be had.
    pub fn take(&self, until: Instant, stops: impl Fn() -> bool) -> Result<Option<Taken<'_>>> {
        let resets = self.resets();
        let network = {
            let mut slot = self.slot.lock();
            while slot.is_taken {
                if stops() || Instant::now() >= until {
                    return Ok(None);
                }
                slot = self.free.wait_timeout(slot, LOOK);
            }
            slot.is_taken = true;
            slot.network.take()
        };
        let states = States::clone(&self.inherited.load());
        let mut taken = Taken { kept: self, network, states, resets };
        match &mut taken.network {
            Some(network) if network.resets == resets => {}
            Some(network) => {
                network.resets = resets;
                network.parts.iter_mut().for_each(|(_, members)| members.forget_metadata());
            }
            None => {
                let network = Network::new(&self.ways, self.cancelled.clone(), resets);
                taken.network = Some(network?);
            }
        }
        Ok(Some(taken))
    }

    /// What is known of the groups counts no more, not even as what they must not go back behind. A
    /// password that was refused stays so: a service may begin anew at every error.
    pub fn reset(&self) {
        self.resets.fetch_add(1, Ordering::AcqRel);
        self.inherited.store(Arc::default());
    }

    /// Every group is to be asked again before its time.
    pub fn all_are_due(&self) {
        self.inherited.rcu(|states| {
            let mut states = States::clone(states);
            states.values_mut().for_each(|state| state.interval = 0);
            states
        });
    }

    /// What is known of the groups.
    pub fn states(&self) -> Arc<States> {
        self.inherited.load_full()
    }

    fn resets(&self) -> u64 {
        self.resets.load(Ordering::Acquire)
    }
}

impl Taken<'_> {
    /// Runs `work` on the loop until `deadline`, or until `attempt` is cut off.
    ///
    /// # Errors
    /// The loop broke, and is lost with all connections.
    pub fn run(
        &mut self,
        deadline: Instant,
        attempt: Cancelled,
        work: impl AsyncFnOnce(&mut Members),
    ) -> Result<()> {
        let parts = self.network.as_mut().and_then(|network| network.parts.as_mut());
        let Some((event_loop, members)) = parts else { return Err(broken()) };
        let cancelled = [self.kept.cancelled.clone(), attempt];
        match event_loop.wait_unless(cancelled, deadline, work(members)) {
            Ok(()) | Err(Ended::Late | Ended::CutOff) => Ok(()),
            Err(Ended::Broken) => {
                // What was in it must not be dropped.
                mem::forget(self.network.take());
                Err(broken())
            }
        }
    }

    pub fn members(&self) -> Option<&Members> {
        self.network.as_ref()?.parts.as_ref().map(|(_, members)| members)
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        // What was found out before a reset is nothing to go by after it.
        if self.resets == self.kept.resets() {
            self.kept.inherited.store(Arc::new(mem::take(&mut self.states)));
        }
        let mut slot = self.kept.slot.lock();
        slot.is_taken = false;
        slot.network = self.network.take();
        drop(slot);
        self.kept.free.notify_one();
    }
}
