//! What the tests of plans have in common.

use mysqlfabric::topology::ShardingType;

use crate::farm::{Shard, State, Table};

/// Table `s.NAME`, whose shards have these bounds and groups.
pub fn table(name: &str, kind: ShardingType, shards: &[(&str, &str)]) -> Table {
    let shards = shards.iter().enumerate().map(|(at, (bound, group))| Shard {
        id: at as i64,
        lower_bound: (*bound).to_owned(),
        group: (*group).to_owned(),
        state: State::Enabled,
    });
    Table {
        schema: "s".into(),
        name: name.into(),
        column: name.into(),
        kind,
        global_group: "a".into(),
        shards: shards.collect(),
    }
}
