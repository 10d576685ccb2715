//! Options of the MySQL servers that the handle asks itself.

use std::ffi::c_char;

use crate::base::error::{Code, Error};
use crate::config::TlsMode;

use super::options::{absolute, credentials, fabric_options_t, identity, set};
use super::ptr::optional_path;

/// TLS as the other options have it: @ref FABRIC_TLS_VERIFY_IDENTITY where a CA is given, else
/// @ref FABRIC_TLS_PREFERRED.
pub const FABRIC_TLS_DEFAULT: i32 = 0;
/// No TLS.
pub const FABRIC_TLS_DISABLED: i32 = 1;
/// TLS where the server offers it; nobody looks at its certificate.
pub const FABRIC_TLS_PREFERRED: i32 = 2;
/// TLS always; nobody looks at the certificate.
pub const FABRIC_TLS_REQUIRED: i32 = 3;
/// TLS with a certificate that the CA has signed, for whichever name.
pub const FABRIC_TLS_VERIFY_CA: i32 = 4;
/// TLS with a certificate that the CA has signed, for the name or address the server is asked under.
pub const FABRIC_TLS_VERIFY_IDENTITY: i32 = 5;

/// Sets the user and password that the handle itself logs in to MySQL servers with: where its source
/// is one (see fabric_options_set_source()), and to see whether a server that was lost is back (see
/// fabric_options_set_quarantine_ms()), for which the account needs no grant. Those of fabric_options_set_credentials() are Fabric's, and
/// never go to a MySQL server; neither of both is for the connections of the service.
///
/// mysql_native_password and caching_sha2_password are known. With the latter a server may ask for the
/// password in full, at the first login after its restart or after FLUSH PRIVILEGES: it goes out over
/// verified TLS or a Unix socket alone, unless fabric_options_set_mysql_password_unverified() allows more.
///
/// @param options   The options.
/// @param user      UTF-8, NUL-terminated, not empty. Copied.
/// @param password  UTF-8, NUL-terminated. Copied; wiped when the last copy is freed.
/// @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_INVALID_UTF8, FABRIC_ERR_ARGUMENT
///
/// Never blocks.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_options_set_mysql_credentials(
    options: *mut fabric_options_t,
    user: *const c_char,
    password: *const c_char,
) -> i32 {
    // SAFETY: `options` is NULL or from fabric_options_new(), and used by this thread alone; `user`
    // and `password` are NULL or NUL-terminated.
    unsafe {
        set("fabric_options_set_mysql_credentials", options, |config| {
            config.mysql.credentials = Some(credentials(user, password)?);
            Ok(())
        })
    }
}

/// Sets how much TLS there must be with the MySQL servers that the handle asks itself.
///
/// @param options  The options.
/// @param tls_mode @ref FABRIC_TLS_DEFAULT to @ref FABRIC_TLS_VERIFY_IDENTITY, which are the numbers of
///                 libmysqlclient's `mysql_ssl_mode`.
/// @param ca       The path of a PEM file with the authority's certificate or certificates, or NULL, which
///                 the modes that verify do not take. Copied. A server's own is `ca.pem` in its data
///                 directory.
/// @param key      The path of a PEM file with the client's private key, or NULL. Copied.
/// @param cert     The path of a PEM file with the client's certificate, or NULL. Copied. Relative
///                 paths begin at the working directory of this call.
/// @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_INVALID_UTF8
/// @retval FABRIC_ERR_ARGUMENT  No such mode, a mode that verifies without `ca`, or `key` without `cert`,
///         or the other way round.
///
/// Never blocks: the files are read at the first connection, and what is wrong with them is then said as
/// FABRIC_ERR_TLS.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_options_set_mysql_tls(
    options: *mut fabric_options_t,
    tls_mode: i32,
    ca: *const c_char,
    key: *const c_char,
    cert: *const c_char,
) -> i32 {
    // SAFETY: `options` is NULL or from fabric_options_new(), and used by this thread alone; `ca`,
    // `key` and `cert` are NULL or NUL-terminated.
    unsafe {
        set("fabric_options_set_mysql_tls", options, |config| {
            let mode = match tls_mode {
                FABRIC_TLS_DEFAULT => None,
                FABRIC_TLS_DISABLED => Some(TlsMode::Disabled),
                FABRIC_TLS_PREFERRED => Some(TlsMode::Preferred),
                FABRIC_TLS_REQUIRED => Some(TlsMode::Required),
                FABRIC_TLS_VERIFY_CA => Some(TlsMode::VerifyCa),
                FABRIC_TLS_VERIFY_IDENTITY => Some(TlsMode::VerifyIdentity),
                _ => {
                    return Err(Error::new(
                        Code::Argument,
                        format!("{tls_mode} is none of FABRIC_TLS_DEFAULT to _VERIFY_IDENTITY"),
                    ));
                }
            };
            let ca = optional_path(ca, "ca")?.map(absolute);
            if ca.is_none() && matches!(mode, Some(TlsMode::VerifyCa | TlsMode::VerifyIdentity)) {
                return Err(Error::new(
                    Code::Argument,
                    "a mode that verifies needs the CA to do it by, and 'ca' is NULL; give the path of \
                     its PEM file",
                ));
            }
            config.mysql.identity = identity(key, cert)?;
            (config.mysql.tls_mode, config.mysql.ca) = (mode, ca);
            Ok(())
        })
    }
}

/// Allows the password of fabric_options_set_mysql_credentials() to go out in full over TLS that
/// nobody verifies. Whoever can pretend to be the server learns it then. Over a connection without TLS
/// it never goes out in full.
///
/// @param options  The options.
/// @param on       1 or 0 (the default).
/// @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_ARGUMENT
///
/// Never blocks.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_options_set_mysql_password_unverified(
    options: *mut fabric_options_t,
    on: i32,
) -> i32 {
    // SAFETY: `options` is NULL or from fabric_options_new(), and used by this thread alone.
    unsafe {
        set("fabric_options_set_mysql_password_unverified", options, |config| {
            config.mysql.full_password_unverified =
                super::options::within("a switch", i64::from(on), 0, 1)? == 1;
            Ok(())
        })
    }
}
