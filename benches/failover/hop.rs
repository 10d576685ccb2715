//! What the way costs while nothing happens: the same statement over a connection that is kept, to the
//! primary itself, to where the library says before each statement, and through MySQL Router.

use std::time::{Duration, Instant};

use mysqlfabric::mysql::{Limits, Session};

use crate::route::{Direct, Library, Proxy, Route, Server};
use crate::writer::{STATEMENT, connect};

const TURN: Duration = Duration::from_secs(2);
const TURNS: usize = 5;

/// Prints a row for each way.
pub fn print(direct: Direct, library: Library, proxy: Proxy) {
    let ways: [(&str, Box<dyn Route>); 3] = [
        ("direct", Box::new(direct)),
        ("library", Box::new(library)),
        ("MySQL Router", Box::new(proxy)),
    ];
    let mut times = vec![Vec::new(); ways.len()];
    for _ in 0..TURNS {
        for ((_, route), times) in ways.iter().zip(&mut times) {
            turn(&**route, times);
        }
    }
    for ((name, _), times) in ways.iter().zip(&mut times) {
        times.sort();
        let at =
            |share: usize| times.get((times.len() - 1) * share / 1000).copied().unwrap_or_default();
        let a_second = times.len() as f64 / (TURN.as_secs_f64() * TURNS as f64);
        let [median, p99] = [500, 990].map(|share| at(share).as_secs_f64() * 1e6);
        println!("| {name} | {a_second:.0} | {median:.0} | {p99:.0} |");
    }
}

/// Statement after statement for a while.
fn turn(route: &dyn Route, times: &mut Vec<Duration>) {
    let server = || route.server().expect("a server");
    let (mut known, mut session): (Server, Session) =
        connect(&server(), route).expect("a connection");
    let (begun, limits) = (Instant::now(), Limits::of(1 << 16));
    while begun.elapsed() < TURN {
        let started = Instant::now();
        let next = server();
        if next.node != known.node {
            (known, session) = connect(&next, route).expect("a connection");
        }
        session.query("SELECT 1", &limits, started + STATEMENT).expect("an answer");
        times.push(started.elapsed());
    }
}
