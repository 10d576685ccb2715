//! How old what is known is: each table and each group by itself.

use std::sync::Arc;
use std::time::Duration;

use crate::base::c_names::MAX_STALE;
use crate::base::clock::{Clock, millis, signed};
use crate::base::error::{Code, Error};
use crate::source::Sources;
use crate::topology::Times;

use super::single_flight::FetchRequest;

/// The limit of who takes anything, however old.
pub(crate) const ANY_AGE: i64 = i64::MIN;

/// How old what lookups use may be.
pub struct AgeLimit {
    most: Option<Duration>,
    clock: Clock,
    sources: Arc<Sources>,
}

impl AgeLimit {
    pub fn new(most: Option<Duration>, clock: Clock, sources: Arc<Sources>) -> Self {
        Self { most, clock, sources }
    }

    /// What was confirmed before this is older than the options allow.
    pub fn oldest(&self) -> i64 {
        match self.most {
            None => ANY_AGE,
            Some(most) => signed(self.clock.now()) - signed(millis(most)),
        }
    }

    /// The refusal to go on from what is older than the options allow.
    #[cold]
    pub fn too_old(&self, what: &FetchRequest, confirmed: i64) -> Error {
        let (most, source) = (self.most.map_or(0, millis), self.sources.name());
        let message = match since(confirmed, self.clock.now()) {
            Some(age) => format!(
                "what is known of {what} was last confirmed {age} ms ago, and {MAX_STALE} allows \
                 {most} ms; see that {source} can be reached and answers about it, and try again"
            ),
            None => format!(
                "what is known of {what} is from a snapshot file of unknown age, since it is dated \
                 in the future, and {MAX_STALE} allows {most} ms; see that the clock is right and \
                 that {source} can be reached, and try again"
            ),
        };
        Error::new(Code::Stale, message)
    }
}

/// Milliseconds from when something was confirmed to `now`; `None` where nobody knows.
pub fn since(confirmed: i64, now: u64) -> Option<u64> {
    let age = signed(now).saturating_sub(confirmed).max(0);
    (confirmed != Times::UNKNOWN).then_some(age.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source;

    #[test]
    fn what_is_too_old_is_refused_with_its_age() {
        let (clock, config) = (Clock::default(), Arc::default());
        let sources = Arc::new(source::of(&config, &Arc::default()));
        assert_eq!(AgeLimit::new(None, clock, Arc::clone(&sources)).oldest(), ANY_AGE);
        let limit = AgeLimit::new(Some(Duration::from_secs(60)), clock, sources);
        let oldest = limit.oldest();
        assert!((-60_000..-50_000).contains(&oldest), "{oldest}");
        let error = limit.too_old(&FetchRequest::table("db.t"), Times::UNKNOWN);
        assert_eq!(error.code, Code::Stale);
        assert!(error.message.contains("unknown age"), "{error}");
        let error = limit.too_old(&FetchRequest::table("db.t"), oldest - 1);
        assert!(error.message.contains("table 'db.t' was last confirmed 600"), "{error}");
    }

    #[test]
    fn an_age_is_known_where_its_beginning_is() {
        assert_eq!((since(3, 5), since(-3, 5), since(9, 5)), (Some(2), Some(8), Some(0)));
        assert_eq!(since(Times::UNKNOWN, 5), None);
    }
}
