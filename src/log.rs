//! The per-handle log: a callback the service gave, or silence.

use std::fmt;
use std::sync::Arc;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum Level {
    Error = 1,
    Warning = 2,
    Info = 3,
    Debug = 4,
}

type Sink = dyn Fn(Level, &str) + Send + Sync;

/// Where a handle's messages go. Cloned freely; never global.
#[derive(Clone, Default)]
pub struct Log {
    sink: Option<Arc<Sink>>,
    max: i32,
}

impl Log {
    /// Hands messages of `level` and graver to `sink`, which runs on the thread that has
    /// something to say and never under a lock.
    pub fn new(level: Level, sink: impl Fn(Level, &str) + Send + Sync + 'static) -> Self {
        Self { sink: Some(Arc::new(sink)), max: level as i32 }
    }

    /// Formats nothing unless somebody listens.
    pub fn write(&self, level: Level, message: fmt::Arguments<'_>) {
        if level as i32 <= self.max
            && let Some(sink) = &self.sink
        {
            sink(level, &message.to_string());
        }
    }
}
