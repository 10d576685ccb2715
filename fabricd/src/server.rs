//! Listeners and threads.

use std::io::{self, Read};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::farm::Farm;
use crate::fault::Fault;
use crate::mysql;
use crate::session;
use crate::state::{Report, RequestLog, Setup, Shared};
use crate::tls::{self, Tls};

/// How a node is started.
#[derive(Clone, Debug)]
pub struct Options {
    pub farm: Farm,
    /// Address to listen on; port 0 picks a free one.
    pub listen: String,
    /// Address of the port for MySQL-RPC, if there is to be one.
    pub mysql: Option<String>,
    /// Address of the control port, if there is to be one.
    pub control: Option<String>,
    /// Session threads: as many idle connections stall the node.
    pub threads: usize,
    pub auth: bool,
    pub realm: String,
    /// Accept only nonces of this node, unlike a real one.
    pub check_nonce: bool,
    /// How often the nonce table is dropped.
    pub nonce_purge: Duration,
    /// How long a group has no primary after its primary was reported.
    pub failover_delay: Duration,
    /// Behave as if the backing store were gone (without a real node's seconds of waiting).
    pub store_down: bool,
    pub tls: Option<Tls>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            farm: Farm::sample(),
            listen: "127.0.0.1:0".to_owned(),
            mysql: None,
            control: None,
            threads: 5,
            auth: true,
            realm: "MySQL Fabric".to_owned(),
            check_nonce: false,
            nonce_purge: Duration::from_secs(120),
            failover_delay: Duration::ZERO,
            store_down: false,
            tls: None,
        }
    }
}

impl Options {
    pub fn new(farm: Farm) -> Self {
        Options { farm, ..Options::default() }
    }
}

/// A running node. Dropping it stops it.
pub struct Server {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ServerConnection, TcpStream>>),
}

struct Connection {
    id: u64,
    stream: Stream,
}

impl Server {
    pub fn start(options: Options) -> io::Result<Server> {
        let listener = TcpListener::bind(&options.listen)?;
        let control = options.control.as_ref().map(TcpListener::bind).transpose()?;
        let mysql = options.mysql.as_ref().map(TcpListener::bind).transpose()?;
        let tls = options.tls.as_ref().map(tls::config).transpose()?;
        let setup = Setup {
            addr: listener.local_addr()?,
            control_addr: control.as_ref().map(TcpListener::local_addr).transpose()?,
            mysql_addr: mysql.as_ref().map(TcpListener::local_addr).transpose()?,
            auth: options.auth,
            realm: options.realm,
            close_notify: options.tls.is_some_and(|t| t.close_notify),
            check_nonce: options.check_nonce,
            store_down: options.store_down,
            nonce_purge: options.nonce_purge,
            failover_delay: options.failover_delay,
            farm: options.farm,
        };
        let shared = Arc::new(Shared::new(setup));
        let mut threads = Vec::new();
        pool(&shared, &mut threads, listener, options.threads.max(1), false, tls);
        if let Some(control) = control {
            pool(&shared, &mut threads, control, 4, true, None);
        }
        if let Some(mysql) = mysql {
            let shared = Arc::clone(&shared);
            threads.push(thread::spawn(move || accept_mysql(&shared, &mysql)));
        }
        Ok(Server { shared, threads })
    }

    pub fn addr(&self) -> SocketAddr {
        self.shared.addr
    }

    pub fn port(&self) -> u16 {
        self.shared.addr.port()
    }

    pub fn control_port(&self) -> Option<u16> {
        self.shared.control_addr.map(|a| a.port())
    }

    pub fn mysql_port(&self) -> Option<u16> {
        self.shared.mysql_addr.map(|a| a.port())
    }

    /// The farm, for reading and changing. Dumps wait while the guard is held.
    pub fn farm(&self) -> MutexGuard<'_, Farm> {
        self.shared.farm()
    }

    pub fn set_fault(&self, fault: Fault) {
        self.shared.set_fault(fault);
    }

    pub fn clear_fault(&self) {
        self.shared.set_fault(Fault::none());
    }

    /// How many requests a fault has hit.
    pub fn faults_applied(&self) -> u64 {
        self.shared.faults_applied()
    }

    pub fn set_store_down(&self, down: bool) {
        self.shared.set_store_down(down);
    }

    pub fn set_check_nonce(&self, on: bool) {
        self.shared.set_check_nonce(on);
    }

    pub fn set_failover_delay(&self, delay: Duration) {
        self.shared.set_failover_delay(delay);
    }

    /// Reports and distinct reporters that make `threat.report_error` a failure.
    pub fn set_threshold(&self, notifications: usize, clients: usize) {
        self.shared.set_threshold(notifications, clients);
    }

    pub fn purge_nonces(&self) {
        self.shared.nonces().purge();
    }

    pub fn requests(&self) -> Vec<RequestLog> {
        self.shared.log().clone()
    }

    pub fn clear_requests(&self) {
        self.shared.clear();
    }

    /// The calls of `threat.*`.
    pub fn reports(&self) -> Vec<Report> {
        self.shared.reports().iter().map(|(_, r)| r.clone()).collect()
    }

    /// TCP connections accepted.
    pub fn connections(&self) -> u64 {
        self.shared.connections()
    }

    /// Connections of both ports open at once, at most.
    pub fn most_open(&self) -> usize {
        self.shared.most_open()
    }

    /// Back to the state of the start: farm, settings, no fault, no requests.
    pub fn reset(&self) {
        self.shared.reset();
    }

    /// Waits until `fabricd.shutdown` is called on the control port.
    pub fn wait(&self) {
        self.shared.wait_for_stop();
    }

    /// A way to stop the node from another thread.
    pub fn stopper(&self) -> impl Fn() + Send + 'static {
        let shared = Arc::clone(&self.shared);
        move || shared.begin_stop()
    }

    /// Closes the ports and every connection, and waits for all threads.
    pub fn stop(&mut self) {
        if self.threads.is_empty() {
            return;
        }
        self.shared.begin_stop();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// One accepting thread and its session threads.
fn pool(
    shared: &Arc<Shared>,
    threads: &mut Vec<JoinHandle<()>>,
    listener: TcpListener,
    sessions: usize,
    control: bool,
    tls: Option<Arc<ServerConfig>>,
) {
    let (sender, receiver) = channel();
    let receiver = Arc::new(Mutex::new(receiver));
    for _ in 0..sessions {
        let (shared, receiver) = (Arc::clone(shared), Arc::clone(&receiver));
        threads.push(thread::spawn(move || work(&shared, &receiver, control)));
    }
    let shared = Arc::clone(shared);
    threads.push(thread::spawn(move || accept(&shared, &listener, &sender, control, tls)));
}

fn accept(
    shared: &Shared,
    listener: &TcpListener,
    sender: &Sender<Connection>,
    control: bool,
    tls: Option<Arc<ServerConfig>>,
) {
    while !shared.stopping() {
        let Ok((stream, _)) = listener.accept() else {
            thread::sleep(Duration::from_millis(10));
            continue;
        };
        if shared.stopping() {
            break;
        }
        let _ = stream.set_nodelay(true);
        if !control {
            shared.count_connection();
        }
        let id = shared.register(&stream);
        let stream = match &tls {
            None => Stream::Plain(stream),
            // In this thread, as a real node does it: a client that does not shake hands
            // keeps everybody waiting.
            Some(config) => match tls::handshake(config, stream) {
                Ok(stream) => Stream::Tls(Box::new(stream)),
                Err(_) => {
                    shared.unregister(id);
                    continue;
                }
            },
        };
        if sender.send(Connection { id, stream }).is_err() {
            break;
        }
    }
}

/// A connection of MySQL-RPC has a thread of its own.
fn accept_mysql(shared: &Shared, listener: &TcpListener) {
    thread::scope(|scope| {
        while !shared.stopping() {
            let Ok((mut stream, _)) = listener.accept() else {
                thread::sleep(Duration::from_millis(10));
                continue;
            };
            if shared.stopping() {
                break;
            }
            let _ = stream.set_nodelay(true);
            shared.count_connection();
            let id = shared.register(&stream);
            scope.spawn(move || {
                let _ = mysql::serve(shared, &mut stream).and_then(|()| close(&stream));
                shared.unregister(id);
            });
        }
    });
}

fn work(shared: &Shared, receiver: &Mutex<Receiver<Connection>>, control: bool) {
    loop {
        // Idle threads queue up at the lock instead of at the channel.
        let next = receiver.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Connection { id, stream }) = next else {
            return;
        };
        if !shared.stopping() {
            // A client that goes away is none of the node's business.
            let _ = match stream {
                Stream::Plain(mut stream) => {
                    session::serve(shared, &mut stream, control).and_then(|()| close(&stream))
                }
                Stream::Tls(mut stream) => {
                    session::serve(shared, &mut *stream, control).and_then(|()| {
                        if shared.close_notify {
                            stream.conn.send_close_notify();
                            stream.conn.complete_io(&mut stream.sock)?;
                        }
                        close(&stream.sock)
                    })
                }
            };
        }
        shared.unregister(id);
    }
}

/// Closes for good. Closing over unread input would reset the connection and could take the
/// answer away from the client, so what has already arrived is read.
fn close(mut stream: &TcpStream) -> io::Result<()> {
    stream.shutdown(Shutdown::Write)?;
    stream.set_nonblocking(true)?;
    while stream.read(&mut [0; 4096])? > 0 {}
    Ok(())
}
