//! Many keys of one table at once.

use super::super::group::GroupId;
use super::super::key::{Key, KeyError};
use super::super::md5;
use super::{Bounds, Compat, ShardMap};

/// How many digests lie on the stack at a time.
const CHUNK: usize = 64;

impl ShardMap {
    /// The groups of the shards that `find` gives for each key. As many as both slices have.
    pub fn find_groups(
        &self,
        keys: &[Key<'_>],
        compat: Compat,
        found: &mut [Result<GroupId, KeyError>],
    ) {
        let Bounds::Hash(bounds) = &self.bounds else {
            for (key, found) in keys.iter().zip(found) {
                *found = self.position(*key, compat).and_then(|at| self.group_at(at));
            }
            return;
        };
        for (keys, found) in keys.chunks(CHUNK).zip(found.chunks_mut(CHUNK)) {
            let mut digests = [None; CHUNK];
            let digests = digests.get_mut(..keys.len()).unwrap_or_default();
            md5::digest_keys(keys, digests);
            for (digest, found) in digests.iter().zip(found) {
                *found = digest.ok_or(KeyError::NotUtf8).and_then(|digest| {
                    self.group_at(self.highest_of(bounds.not_above_wide(digest), compat)?)
                });
            }
        }
    }

    #[inline]
    fn group_at(&self, at: usize) -> Result<GroupId, KeyError> {
        self.groups.get(at).copied().ok_or(KeyError::BelowLowest)
    }
}
