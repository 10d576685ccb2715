//! How a Fabric node is spoken with: the same commands go over XML-RPC and over MySQL-RPC.

use std::sync::Arc;

use crate::base::error::Result;
use crate::config::{Config, Node};
use crate::observe::metrics::Traffic;
use crate::source::attempt::Attempt;
use crate::source::command::Value;
use crate::source::fabric::envelope::Envelope;
use crate::source::fabric::nodes::NodesReply;
use crate::source::fabric::rows::{Collect, Dump};

/// A client of Fabric nodes over one of its protocols. Any number of threads may use it at once; each
/// question is one exchange with one node, and nothing of it is kept.
pub trait Protocol: Send + Sync + Sized {
    /// A client of a handle, which counts what goes over the wire. No I/O.
    fn counted(config: Arc<Config>, traffic: Arc<Traffic>) -> Self;

    /// The same client, whose exchanges all belong to `attempt`.
    fn within(&self, attempt: &Attempt) -> Self;

    /// Cuts off what is on the wire and refuses what comes later: the handle is being freed.
    fn cancel(&self);

    /// The nodes that speak this protocol, as `node` knows them.
    fn fabric_nodes(&self, node: &Node) -> Result<NodesReply>;

    /// Runs a command, "group.command", and gives what was in the wrapping of its answer.
    ///
    /// # Errors
    /// `Code::Fabric`, with the node's words, if the command failed.
    fn run(&self, node: &Node, method: &str, args: &[Value]) -> Result<Envelope>;

    /// A dump of what is named by `patterns`, LIKE patterns with commas between, "" for all; each row goes
    /// into what `rows` makes.
    fn dump<C: Collect + Send>(
        &self,
        node: &Node,
        method: &str,
        patterns: &str,
        rows: &(dyn Fn() -> C + Sync),
    ) -> Result<Dump<C>>;
}
