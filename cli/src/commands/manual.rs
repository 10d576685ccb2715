//! `manual`: the man pages and the completions of shells, for those who make packages.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::Cli;
use crate::exit::{Exit, Failure, Result};

const NAME: &str = "mysqlfabric";

/// What stands below the options is one section of no name.
const SECTIONS: [(&str, &str); 2] = [
    (".SH EXTRA\n", ".SH CONFIGURATION\n"),
    ("\nExit status: 0 done", "\n.SH \"EXIT STATUS\"\n0 done"),
];

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
    let main = directory.join(format!("{NAME}.1"));
    let mut page = fs::read_to_string(&main)?;
    for (generated, own) in SECTIONS {
        page = page.replacen(generated, own, 1);
    }
    fs::write(main, page + FILES)?;
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
