//! Where keys go by one shard map, and what another one changes.
//!
//! [`ring`] is HASH, exact from the bounds; [`range`] the other types, by the library's own lookup of
//! keys that were sampled or of the bounds themselves. [`even`] makes bounds, [`assign`] gives shards to
//! groups; [`doubts`] are what may be wrong.

pub mod assign;
pub mod doubts;
pub mod even;
pub mod range;
pub mod ring;
#[cfg(test)]
pub mod testing;

use serde::Serialize;

use crate::output::{Row, or_dash, percent};

/// Keys that are in one group by the old map and in another by the new one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Move {
    /// The first of them; nothing: from the lowest on.
    pub from: Option<String>,
    /// The first behind them; nothing: to the highest. On the ring of HASH it may be below `from`: then
    /// they go on at zero; if it is `from` itself they are all.
    pub until: Option<String>,
    /// Nothing where they had no shard.
    pub old_group: Option<String>,
    /// Nothing where they have none.
    pub new_group: Option<String>,
    /// Which part of all keys that is, where it is known.
    pub share: Option<f64>,
}

impl Row for Move {
    const HEAD: &'static [&'static str] = &["FROM", "UNTIL", "OLD GROUP", "NEW GROUP", "SHARE"];

    fn cells(&self) -> Vec<String> {
        vec![
            or_dash(self.from.as_deref().map(quoted)),
            or_dash(self.until.as_deref().map(quoted)),
            or_dash(self.old_group.as_deref()),
            or_dash(self.new_group.as_deref()),
            or_dash(self.share.map(percent)),
        ]
    }
}

/// A bound, to be told from no bound.
pub fn quoted(bound: &str) -> String {
    if bound.is_empty() { "''".to_owned() } else { bound.to_owned() }
}
