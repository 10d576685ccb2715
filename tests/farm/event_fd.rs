//! Events and metrics through the C API: the descriptor, its owner, and what a child gets.

use std::ffi::{CStr, CString, c_int, c_void};
use std::io::Write;
use std::os::fd::RawFd;
use std::ptr;
use std::sync::atomic::{AtomicI32, AtomicPtr, AtomicUsize, Ordering};
use std::time::Duration;

use fabricd::{Options, Server};
use mysqlfabric::ffi::*;

use crate::cache::promote;
use crate::support::eventually;

/// A handle for one node without a password, refreshed every 40 ms.
struct Handle(*mut fabric_t);

impl Handle {
    fn new(server: &Server, more: impl FnOnce(*mut fabric_options_t)) -> Self {
        let mut f = ptr::null_mut();
        let host = CString::new("127.0.0.1").expect("no NUL");
        // SAFETY: the options are valid until they are freed, and `f` is a place for a handle.
        unsafe {
            let options = fabric_options_new();
            fabric_options_add_node(options, host.as_ptr(), server.port());
            fabric_options_set_ttl_ms(options, 0, 40);
            fabric_options_set_refresh_share(options, 100);
            more(options);
            assert_eq!(fabric_new(options, &mut f, ptr::null_mut()), FABRIC_OK);
            fabric_options_free(options);
        }
        Self(f)
    }

    fn seed(&self) {
        // SAFETY: the handle is valid; NULL means the configured nodes, and no details.
        let status = unsafe { fabric_seed(self.0, ptr::null(), 0, ptr::null_mut()) };
        assert_eq!(status, FABRIC_OK);
    }

    fn fd(&self) -> RawFd {
        let mut fd = -1;
        // SAFETY: the handle is valid, `fd` a place for a descriptor.
        assert_eq!(unsafe { fabric_event_fd(self.0, &mut fd, ptr::null_mut()) }, FABRIC_OK);
        fd
    }

    fn next(&self) -> Option<fabric_event_t> {
        let mut event = std::mem::MaybeUninit::uninit();
        // SAFETY: the handle is valid, `event` a place for an event, which FABRIC_OK fills.
        unsafe {
            match fabric_next_event(self.0, event.as_mut_ptr(), ptr::null_mut()) {
                FABRIC_OK => Some(event.assume_init()),
                status => {
                    assert_eq!(status, FABRIC_ERR_NO_EVENT);
                    None
                }
            }
        }
    }

    fn metrics(&self) -> fabric_metrics_t {
        let mut metrics = std::mem::MaybeUninit::uninit();
        // SAFETY: the handle is valid, `metrics` a place for them, which FABRIC_OK fills.
        unsafe {
            let status = fabric_get_metrics(self.0, metrics.as_mut_ptr(), ptr::null_mut());
            assert_eq!(status, FABRIC_OK);
            metrics.assume_init()
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: made by fabric_new and freed once.
        unsafe { fabric_free(self.0) };
    }
}

fn open_farm() -> Server {
    Server::start(Options { auth: false, ..Options::default() }).expect("fabricd starts")
}

/// Whether the descriptor becomes readable within this time.
fn readable(fd: RawFd, wait: Duration) -> bool {
    let mut poll = libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
    // SAFETY: one valid pollfd.
    let count = unsafe { libc::poll(&mut poll, 1, wait.as_millis() as c_int) };
    count == 1 && poll.revents & libc::POLLIN != 0
}

fn flags(fd: RawFd) -> (c_int, c_int) {
    // SAFETY: asking for flags touches no memory.
    unsafe { (libc::fcntl(fd, libc::F_GETFD), libc::fcntl(fd, libc::F_GETFL)) }
}

const LONG: Duration = Duration::from_secs(30);

#[test]
fn the_descriptor_wakes_a_loop_and_is_drained() {
    let server = open_farm();
    let handle = Handle::new(&server, |_| {});
    let fd = handle.fd();
    let (on_exec, status) = flags(fd);
    assert!(on_exec & libc::FD_CLOEXEC != 0 && status & libc::O_NONBLOCK != 0);
    assert!(!readable(fd, Duration::ZERO));
    handle.seed();
    assert!(readable(fd, LONG));
    assert_eq!(handle.next().expect("an event").kind, FABRIC_EVENT_READY);
    assert!(readable(fd, Duration::ZERO), "one more waits");
    assert_eq!(handle.next().expect("an event").kind, FABRIC_EVENT_TOPOLOGY_CHANGED);
    assert!(!readable(fd, Duration::ZERO), "drained with the last one");
    assert!(handle.next().is_none());

    // Somebody who changes the farm wakes the loop without any lookup of ours.
    promote(&server, "shard1", 33612);
    assert!(readable(fd, LONG));
    let changed = handle.next().expect("an event");
    assert_eq!(changed.kind, FABRIC_EVENT_TOPOLOGY_CHANGED);
    let event = handle.next().expect("an event");
    assert_eq!((event.kind, event.generation), (FABRIC_EVENT_PRIMARY_CHANGED, changed.generation));
    assert_eq!(text(&event.group), "shard1");
    assert_eq!(text(&event.server_uuid).len(), 36);
    assert!((0..10_000).contains(&event.age_ms));
    assert!(!readable(fd, Duration::ZERO));

    // Whoever empties the socket against the rules loses no wake-up for good.
    promote(&server, "shard1", 33611);
    assert!(readable(fd, LONG));
    let mut byte = [0u8; 8];
    // SAFETY: eight bytes of room.
    unsafe { libc::read(fd, byte.as_mut_ptr().cast::<c_void>(), byte.len()) };
    while handle.next().is_some() {}
    promote(&server, "shard1", 33612);
    assert!(readable(fd, LONG));

    drop(handle);
    assert_eq!(flags(fd).0, -1, "closed with the handle");
}

/// A C string of a struct's array.
fn text(array: &[std::ffi::c_char]) -> String {
    let bytes: Vec<u8> = array.iter().map(|c| *c as u8).collect();
    let text = CStr::from_bytes_until_nul(&bytes).expect("a NUL");
    text.to_str().expect("UTF-8").to_owned()
}

#[derive(Default)]
struct Seen {
    handle: AtomicPtr<fabric_t>,
    calls: AtomicUsize,
    worst: AtomicI32,
    freed: AtomicUsize,
}

unsafe extern "C" fn busy(event: *const fabric_event_t, userdata: *mut c_void) {
    // SAFETY: the test hands over a `Seen` that outlives the handle, and the library an event.
    unsafe {
        let (seen, event) = (&*userdata.cast::<Seen>(), &*event);
        if event.kind == FABRIC_EVENT_FETCHED {
            return;
        }
        let f = seen.handle.load(Ordering::SeqCst);
        let group = CString::new("shard1").expect("no NUL");
        let mut servers = [std::mem::MaybeUninit::<fabric_server_t>::uninit(); 8];
        let mut metrics = std::mem::MaybeUninit::uninit();
        let (mut count, mut fd) = (0, -1);
        let none = ptr::null_mut();
        let statuses = [
            fabric_get_group_server(f, group.as_ptr(), 3, -1, servers[0].as_mut_ptr(), none),
            fabric_reset_cache(f, ptr::null(), none),
            fabric_get_group_servers(
                f,
                group.as_ptr(),
                0,
                servers[0].as_mut_ptr(),
                servers.len(),
                &mut count,
                none,
            ),
            fabric_get_metrics(f, metrics.as_mut_ptr(), none),
            fabric_event_fd(f, &mut fd, none),
        ];
        // Nobody waits in a callback, and what is asked for anew has not come yet.
        let passes = |status: &i32| [FABRIC_OK, FABRIC_ERR_WOULD_BLOCK].contains(status);
        let worst = statuses.into_iter().find(|status| !passes(status));
        seen.worst.fetch_max(worst.unwrap_or(FABRIC_OK), Ordering::SeqCst);
        assert!(event.kind >= FABRIC_EVENT_READY);
        seen.calls.fetch_add(1, Ordering::SeqCst);
    }
}

unsafe extern "C" fn freed(userdata: *mut c_void) {
    // SAFETY: the test hands over a `Seen` that outlives the handle.
    unsafe { (*userdata.cast::<Seen>()).freed.fetch_add(1, Ordering::SeqCst) };
}

#[test]
fn a_callback_from_c_may_call_back() {
    let server = open_farm();
    let seen = Seen::default();
    let handle = Handle::new(&server, |options| {
        let userdata = ptr::from_ref(&seen).cast_mut().cast::<c_void>();
        // SAFETY: valid options; the userdata outlives the handle.
        let status = unsafe {
            fabric_options_set_event_callback(options, Some(busy), userdata, Some(freed))
        };
        assert_eq!(status, FABRIC_OK);
    });
    seen.handle.store(handle.0, Ordering::SeqCst);
    handle.seed();
    eventually("both calls", || seen.calls.load(Ordering::SeqCst) >= 2);
    promote(&server, "shard1", 33612);
    eventually("a call by the background refresh", || seen.calls.load(Ordering::SeqCst) >= 4);
    assert_eq!(seen.worst.load(Ordering::SeqCst), FABRIC_OK);
    let numbers = handle.metrics();
    assert!(numbers.lookups + numbers.lookups_refused >= 8, "two lookups a call");
    assert!(numbers.lookups_refused > 0, "nobody waits");
    assert_eq!((numbers.events_lost, numbers.last_error), (0, FABRIC_OK));
    assert_eq!(text(&numbers.last_error_text), "");
    assert_eq!(seen.freed.load(Ordering::SeqCst), 0);
    drop(handle);
    assert_eq!(seen.freed.load(Ordering::SeqCst), 1);
}

#[test]
fn metrics_name_the_last_error() {
    let mut server = open_farm();
    let handle = Handle::new(&server, |_| {});
    handle.seed();
    assert_eq!(handle.metrics().last_error_age_ms, -1);
    server.stop();
    // One that was under way when the server stopped may have been cut off.
    eventually("a failure", || handle.metrics().last_error == FABRIC_ERR_UNREACHABLE);
    let numbers = handle.metrics();
    assert_eq!((numbers.nodes_known, numbers.nodes_up), (1, 0));
    assert_eq!(numbers.last_error, FABRIC_ERR_UNREACHABLE);
    assert!(text(&numbers.last_error_text).contains(&server.port().to_string()));
    assert!(numbers.last_error_age_ms >= 0 && numbers.topology_age_ms >= 0);
}

/// Runs `child` in a forked child and gives its exit code: 0 if every step held.
fn in_a_child(child: impl FnOnce() -> bool) -> c_int {
    let mut status = -1;
    // SAFETY: the child does what is asked of it and leaves without unwinding or running
    // anything of its parent's.
    unsafe {
        match libc::fork() {
            0 => {
                // A child that hangs ends by itself.
                libc::alarm(60);
                let held = std::panic::catch_unwind(std::panic::AssertUnwindSafe(child));
                if let Err(panic) = &held {
                    let text = panic.downcast_ref::<String>().map(String::as_str);
                    let text = text.or(panic.downcast_ref::<&str>().copied()).unwrap_or_default();
                    // What is printed otherwise is kept for a parent that never sees it.
                    let _ = writeln!(std::io::stderr(), "in the child: {text}");
                }
                libc::_exit(if held.unwrap_or(false) { 0 } else { 1 });
            }
            pid => {
                assert!(pid > 0, "fork");
                assert_eq!(libc::waitpid(pid, &mut status, 0), pid);
            }
        }
    }
    status
}

#[test]
fn a_child_gets_a_descriptor_of_its_own() {
    let server = open_farm();
    // No thread of the parent's takes or adds events while the child is at it.
    let handle = Handle::new(&server, |options| {
        // SAFETY: valid options.
        unsafe {
            fabric_options_set_background_refresh(options, 0);
            fabric_options_set_ttl_ms(options, 3_600_000, 0);
        }
    });
    let fd = handle.fd();
    handle.seed();
    assert!(readable(fd, LONG));
    let before = handle.metrics();

    let status = in_a_child(|| {
        let numbers = handle.metrics();
        let inherited = numbers.generation == before.generation && numbers.requests == 3;
        // Nobody asked for events in this process yet, and the parent's are not ours.
        let none = handle.next().is_none();
        let own = handle.fd();
        let quiet = own != fd && !readable(own, Duration::ZERO);
        inherited && none && quiet && flags(fd).0 != -1
    });
    assert_eq!(status, 0);

    // What the child did left the parent's descriptor and events as they were.
    assert!(readable(fd, Duration::ZERO));
    assert_eq!(handle.next().expect("an event").kind, FABRIC_EVENT_READY);
    assert_eq!(handle.next().expect("an event").kind, FABRIC_EVENT_TOPOLOGY_CHANGED);
    assert!(!readable(fd, Duration::ZERO));

    promote(&server, "shard1", 33612);
    // A child with events of its own that frees the handle closes what is its own, and the
    // parent goes on hearing.
    let status = in_a_child(|| {
        let own = handle.fd();
        handle.seed();
        let first = handle.next().map(|event| event.kind);
        assert_eq!(first, Some(FABRIC_EVENT_TOPOLOGY_CHANGED));
        assert!(readable(own, Duration::ZERO));
        // SAFETY: the child's own copy of the handle, freed once: it leaves by _exit.
        unsafe { fabric_free(handle.0) };
        assert_eq!(flags(own).0, -1);
        flags(fd).0 != -1
    });
    assert_eq!(status, 0);
    assert!(!readable(fd, Duration::ZERO), "what the child noticed is the child's");
    handle.seed();
    assert!(readable(fd, LONG));
    assert_eq!(handle.next().expect("an event").kind, FABRIC_EVENT_TOPOLOGY_CHANGED);
}
