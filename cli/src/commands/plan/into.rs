//! `plan --into`: the table goes into a topology file.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::time::Duration;

use crate::exit::{Exit, Failure, Result};
use crate::farm::{
    Farm, Group, Held, Table, expect_file, farm_of, file_of, is_sealed, lock_file, read_text,
    with_table, write_file,
};
use crate::output::warn;

/// A topology file that a table goes into.
pub struct IntoFile<'p> {
    path: &'p Path,
    /// The text of a file that is there.
    text: Option<String>,
    pub farm: Farm,
}

impl<'p> IntoFile<'p> {
    /// # Errors
    /// It is there and no topology file, or one that nobody may edit.
    pub fn read(path: &'p Path) -> Result<Self> {
        expect_file(path)?;
        Ok(match read_text(path)? {
            Some((text, _)) if is_sealed(&text)? => {
                let shown = path.display();
                return Err(Failure::new(
                    Exit::File,
                    format!(
                        "'{shown}' is sealed by a checksum, as the library writes files, and is not edited; \
                         `mysqlfabric --url file:/... export FILE` makes one of it that may be"
                    ),
                ));
            }
            Some((text, farm)) => Self { path, text: Some(text), farm },
            None => Self { path, text: None, farm: Farm::default() },
        })
    }

    /// Writes the file, as it is by now, with the table.
    ///
    /// # Errors
    /// A group is not in it: nobody may have meant one without servers. Its table is another one by now, or
    /// others write files there for as long as `timeout`.
    pub fn write(&self, table: &Table, timeout: Duration) -> Result<()> {
        let shown = self.path.display();
        let _lock = lock_file(self.path, timeout)?;
        let now = Self::read(self.path)?;
        if now.of_table(table) != self.of_table(table) {
            let what = table.full_name();
            let message = format!(
                "table {what} was changed in '{shown}' since it was read for this plan; plan it again"
            );
            return Err(Failure::new(Exit::Refused, message));
        }
        let text = match &now.text {
            Some(text) => {
                now.expect_groups(table)?;
                with_table(text, table)?
            }
            None => new(table)?,
        };
        farm_of(text.as_bytes()).map_err(|why| {
            let message = format!("'{shown}' is not written, since no handle would take it: {why}");
            Failure::new(Exit::File, message)
        })?;
        write_file(self.path, &text)?;
        if now.text.is_none() {
            warn(&format!(
                "'{shown}' is new, and its groups have no servers yet: add them, as \
                 docs/TOPOLOGY_FILE.md shows, and see what `mysqlfabric check` says"
            ));
        }
        Ok(())
    }

    /// What the file says of a table: itself, and what of it is held.
    fn of_table(&self, table: &Table) -> (Option<&Table>, Vec<&Held>) {
        let is_of = |held: &&Held| held.schema == table.schema && held.table == table.name;
        (self.farm.table(&table.full_name()), self.farm.held.iter().filter(is_of).collect())
    }

    fn expect_groups(&self, table: &Table) -> Result<()> {
        let known: BTreeSet<&str> = self.farm.groups.iter().map(|of| of.id.as_str()).collect();
        let missing: BTreeSet<&str> =
            groups_of(table).into_iter().filter(|name| !known.contains(name)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let list = |names: BTreeSet<&str>| names.into_iter().collect::<Vec<_>>().join(", ");
        Err(Failure::new(
            Exit::Unknown,
            format!(
                "'{}' has no group {}, but: {}; add it to groups there with its servers, or plan with \
                 those that it has",
                self.path.display(),
                list(missing),
                list(known)
            ),
        ))
    }
}

/// The groups that a table names.
fn groups_of(table: &Table) -> BTreeSet<&str> {
    let shards = table.shards.iter().map(|shard| shard.group.as_str());
    shards.chain([table.global_group.as_str()]).collect()
}

/// A file of the table alone.
fn new(table: &Table) -> Result<String> {
    let group = |id: &str| Group { id: id.to_owned(), discover: None, servers: Vec::new() };
    let groups = groups_of(table).into_iter().map(group).collect();
    let farm = Farm { tables: vec![table.clone()], groups, held: Vec::new() };
    let mut text = serde_json::to_string_pretty(&file_of(&farm)?).map_err(io::Error::from)?;
    text.push('\n');
    Ok(text)
}
