//! Why there is no answer, told apart as far as it makes a difference to who asked.

use std::fmt;
use std::io;

use crate::base::error::{Code, Error};
use crate::base::text::excerpt;
use crate::mysql::reader::Malformed;
use crate::mysql::target::Address;

/// An error that a server told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerError {
    pub errno: u16,
    /// Five letters, such as `42000`; empty in what a server says before the login.
    pub sqlstate: String,
    /// The server's own words, in one line and of a bounded length, however it wrote them.
    pub message: String,
}

impl ServerError {
    /// Whether it refused a statement for want of a grant.
    pub fn needs_a_grant(&self) -> bool {
        NEED_A_GRANT.contains(&self.errno)
    }
}

impl fmt::Display for ServerError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.sqlstate.is_empty() {
            true => write!(out, "error {}: {}", self.errno, self.message),
            false => write!(out, "error {} ({}): {}", self.errno, self.sqlstate, self.message),
        }
    }
}

/// What came of an exchange instead of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// Nobody takes the connection, or it broke off.
    Unreachable(String),
    /// The deadline came first.
    Timeout,
    /// The handle is being freed, or nobody wants the answer any more.
    CutOff,
    /// The server did not let the user in.
    Refused(ServerError),
    /// The server did not do what the statement says.
    Server(ServerError),
    /// A way to log in that is not known here, by the server's name for it.
    UnknownPlugin(String),
    /// The server wants the password in full, over a connection that is not fit for it.
    FullPassword {
        /// Whether there is TLS, which nobody verified.
        over_tls: bool,
        /// Whether it is a server that the service itself has named.
        is_named: bool,
    },
    /// What was given to log in by cannot be sent.
    Argument(&'static str),
    /// There is no TLS as it must be.
    Tls(String),
    /// What comes is not MySQL's protocol, or breaks its rules.
    Protocol(String),
    /// The answer is larger than what is taken; which limit, and how much it is.
    TooLarge(&'static str, usize),
    /// Something that this process or system has no more of.
    System(String),
    /// The connection was of no more use: an exchange before failed, or a fork came between.
    Unusable,
}

impl From<Malformed> for Failure {
    fn from(_: Malformed) -> Self {
        Self::Protocol("sends a packet that cannot be read".into())
    }
}

/// A connection that breaks.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.raw_os_error() {
            Some(libc::EMFILE | libc::ENFILE | libc::ENOMEM | libc::ENOBUFS) => {
                Self::System(error.to_string())
            }
            _ if error.kind() == io::ErrorKind::UnexpectedEof => {
                Self::Unreachable("it closes the connection".into())
            }
            _ => Self::Unreachable(error.to_string()),
        }
    }
}

/// Refusals of a login that last until somebody acts: another password, a grant, an account unlocked,
/// TLS. All others, such as too many connections, end by themselves.
const NEED_SOMEBODY: [u16; 13] =
    [1044, 1045, 1049, 1130, 1227, 1251, 1275, 1524, 1698, 1862, 3118, 3159, 4151];

/// Statements refused for want of a grant.
const NEED_A_GRANT: [u16; 8] = [1044, 1142, 1143, 1227, 1345, 1370, 1410, 3530];

/// What a server in offline mode says to those who do not administer it.
const IN_OFFLINE_MODE: [u16; 3] = [3032, 6400, 6401];

/// Statements refused by a server that shuts down or is in offline mode, whose connection was ended by
/// somebody, or which lost to other statements: the same one may do a moment later.
const PASS_BY_THEMSELVES: [u16; 9] = [1053, 1205, 1213, 1317, 1927, 3032, 3169, 6400, 6401];

impl Failure {
    /// The server's number for it, if the server said it.
    pub fn errno(&self) -> Option<u16> {
        match self {
            Self::Refused(error) | Self::Server(error) => Some(error.errno),
            _ => None,
        }
    }

    /// Whether the user or the password is what was refused: to try again soon could lock the account.
    pub fn is_auth_failure(&self) -> bool {
        matches!(self, Self::Refused(error) if NEED_SOMEBODY.contains(&error.errno))
            || matches!(self, Self::UnknownPlugin(_) | Self::FullPassword { .. })
    }

    fn code(&self) -> Code {
        match self {
            Self::Unreachable(_) | Self::CutOff | Self::Unusable => Code::Unreachable,
            Self::Timeout => Code::Timeout,
            Self::Refused(_) if self.is_auth_failure() => Code::Auth,
            Self::Refused(_) => Code::Unreachable,
            Self::UnknownPlugin(_) | Self::FullPassword { .. } => Code::Auth,
            Self::Argument(_) => Code::Argument,
            Self::Server(error) if error.needs_a_grant() => Code::Forbidden,
            Self::Server(error) if PASS_BY_THEMSELVES.contains(&error.errno) => Code::Unreachable,
            Self::Server(_) => Code::Mysql,
            Self::Tls(_) => Code::Tls,
            Self::Protocol(_) => Code::Protocol,
            Self::TooLarge(..) => Code::ReplyTooLarge,
            Self::System(_) => Code::System,
        }
    }

    /// The status and sentence of it, for whoever set the options.
    pub fn into_error(self, server: &Address, user: &str) -> Error {
        let code = self.code();
        let user = excerpt(user, 60);
        let message = match self {
            Self::Unreachable(why) => format!(
                "{server} cannot be asked: {why}; check the address, and that a MySQL server runs there"
            ),
            Self::Timeout => format!(
                "{server} gave no full answer in time; check the address and the load of the server"
            ),
            Self::CutOff => {
                format!("the handle has been freed, and asks nobody any more: {server}")
            }
            Self::Refused(error) if code == Code::Auth => format!(
                "{server} does not let user \"{user}\" in, {error}; check the user, the password and \
                 where the user may come from"
            ),
            Self::Refused(error) if IN_OFFLINE_MODE.contains(&error.errno) => format!(
                "{server} takes no connection now, {error}; MySQL leaves offline mode on where a member was \
                 expelled from its group, also once it is back: SET GLOBAL offline_mode = OFF there"
            ),
            Self::Refused(error) => {
                format!("{server} takes no connection now, {error}; it is tried again")
            }
            Self::Server(error) if code == Code::Forbidden => {
                format!("{server} forbids it to user \"{user}\", {error}; grant it to the user")
            }
            Self::Server(error) if code == Code::Unreachable => {
                format!("{server} answers nothing now, {error}; it is tried again")
            }
            Self::Server(error) => format!("{server} answers {error}"),
            Self::UnknownPlugin(plugin) => format!(
                "{server} wants user \"{user}\" to log in by {plugin}, which is not done here; have \
                 the user IDENTIFIED WITH caching_sha2_password, or mysql_native_password on servers \
                 that have no other"
            ),
            Self::FullPassword { over_tls, is_named } => format!(
                "{server} has not the password of user \"{user}\" at hand, as after a restart or FLUSH \
                 PRIVILEGES, and wants it in full, which goes out over verified TLS or a Unix socket \
                 only{}; {}",
                if over_tls { ", and nobody verifies this TLS" } else { "" },
                match (over_tls, is_named) {
                    (true, true) =>
                        "give the CA file of the server, or allow it unverified by option",
                    (true, false) => {
                        "give the CA file of the server; unverified it can only be allowed for servers \
                         that the service names itself, as hosts of cluster:// or in a topology file"
                    }
                    (false, _) => "have the server asked by TLS, with its CA file",
                }
            ),
            Self::Argument(what) => format!("{server} was not asked: {what}; give another one"),
            Self::Tls(what) => format!("{server} {what}"),
            Self::Protocol(what) => {
                format!("{server} {what}; check that the address is a MySQL server's")
            }
            Self::TooLarge(what, limit) => format!(
                "{server} answers more than {limit} {what}; check that it is the server that was meant"
            ),
            Self::System(what) => format!(
                "{server} was not asked, the system has too little for it: {what}; give the process \
                 more, or let it have fewer descriptors open"
            ),
            Self::Unusable => format!(
                "the connection to {server} broke before, or is that of another process; connect anew"
            ),
        };
        Error::new(code, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Node;

    fn server_error(errno: u16) -> ServerError {
        ServerError { errno, sqlstate: "HY000".into(), message: "Words".into() }
    }

    #[test]
    fn every_failure_names_the_server() {
        let address = Address::Tcp(Node { host: "db1".into(), port: 3306 });
        let full_password = |over_tls, is_named| Failure::FullPassword { over_tls, is_named };
        for (failure, code, part) in [
            (Failure::Unreachable("broken".into()), Code::Unreachable, "broken"),
            (Failure::Timeout, Code::Timeout, "in time"),
            (Failure::CutOff, Code::Unreachable, "freed"),
            (Failure::Refused(server_error(1045)), Code::Auth, "user \"app\""),
            (Failure::Refused(server_error(1040)), Code::Unreachable, "error 1040 (HY000): Words"),
            (Failure::Refused(server_error(6400)), Code::Unreachable, "offline_mode = OFF there"),
            (Failure::Refused(server_error(6401)), Code::Unreachable, "offline_mode = OFF there"),
            (Failure::Server(server_error(1142)), Code::Forbidden, "grant it"),
            (Failure::Server(server_error(1064)), Code::Mysql, "error 1064 (HY000): Words"),
            (Failure::Server(server_error(1053)), Code::Unreachable, "it is tried again"),
            (Failure::UnknownPlugin("dialog".into()), Code::Auth, "dialog"),
            (full_password(false, true), Code::Auth, "asked by TLS"),
            (full_password(true, true), Code::Auth, "unverified by option"),
            (full_password(true, false), Code::Auth, "names itself"),
            (Failure::Argument("a NUL"), Code::Argument, "a NUL"),
            (Failure::Tls("offers no TLS".into()), Code::Tls, "offers no TLS"),
            (Failure::Protocol("stutters".into()), Code::Protocol, "stutters"),
            (Failure::TooLarge("rows", 7), Code::ReplyTooLarge, "more than 7 rows"),
            (Failure::System("too many".into()), Code::System, "too many"),
            (Failure::Unusable, Code::Unreachable, "another process"),
        ] {
            let error = failure.into_error(&address, "app");
            assert_eq!(error.code, code, "{error}");
            assert!(error.message.contains("db1:3306") && error.message.contains(part), "{error}");
        }
    }

    #[test]
    fn what_the_system_lacks_is_not_the_servers_fault() {
        let failure = Failure::from(io::Error::from_raw_os_error(libc::EMFILE));
        assert!(matches!(failure, Failure::System(_)));
        let failure = Failure::from(io::Error::from_raw_os_error(libc::ECONNREFUSED));
        assert!(matches!(failure, Failure::Unreachable(_)));
    }
}
