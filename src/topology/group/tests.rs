use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::topology::balance::Cursor;

fn server(uuid: &str, status: i32, mode: i32, weight: f64) -> Server {
    Server { uuid: uuid.into(), host: "h".into(), port: 3306, mode, status, weight, zone: None }
}

fn picks(group: &Group, wanted: Wanted, count: usize) -> Vec<String> {
    let mine = Cursor::default();
    let chosen = (0..count).filter_map(|_| group.choose(wanted, &mine));
    chosen.filter_map(|chosen| chosen.server()).map(|s| s.uuid.clone()).collect()
}

#[test]
fn writes_go_to_the_primary_and_reads_to_the_secondaries() {
    let servers = vec![server("p", 3, 3, 1.0), server("a", 2, 1, 1.0), server("b", 2, 1, 1.0)];
    let group = Group::new("g", servers, &HealthOverlay::default(), None, 0);
    assert_eq!(picks(&group, Wanted::Primary, 2), ["p", "p"]);
    let mut read = picks(&group, Wanted::Reader, 2);
    read.sort();
    assert_eq!(read, ["a", "b"]);
    assert!(picks(&group, Wanted::Unservable, 1).is_empty());
}

#[test]
fn reads_fall_back_to_the_primary_only_without_secondaries() {
    let group = Group::new(
        "g",
        vec![server("p", 3, 3, 1.0), server("s", 1, 0, 1.0)],
        &HealthOverlay::default(),
        None,
        5,
    );
    assert_eq!(picks(&group, Wanted::Reader, 2), ["p", "p"]);
    let group = Group::new("g", vec![server("p", 3, 2, 1.0)], &HealthOverlay::default(), None, 5);
    assert!(picks(&group, Wanted::Reader, 1).is_empty(), "a WRITE_ONLY primary reads nothing");
}

#[test]
fn a_servers_own_mode_is_honoured() {
    let servers = vec![
        server("p", 3, 1, 1.0),
        server("offline", 2, 0, 1.0),
        server("write-only", 2, 2, 1.0),
        server("strange mode", 2, 9, 1.0),
        server("strange status", 7, 3, 1.0),
        server("faulty", 0, 3, 1.0),
        server("spare", 1, 3, 1.0),
        server("good", 2, 1, 1.0),
    ];
    let group = Group::new("g", servers, &HealthOverlay::default(), None, 0);
    assert!(picks(&group, Wanted::Primary, 1).is_empty(), "a READ_ONLY primary writes nothing");
    assert_eq!(picks(&group, Wanted::Reader, 4), ["good"; 4]);
}

#[test]
fn the_turns_survive_a_refresh_of_the_same_members() {
    let servers = || vec![server("p", 3, 3, 1.0), server("a", 2, 1, 1.0), server("b", 2, 1, 1.0)];
    let first = Group::new("g", servers(), &HealthOverlay::default(), None, 0);
    let mut taken = picks(&first, Wanted::Reader, 1);
    let second = Group::new("g", servers(), &HealthOverlay::default(), Some(&first), 0);
    taken.extend(picks(&second, Wanted::Reader, 1));
    taken.sort();
    assert_eq!(taken, ["a", "b"], "the second group went on where the first stood");

    let mut heavier = servers();
    heavier[1].weight = 3.0;
    let third = Group::new("g", heavier, &HealthOverlay::default(), Some(&second), 0);
    assert!(!Arc::ptr_eq(&third.schedule, &second.schedule));
}

#[test]
fn turns_follow_the_members_wherever_they_are_listed() {
    let list = |uuids: &[&str]| {
        let status = |uuid: &str| if uuid == "p" { (3, 3) } else { (2, 1) };
        let servers = uuids.iter().map(|uuid| server(uuid, status(uuid).0, status(uuid).1, 1.0));
        servers.collect::<Vec<_>>()
    };
    let first = Group::new("g", list(&["p", "a", "b"]), &HealthOverlay::default(), None, 0);
    let mut moved = list(&["p", "a", "p", "b"]);
    moved[0] = server("spare", 1, 0, 1.0);
    moved.swap(1, 2);
    let moved = Group::new("g", moved, &HealthOverlay::default(), Some(&first), 0);
    assert!(Arc::ptr_eq(&first.schedule, &moved.schedule));
    let cursor = Cursor::default();
    let mut pick = |group: &Group| {
        let chosen = group.choose(Wanted::Reader, &cursor).expect("a reader");
        chosen.server().map(|server| server.uuid.clone()).expect("a server")
    };
    let picks: Vec<String> = [&first, &moved, &moved, &first].map(&mut pick).into();
    assert_eq!(picks, ["a", "b", "a", "b"]);
}

#[test]
fn images_are_those_of_the_servers() {
    let servers = ["p", "a", "b", "c", "d", "e"];
    let servers: Vec<Server> =
        servers.iter().map(|uuid| server(uuid, if *uuid == "p" { 3 } else { 2 }, 3, 1.0)).collect();
    let mut reach = vec![Reachability::Up; servers.len()];
    reach[2] = Reachability::HalfOpen(Probe::default());
    let overlay = HealthOverlay { reachability: reach, ..HealthOverlay::default() };
    let group = Group::new("g", servers, &overlay, None, 0);
    let cursor = Cursor::default();
    for wanted in [Wanted::Primary].into_iter().chain([Wanted::Reader; 12]) {
        let chosen = group.choose(wanted, &cursor).expect("a server");
        let (image, _) = chosen.image().expect("an image");
        let uuid = &chosen.server().expect("a server").uuid;
        assert!(image.uuid.starts_with(uuid.as_bytes()), "{uuid}");
    }
}

#[test]
fn handles_begin_at_different_places() {
    let servers = || vec![server("a", 2, 1, 1.0), server("b", 2, 1, 1.0)];
    let (one, two) = (
        Group::new("g", servers(), &HealthOverlay::default(), None, 0),
        Group::new("g", servers(), &HealthOverlay::default(), None, 1),
    );
    assert_ne!(picks(&one, Wanted::Reader, 1), picks(&two, Wanted::Reader, 1));
}

#[test]
fn what_cannot_be_reached_is_left_out_while_somebody_can() {
    let servers = || vec![server("p", 3, 3, 1.0), server("a", 2, 1, 1.0), server("b", 2, 1, 1.0)];
    let shun = |shunned: [bool; 3]| {
        let reach = shunned.map(|away| if away { Reachability::Down } else { Reachability::Up });
        let overlay = HealthOverlay { reachability: reach.to_vec(), ..HealthOverlay::default() };
        Group::new("g", servers(), &overlay, None, 0)
    };
    assert_eq!(picks(&shun([false, true, false]), Wanted::Reader, 2), ["b", "b"]);
    assert_eq!(picks(&shun([false, true, true]), Wanted::Reader, 2), ["p", "p"]);
    let mut all = picks(&shun([true, true, true]), Wanted::Reader, 2);
    all.sort();
    assert_eq!(all, ["a", "b"], "the last ones standing are never left out");
    let dead_primary = shun([true, false, false]);
    assert_eq!(picks(&dead_primary, Wanted::Primary, 1), ["p"], "there is no other");
    assert!(dead_primary.choose_reachable(Wanted::Primary, &Cursor::default()).is_none());
    assert!(dead_primary.choose_reachable(Wanted::Reader, &Cursor::default()).is_some());
}

#[test]
fn one_request_tries_a_server_that_was_away() {
    let servers = || vec![server("p", 3, 3, 1.0), server("a", 2, 1, 1.0), server("b", 2, 1, 1.0)];
    let on_trial = |reachability| HealthOverlay { reachability, ..HealthOverlay::default() };
    let server = Reachability::HalfOpen(Probe::default());
    let overlay = on_trial(vec![Reachability::Up, server, Reachability::Up]);
    let group = Group::new("g", servers(), &overlay, None, 0);
    assert_eq!(picks(&group, Wanted::Reader, 4), ["a", "b", "b", "b"]);
    let mut heavier = servers();
    heavier[2].weight = 5.0;
    let next = Group::new("g", heavier, &overlay, Some(&group), 0);
    assert_eq!(picks(&next, Wanted::Reader, 2), ["b", "b"], "the server is on already");
    let again = Group::new("g", servers(), &HealthOverlay::default(), Some(&next), 0);
    assert_eq!(picks(&again, Wanted::Reader, 10).iter().filter(|s| *s == "a").count(), 5);

    let server = Reachability::HalfOpen(Probe::default());
    let overlay = on_trial(vec![Reachability::Up, server, Reachability::Down]);
    let alone = Group::new("g", servers(), &overlay, None, 0);
    assert_eq!(picks(&alone, Wanted::Reader, 3), ["a", "p", "p"], "one request, no more");
    let server = Reachability::HalfOpen(Probe::default());
    let overlay = on_trial(vec![Reachability::Down, server, Reachability::Down]);
    let last = Group::new("g", servers(), &overlay, None, 0);
    assert_eq!(picks(&last, Wanted::Reader, 3), ["a"; 3], "better than those that are away");
}

#[test]
fn one_of_those_who_wait_gets_a_server_on_trial() {
    let servers = || vec![server("p", 3, 3, 1.0), server("a", 2, 1, 1.0), server("b", 2, 1, 1.0)];
    let server = || Reachability::HalfOpen(Probe::default());
    let reachability = vec![server(), server(), server()];
    let overlay = HealthOverlay { reachability, ..HealthOverlay::default() };
    let group = Group::new("g", servers(), &overlay, None, 0);
    let cursor = Cursor::default();
    let wait = |wanted| {
        let chosen = group.choose_reachable(wanted, &cursor).and_then(|chosen| chosen.server());
        chosen.map(|server| server.uuid.clone())
    };
    assert_eq!(wait(Wanted::Primary).as_deref(), Some("p"));
    assert_eq!(wait(Wanted::Primary), None);
    let readers = [wait(Wanted::Reader), wait(Wanted::Reader)].map(Option::unwrap_or_default);
    assert_eq!(BTreeSet::from(readers), BTreeSet::from(["a".to_owned(), "b".to_owned()]));
    assert_eq!(wait(Wanted::Reader), None);
    assert!(group.may_serve(Wanted::Primary) && group.may_serve(Wanted::Reader));
    assert_eq!(picks(&group, Wanted::Primary, 2), ["p", "p"], "who does not wait may try");
}

#[test]
fn reads_stay_in_the_own_zone_while_one_of_it_is_in_use() {
    let placed = |uuid, status, mode, zone: &str| Server {
        zone: Some(zone.to_owned()).filter(|zone| !zone.is_empty()),
        ..server(uuid, status, mode, 1.0)
    };
    let servers = || {
        vec![
            placed("p", 3, 3, "west"),
            placed("a", 2, 1, "east"),
            placed("b", 2, 1, "west"),
            placed("c", 2, 1, ""),
            placed("d", 2, 1, "west"),
            placed("away", 1, 0, "north"),
        ]
    };
    let overlay = |zone: Option<&str>, down: &[usize], half: &[usize]| HealthOverlay {
        preference: ReadPreference::default(),
        reachability: (0..6)
            .map(|at| match (down.contains(&at), half.contains(&at)) {
                (true, _) => Reachability::Down,
                (_, true) => Reachability::HalfOpen(Probe::default()),
                _ => Reachability::Up,
            })
            .collect(),
        zone: zone.map(Into::into),
        held: false,
    };
    let all = ["a", "b", "c", "d"];
    for (zone, down, half, expected) in [
        (None, &[][..], &[][..], &all[..]),
        (Some("west"), &[], &[], &["b", "d"]),
        (Some("east"), &[], &[], &["a"]),
        // In the primary's zone reads are a secondary's all the same.
        (Some("west"), &[2, 4], &[], &["a", "c"]),
        (Some("west"), &[2], &[], &["d"]),
        (Some("east"), &[1], &[], &["b", "c", "d"]),
        // One request tries it, and is no reason to leave the zone or to stay in it.
        (Some("east"), &[], &[1], &all),
        (Some("west"), &[], &[1, 2], &["a", "b", "d"]),
        (Some("west"), &[0, 1, 2, 3, 4], &[], &all),
        // Nobody readable is there; a part of a name, and other letters, are other zones.
        (Some("north"), &[], &[], &all),
        (Some("WEST"), &[], &[], &all),
        (Some("wes"), &[], &[], &all),
    ] {
        let overlay = overlay(zone, down, half);
        let group = Group::new("g", servers(), &overlay, None, 0);
        let chosen = BTreeSet::from_iter(picks(&group, Wanted::Reader, 12));
        let expected = expected.iter().map(|uuid| (*uuid).to_owned()).collect();
        assert_eq!(chosen, expected, "{zone:?} {down:?} {half:?}");
        assert_eq!(picks(&group, Wanted::Primary, 1), ["p"], "writes go where they went");
        assert!(group.is_same(&servers(), &overlay));
    }
    let mut moved = servers();
    moved[1].zone = Some("west".into());
    let group = Group::new("g", servers(), &HealthOverlay::default(), None, 0);
    assert!(!group.is_same(&moved, &HealthOverlay::default()), "a server's zone is news");
    // By weight and turns as ever.
    moved[2].weight = 2.0;
    let near = overlay(Some("west"), &[], &[]);
    let group = Group::new("g", moved, &near, None, 0);
    let chosen = picks(&group, Wanted::Reader, 40);
    let times = ["a", "b", "d"].map(|uuid| chosen.iter().filter(|c| *c == uuid).count());
    assert_eq!(times, [10, 20, 10]);
}

#[test]
fn a_hold_stops_writes_and_nothing_else() {
    let servers = vec![server("p", 3, 3, 1.0), server("a", 2, 1, 1.0)];
    let overlay = HealthOverlay { held: true, ..HealthOverlay::default() };
    let group = Group::new("g", servers.clone(), &overlay, None, 0);
    assert!(picks(&group, Wanted::Primary, 1).is_empty());
    assert_eq!(picks(&group, Wanted::Reader, 1), ["a"]);
    assert_eq!(group.named_primary().map(|s| s.uuid.as_str()), Some("p"));
    assert!(group.is_same(&servers, &overlay));
    assert!(!group.is_same(&servers, &HealthOverlay::default()));
}

proptest! {
    #[test]
    fn a_look_ahead_is_what_comes_next_and_takes_no_turn(
        roles in prop::collection::vec(
            (1i32..4, 1i32..4, 1u32..4, 0usize..4, prop::option::of("[ab]")),
            0..6,
        ),
        preference in 1usize..5,
        zone in prop::option::of("[ab]"),
        picks in 1usize..9,
    ) {
        let preferences = [
            ReadPreference::Secondary,
            ReadPreference::SecondaryOnly,
            ReadPreference::Primary,
            ReadPreference::Nearest,
        ];
        let reach = |reach: usize| match reach {
            0 => Reachability::Down,
            1 => Reachability::HalfOpen(Probe::default()),
            _ => Reachability::Up,
        };
        let overlay = HealthOverlay {
            reachability: roles.iter().map(|(.., at, _)| reach(*at)).collect(),
            preference: preferences[preference - 1],
            zone: zone.map(Into::into),
            ..HealthOverlay::default()
        };
        let servers = (0..).zip(&roles).map(|(at, (status, mode, weight, _, zone))| Server {
            zone: zone.clone(),
            ..server(&format!("s{at}"), *status, *mode, f64::from(*weight))
        });
        let servers: Vec<Server> = servers.collect();
        let group = Group::new("g", servers.clone(), &overlay, None, 3);
        let mine = Cursor::default();
        // The same group once no server of it is on trial, with the same turns.
        let all_up = HealthOverlay { reachability: Vec::new(), ..overlay.clone() };
        let later = Group::new("g", servers, &all_up, Some(&group), 3);
        for pick in 0..picks * 2 {
            let group = if pick < picks { &group } else { &later };
            for wanted in [Wanted::Reader, Wanted::Primary, Wanted::Unservable] {
                let uuid = |chosen: &Chosen<'_>| chosen.server().map(|server| server.uuid.clone());
                let ahead = group.peek(wanted, &mine).map(|(chosen, _)| uuid(&chosen));
                let again = group.peek(wanted, &mine).map(|(chosen, _)| uuid(&chosen));
                prop_assert_eq!(&ahead, &again);
                prop_assert_eq!(ahead, group.choose(wanted, &mine).map(|chosen| uuid(&chosen)));
            }
        }
    }
}
