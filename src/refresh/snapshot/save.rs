//! Writing the snapshot: what the handle knows, with what other processes keep in the same file.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use crate::base::boot_clock::BootTime;
use crate::base::clock::{millis, signed};
use crate::base::wall_clock::WallClock;
use crate::observe::log::Level;
use crate::store::convert::WithoutGroup;
use crate::store::document::{Document, FabricNode};
use crate::store::foreign_entries::ForeignEntries;
use crate::store::held::HeldShards;
use crate::store::tables::Tables;
use crate::store::times::since_1970;
use crate::store::{convert, read, write};
use crate::topology::Topology;

use super::{Saved, SnapshotFile};

/// An unchanged topology is written again after so long, so that the file tells how long
/// the source has been confirming it.
const CONFIRM_MS: u64 = 300_000;

impl SnapshotFile {
    /// Writes the snapshot if it is wanted and the topology is another than the one on disk.
    pub fn save(&self) {
        // What came from the snapshot alone is there already.
        let (Some(path), Some(answer)) = (self.path(), self.answered.last()) else { return };
        if let Err(why) = self.write(path, answer) {
            self.config.log.write_once(
                Level::Warning,
                format_args!("snapshot file '{}' is not written: {why}", path.display()),
            );
        }
    }

    fn write(&self, path: &Path, answer: u64) -> std::result::Result<(), String> {
        let mut seen = self.seen.lock();
        let topology = self.publisher.known.topology.load_full();
        let recent = |saved: &Saved| answer.saturating_sub(saved.answer) < CONFIRM_MS;
        if let Some(saved) = &seen.saved
            && saved.topology.as_ptr() == Arc::as_ptr(&topology)
            && recent(saved)
        {
            return Ok(());
        }
        let mut document = convert::document(&topology, WithoutGroup::LeftOut);
        let content = document.content();
        if let Some(saved) = &mut seen.saved
            && saved.content == content
            && recent(saved)
        {
            // What the service saw of its servers makes new topologies, too.
            saved.topology = Arc::downgrade(&topology);
            return Ok(());
        }
        self.describe(&mut document, &topology, answer);
        // Even if it cannot be written: what failed now fails again for the same topology,
        // and the next one is a new try.
        seen.saved = Some(Saved { topology: Arc::downgrade(&topology), content, answer });
        let _lock = write::DirectoryLock::take(path, write::LOCK_TIMEOUT).ok();
        convert::keep(&mut document, self.foreign_entries(&mut seen, path, &topology));
        let mut written = write::replace(path, |file| document.write(read::Limited::of(file)));
        if written.as_ref().is_err_and(|error| error.kind() == ErrorKind::FileTooLarge) {
            // What is too large to be read is of no use to anybody.
            convert::keep(&mut document, ForeignEntries::default());
            written = write::replace(path, |file| document.write(read::Limited::of(file)));
        }
        written.map_err(|error| error.to_string())?;
        seen.snapshot = read::open(path).ok().map(|opened| opened.signature);
        Ok(())
    }

    /// Says in a document of this topology when it was confirmed, last at `answer`, and who told it.
    pub(super) fn describe(
        &self,
        document: &mut Document<Tables<'_>, HeldShards<'_>>,
        topology: &Topology,
        answer: u64,
    ) {
        let now = self.now();
        // One reading of the time of day for all of it: of times that were saved at once it matters how
        // they lie to each other.
        let wall = WallClock::new(since_1970(), now);
        let saved_at = wall.seconds(signed(answer));
        document.saved_at = Some(saved_at);
        if let Some(BootTime { boot_id, uptime_ms }) = BootTime::now() {
            document.boot_id = Some(boot_id);
            document.uptime_ms = Some(uptime_ms.saturating_sub(now.saturating_sub(answer)));
        }
        document.generation = Some(topology.generation);
        document.held_shards.times = Some((signed(now), wall));
        convert::tell_times(document, saved_at, wall);
        let ttl_ms = self.answered.intervals.said().map(millis);
        document.ttl_ms = ttl_ms.filter(|ttl| (1..=86_400_000).contains(ttl));
        let nodes = self.sources.nodes().into_iter().map(|state| state.node);
        document.fabric_nodes = nodes
            .filter(|node| node.port > 0 && !node.host.is_empty() && !node.host.contains('\0'))
            .map(|node| FabricNode { host: node.host, port: node.port })
            .collect();
    }
}
