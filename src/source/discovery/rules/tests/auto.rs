use super::*;
use crate::source::discovery::opinion::ClusterSet;

fn rounds() -> Rounds {
    Rounds::new(Kind::Auto, &[1, 2, 3])
}

fn healthy() -> View {
    view(3, &[1, 2, 3], 1)
}

fn in_cluster(numbers: &[u16]) -> Vec<Reply> {
    let cluster = cluster(&[1, 2, 3]);
    numbers.iter().map(|number| says(*number, with(healthy().by(*number), &cluster))).collect()
}

#[test]
fn what_its_servers_say() {
    let mut rounds = rounds();
    rounds.decide(&healthy().replies(&[1, 2, 3])).is(1, &[2, 3]);
    assert_eq!(rounds.memory.kind, Some(Kind::GroupReplication));

    let mut rounds = super::auto::rounds();
    let found = rounds.decide(&in_cluster(&[1, 2, 3]));
    assert_eq!(found.verdict.name.as_deref(), Some("farm"));
    assert_eq!(rounds.memory.kind, Some(Kind::InnodbCluster));

    let mut rounds = super::auto::rounds();
    let replies = [says(1, server(1, true)), says(2, replica(2, 1)), says(3, replica(3, 1))];
    rounds.decide(&replies).is(1, &[2, 3]);
    assert_eq!(rounds.memory.kind, Some(Kind::Replication));

    let mut set = cluster(&[1, 2, 3]);
    (set.is_replica_set, set.view_id, set.instances[0].is_primary) = (true, Some(1), true);
    let replies = [
        says(1, with(server(1, true), &set)),
        says(2, with(replica(2, 1), &set)),
        says(3, with(replica(3, 1), &set)),
    ];
    let mut rounds = super::auto::rounds();
    assert_eq!(rounds.decide(&replies).verdict.name.as_deref(), Some("farm"));
    assert_eq!(rounds.memory.kind, Some(Kind::ReplicaSet));

    let mut in_set = in_cluster(&[1, 2, 3]);
    for reply in &mut in_set {
        let Outcome::Opinion(opinion) = &mut reply.outcome else { panic!("an opinion") };
        let metadata = opinion.metadata.as_mut().expect("a copy");
        metadata.cluster_set = Some(ClusterSet { id: "set".into(), ..ClusterSet::default() });
    }
    let mut rounds = super::auto::rounds();
    rounds.decide(&in_set).has_no_primary("no primary cluster");
    assert_eq!(rounds.memory.kind, Some(Kind::ClusterSet));
}

#[test]
fn a_member_of_a_group_tells_at_once_and_others_do_not() {
    rounds().decide(&[healthy().reply(1), healthy().reply(2), pending(3)]).is(1, &[2]);
    rounds().waits(&[says(1, server(1, true)), says(2, replica(2, 1)), pending(3)]);
    // One that left, and takes writes, while the members are awaited.
    rounds().waits(&[says(1, server(1, true)), pending(2), pending(3)]);
    let rest = view(4, &[2, 3], 2);
    rounds().decide(&all([vec![says(1, server(1, true))], rest.replies(&[2, 3])])).is(2, &[3]);
}

#[test]
fn silence_does_not_change_the_kind() {
    let mut rounds = rounds();
    rounds.decide(&healthy().replies(&[1, 2, 3])).is(1, &[2, 3]);
    // Server 1 left, and takes writes; it would be the primary of a list of one.
    let alone = says(1, server(1, true));
    rounds.decide(&[alone.clone(), silent(2), silent(3)]).is(None, &[]);
    assert_eq!(rounds.memory.kind, Some(Kind::GroupReplication));
    rounds.keeps(&[silent(1), silent(2), silent(3)], "no answer");
    // All of them say so: it is another group by now.
    let replies = [alone, says(2, replica(2, 1)), says(3, replica(3, 1))];
    rounds.decide(&replies).is(1, &[2, 3]);
    assert_eq!(rounds.memory.kind, Some(Kind::Replication));
}

#[test]
fn metadata_that_is_made_for_a_group_in_use() {
    let mut rounds = rounds();
    rounds.decide(&healthy().replies(&[1, 2, 3])).is(1, &[2, 3]);
    rounds.decide(&all([in_cluster(&[1]), healthy().replies(&[2, 3])])).is(1, &[2, 3]);
    assert_eq!(rounds.memory.kind, Some(Kind::InnodbCluster));
    // Where it is missing on some, it is not gone.
    rounds.decide(&all([healthy().replies(&[2]), in_cluster(&[1]), vec![silent(3)]])).is(1, &[2]);
    assert_eq!(rounds.memory.kind, Some(Kind::InnodbCluster));
}

#[test]
fn nobody_answers() {
    let mut rounds = rounds();
    rounds.keeps(&[silent(1), silent(2), silent(3)], "db:3301");
    assert_eq!(rounds.memory.kind, None);
}
