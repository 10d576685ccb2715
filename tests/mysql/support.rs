//! Real servers: each test names one, and it is gone when the test is.

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// 9.7: caching_sha2_password alone, TLS by certificates of its own making.
    Mysql,
    /// 5.6.24: mysql_native_password, no TLS.
    Mysql56,
    /// 10.11: mysql_native_password, client_ed25519.
    Mariadb,
}

impl Kind {
    /// As `tests/servers` has it.
    fn name(self) -> &'static str {
        match self {
            Kind::Mysql => "mysql",
            Kind::Mysql56 => "mysql56",
            Kind::Mariadb => "mariadb",
        }
    }

    /// Whether there is such a server, which is fetched if need be. Where it cannot be, whoever runs
    /// the tests is told that nothing was tested; continuous integration may not go on without.
    pub fn is_there(self) -> bool {
        static THERE: [OnceLock<bool>; 3] = [const { OnceLock::new() }; 3];
        *THERE[self as usize].get_or_init(|| {
            let fetched = Command::new(script("fetch.sh")).arg(self.name()).status();
            let there = fetched.is_ok_and(|status| status.success());
            let ci = std::env::var_os("CI").is_some_and(|ci| ci == "true");
            assert!(there || !ci, "no {} for the tests: see tests/servers/fetch.sh", self.name());
            if !there {
                // Not by a macro of print: those of a test that passes are not shown.
                let line = format!(
                    "\nSKIPPED, NOT TESTED: what needs {self:?}, which cannot be fetched\n"
                );
                io::stderr().write_all(line.as_bytes()).expect("standard error");
            }
            there
        })
    }
}

/// Waits for what comes in seconds, on whatever machine.
pub fn eventually(what: &str, mut come: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !come() {
        assert!(begun.elapsed() < Duration::from_secs(60), "never came: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The scripts are in the package at the root of the workspace, and the tests may be in another.
pub fn script(name: &str) -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut scripts = package.ancestors().map(|root| root.join("tests/servers"));
    scripts.find(|scripts| scripts.is_dir()).expect("the scripts").join(name)
}

/// A server that ends when it is dropped, and with this process however that ends.
pub struct RealServer {
    child: Child,
    directory: PathBuf,
    port: u16,
    pid: u32,
}

impl RealServer {
    /// `None` where there is none to be had, which has been said then.
    pub fn start(kind: Kind, options: &[&str]) -> Option<Self> {
        if !kind.is_there() {
            return None;
        }
        // Somebody else may take the port before the server does.
        let started = (0..10).find_map(|_| Self::start_on(kind, free_port(), options));
        Some(started.expect("a port that stays free"))
    }

    fn start_on(kind: Kind, port: u16, options: &[&str]) -> Option<Self> {
        let directory = directory();
        let mut child = Command::new(script("run.sh"))
            .arg(kind.name())
            .arg(&directory)
            .arg(port.to_string())
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("run.sh");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
        match line.trim().strip_prefix("ready ") {
            Some(pid) => {
                let pid = pid.parse().expect("a number");
                Some(Self { child, directory, port, pid })
            }
            None => {
                let status = child.wait().expect("its status");
                assert_eq!(status.code(), Some(75), "{kind:?} does not start");
                None
            }
        }
    }

    /// One that the tests of this process share.
    pub fn shared(kind: Kind) -> Option<&'static Self> {
        static SHARED: [OnceLock<Option<RealServer>>; 3] = [const { OnceLock::new() }; 3];
        SHARED[kind as usize].get_or_init(|| Self::start(kind, &[])).as_ref()
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn socket(&self) -> PathBuf {
        self.directory.join("sock")
    }

    /// What the server made itself, such as `ca.pem`.
    pub fn data(&self, file: &str) -> PathBuf {
        self.directory.join("data").join(file)
    }

    pub fn pid(&self) -> u32 {
        self.pid
    }
}

impl Drop for RealServer {
    fn drop(&mut self) {
        // The end of its input is the script's sign to end the server.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("its address").port()
}

/// One that is not there yet, with a name short enough for a socket in it.
fn directory() -> PathBuf {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let directory = std::env::temp_dir().join(format!("mf-{}-{number}", std::process::id()));
    // Left by a process that had this number before.
    let _ = fs::remove_dir_all(&directory);
    directory
}
