//! A round: the members of all groups that are wanted are asked at once, and each group is judged after
//! each reply, until it is decided.

use std::time::{Duration, Instant};

use tokio::time::timeout_at;

use crate::base::error::Code;
use crate::config::Node;

use super::members::{Heard, Members};
use super::opinion::{Outcome, Reply};
use super::probe::Questions;
use super::rules::{Memory, Options, judge};
use super::spec::GroupSpec;
use super::verdict::{Judgement, Verdict};

/// How old an answer may be as long as nothing is decided by it: a group that elects a primary while
/// one of its members hangs is seen to have one as soon as it has.
const ANEW_AFTER: Duration = Duration::from_millis(100);

/// How long a decision waits for those members that it can do without, at the most: it waits as long
/// again as it took. Without it the slowest member of a group would never be heard.
const MOST_LINGERING: Duration = Duration::from_millis(100);
const LEAST_LINGERING: Duration = Duration::from_millis(10);

/// How long a round reads the answers to questions of earlier rounds before it asks its own.
const READ_FIRST: Duration = Duration::from_millis(2);

/// How long groups that are decided wait for those that are not.
const OTHERS_WAIT: Duration = Duration::from_millis(250);

/// More servers than this are not asked for one group: whoever names more is up to something else.
const MOST_MEMBERS: usize = 200;

/// A group in a round.
pub struct AskedGroup {
    pub name: String,
    pub spec: GroupSpec,
    pub memory: Memory,
    /// Whether it had a primary before.
    had_primary: bool,
    /// Those that are asked, and what they say.
    nodes: Vec<Node>,
    replies: Vec<Reply>,
    codes: Vec<Option<Code>>,
    pub end: Option<End>,
}

/// What a group comes to.
#[derive(Debug, Clone, PartialEq)]
pub enum End {
    Verdict(Verdict),
    /// What is known of it stays, for this reason.
    Keep(String),
}

impl AskedGroup {
    /// `members` are those of the last round; the seeds of a group that has none.
    pub fn new(name: String, spec: GroupSpec, memory: Memory, members: Vec<Node>) -> Self {
        let nodes = if members.is_empty() { spec.seeds.clone() } else { members };
        let mut group = Self {
            name,
            spec,
            had_primary: memory.had_primary(),
            memory,
            nodes: Vec::new(),
            replies: Vec::new(),
            codes: Vec::new(),
            end: None,
        };
        nodes.into_iter().for_each(|node| group.add(node));
        group
    }

    /// As its seeds have answered.
    #[cfg(test)]
    pub fn of_replies<const N: usize>(
        name: &str,
        spec: GroupSpec,
        memory: Memory,
        outcomes: [Outcome; N],
    ) -> Self {
        let mut group = Self::new(name.to_owned(), spec, memory, Vec::new());
        let replies = group.replies.iter_mut().zip(outcomes);
        replies.for_each(|(reply, outcome)| reply.outcome = outcome);
        group
    }

    /// Takes in one more that is to be asked.
    fn add(&mut self, node: Node) {
        // What stands in for an address that cannot be read.
        let is_address = !node.host.is_empty() && node.port > 0;
        if is_address && !self.nodes.contains(&node) && self.nodes.len() < MOST_MEMBERS {
            self.replies.push(Reply { node: node.clone(), outcome: Outcome::Pending });
            self.codes.push(None);
            self.nodes.push(node);
        }
    }

    /// Asks those whose answers are older than that, or who have not answered.
    fn ask(&self, members: &mut Members, since: Instant) {
        let questions = self.questions();
        for node in &self.nodes {
            if members.heard(node, questions, since).outcome == Outcome::Pending {
                members.ask(node, self.spec.seeds.contains(node), questions);
            }
        }
    }

    fn hear(&mut self, members: &Members, begun: Instant) {
        let questions = self.questions();
        let nodes = self.nodes.iter().zip(&mut self.replies).zip(&mut self.codes);
        for ((node, reply), code) in nodes {
            let Heard { outcome, code: heard, .. } = members.heard(node, questions, begun);
            // What was heard in this round stays until it is heard anew.
            if outcome != Outcome::Pending {
                (reply.outcome, *code) = (outcome, heard);
            }
        }
        // Who answered too late for the last round is there, and is waited for in this one.
        let late = self.replies.iter().filter(|reply| reply.outcome == Outcome::Pending);
        let late = late.filter_map(|Reply { node, .. }| {
            let outcome = members.late(node, begun)?.clone();
            Some(Reply { node: node.clone(), outcome })
        });
        let late: Vec<Reply> = late.collect();
        self.memory.note(&late);
    }

    fn questions(&self) -> Questions {
        Questions::of(self.spec.kind)
    }

    fn is_pending(&self) -> bool {
        self.replies.iter().any(|reply| reply.outcome == Outcome::Pending)
    }

    /// Whether it is decided, and has a primary, which is no news.
    fn is_well(&self) -> bool {
        let has = |end: &End| matches!(end, End::Verdict(verdict) if verdict.reason.is_none());
        self.had_primary && self.end.as_ref().is_some_and(has)
    }

    /// Whether somebody is pending who answered the last time.
    fn expects(&self, members: &Members) -> bool {
        let mut pending = self.replies.iter().filter(|reply| reply.outcome == Outcome::Pending);
        pending.any(|reply| members.is_expected(&reply.node))
    }

    /// What those said that said nothing of the group, one after the other.
    pub fn complaints(&self) -> Vec<(Code, &str)> {
        let said = self.replies.iter().zip(&self.codes).filter_map(|(reply, code)| {
            let why = match &reply.outcome {
                Outcome::Pending | Outcome::Opinion(_) => return None,
                Outcome::Silent(why) | Outcome::Refused { why, .. } | Outcome::Unusable { why } => {
                    why.as_str()
                }
            };
            Some((code.unwrap_or(Code::Unreachable), why))
        });
        said.collect()
    }

    /// Why those say nothing who are there, and let nobody in or make no sense: in any order, the same
    /// as long as they do.
    pub fn refusals(&self) -> impl Iterator<Item = &str> {
        self.replies.iter().filter_map(|reply| match &reply.outcome {
            Outcome::Refused { why, .. } | Outcome::Unusable { why } => Some(why.as_str()),
            Outcome::Pending | Outcome::Opinion(_) | Outcome::Silent(_) => None,
        })
    }

    /// What the user may not ask those who say nothing of their group.
    pub fn untold(&self) -> impl Iterator<Item = &str> {
        let missing = self.replies.iter().filter_map(|reply| match &reply.outcome {
            Outcome::Opinion(opinion) if opinion.group.is_none() => Some(&opinion.not_granted),
            _ => None,
        });
        missing.flatten().map(String::as_str)
    }

    /// What the user may not ask, each thing once.
    pub fn not_granted(&self) -> Vec<&str> {
        let mut found: Vec<&str> = Vec::new();
        for reply in &self.replies {
            let Outcome::Opinion(opinion) = &reply.outcome else { continue };
            let missing = opinion.not_granted.iter().map(String::as_str);
            missing.for_each(|what| {
                if !found.contains(&what) {
                    found.push(what);
                }
            });
        }
        found
    }

    /// Whether any server says anything.
    pub fn is_answered(&self) -> bool {
        self.replies.iter().any(|reply| matches!(reply.outcome, Outcome::Opinion(_)))
    }
}

/// A round that is under way.
pub struct Round<'r> {
    pub members: &'r mut Members,
    pub groups: &'r mut [AskedGroup],
    pub options: &'r Options,
}

impl Round<'_> {
    /// Asks until all groups are decided, or some are and the others have had their time. To be cut off
    /// at any time: what is decided is so then.
    pub async fn run(&mut self) {
        let begun = Instant::now();
        // Nothing moves on the loop between two rounds: what has come in since is read first, or a server
        // that was late once would be called silent for ever.
        self.members.read_until(begun + READ_FIRST).await;
        (0..self.groups.len()).for_each(|group| self.judge(group, begun));
        let mut anew_at = begun + ANEW_AFTER;
        loop {
            let (open, decided) = self.open();
            let now = Instant::now();
            if open.is_empty() || decided && now >= begun + OTHERS_WAIT {
                break;
            }
            let others = decided.then_some(begun + OTHERS_WAIT);
            let wake_at =
                self.silent_at(&open, now).into_iter().chain(others).fold(anew_at, Ord::min);
            let news = timeout_at(wake_at.into(), self.members.next()).await;
            let now = Instant::now();
            if now >= anew_at {
                anew_at = now + ANEW_AFTER;
                let since = begun.max(now.checked_sub(ANEW_AFTER).unwrap_or(begun));
                for group in open.iter().filter_map(|group| self.groups.get(*group)) {
                    group.ask(self.members, since);
                }
            }
            match news {
                Ok(Some(node)) => self.heard_of(&node, &open, begun),
                // Nobody is being asked, and yet it is not decided: it is its time that is over.
                Ok(None) => {
                    tokio::time::sleep_until(wake_at.into()).await;
                    open.iter().for_each(|group| self.judge(*group, begun));
                }
                Err(_) => open.iter().for_each(|group| self.judge(*group, begun)),
            }
        }
        self.linger(begun).await;
        self.members.tidy().await;
    }

    /// Hears those, too, that nothing depended on.
    async fn linger(&mut self, begun: Instant) {
        let decided = Instant::now();
        let took = begun.elapsed().clamp(LEAST_LINGERING, MOST_LINGERING);
        let all: Vec<usize> = (0..self.groups.len()).collect();
        while self.members.are_asked() {
            let is_expected = self.groups.iter().any(|group| group.expects(self.members));
            // Where all is well there is time for those who come back.
            let may_answer =
                |group: &AskedGroup| group.is_well() && self.members.may_answer(&group.nodes);
            let until = decided
                + match is_expected {
                    _ if self.groups.iter().any(may_answer) => MOST_LINGERING,
                    true => took,
                    false => LEAST_LINGERING,
                };
            let Ok(Some(node)) = timeout_at(until.into(), self.members.next()).await else {
                return;
            };
            self.heard_of(&node, &all, begun);
        }
    }

    /// The groups that are not decided, and whether any is.
    fn open(&self) -> (Vec<usize>, bool) {
        let is_open = |(place, group): (usize, &AskedGroup)| group.end.is_none().then_some(place);
        let open: Vec<usize> = self.groups.iter().enumerate().filter_map(is_open).collect();
        let decided = open.len() < self.groups.len();
        (open, decided)
    }

    /// When the next server that is pending counts as silent.
    fn silent_at(&self, open: &[usize], now: Instant) -> Option<Instant> {
        let groups = open.iter().filter_map(|group| self.groups.get(*group));
        let nodes = groups.flat_map(|group| &group.nodes);
        nodes.filter_map(|node| self.members.silent_at(node)).filter(|at| *at > now).min()
    }

    /// A question is answered: in time, or it is of an earlier round and is asked anew.
    fn heard_of(&mut self, node: &Node, open: &[usize], begun: Instant) {
        for group in open {
            let is_of = |group: &&mut AskedGroup| group.nodes.contains(node);
            if self.groups.get_mut(*group).filter(is_of).is_some() {
                self.judge(*group, begun);
            }
        }
    }

    /// Judges a group by what has been heard, and asks whom that takes.
    fn judge(&mut self, place: usize, begun: Instant) {
        loop {
            let Some(group) = self.groups.get_mut(place) else { return };
            // What was asked before this round is not about it.
            group.ask(self.members, begun);
            group.hear(self.members, begun);
            let judgement = judge(&group.spec, &group.replies, &mut group.memory, self.options);
            let end = match judgement {
                // It was decided, and what came since is for the next round.
                _ if group.end.is_some() && !matches!(judgement, Judgement::Decided(_)) => return,
                Judgement::Decided(verdict) => End::Verdict(verdict),
                // Nobody who answered before does; who may answer is worth waiting for.
                Judgement::Keep { .. } if self.members.may_answer(&group.nodes) => return,
                Judgement::Keep { why } => End::Keep(why),
                Judgement::Undecided { ask } => {
                    let before = group.nodes.len();
                    ask.into_iter().for_each(|node| group.add(node));
                    if group.nodes.len() > before {
                        continue;
                    }
                    if group.is_pending() {
                        return;
                    }
                    End::Keep("its servers do not agree on who is in it".into())
                }
            };
            group.end = Some(end);
            return;
        }
    }
}
