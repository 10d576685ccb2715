//! From a key to the shard that holds it, as the server's own lookup decides: the greatest lower
//! bound that is not above the key.

use std::hint::black_box;

use super::super::group::GroupId;
use super::super::key::{Key, KeyError};
use super::super::{datetime, integer, md5, text};
use super::bounds::Bounds;
use super::map::ShardMap;
use super::shard::{Compat, Shard};

/// How many digests lie on the stack at a time.
const CHUNK: usize = 64;

impl ShardMap {
    /// The shard that holds `key`.
    ///
    /// RANGE types have no shard below the lowest bound. HASH is a ring: a digest below every
    /// bound belongs to the highest one.
    pub fn find(&self, key: Key<'_>, compat: Compat) -> Result<Shard, KeyError> {
        self.shard(self.find_position(key, compat)?).ok_or(KeyError::BelowLowest)
    }

    /// The group of that shard, [`GroupId::NOWHERE`] if it is missing. Lookups call this.
    #[inline(always)]
    pub fn find_group(&self, key: Key<'_>, compat: Compat) -> Result<GroupId, KeyError> {
        let at = self.find_position(key, compat)?;
        self.groups.get(at).copied().ok_or(KeyError::BelowLowest)
    }

    /// The groups that `find_group` gives for many keys. As many as both slices have. Digests are
    /// worked out side by side.
    pub fn find_groups(
        &self,
        keys: &[Key<'_>],
        compat: Compat,
        found: &mut [Result<GroupId, KeyError>],
    ) {
        let Bounds::Hash(bounds) = &self.bounds else {
            for (key, found) in keys.iter().zip(found) {
                *found = self.find_group(*key, compat);
            }
            return;
        };
        for (keys, found) in keys.chunks(CHUNK).zip(found.chunks_mut(CHUNK)) {
            let mut digests = [None; CHUNK];
            let digests = digests.get_mut(..keys.len()).unwrap_or_default();
            md5::digest_keys(keys, digests);
            for (digest, found) in digests.iter().zip(found) {
                *found = digest.ok_or(KeyError::NotUtf8).and_then(|digest| {
                    let at = self.highest_of(bounds.not_above_wide(digest) as u32, compat)?;
                    self.groups.get(at).copied().ok_or(KeyError::BelowLowest)
                });
            }
        }
    }

    /// The position of that shard among those of the map.
    #[inline(always)]
    pub fn find_position(&self, key: Key<'_>, compat: Compat) -> Result<usize, KeyError> {
        let not_above = match (key, &self.bounds) {
            (Key::Integer(key), Bounds::Integer(bounds)) => {
                bounds.not_above_integer_prefetching(key, |near| self.prefetch_group(near)) as u32
            }
            // Out of line, so that hashing does not slow down what does not need it.
            (Key::Integer(key), _) => self.not_above_digest_of(key)?,
            (Key::Unsigned(key), _) => self.not_above_unsigned(key)?,
            (Key::Text(key), _) => self.not_above_text(key)?,
        };
        self.highest_of(not_above, compat)
    }

    /// The position of the highest of the bounds that are not above a key.
    #[inline(always)]
    fn highest_of(&self, not_above: u32, compat: Compat) -> Result<usize, KeyError> {
        match (not_above as usize).checked_sub(1) {
            Some(at) => Ok(at),
            None => self.below_lowest(compat),
        }
    }

    /// How many bounds are not above an integer's digest. As of all of these: fewer than 2^32, as
    /// large as a [`KeyError`], so that the result comes in two registers.
    #[inline(never)]
    fn not_above_digest_of(&self, key: i64) -> Result<u32, KeyError> {
        match &self.bounds {
            Bounds::Hash(bounds) => Ok(bounds
                .not_above_wide_prefetching(md5::digest_of_integer(key), |near| {
                    self.prefetch_group(near)
                }) as u32),
            _ => Err(KeyError::WantsText),
        }
    }

    #[cold]
    #[inline(never)]
    fn not_above_unsigned(&self, key: u64) -> Result<u32, KeyError> {
        match &self.bounds {
            Bounds::Integer(bounds) => Ok(bounds.not_above_integer(integer::unsigned(key)) as u32),
            Bounds::Hash(bounds) => Ok(bounds.not_above_wide(md5::digest_of_unsigned(key)) as u32),
            Bounds::DateTime(_) | Bounds::Text(_) | Bounds::LongText(_) => Err(KeyError::WantsText),
        }
    }

    #[inline(never)]
    fn not_above_text(&self, key: &[u8]) -> Result<u32, KeyError> {
        match &self.bounds {
            Bounds::Hash(bounds) => {
                let digest = md5::digest_of_utf8(key).ok_or(KeyError::NotUtf8)?;
                Ok(bounds.not_above_wide_prefetching(digest, |near| self.prefetch_group(near))
                    as u32)
            }
            _ => self.not_above_unhashed(key),
        }
    }

    #[inline(never)]
    fn not_above_unhashed(&self, key: &[u8]) -> Result<u32, KeyError> {
        Ok(match &self.bounds {
            Bounds::Integer(bounds) => {
                integer::key(key)?.map_or(0, |key| bounds.not_above_integer(key))
            }
            Bounds::DateTime(bounds) => bounds.not_above_integer(datetime::parse(key)?),
            Bounds::Text(bounds) => {
                let head = text::head_of_key(key)?;
                let above = bounds.not_above_wide(head);
                let below = text::is_below_head(key) && bounds.position_of_wide(head).is_some();
                above - usize::from(below)
            }
            Bounds::LongText(bounds) => {
                text::head_of_key(key)?;
                bounds.not_above(key)
            }
            Bounds::Hash(_) => return Err(KeyError::NotUtf8),
        } as u32)
    }

    /// Has the processor fetch the groups around a position. In large maps they are far away, and
    /// so are the bounds: they are waited for together.
    #[inline(always)]
    fn prefetch_group(&self, near: usize) {
        if let Some(group) = self.groups.get(near) {
            black_box(*group);
        }
    }

    #[cold]
    pub(super) fn below_lowest(&self, compat: Compat) -> Result<usize, KeyError> {
        let highest = self.len().saturating_sub(1);
        match (&self.bounds, compat) {
            (Bounds::Hash(_), Compat::Server) => Ok(highest),
            (Bounds::Hash(_), Compat::ConnectorPython) => Ok(0),
            (Bounds::Integer(_), Compat::ConnectorPython) => Ok(highest),
            _ => Err(KeyError::BelowLowest),
        }
    }
}
