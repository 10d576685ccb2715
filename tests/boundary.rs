//! The C boundary, read as text: nothing unwinds into C, and unsafe code stays where it is
//! explained.

use std::fs;
use std::path::{Path, PathBuf};

fn sources(dir: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut dirs = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(dir)];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                dirs.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push((path.clone(), fs::read_to_string(path).expect("UTF-8")));
            }
        }
    }
    assert!(found.len() > 3, "{dir} has moved");
    found
}

/// The line without its comment.
fn code(line: &str) -> &str {
    line.split("//").next().unwrap_or_default()
}

/// The names and bodies of the functions behind `#[unsafe(no_mangle)]`.
fn exported(text: &str) -> Vec<(String, String)> {
    let functions = text.split("#[unsafe(no_mangle)]").skip(1);
    let function = |text: &str| {
        let signature = text.split('{').next().expect("a signature");
        assert!(signature.contains("extern \"C\" fn"), "exported, but not to C: {signature}");
        let name = signature.split("fn ").nth(1).and_then(|rest| rest.split('(').next());
        // A function at the left margin ends at the first brace there.
        let body = text.split("\n}").next().expect("a body");
        (name.expect("a name").to_owned(), body[signature.len()..].to_owned())
    };
    functions.map(function).collect()
}

#[test]
fn every_exported_function_stops_panics() {
    let mut seen = 0;
    for (path, text) in sources("src") {
        assert!(!text.contains("#[no_mangle]"), "{}: an old attribute", path.display());
        for (name, body) in exported(&text) {
            seen += 1;
            let guards = ["boundary(", "boundary_value(", "set(\""];
            assert!(
                guards.iter().any(|guard| body.contains(guard)),
                "{}: {name} has no boundary()",
                path.display()
            );
            assert!(
                !body.contains("boundary(\"") || body.contains(&format!("boundary(\"{name}\"")),
                "{}: {name} goes by another name in its messages",
                path.display()
            );
            assert!(
                !body.contains("set(\"") || body.contains(&format!("set(\"{name}\"")),
                "{}: {name} goes by another name in its messages",
                path.display()
            );
        }
    }
    assert!(seen > 40, "only {seen} exported functions found");
}

/// `set` is what the setters of options share.
#[test]
fn the_setters_of_options_stop_panics() {
    let (_, options) = sources("src/ffi")
        .into_iter()
        .find(|(path, _)| path.ends_with("options.rs"))
        .expect("options.rs");
    let set = options.split("unsafe fn set(").nth(1).expect("the function `set`");
    assert!(set.split("\n}").next().expect("a body").contains("boundary(function,"));
}

/// Callbacks aside, nothing is `extern "C"` that is not exported, guarded, and so tested above.
#[test]
fn nothing_else_is_called_from_c() {
    for (path, text) in sources("src") {
        let all = text.lines().filter(|line| {
            code(line).contains("pub") && code(line).contains("extern \"C\" fn fabric_")
        });
        assert_eq!(all.count(), exported(&text).len(), "{}", path.display());
    }
}

#[test]
fn unsafe_code_is_in_the_boundary_and_explained() {
    for (path, text) in sources("src") {
        let lines: Vec<&str> = text.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            let code = code(line);
            let names_an_attribute = code.contains("#[unsafe(") || code.contains("unsafe_op_in");
            if !code.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "unsafe")
                || names_an_attribute
            {
                continue;
            }
            let place = format!("{}:{}: {}", path.display(), at + 1, line.trim());
            let path = path.to_string_lossy();
            let may = path.contains("src/ffi/") || path.contains("src/topology/md5/");
            assert!(may, "unsafe outside src/ffi and the hashing of keys: {place}");
            let block = code.contains("unsafe {") || code.contains("unsafe impl");
            if block {
                // The comment stands before the statement, of which this may be a later line.
                let before = lines[..at].iter().rev().take(12);
                let before =
                    before.take_while(|line| line.trim() != "}" && !line.trim().is_empty());
                let explained = before.into_iter().any(|line| line.contains("// SAFETY:"));
                assert!(explained || line.contains("// SAFETY:"), "no SAFETY: {place}");
            }
        }
    }
}
