//! What a handle knows, written once to a file that the service names.

use std::path::Path;

use crate::base::error::{Code, Error, Result};
use crate::store::convert::WithoutGroup;
use crate::store::write::Place;
use crate::store::{convert, read, write};

use super::SnapshotFile;

impl SnapshotFile {
    /// Replaces the file as a whole; what another process has there is not kept.
    ///
    /// # Errors
    /// `NotSeeded` while nothing is known, `Argument` for a file that the handle itself writes or reads, and `File`.
    pub fn dump(&self, path: &Path) -> Result<()> {
        let shown = path.display();
        let is_same = |own: &Path| {
            let places = (Place::of(own), Place::of(path));
            own == path || matches!(places, (Ok(a), Ok(b)) if a.path == b.path)
        };
        let source = self.config.topology_file.as_deref();
        let own = [
            (self.path(), "snapshot file of the handle, which writes it itself"),
            (source, "topology file of the handle, which reads it"),
        ];
        if let Some((_, what)) = own.iter().find(|(own, _)| own.is_some_and(is_same)) {
            let message = format!("'{shown}' is the {what}; name another one");
            return Err(Error::new(Code::Argument, message));
        }
        let topology = self.publisher.known.topology.load_full();
        if topology.is_empty() {
            let message = "nothing of the farm is known yet; call fabric_seed first".to_owned();
            return Err(Error::new(Code::NotSeeded, message));
        }
        let mut document = convert::document(&topology, WithoutGroup::Empty);
        // What is from a snapshot file has times of its own.
        let answer = self.answered.last().unwrap_or_else(|| self.now());
        self.describe(&mut document, &topology, answer);
        let written = write::replace(path, |file| document.write(read::Limited::of(file)));
        written.map_err(|error| {
            let message = format!("'{shown}' cannot be written: {error}");
            Error::new(Code::File, message)
        })
    }
}
