//! What a handle is told before it is made.

use std::ffi::{c_char, c_void};
use std::path::PathBuf;
use std::ptr;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::base::error::{Code, Error, Result};
use crate::config::{Config, Credentials, DEFAULT_PORT, Identity, Node, TlsFiles, shown_host};
use crate::observe::log::{Level, Log};

use super::boundary::{boundary, boundary_value, silence_panics};
use super::log::{fabric_free_t, fabric_log_t, log_to};
use super::owned::{Object, Owned};
use super::ptr::{exclusive, name, optional_path, path as path_of, text};

/// The port a Fabric node listens on for XML-RPC unless it is told otherwise.
pub const FABRIC_DEFAULT_PORT: u16 = 32274;

/// The port a Fabric node listens on for MySQL-RPC unless it is told otherwise.
pub const FABRIC_DEFAULT_MYSQL_PORT: u16 = 32275;

/// The longest time an option takes: ten minutes, in milliseconds.
pub const FABRIC_MAX_TIME_MS: i64 = 600_000;

/// Options for fabric_new(). Made by fabric_options_new(), freed by fabric_options_free().
///
/// Not for use by several threads at once. An option that is refused leaves the others alone,
/// and fabric_new() refuses the whole set with the same message, so the statuses of the single
/// calls need not be looked at.
///
/// @since 0.1.0
pub struct fabric_options_t {
    pub(super) config: Config,
    pub(super) refused: Option<Error>,
}

impl Object for fabric_options_t {}

/// # Safety
/// `options` is NULL or comes from fabric_options_new().
pub(super) unsafe fn set(
    function: &'static str,
    options: *mut fabric_options_t,
    change: impl FnOnce(&mut Config) -> Result<()>,
) -> i32 {
    boundary(function, ptr::null_mut(), || {
        // SAFETY: `options` is NULL or from fabric_options_new(), and used by this thread alone.
        let options = unsafe { exclusive(options, "options") }?;
        change(&mut options.config).inspect_err(|error| {
            options.refused.get_or_insert_with(|| {
                Error::new(error.code, format!("{function}: {}", error.message))
            });
        })
    })
}

pub(super) fn within(what: &str, value: i64, least: i64, most: i64) -> Result<u64> {
    match u64::try_from(value) {
        Ok(unsigned) if value >= least && value <= most => Ok(unsigned),
        _ => Err(Error::new(
            Code::Argument,
            format!("{what} of {value} is outside {least} to {most}"),
        )),
    }
}

/// Makes a set of options with the defaults.
///
/// | option | default |
/// |---|---|
/// | nodes | none |
/// | credentials, TLS, log, event callback | none |
/// | connect attempts | 3 |
/// | connect delay | 1000 ms |
/// | connect timeout | 5000 ms |
/// | request timeout | 20000 ms |
/// | lookup timeout | 5000 ms |
/// | largest reply | 64 MiB |
/// | reports to Fabric | off; if on, one of a server in 10000 ms |
/// | quarantine of an unreachable server | 2000 ms |
/// | least write hold after a refused write | 4000 ms |
/// | hold of a vanished shard | 600000 ms |
/// | background refresh | on, for 5 % of the time at most |
/// | asks less and less | after 60000 ms without a lookup |
/// | oldest topology to go on from | no limit |
/// | time to live | as the server says, 60 s if it says 0 |
/// | discovery of groups | every 500 ms; any lag; none of several primaries; no reads without a majority |
/// | read preference | FABRIC_PREFER_SECONDARY |
/// | zone of the service | none: reads go to all secondaries |
/// | compat | FABRIC_COMPAT_SERVER |
/// | snapshot file, topology file | none |
///
/// @return The options, to be freed with fabric_options_free(); NULL only after an internal
///         error.
///
/// Never blocks. Any thread.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub extern "C" fn fabric_options_new() -> *mut fabric_options_t {
    // Here because every use of the library begins here.
    silence_panics();
    boundary_value(ptr::null_mut(), || {
        Owned::new(fabric_options_t { config: Config::default(), refused: None }).into_c()
    })
}

/// Frees options. Handles made from them are not affected.
///
/// @param options  From fabric_options_new(), or NULL, which does nothing.
///
/// Never blocks. The password is wiped from memory.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_options_free(options: *mut fabric_options_t) {
    boundary_value((), || {
        // SAFETY: `options` is NULL or from fabric_options_new(), and freed once by the contract.
        drop(unsafe { Owned::from_c(options) });
    });
}

/// Names a Fabric node. Several may be named; they are tried in this order, and the nodes they
/// tell of join them.
///
/// @param options  The options.
/// @param host     A host name or address (IPv6 without brackets), UTF-8, NUL-terminated. Copied.
/// @param port     The XML-RPC port, or 0 for @ref FABRIC_DEFAULT_PORT.
/// @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_INVALID_UTF8, FABRIC_ERR_ARGUMENT
///
/// Never blocks: nothing is resolved or connected to.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_options_add_node(
    options: *mut fabric_options_t,
    host: *const c_char,
    port: u16,
) -> i32 {
    // SAFETY: `options` is NULL or from fabric_options_new(), and used by this thread alone; `host`
    // is NULL or NUL-terminated.
    unsafe {
        set("fabric_options_add_node", options, |config| {
            config.nodes.push(node(text(host, "host")?, port, DEFAULT_PORT)?);
            Ok(())
        })
    }
}

/// A node as the caller names it, without a port by 0.
pub(super) fn node(host: &str, port: u16, default_port: u16) -> Result<Node> {
    let port = if port == 0 { default_port } else { port };
    Node::new(host, port).ok_or_else(|| {
        Error::new(
            Code::Argument,
            format!(
                "'{}' is no host; give a name or an address alone, without a URL's parts",
                shown_host(host)
            ),
        )
    })
}

/// Sets the user and password for Fabric's digest authentication (RFC 7616, MD5).
///
/// They go only to nodes named by the service and to nodes learned from those, are never
/// logged, and are wiped when the last copy is freed.
///
/// @param options   The options.
/// @param user      UTF-8, NUL-terminated, not empty. Copied.
/// @param password  UTF-8, NUL-terminated. Copied.
/// @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_INVALID_UTF8, FABRIC_ERR_ARGUMENT
///
/// Never blocks.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_options_set_credentials(
    options: *mut fabric_options_t,
    user: *const c_char,
    password: *const c_char,
) -> i32 {
    // SAFETY: `options` is NULL or from fabric_options_new(), and used by this thread alone; `user`
    // and `password` are NULL or NUL-terminated.
    unsafe {
        set("fabric_options_set_credentials", options, |config| {
            let given = credentials(user, password)?;
            if given.user.contains(['"', '\\', '\r', '\n', ':']) {
                return Err(Error::new(
                    Code::Argument,
                    format!(
                        "user '{}' holds a character that HTTP digest cannot carry",
                        given.user
                    ),
                ));
            }
            config.credentials = Some(given);
            Ok(())
        })
    }
}

/// # Safety
/// `user` and `password` are NULL or NUL-terminated.
pub(super) unsafe fn credentials(
    user: *const c_char,
    password: *const c_char,
) -> Result<Credentials> {
    // SAFETY: `user` is NULL or NUL-terminated, by the caller's contract.
    let user = unsafe { name(user, "user") }?.to_owned();
    // The message must not show the password, so its encoding is checked apart.
    // SAFETY: `password` is NULL or NUL-terminated, by the caller's contract.
    let password = unsafe { super::ptr::password(password) }?;
    let password = std::str::from_utf8(password)
        .map_err(|_| Error::new(Code::InvalidUtf8, "'password' is not UTF-8; convert it first"))?;
    Ok(Credentials { user, password: Zeroizing::new(password.to_owned()) })
}

/// Talks TLS to every node, and verifies it: its certificate must be signed by `ca` and carry
/// the host name or address it is asked under. (Connector/Python asks for a CA and never looks
/// at it.)
///
/// @param options  The options.
/// @param ca       The path of a PEM file with the authority's certificate or certificates. Copied.
/// @param key      The path of a PEM file with the client's private key, or NULL. Copied.
/// @param cert     The path of a PEM file with the client's certificate, or NULL. Copied. Relative
///                 paths begin at the working directory of this call.
/// @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_INVALID_UTF8
/// @retval FABRIC_ERR_ARGUMENT  `key` without `cert`, or the other way round.
///
/// Never blocks: the files are read at the first connection, and what is wrong with them is
/// then said as FABRIC_ERR_TLS.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_options_set_tls(
    options: *mut fabric_options_t,
    ca: *const c_char,
    key: *const c_char,
    cert: *const c_char,
) -> i32 {
    // SAFETY: `options` is NULL or from fabric_options_new(), and used by this thread alone; `ca`,
    // `key` and `cert` are NULL or NUL-terminated.
    unsafe {
        set("fabric_options_set_tls", options, |config| {
            let ca = absolute(path_of(ca, "ca")?);
            config.tls = Some(TlsFiles { ca, identity: identity(key, cert)? });
            Ok(())
        })
    }
}

/// The client's own certificate, if there is one.
///
/// # Safety
/// `key` and `cert` are NULL or NUL-terminated.
pub(super) unsafe fn identity(key: *const c_char, cert: *const c_char) -> Result<Option<Identity>> {
    // SAFETY: `key` and `cert` are NULL or NUL-terminated, by the caller's contract.
    let files = unsafe { (optional_path(key, "key")?, optional_path(cert, "cert")?) };
    match files {
        (None, None) => Ok(None),
        (Some(key), Some(cert)) => Ok(Some(Identity { key: absolute(key), cert: absolute(cert) })),
        _ => Err(Error::new(
            Code::Argument,
            "a TLS key and a certificate only go together; give both or neither",
        )),
    }
}

/// Sets how often all nodes are tried before a fetch that a caller waits for gives up.
///
/// @param options   The options.
/// @param attempts  1 to 100; 3 unless set.
/// @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_ARGUMENT
///
/// Never blocks.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_options_set_connect_attempts(
    options: *mut fabric_options_t,
    attempts: i64,
) -> i32 {
    // SAFETY: `options` is NULL or from fabric_options_new(), and used by this thread alone.
    unsafe {
        set("fabric_options_set_connect_attempts", options, |config| {
            config.connect_attempts = within("a number of attempts", attempts, 1, 100)? as u32;
            Ok(())
        })
    }
}

/// Sets the pause between two attempts.
///
/// @param options  The options.
/// @param delay    Milliseconds, 0 to @ref FABRIC_MAX_TIME_MS; 1000 unless set.
/// @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_ARGUMENT
///
/// Never blocks.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_options_set_connect_delay_ms(
    options: *mut fabric_options_t,
    delay: i64,
) -> i32 {
    // SAFETY: `options` is NULL or from fabric_options_new(), and used by this thread alone.
    unsafe {
        set("fabric_options_set_connect_delay_ms", options, |config| {
            config.connect_delay = time("a delay", delay, 0)?;
            Ok(())
        })
    }
}

/// Sets how long a connection to a Fabric node may take to come about.
///
/// @param options  The options.
/// @param timeout  Milliseconds, 1 to @ref FABRIC_MAX_TIME_MS; 5000 unless set.
/// @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_ARGUMENT
///
/// Never blocks.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_options_set_connect_timeout_ms(
    options: *mut fabric_options_t,
    timeout: i64,
) -> i32 {
    // SAFETY: `options` is NULL or from fabric_options_new(), and used by this thread alone.
    unsafe {
        set("fabric_options_set_connect_timeout_ms", options, |config| {
            config.connect_timeout = time("a timeout", timeout, 1)?;
            Ok(())
        })
    }
}

/// Sets how long one request to a Fabric node may take, from connecting to the last byte.
///
/// It is also the bound for all nodes of one attempt together: the next node is asked, too, when one
/// has been without a connection for 250 ms or without an answer for a second (sooner where many
/// nodes must have their turn), and the first answer counts. Where all have been asked, one that has
/// not sent a byte after a second is asked once more itself, beside the first connection, which may
/// be all that hangs: never by more than two connections at a time, and only after twice the time
/// that such an answer has taken of late, so that a node that takes its time for large dumps is not
/// asked for each of them twice.
///
/// A node whose backing store is down takes up to 18 s to say so.
///
/// @param options  The options.
/// @param timeout  Milliseconds, 1 to @ref FABRIC_MAX_TIME_MS; 20000 unless set.
/// @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_ARGUMENT
///
/// Never blocks.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_options_set_request_timeout_ms(
    options: *mut fabric_options_t,
    timeout: i64,
) -> i32 {
    // SAFETY: `options` is NULL or from fabric_options_new(), and used by this thread alone.
    unsafe {
        set("fabric_options_set_request_timeout_ms", options, |config| {
            config.request_timeout = time("a timeout", timeout, 1)?;
            Ok(())
        })
    }
}

/// Sets what one lookup waits for Fabric, all in all: whatever it has to fetch, of however many
/// nodes, in however many attempts. Then it answers from what is known, however old, or
/// @ref FABRIC_ERR_TIMEOUT; the fetch goes on behind it, and @ref FABRIC_EVENT_FETCHED tells when it
/// is over.
///
/// It holds for every call that says it blocks "as fabric_get_shard_server() does". The `_wait`
/// calls have deadlines of their own, and fabric_seed(), fabric_get_sharding_information() and
/// fabric_execute() bounds of their own.
///
/// @param options  The options.
/// @param timeout  Milliseconds, 0 (never wait: what is not known is @ref FABRIC_ERR_WOULD_BLOCK)
///                 to @ref FABRIC_MAX_TIME_MS; 5000 unless set.
/// @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_ARGUMENT
///
/// Never blocks.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_options_set_lookup_timeout_ms(
    options: *mut fabric_options_t,
    timeout: i64,
) -> i32 {
    // SAFETY: `options` is NULL or from fabric_options_new(), and used by this thread alone.
    unsafe {
        set("fabric_options_set_lookup_timeout_ms", options, |config| {
            config.lookup_timeout = time("a timeout", timeout, 0)?;
            Ok(())
        })
    }
}

pub(super) fn time(what: &str, millis: i64, least: i64) -> Result<Duration> {
    within(what, millis, least, FABRIC_MAX_TIME_MS).map(Duration::from_millis)
}

/// Sets the largest reply that is taken from a Fabric node, after decompression. A larger one
/// is FABRIC_ERR_REPLY_TOO_LARGE; a shard takes about 400 bytes. So is one whose values take more
/// than twice this in memory, or that has a single text of more than 4 MiB.
///
/// Fabric is asked only while 48 MiB of address space can be had, and a reply of more than 128 KiB is
/// taken only as long as there are 96 MiB beside what it takes; else it is FABRIC_ERR_SYSTEM. This is
/// looked for and not set aside: where other threads take the last memory meanwhile, the process ends.
/// So it does where there is none for what any other call allocates, as a C++ program does that
/// catches no bad_alloc.
///
/// @param options  The options.
/// @param bytes    1024 to 2^40; 67108864 (64 MiB) unless set.
/// @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_ARGUMENT
///
/// Never blocks.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_options_set_max_reply_bytes(
    options: *mut fabric_options_t,
    bytes: i64,
) -> i32 {
    // SAFETY: `options` is NULL or from fabric_options_new(), and used by this thread alone.
    unsafe {
        set("fabric_options_set_max_reply_bytes", options, |config| {
            config.max_reply_bytes = within("a reply size", bytes, 1024, 1 << 40)?;
            Ok(())
        })
    }
}

/// A path that stays what it is when the process changes its working directory. As it is if the
/// system has no name for that any more.
pub(super) fn absolute(path: &str) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| PathBuf::from(path))
}

/// Sets who hears what the handles made from these options have to say. Without it they are
/// silent: the library never prints.
///
/// @param options    The options.
/// @param level      The least grave level to hear, @ref FABRIC_LOG_ERROR to
///                   @ref FABRIC_LOG_DEBUG.
/// @param callback   Called for each message; see fabric_log_t. NULL turns the log off.
/// @param userdata   Handed to the callback; may be NULL.
/// @param free       Called with `userdata` when the options and all handles made from them are
///                   freed or told otherwise, also when this call fails; may be NULL.
/// @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_ARGUMENT
///
/// Never blocks.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_options_set_log(
    options: *mut fabric_options_t,
    level: i32,
    callback: fabric_log_t,
    userdata: *mut c_void,
    free: fabric_free_t,
) -> i32 {
    unsafe extern "C" fn no_op(_: i32, _: *const c_char, _: *mut c_void) {}
    // The log owns the userdata from here on, whatever becomes of the call.
    let max = [Level::Error, Level::Warning, Level::Info, Level::Debug]
        .into_iter()
        .find(|known| *known as i32 == level);
    let log = log_to(max.unwrap_or(Level::Error), callback.unwrap_or(no_op), userdata, free);
    // SAFETY: `options` is NULL or from fabric_options_new(), and used by this thread alone.
    unsafe {
        set("fabric_options_set_log", options, move |config| {
            if max.is_none() {
                return Err(Error::new(
                    Code::Argument,
                    format!("a log level of {level} is outside FABRIC_LOG_ERROR to _DEBUG"),
                ));
            }
            config.log = if callback.is_some() { log } else { Log::default() };
            Ok(())
        })
    }
}
