//! How much goes over the wire to the nodes of a source.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counted by the transport as it goes. The heads of HTTP messages are not counted.
#[derive(Debug, Default)]
pub struct Traffic {
    /// HTTP requests begun, answered or not, those that were only challenged among them.
    pub requests: AtomicU64,
    /// Bytes of bodies as they came, compressed as a rule.
    pub received: AtomicU64,
    /// The same bodies, decompressed.
    pub inflated: AtomicU64,
}

/// Which of the counters a reader feeds.
pub type Counter = fn(&Traffic) -> &AtomicU64;

/// Counts what is read through it.
pub struct Metered<R> {
    inner: R,
    traffic: Arc<Traffic>,
    counter: Counter,
}

impl<R> Metered<R> {
    pub fn new(inner: R, traffic: &Arc<Traffic>, counter: Counter) -> Self {
        Self { inner, traffic: Arc::clone(traffic), counter }
    }
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        (self.counter)(&self.traffic).fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}
