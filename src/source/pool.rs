//! The nodes of a source that is asked over the network: whom to ask, in which order, and what is
//! learned of them by the way. Any source that has several nodes asks through it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;

use crate::base::error::{Error, Result};
use crate::base::sync::{Mutex, rank};
use crate::config::{Config, Node};
use crate::observe::log::Level;

use super::callers::{CallersQuestions, QuestionGuard};
use super::node_state::NodeState;
use super::race::{FirstAnswer, HedgeDelay, ask_all, race};
use super::retry::{RetryPolicy, may_pass, more_specific, spares_node};
use super::{Ask, Attempt, Endpoints, FirstByteTimes, Subject};

/// The nodes of one source. A forked child goes on from those that its parent had learned.
pub struct NodePool {
    config: Arc<Config>,
    /// What a node is called in messages, such as "Fabric node".
    kind: &'static str,
    /// What an interrupted call is told that it waited for.
    awaited: &'static str,
    /// The refusal where no node is known.
    none: fn() -> Error,
    endpoints: Mutex<Endpoints, { rank::NODES }>,
    inherited: Arc<ArcSwap<Endpoints>>,
    callers: CallersQuestions,
}

impl NodePool {
    pub fn new(
        config: &Arc<Config>,
        kind: &'static str,
        awaited: &'static str,
        none: fn() -> Error,
    ) -> Self {
        Self::of(&config.nodes, config, kind, awaited, none)
    }

    /// As `new`, of nodes that are not the Fabric nodes of the options.
    pub fn of(
        nodes: &[Node],
        config: &Arc<Config>,
        kind: &'static str,
        awaited: &'static str,
        none: fn() -> Error,
    ) -> Self {
        let endpoints = Endpoints::new(nodes, config.backoff_limit);
        let inherited = Arc::new(ArcSwap::from_pointee(endpoints));
        let known = Arc::clone(&inherited);
        Self {
            config: Arc::clone(config),
            kind,
            awaited,
            none,
            endpoints: Mutex::new(move || Endpoints::clone(&known.load())),
            inherited,
            callers: CallersQuestions::default(),
        }
    }

    /// Tries `question` on the nodes until one answers, in rounds. In each the next node is asked,
    /// too, when one has been silent for a while; whoever answers first has the others cut off. One
    /// request timeout is the bound for all nodes of a round together.
    pub fn ask<T: Send>(
        &self,
        ask: &Ask<'_>,
        subject: Subject,
        question: impl Fn(&Node, &Attempt) -> Result<T> + Sync,
    ) -> Result<T> {
        let Ask { retry, asker } = *ask;
        let mut failure: Option<Error> = None;
        for round in 0..retry.count.max(1) {
            if round > 0 && (retry.is_over_in(retry.pause) || ask.pause(retry.pause)) {
                break;
            }
            let mut passing = false;
            let (nodes, typical_time) = {
                let endpoints = self.endpoints.lock();
                (endpoints.in_turn(asker.now()), endpoints.typical_time(subject))
            };
            let (until, hedge_delay) = self.bounds(retry, nodes.len(), typical_time);
            let question = |node: &Node, attempt: &_| {
                let _under_way = self.begin(ask, attempt)?;
                question(node, attempt)
            };
            let failed = |node: &Node, error: Option<Error>| {
                // What was cut off because nobody waits says nothing of the node.
                if ask.is_interrupted() {
                    return;
                }
                self.failed(ask, node, error.as_ref());
                let Some(error) = error else { return };
                passing |= may_pass(&error);
                failure = Some(match failure.take() {
                    None => error,
                    Some(earlier) => more_specific(earlier, error),
                });
            };
            if let Some(first) = race(&nodes, hedge_delay, until, question, failed) {
                self.note_answer(ask, subject, &nodes, &first);
                return Ok(first.answer);
            }
            if ask.is_interrupted() {
                return Err(asker.interrupted(self.awaited));
            }
            if !passing || asker.is_stopping() {
                break;
            }
        }
        Err(failure.unwrap_or_else(self.none))
    }

    fn bounds(
        &self,
        retry: RetryPolicy,
        nodes: usize,
        typical_time: Duration,
    ) -> (Option<Instant>, HedgeDelay) {
        if !retry.together {
            return (retry.until, HedgeDelay::NONE);
        }
        let now = Instant::now();
        let of_round = now.checked_add(self.config.request_timeout);
        let until = [retry.until, of_round].into_iter().flatten().min();
        let bound = until.map_or(self.config.request_timeout, |until| until - now);
        (until, HedgeDelay::of(nodes, bound, typical_time))
    }

    fn note_answer<T>(
        &self,
        ask: &Ask<'_>,
        subject: Subject,
        nodes: &[Node],
        first: &FirstAnswer<T>,
    ) {
        let Some(node) = nodes.get(first.node) else { return };
        let work = {
            let mut endpoints = self.endpoints.lock();
            endpoints.took(subject, first.took);
            endpoints.answered(node, first.attempt.waits(), ask.asker.now())
        };
        ask.asker.node_answered(ask.retry.background, work + first.elsewhere);
    }

    /// Asks each of `nodes` until then, all at once, and gives the answers of those that have one.
    pub fn ask_each<T: Send>(
        &self,
        ask: &Ask<'_>,
        nodes: &[Node],
        until: Instant,
        question: impl Fn(&Node, &Attempt) -> Result<T> + Sync,
    ) -> Vec<(Node, T)> {
        let question = |node: &Node, attempt: &Attempt| {
            let _under_way = self.begin(ask, attempt)?;
            Ok((question(node, attempt)?, attempt.waits()))
        };
        let mut answers: Vec<(Node, (T, FirstByteTimes))> = Vec::new();
        ask_all(nodes, until, question, |node, outcome| match outcome {
            Ok(answer) => answers.push((node.clone(), answer)),
            Err(_) if ask.is_interrupted() => {}
            Err(error) => self.failed(ask, node, Some(&error)),
        });
        let answers = answers.into_iter().map(|(node, (answer, waits))| {
            self.endpoints.lock().is_up(&node, waits, ask.asker.now());
            (node, answer)
        });
        answers.collect()
    }

    /// Lists an attempt that a caller makes in its own thread, so that an interrupt ends it.
    ///
    /// # Errors
    /// The service has interrupted the call since it began.
    pub fn begin<'s>(
        &'s self,
        ask: &Ask<'_>,
        attempt: &'s Attempt,
    ) -> Result<Option<QuestionGuard<'s>>> {
        self.callers.begin(ask, attempt, self.awaited)
    }

    /// See [`CallersQuestions`].
    pub fn callers(&self) -> &CallersQuestions {
        &self.callers
    }

    fn failed(&self, ask: &Ask<'_>, node: &Node, error: Option<&Error>) {
        // What was cut off because the handle is being freed says nothing of the node.
        if ask.asker.is_stopping() {
            return;
        }
        let (kind, Node { host, port }) = (self.kind, node);
        match error {
            Some(error) => {
                let message = format_args!("{kind} {host}:{port}: {error}");
                self.config.log.write(Level::Info, message);
            }
            None => self.config.log.write(
                Level::Info,
                format_args!("{kind} {host}:{port} was silent, and another one answered"),
            ),
        }
        if !error.is_some_and(spares_node) {
            let why =
                error.map_or_else(|| "it was silent".to_owned(), |error| error.message.clone());
            self.endpoints.lock().failed(node, ask.asker.now(), why);
        }
    }

    /// A node has answered an attempt that somebody has made apart.
    pub fn answered(&self, ask: &Ask<'_>, node: &Node, attempt: &Attempt) {
        let work = self.endpoints.lock().answered(node, attempt.waits(), ask.asker.now());
        ask.asker.node_answered(ask.retry.background, work);
    }

    /// Every node once, in the order to ask them.
    pub fn in_turn(&self, now: u64) -> Vec<Node> {
        self.endpoints.lock().in_turn(now)
    }

    /// See [`Endpoints::telling`].
    pub fn telling(&self, now: u64) -> Vec<Node> {
        self.endpoints.lock().telling(now)
    }

    /// In the order they became known.
    pub fn states(&self) -> Vec<NodeState> {
        self.endpoints.lock().states()
    }

    /// See [`Endpoints::last_node`].
    pub fn last_node(&self) -> Option<Node> {
        self.endpoints.lock().last_node()
    }

    /// See [`Endpoints::learn`].
    pub fn learn(&self, by: &Node, named: &[Node]) -> usize {
        self.change(|endpoints| endpoints.learn(by, named))
    }

    /// Takes in the nodes that a file names.
    pub fn remember(&self, nodes: &[Node]) {
        self.change(|endpoints| endpoints.remember(nodes));
    }

    /// Takes in a node that the service names, to be asked before the others.
    pub fn configure(&self, node: &Node) {
        self.change(|endpoints| {
            endpoints.configure(node);
            endpoints.prefer(node);
        });
    }

    fn change<T>(&self, change: impl FnOnce(&mut Endpoints) -> T) -> T {
        let mut endpoints = self.endpoints.lock();
        let outcome = change(&mut endpoints);
        self.inherited.store(Arc::new(endpoints.clone()));
        outcome
    }
}
