//! What a service tells of its servers.

use super::Router;

pub use crate::refresh::health::errno::{Actions, actions, actions_of_error};

impl Router {
    /// Takes in the outcome of a connection or a statement: 0 if all was well.
    pub fn report_result(&self, server_uuid: &str, errno: i32) {
        self.refresher.observe(server_uuid, errno);
        self.refresher.reporting.report_failure(server_uuid, errno);
    }

    /// The same of an error, by its text where that is known; what there is left to do for the caller.
    pub fn report_error(&self, server_uuid: &str, errno: i32, message: Option<&[u8]>) -> Actions {
        let found = actions_of_error(errno, message);
        if found == actions(errno) {
            self.report_result(server_uuid, errno);
        }
        found
    }

    /// Reports a server's failure to the source, if the options ask for it.
    pub fn report_failure(&self, server_uuid: &str, errno: i32) {
        self.refresher.reporting.report_failure(server_uuid, errno);
    }
}
