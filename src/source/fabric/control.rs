//! Commands of the service's for Fabric, and reports of failed servers.

use crate::base::error::Result;
use crate::config::ReportErrors;
use crate::source::retry::may_pass;
use crate::source::{Ask, Attempt, Command, Control, Report, ResultSet, Subject};

use super::{Commands, FabricSource, Protocol, no_nodes};

impl<P: Protocol> Control for FabricSource<P> {
    /// On the preferred node; the next one is asked only if no connection came about.
    fn execute(&self, command: &Command<'_>, ask: &Ask<'_>) -> Result<Vec<ResultSet>> {
        let Command { group, command, args } = *command;
        let mut failure = no_nodes();
        for node in self.pool.in_turn(ask.asker.now()) {
            let attempt = Attempt::until(ask.retry.until);
            let outcome = {
                let _under_way = self.pool.begin(ask, &attempt)?;
                self.client().within(&attempt).execute(&node, group, command, args)
            };
            match outcome {
                Ok(sets) => {
                    self.pool.answered(ask, &node, &attempt);
                    return Ok(sets.sets);
                }
                Err(_) if ask.is_interrupted() => {
                    let what = format!("the answer to {group}.{command}, which may have been run");
                    return Err(ask.asker.interrupted(&what));
                }
                Err(error) if attempt.is_connected() || !may_pass(&error) => return Err(error),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    /// To the first node that takes the report. Fabric answers when it is done with what it makes of
    /// it.
    fn report(&self, report: &Report<'_>, ask: &Ask<'_>) -> Result<()> {
        let Report { server_uuid, errno, how } = *report;
        let (text, reporter) = (format!("MySQL errno {errno}"), self.reporter.name());
        self.pool.ask(ask, Subject::Report, |node, attempt| {
            let client = self.client().within(attempt);
            match how {
                ReportErrors::Failure => client.report_failure(node, server_uuid, &reporter, &text),
                _ => client.report_error(node, server_uuid, &reporter, &text),
            }
        })
    }
}
