//! The maps of a handle that has none: its groups are looked up by their names.

use std::time::Duration;

use crate::base::error::{Code, Error, Result};
use crate::topology::TablesBuilder;

use super::{Answer, Ask, Content, MapAnswers, MapSource, Maps, Source, Wanted};

/// Lists no table, and never will.
pub struct NoMaps;

impl Source for NoMaps {
    fn unsupported(&self) -> Error {
        Error::new(Code::NotSeeded, "the handle's source has no shard maps")
    }
}

impl MapSource for NoMaps {
    fn maps(&self, wanted: &Wanted<'_>, ask: &Ask<'_>) -> Result<MapAnswers> {
        let content = Content::Rows {
            about: wanted.about(),
            rows: Maps::from(TablesBuilder::default()),
            rejected: Vec::new(),
        };
        // There is nothing to ask again for.
        Ok(Answer { asked_at: ask.asker.now(), interval: Duration::MAX, content }.into())
    }

    fn has_maps(&self) -> bool {
        false
    }

    fn lists_every_shard(&self) -> bool {
        true
    }
}
