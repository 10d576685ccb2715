//! A handle's numbers, for whoever watches over it.

use std::ffi::c_char;

use crate::observe::metrics::Numbers;

use super::boundary::boundary;
use super::error::fabric_error_t;
use super::handle::fabric_t;
use super::ptr::{Out, cut_text, reference};

/// The size of `fabric_metrics_t.last_error_text`, its terminating NUL included.
pub const FABRIC_METRICS_TEXT_SIZE: usize = 256;

/// What a handle has done so far, and how it is. A plain copy that the caller owns.
///
/// Counters begin at 0 with fabric_new() and only grow; a forked child goes on from its parent's.
/// They are read one after the other while threads go on counting.
///
/// @since 0.1.0
#[repr(C)]
#[derive(Clone, Copy)]
pub struct fabric_metrics_t {
    /// Lookups that were answered: of a server, the servers of a group, or a table's shards. In
    /// calls for many keys each key counts.
    pub lookups: u64,
    /// Lookups that were refused. Those whose arguments made no sense are in neither number.
    pub lookups_refused: u64,
    /// Times the background refresh asked Fabric for the topology, in vain or not.
    pub refreshes_background: u64,
    /// Times a caller did. Callers who waited for one and the same count once.
    pub refreshes_callers: u64,
    /// How many of both failed, on all nodes that were asked.
    pub refreshes_failed: u64,
    /// HTTP requests sent to Fabric nodes for any purpose, answered or not. A request for the
    /// topology takes one or more: authentication may need another, and so does a second node.
    pub requests: u64,
    /// Bytes of replies as they came over the wire, compressed as a rule, without HTTP headers.
    pub bytes_received: u64,
    /// The same replies in bytes after decompression.
    pub bytes_inflated: u64,
    /// Events that a callback, or fabric_next_event(), was too slow for.
    pub events_lost: u64,
    /// As fabric_topology_generation().
    pub generation: u64,
    /// As fabric_topology_age(): milliseconds, or -1 if nobody knows.
    pub topology_age_ms: i64,
    /// Milliseconds since the last refresh that failed; -1 if none ever did.
    pub last_error_age_ms: i64,
    /// The status that it failed with; FABRIC_OK if none ever did. A later success does not
    /// clear it.
    pub last_error: i32,
    /// Nodes of the source that the handle knows: Fabric nodes, the servers that hold the shard map, or the
    /// members of the group of cluster:// and its like. Members of groups that a map names are none.
    pub nodes_known: u32,
    /// Those of them that did not fail when last asked, or were not asked yet. Servers that are discovered
    /// must have answered.
    pub nodes_up: u32,
    /// Servers the handle does not choose for now because they were reported to have failed.
    pub servers_quarantined: u32,
    /// What the last refresh that failed said: UTF-8, NUL-terminated, cut at a character if it
    /// is longer; empty if none ever failed.
    pub last_error_text: [c_char; FABRIC_METRICS_TEXT_SIZE],
    /// Threads that the library wanted to start, for any handle of the process since this one
    /// was made, and that the system did not give.
    pub threads_refused: u64,
    /// 0; room for later.
    pub reserved: [u64; 15],
}

impl fabric_metrics_t {
    fn of(numbers: &Numbers) -> Self {
        let mut text = [0; FABRIC_METRICS_TEXT_SIZE];
        let last = numbers.last_error.as_deref();
        if let Some(last) = last {
            cut_text(&mut text, &last.message);
        }
        Self {
            lookups: numbers.lookups,
            lookups_refused: numbers.refused,
            refreshes_background: numbers.refreshes.background,
            refreshes_callers: numbers.refreshes.callers,
            refreshes_failed: numbers.refreshes.failed,
            requests: numbers.requests,
            bytes_received: numbers.bytes_received,
            bytes_inflated: numbers.bytes_inflated,
            events_lost: numbers.events_lost,
            generation: numbers.generation,
            topology_age_ms: millis(numbers.age),
            last_error_age_ms: millis(numbers.last_error_age),
            last_error: last.map_or(0, |last| last.code as i32),
            nodes_known: count(numbers.nodes_known),
            nodes_up: count(numbers.nodes_up),
            servers_quarantined: count(numbers.servers_quarantined),
            last_error_text: text,
            threads_refused: numbers.refused_threads,
            reserved: [0; 15],
        }
    }
}

fn millis(age: Option<u64>) -> i64 {
    age.map_or(-1, |age| i64::try_from(age).unwrap_or(i64::MAX))
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// The handle's numbers.
///
/// Counting costs a lookup a few nanoseconds; there is nothing to turn on.
///
/// @param f    The handle.
/// @param out  Where the numbers go.
/// @param err  Where details of a failure go; may be NULL.
/// @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER
///
/// Never waits for the network, whatever other threads are at. Any thread, also in a callback
/// and in a forked child.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_get_metrics(
    f: *const fabric_t,
    out: *mut fabric_metrics_t,
    err: *mut fabric_error_t,
) -> i32 {
    boundary("fabric_get_metrics", err, || {
        // SAFETY: `f` is NULL or a handle that is not freed; `out` is NULL or writable.
        let (f, out) = unsafe { (reference(f, "f")?, Out::new(out, "out")?) };
        out.set(fabric_metrics_t::of(&f.router.metrics()));
        Ok(())
    })
}
