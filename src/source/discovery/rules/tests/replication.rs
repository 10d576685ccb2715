use super::*;

fn rounds() -> Rounds {
    Rounds::new(Kind::Replication, &[1, 2, 3])
}

fn primary(number: u16) -> Reply {
    says(number, server(number, true))
}

fn secondary(number: u16, source: u16) -> Reply {
    says(number, replica(number, source))
}

#[test]
fn a_healthy_group() {
    let found = rounds().decide(&[primary(1), secondary(2, 1), secondary(3, 1)]);
    found.is(1, &[2, 3]);
    assert_eq!(found.verdict.members, [node(1), node(2), node(3)]);
}

#[test]
fn everybody_may_take_writes_as_well() {
    let mut rounds = rounds();
    rounds.waits(&[primary(1), secondary(2, 1), pending(3)]);
    rounds.decide(&[primary(1), secondary(2, 1), silent(3)]).is(1, &[2]);
    // One that hangs is waited for once.
    rounds.decide(&[primary(1), secondary(2, 1), pending(3)]).is(1, &[2]);
    assert_eq!(rounds.asks(&[primary(1), secondary(2, 1)]), [3]);
}

#[test]
fn a_promotion() {
    let mut rounds = rounds();
    rounds.decide(&[primary(1), secondary(2, 1), secondary(3, 1)]).is(1, &[2, 3]);
    // None takes writes; the old primary is still the source of the others.
    let demoted = says(1, server(1, false));
    rounds.decide(&[demoted.clone(), secondary(2, 1), secondary(3, 1)]).is(None, &[1, 2, 3]);
    // The new one does, and nobody has turned to it yet.
    let found = rounds.decide(&[demoted, primary(2), secondary(3, 1)]);
    found.is(None, &[1, 2, 3]);
    found.has_no_primary("db:3302 takes writes, and no other server");
    rounds.decide(&[secondary(1, 2), primary(2), secondary(3, 2)]).is(2, &[1, 3]);
}

#[test]
fn the_primary_need_not_be_named() {
    let mut rounds = Rounds::new(Kind::Replication, &[2, 3]);
    let replicas = [secondary(2, 1), secondary(3, 1)];
    assert_eq!(rounds.asks(&replicas), [1]);
    let found = rounds.decide(&[&replicas[..], &[primary(1)]].concat());
    found.is(1, &[2, 3]);
    assert_eq!(found.verdict.members, [node(2), node(3), node(1)], "from now on it is");
    // It copies from another one itself.
    assert_eq!(rounds.asks(&[&replicas[..], &[secondary(1, 7)]].concat()), [7]);
    // Where one of those that are named takes writes, who is not named is of another group.
    let found = rounds.decide(&[
        secondary(3, 2),
        says(2, Opinion { read_only: false, super_read_only: Some(false), ..replica(2, 1) }),
    ]);
    found.is(2, &[3]);
    // Nor once it takes none any more.
    let mut rounds = Rounds::new(Kind::Replication, &[2, 3]);
    let copy = |is_writable: bool| {
        let super_read_only = Some(!is_writable);
        says(2, Opinion { read_only: !is_writable, super_read_only, ..replica(2, 1) })
    };
    rounds.decide(&[copy(true), secondary(3, 2)]).is(2, &[3]);
    rounds.decide(&[copy(false), secondary(3, 2)]).is(None, &[2, 3]);
}

#[test]
fn a_primary_that_is_gone() {
    let mut rounds = rounds();
    rounds.decide(&[primary(1), secondary(2, 1), secondary(3, 1)]).is(1, &[2, 3]);
    let found = rounds.decide(&[silent(1), secondary(2, 1), secondary(3, 1)]);
    found.is(None, &[2, 3]);
    found.has_no_primary("none of its servers takes writes");
    rounds.decide(&[silent(1), primary(2), secondary(3, 2)]).is(2, &[3]);
}

#[test]
fn two_writable() {
    let mut rounds = rounds();
    rounds.decide(&[primary(1), secondary(2, 1), secondary(3, 1)]).is(1, &[2, 3]);
    // The old primary came back as it was, and server 2 was promoted: only that one is a source.
    rounds.decide(&[primary(1), primary(2), secondary(3, 2)]).is(2, &[3]);
    // Both have replicas, or neither.
    let mut four = Rounds::new(Kind::Replication, &[1, 2, 3, 4]);
    let found = four.decide(&[primary(1), primary(2), secondary(3, 1), secondary(4, 2)]);
    found.is(None, &[1, 2, 3, 4]);
    found.has_no_primary("db:3301 and db:3302 take writes");
    rounds.decide(&[primary(1), primary(2), silent(3)]).is(None, &[]);
    // A circle.
    let circle = |number, source| {
        says(
            number,
            Opinion { read_only: false, super_read_only: Some(false), ..replica(number, source) },
        )
    };
    rounds.decide(&[circle(1, 2), circle(2, 1), silent(3)]).is(None, &[1, 2]);
}

#[test]
fn a_confirmed_primary_stays_until_contradicted() {
    let mut rounds = rounds();
    // Nobody says that it is one.
    rounds.decide(&[primary(1), silent(2), silent(3)]).is(None, &[1]);
    rounds.decide(&[primary(1), secondary(2, 1), silent(3)]).is(1, &[2]);
    rounds.decide(&[primary(1), silent(2), silent(3)]).is(1, &[]);
    // The others turn to another one.
    rounds.decide(&[primary(1), secondary(2, 3), silent(3)]).is(None, &[1, 2]);
    // It was restarted, and takes no writes.
    rounds.decide(&[says(1, server(1, false)), silent(2), silent(3)]).is(None, &[]);
}

#[test]
fn a_list_of_one() {
    let mut rounds = Rounds::new(Kind::Replication, &[1]);
    rounds.decide(&[primary(1)]).is(1, &[]);
    rounds.decide(&[says(1, server(1, false))]).is(None, &[1]);
    // Two names of one server.
    let mut rounds = Rounds::new(Kind::Replication, &[1, 2]);
    let Judgement::Decided(verdict) = rounds.judge(&[primary(1), says(2, server(1, true))]) else {
        panic!("undecided");
    };
    assert_eq!(verdict.servers.len(), 1);
    assert_eq!((verdict.servers[0].role, &verdict.servers[0].node), (Role::Primary, &node(1)));
}

#[test]
fn mariadb() {
    let mariadb = |mut opinion: Opinion| {
        opinion.is_mariadb = true;
        opinion.super_read_only = None;
        // It does not tell the uuid of its source.
        opinion.channels.iter_mut().for_each(|channel| channel.source_uuid.clear());
        opinion
    };
    let replies = [
        says(1, mariadb(server(1, true))),
        says(2, mariadb(replica(2, 1))),
        says(3, mariadb(replica(3, 1))),
    ];
    rounds().decide(&replies).is(1, &[2, 3]);
    // They call it by a name that is not in the list.
    let mut elsewhere = mariadb(replica(2, 1));
    elsewhere.channels[0].source = Node { host: "other".into(), port: 3306 };
    let replies = [says(1, mariadb(server(1, true))), says(2, elsewhere), silent(3)];
    rounds().decide(&replies).has_no_primary("db:3301 takes writes, and no other server");
}

#[test]
fn servers_that_are_not_read() {
    let mut rounds = rounds();
    let mut offline = replica(2, 1);
    offline.offline_mode = true;
    // Server 3 is no replica of anybody.
    let idle = says(3, server(3, false));
    rounds.decide(&[primary(1), says(2, offline), idle]).is(1, &[]);
    rounds.options.max_lag = Some(Duration::from_secs(5));
    let behind = |number, lag: Option<u64>| {
        let mut opinion = replica(number, 1);
        opinion.channels[0].lag = lag.map(Duration::from_secs);
        says(number, opinion)
    };
    rounds.decide(&[primary(1), behind(2, Some(5)), behind(3, Some(6))]).is(1, &[2]);
    rounds.decide(&[primary(1), behind(2, None), behind(3, Some(0))]).is(1, &[3]);
}

#[test]
fn a_grant_that_is_missing() {
    let grant = "GRANT REPLICATION CLIENT ON *.* TO 'app'@'%'";
    let blind = |number, is_writable| {
        let not_granted = vec![grant.to_owned()];
        says(number, Opinion { not_granted, ..server(number, is_writable) })
    };
    let found = rounds().decide(&[blind(1, true), blind(2, false), blind(3, false)]);
    found.is(None, &[1, 2, 3]);
    found.has_no_primary(grant);
}

#[test]
fn nobody_answers() {
    rounds().keeps(&[silent(1), silent(2), silent(3)], "db:3302: no answer in time");
}

/// A replica whose channel is stopped, and that takes writes or does not.
fn stopped(number: u16, source: u16, is_writable: bool) -> Reply {
    let mut opinion = replica(number, source);
    (opinion.read_only, opinion.super_read_only) = (!is_writable, Some(!is_writable));
    (opinion.channels[0].receives, opinion.channels[0].applies) = (false, false);
    says(number, opinion)
}

#[test]
fn an_old_primary_that_comes_back_beside_the_one_that_was_promoted() {
    let mut two = Rounds::new(Kind::Replication, &[1, 2]);
    two.decide(&[primary(1), secondary(2, 1)]).is(1, &[2]);
    two.decide(&[silent(1), stopped(2, 1, true)]).is(None, &[2]);
    let found = two.decide(&[primary(1), stopped(2, 1, true)]);
    assert_eq!(found.primary, None);
    found.has_no_primary("take writes, and not exactly one");
    // Nor does a third one that was stopped, or turned to it again, make it the primary.
    for third in [stopped(3, 1, false), secondary(3, 1)] {
        let replies = [primary(1), stopped(2, 1, true), third];
        assert_eq!(rounds().decide(&replies).primary, None, "{replies:?}");
    }
    // One that was made writable while it goes on replicating is none.
    let mut writable = replica(2, 1);
    (writable.read_only, writable.super_read_only) = (false, Some(false));
    rounds().decide(&[primary(1), says(2, writable), secondary(3, 1)]).is(1, &[2, 3]);
}

#[test]
fn a_replica_that_is_stopped() {
    // As while it is copied: nobody else can be the primary.
    let mut two = Rounds::new(Kind::Replication, &[1, 2]);
    two.decide(&[primary(1), stopped(2, 1, false)]).is(1, &[2]);
    // Who is silent may have been promoted, but for a primary that was confirmed.
    let replies = [primary(1), silent(2), stopped(3, 1, false)];
    rounds().decide(&replies).has_no_primary("no other server says that it replicates from it now");
    let mut known = rounds();
    known.decide(&[primary(1), secondary(2, 1), secondary(3, 1)]).is(1, &[2, 3]);
    known.decide(&replies).is(1, &[3]);
}

/// As long as it takes writes itself it was not replaced.
#[test]
fn a_primary_beside_which_another_one_took_writes_for_a_while() {
    for after in [says(2, server(2, false)), silent(2)] {
        let mut two = Rounds::new(Kind::Replication, &[1, 2]);
        two.decide(&[primary(1), secondary(2, 1)]).is(1, &[2]);
        two.decide(&[primary(1), primary(2)]).is(None, &[]);
        two.decide(&[primary(1), after]).is(1, &[]);
    }
}

#[test]
fn a_primary_that_was_confirmed_before_another_one_took_writes() {
    let mut two = Rounds::new(Kind::Replication, &[1, 2]);
    two.decide(&[primary(1), secondary(2, 1)]).is(1, &[2]);
    two.decide(&[silent(1), primary(2)]).is(None, &[2]);
    two.decide(&[primary(1), primary(2)]).is(None, &[]);
    two.decide(&[primary(1), silent(2)]).is(None, &[1]);
    two.decide(&[secondary(1, 2), primary(2)]).is(2, &[1]);
    let mut three = rounds();
    three.decide(&[primary(1), secondary(2, 1), secondary(3, 1)]).is(1, &[2, 3]);
    three.decide(&[silent(1), stopped(2, 1, false), primary(3)]).is(None, &[2, 3]);
    three.decide(&[primary(1), stopped(2, 1, false), silent(3)]).is(None, &[1, 2]);
}
