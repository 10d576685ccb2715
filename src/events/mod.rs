//! What happens to a handle, told to whoever listens: a callback, or a loop that polls.
//!
//! Events are queued where they are noticed, which may be under a lock, and handed to the
//! callback later, when the thread holds none and waits for nobody. Each consumer has a bounded
//! queue of its own; one that is slow loses its oldest events and holds nobody up.

mod changes;
mod event;
mod ring;
mod wake;

use std::os::fd::RawFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::{Code, Error, Result};
use crate::refresh::clock::Clock;
use crate::refresh::process::{self, PerProcess};
use crate::topology::Topology;

pub use self::event::{Delivery, Event, Kind};
pub use self::ring::ROOM;

use self::ring::Ring;
use self::wake::Wake;

type Callback = dyn Fn(&Delivery) + Send + Sync;

/// Who is called with a handle's events, or nobody. Cloned freely; never global.
#[derive(Clone, Default)]
pub struct Listener {
    callback: Option<Arc<Callback>>,
}

impl Listener {
    /// Calls `callback` with one event at a time, on the thread that noticed it or on one that
    /// is at it already, and never under a lock.
    pub fn new(callback: impl Fn(&Delivery) + Send + Sync + 'static) -> Self {
        Self { callback: Some(Arc::new(callback)) }
    }
}

/// A loop's events, and what wakes it.
struct Polled {
    ring: Ring,
    wake: Wake,
}

#[derive(Default)]
struct Queues {
    called: Ring,
    /// From the first time somebody asked for the descriptor.
    polled: Option<Polled>,
}

/// What a forked child has anew: its parent's descriptor and events stay its parent's.
#[derive(Default)]
struct Desk {
    queues: Mutex<Queues>,
    delivering: AtomicBool,
}

/// The events of one handle.
pub struct Events {
    listener: Listener,
    desk: PerProcess<Desk>,
    ready: AtomicBool,
    /// Fabric answered, and has not been lost since.
    reached: AtomicBool,
    /// Fabric was lost and has not answered since.
    missed: AtomicBool,
    lost: AtomicU64,
    closed: AtomicBool,
}

impl Events {
    pub fn new(listener: Listener) -> Self {
        Self {
            listener,
            desk: PerProcess::default(),
            ready: AtomicBool::new(false),
            reached: AtomicBool::new(false),
            missed: AtomicBool::new(false),
            lost: AtomicU64::new(0),
            closed: AtomicBool::new(false),
        }
    }

    /// Events that a consumer was too slow for, of all consumers.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Queues what is new in a topology that has just been published. May be called under a
    /// lock, and must be where only that keeps two publications in order.
    pub fn published(&self, old: &Topology, new: &Topology, clock: &Clock) {
        let first = !self.ready.load(Ordering::Relaxed)
            && changes::has_content(new)
            && !self.ready.swap(true, Ordering::Relaxed);
        if self.somebody_listens() {
            self.queue(changes::changes(old, new, first, clock.now()));
        }
    }

    /// Queues that Fabric is lost or back, if a refresh that ended like this means so.
    pub fn refreshed(&self, answered: bool, generation: u64, clock: &Clock) {
        let kind = if answered {
            self.reached.store(true, Ordering::Relaxed);
            self.missed.swap(false, Ordering::Relaxed).then_some(Kind::FabricBack)
        } else {
            let had = self.reached.swap(false, Ordering::Relaxed);
            self.missed.fetch_or(had, Ordering::Relaxed);
            had.then_some(Kind::FabricLost)
        };
        if let Some(kind) = kind {
            self.queue(vec![about(kind, "", "", generation, clock)]);
        }
    }

    /// Queues that a server is not to be used for now. May be called under a lock; whoever
    /// calls it calls `deliver` once it holds none.
    pub fn server_quarantined(&self, group: &str, server: &str, generation: u64, clock: &Clock) {
        self.queue(vec![about(Kind::ServerQuarantined, group, server, generation, clock)]);
    }

    /// Queues that a quarantined server may be used again; otherwise as `server_quarantined`.
    pub fn server_back(&self, group: &str, server: &str, generation: u64, clock: &Clock) {
        self.queue(vec![about(Kind::ServerBack, group, server, generation, clock)]);
    }

    /// Calls the callback with what is queued. Only for a thread that holds no lock and leads
    /// no fetch, since the callback may do anything with the handle but free it.
    pub fn deliver(&self, clock: &Clock) {
        if let Some(callback) = &self.listener.callback {
            self.desk.with(|desk| self.deliver_to(&**callback, desk, clock));
        }
    }

    fn deliver_to(&self, callback: &Callback, desk: &Desk, clock: &Clock) {
        let born = process::generation();
        while !desk.lock().called.is_empty() {
            // One at a time, and in order: whoever is at it takes what comes meanwhile too.
            if desk.delivering.swap(true, Ordering::AcqRel) {
                return;
            }
            let turn = Turn(desk);
            loop {
                let next = desk.lock().called.take();
                let Some((event, lost_before)) = next else { break };
                if !self.closed.load(Ordering::Relaxed) {
                    callback(&delivery(event, lost_before, clock));
                }
                // A child that the callback forked has a desk of its own.
                if process::generation() != born {
                    return;
                }
            }
            drop(turn);
        }
    }

    /// A descriptor that is readable while events wait to be taken by `next`; the first call
    /// makes it, and begins to collect events.
    pub fn fd(&self) -> Result<RawFd> {
        self.desk.with(|desk| {
            let mut queues = desk.lock();
            if let Some(polled) = &queues.polled {
                return Ok(polled.wake.fd());
            }
            let wake = Wake::new().map_err(|error| {
                Error::new(
                    Code::NoEvent,
                    format!("no descriptor for events can be had ({error}); close some others"),
                )
            })?;
            let fd = wake.fd();
            queues.polled = Some(Polled { ring: Ring::default(), wake });
            Ok(fd)
        })
    }

    /// The next event for the loop that polls.
    pub fn next(&self, clock: &Clock) -> Result<Delivery> {
        let taken = self.desk.with(|desk| {
            let mut queues = desk.lock();
            let polled = queues.polled.as_mut().ok_or_else(|| {
                let message = "events are collected from the first fabric_event_fd on; call it";
                Error::new(Code::NoEvent, message)
            })?;
            let taken = polled.ring.take();
            if polled.ring.is_empty() {
                polled.wake.lower();
            }
            Ok(taken)
        })?;
        let none = || Error::new(Code::NoEvent, "no event waits; poll the descriptor for one");
        taken.map(|(event, lost)| delivery(event, lost, clock)).ok_or_else(none)
    }

    /// Nothing is delivered from here on: the handle is being freed.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    fn somebody_listens(&self) -> bool {
        self.listener.callback.is_some() || self.desk.with(|desk| desk.lock().polled.is_some())
    }

    fn queue(&self, events: Vec<Event>) {
        if self.closed.load(Ordering::Relaxed) {
            return;
        }
        self.desk.with(|desk| {
            let mut queues = desk.lock();
            for event in events {
                let mut lost = 0;
                if self.listener.callback.is_some() {
                    lost += u64::from(queues.called.push(event.clone()));
                }
                if let Some(polled) = &mut queues.polled {
                    lost += u64::from(polled.ring.push(event));
                    polled.wake.raise();
                }
                self.lost.fetch_add(lost, Ordering::Relaxed);
            }
        });
    }
}

impl Desk {
    fn lock(&self) -> MutexGuard<'_, Queues> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends a thread's turn at the callback, even when that panics.
struct Turn<'a>(&'a Desk);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        // What a thread queued that found the turn taken is seen by who takes the next one.
        self.0.delivering.swap(false, Ordering::AcqRel);
    }
}

fn about(kind: Kind, group: &str, server: &str, generation: u64, clock: &Clock) -> Event {
    let (group, server) = (group.to_owned(), server.to_owned());
    Event { kind, generation, at: clock.now(), group, server }
}

fn delivery(event: Event, lost_before: u64, clock: &Clock) -> Delivery {
    let age = clock.now().saturating_sub(event.at);
    Delivery { event, lost_before, age }
}
