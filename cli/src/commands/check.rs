//! `check`: errors and doubts of a topology file, or of the farm that a source has.

use serde::Serialize;
use serde_json::json;

use crate::args::Check;
use crate::exit::{Exit, Failure, Result};
use crate::farm::Farm;
use crate::output::{Row, rows_as_table, to_value};
use crate::plan::doubts::{Doubt, doubts};

use super::Run;
use super::export::farm;

/// Something that is wrong, or may be.
#[derive(Debug, Serialize)]
struct Finding {
    /// `error` or `doubt`.
    kind: &'static str,
    /// What it is about, such as `group shard1`; the file itself for an error.
    about: String,
    finding: String,
}

impl Row for Finding {
    const HEAD: &'static [&'static str] = &["KIND", "ABOUT", "FINDING"];

    fn cells(&self) -> Vec<String> {
        vec![self.kind.to_owned(), self.about.clone(), self.finding.clone()]
    }
}

pub fn run(run: &Run, args: &Check) -> Result<Exit> {
    let read = match &args.file {
        Some(path) => crate::farm::read(path),
        None => farm(run, run.settings.url()?),
    };
    let mut findings = Vec::new();
    let farm = match (read, &args.file) {
        (Ok(farm), _) => farm,
        // A file that is refused is what was to be found out, and one that is not there is not.
        (Err(Failure::Told { exit: Exit::File, message, .. }), Some(path)) if path.is_file() => {
            let about = path.display().to_string();
            findings.push(Finding { kind: "error", about, finding: message });
            Farm::default()
        }
        (Err(failure), _) => return Err(failure),
    };
    let doubt = |Doubt { about, doubt }| Finding { kind: "doubt", about, finding: doubt };
    findings.extend(doubts(&farm).into_iter().map(doubt));
    let count = |kind| findings.iter().filter(|finding| finding.kind == kind).count();
    let (errors, doubts) = (count("error"), count("doubt"));
    if run.out.json {
        let findings = to_value(&findings)?;
        run.out.object([
            ("errors", json!(errors)),
            ("doubts", json!(doubts)),
            ("findings", findings),
        ])?;
    } else if findings.is_empty() {
        run.out.text("nothing to find fault with\n")?;
    } else {
        let summary = format!("errors: {errors}, doubts: {doubts}\n");
        run.out.text(&(rows_as_table(&findings) + &summary))?;
    }
    let is_wrong = errors > 0 || (args.strict && doubts > 0);
    Ok(if is_wrong { Exit::Found } else { Exit::Done })
}
