//! The commands a router needs, with types, and any other as rows and columns.

use crate::base::error::{Code, Error, Result};
use crate::base::text::excerpt;
use crate::config::Node;
use crate::source::command::ResultSet;
use crate::source::command::Value;
use crate::source::fabric::envelope::{Envelope, Form};
use crate::source::fabric::protocol::Protocol;
use crate::source::fabric::rows::{Collect, Dump, FromRow, SHARD_COLUMNS};
use crate::source::fabric::tabulate::MAX_COLUMNS;
use crate::topology::{ServerRow, ShardRow};

/// What any command answered.
#[derive(Debug, Clone, PartialEq)]
pub struct ResultSets {
    /// Empty in generation 1.
    pub uuid: String,
    pub ttl_seconds: u64,
    pub sets: Vec<ResultSet>,
}

/// The commands of Fabric nodes, over any protocol.
pub trait Commands: Protocol {
    /// The servers of the groups whose names contain one of `patterns`, which are LIKE patterns
    /// with commas between; "" means all. The server matches more than it seems: filter.
    fn servers(&self, node: &Node, patterns: &str) -> Result<Dump<Vec<ServerRow>>> {
        self.dump(node, "dump.servers", patterns, &Vec::new)
    }

    /// The shards of the tables "database.table" that are LIKE one of `patterns`; "" means all.
    /// They come in no useful order.
    fn sharding_information(
        &self,
        node: &Node,
        patterns: &str,
    ) -> Result<Dump<Vec<ShardRow<'static>>>> {
        self.sharding_information_into(node, patterns, &Vec::new)
    }

    /// As `sharding_information`, each row going at once into what `rows` makes.
    fn sharding_information_into<C: Collect + Send>(
        &self,
        node: &Node,
        patterns: &str,
        rows: &(dyn Fn() -> C + Sync),
    ) -> Result<Dump<C>> {
        self.dump(node, "dump.sharding_information", patterns, rows)
    }

    /// Runs any command. In generation 1, which names no columns, those of known commands get
    /// the names of generation 2, and others "column1" and so on.
    fn execute(
        &self,
        node: &Node,
        group: &str,
        command: &str,
        args: &[Value],
    ) -> Result<ResultSets> {
        let method = method(group, command)?;
        let mut envelope = self.run(node, &method, args)?;
        if envelope.form != Form::Two {
            name_columns(&method, &mut envelope.sets);
        }
        let Envelope { uuid, ttl_seconds, sets, .. } = envelope;
        Ok(ResultSets { uuid, ttl_seconds, sets })
    }

    /// Lets the node itself look up the group of a key, which the role `connector` may not.
    fn lookup_servers(&self, node: &Node, table: &str, key: Value) -> Result<ResultSets> {
        self.execute(node, "sharding", "lookup_servers", &[table.into(), key])
    }

    /// Declares a server dead, at once and without any check; a primary is replaced before the
    /// answer comes.
    fn report_failure(
        &self,
        node: &Node,
        server_uuid: &str,
        reporter: &str,
        error_text: &str,
    ) -> Result<()> {
        let args = [server_uuid.into(), reporter.into(), error_text.into()];
        self.execute(node, "threat", "report_failure", &args).map(|_| ())
    }

    /// Complains about a server. It takes complaints of many reporters (50, as shipped) for
    /// the node to act.
    fn report_error(
        &self,
        node: &Node,
        server_uuid: &str,
        reporter: &str,
        error_text: &str,
    ) -> Result<()> {
        let args = [server_uuid.into(), reporter.into(), error_text.into()];
        self.execute(node, "threat", "report_error", &args).map(|_| ())
    }
}

impl<P: Protocol> Commands for P {}

/// The node answers a name without a dot with no status line at all, so none is sent.
fn method(group: &str, command: &str) -> Result<String> {
    let word = |text: &str| {
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        !text.is_empty() && text.bytes().all(legal)
    };
    if word(group) && word(command) {
        return Ok(format!("{group}.{command}"));
    }
    let message = format!(
        "\"{}\".\"{}\" is no command; both parts are letters, digits and '_', as in \"group\" \
         and \"lookup_servers\"",
        excerpt(group, 60),
        excerpt(command, 60)
    );
    Err(Error::new(Code::Argument, message))
}

/// Columns of replies that generation 1 sends as bare lists.
const COLUMNS: [(&str, &[&str]); 8] = [
    ("dump.fabric_nodes", &["address"]),
    ("dump.servers", ServerRow::COLUMNS),
    ("dump.sharding_information", SHARD_COLUMNS),
    ("dump.shard_tables", &["schema_name", "table_name", "column_name", "mapping_id"]),
    ("dump.shard_maps", &["mapping_id", "type_name", "global_group_id"]),
    ("dump.shard_index", &["lower_bound", "mapping_id", "shard_id", "group_id"]),
    ("sharding.list_definitions", &["mapping_id", "type_name", "global_group_id"]),
    ("sharding.lookup_servers", &["server_uuid", "address", "is_primary"]),
];

fn name_columns(method: &str, sets: &mut [ResultSet]) {
    let known = COLUMNS.iter().find(|(name, _)| *name == method).map(|(_, columns)| *columns);
    for set in sets {
        let width = set.rows.iter().map(Vec::len).max().unwrap_or(0).min(MAX_COLUMNS);
        let unnamed = set.columns.iter().all(|name| name.starts_with("column"));
        match known {
            Some(columns) if unnamed && (width == 0 || width == columns.len()) => {
                set.columns = columns.iter().map(|name| (*name).to_owned()).collect();
            }
            _ if set.columns.is_empty() => {
                set.columns = (1..=width).map(|number| format!("column{number}")).collect();
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_have_two_words() {
        assert_eq!(method("threat", "report_error").unwrap(), "threat.report_error");
        for (group, command) in [("", "ping"), ("manage", ""), ("a.b", "c"), ("a", "b c")] {
            assert_eq!(method(group, command).unwrap_err().code, Code::Argument);
        }
    }
}
