//! The version of the library.

use std::ffi::c_char;

use super::boundary::boundary_value;

/// The version this header belongs to: incompatible changes.
pub const FABRIC_VERSION_MAJOR: i32 = 0;
/// The version this header belongs to: additions.
pub const FABRIC_VERSION_MINOR: i32 = 1;
/// The version this header belongs to: corrections.
pub const FABRIC_VERSION_PATCH: i32 = 0;

/// The version of the library that is running, such as "0.1.0".
///
/// @return Static text, never NULL, never to be freed.
///
/// Never blocks. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn fabric_version() -> *const c_char {
    const VERSION: &[u8] = concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes();
    boundary_value(c"".as_ptr(), || VERSION.as_ptr().cast())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_constants_are_the_package_version() {
        let constants =
            format!("{FABRIC_VERSION_MAJOR}.{FABRIC_VERSION_MINOR}.{FABRIC_VERSION_PATCH}");
        assert_eq!(constants, env!("CARGO_PKG_VERSION"));
    }
}
