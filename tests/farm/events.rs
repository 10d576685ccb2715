//! What happens to a handle, heard by a callback and by a loop.

use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::{Duration, Instant};

use fabricd::{Fault, FaultKind, Server};
use mysqlfabric::config::Config;
use mysqlfabric::error::Code;
use mysqlfabric::events::{Delivery, Kind, Listener, ROOM};
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

/// Kind, group and server of all that was heard so far.
fn heard(events: &Receiver<Delivery>) -> Vec<(Kind, String, String)> {
    let event = |delivery: Delivery| {
        assert_eq!(delivery.lost_before, 0);
        (delivery.event.kind, delivery.event.group, delivery.event.server)
    };
    events.try_iter().map(event).collect()
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
    assert!(heard(&events).is_empty(), "a new handle has nothing to tell");
    router.seed(None).expect("seeded");
    assert_eq!(heard(&events), [plain(Kind::Ready), plain(Kind::TopologyChanged)]);

    refetch(&router);
    assert!(heard(&events).is_empty(), "the same content is no event");

    promote(&server, "shard1", 33612);
    refetch(&router);
    let event = events.try_recv().expect("an event").event;
    assert_eq!((event.kind, event.generation), (Kind::TopologyChanged, router.generation()));
    let new = uuid(&server, 33612);
    assert_eq!(heard(&events), [(Kind::PrimaryChanged, "shard1".into(), new)]);

    server.farm().demote("shard1").expect("demoted");
    refetch(&router);
    let gone = (Kind::PrimaryChanged, "shard1".into(), String::new());
    assert_eq!(heard(&events), [plain(Kind::TopologyChanged), gone]);

    server.set_fault(Fault::always(FaultKind::Close));
    for _ in 0..3 {
        let _ = router.prefetch(&[]).expect_err("Fabric is gone");
    }
    assert_eq!(heard(&events), [plain(Kind::FabricLost)]);

    server.set_fault(Fault::none());
    promote(&server, "shard1", 33613);
    refetch(&router);
    refetch(&router);
    let new = (Kind::PrimaryChanged, "shard1".into(), uuid(&server, 33613));
    let back = plain(Kind::FabricBack);
    assert_eq!(heard(&events), [plain(Kind::TopologyChanged), new, back]);
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
    let next = || events.recv_timeout(Duration::from_secs(30)).expect("an event").event;
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
    assert!(heard(&events).is_empty(), "freeing a handle is no loss of Fabric");
}

#[test]
fn a_fabric_that_was_never_reached_is_not_lost() {
    let server = sample();
    server.set_fault(Fault::always(FaultKind::Close));
    let (router, events) = listening(config(&[&server]));
    router.seed(None).expect_err("Fabric does not answer");
    server.set_fault(Fault::none());
    assert_eq!(code(primary_of(&router, "nosuch")), Code::UnknownGroup);
    // A topology of things that do not exist routes nothing.
    assert_eq!(heard(&events), [plain(Kind::TopologyChanged)]);
    primary_of(&router, "shard1").expect("a primary");
    assert_eq!(heard(&events), [plain(Kind::Ready), plain(Kind::TopologyChanged)]);
}

#[test]
fn a_callback_may_use_the_handle_as_it_likes() {
    let server = sample();
    let slot: Arc<OnceLock<Weak<Router>>> = Arc::default();
    let (done, finished) = mpsc::channel();
    let done = Mutex::new(done);
    let in_callback = Arc::clone(&slot);
    let listener = Listener::new(move |delivery: &Delivery| {
        let router = in_callback.get().and_then(Weak::upgrade).expect("the router");
        primary_of(&router, "shard1").expect("a known group");
        group_of(&router, "employees.salaries", Key::Integer(1)).expect("a known table");
        router.reset_cache(Some("shard2"));
        router.group_servers("shard2", false, |_, _| Ok(())).expect("servers fetched now");
        let (numbers, generation) = (router.metrics(), router.generation());
        assert!(numbers.requests > 0 && numbers.generation == generation);
        router.event_fd().expect("a descriptor");
        let _ = router.next_event();
        done.lock().expect("unpoisoned").send(delivery.event.kind).expect("the test listens");
    });
    let mut config = config(&[&server]);
    config.events = listener;
    let router = Arc::new(Router::new(config));
    slot.set(Arc::downgrade(&router)).expect("empty");
    let caller = Arc::clone(&router);
    let seeding = std::thread::spawn(move || caller.seed(None));
    for kind in [Kind::Ready, Kind::TopologyChanged] {
        assert_eq!(finished.recv_timeout(Duration::from_secs(30)), Ok(kind), "no deadlock");
    }
    seeding.join().expect("no panic").expect("seeded");

    // A change that the callback itself brings to light is told after it has returned.
    promote(&server, "shard2", 33622);
    promote(&server, "shard1", 33612);
    router.group_servers("shard1", false, |_, _| Ok(())).expect("servers");
    let told: Vec<Kind> = finished.try_iter().collect();
    let pair = [Kind::TopologyChanged, Kind::PrimaryChanged];
    assert_eq!(told, [pair, pair].concat());
}

#[test]
fn a_slow_callback_delays_nobody_else() {
    let server = sample();
    let (entered, inside) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let (entered, released) = (Mutex::new(entered), Mutex::new(released));
    let mut config = config(&[&server]);
    config.events = Listener::new(move |delivery: &Delivery| {
        entered.lock().expect("unpoisoned").send(delivery.clone()).expect("the test listens");
        let _ = released.lock().expect("unpoisoned").recv();
    });
    let router = Router::new(config);
    std::thread::scope(|scope| {
        let seeding = scope.spawn(|| router.seed(None));
        let first = inside.recv().expect("the callback is called");
        assert_eq!(first.event.kind, Kind::Ready);
        let begun = Instant::now();
        for i in 0..ROOM as u64 + 50 {
            primary_of(&router, "shard1").expect("a primary");
            promote(&server, "shard1", if i % 2 == 0 { 33612 } else { 33611 });
            router.group_servers("shard1", false, |_, _| Ok(())).expect("fetched meanwhile");
        }
        assert!(inside.try_recv().is_err(), "one at a time");
        let lost = router.metrics().events_lost;
        // TOPOLOGY_CHANGED of the seeding, and two for each promotion, with room for 256.
        assert_eq!(lost, 1 + 2 * (ROOM as u64 + 50) - ROOM as u64);
        println!("{:?} for {} changes", begun.elapsed(), ROOM + 50);
        drop(release);
        seeding.join().expect("no panic").expect("seeded");
        let rest: Vec<_> = inside.try_iter().collect();
        assert_eq!(rest.len(), ROOM);
        assert_eq!(rest[0].lost_before, lost);
        assert!(rest[1..].iter().all(|delivery| delivery.lost_before == 0));
        let last = rest.last().expect("the last").event.generation;
        assert_eq!(last, router.generation(), "the newest are kept");
    });
}

#[test]
fn a_loop_that_falls_behind_loses_the_oldest() {
    let server = sample();
    let router = router(&server);
    assert_eq!(code(router.next_event()), Code::NoEvent);
    router.seed(None).expect("seeded");
    let fd = router.event_fd().expect("a descriptor");
    assert_eq!(router.event_fd().expect("the same"), fd);
    assert!(kinds(&router).is_empty(), "collected from the first event_fd on");

    for i in 0..150 {
        promote(&server, "shard1", if i % 2 == 0 { 33612 } else { 33611 });
        refetch(&router);
    }
    assert_eq!(router.metrics().events_lost, 300 - ROOM as u64);
    let first = router.next_event().expect("an event");
    assert_eq!(first.lost_before, 300 - ROOM as u64);
    let second = router.next_event().expect("another");
    assert_eq!((second.lost_before, second.event.kind), (0, Kind::PrimaryChanged));
    assert!(second.age < 60_000);
    assert_eq!(kinds(&router).len(), ROOM - 2);
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
    std::thread::scope(|scope| {
        scope.spawn(|| router.seed(None)).join().expect_err("the panic");
    });
    refetch(&router);
    let told: Vec<Kind> = events.try_iter().collect();
    assert_eq!(told, [Kind::Ready, Kind::TopologyChanged]);
}
