//! Telling Fabric that a server cannot be reached.

use crate::config::ReportErrors;

use super::Router;

/// The errnos of the MySQL client that mean a server could not be reached or was lost:
/// CR_CONNECTION_ERROR, CR_CONN_HOST_ERROR, CR_IPSOCK_ERROR, CR_SERVER_GONE_ERROR and
/// CR_SERVER_LOST. Connector/Python reports the same five.
const CONNECTION_ERRNOS: [i32; 5] = [2002, 2003, 2004, 2006, 2013];

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
        let counts =
            CONNECTION_ERRNOS.contains(&errno) || self.config.report_errnos.contains(&errno);
        if self.config.report_errors != ReportErrors::Off && counts {
            self.refresher.queue_report(server_uuid, errno);
        }
    }
}
