//! Who logs in.

use zeroize::Zeroizing;

use crate::config::{Credentials, MysqlOptions};

/// A user of the server. The password is wiped when the last copy goes, and never shown.
#[derive(Clone)]
pub struct Account {
    pub user: String,
    pub password: Zeroizing<String>,
    /// Whether the password may go out in full over TLS that nobody verified, to whoever pretends to be
    /// the server. Over plain TCP it never does.
    pub full_password_unverified: bool,
    /// Whether the service itself has named the server: for others that is not to be had.
    pub is_for_named: bool,
}

impl Account {
    /// The user of the options, or one without name and password.
    pub fn of(credentials: Option<&Credentials>) -> Self {
        match credentials {
            Some(Credentials { user, password }) => Self::new(user.as_str(), password.as_str()),
            None => Self::new("", ""),
        }
    }

    /// The user of the options at a server that the service itself has named, or another one: whether the
    /// password may go out unverified is for the former alone.
    pub fn at(options: &MysqlOptions, is_for_named: bool) -> Self {
        let full_password_unverified = is_for_named && options.full_password_unverified;
        Self { full_password_unverified, is_for_named, ..Self::of(options.credentials.as_ref()) }
    }

    pub fn new(user: impl Into<String>, password: impl Into<String>) -> Self {
        let password = Zeroizing::new(password.into());
        Self { user: user.into(), password, full_password_unverified: false, is_for_named: true }
    }
}

impl std::fmt::Debug for Account {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Account").field("user", &self.user).finish_non_exhaustive()
    }
}
