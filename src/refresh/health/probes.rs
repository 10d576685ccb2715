//! The handle's own tries of servers that were lost: by a login, off everybody's path.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::base;
use crate::base::clock::millis;
use crate::base::panicked::catch;
use crate::base::sync::{Mutex, rank};
use crate::base::thread::Threads;
use crate::config::{Config, Node};
use crate::observe::log::Level;
use crate::source::{Probed, Prober};

use super::super::publisher::Publisher;
use super::quarantine::InGroup;

/// So many servers at once are tried by a handle; others wait for their turn.
const MAX_THREADS: usize = 8;

/// How long a server that does not let the account in is left to requests, in milliseconds.
const REFUSED_FOR: u64 = 60_000;

/// What is to be tried, and by whom.
pub struct Probes {
    config: Arc<Config>,
    publisher: Arc<Publisher>,
    prober: Arc<dyn Prober>,
    state: Mutex<State, { rank::PROBES }>,
    threads: Threads,
}

#[derive(Default)]
struct State {
    queue: VecDeque<(InGroup, Node)>,
    running: usize,
    /// Until when servers are not tried, by UUID.
    refused: BTreeMap<String, u64>,
    stopped: bool,
}

impl Probes {
    pub fn new(config: Arc<Config>, publisher: Arc<Publisher>, prober: Arc<dyn Prober>) -> Self {
        Self { config, publisher, prober, state: Mutex::default(), threads: Threads::default() }
    }

    /// How long an answer may take, in milliseconds: its turn, and the login.
    pub fn most(&self) -> u64 {
        millis(self.config.connect_timeout).saturating_mul(2).saturating_add(1_000)
    }

    /// Has these servers tried, each once.
    pub fn begin(self: &Arc<Self>, due: Vec<InGroup>) {
        let now = self.publisher.clock.now();
        for in_group in due {
            let topology = self.publisher.known.topology.load_full();
            let Some((_, _, server)) = topology.group_of_server(&in_group.1) else { continue };
            let node = Node { host: server.host.clone(), port: server.port };
            let starts = {
                let mut state = self.state.lock();
                state.refused.retain(|_, until| *until > now);
                let is_refused = state.refused.contains_key(&in_group.1);
                (!is_refused && !state.stopped).then(|| {
                    state.queue.push_back((in_group.clone(), node));
                    let starts = state.running < MAX_THREADS;
                    state.running += usize::from(starts);
                    starts
                })
            };
            match starts {
                None => self.by_a_request(&in_group),
                Some(true) => self.start(),
                Some(false) => {}
            }
        }
    }

    fn start(self: &Arc<Self>) {
        let probes = Arc::clone(self);
        match base::thread::start("fabric-probe", move || probes.run()) {
            Ok(thread) => self.threads.add(thread),
            Err(error) => {
                self.publisher.no_thread("to try a server that was lost", &error);
                let left = {
                    let mut state = self.state.lock();
                    state.running -= 1;
                    match state.running {
                        0 => std::mem::take(&mut state.queue),
                        // Those who run take it.
                        _ => VecDeque::new(),
                    }
                };
                left.iter().for_each(|(in_group, _)| self.by_a_request(in_group));
            }
        }
    }

    fn run(&self) {
        while let Some((in_group, node)) = self.next() {
            // The next one may do better than one that panics; a request tries this one.
            if catch(|| self.take(&in_group, self.prober.probe(&node))).is_err() {
                self.by_a_request(&in_group);
            }
        }
    }

    fn next(&self) -> Option<(InGroup, Node)> {
        let mut state = self.state.lock();
        let next = state.queue.pop_front();
        state.running -= usize::from(next.is_none());
        next
    }

    fn take(&self, in_group: &InGroup, probed: Probed) {
        if self.publisher.is_stopping() {
            return;
        }
        let ((group, server_uuid), now) = (in_group, self.publisher.clock.now());
        let log = &self.config.log;
        match probed {
            Probed::Serves => {
                self.publisher.publish(|update| update.observed().release(server_uuid));
                log.write(
                    Level::Info,
                    format_args!("server {server_uuid} of group '{group}' lets clients in again"),
                );
            }
            Probed::Away(why) => {
                self.publisher
                    .publish(|update| update.observed().probe_failed(group, server_uuid, now));
                log.write_once(
                    Level::Info,
                    format_args!("server {server_uuid} of group '{group}' is not back: {why}"),
                );
            }
            Probed::Unknown { why, lasts } => {
                if lasts {
                    let until = now.saturating_add(REFUSED_FOR);
                    self.state.lock().refused.insert(server_uuid.clone(), until);
                }
                log.write_once(
                    Level::Warning,
                    format_args!(
                        "whether server {server_uuid} of group '{group}' is back is left to one \
                         request of the service to find out: {why}"
                    ),
                );
                self.by_a_request(in_group);
            }
        }
        self.publisher.deliver();
    }

    /// Leaves it to one request to try a server.
    fn by_a_request(&self, (group, server_uuid): &InGroup) {
        let now = self.publisher.clock.now();
        self.publisher.publish(|update| update.observed().probe_refused(group, server_uuid, now));
    }

    /// Ends the threads and waits for them, cutting off what they have on the wire.
    pub fn stop(&self) {
        {
            let mut state = self.state.lock();
            state.stopped = true;
            state.queue.clear();
        }
        self.prober.cancel();
        self.threads.end();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::{Duration, Instant};

    use super::*;
    use crate::base::clock::Clock;
    use crate::refresh::health::Health;
    use crate::refresh::testing::primary;
    use crate::refresh::update::Asked;
    use crate::topology::Reachability;

    /// Says one thing after the other, and the last one for ever. A panic is `None`.
    struct Script {
        says: Vec<Option<Probed>>,
        probes: AtomicUsize,
        at_once: AtomicUsize,
        most_at_once: AtomicUsize,
    }

    impl Script {
        fn of(says: &[Option<Probed>]) -> Arc<Self> {
            let [probes, at_once, most_at_once] = [const { AtomicUsize::new(0) }; 3];
            Arc::new(Self { says: says.to_vec(), probes, at_once, most_at_once })
        }
    }

    impl Prober for Script {
        fn probe(&self, node: &Node) -> Probed {
            assert_eq!((node.host.as_str(), node.port), ("h", 1));
            let now = self.at_once.fetch_add(1, Ordering::SeqCst) + 1;
            self.most_at_once.fetch_max(now, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(5));
            self.at_once.fetch_sub(1, Ordering::SeqCst);
            let at = self.probes.fetch_add(1, Ordering::SeqCst).min(self.says.len() - 1);
            self.says[at].clone().expect("on purpose")
        }

        fn cancel(&self) {}
    }

    /// What keeps the time of a handle with `groups` groups, each of a primary of that name.
    fn health(script: &Arc<Script>, groups: usize) -> Health {
        let config = Arc::new(Config { quarantine: Duration::from_millis(2), ..Config::default() });
        let publisher = Arc::new(Publisher::new(Arc::clone(&config), Clock::default(), true));
        let rows = (0..groups).map(|n| primary(&format!("g{n}"), &format!("s{n}"))).collect();
        publisher.publish(|update| update.groups(&Asked::Everything, rows, &[], 1_000_000));
        let prober = Arc::clone(script) as _;
        let probes = Probes::new(Arc::clone(&config), Arc::clone(&publisher), prober);
        Health::new(config, publisher, Some(Arc::new(probes)))
    }

    fn lose(health: &Health, server_uuid: &str) {
        health.observe(server_uuid, 2003, || Duration::ZERO);
    }

    fn reachability(health: &Health, number: usize) -> Reachability {
        let servers = health.publisher.health.lock();
        servers.reachability(&format!("g{number}"), &format!("s{number}"))
    }

    fn eventually(health: &Health, mut come: impl FnMut() -> bool) {
        let begun = Instant::now();
        while !come() {
            health.settle_at(health.publisher.clock.now());
            assert!(begun.elapsed() < Duration::from_secs(60), "never came");
            std::thread::yield_now();
        }
    }

    fn away() -> Option<Probed> {
        Some(Probed::Away("it is away".into()))
    }

    #[test]
    fn a_server_is_tried_until_it_lets_clients_in_and_no_request_gets_it_before() {
        let script = Script::of(&[away(), away(), Some(Probed::Serves)]);
        let health = health(&script, 1);
        lose(&health, "s0");
        eventually(&health, || match reachability(&health, 0) {
            Reachability::HalfOpen(_) => panic!("a request would try it"),
            reachability => reachability == Reachability::Up,
        });
        assert_eq!(script.probes.load(Ordering::SeqCst), 3);
        assert!(health.publisher.health.numbers().quarantined() == 0, "proven");
        health.stop();
    }

    #[test]
    fn who_refuses_the_account_is_left_to_a_request_and_alone() {
        let refused = Some(Probed::Unknown { why: "no".into(), lasts: true });
        let script = Script::of(&[refused]);
        let health = health(&script, 1);
        for _ in 0..3 {
            lose(&health, "s0");
            eventually(&health, || match reachability(&health, 0) {
                Reachability::HalfOpen(probe) => probe.take(),
                _ => false,
            });
        }
        assert_eq!(script.probes.load(Ordering::SeqCst), 1, "accounts get locked");
        health.stop();
    }

    #[test]
    fn what_cannot_be_told_is_left_to_a_request_each_time() {
        let lacking = Some(Probed::Unknown { why: "no descriptor".into(), lasts: false });
        let script = Script::of(&[lacking, None]);
        let health = health(&script, 1);
        for probes in 1..=2 {
            lose(&health, "s0");
            eventually(&health, || match reachability(&health, 0) {
                Reachability::HalfOpen(probe) => probe.take(),
                _ => false,
            });
            assert_eq!(script.probes.load(Ordering::SeqCst), probes);
        }
        health.stop();
    }

    #[test]
    fn many_servers_take_turns() {
        let script = Script::of(&[Some(Probed::Serves)]);
        let health = health(&script, 40);
        (0..40).for_each(|number| lose(&health, &format!("s{number}")));
        let all_up = || (0..40).all(|n| reachability(&health, n) == Reachability::Up);
        eventually(&health, all_up);
        assert_eq!(script.probes.load(Ordering::SeqCst), 40, "each once");
        assert!(script.most_at_once.load(Ordering::SeqCst) <= MAX_THREADS);
        health.stop();
        // A handle that is being freed begins nothing.
        lose(&health, "s0");
        std::thread::sleep(Duration::from_millis(10));
        health.settle_at(health.publisher.clock.now());
        assert_eq!(script.probes.load(Ordering::SeqCst), 40);
    }
}
