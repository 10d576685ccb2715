use super::*;
use crate::topology::Probe;

const SPARE: i32 = 1;
const SECONDARY: i32 = 2;
const PRIMARY: i32 = 3;

fn list(servers: &[(&str, i32)]) -> Vec<Server> {
    let server = |(uuid, status): &(&str, i32)| Server {
        uuid: (*uuid).to_owned(),
        host: "h".into(),
        port: 3306,
        mode: 3,
        status: *status,
        weight: 1.0,
        zone: None,
    };
    servers.iter().map(server).collect()
}

/// The probe of the trial that begins now.
fn begins(seen: &mut Quarantines, now: u64) -> Probe {
    match seen.expire(now).as_slice() {
        [(_, Reachability::HalfOpen(probe))] => probe.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_failed_trial_doubles_the_pause_up_to_a_limit() {
    let mut seen = Quarantines::default();
    assert!(seen.failed("g", "s", true, 0, 100));
    assert!(!seen.failed("g", "s", true, 50, 100), "one death, told twice");
    let (mut now, mut pauses) = (0, Vec::new());
    for _ in 0..7 {
        assert_eq!(seen.reachability("g", "s"), Reachability::Down);
        let end = seen.next_end().expect("an end");
        pauses.push(end - now);
        assert_eq!(seen.expire(end - 1), []);
        let probe = begins(&mut seen, end);
        assert!(probe.take() && !probe.take(), "one request gets it");
        now = end + 10;
        assert!(!seen.failed("g", "s", true, now, 100), "a failed trial is no news");
    }
    assert_eq!(pauses, [100, 200, 400, 800, 1600, 1600, 1600]);
    assert_eq!(seen.out_of_use(), 1);
}

#[test]
fn it_can_be_told_what_is_held_against_a_server() {
    let mut seen = Quarantines::default();
    assert_eq!(seen.doubt("g", "s"), None);
    let fail = |seen: &mut Quarantines, now, errno| {
        seen.failed("g", "s", false, now, 100);
        seen.reported("g", "s", errno);
    };
    fail(&mut seen, 5, 2003);
    fail(&mut seen, 20, 2013);
    let doubt = |seen: &Quarantines| seen.doubt("g", "s").expect("a doubt");
    let expected = Doubt {
        state: ServerState::LeftOut,
        errno: 2013,
        reports: 2,
        since: 5,
        failed: 5,
        next_trial: Some(105),
        is_probed: false,
    };
    assert_eq!(doubt(&seen), expected);
    let probe = begins(&mut seen, 105);
    assert_eq!((doubt(&seen).state, doubt(&seen).next_trial), (ServerState::OnTrial, Some(0)));
    assert!(probe.take());
    assert_eq!(doubt(&seen).state, ServerState::Tried);
    fail(&mut seen, 110, 2006);
    let Doubt { state, reports, since, failed, next_trial, .. } = doubt(&seen);
    assert_eq!((state, reports, since, failed), (ServerState::LeftOut, 3, 5, 110));
    assert_eq!(next_trial, Some(310));
    assert!(begins(&mut seen, 310).take());
    seen.expire(510);
    assert_eq!((doubt(&seen).state, doubt(&seen).next_trial), (ServerState::Unproven, None));
    fail(&mut seen, 600, 2003);
    assert_eq!((doubt(&seen).since, doubt(&seen).reports), (600, 4));
    seen.probe("g", "s");
    assert!(doubt(&seen).is_probed);
    seen.take_probes(1_000, 50);
    assert_eq!(doubt(&seen).state, ServerState::Tried);
    seen.answered("s");
    assert_eq!(seen.doubt("g", "s"), None);
}

#[test]
fn a_trial_ends_without_news_only_if_there_was_one() {
    let mut seen = Quarantines::default();
    seen.failed("g", "s", false, 0, 100);
    let probe = begins(&mut seen, 100);
    assert_eq!(seen.expire(1000), [], "nobody tried it");
    assert_eq!(seen.reachability("g", "s"), Reachability::HalfOpen(probe.clone()));
    assert!(probe.take());
    assert_eq!(seen.expire(1099), []);
    assert_eq!(seen.expire(1100), [(("g".to_owned(), "s".to_owned()), Reachability::Up)]);
    assert_eq!((seen.reachability("g", "s"), seen.next_end()), (Reachability::Up, None));
    assert_eq!((seen.out_of_use(), seen.doubted().count()), (0, 1), "in use, and unproven");

    assert!(seen.failed("g", "s", false, 1200, 100), "it was in use");
    assert_eq!(seen.next_end(), Some(1400), "soon after a trial, the pause is longer");
    assert!(begins(&mut seen, 1400).take());
    seen.expire(1600);
    assert!(seen.failed("g", "s", false, 9000, 100));
    assert_eq!(seen.next_end(), Some(9100), "long after it, it is as at first");
}

#[test]
fn a_report_of_before_does_not_spoil_the_trial_of_nobody() {
    let mut seen = Quarantines::default();
    seen.failed("g", "s", false, 0, 100);
    begins(&mut seen, 100);
    assert!(!seen.failed("g", "s", false, 110, 100));
    assert_eq!(seen.next_end(), Some(210), "away again, for no longer than before");
}

#[test]
fn being_listed_is_no_proof_and_being_listed_again_is() {
    let mut seen = Quarantines::default();
    seen.failed("g", "p", true, 0, 100);
    seen.failed("g", "a", false, 0, 100);
    let all = list(&[("p", PRIMARY), ("a", SECONDARY), ("b", SECONDARY)]);
    for now in 0..99 {
        assert!(seen.listed("g", &all, now).is_empty());
    }
    assert!(seen.listed("g", &[], 99).is_empty(), "an empty dump says nothing");
    assert!(seen.listed("other", &list(&[("a", SECONDARY)]), 99).is_empty());
    let without = list(&[("p", PRIMARY), ("a", SPARE), ("b", SECONDARY)]);
    assert!(seen.listed("g", &without, 100).is_empty());
    assert_eq!(seen.listed("g", &all, 101), ["a"]);
    assert_eq!(seen.reachability("g", "a"), Reachability::Up);
    assert_eq!(seen.reachability("g", "p"), Reachability::Down);
}

#[test]
fn a_primary_is_proven_by_being_made_one_again() {
    let mut seen = Quarantines::default();
    seen.failed("g", "p", true, 0, 100);
    let demoted = list(&[("p", SECONDARY), ("a", PRIMARY)]);
    assert!(seen.listed("g", &demoted, 1).is_empty());
    assert!(seen.listed("g", &demoted, 2).is_empty());
    assert_eq!(seen.listed("g", &list(&[("p", PRIMARY), ("a", SECONDARY)]), 3), ["p"]);
    // Who has yet to be made one may have died before the source knew.
    seen.failed("g", "a", false, 4, 100);
    assert!(seen.listed("g", &demoted, 5).is_empty());
    assert!(seen.listed("g", &list(&[("p", PRIMARY), ("a", SECONDARY)]), 6).is_empty());
    assert_eq!(seen.listed("g", &demoted, 7), ["a"]);
    assert_eq!(seen.doubted().count(), 0);
}

#[test]
fn what_is_gone_is_forgotten() {
    let mut seen = Quarantines::default();
    seen.failed("g", "s", false, 0, 100);
    seen.listed("g", &list(&[("p", PRIMARY)]), 50);
    assert_eq!((seen.out_of_use(), seen.doubted().count()), (0, 1));
    seen.expire(50 + REMEMBER_UNLISTED - 1);
    assert_eq!(seen.doubted().count(), 1);
    seen.expire(50 + REMEMBER_UNLISTED);
    assert_eq!((seen.doubted().count(), seen.groups.len()), (0, 0));
}

#[test]
fn the_handle_tries_a_server_itself() {
    let mut seen = Quarantines::default();
    assert!(seen.failed("g", "s", true, 0, 100));
    seen.probe("g", "s");
    assert_eq!(seen.take_probes(99, 50), []);
    assert_eq!(seen.expire(100), [], "no request tries it");
    assert_eq!(seen.next_end(), Some(100), "somebody has to see to it");
    let due = [("g".to_owned(), "s".to_owned())];
    assert_eq!((seen.take_probes(100, 50), seen.take_probes(100, 50)), (due.to_vec(), vec![]));
    assert_eq!((seen.reachability("g", "s"), seen.next_end()), (Reachability::Down, Some(150)));
    assert!(!seen.failed("g", "s", true, 110, 100), "told again of the same death");
    seen.probe_failed("g", "s", 120);
    assert_eq!(seen.next_end(), Some(320), "twice the pause");
    seen.probe_failed("g", "s", 130);
    assert_eq!((seen.next_end(), seen.out_of_use()), (Some(320), 1), "one answer a probe");
    assert_eq!(seen.take_probes(320, 50), due);
    assert_eq!(seen.answered("s").as_deref(), Some("g"));
    assert_eq!((seen.reachability("g", "s"), seen.next_end()), (Reachability::Up, None));
}

#[test]
fn a_request_tries_what_the_handle_cannot() {
    let mut seen = Quarantines::default();
    seen.failed("g", "s", false, 0, 100);
    seen.probe("g", "s");
    assert!(!seen.probe_refused("g", "s", 50), "nobody has tried it");
    seen.take_probes(100, 50);
    assert!(seen.probe_refused("g", "s", 110) && !seen.probe_refused("g", "s", 110));
    let Reachability::HalfOpen(probe) = seen.reachability("g", "s") else { panic!("no trial") };
    assert!(probe.take());
    seen.failed("g", "s", false, 120, 100);
    seen.take_probes(320, 50);
    // Whoever was to try it is gone, as in a forked child.
    assert_eq!(seen.expire(369), []);
    assert!(matches!(seen.expire(370).as_slice(), [(_, Reachability::HalfOpen(_))]));
}

#[test]
fn a_server_that_answers_the_source_is_tried_sooner() {
    let mut seen = Quarantines::default();
    let lose = |seen: &mut Quarantines, uuid, now| {
        seen.failed("g", uuid, uuid == "p", now, 100);
        seen.probe("g", uuid);
    };
    let due = |seen: &mut Quarantines, now| {
        seen.take_probes(now, 50).into_iter().map(|(_, uuid)| uuid).collect::<Vec<_>>()
    };
    lose(&mut seen, "p", 10);
    lose(&mut seen, "a", 10);
    let hear = |seen: &mut Quarantines, asked_at| {
        seen.heard("g", "p", true, asked_at);
        seen.heard("g", "a", false, asked_at);
    };
    hear(&mut seen, 10);
    assert!(due(&mut seen, 20).is_empty(), "it may have been asked before it was lost");
    hear(&mut seen, 11);
    assert_eq!(due(&mut seen, 20), ["p"], "nobody takes the place of a primary");
    seen.probe_failed("g", "p", 20);
    hear(&mut seen, 30);
    assert!(due(&mut seen, 109).is_empty(), "at once only once");
    assert_eq!(due(&mut seen, 110), ["a"]);
    seen.probe_failed("g", "a", 110);
    assert_eq!(due(&mut seen, 120), ["p"], "the pauses of one that answers do not grow");
    seen.probe_failed("g", "p", 120);
    assert!(due(&mut seen, 309).is_empty());
    assert_eq!(due(&mut seen, 310), ["a"], "those of one that does not answer do");
    // A service that loses it again once it is in use begins anew.
    assert_eq!(seen.answered("p").as_deref(), Some("g"));
    lose(&mut seen, "p", 400);
    hear(&mut seen, 401);
    assert_eq!(due(&mut seen, 402), ["p"]);
}

#[test]
fn good_news_is_proof() {
    let mut seen = Quarantines::default();
    seen.failed("g", "s", false, 0, 100);
    assert_eq!(seen.answered("other"), None);
    assert_eq!(seen.answered("s").as_deref(), Some("g"));
    assert_eq!(seen.answered("s"), None);
    assert_eq!((seen.reachability("g", "s"), seen.next_end()), (Reachability::Up, None));
}
