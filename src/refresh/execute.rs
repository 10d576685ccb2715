//! Commands of the service's for Fabric: run by a thread of the library, waited for within a bound.

use std::sync::Arc;
use std::time::Instant;

use crate::base;
use crate::base::error::{Code, Error, Result};
use crate::base::panicked::caught;
use crate::base::sync::{Mutex, rank};
use crate::source::Attempt;
use crate::source::fabric::{ResultSets, Value};

use super::ask::no_nodes;
use super::bound::{Limit, interrupted};
use super::nodes::may_pass;
use super::{Refresher, Workshop};
use crate::base::clock::millis;

type Answer = Mutex<Option<Result<ResultSets>>, { rank::ANSWER }>;

impl Refresher {
    /// Runs any Fabric command on the preferred node. The next one is asked only if no
    /// connection came about: a command may not be run twice.
    pub fn execute(
        self: &Arc<Self>,
        group: &str,
        command: &str,
        args: &[Value],
    ) -> Result<ResultSets> {
        self.refuse_without_fabric()?;
        // Each node may take its time to be connected to, and one of them to answer.
        let nodes = u32::try_from(self.nodes().len().max(1)).unwrap_or(u32::MAX);
        let connecting = self.config.connect_timeout.saturating_mul(nodes);
        let bound =
            self.bound(self.config.request_timeout.saturating_add(connecting), Limit::Fetch);
        if !bound.may_wait() {
            return Err(Error::new(
                Code::WouldBlock,
                format!("{group}.{command} was not run: a callback may not wait for its answer"),
            ));
        }
        let answer = Arc::new(Answer::default());
        let work = {
            let (refresher, answer, until) = (Arc::clone(self), Arc::clone(&answer), bound.until());
            let (group, command, args) = (group.to_owned(), command.to_owned(), args.to_vec());
            move || {
                let outcome = refresher.run_command(&group, &command, &args, until, None);
                *answer.lock() = Some(outcome);
                refresher.waiters.wake();
            }
        };
        match base::thread::start("fabric-execute", work) {
            Ok(thread) => self.workshop.with(|shop| shop.fetchers.add(thread)),
            Err(error) => {
                self.no_thread("to run a command", &error);
                let interrupts = Some(bound.interrupts());
                return self.run_command(group, command, args, bound.until(), interrupts);
            }
        }
        let is_over = || answer.lock().is_some() || self.is_interrupted(&bound);
        while !is_over() && !bound.left().is_zero() {
            self.waiters.wait(self.waiters.published(), bound.left(), is_over);
        }
        let outcome = answer.lock().take();
        outcome.unwrap_or_else(|| {
            let what = format!("the answer to {group}.{command}, which may have been run");
            self.refuse_interrupted(&bound, &what)?;
            let most = millis(bound.most());
            Err(Error::new(Code::Timeout, format!("{most} ms were not enough for {what}")))
        })
    }

    fn run_command(
        &self,
        group: &str,
        command: &str,
        args: &[Value],
        until: Option<Instant>,
        interrupts: Option<u64>,
    ) -> Result<ResultSets> {
        let run = || {
            self.workshop.with(|shop| self.run_on(shop, group, command, args, until, interrupts))
        };
        caught("a command for Fabric", run)
    }

    fn run_on(
        &self,
        shop: &Workshop,
        group: &str,
        command: &str,
        args: &[Value],
        until: Option<Instant>,
        interrupts: Option<u64>,
    ) -> Result<ResultSets> {
        let mut failure = no_nodes();
        let nodes = shop.nodes.lock().in_turn(self.clock.now());
        for node in nodes {
            let attempt = Attempt::until(until);
            let outcome = match self.present(shop, interrupts, &attempt) {
                Ok(_present) => shop.client.within(&attempt).execute(&node, group, command, args),
                Err(error) => return Err(error),
            };
            match outcome {
                Ok(sets) => {
                    let now = self.clock.now();
                    shop.nodes.lock().answered(&node, attempt.waits(), now);
                    self.worker.source_answered();
                    return Ok(sets);
                }
                Err(_) if self.is_left(interrupts) => {
                    let what = format!("the answer to {group}.{command}, which may have been run");
                    return Err(interrupted(&what));
                }
                Err(error) if attempt.is_connected() || !may_pass(&error) => return Err(error),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }
}
