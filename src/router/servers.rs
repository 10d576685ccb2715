//! Which server serves: the lookups that do not wait for one.

use crate::base::error::{Error, Result};
use crate::refresh::single_flight::FetchRequest;
use crate::thread_cache::ThreadCache;
use crate::topology::{Chosen, Key, Server, Table, Topology, Wanted};

use super::lookup::{Generation, Terms};
use super::prepared::PreparedTables;
use super::resolve::{Freshness, LookupView, Miss, Query, Scope, Seen, Target};
use super::{Router, errors, with_parts};

/// Why a query has no answer in a snapshot.
enum Unresolved {
    Refused(Error),
    /// Something is to be fetched first.
    Expired,
    /// The snapshot, whose generation it is, does not have the name.
    Unknown(Generation),
}

impl Router {
    /// Fetches what is not known of these tables, and refuses those that cannot be used.
    pub fn open(&self, names: &[&str]) -> Result<PreparedTables> {
        let terms = Terms::within(self.refresher.fetcher.lookup_bound());
        for name in names {
            // Opening is no lookup, and not counted as one.
            let found = self.look_for_table(terms, name.as_bytes(), |_, _| Ok(()));
            found.map_err(|error| self.explained(error))?;
        }
        Ok(PreparedTables::new(names))
    }

    /// Hands the server for a request on sharded tables to `take`, with its group's name.
    pub fn shard_server<T>(
        &self,
        tables: &[&[u8]],
        key: Option<Key<'_>>,
        scope: Scope,
        wanted: Wanted,
        take: impl FnOnce(&str, &Server) -> Result<T>,
    ) -> Result<T> {
        let query = Query { target: Target::tables(tables, scope.shard_key(key)), wanted };
        ThreadCache::with(|cache| {
            self.server(cache, &query, None, |chosen| with_parts(chosen, take))
        })
    }

    /// Hands the server for a request on a group to `take`.
    pub fn group_server<T>(
        &self,
        group: &str,
        wanted: Wanted,
        take: impl FnOnce(&str, &Server) -> Result<T>,
    ) -> Result<T> {
        let query = Query { target: Target::Group(group.as_bytes()), wanted };
        ThreadCache::with(|cache| {
            self.server(cache, &query, None, |chosen| with_parts(chosen, take))
        })
    }

    /// Hands the server for a query to `take`, whatever it takes to find it. What was `seen` of it
    /// already is not looked for again in the same snapshot.
    pub fn server<T>(
        &self,
        cache: &ThreadCache,
        query: &Query<'_>,
        seen: Option<Seen>,
        take: impl FnOnce(Chosen<'_>) -> Result<T>,
    ) -> Result<T> {
        let mut unknown = None;
        if let Some(snapshot) = self.snapshot(cache) {
            match self.resolve_once(cache, snapshot.view(), query, seen) {
                Ok(chosen) => return take(chosen),
                Err(Unresolved::Refused(refusal)) => return Err(refusal),
                Err(Unresolved::Unknown(generation)) => unknown = Some(generation),
                Err(Unresolved::Expired) => {}
            }
        } else if let Some(snapshot) = self.snapshot_in_time(cache) {
            match self.resolve_once(cache, snapshot.view(), query, seen) {
                Ok(chosen) => return take(chosen),
                Err(Unresolved::Refused(refusal)) => return Err(refusal),
                Err(Unresolved::Unknown(generation)) => unknown = Some(generation),
                Err(Unresolved::Expired) => {}
            }
        }
        let outcome =
            self.look_for_group(Terms::of(query.wanted), query, unknown, |view, group| {
                let cursor = view.topology.cursor(group, &cache.cursors);
                let servers = view.topology.group(group).map(|entry| &entry.value);
                match servers.and_then(|servers| servers.choose(query.wanted, cursor)) {
                    Some(chosen) => take(chosen),
                    None => {
                        let name = view.topology.group_name(group);
                        Err(errors::no_server(name, query.wanted, servers))
                    }
                }
            });
        self.counted(cache, outcome)
    }

    /// The server for a query in one snapshot, or why there is none.
    fn resolve_once<'s, F: Freshness>(
        &self,
        cache: &ThreadCache,
        view: LookupView<'s, F>,
        query: &Query<'_>,
        seen: Option<Seen>,
    ) -> std::result::Result<Chosen<'s>, Unresolved> {
        let outcome = match seen {
            Some(seen) if seen.epoch == view.epoch => Err(seen.miss),
            _ => view.resolve(query, &cache.cursors),
        };
        match outcome {
            Ok(chosen) => {
                self.count(cache);
                Ok(chosen)
            }
            Err(Miss::Expired) => Err(Unresolved::Expired),
            Err(Miss::UnknownTable | Miss::UnknownGroup) => {
                Err(Unresolved::Unknown(view.topology.generation))
            }
            Err(miss) => {
                self.metrics.lookups.count(cache.stripe(), false);
                Err(Unresolved::Refused(errors::error_of(view, query, miss)))
            }
        }
    }

    /// Hands all servers of a group to `take`, in the source's order.
    pub fn group_servers<T>(
        &self,
        group: &str,
        use_cache: bool,
        take: impl FnOnce(&str, &[Server]) -> Result<T>,
    ) -> Result<T> {
        let bound = self.refresher.fetcher.lookup_bound();
        if !use_cache && let Err(error) = self.obtain(FetchRequest::group(group), &bound) {
            return ThreadCache::with(|cache| self.counted(cache, Err(error)));
        }
        let query = Query { target: Target::Group(group.as_bytes()), wanted: Wanted::Unservable };
        let outcome = self.look_for_group(Terms::within(bound), &query, None, |view, id| {
            match view.topology.group(id).map(|entry| &entry.value) {
                Some(known) if !known.servers().is_empty() => take(group, known.servers()),
                // It is there, and none of its servers is to be used.
                known if known.is_some_and(|known| known.reason().is_some()) => {
                    Err(errors::no_server(group, query.wanted, known))
                }
                _ => Err(errors::unknown_group(group)),
            }
        });
        ThreadCache::with(|cache| self.counted(cache, outcome))
    }

    /// Hands the description of a table to `take`.
    pub fn table<T>(
        &self,
        name: &str,
        take: impl FnOnce(&Topology, &Table) -> Result<T>,
    ) -> Result<T> {
        let outcome = self.look_for_table(Terms::default(), name.as_bytes(), take);
        ThreadCache::with(|cache| self.counted(cache, outcome))
    }
}
