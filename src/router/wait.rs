//! Lookups that wait for a server instead of refusing.

use std::time::Duration;

use crate::base::error::{Code, Error, Result};
use crate::local::Local;
use crate::refresh::bound::{Bound, Limit};
use crate::refresh::flight::Wish;
use crate::topology::balance::Turn;
use crate::topology::{Chosen, Group, Key, Server, Wanted};

use super::look::Terms;
use super::{Request, Router, Scope, apart, look, refusal};

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
        let request = Request { tables, key, scope };
        let mut wish = Wish::default();
        for name in tables {
            wish.merge(Wish::table(&String::from_utf8_lossy(name)));
        }
        let outcome = self.wait(most, &mut wish, |bound, wish| {
            let find = |topology: &_, trust: look::Trust<'_>| {
                look::group_of_request(topology, &request, self.compat, trust)
            };
            self.look(terms(bound, wanted), find, |topology, id| {
                let name = topology.group_name(id);
                wish.merge(Wish::group(name));
                let servers = topology.group(id).map(|entry| &entry.value);
                apart(reachable(name, wanted, servers)?, &take)
            })
        });
        Local::with(|local| self.counted(local, outcome))
    }

    /// As `group_server`, but waits for a server that the service has not found unreachable.
    pub fn group_server_wait<T>(
        &self,
        group: &str,
        wanted: Wanted,
        most: Duration,
        take: impl Fn(&str, &Server) -> Result<T>,
    ) -> Result<T> {
        let outcome = self.wait(most, &mut Wish::group(group), |bound, _| {
            self.look(terms(bound, wanted), look::group_named(group), |topology, id| {
                let servers = topology.group(id).map(|entry| &entry.value);
                apart(reachable(group, wanted, servers)?, &take)
            })
        });
        Local::with(|local| self.counted(local, outcome))
    }

    /// Looks again with every newer topology, until there is an answer, a refusal that time
    /// does not heal, or no time left.
    fn wait<T>(
        &self,
        most: Duration,
        wish: &mut Wish,
        mut look: impl FnMut(Bound, &mut Wish) -> Result<T>,
    ) -> Result<T> {
        let bound = self.refresher.bound(most, Limit::Deadline);
        loop {
            // Asked for before looking, so that nothing published meanwhile is missed.
            let seen = self.refresher.published();
            let refusal = match look(bound, wish) {
                Err(error) if may_pass(&error) => error,
                outcome => return outcome,
            };
            if bound.left().is_zero() {
                return Err(refusal);
            }
            self.refresher.refuse_interrupted(&bound, "a server")?;
            self.refresher.wait_for_news(seen, &bound, wish);
        }
    }
}

fn terms(bound: Bound, wanted: Wanted) -> Terms {
    Terms { bound: Some(bound), ..Terms::of(wanted) }
}

fn reachable<'g>(name: &str, wanted: Wanted, servers: Option<&'g Group>) -> Result<Chosen<'g>> {
    // Who waits goes on behind the last that joined: many may have waited for the same.
    let turn = Turn::default();
    let chosen = servers.and_then(|servers| servers.choose_reachable(wanted, &turn));
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
        None => Err(refusal::no_server(name, wanted, servers)),
    }
}
