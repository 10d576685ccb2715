//! What a source is told of servers, and asked about the keys of shards that it does not list.

use std::sync::Arc;

use crate::base::error::Result;
use crate::config::ReportErrors;
use crate::observe::log::Level;
use crate::source::{Report, RetryPolicy};
use crate::topology::HeldKey;

use super::health::errno::{self, Actions};
use super::{ProcessState, Refresher};

impl Refresher {
    /// Reports a server's failure, if the options ask for reports and `errno` is one of those that
    /// count. Fabric acts on a report for 0.1 to 1.3 s, and nobody waits for that but a thread that
    /// ends with the queue. A report that fails is logged and hurts nobody.
    pub fn report_failure(self: &Arc<Self>, server_uuid: &str, errno: i32) {
        let config = &self.config;
        let counts =
            errno::actions(errno).include(Actions::REPORT) || config.report_errnos.contains(&errno);
        if config.report_errors == ReportErrors::Off || !counts {
            return;
        }
        let now = self.clock.now();
        if self.reports.queue(server_uuid, errno, now, config.report_window) {
            let refresher = Arc::clone(self);
            let started = self.reports.start(move || {
                let send = |server_uuid: &str, errno| refresher.send_report(server_uuid, errno);
                refresher.reports.send_all(send, |server_uuid, outcome| {
                    refresher.was_reported(server_uuid, outcome);
                });
            });
            if let Err(error) = started {
                self.no_thread("to report a failure", &error);
            }
        }
    }

    /// Reports a server to a source that takes reports, which answers when it is done with what it
    /// makes of it.
    fn send_report(&self, server_uuid: &str, errno: i32) -> Result<()> {
        let control = self.sources.first(|source| source.control())?;
        let report = Report { server_uuid, errno, how: self.config.report_errors };
        self.process.with(|process| {
            control.report(&report, &self.asking(process).ask(RetryPolicy::ONE_BY_ONE))
        })
    }

    fn was_reported(&self, server_uuid: &str, outcome: Result<()>) {
        match outcome {
            // The source answers when it is done: there is news now.
            Ok(()) => {
                let topology = self.topology.load_full();
                let group = topology.group_of_server(server_uuid).map(|(name, ..)| name);
                self.health.ask_again(group, false);
            }
            Err(_) if self.is_stopping() => {}
            Err(error) => self.config.log.write(
                Level::Warning,
                format_args!("the failure of server {server_uuid} was not reported: {error}"),
            ),
        }
    }

    /// Asks a source that can tell where the keys of the missing shards are, and takes in what it
    /// says.
    pub(super) fn ask_for_missing(&self, process: &ProcessState, retry: RetryPolicy) {
        let Ok(locator) = self.sources.maps.locator() else { return };
        let asking = self.asking(process);
        let locate =
            |table: &str, key: &HeldKey| locator.locate(table, key, &asking.ask(retry.once()));
        let now = self.clock.now();
        self.missing_shards.ask(&self.publisher, &self.config.log, now, locate);
    }
}
