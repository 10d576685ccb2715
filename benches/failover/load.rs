//! What handles cost the servers that they ask, while nothing happens.

use std::thread;
use std::time::{Duration, Instant};

use crate::route::{Library, Route};
use crate::servers::Farm;

const HANDLES: [usize; 3] = [1, 10, 100];

const SPAN: Duration = Duration::from_secs(20);

/// What the servers count, all of them together.
#[derive(Clone, Copy)]
struct Counts {
    statements: u64,
    connections: u64,
    /// Processor time of their processes, in milliseconds.
    work: u64,
}

pub fn print(farm: &Farm, url: &str, group: &str) {
    println!(
        "| handles | statements a second, a handle and server | connections made | processor of all servers |"
    );
    println!("|---|---|---|---|");
    // The servers of the tests take 40.
    for number in 1..=3 {
        farm.sql(number, "SET GLOBAL max_connections = 400");
    }
    // The counting itself, without anybody.
    let nobody = counted(farm, &[]);
    for count in HANDLES {
        let handles: Vec<Library> = (0..count).map(|_| Library::new(url, group)).collect();
        // A hundred handles that begin at once may not all have an answer in half a second.
        handles.iter().for_each(|handle| while handle.server().is_err() {});
        let begun = Instant::now();
        // Those that look around at first.
        while begun.elapsed() < Duration::from_secs(3) {
            thread::sleep(Duration::from_millis(100));
        }
        let counts = counted(farm, &handles);
        let statements = counts.statements.saturating_sub(nobody.statements) as f64;
        println!(
            "| {count} | {:.2} | {} | {:.1} % |",
            statements / SPAN.as_secs_f64() / count as f64 / 3.0,
            counts.connections.saturating_sub(nobody.connections),
            counts.work.saturating_sub(nobody.work) as f64 / SPAN.as_millis() as f64 * 100.0,
        );
    }
}

/// What is counted while the handles are in use.
fn counted(farm: &Farm, handles: &[Library]) -> Counts {
    let before = counts(farm);
    let begun = Instant::now();
    while begun.elapsed() < SPAN {
        handles.iter().for_each(|handle| drop(handle.server()));
        thread::sleep(Duration::from_millis(200));
    }
    let after = counts(farm);
    Counts {
        statements: after.statements - before.statements,
        connections: after.connections - before.connections,
        work: after.work - before.work,
    }
}

fn counts(farm: &Farm) -> Counts {
    let mut counts = Counts { statements: 0, connections: 0, work: 0 };
    for number in 1..=3 {
        let status = |name: &str| -> u64 {
            let line =
                farm.sql(number, &format!("SHOW GLOBAL STATUS WHERE variable_name = '{name}'"));
            line.split_whitespace().last().and_then(|count| count.parse().ok()).expect("a count")
        };
        counts.statements += status("Questions");
        counts.connections += status("Connections");
        let pid = farm.sql(number, "SELECT @@pid_file");
        let pid = std::fs::read_to_string(pid.trim()).expect("its number");
        counts.work += processor_time(pid.trim());
    }
    counts
}

/// Of a process, in milliseconds: user and system, of which the kernel counts 100 a second.
fn processor_time(pid: &str) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("the process");
    let behind = stat.rsplit_once(')').map_or("", |(_, behind)| behind);
    let fields: Vec<&str> = behind.split_whitespace().collect();
    let ticks: u64 = fields[11..13].iter().map(|ticks| ticks.parse::<u64>().expect("ticks")).sum();
    ticks * 10
}
