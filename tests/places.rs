//! Handles and the places in which each thread keeps their snapshots. Alone in its process, so that
//! nobody else makes handles meanwhile.

use std::ptr;

use mysqlfabric::refresh::snapshot_cell::SnapshotCell;
use mysqlfabric::thread_cache::ThreadCache;

/// Whether a thread has one place for both.
fn share(cache: &ThreadCache, one: &SnapshotCell, other: &SnapshotCell) -> bool {
    ptr::eq(one.last_hit(cache), other.last_hit(cache))
}

#[test]
fn handles_that_live_have_places_of_their_own_up_to_eight() {
    let cache = ThreadCache::new();
    let first = SnapshotCell::default();
    // Seven come and go, as handles of a service that makes one for each request.
    (0..7).for_each(|_| drop(SnapshotCell::default()));
    let second = SnapshotCell::default();
    assert!(!share(&cache, &first, &second), "made eight apart, they evicted each other");

    let more: Vec<SnapshotCell> = (0..6).map(|_| SnapshotCell::default()).collect();
    let all: Vec<&SnapshotCell> = [&first, &second].into_iter().chain(&more).collect();
    for (number, one) in all.iter().enumerate() {
        assert!(all[..number].iter().all(|other| !share(&cache, one, other)), "{number}");
    }
}
