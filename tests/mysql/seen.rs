//! What a handle sees of the servers of a group.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use mysqlfabric::config::{Config, Credentials, TlsMode};
use mysqlfabric::mysql::Account;
use mysqlfabric::router::Router;
use mysqlfabric::topology::Wanted;
use zeroize::Zeroizing;

use crate::group::Group;

/// A handle that discovers one group, by its ports.
pub struct Seen {
    pub router: Arc<Router>,
    name: &'static str,
}

impl Seen {
    /// `query` is that of the URL, which names the group `g` besides.
    pub fn of(group: &Group, account: &Account, query: &str) -> Self {
        Self::by(&group.hosts(group.servers()), account, query, |_| ())
    }

    pub fn by(
        hosts: &str,
        account: &Account,
        query: &str,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        let mut config = Config { connect_attempts: 1, ..Config::default() };
        config.discovery.interval = Duration::from_millis(100);
        config.mysql.credentials = Some(Credentials {
            user: account.user.clone(),
            password: Zeroizing::new(account.password.to_string()),
        });
        config.mysql.tls_mode = Some(TlsMode::Preferred);
        // A server that was started again asks for it.
        config.mysql.full_password_unverified = true;
        let url = format!("cluster://{}@{hosts}?group=g{query}", account.user);
        config.set_source(&url).expect("a URL");
        change(&mut config);
        config.check().expect("it fits");
        Self { router: Arc::new(Router::new(config)), name: "g" }
    }

    /// The port of the primary, or why there is none.
    pub fn primary(&self) -> Result<u16, String> {
        let server = self.router.group_server(self.name, Wanted::Primary, |_, s| Ok(s.port));
        server.map_err(|error| error.to_string())
    }

    /// The ports of those that take reads and no writes.
    pub fn secondaries(&self) -> BTreeSet<u16> {
        let reader = || self.router.group_server(self.name, Wanted::Reader, |_, s| Ok(s.port)).ok();
        let mut readers: BTreeSet<u16> = (0..20).filter_map(|_| reader()).collect();
        // It stands in where there is nobody else.
        if let Ok(primary) = self.primary() {
            readers.remove(&primary);
        }
        readers
    }

    /// Waits until this is the primary, and these are those that are read.
    #[track_caller]
    pub fn becomes(&self, primary: u16, secondaries: &[u16]) {
        self.waits_for(&format!("{primary} and {secondaries:?}"), || {
            self.primary() == Ok(primary)
                && self.secondaries() == secondaries.iter().copied().collect()
        });
    }

    /// Waits until there is no primary, for a reason with these words in it, and these are read.
    #[track_caller]
    pub fn has_no_primary(&self, words: &str, secondaries: &[u16]) {
        self.waits_for(&format!("\"{words}\" and {secondaries:?}"), || {
            self.primary().is_err_and(|reason| reason.contains(words))
                && self.secondaries() == secondaries.iter().copied().collect()
        });
    }

    #[track_caller]
    fn waits_for(&self, what: &str, come: impl Fn() -> bool) {
        let begun = Instant::now();
        while !come() {
            assert!(
                begun.elapsed() < Duration::from_secs(60),
                "never came: {what}; it is {:?} and {:?}",
                self.primary(),
                self.secondaries()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Looks for the primary all the time.
pub struct Watch {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<Option<u16>>>,
}

impl Watch {
    pub fn begin(seen: &Seen) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, router, name) = (Arc::clone(&stop), Arc::clone(&seen.router), seen.name);
        let thread = std::thread::spawn(move || {
            let mut primaries: Vec<Option<u16>> = Vec::new();
            while !stopped.load(Ordering::Relaxed) {
                let primary = router.group_server(name, Wanted::Primary, |_, s| Ok(s.port)).ok();
                if primaries.last() != Some(&primary) {
                    primaries.push(primary);
                }
                std::thread::sleep(Duration::from_millis(1));
            }
            primaries
        });
        Self { stop, thread }
    }

    /// The primaries that were seen, one after the other, without the times when there was none.
    pub fn end(self) -> Vec<u16> {
        self.stop.store(true, Ordering::Relaxed);
        let mut primaries: Vec<u16> =
            self.thread.join().expect("the watch").into_iter().flatten().collect();
        primaries.dedup();
        primaries
    }
}
