//! Discovery as a source of groups.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use tokio::sync::watch;

use crate::base::clock::millis;
use crate::base::error::{Code, Error, Result};
use crate::base::random;
use crate::base::text::excerpt;
use crate::config::{Cluster, Config, Node};
use crate::observe::log::Level;
use crate::observe::metrics::Traffic;
use crate::source::callers::CallersQuestions;
use crate::source::mysql_session::{wait_for, warn_of_password_cache};
use crate::source::retry::{may_pass, more_specific};
use crate::source::{
    About, Answer, Ask, Attempt, Content, GroupAnswers, GroupSource, NodeState, Silence, Source,
    Wanted,
};

use super::answers::{failure, rows};
use super::kept::{GroupState, Kept, States, Taken};
use super::members::{Members, Ways};
use super::quick;
use super::round::{AskedGroup, End, Round};
use super::rules::Options;
use super::spec::{GroupSpec, Specs};
use super::verdict::Verdict;

/// A round takes no longer, however many servers are found by the way.
const MOST: Duration = Duration::from_secs(3);

/// What groups are discovered, and what they are called.
pub enum Scope {
    /// Those that somebody else names, by these names.
    Named(Arc<Specs>),
    /// One, by the name given, or else by what its metadata calls it.
    Found(GroupSpec, Option<String>),
}

/// The name of a group that has none.
const DEFAULT_NAME: &str = "default";

/// Asks the servers of groups who they are.
pub struct Discovery {
    config: Arc<Config>,
    scope: Scope,
    traffic: Arc<Traffic>,
    cancelled: watch::Sender<bool>,
    callers: CallersQuestions,
    kept: Kept,
    options: Options,
    /// Whom it asks, and how they did.
    known: ArcSwap<Vec<NodeState>>,
}

/// A group to ask: its key among the states, and what it is.
type Named = (String, GroupSpec);

impl Discovery {
    /// No I/O. With a `socket` the seeds are reached over it; with `trusts_seeds` they are named by
    /// the options themselves, and nobody else.
    pub fn new(
        scope: Scope,
        socket: Option<PathBuf>,
        trusts_seeds: bool,
        config: &Arc<Config>,
        traffic: &Arc<Traffic>,
    ) -> Self {
        let cancelled = watch::Sender::new(false);
        let ways = Ways { config: Arc::clone(config), socket, trusts_seeds };
        Self {
            config: Arc::clone(config),
            scope,
            traffic: Arc::clone(traffic),
            callers: CallersQuestions::default(),
            kept: Kept::new(Arc::new(ways), cancelled.subscribe()),
            options: Options {
                max_lag: config.discovery.max_replica_lag,
                multi_primary: config.discovery.multi_primary,
                reads_without_majority: config.discovery.reads_without_majority,
            },
            cancelled,
            known: ArcSwap::default(),
        }
    }

    /// Of one group, asked of the servers that the options name. No I/O.
    pub fn of_cluster(cluster: &Cluster, config: &Arc<Config>, traffic: &Arc<Traffic>) -> Self {
        let Cluster { servers, socket, group, kind, .. } = cluster;
        let (kind, seeds) = (*kind, servers.clone());
        let scope = Scope::Found(GroupSpec::new(kind, seeds), group.clone());
        Self::new(scope, socket.clone(), true, config, traffic)
    }

    /// The groups that are to be asked now.
    fn wanted(&self, wanted: &Wanted<'_>, ask: &Ask<'_>) -> Vec<Named> {
        let specs = match &self.scope {
            Scope::Found(spec, _) => return vec![(DEFAULT_NAME.to_owned(), spec.clone())],
            Scope::Named(specs) => specs.get(),
        };
        let (states, now) = (self.kept.states(), ask.asker.now());
        let is_due = |name: &String| {
            // Whoever asks in the background asks for all, each in its time.
            !ask.retry.background
                || (wanted.is_stale)(name)
                || states.get(name).is_none_or(|state| state.is_due(now))
        };
        let is_wanted = |name: &String| wanted.everything || wanted.names.contains(name);
        let named = specs.iter().filter(|(name, _)| is_wanted(name));
        let (due, others): (Vec<Named>, Vec<Named>) = named
            .map(|(name, spec)| (name.clone(), spec.clone()))
            .partition(|(name, _)| is_due(name));
        // Before its time a round begins because somebody waits for the next word.
        if due.is_empty() { others } else { due }
    }

    /// One round: the groups as they are after it.
    fn round(
        &self,
        taken: &mut Taken<'_>,
        named: &[Named],
        asked_at: u64,
        until: Instant,
        attempt: &Attempt,
    ) -> Result<Vec<AskedGroup>> {
        // TLS needs some, and panics without.
        random::bytes()?;
        let mut groups: Vec<AskedGroup> = Vec::new();
        for (name, spec) in named {
            let state = taken.states.get(name).filter(|state| state.spec == *spec);
            let GroupState { spec, memory, members, .. } =
                state.cloned().unwrap_or_else(|| GroupState::new(spec));
            let mut memory = memory;
            memory.begin_round(asked_at);
            groups.push(AskedGroup::new(name.clone(), spec, memory, members));
        }
        let options = &self.options;
        let asked = taken.run(until, attempt.cancelled(), async |members| {
            Round { members, groups: &mut groups, options }.run().await;
        });
        asked.map(|()| groups)
    }

    /// Keeps what was found out, and makes the answers of it; gives the groups of which another round
    /// may find out more. `wanted` are the names that were asked for.
    fn take_in(
        &self,
        taken: &mut Taken<'_>,
        groups: Vec<AskedGroup>,
        asked_at: u64,
        wanted: &BTreeSet<String>,
        answers: &mut GroupAnswers,
    ) -> Vec<Named> {
        let mut open = Vec::new();
        for group in groups {
            let fresh = || GroupState::new(&group.spec);
            let state = taken.states.entry(group.name.clone()).or_insert_with(fresh);
            if state.spec != group.spec {
                *state = GroupState::new(&group.spec);
            }
            state.memory = group.memory.clone();
            if let Some(End::Verdict(Verdict { name: Some(name), .. })) = &group.end {
                state.name = Some(name.clone());
            }
            let name = self.name_of(&group.name, state);
            let name = name.as_deref();
            self.warn(name, &group);
            let Some(End::Verdict(verdict)) = &group.end else {
                let error = failure(&shown(name, wanted), &group);
                // A password that is refused, or a grant that is missing, stays so for a while.
                let is_open = may_pass(&error);
                answers.failure = Some(match answers.failure.take() {
                    Some(other) => more_specific(other, error),
                    None => error,
                });
                (state.asked_at, state.interval) = (asked_at, millis(self.interval()));
                if is_open {
                    open.push((group.name, group.spec));
                }
                continue;
            };
            state.members.clone_from(&verdict.members);
            let interval = match verdict.ask_again_soon {
                true => quick::interval(self.interval(), quick::second()),
                false => self.interval(),
            };
            (state.asked_at, state.interval) = (asked_at, millis(interval));
            let about = match &self.scope {
                Scope::Named(_) => About::Names(BTreeSet::from([group.name.clone()])),
                Scope::Found(..) => About::Everything,
            };
            let rows = rows(name.unwrap_or(DEFAULT_NAME), verdict, &group);
            let content = Content::Rows { about, rows, rejected: Vec::new() };
            answers.answers.push(Answer { asked_at, interval, content });
        }
        open
    }

    /// What a group is called; nothing as long as only its metadata could tell.
    fn name_of(&self, name: &str, state: &GroupState) -> Option<String> {
        match &self.scope {
            Scope::Named(_) => Some(name.to_owned()),
            Scope::Found(_, given) => given.clone().or(state.name.clone()),
        }
    }

    fn warn(&self, name: Option<&str>, group: &AskedGroup) {
        let log = &self.config.log;
        let name = shown(name, &BTreeSet::new());
        for what in group.not_granted() {
            log.write_once(Level::Warning, format_args!("{name}: {what}"));
        }
        if let Some(End::Verdict(verdict)) = &group.end {
            let told = |warning: &&String| !group.not_granted().contains(&warning.as_str());
            for warning in verdict.warnings.iter().filter(told) {
                log.write_once(Level::Warning, format_args!("{name}: {warning}"));
            }
        }
        // One that is there and lets nobody in is for somebody to mend; others come and go.
        for why in group.refusals() {
            log.write_once(Level::Warning, format_args!("{name}: {why}"));
        }
        for (_, why) in group.complaints() {
            log.write_once(Level::Info, format_args!("{name}: {why}"));
        }
    }

    fn interval(&self) -> Duration {
        self.config.discovery.interval
    }

    /// Forgets groups that nobody names any more, and says when the first of the others is due.
    fn tidy(&self, states: &mut States) -> Option<u64> {
        if let Scope::Named(specs) = &self.scope {
            let specs = specs.get();
            states.retain(|name, _| specs.contains_key(name));
        }
        states.values().map(GroupState::due_at).min()
    }

    fn ask(
        &self,
        named: Vec<Named>,
        wanted: &BTreeSet<String>,
        ask: &Ask<'_>,
        attempt: &Attempt,
    ) -> Result<GroupAnswers> {
        let mut answers = GroupAnswers::default();
        let mut named = named;
        for round in 0..ask.retry.count.max(1) {
            let pause = ask.retry.pause;
            if round > 0 && (ask.retry.is_over_in(pause) || ask.pause(pause)) {
                break;
            }
            let until = Instant::now() + attempt.left(MOST);
            let stops = || ask.asker.is_stopping() || attempt.is_cancelled();
            let Some(mut taken) = self.kept.take(until, stops)? else { break };
            let asked_at = ask.asker.now();
            answers.failure = None;
            self.traffic.requests.fetch_add(1, Ordering::Relaxed);
            let groups = self.round(&mut taken, &named, asked_at, until, attempt)?;
            if groups.iter().any(AskedGroup::is_answered) {
                ask.asker.source_answered();
                ask.asker.node_answered(ask.retry.background, Duration::ZERO);
            }
            named = self.take_in(&mut taken, groups, asked_at, wanted, &mut answers);
            self.shorten(&mut answers, self.tidy(&mut taken.states), asked_at);
            for (server, user) in taken.members().map(Members::password_caches).unwrap_or_default()
            {
                warn_of_password_cache(&self.config.log, &server, &user);
            }
            self.known.store(Arc::new(self.states(&taken, ask.asker.now())));
            if named.is_empty() || ask.asker.is_stopping() {
                break;
            }
        }
        if ask.is_interrupted() {
            return Err(ask.asker.interrupted(AWAITED));
        }
        if answers.answers.is_empty() && answers.failure.is_none() {
            return Err(Error::new(
                Code::Timeout,
                "another round of questions to the servers took all of the time; try again",
            ));
        }
        Ok(answers)
    }

    /// How the servers that were asked did, each with the group that it is asked of.
    fn states(&self, taken: &Taken<'_>, now: u64) -> Vec<NodeState> {
        let before = self.known.load();
        let group_of = |node: &Node| {
            let names = |state: &GroupState| {
                state.members.contains(node) || state.spec.seeds.contains(node)
            };
            let named = taken.states.iter().find(|(_, state)| names(state));
            let named = named.map(|(name, state)| {
                self.name_of(name, state).unwrap_or_else(|| DEFAULT_NAME.to_owned())
            });
            // One that its group has lost is known from before.
            let known = || before.iter().find(|known| known.node == *node)?.group.clone();
            named.or_else(known)
        };
        let known = taken.members().into_iter().flat_map(Members::known);
        let states = known.map(|(node, silence)| NodeState {
            node: node.clone(),
            is_source: matches!(self.scope, Scope::Found(..)),
            group: group_of(node),
            silence: silence.map(|(since, why)| Silence {
                since: now.saturating_sub(millis(since.elapsed())),
                why,
            }),
        });
        states.collect()
    }

    /// The shortest interval says when the next round begins: not later than any group is due.
    fn shorten(&self, answers: &mut GroupAnswers, due_at: Option<u64>, asked_at: u64) {
        let due_in = Duration::from_millis(due_at.unwrap_or(u64::MAX).saturating_sub(asked_at));
        if let Some(first) = answers.answers.first_mut() {
            first.interval = first.interval.min(due_in).max(Duration::from_millis(1));
        }
    }
}

/// A group in messages: by what it is called, or else by what it was asked for as.
fn shown(name: Option<&str>, wanted: &BTreeSet<String>) -> String {
    let quoted = |name: &str| format!("group '{}'", excerpt(name, 64));
    let other = wanted.iter().find(|wanted| name != Some(wanted.as_str()));
    match (name, other) {
        (Some(name), Some(other)) if !wanted.contains(name) => {
            format!("{}, the only one there is, and not '{}'", quoted(name), excerpt(other, 64))
        }
        (Some(name), _) => quoted(name),
        (None, Some(other)) => quoted(other),
        (None, None) => "the group of the source's servers".into(),
    }
}

/// What an interrupted call is told that it waited for.
const AWAITED: &str = "the servers of the group";

impl Source for Discovery {
    fn name(&self) -> String {
        "the MySQL servers".into()
    }

    fn unsupported(&self) -> Error {
        Error::new(
            Code::NotSeeded,
            "the groups are asked of the MySQL servers themselves, which take no commands and no reports: \
             there is no MySQL Fabric behind this source",
        )
    }

    fn reset(&self) {
        self.kept.reset();
    }

    fn was_not_taken_in(&self) {
        self.kept.all_are_due();
    }

    fn interrupt(&self) {
        self.callers.interrupt();
    }

    fn cancel(&self) {
        self.cancelled.send_replace(true);
    }

    fn nodes(&self) -> Vec<NodeState> {
        self.known.load().to_vec()
    }
}

impl GroupSource for Discovery {
    fn groups(&self, wanted: &Wanted<'_>, ask: &Ask<'_>) -> Result<GroupAnswers> {
        let named = self.wanted(wanted, ask);
        if named.is_empty() {
            return Ok(GroupAnswers::default());
        }
        let attempt = Attempt::until(ask.retry.until);
        let _under_way = self.callers.begin(ask, &attempt, AWAITED)?;
        wait_for(|| self.ask(named, wanted.names, ask, &attempt))
    }

    fn tells_of(&self, group: &str) -> bool {
        match &self.scope {
            Scope::Named(specs) => specs.get().contains_key(group),
            Scope::Found(..) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::DiscoveryKind;
    use crate::source::RetryPolicy;
    use crate::source::testing::At;

    #[test]
    fn each_group_is_asked_in_its_own_time() {
        let specs = Arc::new(Specs::default());
        let spec = |host: &str| {
            GroupSpec::new(DiscoveryKind::Auto, vec![Node { host: host.into(), port: 3306 }])
        };
        specs.set(["a", "b"].map(|name| (name.to_owned(), spec(name))).into());
        let config = Arc::new(Config::default());
        let scope = Scope::Named(specs);
        let discovery = Discovery::new(scope, None, true, &config, &Arc::default());
        let (no_names, one) = (BTreeSet::new(), BTreeSet::from(["b".to_owned()]));
        let asked = |names: &BTreeSet<String>, stale: &'static str, now, retry| {
            let (known, is_stale) = (|| Vec::new(), |name: &str| name == stale);
            let everything = names.is_empty();
            let wanted = Wanted { everything, names, known: &known, is_stale: &is_stale };
            let named = discovery.wanted(&wanted, &Ask { retry, asker: &At(now) });
            named.into_iter().map(|(name, _)| name).collect::<Vec<_>>()
        };
        let background = RetryPolicy::BACKGROUND;
        assert_eq!(asked(&no_names, "", 1, background), ["a", "b"], "nothing is known of them");
        let soon = Instant::now() + Duration::from_secs(20);
        let mut taken = discovery.kept.take(soon, || false).unwrap().expect("nobody has it");
        for (name, interval) in [("a", 500), ("b", 50)] {
            let state = GroupState { asked_at: 1000, interval, ..GroupState::new(&spec(name)) };
            taken.states.insert(name.to_owned(), state);
        }
        drop(taken);
        assert_eq!(asked(&no_names, "", 1040, background), ["b"]);
        assert_eq!(asked(&no_names, "a", 1010, background), ["a"], "a report said so");
        assert_eq!(asked(&no_names, "", 1010, background), ["a", "b"], "somebody waits");
        assert_eq!(asked(&no_names, "", 1400, background), ["a", "b"]);
        assert_eq!(asked(&no_names, "", 1040, RetryPolicy::ONCE), ["a", "b"], "a caller wants all");
        assert_eq!(asked(&one, "", 1010, RetryPolicy::ONCE), ["b"]);
    }
}
