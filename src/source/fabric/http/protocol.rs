//! Fabric's commands over XML-RPC.

use std::sync::Arc;

use crate::base::error::{Error, Result};
use crate::config::{Config, Node};
use crate::observe::metrics::Traffic;
use crate::source::attempt::Attempt;
use crate::source::command::Value;
use crate::source::fabric::envelope::Envelope;
use crate::source::fabric::fault::fault;
use crate::source::fabric::http::client::Client;
use crate::source::fabric::nodes::{NodesReply, fabric_nodes};
use crate::source::fabric::protocol::Protocol;
use crate::source::fabric::rows::{Collect, Dump};
use crate::source::fabric::stream::read_dump_within;
use crate::source::fabric::xmlrpc::Response;

impl Protocol for Client {
    fn counted(config: Arc<Config>, traffic: Arc<Traffic>) -> Self {
        Client::counted(config, traffic)
    }

    fn within(&self, attempt: &Attempt) -> Self {
        Client::within(self, attempt)
    }

    fn cancel(&self) {
        Client::cancel(self);
    }

    /// Generation 1 has no use for the protocol's name and faults on it: that is how the
    /// generations are told apart.
    fn fabric_nodes(&self, node: &Node) -> Result<NodesReply> {
        const METHOD: &str = "dump.fabric_nodes";
        let value = match self.request(node, METHOD, &["protocol.xmlrpc".into()])? {
            Response::Value(value) => value,
            Response::Fault { .. } => self.call(node, METHOD, &[])?,
        };
        fabric_nodes(node, unwrap(node, METHOD, value)?)
    }

    fn run(&self, node: &Node, method: &str, args: &[Value]) -> Result<Envelope> {
        let value = self.call(node, method, args)?;
        unwrap(node, method, value)
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
            Error::new(error.code, format!("{method} at {}: {}", node, error.message))
        })
    }
}

/// Takes the wrapping off; an error in it is the server's word.
fn unwrap(node: &Node, method: &str, value: Value) -> Result<Envelope> {
    let mut envelope = Envelope::decode(value).map_err(|error| {
        Error::new(error.code, format!("{method} at {}: {}", node, error.message))
    })?;
    match envelope.error.take() {
        Some(text) => Err(fault(node, method, &text)),
        None => Ok(envelope),
    }
}
