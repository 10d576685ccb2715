//! What the documents say is so: the program in the README is the one that is built and run, and files
//! that they name are there.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every document that is written by hand, but CHANGELOG.md, which tells of what was.
fn documents() -> Vec<PathBuf> {
    let named = ["README.md", "CONTRIBUTING.md", "RELEASING.md", "SECURITY.md"];
    let folders = ["docs", "tests", "fabricd"];
    let mut found: Vec<PathBuf> = named.iter().map(|name| root().join(name)).collect();
    for folder in folders {
        let entries = fs::read_dir(root().join(folder)).expect("a folder");
        let paths = entries.map(|entry| entry.expect("an entry").path());
        found.extend(paths.filter(|path| path.extension().is_some_and(|is| is == "md")));
    }
    assert!(found.len() > 8, "{found:?}");
    found
}

#[test]
fn programs_of_the_readme_are_those_that_are_run() {
    let readme = read(&root().join("README.md"));
    let quickstart = read(&root().join("examples-c/quickstart.c"));
    assert!(readme.contains(&quickstart));
    let service = read(&root().join("examples-c/service.c"));
    let parts: Vec<&str> =
        readme.split("```c\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert_eq!(parts.len(), 2, "parts of C programs");
    for part in parts {
        assert!(quickstart.contains(part) || service.contains(part), "no example has: {part}");
    }
}

/// Each part of a program in docs/PATTERNS.md is in the file that the last link before it leads to, line
/// by line but for how far they are indented.
#[test]
fn the_patterns_are_cut_from_programs_that_are_run() {
    let lines = |text: &str| text.lines().map(|line| line.trim().to_owned()).collect::<Vec<_>>();
    let document = read(&root().join("docs/PATTERNS.md"));
    let mut parts: Vec<&str> = document.split("```").collect();
    parts.pop();
    let mut languages = Vec::new();
    for pair in parts.chunks(2) {
        let [before, part] = pair else { panic!("a part has no end") };
        let (_, link) = before.rsplit_once("From [").expect("a part says where it is from");
        let path = link.split_once("](../").and_then(|(_, rest)| rest.split(')').next());
        let path = path.expect("a link to the file");
        let (language, part) = part.split_once('\n').expect("a language");
        let (whole, part) = (lines(&read(&root().join(path))), lines(part));
        assert!(
            part.len() > 2 && whole.windows(part.len()).any(|at| at == part),
            "{path}: {part:#?}"
        );
        languages.push(language);
    }
    languages.dedup();
    assert_eq!(languages, ["c", "cpp", "go", "python"]);
}

#[test]
fn the_readme_says_how_many_goals_are_missed() {
    let document = read(&root().join("docs/PERFORMANCE.md"));
    let (_, tables) = document.split_once("<!-- tables begin -->").expect("the tables");
    let ending = |verdict: &str| tables.lines().filter(|line| line.ends_with(verdict)).count();
    let missed = ending("| **no** |");
    let all = missed + ending("| yes |");
    assert!(all > 100, "{all} rows with a goal");
    let said = format!("{all} rows have a goal, {missed} miss it");
    assert!(read(&root().join("README.md")).contains(&said), "README.md does not say: {said}");
}

#[test]
fn links_lead_to_files_that_exist() {
    let mut seen = 0;
    for document in documents() {
        let text = read(&document);
        let links = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        let folder = document.parent().expect("a folder");
        for link in links.filter(|link| !link.starts_with("http")) {
            let file = link.split('#').next().unwrap_or_default();
            assert!(folder.join(file).exists(), "{} links to {link}", document.display());
            seen += 1;
        }
    }
    assert!(seen > 20, "{seen} links");
}

/// Whoever moves a file takes the words about it along.
#[test]
fn paths_that_are_named_exist() {
    let is_path = |word: &&str| {
        let (folder, rest) = word.split_once('/').unwrap_or_default();
        let known = root().join(folder).is_dir() || root().join("src").join(folder).is_dir();
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "_./-".contains(c);
        !folder.is_empty() && known && !rest.is_empty() && word.chars().all(is_plain)
    };
    // What builds make is not in the tree.
    let is_made = |word: &str| ["build/", "target/"].iter().any(|made| word.starts_with(made));
    let mut seen = 0;
    for document in documents() {
        let folders = [root(), &root().join("src"), document.parent().expect("a folder")];
        let text = read(&document);
        for word in text.split('`').skip(1).step_by(2).filter(is_path) {
            let exists = folders.iter().any(|folder| folder.join(word).exists());
            assert!(exists || is_made(word), "{} names `{word}`", document.display());
            seen += 1;
        }
    }
    assert!(seen > 60, "{seen} paths");
}

#[test]
fn the_order_of_locks_is_told() {
    let ranks = read(&root().join("src/base/rank.rs"));
    let names = ranks.lines().filter_map(|line| {
        let (name, number) = line.strip_prefix("pub(crate) const ")?.split_once(": u8 = ")?;
        Some((number.trim_end_matches(';').parse::<u8>().expect("a rank"), name))
    });
    let mut names: Vec<(u8, &str)> = names.collect();
    names.sort_unstable();
    assert!(names.len() > 5, "{names:?}");
    let order: Vec<String> = names.iter().map(|(_, name)| format!("`{name}`")).collect();
    let document = read(&root().join("docs/ARCHITECTURE.md"));
    let words: Vec<&str> = document.split_whitespace().collect();
    let order = order.join(", ");
    assert!(words.join(" ").contains(&order), "docs/ARCHITECTURE.md has not: {order}");
}
