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
    String::from_utf8(header).expect("UTF-8")
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
