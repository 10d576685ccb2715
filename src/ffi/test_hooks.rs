//! What the tests of the boundary need and no release has.

use super::boundary::boundary;
use super::error::fabric_error_t;

/// Panics inside the boundary.
#[unsafe(no_mangle)]
pub extern "C" fn fabric_test_panic(err: *mut fabric_error_t) -> i32 {
    boundary("fabric_test_panic", err, || panic!("on purpose"))
}
