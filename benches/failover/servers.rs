//! The servers of a run, by the scripts of `tests/servers`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A farm of three real servers, which is gone when this is dropped.
pub struct Farm {
    script: PathBuf,
    directory: PathBuf,
    port: u16,
    has_router: bool,
}

impl Farm {
    /// `kind` is that of the script: `group_replication` or `async_replication`.
    pub fn start(kind: &str, port: u16) -> Self {
        let directory = std::env::temp_dir().join(format!("mysqlfabric-failover-{port}"));
        let script = scripts().join(format!("{kind}.sh"));
        let farm = Self { script, directory, port, has_router: false };
        farm.run(&["start", "3"]);
        farm
    }

    /// The address of server `number`.
    pub fn port(&self, number: usize) -> u16 {
        self.port + u16::try_from(number).expect("a small number")
    }

    /// Does what the script does, and gives what it prints.
    pub fn run(&self, arguments: &[&str]) -> String {
        let output = self.command(&self.script).args(arguments).output().expect("the script");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {told}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// As `run`, and nobody waits for it.
    pub fn begin(&self, arguments: &[&str]) -> std::process::Child {
        self.command(&self.script)
            .args(arguments)
            .stdout(Stdio::null())
            .spawn()
            .expect("the script")
    }

    /// Has server 1 do the statements of a file, or of a text.
    pub fn sql(&self, number: usize, statements: &str) -> String {
        self.run(&["sql", &number.to_string(), statements])
    }

    pub fn sql_file(&self, number: usize, file: &Path) {
        let input = std::fs::File::open(file).expect("the file");
        let mut command = self.command(&self.script);
        let status = command.args(["sql", &number.to_string()]).stdin(input).status();
        assert!(status.expect("the script").success(), "{}", file.display());
    }

    /// The number of the server that takes writes.
    pub fn primary(&self) -> usize {
        self.run(&["primary"]).parse().expect("a primary")
    }

    /// Starts MySQL Router before it, whose port it gives.
    pub fn start_router(&mut self) -> u16 {
        let port = self.port + 90;
        let mut command = self.command(&scripts().join("mysql_router.sh"));
        let status = command.args(["start", &port.to_string()]).status();
        assert!(status.expect("the script").success(), "MySQL Router");
        self.has_router = true;
        port
    }

    fn command(&self, script: &Path) -> Command {
        let mut command = Command::new(script);
        command.env("FARM", &self.directory).env("PORT", self.port.to_string());
        command.env("GROUP", format!("aaaaaaaa-0000-0000-0000-{:012}", self.port));
        command
    }
}

impl Drop for Farm {
    fn drop(&mut self) {
        if self.has_router {
            let _ = self.command(&scripts().join("mysql_router.sh")).arg("stop").status();
        }
        let _ = self.command(&self.script).arg("stop").status();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

pub fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/servers")
}
