//! Single flight: callers who want something of Fabric wait for one fetch between them.
//!
//! Wishes that come up while a fetch is under way gather in the next batch, which one of the
//! waiting callers then fetches for all. So Fabric sees one request at a time from a handle,
//! however many threads ask.

use std::collections::BTreeSet;

use crate::error::{Code, Error, Result};
use crate::sync::{Arc, Condvar, Mutex, MutexGuard, OnceCell, rank};

/// What to fetch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wish {
    /// Full names, `db.table`.
    pub tables: BTreeSet<String>,
    pub groups: BTreeSet<String>,
    /// The whole farm, whatever else is named.
    pub everything: bool,
}

impl Wish {
    pub fn table(name: &str) -> Self {
        Self { tables: BTreeSet::from([name.to_owned()]), ..Self::default() }
    }

    pub fn group(name: &str) -> Self {
        Self { groups: BTreeSet::from([name.to_owned()]), ..Self::default() }
    }

    pub fn everything() -> Self {
        Self { everything: true, ..Self::default() }
    }

    pub fn is_empty(&self) -> bool {
        !self.everything && self.tables.is_empty() && self.groups.is_empty()
    }

    /// Whether `other` asks for nothing more.
    pub fn covers(&self, other: &Self) -> bool {
        self.everything
            || !other.everything
                && self.tables.is_superset(&other.tables)
                && self.groups.is_superset(&other.groups)
    }

    pub fn merge(&mut self, other: Self) {
        self.tables.extend(other.tables);
        self.groups.extend(other.groups);
        self.everything |= other.everything;
    }
}

#[derive(Default)]
struct Batch {
    outcome: OnceCell<Result<()>>,
}

#[derive(Default)]
struct Line {
    busy: bool,
    next: Option<(Wish, Arc<Batch>)>,
}

/// The queue of one handle.
#[derive(Default)]
pub struct Flights {
    line: Mutex<Line, { rank::FLIGHTS }>,
    landed: Condvar,
}

impl Flights {
    /// Has `wish` fetched, by this caller or another, and waits for the outcome. The fetch
    /// begins after this call did.
    pub fn join(&self, wish: Wish, fetch: impl Fn(&Wish) -> Result<()>) -> Result<()> {
        let mut line = self.lock();
        let (gathered, batch) = line.next.get_or_insert_with(Default::default);
        gathered.merge(wish);
        let batch = Arc::clone(batch);
        loop {
            if let Some(outcome) = batch.outcome.get() {
                return outcome.clone();
            }
            if !line.busy
                && let Some((wish, own)) = line.next.take()
            {
                // Only one batch gathers at a time, so the free line's next one is ours.
                line.busy = true;
                drop(line);
                return self.lead(&own, || fetch(&wish));
            }
            line = self.landed.wait(line);
        }
    }

    /// Fetches `wish` if no fetch is under way; `None` if one is.
    pub fn try_lead(
        &self,
        wish: &Wish,
        fetch: impl FnOnce(&Wish) -> Result<()>,
    ) -> Option<Result<()>> {
        let mut line = self.lock();
        if line.busy {
            return None;
        }
        line.busy = true;
        drop(line);
        Some(self.lead(&Batch::default(), || fetch(wish)))
    }

    /// Waits until no fetch is under way and then runs one that no caller waits for.
    pub fn alone(&self, fetch: impl FnOnce() -> Result<()>) -> Result<()> {
        let line = self.lock();
        let mut line = self.landed.wait_while(line, |line| line.busy);
        line.busy = true;
        drop(line);
        self.lead(&Batch::default(), fetch)
    }

    fn lead(&self, batch: &Batch, fetch: impl FnOnce() -> Result<()>) -> Result<()> {
        let landing = Landing { flights: self, batch };
        let outcome = fetch();
        // Nobody else sets the outcome of a batch that was taken off the line.
        let _ = batch.outcome.set(outcome.clone());
        drop(landing);
        outcome
    }

    fn lock(&self) -> MutexGuard<'_, Line> {
        self.line.lock()
    }
}

/// Frees the line and wakes the waiters, even when the fetch panics.
struct Landing<'a> {
    flights: &'a Flights,
    batch: &'a Batch,
}

impl Drop for Landing<'_> {
    fn drop(&mut self) {
        self.batch.outcome.get_or_init(|| {
            Err(Error::new(Code::Panic, "the fetch this call waited for ended in a panic"))
        });
        self.flights.lock().busy = false;
        self.flights.landed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Barrier, mpsc};
    use std::thread;

    use super::*;

    #[test]
    fn wishes_that_come_up_meanwhile_are_fetched_together() {
        let (flights, fetches) = (Flights::default(), AtomicUsize::new(0));
        let (started, begun) = mpsc::channel();
        let (release, released) = mpsc::channel::<()>();
        let released = std::sync::Mutex::new(released);
        thread::scope(|scope| {
            scope.spawn(|| {
                flights.join(Wish::table("a.a"), |_| {
                    started.send(()).expect("the test waits");
                    released.lock().expect("unpoisoned").recv().expect("a release");
                    Ok(())
                })
            });
            begun.recv().expect("the first fetch begins");
            let waiting: Vec<_> = (0..8)
                .map(|i| {
                    let (flights, fetches) = (&flights, &fetches);
                    scope.spawn(move || {
                        flights.join(Wish::table(&format!("db.t{i}")), |wish| {
                            fetches.fetch_add(1, Ordering::SeqCst);
                            Err(Error::new(Code::Fabric, format!("{} tables", wish.tables.len())))
                        })
                    })
                })
                .collect();
            while flights.lock().next.as_ref().is_none_or(|(wish, _)| wish.tables.len() < 8) {
                thread::yield_now();
            }
            assert!(flights.try_lead(&Wish::everything(), |_| Ok(())).is_none());
            release.send(()).expect("the first fetch waits");
            for caller in waiting {
                let outcome = caller.join().expect("a caller");
                assert_eq!(outcome.expect_err("all share it").message, "8 tables");
            }
        });
        assert_eq!(fetches.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn a_panicking_fetch_frees_the_line() {
        let flights = Flights::default();
        let panicking = thread::scope(|scope| {
            scope.spawn(|| flights.join(Wish::table("a.a"), |_| panic!("on purpose"))).join()
        });
        assert!(panicking.is_err());
        assert_eq!(flights.join(Wish::table("a.a"), |_| Ok(())), Ok(()));
    }

    #[test]
    fn nobody_fetches_at_the_same_time() {
        let (flights, inside) = (Flights::default(), AtomicUsize::new(0));
        let start = Barrier::new(8);
        thread::scope(|scope| {
            for i in 0..8 {
                let (flights, inside, start) = (&flights, &inside, &start);
                scope.spawn(move || {
                    start.wait();
                    for _ in 0..100 {
                        let fetch = |_: &Wish| {
                            assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                            inside.fetch_sub(1, Ordering::SeqCst);
                            Ok(())
                        };
                        if i % 2 == 0 {
                            flights.join(Wish::everything(), fetch).expect("a fetch");
                        } else {
                            flights.try_lead(&Wish::everything(), fetch);
                        }
                    }
                });
            }
        });
    }
}
