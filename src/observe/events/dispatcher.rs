//! Where a handle's events wait for their consumers, and the thread that hands them to the
//! callback.

use std::io;
use std::os::fd::RawFd;
use std::panic::{self, AssertUnwindSafe};
use std::process;
use std::sync::Arc;
use std::thread::JoinHandle;

use crate::base::clock::Clock;
use crate::base::sync::{Condvar, Mutex, MutexGuard, rank};
use crate::base::{self, callback};

use super::event::{Delivery, Event};
use super::ring::Ring;
use super::wake::Wake;

/// Who is called with each event.
pub type Callback = dyn Fn(&Delivery) + Send + Sync;

/// What a forked child has anew: its parent's thread, descriptor and events stay its parent's.
#[derive(Default)]
pub struct Dispatcher {
    waiting: Mutex<Waiting, { rank::EVENTS }>,
    news: Condvar,
}

/// A loop's events, and what wakes it.
struct Polled {
    ring: Ring,
    wake: Wake,
}

#[derive(Default)]
struct Waiting {
    called: Ring,
    /// From the first time somebody asked for the descriptor.
    polled: Option<Polled>,
    thread: Option<JoinHandle<()>>,
    closed: bool,
}

impl Dispatcher {
    pub fn is_polled(&self) -> bool {
        self.lock().polled.is_some()
    }

    /// Queues events for the callback, if there is one to be `called`, and for the loop that
    /// polls; how many older ones had to go for them. Whoever sees the first of them finds them
    /// all, as they tell of one change.
    pub fn enqueue(&self, events: &[Event], called: bool) -> u64 {
        self.enqueue_in(&mut self.lock(), events, called)
    }

    /// As `enqueue`, for an event that `news` finds out under the lock, and nobody else meanwhile.
    pub fn enqueue_if(&self, news: impl FnOnce() -> Option<Event>, called: bool) -> u64 {
        let mut waiting = self.lock();
        let events = news();
        self.enqueue_in(&mut waiting, events.as_slice(), called)
    }

    fn enqueue_in(&self, waiting: &mut Waiting, events: &[Event], called: bool) -> u64 {
        if waiting.closed || events.is_empty() {
            return 0;
        }
        let mut lost = 0;
        if called {
            lost += waiting.called.push_all(events);
            self.news.notify_one();
        }
        if let Some(polled) = &mut waiting.polled {
            lost += polled.ring.push_all(events);
            polled.wake.raise();
        }
        lost
    }

    /// Sees that a thread is at what waits for `callback`: one that has nothing to tell has none.
    pub fn ensure_thread(
        self: &Arc<Self>,
        callback: &Arc<Callback>,
        clock: &Clock,
    ) -> io::Result<()> {
        let mut waiting = self.lock();
        if waiting.closed || waiting.thread.is_some() || waiting.called.is_empty() {
            return Ok(());
        }
        let (dispatcher, callback, clock) = (Arc::clone(self), Arc::clone(callback), *clock);
        let deliver = move || dispatcher.deliver(&*callback, &clock);
        waiting.thread = Some(base::thread::start("fabric-events", deliver)?);
        Ok(())
    }

    fn deliver(&self, hear: &Callback, clock: &Clock) {
        let born = process::id();
        while let Some((event, lost_before)) = self.next_called() {
            let delivery = delivery(event, lost_before, clock);
            // Who panics at one event may still want to hear of the next.
            let _ = panic::catch_unwind(AssertUnwindSafe(|| callback::run(|| hear(&delivery))));
            // A child that the callback forked has a dispatcher of its own.
            if process::id() != born {
                return;
            }
        }
    }

    /// Waits for the next event for the callback; `None` when the handle is being freed.
    fn next_called(&self) -> Option<(Event, u64)> {
        let mut waiting = self.lock();
        while !waiting.closed {
            if let Some(next) = waiting.called.take() {
                return Some(next);
            }
            waiting = self.news.wait(waiting);
        }
        None
    }

    /// A descriptor that is readable while events wait to be taken by `next_polled`; the first
    /// call makes it, and begins to collect events.
    pub fn fd(&self) -> io::Result<RawFd> {
        let mut waiting = self.lock();
        if let Some(polled) = &waiting.polled {
            return Ok(polled.wake.fd());
        }
        let wake = Wake::new()?;
        let fd = wake.fd();
        waiting.polled = Some(Polled { ring: Ring::default(), wake });
        Ok(fd)
    }

    /// The next event for the loop that polls, if there is such a loop and an event.
    pub fn next_polled(&self, clock: &Clock) -> Option<Option<Delivery>> {
        let mut waiting = self.lock();
        let polled = waiting.polled.as_mut()?;
        let taken = polled.ring.take();
        if polled.ring.is_empty() {
            polled.wake.lower();
        }
        Some(taken.map(|(event, lost_before)| delivery(event, lost_before, clock)))
    }

    /// Nothing is queued or delivered from here on; a callback that runs goes on.
    pub fn close(&self) {
        self.lock().closed = true;
        self.news.notify_all();
    }

    /// After `close`: waits for a callback that runs. It may be the callback that asks.
    pub fn end(&self) {
        let thread = self.lock().thread.take();
        if let Some(thread) = thread {
            base::thread::join(thread);
        }
    }

    /// After `end`: closes the descriptor. In a forked child a thread of the parent's may keep the
    /// handle for ever, and the descriptor must not stay with it.
    pub fn release(&self) {
        let polled = self.lock().polled.take();
        drop(polled);
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock()
    }
}

fn delivery(event: Event, lost_before: u64, clock: &Clock) -> Delivery {
    let age = clock.now().saturating_sub(event.at);
    Delivery { event, lost_before, age }
}
