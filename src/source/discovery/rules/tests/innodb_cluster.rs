use super::*;
use crate::source::discovery::opinion::{QuorumTraffic, ReadOnlyTargets};

fn rounds() -> Rounds {
    Rounds::new(Kind::InnodbCluster, &[1, 2, 3])
}

/// What these members say, who have this metadata.
fn replies(view: &View, cluster: &Cluster, numbers: &[u16]) -> Vec<Reply> {
    let reply = |number: &u16| says(*number, with(view.by(*number), cluster));
    numbers.iter().map(reply).collect()
}

fn healthy() -> View {
    view(3, &[1, 2, 3], 1)
}

#[test]
fn a_healthy_cluster() {
    let found = rounds().decide(&replies(&healthy(), &cluster(&[1, 2, 3]), &[1, 2, 3]));
    found.is(1, &[2, 3]);
    assert_eq!(found.verdict.name.as_deref(), Some("farm"));
}

#[test]
fn one_of_its_servers_is_enough_to_find_it() {
    let (view, cluster) = (healthy(), cluster(&[1, 2, 3]));
    let mut rounds = Rounds::new(Kind::InnodbCluster, &[3]);
    assert_eq!(rounds.asks(&replies(&view, &cluster, &[3])), [1, 2]);
    rounds.decide(&replies(&view, &cluster, &[3, 2, 1])).is(1, &[2, 3]);
    // One that is not in the group any more still knows the others.
    let mut rounds = Rounds::new(Kind::InnodbCluster, &[4]);
    let left = says(4, with(server(4, false), &cluster));
    assert_eq!(rounds.asks(std::slice::from_ref(&left)), [1, 2, 3]);
    rounds.decide(&all([vec![left], replies(&view, &cluster, &[1, 2, 3])])).is(1, &[2, 3]);
}

#[test]
fn the_addresses_are_those_of_the_metadata() {
    let mut cluster = cluster(&[1, 2, 3]);
    let mut view = healthy();
    // Server 2 is 5 to the other members, and clients reach it as 2.
    view.members[1].0 = 2;
    let by = |number: u16, cluster: &Cluster| {
        let mut opinion = with(view.by(number), cluster);
        opinion.group.as_mut().expect("a member").members[1].node = node(5);
        says(number, opinion)
    };
    let replies = |cluster: &Cluster| [by(1, cluster), by(2, cluster), by(3, cluster)];
    let found = rounds().decide(&replies(&cluster));
    found.is(1, &[2, 3]);
    assert_eq!(found.verdict.members, [node(1), node(2), node(3)]);
    cluster.instances[1].tags = Tags { weight: Some(3.0), zone: Some("west".into()) };
    let found = rounds().decide(&replies(&cluster));
    assert_eq!(found.verdict.servers[1].weight, Some(3.0));
    assert_eq!(found.zones(), [None, Some("west"), None]);
    let mut rounds = rounds();
    rounds.spec.weights = [(node(2), 0.5)].into();
    rounds.spec.zones = [(node(2), "east".into()), (node(3), "north".into())].into();
    let found = rounds.decide(&replies(&cluster));
    assert_eq!(found.verdict.servers[1].weight, Some(0.5), "the specification counts more");
    assert_eq!(found.zones(), [None, Some("east"), Some("north")]);
}

#[test]
fn members_without_metadata_and_metadata_without_members() {
    // Server 4 is in the metadata alone.
    let found = rounds()
        .decide(&all([replies(&healthy(), &cluster(&[1, 2, 3, 4]), &[1, 2, 3]), vec![silent(4)]]));
    found.is(1, &[2, 3]);
    // Server 3 is in the group alone.
    let cluster = cluster(&[1, 2]);
    let found = rounds().decide(&replies(&healthy(), &cluster, &[1, 2, 3]));
    found.is(1, &[2]);
    assert!(found.verdict.members.contains(&node(3)), "it counts for the majority");
    assert!(found.verdict.warnings[0].contains("rescan"), "{:?}", found.verdict.warnings);
    // The primary is.
    let view = view(3, &[1, 2, 3], 3);
    let found = rounds().decide(&replies(&view, &cluster, &[1, 2, 3]));
    found.is(None, &[1, 2]);
    found.has_no_primary("db:3303 is in the group and not in the metadata");
}

#[test]
fn hidden_servers_get_nothing() {
    let mut cluster = cluster(&[1, 2, 3]);
    cluster.instances[1].is_hidden = true;
    let found = rounds().decide(&replies(&healthy(), &cluster, &[1, 2, 3]));
    found.is(1, &[3]);
    assert!(found.verdict.members.contains(&node(2)), "it is asked on");
    cluster.instances[0].is_hidden = true;
    let found = rounds().decide(&replies(&healthy(), &cluster, &[1, 2, 3]));
    found.is(None, &[3]);
    found.has_no_primary("_hidden");
}

#[test]
fn read_replicas_as_the_options_of_the_cluster_want_them() {
    let mut cluster = cluster(&[1, 2, 3, 4, 5]);
    cluster.instances[3].is_read_replica = true;
    cluster.instances[4].is_read_replica = true;
    let replicas = |cluster: &Cluster| vec![says(4, with(replica(4, 1), cluster)), silent(5)];
    for (targets, secondaries) in [
        (ReadOnlyTargets::Secondaries, &[2, 3][..]),
        (ReadOnlyTargets::ReadReplicas, &[4]),
        (ReadOnlyTargets::All, &[2, 3, 4]),
    ] {
        cluster.options.read_only_targets = targets;
        let members = replies(&healthy(), &cluster, &[1, 2, 3]);
        rounds().decide(&all([members, replicas(&cluster)])).is(1, secondaries);
        // They are no members: they add nothing to a majority, and are not read without one.
        let mut alone = healthy();
        alone.members = vec![
            (1, MemberState::Online),
            (2, MemberState::Unreachable),
            (3, MemberState::Unreachable),
        ];
        let members = all([replies(&alone, &cluster, &[1]), vec![silent(2), silent(3)]]);
        rounds().decide(&all([members, replicas(&cluster)])).is(None, &[]);
    }
    cluster.instances[3].is_hidden = true;
    let members = replies(&healthy(), &cluster, &[1, 2, 3]);
    rounds().decide(&all([members, replicas(&cluster)])).is(1, &[2, 3]);
}

#[test]
fn a_read_replica_that_is_behind() {
    let mut cluster = cluster(&[1, 2, 3, 4]);
    cluster.instances[3].is_read_replica = true;
    cluster.options.read_only_targets = ReadOnlyTargets::ReadReplicas;
    let mut rounds = rounds();
    rounds.options.max_lag = Some(Duration::from_secs(2));
    for (lag, secondaries) in [(Some(2), &[4][..]), (Some(3), &[]), (None, &[])] {
        let mut behind = with(replica(4, 1), &cluster);
        behind.channels[0].lag = lag.map(Duration::from_secs);
        let members = replies(&healthy(), &cluster, &[1, 2, 3]);
        rounds.decide(&all([members.clone(), vec![says(4, behind)]])).is(1, secondaries);
        rounds.decide(&all([members, vec![pending(4)]])).is(1, secondaries);
    }
}

#[test]
fn no_majority_and_what_the_cluster_says_of_reads_then() {
    let mut cluster = cluster(&[1, 2, 3]);
    let alone = healthy().with(2, MemberState::Unreachable).with(3, MemberState::Unreachable);
    for (traffic, secondaries) in
        [(QuorumTraffic::None, &[][..]), (QuorumTraffic::Read, &[1]), (QuorumTraffic::All, &[1])]
    {
        cluster.options.unreachable_quorum_allowed_traffic = traffic;
        let members = replies(&alone, &cluster, &[1]);
        // Writes would hang, whatever the option says.
        rounds().decide(&all([members, vec![silent(2), silent(3)]])).is(None, secondaries);
    }
}

#[test]
fn metadata_of_other_versions() {
    let of = |version, own: Option<Cluster>| {
        let by = |number: u16| {
            let mut opinion = healthy().by(number);
            opinion.metadata = Some(Metadata { version, own: own.clone(), cluster_set: None });
            says(number, opinion)
        };
        [by(1), by(2), by(3)]
    };
    let mut hidden = cluster(&[1, 2, 3]);
    hidden.instances[1].is_hidden = true;
    for (version, words) in [
        ((0, 0, 0), "being upgraded"),
        ((1, 0, 1), "dba.upgradeMetadata()"),
        ((3, 0, 0), "newer library"),
    ] {
        let found = rounds().decide(&of(version, None));
        found.is(None, &[]);
        found.has_no_primary(words);
        // What was known holds, and what the group says besides.
        let mut rounds = rounds();
        rounds.decide(&of((2, 4, 0), Some(hidden.clone()))).is(1, &[3]);
        let found = rounds.decide(&of(version, None));
        found.is(1, &[3]);
        assert!(found.verdict.warnings[0].contains(words), "{:?}", found.verdict.warnings);
        rounds.decide(&of((2, 0, 0), Some(cluster(&[1, 2, 3])))).is(1, &[2, 3]);
    }
}

#[test]
fn no_metadata() {
    rounds().decide(&healthy().replies(&[1, 2, 3])).has_no_primary("metadata schema");
    let by = |number: u16| {
        let metadata = Metadata { version: (2, 2, 0), ..Metadata::default() };
        says(number, Opinion { metadata: Some(metadata), ..healthy().by(number) })
    };
    rounds().decide(&[by(1), by(2), by(3)]).has_no_primary("rescan");
    rounds().keeps(&[silent(1), silent(2), silent(3)], "no answer");
}

#[test]
fn the_copy_of_the_newest_view_counts() {
    let (before, after) = (healthy(), view(4, &[2, 3], 2));
    let mut hidden = cluster(&[1, 2, 3]);
    hidden.instances[2].is_hidden = true;
    // The leaving primary does not know that server 3 is hidden by now, nor does server 3.
    let stale = replies(&before, &cluster(&[1, 2, 3]), &[1]);
    let late = replies(&after, &cluster(&[1, 2, 3]), &[3]);
    rounds().decide(&all([stale, late, replies(&after, &hidden, &[2])])).is(2, &[]);
}

/// It is in the metadata of its first cluster still.
#[test]
fn a_server_that_went_into_a_cluster_of_its_own() {
    for kind in [Kind::InnodbCluster, Kind::Auto] {
        let first = cluster(&[1, 2, 3]);
        let second = Cluster {
            cluster_id: "second".into(),
            group_name: Some("other".into()),
            ..cluster(&[3, 4])
        };
        let by = |view: &View, number: u16, of: &Cluster| says(number, with(view.by(number), of));
        let all = view(3, &[1, 2, 3], 1);
        let mut group = Rounds::new(kind, &[1, 2, 3]);
        group.decide(&[1, 2, 3].map(|number| by(&all, number, &first))).is(1, &[2, 3]);
        let other = View { name: "other", bootstrap: 200, ..view(1, &[3], 3) };
        let rest = view(4, &[1, 2], 1);
        let replies = [by(&rest, 1, &first), by(&rest, 2, &first), by(&other, 3, &second)];
        for _ in 0..2 {
            group.decide(&replies).is(1, &[2]);
        }
    }
}

#[test]
fn a_cluster_that_is_made_of_a_group_that_was_made_anew() {
    let members = |view: &View| view.replies(&[1, 2, 3]);
    let mut group = Rounds::new(Kind::Auto, &[1, 2, 3]);
    group.decide(&members(&view(3, &[1, 2, 3], 1))).is(1, &[2, 3]);
    let anew = View { bootstrap: 200, ..view(1, &[1, 2, 3], 2) };
    let cluster = cluster(&[1, 2, 3]);
    let by = |number: u16| says(number, with(anew.by(number), &cluster));
    group.decide(&[1, 2, 3].map(by)).is(2, &[1, 3]);
}
