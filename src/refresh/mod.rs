//! When to ask the sources, and what becomes of their answers.
//!
//! [`refresher`] wires the parts of one handle; each owns what it keeps. From the bottom up:
//! [`known`] is what lookups use, which [`publisher`] replaces by what [`update`] makes of answers;
//! [`answered`] is what came back so far. [`fetch`] asks the sources what a request takes, as [`asker`],
//! and [`apply`] takes the answers in; [`watch`] counts that and tells of it. [`fetcher`] fetches for
//! callers, one fetch for all who wait ([`single_flight`]), and [`schedule`] in the background
//! ([`worker`]). [`health`] is what services report, and [`snapshot`] the file to start from.

pub mod absent;
pub mod age;
pub mod answered;
mod apply;
mod asker;
pub mod bound;
mod commands;
mod duty_cycle;
pub mod failure;
mod fetch;
pub mod fetcher;
pub mod health;
mod idle;
mod intervals;
pub mod known;
mod order;
mod publisher;
mod refresher;
mod reporting;
mod schedule;
pub mod single_flight;
pub mod snapshot;
pub mod snapshot_cell;
#[cfg(test)]
mod testing;
mod timer;
mod trouble;
pub mod update;
mod waiters;
mod watch;
mod worker;

pub use self::refresher::Refresher;
