//! docs/ERRORS.md has a row for each status and each errno that the library knows, and the rows say what
//! is so: numbers, names, texts, what may be retried, flags, and the names in each language.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use mysqlfabric::base::error::Code;
use mysqlfabric::router::report::{Actions, actions};

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The rows of the tables below a heading whose first cell is a number: the other cells by it.
fn rows(document: &str, heading: &str) -> BTreeMap<i32, Vec<String>> {
    let (_, rest) = document.split_once(heading).unwrap_or_else(|| panic!("no {heading}"));
    let section = rest.split("\n## ").next().expect("a section");
    let mut found = BTreeMap::new();
    for line in section.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<String> = line.split('|').map(|cell| cell.trim().to_owned()).collect();
        if let Ok(number) = cells[1].parse() {
            let rest = cells[2..cells.len() - 1].to_vec();
            assert!(found.insert(number, rest).is_none(), "{number} has two rows");
        }
    }
    found
}

/// Pairs that lines of a file have: what stands before `between`, and what follows up to `end`.
fn pairs(text: &str, between: &str, end: &str) -> Vec<(String, String)> {
    let pair = |line: &str| {
        let (before, rest) = line.trim().split_once(between)?;
        Some((before.trim().to_owned(), rest.split(end).next()?.trim().to_owned()))
    };
    text.lines().filter_map(pair).collect()
}

fn cpp_class(code: i32) -> &'static str {
    match code {
        1..=19 => "argument_error",
        20..=39 => "source_error",
        40..=59 => "farm_error",
        60..=79 => "call_error",
        _ => "internal_error",
    }
}

#[test]
fn every_status_has_its_row() {
    let names: BTreeMap<i32, String> = pairs(&read("src/ffi/error.rs"), ": i32 = ", ";")
        .into_iter()
        .filter_map(|(name, number)| {
            let name = name.strip_prefix("pub const FABRIC_ERR_")?.to_owned();
            Some((number.parse().expect("a number"), name))
        })
        .collect();
    let texts: BTreeMap<_, _> =
        pairs(&read("src/ffi/status.rs"), " => c\"", "\"").into_iter().collect();
    let go: BTreeMap<_, _> = pairs(&read("bindings/go/errors.go"), " Code = C.", " ")
        .into_iter()
        .map(|(name, constant)| (constant, name))
        .collect();
    let python: BTreeMap<_, _> =
        pairs(&read("bindings/python/src/mysqlfabric/_errors.py"), ": ", ",").into_iter().collect();
    let cpp = read("include/mysqlfabric.hpp");

    let rows = rows(&read("docs/ERRORS.md"), "\n## Every status\n");
    assert_eq!(rows.len(), Code::ALL.len(), "a row is of no status");
    for code in Code::ALL {
        let number = *code as i32;
        let row = rows.get(&number).unwrap_or_else(|| panic!("{code:?} has no row"));
        let name = format!("FABRIC_ERR_{}", names[&number]);
        let errno = match code.mysql_errno() {
            0 => String::new(),
            errno => errno.to_string(),
        };
        let python = python.get(&number.to_string()).map_or("FabricError", String::as_str);
        let said = [&row[0], &row[1], &row[2], &row[3], &row[5], &row[6], &row[7]];
        let so = [
            format!("`{name}`"),
            texts[&name].clone(),
            if code.is_retryable() { "yes" } else { "no" }.to_owned(),
            errno,
            format!("`{}`", cpp_class(number)),
            format!("`{}`", go[&name]),
            format!("`{python}`"),
        ];
        assert_eq!(said.map(String::as_str), so.each_ref().map(String::as_str));
        assert!(cpp.contains(&format!("class {} : public error", cpp_class(number))));
        assert!(row[4].len() > 20, "{name}: what to do?");
    }
}

#[test]
fn every_errno_that_matters_has_its_row() {
    let flags = [
        (Actions::RECONNECT, "RECONNECT"),
        (Actions::RETRY_ELSEWHERE, "RETRY_ELSEWHERE"),
        (Actions::ASK_AGAIN, "ASK_AGAIN"),
        (Actions::REPORT, "REPORT"),
        (Actions::QUARANTINE, "QUARANTINE"),
        (Actions::HOLD_WRITES, "HOLD_WRITES"),
    ];
    let document = read("docs/ERRORS.md");
    let rows = rows(&document, "\n## Every MySQL errno");
    for errno in 0..=i32::from(u16::MAX) {
        let has: Vec<&str> = flags
            .iter()
            .filter(|(flag, _)| actions(errno).include(*flag))
            .map(|(_, name)| *name)
            .collect();
        let said = rows.get(&errno).map(|row| row[2].as_str()).unwrap_or_default();
        assert_eq!(said, has.join(", "), "{errno}");
    }
    for (_, name) in flags {
        assert!(document.contains(&format!("{name}, ")), "what is {name}?");
    }
}
