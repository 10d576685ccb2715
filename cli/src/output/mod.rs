//! What the command says: tables for people, one JSON document a line for programs.

mod printable;
mod progress;
mod prometheus;
mod table;
mod time;

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::exit::{Exit, Failure, ForPrograms, Result};

pub use self::printable::printable;
pub use self::progress::Progress;
pub use self::prometheus::Metrics;
pub use self::table::table;
pub use self::time::{ago, utc};

use self::printable::printable_json;

/// Whether programs read standard error.
static IS_JSON: AtomicBool = AtomicBool::new(false);

/// Whether nobody wants warnings.
static IS_QUIET: AtomicBool = AtomicBool::new(false);

/// A line of a table for people, an object for programs.
pub trait Row: Serialize {
    const HEAD: &'static [&'static str];

    /// A cell for each column.
    fn cells(&self) -> Vec<String>;
}

/// Where the command's answer goes.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    pub json: bool,
}

impl Output {
    /// Settles for whom it is, for standard error, too.
    pub fn new(json: bool, quiet: bool) -> Self {
        IS_JSON.store(json, Ordering::Relaxed);
        IS_QUIET.store(quiet, Ordering::Relaxed);
        Self { json }
    }

    /// A list under its name.
    pub fn list<R: Row>(&self, name: &str, rows: &[R]) -> Result<()> {
        if self.json {
            return self.object([(name, to_value(rows)?)]);
        }
        self.text(&rows_as_table(rows))
    }

    /// An object for programs.
    pub fn object<'n>(&self, members: impl IntoIterator<Item = (&'n str, Value)>) -> Result<()> {
        let members = members.into_iter().map(|(name, value)| (name.to_owned(), value));
        self.value(&Value::Object(members.collect::<Map<_, _>>()))
    }

    /// A value for programs, in a line.
    pub fn value(&self, value: &impl Serialize) -> Result<()> {
        let line = serde_json::to_string(value).map_err(io::Error::from)?;
        let line = printable_json(&line) + "\n";
        self.text(&line)
    }

    /// Text as it is, at once: who reads a pipe gets whole lines.
    pub fn text(&self, text: &str) -> Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        Ok(out.flush()?)
    }

    /// Tells on standard error why the command ends.
    pub fn failure(&self, failure: &Failure) -> Exit {
        let (exit, code, message) = match failure {
            Failure::ClosedPipe => return Exit::Done,
            Failure::Told { exit, code, message } => (*exit, *code, message),
        };
        match self.json {
            true => {
                let error = ForPrograms::of(exit, code, message);
                tell(&json!({ "error": to_value(&error).unwrap_or_default() }));
            }
            false => note(message),
        }
        exit
    }
}

/// The table of rows, with its head.
pub fn rows_as_table<R: Row>(rows: &[R]) -> String {
    table(R::HEAD, &rows.iter().map(Row::cells).collect::<Vec<_>>())
}

pub fn to_value(value: &(impl Serialize + ?Sized)) -> Result<Value> {
    Ok(serde_json::to_value(value).map_err(io::Error::from)?)
}

/// Something that is no failure, on standard error.
pub fn warn(message: &str) {
    if IS_QUIET.load(Ordering::Relaxed) {
        return;
    }
    match IS_JSON.load(Ordering::Relaxed) {
        true => tell(&json!({ "warning": message })),
        false => complain(&format!("mysqlfabric: warning: {}", printable(message))),
    }
}

/// What is only to be known, on standard error.
pub fn note(message: &str) {
    match IS_JSON.load(Ordering::Relaxed) {
        true => tell(&json!({ "note": message })),
        false => complain(&format!("mysqlfabric: {}", printable(message))),
    }
}

/// A document on standard error.
fn tell(document: &Value) {
    complain(&printable_json(&document.to_string()));
}

/// A line on standard error. Where that is closed, nobody is to hear it.
fn complain(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Whether a person sees what is written to standard output.
pub fn is_seen() -> bool {
    io::stdout().is_terminal()
}

/// A cell that may be empty.
pub fn or_dash(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

pub fn yes_no(value: bool) -> String {
    if value { "yes" } else { "no" }.to_owned()
}

/// A share of the keys, for people.
pub fn percent(share: f64) -> String {
    format!("{:.3} %", share * 100.0)
}

/// `host:port`, the host in brackets if it has colons itself.
pub fn address(host: &str, port: u16) -> String {
    match host.contains(':') {
        true => format!("[{host}]:{port}"),
        false => format!("{host}:{port}"),
    }
}
