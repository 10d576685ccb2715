//! Options that say where the topology comes from.

use std::ffi::c_char;

use super::options::{absolute, fabric_options_t, set};
use super::ptr::{path as path_of, text};

/// Names a file that keeps the topology for a start while Fabric is down.
///
/// Whenever the topology changes, and every few minutes, the file is replaced as a whole
/// (new file in the same directory, without a name until it is whole where the system has such
/// files, fsync, rename; mode 0600, or that of the file that is there; behind symbolic links) with
/// what the handle knows. What is no regular file is left as it is. What a writer that was killed
/// may have left there is taken away by the next start.
/// The background refresh writes it; where that is off, the caller that fetched does. A failure
/// to write is logged and hurts nobody.
///
/// The first fetch of a handle asks for what the file names, too. When no Fabric node answers
/// within one round over the nodes, or, while they hang, within a second (for reads; for writes
/// within half of what the lookup may take, or 2.5 s of @ref FABRIC_ERR_WOULD_BLOCK where it may not
/// wait), lookups go on from the file, the background refresh goes on asking, and fabric_topology_age() counts from the time Fabric last confirmed the content;
/// fabric_options_set_max_stale_ms() holds for it. A damaged or foreign file is refused as a
/// whole: the lookup fails as it would without it, and the message says why it was refused. For
/// fabric_seed(), fabric_get_sharding_information() and fabric_get_fabric_nodes() what the file knows
/// will do, too, after a second.
///
/// TOPOLOGY_FILE.md (see "Beside this header") has the format. Who can write the file can send the
/// service anywhere: keep it in a directory of the service's own. Processes of one service may
/// share the file: who writes it keeps what another one has there of tables and groups that it knows nothing
/// about, for up to a week. Writers take turns by a lock on the directory, for which they wait half a
/// second at most.
///
/// @param options  The options.
/// @param path     UTF-8, NUL-terminated, not empty. Copied. A relative one begins at the working
///                 directory of this call, wherever the process goes later.
/// @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_INVALID_UTF8
/// @retval FABRIC_ERR_ARGUMENT  Empty, or a topology file is set: such a handle has no Fabric.
///
/// Never blocks: the file is read at the first lookup. fabric_free() waits for a file that is
/// being written.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_options_set_snapshot_file(
    options: *mut fabric_options_t,
    path: *const c_char,
) -> i32 {
    // SAFETY: `options` is NULL or from fabric_options_new(), and used by this thread alone; `path`
    // is NULL or NUL-terminated.
    unsafe {
        set("fabric_options_set_snapshot_file", options, |config| {
            config.set_snapshot_file(absolute(path_of(path, "path")?))
        })
    }
}

/// Sets where the topology comes from, by a URL. What changes when a service moves to another
/// source is this URL, and no code.
///
/// | url | shard maps and servers |
/// |---|---|
/// | `fabric://[user@]host[:port][,host[:port]...]` | of MySQL Fabric, over XML-RPC; the port is @ref FABRIC_DEFAULT_PORT unless given. As fabric_options_add_node() for each host |
/// | `fabric+mysql://[user@]host[:port][,host[:port]...]` | of MySQL Fabric 1.5 and later, over the MySQL protocol (MySQL-RPC); the port is @ref FABRIC_DEFAULT_MYSQL_PORT unless given. The user is one of Fabric's `protocol.mysql`, which are others than those of XML-RPC. A node has no TLS there: with fabric_options_set_tls() none is asked |
/// | `fabric+store://[user@]host[:port][,host[:port]...]/database` | of the MySQL database in which Fabric keeps its state, with no Fabric process at all (port 3306 unless given); `?socket=/path` behind `localhost` is a Unix socket. Shards that are DISABLED are known: their keys are @ref FABRIC_ERR_SHARD_UNAVAILABLE from the first lookup on. The user is that of fabric_options_set_mysql_credentials(), and may SELECT from the tables servers, shard_maps, shard_ranges, shard_tables and shards. Commands and reports go to the Fabric nodes of fabric_options_add_node(), if there are some |
/// | `cluster://[user@]host[:port][,host[:port]...]` | of the MySQL servers of one group themselves (port 3306 unless given): an InnoDB Cluster, ReplicaSet or ClusterSet, a group of Group Replication, or servers that replicate. All members are asked, however few are named. There is no shard map: its servers are looked up by fabric_get_group_server(), by the name behind `?group=`, else by what the metadata calls it, else `default`. `?kind=` says what it is, `auto` unless given, and `?socket=/path` behind `localhost` is a Unix socket. The user is that of fabric_options_set_mysql_credentials(); docs/SOURCES.md has what it must be granted. No commands, no reports |
/// | `mysql://[user@]host[:port][,host[:port]...][/database]` | of tables of your own, which `sql/mysqlfabric.sql` makes in any MySQL from 5.6 on or MariaDB (port 3306 and database `mysqlfabric` unless given); `?socket=/path` as above. They are looked at once a second, and read in one snapshot when they have changed. Groups are listed there, or named with the servers to ask, as by `cluster://`. Shards that are READ_ONLY take no writes (@ref FABRIC_ERR_WRITE_HELD), those that are DISABLED are @ref FABRIC_ERR_SHARD_UNAVAILABLE. Of several servers, replicas of one another, one that lags behind what was seen is not believed. The user is that of fabric_options_set_mysql_credentials(), and may SELECT from the database. No commands, no reports |
/// | `file:/path` | of a topology file, as fabric_options_set_topology_file() |
///
/// An IPv6 address stands in brackets, `[::1]:32274`. What is special in a URL is written with a
/// percent sign in a user or a path, such as `%40` for `@` and `%20` for a blank. A user with a colon is
/// left out there, and named with the credentials alone. The password does
/// not belong into the URL: it is given with fabric_options_set_credentials(), or
/// fabric_options_set_mysql_credentials() where the source is a MySQL database; their user is the one of
/// the URL, if the URL names one.
///
/// @param options  The options.
/// @param url      UTF-8, NUL-terminated. Copied.
/// @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_INVALID_UTF8
/// @retval FABRIC_ERR_ARGUMENT  It is no such URL, or has a password in it; a source or a topology file
///         is set already: a handle has one source; a snapshot file is set, and this is a topology
///         file. fabric_new() answers it, too, if the URL's user is not that of the credentials, and if
///         nodes of fabric_options_add_node(), which speak XML-RPC, stand beside `fabric+mysql://`,
///         `cluster://` or `mysql://`.
///
/// Never blocks: nothing is resolved, opened or connected to.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_options_set_source(
    options: *mut fabric_options_t,
    url: *const c_char,
) -> i32 {
    // SAFETY: `options` is NULL or from fabric_options_new(), and used by this thread alone; `url`
    // is NULL or NUL-terminated.
    unsafe {
        set("fabric_options_set_source", options, |config| config.set_source(text(url, "url")?))
    }
}

/// Routes from a file, with no Fabric at all: no node is needed, and none is asked.
///
/// The file is written by hand, or is the snapshot of another handle; TOPOLOGY_FILE.md (see
/// "Beside this header") has the format and an example. It is read at the first lookup or by fabric_seed() with NULL, and
/// again when it has changed: the background refresh looks every time to live (the file's own,
/// 1 s unless it names one), or, where that is off, the caller that finds it over. Replace the
/// file by renaming another one to its name. A changed file that is damaged is refused as a
/// whole: the log says so, and the old topology stays in use. While that, the topology's age
/// grows, and fabric_options_set_max_stale_ms() holds for it.
///
/// Tables the file does not name are FABRIC_ERR_UNKNOWN_TABLE; fabric_execute() answers
/// FABRIC_ERR_NOT_SEEDED; fabric_report_failure() tells only the log.
///
/// @param options  The options.
/// @param path     UTF-8, NUL-terminated, not empty. Copied. A relative one begins at the working
///                 directory of this call, wherever the process goes later.
/// @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_INVALID_UTF8
/// @retval FABRIC_ERR_ARGUMENT  Empty, or a snapshot file is set: it would keep the same again.
///
/// Never blocks: a file that cannot be read or used is FABRIC_ERR_FILE at the first lookup.
///
/// @since 0.1.0
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fabric_options_set_topology_file(
    options: *mut fabric_options_t,
    path: *const c_char,
) -> i32 {
    // SAFETY: `options` is NULL or from fabric_options_new(), and used by this thread alone; `path`
    // is NULL or NUL-terminated.
    unsafe {
        set("fabric_options_set_topology_file", options, |config| {
            config.set_topology_file(absolute(path_of(path, "path")?))
        })
    }
}
