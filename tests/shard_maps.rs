//! The shard maps against a model that is too simple to be wrong: look at every bound, keep the
//! greatest that is not above the key.

use std::collections::BTreeSet;

use mysqlfabric::topology::{Compat, GroupId, Key, KeyError, Shard, ShardMap, ShardingType};
use proptest::prelude::*;

fn map(kind: ShardingType, bounds: &[String]) -> ShardMap {
    let rows = bounds
        .iter()
        .enumerate()
        .map(|(at, bound)| (bound.as_str(), Shard { id: at as i64, group: GroupId(at as u32) }));
    ShardMap::new(kind, rows, |id| format!("{id:?}")).expect("a map")
}

/// The index of the bound that holds the key, by a scan with `at_most`.
fn scan<B: Clone>(
    bounds: &[B],
    at_most: impl Fn(&B) -> bool,
    less: impl Fn(&B, &B) -> bool,
) -> Option<usize> {
    let mut best: Option<usize> = None;
    for (at, bound) in bounds.iter().enumerate() {
        if at_most(bound) && best.is_none_or(|best| less(&bounds[best], bound)) {
            best = Some(at);
        }
    }
    best
}

fn extreme<B>(bounds: &[B], less: impl Fn(&B, &B) -> bool) -> usize {
    (1..bounds.len()).fold(0, |best, at| if less(&bounds[best], &bounds[at]) { at } else { best })
}

fn found(map: &ShardMap, key: Key<'_>, compat: Compat) -> Result<usize, KeyError> {
    map.find(key, compat).map(|shard| shard.id as usize)
}

/// Distinct by `same`, in an order that has nothing to do with theirs.
fn distinct<B>(values: Vec<B>, same: impl Fn(&B, &B) -> bool) -> Vec<B> {
    let mut kept: Vec<B> = Vec::new();
    for value in values {
        if !kept.iter().any(|known| same(known, &value)) {
            kept.push(value);
        }
    }
    kept
}

fn integer() -> impl Strategy<Value = i64> {
    prop_oneof![-20i64..20, any::<i64>(), Just(i64::MIN), Just(i64::MAX)]
}

fn any_integer() -> impl Strategy<Value = i128> {
    let beyond = [i128::from(i64::MIN), i128::from(i64::MAX), i128::from(u64::MAX)];
    prop_oneof![
        -20i128..20,
        (prop::sample::select(beyond.to_vec()), -2i128..3).prop_map(|(edge, more)| edge + more),
        any::<u64>().prop_map(i128::from),
        any::<i128>(),
    ]
}

/// Blank padding, written as plainly as it can be: pad both to one length and compare.
fn padded(a: &str, b: &str) -> std::cmp::Ordering {
    let length = a.len().max(b.len());
    let pad = |text: &str| {
        let mut bytes = text.as_bytes().to_vec();
        bytes.resize(length, b' ');
        bytes
    };
    pad(a).cmp(&pad(b))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn integers(bounds in prop::collection::vec(integer(), 1..12), keys in prop::collection::vec(integer(), 20)) {
        let bounds = distinct(bounds, |a, b| a == b);
        let map = map(ShardingType::Range, &bounds.iter().map(i64::to_string).collect::<Vec<_>>());
        for key in keys.into_iter().chain(bounds.iter().copied()) {
            let expected = scan(&bounds, |bound| *bound <= key, |a, b| a < b);
            let server = expected.ok_or(KeyError::BelowLowest);
            prop_assert_eq!(found(&map, Key::Integer(key), Compat::Server), server);
            let text = key.to_string();
            prop_assert_eq!(found(&map, Key::Text(text.as_bytes()), Compat::Server), server);
            let reference = expected.unwrap_or_else(|| extreme(&bounds, |a, b| a < b));
            prop_assert_eq!(found(&map, Key::Integer(key), Compat::ConnectorPython), Ok(reference));
        }
    }

    /// Bounds have 64 bits and a sign; keys go further, both ways.
    #[test]
    fn integers_of_any_length(
        bounds in prop::collection::vec(integer(), 1..12),
        keys in prop::collection::vec(any_integer(), 20),
    ) {
        let bounds = distinct(bounds, |a, b| a == b);
        let map = map(ShardingType::RangeInteger, &bounds.iter().map(i64::to_string).collect::<Vec<_>>());
        for key in keys {
            let expected = scan(&bounds, |bound| i128::from(*bound) <= key, |a, b| a < b);
            let server = expected.ok_or(KeyError::BelowLowest);
            let reference = expected.unwrap_or_else(|| extreme(&bounds, |a, b| a < b));
            for text in [key.to_string(), format!("{key:+030}"), format!("{key:060}")] {
                let key = Key::Text(text.as_bytes());
                prop_assert_eq!(found(&map, key, Compat::Server), server, "{}", text);
                prop_assert_eq!(found(&map, key, Compat::ConnectorPython), Ok(reference), "{}", text);
            }
            if let Ok(key) = u64::try_from(key) {
                prop_assert_eq!(found(&map, Key::Unsigned(key), Compat::Server), server, "{}", key);
                let group = map.find_group(Key::Unsigned(key), Compat::Server).ok();
                prop_assert_eq!(group.map(|group| group.0 as usize), expected);
            }
        }
    }

    #[test]
    fn strings(
        bounds in prop::collection::vec("[ \t!AMaé😀]{0,4}", 1..10),
        keys in prop::collection::vec("[ \t!AMaé😀]{0,5}", 20),
    ) {
        let bounds = distinct(bounds, |a, b| padded(a, b).is_eq());
        let map = map(ShardingType::RangeString, &bounds);
        for key in keys.iter().chain(&bounds) {
            let expected = scan(&bounds, |bound| padded(bound, key).is_le(), |a, b| padded(a, b).is_lt());
            let ours = found(&map, Key::Text(key.as_bytes()), Compat::Server);
            prop_assert_eq!(ours, expected.ok_or(KeyError::BelowLowest), "{:?} in {:?}", key, bounds);
        }
    }

    #[test]
    fn date_times(
        bounds in prop::collection::vec((1990u32..2030, 0u32..13, 0u32..29), 1..10),
        keys in prop::collection::vec((1990u32..2030, 0u32..13, 0u32..29, 0u32..24, 0u32..60, 0u32..60), 20),
    ) {
        // With fixed widths the order of the texts is the order of the times.
        let bounds: Vec<String> = bounds.iter().map(|(y, m, d)| format!("{y:04}-{m:02}-{d:02}")).collect();
        let bounds = distinct(bounds, |a, b| a == b);
        let map = map(ShardingType::RangeDatetime, &bounds);
        for (y, m, d, h, i, s) in keys {
            let key = format!("{y:04}-{m:02}-{d:02} {h:02}:{i:02}:{s:02}");
            let at_most = |bound: &String| format!("{bound} 00:00:00") <= key;
            let expected = scan(&bounds, at_most, |a, b| a < b).ok_or(KeyError::BelowLowest);
            for form in [key.clone(), key.replace(' ', "T"), key.replace(['-', ' ', ':'], ""), format!("{key}.499")] {
                prop_assert_eq!(found(&map, Key::Text(form.as_bytes()), Compat::Server), expected, "{}", form);
            }
        }
    }

    #[test]
    fn digests(
        bounds in prop::collection::vec(any::<u128>(), 1..12),
        keys in prop::collection::vec("[a-z0-9é]{0,80}", 20),
        integers in prop::collection::vec(integer(), 5),
        unsigned in prop::collection::vec(any::<u64>(), 5),
    ) {
        use md5::{Digest, Md5};
        let bounds: Vec<String> = bounds.iter().map(|bound| format!("{bound:032X}")).collect();
        let bounds = distinct(bounds, |a, b| a == b);
        let map = map(ShardingType::Hash, &bounds);
        let check = |key: Key<'_>, text: &str| -> Result<(), TestCaseError> {
            let digest: String = Md5::digest(text).iter().map(|byte| format!("{byte:02X}")).collect();
            let expected = scan(&bounds, |bound| *bound <= digest, |a, b| a < b);
            let highest = extreme(&bounds, |a, b| a < b);
            let lowest = extreme(&bounds, |a, b| a > b);
            prop_assert_eq!(found(&map, key, Compat::Server), Ok(expected.unwrap_or(highest)));
            prop_assert_eq!(found(&map, key, Compat::ConnectorPython), Ok(expected.unwrap_or(lowest)));
            Ok(())
        };
        for key in &keys {
            check(Key::Text(key.as_bytes()), key)?;
        }
        for key in integers {
            check(Key::Integer(key), &key.to_string())?;
        }
        for key in unsigned {
            check(Key::Unsigned(key), &key.to_string())?;
        }
    }

    #[test]
    fn any_bytes_as_any_key_are_answered_or_refused(
        bytes in prop::collection::vec(any::<u8>(), 0..40),
        digits in "[0-9]{4}[-/]?[0-9]{2}[-/]?[0-9]{2}[T ]?[0-9:.]{0,12}",
    ) {
        let maps = [
            map(ShardingType::RangeInteger, &["0".into(), "10".into()]),
            map(ShardingType::RangeString, &["".into(), "k".into()]),
            map(ShardingType::RangeDatetime, &["1000-01-01".into(), "2000-01-01".into()]),
            map(ShardingType::Hash, &["8".repeat(32), "F".repeat(32)]),
        ];
        for map in &maps {
            let _ = found(map, Key::Text(&bytes), Compat::Server);
            let _ = found(map, Key::Text(digits.as_bytes()), Compat::Server);
        }
        let hashed = found(&maps[3], Key::Text(&bytes), Compat::Server);
        prop_assert_eq!(hashed.is_ok(), std::str::from_utf8(&bytes).is_ok());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn lost_bounds_stay_until_they_are_let_go(
        before in prop::collection::vec("[ aé]{0,3}|[ab]{14,18}", 1..12),
        after in prop::collection::vec("[ aé]{0,3}|[ab]{14,18}", 1..12),
    ) {
        let same = |a: &String, b: &String| padded(a, b).is_eq();
        let (before, after) = (distinct(before, same), distinct(after, same));
        let listed = map(ShardingType::RangeString, &after);
        let kept = map(ShardingType::RangeString, &after)
            .keeping(&map(ShardingType::RangeString, &before), 7);
        let lost = |bound: &String| !after.iter().any(|known| same(known, bound));
        let lost: BTreeSet<String> =
            before.iter().filter(|bound| lost(bound)).map(|b| b.trim_end_matches(' ').to_owned()).collect();
        prop_assert_eq!(kept.len(), after.len() + lost.len());
        for (at, shard) in kept.shards().enumerate() {
            let bound = kept.bound_text(at);
            prop_assert_eq!(shard.is_kept(), lost.contains(bound.trim_end_matches(' ')));
            prop_assert_eq!(shard.is_kept(), shard.group == GroupId::NOWHERE);
            prop_assert_eq!(shard.is_kept(), kept.key_at(&bound).is_some());
        }
        let kept_bounds = kept.shards().enumerate().filter(|(_, shard)| shard.is_kept());
        let mut bounds: BTreeSet<String> = kept_bounds.map(|(at, _)| kept.bound_text(at)).collect();
        match kept.without_missing(|shard| shard.missing_since() == Some(7)) {
            Some(rest) => prop_assert_eq!(rest.as_ref(), Some(&listed)),
            None => prop_assert!(bounds.is_empty()),
        }
        prop_assert!(kept.without_missing(|shard| shard.missing_since() != Some(7)).is_none());
        if let Some(first) = bounds.pop_first() {
            let back = kept.resolved(&first, GroupId(77)).expect("a map");
            prop_assert!(back.shards().any(|shard| shard.group == GroupId(77) && shard.is_kept()));
            let again = map(ShardingType::RangeString, &after).keeping(&back, 8);
            prop_assert_eq!(&again, &back, "the same map says nothing new");
        }
    }
}
