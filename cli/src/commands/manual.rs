//! `manual`: the man pages and the completions of shells, for those who make packages.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::Cli;
use crate::exit::{Exit, Failure, Result};

const NAME: &str = "mysqlfabric";

/// A section that a page made of options has not.
const FILES: &str = r"
.SH FILES
.TP
\fI$XDG_CONFIG_HOME/mysqlfabric/config.toml\fR, else \fI~/.config/mysqlfabric/config.toml\fR
The options, unless \fB\-\-config\fR or \fBMYSQLFABRIC_CONFIG\fR names another file. One with a password in it is for
its owner alone (mode 600).
";

/// Writes `mysqlfabric.1`, a page for each command, and completions named as each shell looks for them.
pub fn run(directory: &Path) -> Result<Exit> {
    write(directory)
        .map_err(|error| Failure::new(Exit::File, format!("'{}': {error}", directory.display())))?;
    Ok(Exit::Done)
}

fn write(directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    clap_mangen::generate_to(Cli::command(), directory)?;
    let mut page = OpenOptions::new().append(true).open(directory.join(format!("{NAME}.1")))?;
    page.write_all(FILES.as_bytes())?;
    for (shell, file) in [
        (Shell::Bash, NAME.to_owned()),
        (Shell::Zsh, format!("_{NAME}")),
        (Shell::Fish, format!("{NAME}.fish")),
    ] {
        let mut file = File::create(directory.join(file))?;
        clap_complete::generate(shell, &mut Cli::command(), NAME, &mut file);
    }
    Ok(())
}
