//! The version of the library.

use std::ffi::c_char;

use super::boundary::boundary_value;

/// The version this header belongs to: incompatible changes.
pub const FABRIC_VERSION_MAJOR: i32 = 0;
/// The version this header belongs to: additions.
pub const FABRIC_VERSION_MINOR: i32 = 1;
/// The version this header belongs to: corrections.
pub const FABRIC_VERSION_PATCH: i32 = 0;
/// The version this header belongs to as one number that grows, for `#if`: 10000 for each major, 100
/// for each minor number, and the patch number.
pub const FABRIC_VERSION_NUMBER: i32 =
    FABRIC_VERSION_MAJOR * 10000 + FABRIC_VERSION_MINOR * 100 + FABRIC_VERSION_PATCH;

/// The version of the library that is running, such as "0.1.0".
///
/// @return Static text, never NULL, never to be freed.
///
/// Never blocks. Any thread.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub extern "C" fn fabric_version() -> *const c_char {
    const VERSION: &[u8] = concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes();
    boundary_value(c"".as_ptr(), || VERSION.as_ptr().cast())
}

#[cfg(test)]
mod tests {
    use super::super::ptr::text;
    use super::*;

    #[test]
    fn the_constants_are_the_package_version() {
        let parts = [FABRIC_VERSION_MAJOR, FABRIC_VERSION_MINOR, FABRIC_VERSION_PATCH];
        assert_eq!(parts.map(|part| part.to_string()).join("."), env!("CARGO_PKG_VERSION"));
        // Two digits for each part but the first, or the number would not grow with the version.
        assert!(parts.iter().skip(1).all(|part| (0..100).contains(part)));
        let digits = parts.map(|part| format!("{part:02}")).concat();
        assert_eq!(FABRIC_VERSION_NUMBER, digits.parse::<i32>().unwrap());
    }

    #[test]
    fn the_library_tells_the_package_version() {
        // SAFETY: static text with a NUL.
        let version = unsafe { text(fabric_version(), "version") };
        assert_eq!(version.unwrap(), env!("CARGO_PKG_VERSION"));
    }
}
