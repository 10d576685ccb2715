//! Which edition of the tables is the newest that was ever seen: an older one is never taken for news.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwapOption;

use crate::base::text::excerpt;

/// So many tables that were replaced by others are remembered.
const MOST_LEFT: usize = 16;

/// A state of the tables, as their row in `version` calls it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edition {
    /// Which tables: made with them, and made anew when they are restored from a backup.
    pub incarnation: String,
    /// Ascends with every change of them.
    pub number: u64,
    /// Of all that is in them. It is another one where somebody has changed them and did not count that.
    pub digest: String,
}

impl Edition {
    /// Whether both are the same by what the tables say themselves.
    pub fn is_called_as(&self, other: &Self) -> bool {
        self.incarnation == other.incarnation && self.number == other.number
    }
}

/// The newest edition that was seen. A forked child goes on from its parent's.
#[derive(Default)]
pub struct Newest {
    seen: ArcSwapOption<Seen>,
    /// Counts the versions, and the looks, through resets on.
    versions: AtomicU64,
    looks: AtomicU64,
}

#[derive(Clone)]
struct Seen {
    edition: Arc<Edition>,
    /// What the handle counts its editions by.
    version: u64,
    /// The look that saw it first.
    look: u64,
    /// Incarnations that were the newest before.
    left: Vec<String>,
}

impl Newest {
    /// The number of a look that begins.
    pub fn begin_look(&self) -> u64 {
        self.looks.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Takes in what a server has, which takes writes or does not, and gives its version; nothing if a
    /// look that began later has seen other contents of the same number. Says why it is not the newest,
    /// if it is not.
    pub fn note(
        &self,
        look: u64,
        edition: &Edition,
        is_writable: bool,
    ) -> Result<Option<u64>, String> {
        loop {
            let seen = self.seen.load_full();
            let left = match seen.as_deref() {
                Some(seen) if *seen.edition == *edition => return Ok(Some(seen.version)),
                Some(seen) if seen.edition.is_called_as(edition) => match is_writable {
                    true if look < seen.look => return Ok(None),
                    true => seen.left.clone(),
                    // It may lag behind: which of both is older, nobody can tell.
                    false => return Ok(Some(seen.version)),
                },
                Some(seen) => follows(seen, edition, is_writable)?,
                None => Vec::new(),
            };
            let version = self.versions.fetch_add(1, Ordering::Relaxed) + 1;
            let edition = Arc::new(edition.clone());
            let next = Arc::new(Seen { edition, version, look, left });
            let before = self.seen.compare_and_swap(&seen, Some(next));
            if before.as_ref().map(Arc::as_ptr) == seen.as_ref().map(Arc::as_ptr) {
                return Ok(Some(version));
            }
        }
    }

    /// The edition of a version, if it is still the newest.
    pub fn of_version(&self, version: u64) -> Option<Arc<Edition>> {
        let seen = self.seen.load_full()?;
        (seen.version == version).then(|| Arc::clone(&seen.edition))
    }

    /// Whether it is the version of the newest edition.
    pub fn is(&self, version: u64) -> bool {
        self.of_version(version).is_some()
    }

    /// Whatever is seen next is the newest.
    pub fn forget(&self) {
        self.seen.store(None);
    }
}

/// The incarnations that are left behind once an edition follows the one seen, which it is not; or why
/// it does not follow.
fn follows(seen: &Seen, edition: &Edition, is_writable: bool) -> Result<Vec<String>, String> {
    let Edition { incarnation, number, .. } = &*seen.edition;
    let other = excerpt(&edition.incarnation, 40);
    if *incarnation == edition.incarnation {
        return match edition.number > *number {
            true => Ok(seen.left.clone()),
            false => Err(format!(
                "has number {} of the shard map, and {number} was seen already: it lags behind, and is \
                 not believed",
                edition.number
            )),
        };
    }
    if seen.left.contains(&edition.incarnation) {
        return Err(format!(
            "has the shard map of incarnation {other}, which {incarnation} has replaced; if it was put \
             back on purpose, give it a new incarnation, or have it taken as it is with \
             fabric_reset_cache"
        ));
    }
    if !is_writable {
        return Err(format!(
            "has the shard map of incarnation {other}, and {incarnation} is known: another one is \
             believed where it can be written, and this server is read-only"
        ));
    }
    let skipped = (seen.left.len() + 1).saturating_sub(MOST_LEFT);
    let left = seen.left.iter().skip(skipped).chain([incarnation]);
    Ok(left.cloned().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edition(incarnation: &str, number: u64) -> Edition {
        Edition { incarnation: incarnation.into(), number, digest: "d".into() }
    }

    #[test]
    fn it_never_goes_back() {
        let newest = Newest::default();
        let note = |incarnation, number, is_writable| {
            newest.note(newest.begin_look(), &edition(incarnation, number), is_writable)
        };
        assert_eq!(note("a", 7, false), Ok(Some(1)));
        assert_eq!(note("a", 7, true), Ok(Some(1)), "it is no news");
        assert!(note("a", 6, true).unwrap_err().contains("lags behind"));
        assert_eq!(note("a", 9, false), Ok(Some(2)));
        assert_eq!((newest.is(1), newest.is(2), newest.is(0)), (false, true, false));
        assert!(note("b", 1, false).unwrap_err().contains("read-only"));
        assert_eq!(note("b", 1, true), Ok(Some(3)));
        assert!(note("a", 10, true).unwrap_err().contains("which b has replaced"));
        assert_eq!(newest.of_version(3).as_deref(), Some(&edition("b", 1)));
        newest.forget();
        assert!(newest.of_version(3).is_none());
        assert_eq!(note("a", 1, false), Ok(Some(4)), "versions go on");
    }

    #[test]
    fn a_change_that_was_not_counted_is_one_where_it_can_be_written() {
        let newest = Newest::default();
        let of = |digest: &str| Edition { digest: digest.into(), ..edition("a", 7) };
        let earlier = newest.begin_look();
        assert_eq!(newest.note(newest.begin_look(), &of("d"), true), Ok(Some(1)));
        assert_eq!(newest.note(newest.begin_look(), &of("e"), false), Ok(Some(1)));
        assert_eq!(newest.of_version(1).as_deref(), Some(&of("d")), "it may lag behind");
        assert_eq!(newest.note(newest.begin_look(), &of("e"), true), Ok(Some(2)));
        assert_eq!(newest.note(earlier, &of("d"), true), Ok(None), "it was overtaken");
        assert_eq!(newest.of_version(2).as_deref(), Some(&of("e")));
    }

    #[test]
    fn few_of_those_that_were_left_are_remembered() {
        let newest = Newest::default();
        for at in 0..100 {
            assert_eq!(newest.note(at, &edition(&format!("i{at}"), 1), true), Ok(Some(at + 1)));
        }
        let is_left = |at: u64| newest.note(at, &edition(&format!("i{at}"), 1), true).is_err();
        assert!((99 - MOST_LEFT as u64..99).all(is_left));
        assert!(!is_left(0));
    }
}
