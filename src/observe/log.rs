//! The per-handle log: a callback the service gave, or silence.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use crate::base::callback;
use crate::base::sync::{Mutex, assert_none_is_held, rank};
use crate::base::text::line;

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
    recent: Option<Arc<RecentLines>>,
    max: i32,
}

impl Log {
    /// Hands messages of `level` and graver to `sink`, which runs on the thread that has
    /// something to say and never under a lock. A message is one line of bounded length, whatever
    /// is in it.
    pub fn new(level: Level, sink: impl Fn(Level, &str) + Send + Sync + 'static) -> Self {
        Self {
            sink: Some(Arc::new(move |level, message: &str| {
                assert_none_is_held();
                callback::run(|| sink(level, message));
            })),
            recent: Some(Arc::new(RecentLines::default())),
            max: level as i32,
        }
    }

    /// A log of the same level that keeps what it hears: for code that runs under a lock.
    pub fn deferred(&self) -> Deferred {
        let kept = Arc::<Kept>::default();
        let keeper = Arc::clone(&kept);
        let keep = move |level, message: &str| {
            keeper.lock().push((level, message.to_owned()));
        };
        let sink = self.sink.as_ref().map(|_| Arc::new(keep) as Arc<Sink>);
        Deferred { log: Self { sink, recent: self.recent.clone(), max: self.max }, kept }
    }

    /// Formats nothing unless somebody listens.
    pub fn write(&self, level: Level, message: fmt::Arguments<'_>) {
        if let Some(sink) = self.listener(level) {
            sink(level, &line(message));
        }
    }

    /// As `write`, for a state that is found again at every refresh: the same line is not said
    /// again within an hour, unless many others were said meanwhile.
    pub fn write_once(&self, level: Level, message: fmt::Arguments<'_>) {
        if let (Some(sink), Some(recent)) = (self.listener(level), &self.recent) {
            let message = line(message);
            if recent.is_news(&message) {
                sink(level, &message);
            }
        }
    }

    fn listener(&self, level: Level) -> Option<&Arc<Sink>> {
        self.sink.as_ref().filter(|_| level as i32 <= self.max)
    }
}

/// How many lines are remembered.
const LINES: usize = 512;

/// How many slots a line may be in: the ways of a set-associative cache.
const WAYS: usize = 4;

/// The same line is news again after so many minutes.
const AGAIN_AFTER: u64 = 60;

/// The lines that were written lately. Without a lock: a forked child could find it held for ever.
/// If two threads write the same line at once, both may be told.
struct RecentLines {
    since: Instant,
    /// The digest of a line, and in the low bits when it was said; 0 = none.
    lines: Box<[AtomicU64]>,
}

/// The bits that tell minutes: a handle that lives for longer than 30 years repeats itself.
const MINUTES: u64 = (1 << 24) - 1;

impl Default for RecentLines {
    fn default() -> Self {
        Self { since: Instant::now(), lines: (0..LINES).map(|_| AtomicU64::new(0)).collect() }
    }
}

impl RecentLines {
    fn is_news(&self, line: &str) -> bool {
        self.is_news_at(line, self.since.elapsed().as_secs() / 60)
    }

    fn is_news_at(&self, line: &str, minute: u64) -> bool {
        let mut hasher = DefaultHasher::new();
        line.hash(&mut hasher);
        let digest = hasher.finish();
        let first = digest as usize % (LINES / WAYS) * WAYS;
        let places = self.lines.get(first..first + WAYS).unwrap_or_default();
        let now = (minute + 1).min(MINUTES);
        let age = |held: u64| now.saturating_sub(held & MINUTES);
        let same = |held: u64| held != 0 && held & !MINUTES == digest & !MINUTES;
        let mut oldest: Option<&AtomicU64> = None;
        for place in places {
            let held = place.load(Ordering::Relaxed);
            if same(held) {
                if age(held) < AGAIN_AFTER {
                    return false;
                }
                place.store(digest & !MINUTES | now, Ordering::Relaxed);
                return true;
            }
            let when = |place: &AtomicU64| place.load(Ordering::Relaxed) & MINUTES;
            if oldest.is_none_or(|oldest| when(place) < when(oldest)) {
                oldest = Some(place);
            }
        }
        if let Some(place) = oldest {
            place.store(digest & !MINUTES | now, Ordering::Relaxed);
        }
        true
    }
}

type Kept = Mutex<Vec<(Level, String)>, { rank::LOG }>;

/// Messages that wait to be told.
pub struct Deferred {
    log: Log,
    kept: Arc<Kept>,
}

impl Deferred {
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Tells them, in order.
    pub fn tell(self, log: &Log) {
        let kept = std::mem::take(&mut *self.kept.lock());
        for (level, message) in kept {
            log.write(level, format_args!("{message}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Heard = Arc<std::sync::Mutex<Vec<String>>>;

    fn listening() -> (Log, Heard) {
        let heard = Heard::default();
        let ear = Arc::clone(&heard);
        let log = Log::new(Level::Warning, move |_, message| {
            ear.lock().expect("unpoisoned").push(message.to_owned());
        });
        (log, heard)
    }

    #[test]
    fn deferred_messages_come_later_in_order_and_only_if_somebody_listens() {
        let (log, heard) = listening();
        let deferred = log.deferred();
        deferred.log().write(Level::Warning, format_args!("first"));
        deferred.log().write(Level::Debug, format_args!("too mild"));
        deferred.log().write(Level::Error, format_args!("second"));
        assert!(heard.lock().expect("unpoisoned").is_empty());
        deferred.tell(&log);
        assert_eq!(*heard.lock().expect("unpoisoned"), ["first", "second"]);

        let silent = Log::default().deferred();
        silent.log().write(Level::Error, format_args!("nobody listens"));
        assert!(silent.kept.lock().is_empty());
    }

    #[test]
    fn a_message_is_one_short_line() {
        let (log, heard) = listening();
        log.write(Level::Error, format_args!("table 'a\nFATAL: b\u{1b}[2J' {}", "x".repeat(5000)));
        let heard = heard.lock().expect("unpoisoned");
        assert!(heard[0].starts_with("table 'a\\nFATAL: b\\u{1b}[2J' xxx"), "{heard:?}");
        assert!(heard[0].len() < 1100, "{}", heard[0].len());
    }

    #[test]
    fn a_state_is_told_once() {
        let (log, heard) = listening();
        for _ in 0..100 {
            log.write_once(Level::Warning, format_args!("table 'a' is unusable"));
            let deferred = log.deferred();
            deferred.log().write_once(Level::Warning, format_args!("table 'a' is unusable"));
            deferred.log().write_once(Level::Warning, format_args!("table 'b' is unusable"));
            deferred.tell(&log);
        }
        let expected = ["table 'a' is unusable", "table 'b' is unusable"];
        assert_eq!(*heard.lock().expect("unpoisoned"), expected);
    }

    #[test]
    fn what_was_said_is_forgotten_after_a_while_and_bounded() {
        let recent = RecentLines::default();
        assert!(recent.is_news_at("a", 0));
        assert!(!recent.is_news_at("a", AGAIN_AFTER - 1));
        assert!(recent.is_news_at("a", AGAIN_AFTER));
        assert!(!recent.is_news_at("a", AGAIN_AFTER + 1));
        let lines: Vec<String> = (0..LINES / 8).map(|line| line.to_string()).collect();
        lines.iter().for_each(|line| _ = recent.is_news_at(line, 100));
        let again = lines.iter().filter(|line| recent.is_news_at(line, 100)).count();
        assert!(again < 8, "{again}");
        (0..10_000).for_each(|line| _ = recent.is_news_at(&format!("x{line}"), 101));
        assert!(recent.is_news_at("a", 101), "it made room");
    }
}
