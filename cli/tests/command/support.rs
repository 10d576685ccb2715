//! Running the command.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use fabricd::{Farm, Options, Server};

/// What came of a run.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Self {
            code: output.status.code().unwrap_or(-1),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }
}

impl Ran {
    /// What was said by a run that went well, and complained of nothing.
    #[track_caller]
    pub fn said(self) -> String {
        assert_eq!((self.code, self.err.as_str()), (0, ""), "{}", self.out);
        self.out
    }

    #[track_caller]
    pub fn json(self) -> serde_json::Value {
        let said = self.said();
        assert_eq!(said.lines().count(), 1, "{said}");
        serde_json::from_str(&said).expect("JSON")
    }

    /// The complaint of a run that ended with this status, and said nothing else.
    #[track_caller]
    pub fn complained(self, code: i32) -> String {
        assert_eq!((self.code, self.out.as_str()), (code, ""), "{}", self.err);
        self.err
    }
}

/// The command in an environment of its own.
pub fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mysqlfabric"));
    command.args(args).env_clear().env("HOME", "/nonexistent").stdin(Stdio::null());
    command
}

pub fn run(args: &[&str]) -> Ran {
    command(args).output().expect("the command").into()
}

pub fn run_with(args: &[&str], environment: &[(&str, &str)]) -> Ran {
    let mut command = command(args);
    command.envs(environment.iter().copied()).output().expect("the command").into()
}

/// Begun, with pipes to and from it.
pub fn start(args: &[&str]) -> Child {
    let mut command = command(args);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("the command")
}

/// With a text on its standard input.
pub fn run_on(args: &[&str], input: &str) -> Ran {
    let mut child = start(args);
    let mut to = child.stdin.take().expect("piped");
    let input = input.to_owned();
    let writing = std::thread::spawn(move || to.write_all(input.as_bytes()));
    let ran = child.wait_with_output().expect("its end").into();
    // It need not read all.
    let _ = writing.join().expect("no panic");
    ran
}

/// The sample farm of fabricd, and the arguments by which it is reached.
pub struct Fabric {
    pub server: Server,
    pub url: String,
}

pub fn fabric() -> Fabric {
    let server = Server::start(Options::new(Farm::sample())).expect("fabricd starts");
    let url = format!("fabric://127.0.0.1:{}", server.port());
    Fabric { server, url }
}

impl Fabric {
    pub fn environment(&self) -> [(&str, &str); 3] {
        [
            ("MYSQLFABRIC_URL", &self.url),
            ("MYSQLFABRIC_FABRIC_USER", "admin"),
            ("MYSQLFABRIC_FABRIC_PASSWORD", "secret"),
        ]
    }

    pub fn run(&self, args: &[&str]) -> Ran {
        run_with(args, &self.environment())
    }
}

/// A directory that is gone when the test is.
pub struct Directory(PathBuf);

impl Directory {
    pub fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("mysqlfabric-cli-{}-{number}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        // Left by a process that had this number before.
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir(&directory).expect("a directory");
        Self(directory)
    }

    pub fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().expect("UTF-8").to_owned()
    }

    pub fn write(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        fs::write(&path, text).expect("written");
        path
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The topology file of the docs.
pub fn documented() -> String {
    let text = include_str!("../../../docs/TOPOLOGY_FILE.md");
    let file = text.split("```json").nth(1).and_then(|rest| rest.split("```").next());
    file.expect("an example").trim().to_owned()
}

pub fn exists(path: &str) -> bool {
    Path::new(path).exists()
}
