//! Fabric's commands over the MySQL protocol, on a port of its own (32275 as shipped).
//!
//! Answers are asked for as JSON: as rows of text a node breaks off after 255 packets, and counts the
//! length of what is not ASCII wrongly.

mod answer;
mod call;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::watch;

use crate::base::error::{Code, Error, Result};
use crate::config::{Config, Node};
use crate::mysql::{Account, Address, Failure, Target, TlsMode};
use crate::observe::metrics::Traffic;
use crate::source::attempt::Attempt;
use crate::source::command::Value;
use crate::source::fabric::envelope::Envelope;
use crate::source::fabric::fault::fault;
use crate::source::fabric::nodes::{NodesReply, fabric_nodes};
use crate::source::fabric::protocol::Protocol;
use crate::source::fabric::rows::{Collect, Dump, Gathered};
use crate::source::mysql_session::{Opened, limits, open, wait_for};

/// What has a node answer in JSON from then on.
const AS_JSON: &str = "SET format=json";

/// A client of the nodes' MySQL-RPC ports.
pub struct MysqlRpc {
    config: Arc<Config>,
    traffic: Arc<Traffic>,
    cancelled: Arc<watch::Sender<bool>>,
    attempt: Attempt,
}

impl MysqlRpc {
    /// One exchange: a connection, a call, and its answer.
    fn exchange(&self, node: &Node, statement: &str) -> std::result::Result<Vec<u8>, Failure> {
        let target = self.target(node);
        let account = Account::of(self.config.credentials.as_ref());
        let Opened { mut session, deadline, begun } =
            open(&target, &account, &self.config, &self.attempt, &self.cancelled, &self.traffic)?;
        let limits = limits(&self.config);
        session.query(AS_JSON, &limits, deadline)?;
        let sets = session.query(statement, &limits, deadline)?;
        self.attempt.answered(begun.elapsed());
        let mut cells = sets.iter().flat_map(|set| set.rows()).map(|row| row.get(0));
        let json = match (cells.next().flatten(), cells.next()) {
            (Some(json), None) => json.to_vec(),
            _ => return Err(Failure::Protocol("answers a call otherwise than in JSON".into())),
        };
        for counter in [&self.traffic.received, &self.traffic.inflated] {
            counter.fetch_add(json.len() as u64, Ordering::Relaxed);
        }
        Ok(json)
    }

    /// With TLS files a node would have to speak TLS, and it does not: it is refused before anything of
    /// the password goes out.
    fn target(&self, node: &Node) -> Target {
        let address = Address::Tcp(node.clone());
        match self.config.tls.clone() {
            Some(files) => {
                Target::new(address, Some(TlsMode::VerifyIdentity), Some(files.ca), files.identity)
            }
            None => Target::plain(address),
        }
    }

    fn error(&self, node: &Node, failure: Failure) -> Error {
        let address = Address::Tcp(node.clone());
        let user = self.config.credentials.as_ref().map_or("", |own| own.user.as_str());
        // A node that wants a user closes the connection of nobody without a word.
        let is_nobody = self.config.credentials.is_none()
            && matches!(failure, Failure::Unreachable(_) | Failure::Refused(_));
        let mut error = failure.into_error(&address, user);
        // What speaks MySQL's protocol here is Fabric.
        if error.code == Code::Mysql {
            error.code = Code::Fabric;
        }
        if !is_nobody {
            return error;
        }
        let message = format!(
            "{}; it may want a user of Fabric's protocol.mysql, and a password: \
             fabric_options_set_credentials",
            error.message
        );
        Error::new(error.code, message)
    }

    /// A command's answer; an error in it is the server's word.
    fn ask(&self, node: &Node, method: &str, args: &[Value]) -> Result<Envelope> {
        let statement = call::statement(method, args)?;
        let json = wait_for(|| {
            self.exchange(node, &statement).map_err(|failure| self.error(node, failure))
        })?;
        let located = |error: Error| {
            let address = Address::Tcp(node.clone());
            Error::new(error.code, format!("{method} at {address}: {}", error.message))
        };
        let mut envelope = answer::read(&json).map_err(located)?;
        match envelope.error.take() {
            Some(text) => Err(fault(node, method, &text)),
            None => Ok(envelope),
        }
    }
}

impl Protocol for MysqlRpc {
    fn counted(config: Arc<Config>, traffic: Arc<Traffic>) -> Self {
        let cancelled = Arc::new(watch::Sender::new(false));
        Self { config, traffic, cancelled, attempt: Attempt::default() }
    }

    fn within(&self, attempt: &Attempt) -> Self {
        Self {
            config: Arc::clone(&self.config),
            traffic: Arc::clone(&self.traffic),
            cancelled: Arc::clone(&self.cancelled),
            attempt: attempt.clone(),
        }
    }

    fn cancel(&self) {
        self.cancelled.send_replace(true);
    }

    fn fabric_nodes(&self, node: &Node) -> Result<NodesReply> {
        let args = ["protocol.mysql".into()];
        let mut envelope = self.ask(node, "dump.fabric_nodes", &args)?;
        name_columns(&mut envelope, &["host", "port"]);
        fabric_nodes(node, envelope)
    }

    fn run(&self, node: &Node, method: &str, args: &[Value]) -> Result<Envelope> {
        self.ask(node, method, args)
    }

    fn dump<C: Collect + Send>(
        &self,
        node: &Node,
        method: &str,
        patterns: &str,
        rows: &(dyn Fn() -> C + Sync),
    ) -> Result<Dump<C>> {
        let mut envelope = self.ask(node, method, &[Value::Int(0), patterns.into()])?;
        name_columns(&mut envelope, C::COLUMNS);
        Gathered::into(rows()).finish(envelope)
    }
}

/// JSON names no columns of a set without rows.
fn name_columns(envelope: &mut Envelope, columns: &[&str]) {
    if let Some(set) = envelope.sets.first_mut().filter(|set| set.rows.is_empty()) {
        set.columns = columns.iter().map(|name| (*name).to_owned()).collect();
    }
}
