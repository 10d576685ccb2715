//! Servers that a service could not reachability: for each one a circuit breaker.
//!
//! A server is away for a pause, and then on trial: exactly one request gets it. Bad news of the
//! trial makes the next pause twice as long; a trial without bad news brings the server back to
//! use, but proves nothing, since nobody may have told. What proves that a server is back is a good
//! report of it, or the source, which lists it again after it did not, or as the primary again after
//! it was that no more.
//! That the source goes on listing a server is no proof: it does so for seconds after a server has
//! died, or for ever.
//!
//! Where the handle has an account to log in by, it tries the server itself when the pause is over, and
//! no request does. A source that has spoken with the server since it was lost has that done sooner.

use std::collections::BTreeMap;

use crate::topology::{Probe, Reachability, Server};

/// The longest pause, as a multiple of the first one.
const MAX_GROWTH: u64 = 16;

/// How long a server is remembered that the source does not list any more, in milliseconds.
const REMEMBER_UNLISTED: u64 = 3_600_000;

/// A server, by its group and its UUID.
pub type InGroup = (String, String);

/// The servers of a farm that are not in use for want of good news, or are without proof that
/// they work. Times are milliseconds on the handle's clock.
#[derive(Debug, Clone, Default)]
pub struct Quarantines {
    /// By group, and then by server UUID.
    groups: BTreeMap<String, BTreeMap<String, Quarantine>>,
}

#[derive(Debug, Clone)]
struct Quarantine {
    state: State,
    /// What was reported last, and how often since the server was last proven to be there.
    errno: i32,
    reports: u64,
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
    is_probed: bool,
    /// Whether it was the primary since then.
    was_primary: bool,
    /// Whether it was the primary no more, after that.
    was_demoted: bool,
    /// Since when the source does not list it.
    unlisted: Option<u64>,
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

impl Quarantines {
    pub fn reachability(&self, group: &str, server_uuid: &str) -> Reachability {
        let quarantine = self.groups.get(group).and_then(|servers| servers.get(server_uuid));
        match quarantine.map(|quarantine| &quarantine.state) {
            None | Some(State::InUse { .. }) => Reachability::Up,
            Some(State::Trial { probe, .. }) => Reachability::HalfOpen(probe.clone()),
            Some(State::Away { .. } | State::Probed { .. }) => Reachability::Down,
        }
    }

    /// Takes in that a server could not be reached; `pause` is how long one stays away at first.
    /// True if it was in use before.
    pub fn failed(
        &mut self,
        group: &str,
        server_uuid: &str,
        is_primary: bool,
        now: u64,
        pause: u64,
    ) -> bool {
        let servers = self.groups.entry(group.to_owned()).or_default();
        let Some(quarantine) = servers.get_mut(server_uuid) else {
            let state = State::Away { until: now.saturating_add(pause) };
            let new = Quarantine {
                state,
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
            };
            servers.insert(server_uuid.to_owned(), new);
            return true;
        };
        let was_in_use = match &quarantine.state {
            // Whoever was connected tells, too. That is one death, and one pause.
            State::Away { .. } | State::Probed { .. } => return false,
            State::Trial { probe, .. } => {
                if probe.is_taken() {
                    quarantine.lengthen();
                }
                false
            }
            State::InUse { since } => {
                if now.saturating_sub(*since) < quarantine.longest() {
                    quarantine.lengthen();
                } else {
                    quarantine.pause = quarantine.shortest;
                }
                true
            }
        };
        quarantine.is_tried &= !was_in_use;
        if was_in_use {
            quarantine.since = now;
        }
        quarantine.go_away(now);
        was_in_use
    }

    /// A service has reported a failure of a server with this errno.
    pub fn reported(&mut self, group: &str, server_uuid: &str, errno: i32) {
        if let Some(quarantine) = self.of_mut(group, server_uuid) {
            quarantine.errno = errno;
            quarantine.reports += 1;
        }
    }

    /// What is known of a server that was not proven to be there since a service could not reach it.
    pub fn doubt(&self, group: &str, server_uuid: &str) -> Option<Doubt> {
        let quarantine = self.groups.get(group)?.get(server_uuid)?;
        let Quarantine { errno, reports, since, failed, is_probed, .. } = *quarantine;
        let (state, next_trial) = match &quarantine.state {
            State::Away { until } => (ServerState::LeftOut, Some(*until)),
            State::Probed { .. } => (ServerState::Tried, Some(0)),
            State::Trial { probe, .. } if probe.is_taken() => (ServerState::Tried, Some(0)),
            State::Trial { .. } => (ServerState::OnTrial, Some(0)),
            State::InUse { .. } => (ServerState::Unproven, None),
        };
        Some(Doubt { state, errno, reports, since, failed, next_trial, is_probed })
    }

    /// A good report of a server: its group, if there was a doubt.
    pub fn answered(&mut self, server_uuid: &str) -> Option<String> {
        let holds = |servers: &BTreeMap<_, _>| servers.contains_key(server_uuid);
        let group = self.groups.iter().find(|(_, servers)| holds(servers))?.0.clone();
        self.forget(&group, server_uuid);
        Some(group)
    }

    /// From now on the handle tries the server itself.
    pub fn probe(&mut self, group: &str, server_uuid: &str) {
        if let Some(quarantine) = self.of_mut(group, server_uuid) {
            quarantine.is_probed = true;
        }
    }

    /// The servers that the handle is to try now. Of one that nothing is heard of within `most`, a
    /// request finds out.
    pub fn take_probes(&mut self, now: u64, most: u64) -> Vec<InGroup> {
        let mut due = Vec::new();
        for (group, servers) in &mut self.groups {
            let probed = servers.iter_mut().filter(|(_, q)| q.is_probed && q.unlisted.is_none());
            for (uuid, quarantine) in probed {
                if matches!(quarantine.state, State::Away { until } if until <= now) {
                    quarantine.state = State::Probed { until: now.saturating_add(most) };
                    due.push((group.clone(), uuid.clone()));
                }
            }
        }
        due
    }

    /// The handle has tried the server, and it is not back.
    pub fn probe_failed(&mut self, group: &str, server_uuid: &str, now: u64) {
        if let Some(quarantine) = self.of_mut(group, server_uuid)
            && matches!(quarantine.state, State::Probed { .. })
        {
            quarantine.lengthen();
            quarantine.is_tried = true;
            quarantine.go_away(now);
        }
    }

    /// The handle cannot tell: one request is to try the server. True if it was waited for.
    pub fn probe_refused(&mut self, group: &str, server_uuid: &str, now: u64) -> bool {
        let quarantine = self.of_mut(group, server_uuid);
        let probed = quarantine.filter(|q| matches!(q.state, State::Probed { .. }));
        probed.map(|quarantine| quarantine.begin_trial(now)).is_some()
    }

    fn of_mut(&mut self, group: &str, server_uuid: &str) -> Option<&mut Quarantine> {
        self.groups.get_mut(group)?.get_mut(server_uuid)
    }

    /// Takes in what the source lists of a group: the servers that this proves to be back.
    pub fn listed(&mut self, group: &str, servers: &[Server], now: u64) -> Vec<String> {
        // A group that is empty as a whole says nothing of one of its servers.
        let Some(doubted) = self.groups.get_mut(group).filter(|_| !servers.is_empty()) else {
            return Vec::new();
        };
        let serving = servers.iter().filter(|server| server.serves());
        let serving: BTreeMap<&str, &Server> =
            serving.map(|server| (server.uuid.as_str(), server)).collect();
        let mut back = Vec::new();
        for (uuid, quarantine) in doubted {
            match serving.get(uuid.as_str()) {
                None => _ = quarantine.unlisted.get_or_insert(now),
                Some(server) => {
                    let promoted = server.is_primary() && quarantine.was_demoted;
                    if quarantine.unlisted.is_some() || promoted {
                        back.push(uuid.clone());
                    }
                    quarantine.was_demoted |= quarantine.was_primary && !server.is_primary();
                    quarantine.was_primary |= server.is_primary();
                }
            }
        }
        back.iter().for_each(|uuid| self.forget(group, uuid));
        back
    }

    /// Takes in that a server has answered the source, which had asked at `asked_at`. It does not prove
    /// that others are let in, and yet one that is there is tried sooner: a primary, in whose place there
    /// is nobody, at once, and again after each first pause, however long its pauses have grown.
    pub fn heard(&mut self, group: &str, server_uuid: &str, is_primary: bool, asked_at: u64) {
        let Some(quarantine) = self.of_mut(group, server_uuid) else { return };
        let (failed, shortest) = (quarantine.failed, quarantine.shortest);
        if let State::Away { until } = &mut quarantine.state
            && asked_at > failed
        {
            let at_once = is_primary && !quarantine.is_tried;
            *until = (*until).min(if at_once { asked_at } else { failed.saturating_add(shortest) });
        }
    }

    fn forget(&mut self, group: &str, server_uuid: &str) {
        if let Some(servers) = self.groups.get_mut(group) {
            servers.remove(server_uuid);
            if servers.is_empty() {
                self.groups.remove(group);
            }
        }
    }

    /// Begins and ends what its time has come for; the servers that may be tried now, and those
    /// that are in use again.
    pub fn expire(&mut self, now: u64) -> Vec<(InGroup, Reachability)> {
        let mut changed = Vec::new();
        for (group, servers) in &mut self.groups {
            servers.retain(|_, quarantine| {
                let since = quarantine.unlisted.unwrap_or(now);
                now.saturating_sub(since) < REMEMBER_UNLISTED
            });
            // Nobody can try what is not listed, and that it is listed again will prove enough.
            let listed = servers.iter_mut().filter(|(_, q)| q.unlisted.is_none());
            for (uuid, quarantine) in listed {
                if let Some(reachability) = quarantine.expire(now) {
                    changed.push(((group.clone(), uuid.clone()), reachability));
                }
            }
        }
        self.groups.retain(|_, servers| !servers.is_empty());
        changed
    }

    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// When there is something for `expire` to do.
    pub fn next_end(&self) -> Option<u64> {
        self.all().filter_map(|(_, quarantine)| quarantine.next_end()).min()
    }

    /// How many of the servers that the source lists are not in use: away, or on trial by one request.
    pub fn out_of_use(&self) -> usize {
        let is_out = |quarantine: &Quarantine| !matches!(quarantine.state, State::InUse { .. });
        self.all().filter(|(_, q)| is_out(q) && q.unlisted.is_none()).count()
    }

    /// The servers of which good news would be news.
    pub fn doubted(&self) -> impl Iterator<Item = &str> {
        self.all().map(|(uuid, _)| uuid)
    }

    fn all(&self) -> impl Iterator<Item = (&str, &Quarantine)> {
        let servers = self.groups.values().flatten();
        servers.map(|(uuid, quarantine)| (uuid.as_str(), quarantine))
    }
}

impl Quarantine {
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

    fn next_end(&self) -> Option<u64> {
        match self.state {
            State::Away { until } | State::Probed { until } | State::Trial { until, .. } => {
                self.unlisted.is_none().then_some(until)
            }
            State::InUse { .. } => None,
        }
    }

    fn begin_trial(&mut self, now: u64) -> Probe {
        let probe = Probe::default();
        let until = now.saturating_add(self.pause);
        self.state = State::Trial { until, probe: probe.clone() };
        probe
    }

    fn expire(&mut self, now: u64) -> Option<Reachability> {
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

#[cfg(test)]
mod tests {
    use super::*;

    const SPARE: i32 = 1;
    const SECONDARY: i32 = 2;
    const PRIMARY: i32 = 3;

    fn list(servers: &[(&str, i32)]) -> Vec<Server> {
        let server = |(uuid, status): &(&str, i32)| Server {
            uuid: (*uuid).to_owned(),
            host: "h".into(),
            port: 3306,
            mode: 3,
            status: *status,
            weight: 1.0,
            zone: None,
        };
        servers.iter().map(server).collect()
    }

    /// The probe of the trial that begins now.
    fn begins(seen: &mut Quarantines, now: u64) -> Probe {
        match seen.expire(now).as_slice() {
            [(_, Reachability::HalfOpen(probe))] => probe.clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn each_failed_trial_doubles_the_pause_up_to_a_limit() {
        let mut seen = Quarantines::default();
        assert!(seen.failed("g", "s", true, 0, 100));
        assert!(!seen.failed("g", "s", true, 50, 100), "one death, told twice");
        let (mut now, mut pauses) = (0, Vec::new());
        for _ in 0..7 {
            assert_eq!(seen.reachability("g", "s"), Reachability::Down);
            let end = seen.next_end().expect("an end");
            pauses.push(end - now);
            assert_eq!(seen.expire(end - 1), []);
            let probe = begins(&mut seen, end);
            assert!(probe.take() && !probe.take(), "one request gets it");
            now = end + 10;
            assert!(!seen.failed("g", "s", true, now, 100), "a failed trial is no news");
        }
        assert_eq!(pauses, [100, 200, 400, 800, 1600, 1600, 1600]);
        assert_eq!(seen.out_of_use(), 1);
    }

    #[test]
    fn it_can_be_told_what_is_held_against_a_server() {
        let mut seen = Quarantines::default();
        assert_eq!(seen.doubt("g", "s"), None);
        let fail = |seen: &mut Quarantines, now, errno| {
            seen.failed("g", "s", false, now, 100);
            seen.reported("g", "s", errno);
        };
        fail(&mut seen, 5, 2003);
        fail(&mut seen, 20, 2013);
        let doubt = |seen: &Quarantines| seen.doubt("g", "s").expect("a doubt");
        let expected = Doubt {
            state: ServerState::LeftOut,
            errno: 2013,
            reports: 2,
            since: 5,
            failed: 5,
            next_trial: Some(105),
            is_probed: false,
        };
        assert_eq!(doubt(&seen), expected);
        let probe = begins(&mut seen, 105);
        assert_eq!((doubt(&seen).state, doubt(&seen).next_trial), (ServerState::OnTrial, Some(0)));
        assert!(probe.take());
        assert_eq!(doubt(&seen).state, ServerState::Tried);
        fail(&mut seen, 110, 2006);
        let Doubt { state, reports, since, failed, next_trial, .. } = doubt(&seen);
        assert_eq!((state, reports, since, failed), (ServerState::LeftOut, 3, 5, 110));
        assert_eq!(next_trial, Some(310));
        assert!(begins(&mut seen, 310).take());
        seen.expire(510);
        assert_eq!((doubt(&seen).state, doubt(&seen).next_trial), (ServerState::Unproven, None));
        fail(&mut seen, 600, 2003);
        assert_eq!((doubt(&seen).since, doubt(&seen).reports), (600, 4));
        seen.probe("g", "s");
        assert!(doubt(&seen).is_probed);
        seen.take_probes(1_000, 50);
        assert_eq!(doubt(&seen).state, ServerState::Tried);
        seen.answered("s");
        assert_eq!(seen.doubt("g", "s"), None);
    }

    #[test]
    fn a_trial_ends_without_news_only_if_there_was_one() {
        let mut seen = Quarantines::default();
        seen.failed("g", "s", false, 0, 100);
        let probe = begins(&mut seen, 100);
        assert_eq!(seen.expire(1000), [], "nobody tried it");
        assert_eq!(seen.reachability("g", "s"), Reachability::HalfOpen(probe.clone()));
        assert!(probe.take());
        assert_eq!(seen.expire(1099), []);
        assert_eq!(seen.expire(1100), [(("g".to_owned(), "s".to_owned()), Reachability::Up)]);
        assert_eq!((seen.reachability("g", "s"), seen.next_end()), (Reachability::Up, None));
        assert_eq!((seen.out_of_use(), seen.doubted().count()), (0, 1), "in use, and unproven");

        assert!(seen.failed("g", "s", false, 1200, 100), "it was in use");
        assert_eq!(seen.next_end(), Some(1400), "soon after a trial, the pause is longer");
        assert!(begins(&mut seen, 1400).take());
        seen.expire(1600);
        assert!(seen.failed("g", "s", false, 9000, 100));
        assert_eq!(seen.next_end(), Some(9100), "long after it, it is as at first");
    }

    #[test]
    fn a_report_of_before_does_not_spoil_the_trial_of_nobody() {
        let mut seen = Quarantines::default();
        seen.failed("g", "s", false, 0, 100);
        begins(&mut seen, 100);
        assert!(!seen.failed("g", "s", false, 110, 100));
        assert_eq!(seen.next_end(), Some(210), "away again, for no longer than before");
    }

    #[test]
    fn being_listed_is_no_proof_and_being_listed_again_is() {
        let mut seen = Quarantines::default();
        seen.failed("g", "p", true, 0, 100);
        seen.failed("g", "a", false, 0, 100);
        let all = list(&[("p", PRIMARY), ("a", SECONDARY), ("b", SECONDARY)]);
        for now in 0..99 {
            assert!(seen.listed("g", &all, now).is_empty());
        }
        assert!(seen.listed("g", &[], 99).is_empty(), "an empty dump says nothing");
        assert!(seen.listed("other", &list(&[("a", SECONDARY)]), 99).is_empty());
        let without = list(&[("p", PRIMARY), ("a", SPARE), ("b", SECONDARY)]);
        assert!(seen.listed("g", &without, 100).is_empty());
        assert_eq!(seen.listed("g", &all, 101), ["a"]);
        assert_eq!(seen.reachability("g", "a"), Reachability::Up);
        assert_eq!(seen.reachability("g", "p"), Reachability::Down);
    }

    #[test]
    fn a_primary_is_proven_by_being_made_one_again() {
        let mut seen = Quarantines::default();
        seen.failed("g", "p", true, 0, 100);
        let demoted = list(&[("p", SECONDARY), ("a", PRIMARY)]);
        assert!(seen.listed("g", &demoted, 1).is_empty());
        assert!(seen.listed("g", &demoted, 2).is_empty());
        assert_eq!(seen.listed("g", &list(&[("p", PRIMARY), ("a", SECONDARY)]), 3), ["p"]);
        // Who has yet to be made one may have died before the source knew.
        seen.failed("g", "a", false, 4, 100);
        assert!(seen.listed("g", &demoted, 5).is_empty());
        assert!(seen.listed("g", &list(&[("p", PRIMARY), ("a", SECONDARY)]), 6).is_empty());
        assert_eq!(seen.listed("g", &demoted, 7), ["a"]);
        assert_eq!(seen.doubted().count(), 0);
    }

    #[test]
    fn what_is_gone_is_forgotten() {
        let mut seen = Quarantines::default();
        seen.failed("g", "s", false, 0, 100);
        seen.listed("g", &list(&[("p", PRIMARY)]), 50);
        assert_eq!((seen.out_of_use(), seen.doubted().count()), (0, 1));
        seen.expire(50 + REMEMBER_UNLISTED - 1);
        assert_eq!(seen.doubted().count(), 1);
        seen.expire(50 + REMEMBER_UNLISTED);
        assert_eq!((seen.doubted().count(), seen.groups.len()), (0, 0));
    }

    #[test]
    fn the_handle_tries_a_server_itself() {
        let mut seen = Quarantines::default();
        assert!(seen.failed("g", "s", true, 0, 100));
        seen.probe("g", "s");
        assert_eq!(seen.take_probes(99, 50), []);
        assert_eq!(seen.expire(100), [], "no request tries it");
        assert_eq!(seen.next_end(), Some(100), "somebody has to see to it");
        let due = [("g".to_owned(), "s".to_owned())];
        assert_eq!((seen.take_probes(100, 50), seen.take_probes(100, 50)), (due.to_vec(), vec![]));
        assert_eq!((seen.reachability("g", "s"), seen.next_end()), (Reachability::Down, Some(150)));
        assert!(!seen.failed("g", "s", true, 110, 100), "told again of the same death");
        seen.probe_failed("g", "s", 120);
        assert_eq!(seen.next_end(), Some(320), "twice the pause");
        seen.probe_failed("g", "s", 130);
        assert_eq!((seen.next_end(), seen.out_of_use()), (Some(320), 1), "one answer a probe");
        assert_eq!(seen.take_probes(320, 50), due);
        assert_eq!(seen.answered("s").as_deref(), Some("g"));
        assert_eq!((seen.reachability("g", "s"), seen.next_end()), (Reachability::Up, None));
    }

    #[test]
    fn a_request_tries_what_the_handle_cannot() {
        let mut seen = Quarantines::default();
        seen.failed("g", "s", false, 0, 100);
        seen.probe("g", "s");
        assert!(!seen.probe_refused("g", "s", 50), "nobody has tried it");
        seen.take_probes(100, 50);
        assert!(seen.probe_refused("g", "s", 110) && !seen.probe_refused("g", "s", 110));
        let Reachability::HalfOpen(probe) = seen.reachability("g", "s") else { panic!("no trial") };
        assert!(probe.take());
        seen.failed("g", "s", false, 120, 100);
        seen.take_probes(320, 50);
        // Whoever was to try it is gone, as in a forked child.
        assert_eq!(seen.expire(369), []);
        assert!(matches!(seen.expire(370).as_slice(), [(_, Reachability::HalfOpen(_))]));
    }

    #[test]
    fn a_server_that_answers_the_source_is_tried_sooner() {
        let mut seen = Quarantines::default();
        let lose = |seen: &mut Quarantines, uuid, now| {
            seen.failed("g", uuid, uuid == "p", now, 100);
            seen.probe("g", uuid);
        };
        let due = |seen: &mut Quarantines, now| {
            seen.take_probes(now, 50).into_iter().map(|(_, uuid)| uuid).collect::<Vec<_>>()
        };
        lose(&mut seen, "p", 10);
        lose(&mut seen, "a", 10);
        let hear = |seen: &mut Quarantines, asked_at| {
            seen.heard("g", "p", true, asked_at);
            seen.heard("g", "a", false, asked_at);
        };
        hear(&mut seen, 10);
        assert!(due(&mut seen, 20).is_empty(), "it may have been asked before it was lost");
        hear(&mut seen, 11);
        assert_eq!(due(&mut seen, 20), ["p"], "nobody takes the place of a primary");
        seen.probe_failed("g", "p", 20);
        hear(&mut seen, 30);
        assert!(due(&mut seen, 109).is_empty(), "at once only once");
        assert_eq!(due(&mut seen, 110), ["a"]);
        seen.probe_failed("g", "a", 110);
        assert_eq!(due(&mut seen, 120), ["p"], "the pauses of one that answers do not grow");
        seen.probe_failed("g", "p", 120);
        assert!(due(&mut seen, 309).is_empty());
        assert_eq!(due(&mut seen, 310), ["a"], "those of one that does not answer do");
        // A service that loses it again once it is in use begins anew.
        assert_eq!(seen.answered("p").as_deref(), Some("g"));
        lose(&mut seen, "p", 400);
        hear(&mut seen, 401);
        assert_eq!(due(&mut seen, 402), ["p"]);
    }

    #[test]
    fn good_news_is_proof() {
        let mut seen = Quarantines::default();
        seen.failed("g", "s", false, 0, 100);
        assert_eq!(seen.answered("other"), None);
        assert_eq!(seen.answered("s").as_deref(), Some("g"));
        assert_eq!(seen.answered("s"), None);
        assert_eq!((seen.reachability("g", "s"), seen.next_end()), (Reachability::Up, None));
    }
}
