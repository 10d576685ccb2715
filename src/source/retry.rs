//! How often the nodes of a source are asked, and what their failures together mean.

use std::time::{Duration, Instant};

use crate::base::error::{Code, Error};

/// How often all nodes are tried, the pause in between, and who asks.
#[derive(Debug, Clone, Copy)]
pub struct RetryPolicy {
    pub count: u32,
    pub pause: Duration,
    /// The instant at which all of it must be over.
    pub until: Option<Instant>,
    /// Whether several nodes may be asked at the same time.
    pub together: bool,
    /// Whether it is the background refresh that asks.
    pub background: bool,
    /// Where a caller asks in its own thread: the number by which the asker tells whether the
    /// service has interrupted the call since it began.
    pub caller: Option<u64>,
}

impl RetryPolicy {
    pub(crate) const ONCE: Self = Self {
        count: 1,
        pause: Duration::ZERO,
        until: None,
        together: true,
        background: false,
        caller: None,
    };
    pub(crate) const BACKGROUND: Self = Self { background: true, ..Self::ONCE };
    /// For what must not be done twice: one node after the other.
    pub(crate) const ONE_BY_ONE: Self = Self { together: false, ..Self::ONCE };

    /// The same, once, within the same bounds.
    pub fn once(self) -> Self {
        Self { count: 1, ..self }
    }

    /// Whether a caller asks in its own thread, and has no time left.
    pub fn is_over_here(&self) -> bool {
        self.caller.is_some() && self.is_over_in(Duration::ZERO)
    }

    /// Whether there is no time left in so long.
    pub fn is_over_in(&self, pause: Duration) -> bool {
        self.until.is_some_and(|until| until <= Instant::now() + pause)
    }
}

/// Whether trying again later may help. A refused password stays refused.
pub fn may_pass(error: &Error) -> bool {
    matches!(error.code, Code::Unreachable | Code::Timeout | Code::Protocol)
}

/// Whether a failure says nothing against the node: it answered, and refused one command; or it
/// was not even asked, for want of a descriptor or a thread. It may well answer others.
pub fn spares_node(error: &Error) -> bool {
    matches!(error.code, Code::Fabric | Code::Mysql | Code::Forbidden | Code::System)
}

/// Of the failures of several nodes the one that tells the caller most: what a node said
/// counts more than that another one said nothing.
pub fn more_specific(first: Error, second: Error) -> Error {
    let weight = |error: &Error| match error.code {
        Code::Unreachable => 0,
        Code::Timeout => 1,
        Code::Protocol => 2,
        _ => 3,
    };
    if weight(&second) > weight(&first) { second } else { first }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_outweighs_silence() {
        let silent = Error::new(Code::Unreachable, "a");
        let refusal = Error::new(Code::Auth, "b");
        assert_eq!(more_specific(silent.clone(), refusal.clone()).code, Code::Auth);
        assert_eq!(more_specific(refusal, silent).code, Code::Auth);
    }
}
