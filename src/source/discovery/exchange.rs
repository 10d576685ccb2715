//! One question to one server: over the connection that is kept, or over a new one.

use std::sync::Arc;
use std::time::Instant;

use crate::base::error::Code;
use crate::mysql::{Account, Address, Failure, Target};

use super::opinion::{Opinion, Outcome};
use super::probe::{Questions, ServerSession};

/// Whom to ask, and as whom.
#[derive(Clone)]
pub struct Way {
    pub target: Arc<Target>,
    pub account: Account,
}

/// What came of it: the session, if it can be used on, and what the server said.
pub struct Asked {
    pub session: Option<ServerSession>,
    pub said: Result<Opinion, Failure>,
}

/// Asks, and has an answer or a failure before `deadline`.
pub async fn ask(
    way: Way,
    kept: Option<ServerSession>,
    questions: Questions,
    deadline: Instant,
) -> Asked {
    let user = way.account.user.as_str();
    if let Some(mut session) = kept.filter(ServerSession::is_usable) {
        let said = session.ask(questions, user, deadline).await;
        // The server may have ended the connection since, in its own good time or because it was
        // started anew.
        let is_gone = match &said {
            Err(Failure::Unreachable(_) | Failure::Unusable) => true,
            Err(Failure::Server(error)) => ENDS.contains(&error.errno),
            _ => false,
        };
        if !is_gone {
            let session = Some(session).filter(ServerSession::is_usable);
            return Asked { session, said };
        }
    }
    match ServerSession::open(&way.target, &way.account, deadline).await {
        Ok(mut session) => {
            let said = session.ask(questions, user, deadline).await;
            Asked { session: Some(session).filter(ServerSession::is_usable), said }
        }
        Err(failure) => Asked { session: None, said: Err(failure) },
    }
}

/// A server that shuts down, and a connection that was ended for another one.
const ENDS: [u16; 3] = [1053, 1927, 3169];

/// What a failure means for the group, and the status and sentence of it.
pub fn outcome(failure: Failure, address: &Address, user: &str) -> (Outcome, Code) {
    let auth = failure.is_auth_failure();
    let is_refusal = auth || matches!(failure, Failure::Refused(_));
    let is_silence = match &failure {
        Failure::Unreachable(_)
        | Failure::Timeout
        | Failure::CutOff
        | Failure::System(_)
        | Failure::Unusable => true,
        Failure::Server(error) => ENDS.contains(&error.errno),
        _ => false,
    };
    let error = failure.into_error(address, user);
    let why = error.message;
    let outcome = match (is_refusal, is_silence) {
        (true, _) => Outcome::Refused { why, auth },
        (_, true) => Outcome::Silent(why),
        _ => Outcome::Unusable { why },
    };
    (outcome, error.code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Node;
    use crate::mysql::failure::ServerError;

    #[test]
    fn failures_are_silence_refusals_or_something_to_be_mended() {
        let error =
            |errno| ServerError { errno, sqlstate: "HY000".into(), message: "Words".into() };
        let address = Address::Tcp(Node { host: "db1".into(), port: 3306 });
        let kind = |failure| match outcome(failure, &address, "app") {
            (Outcome::Silent(_), code) => ("silent", code),
            (Outcome::Refused { auth: true, .. }, code) => ("password", code),
            (Outcome::Refused { .. }, code) => ("refused", code),
            (Outcome::Unusable { .. }, code) => ("unusable", code),
            other => panic!("{other:?}"),
        };
        assert_eq!(kind(Failure::Timeout), ("silent", Code::Timeout));
        assert_eq!(kind(Failure::Server(error(1053))).0, "silent");
        assert_eq!(kind(Failure::Refused(error(1045))), ("password", Code::Auth));
        assert_eq!(
            kind(Failure::FullPassword { over_tls: false, is_named: true }),
            ("password", Code::Auth)
        );
        assert_eq!(kind(Failure::Refused(error(1040))), ("refused", Code::Unreachable));
        assert_eq!(kind(Failure::Refused(error(3032))).0, "refused");
        assert_eq!(kind(Failure::Protocol("stutters".into())), ("unusable", Code::Protocol));
        assert_eq!(kind(Failure::Server(error(1356))).0, "unusable");
    }
}
