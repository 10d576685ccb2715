//! The committed header is the one that cbindgen makes of today's source.
//!
//! `UPDATE_HEADER=1 cargo test --test header` writes it; `make header` does so.

use std::path::Path;
use std::sync::OnceLock;
use std::{env, fs};

/// What cbindgen makes of today's source; made once for all tests.
fn header() -> &'static str {
    static HEADER: OnceLock<String> = OnceLock::new();
    HEADER.get_or_init(generated)
}

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
    let generated = header();
    if env::var_os("UPDATE_HEADER").is_some() {
        fs::write(&path, generated).expect("include/mysqlfabric.h");
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
    let test = fs::read_to_string(root.join("tests/c/bad_input.c")).expect("the test");
    let body = |function: &str| {
        let start = test.find(&format!("static void {function}(")).expect("a function");
        let end = test[start..].find("\n}\n").expect("its end");
        test[start..start + end].to_owned()
    };
    let (scopes, statuses) =
        (with_parameter(header(), "scope"), with_parameter(header(), "status"));
    assert!(scopes.len() >= 6 && statuses.len() >= 2, "{scopes:?} {statuses:?}");
    let alone: Vec<String> = with_parameter(header(), "mode")
        .into_iter()
        .filter(|function| !scopes.contains(function) && !statuses.contains(function))
        .collect();
    let tests =
        [(&scopes, "scope_and_mode"), (&statuses, "mode_and_status"), (&alone, "mode_alone")];
    for (functions, test) in tests {
        let tried = body(test);
        for function in functions {
            assert!(tried.contains(&format!("{function}(")), "{function} is not in {test}");
        }
    }
}

/// The comment of each function and type of the header, with the line that ends its declaration.
fn documented(header: &str) -> Vec<(&str, &str)> {
    let blocks = header.split("/**\n").skip(1).filter_map(|block| block.split_once("*/\n"));
    let is_declared = |(_, code): &(&str, &str)| {
        let line = code.trim_start();
        line.starts_with("typedef")
            || line.split('\n').any(|line| line.contains("fabric_") && line.contains('('))
    };
    blocks.filter(is_declared).collect()
}

/// A program that is built against several versions must know which of them have a call.
#[test]
fn every_function_and_type_says_since_which_version() {
    let number = |version: &str| {
        let parts: Vec<u32> = version.split('.').map(|part| part.parse().expect("1.2.3")).collect();
        <[u32; 3]>::try_from(parts).expect("1.2.3")
    };
    let now = number(env!("CARGO_PKG_VERSION"));
    let documented = documented(header());
    assert!(documented.len() > 90, "{} functions and types", documented.len());
    for (comment, code) in documented {
        let versions: Vec<&str> =
            comment.lines().filter_map(|line| line.trim().strip_prefix("* @since ")).collect();
        let name = code.lines().next().unwrap_or_default();
        let [version] = versions[..] else {
            panic!("{name}: end its comment in src/ffi with one line `@since 1.2.3`: {versions:?}");
        };
        assert!(number(version) <= now, "{name}: {version} is later than this version");
    }
}
