//! A connection to one server, that has let its user in.
//!
//! It belongs to the process that made it. A forked child has the descriptor, too, and neither says
//! a word over it nor has its event loop forget it, which it shares with its parent: it closes its
//! copy and no more. Its parent shuts the connection down when it is done, and does not rely on its
//! copy being the last.

use std::mem;
use std::os::fd::AsRawFd;
use std::time::Instant;

use tokio::time::timeout_at;

use crate::base::fork::Process;
use crate::mysql::account::Account;
use crate::mysql::failure::Failure;
use crate::mysql::limits::Limits;
use crate::mysql::login::{Login, log_in};
use crate::mysql::packet::Packets;
use crate::mysql::result_set::{self, ResultSet};
use crate::mysql::stream::{self, Stream};
use crate::mysql::target::Target;

const COM_QUIT: u8 = 1;
const COM_QUERY: u8 = 3;

/// A connection. To be used and dropped within the event loop that it was made in.
pub struct Connection {
    /// `None` once it is taken apart.
    packets: Option<Packets<Stream>>,
    login: Login,
    socket_id: Option<SocketId>,
    process: Process,
    /// Whether the server waits for the next statement: not while one is answered, and not after an
    /// answer that was not read to its end.
    idle: bool,
}

impl Connection {
    /// Connects and logs in, all of it before `deadline`.
    ///
    /// # Errors
    /// Any but `Server` and `TooLarge`.
    pub async fn connect(
        target: &Target,
        account: &Account,
        deadline: Instant,
    ) -> Result<Self, Failure> {
        let connecting = async {
            let stream = stream::open(&target.address).await?;
            let socket_id = SocketId::of(&stream);
            let (packets, login) = log_in(stream, target, account).await?;
            let process = Process::this();
            Ok(Self { packets: Some(packets), login, socket_id, process, idle: true })
        };
        timeout_at(deadline.into(), connecting).await.unwrap_or(Err(Failure::Timeout))
    }

    /// What the server calls its version.
    pub fn version(&self) -> &str {
        &self.login.greeting.version
    }

    /// Whether this is Fabric's own server, which has no SQL.
    pub fn is_fabric(&self) -> bool {
        self.login.greeting.is_fabric()
    }

    /// Whether the next login over such a connection may be refused though nobody changes a thing: a
    /// server that restarts has no hash to compare with, and wants the password in full.
    pub fn relies_on_password_cache(&self) -> bool {
        self.login.relies_on_password_cache
    }

    /// Whether it can be used: nothing went wrong in it, and it is this process's.
    pub fn is_usable(&self) -> bool {
        self.idle && self.process == Process::this()
    }

    /// Has the server do one statement; its answer is there, to the last byte, before `deadline`.
    ///
    /// # Errors
    /// After any but `Server` the connection is of no more use.
    pub async fn query(
        &mut self,
        statement: &str,
        limits: &Limits,
        deadline: Instant,
    ) -> Result<Vec<ResultSet>, Failure> {
        let is_usable = self.is_usable();
        let packets = self.packets.as_mut().filter(|_| is_usable).ok_or(Failure::Unusable)?;
        // Also if nobody waits for the answer to its end.
        self.idle = false;
        let asking = async {
            let mut packet = Vec::with_capacity(statement.len() + 1);
            packet.push(COM_QUERY);
            packet.extend_from_slice(statement.as_bytes());
            packets.begin();
            packets.write(&packet).await?;
            result_set::read(packets, limits).await
        };
        let answer = timeout_at(deadline.into(), asking).await.unwrap_or(Err(Failure::Timeout));
        self.idle = matches!(answer, Ok(_) | Err(Failure::Server(_)));
        answer
    }

    /// Says goodbye, so that the server does not count a client that broke off. Not after `deadline`.
    pub async fn close(mut self, deadline: Instant) {
        let is_usable = self.is_usable();
        if let Some(packets) = self.packets.as_mut().filter(|_| is_usable) {
            packets.begin();
            // It will be closed all the same.
            let _ = timeout_at(deadline.into(), packets.write(&[COM_QUIT])).await;
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let Some(mut packets) = self.packets.take() else { return };
        if self.process == Process::this() {
            packets.stream_mut().shut_down();
        } else {
            // The event loop is its parent's, whose list of sockets a drop would change.
            let socket = packets.stream().socket().as_raw_fd();
            let is_there =
                self.socket_id.is_some() && SocketId::of(packets.stream()) == self.socket_id;
            mem::forget(packets);
            // A child that has closed all that it inherited may have another file by this number.
            if is_there {
                let _ = nix::unistd::close(socket);
            }
        }
    }
}

/// Tells a socket from whatever else may get its descriptor's number later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct SocketId {
    device: libc::dev_t,
    inode: libc::ino_t,
}

impl SocketId {
    fn of(stream: &Stream) -> Option<Self> {
        let stat = nix::sys::stat::fstat(stream.socket()).ok()?;
        Some(Self { device: stat.st_dev, inode: stat.st_ino })
    }
}
