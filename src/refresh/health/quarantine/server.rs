//! The circuit breaker of one server.

use crate::topology::{Probe, Reachability};

/// The longest pause, as a multiple of the first one.
const MAX_GROWTH: u64 = 16;

/// A server that a service could not reach, until it is proven to be back.
#[derive(Debug, Clone)]
pub struct Quarantine {
    state: State,
    /// What was reported last, and how often since the server was last proven to be there.
    pub errno: i32,
    pub reports: u64,
    /// Since when it is out of use.
    since: u64,
    /// The first pause.
    shortest: u64,
    /// How long the server is away, and then how long without bad news its trial is over.
    pause: u64,
    /// When it could not be reached the last time.
    failed: u64,
    /// Whether it was tried since a service could not reach it.
    is_tried: bool,
    /// Whether the handle itself tries it.
    pub is_probed: bool,
    /// Whether it was the primary since then.
    pub was_primary: bool,
    /// Whether it was the primary no more, after that.
    pub was_demoted: bool,
    /// Since when the source does not list it.
    pub unlisted: Option<u64>,
}

/// Whether a server is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum ServerState {
    /// Nothing is to be said against it.
    InUse = 1,
    /// A service could not reach it, and it is left out.
    LeftOut = 2,
    /// The next request is to find out whether it is back.
    OnTrial = 3,
    /// The handle, or a request, is finding out.
    Tried = 4,
    /// It is used again, and nobody has proven that it is back.
    Unproven = 5,
}

/// What is known of a server that services could not reach. Times are milliseconds on the handle's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Doubt {
    pub state: ServerState,
    /// What was reported last.
    pub errno: i32,
    /// How many failures were reported.
    pub reports: u64,
    /// When it was left out.
    pub since: u64,
    /// When it failed last.
    pub failed: u64,
    /// When it is tried next, 0 for what goes on already.
    pub next_trial: Option<u64>,
    /// Whether the handle itself tries it.
    pub is_probed: bool,
}

#[derive(Debug, Clone)]
enum State {
    Away {
        until: u64,
    },
    /// The handle is trying it, and has an answer by then.
    Probed {
        until: u64,
    },
    Trial {
        until: u64,
        probe: Probe,
    },
    /// In use again, without proof.
    InUse {
        since: u64,
    },
}

impl Quarantine {
    /// It could not be reached, and stays away for `pause` at first.
    pub fn new(is_primary: bool, now: u64, pause: u64) -> Self {
        Self {
            state: State::Away { until: now.saturating_add(pause) },
            errno: 0,
            reports: 0,
            since: now,
            shortest: pause,
            pause,
            failed: now,
            is_tried: false,
            is_probed: false,
            was_primary: is_primary,
            was_demoted: false,
            unlisted: None,
        }
    }

    pub fn reachability(&self) -> Reachability {
        match &self.state {
            State::InUse { .. } => Reachability::Up,
            State::Trial { probe, .. } => Reachability::HalfOpen(probe.clone()),
            State::Away { .. } | State::Probed { .. } => Reachability::Down,
        }
    }

    /// It could not be reached once more. True if it was in use.
    pub fn failed_again(&mut self, now: u64) -> bool {
        let was_in_use = match &self.state {
            // Whoever was connected tells, too. That is one death, and one pause.
            State::Away { .. } | State::Probed { .. } => return false,
            State::Trial { probe, .. } => {
                if probe.is_taken() {
                    self.lengthen();
                }
                false
            }
            State::InUse { since } => {
                if now.saturating_sub(*since) < self.longest() {
                    self.lengthen();
                } else {
                    self.pause = self.shortest;
                }
                true
            }
        };
        self.is_tried &= !was_in_use;
        if was_in_use {
            self.since = now;
        }
        self.go_away(now);
        was_in_use
    }

    pub fn doubt(&self) -> Doubt {
        let Quarantine { errno, reports, since, failed, is_probed, .. } = *self;
        let (state, next_trial) = match &self.state {
            State::Away { until } => (ServerState::LeftOut, Some(*until)),
            State::Probed { .. } => (ServerState::Tried, Some(0)),
            State::Trial { probe, .. } if probe.is_taken() => (ServerState::Tried, Some(0)),
            State::Trial { .. } => (ServerState::OnTrial, Some(0)),
            State::InUse { .. } => (ServerState::Unproven, None),
        };
        Doubt { state, errno, reports, since, failed, next_trial, is_probed }
    }

    /// It has answered the source, which had asked at `asked_at`: see [`super::Quarantines::heard`].
    pub fn heard(&mut self, is_primary: bool, asked_at: u64) {
        let (failed, shortest) = (self.failed, self.shortest);
        if let State::Away { until } = &mut self.state
            && asked_at > failed
        {
            let at_once = is_primary && !self.is_tried;
            *until = (*until).min(if at_once { asked_at } else { failed.saturating_add(shortest) });
        }
    }

    /// The handle tries it, if its time has come, and has an answer within `most`. True if so.
    pub fn begin_probe(&mut self, now: u64, most: u64) -> bool {
        let is_due = matches!(self.state, State::Away { until } if until <= now);
        if is_due {
            self.state = State::Probed { until: now.saturating_add(most) };
        }
        is_due
    }

    /// Whether the handle is trying it.
    pub fn is_being_probed(&self) -> bool {
        matches!(self.state, State::Probed { .. })
    }

    /// The handle has tried it, and it is not back.
    pub fn probe_failed(&mut self, now: u64) {
        if self.is_being_probed() {
            self.lengthen();
            self.is_tried = true;
            self.go_away(now);
        }
    }

    /// Whether requests get it again.
    pub fn is_in_use(&self) -> bool {
        matches!(self.state, State::InUse { .. })
    }

    fn longest(&self) -> u64 {
        self.shortest.saturating_mul(MAX_GROWTH)
    }

    fn lengthen(&mut self) {
        self.pause = self.pause.saturating_mul(2).min(self.longest());
    }

    fn go_away(&mut self, now: u64) {
        self.failed = now;
        self.state = State::Away { until: now.saturating_add(self.pause) };
    }

    /// When there is something for `expire` to do.
    pub fn next_end(&self) -> Option<u64> {
        match self.state {
            State::Away { until } | State::Probed { until } | State::Trial { until, .. } => {
                self.unlisted.is_none().then_some(until)
            }
            State::InUse { .. } => None,
        }
    }

    /// One request is to try it, whose probe this is.
    pub fn begin_trial(&mut self, now: u64) -> Probe {
        let probe = Probe::default();
        let until = now.saturating_add(self.pause);
        self.state = State::Trial { until, probe: probe.clone() };
        probe
    }

    /// Begins or ends what its time has come for.
    pub fn expire(&mut self, now: u64) -> Option<Reachability> {
        let end = now.saturating_add(self.pause);
        match &mut self.state {
            // Its probe is for whoever has one begun.
            State::Away { .. } if self.is_probed => None,
            State::Away { until } | State::Probed { until } if *until <= now => {
                Some(Reachability::HalfOpen(self.begin_trial(now)))
            }
            State::Trial { until, probe } if *until <= now => {
                if probe.is_taken() {
                    self.state = State::InUse { since: now };
                    return Some(Reachability::Up);
                }
                // Nobody has tried it, and no news of nobody is no good news.
                *until = end;
                None
            }
            _ => None,
        }
    }
}
