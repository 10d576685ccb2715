//! Why a lookup is answered as it is.

use std::ffi::c_char;
use std::time::Duration;

use crate::base::clock::millis;
use crate::base::error::Result;
use crate::router::explain::{ExplainedGroup, ExplainedTable, Explanation, Origin, OriginState};
use crate::router::resolve::{Query, Target};
use crate::topology::readers::Readers;
use crate::topology::{GroupId, Wanted, Why};

use super::arg;
use super::boundary::{boundary, boundary_value};
use super::error::{FABRIC_MESSAGE_SIZE, FABRIC_OK, fabric_error_t};
use super::event::FABRIC_TABLE_SIZE;
use super::handle::fabric_t;
use super::key::fabric_key_t;
use super::node::fabric_node_t;
use super::ptr::{self, Out, copy_text, cut_text, name, reference};
use super::server::{FABRIC_GROUP_SIZE, fabric_server_t};
use super::shard::{
    FABRIC_BOUND_SIZE, FABRIC_COLUMN_SIZE, FABRIC_SHARD_ENABLED, FABRIC_SHARD_READ_ONLY,
};

/// The lookup is refused, and its status and message say why.
pub const FABRIC_WHY_NONE: i32 = 0;
/// It is the primary, which takes the group's writes.
pub const FABRIC_WHY_PRIMARY: i32 = 1;
/// It is its turn, by weight, among `servers_considered`.
pub const FABRIC_WHY_BY_WEIGHT: i32 = 2;
/// It is the only one that takes the group's reads.
pub const FABRIC_WHY_ONLY_ONE: i32 = 3;
/// It is its turn among the servers of the service's own zone.
pub const FABRIC_WHY_OWN_ZONE: i32 = 4;
/// It is the primary, and no secondary is in use for reads.
pub const FABRIC_WHY_NO_SECONDARY: i32 = 5;
/// It was left out, and the next request is to find out whether it is back.
pub const FABRIC_WHY_ON_TRIAL: i32 = 6;
/// All servers that may serve are left out, and trying one is better than refusing.
pub const FABRIC_WHY_LAST_RESORT: i32 = 7;
/// It is the primary, which the read preference prefers.
pub const FABRIC_WHY_PREFERRED_PRIMARY: i32 = 8;
/// It is a secondary, and the primary, which the read preference prefers, is not in use.
pub const FABRIC_WHY_NO_PRIMARY: i32 = 9;
/// Refused: the group's primary refused a write, and writes are held for `write_hold_ms`.
pub const FABRIC_WHY_WRITES_HELD: i32 = 32;
/// Refused: the shard is READ_ONLY in its shard map.
pub const FABRIC_WHY_SHARD_READ_ONLY: i32 = 33;
/// Refused: the source stopped listing the shard, and its keys are held for `shard_hold_ms`.
pub const FABRIC_WHY_SHARD_MISSING: i32 = 34;

/// Nothing is known of it.
pub const FABRIC_ORIGIN_NONE: i32 = 0;
/// The source confirmed it in its time to live.
pub const FABRIC_ORIGIN_FRESH: i32 = 1;
/// It is past its time, or the source was asked since and did not answer: it serves on.
pub const FABRIC_ORIGIN_STALE: i32 = 2;
/// It is from a snapshot file, and the source has not confirmed it since the handle was made.
pub const FABRIC_ORIGIN_FILE: i32 = 3;

const _: () = {
    assert!(FABRIC_WHY_PRIMARY == Why::Primary as i32);
    assert!(FABRIC_WHY_BY_WEIGHT == Why::ByWeight as i32);
    assert!(FABRIC_WHY_ONLY_ONE == Why::OnlyOne as i32);
    assert!(FABRIC_WHY_OWN_ZONE == Why::OwnZone as i32);
    assert!(FABRIC_WHY_NO_SECONDARY == Why::NoSecondary as i32);
    assert!(FABRIC_WHY_ON_TRIAL == Why::OnTrial as i32);
    assert!(FABRIC_WHY_LAST_RESORT == Why::LastResort as i32);
    assert!(FABRIC_WHY_PREFERRED_PRIMARY == Why::PreferredPrimary as i32);
    assert!(FABRIC_WHY_NO_PRIMARY == Why::NoPrimary as i32);
    assert!(FABRIC_WHY_WRITES_HELD == Why::WritesHeld as i32);
    assert!(FABRIC_WHY_SHARD_READ_ONLY == Why::ShardReadOnly as i32);
    assert!(FABRIC_WHY_SHARD_MISSING == Why::ShardMissing as i32);
    assert!(FABRIC_ORIGIN_FRESH == OriginState::Fresh as i32);
    assert!(FABRIC_ORIGIN_STALE == OriginState::Stale as i32);
    assert!(FABRIC_ORIGIN_FILE == OriginState::File as i32);
};

/// The source does not list the shard any more; only in `fabric_explanation_t.shard_state`.
pub const FABRIC_SHARD_MISSING: i32 = 3;

/// The size of `fabric_explanation_t.source`.
pub const FABRIC_SOURCE_SIZE: usize = 512;

/// How a lookup would be answered now, and why. A plain copy that the caller owns.
///
/// What does not apply is 0, -1 or empty, as each member says. Texts are UTF-8 and NUL-terminated; those for
/// people (`key`, `source`, `message`) are cut at a character where they are too long.
///
/// @since 0.1.0
#[repr(C)]
#[derive(Clone, Copy)]
pub struct fabric_explanation_t {
    /// What the lookup would return: FABRIC_OK or a FABRIC_ERR_*.
    pub status: i32,
    /// Why this server, or why none: one of FABRIC_WHY_*.
    pub why: i32,
    /// One of FABRIC_SHARDING_*; 0 without a table that can be routed.
    pub sharding_type: i32,
    /// One of FABRIC_SHARD_*; 0 without a shard.
    pub shard_state: i32,
    /// How good what is known of the table is: one of FABRIC_ORIGIN_*.
    pub table_origin: i32,
    /// The same of the group.
    pub group_origin: i32,
    /// How many servers the group lists.
    pub servers_listed: u32,
    /// Among how many the server is chosen.
    pub servers_considered: u32,
    /// How many are not considered because they are left out after fabric_report_result(), or on trial.
    pub servers_quarantined: u32,
    /// How many are not considered because they are in another zone than the service.
    pub servers_in_other_zones: u32,
    /// The number of the topology: see fabric_topology_generation().
    pub generation: u64,
    /// The shard's number at the server; 0 without a shard, or for one that is missing.
    pub shard_id: i64,
    /// How long ago the source confirmed the table, in milliseconds; -1 where nobody knows.
    pub table_age_ms: i64,
    /// The same of the group.
    pub group_age_ms: i64,
    /// How long the group's writes are held yet at most, in milliseconds; -1 if they are not.
    pub write_hold_ms: i64,
    /// How long the keys of a missing shard are held yet, in milliseconds; -1 if they are not, and
    /// INT64_MAX if no time ends it.
    pub shard_hold_ms: i64,
    /// The table, `db.table`, if it is known; the first of several.
    pub table: [c_char; FABRIC_TABLE_SIZE],
    /// The column the table is sharded by.
    pub column: [c_char; FABRIC_COLUMN_SIZE],
    /// The key as the shard map reads it: an integer without zeros before it, `YYYY-MM-DD hh:mm:ss`, or
    /// the text; empty with @ref FABRIC_SCOPE_GLOBAL.
    pub key: [c_char; FABRIC_BOUND_SIZE],
    /// For HASH the key's MD5 digest, 32 upper-case hexadecimal digits; else empty.
    pub digest: [c_char; 40],
    /// Where the key's shard begins, as fabric_shard_t has it.
    pub lower_bound: [c_char; FABRIC_BOUND_SIZE],
    /// Where the next shard begins; empty for the last one, which for HASH goes on below the first bound.
    pub upper_bound: [c_char; FABRIC_BOUND_SIZE],
    /// The group that is asked for, or that holds the key; empty where nobody knows it.
    pub group: [c_char; FABRIC_GROUP_SIZE],
    /// The server that the next such lookup of this thread gets; all 0 if it is refused.
    pub server: fabric_server_t,
    /// Which node of the source answered last; empty if none did, or where the servers of the groups
    /// answer together.
    pub node: fabric_node_t,
    /// Where the topology comes from: the source as a URL, with hosts and without user and password.
    pub source: [c_char; FABRIC_SOURCE_SIZE],
    /// What the lookup would say in fabric_error_t.message; empty if it is answered.
    pub message: [c_char; FABRIC_MESSAGE_SIZE],
    /// 0; room for later.
    pub reserved: [u64; 16],
}

impl fabric_explanation_t {
    fn of(explanation: &Explanation<'_>, wanted: Wanted) -> Result<Self> {
        let mut filled = Self {
            status: FABRIC_OK,
            why: explanation.why().map_or(FABRIC_WHY_NONE, |why| why as i32),
            sharding_type: 0,
            shard_state: 0,
            table_origin: FABRIC_ORIGIN_NONE,
            group_origin: FABRIC_ORIGIN_NONE,
            servers_listed: 0,
            servers_considered: 0,
            servers_quarantined: 0,
            servers_in_other_zones: 0,
            generation: explanation.topology.generation,
            shard_id: 0,
            table_age_ms: -1,
            group_age_ms: -1,
            write_hold_ms: -1,
            shard_hold_ms: -1,
            table: [0; FABRIC_TABLE_SIZE],
            column: [0; FABRIC_COLUMN_SIZE],
            key: [0; FABRIC_BOUND_SIZE],
            digest: [0; 40],
            lower_bound: [0; FABRIC_BOUND_SIZE],
            upper_bound: [0; FABRIC_BOUND_SIZE],
            group: [0; FABRIC_GROUP_SIZE],
            server: fabric_server_t::EMPTY,
            node: fabric_node_t::EMPTY,
            source: [0; FABRIC_SOURCE_SIZE],
            message: [0; FABRIC_MESSAGE_SIZE],
            reserved: [0; 16],
        };
        match &explanation.answer {
            Ok((chosen, _)) => {
                if let Some(server) = chosen.server() {
                    filled.server = fabric_server_t::of(chosen.group_name(), server)?;
                }
            }
            Err(refusal) => {
                filled.status = refusal.code as i32;
                cut_text(&mut filled.message, &refusal.message);
            }
        }
        if let Some(table) = &explanation.table {
            filled.fill_table(table);
        }
        if let Some(group) = &explanation.group {
            filled.fill_group(group, wanted, explanation.answer.is_ok());
        }
        cut_text(&mut filled.source, &explanation.source);
        if let Some(node) = &explanation.node {
            filled.node = fabric_node_t::of(node)?;
        }
        Ok(filled)
    }

    // What is too long for its place stays empty: an explanation is given of whatever there is.

    fn fill_table(&mut self, explained: &ExplainedTable<'_>) {
        (self.table_origin, self.table_age_ms) = numbers(explained.origin);
        let _ = copy_text(&mut self.table, &explained.name, "table name");
        if let Some((key, digest)) = &explained.key {
            cut_text(&mut self.key, key);
            cut_text(&mut self.digest, digest.as_deref().unwrap_or_default());
        }
        let Some(table) = explained.table else { return };
        self.sharding_type = table.map.kind() as i32;
        let _ = copy_text(&mut self.column, &table.column, "column name");
        let Some((at, shard)) = explained.shard else { return };
        (self.shard_state, self.shard_id) = match shard.group {
            _ if shard.is_kept() => (FABRIC_SHARD_MISSING, 0),
            group if group.is_read_only() => (FABRIC_SHARD_READ_ONLY, shard.id),
            GroupId(_) => (FABRIC_SHARD_ENABLED, shard.id),
        };
        let _ = copy_text(&mut self.lower_bound, &table.map.bound_text(at), "lower bound");
        let _ = copy_text(&mut self.upper_bound, &table.map.bound_text(at + 1), "upper bound");
        self.shard_hold_ms = explained.held_for.map_or(-1, signed_millis);
    }

    fn fill_group(&mut self, explained: &ExplainedGroup<'_>, wanted: Wanted, is_answered: bool) {
        let _ = copy_text(&mut self.group, explained.name, "group name");
        self.write_hold_ms = explained.held_for.map_or(-1, signed_millis);
        let Some((group, origin)) = explained.known else { return };
        (self.group_origin, self.group_age_ms) = numbers(origin);
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        self.servers_listed = count(group.servers().len());
        if wanted == Wanted::Reader {
            let Readers { positions, out_of_use, in_other_zones, .. } = group.readers();
            self.servers_considered = count(positions.len());
            self.servers_quarantined = *out_of_use;
            self.servers_in_other_zones = *in_other_zones;
        } else {
            self.servers_considered = is_answered.into();
        }
    }
}

fn numbers(origin: Origin) -> (i32, i64) {
    let age = origin.age.map_or(-1, |age| i64::try_from(age).unwrap_or(i64::MAX));
    (origin.state as i32, age)
}

fn signed_millis(time: Duration) -> i64 {
    i64::try_from(millis(time)).unwrap_or(i64::MAX)
}

/// How would fabric_get_shard_server() with these arguments be answered now, and why?
///
/// It goes the way of the lookup, and so gives its answer: `out->server` is what the next such lookup of
/// this thread gets, unless the farm changes in between. It succeeds where the lookup would be refused, and
/// says then why. The lookup's turn is not taken, the request that tries a server which was left out is
/// neither, and no metric counts it.
///
/// What the lookup would wait for is fetched, and nothing else: a table that nobody has fetched yet, or one
/// that is too old to serve. What is past its time and serves is left as it is.
///
/// @param f       The handle.
/// @param tables  As for fabric_get_shard_server(); of several the first is described.
/// @param n       As for fabric_get_shard_server().
/// @param key     As for fabric_get_shard_server().
/// @param scope   As for fabric_get_shard_server().
/// @param mode    As for fabric_get_shard_server().
/// @param out     Where the explanation goes; left alone on failure.
/// @param err     Where details of a failure go; may be NULL.
/// @retval FABRIC_OK            Also where `out->status` is another one.
/// @retval FABRIC_ERR_ARGUMENT, FABRIC_ERR_NULL_POINTER
///
/// Blocks as fabric_get_shard_server() does. Allocates. Any thread.
///
/// @since 0.1.0
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_explain_shard(
    f: *const fabric_t,
    tables: *const *const c_char,
    n: usize,
    key: *const fabric_key_t,
    scope: i32,
    mode: i32,
    out: *mut fabric_explanation_t,
    err: *mut fabric_error_t,
) -> i32 {
    boundary("fabric_explain_shard", err, || {
        // SAFETY: `f` is NULL or a handle that is not freed; `tables` is NULL or has `n` elements; `key` is
        // NULL or a key with its text; `out` is NULL or writable.
        let (f, tables, key, out) = unsafe {
            (reference(f, "f")?, ptr::tables(tables, n)?, arg::key(key)?, Out::new(out, "out")?)
        };
        let (key, wanted) = (arg::scope(scope)?.shard_key(key), arg::wanted(mode)?);
        let explain = |names: &[&[u8]]| {
            let query = Query { target: Target::tables(names, key), wanted };
            f.router.explain(&query, |explanation| fabric_explanation_t::of(explanation, wanted))
        };
        // SAFETY: each of `tables` is NULL or NUL-terminated, and stays so until the call returns.
        out.set(unsafe { ptr::with_names(tables, explain) }?);
        Ok(())
    })
}

/// How would fabric_get_group_server() with these arguments be answered now, and why?
///
/// As fabric_explain_shard(), in everything; the members of a table and of a key stay empty.
///
/// @param f      The handle.
/// @param group  As for fabric_get_group_server().
/// @param mode   As for fabric_get_group_server(), with @ref FABRIC_STATUS_NONE.
/// @param out    Where the explanation goes; left alone on failure.
/// @param err    Where details of a failure go; may be NULL.
/// @retval FABRIC_OK            Also where `out->status` is another one.
/// @retval FABRIC_ERR_ARGUMENT, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_INVALID_UTF8
///
/// Blocks as fabric_get_shard_server() does. Allocates. Any thread.
///
/// @since 0.1.0
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_explain_group(
    f: *const fabric_t,
    group: *const c_char,
    mode: i32,
    out: *mut fabric_explanation_t,
    err: *mut fabric_error_t,
) -> i32 {
    boundary("fabric_explain_group", err, || {
        // SAFETY: `f` is NULL or a handle that is not freed; `group` is NULL or NUL-terminated; `out` is
        // NULL or writable.
        let (f, group, out) =
            unsafe { (reference(f, "f")?, name(group, "group")?, Out::new(out, "out")?) };
        let wanted = arg::wanted(mode)?;
        let query = Query { target: Target::Group(group.as_bytes()), wanted };
        let of = |explanation: &Explanation<'_>| fabric_explanation_t::of(explanation, wanted);
        out.set(f.router.explain(&query, of)?);
        Ok(())
    })
}

/// What a FABRIC_WHY_* means, such as "its turn by weight", for tools that show it.
///
/// @param why  Any number; one that is no FABRIC_WHY_* gives "unknown reason".
/// @return Static text in English, never NULL, never to be freed.
///
/// Never blocks. Any thread.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub extern "C" fn fabric_why_name(why: i32) -> *const c_char {
    let text = || match Why::from_number(why) {
        None if why == FABRIC_WHY_NONE => c"refused",
        None => c"unknown reason",
        Some(Why::Primary) => c"the primary",
        Some(Why::ByWeight) => c"its turn by weight",
        Some(Why::OnlyOne) => c"the only server that takes reads",
        Some(Why::OwnZone) => c"its turn in the service's zone",
        Some(Why::NoSecondary) => c"the primary, as no secondary is in use",
        Some(Why::OnTrial) => c"on trial after a failure",
        Some(Why::LastResort) => c"all servers are left out, and one is tried",
        Some(Why::PreferredPrimary) => c"the primary, which is preferred",
        Some(Why::NoPrimary) => c"a secondary, as the primary is not in use",
        Some(Why::WritesHeld) => c"writes are held",
        Some(Why::ShardReadOnly) => c"the shard is read-only",
        Some(Why::ShardMissing) => c"the shard is not listed any more",
    };
    boundary_value(c"unknown reason".as_ptr(), || text().as_ptr())
}
