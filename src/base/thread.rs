//! The threads of the library: every one of them starts here, and none of them is the service's
//! in anything that a service would notice.
//!
//! A new thread has the signal mask, the scheduling policy, the priority and the processors of
//! the thread that started it, which is the one of the service that happened to call first: a
//! real-time worker pinned to a processor, perhaps, or the one thread that takes signals. So a
//! thread that starts here
//!
//! - takes no signal, from its first instruction on, but those that the processor or the kernel
//!   raises for what the thread itself did: a handler of the service never runs on it;
//! - has the ordinary scheduling policy, and the processors and the niceness of the process,
//!   which are those of its first thread;
//! - has a name, and a stack of a size of its own, so that nothing looks into the environment.
//!
//! What the service does in a callback is the service's: [`as_the_service`] gives the signal
//! mask back meanwhile, or a program that a callback starts would inherit a mask it cannot know
//! of, and could not be ended by SIGTERM.

use std::cell::{Cell, RefCell};
use std::io;
use std::os::unix::thread::JoinHandleExt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{Builder, JoinHandle, Scope, ScopedJoinHandle};

use nix::sched::{sched_getaffinity, sched_setaffinity};
use nix::sys::pthread::pthread_self;
use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::unistd::{Pid, getpid};
use once_cell::race::OnceBox;

use super::signal_mask;
use super::sync::{Mutex, assert_none_is_held, rank};

/// What the standard library gives a thread. Said here, because it looks for RUST_MIN_STACK
/// otherwise, and nobody may read the environment of a program that may be changing it.
const STACK_BYTES: usize = 2 << 20;

/// Raised on a thread for what it did itself. A thread that blocks them is ended without a word:
/// no handler of the service, no crash report.
const OWN_FAULTS: [Signal; 7] = [
    Signal::SIGSEGV,
    Signal::SIGBUS,
    Signal::SIGFPE,
    Signal::SIGILL,
    Signal::SIGTRAP,
    Signal::SIGABRT,
    // A sandbox that answers system calls in a handler.
    Signal::SIGSYS,
];

thread_local! {
    /// On a thread of the library: the mask of the thread of the service that it goes back to.
    static SERVICE: Cell<Option<SigSet>> = const { Cell::new(None) };
    static IS_OWN: Cell<bool> = const { Cell::new(false) };
}

/// Starts a thread. Its name has 15 bytes at most.
///
/// # Errors
/// The system has no thread to give: its limit is reached, or there is no memory for the stack.
pub fn start<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<JoinHandle<T>> {
    let signals = Blocked::here();
    let service = signals.service;
    builder(name).spawn(move || begun(service, work)).inspect_err(note_refusal)
}

/// As [`start`], for a thread that ends before `scope` does.
pub fn start_in<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    name: &str,
    work: impl FnOnce() -> T + Send + 'scope,
) -> io::Result<ScopedJoinHandle<'scope, T>> {
    let signals = Blocked::here();
    let service = signals.service;
    builder(name).spawn_scoped(scope, move || begun(service, work)).inspect_err(note_refusal)
}

/// Threads that whoever owns them waits for in the end. Nothing of them outlives [`Threads::end`]:
/// a thread that has done its work still runs what ends it, which is code of the library and of the
/// C library, and the service may unload the one or leave `main`.
#[derive(Default)]
pub struct Threads {
    threads: Mutex<Vec<JoinHandle<()>>, { rank::THREADS }>,
}

impl Threads {
    /// Takes in a thread, and waits for those that have done their work: they only have to end.
    pub fn add(&self, thread: JoinHandle<()>) {
        let done: Vec<_> = {
            let mut threads = self.threads.lock();
            threads.push(thread);
            threads.extract_if(.., |thread| thread.is_finished()).collect()
        };
        done.into_iter().for_each(join);
    }

    /// Waits for all of them. What they wait for themselves must have been cut off before.
    pub fn end(&self) {
        let threads = std::mem::take(&mut *self.threads.lock());
        threads.into_iter().for_each(join);
    }
}

/// Starts threads that end before the call of [`scope`] that hands it out does.
pub struct Scoped<'scope, 'env: 'scope> {
    scope: &'scope Scope<'scope, 'env>,
    threads: RefCell<Vec<ScopedJoinHandle<'scope, ()>>>,
}

impl<'scope> Scoped<'scope, '_> {
    /// As [`start`].
    ///
    /// # Errors
    /// As there.
    pub fn start(&self, name: &str, work: impl FnOnce() + Send + 'scope) -> io::Result<()> {
        let thread = start_in(self.scope, name, work)?;
        self.threads.borrow_mut().push(thread);
        Ok(())
    }
}

/// Does `work`, and waits for the threads that it starts to their very end. The standard library's
/// own scope waits for what they do, and not for what ends them.
pub fn scope<'env, R>(work: impl for<'scope> FnOnce(&Scoped<'scope, 'env>) -> R) -> R {
    std::thread::scope(|scope| {
        let scoped = Scoped { scope, threads: RefCell::default() };
        let outcome = work(&scoped);
        // One that panicked has said so to whoever waited for what it does.
        scoped.threads.into_inner().into_iter().for_each(|thread| _ = thread.join());
        outcome
    })
}

/// How many threads this process has wanted here and not got, those of the process that it was
/// forked from among them.
pub fn refused() -> u64 {
    REFUSED.load(Ordering::Relaxed)
}

static REFUSED: AtomicU64 = AtomicU64::new(0);

fn note_refusal(_: &io::Error) {
    REFUSED.fetch_add(1, Ordering::Relaxed);
}

/// Whether the calling thread is one of the library.
pub fn is_own() -> bool {
    IS_OWN.get()
}

/// Waits for the end of a thread of [`start`], unless it is the calling one, which goes on.
pub fn join<T>(thread: JoinHandle<T>) {
    assert_none_is_held();
    // Not by the standard library's word for the calling thread, which panics on one that is
    // ending: the handle may be freed by a destructor of what the service keeps for a thread.
    if thread.as_pthread_t() != pthread_self() {
        // It has ended by itself or by a panic; either way it is over.
        let _ = thread.join();
    }
}

/// Runs a callback of the service: on a thread of the library with the signal mask that the
/// thread of the service had which started it, on one of the service as it is.
pub fn as_the_service<R>(callback: impl FnOnce() -> R) -> R {
    assert_none_is_held();
    let _blocked_again = SERVICE.get().map(|mask| Restored(signal_mask::swap(SET, &mask)));
    callback()
}

const SET: SigmaskHow = SigmaskHow::SIG_SETMASK;

fn builder(name: &str) -> Builder {
    Builder::new().name(name.to_owned()).stack_size(STACK_BYTES)
}

fn begun<T>(service: Option<SigSet>, work: impl FnOnce() -> T) -> T {
    SERVICE.set(service);
    IS_OWN.set(true);
    // Best effort: a sandbox may forbid it, and then the thread is as its creator is.
    be_ordinary();
    work()
}

/// Blocks the signals of the calling thread while it lives: what starts meanwhile starts so.
struct Blocked {
    /// The mask of the service's thread: the caller's, or the one it was started by.
    service: Option<SigSet>,
    _restored: Restored,
}

impl Blocked {
    fn here() -> Self {
        let mut blocked = SigSet::all();
        OWN_FAULTS.into_iter().for_each(|fault| blocked.remove(fault));
        let before = signal_mask::swap(SET, &blocked);
        Self { service: SERVICE.get().or(before), _restored: Restored(before) }
    }
}

/// Sets a mask again when it is dropped; nothing if none was changed.
struct Restored(Option<SigSet>);

impl Drop for Restored {
    fn drop(&mut self) {
        if let Some(mask) = self.0 {
            let _ = mask.thread_set_mask();
        }
    }
}

/// Gives the calling thread, which was just started, the processors of the process and the
/// ordinary policy.
fn be_ordinary() {
    if let Ok(processors) = sched_getaffinity(getpid()) {
        let _ = sched_setaffinity(Pid::from_raw(0), &processors);
    }
    if let Some(take_ordinary_policy) = ORDINARY_POLICY.get() {
        take_ordinary_policy();
    }
}

/// How a thread takes the ordinary policy: a system call that only `ffi` may make.
static ORDINARY_POLICY: OnceBox<fn()> = OnceBox::new();

/// Has every thread that starts from here on call `take`, which gives the thread that calls it
/// the ordinary scheduling policy and the niceness of the process. The first one counts.
pub fn take_ordinary_policy_by(take: fn()) {
    ORDINARY_POLICY.get_or_init(|| Box::new(take));
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;
    use std::{fs, thread};

    use super::*;

    /// The hexadecimal mask in a line of the calling thread's status, or the mask of its processors.
    fn of_this_thread(line: &str) -> String {
        let status = fs::read_to_string("/proc/thread-self/status").unwrap();
        let found = status.lines().find_map(|status| status.strip_prefix(line));
        found.unwrap().trim().to_owned()
    }

    fn blocked() -> u64 {
        u64::from_str_radix(&of_this_thread("SigBlk:"), 16).unwrap()
    }

    fn bits(signals: impl IntoIterator<Item = Signal>) -> u64 {
        signals.into_iter().map(|signal| 1 << (signal as i32 - 1)).sum()
    }

    #[test]
    fn a_thread_takes_no_signals_but_for_its_own_faults() {
        // Whatever the runner blocks, this thread blocks one signal that nobody sends.
        thread::spawn(|| {
            SigSet::from_iter([Signal::SIGWINCH]).thread_block().unwrap();
            let before = blocked();
            let inside = start("signals", blocked).unwrap().join().unwrap();
            assert_eq!(blocked(), before, "the caller's mask is what it was");
            assert_eq!(inside & bits(OWN_FAULTS), 0);
            // Two are the C library's own, and cannot be blocked; two others nobody can.
            let never = bits([Signal::SIGKILL, Signal::SIGSTOP]) | 0b11 << 31;
            assert_eq!(inside | never, !bits(OWN_FAULTS));
        })
        .join()
        .unwrap();
    }

    thread_local! {
        static ENDS_LATE: RefCell<Option<EndsLate>> = const { RefCell::new(None) };
    }

    /// Held by a thread, which takes a while to end and then counts.
    struct EndsLate(Arc<AtomicU64>);

    impl Drop for EndsLate {
        fn drop(&mut self) {
            thread::sleep(Duration::from_millis(200));
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn ends_late(ended: &Arc<AtomicU64>) -> impl FnOnce() + Send + 'static {
        let ended = Arc::clone(ended);
        || ENDS_LATE.set(Some(EndsLate(ended)))
    }

    #[test]
    fn threads_are_waited_for_to_their_end_though_they_have_done_their_work() {
        let (threads, ended) = (Threads::default(), Arc::new(AtomicU64::new(0)));
        for _ in 0..3 {
            let late = start("late", ends_late(&ended)).unwrap();
            while !late.is_finished() {
                thread::yield_now();
            }
            threads.add(late);
        }
        threads.end();
        assert_eq!(ended.load(Ordering::Relaxed), 3);
    }

    #[test]
    fn a_scope_waits_for_its_threads_to_their_end() {
        let ended = Arc::new(AtomicU64::new(0));
        scope(|threads| {
            threads.start("late", ends_late(&ended)).unwrap();
            threads.start("late", ends_late(&ended)).unwrap();
        });
        assert_eq!(ended.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn a_callback_has_the_mask_of_the_service() {
        thread::spawn(|| {
            SigSet::from_iter([Signal::SIGWINCH]).thread_block().unwrap();
            let before = blocked();
            assert_eq!(as_the_service(blocked), before);
            let masks = start("callback", || {
                let own = blocked();
                let within = as_the_service(blocked);
                // A thread that a thread of the library starts goes back to the service, too.
                let next = start("another", || as_the_service(blocked)).unwrap();
                (own == blocked(), within, next.join().unwrap())
            });
            assert_eq!(masks.unwrap().join().unwrap(), (true, before, before));
        })
        .join()
        .unwrap();
    }

    #[test]
    fn a_callback_that_panics_leaves_the_mask_as_it_was() {
        let (before, after) = start("panics", || {
            let before = blocked();
            let panicked = std::panic::catch_unwind(|| as_the_service(|| panic!("on purpose")));
            assert!(panicked.is_err());
            (before, blocked())
        })
        .unwrap()
        .join()
        .unwrap();
        assert_eq!(before, after);
    }

    #[test]
    fn a_thread_has_the_processors_of_the_process() {
        let of_process = fs::read_to_string("/proc/self/status").unwrap();
        thread::spawn(move || {
            let all = sched_getaffinity(getpid()).unwrap();
            let mut one = nix::sched::CpuSet::new();
            let first = (0..nix::sched::CpuSet::count()).find(|cpu| all.is_set(*cpu).unwrap());
            one.set(first.unwrap()).unwrap();
            sched_setaffinity(Pid::from_raw(0), &one).unwrap();
            let list = |status: &str| {
                let found = status.lines().find(|line| line.starts_with("Cpus_allowed_list:"));
                found.unwrap().to_owned()
            };
            let inside =
                start("processors", || fs::read_to_string("/proc/thread-self/status").unwrap());
            assert_eq!(list(&inside.unwrap().join().unwrap()), list(&of_process));
        })
        .join()
        .unwrap();
    }
}
