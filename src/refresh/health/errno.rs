//! MySQL errnos: what each means for routing. The one table that quarantines, write holds, reports
//! to the source and the C API go by.

/// What there is to do about an errno: a set of flags, whose numbers are the C API's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Actions(i32);

impl Actions {
    pub const NONE: Self = Self(0);
    /// The connection is lost, or of no use any more: a pool closes it.
    pub const RECONNECT: Self = Self(1);
    /// This server does not serve now; another one of the group may.
    pub const RETRY_ELSEWHERE: Self = Self(2);
    /// What is known of the group may be out of date: the source is asked again.
    pub const ASK_AGAIN: Self = Self(4);
    /// The source is told, if the options ask for reports.
    pub const REPORT: Self = Self(8);
    /// The server is left out until there is better news of it.
    pub const QUARANTINE: Self = Self(16);
    /// Writes to the group are held, if the server is its primary.
    pub const HOLD_WRITES: Self = Self(32);

    const fn and(self, more: Self) -> Self {
        Self(self.0 | more.0)
    }

    /// Whether all of `wanted` is among these.
    pub const fn include(self, wanted: Self) -> bool {
        self.0 & wanted.0 == wanted.0
    }

    /// The flags as the C API has them.
    pub const fn bits(self) -> i32 {
        self.0
    }
}

/// The server takes no more of anybody's statements: others have to serve.
const AWAY: Actions = Actions::RECONNECT
    .and(Actions::RETRY_ELSEWHERE)
    .and(Actions::ASK_AGAIN)
    .and(Actions::QUARANTINE);

/// The server cannot be reached, or went away: the source may want to know.
const LOST: Actions = AWAY.and(Actions::REPORT);

/// The server is up and takes no writes.
const READ_ONLY: Actions =
    Actions::RETRY_ELSEWHERE.and(Actions::ASK_AGAIN).and(Actions::HOLD_WRITES);

/// What there is to do about `errno`. Numbers that are not listed are no matter of routing.
pub const fn actions(errno: i32) -> Actions {
    match errno {
        // CR_CONNECTION_ERROR, CR_CONN_HOST_ERROR, CR_IPSOCK_ERROR, CR_UNKNOWN_HOST,
        // CR_SERVER_GONE_ERROR, CR_SERVER_LOST, CR_SERVER_LOST_EXTENDED, ER_SERVER_SHUTDOWN.
        2002..=2006 | 2013 | 2055 | 1053 => LOST,
        // ER_SERVER_OFFLINE_MODE, and the same with why (ER_SERVER_OFFLINE_MODE_REASON) and with who
        // did it (ER_SERVER_OFFLINE_MODE_USER, of early versions of 9). Somebody's decision about a
        // healthy server, which the source is not to answer with a failover.
        3032 | 6400 | 6401 => AWAY,
        // ER_OPTION_PREVENTS_STATEMENT, which --read-only gives,
        // ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION and ER_READ_ONLY_MODE.
        1290 | 1792 | 1836 => READ_ONLY,
        // ER_RUN_HOOK_ERROR and ER_TRANSACTION_ROLLBACK_DURING_COMMIT, of a member that leaves
        // Group Replication. A transaction that is too large, or that collides with another
        // one, gives them on a healthy primary, too: so nothing is held for them.
        3100 | 3101 => Actions::RETRY_ELSEWHERE.and(Actions::ASK_AGAIN),
        // ER_CON_COUNT_ERROR, ER_HOST_IS_BLOCKED and ER_TOO_MANY_USER_CONNECTIONS: load, or this
        // client's past. The server is alive, and another one may have room.
        1040 | 1129 | 1203 => Actions::RETRY_ELSEWHERE,
        // ER_CLIENT_INTERACTION_TIMEOUT, ER_SESSION_WAS_KILLED, and MariaDB's
        // ER_CONNECTION_KILLED: one connection ended, and the server says so itself.
        4031 | 3169 | 1927 => Actions::RECONNECT,
        _ => Actions::NONE,
    }
}

/// What there is to do about an error, by its text where that is known. 1290 says that some option prevents
/// the statement, and its text which: MySQL and MariaDB name --read-only or --super-read-only, in lower case
/// and in every language, or what is a matter of the statement, such as --secure-file-priv,
/// --skip-grant-tables or --replica-load-tmpdir. The names of the variables count, too: proxies and services
/// of a cloud may give these.
pub fn actions_of_error(errno: i32, message: Option<&[u8]>) -> Actions {
    let names = |option: &str, text| memchr::memmem::find(text, option.as_bytes()).is_some();
    match message {
        Some(text) if errno == 1290 && !names("read-only", text) && !names("read_only", text) => {
            Actions::NONE
        }
        _ => actions(errno),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The texts are MySQL's 9.7 and MariaDB's 10.11, and MySQL's in German.
    #[test]
    fn an_option_that_is_no_matter_of_routing_is_told_by_its_text() {
        let read_only = [
            "The MySQL server is running with the --super-read-only option so it cannot execute this statement",
            "The MariaDB server is running with the --read-only option so it cannot execute this statement",
            "Der MySQL-Server l\u{e4}uft mit der Option --read-only und kann diese Anweisung deswegen nicht ausf\u{fc}hren",
            "super_read_only",
        ];
        for message in read_only {
            assert_eq!(actions_of_error(1290, Some(message.as_bytes())), READ_ONLY, "{message}");
        }
        let others = [
            "--secure-file-priv",
            "--skip-grant-tables",
            "--replica-load-tmpdir",
            "--event-scheduler=DISABLED or --skip-grant-tables",
            "--read-onl",
            "readonly",
        ];
        for option in others {
            let message = format!(
                "The MySQL server is running with the {option} option so it cannot execute this statement"
            );
            assert_eq!(
                actions_of_error(1290, Some(message.as_bytes())),
                Actions::NONE,
                "{message}"
            );
        }
        assert_eq!(actions_of_error(1290, Some(b"\xff\xfe")), Actions::NONE);
        assert_eq!(actions_of_error(1290, None), READ_ONLY);
        for errno in (0..10_000).filter(|errno| *errno != 1290) {
            assert_eq!(actions_of_error(errno, Some(b"no matter")), actions(errno), "{errno}");
        }
    }

    #[test]
    fn errnos_are_told_apart() {
        for errno in [2002, 2003, 2004, 2005, 2006, 2013, 2055, 1053] {
            assert_eq!(actions(errno), LOST, "{errno}");
        }
        for errno in [3032, 6400, 6401] {
            assert_eq!(actions(errno), AWAY, "{errno}");
        }
        for errno in [1290, 1792, 1836] {
            assert_eq!(actions(errno), READ_ONLY, "{errno}");
        }
        for errno in [3100, 3101] {
            assert!(actions(errno).include(Actions::ASK_AGAIN), "{errno}");
            assert!(!actions(errno).include(Actions::HOLD_WRITES), "{errno}");
        }
        for errno in [0, 1045, 1062, 1205, 1213, 2007, 2014, 2026, -1, i32::MIN, i32::MAX] {
            assert_eq!(actions(errno), Actions::NONE, "{errno}");
        }
    }

    /// What is not to be used is not to be used by anybody, and somebody has to say who is.
    #[test]
    fn who_is_left_out_is_asked_about() {
        for errno in 0..10_000 {
            let actions = actions(errno);
            let doubts = [Actions::QUARANTINE, Actions::HOLD_WRITES, Actions::REPORT];
            if doubts.into_iter().any(|doubt| actions.include(doubt)) {
                let both = Actions::ASK_AGAIN.and(Actions::RETRY_ELSEWHERE);
                assert!(actions.include(both), "{errno}");
            }
        }
    }
}
