//! What a handle runs on. There is no getter for the password.

use std::ffi::{CString, c_char};
use std::ptr;

use super::boundary::{boundary, boundary_value};
use super::error::fabric_error_t;
use super::handle::{Strings, fabric_t};
use super::ptr::{Out, copy_text, reference};
use super::server::FABRIC_UUID_SIZE;

/// # Safety
/// `f` is NULL or a valid handle.
unsafe fn string(f: *const fabric_t, pick: impl Fn(&Strings) -> &Option<CString>) -> *const c_char {
    boundary_value(ptr::null(), || {
        // SAFETY: `f` is NULL or a handle that is not freed.
        let f = unsafe { reference(f, "f") };
        f.ok().and_then(|f| pick(&f.strings).as_deref()).map_or(ptr::null(), |text| text.as_ptr())
    })
}

/// The user the handle was given for Fabric.
///
/// @param f  The handle.
/// @return UTF-8, owned by the handle and valid as long as it; NULL if none was given or `f` is
///         NULL.
///
/// Never blocks. Any thread.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_get_user(f: *const fabric_t) -> *const c_char {
    // SAFETY: `f` is NULL or a handle that is not freed.
    boundary_value(ptr::null(), || unsafe { string(f, |strings| &strings.user) })
}

/// The absolute path of the authority's certificate the handle was given.
///
/// @param f  The handle.
/// @return As fabric_get_user().
///
/// Never blocks. Any thread.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_get_tls_ca(f: *const fabric_t) -> *const c_char {
    // SAFETY: `f` is NULL or a handle that is not freed.
    boundary_value(ptr::null(), || unsafe { string(f, |strings| &strings.tls_ca) })
}

/// The absolute path of the client's private key the handle was given.
///
/// @param f  The handle.
/// @return As fabric_get_user().
///
/// Never blocks. Any thread.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_get_tls_key(f: *const fabric_t) -> *const c_char {
    // SAFETY: `f` is NULL or a handle that is not freed.
    boundary_value(ptr::null(), || unsafe { string(f, |strings| &strings.tls_key) })
}

/// The absolute path of the client's certificate the handle was given.
///
/// @param f  The handle.
/// @return As fabric_get_user().
///
/// Never blocks. Any thread.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_get_tls_cert(f: *const fabric_t) -> *const c_char {
    // SAFETY: `f` is NULL or a handle that is not freed.
    boundary_value(ptr::null(), || unsafe { string(f, |strings| &strings.tls_cert) })
}

/// The UUID that Fabric gives itself in its answers. It is the same constant in every
/// installation of Fabric 1.5 and later, so it identifies the product, not the farm.
///
/// @param f    The handle.
/// @param out  An array of @ref FABRIC_UUID_SIZE bytes; gets the UUID, NUL-terminated, or an
///             empty string before the first answer and with Fabric 1.4, which sends none.
/// @param err  Where details of a failure go; may be NULL.
/// @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER
/// @retval FABRIC_ERR_PROTOCOL  Fabric sent something longer than a UUID.
///
/// Never waits for the network. Any thread.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_get_fabric_uuid(
    f: *const fabric_t,
    out: *mut c_char,
    err: *mut fabric_error_t,
) -> i32 {
    boundary("fabric_get_fabric_uuid", err, || {
        // SAFETY: `f` is NULL or a handle that is not freed; `out` is NULL or writable.
        let (f, out) = unsafe {
            (reference(f, "f")?, Out::new(out.cast::<[c_char; FABRIC_UUID_SIZE]>(), "out")?)
        };
        let mut uuid = [0; FABRIC_UUID_SIZE];
        copy_text(&mut uuid, &f.router.identity(), "Fabric UUID")?;
        out.set(uuid);
        Ok(())
    })
}

/// The time to live that the handle works with: the server's last one, clamped by
/// fabric_options_set_ttl_ms().
///
/// @param f  The handle; NULL gives -1.
/// @return Milliseconds; -1 before the first answer.
///
/// Never waits for the network. Any thread.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_get_ttl_ms(f: *const fabric_t) -> i64 {
    boundary_value(-1, || {
        // SAFETY: `f` is NULL or a handle that is not freed.
        let ttl = unsafe { reference(f, "f") }.ok().and_then(|f| f.router.ttl());
        ttl.map_or(-1, |ttl| i64::try_from(ttl).unwrap_or(i64::MAX))
    })
}
