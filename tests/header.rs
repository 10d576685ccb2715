//! The committed header is the one that cbindgen makes of today's source.
//!
//! `UPDATE_HEADER=1 cargo test --test header` writes it; `make header` does so.

use std::path::Path;
use std::{env, fs};

fn generated() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = cbindgen::Config::from_file(root.join("cbindgen.toml")).expect("cbindgen.toml");
    let bindings = cbindgen::Builder::new().with_config(config);
    let bindings = bindings.with_crate(root).generate().expect("bindings");
    let mut header = Vec::new();
    bindings.write(&mut header);
    let mut header = String::from_utf8(header).expect("UTF-8");
    // A constant that is left out leaves its blank line.
    while header.contains("\n\n\n") {
        header = header.replace("\n\n\n", "\n\n");
    }
    header
}

#[test]
fn the_header_is_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("include/mysqlfabric.h");
    let generated = generated();
    if env::var_os("UPDATE_HEADER").is_some() {
        fs::write(&path, &generated).expect("include/mysqlfabric.h");
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == generated, "include/mysqlfabric.h is old; run `make header`");
}

/// The functions of the header that have a parameter of this name, an `int32_t`.
fn with_parameter(header: &str, parameter: &str) -> Vec<String> {
    let code: String = header.lines().filter(|line| !line.trim_start().starts_with('*')).collect();
    let prototypes = code.split(';').filter_map(|statement| statement.rsplit_once('('));
    let parameter = format!("int32_t {parameter}");
    let has = |parameters: &str| {
        parameters.trim_end_matches(')').split(',').any(|one| one.trim() == parameter)
    };
    let mut found: Vec<String> = prototypes
        .filter(|(_, parameters)| has(parameters))
        .filter_map(|(start, _)| start.split([' ', '*']).next_back().map(str::to_owned))
        .collect();
    found.sort();
    found
}

/// Every function that takes numbers which are easily taken for one another is tried with them in
/// each other's place.
#[test]
fn scope_mode_and_status_are_tried_in_each_others_place() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let header = fs::read_to_string(root.join("include/mysqlfabric.h")).expect("the header");
    let test = fs::read_to_string(root.join("tests/c/bad_input.c")).expect("the test");
    let body = |function: &str| {
        let start = test.find(&format!("static void {function}(")).expect("a function");
        let end = test[start..].find("\n}\n").expect("its end");
        test[start..start + end].to_owned()
    };
    let (scopes, statuses) = (with_parameter(&header, "scope"), with_parameter(&header, "status"));
    assert!(scopes.len() >= 6 && statuses.len() >= 2, "{scopes:?} {statuses:?}");
    for (functions, test) in [(&scopes, "scope_and_mode"), (&statuses, "mode_and_status")] {
        let tried = body(test);
        for function in functions {
            assert!(tried.contains(&format!("{function}(")), "{function} is not in {test}");
        }
    }
    for function in with_parameter(&header, "mode") {
        let is_known = scopes.contains(&function) || statuses.contains(&function);
        assert!(is_known, "{function} takes a mode with neither scope nor status: try that, too");
    }
}
