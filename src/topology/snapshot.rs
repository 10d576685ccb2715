//! The topology: a snapshot of the farm, as far as the handle knows it. It is immutable but for the
//! times of its parts, which change in place.

use std::mem::offset_of;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};

use super::balance::{Cursor, Cursors};
use super::group::{Group, GroupId};
use super::index::names::NameTable;
use super::seen_bounds::SeenBounds;
use super::server::Server;
use super::shard_map::{Shard, ShardMap};
use super::table::{Table, TableError};

/// Until when a part of the picture counts as fresh, and when it was last confirmed, on the handle's
/// own clock. What is older than the handle was confirmed before 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    pub expires: u64,
    pub confirmed: i64,
}

impl Times {
    /// When a part was confirmed whose age nobody knows.
    pub(crate) const UNKNOWN: i64 = i64::MIN;
}

/// A part of the picture, until when it counts as fresh, and when it was last confirmed.
///
/// Times are milliseconds on the handle's own clock; the topology itself has none. They change in
/// place, so that confirming a part publishes no new picture.
///
/// What lookups read of it begins a cache line.
#[derive(Debug)]
#[repr(C, align(64))]
pub struct Entry<T> {
    expires: AtomicU64,
    pub value: T,
    // Behind what every lookup reads: only a limit to the age has a lookup look here.
    confirmed: AtomicI64,
}

// A group's images are whole cache lines, right behind the one that lookups read first.
const _: () = assert!(offset_of!(Entry<Group>, value) + Group::IMAGES == 64);

impl<T> Entry<T> {
    pub fn new(value: T, times: Times) -> Self {
        let Times { expires, confirmed } = times;
        Self { expires: AtomicU64::new(expires), value, confirmed: AtomicI64::new(confirmed) }
    }

    #[inline]
    pub fn is_fresh(&self, now: u64) -> bool {
        now < self.expires.load(Ordering::Relaxed)
    }

    pub fn expires(&self) -> u64 {
        self.expires.load(Ordering::Relaxed)
    }

    /// When the part was last confirmed, or [`Times::UNKNOWN`].
    #[inline]
    pub fn confirmed(&self) -> i64 {
        self.confirmed.load(Ordering::Relaxed)
    }

    pub fn times(&self) -> Times {
        Times { expires: self.expires(), confirmed: self.confirmed() }
    }

    /// The part was seen to be as it is.
    pub fn confirm(&self, times: Times) {
        self.confirm_at(times.confirmed);
        self.renew(times.expires);
    }

    /// The part was seen to be as it is, which says nothing of how long it is good.
    pub fn confirm_at(&self, confirmed: i64) {
        self.confirmed.store(confirmed, Ordering::Relaxed);
    }

    /// The part serves until `expires`, confirmed or not.
    pub fn renew(&self, expires: u64) {
        self.expires.store(expires, Ordering::Relaxed);
    }

    /// The part's time is over, but it may serve until the source was asked again.
    pub fn expire(&self) {
        if !self.is_distrusted() {
            self.expires.store(1, Ordering::Relaxed);
        }
    }

    /// The part may be wrong: it must not be used before the source was asked again.
    pub fn distrust(&self) {
        self.expires.store(0, Ordering::Relaxed);
    }

    /// Whether the part's time was ended before it was over.
    pub fn is_over(&self) -> bool {
        self.expires.load(Ordering::Relaxed) <= 1
    }

    #[inline]
    pub fn is_distrusted(&self) -> bool {
        self.expires.load(Ordering::Relaxed) == 0
    }
}

/// What is known of a table that the source lists.
#[derive(Debug, PartialEq, Eq)]
pub enum TableState {
    Known(Table),
    /// Its rows make no shard map.
    Unusable(TableError),
}

/// Tables by their full name `db.table`, groups by number. A name holds exactly one dot, so
/// `ab.c` and `a.bc` can never meet.
#[derive(Debug, Clone)]
pub struct Topology {
    /// Counts the changes of the farm: equal generations have the same tables, shard maps, groups
    /// and servers. What the service saw of its servers may differ.
    pub generation: u64,
    pub tables: NameTable<Arc<Entry<TableState>>>,
    /// By table: the bounds that were seen and that no map in use holds.
    pub seen_bounds: NameTable<Arc<Entry<SeenBounds>>>,
    group_numbers: NameTable<GroupId>,
    /// By number; nothing for those that are free.
    group_names: Vec<Option<Arc<str>>>,
    /// By number: the entries of those that have been fetched.
    groups: Vec<Option<Arc<Entry<Group>>>>,
    /// The numbers below the others that no group has.
    free_numbers: Vec<GroupId>,
    /// Where the farm's groups begin among a thread's cursors, so that the groups of several farms
    /// seldom share one.
    first_turn: usize,
}

impl Default for Topology {
    fn default() -> Self {
        static FARMS: AtomicUsize = AtomicUsize::new(0);
        Self {
            generation: 0,
            tables: NameTable::default(),
            seen_bounds: NameTable::default(),
            group_numbers: NameTable::default(),
            group_names: Vec::new(),
            groups: Vec::new(),
            free_numbers: Vec::new(),
            first_turn: FARMS.fetch_add(1, Ordering::Relaxed).wrapping_mul(128),
        }
    }
}

impl Topology {
    /// The entry of a group that has been fetched; nothing for the group of a read-only shard, which
    /// is that of its [`GroupId::base`].
    #[inline(always)]
    pub fn group(&self, id: GroupId) -> Option<&Arc<Entry<Group>>> {
        self.groups.get(id.0 as usize)?.as_ref()
    }

    /// The cursor, of a thread's, into the schedule of a group.
    #[inline(always)]
    pub fn cursor<'t>(&self, group: GroupId, cursors: &'t Cursors) -> &'t Cursor {
        cursors.of(self.first_turn.wrapping_add(group.0 as usize))
    }

    /// As `cursor`, into a schedule beside the group's own, which is that of 0.
    pub fn cursor_beside<'t>(
        &self,
        group: GroupId,
        beside: usize,
        cursors: &'t Cursors,
    ) -> &'t Cursor {
        cursors.of(self.first_turn.wrapping_add(group.0 as usize).wrapping_add(beside))
    }

    pub fn group_number(&self, name: &[u8]) -> Option<GroupId> {
        self.group_numbers.get(name).copied()
    }

    pub fn group_name(&self, id: GroupId) -> &str {
        self.group_names.get(id.base().0 as usize).and_then(Option::as_deref).unwrap_or_default()
    }

    /// Whether it has no table and no server.
    pub fn is_empty(&self) -> bool {
        let has_servers = |entry: &Arc<Entry<Group>>| !entry.value.servers().is_empty();
        self.tables.iter().next().is_none() && !self.groups.iter().flatten().any(has_servers)
    }

    /// When the part was confirmed that was confirmed longest ago; nothing of a farm without tables
    /// and servers. Groups without servers are not listed, and do not count.
    pub fn oldest(&self) -> Option<i64> {
        let tables = self.tables.iter().map(|(_, entry)| entry.confirmed());
        let groups = self.groups.iter().flatten();
        let groups = groups.filter(|entry| !entry.value.servers().is_empty());
        tables.chain(groups.map(|entry| entry.confirmed())).min()
    }

    /// Every group with a number, fetched or not.
    pub fn groups(&self) -> impl Iterator<Item = (GroupId, &str, Option<&Arc<Entry<Group>>>)> {
        let both = self.group_names.iter().zip(&self.groups).enumerate();
        both.filter_map(|(at, (name, entry))| {
            Some((GroupId(at as u32), name.as_deref()?, entry.as_ref()))
        })
    }

    /// The group that lists a server, with its name, and the server in it. Looks at every server.
    pub fn group_of_server(&self, server_uuid: &str) -> Option<(&str, &Group, &Server)> {
        self.groups().find_map(|(_, name, entry)| {
            let group = &entry?.value;
            let server = group.servers().iter().find(|server| server.uuid == server_uuid)?;
            Some((name, group, server))
        })
    }

    /// By number: whether the map of some table names the group.
    fn named_groups(&self) -> Vec<bool> {
        let mut named = vec![false; self.groups.len()];
        for (_, _, table) in self.maps() {
            let shards = table.map.shards().map(|shard| shard.group);
            for group in shards.chain([table.global_group]) {
                if let Some(named) = named.get_mut(group.base().0 as usize) {
                    *named = true;
                }
            }
        }
        named
    }

    /// Forgets the groups that `goes` says of, but those that a map names. Their numbers are free
    /// for the groups to come: a number is one group's within one snapshot and those that follow
    /// it for as long as the group is there.
    pub fn forget_groups(&mut self, goes: impl Fn(&str) -> bool) {
        let named = self.named_groups();
        let going = self.groups().map(|(id, name, _)| (id.0 as usize, name));
        let going = going.filter(|(at, name)| named.get(*at) == Some(&false) && goes(name));
        let going: Vec<usize> = going.map(|(at, _)| at).collect();
        if going.is_empty() {
            return;
        }
        for at in going {
            if let (Some(name), Some(entry)) =
                (self.group_names.get_mut(at), self.groups.get_mut(at))
            {
                (*name, *entry) = (None, None);
            }
        }
        let last = self.group_names.iter().rposition(Option::is_some);
        let length = last.map_or(0, |last| last + 1);
        self.group_names.truncate(length);
        self.groups.truncate(length);
        let free = self.group_names.iter().enumerate().filter(|(_, name)| name.is_none());
        self.free_numbers = free.map(|(at, _)| GroupId(at as u32)).collect();
        let names = &self.group_names;
        self.group_numbers.retain(|_, id| names.get(id.0 as usize).is_some_and(Option::is_some));
    }

    /// The tables that have a map, and the map.
    pub fn maps(&self) -> impl Iterator<Item = (&[u8], &Entry<TableState>, &Table)> {
        self.tables.iter().filter_map(|(name, entry)| match &entry.value {
            TableState::Known(table) => Some((name, &**entry, table)),
            _ => None,
        })
    }

    /// How many bounds are remembered that the source does not list.
    pub fn missing(&self) -> usize {
        let kept: usize = self.maps().map(|(_, _, table)| table.map.missing()).sum();
        kept + self.seen_bounds.iter().map(|(_, seen)| seen.value.len()).sum::<usize>()
    }

    /// Since when a shard is missing that no source has located, the one that is missing longest.
    /// Shards do not count that are missing since an unknown time.
    pub fn missing_first(&self) -> Option<i64> {
        let kept = self.maps().map(|(_, _, table)| &table.map).filter(|map| map.missing() > 0);
        let seen = self.seen_bounds.iter().flat_map(|(_, seen)| seen.value.maps());
        let shards = kept.chain(seen).flat_map(ShardMap::shards);
        let lost = shards.filter(|shard| shard.group == GroupId::NOWHERE);
        lost.filter_map(|s| s.missing_since()).filter(|since| *since != Shard::NO_TIME).min()
    }

    /// The missing shards that no source has located: tables and lower bounds.
    pub fn vanished(&self) -> Vec<(String, String)> {
        let mut vanished = Vec::new();
        for (name, _, table) in self.maps() {
            let name = String::from_utf8_lossy(name);
            vanished.extend(table.vanished().into_iter().map(|b| (name.to_string(), b)));
        }
        vanished
    }

    /// The number of a group name, a new one if it has none yet.
    pub fn number_group(&mut self, name: &str) -> GroupId {
        if let Some(id) = self.group_number(name.as_bytes()) {
            return id;
        }
        let id = self.free_numbers.pop().unwrap_or(GroupId(self.groups.len() as u32));
        match self.group_names.get_mut(id.0 as usize) {
            Some(free) => *free = Some(name.into()),
            None => {
                self.group_names.push(Some(name.into()));
                self.groups.push(None);
            }
        }
        self.group_numbers.insert(name.as_bytes(), id);
        id
    }

    pub fn set_group(&mut self, id: GroupId, entry: Option<Arc<Entry<Group>>>) {
        if let Some(slot) = self.groups.get_mut(id.0 as usize) {
            *slot = entry;
        }
    }
}
