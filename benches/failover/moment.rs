//! The moments at which a group changes hands, and what each writer sees of one.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use crate::servers::Farm;
use crate::writer::{Writer, Written};

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Group Replication: another member is made the primary.
    Promote,
    /// Group Replication: the primary leaves the group, and goes on running.
    Leave,
    Shutdown,
    Kill,
    Freeze,
    /// Plain replication: a script makes another server the primary.
    AsyncPromote,
}

pub struct Writers {
    /// One for each server.
    pub direct: Vec<Writer>,
    pub library: Writer,
    pub router: Option<Writer>,
}

/// What was seen in one round.
pub struct Seen {
    /// From the moment to the first good write elsewhere.
    pub group: Duration,
    pub library: Option<Duration>,
    pub router: Option<Duration>,
    /// Rows that the library's writer was told are written, and that are not there.
    pub lost: u64,
    /// Its writes that were sent to the old primary after the new one took writes, and hung.
    pub hung: u64,
    /// Its writes that failed, by what they were told.
    pub failed: BTreeMap<String, u64>,
}

/// How long a change may take in all.
const MOST: Duration = Duration::from_secs(60);

impl Moment {
    pub const OF_A_GROUP: [Self; 5] =
        [Self::Promote, Self::Leave, Self::Shutdown, Self::Kill, Self::Freeze];
    pub const OF_REPLICAS: [Self; 1] = [Self::AsyncPromote];

    pub fn name(self) -> &'static str {
        match self {
            Self::Promote => "promote",
            Self::Leave => "leave",
            Self::Shutdown => "shutdown",
            Self::Kill => "kill",
            Self::Freeze => "freeze",
            Self::AsyncPromote => "async-promote",
        }
    }

    /// Begins the change from server `old`.
    fn begin(self, farm: &Farm, old: usize) -> std::process::Child {
        let (old, next) = (old.to_string(), (old % 3 + 1).to_string());
        match self {
            Self::Promote | Self::AsyncPromote => farm.begin(&["promote", &next]),
            Self::Leave => farm.begin(&["leave", &old]),
            Self::Shutdown => farm.begin(&["shutdown", &old]),
            Self::Kill => farm.begin(&["kill", &old]),
            Self::Freeze => farm.begin(&["freeze", &old]),
        }
    }

    /// Has all three serve again.
    fn restore(self, farm: &Farm, old: usize) {
        let old = old.to_string();
        if self == Self::Freeze {
            farm.run(&["thaw", &old]);
            // It has to see by itself that it was expelled.
            std::thread::sleep(Duration::from_secs(3));
        }
        if !matches!(self, Self::Promote | Self::AsyncPromote) {
            farm.run(&["rejoin", &old]);
            // What an expelled member was set to.
            farm.run(&["sql", &old, "SET GLOBAL offline_mode = OFF"]);
        }
    }

    /// One change, from calm to calm.
    pub fn round(self, farm: &Farm, writers: &Writers) -> Seen {
        let Writers { direct, library, router } = writers;
        let routed: Vec<&Writer> = [library].into_iter().chain(router).collect();
        wait("calm", || routed.iter().all(|writer| writer.is_calm(Duration::from_secs(1))));
        for writer in direct.iter().chain(routed.iter().copied()) {
            writer.take();
        }
        let old = farm.primary();
        let uuid = format!("00000000-0000-0000-0000-{:012}", farm.port(old));
        let begun = Instant::now();
        let mut script = self.begin(farm, old);
        let elsewhere = |writer: &Writer| writer.first_elsewhere(begun, &uuid);
        let first = || direct.iter().filter_map(elsewhere).min();
        wait("a new primary", || first().is_some());
        let of_group = first().expect("just seen");
        for writer in &routed {
            wait("a write by each route", || elsewhere(writer).is_some() || writer.tells(begun));
        }
        let since = |at: Instant| at.duration_since(begun);
        let (of_library, of_router) =
            (elsewhere(library).map(since), router.as_ref().and_then(elsewhere).map(since));
        if self == Self::Shutdown {
            // It has left, and waits for a minute for the statements that it will not do any more.
            farm.run(&["kill", &old.to_string()]);
        }
        assert!(script.wait().expect("the script").success(), "{}", self.name());
        self.restore(farm, old);
        let rows = library.take();
        let mut failed = BTreeMap::new();
        for row in rows.iter().filter(|row| !row.is_good) {
            *failed.entry(row.error.clone()).or_default() += 1;
        }
        Seen {
            group: since(of_group),
            library: of_library,
            router: of_router,
            lost: lost(farm, library.number, &rows),
            hung: rows.iter().filter(|row| is_hung(row, of_group, &uuid)).count() as u64,
            failed,
        }
    }
}

fn is_hung(row: &Written, of_group: Instant, old: &str) -> bool {
    let took = row.ended.duration_since(row.begun);
    row.uuid == old && row.begun >= of_group && took >= Duration::from_millis(500)
}

/// How many rows that are said to be written are not there.
fn lost(farm: &Farm, writer: u32, rows: &[Written]) -> u64 {
    let good = rows.iter().filter(|row| row.is_good).map(|row| row.id);
    let (Some(first), Some(last)) = (good.clone().min(), good.clone().max()) else { return 0 };
    let ids = farm.sql(
        farm.primary(),
        &format!("SELECT id FROM bench.rows_written WHERE writer = {writer} AND id BETWEEN {first} AND {last}"),
    );
    let found: BTreeSet<u64> = ids.lines().filter_map(|id| id.parse().ok()).collect();
    good.filter(|id| !found.contains(id)).count() as u64
}

fn wait(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < MOST, "{what}: not within {MOST:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
