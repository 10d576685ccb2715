//! The symbols of the shared library are the functions of the header, no more and no fewer, and
//! the C tests pass NULL to each of them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The `fabric_` words that are followed by a parenthesis, outside comments.
fn called(c: &str) -> BTreeSet<String> {
    let mut code = String::new();
    let mut rest = c;
    while let Some((before, comment)) = rest.split_once("/*") {
        code.push_str(before);
        rest = comment.split_once("*/").map_or("", |(_, after)| after);
    }
    code.push_str(rest);
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut names = BTreeSet::new();
    for (at, _) in code.match_indices("fabric_") {
        let begins = !code[..at].ends_with(word);
        let name: String = code[at..].chars().take_while(|c| word(*c)).collect();
        if begins && code[at + name.len()..].starts_with('(') {
            names.insert(name);
        }
    }
    names
}

fn declared() -> BTreeSet<String> {
    let header = fs::read_to_string(root().join("include/mysqlfabric.h")).expect("the header");
    let names = called(&header);
    assert!(names.len() > 40, "{names:?}");
    names
}

/// The library that cargo built along with this test, before cargo copies it anywhere.
fn library() -> PathBuf {
    let test = env::current_exe().expect("this test's path");
    let profile = test.parent().and_then(Path::parent).expect("target/profile/deps");
    let name = format!("{}mysqlfabric{}", env::consts::DLL_PREFIX, env::consts::DLL_SUFFIX);
    let candidates = [profile.join("deps").join(&name), profile.join(&name)];
    let age = |path: &PathBuf| fs::metadata(path).and_then(|found| found.modified()).ok();
    let newest = candidates.into_iter().filter(|path| path.exists()).max_by_key(age);
    newest.unwrap_or_else(|| panic!("no {name} below {}; run cargo build", profile.display()))
}

#[test]
fn the_library_exports_what_the_header_declares() {
    let library = library();
    let nm = Command::new("nm").args(["-D", "--defined-only"]).arg(&library).output();
    let nm = nm.expect("nm is missing; install binutils");
    assert!(nm.status.success(), "{}", String::from_utf8_lossy(&nm.stderr));
    let text = String::from_utf8(nm.stdout).expect("ASCII");
    let mut exported: BTreeSet<String> =
        text.lines().filter_map(|line| line.split_whitespace().last()).map(str::to_owned).collect();
    if cfg!(feature = "test-hooks") {
        assert!(exported.remove("fabric_test_panic"));
    }
    assert_eq!(exported, declared(), "{}", library.display());
}

/// What a header defines is in the way of every program that includes it.
#[test]
fn the_header_keeps_to_its_own_names() {
    let header = fs::read_to_string(root().join("include/mysqlfabric.h")).expect("the header");
    let strangers = |line: &&str| {
        let begins = |names: [&str; 2], name: &str| names.iter().any(|own| name.starts_with(own));
        let mut words = line.split_whitespace();
        match words.next() {
            Some("#define") => !begins(["FABRIC_", "MYSQLFABRIC_H"], words.next().unwrap_or("")),
            Some("typedef" | "struct" | "enum" | "union") => !line.contains("fabric_"),
            _ => false,
        }
    };
    assert_eq!(header.lines().filter(strangers).collect::<Vec<_>>(), Vec::<&str>::new());
}

#[test]
fn null_is_passed_to_every_function() {
    let path = root().join("tests/c/nulls.c");
    let tried = called(&fs::read_to_string(path).expect("tests/c/nulls.c"));
    let forgotten: Vec<String> = declared().difference(&tried).cloned().collect();
    assert!(forgotten.is_empty(), "tests/c/nulls.c leaves out {forgotten:?}");
}
