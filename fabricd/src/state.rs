//! What all threads of one node share.

use std::collections::HashMap;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::clock;
use crate::digest::Nonces;
use crate::farm::Farm;
use crate::fault::{Fault, FaultKind};

/// One request as the node saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestLog {
    /// Empty if the body was not there yet when the request was turned down.
    pub method: String,
    pub path: String,
    pub authorized: bool,
    /// Whether there was an Authorization header at all.
    pub credentials: bool,
    pub accept_encoding: Option<String>,
    pub user_agent: Option<String>,
    pub bytes_in: usize,
    /// The HTTP status answered; 0 for a connection closed without one.
    pub status: u16,
}

/// A call of `threat.*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub command: String,
    pub server_uuid: String,
    pub reporter: String,
    pub error: String,
}

/// What can be changed while the node runs.
#[derive(Clone, Copy)]
struct Settings {
    check_nonce: bool,
    store_down: bool,
    failover_delay: Duration,
    notifications: usize,
    clients: usize,
}

pub struct Shared {
    pub addr: SocketAddr,
    pub control_addr: Option<SocketAddr>,
    pub mysql_addr: Option<SocketAddr>,
    pub auth: bool,
    pub realm: String,
    pub opaque: String,
    pub close_notify: bool,
    farm: Mutex<Farm>,
    nonces: Mutex<Nonces>,
    fault: Mutex<Fault>,
    log: Mutex<Vec<RequestLog>>,
    reports: Mutex<Vec<(Instant, Report)>>,
    settings: Mutex<Settings>,
    open: Mutex<HashMap<u64, TcpStream>>,
    connections: AtomicU64,
    most_open: AtomicUsize,
    next_connection: AtomicU64,
    faults_applied: AtomicU64,
    stopping: AtomicBool,
    stopped: (Mutex<bool>, Condvar),
    initial: (Farm, Settings),
}

/// What `Shared` is made from.
pub struct Setup {
    pub addr: SocketAddr,
    pub control_addr: Option<SocketAddr>,
    pub mysql_addr: Option<SocketAddr>,
    pub auth: bool,
    pub realm: String,
    pub close_notify: bool,
    pub check_nonce: bool,
    pub store_down: bool,
    pub nonce_purge: Duration,
    pub failover_delay: Duration,
    pub farm: Farm,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub fn new(setup: Setup) -> Shared {
        let settings = Settings {
            check_nonce: setup.check_nonce,
            store_down: setup.store_down,
            failover_delay: setup.failover_delay,
            // As a real node is shipped.
            notifications: 300,
            clients: 50,
        };
        Shared {
            addr: setup.addr,
            control_addr: setup.control_addr,
            mysql_addr: setup.mysql_addr,
            auth: setup.auth,
            realm: setup.realm,
            opaque: format!("{:016x}{:016x}", clock::random(), clock::random()),
            close_notify: setup.close_notify,
            nonces: Mutex::new(Nonces::new(setup.nonce_purge)),
            fault: Mutex::new(Fault::none()),
            log: Mutex::default(),
            reports: Mutex::default(),
            settings: Mutex::new(settings),
            open: Mutex::default(),
            connections: AtomicU64::new(0),
            most_open: AtomicUsize::new(0),
            next_connection: AtomicU64::new(0),
            faults_applied: AtomicU64::new(0),
            stopping: AtomicBool::new(false),
            stopped: (Mutex::new(false), Condvar::new()),
            initial: (setup.farm.clone(), settings),
            farm: Mutex::new(setup.farm),
        }
    }

    pub fn farm(&self) -> MutexGuard<'_, Farm> {
        lock(&self.farm)
    }

    pub fn nonces(&self) -> MutexGuard<'_, Nonces> {
        lock(&self.nonces)
    }

    pub fn log(&self) -> MutexGuard<'_, Vec<RequestLog>> {
        lock(&self.log)
    }

    pub fn reports(&self) -> MutexGuard<'_, Vec<(Instant, Report)>> {
        lock(&self.reports)
    }

    /// Back to how the node was started; open connections and nonces stay.
    pub fn reset(&self) {
        self.set_fault(Fault::none());
        self.clear();
        *self.farm() = self.initial.0.clone();
        *lock(&self.settings) = self.initial.1;
    }

    /// Forgets requests, reports and counts.
    pub fn clear(&self) {
        self.log().clear();
        self.reports().clear();
        self.connections.store(0, Ordering::SeqCst);
        self.most_open.store(0, Ordering::SeqCst);
        self.faults_applied.store(0, Ordering::SeqCst);
    }

    pub fn set_fault(&self, fault: Fault) {
        *lock(&self.fault) = fault;
    }

    pub fn take_fault(&self, method: Option<&str>) -> Option<FaultKind> {
        let kind = lock(&self.fault).take(method);
        if kind.is_some() {
            self.faults_applied.fetch_add(1, Ordering::SeqCst);
        }
        kind
    }

    pub fn hangs_up(&self) -> bool {
        let hangs_up = lock(&self.fault).hangs_up();
        if hangs_up {
            self.faults_applied.fetch_add(1, Ordering::SeqCst);
        }
        hangs_up
    }

    pub fn faults_applied(&self) -> u64 {
        self.faults_applied.load(Ordering::SeqCst)
    }

    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::SeqCst)
    }

    pub fn most_open(&self) -> usize {
        self.most_open.load(Ordering::SeqCst)
    }

    pub fn count_connection(&self) {
        self.connections.fetch_add(1, Ordering::SeqCst);
    }

    pub fn check_nonce(&self) -> bool {
        lock(&self.settings).check_nonce
    }

    pub fn set_check_nonce(&self, on: bool) {
        lock(&self.settings).check_nonce = on;
    }

    pub fn store_down(&self) -> bool {
        lock(&self.settings).store_down
    }

    pub fn set_store_down(&self, down: bool) {
        lock(&self.settings).store_down = down;
    }

    pub fn failover_delay(&self) -> Duration {
        lock(&self.settings).failover_delay
    }

    pub fn set_failover_delay(&self, delay: Duration) {
        lock(&self.settings).failover_delay = delay;
    }

    /// Reports and distinct reporters that make `threat.report_error` a failure.
    pub fn threshold(&self) -> (usize, usize) {
        let settings = lock(&self.settings);
        (settings.notifications, settings.clients)
    }

    pub fn set_threshold(&self, notifications: usize, clients: usize) {
        let mut settings = lock(&self.settings);
        (settings.notifications, settings.clients) = (notifications, clients);
    }

    /// Keeps a way to shut the connection from outside, for stopping; gives its number.
    pub fn register(&self, stream: &TcpStream) -> u64 {
        let id = self.next_connection.fetch_add(1, Ordering::SeqCst);
        if let Ok(stream) = stream.try_clone() {
            let mut open = lock(&self.open);
            open.insert(id, stream);
            self.most_open.fetch_max(open.len(), Ordering::SeqCst);
        }
        if self.stopping() {
            self.shut_all();
        }
        id
    }

    pub fn unregister(&self, id: u64) {
        lock(&self.open).remove(&id);
    }

    fn shut_all(&self) {
        for stream in lock(&self.open).values() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    pub fn stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    /// Tells every thread to end; the listeners are woken by a last connection.
    pub fn begin_stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        *lock(&self.stopped.0) = true;
        self.stopped.1.notify_all();
        self.shut_all();
        for addr in [Some(self.addr), self.control_addr, self.mysql_addr].into_iter().flatten() {
            let mut addr = addr;
            if addr.ip().is_unspecified() {
                addr.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
            }
            let _ = TcpStream::connect_timeout(&addr, Duration::from_secs(1));
        }
    }

    /// Sleeps, but not beyond a stop.
    pub fn sleep(&self, time: Duration) {
        let guard = lock(&self.stopped.0);
        let _ = self.stopped.1.wait_timeout_while(guard, time, |stopped| !*stopped);
    }

    pub fn wait_for_stop(&self) {
        let guard = lock(&self.stopped.0);
        let _guard = self
            .stopped
            .1
            .wait_while(guard, |stopped| !*stopped)
            .unwrap_or_else(PoisonError::into_inner);
    }
}
