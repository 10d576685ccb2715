//! A service in small: it writes row after row by one route, and remembers what became of each.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use mysqlfabric::config::TlsMode;
use mysqlfabric::mysql::{Account, Address, Failure, Limits, Session, Target};

use crate::route::{Route, Server, errno};

/// How long a service waits for a connection, and for a statement.
pub const CONNECT: Duration = Duration::from_secs(1);
pub const STATEMENT: Duration = Duration::from_secs(2);

/// What became of one row.
#[derive(Clone, Debug)]
pub struct Written {
    pub id: u64,
    /// Who was to take it.
    pub uuid: String,
    pub begun: Instant,
    pub ended: Instant,
    pub is_good: bool,
    pub error: String,
}

pub struct Writer {
    stop: Arc<AtomicBool>,
    written: Arc<Mutex<Vec<Written>>>,
    thread: Option<JoinHandle<()>>,
    /// Its number in the table.
    pub number: u32,
}

impl Writer {
    /// Writes from now on, with a pause between two rows.
    pub fn start(number: u32, route: Arc<dyn Route>, pause: Duration) -> Self {
        let (stop, written) = (Arc::new(AtomicBool::new(false)), Arc::default());
        let thread = {
            let (stop, written) = (Arc::clone(&stop), Arc::clone(&written));
            std::thread::spawn(move || run(number, &*route, pause, &stop, &written))
        };
        Self { stop, written, thread: Some(thread), number }
    }

    /// What was written since the last time.
    pub fn take(&self) -> Vec<Written> {
        std::mem::take(&mut *self.written.lock().expect("unpoisoned"))
    }

    /// When it first wrote to somebody else than `old`.
    pub fn first_elsewhere(&self, since: Instant, old: &str) -> Option<Instant> {
        let written = self.written.lock().expect("unpoisoned");
        let is_it = |row: &&Written| row.is_good && row.begun >= since && row.uuid != old;
        written.iter().find(is_it).map(|row| row.ended)
    }

    /// Prints what became of the last row, if that has gone on for long since `begun`. Never true.
    pub fn tells(&self, begun: Instant) -> bool {
        if begun.elapsed() > Duration::from_secs(50) {
            eprintln!("{:?}", self.written.lock().expect("unpoisoned").last());
            std::thread::sleep(Duration::from_secs(1));
        }
        false
    }

    /// Whether the last rows, over so long, are all good.
    pub fn is_calm(&self, long: Duration) -> bool {
        let written = self.written.lock().expect("unpoisoned");
        let since = Instant::now().checked_sub(long).expect("a moment");
        let last: Vec<_> = written.iter().filter(|row| row.ended >= since).collect();
        last.len() > 10 && last.iter().all(|row| row.is_good)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().map(JoinHandle::join).expect("its thread").expect("no panic");
    }
}

fn run(
    number: u32,
    route: &dyn Route,
    pause: Duration,
    stop: &AtomicBool,
    written: &Mutex<Vec<Written>>,
) {
    let mut open: Option<(Server, Session)> = None;
    let mut id = 0;
    while !stop.load(Ordering::Relaxed) {
        std::thread::sleep(pause);
        let begun = Instant::now();
        id += 1;
        let note = |uuid: &str, outcome: Result<(), String>| {
            let (is_good, error) = (outcome.is_ok(), outcome.err().unwrap_or_default());
            let (uuid, ended) = (uuid.to_owned(), Instant::now());
            let row = Written { id, uuid, begun, ended, is_good, error };
            written.lock().expect("unpoisoned").push(row);
        };
        let server = match route.server() {
            Ok(server) => server,
            Err(refusal) => {
                note("", Err(refusal));
                continue;
            }
        };
        if open.as_ref().is_none_or(|(known, _)| known.node != server.node) {
            open = match connect(&server, route) {
                Ok(opened) => Some(opened),
                Err(failure) => {
                    if failure != Failure::CutOff {
                        route.failed(&server, errno(&failure, false));
                    }
                    note(&server.uuid, Err(format!("{failure:?}")));
                    continue;
                }
            };
        }
        let Some((known, session)) = &mut open else { continue };
        let insert = format!("INSERT INTO bench.rows_written VALUES ({number}, {id})");
        let outcome = session.query(&insert, &Limits::of(1 << 16), Instant::now() + STATEMENT);
        let outcome = outcome.map(drop);
        note(&known.uuid, outcome.as_ref().map(drop).map_err(|failure| format!("{failure:?}")));
        if let Err(failure) = outcome {
            if failure != Failure::CutOff {
                route.failed(known, errno(&failure, true));
            }
            if !matches!(failure, Failure::Server(_)) || !route.names_servers() {
                open = None;
            }
        }
    }
}

/// A session, and who is there.
pub fn connect(server: &Server, route: &dyn Route) -> Result<(Server, Session), Failure> {
    let dropped = route.dropped();
    let (preferred, address) = (Some(TlsMode::Preferred), Address::Tcp(server.node.clone()));
    let target = Target::new(address, preferred, None, None);
    let account = Account { full_password_unverified: true, ..Account::new("farm", "farm") };
    let deadline = Instant::now() + CONNECT;
    let mut session = Session::connect(&target, &account, deadline, [dropped.clone(), dropped])?;
    let mut server = server.clone();
    if !route.names_servers() {
        let limits = Limits::of(1 << 16);
        let answer = session.query("SELECT @@server_uuid", &limits, Instant::now() + CONNECT)?;
        let row = answer.first().and_then(|set| set.rows().next());
        let uuid = row.and_then(|row| row.get(0)).unwrap_or_default();
        server.uuid = String::from_utf8_lossy(uuid).into_owned();
    }
    Ok((server, session))
}
