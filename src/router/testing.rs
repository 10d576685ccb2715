//! A farm that is listed by the test itself.

use std::sync::Arc;

use proptest::prelude::*;

use crate::base::error::{Code, Error, Result};
use crate::config::Config;
use crate::source::{
    Answer, Ask, Content, GroupAnswers, GroupSource, Groups, MapAnswers, MapSource, Source,
    Sources, Wanted,
};
use crate::topology::{Server, ServerRow, ShardRow, TablesBuilder};

use super::Router;

/// What a source lists: servers of groups, and the shards of `db.ranges`, `db.hashes` and `db.times`, by
/// the group, an integer that the lower bound is made of, and whether they are read-only.
#[derive(Debug, Clone, Default)]
pub struct Listed {
    pub servers: Vec<ServerRow>,
    pub shards: Vec<(String, u32, bool)>,
}

impl Listed {
    /// Servers by group, UUID, status and mode.
    pub fn of(servers: &[(&str, &str, i32, i32)], shards: &[(&str, u32, bool)]) -> Self {
        let server = |(group, uuid, status, mode): &(&str, &str, i32, i32)| ServerRow {
            group: (*group).into(),
            server: Server {
                uuid: (*uuid).into(),
                host: "h".into(),
                port: 3306,
                mode: *mode,
                status: *status,
                weight: 1.0,
                zone: None,
            },
        };
        let shard = |(group, bound, read_only): &(&str, u32, bool)| {
            ((*group).to_owned(), *bound, *read_only)
        };
        Self {
            servers: servers.iter().map(server).collect(),
            shards: shards.iter().map(shard).collect(),
        }
    }

    /// Twelve servers of three groups, `uuid-0` to `uuid-11`, in any roles; and shards in four, of which
    /// one has no server.
    pub fn any() -> impl Strategy<Value = Self> {
        let server = (
            0usize..3,
            prop::sample::select(vec![0, 1, 2, 2, 2, 2, 3, 3]),
            0i32..4,
            1u32..4,
            prop::option::of("[ab]"),
        );
        let servers = prop::collection::vec(server, 12);
        let shards = prop::collection::btree_map(0u32..50, (0usize..4, any::<bool>()), 1..6);
        (servers, shards).prop_map(|(servers, shards)| Self {
            servers: (0..)
                .zip(servers)
                .map(|(at, (group, status, mode, weight, zone))| ServerRow {
                    group: format!("g{group}"),
                    server: Server {
                        uuid: format!("uuid-{at}"),
                        host: "h".into(),
                        port: 3306,
                        mode,
                        status,
                        weight: weight.into(),
                        zone,
                    },
                })
                .collect(),
            shards: shards
                .into_iter()
                .map(|(bound, (group, read_only))| (format!("g{group}"), bound, read_only))
                .collect(),
        })
    }

    fn shard_rows(&self) -> TablesBuilder {
        let mut rows = TablesBuilder::default();
        for (shard_id, (group, bound, read_only)) in (1..).zip(&self.shards) {
            for (table, type_name, lower_bound) in [
                ("ranges", "RANGE", bound.to_string()),
                ("hashes", "HASH", format!("{:032X}", u128::from(*bound) << 122)),
                ("times", "RANGE_DATETIME", format!("20{bound:02}-01-01")),
            ] {
                rows.push(&ShardRow {
                    schema: "db".into(),
                    table: table.into(),
                    column: "c".into(),
                    lower_bound: lower_bound.into(),
                    shard_id,
                    type_name: type_name.into(),
                    group: group.as_str().into(),
                    global_group: "g0".into(),
                    read_only: *read_only,
                });
            }
        }
        rows
    }
}

struct List(Arc<Listed>);

impl Source for List {
    fn unsupported(&self) -> Error {
        Error::new(Code::NotSeeded, "a list takes no orders")
    }
}

impl MapSource for List {
    fn maps(&self, wanted: &Wanted<'_>, ask: &Ask<'_>) -> Result<MapAnswers> {
        let about = wanted.about();
        let content =
            Content::Rows { about, rows: self.0.shard_rows().into(), rejected: Vec::new() };
        ask.asker.source_answered();
        Ok(Answer { asked_at: ask.asker.now(), interval: LONG, content }.into())
    }
}

impl GroupSource for List {
    fn groups(&self, wanted: &Wanted<'_>, ask: &Ask<'_>) -> Result<GroupAnswers> {
        let about = wanted.about();
        let servers = self.0.servers.clone();
        // Those with even numbers have said so themselves.
        let is_heard = |row: &&ServerRow| row.server.uuid.ends_with(['0', '2', '4', '6', '8']);
        let heard = servers.iter().filter(is_heard).map(|row| row.server.uuid.clone()).collect();
        let rows = Groups { servers, heard, ..Groups::default() };
        let content = Content::Rows { about, rows, rejected: Vec::new() };
        ask.asker.source_answered();
        Ok(Answer { asked_at: ask.asker.now(), interval: LONG, content }.into())
    }
}

const LONG: std::time::Duration = std::time::Duration::from_secs(3600);

/// A handle on that list.
pub fn router(listed: &Listed, config: Config) -> Router {
    let list = || List(Arc::new(listed.clone()));
    Router::with_sources(config, Sources::two(list(), list()))
}
