//! Groups of real servers, started by `tests/servers/group_replication.sh` or `async_replication.sh`: each
//! test has one of its own, and it is gone when the test is.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;

use mysqlfabric::mysql::{Account, Address, Session, Target};

use crate::client::{connect, query};
use crate::support::{Kind, script};

/// A group of servers 1 to N, the first one its primary to begin with.
pub struct Group {
    script: &'static str,
    directory: PathBuf,
    port: u16,
    size: u16,
    server_ids: u16,
}

impl Group {
    /// Group Replication. `None` where there are no servers to be had, which has been said then.
    pub fn start(size: u16) -> Option<Self> {
        Self::start_by("group_replication.sh", size, 0)
    }

    /// Plain replication, as [`Group::start`].
    pub fn start_replication(size: u16) -> Option<Self> {
        Self::start_by("async_replication.sh", size, 0)
    }

    /// As [`Group::start`], for one that replicates with another group, whose servers have other ids.
    pub fn start_beside(size: u16) -> Option<Self> {
        Self::start_by("group_replication.sh", size, 100)
    }

    fn start_by(script: &'static str, size: u16, server_ids: u16) -> Option<Self> {
        if !Kind::Mysql.is_there() {
            return None;
        }
        let (port, directory) = place(size);
        let group = Self { script, directory, port, size, server_ids };
        group.run(&["start", &size.to_string()]);
        Some(group)
    }

    /// Has the script do something.
    pub fn run(&self, arguments: &[&str]) -> String {
        let output = Command::new(script(self.script))
            .args(arguments)
            .env("FARM", &self.directory)
            .env("PORT", self.port.to_string())
            .env("SERVER_IDS", self.server_ids.to_string())
            .env("GROUP", format!("aaaaaaaa-0000-0000-0000-{:012}", self.port))
            .output()
            .expect("the script");
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).expect("text").trim().to_owned()
    }

    /// As `run`, about server `number`.
    pub fn about(&self, command: &str, number: u16) -> String {
        self.run(&[command, &number.to_string()])
    }

    /// Has members that were frozen join again: whoever is late is expelled, and lets nobody in then.
    pub fn thaw(&self, numbers: &[u16]) {
        for number in numbers {
            self.about("thaw", *number);
        }
        for number in numbers {
            self.sql(*number, "SET GLOBAL offline_mode = OFF");
            self.about("rejoin", *number);
        }
    }

    /// A statement on server `number`, as root.
    pub fn sql(&self, number: u16, statement: &str) -> String {
        self.run(&["sql", &number.to_string(), statement])
    }

    /// The stand-in for the metadata of an InnoDB Cluster or a ReplicaSet, made on that server.
    pub fn make_metadata(&self, number: u16) {
        let statements = std::fs::read_to_string(script("metadata.sql")).expect("metadata.sql");
        self.sql(number, &statements);
    }

    pub fn servers(&self) -> impl Iterator<Item = u16> {
        1..=self.size
    }

    pub fn port(&self, number: u16) -> u16 {
        self.port + number
    }

    /// The hosts of a URL.
    pub fn hosts(&self, numbers: impl IntoIterator<Item = u16>) -> String {
        let hosts = numbers.into_iter().map(|number| format!("127.0.0.1:{}", self.port(number)));
        hosts.collect::<Vec<_>>().join(",")
    }

    pub fn socket(&self, number: u16) -> PathBuf {
        self.directory.join(number.to_string()).join("sock")
    }

    pub fn root(&self, number: u16) -> Session {
        let target = Target::plain(Address::Socket(self.socket(number)));
        connect(&target, &Account::new("root", "")).expect("root")
    }

    /// A user whom all servers know, with these grants, made on the primary. Each server has the hash of
    /// its password at hand, as after a login by TLS.
    pub fn user(&self, primary: u16, name: &str, grants: &[&str]) -> Account {
        let mut root = self.root(primary);
        let mut run = |statement: &str| {
            query(&mut root, statement).unwrap_or_else(|f| panic!("{statement}: {f:?}"));
        };
        run(&format!("CREATE USER {name}@'%' IDENTIFIED BY 'pass-word'"));
        for grant in grants {
            run(&format!("GRANT {grant} TO {name}@'%'"));
        }
        let account = Account::new(name, "pass-word");
        for number in self.servers() {
            let target = Target::plain(Address::Socket(self.socket(number)));
            crate::eventually("the user", || connect(&target, &account).is_ok());
        }
        account
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // What is frozen ends, too.
        self.run(&["stop"]);
        let _ = std::fs::remove_dir(&self.directory);
    }
}

/// Ports below those that the system gives to anybody, none of which is in use, and a directory.
fn place(size: u16) -> (u16, PathBuf) {
    let first = u16::try_from(std::process::id() % 80).expect("below 80") * 100;
    let is_free = |port: &u16| {
        let mut ports = (1..=size).flat_map(|number| [port + number, port + 50 + number]);
        let directory = directory(*port);
        ports.all(|port| TcpListener::bind(("127.0.0.1", port)).is_ok())
            && std::fs::create_dir(directory).is_ok()
    };
    let mut ports = (0..80).map(|step| 23_400 + (first + step * 100) % 8_000);
    let port = ports.find(is_free).expect("free ports");
    (port, directory(port))
}

fn directory(port: u16) -> PathBuf {
    std::env::temp_dir().join(format!("mf-group-{port}"))
}
