//! Lookups that wait for a server instead of refusing.

use std::time::Duration;

use crate::base::error::{Code, Error, Result};
use crate::refresh::bound::{Bound, Limit};
use crate::refresh::single_flight::FetchRequest;
use crate::thread_cache::ThreadCache;
use crate::topology::balance::Cursor;
use crate::topology::{Chosen, Group, Key, Server, Wanted};

use super::lookup::Terms;
use super::resolve::{Query, Target};
use super::{Router, Scope, errors, with_parts};

/// Whether waiting may help.
fn may_pass(error: &Error) -> bool {
    matches!(
        error.code,
        Code::NoServer
            | Code::UnknownGroup
            | Code::WriteHeld
            | Code::Stale
            | Code::ShardUnavailable
            | Code::Unreachable
            | Code::Timeout
            | Code::Protocol
            | Code::System
    )
}

impl Router {
    /// Hands a server for a query that the service has not found unreachable to `take`, and waits
    /// for one.
    pub fn server_wait<T>(
        &self,
        query: &Query<'_>,
        most: Duration,
        take: impl Fn(&str, &Server) -> Result<T>,
    ) -> Result<T> {
        let mut request = wish_of(query.target);
        let outcome = self.wait(most, &mut request, |bound, request| {
            let terms = Terms { bound: Some(bound), ..Terms::of(query.wanted) };
            self.look_for_group(terms, query, None, |view, group| {
                let name = view.topology.group_name(group);
                request.merge(FetchRequest::group(name));
                let servers = view.topology.group(group).map(|entry| &entry.value);
                with_parts(reachable(name, query.wanted, servers)?, &take)
            })
        });
        ThreadCache::with(|cache| self.counted(cache, outcome))
    }

    /// As `shard_server`, but waits for a server that the service has not found unreachable.
    pub fn shard_server_wait<T>(
        &self,
        tables: &[&[u8]],
        key: Option<Key<'_>>,
        scope: Scope,
        wanted: Wanted,
        most: Duration,
        take: impl Fn(&str, &Server) -> Result<T>,
    ) -> Result<T> {
        let target = Target::tables(tables, scope.shard_key(key));
        self.server_wait(&Query { target, wanted }, most, take)
    }

    /// As `group_server`, but waits for a server that the service has not found unreachable.
    pub fn group_server_wait<T>(
        &self,
        group: &str,
        wanted: Wanted,
        most: Duration,
        take: impl Fn(&str, &Server) -> Result<T>,
    ) -> Result<T> {
        let target = Target::Group(group.as_bytes());
        self.server_wait(&Query { target, wanted }, most, take)
    }

    /// Looks again with every newer topology, until there is an answer, a refusal that time
    /// does not heal, or no time left.
    fn wait<T>(
        &self,
        most: Duration,
        request: &mut FetchRequest,
        mut look: impl FnMut(Bound, &mut FetchRequest) -> Result<T>,
    ) -> Result<T> {
        let bound = self.refresher.fetcher.interrupts.bound(most, Limit::Deadline);
        loop {
            // Asked for before looking, so that nothing published meanwhile is missed.
            let seen = self.refresher.publisher.waiters.published();
            let refusal = match look(bound, request) {
                Err(error) if may_pass(&error) => error,
                outcome => return outcome,
            };
            if bound.left().is_zero() {
                return Err(refusal);
            }
            // Of a group that is not listed each look asks the source anew, and its answer is no news.
            let seen = match refusal.code {
                Code::UnknownGroup => self.refresher.publisher.waiters.published(),
                _ => seen,
            };
            self.refresher.fetcher.interrupts.refuse(&bound, "a server")?;
            self.refresher.fetcher.wait_for_news(seen, &bound, request);
        }
    }
}

/// What is to be asked for while a query waits.
fn wish_of(target: Target<'_>) -> FetchRequest {
    let mut request = FetchRequest::default();
    let mut add = |name: &[u8]| request.merge(FetchRequest::table(&String::from_utf8_lossy(name)));
    match target {
        Target::Table(name, _) => add(name),
        Target::Tables(names, _) => names.iter().for_each(|name| add(name)),
        Target::Prepared(table, _) => add(table.name()),
        Target::AllPrepared(tables, _) => tables.iter().for_each(|table| add(table.name())),
        Target::Group(name) => return FetchRequest::group(&String::from_utf8_lossy(name)),
    }
    request
}

fn reachable<'g>(name: &str, wanted: Wanted, servers: Option<&'g Group>) -> Result<Chosen<'g>> {
    // Who waits goes on behind the last that joined: many may have waited for the same.
    let cursor = Cursor::default();
    let chosen = servers.and_then(|servers| servers.choose_reachable(wanted, &cursor));
    let any = servers.is_some_and(|servers| servers.may_serve(wanted));
    match chosen {
        Some(chosen) => Ok(chosen),
        None if any => Err(Error::new(
            Code::NoServer,
            format!(
                "every server of group '{name}' that may serve this could not be reached lately, \
                 and is to be tried by one request at a time"
            ),
        )),
        None => Err(errors::no_server(name, wanted, servers)),
    }
}
