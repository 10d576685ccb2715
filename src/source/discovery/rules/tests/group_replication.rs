use super::*;

fn group() -> Rounds {
    Rounds::new(Kind::GroupReplication, &[1, 2, 3])
}

/// One that was seen with server 1 as its primary.
fn known() -> Rounds {
    let mut group = group();
    group.decide(&view(3, &[1, 2, 3], 1).replies(&[1, 2, 3])).is(1, &[2, 3]);
    group
}

#[test]
fn a_healthy_group() {
    let found = group().decide(&view(3, &[1, 2, 3], 1).replies(&[1, 2, 3]));
    found.is(1, &[2, 3]);
    assert_eq!(found.verdict.members, [node(1), node(2), node(3)]);
    assert!(!found.verdict.ask_again_soon);
}

#[test]
fn a_majority_and_the_word_of_the_primary_are_enough() {
    let view = view(3, &[1, 2, 3], 1);
    let mut group = group();
    group.waits(&[view.reply(1), pending(2), pending(3)]);
    // Server 3 has said nothing yet: it is not read.
    group.decide(&[view.reply(1), view.reply(2), pending(3)]).is(1, &[2]);
    group.waits(&[pending(1), view.reply(2), view.reply(3)]);
    group.decide(&[view.reply(1), view.reply(2), view.reply(3)]).is(1, &[2, 3]);
    // It answered the last time: it is, for as long as it is awaited.
    group.decide(&[view.reply(1), view.reply(2), pending(3)]).is(1, &[2, 3]);
    group.decide(&[view.reply(1), view.reply(2), silent(3)]).is(1, &[2]);
    group.decide(&[view.reply(1), view.reply(2), pending(3)]).is(1, &[2]);
}

#[test]
fn members_are_learned_from_one_seed_and_forgotten() {
    let all = view(3, &[1, 2, 3], 1);
    let mut group = Rounds::new(Kind::GroupReplication, &[2]);
    assert_eq!(group.asks(&[all.reply(2)]), [1, 3]);
    let found = group.decide(&all.replies(&[2, 1, 3]));
    found.is(1, &[2, 3]);
    let fewer = view(4, &[1, 2], 1);
    let found = group.decide(&fewer.replies(&[1, 2]));
    found.is(1, &[2]);
    assert_eq!(found.verdict.members, [node(1), node(2), node(3)], "asked on for a minute");
    group.memory.begin_round(60_001);
    let found = group.decide(&fewer.replies(&[1, 2]));
    assert_eq!(found.verdict.members, [node(1), node(2)]);
}

#[test]
fn a_leaving_primary_that_still_says_primary() {
    let (before, after) = (view(3, &[1, 2, 3], 1), view(4, &[2, 3], 2));
    for mut group in [group(), known()] {
        group.waits(&[before.reply(1), pending(2), pending(3)]);
        group.waits(&[before.reply(1), pending(2), after.reply(3)]);
        group.decide(&[before.reply(1), after.reply(2), after.reply(3)]).is(2, &[3]);
        // The older view is not gone back to.
        group.waits(&[before.reply(1), pending(2), pending(3)]);
        group.decide(&[before.reply(1), silent(2), silent(3)]).has_no_primary("older view");
    }
    // Whoever never saw the newer one does not take its word alone.
    let found = group().decide(&[before.reply(1), silent(2), silent(3)]);
    found.has_no_primary("no majority of its 3 members answers, only 1");
}

#[test]
fn one_who_goes_on_alone_beside_a_majority() {
    let (before, alone) = (view(3, &[1, 2, 3], 1), view(9, &[3], 3));
    for mut group in [group(), known()] {
        group.waits(&[pending(1), pending(2), alone.reply(3)]);
        let found = group.decide(&[before.reply(1), before.reply(2), alone.reply(3)]);
        found.has_no_primary("without most of the others");
        assert!(found.verdict.ask_again_soon);
        // It was stopped, and its view counts as little as it did.
        group.decide(&[before.reply(1), before.reply(2), silent(3)]).is(1, &[2]);
        // Of the others nobody is left: it was forced to go on alone for a reason.
        group.decide(&[silent(1), silent(2), alone.reply(3)]).is(3, &[]);
    }
}

#[test]
fn a_killed_primary_is_none_as_long_as_no_other_is_elected() {
    let before = view(3, &[1, 2, 3], 1);
    let suspected = before.clone().with(1, MemberState::Unreachable);
    let mut group = known();
    group.waits(&[pending(1), before.reply(2), before.reply(3)]);
    let found = group.decide(&[silent(1), before.reply(2), before.reply(3)]);
    found.is(None, &[2, 3]);
    found.has_no_primary("db:3301");
    assert!(found.verdict.ask_again_soon);
    // Those who say so suffice, whatever the silent one does.
    let found = group.decide(&[pending(1), suspected.reply(2), suspected.reply(3)]);
    found.is(None, &[2, 3]);
    let after = view(4, &[2, 3], 3);
    group.decide(&[pending(1), after.reply(2), after.reply(3)]).is(3, &[2]);
}

#[test]
fn a_new_primary_counts_once_it_takes_writes() {
    let after = View { writable: vec![], ..view(4, &[2, 3], 2) };
    let mut group = known();
    let found = group.decide(&[pending(1), after.reply(2), after.reply(3)]);
    found.is(None, &[2, 3]);
    found.has_no_primary(
        "db:3302 is elected and does not take writes yet: super_read_only is ON there",
    );
    assert!(found.verdict.ask_again_soon);
    group.decide(&[pending(1), view(4, &[2, 3], 2).reply(2), after.reply(3)]).is(2, &[3]);
}

#[test]
fn a_planned_change_within_a_view() {
    let (before, after) = (view(3, &[1, 2, 3], 1), view(3, &[1, 2, 3], 2));
    let demoted = View { writable: vec![], ..before.clone() };
    let mut group = known();
    // Nobody takes writes for a moment.
    group.decide(&[demoted.reply(1), demoted.reply(2), demoted.reply(3)]).is(None, &[1, 2, 3]);
    // The members hear of it one after the other.
    group.waits(&[before.reply(1), after.reply(2), pending(3)]);
    group.decide(&[demoted.reply(1), after.reply(2), after.reply(3)]).is(2, &[1, 3]);
}

#[test]
fn two_writable_members_of_one_group() {
    // Server 1 was left writable by hand, and the group says that the primary is server 2.
    let view = View { writable: vec![1, 2], ..view(3, &[1, 2, 3], 2) };
    group().decide(&view.replies(&[1, 2, 3])).is(2, &[1, 3]);
    // One that left the group and takes writes is none of it.
    let rest = super::view(4, &[2, 3], 2);
    let outside = says(1, server(1, true));
    group().decide(&all([vec![outside], rest.replies(&[2, 3])])).is(2, &[3]);
}

#[test]
fn none_takes_writes() {
    let view = View { writable: vec![], ..view(3, &[1, 2, 3], 1) };
    group().decide(&view.replies(&[1, 2, 3])).is(None, &[1, 2, 3]);
}

#[test]
fn a_minority_is_not_written_to() {
    let before = view(3, &[1, 2, 3], 1);
    let alone = before.clone().with(2, MemberState::Unreachable).with(3, MemberState::Unreachable);
    let mut group = known();
    // Before it notices: the others refuse connections already.
    group.decide(&[before.reply(1), silent(2), silent(3)]).is(None, &[1]);
    let found = group.decide(&[alone.reply(1), silent(2), silent(3)]);
    found.is(None, &[]);
    found.has_no_primary("lost its majority: 1 of its 3 members");
    group.options.reads_without_majority = true;
    group.decide(&[alone.reply(1), silent(2), silent(3)]).is(None, &[1]);
    // One that is alone on its side, and the majority on the other.
    let rest = view(4, &[2, 3], 3);
    group.decide(&[alone.reply(1), rest.reply(2), rest.reply(3)]).is(3, &[2]);
}

#[test]
fn an_expelled_member_and_its_way_back() {
    let without = view(4, &[1, 2], 1);
    let expelled = View { members: vec![(3, MemberState::Error)], ..view(3, &[3], 3) };
    let expelled = View { primary: None, writable: vec![], ..expelled };
    let mut group = known();
    group.decide(&all([without.replies(&[1, 2]), expelled.replies(&[3])])).is(1, &[2]);
    let rejoining = view(5, &[1, 2, 3], 1).with(3, MemberState::Recovering);
    group.decide(&rejoining.replies(&[1, 2, 3])).is(1, &[2]);
    let back = view(5, &[1, 2, 3], 1);
    group.decide(&back.replies(&[1, 2, 3])).is(1, &[2, 3]);
    // In offline mode it lets nobody in.
    let mut offline = back.by(3);
    offline.offline_mode = true;
    group.decide(&all([back.replies(&[1, 2]), vec![says(3, offline)]])).is(1, &[2]);
}

#[test]
fn states_in_which_a_member_is_not_read() {
    for state in [
        MemberState::Recovering,
        MemberState::Error,
        MemberState::Offline,
        MemberState::Unreachable,
        MemberState::Other,
    ] {
        let view = view(3, &[1, 2, 3], 1).with(3, state);
        group().decide(&view.replies(&[1, 2, 3])).is(1, &[2]);
        known().decide(&view.replies(&[1, 2])).is(1, &[2]);
    }
}

#[test]
fn a_frozen_member_delays_nothing() {
    let view = view(3, &[1, 2, 3], 1);
    let mut group = known();
    group.decide(&[view.reply(1), view.reply(2), silent(3)]).is(1, &[2]);
    for _ in 0..3 {
        group.decide(&[view.reply(1), view.reply(2), pending(3)]).is(1, &[2]);
    }
    // Nor when there is nobody to be decided for.
    group.decide(&[pending(3), view.reply(2), silent(1)]).is(None, &[2]);
    group.decide(&[view.reply(1), view.reply(2), view.reply(3)]).is(1, &[2, 3]);
}

#[test]
fn members_that_are_late_by_a_view() {
    // Server 4 joins, and not all have heard of it.
    let (before, after) = (view(3, &[1, 2, 3], 1), view(4, &[1, 2, 3, 4], 1));
    let after = after.with(4, MemberState::Recovering);
    known().decide(&all([before.replies(&[1, 2]), after.replies(&[3, 4])])).is(1, &[2, 3]);
    let mut group = known();
    group.decide(&after.replies(&[1, 2, 3, 4])).is(1, &[2, 3]);
    group.decide(&before.replies(&[1, 2, 3])).has_no_primary("older view");
}

#[test]
fn a_group_that_is_made_anew() {
    let anew = View { bootstrap: 200, ..view(1, &[2, 3], 2) };
    let older = View { bootstrap: 50, ..view(9, &[2, 3], 2) };
    let mut group = known();
    // Somebody is still in the one before.
    let before = view(3, &[1, 2, 3], 1);
    group.decide(&all([before.replies(&[1]), anew.replies(&[2, 3])])).is(None, &[1]);
    group.waits(&all([vec![pending(1)], anew.replies(&[2, 3])]));
    group.decide(&all([vec![silent(1)], anew.replies(&[2, 3])])).is(2, &[3]);
    // From here on it is the one before that does not count.
    group.decide(&all([before.replies(&[1]), anew.replies(&[2, 3])])).is(2, &[3]);
    group.decide(&all([before.replies(&[1]), vec![silent(2), silent(3)]])).has_no_primary("older");

    // One of an older clock is as good as an older view, until the cache is reset.
    let mut group = known();
    group.decide(&all([vec![silent(1)], older.replies(&[2, 3])])).has_no_primary("reset the cache");
    group.memory = Memory::default();
    group.decide(&all([vec![silent(1)], older.replies(&[2, 3])])).is(2, &[3]);
    // Another group has another name.
    let other = View { name: "other", ..older };
    known().decide(&all([vec![silent(1)], other.replies(&[2, 3])])).is(2, &[3]);
}

#[test]
fn a_group_that_was_bootstrapped_twice() {
    let (one, two) = (view(1, &[1], 1), View { bootstrap: 200, ..view(2, &[2, 3], 2) });
    let mut group = group();
    // A majority has spoken, and who has not may be in another group.
    group.waits(&all([vec![pending(1)], two.replies(&[2, 3])]));
    group
        .decide(&all([one.replies(&[1]), two.replies(&[2, 3])]))
        .has_no_primary("bootstrapped twice");
    let mut known = known();
    let rest = vec![silent(2), silent(3)];
    known.decide(&all([one.replies(&[1]), rest])).has_no_primary("older view");
}

#[test]
fn several_primaries() {
    let view = View { single_primary: false, writable: vec![1, 2, 3], ..view(3, &[1, 2, 3], 1) };
    let found = group().decide(&view.replies(&[1, 2, 3]));
    found.is(None, &[1, 2, 3]);
    found.has_no_primary("multi-primary");
    let mut group = group();
    group.options.multi_primary = true;
    group.decide(&view.replies(&[1, 2, 3])).is(1, &[2, 3]);
    // It is kept while it lasts, and so is the next one.
    group.waits(&all([vec![pending(1)], view.replies(&[2, 3])]));
    let without = View { changes: 4, members: view.members[1..].to_vec(), ..view.clone() };
    group.decide(&without.replies(&[2, 3])).is(2, &[3]);
    let back = View { changes: 5, ..view };
    group.decide(&back.replies(&[1, 2, 3])).is(2, &[1, 3]);
    // One that takes no writes by its own word is not chosen.
    let read_only = View { writable: vec![1, 3], ..back };
    group.decide(&read_only.replies(&[1, 2, 3])).is(1, &[2, 3]);
}

#[test]
fn a_lag_limit() {
    let view = view(3, &[1, 2, 3, 4], 1);
    let behind = |number: u16, lag: Option<Duration>| {
        let mut opinion = view.by(number);
        opinion.group.as_mut().expect("a member").lag = lag;
        says(number, opinion)
    };
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    let replies = [behind(1, None), behind(2, seconds(2)), behind(3, seconds(3)), behind(4, None)];
    let mut group = group();
    group.decide(&replies).is(1, &[2, 3, 4]);
    group.options.max_lag = seconds(2);
    group.decide(&replies).is(1, &[2]);
    // Nor is one read whose word is awaited, and was no better the last time.
    let [first, second, third, _] = &replies;
    let awaited = [first.clone(), second.clone(), third.clone(), pending(4)];
    group.decide(&awaited).is(1, &[2]);
    let near = [first.clone(), second.clone(), third.clone(), behind(4, seconds(0))];
    group.decide(&near).is(1, &[2, 4]);
    group.decide(&awaited).is(1, &[2, 4]);
}

#[test]
fn nobody_answers() {
    known().keeps(&[silent(1), silent(2), silent(3)], "db:3301: no answer in time; db:3302");
    let refused = |server| Reply {
        node: node(server),
        outcome: Outcome::Refused { why: "wrong password".into(), auth: true },
    };
    known().keeps(&[refused(1), refused(2), refused(3)], "wrong password");
    // Those who answer are in no group.
    let found = known().decide(&[silent(1), says(2, server(2, false)), says(3, server(3, true))]);
    found.is(None, &[]);
    found.has_no_primary("in a group");
    assert_eq!(found.verdict.members, [node(1), node(2), node(3)], "asked on");
}

#[test]
fn seeds_are_asked_when_no_majority_of_the_members_answers() {
    let view = view(3, &[1, 2, 3], 1);
    let mut group = Rounds::new(Kind::GroupReplication, &[4]);
    group.decide(&view.replies(&[1, 2, 3])).is(1, &[2, 3]);
    assert_eq!(group.asks(&[silent(1), view.reply(2), silent(3)]), [4]);
    assert_eq!(group.asks(&[silent(1), silent(2), silent(3)]), [4]);
    let moved = View { bootstrap: 200, ..super::view(1, &[4], 4) };
    let replies = [silent(1), silent(2), silent(3), moved.reply(4)];
    group.decide(&replies).has_no_primary("reset the cache");
    group.memory = Memory::default();
    group.decide(&replies).is(4, &[]);
}

/// A server that was a member once, and is named as a seed still, is in a group of its own.
#[test]
fn a_group_whose_members_hang_is_not_taken_for_another_one() {
    for (name, bootstrap) in [("other", 200), ("other", 50), ("group", 200)] {
        let known = view(3, &[1, 2], 1);
        let other = View { name, bootstrap, ..super::view(1, &[3], 3) };
        let mut group = group();
        group.decide(&known.replies(&[1, 2])).is(1, &[2]);
        let hangs = all([vec![silent(1), silent(2)], other.replies(&[3])]);
        group.decide(&hangs).has_no_primary("reset the cache");
        group.decide(&all([known.replies(&[1, 2]), other.replies(&[3])])).is(1, &[2]);
    }
}

#[test]
fn a_member_that_is_reached_at_another_address() {
    // Servers name each other as nobody outside can resolve.
    let inside = |number: u16| Node { host: "inside".into(), port: 3300 + number };
    let view = view(3, &[1, 2], 1);
    let by = |number: u16| {
        let mut opinion = view.by(number);
        for member in &mut opinion.group.as_mut().expect("a member").members {
            member.node = inside(member.node.port - 3300);
        }
        says(number, opinion)
    };
    let fails =
        |number| Reply { node: inside(number), outcome: Outcome::Silent("no such name".into()) };
    let mut group = Rounds::new(Kind::GroupReplication, &[1, 2]);
    // They are asked there as well from the next round on.
    let found = group.decide(&[by(1), by(2)]);
    found.is(1, &[2]);
    assert_eq!(found.verdict.members, [node(1), inside(1), node(2), inside(2)]);
    assert_eq!(found.verdict.warnings, [] as [String; 0]);
    let found = group.decide(&[by(1), by(2), fails(1), fails(2)]);
    found.is(1, &[2]);
    assert!(found.verdict.warnings[0].contains("report_host"), "{:?}", found.verdict.warnings);
    assert_eq!(found.verdict.members, [node(1), node(2)]);
    assert_eq!(group.decide(&[by(1), by(2)]).verdict.members, [node(1), node(2)]);
    // Where both answer it is the one that others name.
    let mut group = Rounds::new(Kind::GroupReplication, &[1, 2]);
    let at = |number| Reply { node: inside(number), ..by(number) };
    let Judgement::Decided(verdict) = group.judge(&[by(1), by(2), at(1), at(2)]) else {
        panic!("undecided");
    };
    assert_eq!(verdict.members, [inside(1), inside(2)]);
    assert_eq!(verdict.servers[0].node, inside(1));
}

#[test]
fn weights_of_the_specification() {
    let mut group = group();
    group.spec.weights = [(node(2), 2.5), (node(3), f64::NAN)].into();
    let found = group.decide(&view(3, &[1, 2, 3], 1).replies(&[1, 2, 3]));
    let weights: Vec<_> = found.verdict.servers.iter().map(|server| server.weight).collect();
    assert_eq!(weights, [None, Some(2.5), None]);
}

#[test]
fn zones_of_the_specification() {
    let mut group = group();
    group.spec.zones = [(node(1), "west".into()), (node(3), "east".into())].into();
    let found = group.decide(&view(3, &[1, 2, 3], 1).replies(&[1, 2, 3]));
    assert_eq!(found.zones(), [Some("west"), None, Some("east")]);
}

/// What a member says that has lost the right to look at its group.
fn blind(number: u16, is_writable: bool) -> Reply {
    let not_granted = vec!["GRANT SELECT".to_owned()];
    says(number, Opinion { not_granted, group_denied: true, ..server(number, is_writable) })
}

#[test]
fn who_may_not_be_asked_has_not_left() {
    let anew = View { bootstrap: 200, ..view(1, &[3], 3) };
    let replies = [blind(1, true), blind(2, false), anew.reply(3)];
    known().decide(&replies).has_no_primary("reset the cache");
    // What else they may not be asked is another thing.
    let other = |number| {
        let not_granted = vec!["GRANT REPLICATION CLIENT".to_owned()];
        says(number, Opinion { not_granted, ..server(number, false) })
    };
    known().decide(&[other(1), other(2), anew.reply(3)]).is(3, &[]);
    // Those who may be asked, and are in none, have left.
    known()
        .decide(&[says(1, server(1, false)), says(2, server(2, false)), anew.reply(3)])
        .is(3, &[]);
}

#[test]
fn others_at_the_addresses_of_its_members_have_not_left() {
    let other = View { name: "other", bootstrap: 50, ..view(9, &[11, 12, 13], 11) };
    let at = |address: u16, number: u16| Reply { node: node(address), ..other.reply(number) };
    let mut group = known();
    let Judgement::Decided(verdict) = group.judge(&[at(1, 11), at(2, 12), silent(3)]) else {
        panic!("undecided");
    };
    assert!(verdict.servers.is_empty(), "{verdict:?}");
    assert!(verdict.reason.expect("a reason").contains("reset the cache"));
}

#[test]
fn a_member_that_was_forced_to_go_on_alone() {
    let (before, forced) = (view(3, &[1, 2, 3], 1), view(9, &[3], 3));
    let split = "in a newer view without most of the others";
    let mut group = known();
    group.decide(&all([before.replies(&[1, 2]), forced.replies(&[3])])).has_no_primary(split);
    // One of the others is enough, whoever else is silent; and then none.
    group.decide(&[silent(1), before.reply(2), forced.reply(3)]).has_no_primary(split);
    group.decide(&[silent(1), silent(2), forced.reply(3)]).has_no_primary(split);
    // They say that they have left, or are silent for long: they will not be back.
    let left = [says(1, server(1, false)), says(2, server(2, false)), forced.reply(3)];
    group.clone().decide(&left).is(3, &[]);
    group.memory.begin_round(10_001);
    group.decide(&[silent(1), silent(2), forced.reply(3)]).is(3, &[]);
    // Without a sign of them it is the way to bring back a group that has lost its majority.
    known().decide(&[silent(1), silent(2), forced.reply(3)]).is(3, &[]);

    let (before, forced) = (view(3, &[1, 2, 3, 4, 5], 1), view(9, &[4, 5], 4));
    let mut five = Rounds::new(Kind::GroupReplication, &[1, 2, 3, 4, 5]);
    five.decide(&before.replies(&[1, 2, 3, 4, 5])).is(1, &[2, 3, 4, 5]);
    let one = all([before.replies(&[1]), vec![silent(2), silent(3)], forced.replies(&[4, 5])]);
    five.decide(&one).has_no_primary(split);
}

#[test]
fn two_sides_that_go_on_under_the_same_number() {
    let (one, two) = (view(4, &[1], 1), view(4, &[2, 3], 2));
    let mut group = known();
    group.decide(&all([vec![silent(1)], two.replies(&[2, 3])])).is(2, &[3]);
    let alone = all([one.replies(&[1]), vec![silent(2), silent(3)]]);
    group.decide(&alone).has_no_primary("none of the members of its last view is in this one");
    group.decide(&all([one.replies(&[1]), two.replies(&[2, 3])])).is(None, &[]);
    // Who was not asked for long, as by a service that slept, takes the group as it is.
    group.memory = Memory::default();
    group.decide(&all([vec![silent(1)], two.replies(&[2, 3])])).is(2, &[3]);
    group.memory.begin_round(10_001);
    group.decide(&alone).is(1, &[]);
}

/// Members that leave are for a while still in the view before.
#[test]
fn members_that_leave_are_no_split() {
    let (before, after) = (view(3, &[1, 2, 3], 1), view(4, &[2, 3], 2));
    let mut group = known();
    group.decide(&all([before.replies(&[1]), after.replies(&[2, 3])])).is(2, &[3]);
    let last = view(5, &[3], 3);
    group.decide(&all([vec![silent(1)], after.replies(&[2]), last.replies(&[3])])).is(3, &[]);
}

#[test]
fn who_is_awaited_is_read_by_its_own_last_word() {
    let view = view(3, &[1, 2, 3], 1);
    let changed = |change: &dyn Fn(&mut Opinion)| {
        let mut opinion = view.by(3);
        change(&mut opinion);
        says(3, opinion)
    };
    let lags = |opinion: &mut Opinion| {
        opinion.group.as_mut().expect("a member").lag = Some(Duration::from_secs(500));
    };
    for unread in [changed(&|opinion| opinion.offline_mode = true), changed(&lags)] {
        let mut group = known();
        group.options.max_lag = Some(Duration::from_secs(5));
        group.decide(&[view.reply(1), view.reply(2), unread]).is(1, &[2]);
        for _ in 0..2 {
            group.decide(&[view.reply(1), view.reply(2), pending(3)]).is(1, &[2]);
        }
        group.decide(&view.replies(&[1, 2, 3])).is(1, &[2, 3]);
        group.decide(&[view.reply(1), view.reply(2), pending(3)]).is(1, &[2, 3]);
    }
}

#[test]
fn what_keeps_a_primary_from_writes_is_named() {
    let view = view(3, &[1, 2, 3], 1);
    let primary = |opinion| {
        let found = group().decide(&[says(1, opinion), view.reply(2), view.reply(3)]);
        found.verdict.reason.expect("there is no primary")
    };
    let (by_hand, offline) = (server(1, false), server(1, true));
    let group = view.by(1).group;
    let reason = primary(Opinion { group: group.clone(), super_read_only: Some(false), ..by_hand });
    assert!(reason.ends_with("yet: read_only is ON there"), "{reason}");
    let reason = primary(Opinion { group: group.clone(), offline_mode: true, ..offline.clone() });
    assert!(reason.ends_with("yet: offline_mode is ON there"), "{reason}");
    let both = Opinion { super_read_only: Some(true), read_only: true, ..offline };
    let reason = primary(Opinion { group, offline_mode: true, ..both });
    assert!(reason.ends_with("yet: super_read_only and offline_mode are ON there"), "{reason}");
}

#[test]
fn who_is_left_out_until_somebody_acts_is_told_of() {
    let all = view(3, &[1, 2, 3], 1);
    let mut group = group();
    let offline = Opinion { offline_mode: true, ..all.by(3) };
    let found = group.decide(&[all.reply(1), all.reply(2), says(3, offline)]);
    found.is(1, &[2]);
    let [warning] = found.verdict.warnings.as_slice() else { panic!("{:?}", found.verdict) };
    assert!(warning.starts_with("db:3303 gets nothing: it is in offline mode"), "{warning}");
    assert!(warning.contains("SET GLOBAL offline_mode = OFF"), "{warning}");
    // It was expelled, and the others are in a view without it.
    let (after, alone) = (view(4, &[1, 2], 1), view(3, &[3], 1).with(3, MemberState::Error));
    let found = group.decide(&[after.reply(1), after.reply(2), alone.reply(3)]);
    found.is(1, &[2]);
    let [warning] = found.verdict.warnings.as_slice() else { panic!("{:?}", found.verdict) };
    assert!(
        warning.contains("START GROUP_REPLICATION") && !warning.contains("offline"),
        "{warning}"
    );
    let expelled = Opinion { offline_mode: true, ..alone.by(3) };
    let found = group.decide(&[after.reply(1), after.reply(2), says(3, expelled)]);
    let [warning] = found.verdict.warnings.as_slice() else { panic!("{:?}", found.verdict) };
    assert!(warning.contains("(state ERROR), and is in offline mode"), "{warning}");
    // Who is not there yet comes by itself.
    let joining = view(5, &[1, 2, 3], 1).with(3, MemberState::Recovering);
    let found = group.decide(&joining.replies(&[1, 2, 3]));
    found.is(1, &[2]);
    assert_eq!(found.verdict.warnings, [] as [String; 0]);
}

/// They may have gone on without it.
#[test]
fn others_of_the_group_are_asked_on() {
    let mut group = Rounds::new(Kind::GroupReplication, &[1]);
    group.decide(&view(3, &[1, 2, 3], 1).replies(&[1, 2, 3])).is(1, &[2, 3]);
    let forced = view(9, &[3], 3);
    let found = group.decide(&[silent(1), silent(2), forced.reply(3)]);
    found.is(3, &[]);
    assert_eq!(found.verdict.members, [node(3), node(1), node(2)]);
    let rest = view(4, &[1, 2], 1);
    let split = all([rest.replies(&[1, 2]), forced.replies(&[3])]);
    group.decide(&split).has_no_primary("in a newer view without most of the others");
    // The seeds always, others for a minute.
    let mut group = Rounds::new(Kind::GroupReplication, &[1]);
    group.decide(&view(3, &[1, 2, 3], 1).replies(&[1, 2, 3])).is(1, &[2, 3]);
    group.memory.begin_round(60_001);
    let found = group.decide(&[silent(1), silent(2), forced.reply(3)]);
    assert_eq!(found.verdict.members, [node(3), node(1)]);
}
