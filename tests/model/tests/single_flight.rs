//! Single flight: one fetch at a time, nobody waits for ever, whoever asks gets a fetch that began
//! after it asked, and whoever leaves is either told at once or told later.

use std::time::Duration;

use loom::sync::Arc;
use loom::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use loom::thread;
use model::base::error::{Code, Error, Result};
use model::single_flight::{Completion, FetchRequest, SingleFlight, Waited};

/// A Fabric whose farm changes whenever somebody is about to ask.
#[derive(Default)]
struct Asked {
    single_flight: SingleFlight,
    farm: AtomicUsize,
    fetching: AtomicUsize,
    fetched: AtomicUsize,
    interrupts: AtomicU64,
    told: AtomicUsize,
    left: AtomicUsize,
}

impl Asked {
    fn fetch(&self) -> Result<()> {
        assert_eq!(self.fetching.fetch_add(1, Ordering::Relaxed), 0, "one fetch at a time");
        let seen = self.farm.load(Ordering::Relaxed);
        self.fetched.fetch_max(seen, Ordering::Relaxed);
        self.fetching.fetch_sub(1, Ordering::Relaxed);
        Ok(())
    }

    /// Whoever is to start a fetcher is one, as where no thread can be had; for everybody else it
    /// is the same. `once` is how such a caller serves, and otherwise a thread.
    fn serve(&self, once: bool, fetch: &impl Fn(&FetchRequest) -> Completion) {
        self.single_flight.serve(once, fetch, |_, left| {
            self.told.fetch_add(usize::from(left), Ordering::Relaxed);
        });
    }

    fn obtain(
        &self,
        table: &str,
        once: bool,
        fetch: impl Fn(&FetchRequest) -> Completion,
    ) -> Result<()> {
        loop {
            let asked = self.single_flight.ask(FetchRequest::table(table), false);
            let (ticket, mut starts) = asked.expect("an open line");
            loop {
                if starts {
                    self.serve(once, &fetch);
                }
                match self.single_flight.wait(&ticket, Duration::MAX, || false) {
                    Waited::Completed(outcome) => return outcome,
                    Waited::Unserved => starts = true,
                    Waited::CutShort => break,
                    Waited::NotYet => panic!("nobody said that it is over"),
                }
            }
        }
    }

    /// Changes the farm, and sees that what is fetched then shows the change.
    fn join(&self, table: &str, once: bool) {
        let change = 1 + self.farm.fetch_add(1, Ordering::Relaxed);
        let fetch = |gathered: &FetchRequest| {
            assert!(gathered.tables.len() <= 3);
            Completion::Over(self.fetch())
        };
        self.obtain(table, once, fetch).expect("fetched");
        assert!(self.fetched.load(Ordering::Relaxed) >= change, "an older fetch is no answer");
    }
}

fn in_every_order(threads: fn(&Asked, usize)) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = builder.preemption_bound.or(Some(3));
    builder.check(move || {
        let asked = Arc::new(Asked::default());
        let others: Vec<_> = (1..3)
            .map(|number| {
                let asked = Arc::clone(&asked);
                thread::spawn(move || threads(&asked, number))
            })
            .collect();
        threads(&asked, 0);
        others.into_iter().for_each(|other| other.join().expect("no panic"));
        assert!(!asked.single_flight.is_busy(), "the line is free in the end");
        let (told, left) = (&asked.told, &asked.left);
        assert_eq!(told.load(Ordering::Relaxed) > 0, left.load(Ordering::Relaxed) > 0);
    });
}

#[test]
fn everybody_gets_a_fetch_that_began_after_asking() {
    in_every_order(|asked, number| asked.join(["a.a", "b.b", "c.c"][number], false));
}

#[test]
fn where_no_thread_can_be_had_the_next_who_waits_goes_on() {
    in_every_order(|asked, number| asked.join(["a.a", "b.b", "c.c"][number], true));
}

/// The thread that was to be started is not there: somebody who waits takes its place.
#[test]
fn a_fetcher_that_never_comes_is_replaced() {
    in_every_order(|asked, number| match number {
        0 => {
            let asking = asked.single_flight.ask(FetchRequest::table("a.a"), false);
            if let (_, true) = asking.expect("an open line") {
                asked.single_flight.gone();
            }
            // Of what nobody waits for, nobody takes care.
            asked.join("b.b", false);
        }
        _ => asked.join("c.c", false),
    });
}

/// A caller's own fetch whose time is over is no answer to the others.
#[test]
fn what_was_cut_short_is_begun_anew() {
    in_every_order(|asked, number| match number {
        0 => {
            let (ticket, starts) =
                asked.single_flight.ask(FetchRequest::table("a.a"), false).expect("open");
            if starts {
                asked.serve(true, &|_: &FetchRequest| Completion::CutShort);
            } else if asked.single_flight.wait(&ticket, Duration::ZERO, || false)
                == Waited::Unserved
            {
                asked.serve(false, &|_: &FetchRequest| Completion::Over(asked.fetch()));
            }
        }
        _ => asked.join("b.b", false),
    });
}

/// A failure is everybody's whose request was in it, and frees the queue as a success does.
#[test]
fn a_failure_is_shared() {
    in_every_order(|asked, _| {
        let failed = asked.obtain("a.a", false, |_| {
            let failure = Error::new(Code::Fabric, "on purpose");
            Completion::Over(asked.fetch().and(Err(failure)))
        });
        assert_eq!(failed.expect_err("all of them").code, Code::Fabric);
    });
}

/// Who has no time left either finds the completion or is told of it.
#[test]
fn who_leaves_misses_nothing() {
    in_every_order(|asked, number| match number {
        0 => {
            let (ticket, starts) =
                asked.single_flight.ask(FetchRequest::table("a.a"), false).expect("open");
            if starts {
                // Others would wait for ever, and so does this caller's fetch.
                return asked.serve(false, &|_: &FetchRequest| Completion::Over(asked.fetch()));
            }
            match asked.single_flight.wait(&ticket, Duration::ZERO, || true) {
                Waited::Completed(outcome) => outcome.expect("fetched"),
                _ if asked.single_flight.leave(&ticket).is_none() => {
                    asked.left.fetch_add(1, Ordering::Relaxed);
                }
                _ => {}
            }
        }
        _ => asked.join("b.b", false),
    });
}

/// An interrupt reaches who waits, whenever it comes, and what is being fetched goes on.
#[test]
fn who_is_interrupted_leaves() {
    in_every_order(|asked, number| match number {
        0 => {
            asked.interrupts.fetch_add(1, Ordering::Relaxed);
            asked.single_flight.wake();
        }
        1 => {
            // A fetcher that was to come, and never does.
            let asking = asked.single_flight.ask(FetchRequest::table("a.a"), false);
            let (ticket, starts) = asking.expect("an open line");
            let is_over = || asked.interrupts.load(Ordering::Relaxed) > 0;
            let waited = asked.single_flight.wait(&ticket, Duration::MAX, is_over);
            assert_eq!(waited, Waited::NotYet);
            if starts {
                asked.single_flight.gone();
            }
        }
        _ => {}
    });
}
