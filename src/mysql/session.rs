//! A connection for a thread that waits: with an event loop of its own.

use std::mem;
use std::time::{Duration, Instant};

use crate::base::fork::Process;
use crate::base::random;
use crate::mysql::account::Account;
use crate::mysql::connection::Connection;
use crate::mysql::failure::Failure;
use crate::mysql::limits::Limits;
use crate::mysql::result_set::ResultSet;
use crate::mysql::target::Target;
use crate::net::event_loop::{Cancelled, Ended, EventLoop, broken};

/// How long a goodbye may take. It fits into the socket's buffer.
const GOODBYE: Duration = Duration::from_millis(100);

/// A connection and its event loop, which no thread runs but the one that waits. Where the caller
/// has an event loop of its own, `net::off_runtime` has a place to wait in.
pub struct Session {
    /// `None` for good where it is another process's.
    parts: Option<(Connection, EventLoop)>,
    process: Process,
}

impl Session {
    /// As [`Connection::connect`]; `cancelled` are what end the wait before.
    ///
    /// # Errors
    /// As there.
    pub fn connect(
        target: &Target,
        account: &Account,
        deadline: Instant,
        cancelled: [Cancelled; 2],
    ) -> Result<Self, Failure> {
        // TLS needs some, and panics without.
        random::bytes().map_err(|error| Failure::System(error.message))?;
        let event_loop = EventLoop::new(cancelled);
        let event_loop = event_loop.map_err(|error| Failure::System(error.to_string()))?;
        let connecting = Connection::connect(target, account, deadline);
        let connection = event_loop.wait(deadline, connecting).unwrap_or_else(ended)?;
        Ok(Self { parts: Some((connection, event_loop)), process: Process::this() })
    }

    /// As [`Connection::query`].
    ///
    /// # Errors
    /// As there.
    pub fn query(
        &mut self,
        statement: &str,
        limits: &Limits,
        deadline: Instant,
    ) -> Result<Vec<ResultSet>, Failure> {
        let is_own = self.process == Process::this();
        let parts = self.parts.as_mut().filter(|_| is_own).ok_or(Failure::Unusable)?;
        let (connection, event_loop) = parts;
        let asking = connection.query(statement, limits, deadline);
        event_loop.wait(deadline, asking).unwrap_or_else(ended)
    }

    /// As [`Connection::relies_on_password_cache`].
    pub fn relies_on_password_cache(&self) -> bool {
        self.parts.as_ref().is_some_and(|(connection, _)| connection.relies_on_password_cache())
    }

    /// What the server calls its version.
    pub fn version(&self) -> &str {
        self.parts.as_ref().map_or("", |(connection, _)| connection.version())
    }
}

fn ended<T>(ended: Ended) -> Result<T, Failure> {
    Err(match ended {
        Ended::Late => Failure::Timeout,
        Ended::CutOff => Failure::CutOff,
        Ended::Broken => Failure::System(broken().message),
    })
}

impl Drop for Session {
    fn drop(&mut self) {
        let Some((connection, event_loop)) = self.parts.take() else { return };
        if self.process != Process::this() {
            // The connection knows what to do in a child; the loop is as its parent's thread left it.
            drop(connection);
            mem::forget(event_loop);
            return;
        }
        // Whoever was cut off says goodbye, too: it waits for nobody.
        let deadline = Instant::now() + GOODBYE;
        // A loop that is broken has leaked it.
        let _ = event_loop.run(connection.close(deadline));
    }
}
