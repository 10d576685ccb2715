use super::*;

fn rounds() -> Rounds {
    Rounds::new(Kind::ReplicaSet, &[1, 2, 3])
}

/// The metadata of a ReplicaSet of servers 1 to 3.
fn set(view_id: u64, primary: u16) -> Cluster {
    let mut set = cluster(&[1, 2, 3]);
    for instance in &mut set.instances {
        instance.is_primary = instance.uuid == uuid(primary);
    }
    Cluster { is_replica_set: true, group_name: None, view_id: Some(view_id), ..set }
}

fn primary(number: u16, set: &Cluster) -> Reply {
    says(number, with(server(number, true), set))
}

fn secondary(number: u16, source: u16, set: &Cluster) -> Reply {
    says(number, with(replica(number, source), set))
}

#[test]
fn a_healthy_set() {
    let set = set(1, 1);
    let found = rounds().decide(&[primary(1, &set), secondary(2, 1, &set), secondary(3, 1, &set)]);
    found.is(1, &[2, 3]);
    assert_eq!(found.verdict.name.as_deref(), Some("farm"));
}

#[test]
fn any_server_may_have_a_newer_copy() {
    let (old, new) = (set(1, 1), set(2, 2));
    let mut rounds = rounds();
    rounds.waits(&[primary(1, &old), secondary(3, 1, &old), pending(2)]);
    // Server 1 came back after another one was promoted by force.
    rounds.decide(&[primary(1, &old), primary(2, &new), secondary(3, 2, &new)]).is(2, &[3]);
    // The older copy is not gone back to.
    let found = rounds.decide(&[primary(1, &old), silent(2), secondary(3, 1, &old)]);
    found.is(None, &[3]);
    found.has_no_primary("db:3302 does not answer");
    let mut fresh = super::replica_set::rounds();
    fresh.decide(&[primary(1, &old), silent(2), secondary(3, 1, &old)]).is(1, &[3]);
}

#[test]
fn of_one_view_the_copy_counts_that_can_be_changed() {
    let before = set(1, 1);
    let mut after = before.clone();
    after.instances[1].is_hidden = true;
    let late = || [secondary(2, 1, &before), secondary(3, 1, &before)];
    let decide = |rounds: &mut Rounds, first: Reply| {
        let [second, third] = late();
        rounds.decide(&[first, second, third])
    };
    let mut rounds = rounds();
    decide(&mut rounds, primary(1, &before)).is(1, &[2, 3]);
    decide(&mut rounds, primary(1, &after)).is(1, &[3]);
    decide(&mut rounds, silent(1)).is(None, &[3]);
    decide(&mut rounds, primary(1, &before)).is(1, &[2, 3]);
}

#[test]
fn one_seed_is_enough() {
    let set = set(1, 1);
    let mut rounds = Rounds::new(Kind::ReplicaSet, &[3]);
    assert_eq!(rounds.asks(&[secondary(3, 1, &set)]), [1, 2]);
    rounds.decide(&[secondary(3, 1, &set), primary(1, &set), silent(2)]).is(1, &[3]);
}

#[test]
fn a_frozen_server_delays_one_round() {
    let set = set(1, 1);
    let mut rounds = rounds();
    rounds.waits(&[primary(1, &set), secondary(2, 1, &set), pending(3)]);
    rounds.decide(&[primary(1, &set), secondary(2, 1, &set), silent(3)]).is(1, &[2]);
    rounds.decide(&[primary(1, &set), secondary(2, 1, &set), pending(3)]).is(1, &[2]);
}

#[test]
fn a_promotion_that_the_metadata_does_not_know() {
    let set = set(1, 1);
    let demoted = secondary(1, 2, &set);
    let found = rounds().decide(&[demoted, primary(2, &set), secondary(3, 2, &set)]);
    found.is(None, &[1, 3]);
    found.has_no_primary("db:3301 is the primary by the metadata");
}

#[test]
fn two_writable() {
    let set = set(1, 1);
    // The others replicate from the primary alone.
    let found = rounds().decide(&[primary(1, &set), primary(2, &set), secondary(3, 1, &set)]);
    found.is(1, &[3]);
    // They do not.
    let found = rounds().decide(&[primary(1, &set), primary(2, &set), secondary(3, 2, &set)]);
    found.is(None, &[1, 3]);
    found.has_no_primary("2 of its servers take writes");
}

#[test]
fn none_writable() {
    let set = set(1, 1);
    let down = says(1, with(server(1, false), &set));
    rounds().decide(&[down, secondary(2, 1, &set), secondary(3, 1, &set)]).is(None, &[1, 2, 3]);
}

#[test]
fn hidden_and_far_behind() {
    let mut set = set(1, 1);
    set.instances[1].is_hidden = true;
    let mut rounds = rounds();
    rounds.decide(&[primary(1, &set), secondary(2, 1, &set), secondary(3, 1, &set)]).is(1, &[3]);
    rounds.options.max_lag = Some(Duration::from_secs(1));
    let mut behind = with(replica(3, 1), &set);
    behind.channels[0].lag = None;
    rounds.decide(&[primary(1, &set), secondary(2, 1, &set), says(3, behind)]).is(1, &[]);
    set.instances[0].is_hidden = true;
    let found = rounds.decide(&[primary(1, &set), secondary(2, 1, &set), silent(3)]);
    found.has_no_primary("_hidden");
}

#[test]
fn an_upgrade_of_the_metadata() {
    let set = set(1, 1);
    let upgrading = |mut opinion: Opinion| {
        opinion.metadata = Some(Metadata::default());
        opinion
    };
    let replies = [
        says(1, upgrading(server(1, true))),
        says(2, upgrading(replica(2, 1))),
        says(3, upgrading(replica(3, 1))),
    ];
    rounds().decide(&replies).has_no_primary("being upgraded");
    let mut rounds = rounds();
    rounds.decide(&[primary(1, &set), secondary(2, 1, &set), secondary(3, 1, &set)]).is(1, &[2, 3]);
    rounds.decide(&replies).is(1, &[2, 3]);
    rounds.keeps(&[silent(1), silent(2), silent(3)], "no answer");
}

#[test]
fn another_set_counts_once_nobody_is_left_in_the_one_before() {
    let (before, after) = (set(5, 1), Cluster { cluster_id: "other".into(), ..set(1, 2) });
    let mut rounds = rounds();
    rounds.decide(&[primary(1, &before), secondary(2, 1, &before), secondary(3, 1, &before)]);
    let mixed = [primary(1, &before), primary(2, &after), secondary(3, 2, &after)];
    assert_eq!(rounds.decide(&mixed).primary, None, "two that take writes");
    rounds.decide(&[silent(1), primary(2, &after), secondary(3, 2, &after)]).is(2, &[3]);
    super::replica_set::rounds().decide(&mixed).has_no_primary("several ReplicaSets");
}

/// A server that was removed, and is named as a seed still, is a ReplicaSet of its own.
#[test]
fn a_set_whose_servers_are_silent_is_not_taken_for_another_one() {
    let known = Cluster { instances: set(5, 1).instances[..2].to_vec(), ..set(5, 1) };
    let other = Cluster { cluster_id: "other".into(), ..set(1, 3) };
    let mut rounds = rounds();
    rounds.decide(&[primary(1, &known), secondary(2, 1, &known), silent(3)]).is(1, &[2]);
    let found = rounds.decide(&[silent(1), silent(2), primary(3, &other)]);
    found.has_no_primary("db:3301 does not answer");
    rounds.decide(&[primary(1, &known), secondary(2, 1, &known), primary(3, &other)]).is(1, &[2]);
    // Nor by servers that may not be asked for their metadata.
    let denied =
        |number: u16| says(number, Opinion { metadata_denied: true, ..server(number, false) });
    let found = rounds.decide(&[denied(1), denied(2), primary(3, &other)]);
    assert_eq!(found.primary, None, "{:?}", found.verdict);
    // They say that they have left.
    let left = |number: u16| says(number, server(number, false));
    rounds.decide(&[left(1), left(2), primary(3, &other)]).is(3, &[]);
}
