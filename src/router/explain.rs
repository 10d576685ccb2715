//! Why a lookup is answered as it is, for whoever has to find that out. It goes the way of the lookup,
//! and so cannot disagree with it; but it takes nobody's turn, and counts nowhere.

use std::time::Duration;

use crate::base::error::{Code, Error, Result};
use crate::config::Node;
use crate::refresh::age::since;
use crate::thread_cache::ThreadCache;
use crate::topology::{Chosen, Entry, Group, GroupId, Shard, Table, TableState, Topology, Why};

use super::Router;
use super::errors;
use super::lookup::Terms;
use super::resolve::{Query, ShardKey, Target};

/// What a lookup would be answered now, and why.
pub struct Explanation<'t> {
    pub topology: &'t Topology,
    /// The server, and why this one; or why the lookup is refused.
    pub answer: std::result::Result<(Chosen<'t>, Why), &'t Error>,
    /// The table, if the lookup is about one that is known; the first of several.
    pub table: Option<ExplainedTable<'t>>,
    pub group: Option<ExplainedGroup<'t>>,
    /// Where the topology comes from, as a URL without user and password.
    pub source: String,
    /// Which node of the source answered last, if one node answers alone.
    pub node: Option<Node>,
}

/// A table in an explanation.
pub struct ExplainedTable<'t> {
    pub name: String,
    pub origin: Origin,
    /// Nothing where it cannot be routed.
    pub table: Option<&'t Table>,
    /// The key as its map reads it, and for HASH its digest.
    pub key: Option<(String, Option<String>)>,
    /// The shard of the key, and its position in the map.
    pub shard: Option<(usize, Shard)>,
    /// For how long the shard is held yet, if it is.
    pub held_for: Option<Duration>,
}

/// A group in an explanation.
pub struct ExplainedGroup<'t> {
    pub name: &'t str,
    /// Nothing where it was never fetched.
    pub known: Option<(&'t Group, Origin)>,
    /// For how long its writes are held yet, if they are.
    pub held_for: Option<Duration>,
}

/// How good what is known is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    pub state: OriginState,
    /// How long ago it was confirmed, in milliseconds; `None` where nobody knows.
    pub age: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum OriginState {
    /// In its time to live.
    Fresh = 1,
    /// Past its time, or the source was asked since and did not answer: it serves on.
    Stale = 2,
    /// From before the handle was made: out of a snapshot file, and not confirmed by the source since.
    File = 3,
}

impl Router {
    /// Hands what a lookup would be answered to `take`. What the lookup would wait for is fetched, and
    /// nothing else.
    ///
    /// # Errors
    /// Those of `take` alone.
    pub fn explain<T>(
        &self,
        query: &Query<'_>,
        take: impl Fn(&Explanation<'_>) -> Result<T>,
    ) -> Result<T> {
        let terms = Terms { leaves_old: true, ..Terms::of(query.wanted) };
        let outcome = self.look_for_group(terms, query, None, |view, group| {
            let servers = view.topology.group(group).map(|entry| &entry.value);
            let next = ThreadCache::with(|cache| {
                servers?.peek(query.wanted, view.topology.cursor(group, &cache.cursors))
            });
            match next {
                Some(next) => take(&self.explanation(view.topology, query, Ok(next))),
                None => {
                    let name = view.topology.group_name(group);
                    Err(errors::no_server(name, query.wanted, servers))
                }
            }
        });
        match outcome.map_err(|error| self.explained(error)) {
            Ok(taken) => Ok(taken),
            Err(refusal) => {
                let topology = self.refresher.topology();
                take(&self.explanation(&topology, query, Err(&refusal)))
            }
        }
    }

    fn explanation<'t>(
        &self,
        topology: &'t Topology,
        query: &Query<'_>,
        answer: std::result::Result<(Chosen<'t>, Why), &'t Error>,
    ) -> Explanation<'t> {
        let (table, group) = match query.target {
            Target::Table(name, key) => self.explain_table(topology, name, key),
            Target::Prepared(table, key) => self.explain_table(topology, table.name(), key),
            Target::Tables(names, key) => match names.first() {
                Some(name) => self.explain_table(topology, name, key),
                None => (None, None),
            },
            Target::AllPrepared(tables, key) => match tables.iter().next() {
                Some(table) => self.explain_table(topology, table.name(), key),
                None => (None, None),
            },
            Target::Group(name) => (None, topology.group_number(name)),
        };
        Explanation {
            topology,
            answer,
            table,
            group: group.map(|id| self.explain_group(topology, id)),
            source: self.config.source_url(),
            node: self.refresher.last_node(),
        }
    }

    /// A table as far as it is known, and the group of a key in it.
    fn explain_table<'t>(
        &self,
        topology: &'t Topology,
        name: &[u8],
        key: ShardKey<'_>,
    ) -> (Option<ExplainedTable<'t>>, Option<GroupId>) {
        let Some(entry) = topology.tables.get(name) else { return (None, None) };
        let mut explained = ExplainedTable {
            name: String::from_utf8_lossy(name).into_owned(),
            origin: self.origin(entry),
            table: None,
            key: None,
            shard: None,
            held_for: None,
        };
        let TableState::Known(table) = &entry.value else { return (Some(explained), None) };
        explained.table = Some(table);
        let group = match key {
            ShardKey::Missing => None,
            ShardKey::Global => Some(table.global_group),
            ShardKey::Key(key) => {
                explained.key = Some(table.map.key_text(key));
                let at = table.map.find_position(key, self.compat).ok();
                explained.shard = at.and_then(|at| Some((at, table.map.shard(at)?)));
                explained.shard.map(|(_, shard)| shard.group)
            }
        };
        if let Some((_, shard)) = explained.shard
            && shard.group == GroupId::NOWHERE
            && let Some(missing) = shard.missing_since()
        {
            let now = self.refresher.clock().now();
            explained.held_for = Some(self.refresher.shard_held_for(missing, now));
        }
        (Some(explained), group.filter(|group| *group != GroupId::NOWHERE))
    }

    fn explain_group<'t>(&self, topology: &'t Topology, id: GroupId) -> ExplainedGroup<'t> {
        let (name, entry) = (topology.group_name(id), topology.group(id.base()));
        let now = self.refresher.clock().now();
        ExplainedGroup {
            name,
            known: entry.map(|entry| (&entry.value, self.origin(entry))),
            held_for: self.refresher.writes_held_for(name, now),
        }
    }

    fn origin<E>(&self, entry: &Entry<E>) -> Origin {
        let now = self.refresher.clock().now();
        let confirmed = entry.confirmed();
        let is_after = |failed: u64| i64::try_from(failed).is_ok_and(|at| at > confirmed);
        let state = if confirmed < 0 {
            OriginState::File
        } else if !entry.is_fresh(now) || self.refresher.fetcher.failed_last().is_some_and(is_after)
        {
            OriginState::Stale
        } else {
            OriginState::Fresh
        };
        Origin { state, age: since(confirmed, now) }
    }
}

impl Explanation<'_> {
    /// Why this server, or why none; nothing where the refusal says it all.
    pub fn why(&self) -> Option<Why> {
        let refusal = match &self.answer {
            Ok((_, why)) => return Some(*why),
            Err(refusal) => refusal,
        };
        let shard = self.table.as_ref().and_then(|table| table.shard);
        let is_read_only = shard.is_some_and(|(_, shard)| shard.group.is_read_only());
        let group = self.group.as_ref().and_then(|group| group.known);
        match refusal.code {
            Code::ShardUnavailable => Some(Why::ShardMissing),
            Code::WriteHeld if !is_read_only && group.is_some_and(|(group, _)| group.is_held()) => {
                Some(Why::WritesHeld)
            }
            Code::WriteHeld => Some(Why::ShardReadOnly),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::{Listed, router};
    use super::*;
    use crate::config::Config;
    use crate::topology::{Key, ReadPreference, Wanted};

    type Seen = std::result::Result<(String, String), (Code, String)>;

    fn explained(router: &Router, query: &Query<'_>) -> (Seen, Option<Why>) {
        let seen = router.explain(query, |explanation| {
            let seen = match &explanation.answer {
                Ok((chosen, _)) => {
                    let server = chosen.server().expect("a server");
                    Ok((chosen.group_name().to_owned(), server.uuid.clone()))
                }
                Err(refusal) => Err((refusal.code, refusal.message.clone())),
            };
            Ok((seen, explanation.why()))
        });
        seen.expect("it does not fail")
    }

    fn looked_up(router: &Router, query: &Query<'_>) -> Seen {
        ThreadCache::with(|cache| {
            router.server(cache, query, None, |chosen| {
                super::super::with_parts(chosen, |group, server| {
                    Ok((group.to_owned(), server.uuid.clone()))
                })
            })
        })
        .map_err(|error| (error.code, error.message))
    }

    fn preference() -> impl Strategy<Value = ReadPreference> {
        prop::sample::select(vec![
            ReadPreference::Secondary,
            ReadPreference::SecondaryOnly,
            ReadPreference::Primary,
            ReadPreference::Nearest,
        ])
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn it_says_what_the_lookup_says(
            listed in Listed::any(),
            preference in preference(),
            zone in prop::option::of("[ab]"),
            compat in any::<bool>(),
            reports in prop::collection::vec((0usize..12, prop::sample::select(vec![0, 1290, 2003])), 0..6),
            keys in prop::collection::vec((-5i64..60, any::<bool>(), any::<bool>(), 0usize..4), 1..12),
        ) {
            let router = router(&listed, Config {
                read_preference: preference,
                zone: zone.map(Into::into),
                compat_connector_python: compat,
                quarantine: Duration::from_secs(600),
                write_hold: Duration::from_secs(600),
                ..Config::default()
            });
            router.prefetch(&[]).expect("the farm");
            for (server, errno) in reports {
                router.refresher.observe(&format!("uuid-{server}"), errno);
            }
            let mut lookups = 0;
            for (key, reads, by_text, table) in keys {
                let text = key.to_string();
                let key = if by_text { Key::Text(text.as_bytes()) } else { Key::Integer(key) };
                let wanted = if reads { Wanted::Reader } else { Wanted::Primary };
                let name = [&b"db.ranges"[..], b"db.hashes", b"db.times", b"db.none"][table];
                let group = format!("g{}", lookups % 4);
                let both = [&b"db.ranges"[..], b"db.hashes"];
                for target in [
                    Target::Table(name, ShardKey::Key(key)),
                    Target::Table(name, ShardKey::Global),
                    Target::Table(name, ShardKey::Missing),
                    Target::Tables(&both, ShardKey::Key(key)),
                    Target::Group(group.as_bytes()),
                ] {
                    let query = Query { target, wanted };
                    let (first, why) = explained(&router, &query);
                    prop_assert_eq!(&explained(&router, &query).0, &first, "it takes no turn");
                    prop_assert_eq!(looked_up(&router, &query), first.clone(), "{:?}", query);
                    lookups += 1;
                    prop_assert!(first.is_err() || why.is_some());
                }
            }
            let counted = router.metrics();
            prop_assert_eq!(counted.lookups + counted.refused, lookups as u64, "it counts nowhere");
        }
    }

    #[test]
    fn a_refusal_is_explained_as_far_as_anything_is_known() {
        let listed = Listed::of(
            &[("g0", "uuid-0", 3, 3), ("g0", "uuid-1", 2, 1)],
            &[("g0", 10, false), ("g1", 20, true)],
        );
        let router = router(&listed, Config::default());
        let of = |key: i64, wanted| {
            let target = Target::Table(b"db.ranges", ShardKey::Key(Key::Integer(key)));
            router
                .explain(&Query { target, wanted }, |explanation| {
                    let table = explanation.table.as_ref().expect("a table");
                    let group = explanation.group.as_ref().map(|group| group.name.to_owned());
                    Ok((
                        explanation.answer.as_ref().err().map(|error| error.code),
                        explanation.why(),
                        table.key.clone().map(|(key, _)| key),
                        table.shard.map(|(_, shard)| shard.id),
                        group,
                    ))
                })
                .expect("an explanation")
        };
        let key = |key: &str| Some(key.to_owned());
        assert_eq!(
            of(12, Wanted::Primary),
            (None, Some(Why::Primary), key("12"), Some(1), key("g0"))
        );
        assert_eq!(
            of(12, Wanted::Reader),
            (None, Some(Why::OnlyOne), key("12"), Some(1), key("g0"))
        );
        let below = (Some(Code::KeyOutOfRange), None, key("9"), None, None);
        assert_eq!(of(9, Wanted::Primary), below);
        let none = Some(Code::WriteHeld);
        assert_eq!(
            of(20, Wanted::Primary),
            (none, Some(Why::ShardReadOnly), key("20"), Some(2), key("g1"))
        );
        router.refresher.observe("uuid-0", 1290);
        assert_eq!(
            of(12, Wanted::Primary),
            (none, Some(Why::WritesHeld), key("12"), Some(1), key("g0"))
        );
    }
}
