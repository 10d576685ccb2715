//! What every file of the library keeps to, read in the source.

// Which way imports go is a rule of the house, too.
mod imports;

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

/// Where the tests at the end of a file begin.
fn start_of_tests(text: &str) -> usize {
    let conditions = ["#[cfg(test)]\nmod tests {", "#[cfg(all(test,"];
    conditions.iter().filter_map(|condition| text.find(condition)).min().unwrap_or(text.len())
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
        let tests = start_of_tests(&text);
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

/// What waits for another thread, and so for ever if a fork left that thread behind.
const WAITS: [&str; 8] =
    ["Mutex", "Condvar", "RwLock", "Barrier", "Once", "OnceLock", "LazyLock", "OnceCell"];

/// The paths that `text` imports or names in place, such as `std::sync::Mutex`.
fn paths_that_wait(text: &str) -> Vec<String> {
    let crates = ["std::sync::", "once_cell::sync::", "tokio::sync::", "parking_lot::"];
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    let mut found = Vec::new();
    for from in crates {
        for (place, _) in text.match_indices(from) {
            let rest = &text[place + from.len()..];
            let list = rest.strip_prefix('{').and_then(|rest| rest.split('}').next());
            let names = list.unwrap_or_else(|| rest.split(|c| !is_name(c)).next().unwrap());
            let names = names.split(|c| !is_name(c)).filter(|name| WAITS.contains(name));
            found.extend(names.map(|name| format!("{from}{name}")));
        }
    }
    found
}

#[test]
fn every_lock_has_a_rank_and_is_made_anew_in_a_child() {
    let tried = "use std::sync::{\n    Arc, Mutex,\n}; static A: std::sync::Once = Once::new();";
    assert_eq!(paths_that_wait(tried), ["std::sync::Mutex", "std::sync::Once"]);

    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for path in files(&root.join("src")) {
        let name = path.strip_prefix(root).unwrap().display().to_string();
        let text = fs::read_to_string(&path).unwrap();
        let tests = start_of_tests(&text);
        let mut found = paths_that_wait(&text[..tests]);
        // Where the outcome of a fetch is put: it lives and dies with the queue of a process.
        found.retain(|path| {
            (name.as_str(), path.as_str()) != ("src/sync.rs", "once_cell::sync::OnceCell")
        });
        let is_home = name == "src/base/sync.rs";
        assert!(
            is_home || found.is_empty(),
            "{name}: {found:?}; base::sync has what a fork leaves whole"
        );
    }
}

/// Words of Fabric's protocol, and the C API's names of options.
const OF_FABRIC: [&str; 8] = [
    " LIKE ",
    "XML",
    "xmlrpc",
    "threat.",
    "ttl_seconds",
    "dump.",
    "sharding_information",
    "fabric_options_",
];

#[test]
fn nobody_but_its_source_knows_how_fabric_is_asked() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut seen = 0;
    for path in files(&root.join("src")) {
        let name = path.strip_prefix(root).unwrap().display().to_string();
        let text = fs::read_to_string(&path).unwrap();
        let lines = text[..start_of_tests(&text)].lines().enumerate();
        let lines = lines.filter(|(_, line)| OF_FABRIC.iter().any(|word| line.contains(word)));
        match name.starts_with("src/source/fabric/") || name.starts_with("src/ffi/") {
            true => seen += lines.count(),
            // What messages advise is called by its name.
            false if name == "src/base/c_names.rs" => seen += lines.count(),
            false => found.extend(lines.map(|(at, line)| format!("{name}:{}: {line}", at + 1))),
        }
    }
    assert!(found.is_empty(), "it belongs to src/source/fabric or src/ffi: {found:#?}");
    assert!(seen > 100, "the rule finds what is there: {seen}");
}

/// The panic hook is one for all Rust code of a program, and so is the program's. In the libraries that
/// C programs link there is no other Rust code: that is what the feature is for.
#[test]
fn the_panic_hook_is_left_alone_in_a_rust_program() {
    let words = ["set_hook", "take_hook"];
    let found = lines_with(&words, &["src/ffi/boundary.rs"]);
    assert!(found.is_empty(), "a library has no hook: {found:#?}");
    let boundary = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ffi/boundary.rs");
    let boundary = fs::read_to_string(boundary).unwrap();
    let (before, hook) = boundary.split_once("take_hook").expect("the rule finds what is there");
    let (before, body) = before.rsplit_once("#[cfg(feature = \"quiet-panics\")]\n").unwrap();
    assert!(!before.contains("set_hook") && !hook.contains("take_hook"), "one place");
    // The condition is that of the block which takes the hook.
    assert!(body.trim_start().starts_with('{') && !body.contains("\n    }\n"), "{body}");
}

/// A library ends no process and is told by its options alone.
#[test]
fn the_process_is_the_programs() {
    let words = ["process::exit", "process::abort", "env::var", "env::set_var", "env::remove_var"];
    let found = lines_with(&words, &[]);
    assert!(found.is_empty(), "{found:#?}");
}
