//! A start from a snapshot while Fabric hangs: who reads goes on from it soon, who writes later.

use std::time::{Duration, Instant};

use fabricd::{Fault, FaultKind};
use mysqlfabric::base::error::Code;
use mysqlfabric::config::Config;
use mysqlfabric::router::Router;
use mysqlfabric::topology::{Key, Wanted};

use crate::disk::{Place, keeping};
use crate::support::*;

#[test]
fn while_fabric_hangs_a_snapshot_serves_reads_after_a_second_and_writes_after_half_the_bound() {
    let place = Place::new();
    Router::new(keeping(&[&sample()], &place.file())).seed(None).expect("a snapshot");
    let server = sample();
    server.set_fault(Fault::always(FaultKind::Hang));
    let hanging = |lookup_timeout: Duration| {
        Router::new(Config {
            lookup_timeout,
            request_timeout: Duration::from_secs(600),
            connect_attempts: 10,
            background_refresh: true,
            ..keeping(&[&server], &place.file())
        })
    };
    let salaries =
        |router: &Router, wanted| ask(router, "employees.salaries", Key::Integer(1), wanted);

    // A read that waited for its bound would take ten minutes; one that did not ask, nothing.
    let router = hanging(Duration::from_secs(600));
    let begun = Instant::now();
    salaries(&router, Wanted::Reader).expect("from the snapshot");
    let first = begun.elapsed();
    assert!(first >= Duration::from_millis(900), "Fabric has its second: {first:?}");
    assert!(first < Duration::from_secs(60), "{first:?}");
    // None waits once it serves: a second each would be more than a quarter of an hour.
    for _ in 0..1000 {
        salaries(&router, Wanted::Reader).expect("from the snapshot");
    }
    assert!(begun.elapsed() < Duration::from_secs(120), "{:?}", begun.elapsed());

    // A write is answered when half of its bound is over, not when a read's second is, and not by a
    // refusal at its end.
    for reads_first in [false, true] {
        let router = hanging(Duration::from_secs(8));
        if reads_first {
            salaries(&router, Wanted::Reader).expect("from the snapshot");
        }
        let begun = Instant::now();
        let primary = salaries(&router, Wanted::Primary).expect("from the snapshot");
        let took = begun.elapsed();
        assert_eq!(primary.port, 33611);
        assert!(took >= Duration::from_millis(3900), "Fabric has half of the time: {took:?}");
    }
    // Nothing is waited for by who may not wait, and a write is not served before its time.
    let router = hanging(Duration::ZERO);
    assert_eq!(code(salaries(&router, Wanted::Primary)), Code::WouldBlock);
}
