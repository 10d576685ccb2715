//! What a handle says of a farm that is not as it should be: enough, and not more.

use fabricd::{Farm, Mapping, Shard, State, Table};
use mysqlfabric::router::Router;

use crate::support::*;

/// `count` mappings of one table each, with ten shards.
fn mappings(count: usize, type_name: &str, name: impl Fn(usize) -> String) -> Vec<Mapping> {
    let shard = |id, at: usize| Shard {
        id: id * 100 + at as i64,
        lower_bound: at.to_string(),
        group: "shard1".into(),
        state: State::Enabled,
    };
    let mapping = |at: usize| Mapping {
        id: 1000 + at as i64,
        type_name: type_name.into(),
        global_group: "global".into(),
        tables: vec![Table { schema: "odd".into(), table: name(at), column: "id".into() }],
        shards: (0..10).map(|shard_at| shard(1000 + at as i64, shard_at)).collect(),
    };
    (0..count).map(mapping).collect()
}

/// How many lines hold `text` after each of three looks at the whole farm.
fn lines(farm: Farm, text: &str) -> [usize; 3] {
    let server = start(farm);
    let heard = Heard::default();
    let mut config = config(&[&server]);
    config.log = heard.log();
    let router = Router::new(config);
    [(); 3].map(|()| {
        router.seed(None).expect("the farm loads");
        heard.messages().iter().filter(|message| message.contains(text)).count()
    })
}

#[test]
fn many_tables_that_cannot_be_used_are_told_of_in_few_lines_and_once() {
    let mut farm = Farm::sample();
    farm.mappings.extend(mappings(300, "RANGE", |at| format!("two.dots{at}")));
    let counts = lines(farm, "more than one dot");
    assert!((2..=30).contains(&counts[0]) && counts[2] == counts[0], "{counts:?}");

    let mut farm = Farm::sample();
    farm.mappings.extend(mappings(300, "LIST", |at| format!("list{at}")));
    let counts = lines(farm, "unusable");
    assert!((2..=30).contains(&counts[0]) && counts[2] == counts[0], "{counts:?}");
}

#[test]
fn names_from_the_farm_do_not_make_lines_of_their_own() {
    let mut farm = Farm::sample();
    farm.mappings.extend(mappings(1, "LIST\nFATAL: all is lost\u{1b}[2J", |_| "t".into()));
    let server = start(farm);
    let heard = Heard::default();
    let mut config = config(&[&server]);
    config.log = heard.log();
    Router::new(config).seed(None).expect("the farm loads");
    assert!(heard.says("LIST\\nFATAL: all is lost"), "{:?}", heard.messages());
    let broken = |message: &String| message.chars().any(char::is_control) || message.len() > 4000;
    assert!(!heard.messages().iter().any(broken), "{:?}", heard.messages());
}
