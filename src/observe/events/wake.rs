//! A descriptor that is readable as long as events wait.

use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;

/// Two connected sockets, non-blocking and closed on exec. One byte lies between them while
/// events wait, so neither end is ever full, and level- and edge-triggered loops both notice.
#[derive(Debug)]
pub struct Wake {
    readable: UnixStream,
    writable: UnixStream,
    raised: bool,
}

impl Wake {
    pub fn new() -> io::Result<Self> {
        let (readable, writable) = UnixStream::pair()?;
        readable.set_nonblocking(true)?;
        writable.set_nonblocking(true)?;
        Ok(Self { readable, writable, raised: false })
    }

    pub fn fd(&self) -> RawFd {
        self.readable.as_raw_fd()
    }

    pub fn raise(&mut self) {
        if !self.raised {
            self.raised = self.writable.write(&[1]).is_ok();
        }
    }

    pub fn lower(&mut self) {
        // Somebody outside may have read the byte; then there is none to take.
        let _ = self.readable.read(&mut [0; 8]);
        self.raised = false;
    }
}
