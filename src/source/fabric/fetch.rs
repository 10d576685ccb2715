//! The questions for shard maps and for servers, and shard maps that cannot be had in one reply: their
//! tables are asked for apart from each other.
//!
//! Fabric answers a dump that touches one row it cannot read with an error, and a row whose table
//! cannot be told may be any table's. Neither is a reason to let the other tables grow old. So a
//! question that failed is halved until it names the one table that spoils it.

use std::collections::{BTreeSet, VecDeque};
use std::time::Instant;

use crate::base::error::{Code, Error, Result};
use crate::observe::log::Level;
use crate::source::{
    About, Answer, Ask, Content, GroupAnswers, MapAnswers, Maps, RetryPolicy, Size, Subject, Wanted,
};
use crate::topology::TablesBuilder;

use super::{Commands, Dump, FabricSource, Protocol, interval};

/// With more names than this one request for everything is cheaper for Fabric than a query for
/// each pattern.
const MAX_PATTERNS: usize = 64;

/// A fetch asks no more questions than this for tables apart from each other: Fabric has five
/// threads for everybody. What is left is asked for by the next one.
const MAX_QUESTIONS: usize = 64;

/// Of the tables that are known to spoil a reply a fetch looks at so many again.
const MAX_UNREADABLE_TABLES: usize = 4;

/// After so many failures and no success nothing is to be had this way.
const MAX_FAILURES: usize = 8;

/// So long nobody tries to have everything in one reply again, in milliseconds.
const JOINTLY_AFTER: u64 = 10_000;

/// A dump of shards, and when it was asked for.
struct Asked {
    at: u64,
    dump: Dump<TablesBuilder>,
}

impl Asked {
    /// Without names it is about all the tables there are.
    fn answer(self, names: Option<BTreeSet<String>>) -> Answer<Maps> {
        let Self { at, dump } = self;
        let about = names.map_or(About::Everything, About::Names);
        let (rows, rejected) = (dump.rows.into(), dump.skipped);
        Answer {
            asked_at: at,
            interval: interval(dump.ttl_seconds),
            content: Content::Rows { about, rows, rejected },
        }
    }
}

/// The tables that there is an answer about.
fn answered(answers: &MapAnswers) -> impl Iterator<Item = &str> {
    answers.answers.iter().flat_map(|answer| match &answer.content {
        Content::Rows { about: About::Names(names), .. } => {
            names.iter().map(String::as_str).collect()
        }
        _ => Vec::new(),
    })
}

impl<P: Protocol> FabricSource<P> {
    /// The servers of the groups that are wanted, in one dump.
    pub(super) fn fetch_groups(&self, wanted: &Wanted<'_>, ask: &Ask<'_>) -> Result<GroupAnswers> {
        let patterns = if wanted.everything { String::new() } else { patterns(wanted.names) };
        let size = if patterns.is_empty() { Size::ALL } else { Size::of(wanted.names.len()) };
        let asked_at = ask.asker.now();
        let dump = self.pool.ask(ask, Subject::Groups(size), |node, attempt| {
            self.client().within(attempt).servers(node, &patterns)
        })?;
        self.answered_by(&dump.uuid);
        ask.asker.source_answered();
        let (rows, rejected) = (dump.rows.into(), dump.skipped);
        Ok(GroupAnswers::from(Answer {
            asked_at,
            interval: interval(dump.ttl_seconds),
            content: Content::Rows { about: wanted.about(), rows, rejected },
        }))
    }

    /// The shards of the tables that are wanted, in as few dumps as there may be.
    pub(super) fn fetch_maps(&self, wanted: &Wanted<'_>, ask: &Ask<'_>) -> Result<MapAnswers> {
        let is_apart = {
            let state = self.unreadable_tables.lock();
            ask.asker.now() < state.apart_until && (wanted.everything || wanted.names.len() > 1)
        };
        let asked = (!wanted.everything).then(|| wanted.names.clone());
        let mut named = BTreeSet::new();
        let failure = match is_apart {
            true => None,
            false => match self.ask_tables(asked.as_ref(), ask) {
                Ok(reply) => match reason_to_distrust(&reply.dump) {
                    None => return Ok(MapAnswers::from(reply.answer(asked))),
                    Some(reason) => {
                        named.extend(reply.dump.rows.names().map(str::to_owned));
                        Some(reason)
                    }
                },
                Err(error) if error.code == Code::Fabric => Some(error),
                Err(error) => return Err(error),
            },
        };
        if failure.is_some() {
            let until = ask.asker.now().saturating_add(JOINTLY_AFTER);
            self.unreadable_tables.lock().apart_until = until;
        }
        let mut fetched = MapAnswers { failure, ..MapAnswers::default() };
        named.extend(wanted.names.iter().cloned());
        if wanted.everything {
            named.extend((wanted.known)());
        } else if named.len() < 2 {
            return Ok(fetched);
        }
        self.fetch_one_by_one(&named, ask, &mut fetched)?;
        let told: BTreeSet<&str> = answered(&fetched).collect();
        if !told.is_empty() && named.iter().all(|name| told.contains(name.as_str())) {
            fetched.failure = None;
        }
        Ok(fetched)
    }

    fn fetch_one_by_one(
        &self,
        named: &BTreeSet<String>,
        ask: &Ask<'_>,
        fetched: &mut MapAnswers,
    ) -> Result<()> {
        let begun = Instant::now();
        let (mut questions, mut unreadable_tables) = self.questions(named, ask.asker.now());
        let (mut asked, mut failures) = (0, 0);
        // Patience is for the question to all of Fabric; the nodes have just been tried.
        let ask = &Ask { retry: RetryPolicy::once(ask.retry), ..*ask };
        while let Some(tables) = questions.pop_front() {
            let is_late = begun.elapsed() > self.config.request_timeout / 2;
            let is_vain = fetched.answers.is_empty() && failures >= MAX_FAILURES;
            if asked >= MAX_QUESTIONS || is_late || is_vain {
                break;
            }
            asked += 1;
            let failure = match self.ask_tables(Some(&tables), ask) {
                Ok(reply) => match reason_to_distrust(&reply.dump) {
                    None => {
                        unreadable_tables.retain(|table| !tables.contains(table));
                        self.unreadable_tables.lock().last =
                            tables.last().cloned().unwrap_or_default();
                        fetched.answers.push(reply.answer(Some(tables)));
                        continue;
                    }
                    Some(reason) => reason,
                },
                Err(error) if error.code == Code::Fabric => error,
                Err(error) if fetched.answers.is_empty() => return Err(error),
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
                unreadable_tables.insert(table.clone());
            } else {
                let second = tables.split_off(tables.len() / 2);
                questions.push_front(second.into_iter().collect());
                questions.push_front(tables.into_iter().collect());
            }
            fetched.failure = Some(failure);
        }
        let mut state = self.unreadable_tables.lock();
        let others = state.tables.difference(named).cloned().collect::<Vec<_>>();
        unreadable_tables.extend(others);
        state.tables = unreadable_tables;
        Ok(())
    }

    /// What to ask, in which order, and the tables that are known to spoil a reply: they go alone,
    /// and the others in as few questions as there may be, from where the last fetch ended.
    fn questions(
        &self,
        named: &BTreeSet<String>,
        now: u64,
    ) -> (VecDeque<BTreeSet<String>>, BTreeSet<String>) {
        let mut state = self.unreadable_tables.lock();
        let unreadable_tables: BTreeSet<String> =
            state.tables.intersection(named).cloned().collect();
        let good = named.iter().filter(|name| !unreadable_tables.contains(*name));
        let mut good: Vec<&String> = good.collect();
        let begin = good.partition_point(|name| **name <= state.last);
        good.rotate_left(begin);
        state.last.clear();
        let mut questions: VecDeque<BTreeSet<String>> = good
            .chunks(MAX_PATTERNS)
            .map(|chunk| chunk.iter().copied().cloned().collect())
            .collect();
        let turn = usize::try_from(now / 1000).unwrap_or(0);
        let again = unreadable_tables.iter().cycle().skip(turn % unreadable_tables.len().max(1));
        for table in again.take(unreadable_tables.len().min(MAX_UNREADABLE_TABLES)) {
            questions.push_back(BTreeSet::from([table.clone()]));
        }
        (questions, unreadable_tables)
    }

    /// One question for the tables named, or for all.
    fn ask_tables(&self, asked: Option<&BTreeSet<String>>, ask: &Ask<'_>) -> Result<Asked> {
        let patterns = asked.map(patterns).unwrap_or_default();
        let rows = || TablesBuilder::of(asked.cloned());
        let names = asked.filter(|_| !patterns.is_empty());
        let size = names.map_or(Size::ALL, |names| Size::of(names.len()));
        let at = ask.asker.now();
        let dump = self.pool.ask(ask, Subject::Tables(size), |node, attempt| {
            self.client().within(attempt).sharding_information_into(node, &patterns, &rows)
        })?;
        self.answered_by(&dump.uuid);
        ask.asker.source_answered();
        Ok(Asked { at, dump })
    }
}

/// One request's patterns. The server splits at commas, drops blanks around them and reads
/// backslashes as escapes, and MySQL-RPC has no escape for quotes: a name with any of these can only
/// be had with all the others.
fn patterns(names: &BTreeSet<String>) -> String {
    let awkward = |name: &String| {
        name.contains([',', '\\', '\'', '"']) || name.trim() != name || name.is_empty()
    };
    if names.len() > MAX_PATTERNS || names.iter().any(awkward) {
        return String::new();
    }
    names.iter().map(String::as_str).collect::<Vec<_>>().join(",")
}

/// Why no table may be made of a reply: a row of it may be any table's.
fn reason_to_distrust(dump: &Dump<TablesBuilder>) -> Option<Error> {
    let row = dump.skipped.iter().find(|row| row.owner.is_none())?;
    let message = format!(
        "a row of Fabric's sharding information names no table that can be read ({}), and any \
         table may lack it; see what dump.sharding_information answers",
        row.reason
    );
    Some(Error::new(Code::Protocol, message))
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
        for name in ["a,b.t", "a\\b.t", " a.t", "a'b.t", "a\"b.t"] {
            assert_eq!(patterns(&names(&["db.a", name])), "");
        }
        let many: BTreeSet<String> = (0..65).map(|i| format!("db.t{i}")).collect();
        assert_eq!(patterns(&many), "");
    }
}
