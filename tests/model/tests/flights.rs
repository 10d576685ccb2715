//! Single flight: one fetch at a time, nobody waits for ever, and whoever asks gets a fetch that
//! began after it asked.

use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;
use model::error::{Code, Error, Result};
use model::flight::{Flights, Wish};

/// A Fabric whose farm changes whenever somebody is about to ask.
#[derive(Default)]
struct Asked {
    flights: Flights,
    farm: AtomicUsize,
    fetching: AtomicUsize,
    fetched: AtomicUsize,
}

impl Asked {
    fn fetch(&self) -> Result<()> {
        assert_eq!(self.fetching.fetch_add(1, Ordering::Relaxed), 0, "one fetch at a time");
        let seen = self.farm.load(Ordering::Relaxed);
        self.fetched.fetch_max(seen, Ordering::Relaxed);
        self.fetching.fetch_sub(1, Ordering::Relaxed);
        Ok(())
    }

    /// Changes the farm, and sees that what is fetched then shows the change.
    fn join(&self, table: &str) {
        let change = 1 + self.farm.fetch_add(1, Ordering::Relaxed);
        let wish = Wish::table(table);
        let fetch = |gathered: &Wish| {
            assert!(gathered.tables.len() <= 2);
            self.fetch()
        };
        self.flights.join(wish, fetch).expect("fetched");
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
        let nobody = asked.flights.try_lead(&Wish::everything(), |_| Ok(()));
        assert_eq!(nobody, Some(Ok(())), "the line is free in the end");
    });
}

#[test]
fn everybody_gets_a_fetch_that_began_after_asking() {
    in_every_order(|asked, number| asked.join(["a.a", "b.b", "c.c"][number]));
}

#[test]
fn the_background_refresh_waits_its_turn() {
    in_every_order(|asked, number| match number {
        0 => asked.flights.alone(|| asked.fetch()).expect("fetched"),
        _ => asked.join("a.a"),
    });
}

#[test]
fn who_need_not_wait_does_not() {
    in_every_order(|asked, number| match number {
        0 => {
            let led = asked.flights.try_lead(&Wish::everything(), |_| asked.fetch());
            assert!(led.is_none_or(|outcome| outcome.is_ok()));
        }
        _ => asked.join("a.a"),
    });
}

/// A failure is everybody's whose wish was in it, and frees the line as a success does.
#[test]
fn a_failure_is_shared() {
    in_every_order(|asked, _| {
        let failed = asked.flights.join(Wish::table("a.a"), |_| {
            asked.fetch()?;
            Err(Error::new(Code::Fabric, "on purpose"))
        });
        assert_eq!(failed.expect_err("all of them").code, Code::Fabric);
    });
}
