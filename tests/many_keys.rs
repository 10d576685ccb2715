//! Many keys at once, and intervals of them, against one key at a time.

use std::collections::BTreeSet;

use mysqlfabric::topology::{
    Compat, GroupId, Key, KeyError, Shard, ShardMap, ShardPositions, ShardingType,
};
use proptest::prelude::*;

const BOTH: [Compat; 2] = [Compat::Server, Compat::ConnectorPython];

fn map(kind: ShardingType, bounds: &BTreeSet<String>) -> ShardMap {
    let rows = bounds
        .iter()
        .enumerate()
        .map(|(at, bound)| (bound.as_str(), Shard { id: at as i64, group: GroupId(at as u32) }));
    ShardMap::new(kind, rows, |id| format!("{id:?}")).expect("a map")
}

#[derive(Debug, Clone)]
enum Owned {
    Integer(i64),
    Unsigned(u64),
    Text(Vec<u8>),
}

impl Owned {
    fn key(&self) -> Key<'_> {
        match self {
            Self::Integer(value) => Key::Integer(*value),
            Self::Unsigned(value) => Key::Unsigned(*value),
            Self::Text(text) => Key::Text(text),
        }
    }
}

fn datetime() -> impl Strategy<Value = String> {
    (1999i32..2003, 1u32..13, 1u32..29, 0u32..24)
        .prop_map(|(year, month, day, hour)| format!("{year}-{month:02}-{day:02} {hour:02}:00:00"))
}

/// Good keys of every type, and some that are good for none.
fn key() -> impl Strategy<Value = Owned> {
    prop_oneof![
        4 => (-50i64..50).prop_map(Owned::Integer),
        2 => any::<i64>().prop_map(Owned::Integer),
        2 => any::<u64>().prop_map(Owned::Unsigned),
        1 => (0u64..50).prop_map(Owned::Unsigned),
        2 => "[-+]?0{0,2}[1-9][0-9]{17,24}".prop_map(|text| Owned::Text(text.into_bytes())),
        2 => (-50i64..50).prop_map(|value| Owned::Text(value.to_string().into_bytes())),
        4 => "[a-cA-C ]{0,5}".prop_map(|text| Owned::Text(text.into_bytes())),
        2 => "\\PC{0,70}".prop_map(|text| Owned::Text(text.into_bytes())),
        2 => prop::collection::vec(any::<u8>(), 0..70).prop_map(Owned::Text),
        2 => datetime().prop_map(|text| Owned::Text(text.into_bytes())),
    ]
}

fn maps() -> impl Strategy<Value = ShardMap> {
    let set = |bound: BoxedStrategy<String>| prop::collection::btree_set(bound, 1..12);
    let integers = (-60i64..60).prop_map(|value| value.to_string()).boxed();
    let digests = any::<u128>().prop_map(|digest| format!("{digest:032X}")).boxed();
    prop_oneof![
        set(integers.clone()).prop_map(|bounds| map(ShardingType::Range, &bounds)),
        set(integers).prop_map(|bounds| map(ShardingType::RangeInteger, &bounds)),
        set("[a-cA-C]{0,3}".boxed()).prop_map(|bounds| map(ShardingType::RangeString, &bounds)),
        set(datetime().boxed()).prop_map(|bounds| map(ShardingType::RangeDatetime, &bounds)),
        set(digests).prop_map(|bounds| map(ShardingType::Hash, &bounds)),
    ]
}

fn group(map: &ShardMap, key: Key<'_>, compat: Compat) -> Result<GroupId, KeyError> {
    map.find(key, compat).map(|shard| shard.group)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn many_keys_are_found_where_each_is(
        map in maps(),
        keys in prop::collection::vec(key(), 0..150),
    ) {
        let keys: Vec<Key<'_>> = keys.iter().map(Owned::key).collect();
        for compat in BOTH {
            let mut found = vec![Ok(GroupId::NOWHERE); keys.len()];
            map.find_groups(&keys, compat, &mut found);
            let each: Vec<_> = keys.iter().map(|key| group(&map, *key, compat)).collect();
            prop_assert_eq!(found, each);
        }
    }

    /// The keys of an interval, all of them, one by one.
    #[test]
    fn an_interval_touches_the_shards_of_its_keys(
        bounds in prop::collection::btree_set(-30i64..30, 1..12),
        low in prop::option::of(-40i64..40),
        high in prop::option::of(-40i64..40),
    ) {
        let map = map(ShardingType::Range, &bounds.iter().map(i64::to_string).collect());
        for compat in BOTH {
            let keys = low.unwrap_or(-41)..=high.unwrap_or(41);
            let expected: BTreeSet<u32> = keys
                .filter_map(|key| group(&map, Key::Integer(key), compat).ok())
                .map(|group| group.0)
                .collect();
            let touched = map.touched(low.map(Key::Integer), high.map(Key::Integer), compat);
            prop_assert_eq!(groups(&map, &touched), expected);
        }
    }

    /// The ends of an interval of any type are in the shards it touches, and a key between two
    /// of them is in one between theirs.
    #[test]
    fn intervals_of_any_type_hold_what_is_between(map in maps(), keys in prop::collection::vec(key(), 3)) {
        let [low, middle, high] = [0, 1, 2].map(|at| keys[at].key());
        for compat in BOTH {
            let touched = map.touched(Some(low), Some(high), compat);
            if let Err((key, error)) = touched {
                let alone = group(&map, key, Compat::Server);
                prop_assert_eq!(alone, Err(error), "{:?}", key);
                prop_assert_ne!(error, KeyError::BelowLowest);
                continue;
            }
            let whole = groups(&map, &map.touched(None, None, compat));
            prop_assert_eq!(whole.len(), map.shards().len());
            let all = groups(&map, &touched);
            if all.is_empty() || map.touched(Some(low), Some(middle), compat).is_err() {
                continue;
            }
            // Halves make up the whole, if the middle is one.
            let first = groups(&map, &map.touched(Some(low), Some(middle), compat));
            let second = groups(&map, &map.touched(Some(middle), Some(high), compat));
            if !first.is_empty() && !second.is_empty() {
                prop_assert_eq!(first.union(&second).copied().collect::<BTreeSet<_>>(), all.clone());
                for key in [low, middle, high] {
                    if let Ok(group) = group(&map, key, compat) {
                        prop_assert!(all.contains(&group.0), "{:?}", key);
                    }
                }
            }
            let to_the_end = groups(&map, &map.touched(Some(low), None, compat));
            prop_assert!(to_the_end.is_superset(&all));
        }
    }
}

/// The groups of the shards, each of which must be there once.
fn groups<'k>(
    map: &ShardMap,
    touched: &Result<ShardPositions, (Key<'k>, KeyError)>,
) -> BTreeSet<u32> {
    let touched = touched.as_ref().expect("good keys");
    let listed: Vec<u32> =
        touched.iter().filter_map(|at| map.shard(at)).map(|shard| shard.group.0).collect();
    let groups: BTreeSet<u32> = listed.iter().copied().collect();
    assert_eq!(groups.len(), listed.len(), "none twice: {listed:?}");
    groups
}

#[test]
fn ends_of_intervals() {
    let bounds = ["1", "10", "20"].map(str::to_owned);
    let map = map(ShardingType::Range, &BTreeSet::from(bounds));
    // Sorted as texts: "1", "10", "20".
    let touched = |low: Option<i64>, high: Option<i64>, compat| -> Vec<usize> {
        let touched = map.touched(low.map(Key::Integer), high.map(Key::Integer), compat);
        touched.expect("good keys").iter().collect()
    };
    use Compat::{ConnectorPython, Server};
    assert_eq!(touched(Some(9), Some(10), Server), [0, 1]);
    assert_eq!(touched(Some(10), Some(19), Server), [1]);
    assert_eq!(touched(Some(20), Some(20), Server), [2]);
    assert_eq!(touched(Some(19), Some(10), Server), [0; 0]);
    assert_eq!(touched(Some(-5), Some(0), Server), [0; 0]);
    assert_eq!(touched(Some(-5), Some(1), Server), [0]);
    assert_eq!(touched(None, Some(0), Server), [0; 0]);
    assert_eq!(touched(Some(11), None, Server), [1, 2]);
    assert_eq!(touched(None, None, Server), [0, 1, 2]);
    let wide = |low: Key<'static>, high: Key<'static>| -> Vec<usize> {
        map.touched(Some(low), Some(high), Server).expect("good keys").iter().collect()
    };
    let (above, far) =
        (Key::Unsigned(1 << 63), Key::Text(b"1000000000000000000000000000000000000000000"));
    let (below, deep) = (
        Key::Text(b"-9223372036854775809"),
        Key::Text(b"-1000000000000000000000000000000000000000000"),
    );
    assert_eq!(wide(Key::Integer(10), above), [1, 2]);
    assert_eq!(wide(Key::Integer(i64::MAX), above), [2]);
    assert_eq!(wide(above, far), [2]);
    assert_eq!(wide(far, above), [0; 0]);
    assert_eq!(wide(above, Key::Unsigned(u64::MAX)), [2]);
    assert_eq!(wide(Key::Unsigned(u64::MAX), above), [0; 0]);
    assert_eq!(wide(deep, below), [0; 0]);
    assert_eq!(wide(below, Key::Unsigned(9)), [0]);
    assert_eq!(wide(deep, far), [0, 1, 2]);
    assert_eq!(touched(Some(-5), Some(0), ConnectorPython), [2]);
    assert_eq!(touched(Some(-5), Some(1), ConnectorPython), [0, 2]);
    assert_eq!(touched(None, None, ConnectorPython), [0, 1, 2]);
    assert_eq!(touched(Some(1), Some(5), ConnectorPython), [0]);
}
