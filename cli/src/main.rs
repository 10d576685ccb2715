//! `mysqlfabric`, the command: what a person or a script asks of a farm. docs/COMMAND.md shows it.
//!
//! [`args`] is the command line, [`settings`] what it comes to with the environment and a file; each
//! command is a file of [`commands`]. [`farm`] is a shard map with its groups as files and tables have
//! it, [`plan`] where keys go, [`output`] what is said, [`exit`] the status at the end.

mod args;
mod c_names;
mod calendar;
mod commands;
mod database;
mod exit;
mod farm;
mod input;
mod output;
mod plan;
mod settings;

use std::process::ExitCode;

use clap::Parser;

use crate::args::Cli;
use crate::output::Output;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let output = Output { json: cli.json };
    let exit = match commands::run(&cli, output) {
        Ok(exit) => exit,
        Err(failure) => output.failure(&failure),
    };
    ExitCode::from(exit as u8)
}
