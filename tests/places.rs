//! Handles and the places in which each thread keeps their snapshots. Alone in its process, so that
//! nobody else makes handles meanwhile.

use std::ptr;

use mysqlfabric::local::Local;
use mysqlfabric::refresh::current::Current;

/// Whether a thread has one place for both.
fn share(local: &Local, one: &Current, other: &Current) -> bool {
    ptr::eq(one.guess(local), other.guess(local))
}

#[test]
fn handles_that_live_have_places_of_their_own_up_to_eight() {
    let local = Local::new();
    let first = Current::default();
    // Seven come and go, as handles of a service that makes one for each request.
    (0..7).for_each(|_| drop(Current::default()));
    let second = Current::default();
    assert!(!share(&local, &first, &second), "made eight apart, they evicted each other");

    let more: Vec<Current> = (0..6).map(|_| Current::default()).collect();
    let all: Vec<&Current> = [&first, &second].into_iter().chain(&more).collect();
    for (number, one) in all.iter().enumerate() {
        assert!(all[..number].iter().all(|other| !share(&local, one, other)), "{number}");
    }
}
