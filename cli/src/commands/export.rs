//! `export`: a shard map as a topology file for people.

use std::io::Write;

use mysqlfabric::config::SourceUrl;
use mysqlfabric::store::write::replace;

use crate::args::Export;
use crate::exit::{Exit, Failure, Result};
use crate::farm::{Farm, file_of, of_router};
use crate::output::Progress;

use super::Run;

pub fn run(run: &Run, args: &Export) -> Result<Exit> {
    let farm = farm(run, run.settings.url()?)?.sorted();
    let mut text = serde_json::to_string_pretty(&file_of(&farm)?).map_err(std::io::Error::from)?;
    text.push('\n');
    match &args.file {
        None => run.out.text(&text)?,
        Some(path) => replace(path, |file| file.write_all(text.as_bytes())).map_err(|error| {
            let message = format!("'{}' cannot be written: {error}", path.display());
            Failure::new(Exit::File, message)
        })?,
    }
    Ok(Exit::Done)
}

/// What a source says of its farm: of tables and files as it is written there, of others as the library
/// has it.
pub fn farm(run: &Run, url: &str) -> Result<Farm> {
    let config = run.settings.config_of(url)?;
    match &config.source {
        Some(SourceUrl::Mysql(database)) => {
            let _progress = Progress::of("reading the tables");
            crate::database::Database::open(&config, database, false)?.farm()
        }
        Some(SourceUrl::File { path }) => crate::farm::read(path),
        _ => of_router(&run.load_of(config)?),
    }
}
