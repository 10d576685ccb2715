//! What can go wrong: one status code, one sentence that names the value and the remedy.

/// The status codes of the C API. Numbers are explicit and never reused.
///
/// 1 to 19 are the caller's arguments, 20 to 39 the way to the source, 40 to 59 the farm, 60 to 79 the
/// call itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(i32)]
pub enum Code {
    Argument = 1,
    NullPointer = 2,
    InvalidUtf8 = 3,
    TableName = 4,
    KeyMissing = 5,
    KeyType = 6,
    BufferTooSmall = 7,

    Unreachable = 20,
    Timeout = 21,
    Auth = 22,
    Forbidden = 23,
    Tls = 24,
    Protocol = 25,
    ReplyTooLarge = 26,
    Fabric = 27,
    NotSeeded = 28,
    File = 29,
    Mysql = 30,

    UnknownTable = 40,
    UnknownGroup = 41,
    NoServer = 42,
    DifferentShards = 43,
    KeyOutOfRange = 44,
    UnsupportedSharding = 45,
    Stale = 46,
    NoEvent = 47,
    WriteHeld = 48,
    ShardUnavailable = 49,
    SomeKeys = 50,

    WouldBlock = 60,
    Interrupted = 61,
    System = 62,

    Panic = 99,
}

impl Code {
    /// Every code, in the order of the numbers.
    pub const ALL: &[Self] = &[
        Self::Argument,
        Self::NullPointer,
        Self::InvalidUtf8,
        Self::TableName,
        Self::KeyMissing,
        Self::KeyType,
        Self::BufferTooSmall,
        Self::Unreachable,
        Self::Timeout,
        Self::Auth,
        Self::Forbidden,
        Self::Tls,
        Self::Protocol,
        Self::ReplyTooLarge,
        Self::Fabric,
        Self::NotSeeded,
        Self::File,
        Self::Mysql,
        Self::UnknownTable,
        Self::UnknownGroup,
        Self::NoServer,
        Self::DifferentShards,
        Self::KeyOutOfRange,
        Self::UnsupportedSharding,
        Self::Stale,
        Self::NoEvent,
        Self::WriteHeld,
        Self::ShardUnavailable,
        Self::SomeKeys,
        Self::WouldBlock,
        Self::Interrupted,
        Self::System,
        Self::Panic,
    ];

    /// The code of a number, if it is one of a failure.
    pub fn from_number(number: i32) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| *code as i32 == number)
    }

    /// The MySQL errno that fits, or 0. Connector/Python raises these where it has a number at all:
    /// ER_BAD_TABLE_ERROR for a table that is not sharded, and the client's own numbers for
    /// connections to Fabric.
    pub fn mysql_errno(self) -> i32 {
        match self {
            Self::UnknownTable => 1051,
            Self::Auth => 1045,
            Self::Forbidden => 1370,
            Self::Unreachable | Self::NotSeeded => 2003,
            Self::Timeout => 2013,
            Self::Tls => 2026,
            Self::Protocol | Self::ReplyTooLarge => 2027,
            _ => 0,
        }
    }

    /// Whether the same call may succeed later although nobody corrects anything: time, the source,
    /// or the system heals it. Of `SomeKeys`, each key has a code of its own.
    pub fn is_retryable(self) -> bool {
        match self {
            Self::Unreachable
            | Self::Timeout
            | Self::Protocol
            | Self::NoServer
            | Self::Stale
            | Self::NoEvent
            | Self::WriteHeld
            | Self::ShardUnavailable
            | Self::WouldBlock
            | Self::Interrupted
            | Self::System => true,
            Self::Argument
            | Self::NullPointer
            | Self::InvalidUtf8
            | Self::TableName
            | Self::KeyMissing
            | Self::KeyType
            | Self::BufferTooSmall
            | Self::Auth
            | Self::Forbidden
            | Self::Tls
            | Self::ReplyTooLarge
            | Self::Fabric
            | Self::NotSeeded
            | Self::File
            | Self::Mysql
            | Self::UnknownTable
            | Self::UnknownGroup
            | Self::DifferentShards
            | Self::KeyOutOfRange
            | Self::UnsupportedSharding
            | Self::SomeKeys
            | Self::Panic => false,
        }
    }
}

/// A failure: its code and a message for people. The MySQL errno follows from the code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    pub code: Code,
    pub message: String,
}

impl Error {
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// Where warm calls can fail, an error is no larger than a pointer.
impl From<Box<Error>> for Error {
    fn from(error: Box<Self>) -> Self {
        *error
    }
}

pub type Result<T> = std::result::Result<T, Error>;
