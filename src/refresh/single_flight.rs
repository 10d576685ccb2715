//! Single flight: callers who want something of the source wait for one fetch between them, and none
//! of them does it in its own thread.
//!
//! Requests gather in a batch until a fetcher takes it: a thread that whoever finds none at work
//! starts, and that ends when nothing gathers any more. A caller waits for its batch as long as
//! it has time, and leaves the fetch to go on without it. A fetch that hangs holds up nobody for
//! long: whoever has waited [`OVERDUE`] for its batch to be taken may start another fetcher.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::base::error::{Code, Error, Result};
use crate::sync::{Arc, AtomicUsize, Condvar, Mutex, MutexGuard, OnceCell, Ordering, rank};

/// How long a batch waits for a fetcher that is at something else.
pub const OVERDUE: Duration = Duration::from_secs(1);

/// Fetchers at most: with all of them hanging, nobody would be served by one more.
const MOST_FETCHERS: usize = 3;

/// What to fetch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FetchRequest {
    /// Full names, `db.table`.
    pub tables: BTreeSet<String>,
    pub groups: BTreeSet<String>,
    /// The whole farm, whatever else is named.
    pub everything: bool,
}

impl FetchRequest {
    pub fn table(name: &str) -> Self {
        Self { tables: BTreeSet::from([name.to_owned()]), ..Self::default() }
    }

    pub fn group(name: &str) -> Self {
        Self { groups: BTreeSet::from([name.to_owned()]), ..Self::default() }
    }

    pub fn everything() -> Self {
        Self { everything: true, ..Self::default() }
    }

    pub fn is_empty(&self) -> bool {
        !self.everything && self.tables.is_empty() && self.groups.is_empty()
    }

    /// Whether its words, as they stand in messages, name several things.
    pub fn is_plural(&self) -> bool {
        !self.everything && self.tables.len() + self.groups.len() != 1
    }

    /// Whether `other` asks for nothing more.
    pub fn covers(&self, other: &Self) -> bool {
        self.everything
            || !other.everything
                && self.tables.is_superset(&other.tables)
                && self.groups.is_superset(&other.groups)
    }

    pub fn merge(&mut self, other: Self) {
        self.tables.extend(other.tables);
        self.groups.extend(other.groups);
        self.everything |= other.everything;
    }
}

impl std::fmt::Display for FetchRequest {
    /// As it stands in messages: a few names, and how many more.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Some((kind, name)) = (match (self.tables.first(), self.groups.first()) {
            _ if self.everything => None,
            (Some(table), _) => Some(("table", table)),
            (None, Some(group)) => Some(("group", group)),
            (None, None) => return f.write_str("the Fabric nodes"),
        }) else {
            return f.write_str("the whole farm");
        };
        let shown: String = name.chars().take(120).collect();
        write!(f, "{kind} '{shown}'")?;
        match self.tables.len() + self.groups.len() - 1 {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

/// What became of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Completion {
    Over(Result<()>),
    /// The fetch was a caller's whose time was over: the others have it begun anew.
    CutShort,
}

#[derive(Default)]
struct Batch {
    completion: OnceCell<Completion>,
    /// Not 0 if somebody wants to be told of the end who does not wait for it. Changes under the
    /// queue's lock.
    left: AtomicUsize,
    /// How many who waited for it have told of its failure.
    told: AtomicUsize,
}

#[derive(Default)]
struct Queue {
    /// What no fetcher has taken yet.
    next: Option<Gathering>,
    /// How many are at work, or about to be.
    fetchers: usize,
    closed: bool,
}

#[derive(Default)]
struct Gathering {
    request: FetchRequest,
    batch: Arc<Batch>,
}

/// A caller's part in a batch.
pub struct Ticket {
    batch: Arc<Batch>,
}

impl Ticket {
    /// Whether nobody of the same batch has asked this before.
    pub fn tells_first(&self) -> bool {
        self.batch.told.fetch_add(1, Ordering::Relaxed) == 0
    }
}

/// Why a wait is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Waited {
    Completed(Result<()>),
    /// Nobody is going to fetch the batch, unless the caller starts a fetcher or is one.
    Unserved,
    /// The batch is to be asked for once more.
    CutShort,
    /// The time is over, or the caller is not to wait any more.
    NotYet,
}

/// The queue of one handle.
#[derive(Default)]
pub struct SingleFlight {
    queue: Mutex<Queue, { rank::FLIGHTS }>,
    completed: Condvar,
}

impl SingleFlight {
    /// Has `request` fetched, beginning after this call did; `leaves` if the caller will not wait for
    /// the end and wants to be told of it. True if the caller is to start a fetcher, and to say
    /// `gone` if there is none to be had. Nothing once the queue is closed.
    pub fn ask(&self, request: FetchRequest, leaves: bool) -> Option<(Ticket, bool)> {
        let mut queue = self.lock();
        if queue.closed {
            return None;
        }
        let next = queue.next.get_or_insert_default();
        next.request.merge(request);
        let ticket = Ticket { batch: Arc::clone(&next.batch) };
        if leaves {
            ticket.batch.left.store(1, Ordering::Relaxed);
        }
        let starts = queue.fetchers == 0;
        queue.fetchers += usize::from(starts);
        Some((ticket, starts))
    }

    /// A fetcher that was to be started is not there.
    pub fn gone(&self) {
        self.lock().fetchers -= 1;
        self.completed.notify_all();
    }

    /// Whether the ticket's batch waits for a fetcher and may have one more; then it is to be
    /// started, as with `ask`.
    pub fn wants_another(&self, ticket: &Ticket) -> bool {
        let mut queue = self.lock();
        let wants = !queue.closed && queue.fetchers < MOST_FETCHERS && queue.gathers(ticket);
        queue.fetchers += usize::from(wants);
        wants
    }

    /// Fetches what has gathered until nothing has, or only once. `completed` is told of each
    /// completion, and whether somebody wants to be told who has not waited for it.
    pub fn serve(
        &self,
        once: bool,
        fetch: impl Fn(&FetchRequest) -> Completion,
        completed: impl Fn(&Completion, bool),
    ) {
        let mut fetcher = Fetcher { single_flight: self, has_left: false };
        while let Some(Gathering { request, batch }) = fetcher.take() {
            let flight = Flight { single_flight: self, batch: &batch };
            let completion = fetch(&request);
            let left = flight.land(completion.clone());
            completed(&completion, left);
            if once {
                break;
            }
        }
    }

    /// Waits for the ticket's batch, for `most` at most, or until `is_over` says so, which is asked
    /// again after each `wake`. With `Unserved` the caller is to start a fetcher, as with `ask`.
    pub fn wait(&self, ticket: &Ticket, most: Duration, is_over: impl Fn() -> bool) -> Waited {
        let mut queue = self.completed.wait_timeout_while(self.lock(), most, |queue| {
            ticket.batch.completion.get().is_none()
                && !queue.is_unserved(ticket)
                && !queue.closed
                && !is_over()
        });
        match ticket.batch.completion.get() {
            Some(Completion::Over(outcome)) => Waited::Completed(outcome.clone()),
            Some(Completion::CutShort) => Waited::CutShort,
            None if queue.is_unserved(ticket) && !queue.closed && !is_over() => {
                queue.fetchers += 1;
                Waited::Unserved
            }
            None => Waited::NotYet,
        }
    }

    /// Leaves the ticket's batch to others, who tell when it has completed; the completion, if that is
    /// over already.
    pub fn leave(&self, ticket: &Ticket) -> Option<Completion> {
        let _line = self.lock();
        ticket.batch.left.store(1, Ordering::Relaxed);
        ticket.batch.completion.get().cloned()
    }

    /// Has everybody who waits ask again whether the wait is over.
    pub fn wake(&self) {
        drop(self.lock());
        self.completed.notify_all();
    }

    /// Waits for so long, or until the queue is closed or `is_over` says so, which is asked again
    /// after each `wake`; true if that ended it.
    pub fn pause(&self, long: Duration, is_over: impl Fn() -> bool) -> bool {
        let waits = |queue: &mut Queue| !queue.closed && !is_over();
        let queue = self.completed.wait_timeout_while(self.lock(), long, waits);
        queue.closed || is_over()
    }

    /// Nothing is taken any more, and nobody waits: the handle is being freed.
    pub fn close(&self) {
        self.lock().closed = true;
        self.completed.notify_all();
    }

    /// Whether a fetcher is at work, or about to be.
    pub fn is_busy(&self) -> bool {
        self.lock().fetchers > 0
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock()
    }
}

impl Queue {
    /// Whether no fetcher has taken the ticket's batch yet.
    fn gathers(&self, ticket: &Ticket) -> bool {
        self.next.as_ref().is_some_and(|next| Arc::ptr_eq(&next.batch, &ticket.batch))
    }

    fn is_unserved(&self, ticket: &Ticket) -> bool {
        self.fetchers == 0 && self.gathers(ticket)
    }
}

/// One of those who serve the queue. It leaves even when a fetch panics.
struct Fetcher<'a> {
    single_flight: &'a SingleFlight,
    has_left: bool,
}

impl Fetcher<'_> {
    fn take(&mut self) -> Option<Gathering> {
        let mut queue = self.single_flight.lock();
        let next = if queue.closed { None } else { queue.next.take() };
        // Under the same lock: who asks from here on finds one fetcher less.
        if next.is_none() {
            queue.fetchers -= 1;
            self.has_left = true;
        }
        next
    }
}

impl Drop for Fetcher<'_> {
    fn drop(&mut self) {
        if !self.has_left {
            self.single_flight.gone();
        }
    }
}

/// Wakes those who wait for a batch, even when its fetch panics.
struct Flight<'a> {
    single_flight: &'a SingleFlight,
    batch: &'a Batch,
}

impl Flight<'_> {
    /// Whether somebody has left who wants to be told.
    fn land(self, completion: Completion) -> bool {
        // Nobody else sets the completion of a batch that was taken off the queue.
        let _ = self.batch.completion.set(completion);
        drop(self.single_flight.lock());
        // Whoever leaves from here on sees the completion, and does not leave.
        self.batch.left.load(Ordering::Relaxed) != 0
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.batch.completion.get_or_init(|| {
            let message = "the fetch this call waited for ended in a panic";
            Completion::Over(Err(Error::new(Code::Panic, message)))
        });
        drop(self.single_flight.lock());
        self.single_flight.completed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    /// As the refresher asks, waits and serves, with threads that can always be had.
    fn obtain(
        single_flight: &SingleFlight,
        request: FetchRequest,
        fetch: &(dyn Fn(&FetchRequest) -> Completion + Sync),
    ) -> Waited {
        thread::scope(|scope| {
            let start = || drop(scope.spawn(|| single_flight.serve(false, fetch, |_, _| ())));
            let (ticket, starts) = single_flight.ask(request, false).expect("an open queue");
            if starts {
                start();
            }
            loop {
                match single_flight.wait(&ticket, LONG, || false) {
                    Waited::Unserved => start(),
                    waited => return waited,
                }
            }
        })
    }

    fn over(outcome: Result<()>) -> Completion {
        Completion::Over(outcome)
    }

    #[test]
    fn wishes_that_come_up_meanwhile_are_fetched_together() {
        let (single_flight, fetches) = (SingleFlight::default(), AtomicUsize::new(0));
        let (started, begun) = mpsc::channel();
        let (release, released) = mpsc::channel::<()>();
        let released = std::sync::Mutex::new(released);
        let fetch = |request: &FetchRequest| {
            if fetches.fetch_add(1, Ordering::SeqCst) == 0 {
                started.send(()).expect("the test waits");
                released.lock().expect("unpoisoned").recv().expect("a release");
                return over(Ok(()));
            }
            over(Err(Error::new(Code::Fabric, format!("{} tables", request.tables.len()))))
        };
        thread::scope(|scope| {
            scope.spawn(|| obtain(&single_flight, FetchRequest::table("a.a"), &fetch));
            begun.recv().expect("the first fetch begins");
            let waiting: Vec<_> = (0..8)
                .map(|i| {
                    let (single_flight, fetch) = (&single_flight, &fetch);
                    scope.spawn(move || {
                        obtain(single_flight, FetchRequest::table(&format!("db.t{i}")), fetch)
                    })
                })
                .collect();
            while single_flight
                .lock()
                .next
                .as_ref()
                .is_none_or(|next| next.request.tables.len() < 8)
            {
                thread::yield_now();
            }
            release.send(()).expect("the first fetch waits");
            for caller in waiting {
                let Waited::Completed(Err(error)) = caller.join().expect("a caller") else {
                    panic!("all share the failure");
                };
                assert_eq!(error.message, "8 tables");
            }
        });
        assert_eq!(fetches.load(Ordering::SeqCst), 2);
        assert!(!single_flight.is_busy(), "nobody is left behind");
    }

    #[test]
    fn a_panicking_fetch_frees_the_line() {
        let single_flight = SingleFlight::default();
        let (ticket, starts) =
            single_flight.ask(FetchRequest::table("a.a"), false).expect("an open queue");
        assert!(starts);
        let serving = || single_flight.serve(false, |_| panic!("on purpose"), |_, _| ());
        thread::scope(|scope| scope.spawn(serving).join()).expect_err("a panic");
        let Waited::Completed(Err(error)) = single_flight.wait(&ticket, LONG, || false) else {
            panic!("a completion");
        };
        assert_eq!(error.code, Code::Panic);
        let fetched = obtain(&single_flight, FetchRequest::table("a.a"), &|_| over(Ok(())));
        assert_eq!(fetched, Waited::Completed(Ok(())));
    }

    #[test]
    fn who_leaves_is_told_of_the_end() {
        let single_flight = SingleFlight::default();
        let told = AtomicBool::new(false);
        let serve = || {
            single_flight.serve(
                true,
                |_| over(Ok(())),
                |_, left| {
                    told.store(left, Ordering::Relaxed);
                },
            );
        };
        let (ticket, starts) =
            single_flight.ask(FetchRequest::table("a.a"), false).expect("an open queue");
        assert!(starts);
        assert_eq!(single_flight.wait(&ticket, Duration::ZERO, || false), Waited::NotYet);
        assert_eq!(single_flight.leave(&ticket), None);
        serve();
        assert!(told.load(Ordering::Relaxed));
        assert_eq!(single_flight.leave(&ticket), Some(over(Ok(()))));
        assert_eq!(single_flight.wait(&ticket, Duration::ZERO, || true), Waited::Completed(Ok(())));

        let (_, starts) =
            single_flight.ask(FetchRequest::table("a.a"), true).expect("an open queue");
        assert!(starts);
        serve();
        assert!(told.load(Ordering::Relaxed));

        let (_, starts) =
            single_flight.ask(FetchRequest::table("a.a"), false).expect("an open queue");
        assert!(starts);
        serve();
        assert!(!told.load(Ordering::Relaxed), "nobody left");
    }

    #[test]
    fn who_finds_no_fetcher_becomes_one_and_the_next_in_line_after_it() {
        let single_flight = SingleFlight::default();
        let (ticket, starts) =
            single_flight.ask(FetchRequest::table("a.a"), false).expect("an open queue");
        assert!(starts);
        let (other, starts) =
            single_flight.ask(FetchRequest::table("b.b"), false).expect("an open queue");
        assert!(!starts, "one is on its way");
        single_flight.gone();
        assert_eq!(single_flight.wait(&other, LONG, || false), Waited::Unserved);
        // While that one is at it, and its time is over.
        let late = std::sync::Mutex::new(None);
        let fetch = |request: &FetchRequest| {
            assert_eq!(request.tables.len(), 2);
            *late.lock().expect("unpoisoned") =
                single_flight.ask(FetchRequest::table("c.c"), false);
            Completion::CutShort
        };
        single_flight.serve(true, fetch, |_, _| ());
        assert_eq!(single_flight.wait(&ticket, LONG, || false), Waited::CutShort);
        let late = late.lock().expect("unpoisoned").take();
        let (late, starts) = late.expect("an open queue");
        assert!(!starts);
        assert_eq!(single_flight.wait(&late, LONG, || false), Waited::Unserved);
    }

    #[test]
    fn a_batch_that_nobody_takes_wants_one_fetcher_more_but_not_many() {
        let single_flight = SingleFlight::default();
        let (_, starts) =
            single_flight.ask(FetchRequest::table("a.a"), false).expect("an open queue");
        assert!(starts);
        let mut taken = Fetcher { single_flight: &single_flight, has_left: false };
        assert!(taken.take().is_some(), "and hangs");
        let (ticket, starts) =
            single_flight.ask(FetchRequest::table("b.b"), false).expect("an open queue");
        assert!(!starts);
        assert!(single_flight.wants_another(&ticket));
        assert!(single_flight.wants_another(&ticket));
        assert!(!single_flight.wants_another(&ticket));
        drop(taken);
        single_flight.close();
        assert_eq!(single_flight.wait(&ticket, LONG, || false), Waited::NotYet);
        assert!(single_flight.ask(FetchRequest::table("a.a"), false).is_none());
    }

    #[test]
    fn wishes_have_names() {
        assert_eq!(FetchRequest::table("a.b").to_string(), "table 'a.b'");
        let mut request = FetchRequest::group("g");
        assert_eq!(request.to_string(), "group 'g'");
        request.merge(FetchRequest::table("a.b"));
        assert_eq!(request.to_string(), "table 'a.b' and 1 more");
        assert_eq!(FetchRequest::everything().to_string(), "the whole farm");
        assert_eq!(FetchRequest::default().to_string(), "the Fabric nodes");
        assert!(FetchRequest::default().is_plural() && !FetchRequest::everything().is_plural());
        assert!(!FetchRequest::table("a.b").is_plural() && !FetchRequest::group("g").is_plural());
    }
}
