//! Which groups are to be discovered, and how.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::sync::{Mutex, rank};

pub use crate::config::{DiscoveryKind as Kind, GroupSpec};

/// The groups that are to be discovered, by their names: whoever knows the shard maps names them, and
/// discovery asks.
#[derive(Default)]
pub struct Specs {
    by_name: Mutex<Arc<BTreeMap<String, GroupSpec>>, { rank::GROUP_SPECS }>,
}

impl Specs {
    /// The groups of this moment.
    pub fn get(&self) -> Arc<BTreeMap<String, GroupSpec>> {
        Arc::clone(&self.by_name.lock())
    }

    /// From now on it is these, and no others.
    pub fn set(&self, by_name: BTreeMap<String, GroupSpec>) {
        *self.by_name.lock() = Arc::new(by_name);
    }
}
