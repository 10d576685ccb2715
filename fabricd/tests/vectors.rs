//! Lookups against what real nodes decided.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{data, recorded};
use fabricd::{Farm, Value, lookup};

/// Lines checked, and those that differ.
fn check(farm: &Farm, dir: &Path) -> (usize, Vec<String>) {
    let mut checked = 0;
    let mut wrong = Vec::new();
    let mut files: Vec<PathBuf> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "jsonl"))
        .collect();
    files.sort();
    for path in files {
        for line in fs::read_to_string(&path).unwrap().lines() {
            let vector: serde_json::Value = serde_json::from_str(line).unwrap();
            let text = |name: &str| vector[name].as_str().unwrap_or_default();
            let mapping = farm.mapping_of(text("table")).expect("a table of the farm");
            // Integer keys of RANGE tables went as <int>, all others as text.
            let number = text("key").parse().ok().filter(|_| text("key_type") == "int");
            let key = match number {
                Some(number) if mapping.type_name != "HASH" => Value::Int(number),
                _ => Value::from(text("key")),
            };
            let want = match vector["group"].as_str() {
                Some(group) => Ok(group.to_owned()),
                None => Err(text("error").lines().next().unwrap_or_default().to_owned()),
            };
            let got = lookup::shard(mapping, &key, false).map(|s| s.group.clone());
            let same = match (&want, &got) {
                (Ok(want), Ok(got)) => want == got,
                // Keys have line ends in them, and a traceback follows some errors.
                (Err(want), Err(got)) => got.lines().next().unwrap_or_default() == want,
                _ => false,
            };
            checked += 1;
            if !same {
                wrong.push(format!("{line}\n  got {got:?}"));
            }
        }
    }
    (checked, wrong)
}

fn farm() -> Farm {
    Farm::from_file(data("farm-vectors.json")).unwrap()
}

#[test]
fn every_recorded_lookup() {
    let (checked, wrong) = check(&farm(), &recorded("vectors"));
    println!("{checked} lookups checked");
    let shown = wrong.iter().take(20).cloned().collect::<Vec<_>>().join("\n");
    assert!(wrong.is_empty(), "{} of {checked}\n{shown}", wrong.len());
    assert_eq!(checked, 16_389);
}
