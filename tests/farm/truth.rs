//! While the farm changes all the time, every answer was right a moment ago, and none goes back.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use fabricd::{FarmServer, Server, State};
use mysqlfabric::config::Config;
use mysqlfabric::router::Router;
use mysqlfabric::topology::Key;

use crate::support::*;

const GROUPS: usize = 60;
const FIRST_PORT: u16 = 40_000;
const TIME_TO_LIVE: Duration = Duration::from_millis(100);

/// A table with one shard, and many groups for it to be moved to, each told by its port.
fn wandering(server: &Server) -> i64 {
    let mut farm = server.farm();
    for at in 0..GROUPS {
        let name = format!("w{at}");
        farm.add_group(&name, "").expect("a group");
        let primary = FarmServer {
            uuid: format!("00000000-0000-0000-0000-{at:012}"),
            host: "127.0.0.1".into(),
            port: i64::from(FIRST_PORT) + at as i64,
            mode: 3,
            status: fabricd::PRIMARY,
            weight: 1.0,
        };
        farm.add_server(&name, primary).expect("a primary");
    }
    let mapping = farm.add_mapping("RANGE", "global");
    farm.add_table(mapping, "wander.t", "id").expect("a table");
    farm.add_shard(mapping, "0", "w0", State::Enabled).expect("a shard")
}

#[test]
fn every_answer_was_right_within_a_time_to_live_and_a_refresh() {
    let server = sample();
    let mut shard = wandering(&server);
    let router = Router::new(Config {
        background_refresh: true,
        refresh_share_percent: 100,
        ttl_min: Duration::ZERO,
        ttl_max: TIME_TO_LIVE,
        ..config(&[&server])
    });
    let place = || {
        let port =
            ask(&router, "wander.t", Key::Integer(7), mysqlfabric::topology::Wanted::Primary);
        usize::from(port.expect("an answer").port - FIRST_PORT)
    };
    assert_eq!(place(), 0);

    // When each place began to be the right one.
    let history = Mutex::new(vec![Instant::now()]);
    let done = AtomicBool::new(false);
    let oldest = std::thread::scope(|scope| {
        let askers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let (mut last, mut oldest) = (0, Duration::ZERO);
                    while !done.load(Ordering::Relaxed) {
                        let begun = Instant::now();
                        let at = place();
                        assert!(at >= last, "went back from {last} to {at}");
                        last = at;
                        let history = history.lock().expect("unpoisoned");
                        assert!(at < history.len(), "ahead of the farm");
                        if let Some(ended) = history.get(at + 1) {
                            oldest = oldest.max(begun.saturating_duration_since(*ended));
                        }
                    }
                    oldest
                })
            })
            .collect();
        for at in 1..GROUPS {
            std::thread::sleep(Duration::from_millis(25));
            // Noted first: no answer may come before its time.
            let mut farm = server.farm();
            history.lock().expect("unpoisoned").push(Instant::now());
            if at % 2 == 0 {
                // Removed and added again, a shard gets a new number, as in a split.
                let mapping = farm.mapping_of("wander.t").expect("the mapping").id;
                farm.remove_shard(shard).expect("removed");
                let group = format!("w{at}");
                shard = farm.add_shard(mapping, "0", &group, State::Enabled).expect("a shard");
            } else {
                farm.move_shard(shard, &format!("w{at}")).expect("moved");
            }
        }
        eventually("the last place", || place() == GROUPS - 1);
        done.store(true, Ordering::Relaxed);
        askers.into_iter().map(|asker| asker.join().expect("an asker")).max()
    });
    let oldest = oldest.expect("four askers");
    println!("the oldest answer had been right {oldest:?} before; time to live {TIME_TO_LIVE:?}");
    // A machine under load may put the refresh off; nothing but that adds to its time.
    assert!(oldest < TIME_TO_LIVE + Duration::from_secs(2), "{oldest:?}");
}
