//! Threads of the library that have died: others take their place, and what they were at is done.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use fabricd::{Fault, FaultKind, Server};
use mysqlfabric::config::Config;
use mysqlfabric::observe::log::{Level, Log};
use mysqlfabric::router::Router;
use mysqlfabric::topology::Key;

use crate::cache::promote;
use crate::support::*;

/// A log that panics on every thread of a name, while it is to: the library has nothing else that a
/// test could have its threads panic by.
#[derive(Default)]
struct Panics {
    name: &'static str,
    armed: AtomicBool,
    count: AtomicUsize,
}

impl Panics {
    fn on(name: &'static str) -> Arc<Self> {
        Arc::new(Self { name, ..Self::default() })
    }

    fn log(self: &Arc<Self>) -> Log {
        let panics = Arc::clone(self);
        Log::new(Level::Debug, move |_, message| {
            if thread::current().name() == Some(panics.name) && panics.armed.load(Ordering::SeqCst)
            {
                panics.count.fetch_add(1, Ordering::SeqCst);
                panic!("on purpose, at: {message}");
            }
        })
    }

    fn arm(&self, armed: bool) {
        self.armed.store(armed, Ordering::SeqCst);
    }

    fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }
}

fn handle(server: &Server, background: bool, panics: &Arc<Panics>) -> Router {
    let router = Router::new(Config {
        background_refresh: background,
        refresh_share_percent: 100,
        ttl_min: std::time::Duration::ZERO,
        ttl_max: std::time::Duration::from_millis(50),
        log: panics.log(),
        ..config(&[server])
    });
    group_of(&router, "employees.salaries", Key::Integer(1)).expect("a group");
    router
}

#[test]
fn the_refresh_goes_on_without_a_lookup_after_its_thread_panicked() {
    let server = sample();
    let panics = Panics::on("fabric-refresh");
    let router = handle(&server, true, &panics);
    server.clear_requests();
    eventually("a refresh", || !server.requests().is_empty());
    panics.arm(true);
    // What it says is that Fabric gives no new topology.
    server.set_fault(Fault::always(FaultKind::Close));
    eventually("a panic", || panics.count() > 0);
    panics.arm(false);
    server.set_fault(Fault::always(FaultKind::None));
    let generation = router.generation();
    promote(&server, "shard1", 33612);
    eventually("news that nobody asks for", || router.generation() > generation);
    assert_eq!(primary_of(&router, "shard1").expect("a primary"), 33612);
}

#[test]
fn what_is_fetched_for_callers_is_fetched_after_a_panic() {
    for background in [true, false] {
        let server = sample();
        let panics = Panics::on("fabric-fetch");
        let router = handle(&server, background, &panics);
        panics.arm(true);
        server.set_fault(Fault::always(FaultKind::Close));
        eventually("a panic", || {
            let _ = primary_of(&router, "shard2");
            panics.count() > 2
        });
        panics.arm(false);
        server.set_fault(Fault::always(FaultKind::None));
        promote(&server, "shard1", 33612);
        eventually("a fetch", || primary_of(&router, "shard1") == Ok(33612));
        assert_eq!(primary_of(&router, "shard2").expect("a primary"), 33621);
    }
}
