//! A line on the terminal for what takes longer than a second, which is gone when it is done.

use std::io::{self, IsTerminal, Write};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

const SECOND: Duration = Duration::from_secs(1);

/// Shown until it is dropped.
pub struct Progress {
    shown: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Progress {
    /// Says what goes on; to a terminal alone, and not before a second has gone by.
    pub fn of(what: impl Into<String>) -> Self {
        if !io::stderr().is_terminal() {
            return Self { shown: None };
        }
        let (what, begun, (done, is_done)) = (what.into(), Instant::now(), channel());
        let thread = thread::spawn(move || {
            let mut is_shown = false;
            while is_done.recv_timeout(SECOND) == Err(RecvTimeoutError::Timeout) {
                let seconds = begun.elapsed().as_secs();
                let _ = write!(io::stderr().lock(), "\r{what} ... {seconds} s");
                is_shown = true;
            }
            if is_shown {
                let blanks = " ".repeat(what.chars().count() + 16);
                let _ = write!(io::stderr().lock(), "\r{blanks}\r");
            }
        });
        Self { shown: Some((done, thread)) }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((done, thread)) = self.shown.take() {
            drop(done);
            let _ = thread.join();
        }
    }
}
