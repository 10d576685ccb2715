//! Options about how a handle behaves: what it reports, holds and refreshes, and for how long.

use std::time::Duration;

use crate::base::error::{Code, Error};
use crate::config::ReportErrors;

use super::options::{fabric_options_t, set, time as millis, within};

/// No failure is reported to Fabric: the default.
pub const FABRIC_REPORT_OFF: i32 = 0;
/// Failures are reported with `threat.report_error`: Fabric acts once enough clients agree.
pub const FABRIC_REPORT_ERROR: i32 = 1;
/// Failures are reported with `threat.report_failure`: Fabric fails over on a single report,
/// be the server dead or healthy.
pub const FABRIC_REPORT_FAILURE: i32 = 2;

/// Keys go where the server puts them: the default.
pub const FABRIC_COMPAT_SERVER: i32 = 0;
/// Keys go where Connector/Python puts them, for farms whose rows it placed: a RANGE key below
/// the lowest bound on the highest shard, a HASH digest below every bound on the lowest.
pub const FABRIC_COMPAT_CONNECTOR_PYTHON: i32 = 1;

/// A time that does not end, for fabric_options_set_vanished_hold_ms().
pub const FABRIC_FOREVER_MS: i64 = 9223372036854775807;

/// In milliseconds.
const DAY: i64 = 86_400_000;

/// Sets whether and how fabric_report_failure() and fabric_report_result() tell Fabric of servers
/// that cannot be reached.
///
/// Each handle is one reporter for Fabric. Its name there is `libmysqlfabric-<host>-<pid>-<n>`, of
/// at most 64 characters, where `n` counts the handles of the process.
///
/// With @ref FABRIC_REPORT_ERROR, Fabric as it is shipped makes a server FAULTY, and fails over
/// from a primary, once it got 300 reports of it from 50 reporters within 60 s (`notifications`,
/// `notification_clients` and `notification_interval` in its configuration). A handle reports a
/// server once in the window of fabric_options_set_report_window_ms(), 10 s: that is 6 of the 300
/// in a minute. So one process with one handle never gets there alone, however often it fails; 50
/// of them just do if all of them report for a whole minute. A service with fewer handles has
/// those numbers lowered at Fabric, or the window made shorter: a window of 1 s is 60 reports a
/// minute of each handle. Fabric's own failure detector needs 6 s, where it is on.
///
/// With @ref FABRIC_REPORT_FAILURE one report of one handle is enough, and nobody checks it.
///
/// @param options  The options.
/// @param how      @ref FABRIC_REPORT_OFF (the default), @ref FABRIC_REPORT_ERROR or
///                 @ref FABRIC_REPORT_FAILURE.
/// @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_ARGUMENT
///
/// Never blocks.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_options_set_report_errors(
    options: *mut fabric_options_t,
    how: i32,
) -> i32 {
    // SAFETY: `options` is NULL or from fabric_options_new(), and used by this thread alone.
    unsafe {
        set("fabric_options_set_report_errors", options, |config| {
            config.report_errors = match how {
                FABRIC_REPORT_OFF => ReportErrors::Off,
                FABRIC_REPORT_ERROR => ReportErrors::Error,
                FABRIC_REPORT_FAILURE => ReportErrors::Failure,
                _ => {
                    return Err(Error::new(
                        Code::Argument,
                        format!("{how} is none of FABRIC_REPORT_OFF, _ERROR, _FAILURE"),
                    ));
                }
            };
            Ok(())
        })
    }
}

/// Adds an errno to those that Fabric is told of, which are the ones that fabric_errno_action()
/// gives @ref FABRIC_ACTION_REPORT for.
///
/// @param options  The options.
/// @param errno_   A MySQL errno, 1000 to 9999. What is beyond stands in error logs only.
/// @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_ARGUMENT
///
/// Never blocks.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_options_add_report_errno(
    options: *mut fabric_options_t,
    errno_: i32,
) -> i32 {
    // SAFETY: `options` is NULL or from fabric_options_new(), and used by this thread alone.
    unsafe {
        set("fabric_options_add_report_errno", options, |config| {
            within("a MySQL errno", i64::from(errno_), 1000, 9999)?;
            config.report_errnos.push(errno_);
            Ok(())
        })
    }
}

/// Turns the background refresh on or off.
///
/// On, a thread of the handle's own fetches what the handle has used before it expires, so that
/// no lookup of something known ever waits. It starts after the first fetch and ends with
/// fabric_free(). Off, a lookup that finds an expired entry goes on with it and has it fetched by a
/// thread that lives for that fetch; only when it has been expired for one more time to live, as
/// after a pause, the lookup waits for that fetch, up to the lookup timeout.
///
/// @param options  The options.
/// @param on       1 (the default) or 0.
/// @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_ARGUMENT
///
/// Never blocks.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_options_set_background_refresh(
    options: *mut fabric_options_t,
    on: i32,
) -> i32 {
    // SAFETY: `options` is NULL or from fabric_options_new(), and used by this thread alone.
    unsafe {
        set("fabric_options_set_background_refresh", options, |config| {
            config.background_refresh = within("a switch", i64::from(on), 0, 1)? == 1;
            Ok(())
        })
    }
}

/// Sets how much of its time the background refresh may keep the handle's thread and the Fabric
/// node at work. A farm whose dumps are much work is refreshed less often than its time to live asks
/// for; fabric_topology_age() tells. The way to the node and back is no work: a node far away is
/// asked as often as a near one. A single dump that takes long does not count, two in a row do.
///
/// @param options  The options.
/// @param percent  1 to 100; 5 unless set.
/// @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_ARGUMENT
///
/// Never blocks.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_options_set_refresh_share(
    options: *mut fabric_options_t,
    percent: i32,
) -> i32 {
    // SAFETY: `options` is NULL or from fabric_options_new(), and used by this thread alone.
    unsafe {
        set("fabric_options_set_refresh_share", options, |config| {
            let percent = within("a share in percent", i64::from(percent), 1, 100)?;
            config.refresh_share_percent = percent as u32;
            Ok(())
        })
    }
}

/// Sets the longest pause between two refreshes while no Fabric node answers, and the longest time
/// for which a node that did not answer is asked after the others.
///
/// Pauses are random, up to a bound that begins at 250 ms and doubles with every failure, so that
/// the handles of a fleet that lost Fabric together do not come back together. They begin anew when
/// a node answers anybody on this handle, and when a call had to wait for Fabric; a call that waits
/// for a change of the farm has it asked again within 100 ms anyway. So this is how long a handle
/// may go on from what it knew after Fabric is back, if none of its calls needs Fabric.
///
/// @param options  The options.
/// @param limit    Milliseconds, 10 to @ref FABRIC_MAX_TIME_MS; 10000 unless set.
/// @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_ARGUMENT
///
/// Never blocks.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_options_set_backoff_limit_ms(
    options: *mut fabric_options_t,
    limit: i64,
) -> i32 {
    // SAFETY: `options` is NULL or from fabric_options_new(), and used by this thread alone.
    unsafe {
        set("fabric_options_set_backoff_limit_ms", options, |config| {
            config.backoff_limit = millis("a longest pause", limit, 10)?;
            Ok(())
        })
    }
}

/// Sets after how long without a lookup the background refresh asks less and less: at first every
/// half of the time since the last lookup, then ever more seldom. Not while a callback or a
/// descriptor for events is there, a call waits, or a server or shard is quarantined or held.
///
/// The first lookup after a pause has it ask at once, and, if nothing was asked for longer than two
/// times to live, waits for that as fabric_get_shard_server() does for what is not known yet.
///
/// @param options  The options.
/// @param time     Milliseconds, 1 to @ref FABRIC_MAX_TIME_MS, or 0 (never); 60000 unless set.
/// @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_ARGUMENT
///
/// Never blocks.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_options_set_idle_after_ms(
    options: *mut fabric_options_t,
    time: i64,
) -> i32 {
    // SAFETY: `options` is NULL or from fabric_options_new(), and used by this thread alone.
    unsafe {
        set("fabric_options_set_idle_after_ms", options, |config| {
            config.idle_after = millis("a pause", time, 0)?;
            Ok(())
        })
    }
}

/// Sets how long lookups go on from what Fabric no longer confirms, because no node answers, or none
/// about this. Beyond it they answer FABRIC_ERR_STALE, and the message names the table or group.
/// They do so, too, from a snapshot file whose age nobody knows, since it is dated in the future.
///
/// Each table and group has an age of its own (see fabric_topology_age()). A lookup by key is
/// answered from its tables and from the group they lead to; all of these must be young enough. In
/// a batch an old group fails the keys that lead there, an old table the whole batch.
///
/// @param options  The options.
/// @param most     Milliseconds since Fabric confirmed what is used, 1 to 86400000 (a day), or 0
///                 for no limit; 0 unless set. Should be well above the time to live.
/// @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_ARGUMENT
///
/// Never blocks.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_options_set_max_stale_ms(
    options: *mut fabric_options_t,
    most: i64,
) -> i32 {
    // SAFETY: `options` is NULL or from fabric_options_new(), and used by this thread alone.
    unsafe {
        set("fabric_options_set_max_stale_ms", options, |config| {
            config.max_stale = match within("an age", most, 0, DAY)? {
                0 => None,
                most => Some(Duration::from_millis(most)),
            };
            Ok(())
        })
    }
}

/// Sets how long a server that fabric_report_result() found unreachable is left out at first.
///
/// Reads leave it out while others can serve, and the _wait calls always do; a plain lookup for a
/// write gets it all the same while Fabric names it the primary, because there is no other. After
/// this time the server is on trial: exactly one request gets it, a read that has others to choose
/// from or a _wait call. Then
///
/// - bad news of it leaves it out for twice as long as before, up to 16 times this time;
/// - fabric_report_result() with 0 brings it back to use, and tells FABRIC_EVENT_SERVER_BACK;
/// - no news for as long as the pause before was brings it back to use, too, but tells nothing,
///   because nobody may have looked.
///
/// Where fabric_options_set_mysql_credentials() gives an account, the handle tries the server itself
/// after this time, by a login on a thread of its own, and no request gets it before: a login that
/// succeeds is as good as a report of 0, and one that fails is bad news (no answer within the connect
/// timeout, offline mode, too many connections). A server that does not let the account in is left to
/// one request, as above; the log says so, and it is not asked again for a minute.
///
/// Where the servers of a group are asked themselves who they are (`cluster://`, or `discover` of a
/// group), one that has answered since it was lost is tried sooner: a primary, in whose place there is
/// nobody, at once, and after that, as any other, whenever the first pause is over.
///
/// That Fabric goes on listing a server is no good news of it: it does so for some 6 s after a
/// server has died, and for ever without a failure detector. That Fabric lists it again after it
/// did not, or as the primary again after it was that no more, is as good as a report of 0.
///
/// All of it happens in time, also while Fabric hangs; without a background refresh, or where no
/// thread can be had, at the first lookup after that.
///
/// @param options  The options.
/// @param time     Milliseconds, 1 to @ref FABRIC_MAX_TIME_MS; 2000 unless set.
/// @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_ARGUMENT
///
/// Never blocks.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_options_set_quarantine_ms(
    options: *mut fabric_options_t,
    time: i64,
) -> i32 {
    // SAFETY: `options` is NULL or from fabric_options_new(), and used by this thread alone.
    unsafe {
        set("fabric_options_set_quarantine_ms", options, |config| {
            config.quarantine = millis("a quarantine", time, 1)?;
            Ok(())
        })
    }
}

/// Sets how long writes to a group are held at least after fabric_report_result() told that its
/// primary refused one as read-only.
///
/// Fabric makes the primary of a shard read-only while it splits or moves the shard, for as long as
/// its own time to live, and lifts that up to 1.2 s before it commits the new shard map. Rows that
/// are written in this gap are lost. So the hold lasts for this time, or for Fabric's own time to
/// live (not clamped by fabric_options_set_ttl_ms()) and 4 s more if that is longer, at most
/// @ref FABRIC_MAX_TIME_MS, and every further refusal that is told begins it anew. It ends early
/// when Fabric lists a shard map that moved keys from or to the group, or another primary of it;
/// nothing else that becomes of a table ends it. It ends in time, also while Fabric hangs; without a
/// background refresh, or where no thread can be had, at the first lookup after that.
///
/// Where the servers of a group are asked themselves who they are (`cluster://`, or `discover` of a
/// group), it ends as well once the primary, asked after the refusal, says that it takes writes: what
/// it refused then was a matter of one session (1792 in START TRANSACTION READ ONLY, 1290 for SELECT
/// ... INTO OUTFILE), or is over. One that is read-only by a variable says so itself, and is no
/// primary until it takes writes again.
///
/// A hold is each handle's own: a process that has not been refused itself knows of none and may
/// write in the gap while others are refused (of 12 slow processes that wrote a row each 2.5 s
/// through six splits, 7 of 561 rows were lost). The danger ends in each handle with its own next
/// refresh, and not with the commit of the new map. A service with several processes tells all of
/// them, or lets none write to a group that one was refused by. FABRIC_EVENT_WRITES_HELD and
/// FABRIC_EVENT_WRITES_RELEASED tell of it.
///
/// @param options  The options.
/// @param time     Milliseconds, 0 (never hold) to @ref FABRIC_MAX_TIME_MS; 4000 unless set.
/// @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_ARGUMENT
///
/// Never blocks.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_options_set_least_write_hold_ms(
    options: *mut fabric_options_t,
    time: i64,
) -> i32 {
    // SAFETY: `options` is NULL or from fabric_options_new(), and used by this thread alone.
    unsafe {
        set("fabric_options_set_least_write_hold_ms", options, |config| {
            config.write_hold = millis("a least write hold", time, 0)?;
            Ok(())
        })
    }
}

/// Sets how long the keys of a shard that Fabric stopped listing are held.
///
/// Fabric's dumps leave out disabled shards, and without their lower bounds their keys would
/// silently go to the next lower shard, where their rows are not. So lookups of such keys answer
/// FABRIC_ERR_SHARD_UNAVAILABLE until Fabric lists the bound again, or says on being asked
/// (`sharding.lookup_servers`, which the built-in role `connector` may not use) where a key of it
/// belongs, or fabric_reset_cache() has the maps taken as they are, or this time is over. The time
/// begins when the bound is not listed any more, whether the rest of its table is listed then or
/// not, and goes on while Fabric hangs or is down: with fabric_options_set_snapshot_file()
/// every bound that the file knows of counts as seen, also when Fabric answers at the start, and
/// what is held is in the file with its time. While no process runs the time goes on as far as both the time
/// of day and the machine's own clock say so (on Linux, for as long as the machine runs); a clock that is
/// set ends no hold. A topology file may have shards held as well; see
/// TOPOLOGY_FILE.md ("Beside this header"). A handle remembers 32 MiB of such bounds, which is
/// 1,048,576 of them or some 31,000 tables of one shard, and besides whatever one dump stops listing
/// at once; more than that, and those are forgotten that went first, which is logged.
///
/// @param options  The options.
/// @param time     Milliseconds, 0 (never hold) to @ref FABRIC_MAX_TIME_MS, or
///                 @ref FABRIC_FOREVER_MS; 600000 unless set.
/// @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_ARGUMENT
///
/// Never blocks.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_options_set_vanished_hold_ms(
    options: *mut fabric_options_t,
    time: i64,
) -> i32 {
    // SAFETY: `options` is NULL or from fabric_options_new(), and used by this thread alone.
    unsafe {
        set("fabric_options_set_vanished_hold_ms", options, |config| {
            config.vanished_hold = match time {
                FABRIC_FOREVER_MS => Duration::MAX,
                time => millis("a hold", time, 0)?,
            };
            Ok(())
        })
    }
}

/// Sets the least time between two reports of one server to Fabric.
///
/// @param options  The options.
/// @param time     Milliseconds, 0 to @ref FABRIC_MAX_TIME_MS; 10000 unless set.
/// @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_ARGUMENT
///
/// Never blocks.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_options_set_report_window_ms(
    options: *mut fabric_options_t,
    time: i64,
) -> i32 {
    // SAFETY: `options` is NULL or from fabric_options_new(), and used by this thread alone.
    unsafe {
        set("fabric_options_set_report_window_ms", options, |config| {
            config.report_window = millis("a window", time, 0)?;
            Ok(())
        })
    }
}

/// Clamps the time to live that each reply of the server carries (1 s unless its administrator
/// changed it). Where a server sends 0, 60 s are clamped.
///
/// @param options  The options.
/// @param min      Milliseconds, 0 to 86400000 (a day); 0 unless set.
/// @param max      Milliseconds, `min` to 86400000, or 0 for no upper limit; 0 unless set.
/// @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_ARGUMENT
///
/// Never blocks.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_options_set_ttl_ms(
    options: *mut fabric_options_t,
    min: i64,
    max: i64,
) -> i32 {
    // SAFETY: `options` is NULL or from fabric_options_new(), and used by this thread alone.
    unsafe {
        set("fabric_options_set_ttl_ms", options, |config| {
            let least = within("a least time to live", min, 0, DAY)?;
            let most = match max {
                0 => Duration::MAX,
                _ => Duration::from_millis(within("a longest time to live", max, min, DAY)?),
            };
            (config.ttl_min, config.ttl_max) = (Duration::from_millis(least), most);
            Ok(())
        })
    }
}

/// Sets whose answer is given where the server and Connector/Python put a key on different
/// shards.
///
/// @param options  The options.
/// @param compat   @ref FABRIC_COMPAT_SERVER (the default) or
///                 @ref FABRIC_COMPAT_CONNECTOR_PYTHON.
/// @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_ARGUMENT
///
/// Never blocks.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_options_set_compat(
    options: *mut fabric_options_t,
    compat: i32,
) -> i32 {
    // SAFETY: `options` is NULL or from fabric_options_new(), and used by this thread alone.
    unsafe {
        set("fabric_options_set_compat", options, |config| {
            config.compat_connector_python = match compat {
                FABRIC_COMPAT_SERVER => false,
                FABRIC_COMPAT_CONNECTOR_PYTHON => true,
                _ => {
                    return Err(Error::new(
                        Code::Argument,
                        format!("{compat} is none of FABRIC_COMPAT_SERVER, _CONNECTOR_PYTHON"),
                    ));
                }
            };
            Ok(())
        })
    }
}
