//! One fetch: the requests a wish takes, and their answers taken into the topology.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::base::error::{Code, Error, Result};
use crate::source::fabric::{Client, Dump};
use crate::source::{Size, Subject};
use crate::topology::{ServerRow, Topology};

use super::by_table::{Fetched, Reply};
use super::flight::Wish;
use super::nodes::Rounds;
use super::order::{About, Question};
use super::update::Asked;
use super::{Facts, Refresher, Workshop};
use crate::base::clock::signed;

/// With more names than this one request for everything is cheaper for Fabric than a query for
/// each pattern.
pub(super) const MAX_PATTERNS: usize = 64;

/// A dump, when it was asked for, and until when it is good.
pub(super) struct Timed<'s, T> {
    pub dump: Dump<T>,
    asked: Asking<'s>,
    expires: u64,
}

/// The moment of a question.
pub(super) struct Asking<'s> {
    at: u64,
    /// How often the cache had been reset by then.
    resets: u64,
    question: Question<'s>,
}

impl Refresher {
    /// Asks for the Fabric nodes if nobody did yet, then for the tables, then for the groups
    /// named and those the tables need: at most three requests, and one new topology.
    pub(super) fn fetch(&self, shop: &Workshop, wish: &Wish, rounds: Rounds) -> Result<()> {
        let (begun, resets) = (self.clock.now(), self.resets.load(Ordering::Relaxed));
        if !self.is_seeded() {
            self.fetch_nodes(shop, rounds)?;
        }
        let tables = match wish.everything || !wish.tables.is_empty() {
            true => self.fetch_tables(shop, wish, rounds)?,
            false => Fetched::default(),
        };
        let Fetched { replies, failure } = tables;
        let is_whole = replies.iter().any(|(tables, _)| tables.is_none());
        let groups = groups_for(wish, &replies, &self.topology.load());
        let servers = match wish.everything || !groups.is_empty() {
            true => Some(self.fetch_groups(shop, wish.everything, &groups, rounds)),
            false => None,
        };
        // Tables are taken in even if their groups could not be had: a new shard map without
        // its new group fails lookups there, the old one would send them astray.
        let (servers, outcome) = match servers {
            None => (None, failure.map_or(Ok(()), Err)),
            Some(Ok(servers)) => (Some(servers), failure.map_or(Ok(()), Err)),
            Some(Err(error)) => (None, Err(error)),
        };
        // A large farm takes its time to build: more than a caller may have, or who frees the handle.
        let stops =
            || self.is_stopping() || rounds.are_over_here() || self.is_left(rounds.interrupts);
        let is_whole_answer = self.publish_until(&stops, |update| {
            // What was asked for before the service had the cache reset is no answer to it.
            let resets = self.resets.load(Ordering::Relaxed);
            let good = |asking: &Asking<'_>, until| if asking.resets == resets { until } else { 0 };
            for (tables, Timed { dump, asked, expires }) in replies {
                let names = tables.as_ref().unwrap_or(&wish.tables);
                if let Some(names) = still_good(&asked.question, tables.is_none(), names) {
                    let until = good(&asked, expires);
                    update.confirmed_at(signed(asked.at));
                    update.tables(&names.asked(), dump.rows, &dump.skipped, until);
                }
            }
            if let Some(Timed { dump, asked, expires }) = servers
                && let Some(names) = still_good(&asked.question, wish.everything, &groups)
            {
                let until = good(&asked, expires);
                update.confirmed_at(signed(asked.at));
                update.groups(&names.asked(), dump.rows, &dump.skipped, until);
            }
        });
        if !is_whole_answer {
            let message = "Fabric's answer is larger than what could be taken in within the time \
                           of the call";
            return Err(Error::new(Code::Timeout, message));
        }
        self.ask_for_vanished(shop, rounds);
        if outcome.is_ok() && is_whole {
            self.whole.store(true, Ordering::Relaxed);
            if resets == self.resets.load(Ordering::Relaxed) {
                self.whole_confirmed.store(signed(begun), Ordering::Relaxed);
                self.knows_all.store(true, Ordering::Relaxed);
            }
        }
        if outcome.is_ok() {
            self.ask_for_nodes_again(shop, rounds);
        }
        outcome
    }

    fn fetch_nodes(&self, shop: &Workshop, rounds: Rounds) -> Result<()> {
        let reply = self.ask_for_nodes(shop, rounds)?;
        self.facts.store(Arc::new(Facts { uuid: reply.uuid, ttl: Some(reply.ttl_seconds) }));
        self.seeded.store(1, Ordering::Release);
        Ok(())
    }

    fn fetch_groups<'s>(
        &self,
        shop: &'s Workshop,
        everything: bool,
        groups: &BTreeSet<String>,
        rounds: Rounds,
    ) -> Result<Timed<'s, Vec<ServerRow>>> {
        let patterns = if everything { String::new() } else { patterns(groups) };
        let asking = self.asking(shop.groups_order.ask());
        let size = if patterns.is_empty() { Size::ALL } else { Size::of(groups.len()) };
        let ask = |client: &Client, node: &_| client.servers(node, &patterns);
        let dump = self.on_nodes(shop, rounds, Subject::Groups(size), ask)?;
        Ok(self.answered(dump, asking))
    }

    pub(super) fn asking<'s>(&self, question: Question<'s>) -> Asking<'s> {
        Asking { at: self.clock.now(), resets: self.resets.load(Ordering::Relaxed), question }
    }

    /// Notes that Fabric answered, and until when the answer is fresh. It counts from the
    /// question: the server may have looked at any time since.
    pub(super) fn answered<'s, T>(&self, dump: Dump<T>, asked: Asking<'s>) -> Timed<'s, T> {
        self.last_answer.store(self.clock.now(), Ordering::Relaxed);
        self.answers.fetch_add(1, Ordering::Relaxed);
        let ttl = Some(dump.ttl_seconds);
        self.facts.store(Arc::new(Facts { uuid: dump.uuid.clone(), ttl }));
        let expires = asked.at.saturating_add(self.time_to_live(ttl));
        Timed { dump, asked, expires }
    }
}

/// The groups named, and those of the tables just fetched that nobody has asked for yet.
fn groups_for(wish: &Wish, replies: &[Reply<'_>], topology: &Topology) -> BTreeSet<String> {
    let mut groups = wish.groups.clone();
    let unknown = |name: &str| {
        let number = topology.group_number(name.as_bytes());
        number.and_then(|id| topology.group(id)).is_none()
    };
    for (_, reply) in replies {
        for table in &wish.tables {
            for name in reply.dump.rows.groups_of(table) {
                if unknown(name) && !groups.contains(name) {
                    groups.insert(name.to_owned());
                }
            }
        }
    }
    groups
}

/// What of an answer is to be taken in.
enum Good {
    All,
    Names(BTreeSet<String>),
    AllBut(BTreeSet<String>),
}

impl Good {
    fn asked(&self) -> Asked<'_> {
        match self {
            Self::All => Asked::Everything,
            Self::Names(names) => Asked::Names(names),
            Self::AllBut(names) => Asked::AllBut(names),
        }
    }
}

/// What of an answer is newer than what came in meanwhile; nothing if nothing is.
fn still_good(question: &Question<'_>, everything: bool, names: &BTreeSet<String>) -> Option<Good> {
    let about = if everything { About::Everything } else { About::Names(names.clone()) };
    Some(match (question.answered(about), everything) {
        (Some(About::Everything), _) => return None,
        (Some(About::Names(newer)), true) => Good::AllBut(newer),
        (Some(About::Names(newer)), false) => {
            Good::Names(names.difference(&newer).cloned().collect())
        }
        (None, true) => Good::All,
        (None, false) => Good::Names(names.clone()),
    })
}

/// One request's patterns. The server splits at commas, drops blanks around them and reads
/// backslashes as escapes, so a name with any of these can only be had with all the others.
pub(super) fn patterns(names: &BTreeSet<String>) -> String {
    let awkward =
        |name: &String| name.contains([',', '\\']) || name.trim() != name || name.is_empty();
    if names.len() > MAX_PATTERNS || names.iter().any(awkward) {
        return String::new();
    }
    names.iter().map(String::as_str).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn names_go_into_one_request() {
        assert_eq!(patterns(&names(&["db.a", "db.b"])), "db.a,db.b");
    }

    #[test]
    fn awkward_names_ask_for_everything() {
        for name in ["a,b.t", "a\\b.t", " a.t"] {
            assert_eq!(patterns(&names(&["db.a", name])), "");
        }
        let many: BTreeSet<String> = (0..65).map(|i| format!("db.t{i}")).collect();
        assert_eq!(patterns(&many), "");
    }
}
