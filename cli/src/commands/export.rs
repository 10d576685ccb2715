//! `export`: a shard map as a topology file for people.

use mysqlfabric::config::SourceUrl;

use crate::args::Export;
use crate::exit::{Exit, Result};
use crate::farm::{Farm, file_of, lock_file, of_router, write_file};
use crate::output::Progress;

use super::Run;

pub fn run(run: &Run, args: &Export) -> Result<Exit> {
    let farm = farm(run, run.settings.url()?)?.sorted();
    let mut text = serde_json::to_string_pretty(&file_of(&farm)?).map_err(std::io::Error::from)?;
    text.push('\n');
    let path = args.file.as_deref().filter(|path| path.as_os_str() != "-");
    match path {
        None => run.out.text(&text)?,
        Some(path) => {
            let _lock = lock_file(path, run.settings.timeout)?;
            write_file(path, &text)?;
        }
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
