//! What the command says: tables for people, one JSON document a line for programs.

mod progress;
mod prometheus;
mod table;
mod time;

use std::io::{self, IsTerminal, Write};

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::exit::{Exit, Failure, ForPrograms, Result};

pub use self::progress::Progress;
pub use self::prometheus::Metrics;
pub use self::table::table;
pub use self::time::{ago, utc};

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
        let mut line = serde_json::to_string(value).map_err(io::Error::from)?;
        line.push('\n');
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
                complain(&json!({ "error": to_value(&error).unwrap_or_default() }).to_string());
            }
            false => complain(&format!("mysqlfabric: {message}")),
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

/// A line on standard error. Where that is closed, nobody is to hear it.
pub fn complain(line: &str) {
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
