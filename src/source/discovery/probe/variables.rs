//! Who a server is and whether it takes writes, by its system variables.

use crate::mysql::failure::ServerError;

use super::flavour::Flavour;

/// Errors of statements.
pub(crate) const UNKNOWN_VARIABLE: u16 = 1193;

/// The variables that a server is asked for. Which of them it has is found out by asking: versions and
/// forks differ, and the server names the one that it does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variables {
    names: Vec<&'static str>,
}

pub(crate) const SERVER_UUID: &str = "server_uuid";
pub(crate) const SERVER_UID: &str = "server_uid";
pub(crate) const SERVER_ID: &str = "server_id";
pub(crate) const READ_ONLY: &str = "read_only";
pub(crate) const SUPER_READ_ONLY: &str = "super_read_only";
pub(crate) const OFFLINE_MODE: &str = "offline_mode";
pub(crate) const GROUP_NAME: &str = "group_replication_group_name";
pub(crate) const SINGLE_PRIMARY: &str = "group_replication_single_primary_mode";

impl Variables {
    pub fn of(flavour: Flavour, group: bool) -> Self {
        let mut names = match flavour {
            Flavour::MariaDb => vec![SERVER_UID, SERVER_ID, READ_ONLY],
            Flavour::Mysql(..) => {
                vec![SERVER_UUID, SERVER_ID, READ_ONLY, SUPER_READ_ONLY, OFFLINE_MODE]
            }
        };
        // Group Replication is a plugin of 5.7 and later.
        if group && flavour.is_from((5, 7, 0)) {
            names.extend([GROUP_NAME, SINGLE_PRIMARY]);
        }
        Self { names }
    }

    /// What a SELECT begins with.
    pub fn select(&self) -> String {
        let names: Vec<String> = self.names.iter().map(|name| format!("@@{name}")).collect();
        format!("SELECT {}", names.join(", "))
    }

    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// In which column a variable is; nothing if the server does not have it.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|other| *other == name)
    }

    /// Whether the plugin of Group Replication is there.
    pub fn has_group(&self) -> bool {
        self.column(GROUP_NAME).is_some()
    }

    /// Leaves out the variable that the server says it does not have, and with one of a plugin all of
    /// it. False if that is none of these.
    pub fn leave_out(&mut self, error: &ServerError) -> bool {
        if error.errno != UNKNOWN_VARIABLE {
            return false;
        }
        let before = self.names.len();
        let is_named = |name: &str| error.message.contains(&format!("'{name}'"));
        let no_group = is_named(GROUP_NAME) || is_named(SINGLE_PRIMARY);
        self.names.retain(|name| match *name {
            GROUP_NAME | SINGLE_PRIMARY => !no_group,
            // Without these there is nothing to go by.
            READ_ONLY | SERVER_UUID => true,
            name => !is_named(name),
        });
        self.names.len() < before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unknown(name: &str) -> ServerError {
        let message = format!("Unknown system variable '{name}'");
        ServerError { errno: UNKNOWN_VARIABLE, sqlstate: "HY000".into(), message }
    }

    #[test]
    fn what_a_server_does_not_have_is_left_out() {
        let mut variables = Variables::of(Flavour::Mysql(9, 7, 4), true);
        assert!(variables.has_group());
        assert!(variables.leave_out(&unknown(GROUP_NAME)));
        assert!(!variables.has_group() && variables.column(SINGLE_PRIMARY).is_none());
        assert!(!variables.leave_out(&unknown(GROUP_NAME)), "it is not asked for again");
        for name in [SUPER_READ_ONLY, OFFLINE_MODE] {
            assert!(variables.leave_out(&unknown(name)), "{name}");
        }
        assert_eq!(variables.select(), "SELECT @@server_uuid, @@server_id, @@read_only");
        assert!(!variables.leave_out(&unknown(READ_ONLY)), "nothing goes without");
        let other = ServerError { errno: 1064, ..unknown(SERVER_ID) };
        assert!(!variables.leave_out(&other));
    }

    #[test]
    fn only_servers_that_may_have_the_plugin_are_asked_for_it() {
        assert!(!Variables::of(Flavour::Mysql(5, 6, 24), true).has_group());
        assert!(!Variables::of(Flavour::MariaDb, true).has_group());
        assert!(!Variables::of(Flavour::Mysql(8, 0, 0), false).has_group());
    }
}
