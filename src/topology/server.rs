//! A MySQL server of a group, as its source describes it.

/// What the caller wants to do, and what a server may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum Mode {
    Offline = 0,
    ReadOnly = 1,
    WriteOnly = 2,
    ReadWrite = 3,
}

impl Mode {
    pub fn from_number(number: i32) -> Option<Self> {
        Some(match number {
            0 => Self::Offline,
            1 => Self::ReadOnly,
            2 => Self::WriteOnly,
            3 => Self::ReadWrite,
            _ => return None,
        })
    }

    fn reads(self) -> bool {
        matches!(self, Self::ReadOnly | Self::ReadWrite)
    }

    fn writes(self) -> bool {
        matches!(self, Self::WriteOnly | Self::ReadWrite)
    }
}

/// A server's role in its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum Status {
    Faulty = 0,
    Spare = 1,
    Secondary = 2,
    Primary = 3,
}

impl Status {
    pub fn from_number(number: i32) -> Option<Self> {
        Some(match number {
            0 => Self::Faulty,
            1 => Self::Spare,
            2 => Self::Secondary,
            3 => Self::Primary,
            _ => return None,
        })
    }
}

/// One server. Mode and status stay the numbers Fabric sent: unknown ones are shown as they
/// are and never chosen.
#[derive(Debug, Clone, PartialEq)]
pub struct Server {
    pub uuid: String,
    pub host: String,
    pub port: u16,
    pub mode: i32,
    pub status: i32,
    pub weight: f64,
    /// Where it stands, if the source says so.
    pub zone: Option<String>,
}

impl Server {
    /// Whether writes may go here: the primary, unless its own mode forbids them.
    pub fn takes_writes(&self) -> bool {
        self.is(Status::Primary) && Mode::from_number(self.mode).is_some_and(Mode::writes)
    }

    /// Whether reads may go here as to a secondary.
    pub fn takes_reads_as_secondary(&self) -> bool {
        self.is(Status::Secondary) && self.reads()
    }

    /// Whether reads may go here for want of a secondary.
    pub fn takes_reads_as_primary(&self) -> bool {
        self.is(Status::Primary) && self.reads()
    }

    /// Whether the source calls it the primary.
    pub fn is_primary(&self) -> bool {
        self.is(Status::Primary)
    }

    /// Whether it is a secondary or the primary: one that the source takes to be alive.
    pub fn serves(&self) -> bool {
        self.is(Status::Secondary) || self.is(Status::Primary)
    }

    fn is(&self, status: Status) -> bool {
        Status::from_number(self.status) == Some(status)
    }

    fn reads(&self) -> bool {
        Mode::from_number(self.mode).is_some_and(Mode::reads)
    }
}

/// The position of the only primary of a group. A group that lists two has none: nobody knows which
/// one is the primary, and writes to the other would be lost.
pub fn primary(servers: &[Server]) -> Option<usize> {
    let mut primaries = servers.iter().enumerate().filter(|(_, server)| server.is_primary());
    match (primaries.next(), primaries.next()) {
        (Some((at, _)), None) => Some(at),
        _ => None,
    }
}
