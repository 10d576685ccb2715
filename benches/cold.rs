//! How long a dump of many shards takes from its bytes to a topology, and how much memory:
//! `cargo bench --bench cold`.
//!
//! The reply is written on the fly as Python's marshaller writes it and read in pieces of 64 KiB,
//! through the client, and is never in memory as a whole. Beside it, over the same bytes in the
//! same pieces: writing them alone, copying them, counting their '<', and taking them apart into
//! the tags and texts of XML; and, where there is a Python, what its own XML-RPC makes of them.

#[path = "many/memory.rs"]
mod memory;

use std::hint::black_box;
use std::io::{self, BufReader, Read};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use mysqlfabric::config::{Config, Node};
use mysqlfabric::observe::log::Log;
use mysqlfabric::refresh::health::servers::ServerHealth;
use mysqlfabric::refresh::update::{Asked, Update};
use mysqlfabric::source::Attempt;
use mysqlfabric::source::fabric::http::transport::{Reply, Times, Transport, TransportError};
use mysqlfabric::source::fabric::{Client, Commands};
use mysqlfabric::topology::{TablesBuilder, Topology};

const PIECE: usize = 64 << 10;
const GROUPS: u64 = 4_000;

const HEAD: &str = "<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n\
    <value><array><data>\n<value><int>1</int></value>\n\
    <value><string>5ca1ab1e-a007-feed-f00d-cab3fe13249e</string></value>\n\
    <value><int>1</int></value>\n<value><string></string></value>\n<value><array><data>\n\
    <value><struct>\n<member>\n<name>info</name>\n<value><struct>\n<member>\n\
    <name>names</name>\n<value><array><data>\n\
    <value><string>schema_name</string></value>\n<value><string>table_name</string></value>\n\
    <value><string>column_name</string></value>\n<value><string>lower_bound</string></value>\n\
    <value><string>shard_id</string></value>\n<value><string>type_name</string></value>\n\
    <value><string>group_id</string></value>\n<value><string>global_group</string></value>\n\
    </data></array></value>\n</member>\n</struct></value>\n</member>\n<member>\n\
    <name>rows</name>\n<value><array><data>\n";
const TAIL: &str = "</data></array></value>\n</member>\n</struct></value>\n</data></array></value>\n\
    </data></array></value>\n</param>\n</params>\n</methodResponse>\n";

/// A reply that is written as it is read.
struct Dump {
    rows: u64,
    next: u64,
    piece: Vec<u8>,
    at: usize,
}

impl Dump {
    fn new(rows: u64) -> Self {
        Self { rows, next: 0, piece: Vec::with_capacity(PIECE + 1024), at: 0 }
    }

    fn write(&mut self) -> io::Result<()> {
        use std::io::Write;
        self.piece.clear();
        self.at = 0;
        if self.next == 0 {
            self.piece.extend_from_slice(HEAD.as_bytes());
        }
        while self.next < self.rows && self.piece.len() < PIECE {
            // The high halves are a permutation of 64 bits, in no order of their own.
            let mixed = self.next.wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let group = self.next % GROUPS;
            write!(
                self.piece,
                "<value><array><data>\n<value><string>bigdump</string></value>\n\
                 <value><string>h</string></value>\n<value><string>id</string></value>\n\
                 <value><string>{mixed:016X}{:016X}</string></value>\n\
                 <value><int>{}</int></value>\n<value><string>HASH</string></value>\n\
                 <value><string>shard{group}</string></value>\n\
                 <value><string>global</string></value>\n</data></array></value>\n",
                mixed ^ 0x5555_5555_5555_5555,
                self.next
            )?;
            self.next += 1;
        }
        if self.next == self.rows {
            self.next += 1;
            self.piece.extend_from_slice(TAIL.as_bytes());
        }
        Ok(())
    }
}

impl Read for Dump {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.piece.len() {
            if self.next > self.rows {
                return Ok(0);
            }
            self.write()?;
        }
        let count = buffer.len().min(self.piece.len() - self.at);
        buffer[..count].copy_from_slice(&self.piece[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

/// A node that answers any call with a dump of so many shards.
struct Canned(u64);

impl Transport for Canned {
    fn post(
        &self,
        _: &Node,
        _: Option<&str>,
        _: &[u8],
        _: Times,
        _: &Attempt,
    ) -> Result<Reply, TransportError> {
        let body = Box::new(Dump::new(self.0));
        Ok(Reply { status: 200, reason: String::new(), www_authenticate: None, body })
    }
}

/// From the call to the topology.
fn take_in(client: &Client) -> Topology {
    let node = Node { host: "127.0.0.1".into(), port: 1 };
    let dump =
        client.sharding_information_into(&node, "", &TablesBuilder::default).expect("a dump");
    let (nothing, mut observed, log) =
        (Topology::default(), ServerHealth::default(), Log::default());
    let mut update = Update::new(&nothing, &mut observed, &log, 0, false, 1);
    update.tables(&Asked::Everything, dump.rows, &dump.skipped, 2);
    update.finish().expect("news")
}

/// Runs through a reply in pieces, and says how many bytes it had and how long `each` took.
fn through(rows: u64, mut each: impl FnMut(&[u8])) -> (usize, Duration) {
    let mut dump = Dump::new(rows);
    let mut piece = vec![0; PIECE];
    let (mut bytes, mut time) = (0, Duration::ZERO);
    loop {
        let count = dump.read(&mut piece).expect("bytes");
        if count == 0 {
            return (bytes, time);
        }
        bytes += count;
        let start = Instant::now();
        each(&piece[..count]);
        time += start.elapsed();
    }
}

/// Every tag and text, and nothing made of them. It counts the writing.
fn events(rows: u64) -> Duration {
    let start = Instant::now();
    let mut xml = quick_xml::Reader::from_reader(BufReader::with_capacity(PIECE, Dump::new(rows)));
    let mut buffer = Vec::new();
    while black_box(xml.read_event_into(&mut buffer).expect("XML")) != quick_xml::events::Event::Eof
    {
        buffer.clear();
    }
    start.elapsed()
}

/// What Python takes for the reply as a whole, or nothing if there is none.
fn python(rows: u64) -> Option<Duration> {
    const PROGRAM: &str = "import sys, time, xmlrpc.client\nbody = sys.stdin.buffer.read()\n\
        start = time.perf_counter()\nvalue, = xmlrpc.client.loads(body)[0]\n\
        print(time.perf_counter() - start)\nassert len(value[4][0]['rows']) == int(sys.argv[1])";
    let mut child = Command::new("python3")
        .args(["-c", PROGRAM, &rows.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    io::copy(&mut Dump::new(rows), &mut child.stdin.take()?).ok()?;
    let output = child.wait_with_output().ok()?;
    let printed = String::from_utf8(output.stdout).ok()?;
    printed.trim().parse().ok().map(Duration::from_secs_f64)
}

fn median(runs: usize, mut run: impl FnMut() -> Duration) -> Duration {
    let mut times: Vec<Duration> = (0..runs).map(|_| run()).collect();
    times.sort();
    times[runs / 2]
}

/// What is left of the memory that `take_in` needs, and the most there was beyond that.
fn memory_of(client: &Client) -> (usize, usize) {
    let (before, mut topology) = (memory::now(), None);
    let most = memory::most(|| topology = Some(take_in(client)));
    let now = memory::now();
    assert_eq!(topology.map(|topology| topology.tables.len()), Some(1));
    (now - before, most - now)
}

const GOAL: &str = ">= 250 MB/s, <= 64 MiB, <= 64 bytes";

fn main() {
    println!(
        "From the bytes of a dump to a topology, MB/s of XML, medians, less the time it takes to \
         write the bytes. Beside it, of copying them, of counting their '<', of taking them apart \
         into tags and texts, and of Python's own XML-RPC. \"Above\" is the most memory beyond \
         what the topology takes.\n"
    );
    println!(
        "| shards | MB | library | memcpy | memchr | tags and texts | Python | above, MiB | \
         bytes a shard | goal | met |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    for (rows, runs) in [(1_000, 101), (100_000, 41), (1_000_000, 21)] {
        let client = Client::with_transport(Arc::new(Config::default()), Arc::new(Canned(rows)));
        let (bytes, _) = through(rows, |_| {});
        let writing = median(runs, || {
            let start = Instant::now();
            through(rows, |piece| _ = black_box(piece));
            start.elapsed()
        });
        let taking = median(runs, || {
            let start = Instant::now();
            black_box(take_in(&client));
            start.elapsed()
        });
        let mut copy = vec![0; PIECE];
        let copying = median(runs, || {
            through(rows, |piece| {
                copy[..piece.len()].copy_from_slice(piece);
                black_box(&copy);
            })
            .1
        });
        let counting = median(runs, || {
            through(rows, |piece| _ = black_box(memchr::memchr_iter(b'<', piece).count())).1
        });
        let events = median(runs.min(5), || events(rows));
        // A million would take it a gigabyte.
        let python = if rows <= 100_000 { python(rows) } else { None };
        let (kept, above) = memory_of(&client);
        let rate = |time: Duration| bytes as f64 / 1e6 / time.as_secs_f64();
        let library = rate(taking.saturating_sub(writing));
        let (above, each) = (above as f64 / f64::from(1 << 20), kept / rows as usize);
        let (goal, met) = match rows {
            1_000_000 if library >= 250.0 && above <= 64.0 && each <= 64 => (GOAL, "yes"),
            1_000_000 => (GOAL, "**no**"),
            _ => ("", ""),
        };
        println!(
            "| {rows} | {:.1} | {library:.0} | {:.0} | {:.0} | {:.0} | {} | {above:.1} | {each} \
             | {goal} | {met} |",
            bytes as f64 / 1e6,
            rate(copying),
            rate(counting),
            rate(events.saturating_sub(writing)),
            python.map_or("-".to_owned(), |time| format!("{:.0}", rate(time))),
        );
    }
}
