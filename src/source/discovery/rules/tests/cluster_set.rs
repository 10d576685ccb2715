use super::*;
use crate::source::discovery::opinion::{ClusterSet, SetMember};

/// Servers 1 to 3 are cluster "one", 4 to 6 cluster "two".
fn rounds() -> Rounds {
    Rounds::new(Kind::ClusterSet, &[1, 2, 3, 4, 5, 6])
}

fn clusters() -> [Cluster; 2] {
    let of = |name: &str, members: &[u16]| Cluster {
        cluster_id: name.into(),
        name: name.into(),
        group_name: Some(name.into()),
        ..cluster(members)
    };
    [of("one", &[1, 2, 3]), of("two", &[4, 5, 6])]
}

/// A view of the set in which this cluster is the primary one.
fn set(view_id: u64, primary: &str) -> ClusterSet {
    let member = |cluster: Cluster| SetMember {
        is_primary: Some(cluster.name == primary),
        cluster,
        is_invalidated: false,
    };
    ClusterSet {
        id: "set".into(),
        name: "world".into(),
        view_id,
        clusters: clusters().map(member).into(),
        ..ClusterSet::default()
    }
}

fn in_set(opinion: Opinion, own: &Cluster, set: &ClusterSet) -> Opinion {
    let cluster_set = Some(set.clone());
    let metadata = Metadata { version: (2, 2, 0), own: Some(own.clone()), cluster_set };
    Opinion { metadata: Some(metadata), ..opinion }
}

/// All servers of a cluster, the first of which is the group's primary.
fn replies(own: &Cluster, set: &ClusterSet) -> Vec<Reply> {
    let members: Vec<u16> = own.instances.iter().map(|of| of.node.port - 3300).collect();
    let is_primary = set
        .clusters
        .iter()
        .any(|member| member.cluster.name == own.name && member.is_primary == Some(true));
    let name = if own.name == "one" { "one" } else { "two" };
    let view = View { name, ..view(3, &members, members[0]) };
    // Writes reach a replica cluster from the primary one alone.
    let view = View { writable: if is_primary { vec![members[0]] } else { vec![] }, ..view };
    let reply = |number: &u16| says(*number, in_set(view.by(*number), own, set));
    members.iter().map(reply).collect()
}

fn silence(numbers: &[u16]) -> Vec<Reply> {
    numbers.iter().map(|number| silent(*number)).collect()
}

#[test]
fn writes_go_to_the_primary_cluster() {
    let [one, two] = clusters();
    let set = set(1, "one");
    let found = rounds().decide(&all([replies(&one, &set), replies(&two, &set)]));
    found.is(1, &[2, 3]);
    assert_eq!(found.verdict.name.as_deref(), Some("world"));
    assert_eq!(found.verdict.members.len(), 6, "all are asked");
}

#[test]
fn the_newest_view_of_any_cluster_counts() {
    let [one, two] = clusters();
    // A failover by force: the old primary cluster does not know of it.
    let (before, after) = (set(7, "one"), set(7 + (1 << 32), "two"));
    let mut rounds = rounds();
    rounds.decide(&all([replies(&one, &before), replies(&two, &before)])).is(1, &[2, 3]);
    // One of each cluster has to say something.
    let waiting = [4, 5, 6].map(pending).to_vec();
    rounds.waits(&all([replies(&one, &before), waiting]));
    rounds.decide(&all([replies(&one, &before), replies(&two, &after)])).is(4, &[5, 6]);
    // The older one is not gone back to.
    let found = rounds.decide(&all([replies(&one, &before), silence(&[4, 5, 6])]));
    found.is(None, &[]);
    found.has_no_primary("cluster 'two'");
}

/// A replica cluster has tags and options as of when it replicated last.
#[test]
fn of_one_view_the_copy_counts_that_can_be_changed() {
    let [one, two] = clusters();
    let before = set(1, "one");
    let mut after = before.clone();
    after.clusters[0].cluster.instances[1].is_hidden = true;
    let of_two = replies(&two, &before);
    let mut rounds = rounds();
    rounds.decide(&all([replies(&one, &before), of_two.clone()])).is(1, &[2, 3]);
    rounds.decide(&all([replies(&one, &after), of_two.clone()])).is(1, &[3]);
    // And while it is silent nothing is undone.
    let mut silent = replies(&one, &before);
    silent[0] = super::silent(1);
    rounds.decide(&all([silent, of_two.clone()])).is(None, &[3]);
    rounds.decide(&all([replies(&one, &before), of_two])).is(1, &[2, 3]);
}

#[test]
fn one_seed_is_enough() {
    let [one, two] = clusters();
    let set = set(1, "two");
    let mut rounds = Rounds::new(Kind::ClusterSet, &[2]);
    let first = vec![replies(&one, &set)[1].clone()];
    assert_eq!(rounds.asks(&first), [4, 5, 6]);
    rounds.decide(&all([first, replies(&two, &set)])).is(4, &[5, 6]);
}

#[test]
fn an_invalidated_cluster() {
    let [one, two] = clusters();
    let mut set = set(3, "two");
    set.clusters[0].is_invalidated = true;
    set.clusters[0].is_primary = None;
    set.options.target_cluster = Some("one".into());
    let both = |set: &ClusterSet| all([replies(&one, set), replies(&two, set)]);
    let found = rounds().decide(&both(&set));
    found.is(None, &[]);
    found.has_no_primary("invalidated");
    set.options.invalidated_accepts_reads = true;
    // Its old primary may still take writes.
    let mut old = both(&set);
    let Outcome::Opinion(opinion) = &mut old[0].outcome else { panic!("an opinion") };
    (opinion.read_only, opinion.super_read_only) = (false, Some(false));
    let found = rounds().decide(&old);
    found.is(None, &[1, 2, 3]);
    found.has_no_primary("invalidated");
}

#[test]
fn a_target_cluster() {
    let [one, two] = clusters();
    let mut set = set(1, "one");
    let both = |set: &ClusterSet| all([replies(&one, set), replies(&two, set)]);
    for target in ["primary", "one"] {
        set.options.target_cluster = Some(target.into());
        rounds().decide(&both(&set)).is(1, &[2, 3]);
    }
    set.options.target_cluster = Some("two".into());
    let found = rounds().decide(&both(&set));
    found.is(None, &[4, 5, 6]);
    found.has_no_primary("cluster 'two' is a replica");
    // Its own primary takes none of the service's writes, unless both the option and it say so.
    set.options.use_replica_primary_as_rw = true;
    rounds().decide(&both(&set)).is(None, &[4, 5, 6]);
    let mut writable = both(&set);
    let Outcome::Opinion(opinion) = &mut writable[3].outcome else { panic!("an opinion") };
    (opinion.read_only, opinion.super_read_only) = (false, Some(false));
    rounds().decide(&writable).is(4, &[5, 6]);
    set.options.use_replica_primary_as_rw = false;
    let mut writable = both(&set);
    let Outcome::Opinion(opinion) = &mut writable[3].outcome else { panic!("an opinion") };
    (opinion.read_only, opinion.super_read_only) = (false, Some(false));
    rounds().decide(&writable).is(None, &[4, 5, 6]);
    set.options.target_cluster = Some("three".into());
    rounds().decide(&both(&set)).has_no_primary("target_cluster 'three'");
}

#[test]
fn a_set_without_a_primary_cluster_and_no_set() {
    let [one, two] = clusters();
    let none = set(1, "none");
    let both = all([replies(&one, &none), replies(&two, &none)]);
    rounds().decide(&both).has_no_primary("no primary cluster");
    let view = view(3, &[1, 2, 3], 1);
    let replies: Vec<_> =
        [1, 2, 3].map(|number| says(number, with(view.by(number), &one))).to_vec();
    let mut rounds = Rounds::new(Kind::ClusterSet, &[1, 2, 3]);
    rounds.decide(&replies).has_no_primary("in a ClusterSet");
    rounds.keeps(&silence(&[1, 2, 3]), "no answer");
}
