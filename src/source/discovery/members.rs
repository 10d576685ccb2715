//! The servers that are asked, by their addresses: one connection each, which is kept.
//!
//! A question has its time to be answered in, and goes on behind it: a server that hangs is neither
//! waited for nor asked again over one connection after another.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::{Id, JoinSet};
use tokio::time::timeout_at;

use crate::base::error::Code;
use crate::config::{Config, Node};
use crate::mysql::{Account, Address, Target};

use super::exchange::{self, Asked, Way};
use super::opinion::Outcome;
use super::probe::{Questions, ServerSession};

/// In how long a server answers that counts as one that does.
pub(crate) const ANSWERS_IN: Duration = Duration::from_secs(1);

/// After how long a question that has no answer is given up, and its connection with it.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(5);

/// How long a server that refuses the password is left alone: accounts get locked.
const REFUSED_FOR: Duration = Duration::from_secs(60);

/// The same for an account that is locked (`ALTER USER ... ACCOUNT LOCK`), which no attempt makes worse.
const LOCKED_FOR: Duration = Duration::from_secs(5);
const ACCOUNT_LOCKED: u16 = 3118;

/// How long the connection to a server is kept that is in no group any more.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(60);

/// How long a goodbye may take. It fits into the socket's buffer.
const GOODBYE: Duration = Duration::from_millis(100);

/// How servers are reached.
pub struct Ways {
    pub config: Arc<Config>,
    /// Where the seed listens, if it is reached over a Unix socket.
    pub socket: Option<PathBuf>,
    /// Whether seeds are named by the service itself. All others are named by servers, of which nobody
    /// may know whether they are those that were meant.
    pub trusts_seeds: bool,
}

impl Ways {
    fn of(&self, node: &Node, is_seed: bool) -> Way {
        let mysql = &self.config.mysql;
        let address = match &self.socket {
            Some(path) if is_seed => Address::Socket(path.clone()),
            _ => Address::Tcp(node.clone()),
        };
        let target = Target::new(address, mysql.tls_mode, mysql.ca.clone(), mysql.identity.clone());
        let account = Account::at(mysql, is_seed && self.trusts_seeds);
        Way { target: Arc::new(target), account }
    }
}

/// All servers that are asked. To be used and dropped within one event loop.
pub struct Members {
    ways: Arc<Ways>,
    by_node: BTreeMap<Node, Member>,
    under_way: JoinSet<Asked>,
    nodes: HashMap<Id, Node>,
}

struct Member {
    way: Way,
    session: Option<ServerSession>,
    /// Since when a question is under way, and what it asks.
    asked: Option<(Instant, Questions)>,
    heard: Option<Heard>,
    /// When it was first asked in vain since it answered last.
    silent_since: Option<Instant>,
    /// What all groups that it is in ask of it.
    questions: Questions,
    /// Until when it is not asked, since it refused the password.
    refused_until: Option<Instant>,
    used: Instant,
}

impl Member {
    /// In words, that it does not answer in time.
    fn hangs(&self) -> String {
        format!(
            "{} was asked and does not answer within {} ms; check the address and the load of the server",
            self.way.target.address,
            ANSWERS_IN.as_millis()
        )
    }

    /// Since when it does not answer, and why.
    fn silence(&self) -> Option<(Instant, String)> {
        let why = match (&self.heard, self.asked) {
            (_, Some((asked, _))) if asked.elapsed() >= ANSWERS_IN => self.hangs(),
            (Some(heard), _) => match &heard.outcome {
                Outcome::Opinion(_) => return None,
                Outcome::Silent(why) | Outcome::Refused { why, .. } | Outcome::Unusable { why } => {
                    why.clone()
                }
                Outcome::Pending => format!("{} has not answered yet", self.way.target.address),
            },
            (None, _) => format!("{} has not answered yet", self.way.target.address),
        };
        let asked = self.asked.map_or(self.used, |(asked, _)| asked);
        Some((self.silent_since.unwrap_or(asked), why))
    }
}

/// What a server said last, and when it was asked.
#[derive(Debug, Clone)]
pub struct Heard {
    pub asked: Instant,
    pub outcome: Outcome,
    /// The status of a failure.
    pub code: Option<Code>,
    questions: Questions,
}

impl Heard {
    fn now(outcome: Outcome, code: Option<Code>) -> Self {
        Self { asked: Instant::now(), outcome, code, questions: Questions::default() }
    }
}

impl Members {
    pub fn new(ways: Arc<Ways>) -> Self {
        Self { ways, by_node: BTreeMap::new(), under_way: JoinSet::new(), nodes: HashMap::new() }
    }

    /// Asks a server, unless a question to it is under way already, or it refused the password a short
    /// while ago. True if a question went out. Within the event loop.
    pub fn ask(&mut self, node: &Node, is_seed: bool, questions: Questions) -> bool {
        let now = Instant::now();
        let member = self.by_node.entry(node.clone()).or_insert_with(|| Member {
            way: self.ways.of(node, is_seed),
            session: None,
            asked: None,
            heard: None,
            silent_since: None,
            questions,
            refused_until: None,
            used: now,
        });
        member.used = now;
        member.questions = member.questions.and(questions);
        if member.asked.is_some() {
            return false;
        }
        if member.refused_until.is_some_and(|until| now < until) {
            let questions = member.questions;
            if let Some(heard) = &mut member.heard {
                (heard.asked, heard.questions) = (now, questions);
            }
            return false;
        }
        member.asked = Some((now, member.questions));
        let (way, kept) = (member.way.clone(), member.session.take());
        let asking = exchange::ask(way, kept, member.questions, now + GIVEN_UP_AFTER);
        let task = self.under_way.spawn(asking);
        self.nodes.insert(task.id(), node.clone());
        true
    }

    /// Waits for the end of a question, and says whose it was; nothing if none is under way.
    pub async fn next(&mut self) -> Option<Node> {
        let (id, asked) = match self.under_way.join_next_with_id().await? {
            Ok((id, asked)) => (id, Some(asked)),
            Err(error) => (error.id(), None),
        };
        let node = self.nodes.remove(&id)?;
        let member = self.by_node.get_mut(&node)?;
        let (at, questions) = member.asked.take()?;
        member.refused_until = None;
        let (outcome, code) = match asked {
            Some(Asked { session, said: Ok(opinion) }) => {
                member.session = session;
                (Outcome::Opinion(Box::new(opinion)), None)
            }
            Some(Asked { session, said: Err(failure) }) => {
                member.session = session;
                let Way { target, account } = &member.way;
                let refused_for = match failure.errno() {
                    Some(ACCOUNT_LOCKED) => LOCKED_FOR,
                    _ => REFUSED_FOR,
                };
                let (outcome, code) = exchange::outcome(failure, &target.address, &account.user);
                if matches!(outcome, Outcome::Refused { auth: true, .. }) {
                    member.refused_until = Some(Instant::now() + refused_for);
                }
                (outcome, Some(code))
            }
            // It panicked, which is our own fault: nothing is known of the server.
            None => {
                let why = format!("{} was not asked: a defect", member.way.target.address);
                (Outcome::Silent(why), Some(Code::Panic))
            }
        };
        let since = member.silent_since.take();
        if !matches!(outcome, Outcome::Opinion(_)) {
            member.silent_since = since.or(Some(at));
        }
        member.heard = Some(Heard { asked: at, outcome, code, questions });
        Some(node)
    }

    /// Takes in what is answered by then.
    pub async fn read_until(&mut self, until: Instant) {
        while let Ok(Some(_)) = timeout_at(until.into(), self.next()).await {}
    }

    /// Whether one of these may still answer in the time in which a server answers that counts as one that
    /// does. Who has not answered before may need several ways back and forth to log in.
    pub fn may_answer(&self, nodes: &[Node]) -> bool {
        let is_young = |node: &Node| {
            let asked = self.by_node.get(node).and_then(|member| member.asked);
            asked.is_some_and(|(asked, _)| asked.elapsed() < ANSWERS_IN)
        };
        nodes.iter().any(is_young)
    }

    /// Whether any question is under way.
    pub fn are_asked(&self) -> bool {
        !self.under_way.is_empty()
    }

    /// What a server says of that, asked at `since` or later; pending until then, as long as it may
    /// answer in time.
    pub fn heard(&self, node: &Node, questions: Questions, since: Instant) -> Heard {
        let Some(member) = self.by_node.get(node) else {
            return Heard::now(Outcome::Pending, None);
        };
        match (&member.heard, member.asked) {
            (Some(heard), _) if heard.asked >= since && heard.questions.cover(questions) => {
                heard.clone()
            }
            (_, Some((asked, _))) if asked.elapsed() >= ANSWERS_IN => {
                Heard::now(Outcome::Silent(member.hangs()), Some(Code::Timeout))
            }
            _ => Heard::now(Outcome::Pending, None),
        }
    }

    /// What a server says that answered a question from before `since`, too late for whoever asked it.
    pub fn late(&self, node: &Node, since: Instant) -> Option<&Outcome> {
        let heard = self.by_node.get(node)?.heard.as_ref()?;
        let is_late = heard.asked < since && matches!(heard.outcome, Outcome::Opinion(_));
        is_late.then_some(&heard.outcome)
    }

    /// When a server that is asked now counts as silent.
    pub fn silent_at(&self, node: &Node) -> Option<Instant> {
        let (asked, _) = self.by_node.get(node)?.asked?;
        Some(asked + ANSWERS_IN)
    }

    /// Whether a server is being asked that answered the last time, or was never asked before.
    pub fn is_expected(&self, node: &Node) -> bool {
        self.by_node.get(node).is_some_and(|member| {
            let heard = member.heard.as_ref();
            let answered = heard.is_none_or(|heard| matches!(heard.outcome, Outcome::Opinion(_)));
            member.asked.is_some() && answered
        })
    }

    /// The servers that let us in by a password that they will have forgotten after a restart, and the
    /// user, for whom no connection is fit to be asked for it then.
    pub fn password_caches(&self) -> Vec<(String, String)> {
        let relies = |member: &&Member| {
            member.session.as_ref().is_some_and(ServerSession::relies_on_password_cache)
        };
        let named = |member: &Member| {
            (member.way.target.address.to_string(), member.way.account.user.clone())
        };
        self.by_node.values().filter(relies).map(named).collect()
    }

    /// Those that were asked lately, with since when and why they do not answer.
    pub fn known(&self) -> impl Iterator<Item = (&Node, Option<(Instant, String)>)> {
        self.by_node.iter().map(|(node, member)| (node, member.silence()))
    }

    /// Has the metadata read again of whom no question is under way to.
    pub fn forget_metadata(&mut self) {
        let sessions = self.by_node.values_mut().filter_map(|member| member.session.as_mut());
        sessions.for_each(ServerSession::forget_metadata);
    }

    /// Says goodbye to those that are in no group any more.
    pub async fn tidy(&mut self) {
        let is_old =
            |member: &Member| member.asked.is_none() && member.used.elapsed() > FORGOTTEN_AFTER;
        let old = self.by_node.extract_if(.., |_, member| is_old(member));
        let sessions: Vec<_> = old.filter_map(|(_, member)| member.session).collect();
        close(sessions).await;
    }

    /// Says goodbye to all.
    pub async fn close(mut self) {
        self.under_way.abort_all();
        let members = std::mem::take(&mut self.by_node);
        close(members.into_values().filter_map(|member| member.session).collect()).await;
    }
}

async fn close(sessions: Vec<ServerSession>) {
    let deadline = Instant::now() + GOODBYE;
    for session in sessions {
        session.close(deadline).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_servers_that_the_service_names_may_be_trusted_unverified() {
        let mut config = Config::default();
        config.mysql.full_password_unverified = true;
        let config = Arc::new(config);
        let node = Node { host: "a".into(), port: 1 };
        for trusts_seeds in [false, true] {
            let ways = Ways { config: Arc::clone(&config), socket: None, trusts_seeds };
            for is_seed in [false, true] {
                let Account { full_password_unverified, is_for_named, .. } =
                    ways.of(&node, is_seed).account;
                let is_trusted = trusts_seeds && is_seed;
                assert_eq!((full_password_unverified, is_for_named), (is_trusted, is_trusted));
            }
        }
    }
}
