//! The tables that spoil a reply about several, as far as they are known.

use std::collections::BTreeSet;

use crate::base::sync::{Mutex, rank};

pub type UnreadableTables = Mutex<State, { rank::UNREADABLE_TABLES }>;

#[derive(Default)]
pub struct State {
    pub tables: BTreeSet<String>,
    /// Until when nobody asks for everything in one reply.
    pub apart_until: u64,
    /// The last table that was asked for, in the order of the names.
    pub last: String,
}
