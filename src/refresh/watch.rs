//! What others may see of the refresh: numbers, and events.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::base::error::{Code, Result};
use crate::observe::events::Events;
use crate::observe::metrics::{By, Metrics, Numbers};
use crate::source::RetryPolicy;

use super::intervals::Due;
use super::single_flight::FetchRequest;
use super::{ProcessState, Refresher};

impl Refresher {
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    pub fn events(&self) -> &Events {
        &self.events
    }

    /// Sees that the callback hears what happened. Only where no lock is held.
    pub(super) fn tell(&self) {
        self.publisher.deliver();
    }

    /// A fetch that is counted, and whose outcome is an event if it is not like the last one.
    pub(super) fn watched(
        &self,
        process: &ProcessState,
        request: &FetchRequest,
        due: Due,
        retry: RetryPolicy,
        by: By,
    ) -> Result<()> {
        // Whoever wanted only the Fabric nodes may find that another caller has just got them.
        let asks_nobody = self.is_seeded() && request.is_empty();
        let answers = self.answers.load(Ordering::Relaxed);
        let outcome = self.provide(process, request, due, retry);
        // A table that cannot be had is no lost Fabric: it answered, and the rest was taken in.
        let in_part = match &outcome {
            Err(error) if matches!(error.code, Code::Fabric | Code::Protocol) => {
                self.answers.load(Ordering::Relaxed) != answers
            }
            _ => false,
        };
        let is_there = outcome.is_ok() || in_part;
        self.hangs.store(false, Ordering::Relaxed);
        // What the service itself ended says nothing of the source.
        let was_left = matches!(&outcome, Err(error) if error.code == Code::Interrupted);
        if !asks_nobody && !was_left {
            let now = self.clock.now();
            self.last_failure.store(if is_there { 0 } else { now }, Ordering::Relaxed);
            self.metrics.refreshed(by, outcome.as_ref().err(), now);
            // Without a node to ask, nobody was lost.
            if !matches!(&outcome, Err(error) if error.code == Code::NotSeeded) {
                let generation = self.topology.load().generation;
                self.events.refreshed(is_there, generation, &self.clock);
            }
        }
        // The next refresh is due in time, as after one that brought everything.
        if in_part && matches!(by, By::Background) { Ok(()) } else { outcome }
    }

    pub fn numbers(&self) -> Numbers {
        let metrics = &self.metrics;
        let (lookups, refused) = metrics.lookups.totals();
        let refreshes = metrics.refreshes();
        let last_error = metrics.last_error();
        let nodes_up = self.sources.iter().map(|source| source.nodes_up()).sum();
        let now = self.clock.now();
        Numbers {
            lookups,
            refused,
            refreshes,
            requests: metrics.traffic.requests.load(Ordering::Relaxed),
            bytes_received: metrics.traffic.received.load(Ordering::Relaxed),
            bytes_inflated: metrics.traffic.inflated.load(Ordering::Relaxed),
            generation: self.topology.load().generation,
            age: self.age(),
            last_error_age: last_error.as_ref().map(|last| now.saturating_sub(last.at)),
            last_error,
            nodes_known: self.nodes().len(),
            nodes_up,
            servers_quarantined: self.publisher.health.numbers().quarantined(),
            events_lost: self.events.lost(),
            refused_threads: metrics.refused_threads(),
        }
    }
}
