//! A topology as a file: the JSON format of docs/TOPOLOGY_FILE.md, and reading and writing it
//! whole.
//!
//! [`document`] is the format, with [`fields`] for its single values and [`group`] for what a group may
//! be, [`checksum`] its seal, and [`parse`] reads its text.
//! [`check`] has what every file must fulfil; [`hand_written`] and [`member_names`] what one must that a
//! person wrote. [`convert`] is the way from and to a topology, with [`tables`] and [`held`] for what is
//! too large to be in memory twice, and [`foreign_entries`] for what another process keeps in the same
//! file. None of these does I/O: that is [`read`] and [`mod@write`]. [`times`] says what the times in a file
//! are on the handle's clock.

pub mod check;
mod checksum;
pub mod convert;
pub mod document;
mod fields;
pub mod foreign_entries;
mod group;
pub(crate) mod hand_written;
pub(crate) mod held;
mod member_names;
pub mod parse;
pub mod read;
pub(crate) mod tables;
pub mod times;
pub mod write;

pub use document::Document;
