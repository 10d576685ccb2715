//! What every file of the library keeps to, read in the source.

use std::fs;
use std::path::{Path, PathBuf};

/// Every Rust file below `dir`.
fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// The lines of the library, but for comments and the tests at the end of a file, that have one
/// of `words`: as "file:line: text". Files in `but` are not looked at.
fn lines_with(words: &[&str], but: &[&str]) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for path in files(&root.join("src")) {
        let name = path.strip_prefix(root).unwrap().display().to_string();
        if but.contains(&name.as_str()) {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let tests = text.find("#[cfg(test)]\nmod ").unwrap_or(text.len());
        for (number, line) in text[..tests].lines().enumerate() {
            let is_comment = line.trim_start().starts_with("//");
            if !is_comment && words.iter().any(|word| line.contains(word)) {
                found.push(format!("{name}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    found
}

#[test]
fn every_thread_starts_in_one_place() {
    let words = ["thread::spawn", "thread::Builder", "scope.spawn", "spawn_scoped"];
    let found = lines_with(&words, &["src/base/thread.rs"]);
    assert!(found.is_empty(), "start it with base::thread::start: {found:#?}");
    assert_eq!(lines_with(&["Builder::new().name("], &[]).len(), 1, "the rule finds what is there");
}
