use super::*;

fn group() -> Rounds {
    Rounds::new(Kind::GroupReplication, &[1, 2, 3])
}

#[test]
fn a_healthy_group() {
    let view = view(3, &[1, 2, 3], 1);
    let found = group().decide(&[view.reply(1), view.reply(2), view.reply(3)]);
    found.is(1, &[2, 3]);
    assert_eq!(found.verdict.members, [node(1), node(2), node(3)]);
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
fn a_leaving_primary_that_still_says_primary() {
    let (before, after) = (view(3, &[1, 2, 3], 1), view(4, &[2, 3], 2));
    for known in [false, true] {
        let mut group = group();
        if known {
            group.decide(&[before.reply(1), before.reply(2), before.reply(3)]).is(1, &[2, 3]);
        }
        group.waits(&[before.reply(1), pending(2), pending(3)]);
        group.waits(&[before.reply(1), pending(2), after.reply(3)]);
        group.decide(&[before.reply(1), after.reply(2), after.reply(3)]).is(2, &[3]);
        // The older view is not gone back to.
        group.decide(&[before.reply(1), silent(2), silent(3)]).has_no_primary("older view");
    }
}

#[test]
fn a_killed_primary_is_none_as_long_as_no_other_is_elected() {
    let before = view(3, &[1, 2, 3], 1);
    let suspected = before.clone().with(1, MemberState::Unreachable);
    let mut group = group();
    group.decide(&[before.reply(1), before.reply(2), before.reply(3)]).is(1, &[2, 3]);
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
