//! Gives the shared library its name in the system: cargo itself knows no SONAME.

use std::env;

/// Grows when a release breaks the ABI, and never otherwise.
const ABI: u32 = 0;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    match env::var("CARGO_CFG_TARGET_OS").as_deref() {
        Ok("macos" | "ios") => {
            println!(
                "cargo::rustc-cdylib-link-arg=-Wl,-install_name,@rpath/libmysqlfabric.{ABI}.dylib"
            );
        }
        Ok("linux" | "android" | "freebsd" | "netbsd" | "openbsd" | "dragonfly") => {
            println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libmysqlfabric.so.{ABI}");
            // Destructors of thread-locals would outlive code that dlclose took away.
            println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
        }
        _ => {}
    }
}
