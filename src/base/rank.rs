//! The order of the locks: a thread takes one only while all that it holds have lower numbers.

/// The refresh thread of a handle, while it is started.
pub(crate) const WORKER: u8 = 1;

/// What was last read from the snapshot file, and written to it.
pub(crate) const DISK: u8 = 2;

/// The queue of the single flight: fetchers, and what gathers for the next.
pub(crate) const FLIGHTS: u8 = 3;

/// What services saw of servers. Whoever publishes holds it.
pub(crate) const OBSERVED: u8 = 4;

/// The shards that the source stopped listing.
pub(crate) const VANISHED: u8 = 5;

/// Replaced topologies that a thread may still use.
pub(crate) const REPLACED: u8 = 6;

/// Names that the source does not list.
pub(crate) const ABSENT: u8 = 7;

/// The Fabric nodes.
pub(crate) const NODES: u8 = 8;

/// What waits to be reported to the source.
pub(crate) const REPORTS: u8 = 9;

/// What is remembered of each node's way of authentication.
pub(crate) const AUTH: u8 = 10;

/// Names that are being looked up.
pub(crate) const RESOLVER: u8 = 11;

/// The events that wait.
pub(crate) const EVENTS: u8 = 12;

/// The orders of the refresh thread: what it has to do next.
pub(crate) const ORDERS: u8 = 13;

/// Callers that wait for the farm to change.
pub(crate) const WAITING: u8 = 14;

/// Messages that are kept until no lock is held.
pub(crate) const LOG: u8 = 15;

/// Threads that are waited for in the end.
pub(crate) const THREADS: u8 = 16;

/// Questions to the source that have no answer yet.
pub(crate) const QUESTIONS: u8 = 17;

/// The answer to a command.
pub(crate) const ANSWER: u8 = 18;

/// Tables that make a reply about several unreadable.
pub(crate) const UNREADABLE_TABLES: u8 = 19;

/// Questions that callers ask in their own threads.
pub(crate) const PRESENT: u8 = 20;

/// What the state store was last seen to say.
pub(crate) const STATE_STORE: u8 = 21;

/// Of what a shard map in MySQL tables has named the groups that are to be discovered last.
pub(crate) const DIRECTORY: u8 = 22;

/// Which groups are to be discovered.
pub(crate) const GROUP_SPECS: u8 = 23;

/// What discovery keeps from round to round.
pub(crate) const DISCOVERY: u8 = 24;

/// Servers that are to be tried by the handle itself.
pub(crate) const PROBES: u8 = 25;
