//! How the command ends: a status for each kind of failure, so that scripts can tell them apart.

use std::io;

use mysqlfabric::base::error::{Code, Error};
use serde::Serialize;

use crate::c_names::translated;

/// The exit status. Numbers are documented in docs/COMMAND.md and never change their meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    Done = 0,
    /// The command did its work, and what it was to see is not as it should be.
    Found = 1,
    /// The arguments, the options or the configuration.
    Usage = 2,
    /// Nobody answers, or not in time.
    Unreachable = 3,
    /// Somebody answers, and lets nobody in.
    Login = 4,
    /// What is answered is of no use.
    Answer = 5,
    /// A file cannot be read or written, or is no topology file.
    File = 6,
    /// A table or a group that the farm does not have.
    Unknown = 7,
    /// No server serves this now; later one may.
    Unavailable = 8,
    /// The key has no shard, or the tables have none in common.
    Key = 9,
    /// Something is in the way that only a person can decide about.
    Refused = 10,
    /// The system, or the command itself.
    Internal = 70,
}

impl Exit {
    pub fn of(code: Code) -> Self {
        match code {
            Code::Argument
            | Code::NullPointer
            | Code::InvalidUtf8
            | Code::TableName
            | Code::KeyMissing
            | Code::KeyType
            | Code::BufferTooSmall
            | Code::NotSeeded => Self::Usage,
            Code::Unreachable | Code::Timeout | Code::WouldBlock | Code::Interrupted => {
                Self::Unreachable
            }
            Code::Auth | Code::Forbidden | Code::Tls => Self::Login,
            Code::Protocol | Code::ReplyTooLarge | Code::Fabric | Code::Mysql => Self::Answer,
            Code::File => Self::File,
            Code::UnknownTable | Code::UnknownGroup => Self::Unknown,
            Code::NoServer
            | Code::Stale
            | Code::NoEvent
            | Code::WriteHeld
            | Code::ShardUnavailable => Self::Unavailable,
            Code::DifferentShards
            | Code::KeyOutOfRange
            | Code::UnsupportedSharding
            | Code::SomeKeys => Self::Key,
            Code::System | Code::Panic => Self::Internal,
        }
    }
}

/// Why the command ends early.
#[derive(Debug)]
pub enum Failure {
    /// Nobody reads its output any more: no failure of the command.
    ClosedPipe,
    /// What is to be told, and the status of the library if it is from there.
    Told { exit: Exit, code: Option<Code>, message: String },
}

pub type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self::Told { exit, code: None, message: message.into() }
    }

    /// A failure that whoever calls the command has to mend.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// The same with words in front.
    pub fn about(self, what: &str) -> Self {
        match self {
            Self::Told { exit, code, message } => {
                Self::Told { exit, code, message: format!("{what}: {message}") }
            }
            Self::ClosedPipe => Self::ClosedPipe,
        }
    }
}

impl From<Error> for Failure {
    fn from(Error { code, message }: Error) -> Self {
        Self::Told { exit: Exit::of(code), code: Some(code), message: translated(&message) }
    }
}

/// A failure to write what was asked for.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::ClosedPipe,
            _ => Self::new(Exit::Internal, format!("the output cannot be written: {error}")),
        }
    }
}

/// A failure for programs. The names are documented in docs/COMMAND.md.
#[derive(Serialize)]
pub struct ForPrograms<'a> {
    exit: u8,
    /// The library's status, 0 where the command itself found it.
    status: i32,
    /// As the constant in C, without FABRIC_ERR_.
    name: Option<String>,
    retryable: bool,
    message: &'a str,
}

impl<'a> ForPrograms<'a> {
    pub fn of(exit: Exit, code: Option<Code>, message: &'a str) -> Self {
        Self {
            exit: exit as u8,
            status: code.map_or(0, |code| code as i32),
            name: code.map(constant),
            retryable: code.is_some_and(Code::is_retryable),
            message,
        }
    }
}

/// `UnknownTable` as `UNKNOWN_TABLE`.
fn constant(code: Code) -> String {
    let mut name = String::new();
    for letter in format!("{code:?}").chars() {
        if letter.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_uppercase());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_constants_in_c() {
        let header = include_str!("../../include/mysqlfabric.h");
        for code in Code::ALL {
            let defined = format!("FABRIC_ERR_{} {}", constant(*code), *code as i32);
            assert!(header.contains(&defined), "{defined}");
        }
    }
}
