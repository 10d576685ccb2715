//! The per-handle log: a callback the service gave, or silence.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

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

    /// A log of the same level that keeps what it hears: for code that runs under a lock.
    pub fn deferred(&self) -> Deferred {
        let kept = Arc::new(Mutex::new(Vec::new()));
        let keeper = Arc::clone(&kept);
        let keep = move |level, message: &str| {
            let mut kept = keeper.lock().unwrap_or_else(PoisonError::into_inner);
            kept.push((level, message.to_owned()));
        };
        let sink = self.sink.as_ref().map(|_| Arc::new(keep) as Arc<Sink>);
        Deferred { log: Self { sink, max: self.max }, kept }
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

/// Messages that wait to be told.
pub struct Deferred {
    log: Log,
    kept: Arc<Mutex<Vec<(Level, String)>>>,
}

impl Deferred {
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Tells them, in order.
    pub fn tell(self, log: &Log) {
        let kept = std::mem::take(&mut *self.kept.lock().unwrap_or_else(PoisonError::into_inner));
        for (level, message) in kept {
            log.write(level, format_args!("{message}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deferred_messages_come_later_in_order_and_only_if_somebody_listens() {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let ear = Arc::clone(&heard);
        let log = Log::new(Level::Warning, move |_, message| {
            ear.lock().expect("unpoisoned").push(message.to_owned());
        });
        let deferred = log.deferred();
        deferred.log().write(Level::Warning, format_args!("first"));
        deferred.log().write(Level::Debug, format_args!("too mild"));
        deferred.log().write(Level::Error, format_args!("second"));
        assert!(heard.lock().expect("unpoisoned").is_empty());
        deferred.tell(&log);
        assert_eq!(*heard.lock().expect("unpoisoned"), ["first", "second"]);

        let silent = Log::default().deferred();
        silent.log().write(Level::Error, format_args!("nobody listens"));
        assert!(silent.kept.lock().expect("unpoisoned").is_empty());
    }
}
