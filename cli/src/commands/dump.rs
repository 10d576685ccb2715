//! `dump`: what the library knows, as a file that handles start from.

use serde_json::json;

use crate::args::Dump;
use crate::exit::{Exit, Result};
use crate::farm::expect_file;

use super::Run;

pub fn run(run: &Run, args: &Dump) -> Result<Exit> {
    expect_file(&args.file)?;
    let router = run.load()?;
    router.dump(&args.file)?;
    if run.out.json {
        run.out.object([("file", json!(args.file.to_string_lossy()))])?;
    }
    Ok(Exit::Done)
}
