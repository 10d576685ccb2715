//! What a service tells of its servers.

use super::Router;

pub use crate::refresh::health::errno::{Actions, actions};

impl Router {
    /// Takes in the outcome of a connection or a statement: 0 if all was well.
    pub fn report_result(&self, server_uuid: &str, errno: i32) {
        self.refresher.observe(server_uuid, errno);
        self.refresher.reporting.report_failure(server_uuid, errno);
    }

    /// Reports a server's failure to the source, if the options ask for it.
    pub fn report_failure(&self, server_uuid: &str, errno: i32) {
        self.refresher.reporting.report_failure(server_uuid, errno);
    }
}
