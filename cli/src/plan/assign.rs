//! Which group gets which shard.

/// The group of each shard. Every group gets as many shards as any other, or one more. `held` says which
/// parts of a shard are in which groups already, and where it has some few keys move: the largest parts
/// stay first. Shards that nobody has are dealt out in turns.
pub fn assign(
    shards: usize,
    groups: usize,
    held: impl Fn(usize) -> Vec<(usize, f64)>,
) -> Vec<usize> {
    let parts = (0..shards).flat_map(|shard| {
        let parts = held(shard).into_iter();
        parts.map(move |(group, part)| (part, shard, group)).collect::<Vec<_>>()
    });
    let mut parts: Vec<(f64, usize, usize)> = parts.filter(|(part, ..)| *part > 0.0).collect();
    // Of equal ones the first shards and groups, so that the same question has the same answer.
    parts.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    let (each, mut one_more) = (shards / groups, shards % groups);
    let mut assigned: Vec<Option<usize>> = vec![None; shards];
    let mut count = vec![0; groups];
    for (_, shard, group) in parts {
        if assigned[shard].is_some() || count[group] > each {
            continue;
        }
        if count[group] == each {
            if one_more == 0 {
                continue;
            }
            one_more -= 1;
        }
        assigned[shard] = Some(group);
        count[group] += 1;
    }
    // What is left goes round by turns, to those that have the fewest.
    let mut next = 0;
    for place in assigned.iter_mut().filter(|place| place.is_none()) {
        let turns = (0..groups).map(|turn| (next + turn) % groups);
        let Some(group) = turns.min_by_key(|group| count[*group]) else { break };
        (*place, next) = (Some(group), group + 1);
        count[group] += 1;
    }
    assigned.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(assigned: &[usize], groups: usize) -> Vec<usize> {
        (0..groups).map(|group| assigned.iter().filter(|of| **of == group).count()).collect()
    }

    #[test]
    fn shards_are_dealt_out_in_turns() {
        assert_eq!(assign(5, 2, |_| vec![]), [0, 1, 0, 1, 0]);
        assert_eq!(assign(2, 3, |_| vec![]), [0, 1]);
    }

    #[test]
    fn what_a_group_has_stays_there_as_long_as_it_is_its_turn() {
        let old = [0, 0, 1, 1, 0, 0];
        assert_eq!(assign(6, 3, |shard| vec![(old[shard], 1.0)]), [0, 0, 1, 1, 2, 2]);
        let all = assign(7, 2, |_| vec![(1, 1.0)]);
        assert_eq!(counts(&all, 2), [3, 4]);
        for (shards, groups) in [(1, 1), (10, 3), (11, 3), (64, 7), (3, 5)] {
            let part = |shard: usize, group: usize| ((shard * 7 + group * 3) % 5) as f64;
            let held = |shard| (0..groups).map(|group| (group, part(shard, group))).collect();
            let counts = counts(&assign(shards, groups, held), groups);
            let (least, most) = (counts.iter().min().unwrap(), counts.iter().max().unwrap());
            assert!(most - least <= 1, "{shards} of {groups}: {counts:?}");
            assert_eq!(counts.iter().sum::<usize>(), shards);
        }
    }
}
