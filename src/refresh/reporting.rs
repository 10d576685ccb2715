//! What a source is told of servers.

use std::sync::Arc;

use crate::base::error::Result;
use crate::config::{Config, ReportErrors};
use crate::observe::log::Level;
use crate::source::{Report, RetryPolicy, Sources};

use super::asker::Asking;
use super::health::Health;
use super::health::errno::{self, Actions};
use super::health::reports::Reports;
use super::publisher::Publisher;

/// Has a source told of the servers that services find failed.
pub struct Reporting {
    config: Arc<Config>,
    sources: Arc<Sources>,
    asking: Arc<Asking>,
    publisher: Arc<Publisher>,
    health: Arc<Health>,
    reports: Reports,
}

impl Reporting {
    pub fn new(
        config: Arc<Config>,
        sources: Arc<Sources>,
        asking: Arc<Asking>,
        publisher: Arc<Publisher>,
        health: Arc<Health>,
    ) -> Self {
        Self { config, sources, asking, publisher, health, reports: Reports::default() }
    }

    /// Ends the reporting thread and waits for it. What it has on the wire must have been cut off
    /// before.
    pub fn stop(&self) {
        self.reports.stop();
    }

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
        let now = self.publisher.clock.now();
        if self.reports.queue(server_uuid, errno, now, config.report_window) {
            let reporting = Arc::clone(self);
            let started = self.reports.start(move || {
                let send = |server_uuid: &str, errno| reporting.send_report(server_uuid, errno);
                reporting.reports.send_all(send, |server_uuid, outcome| {
                    reporting.was_reported(server_uuid, outcome);
                });
            });
            if let Err(error) = started {
                self.publisher.no_thread("to report a failure", &error);
            }
        }
    }

    /// Reports a server to a source that takes reports, which answers when it is done with what it
    /// makes of it.
    fn send_report(&self, server_uuid: &str, errno: i32) -> Result<()> {
        let control = self.sources.first(|source| source.control())?;
        let report = Report { server_uuid, errno, how: self.config.report_errors };
        control.report(&report, &self.asking.ask(RetryPolicy::ONE_BY_ONE))
    }

    fn was_reported(&self, server_uuid: &str, outcome: Result<()>) {
        match outcome {
            // The source answers when it is done: there is news now.
            Ok(()) => {
                let topology = self.publisher.known.topology.load_full();
                let group = topology.group_of_server(server_uuid).map(|(name, ..)| name);
                self.health.ask_again(group, false);
            }
            Err(_) if self.publisher.is_stopping() => {}
            Err(error) => self.config.log.write(
                Level::Warning,
                format_args!("the failure of server {server_uuid} was not reported: {error}"),
            ),
        }
    }
}
