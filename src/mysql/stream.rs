//! The socket under a connection, and what may be said over it.

use std::os::fd::{AsFd, BorrowedFd};
use std::pin::Pin;
use std::task::{Context, Waker};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

use crate::mysql::failure::Failure;
use crate::mysql::target::Address;
use crate::net::connect::connect;

/// Bytes both ways.
pub trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {
    /// Says to the other side that nothing comes any more, whoever else has the socket open: a process
    /// forked meanwhile has, and to close it here would say nothing as long as that one lives.
    fn shut_down(&mut self);

    /// The socket under it.
    fn socket(&self) -> BorrowedFd<'_>;
}

/// TCP, a Unix socket, or TLS over one of them.
pub type Stream = Box<dyn Duplex>;

impl Duplex for TcpStream {
    fn shut_down(&mut self) {
        at_once(self);
    }

    fn socket(&self) -> BorrowedFd<'_> {
        self.as_fd()
    }
}

impl Duplex for UnixStream {
    fn shut_down(&mut self) {
        at_once(self);
    }

    fn socket(&self) -> BorrowedFd<'_> {
        self.as_fd()
    }
}

#[cfg(feature = "tls")]
impl Duplex for crate::net::tls::Secured<Stream> {
    fn shut_down(&mut self) {
        // Without a word of TLS, which might have to wait.
        self.get_mut().0.shut_down();
    }

    fn socket(&self) -> BorrowedFd<'_> {
        self.get_ref().0.socket()
    }
}

/// Without TLS, what would be put around a stream is the stream itself.
#[cfg(not(feature = "tls"))]
impl Duplex for Stream {
    fn shut_down(&mut self) {
        (**self).shut_down();
    }

    fn socket(&self) -> BorrowedFd<'_> {
        (**self).socket()
    }
}

fn at_once(socket: &mut (impl AsyncWrite + Unpin)) {
    // A system call, which waits for nothing.
    let _ = Pin::new(socket).poll_shutdown(&mut Context::from_waker(Waker::noop()));
}

/// Who may hear what goes over a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// Whoever is on the way.
    Plain,
    /// Whoever pretended to be the server.
    Unverified,
    /// The server alone.
    Private,
}

/// Connects.
pub async fn open(address: &Address) -> Result<Stream, Failure> {
    match address {
        Address::Tcp(node) => {
            let stream = connect(node).await?;
            // Best effort: what is written at once should go at once.
            let _ = stream.set_nodelay(true);
            Ok(Box::new(stream))
        }
        Address::Socket(path) => Ok(Box::new(UnixStream::connect(path).await?)),
    }
}
