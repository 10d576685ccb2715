//! Imports go one way, read in the source: from folder to folder down the list below, and from file
//! to file without a circle. The way is `ffi -> router -> refresh -> source -> topology -> base`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Each folder, or file, right below `src`, and what it may import. Only what stands further down
/// can be in such a list, so that there is no circle of folders.
const FOLDERS: &[(&str, &[&str])] = &[
    ("ffi", &["router", "config", "observe", "thread_cache", "topology", "base"]),
    ("router", &["refresh", "source", "config", "observe", "thread_cache", "topology", "base"]),
    (
        "refresh",
        &["source", "store", "config", "observe", "thread_cache", "sync", "topology", "base"],
    ),
    (
        "source",
        &["source/fabric", "store", "mysql", "net", "config", "observe", "topology", "base"],
    ),
    // What speaks with Fabric is the sources' own business.
    ("source/fabric", &["source", "mysql", "net", "config", "observe", "topology", "base"]),
    ("store", &["config", "observe", "topology", "base"]),
    ("mysql", &["net", "config", "base"]),
    ("net", &["config", "base"]),
    ("config", &["observe", "topology", "base"]),
    ("observe", &["thread_cache", "topology", "base"]),
    ("thread_cache", &["topology", "base"]),
    ("sync", &["base"]),
    ("topology", &[]),
    ("base", &[]),
];

/// Imports against the order that cannot go yet: the file, what it imports, and why. One that is not
/// there any more fails, so that the list can only shrink.
const FOLDER_EXCEPTIONS: &[(&str, &str, &str)] = &[];

/// Files through which circles still go, and why. With these left out there must be none, and one
/// that no circle goes through fails.
const CIRCLE_EXCEPTIONS: &[(&str, &str)] = &[];

/// A path such as `crate::base::sync::Mutex`, in segments, without `crate`.
type Import = Vec<String>;

/// The source, by file: `refresh/mod.rs` and its text, without comments, texts and unit tests.
struct Source {
    files: BTreeMap<String, String>,
}

impl Source {
    fn read() -> Self {
        fn collect(dir: &Path, found: &mut Vec<PathBuf>) {
            for entry in fs::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                match path.is_dir() {
                    true => collect(&path, found),
                    false => found.push(path),
                }
            }
        }
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut paths = Vec::new();
        collect(&root, &mut paths);
        let files = paths.into_iter().map(|path| {
            let name = path.strip_prefix(&root).unwrap().display().to_string();
            (name, code_of(&fs::read_to_string(&path).unwrap()))
        });
        Self { files: files.collect() }
    }

    /// The file in which a module is.
    fn file(&self, module: &[String]) -> Option<String> {
        let path = module.join("/");
        let names = match module {
            [] => ["lib.rs".to_owned(), String::new()],
            _ => [format!("{path}.rs"), format!("{path}/mod.rs")],
        };
        names.into_iter().find(|name| self.files.contains_key(name))
    }

    /// The file in which the thing is that `path` names: that of the last module in it, or where
    /// that has the thing from.
    fn home(&self, path: &[String]) -> String {
        let modules = (0..=path.len()).rev().find(|length| self.file(&path[..*length]).is_some());
        let length = modules.unwrap_or(0);
        let file = self.file(&path[..length]).unwrap();
        let Some(name) = path.get(length) else { return file };
        let again = imports(&file, &self.files[&file]).into_iter().find(|import| {
            import.is_public && import.name == *name && import.path != path[..=length]
        });
        again.map_or(file, |again| self.home(&again.path))
    }

    /// Whether a file imports something only to give it to others, and does nothing with it itself.
    fn only_hands_on(&self, file: &str, path: &[String]) -> bool {
        let code = &self.files[file];
        imports(file, code).iter().any(|import| {
            let words = code.split(|c: char| !c.is_alphanumeric() && c != '_');
            import.is_public
                && import.path == path
                && words.filter(|word| *word == import.name).count() == 1
        })
    }

    /// Every import, as written: the file, the path.
    fn imports(&self) -> Vec<(&str, Import)> {
        let all = self.files.iter().flat_map(|(file, code)| {
            let paths = imports(file, code).into_iter().map(|import| import.path);
            paths.chain(paths_in_place(file, code)).map(|path| (file.as_str(), path))
        });
        all.collect()
    }
}

/// Code without its comments, literal texts, and the unit tests at its end.
fn code_of(text: &str) -> String {
    let end = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
    let text = text[..end].replace("\\\\", "").replace("\\\"", "").replace("'\"'", "' '");
    let mut code = String::new();
    let mut is_literal = false;
    for line in text.lines() {
        if !is_literal && line.trim_start().starts_with("//") {
            continue;
        }
        for (number, part) in line.split('"').enumerate() {
            is_literal ^= number > 0;
            if !is_literal {
                let part_of_code = part.split(" // ").next().unwrap();
                code.push_str(part_of_code);
                if part_of_code.len() < part.len() {
                    break;
                }
            }
        }
        code.push('\n');
    }
    code
}

/// The module that a file is: `refresh/mod.rs` is `refresh`.
fn module_of(file: &str) -> Vec<String> {
    let path = file.trim_end_matches(".rs").trim_end_matches("/mod");
    path.split('/').filter(|part| *part != "lib").map(str::to_owned).collect()
}

/// What a `use` brings in: under which name, and whether others see it there.
#[derive(Debug, PartialEq)]
struct Use {
    name: String,
    path: Import,
    is_public: bool,
}

/// What the `use` lines of a file import of the crate.
fn imports(file: &str, code: &str) -> Vec<Use> {
    let mut found = Vec::new();
    for (place, _) in code.match_indices("use ") {
        let line = code[..place].rsplit('\n').next().unwrap().trim();
        if !line.is_empty() && !line.starts_with("pub") {
            continue;
        }
        let tree = code[place + 4..].split(';').next().unwrap();
        let mut leaves = Vec::new();
        leaves_of(&tree.split_whitespace().collect::<Vec<_>>().join(" "), "", &mut leaves);
        for leaf in leaves {
            let (path, alias) = leaf.split_once(" as ").unwrap_or((&leaf, ""));
            if let Some(path) = absolute(file, path.trim_end_matches("::self")) {
                let name =
                    if alias.is_empty() { path.last().unwrap().clone() } else { alias.into() };
                found.push(Use { name, path, is_public: line.starts_with("pub") });
            }
        }
    }
    found
}

/// The paths of a tree such as `a::{b, c::{d, e}}`.
fn leaves_of(tree: &str, before: &str, leaves: &mut Vec<String>) {
    let tree = tree.trim();
    let Some((prefix, rest)) = tree.split_once('{') else {
        if !tree.is_empty() {
            leaves.push(format!("{before}{tree}"));
        }
        return;
    };
    let (inner, mut depth, mut start) = (&rest[..rest.rfind('}').unwrap()], 0, 0);
    for (at, letter) in inner.char_indices().chain([(inner.len(), ',')]) {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                leaves_of(&inner[start..at], &format!("{before}{prefix}"), leaves);
                start = at + 1;
            }
            _ => {}
        }
    }
}

/// A path from the root of the crate; nothing for one of another crate.
fn absolute(file: &str, path: &str) -> Option<Import> {
    let mut module = module_of(file);
    let mut segments = path.split("::").map(str::to_owned).peekable();
    match segments.peek()?.as_str() {
        "crate" => module.clear(),
        "self" => {}
        "super" => {
            while segments.next_if(|segment| segment == "super").is_some() {
                module.pop()?;
            }
            return Some(module.into_iter().chain(segments).collect());
        }
        _ => return None,
    }
    Some(module.into_iter().chain(segments.skip(1)).filter(|s| s != "*").collect())
}

/// The paths that stand in the code itself: from `crate` or `super`, or from a module that the file
/// has imported or has below it.
fn paths_in_place(file: &str, code: &str) -> Vec<Import> {
    let is_name = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let mut modules: BTreeMap<String, Import> =
        imports(file, code).into_iter().map(|import| (import.name, import.path)).collect();
    for line in code.lines().filter(|line| line.ends_with(';')) {
        let name = line.trim_end_matches(';').rsplit_once("mod ").map(|(_, name)| name);
        if let Some(name) = name {
            modules.insert(name.into(), absolute(file, &format!("self::{name}")).unwrap());
        }
    }
    let statements = code.split(';').filter(|statement| {
        let last = statement.trim_start();
        !last.starts_with("use ") && !last.starts_with("pub use ")
    });
    let words = statements.flat_map(|statement| statement.split(|c| !is_name(c)));
    let paths = words.filter(|word| word.contains("::")).filter_map(|word| {
        let word = word.trim_end_matches(':');
        let (first, rest) = word.split_once("::")?;
        match modules.get(first) {
            Some(module) => {
                let rest = rest.split("::").map(str::to_owned);
                Some(module.iter().cloned().chain(rest).collect())
            }
            None => absolute(file, word),
        }
    });
    paths.filter(|path: &Import| !path.is_empty()).collect()
}

/// The entry of `FOLDERS` that a module belongs to.
fn folder_of(path: &[String]) -> Option<&'static str> {
    let (path, mut best) = (path.join("/"), None);
    for (folder, _) in FOLDERS {
        let is_in = path == *folder || path.starts_with(&format!("{folder}/"));
        if is_in && best.is_none_or(|best: &str| best.len() < folder.len()) {
            best = Some(*folder);
        }
    }
    best
}

#[test]
fn folders_import_downwards() {
    for (at, (folder, may)) in FOLDERS.iter().enumerate() {
        for other in *may {
            let is_below = FOLDERS[at..].iter().any(|(below, _)| below == other);
            let is_one = folder.starts_with(&format!("{other}/"));
            assert!(is_below || is_one, "{folder} may not import {other}");
        }
    }
    let source = Source::read();
    let mut against = BTreeSet::new();
    for (file, path) in source.imports() {
        let from = folder_of(&module_of(file));
        let (Some(from), Some(to)) = (from, folder_of(&path)) else { continue };
        let (_, may) = FOLDERS.iter().find(|(folder, _)| *folder == from).unwrap();
        if from != to && !may.contains(&to) {
            against.insert((file.to_owned(), to.to_owned()));
        }
    }
    let known = FOLDER_EXCEPTIONS.iter().map(|(file, to, _)| ((*file).into(), (*to).into()));
    let known: BTreeSet<(String, String)> = known.collect();
    let new: Vec<_> = against.difference(&known).collect();
    let gone: Vec<_> = known.difference(&against).collect();
    assert!(new.is_empty(), "these import what stands above them, or what is not theirs: {new:#?}");
    assert!(gone.is_empty(), "take these out of FOLDER_EXCEPTIONS: {gone:#?}");
}

#[test]
fn every_folder_has_its_place_in_the_order() {
    let source = Source::read();
    let strays = source.files.keys().filter(|file| folder_of(&module_of(file)).is_none());
    assert_eq!(strays.collect::<Vec<_>>(), ["lib.rs"]);
}

/// Who imports whom.
type Graph = BTreeMap<String, BTreeSet<String>>;

/// The files that `file` imports, by any way that goes through none of `but`.
fn reached(graph: &Graph, file: &str, but: &BTreeSet<&str>) -> BTreeSet<String> {
    let (mut found, mut next) = (BTreeSet::new(), vec![file]);
    while let Some(file) = next.pop() {
        for import in graph.get(file).into_iter().flatten() {
            if !but.contains(import.as_str()) && found.insert(import.clone()) {
                next.push(import);
            }
        }
    }
    found
}

/// The circles that go through none of `but`: sets of files that all import each other by some way.
fn circles(graph: &Graph, but: &BTreeSet<&str>) -> BTreeSet<Vec<String>> {
    let files = graph.keys().filter(|file| !but.contains(file.as_str()));
    let all: Graph = files.map(|file| (file.clone(), reached(graph, file, but))).collect();
    let in_circles = all.iter().filter(|(file, reached)| reached.contains(*file));
    let circle_of = |(file, reached): (&String, &BTreeSet<String>)| {
        let back = |other: &&String| all.get(*other).is_some_and(|back| back.contains(file));
        reached.iter().filter(back).cloned().collect()
    };
    in_circles.map(circle_of).collect()
}

#[test]
fn files_import_in_no_circle() {
    let source = Source::read();
    let mut graph = Graph::new();
    for (file, path) in source.imports() {
        let home = source.home(&path);
        if home != file && home != "lib.rs" && !source.only_hands_on(file, &path) {
            graph.entry(file.to_owned()).or_default().insert(home);
        }
    }
    let known: BTreeSet<&str> = CIRCLE_EXCEPTIONS.iter().map(|(file, _)| *file).collect();
    let found = circles(&graph, &known);
    assert!(found.is_empty(), "of each of these lists all files import each other: {found:#?}");
    for file in &known {
        let others = known.iter().copied().filter(|other| other != file).collect();
        assert!(
            !circles(&graph, &others).is_empty(),
            "no circle goes through {file}: take it out of CIRCLE_EXCEPTIONS"
        );
    }
}

#[test]
fn the_rules_find_what_is_there() {
    let text = "//! use crate::a;\nuse crate::base::{self, sync::{Mutex, rank as r}};\nuse std::mem;\n\
                pub use self::x::Y;\nuse super::z;\nmod x;\nfn f() { base::thread::start();\n\
                let a = \"crate::not_this\"; super::w::g(); x::h() } // crate::nor::this\n\
                #[cfg(test)]\nmod tests {\nuse crate::nor_that;\n}\n";
    let code = code_of(text);
    let found = imports("a/b/mod.rs", &code);
    let found: Vec<_> = found.iter().map(|u| (u.name.as_str(), u.path.join("::"))).collect();
    let expected = [
        ("base", "base"),
        ("Mutex", "base::sync::Mutex"),
        ("r", "base::sync::rank"),
        ("Y", "a::b::x::Y"),
        ("z", "a::z"),
    ];
    assert_eq!(found, expected.map(|(name, path)| (name, path.to_owned())));
    let found: Vec<_> = paths_in_place("a/b/mod.rs", &code).iter().map(|p| p.join("::")).collect();
    assert_eq!(found, ["base::thread::start", "a::w::g", "a::b::x::h"]);

    let files =
        [("a/mod.rs", "pub use self::b::C;\n"), ("a/b.rs", "pub struct C;"), ("lib.rs", "")];
    let files = files.map(|(name, code)| (name.to_owned(), code.to_owned())).into();
    let source = Source { files };
    let home = |path: &str| source.home(&path.split("::").map(str::to_owned).collect::<Vec<_>>());
    assert_eq!((home("a::C").as_str(), home("a::D").as_str()), ("a/b.rs", "a/mod.rs"));

    let edges = [("a", "b"), ("b", "c"), ("c", "b"), ("c", "d")];
    let mut graph = Graph::new();
    for (from, to) in edges {
        graph.entry(from.into()).or_default().insert(to.into());
    }
    let expected = BTreeSet::from([vec!["b".to_owned(), "c".to_owned()]]);
    assert_eq!(circles(&graph, &BTreeSet::new()), expected);
    assert!(circles(&graph, &BTreeSet::from(["c"])).is_empty());
}
