//! Where a service runs.

use std::ffi::c_char;

use crate::config::check_zone;

use super::options::{fabric_options_t, set};
use super::ptr::optional_text;

/// Sets the zone that the service runs in, such as an availability zone: reads go to servers there first.
///
/// Of a group, reads go to its secondaries in this zone, by weight and in turns as ever, while one of them
/// is in use: not left out after fabric_report_result(), nor waiting to be tried after that. While none is,
/// they go where they go without a zone: to all secondaries, and to the primary where there is none. Of a
/// server in another zone that was left out, one request may still find out whether it is back, where the
/// handle has no account to do so. Writes are not affected.
///
/// The zone of a server is said by a topology file (`zone`, and `zones` of a group that is discovered), by
/// the column `zone` of a shard map in tables, or by the tag `zone` of an instance in the metadata of an
/// InnoDB Cluster, ReplicaSet or ClusterSet; the first two count more than the tag. Fabric knows of none. Zones are
/// compared byte by byte.
///
/// @param options  The options.
/// @param zone     UTF-8, NUL-terminated, at most 64 bytes without control characters; NULL or empty for
///                 none, which is the default. Copied.
/// @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_INVALID_UTF8
/// @retval FABRIC_ERR_ARGUMENT  Too long, or with control characters.
///
/// Never blocks.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_options_set_zone(
    options: *mut fabric_options_t,
    zone: *const c_char,
) -> i32 {
    // SAFETY: `options` is NULL or from fabric_options_new(), and used by this thread alone; `zone` is
    // NULL or NUL-terminated.
    unsafe {
        set("fabric_options_set_zone", options, |config| {
            let zone = optional_text(zone, "zone")?.filter(|zone| !zone.is_empty());
            zone.map_or(Ok(()), check_zone)?;
            config.zone = zone.map(Into::into);
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use std::ptr;

    use super::super::error::{FABRIC_ERR_ARGUMENT, FABRIC_ERR_INVALID_UTF8, FABRIC_OK};
    use super::super::owned::Owned;
    use super::*;
    use crate::config::Config;

    #[test]
    fn a_zone_is_set_and_forgotten_and_one_that_is_refused_changes_nothing() {
        let options = Owned::new(fabric_options_t { config: Config::default(), refused: None });
        let c = options.into_c();
        let long = [&[b'x'; 65][..], b"\0"].concat();
        // SAFETY: `c` comes from `into_c`, and this test alone uses it until `from_c`; the texts end
        // with NUL.
        let options = unsafe {
            assert_eq!(fabric_options_set_zone(c, c"west".as_ptr()), FABRIC_OK);
            for nothing in [ptr::null(), c"".as_ptr()] {
                assert_eq!(fabric_options_set_zone(c, nothing), FABRIC_OK);
                assert_eq!((*c).config.zone, None);
                assert_eq!(fabric_options_set_zone(c, c"east".as_ptr()), FABRIC_OK);
            }
            for (refused, status) in [
                (c"a\tb".as_ptr(), FABRIC_ERR_ARGUMENT),
                (long.as_ptr().cast(), FABRIC_ERR_ARGUMENT),
                (c"\xff".as_ptr(), FABRIC_ERR_INVALID_UTF8),
            ] {
                assert_eq!(fabric_options_set_zone(c, refused), status);
            }
            Owned::from_c(c)
        };
        let options = options.as_ref().expect("options").lend();
        assert_eq!(options.config.zone.as_deref(), Some("east"));
        let refused = options.refused.as_ref().expect("the first").message.clone();
        assert!(refused.contains("set_zone") && refused.contains("a\\tb"), "{refused}");
    }
}
