//! Telling Fabric that a server cannot be reached.

use crate::config::ReportErrors;
use crate::refresh::health::errno::{self, Actions};

use super::Router;

impl Router {
    /// Takes in the outcome of a connection or a statement: 0 if all was well.
    pub fn report_result(&self, server_uuid: &str, errno: i32) {
        self.refresher.observe(server_uuid, errno);
        self.report(server_uuid, errno);
    }

    /// Reports a server's failure, if the options ask for reports and `errno` is one of those
    /// that count. A report that fails is logged and hurts nobody.
    pub fn report_failure(&self, server_uuid: &str, errno: i32) {
        self.report(server_uuid, errno);
    }

    fn report(&self, server_uuid: &str, errno: i32) {
        let counts = errno::actions(errno).include(Actions::REPORT)
            || self.config.report_errnos.contains(&errno);
        if self.config.report_errors != ReportErrors::Off && counts {
            self.refresher.queue_report(server_uuid, errno);
        }
    }
}
