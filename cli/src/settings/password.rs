//! Passwords: from a file, the environment, or the terminal.

use std::fmt;
use std::fs;
use std::io::{self, IsTerminal};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::sys::signal::{SigSet, Signal};
use zeroize::Zeroizing;

use crate::exit::{Exit, Failure, Result};
use crate::input::small;
use crate::output::warn;

/// Where a password is had.
pub enum PasswordFrom {
    Text(Zeroizing<String>),
    /// The first line of a file.
    File(PathBuf),
    /// The terminal, without echo.
    Prompt,
}

impl fmt::Debug for PasswordFrom {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => out.write_str("Text"),
            Self::File(path) => write!(out, "File({})", path.display()),
            Self::Prompt => out.write_str("Prompt"),
        }
    }
}

/// The password of a user; asked for where nobody says it and there is a terminal.
pub fn of(from: Option<&PasswordFrom>, user: &str, of: &str) -> Result<Zeroizing<String>> {
    match from {
        Some(PasswordFrom::Text(text)) => Ok(text.clone()),
        Some(PasswordFrom::File(path)) => first_line(path),
        Some(PasswordFrom::Prompt) => prompt(user, of),
        None if io::stdin().is_terminal() && io::stderr().is_terminal() => prompt(user, of),
        None => Err(Failure::usage(format!(
            "the password of user \"{user}\" for {of} is missing; give it by a file, the environment, or \
             the configuration (mysqlfabric --help has the names)"
        ))),
    }
}

fn first_line(path: &Path) -> Result<Zeroizing<String>> {
    let text = small(path).map_err(|error| {
        let message = format!("the password file '{}' cannot be read: {error}", path.display());
        Failure::new(Exit::File, message)
    })?;
    warn_of_readers(path);
    Ok(Zeroizing::new(text.lines().next().unwrap_or_default().to_owned()))
}

fn prompt(user: &str, of: &str) -> Result<Zeroizing<String>> {
    // Ctrl-C waits until the terminal has its echo again.
    let interrupt = SigSet::from(Signal::SIGINT);
    let is_blocked = interrupt.thread_block().is_ok();
    let read = rpassword::prompt_password(format!("password of {user} for {of}: "));
    if is_blocked {
        let _ = interrupt.thread_unblock();
    }
    read.map(Zeroizing::new)
        .map_err(|error| Failure::usage(format!("no password can be asked for: {error}")))
}

/// Says that a file with a password in it is not its owner's alone.
pub fn warn_of_readers(path: &Path) {
    let is_open = fs::metadata(path).is_ok_and(|file| file.is_file() && file.mode() & 0o077 != 0);
    if is_open {
        let shown = path.display();
        warn(&format!("others can read the password in '{shown}'; chmod 600 '{shown}'"));
    }
}
