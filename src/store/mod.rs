//! A topology as a file: the JSON format of docs/TOPOLOGY_FILE.md, and reading and writing it
//! whole.
//!
//! [`document`] is the format with [`fields`] for its single values, [`checksum`] its seal,
//! [`check`] what a file must fulfil, [`by_hand`] and [`members`] what one must that a person wrote, and
//! [`convert`] the way from and to a topology, with
//! [`tables`] and [`held`] for what is too large to be there twice, and [`rest`] for what another process
//! keeps in the same file: no I/O in any of them. [`read`] and [`write`] are the I/O, and [`times`] says what the times in a file are on the handle's clock.

pub(crate) mod by_hand;
pub mod check;
mod checksum;
pub mod convert;
pub mod document;
mod fields;
mod held;
mod members;
pub mod read;
pub mod rest;
mod tables;
pub mod times;
pub mod write;

pub use document::Document;
