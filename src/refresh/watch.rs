//! A fetch as others see it: counted, told of, and with a snapshot in the place of sources that give
//! no answer.

use std::path::Path;
use std::sync::Arc;

use crate::base::error::{Code, Error, Result};
use crate::config::Config;
use crate::observe::metrics::{By, Metrics};
use crate::source::RetryPolicy;
use crate::source::retry::may_pass;

use super::answered::Answered;
use super::asker::Asking;
use super::fetch::{Fetch, Fetched};
use super::health::Health;
use super::intervals::Due;
use super::publisher::Publisher;
use super::single_flight::FetchRequest;
use super::snapshot::SnapshotFile;
use super::trouble::Trouble;

/// The fetches of one handle.
pub struct WatchedFetch {
    pub(super) config: Arc<Config>,
    pub(super) fetch: Fetch,
    pub(super) asking: Arc<Asking>,
    pub(super) answered: Arc<Answered>,
    pub(super) publisher: Arc<Publisher>,
    pub(super) health: Arc<Health>,
    pub(super) file: Arc<SnapshotFile>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) trouble: Trouble,
}

impl WatchedFetch {
    /// A fetch that is counted, and whose outcome is an event if it is not like the last one.
    pub fn run(&self, request: &FetchRequest, due: Due, retry: RetryPolicy, by: By) -> Result<()> {
        // Whoever wanted only the Fabric nodes may find that another caller has just got them.
        let asks_nobody = self.answered.connected.any() && request.is_empty();
        let answers = self.answered.count();
        let fetched = self.provide(request, due, retry);
        let outcome = fetched.clone().outcome();
        // A table that cannot be had is no lost Fabric: it answered, and the rest was taken in.
        let in_part = match &outcome {
            Err(error) if matches!(error.code, Code::Fabric | Code::Protocol) => {
                self.answered.count() != answers
            }
            // Groups of which nobody answers are no reason to ask the others less often.
            Err(_) => fetched.groups_in_part && fetched.maps.as_ref().is_none_or(Result::is_ok),
            _ => false,
        };
        self.trouble.is_over();
        // What the service itself ended says nothing of the source.
        let was_left = matches!(&outcome, Err(error) if error.code == Code::Interrupted);
        if !asks_nobody && !was_left {
            let now = self.publisher.clock.now();
            self.trouble.asked(&fetched, in_part, now);
            self.metrics.refreshed(by, outcome.as_ref().err(), now);
            // Without a node to ask, nobody was lost.
            if !matches!(&outcome, Err(error) if error.code == Code::NotSeeded) {
                self.publisher.tell_refreshed(self.trouble.failed().is_none());
            }
        }
        // The next refresh is due in time, as after one that brought everything.
        if in_part && matches!(by, By::Background) { Ok(()) } else { outcome }
    }

    /// Fetches what of `request` is due, or does without where a snapshot says enough.
    fn provide(&self, request: &FetchRequest, due: Due, retry: RetryPolicy) -> Fetched {
        let state = &self.file.state;
        let fetched = match self.file.path() {
            Some(path) if !state.has_begun() => {
                Fetched::both(self.fetch_first(path, request, retry))
            }
            // Asks for no more than the Fabric nodes, which the snapshot knows as well.
            Some(_) if request.is_empty() && state.serves() => Fetched::both(Ok(())),
            _ => self.fetch.fetch(request, due, retry),
        };
        // Time goes by whether the source answers or not, and a service may fetch without looking up.
        if !self.publisher.worker.keeps_fresh() {
            self.health.settle_at(self.publisher.clock.now());
        }
        if !self.config.background_refresh {
            self.file.save();
        }
        fetched
    }

    /// The first fetch of a handle with a snapshot.
    fn fetch_first(&self, path: &Path, request: &FetchRequest, retry: RetryPolicy) -> Result<()> {
        let mut whole = request.clone();
        let kept = self.file.begin(path, &mut whole);
        // One round must do where there is something to go on from: a service that starts
        // while the source is down waits long enough for that.
        let mut outcome = self.fetch.fetch(&whole, Due::ALL, retry.once()).outcome();
        match (&outcome, kept) {
            (Ok(()), _) => {}
            // The service ended it, and not the source.
            (Err(error), _) if error.code == Code::Interrupted => return outcome,
            (Err(error), Ok(document)) => {
                self.file.serve(path, &document, error);
                if request.everything {
                    self.answered.asked_for_all();
                }
                // What the snapshot does not know can only be asked of the source.
                return if self.publisher.known.covers(request) { Ok(()) } else { outcome };
            }
            (Err(error), Err(why)) => {
                let rest = RetryPolicy { count: retry.count.saturating_sub(1), ..retry };
                let ask = self.asking.ask(rest);
                if rest.count > 0 && may_pass(error) && !ask.pause(rest.pause) {
                    outcome = self.fetch.fetch(&whole, Due::ALL, rest).outcome();
                }
                outcome = outcome
                    .map_err(|error| Error::new(error.code, format!("{}; {why}", error.message)));
            }
        }
        self.file.has_begun(outcome.is_ok());
        outcome
    }
}
