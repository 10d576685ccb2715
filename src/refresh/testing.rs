//! What the unit tests of the refresh route by: table `db.t`, whose shards lie in group `g`, and rows.

use crate::topology::{Server, ServerRow, ShardRow, TablesBuilder};

use super::publisher::Publisher;
use super::update::Asked;

/// A publisher of a farm that is known until 1,000 on the handle's clock.
pub fn publisher() -> Publisher {
    let publisher = Publisher::new(Default::default(), Default::default(), true);
    publisher.publish(|update| {
        update.tables(&Asked::Everything, shards(&["1"]), &[], 1_000);
        update.groups(&Asked::Everything, vec![primary("g", "p")], &[], 1_000);
    });
    publisher
}

/// The rows of table `db.t`, whose shards begin at these bounds.
pub fn shards(bounds: &[&str]) -> TablesBuilder {
    let mut rows = TablesBuilder::default();
    for (bound, shard_id) in bounds.iter().zip(1..) {
        rows.push(&ShardRow {
            schema: "db".into(),
            table: "t".into(),
            column: "c".into(),
            lower_bound: (*bound).into(),
            shard_id,
            type_name: "RANGE".into(),
            group: "g".into(),
            global_group: "g".into(),
            read_only: false,
        });
    }
    rows
}

/// A server that takes a group's writes.
pub fn primary(group: &str, uuid: &str) -> ServerRow {
    let (uuid, host) = (uuid.to_owned(), "h".to_owned());
    let server = Server { uuid, host, port: 1, mode: 3, status: 3, weight: 1.0, zone: None };
    ServerRow { group: group.to_owned(), server }
}
