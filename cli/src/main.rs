//! `mysqlfabric`, the command: what a person or a script asks of a farm. docs/COMMAND.md shows it.
//!
//! [`args`] is the command line, [`settings`] what it comes to with the environment and a file; each
//! command is a file of [`commands`]. [`farm`] is a shard map with its groups as files and tables have
//! it, [`plan`] where keys go, [`output`] what is said, [`exit`] the status at the end.

mod args;
mod c_names;
mod commands;
mod database;
mod exit;
mod farm;
mod input;
mod output;
mod plan;
mod settings;

use std::env;
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

use crate::args::Cli;
use crate::exit::{Exit, Failure};
use crate::output::Output;

fn main() -> ExitCode {
    let (output, ran) = match Cli::try_parse() {
        Ok(cli) => {
            let output = Output::new(cli.json, cli.quiet);
            (output, commands::run(&cli, output))
        }
        Err(error) => {
            let output = Output::new(env::args_os().any(|argument| argument == "--json"), false);
            match error.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
                    (output, output.text(&error.to_string()).map(|()| Exit::Done))
                }
                _ if output.json => {
                    let message = error.to_string();
                    let message = message.trim_end().trim_start_matches("error: ");
                    (output, Err(Failure::usage(message)))
                }
                // With lines and hints of its own.
                _ => error.exit(),
            }
        }
    };
    let exit = ran.unwrap_or_else(|failure| output.failure(&failure));
    ExitCode::from(exit as u8)
}
