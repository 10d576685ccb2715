//! A handle that is freed while a large farm is being built from Fabric's answers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use mysqlfabric::config::Config;
use mysqlfabric::router::Router;

use crate::canned::{Act, Canned, config, ok};
use crate::dumps::{SERVERS, SHARDS, dump, row};

const TABLES: usize = 40_000;

/// A handle that has Fabric's whole answer, and what is left of its seeding.
fn answered(replies: &[Vec<u8>]) -> (Arc<Router>, std::thread::JoinHandle<()>) {
    let server = Canned::new(replies.iter().cloned().map(Act::Send).collect());
    let config = Config {
        nodes: vec![server.node.clone()],
        background_refresh: false,
        connect_attempts: 1,
        request_timeout: Duration::from_secs(120),
        ..config()
    };
    let router = Arc::new(Router::new(config));
    let seeding = Arc::clone(&router);
    let thread = std::thread::spawn(move || drop(seeding.seed(None)));
    while server.requests().len() < replies.len() {
        std::thread::sleep(Duration::from_millis(1));
    }
    (router, thread)
}

#[test]
fn nobody_waits_for_a_farm_to_be_built() {
    let rows: String = (0..TABLES)
        .map(|at| row(&["db", &format!("t{at}"), "c", "1", "1", "RANGE", &format!("g{at}"), "g"]))
        .collect();
    let bodies = [dump("host port", ""), dump(SHARDS, &rows), dump(SERVERS, "")];
    let replies = bodies.map(|body| ok(&body));

    let (router, seeding) = answered(&replies);
    let begun = Instant::now();
    while router.generation() == 0 {
        std::thread::sleep(Duration::from_millis(1));
    }
    let building = begun.elapsed();
    seeding.join().expect("seeded");
    drop(router);

    // A machine that is busy may let one of them wait.
    let freeing = (0..5).filter_map(|_| {
        let (router, seeding) = answered(&replies);
        std::thread::sleep(building / 5);
        let begun = Instant::now();
        router.close();
        let freed = begun.elapsed();
        seeding.join().expect("it has ended");
        // Half a farm is none; a whole one was built in time.
        (router.generation() == 0).then_some(freed)
    });
    let freeing = freeing.min().expect("some");
    println!("building {building:?}, freeing meanwhile {freeing:?}");
    assert!(freeing < building / 4, "building takes {building:?}, and freeing took {freeing:?}");
}
