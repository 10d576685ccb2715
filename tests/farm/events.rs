//! What happens to a handle, heard by a callback and by a loop.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::{Duration, Instant};

use fabricd::{Fault, FaultKind, Server};
use mysqlfabric::base::error::Code;
use mysqlfabric::config::{Config, ReportErrors};
use mysqlfabric::observe::events::{Delivery, Kind, Listener, ROOM};
use mysqlfabric::observe::log::{Level, Log};
use mysqlfabric::router::Router;
use mysqlfabric::topology::Key;

use crate::cache::promote;
use crate::support::*;

/// The uuid of the sample farm's server at a port.
fn uuid(server: &Server, port: i64) -> String {
    let farm = server.farm();
    let mut servers = farm.groups.iter().flat_map(|group| &group.servers);
    servers.find(|server| server.port == port).expect("the server").uuid.clone()
}

fn listening(config: Config) -> (Router, Receiver<Delivery>) {
    let (heard, events) = mpsc::channel();
    let heard = Mutex::new(heard);
    let listener = Listener::new(move |delivery: &Delivery| {
        heard.lock().expect("unpoisoned").send(delivery.clone()).expect("the test listens");
    });
    (Router::new(Config { events: listener, ..config }), events)
}

const SOON: Duration = Duration::from_secs(30);

/// Expects these to be the next that are heard, in this order: anything told in between, or
/// twice, is found out by what comes after it.
fn expect<const N: usize>(events: &Receiver<Delivery>, expected: [(Kind, String, String); N]) {
    for event in expected {
        let heard = events.recv_timeout(SOON).expect("an event");
        assert_eq!(heard.lost_before, 0);
        assert_eq!((heard.event.kind, heard.event.group, heard.event.server), event);
    }
}

fn about(kind: Kind, group: &str, server: String) -> (Kind, String, String) {
    (kind, group.to_owned(), server)
}

fn plain(kind: Kind) -> (Kind, String, String) {
    (kind, String::new(), String::new())
}

fn refetch(router: &Router) {
    router.prefetch(&[]).expect("fetched");
}

fn kinds(router: &Router) -> Vec<Kind> {
    std::iter::from_fn(|| router.next_event().ok()).map(|delivery| delivery.event.kind).collect()
}

#[test]
fn each_event_is_heard_once_and_in_order() {
    let server = sample();
    let (router, events) = listening(config(&[&server]));
    router.seed(None).expect("seeded");
    expect(&events, [plain(Kind::Ready), plain(Kind::TopologyChanged)]);

    // The same content is no event.
    refetch(&router);
    promote(&server, "shard1", 33612);
    refetch(&router);
    let event = events.recv_timeout(SOON).expect("an event").event;
    assert_eq!((event.kind, event.generation), (Kind::TopologyChanged, router.generation()));
    expect(&events, [about(Kind::PrimaryChanged, "shard1", uuid(&server, 33612))]);

    server.farm().demote("shard1").expect("demoted");
    refetch(&router);
    let gone = about(Kind::PrimaryChanged, "shard1", String::new());
    expect(&events, [plain(Kind::TopologyChanged), gone]);

    server.set_fault(Fault::always(FaultKind::Close));
    for _ in 0..3 {
        let _ = router.prefetch(&[]).expect_err("Fabric is gone");
    }
    expect(&events, [plain(Kind::FabricLost)]);

    server.set_fault(Fault::none());
    promote(&server, "shard1", 33613);
    refetch(&router);
    refetch(&router);
    let new = about(Kind::PrimaryChanged, "shard1", uuid(&server, 33613));
    expect(&events, [plain(Kind::TopologyChanged), new, plain(Kind::FabricBack)]);

    promote(&server, "shard1", 33611);
    refetch(&router);
    expect(&events, [plain(Kind::TopologyChanged)]);
}

#[test]
fn the_background_refresh_tells_without_a_lookup() {
    let mut server = sample();
    let address = server.addr().to_string();
    let mut config = config(&[&server]);
    (config.background_refresh, config.refresh_share_percent) = (true, 100);
    (config.ttl_min, config.ttl_max) = (Duration::ZERO, Duration::from_millis(40));
    let (router, events) = listening(config);
    primary_of(&router, "shard1").expect("a primary");
    let next = || events.recv_timeout(SOON).expect("an event").event;
    assert_eq!((next().kind, next().kind), (Kind::Ready, Kind::TopologyChanged));
    promote(&server, "shard1", 33612);
    assert_eq!((next().kind, next().kind), (Kind::TopologyChanged, Kind::PrimaryChanged));
    let farm = server.farm().clone();
    server.stop();
    assert_eq!(next().kind, Kind::FabricLost);
    let options = fabricd::Options { listen: address, ..fabricd::Options::new(farm) };
    let _back = Server::start(options).expect("fabricd starts again");
    assert_eq!(next().kind, Kind::FabricBack);
    drop(router);
    assert!(events.try_recv().is_err(), "freeing a handle is no loss of Fabric");
}

#[test]
fn a_fabric_that_was_never_reached_is_not_lost() {
    let server = sample();
    server.set_fault(Fault::always(FaultKind::Close));
    let (router, events) = listening(config(&[&server]));
    router.seed(None).expect_err("Fabric does not answer");
    server.set_fault(Fault::none());
    assert_eq!(code(primary_of(&router, "nosuch")), Code::UnknownGroup);
    // That something does not exist is no topology to route with.
    primary_of(&router, "shard1").expect("a primary");
    expect(&events, [plain(Kind::Ready), plain(Kind::TopologyChanged)]);
}

#[test]
fn a_callback_may_use_the_handle_but_nothing_waits_there() {
    let server = sample();
    let slot: Arc<OnceLock<Weak<Router>>> = Arc::default();
    let (done, finished) = mpsc::channel();
    let done = Mutex::new(done);
    let in_callback = Arc::clone(&slot);
    let listener = Listener::new(move |delivery: &Delivery| {
        let router = in_callback.get().and_then(Weak::upgrade).expect("the router");
        primary_of(&router, "shard1").expect("a known group");
        group_of(&router, "employees.salaries", Key::Integer(1)).expect("a known table");
        if delivery.event.kind == Kind::PrimaryChanged {
            router.reset_cache(Some("shard2"));
            assert_eq!(code(primary_of(&router, "shard2")), Code::WouldBlock);
            assert_eq!(code(router.seed(None)), Code::WouldBlock);
        }
        let (numbers, generation) = (router.metrics(), router.generation());
        assert!(numbers.requests > 0 && numbers.generation == generation);
        router.event_fd().expect("a descriptor");
        let _ = router.next_event();
        done.lock().expect("unpoisoned").send(delivery.event.clone()).expect("the test listens");
    });
    let mut config = config(&[&server]);
    config.events = listener;
    let router = Arc::new(Router::new(config));
    slot.set(Arc::downgrade(&router)).expect("empty");
    router.seed(None).expect("seeded");
    let next = || finished.recv_timeout(SOON).expect("no deadlock");
    for kind in [Kind::Ready, Kind::TopologyChanged] {
        assert_eq!(next().kind, kind);
    }

    promote(&server, "shard1", 33612);
    router.group_servers("shard1", false, |_, _| Ok(())).expect("servers");
    for kind in [Kind::TopologyChanged, Kind::PrimaryChanged] {
        assert_eq!(next().kind, kind);
    }
    // What the callback did not wait for is told when it is over, well or not.
    let fetched = std::iter::repeat_with(next).find(|event| event.kind == Kind::Fetched);
    assert_eq!(fetched.expect("an event").failure, None);
    assert_eq!(primary_of(&router, "shard2").expect("fetched"), 33621);
}

/// A callback that says what it was called with, and then stays until there is a word for it to
/// go on or nobody left to say it.
fn stuck(config: Config) -> (Router, Receiver<Delivery>, Sender<()>) {
    let (entered, inside) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let (entered, released) = (Mutex::new(entered), Mutex::new(released));
    let events = Listener::new(move |delivery: &Delivery| {
        entered.lock().expect("unpoisoned").send(delivery.clone()).expect("the test listens");
        let _ = released.lock().expect("unpoisoned").recv();
    });
    (Router::new(Config { events, ..config }), inside, release)
}

#[test]
fn a_slow_callback_loses_what_was_overtaken_and_keeps_the_order() {
    let server = sample();
    let (router, inside, release) = stuck(config(&[&server]));
    router.seed(None).expect("seeded though nobody lets the callback go");
    assert_eq!(inside.recv_timeout(SOON).expect("called").event.kind, Kind::Ready);
    for i in 0..ROOM as u64 + 50 {
        promote(&server, "shard1", if i % 2 == 0 { 33612 } else { 33611 });
        router.group_servers("shard1", false, |_, _| Ok(())).expect("fetched meanwhile");
    }
    assert!(inside.try_recv().is_err(), "one at a time");
    let lost = router.metrics().events_lost;
    // One PRIMARY_CHANGED for each promotion and the newest TOPOLOGY_CHANGED, with room for 256.
    assert_eq!(lost, (ROOM as u64 + 50) + 1 - ROOM as u64);
    drop(release);
    let next = || inside.recv_timeout(SOON).expect("an event");
    let rest: Vec<Delivery> = std::iter::repeat_with(next).take(ROOM).collect();
    assert_eq!(rest[0].lost_before, lost);
    assert!(rest[1..].iter().all(|delivery| delivery.lost_before == 0));
    assert!(rest.is_sorted_by_key(|delivery| (delivery.event.generation, delivery.event.at)));
    let (change, primaries) = (&rest[ROOM - 2], rest.iter().filter(|d| d.event.group == "shard1"));
    assert_eq!((change.event.kind, primaries.count()), (Kind::TopologyChanged, ROOM - 1));
    let last = rest.last().expect("the last").event.generation;
    assert_eq!(last, router.generation(), "the newest are kept");
    assert_eq!(router.metrics().events_lost, lost, "and none of those that were kept");
}

#[test]
fn a_storm_of_lesser_things_pushes_no_failover_out() {
    let server = sample();
    let quarantine = Duration::from_secs(3600);
    let (router, inside, release) = stuck(Config { quarantine, ..config(&[&server]) });
    router.seed(None).expect("seeded");
    router.event_fd().expect("a descriptor, and nobody looks at it either");
    assert_eq!(inside.recv_timeout(SOON).expect("called").event.kind, Kind::Ready);
    let (failed, writer) = (uuid(&server, 33621), uuid(&server, 33612));
    router.report_result(&failed, 2003);
    promote(&server, "shard1", 33612);
    refetch(&router);
    server.set_fault(Fault::always(FaultKind::Close));
    let _ = router.prefetch(&[]).expect_err("Fabric is gone");
    server.set_fault(Fault::none());
    for i in 0..8_000 {
        assert_eq!(code(primary_of(&router, &format!("nosuch{i}"))), Code::UnknownGroup);
        if i % 20 == 0 {
            promote(&server, "shard3", if i % 40 == 0 { 33632 } else { 33631 });
            refetch(&router);
        }
    }

    let lost = router.metrics().events_lost;
    assert!(lost > 0, "more happened than there is room for");
    drop(release);
    let called: Vec<Delivery> =
        (0..ROOM).map(|_| inside.recv_timeout(SOON).expect("one")).collect();
    let polled: Vec<Delivery> = std::iter::from_fn(|| router.next_event().ok()).collect();
    for heard in [called, polled] {
        let kinds = heard.iter().map(|told| told.event.kind);
        let told = |kind, group: &str, server: &str| {
            let about = (kind, group, server);
            heard.iter().any(|d| (d.event.kind, &*d.event.group, &*d.event.server) == about)
        };
        assert!(told(Kind::PrimaryChanged, "shard1", &writer), "{:?}", Vec::from_iter(kinds));
        assert!(told(Kind::ServerQuarantined, "shard2", &failed));
        assert!(told(Kind::FabricBack, "", ""));
        let missed: u64 = heard.iter().map(|told| told.lost_before).sum();
        assert_eq!(missed, lost / 2, "each consumer hears how much it missed");
        assert_eq!(heard.last().map(|told| told.event.generation), Some(router.generation()));
    }
}

#[test]
fn a_callback_that_never_returns_holds_up_nobody() {
    let server = sample();
    let mut config = config(&[&server]);
    (config.background_refresh, config.refresh_share_percent) = (true, 100);
    (config.ttl_min, config.ttl_max) = (Duration::ZERO, Duration::from_millis(40));
    config.report_errors = ReportErrors::Error;
    let (router, inside, release) = stuck(config);
    router.seed(None).expect("seeded");
    inside.recv_timeout(SOON).expect("the callback is called");

    // The refresh goes on in the background, and lookups see what it finds.
    for port in [33612, 33613, 33611] {
        promote(&server, "shard1", port);
        eventually("the new primary", || primary_of(&router, "shard1") == Ok(port));
    }
    // A server that fails is told to Fabric, and an event for a loop is there for it.
    router.event_fd().expect("a descriptor");
    router.report_result(&uuid(&server, 33613), 2003);
    eventually("the report", || {
        methods(&server).iter().any(|method| method == "threat.report_error")
    });
    eventually("the loop's event", || {
        router.next_event().is_ok_and(|told| told.event.kind == Kind::ServerQuarantined)
    });
    assert!(inside.try_recv().is_err(), "the callback is still at its first event");

    // Freeing waits for the callback; what it was not called with it never is.
    let freed = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let freed = &freed;
        scope.spawn(move || {
            drop(router);
            freed.store(true, Ordering::SeqCst);
        });
        std::thread::sleep(Duration::from_millis(200));
        assert!(!freed.load(Ordering::SeqCst), "the callback uses what is being freed");
        drop(release);
    });
    assert!(freed.load(Ordering::SeqCst));
    assert!(inside.try_recv().is_err(), "nothing is delivered to a freed handle's callback");
}

#[test]
fn a_callback_may_free_the_handle() {
    let server = sample();
    let slot: Arc<Mutex<Option<Router>>> = Arc::default();
    let (told, freed) = mpsc::channel();
    let told = Mutex::new(told);
    let in_callback = Arc::clone(&slot);
    let mut config = config(&[&server]);
    config.background_refresh = true;
    config.events = Listener::new(move |delivery: &Delivery| {
        drop(in_callback.lock().expect("unpoisoned").take());
        told.lock().expect("unpoisoned").send(delivery.event.kind).expect("the test listens");
    });
    let mut kept = slot.lock().expect("unpoisoned");
    let router = Router::new(config);
    router.seed(None).expect("seeded");
    *kept = Some(router);
    drop(kept);
    assert_eq!(freed.recv_timeout(SOON), Ok(Kind::Ready));
    // The callback goes with its thread, and with it the sender; the second event never came.
    assert_eq!(freed.recv_timeout(SOON), Err(RecvTimeoutError::Disconnected));
}

#[test]
fn a_loop_that_falls_behind_loses_what_was_overtaken() {
    let server = sample();
    let router = router(&server);
    assert_eq!(code(router.next_event()), Code::NoEvent);
    router.seed(None).expect("seeded");
    let fd = router.event_fd().expect("a descriptor");
    assert_eq!(router.event_fd().expect("the same"), fd);
    assert!(kinds(&router).is_empty(), "collected from the first event_fd on");

    let begun = Instant::now();
    for i in 0..300 {
        promote(&server, "shard1", if i % 2 == 0 { 33612 } else { 33611 });
        refetch(&router);
    }
    let over = Instant::now();
    assert_eq!(router.metrics().events_lost, 301 - ROOM as u64);
    let first = router.next_event().expect("an event");
    assert_eq!(first.lost_before, 301 - ROOM as u64);
    let second = router.next_event().expect("another");
    assert_eq!((second.lost_before, second.event.kind), (0, Kind::PrimaryChanged));
    // As long ago as it was, within what a clock of whole milliseconds tells.
    let since = |instant: Instant| u64::try_from(instant.elapsed().as_millis()).expect("a time");
    assert!(second.age <= since(begun) + 1, "{}", second.age);
    let least = since(over);
    let third = router.next_event().expect("one more");
    assert!(third.age + 1 >= least, "{} of {least}", third.age);
    assert_eq!(kinds(&router).len(), ROOM - 3);
    assert_eq!(code(router.next_event()), Code::NoEvent);
}

#[test]
fn a_callback_that_panics_does_not_end_the_events() {
    let server = sample();
    let (heard, events) = mpsc::channel();
    let heard = Mutex::new(heard);
    let mut config = config(&[&server]);
    config.events = Listener::new(move |delivery: &Delivery| {
        heard.lock().expect("unpoisoned").send(delivery.event.kind).expect("the test listens");
        assert_ne!(delivery.event.kind, Kind::Ready, "on purpose");
    });
    let router = Router::new(config);
    router.seed(None).expect("seeded: whose callback panics does not see it here");
    for kind in [Kind::Ready, Kind::TopologyChanged] {
        assert_eq!(events.recv_timeout(SOON), Ok(kind));
    }
}

/// A log that says when it is told a line with `words` in it, and then stays until there is a word
/// for it to go on.
fn slow_log(words: &'static str) -> (Log, Receiver<()>, Sender<()>) {
    let (entered, inside) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let (entered, released) = (Mutex::new(entered), Mutex::new(released));
    let log = Log::new(Level::Info, move |_, line| {
        if line.contains(words) {
            entered.lock().expect("unpoisoned").send(()).expect("the test listens");
            let _ = released.lock().expect("unpoisoned").recv_timeout(SOON);
        }
    });
    (log, inside, release)
}

fn of(router: &Router, wanted: [Kind; 2]) -> Vec<Kind> {
    kinds(router).into_iter().filter(|kind| wanted.contains(kind)).collect()
}

#[test]
fn a_slow_log_does_not_put_a_quarantine_behind_its_end() {
    let server = sample();
    let (log, inside, release) = slow_log("could not be reached");
    let quarantine = Duration::from_secs(600);
    let router = Router::new(Config { log, quarantine, ..config(&[&server]) });
    router.event_fd().expect("a descriptor");
    router.seed(None).expect("seeded");
    primary_of(&router, "shard1").expect("a primary");
    let away = uuid(&server, 33612);
    std::thread::scope(|scope| {
        scope.spawn(|| router.report_result(&away, 2003));
        inside.recv_timeout(SOON).expect("a line");
        router.report_result(&away, 0);
        release.send(()).expect("the log waits");
    });
    assert_eq!(router.metrics().servers_quarantined, 0);
    let told = [Kind::ServerQuarantined, Kind::ServerBack];
    assert_eq!(of(&router, told), told);
}

#[test]
fn a_slow_log_does_not_put_a_write_hold_behind_its_end() {
    let server = sample();
    let (log, inside, release) = slow_log("may be tried");
    let quarantine = Duration::from_millis(20);
    let router = Router::new(Config { log, quarantine, ..config(&[&server]) });
    router.event_fd().expect("a descriptor");
    router.seed(None).expect("seeded");
    for group in ["shard1", "shard2"] {
        primary_of(&router, group).expect("a primary");
    }
    router.report_result(&uuid(&server, 33622), 2003);
    // With the hold its quarantine ends, which makes a line.
    std::thread::sleep(Duration::from_millis(200));
    let refuses = uuid(&server, 33611);
    std::thread::scope(|scope| {
        scope.spawn(|| router.report_result(&refuses, 1290));
        inside.recv_timeout(SOON).expect("a line");
        promote(&server, "shard1", 33612);
        refetch(&router);
        release.send(()).expect("the log waits");
    });
    assert_eq!(primary_of(&router, "shard1"), Ok(33612), "writes are held no longer");
    let told = [Kind::WritesHeld, Kind::WritesReleased];
    assert_eq!(of(&router, told), told);
}
