//! One fetch: the requests a wish takes, and their answers taken into the topology.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::base::error::{Code, Error, Result};
use crate::observe::events::Kind;
use crate::observe::log::{Level, Log};
use crate::source::fabric::{Client, Dump, ServerRow};
use crate::source::{Size, Subject};
use crate::topology::{Change, Observed, Reach, Topology};

use super::by_table::{Fetched, Reply};
use super::flight::Wish;
use super::nodes::Rounds;
use super::order::{About, Question};
use super::update::{Asked, Update};
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
        let is_whole_answer = self.publish_until(shop, &stops, |update| {
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

    /// Replaces the topology by what `write` makes of it, if that is another one.
    pub(super) fn publish(&self, shop: &Workshop, write: impl FnOnce(&mut Update<'_>)) {
        self.publish_until(shop, &|| self.is_stopping(), write);
    }

    /// As `publish`, but leaves off when `stops` says so; whether it did not.
    fn publish_until(
        &self,
        shop: &Workshop,
        stops: &dyn Fn() -> bool,
        write: impl FnOnce(&mut Update<'_>),
    ) -> bool {
        // Callbacks never run under a lock.
        let notes = self.config.log.deferred();
        let is_whole;
        let unused = {
            let mut unused = Vec::new();
            // Fetches are single already; what the service itself reports comes from any thread.
            let mut observed = shop.observed.lock();
            let now = self.clock.now();
            let changed = observed.expire(now);
            let current = self.topology.load_full();
            // A topology file means what it says; Fabric's dumps leave out disabled shards.
            let fabric = self.config.topology_file.is_none();
            let keeps = fabric && !self.config.vanished_hold.is_zero();
            let log = notes.log();
            let update = Update::new(&current, &mut observed, log, self.start, keeps, now);
            let mut update = update.until(stops);
            write(&mut update);
            is_whole = !update.has_stopped();
            let absent = update.take_absent();
            absent.tables.iter().for_each(|(name, times)| self.absent_tables.note(name, *times));
            absent.groups.iter().for_each(|(name, times)| self.absent_groups.note(name, *times));
            let remembers_others = update.remembers_others();
            // Of a handle that is being freed a half of the farm must not come into the snapshot file.
            let is_of_use = is_whole || !self.is_stopping();
            if is_of_use && let Some(next) = update.finish() {
                let is_changed = next.generation != current.generation;
                unused = self.topology.publish(Arc::new(next));
                self.note_vanished();
                if is_changed {
                    self.events.published(&current, &self.topology.load(), &self.clock);
                }
                if is_changed || remembers_others {
                    self.save_soon();
                }
            }
            // Here, or an event could be told behind the one of what ended it.
            self.tell_of_observed(&mut observed, notes.log());
            shop.observing.note(&observed);
            for ((group, server_uuid), reach) in changed {
                let state = match reach {
                    Reach::Good => "is used again: the request that tried it told nothing bad",
                    _ => "may be tried by one request",
                };
                notes.log().write(
                    Level::Info,
                    format_args!("server {server_uuid} of group '{group}' {state}"),
                );
            }
            // A forked child goes on from it.
            if observed.next_end().is_some() || self.inherited.load().next_end().is_some() {
                self.inherited.store(Arc::new(observed.clone()));
            }
            unused
        };
        // Nobody waits while it is taken apart.
        drop(unused);
        notes.tell(&self.config.log);
        // Behind the topology: tests/model shows what a waiter could miss otherwise.
        shop.waiting.tell();
        is_whole
    }

    /// Queues the events of what begins or ends for a server, behind whatever made it so, and keeps
    /// the lines for the log. Only under the lock of `observed`, which keeps them in order.
    fn tell_of_observed(&self, observed: &mut Observed, log: &Log) {
        let generation = self.topology.load().generation;
        for (change, group, server) in observed.take_news() {
            let kind = match change {
                Change::Quarantined => Kind::ServerQuarantined,
                Change::Back => Kind::ServerBack,
                Change::WritesHeld => Kind::WritesHeld,
                Change::WritesReleased => Kind::WritesReleased,
            };
            self.events.of_server(kind, &group, &server, generation, &self.clock);
            match change {
                Change::Quarantined => log.write(
                    Level::Warning,
                    format_args!("server {server} of group '{group}' could not be reached"),
                ),
                Change::Back => {}
                Change::WritesHeld => log.write(
                    Level::Warning,
                    format_args!(
                        "the primary of group '{group}' is read-only: it was demoted, or a shard \
                         is being split or moved; writes to the group are held"
                    ),
                ),
                Change::WritesReleased => log.write(
                    Level::Info,
                    format_args!("writes to group '{group}' are held no longer"),
                ),
            }
        }
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
