//! The commands a router needs, with types, and any other as rows and columns.

use crate::base::error::{Code, Error, Result};
use crate::base::text::excerpt;
use crate::config::Node;
use crate::source::command::ResultSet;
use crate::source::fabric::envelope::{Envelope, Form};
use crate::source::fabric::http::client::{Client, fault};
use crate::source::fabric::http::failure::address;
use crate::source::fabric::nodes::{NodesReply, fabric_nodes};
use crate::source::fabric::rows::{Collect, Dump, FromRow, SHARD_COLUMNS};
use crate::source::fabric::stream::read_dump_within;
use crate::source::fabric::tabulate::MAX_COLUMNS;
use crate::source::fabric::xmlrpc::{Response, Value};
use crate::topology::{ServerRow, ShardRow};

/// What any command answered.
#[derive(Debug, Clone, PartialEq)]
pub struct ResultSets {
    /// Empty in generation 1.
    pub uuid: String,
    pub ttl_seconds: u64,
    pub sets: Vec<ResultSet>,
}

impl Client {
    /// The Fabric nodes that `node` knows, itself most likely.
    ///
    /// Generation 1 has no use for the protocol's name and faults on it: that is how the
    /// generations are told apart.
    pub fn fabric_nodes(&self, node: &Node) -> Result<NodesReply> {
        const METHOD: &str = "dump.fabric_nodes";
        let value = match self.request(node, METHOD, &["protocol.xmlrpc".into()])? {
            Response::Value(value) => value,
            Response::Fault { .. } => self.call(node, METHOD, &[])?,
        };
        fabric_nodes(node, unwrap(node, METHOD, value)?)
    }

    /// The servers of the groups whose names contain one of `patterns`, which are LIKE patterns
    /// with commas between; "" means all. The server matches more than it seems: filter.
    pub fn servers(&self, node: &Node, patterns: &str) -> Result<Dump<Vec<ServerRow>>> {
        self.dump(node, "dump.servers", patterns, &Vec::new)
    }

    /// The shards of the tables "database.table" that are LIKE one of `patterns`; "" means all.
    /// They come in no useful order.
    pub fn sharding_information(
        &self,
        node: &Node,
        patterns: &str,
    ) -> Result<Dump<Vec<ShardRow<'static>>>> {
        self.sharding_information_into(node, patterns, &Vec::new)
    }

    /// As `sharding_information`, each row going at once into what `rows` makes.
    pub fn sharding_information_into<C: Collect + Send>(
        &self,
        node: &Node,
        patterns: &str,
        rows: &(dyn Fn() -> C + Sync),
    ) -> Result<Dump<C>> {
        self.dump(node, "dump.sharding_information", patterns, rows)
    }

    /// Runs any command. In generation 1, which names no columns, those of known commands get
    /// the names of generation 2, and others "column1" and so on.
    pub fn execute(
        &self,
        node: &Node,
        group: &str,
        command: &str,
        args: &[Value],
    ) -> Result<ResultSets> {
        let method = method(group, command)?;
        let value = self.call(node, &method, args)?;
        let mut envelope = unwrap(node, &method, value)?;
        if envelope.form != Form::Two {
            name_columns(&method, &mut envelope.sets);
        }
        let Envelope { uuid, ttl_seconds, sets, .. } = envelope;
        Ok(ResultSets { uuid, ttl_seconds, sets })
    }

    /// Lets the node itself look up the group of a key, which the role `connector` may not.
    pub fn lookup_servers(&self, node: &Node, table: &str, key: Value) -> Result<ResultSets> {
        self.execute(node, "sharding", "lookup_servers", &[table.into(), key])
    }

    /// Declares a server dead, at once and without any check; a primary is replaced before the
    /// answer comes.
    pub fn report_failure(
        &self,
        node: &Node,
        server_uuid: &str,
        reporter: &str,
        error_text: &str,
    ) -> Result<()> {
        self.report(node, "report_failure", server_uuid, reporter, error_text)
    }

    /// Complains about a server. It takes complaints of many reporters (50, as shipped) for
    /// the node to act.
    pub fn report_error(
        &self,
        node: &Node,
        server_uuid: &str,
        reporter: &str,
        error_text: &str,
    ) -> Result<()> {
        self.report(node, "report_error", server_uuid, reporter, error_text)
    }

    fn report(
        &self,
        node: &Node,
        command: &str,
        server_uuid: &str,
        reporter: &str,
        error_text: &str,
    ) -> Result<()> {
        let args = [server_uuid.into(), reporter.into(), error_text.into()];
        self.execute(node, "threat", command, &args).map(|_| ())
    }

    /// The first argument is the version of what the client has; no node looks at it.
    fn dump<C: Collect + Send>(
        &self,
        node: &Node,
        method: &str,
        patterns: &str,
        rows: &(dyn Fn() -> C + Sync),
    ) -> Result<Dump<C>> {
        let params = [Value::Int(0), patterns.into()];
        let read = |body| read_dump_within(body, rows(), self.config().max_reply_bytes);
        let (response, gathered) = self.request_as(node, method, &params, &read)?;
        let value = match response {
            Response::Value(value) => value,
            Response::Fault { text, .. } => return Err(fault(node, method, &text)),
        };
        gathered.finish(unwrap(node, method, value)?).map_err(|error| {
            Error::new(error.code, format!("{method} at {}: {}", address(node), error.message))
        })
    }
}

/// Takes the wrapping off; an error in it is the server's word.
fn unwrap(node: &Node, method: &str, value: Value) -> Result<Envelope> {
    let mut envelope = Envelope::decode(value).map_err(|error| {
        Error::new(error.code, format!("{method} at {}: {}", address(node), error.message))
    })?;
    match envelope.error.take() {
        Some(text) => Err(fault(node, method, &text)),
        None => Ok(envelope),
    }
}

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
