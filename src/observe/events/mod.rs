//! What happens to a handle, told to whoever listens: a callback, or a loop that polls.
//!
//! Events are queued where they are noticed, which may be under a lock. A thread of its own
//! hands them to the callback, so that nobody waits for it. Each consumer has a bounded queue; one
//! that is slow loses what newer events have overtaken and holds nobody up.

mod changes;
mod dispatcher;
mod event;
mod ring;
mod wake;

use std::os::fd::RawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::base::clock::Clock;
use crate::base::error::{Code, Error, Result};
use crate::base::fork::PerProcess;
use crate::observe::log::{Level, Log};
use crate::topology::Topology;

pub use self::event::{Delivery, Event, Kind};
pub use self::ring::ROOM;

use self::dispatcher::{Callback, Dispatcher};

/// Who is called with a handle's events, or nobody. Cloned freely; never global.
#[derive(Clone, Default)]
pub struct Listener {
    callback: Option<Arc<Callback>>,
}

impl Listener {
    /// Calls `callback` with one event at a time, on a thread that does nothing else.
    pub fn new(callback: impl Fn(&Delivery) + Send + Sync + 'static) -> Self {
        Self { callback: Some(Arc::new(callback)) }
    }
}

/// The events of one handle.
pub struct Events {
    listener: Listener,
    log: Log,
    dispatcher: PerProcess<Arc<Dispatcher>>,
    ready: AtomicBool,
    /// The source answered, and has not been lost since.
    reached: AtomicBool,
    /// The source was lost and has not answered since.
    missed: AtomicBool,
    lost: AtomicU64,
}

impl Events {
    pub fn new(listener: Listener, log: Log) -> Self {
        Self {
            listener,
            log,
            dispatcher: PerProcess::default(),
            ready: AtomicBool::new(false),
            reached: AtomicBool::new(false),
            missed: AtomicBool::new(false),
            lost: AtomicU64::new(0),
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
            self.queue(&changes::changes(old, new, first, clock.now()));
        }
    }

    /// Queues that the source is lost or back, if a refresh that ended like this means so.
    pub fn refreshed(&self, answered: bool, generation: u64, clock: &Clock) {
        let news = || {
            let kind = if answered {
                self.reached.store(true, Ordering::Relaxed);
                self.missed.swap(false, Ordering::Relaxed).then_some(Kind::FabricBack)
            } else {
                let had = self.reached.swap(false, Ordering::Relaxed);
                self.missed.fetch_or(had, Ordering::Relaxed);
                had.then_some(Kind::FabricLost)
            };
            kind.map(|kind| about(kind, "", "", generation, clock))
        };
        // Under the lock of the queue, or of two refreshes that end at once one could tell behind
        // the other what was so before it.
        let called = self.listener.callback.is_some();
        let lost = self.dispatcher.with(|dispatcher| dispatcher.enqueue_if(news, called));
        self.lost.fetch_add(lost, Ordering::Relaxed);
    }

    /// Queues what has begun or ended for a server of a group. May be called under a lock, and must
    /// be where only that keeps two such changes in order.
    pub fn of_server(&self, kind: Kind, group: &str, server: &str, generation: u64, clock: &Clock) {
        self.queue(&[about(kind, group, server, generation, clock)]);
    }

    /// Queues that a fetch is over which somebody has left to itself, and why it failed if it did.
    pub fn fetched(&self, failure: Option<&Error>, generation: u64, clock: &Clock) {
        let failure = failure.map(|error| error.code);
        self.queue(&[Event { failure, ..about(Kind::Fetched, "", "", generation, clock) }]);
    }

    /// Sees that what is queued gets to the callback. Queuing does so once a thread is there for
    /// it; this starts the thread, and is to be called after queuing, under no lock.
    pub fn deliver(&self, clock: &Clock) {
        let Some(callback) = &self.listener.callback else { return };
        if let Err(error) =
            self.dispatcher.with(|dispatcher| dispatcher.ensure_thread(callback, clock))
        {
            self.log.write_once(
                Level::Warning,
                format_args!(
                    "no thread can be had for the event callback ({error}); its events wait"
                ),
            );
        }
    }

    /// A descriptor that is readable while events wait to be taken by `next`; the first call
    /// makes it, and begins to collect events.
    pub fn fd(&self) -> Result<RawFd> {
        self.dispatcher.with(|dispatcher| dispatcher.fd()).map_err(|error| {
            Error::new(
                Code::System,
                format!(
                    "no descriptor for events can be had ({error}); close some others or raise \
                     the limit (ulimit -n), and call again"
                ),
            )
        })
    }

    /// The next event for the loop that polls.
    pub fn next(&self, clock: &Clock) -> Result<Delivery> {
        let none = |message: &str| Error::new(Code::NoEvent, message);
        match self.dispatcher.with(|dispatcher| dispatcher.next_polled(clock)) {
            None => Err(none("events are collected from the first fabric_event_fd on; call it")),
            Some(None) => Err(none("no event waits; poll the descriptor for one")),
            Some(Some(delivery)) => Ok(delivery),
        }
    }

    /// Nothing is delivered from here on: the handle is being freed.
    pub fn close(&self) {
        self.dispatcher.with(|dispatcher| dispatcher.close());
    }

    /// After `close`: waits for a callback that runs, unless it is the caller.
    pub fn end(&self) {
        self.dispatcher.with(|dispatcher| dispatcher.end());
    }

    /// After `end`: gives up the descriptor.
    pub fn release(&self) {
        self.dispatcher.with(|dispatcher| dispatcher.release());
    }

    /// Whether there is a callback or a descriptor.
    pub fn somebody_listens(&self) -> bool {
        self.listener.callback.is_some()
            || self.dispatcher.with(|dispatcher| dispatcher.is_polled())
    }

    fn queue(&self, events: &[Event]) {
        let called = self.listener.callback.is_some();
        let lost = self.dispatcher.with(|dispatcher| dispatcher.enqueue(events, called));
        self.lost.fetch_add(lost, Ordering::Relaxed);
    }
}

fn about(kind: Kind, group: &str, server: &str, generation: u64, clock: &Clock) -> Event {
    let (group, server) = (group.to_owned(), server.to_owned());
    Event { kind, generation, at: clock.now(), group, server, ..Event::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fabric_is_lost_and_back_in_turn_however_many_refreshes_end_at_once() {
        let (events, clock) = (Events::new(Listener::default(), Log::default()), Clock::default());
        events.fd().expect("a descriptor");
        events.refreshed(true, 0, &clock);
        for round in 0..2_000 {
            std::thread::scope(|scope| {
                for thread in 0..2 {
                    let (events, clock) = (&events, &clock);
                    scope.spawn(move || {
                        (0..ROOM / 4).for_each(|i| events.refreshed(i % 2 == thread, 0, clock));
                    });
                }
            });
            let told = std::iter::from_fn(|| events.next(&clock).ok());
            let told: Vec<Kind> = told.map(|delivery| delivery.event.kind).collect();
            let in_turn = told.windows(2).all(|two| two.first() != two.last());
            assert!(in_turn, "round {round}: {told:?}");
        }
    }
}
