//! What each server has a copy of its own of, with a number that counts its changes: a ReplicaSet, a
//! ClusterSet. The newest copy counts, and is never gone back behind.

use std::sync::Arc;

use super::super::opinion::{Instance, Metadata, Opinion};
use super::memory::Memory;
use super::metadata::{copies, unreadable};
use super::round::Round;

pub(super) trait Copied: Clone {
    /// What MySQL calls it.
    const NAME: &str;

    /// That of a server with this metadata.
    fn of(metadata: &Metadata) -> Option<&Self>;

    /// The newest that any server ever had.
    fn known(memory: &Memory) -> Option<&Arc<Self>>;

    fn id(&self) -> &str;

    fn view_id(&self) -> Option<u64>;

    /// Those who have a copy.
    fn servers(&self) -> impl Iterator<Item = &Instance>;
}

/// The newest copy that any server has or had.
///
/// # Errors
/// There is none to go by, and why.
pub(super) fn newest<C: Copied>(round: &Round<'_>, memory: &Memory) -> Result<Arc<C>, String> {
    let copies = copies(round);
    // Of one view those copies differ that were changed in what is not counted, such as tags: first where
    // writes are taken.
    let readable = copies.iter().filter(|(_, metadata)| unreadable(metadata).is_none());
    let mut sets: Vec<_> = readable
        .filter_map(|(opinion, metadata)| {
            let set = C::of(metadata)?;
            Some(((set.view_id(), opinion.is_writable()), set))
        })
        .collect();
    // The first of those that are alike is the one that counts most.
    sets.sort_by_key(|(age, _)| std::cmp::Reverse(*age));
    if let Some(known) = C::known(memory) {
        let newest = sets.iter().find(|(_, set)| set.id() == known.id());
        match newest {
            Some((age, newest)) if *age >= (known.view_id(), true) => {
                return Ok(Arc::new((*newest).clone()));
            }
            Some(_) => return Ok(Arc::clone(known)),
            // Another one counts once most have left this one by their own word: who is silent has not.
            None if sets.is_empty() || !most_have_left(&**known, round) => {
                return Ok(Arc::clone(known));
            }
            None => (),
        }
    }
    let Some((_, newest)) = sets.first() else {
        let why = copies.iter().find_map(|(_, metadata)| unreadable(metadata));
        return Err(why.unwrap_or_else(|| {
            format!("none of its servers that answer is in a {} by its metadata", C::NAME)
        }));
    };
    match sets.iter().all(|(_, set)| set.id() == newest.id()) {
        true => Ok(Arc::new((*newest).clone())),
        false => Err(format!("its servers are in several {}s", C::NAME)),
    }
}

/// Whether most of those who had a copy, of whom none has one now, may be asked and answer.
fn most_have_left<C: Copied>(known: &C, round: &Round<'_>) -> bool {
    let says_so = |instance: &&Instance| {
        round.opinion_of(&instance.uuid).is_some_and(Opinion::tells_of_metadata)
    };
    known.servers().filter(says_so).count() * 2 > known.servers().count()
}
