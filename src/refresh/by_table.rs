//! Shard maps that cannot be had in one reply: the tables are asked for apart from each other.
//!
//! Fabric answers a dump that touches one row it cannot read with an error, and a row whose table
//! cannot be told may be any table's. Neither is a reason to let the other tables grow old. So a
//! question that failed is halved until it names the one table that spoils it.

use std::collections::{BTreeSet, VecDeque};
use std::time::Instant;

use crate::base::error::{Code, Error, Result};
use crate::base::sync::{Mutex, rank};
use crate::observe::log::Level;
use crate::source::fabric::{Client, Dump};
use crate::source::{Size, Subject};
use crate::topology::{TablesBuilder, Topology};

use super::farm::{MAX_PATTERNS, Timed, patterns};
use super::flight::Wish;
use super::nodes::Rounds;
use super::{Refresher, Workshop};

/// A fetch asks no more questions than this for tables apart from each other: Fabric has five
/// threads for everybody. What is left is asked for by the next one.
const MAX_QUESTIONS: usize = 64;

/// Of the tables that are known to spoil a reply a fetch looks at so many again.
const MAX_SPOILING: usize = 4;

/// After so many failures and no success nothing is to be had this way.
const MAX_FAILURES: usize = 8;

/// So long nobody tries to have everything in one reply again, in milliseconds.
const JOINTLY_AFTER: u64 = 10_000;

/// The tables that spoil a reply, if there are any.
#[derive(Default)]
pub struct Spoiling {
    state: Mutex<State, { rank::SPOILING }>,
}

#[derive(Default)]
struct State {
    tables: BTreeSet<String>,
    /// Until when nobody asks for everything in one reply.
    apart_until: u64,
    /// The last table that was asked for, in the order of the names.
    last: String,
}

/// A reply, and the tables it is about; without them about all there are.
pub(super) type Reply<'s> = (Option<BTreeSet<String>>, Timed<'s, TablesBuilder>);

/// What Fabric said of the tables wanted.
#[derive(Default)]
pub(super) struct Fetched<'s> {
    pub replies: Vec<Reply<'s>>,
    /// Why there is none about some of the tables.
    pub failure: Option<Error>,
}

impl Refresher {
    pub(super) fn fetch_tables<'s>(
        &self,
        shop: &'s Workshop,
        wish: &Wish,
        rounds: Rounds,
    ) -> Result<Fetched<'s>> {
        let is_apart = {
            let state = shop.spoiling.state.lock();
            self.clock.now() < state.apart_until && (wish.everything || wish.tables.len() > 1)
        };
        let asked = (!wish.everything).then(|| wish.tables.clone());
        let mut named = BTreeSet::new();
        let failure = match is_apart {
            true => None,
            false => match self.ask_tables(shop, asked.as_ref(), rounds) {
                Ok(reply) => match doubt(&reply.dump) {
                    None => return Ok(Fetched { replies: vec![(asked, reply)], failure: None }),
                    Some(doubt) => {
                        named.extend(reply.dump.rows.names().map(str::to_owned));
                        Some(doubt)
                    }
                },
                Err(error) if error.code == Code::Fabric => Some(error),
                Err(error) => return Err(error),
            },
        };
        if failure.is_some() {
            let until = self.clock.now().saturating_add(JOINTLY_AFTER);
            shop.spoiling.state.lock().apart_until = until;
        }
        let mut fetched = Fetched { failure, ..Fetched::default() };
        named.extend(wish.tables.iter().cloned());
        if wish.everything {
            named.extend(known(&self.topology.load()));
        } else if named.len() < 2 {
            return Ok(fetched);
        }
        self.fetch_apart(shop, &named, rounds, &mut fetched)?;
        let answered = |name| {
            fetched.replies.iter().any(|(tables, _)| tables.iter().any(|t| t.contains(name)))
        };
        if !fetched.replies.is_empty() && named.iter().all(answered) {
            fetched.failure = None;
        }
        Ok(fetched)
    }

    fn fetch_apart<'s>(
        &self,
        shop: &'s Workshop,
        named: &BTreeSet<String>,
        rounds: Rounds,
        fetched: &mut Fetched<'s>,
    ) -> Result<()> {
        let begun = Instant::now();
        let (mut questions, mut spoiling) = self.questions(shop, named);
        let (mut asked, mut failures) = (0, 0);
        // Patience is for the question to all of Fabric; the nodes have just been tried.
        let rounds = rounds.once();
        while let Some(tables) = questions.pop_front() {
            let is_late = begun.elapsed() > self.config.request_timeout / 2;
            let is_vain = fetched.replies.is_empty() && failures >= MAX_FAILURES;
            if asked >= MAX_QUESTIONS || is_late || is_vain {
                break;
            }
            asked += 1;
            let failure = match self.ask_tables(shop, Some(&tables), rounds) {
                Ok(reply) => match doubt(&reply.dump) {
                    None => {
                        spoiling.retain(|table| !tables.contains(table));
                        shop.spoiling.state.lock().last =
                            tables.last().cloned().unwrap_or_default();
                        fetched.replies.push((Some(tables), reply));
                        continue;
                    }
                    Some(doubt) => doubt,
                },
                Err(error) if error.code == Code::Fabric => error,
                Err(error) if fetched.replies.is_empty() => return Err(error),
                Err(error) => {
                    fetched.failure = Some(error);
                    break;
                }
            };
            failures += 1;
            let mut tables: Vec<String> = tables.into_iter().collect();
            if let [table] = tables.as_slice() {
                self.config.log.write_once(
                    Level::Warning,
                    format_args!("the shards of table '{table}' cannot be had: {failure}"),
                );
                spoiling.insert(table.clone());
            } else {
                let second = tables.split_off(tables.len() / 2);
                questions.push_front(second.into_iter().collect());
                questions.push_front(tables.into_iter().collect());
            }
            fetched.failure = Some(failure);
        }
        let mut state = shop.spoiling.state.lock();
        let others = state.tables.difference(named).cloned().collect::<Vec<_>>();
        spoiling.extend(others);
        state.tables = spoiling;
        Ok(())
    }

    /// What to ask, in which order, and the tables that are known to spoil a reply: they go alone,
    /// and the others in as few questions as there may be, from where the last fetch ended.
    fn questions(
        &self,
        shop: &Workshop,
        named: &BTreeSet<String>,
    ) -> (VecDeque<BTreeSet<String>>, BTreeSet<String>) {
        let mut state = shop.spoiling.state.lock();
        let spoiling: BTreeSet<String> = state.tables.intersection(named).cloned().collect();
        let good = named.iter().filter(|name| !spoiling.contains(*name));
        let mut good: Vec<&String> = good.collect();
        let begin = good.partition_point(|name| **name <= state.last);
        good.rotate_left(begin);
        state.last.clear();
        let mut questions: VecDeque<BTreeSet<String>> = good
            .chunks(MAX_PATTERNS)
            .map(|chunk| chunk.iter().copied().cloned().collect())
            .collect();
        let turn = usize::try_from(self.clock.now() / 1000).unwrap_or(0);
        let again = spoiling.iter().cycle().skip(turn % spoiling.len().max(1));
        for table in again.take(spoiling.len().min(MAX_SPOILING)) {
            questions.push_back(BTreeSet::from([table.clone()]));
        }
        (questions, spoiling)
    }

    /// One question for the tables named, or for all.
    fn ask_tables<'s>(
        &self,
        shop: &'s Workshop,
        asked: Option<&BTreeSet<String>>,
        rounds: Rounds,
    ) -> Result<Timed<'s, TablesBuilder>> {
        let patterns = asked.map(patterns).unwrap_or_default();
        let asking = self.asking(shop.tables_order.ask());
        let rows = || TablesBuilder::of(asked.cloned());
        let ask =
            |client: &Client, node: &_| client.sharding_information_into(node, &patterns, &rows);
        let names = asked.filter(|_| !patterns.is_empty());
        let size = names.map_or(Size::ALL, |names| Size::of(names.len()));
        let dump = self.on_nodes(shop, rounds, Subject::Tables(size), ask)?;
        Ok(self.answered(dump, asking))
    }
}

/// The tables a handle knows.
fn known(topology: &Topology) -> Vec<String> {
    let names = topology.tables.iter().map(|(name, _)| String::from_utf8_lossy(name).into_owned());
    names.collect()
}

/// Why no table may be made of a reply: a row of it may be any table's.
fn doubt(dump: &Dump<TablesBuilder>) -> Option<Error> {
    let row = dump.skipped.iter().find(|row| row.owner.is_none())?;
    let message = format!(
        "a row of Fabric's sharding information names no table that can be read ({}), and any \
         table may lack it; see what dump.sharding_information answers",
        row.reason
    );
    Some(Error::new(Code::Protocol, message))
}
