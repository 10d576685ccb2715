//! Options of groups whose servers the handle asks itself who they are.

use std::time::Duration;

use crate::base::error::Result;

use super::behaviour::FABRIC_FOREVER_MS;
use super::options::{fabric_options_t, set, within};

/// In milliseconds.
const DAY: i64 = 86_400_000;

/// Sets how often the servers of a group that is to be discovered are asked who is its primary: all of
/// them at once, each over one connection that is kept.
///
/// It is about groups of a source that says how they are discovered, and no others: see
/// fabric_options_set_source(). They are asked sooner after fabric_report_result() with an errno that
/// fabric_errno_action() gives @ref FABRIC_ACTION_ASK_AGAIN for, and while there is no primary and somebody asks
/// for it.
///
/// @param options   The options.
/// @param interval  Milliseconds, 50 to 60000; 500 unless set.
/// @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_ARGUMENT
///
/// Never blocks.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_options_set_discovery_interval_ms(
    options: *mut fabric_options_t,
    interval: i64,
) -> i32 {
    // SAFETY: `options` is NULL or from fabric_options_new(), and used by this thread alone.
    unsafe {
        set("fabric_options_set_discovery_interval_ms", options, |config| {
            let millis = within("an interval", interval, 50, 60_000)?;
            config.discovery.interval = Duration::from_millis(millis);
            Ok(())
        })
    }
}

/// Sets how far a server of a discovered group may be behind its source and still take reads.
///
/// Servers tell it in whole seconds, and one that does not know how far it is behind, as when its
/// source is gone, counts as too far. A primary takes writes whatever this says. Where every
/// secondary is too far behind, reads go where they go in a group that has none.
///
/// @param options  The options.
/// @param lag      Milliseconds, 0 to 86400000 (a day), or @ref FABRIC_FOREVER_MS, which is any lag and the
///                 default.
/// @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_ARGUMENT
///
/// Never blocks.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_options_set_max_replica_lag_ms(
    options: *mut fabric_options_t,
    lag: i64,
) -> i32 {
    // SAFETY: `options` is NULL or from fabric_options_new(), and used by this thread alone.
    unsafe {
        set("fabric_options_set_max_replica_lag_ms", options, |config| {
            config.discovery.max_replica_lag = match lag {
                FABRIC_FOREVER_MS => None,
                _ => Some(Duration::from_millis(within("a lag", lag, 0, DAY)?)),
            };
            Ok(())
        })
    }
}

/// Sets whether a discovered group in which every member takes writes (Group Replication in
/// multi-primary mode) has a primary.
///
/// Off, it has none, and its writes are FABRIC_ERR_NO_SERVER: writes to several members at once may meet
/// and roll each other back. On, one member is its primary for this handle, and stays it as long as it is
/// online; each handle chooses for itself.
///
/// @param options  The options.
/// @param on       1, or 0 (the default).
/// @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_ARGUMENT
///
/// Never blocks.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_options_set_multi_primary(
    options: *mut fabric_options_t,
    on: i32,
) -> i32 {
    // SAFETY: `options` is NULL or from fabric_options_new(), and used by this thread alone.
    unsafe {
        set("fabric_options_set_multi_primary", options, |config| {
            config.discovery.multi_primary = switch(on)?;
            Ok(())
        })
    }
}

/// Sets whether a discovered group of which no majority is online still takes reads, of the members that
/// answer. What they read may be old, and what was written last may be lost to them.
///
/// Writes it takes none, whatever this says: they would hang. The metadata of an InnoDB Cluster may
/// allow the reads, too (`unreachable_quorum_allowed_traffic`).
///
/// @param options  The options.
/// @param on       1, or 0 (the default).
/// @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_ARGUMENT
///
/// Never blocks.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_options_set_reads_without_majority(
    options: *mut fabric_options_t,
    on: i32,
) -> i32 {
    // SAFETY: `options` is NULL or from fabric_options_new(), and used by this thread alone.
    unsafe {
        set("fabric_options_set_reads_without_majority", options, |config| {
            config.discovery.reads_without_majority = switch(on)?;
            Ok(())
        })
    }
}

fn switch(on: i32) -> Result<bool> {
    Ok(within("a switch", i64::from(on), 0, 1)? == 1)
}

#[cfg(test)]
mod tests {
    use super::super::error::{FABRIC_ERR_ARGUMENT, FABRIC_OK};
    use super::super::owned::Owned;
    use super::*;
    use crate::config::Config;

    #[test]
    fn what_is_set_is_what_the_handle_is_told_and_what_is_refused_changes_nothing() {
        let options = Owned::new(fabric_options_t { config: Config::default(), refused: None });
        let c = options.into_c();
        // SAFETY: `c` comes from `into_c`, and this test alone uses it until `from_c`.
        let options = unsafe {
            for (interval, lag, status) in
                [(50, 0, FABRIC_OK), (60_000, DAY, FABRIC_OK), (49, DAY + 1, FABRIC_ERR_ARGUMENT)]
            {
                assert_eq!(fabric_options_set_discovery_interval_ms(c, interval), status);
                assert_eq!(fabric_options_set_max_replica_lag_ms(c, lag), status);
            }
            for (on, status) in [(0, FABRIC_OK), (1, FABRIC_OK), (2, FABRIC_ERR_ARGUMENT)] {
                assert_eq!(fabric_options_set_multi_primary(c, on), status);
                assert_eq!(fabric_options_set_reads_without_majority(c, on), status);
            }
            assert_eq!((*c).config.discovery.max_replica_lag, Some(Duration::from_secs(86_400)));
            assert_eq!(fabric_options_set_max_replica_lag_ms(c, FABRIC_FOREVER_MS), FABRIC_OK);
            Owned::from_c(c)
        };
        let discovery = &options.as_ref().expect("options").lend().config.discovery;
        assert_eq!(discovery.interval, Duration::from_secs(60));
        assert_eq!(discovery.max_replica_lag, None);
        assert!(discovery.multi_primary && discovery.reads_without_majority);
    }
}
