//! Commands of the service's for a source: run by a thread of the library, waited for within a bound.

use std::sync::Arc;

use crate::base;
use crate::base::clock::millis;
use crate::base::error::{Code, Error, Result};
use crate::base::panicked::caught;
use crate::base::sync::{Mutex, rank};
use crate::base::thread::Threads;
use crate::config::Config;
use crate::source::{Command, ResultSet, RetryPolicy, Sources, Value};

use super::asker::Asking;
use super::bound::{Interrupts, Limit};
use super::publisher::Publisher;

type Answer = Mutex<Option<Result<Vec<ResultSet>>>, { rank::ANSWER }>;

/// Runs what a source can be told to do.
pub struct Commands {
    config: Arc<Config>,
    sources: Arc<Sources>,
    asking: Arc<Asking>,
    publisher: Arc<Publisher>,
    interrupts: Arc<Interrupts>,
    threads: Threads,
}

impl Commands {
    pub fn new(
        config: Arc<Config>,
        sources: Arc<Sources>,
        asking: Arc<Asking>,
        publisher: Arc<Publisher>,
        interrupts: Arc<Interrupts>,
    ) -> Self {
        Self { config, sources, asking, publisher, interrupts, threads: Threads::default() }
    }

    /// Waits for the threads that run commands. What they have on the wire must have been cut off
    /// before.
    pub fn stop(&self) {
        self.threads.end();
    }

    /// Runs any command of the source's. It is not run twice.
    pub fn execute(
        self: &Arc<Self>,
        group: &str,
        command: &str,
        args: &[Value],
    ) -> Result<Vec<ResultSet>> {
        self.sources.first(|source| source.control())?;
        // Each node may take its time to be connected to, and one of them to answer.
        let nodes = u32::try_from(self.sources.nodes().len().max(1)).unwrap_or(u32::MAX);
        let connecting = self.config.connect_timeout.saturating_mul(nodes);
        let most = self.config.request_timeout.saturating_add(connecting);
        let bound = self.interrupts.bound(most, Limit::Fetch);
        if !bound.may_wait() {
            return Err(Error::new(
                Code::WouldBlock,
                format!("{group}.{command} was not run: a callback may not wait for its answer"),
            ));
        }
        let answer = Arc::new(Answer::default());
        let retry = RetryPolicy { until: bound.until(), ..RetryPolicy::ONE_BY_ONE };
        let work = {
            let (commands, answer) = (Arc::clone(self), Arc::clone(&answer));
            let (group, command, args) = (group.to_owned(), command.to_owned(), args.to_vec());
            move || {
                let command = Command { group: &group, command: &command, args: &args };
                *answer.lock() = Some(commands.run(&command, retry));
                commands.publisher.waiters.wake();
            }
        };
        match base::thread::start("fabric-execute", work) {
            Ok(thread) => self.threads.add(thread),
            Err(error) => {
                self.publisher.no_thread("to run a command", &error);
                let retry = RetryPolicy { caller: Some(bound.interrupts()), ..retry };
                return self.run(&Command { group, command, args }, retry);
            }
        }
        let waiters = &self.publisher.waiters;
        let is_over = || answer.lock().is_some() || self.interrupts.ended(&bound);
        while !is_over() && !bound.left().is_zero() {
            waiters.wait(waiters.published(), bound.left(), is_over);
        }
        let outcome = answer.lock().take();
        outcome.unwrap_or_else(|| {
            let what = format!("the answer to {group}.{command}, which may have been run");
            self.interrupts.refuse(&bound, &what)?;
            let most = millis(bound.most());
            Err(Error::new(Code::Timeout, format!("{most} ms were not enough for {what}")))
        })
    }

    fn run(&self, command: &Command<'_>, retry: RetryPolicy) -> Result<Vec<ResultSet>> {
        let run = || {
            let control = self.sources.first(|source| source.control())?;
            control.execute(command, &self.asking.ask(retry))
        };
        caught("a command", run)
    }
}
