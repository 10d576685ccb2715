//! The servers that a call should try, one after the other, by what it wants itself.

use crate::base::error::{Code, Error, Result};
use crate::thread_cache::ThreadCache;
use crate::topology::{Choice, Group, Server, Wanted};

use super::lookup::Terms;
use super::resolve::Query;
use super::{Router, errors};

impl Router {
    /// Hands the servers that may serve a query to `take`, the one that should be tried first before the
    /// others, `most` of them. There is at least one.
    pub fn choose<T>(
        &self,
        query: &Query<'_>,
        choice: &Choice<'_>,
        most: usize,
        take: impl Fn(&str, &Server) -> Result<T>,
    ) -> Result<Vec<T>> {
        ThreadCache::with(|cache| {
            let outcome =
                self.look_for_group(Terms::of(query.wanted), query, None, |view, group| {
                    let topology = view.topology;
                    let name = topology.group_name(group);
                    let servers = topology.group(group).map(|entry| &entry.value);
                    let cursors = |beside| topology.cursor_beside(group, beside, &cache.cursors);
                    let chosen =
                        servers.map(|group| group.candidates(query.wanted, choice, most, cursors));
                    match chosen.filter(|chosen| !chosen.is_empty()) {
                        Some(chosen) => {
                            chosen.into_iter().map(|server| take(name, server)).collect()
                        }
                        None => Err(none_left(name, query.wanted, choice, servers)),
                    }
                });
            self.counted(cache, outcome)
        })
    }
}

/// Why nobody is left.
fn none_left(name: &str, wanted: Wanted, choice: &Choice<'_>, group: Option<&Group>) -> Error {
    let preference = choice.preference.or_else(|| group.map(Group::preference));
    let serves = |group: &Group| match wanted {
        Wanted::Reader => group.has_readers(preference.unwrap_or_default()),
        wanted => group.may_serve(wanted),
    };
    match group.is_some_and(serves) {
        true => Error::new(
            Code::NoServer,
            format!(
                "all servers of group '{name}' that may serve this are excluded by the call; exclude \
                 fewer, or wait a little and ask without"
            ),
        ),
        false => errors::no_server_for(name, wanted, preference.unwrap_or_default(), group),
    }
}
