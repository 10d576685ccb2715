//! The handle: made from options, used by all threads, freed once.

use std::ffi::{CString, c_char};
use std::path::Path;
use std::sync::Arc;

use crate::base::random;
use crate::config::Config;
use crate::router::Router;

use super::boundary::{boundary, boundary_value};
use super::error::fabric_error_t;
use super::fork::notice_forks;
use super::options::{fabric_options_t, node};
use super::owned::{Object, Owned};
use super::ptr::{Out, optional_text, reference};
use super::thread::keep_threads_ordinary;

/// A farm of MySQL servers. Made by fabric_new(), freed by fabric_free().
///
/// Every call that takes a `const fabric_t *` may be made by any number of threads at once.
///
/// @since 0.1.0
pub struct fabric_t {
    pub(super) router: Arc<Router>,
    pub(super) strings: Strings,
    /// The port of a node that is named without one.
    default_port: u16,
}

impl Object for fabric_t {}

/// What the getters of fixed strings point at.
#[derive(Default)]
pub(super) struct Strings {
    pub(super) user: Option<CString>,
    pub(super) tls_ca: Option<CString>,
    pub(super) tls_key: Option<CString>,
    pub(super) tls_cert: Option<CString>,
}

impl Strings {
    fn of(config: &Config) -> Self {
        let text = |text: &str| CString::new(text).ok();
        let path = |path: &Path| text(&path.to_string_lossy());
        let tls = config.tls.as_ref();
        let identity = tls.and_then(|tls| tls.identity.as_ref());
        Self {
            user: config.credentials.as_ref().and_then(|credentials| text(&credentials.user)),
            tls_ca: tls.and_then(|tls| path(&tls.ca)),
            tls_key: identity.and_then(|identity| path(&identity.key)),
            tls_cert: identity.and_then(|identity| path(&identity.cert)),
        }
    }
}

/// Makes a handle. No I/O: the first lookup, or fabric_seed(), asks Fabric.
///
/// @param options  The options; copied, so they may be freed or changed right after.
/// @param out      Where the handle goes, to be freed with fabric_free().
/// @param err      Where details of a failure go; may be NULL.
/// @retval FABRIC_OK
/// @retval FABRIC_ERR_NULL_POINTER  `options` or `out` is NULL.
/// @retval FABRIC_ERR_SYSTEM  The system gives this process no random numbers: no getrandom(2), and
///         no /dev/urandom.
/// @retval FABRIC_ERR_ARGUMENT, FABRIC_ERR_INVALID_UTF8  An option was refused: the status of the
///         first one that was, with its message.
///
/// Threads. A handle has threads of its own from its first fetch, report or event on, named
/// `fabric-refresh`, `fabric-report` and so on, until fabric_free(). They take no signal but SIGSEGV,
/// SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT and SIGSYS, which the kernel raises for what a thread
/// itself did: a handler of the service never runs on them, but for the time of a callback, when
/// they have the signal mask of the thread whose call had them started. They have the ordinary
/// scheduling policy, and the processors and the niceness of the process's first thread, whoever
/// called first.
///
/// Every thread that looks up keeps some 9 KiB for that until it ends, whatever the number of
/// handles, and the last snapshot of up to 8 handles; so memory of a handle that is freed may stay
/// until such a thread ends or looks up again. Threads that use more than 8 handles that live at
/// the same time look up the snapshot of some of them anew at each turn, which costs those calls a
/// little more.
///
/// Never blocks. Any thread, but the options must not be changed meanwhile.
///
/// @since 0.1.0
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_new(
    options: *const fabric_options_t,
    out: *mut *mut fabric_t,
    err: *mut fabric_error_t,
) -> i32 {
    notice_forks();
    keep_threads_ordinary();
    boundary("fabric_new", err, || {
        // SAFETY: `options` is NULL or from fabric_options_new(), and nobody changes it meanwhile;
        // `out` is NULL or writable.
        let (options, out) = unsafe { (reference(options, "options")?, Out::new(out, "out")?) };
        if let Some(refused) = &options.refused {
            return Err(refused.clone());
        }
        options.config.check()?;
        // Without them nothing that follows goes well: better said at once.
        random::bytes()?;
        let strings = Strings::of(&options.config);
        let default_port = options.config.default_port();
        let router = Arc::new(Router::new(options.config.clone()));
        out.set(Owned::new(fabric_t { router, strings, default_port }).into_c());
        Ok(())
    })
}

/// Frees a handle. The password is wiped from memory.
///
/// @param f  From fabric_new(), or NULL, which does nothing. No other call may be using it, and
///           none may be made afterwards.
///
/// Does not wait for the network, but for an event callback that runs, unless it is the caller, and
/// for a log callback that runs on a thread of the library, which must not be the caller; events that
/// were not delivered by then never are. The descriptor of fabric_event_fd() is closed.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_free(f: *mut fabric_t) {
    boundary_value((), || {
        // SAFETY: `f` is NULL or from fabric_new(), and freed once by the contract.
        if let Some(f) = unsafe { Owned::from_c(f) } {
            // Opened tables may keep the topology, but nothing goes on behind their back.
            f.lend().router.close();
        }
    });
}

/// Ends the waits of all calls that wait for Fabric or for a server now, on all threads, once: they
/// answer FABRIC_ERR_INTERRUPTED, each as soon as its thread runs. Calls that begin later wait as
/// ever. What is being fetched goes on being fetched, unless the system has no thread left and a
/// caller fetches itself: that is cut off.
///
/// For a service that is to stop, and whose threads may be in a `_wait` call.
///
/// @param f  The handle; NULL does nothing.
///
/// Never blocks. Any thread, also in a callback. No signal handler: it takes locks.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_interrupt(f: *const fabric_t) {
    boundary_value((), || {
        // SAFETY: `f` is NULL or a handle that is not freed.
        if let Ok(f) = unsafe { reference(f, "f") } {
            f.router.interrupt();
        }
    });
}

/// Asks a Fabric node for the farm's Fabric nodes, and loads the whole farm: all shard maps and
/// all groups, in three requests.
///
/// A service that uses a small part of a large farm need not call it: lookups fetch what they
/// need. One that wants its first lookup to be fast calls it at start.
///
/// @param f     The handle.
/// @param host  The node to ask, UTF-8, NUL-terminated; it joins the configured ones for
///              good and is asked first from now on. NULL asks the configured ones.
/// @param port  Its port, or 0 for that of the protocol: @ref FABRIC_DEFAULT_PORT, or
///              @ref FABRIC_DEFAULT_MYSQL_PORT. Not used with NULL.
/// @param err   Where details of a failure go; may be NULL.
/// @retval FABRIC_OK
/// @retval FABRIC_ERR_NOT_SEEDED  NULL was given, and no node is configured.
/// @retval FABRIC_ERR_UNREACHABLE, FABRIC_ERR_TIMEOUT, FABRIC_ERR_AUTH, FABRIC_ERR_FORBIDDEN,
///         FABRIC_ERR_TLS, FABRIC_ERR_PROTOCOL, FABRIC_ERR_REPLY_TOO_LARGE, FABRIC_ERR_FABRIC,
///         FABRIC_ERR_MYSQL
///         What the node that got furthest said. Other nodes are tried first.
/// @retval FABRIC_ERR_FILE        The handle routes from a topology file, and it is refused.
/// @retval FABRIC_ERR_NULL_POINTER, FABRIC_ERR_INVALID_UTF8, FABRIC_ERR_ARGUMENT
///
/// With a topology file, NULL reads it, and a node is FABRIC_ERR_ARGUMENT. With a snapshot file,
/// the first call succeeds from it while no Fabric node answers: after one round over the nodes, or,
/// while they hang, after a second. A log line says so, fabric_topology_age() tells how old it is, and
/// the fetch goes on.
///
/// Blocks for attempts x request timeout + (attempts - 1) x delay at most, all nodes and requests
/// together (62 s unless the options say otherwise); then it answers @ref FABRIC_ERR_TIMEOUT, and
/// the fetch goes on. fabric_interrupt() ends the wait. In a callback it is begun, and answers
/// @ref FABRIC_ERR_WOULD_BLOCK. Any thread.
///
/// @since 0.1.0
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_seed(
    f: *const fabric_t,
    host: *const c_char,
    port: u16,
    err: *mut fabric_error_t,
) -> i32 {
    boundary("fabric_seed", err, || {
        // SAFETY: `f` is NULL or a handle that is not freed; `host` is NULL or NUL-terminated.
        let (f, host) = unsafe { (reference(f, "f")?, optional_text(host, "host")?) };
        f.router.seed(host.map(|host| node(host, port, f.default_port)).transpose()?)
    })
}
