#ifndef MYSQLFABRIC_H
#define MYSQLFABRIC_H

/* Made by cbindgen from src/ffi. Do not edit: change the Rust source and run `make header`. */

#include <stddef.h>
#include <stdint.h>

/**
 * @file mysqlfabric.h
 * The whole interface of libmysqlfabric; the main page tells how to use it.
 */

/**
 * @mainpage libmysqlfabric
 *
 * Which MySQL server holds this table and key, for reading or for writing? A service makes one
 * handle per farm, asks it, and connects with the MySQL driver it already uses.
 *
 * @code
 * fabric_options_t *o = fabric_options_new();
 * fabric_options_add_node(o, "fabric1.example.com", 0);
 * fabric_options_set_credentials(o, "admin", "secret");
 *
 * fabric_t *f;
 * fabric_error_t err;
 * if (fabric_new(o, &f, &err) != FABRIC_OK)
 *     errx(1, "%s", err.message);
 * fabric_options_free(o);
 *
 * const char *tables[] = {"employees.salaries"};
 * fabric_key_t key = fabric_key_int(10021);
 * fabric_server_t s;
 * if (fabric_get_shard_server(f, tables, 1, &key, FABRIC_SCOPE_LOCAL, FABRIC_MODE_READWRITE,
 *                             &s, &err) == FABRIC_OK)
 *     mysql_real_connect(m, s.host, user, password, "employees", s.port, NULL, 0);
 * fabric_free(f);
 * @endcode
 *
 * ## The handle
 * A fabric_t is one farm as one service sees it. fabric_new() does no I/O; the first lookup of a
 * table or group asks Fabric, and so may block. What has been looked up is kept fresh in the
 * background from then on, and stays in use when no Fabric node can be reached:
 * fabric_topology_age() says how old it is.
 *
 * "Fabric" stands on these pages for whatever a handle learns its farm from: with
 * fabric_options_set_topology_file() that is the file.
 *
 * ## Threads
 * Any number of threads may make any calls that take a `const fabric_t *` at the same time, and
 * all calls on a `const fabric_result_t *`. fabric_options_t is for one thread at a time.
 * fabric_free() must be the last call on its handle.
 *
 * After its first fetch a handle has one thread of its own, which sees that what is known is
 * refreshed (fabric_options_set_background_refresh() turns it off) and that a quarantine or a write
 * hold ends in time, whatever Fabric does. It has others for as long as they wait for Fabric: for a
 * refresh, a fetch, a command, a report of a failure; and one for its event callback, if it has
 * one, from the first event on. All end with fabric_free(), which waits for them, and so for an
 * event or log callback that runs on one of them, but not for the network.
 * No call is for a signal handler: it may wait for a lock that the interrupted thread holds. A handler
 * sets a flag or writes to a pipe, and a thread of the service makes the call.
 * The library installs no signal handler, reads no environment variable, and prints nothing. A
 * connection that breaks sends the service no SIGPIPE, and a snapshot file that is larger than the
 * process may write (`ulimit -f`) no SIGXFSZ: on a thread of the service that does such I/O for a
 * call, the signal is blocked meanwhile, and one that was pending on that thread before is gone
 * afterwards.
 * Host names are looked up by the system's resolver on threads of the process, `fabric-resolve`, at
 * most one for a name and eight together. They own nothing of a handle, so that neither a call nor
 * fabric_free() waits for a resolver that does not answer.
 *
 * ## Fork
 * A forked child may use a handle it inherited: lookups answer at once from what the parent
 * knew, and the first of them starts a refresh of the child's own. It may free the handle. The
 * parent notices nothing. Connections to Fabric are never kept, and no descriptor passes to a
 * program that is executed.
 *
 * ## What a service reports
 * fabric_report_result() tells the library of connections and statements that failed. It routes
 * around them before Fabric does: a server that cannot be reached takes no reads, and a group
 * whose primary refused a write as read-only takes no writes until there is another primary or
 * another shard map. A group that sees no write while Fabric splits or moves one of its shards
 * is not protected so: what is written to it between the end of the read-only second and the
 * commit of the new map is lost, and nobody can know.
 *
 * ## Ownership
 * Whatever a `_new` call, fabric_execute() or fabric_new() makes is freed by its `_free` call,
 * once; `_free(NULL)` does nothing. Structs are written into the caller's memory and own
 * nothing. Strings that go in are copied, but for the text of a fabric_key_t, which must stay
 * for the call. Strings that come out as pointers belong to the object they were asked of.
 *
 * ## Errors
 * Calls that can fail return a status, @ref FABRIC_OK or one of FABRIC_ERR_*, and leave their
 * outputs alone unless they succeed. Numbers never change and are never used again: 1 to 19 are
 * the caller's arguments, 20 to 39 the way to the source, 40 to 59 the farm, 60 to 79 the call itself. The last parameter, a
 * fabric_error_t or NULL, gets the details. There is no last error of a thread or a handle.
 *
 * ## Strings and lists
 * Names are UTF-8 and NUL-terminated, and have 1024 bytes at most (Fabric's own have 64 characters
 * for each part); paths and passwords 4096, an argument of fabric_execute() 64 MiB, a text key 1 MiB.
 * Longer ones are FABRIC_ERR_ARGUMENT. So are lists that go in of more than 1024 tables (65536 for
 * fabric_get_sharding_information()) or 1024 arguments of fabric_execute(); a batch may have any
 * number of keys. Lists that come out are asked for in two calls: with too small a capacity,
 * FABRIC_ERR_BUFFER_TOO_SMALL tells the count needed.
 *
 * ## Versions
 * Each function and type says since which version it is there (`@since`); a constant or a member of
 * a struct says so where it is younger than what it belongs to. FABRIC_VERSION_NUMBER is the version
 * of this header, for `#if`; fabric_version() that of the library that runs. What may change between
 * two versions is in ABI.md.
 *
 * ## Beside this header
 * mysqlfabric.hpp is the same for C++17 and later, with nothing more to link. The installation has, below
 * its prefix: `share/doc/MySQLFabric` with README.md, CHANGELOG.md,
 * ABI.md, TOPOLOGY_FILE.md (the format of topology and snapshot files) and `examples`, small complete
 * programs; and `share/mysqlfabric/valgrind.supp`, for valgrind's `--suppressions`.
 *
 * ## Metrics and events
 * fabric_get_metrics() tells what a handle has done and how it is. What happens to it, such as
 * another primary or the loss of Fabric, is told to the callback of
 * fabric_options_set_event_callback(), or to a loop that polls the descriptor of
 * fabric_event_fd() and then calls fabric_next_event() until nothing is left. Each of the two
 * keeps the newest 256 events for a consumer that is slow, and tells how many it lost.
 */

/**
 * Marks functions whose result must be looked at, for compilers that can warn.
 */
#if defined(__GNUC__) || defined(__clang__)
#define FABRIC_MUST_USE __attribute__((warn_unused_result))
#else
#define FABRIC_MUST_USE
#endif

#ifdef __cplusplus
extern "C" {
#endif

/**
 * The version this header belongs to: incompatible changes.
 */
#define FABRIC_VERSION_MAJOR 0

/**
 * The version this header belongs to: additions.
 */
#define FABRIC_VERSION_MINOR 1

/**
 * The version this header belongs to: corrections.
 */
#define FABRIC_VERSION_PATCH 0

/**
 * The version this header belongs to as one number that grows, for `#if`: 10000 for each major, 100
 * for each minor number, and the patch number.
 */
#define FABRIC_VERSION_NUMBER (((FABRIC_VERSION_MAJOR * 10000) + (FABRIC_VERSION_MINOR * 100)) + FABRIC_VERSION_PATCH)

/**
 * The call did what it says.
 */
#define FABRIC_OK 0

/**
 * An argument is outside its range: a mode, a scope, an option, an empty name.
 */
#define FABRIC_ERR_ARGUMENT 1

/**
 * A pointer that must not be NULL is.
 */
#define FABRIC_ERR_NULL_POINTER 2

/**
 * A string is not UTF-8.
 */
#define FABRIC_ERR_INVALID_UTF8 3

/**
 * A table name is not of the form `db.table`.
 */
#define FABRIC_ERR_TABLE_NAME 4

/**
 * Scope LOCAL needs a key.
 */
#define FABRIC_ERR_KEY_MISSING 5

/**
 * The key is not of the kind the table is sharded by.
 */
#define FABRIC_ERR_KEY_TYPE 6

/**
 * The list is longer than the buffer; `*count` says how long.
 */
#define FABRIC_ERR_BUFFER_TOO_SMALL 7

/**
 * No Fabric node could be connected to.
 */
#define FABRIC_ERR_UNREACHABLE 20

/**
 * A Fabric node did not answer within the time that the options give it, or Fabric as a whole not
 * within what the call may take; the message says what was waited for.
 */
#define FABRIC_ERR_TIMEOUT 21

/**
 * Fabric refuses the user or the password, or wants some.
 */
#define FABRIC_ERR_AUTH 22

/**
 * The user lacks the role for this command.
 */
#define FABRIC_ERR_FORBIDDEN 23

/**
 * TLS failed: an unreadable file, a certificate that does not verify.
 */
#define FABRIC_ERR_TLS 24

/**
 * A Fabric node sent something that is not an answer.
 */
#define FABRIC_ERR_PROTOCOL 25

/**
 * A reply is larger than the option allows.
 */
#define FABRIC_ERR_REPLY_TOO_LARGE 26

/**
 * Fabric answered with an error of its own; the message is Fabric's.
 */
#define FABRIC_ERR_FABRIC 27

/**
 * No Fabric node is known to ask.
 */
#define FABRIC_ERR_NOT_SEEDED 28

/**
 * The topology file cannot be read, or is refused; the message says why.
 */
#define FABRIC_ERR_FILE 29

/**
 * A MySQL server that the handle asks itself, such as the one of Fabric's state store, answered a
 * statement with an error; the message has the server's number and words.
 */
#define FABRIC_ERR_MYSQL 30

/**
 * Fabric shards no table of this name (MySQL errno 1051).
 */
#define FABRIC_ERR_UNKNOWN_TABLE 40

/**
 * Fabric lists no server of a group of this name.
 */
#define FABRIC_ERR_UNKNOWN_GROUP 41

/**
 * The group has no server for this request at the moment.
 */
#define FABRIC_ERR_NO_SERVER 42

/**
 * The tables lie in different groups for this key.
 */
#define FABRIC_ERR_DIFFERENT_SHARDS 43

/**
 * No shard holds the key: it is below the lowest bound or beyond signed 64 bits.
 */
#define FABRIC_ERR_KEY_OUT_OF_RANGE 44

/**
 * The table's sharding cannot be understood; other tables are not affected.
 */
#define FABRIC_ERR_UNSUPPORTED_SHARDING 45

/**
 * Fabric has not answered for longer than the options allow. Try again.
 */
#define FABRIC_ERR_STALE 46

/**
 * No event waits to be taken.
 */
#define FABRIC_ERR_NO_EVENT 47

/**
 * The group's primary refused writes and nobody knows yet where they go now, or the shard is READ_ONLY
 * in its shard map, as while it is moved. Wait a little and ask again, or use one of the `_wait` calls.
 */
#define FABRIC_ERR_WRITE_HELD 48

/**
 * Fabric stopped listing the shard that holds the key: it is disabled or was removed. Try again
 * later.
 */
#define FABRIC_ERR_SHARD_UNAVAILABLE 49

/**
 * Of many keys, some have no server, each with a status of its own; the others have theirs.
 */
#define FABRIC_ERR_SOME_KEYS 50

/**
 * The answer is not known yet, and the call may not wait: its deadline is 0, the lookup timeout is,
 * or it is made in a callback. Fabric is being asked; @ref FABRIC_EVENT_FETCHED tells when it has
 * answered.
 */
#define FABRIC_ERR_WOULD_BLOCK 60

/**
 * fabric_interrupt() ended the wait.
 */
#define FABRIC_ERR_INTERRUPTED 61

/**
 * The system has no thread, descriptor or entropy left. Nothing is wrong with the call: make room
 * (raise the limit of processes or of open files, close some descriptors) and try again.
 */
#define FABRIC_ERR_SYSTEM 62

/**
 * An internal error of the library. The handle can be used on.
 */
#define FABRIC_ERR_PANIC 99

/**
 * The size of `fabric_error_t.message`, its terminating NUL included.
 */
#define FABRIC_MESSAGE_SIZE 512

/**
 * The port a Fabric node listens on for XML-RPC unless it is told otherwise.
 */
#define FABRIC_DEFAULT_PORT 32274

/**
 * The port a Fabric node listens on for MySQL-RPC unless it is told otherwise.
 */
#define FABRIC_DEFAULT_MYSQL_PORT 32275

/**
 * The longest time an option takes: ten minutes, in milliseconds.
 */
#define FABRIC_MAX_TIME_MS 600000

/**
 * No failure is reported to Fabric: the default.
 */
#define FABRIC_REPORT_OFF 0

/**
 * Failures are reported with `threat.report_error`: Fabric acts once enough clients agree.
 */
#define FABRIC_REPORT_ERROR 1

/**
 * Failures are reported with `threat.report_failure`: Fabric fails over on a single report,
 * be the server dead or healthy.
 */
#define FABRIC_REPORT_FAILURE 2

/**
 * Keys go where the server puts them: the default.
 */
#define FABRIC_COMPAT_SERVER 0

/**
 * Keys go where Connector/Python puts them, for farms whose rows it placed: a RANGE key below
 * the lowest bound on the highest shard, a HASH digest below every bound on the lowest.
 */
#define FABRIC_COMPAT_CONNECTOR_PYTHON 1

/**
 * A time that does not end, for fabric_options_set_vanished_hold_ms().
 */
#define FABRIC_FOREVER_MS 9223372036854775807

/**
 * TLS as the other options have it: @ref FABRIC_TLS_VERIFY_IDENTITY where a CA is given, else
 * @ref FABRIC_TLS_PREFERRED.
 */
#define FABRIC_TLS_DEFAULT 0

/**
 * No TLS.
 */
#define FABRIC_TLS_DISABLED 1

/**
 * TLS where the server offers it; nobody looks at its certificate.
 */
#define FABRIC_TLS_PREFERRED 2

/**
 * TLS always; nobody looks at the certificate.
 */
#define FABRIC_TLS_REQUIRED 3

/**
 * TLS with a certificate that the CA has signed, for whichever name.
 */
#define FABRIC_TLS_VERIFY_CA 4

/**
 * TLS with a certificate that the CA has signed, for the name or address the server is asked under.
 */
#define FABRIC_TLS_VERIFY_IDENTITY 5

/**
 * Something failed and a caller will see it. Of many who wait for the same the first tells; what a caller
 * has ended itself, by its deadline or fabric_interrupt(), is @ref FABRIC_LOG_DEBUG.
 */
#define FABRIC_LOG_ERROR 1

/**
 * Something is not as it should be, and the handle goes on: a mapping that cannot be
 * understood, an old topology that stays in use.
 */
#define FABRIC_LOG_WARNING 2

/**
 * A node that did not answer while another one may.
 */
#define FABRIC_LOG_INFO 3

/**
 * For the developers of the library.
 */
#define FABRIC_LOG_DEBUG 4

/**
 * The kind of a key made by fabric_key_int().
 */
#define FABRIC_KEY_INT 1

/**
 * The kind of a key made by fabric_key_text().
 */
#define FABRIC_KEY_TEXT 2

/**
 * The kind of a key made by fabric_key_uint() of more than INT64_MAX.
 */
#define FABRIC_KEY_UINT 3

/**
 * The caller gave no mode.
 */
#define FABRIC_MODE_NONE 0

/**
 * For reading: a secondary, or the primary where there is none, unless
 * fabric_options_set_read_preference() says otherwise.
 */
#define FABRIC_MODE_READONLY 1

/**
 * For writing: the primary.
 */
#define FABRIC_MODE_WRITEONLY 2

/**
 * For reading and writing: the primary.
 */
#define FABRIC_MODE_READWRITE 3

/**
 * The mode of a server that must not be used; only in `fabric_server_t.mode`.
 */
#define FABRIC_MODE_OFFLINE 0

/**
 * The caller gave no status.
 */
#define FABRIC_STATUS_NONE -1

/**
 * The server has failed. Never chosen; Fabric does not even list it.
 */
#define FABRIC_STATUS_FAULTY 0

/**
 * The server stands by. Never chosen.
 */
#define FABRIC_STATUS_SPARE 1

/**
 * The server replicates from the primary and takes reads.
 */
#define FABRIC_STATUS_SECONDARY 2

/**
 * The server takes the group's writes.
 */
#define FABRIC_STATUS_PRIMARY 3

/**
 * The shard that holds a key.
 */
#define FABRIC_SCOPE_LOCAL 11

/**
 * The global group of the table's mapping, for what all shards share; needs no key.
 */
#define FABRIC_SCOPE_GLOBAL 12

/**
 * The size of `fabric_server_t.uuid`: VARCHAR(40) in Fabric's schema, a NUL, and padding.
 */
#define FABRIC_UUID_SIZE 48

/**
 * The size of a group name: VARCHAR(64) in Fabric's schema, up to three bytes a character, a
 * NUL, and padding.
 */
#define FABRIC_GROUP_SIZE 200

/**
 * The size of a host: at most 255 bytes, as DNS has it, and a NUL.
 */
#define FABRIC_HOST_SIZE 256

/**
 * In place of an index: the key has no server.
 */
#define FABRIC_NO_INDEX UINT32_MAX

/**
 * What the handle's options say: see fabric_options_set_read_preference().
 */
#define FABRIC_PREFER_DEFAULT 0

/**
 * Reads go to the secondaries, and to the primary where none of them is in use.
 */
#define FABRIC_PREFER_SECONDARY 1

/**
 * Reads go to the secondaries, and are refused where there is none.
 */
#define FABRIC_PREFER_SECONDARY_ONLY 2

/**
 * Reads go to the primary, and to the secondaries where it is not in use.
 */
#define FABRIC_PREFER_PRIMARY 3

/**
 * Reads go to the secondaries and the primary alike, to those of the service's own zone first.
 */
#define FABRIC_PREFER_NEAREST 4

/**
 * Integer bounds; the older name of RANGE_INTEGER.
 */
#define FABRIC_SHARDING_RANGE 1

/**
 * Integer bounds, signed 64-bit.
 */
#define FABRIC_SHARDING_RANGE_INTEGER 2

/**
 * String bounds, compared as UTF-8 bytes with blank padding.
 */
#define FABRIC_SHARDING_RANGE_STRING 3

/**
 * Date and date-time bounds, whole seconds without time zones.
 */
#define FABRIC_SHARDING_RANGE_DATETIME 4

/**
 * Bounds on the ring of MD5 digests.
 */
#define FABRIC_SHARDING_HASH 5

/**
 * Keys of the shard are read and written.
 */
#define FABRIC_SHARD_ENABLED 1

/**
 * Keys of the shard are read, and writes of them are held (FABRIC_ERR_WRITE_HELD): its shard map says so,
 * as while it is moved.
 */
#define FABRIC_SHARD_READ_ONLY 2

/**
 * The size of `fabric_shard_t.lower_bound`: the 255 bytes that a topology file may give a bound, and a
 * NUL. In Fabric's schema a bound is VARBINARY(16), which HASH stretches to 32 digits.
 */
#define FABRIC_BOUND_SIZE 256

/**
 * The size of a column name: 64 characters of up to three bytes, a NUL, and padding.
 */
#define FABRIC_COLUMN_SIZE 200

/**
 * The sharding type of a table that cannot be routed; only in `fabric_table_info_t.sharding_type`.
 */
#define FABRIC_SHARDING_UNSUPPORTED 0

/**
 * The lookup is refused, and its status and message say why.
 */
#define FABRIC_WHY_NONE 0

/**
 * It is the primary, which takes the group's writes.
 */
#define FABRIC_WHY_PRIMARY 1

/**
 * It is its turn, by weight, among `servers_considered`.
 */
#define FABRIC_WHY_BY_WEIGHT 2

/**
 * It is the only one that takes the group's reads.
 */
#define FABRIC_WHY_ONLY_ONE 3

/**
 * It is its turn among the servers of the service's own zone.
 */
#define FABRIC_WHY_OWN_ZONE 4

/**
 * It is the primary, and no secondary is in use for reads.
 */
#define FABRIC_WHY_NO_SECONDARY 5

/**
 * It was left out, and the next request is to find out whether it is back.
 */
#define FABRIC_WHY_ON_TRIAL 6

/**
 * All servers that may serve are left out, and trying one is better than refusing.
 */
#define FABRIC_WHY_LAST_RESORT 7

/**
 * It is the primary, which the read preference prefers.
 */
#define FABRIC_WHY_PREFERRED_PRIMARY 8

/**
 * It is a secondary, and the primary, which the read preference prefers, is not in use.
 */
#define FABRIC_WHY_NO_PRIMARY 9

/**
 * Refused: the group's primary refused a write, and writes are held for `write_hold_ms`.
 */
#define FABRIC_WHY_WRITES_HELD 32

/**
 * Refused: the shard is READ_ONLY in its shard map.
 */
#define FABRIC_WHY_SHARD_READ_ONLY 33

/**
 * Refused: the source stopped listing the shard, and its keys are held for `shard_hold_ms`.
 */
#define FABRIC_WHY_SHARD_MISSING 34

/**
 * Nothing is known of it.
 */
#define FABRIC_ORIGIN_NONE 0

/**
 * The source confirmed it in its time to live.
 */
#define FABRIC_ORIGIN_FRESH 1

/**
 * It is past its time, or the source was asked since and did not answer: it serves on.
 */
#define FABRIC_ORIGIN_STALE 2

/**
 * It is from a snapshot file, and the source has not confirmed it since the handle was made.
 */
#define FABRIC_ORIGIN_FILE 3

/**
 * The source does not list the shard any more; only in `fabric_explanation_t.shard_state`.
 */
#define FABRIC_SHARD_MISSING 3

/**
 * The size of `fabric_explanation_t.source`.
 */
#define FABRIC_SOURCE_SIZE 512

/**
 * Nothing is to be said against it.
 */
#define FABRIC_HEALTH_IN_USE 1

/**
 * A service could not reach it: reads leave it out until `next_trial_ms` is over.
 */
#define FABRIC_HEALTH_LEFT_OUT 2

/**
 * The next read of its group is to find out whether it is back.
 */
#define FABRIC_HEALTH_ON_TRIAL 3

/**
 * The library, or a request, is finding out.
 */
#define FABRIC_HEALTH_TRIED 4

/**
 * It is used again after a trial of which nobody told anything bad, and yet nothing has proven it to be back.
 */
#define FABRIC_HEALTH_UNPROVEN 5

/**
 * The size of `fabric_server_health_t.zone`: 64 bytes, a NUL, and padding.
 */
#define FABRIC_ZONE_SIZE 72

/**
 * The errno is no matter of routing.
 */
#define FABRIC_ACTION_NONE 0

/**
 * The connection is lost or of no use any more: close it, and open another one.
 */
#define FABRIC_ACTION_RECONNECT 1

/**
 * The server does not serve this now: look up again, for another server of the group or the next
 * primary. A statement that was under way may have been executed.
 */
#define FABRIC_ACTION_RETRY_ELSEWHERE 2

/**
 * What is known of the group may be out of date: fabric_report_result() has the source asked again
 * at once. As long as there is no answer lookups and _wait calls go by what is known, unless writes
 * are held, too: pause a few milliseconds before the same server is tried again.
 */
#define FABRIC_ACTION_ASK_AGAIN 4

/**
 * fabric_report_result() and fabric_report_failure() tell Fabric, if the options ask for it.
 */
#define FABRIC_ACTION_REPORT 8

/**
 * fabric_report_result() has the server left out until there is better news of it.
 */
#define FABRIC_ACTION_QUARANTINE 16

/**
 * fabric_report_result() has the writes to the group held, if the server is its primary.
 */
#define FABRIC_ACTION_HOLD_WRITES 32

/**
 * The size of `fabric_metrics_t.last_error_text`, its terminating NUL included.
 */
#define FABRIC_METRICS_TEXT_SIZE 256

/**
 * The handle has its first shard map or group: lookups can be answered.
 */
#define FABRIC_EVENT_READY 1

/**
 * A new topology is in use, the first one included; `generation` is its number, as
 * fabric_topology_generation() counts them. At most one of these waits for a consumer: it gives way
 * to the next, which tells of both, and counts as no event lost.
 */
#define FABRIC_EVENT_TOPOLOGY_CHANGED 2

/**
 * The writes of `group` go to another server, `server_uuid`, or to none if it is empty. Comes
 * after the TOPOLOGY_CHANGED of the same generation, unless that gave way to a newer one.
 */
#define FABRIC_EVENT_PRIMARY_CHANGED 3

/**
 * Server `server_uuid` of `group` is not chosen for now: it was reported to have failed while it
 * was in use.
 */
#define FABRIC_EVENT_SERVER_QUARANTINED 4

/**
 * Server `server_uuid` of `group` is proven to be back: fabric_report_result() told 0 of it, or
 * Fabric lists it again after it did not, or as the primary again after it was that no more. A
 * server that is in use again without proof (see fabric_options_set_quarantine_ms()) is not told
 * of.
 */
#define FABRIC_EVENT_SERVER_BACK 5

/**
 * A refresh failed on all Fabric nodes, after one that succeeded. Lookups go on from what is
 * known.
 */
#define FABRIC_EVENT_FABRIC_LOST 6

/**
 * A refresh succeeded after FABRIC_EVENT_FABRIC_LOST. Comes after the changes it brought.
 */
#define FABRIC_EVENT_FABRIC_BACK 7

/**
 * A fetch is over that a call left to itself: one that answered FABRIC_ERR_WOULD_BLOCK, or ran out
 * of time. `status` says how it ended. Whoever got FABRIC_ERR_WOULD_BLOCK may ask again now.
 */
#define FABRIC_EVENT_FETCHED 8

/**
 * Writes to `group` are held: its primary, `server_uuid`, refused one as read-only. See
 * fabric_options_set_least_write_hold_ms().
 */
#define FABRIC_EVENT_WRITES_HELD 9

/**
 * Writes to `group` are held no longer. `server_uuid` is the primary that refused one. Comes after
 * the changes that ended the hold, if it was not time.
 */
#define FABRIC_EVENT_WRITES_RELEASED 10

/**
 * Fabric stopped listing shards of `table`, or the handle began with a file that has some held: their
 * keys answer FABRIC_ERR_SHARD_UNAVAILABLE. `held_shards` are held now, these among them. One event
 * for a table and change, however many shards it is. Comes after the TOPOLOGY_CHANGED of the same
 * generation. See fabric_options_set_vanished_hold_ms().
 */
#define FABRIC_EVENT_SHARD_HELD 11

/**
 * Shards of `table` are held no longer: they are listed again, Fabric said where their keys are, the
 * time of the hold is over, fabric_reset_cache() has the map taken as it is, or the table is not
 * listed any more or cannot be used, which its lookups then say. `held_shards` others still are.
 */
#define FABRIC_EVENT_SHARD_RELEASED 12

/**
 * The size of the name of a table, `schema.table`: 64 characters each, as MySQL has them, up to three
 * bytes a character, a NUL, and padding.
 */
#define FABRIC_TABLE_SIZE 392

/**
 * Options for fabric_new(). Made by fabric_options_new(), freed by fabric_options_free().
 *
 * Not for use by several threads at once. An option that is refused leaves the others alone,
 * and fabric_new() refuses the whole set with the same message, so the statuses of the single
 * calls need not be looked at.
 *
 * @since 0.1.0
 */
typedef struct fabric_options_t fabric_options_t;

/**
 * What a Fabric command answered. Made by fabric_execute(), freed by fabric_result_free(),
 * never changed: any number of threads may read it at once.
 *
 * @since 0.1.0
 */
typedef struct fabric_result_t fabric_result_t;

/**
 * A farm of MySQL servers. Made by fabric_new(), freed by fabric_free().
 *
 * Every call that takes a `const fabric_t *` may be made by any number of threads at once.
 *
 * @since 0.1.0
 */
typedef struct fabric_t fabric_t;

/**
 * One table, or several that are joined, of a handle. Made by fabric_table_open(), freed by
 * fabric_table_free().
 *
 * It follows the handle: every refresh, a fork, and the handle's options count for it, too. It
 * may be used by any number of threads at once.
 *
 * @since 0.1.0
 */
typedef struct fabric_table_t fabric_table_t;

/**
 * Receives a handle's messages.
 *
 * `message` is UTF-8, NUL-terminated, without passwords, and valid during the call only. The
 * callback runs on the thread that has something to say, never under a lock of the library,
 * and possibly on several threads at once, while that thread may be asking Fabric. It may call
 * the library, but no call waits there: one that would have to wait for Fabric answers
 * FABRIC_ERR_WOULD_BLOCK. It must not free the handle, throw a C++ exception, or leave with
 * longjmp() or pthread_exit(). It runs with the signal mask of the service, on a thread of the
 * library with that of the thread that had it started; see fabric_new(). A child that it forks
 * must end in it, with exec() or _exit().
 *
 * @since 0.1.0
 */
typedef void (*fabric_log_t)(int32_t level, const char *message, void *userdata);

/**
 * Frees what `userdata` points at.
 *
 * @since 0.1.0
 */
typedef void (*fabric_free_t)(void *userdata);

/**
 * What went wrong, for the caller that wants to know.
 *
 * Owned by the caller, on its stack as a rule; nothing in it needs freeing. A call writes it
 * only when it fails.
 *
 * @since 0.1.0
 */
typedef struct fabric_error_t {
  /**
   * The status that the call returned.
   */
  int32_t code;
  /**
   * What fabric_status_mysql_errno() says of `code`: the MySQL errno that fits, for callers that hand it
   * on; 0 where none does.
   */
  int32_t mysql_errno;
  /**
   * A sentence that names the value and the remedy, in UTF-8, NUL-terminated. A longer one
   * is cut at a character.
   */
  char message[FABRIC_MESSAGE_SIZE];
  /**
   * What fabric_status_is_retryable() says of `code`: 1 if the same call may succeed later
   * although nobody corrects anything, else 0.
   */
  int32_t retryable;
  /**
   * 0; room for later.
   */
  int32_t reserved0;
  /**
   * 0; room for later.
   */
  uint64_t reserved[4];
} fabric_error_t;

/**
 * A sharding key. Make it with fabric_key_int(), fabric_key_uint() or fabric_key_text().
 *
 * Passed around by value; it owns nothing. A text key points at the caller's bytes, which must
 * stay unchanged for the call that uses it.
 *
 * @since 0.1.0
 */
typedef struct fabric_key_t {
  /**
   * @ref FABRIC_KEY_INT, @ref FABRIC_KEY_TEXT or @ref FABRIC_KEY_UINT.
   */
  int32_t kind;
  /**
   * 0; room for later.
   */
  int32_t reserved;
  /**
   * The value of an integer key; of @ref FABRIC_KEY_UINT its 64 bits.
   */
  int64_t integer;
  /**
   * The bytes of a text key, in UTF-8; not NUL-terminated.
   */
  const char *text;
  /**
   * The number of bytes at `text`.
   */
  size_t length;
} fabric_key_t;

/**
 * A MySQL server to connect to.
 *
 * A plain copy that the caller owns: nothing in it needs freeing, and no later call changes
 * it. Strings are UTF-8 and NUL-terminated; bytes behind the NUL are undefined.
 *
 * @since 0.1.0
 */
typedef struct fabric_server_t {
  /**
   * The server's share of its group's reads, greater than 0; 1.0 unless set otherwise.
   */
  double weight;
  /**
   * The TCP port of the MySQL protocol, 1 to 65535.
   */
  uint32_t port;
  /**
   * What Fabric lets the server be used for, one of FABRIC_MODE_*; other numbers as they
   * came.
   */
  int32_t mode;
  /**
   * The server's role in its group, one of FABRIC_STATUS_*; other numbers as they came.
   */
  int32_t status;
  /**
   * 0; room for later.
   */
  int32_t reserved0;
  /**
   * The server's UUID, as MySQL's `server_uuid` has it.
   */
  char uuid[FABRIC_UUID_SIZE];
  /**
   * The host name or address to connect to.
   */
  char host[FABRIC_HOST_SIZE];
  /**
   * The group the server belongs to.
   */
  char group[FABRIC_GROUP_SIZE];
  /**
   * 0; room for later.
   */
  uint64_t reserved[8];
} fabric_server_t;

/**
 * Many sharding keys of one kind. Make it with fabric_keys_int(), fabric_keys_uint() or
 * fabric_keys_text().
 *
 * Passed around by value; it owns nothing. It points at the caller's arrays and texts, which must
 * stay unchanged for the call that uses it.
 *
 * @since 0.1.0
 */
typedef struct fabric_keys_t {
  /**
   * @ref FABRIC_KEY_INT, @ref FABRIC_KEY_TEXT or @ref FABRIC_KEY_UINT.
   */
  int32_t kind;
  /**
   * 0; room for later.
   */
  int32_t reserved;
  /**
   * The values of integer keys; of @ref FABRIC_KEY_UINT their 64 bits.
   */
  const int64_t *integers;
  /**
   * The bytes of each text key, in UTF-8; not NUL-terminated.
   */
  const char *const *texts;
  /**
   * The number of bytes of each text key.
   */
  const size_t *lengths;
  /**
   * The number of keys.
   */
  size_t count;
} fabric_keys_t;

/**
 * The share of a server in the reads of one call.
 *
 * @since 0.1.0
 */
typedef struct fabric_server_weight_t {
  /**
   * The server's UUID, or `host:port`, in upper or lower case; UTF-8, NUL-terminated.
   */
  const char *server;
  /**
   * Greater than 0, and finite. Small integers cost least. However small, a share is about a thousandth
   * of the reads at least: who is to get none is to be excluded.
   */
  double weight;
  /**
   * Must be 0: room for later.
   */
  uint64_t reserved[2];
} fabric_server_weight_t;

/**
 * What one call wants otherwise than its handle. All 0 is nothing: `fabric_choice_t choice = {0};`, with C++
 * `fabric_choice_t choice = {};`.
 *
 * The caller owns it and what it points to, and may use it for any number of calls, of any group: servers
 * that a group does not have are passed over.
 *
 * @since 0.1.0
 */
typedef struct fabric_choice_t {
  /**
   * Which servers reads go to: one of FABRIC_PREFER_*. Nothing for writes, which go to the primary.
   */
  int32_t preference;
  /**
   * Must be 0: room for later.
   */
  int32_t reserved0;
  /**
   * The zone whose servers come first, as for fabric_options_set_zone(); NULL for the handle's, and empty
   * for none.
   */
  const char *zone;
  /**
   * The shares of servers in reads, in the place of those that the source gives; the others keep theirs.
   * NULL if `weights_count` is 0.
   */
  const struct fabric_server_weight_t *weights;
  /**
   * How many, 1024 at most.
   */
  size_t weights_count;
  /**
   * Servers that do not come into question, as those that the caller has just seen fail: UUIDs, or
   * `host:port`, in upper or lower case. NULL if `excluded_count` is 0.
   */
  const char *const *excluded;
  /**
   * How many, 1024 at most.
   */
  size_t excluded_count;
  /**
   * Must be 0: room for later. What is not 0 is refused, since this version does not know it.
   */
  uint64_t reserved[8];
} fabric_choice_t;

/**
 * A shard of a table. A plain copy that the caller owns.
 *
 * @since 0.1.0
 */
typedef struct fabric_shard_t {
  /**
   * The shard's number at the server. A split gives the split shard a new one.
   */
  int64_t shard_id;
  /**
   * One of FABRIC_SHARDING_*.
   */
  int32_t sharding_type;
  /**
   * One of FABRIC_SHARD_*.
   */
  int32_t state;
  /**
   * Where the shard begins: a decimal integer, 32 upper-case hexadecimal digits,
   * `YYYY-MM-DD hh:mm:ss`, or the string. UTF-8, NUL-terminated.
   */
  char lower_bound[FABRIC_BOUND_SIZE];
  /**
   * The group that holds the shard.
   */
  char group[FABRIC_GROUP_SIZE];
  /**
   * The group that holds what all shards share.
   */
  char global_group[FABRIC_GROUP_SIZE];
  /**
   * The column the table is sharded by.
   */
  char column[FABRIC_COLUMN_SIZE];
  /**
   * 0; room for later.
   */
  uint64_t reserved[8];
} fabric_shard_t;

/**
 * What is known of a table. A plain copy that the caller owns.
 *
 * @since 0.1.0
 */
typedef struct fabric_table_info_t {
  /**
   * How many shards are listed, as fabric_get_shards() tells them.
   */
  uint64_t shards;
  /**
   * One of FABRIC_SHARDING_*; @ref FABRIC_SHARDING_UNSUPPORTED for a table whose lookups say
   * FABRIC_ERR_UNSUPPORTED_SHARDING, and why.
   */
  int32_t sharding_type;
  /**
   * 0; room for later.
   */
  int32_t reserved0;
  /**
   * `db.table`, UTF-8, NUL-terminated.
   */
  char name[FABRIC_TABLE_SIZE];
  /**
   * The column the table is sharded by; empty where it is unsupported.
   */
  char column[FABRIC_COLUMN_SIZE];
  /**
   * The group that holds what all shards share; empty where it is unsupported.
   */
  char global_group[FABRIC_GROUP_SIZE];
  /**
   * 0; room for later.
   */
  uint64_t reserved[8];
} fabric_table_info_t;

/**
 * What is known of a group. A plain copy that the caller owns.
 *
 * @since 0.1.0
 */
typedef struct fabric_group_info_t {
  /**
   * How many shards of all tables lie in it.
   */
  uint64_t shards;
  /**
   * How long ago the source confirmed it, in milliseconds; -1 where nobody knows.
   */
  int64_t age_ms;
  /**
   * How many servers are listed, those that never serve among them.
   */
  uint32_t servers;
  /**
   * How many of them are left out, or on trial: see fabric_options_set_quarantine_ms().
   */
  uint32_t servers_quarantined;
  /**
   * 1 if it has a primary and lookups for writes get it, else 0.
   */
  int32_t takes_writes;
  /**
   * 1 while its writes are held: see fabric_report_result(). Else 0.
   */
  int32_t writes_held;
  /**
   * Its name, UTF-8, NUL-terminated.
   */
  char name[FABRIC_GROUP_SIZE];
  /**
   * 0; room for later.
   */
  uint64_t reserved[8];
} fabric_group_info_t;

/**
 * The address of a Fabric node. A plain copy that the caller owns.
 *
 * @since 0.1.0
 */
typedef struct fabric_node_t {
  /**
   * Host name or address, UTF-8, NUL-terminated.
   */
  char host[FABRIC_HOST_SIZE];
  /**
   * The XML-RPC port, 1 to 65535.
   */
  uint32_t port;
  /**
   * 0; room for later.
   */
  uint32_t reserved[7];
} fabric_node_t;

/**
 * How a lookup would be answered now, and why. A plain copy that the caller owns.
 *
 * What does not apply is 0, -1 or empty, as each member says. Texts are UTF-8 and NUL-terminated; those for
 * people (`key`, `source`, `message`) are cut at a character where they are too long.
 *
 * @since 0.1.0
 */
typedef struct fabric_explanation_t {
  /**
   * What the lookup would return: FABRIC_OK or a FABRIC_ERR_*.
   */
  int32_t status;
  /**
   * Why this server, or why none: one of FABRIC_WHY_*.
   */
  int32_t why;
  /**
   * One of FABRIC_SHARDING_*; 0 without a table that can be routed.
   */
  int32_t sharding_type;
  /**
   * One of FABRIC_SHARD_*; 0 without a shard.
   */
  int32_t shard_state;
  /**
   * How good what is known of the table is: one of FABRIC_ORIGIN_*.
   */
  int32_t table_origin;
  /**
   * The same of the group.
   */
  int32_t group_origin;
  /**
   * How many servers the group lists.
   */
  uint32_t servers_listed;
  /**
   * Among how many the server is chosen.
   */
  uint32_t servers_considered;
  /**
   * How many are not considered because they are left out after fabric_report_result(), or on trial.
   */
  uint32_t servers_quarantined;
  /**
   * How many are not considered because they are in another zone than the service.
   */
  uint32_t servers_in_other_zones;
  /**
   * The number of the topology: see fabric_topology_generation().
   */
  uint64_t generation;
  /**
   * The shard's number at the server; 0 without a shard, or for one that is missing.
   */
  int64_t shard_id;
  /**
   * How long ago the source confirmed the table, in milliseconds; -1 where nobody knows.
   */
  int64_t table_age_ms;
  /**
   * The same of the group.
   */
  int64_t group_age_ms;
  /**
   * How long the group's writes are held yet at most, in milliseconds; -1 if they are not.
   */
  int64_t write_hold_ms;
  /**
   * How long the keys of a missing shard are held yet, in milliseconds; -1 if they are not, and
   * INT64_MAX if no time ends it.
   */
  int64_t shard_hold_ms;
  /**
   * The table, `db.table`, if it is known; the first of several.
   */
  char table[FABRIC_TABLE_SIZE];
  /**
   * The column the table is sharded by.
   */
  char column[FABRIC_COLUMN_SIZE];
  /**
   * The key as the shard map reads it: an integer without zeros before it, `YYYY-MM-DD hh:mm:ss`, or
   * the text; empty with @ref FABRIC_SCOPE_GLOBAL.
   */
  char key[FABRIC_BOUND_SIZE];
  /**
   * For HASH the key's MD5 digest, 32 upper-case hexadecimal digits; else empty.
   */
  char digest[40];
  /**
   * Where the key's shard begins, as fabric_shard_t has it.
   */
  char lower_bound[FABRIC_BOUND_SIZE];
  /**
   * Where the next shard begins; empty for the last one, which for HASH goes on below the first bound.
   */
  char upper_bound[FABRIC_BOUND_SIZE];
  /**
   * The group that is asked for, or that holds the key; empty where nobody knows it.
   */
  char group[FABRIC_GROUP_SIZE];
  /**
   * The server that the next such lookup of this thread gets; all 0 if it is refused.
   */
  struct fabric_server_t server;
  /**
   * Which node of the source answered last; empty if none did, or where the servers of the groups
   * answer together.
   */
  struct fabric_node_t node;
  /**
   * Where the topology comes from: the source as a URL, with hosts and without user and password.
   */
  char source[FABRIC_SOURCE_SIZE];
  /**
   * What the lookup would say in fabric_error_t.message; empty if it is answered.
   */
  char message[FABRIC_MESSAGE_SIZE];
  /**
   * 0; room for later.
   */
  uint64_t reserved[16];
} fabric_explanation_t;

/**
 * What a handle knows of a server. A plain copy that the caller owns. Times are milliseconds.
 *
 * @since 0.1.0
 */
typedef struct fabric_server_health_t {
  /**
   * The server, its role and its group, as the source lists it.
   */
  struct fabric_server_t server;
  /**
   * Where it stands, if the source says so; else empty.
   */
  char zone[FABRIC_ZONE_SIZE];
  /**
   * One of FABRIC_HEALTH_*.
   */
  int32_t state;
  /**
   * The MySQL errno that fabric_report_result() was told last; 0 where it is @ref FABRIC_HEALTH_IN_USE.
   */
  int32_t reported_errno;
  /**
   * How many failures were reported since it was last known to be there.
   */
  uint64_t reports;
  /**
   * How long ago it was left out; -1 where it is @ref FABRIC_HEALTH_IN_USE.
   */
  int64_t since_ms;
  /**
   * How long ago it failed last; -1 where it is @ref FABRIC_HEALTH_IN_USE.
   */
  int64_t failed_ms;
  /**
   * In how long it is tried next, by a login of the library where that has an account, else by one request;
   * 0 if that is due or goes on. -1 where it is used.
   */
  int64_t next_trial_ms;
  /**
   * How long ago it has answered the source, where the source asks the servers themselves; -1 where
   * it does not, or the server never did.
   */
  int64_t heard_ms;
  /**
   * 0; room for later.
   */
  uint64_t reserved[8];
} fabric_server_health_t;

/**
 * What a handle has done so far, and how it is. A plain copy that the caller owns.
 *
 * Counters begin at 0 with fabric_new() and only grow; a forked child goes on from its parent's.
 * They are read one after the other while threads go on counting.
 *
 * @since 0.1.0
 */
typedef struct fabric_metrics_t {
  /**
   * Lookups that were answered: of a server, the servers of a group, or a table's shards. In
   * calls for many keys each key counts.
   */
  uint64_t lookups;
  /**
   * Lookups that were refused. Those whose arguments made no sense are in neither number.
   */
  uint64_t lookups_refused;
  /**
   * Times the background refresh asked Fabric for the topology, in vain or not.
   */
  uint64_t refreshes_background;
  /**
   * Times a caller did. Callers who waited for one and the same count once.
   */
  uint64_t refreshes_callers;
  /**
   * How many of both failed, on all nodes that were asked.
   */
  uint64_t refreshes_failed;
  /**
   * HTTP requests sent to Fabric nodes for any purpose, answered or not. A request for the
   * topology takes one or more: authentication may need another, and so does a second node.
   */
  uint64_t requests;
  /**
   * Bytes of replies as they came over the wire, compressed as a rule, without HTTP headers.
   */
  uint64_t bytes_received;
  /**
   * The same replies in bytes after decompression.
   */
  uint64_t bytes_inflated;
  /**
   * Events that a callback, or fabric_next_event(), was too slow for.
   */
  uint64_t events_lost;
  /**
   * As fabric_topology_generation().
   */
  uint64_t generation;
  /**
   * As fabric_topology_age(): milliseconds, or -1 if nobody knows.
   */
  int64_t topology_age_ms;
  /**
   * Milliseconds since the last refresh that failed; -1 if none ever did.
   */
  int64_t last_error_age_ms;
  /**
   * The status that it failed with; FABRIC_OK if none ever did. A later success does not
   * clear it.
   */
  int32_t last_error;
  /**
   * Nodes of the source that the handle knows: Fabric nodes, the servers that hold the shard map, or the
   * members of the group of cluster:// and its like. Members of groups that a map names are none.
   */
  uint32_t nodes_known;
  /**
   * Those of them that did not fail when last asked, or were not asked yet. Servers that are discovered
   * must have answered.
   */
  uint32_t nodes_up;
  /**
   * Servers the handle does not choose for now because they were reported to have failed.
   */
  uint32_t servers_quarantined;
  /**
   * What the last refresh that failed said: UTF-8, NUL-terminated, cut at a character if it
   * is longer; empty if none ever failed.
   */
  char last_error_text[FABRIC_METRICS_TEXT_SIZE];
  /**
   * Threads that the library wanted to start, for any handle of the process since this one
   * was made, and that the system did not give.
   */
  uint64_t threads_refused;
  /**
   * 0; room for later.
   */
  uint64_t reserved[15];
} fabric_metrics_t;

/**
 * Something that happened to a handle. A plain copy; nothing in it needs freeing.
 *
 * Strings are UTF-8 and NUL-terminated, and empty where the event is not about such a thing,
 * or a name is longer than Fabric's schema or MySQL allows.
 *
 * @since 0.1.0
 */
typedef struct fabric_event_t {
  /**
   * One of FABRIC_EVENT_*. More may come with later versions: pass over those you do not know.
   */
  int32_t kind;
  /**
   * With @ref FABRIC_EVENT_FETCHED, @ref FABRIC_OK or the status that the fetch failed with;
   * @ref FABRIC_OK with all others.
   */
  int32_t status;
  /**
   * The number of the topology that was in use when it happened.
   */
  uint64_t generation;
  /**
   * How many events this consumer lost since the one it got before, because more than 256
   * waited. 0 means that nothing was missed.
   *
   * What goes first is what a later event about the same has overtaken: about the primary or the
   * writes of the same group, the same server, the shards of the same table, or Fabric. So a
   * failover is never lost to whatever happens elsewhere, and what a consumer hears last of each
   * is how things are, unless more than 16,384 of them wait: then the oldest about a table goes,
   * or the oldest of all if there is none.
   */
  uint64_t lost_before;
  /**
   * How long ago it happened, in milliseconds, at the time it was handed over.
   */
  int64_t age_ms;
  /**
   * With @ref FABRIC_EVENT_SHARD_HELD and @ref FABRIC_EVENT_SHARD_RELEASED, how many shards of
   * `table` are held then; 0 with all others.
   */
  uint64_t held_shards;
  /**
   * The group it is about.
   */
  char group[FABRIC_GROUP_SIZE];
  /**
   * The server it is about.
   */
  char server_uuid[FABRIC_UUID_SIZE];
  /**
   * The table it is about, `schema.table`.
   */
  char table[FABRIC_TABLE_SIZE];
  /**
   * 0; room for later.
   */
  uint64_t reserved[8];
} fabric_event_t;

/**
 * Receives a handle's events, one at a time and in order.
 *
 * `event` is valid during the call only. The callback runs on a thread that the handle starts
 * for its first event and ends in fabric_free(), under no lock of the library, and nobody waits
 * for it: refreshes, reports and lookups go on while it runs. Events that happen meanwhile wait,
 * 256 of them and the newest about each group, server and table; how many were lost is in `lost_before`
 * and in fabric_metrics_t.
 *
 * It may make any call on the handle, but none waits there: one that would have to wait for Fabric
 * answers FABRIC_ERR_WOULD_BLOCK. fabric_free() may be the last of them; nothing is delivered
 * after it. It must not throw a C++ exception or leave with longjmp() or pthread_exit(), and a
 * child that it forks must end in it, with exec() or _exit(). A child that is forked elsewhere has
 * a thread of its own from its own first event on, and none of its parent's events. It runs with the signal mask of the thread of the service that had the handle's thread
 * started, so a program that it starts is as one that the service starts; see fabric_new().
 *
 * @since 0.1.0
 */
typedef void (*fabric_event_callback_t)(const struct fabric_event_t *event, void *userdata);

/**
 * The version of the library that is running, such as "0.1.0".
 *
 * @return Static text, never NULL, never to be freed.
 *
 * Never blocks. Any thread.
 *
 * @since 0.1.0
 */
const char *fabric_version(void);

/**
 * A short text for a status, such as "unknown table" for @ref FABRIC_ERR_UNKNOWN_TABLE.
 *
 * @param code  Any number; one that is no status gives "unknown status".
 * @return Static text in English, never NULL, never to be freed.
 *
 * Never blocks. Any thread.
 *
 * @since 0.1.0
 */
const char *fabric_strerror(int32_t code);

/**
 * Whether the same call may succeed later although nobody corrects anything: a Fabric node that
 * did not answer may do so, a group without a primary gets one, writes that are held are let go.
 *
 * | answer | statuses |
 * |---|---|
 * | 1 | @ref FABRIC_ERR_UNREACHABLE, @ref FABRIC_ERR_TIMEOUT, @ref FABRIC_ERR_PROTOCOL, @ref FABRIC_ERR_NO_SERVER, @ref FABRIC_ERR_STALE, @ref FABRIC_ERR_NO_EVENT, @ref FABRIC_ERR_WRITE_HELD, @ref FABRIC_ERR_SHARD_UNAVAILABLE, @ref FABRIC_ERR_WOULD_BLOCK, @ref FABRIC_ERR_INTERRUPTED, @ref FABRIC_ERR_SYSTEM |
 * | 0 | all others, success and numbers that are no status among them |
 *
 * Wait a little before the retry, and limit their number: some of these last until an operator
 * acts. Of @ref FABRIC_ERR_SOME_KEYS each key has a status of its own, which is what to ask about.
 * A retry of fabric_execute() may run a command twice. fabric_error_t has the answer in
 * `retryable`.
 *
 * @param code  Any number.
 * @return 1 or 0.
 *
 * Never blocks. Any thread.
 *
 * @since 0.1.0
 */
int32_t fabric_status_is_retryable(int32_t code);

/**
 * The MySQL errno that fits a status, for callers that hand a number on: what fabric_error_t has in
 * `mysql_errno`.
 *
 * | answer | statuses |
 * |---|---|
 * | 1045 | @ref FABRIC_ERR_AUTH |
 * | 1051 | @ref FABRIC_ERR_UNKNOWN_TABLE |
 * | 1370 | @ref FABRIC_ERR_FORBIDDEN |
 * | 2003 | @ref FABRIC_ERR_UNREACHABLE, @ref FABRIC_ERR_NOT_SEEDED |
 * | 2013 | @ref FABRIC_ERR_TIMEOUT |
 * | 2026 | @ref FABRIC_ERR_TLS |
 * | 2027 | @ref FABRIC_ERR_PROTOCOL, @ref FABRIC_ERR_REPLY_TOO_LARGE |
 * | 0 | all others, success and numbers that are no status among them |
 *
 * It says nothing of the server that a statement went to: never report it.
 *
 * @param code  Any number.
 * @return The errno, or 0.
 *
 * Never blocks. Any thread.
 *
 * @since 0.1.0
 */
int32_t fabric_status_mysql_errno(int32_t code);

/**
 * Makes a set of options with the defaults.
 *
 * | option | default |
 * |---|---|
 * | nodes | none |
 * | credentials, TLS, log, event callback | none |
 * | connect attempts | 3 |
 * | connect delay | 1000 ms |
 * | connect timeout | 5000 ms |
 * | request timeout | 20000 ms |
 * | lookup timeout | 5000 ms |
 * | largest reply | 64 MiB |
 * | reports to Fabric | off; if on, one of a server in 10000 ms |
 * | quarantine of an unreachable server | 2000 ms |
 * | least write hold after a refused write | 4000 ms |
 * | hold of a vanished shard | 600000 ms |
 * | background refresh | on, for 5 % of the time at most |
 * | asks less and less | after 60000 ms without a lookup |
 * | oldest topology to go on from | no limit |
 * | time to live | as the server says, 60 s if it says 0 |
 * | discovery of groups | every 500 ms; any lag; none of several primaries; no reads without a majority |
 * | read preference | FABRIC_PREFER_SECONDARY |
 * | zone of the service | none: reads go to all secondaries |
 * | compat | FABRIC_COMPAT_SERVER |
 * | snapshot file, topology file | none |
 *
 * @return The options, to be freed with fabric_options_free(); NULL only after an internal
 *         error.
 *
 * Never blocks. Any thread.
 *
 * @since 0.1.0
 */
struct fabric_options_t *fabric_options_new(void);

/**
 * Frees options. Handles made from them are not affected.
 *
 * @param options  From fabric_options_new(), or NULL, which does nothing.
 *
 * Never blocks. The password is wiped from memory.
 *
 * @since 0.1.0
 */
void fabric_options_free(struct fabric_options_t *options);

/**
 * Names a Fabric node. Several may be named; they are tried in this order, and the nodes they
 * tell of join them.
 *
 * @param options  The options.
 * @param host     A host name or address (IPv6 without brackets), UTF-8, NUL-terminated. Copied.
 * @param port     The XML-RPC port, or 0 for @ref FABRIC_DEFAULT_PORT.
 * @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_INVALID_UTF8, FABRIC_ERR_ARGUMENT
 *
 * Never blocks: nothing is resolved or connected to.
 *
 * @since 0.1.0
 */
int32_t fabric_options_add_node(struct fabric_options_t *options, const char *host, uint16_t port);

/**
 * Sets the user and password for Fabric's digest authentication (RFC 7616, MD5).
 *
 * They go only to nodes named by the service and to nodes learned from those, are never
 * logged, and are wiped when the last copy is freed.
 *
 * @param options   The options.
 * @param user      UTF-8, NUL-terminated, not empty. Copied.
 * @param password  UTF-8, NUL-terminated. Copied.
 * @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_INVALID_UTF8, FABRIC_ERR_ARGUMENT
 *
 * Never blocks.
 *
 * @since 0.1.0
 */
int32_t fabric_options_set_credentials(struct fabric_options_t *options,
                                       const char *user,
                                       const char *password);

/**
 * Talks TLS to every node, and verifies it: its certificate must be signed by `ca` and carry
 * the host name or address it is asked under. (Connector/Python asks for a CA and never looks
 * at it.)
 *
 * @param options  The options.
 * @param ca       The path of a PEM file with the authority's certificate or certificates. Copied.
 * @param key      The path of a PEM file with the client's private key, or NULL. Copied.
 * @param cert     The path of a PEM file with the client's certificate, or NULL. Copied. Relative
 *                 paths begin at the working directory of this call.
 * @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_INVALID_UTF8
 * @retval FABRIC_ERR_ARGUMENT  `key` without `cert`, or the other way round.
 *
 * Never blocks: the files are read at the first connection, and what is wrong with them is
 * then said as FABRIC_ERR_TLS.
 *
 * @since 0.1.0
 */
int32_t fabric_options_set_tls(struct fabric_options_t *options,
                               const char *ca,
                               const char *key,
                               const char *cert);

/**
 * Sets how often all nodes are tried before a fetch that a caller waits for gives up.
 *
 * @param options   The options.
 * @param attempts  1 to 100; 3 unless set.
 * @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_ARGUMENT
 *
 * Never blocks.
 *
 * @since 0.1.0
 */
int32_t fabric_options_set_connect_attempts(struct fabric_options_t *options, int64_t attempts);

/**
 * Sets the pause between two attempts.
 *
 * @param options  The options.
 * @param delay    Milliseconds, 0 to @ref FABRIC_MAX_TIME_MS; 1000 unless set.
 * @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_ARGUMENT
 *
 * Never blocks.
 *
 * @since 0.1.0
 */
int32_t fabric_options_set_connect_delay_ms(struct fabric_options_t *options, int64_t delay);

/**
 * Sets how long a connection to a Fabric node may take to come about.
 *
 * @param options  The options.
 * @param timeout  Milliseconds, 1 to @ref FABRIC_MAX_TIME_MS; 5000 unless set.
 * @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_ARGUMENT
 *
 * Never blocks.
 *
 * @since 0.1.0
 */
int32_t fabric_options_set_connect_timeout_ms(struct fabric_options_t *options, int64_t timeout);

/**
 * Sets how long one request to a Fabric node may take, from connecting to the last byte.
 *
 * It is also the bound for all nodes of one attempt together: the next node is asked, too, when one
 * has been without a connection for 250 ms or without an answer for a second (sooner where many
 * nodes must have their turn), and the first answer counts. Where all have been asked, one that has
 * not sent a byte after a second is asked once more itself, beside the first connection, which may
 * be all that hangs: never by more than two connections at a time, and only after twice the time
 * that such an answer has taken of late, so that a node that takes its time for large dumps is not
 * asked for each of them twice.
 *
 * A node whose backing store is down takes up to 18 s to say so.
 *
 * @param options  The options.
 * @param timeout  Milliseconds, 1 to @ref FABRIC_MAX_TIME_MS; 20000 unless set.
 * @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_ARGUMENT
 *
 * Never blocks.
 *
 * @since 0.1.0
 */
int32_t fabric_options_set_request_timeout_ms(struct fabric_options_t *options, int64_t timeout);

/**
 * Sets what one lookup waits for Fabric, all in all: whatever it has to fetch, of however many
 * nodes, in however many attempts. Then it answers from what is known, however old, or
 * @ref FABRIC_ERR_TIMEOUT; the fetch goes on behind it, and @ref FABRIC_EVENT_FETCHED tells when it
 * is over.
 *
 * It holds for every call that says it blocks "as fabric_get_shard_server() does". The `_wait`
 * calls have deadlines of their own, and fabric_seed(), fabric_get_sharding_information() and
 * fabric_execute() bounds of their own.
 *
 * @param options  The options.
 * @param timeout  Milliseconds, 0 (never wait: what is not known is @ref FABRIC_ERR_WOULD_BLOCK)
 *                 to @ref FABRIC_MAX_TIME_MS; 5000 unless set.
 * @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_ARGUMENT
 *
 * Never blocks.
 *
 * @since 0.1.0
 */
int32_t fabric_options_set_lookup_timeout_ms(struct fabric_options_t *options, int64_t timeout);

/**
 * Sets the largest reply that is taken from a Fabric node, after decompression. A larger one
 * is FABRIC_ERR_REPLY_TOO_LARGE; a shard takes about 400 bytes. So is one whose values take more
 * than twice this in memory, or that has a single text of more than 4 MiB.
 *
 * Fabric is asked only while 48 MiB of address space can be had, and a reply of more than 128 KiB is
 * taken only as long as there are 96 MiB beside what it takes; else it is FABRIC_ERR_SYSTEM. This is
 * looked for and not set aside: where other threads take the last memory meanwhile, the process ends.
 * So it does where there is none for what any other call allocates, as a C++ program does that
 * catches no bad_alloc.
 *
 * @param options  The options.
 * @param bytes    1024 to 2^40; 67108864 (64 MiB) unless set.
 * @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_ARGUMENT
 *
 * Never blocks.
 *
 * @since 0.1.0
 */
int32_t fabric_options_set_max_reply_bytes(struct fabric_options_t *options,
                                           int64_t bytes);

/**
 * Sets who hears what the handles made from these options have to say. Without it they are
 * silent: the library never prints.
 *
 * @param options    The options.
 * @param level      The least grave level to hear, @ref FABRIC_LOG_ERROR to
 *                   @ref FABRIC_LOG_DEBUG.
 * @param callback   Called for each message; see fabric_log_t. NULL turns the log off.
 * @param userdata   Handed to the callback; may be NULL.
 * @param free       Called with `userdata` when the options and all handles made from them are
 *                   freed or told otherwise, also when this call fails; may be NULL.
 * @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_ARGUMENT
 *
 * Never blocks.
 *
 * @since 0.1.0
 */
int32_t fabric_options_set_log(struct fabric_options_t *options,
                               int32_t level,
                               fabric_log_t callback,
                               void *userdata,
                               fabric_free_t free);

/**
 * Names a file that keeps the topology for a start while Fabric is down.
 *
 * Whenever the topology changes, and every few minutes, the file is replaced as a whole
 * (new file in the same directory, without a name until it is whole where the system has such
 * files, fsync, rename; mode 0600, or that of the file that is there; behind symbolic links) with
 * what the handle knows. What is no regular file is left as it is. What a writer that was killed
 * may have left there is taken away by the next start.
 * The background refresh writes it; where that is off, the caller that fetched does. A failure
 * to write is logged and hurts nobody.
 *
 * The first fetch of a handle asks for what the file names, too. When no Fabric node answers
 * within one round over the nodes, or, while they hang, within a second (for reads; for writes
 * within half of what the lookup may take, or 2.5 s of @ref FABRIC_ERR_WOULD_BLOCK where it may not
 * wait), lookups go on from the file, the background refresh goes on asking, and fabric_topology_age() counts from the time Fabric last confirmed the content;
 * fabric_options_set_max_stale_ms() holds for it. A damaged or foreign file is refused as a
 * whole: the lookup fails as it would without it, and the message says why it was refused. For
 * fabric_seed(), fabric_get_sharding_information() and fabric_get_fabric_nodes() what the file knows
 * will do, too, after a second.
 *
 * TOPOLOGY_FILE.md (see "Beside this header") has the format. Who can write the file can send the
 * service anywhere: keep it in a directory of the service's own. Processes of one service may
 * share the file: who writes it keeps what another one has there of tables and groups that it knows nothing
 * about, for up to a week. Writers take turns by a lock on the directory, for which they wait half a
 * second at most.
 *
 * @param options  The options.
 * @param path     UTF-8, NUL-terminated, not empty. Copied. A relative one begins at the working
 *                 directory of this call, wherever the process goes later.
 * @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_INVALID_UTF8
 * @retval FABRIC_ERR_ARGUMENT  Empty, or a topology file is set: such a handle has no Fabric.
 *
 * Never blocks: the file is read at the first lookup. fabric_free() waits for a file that is
 * being written.
 *
 * @since 0.1.0
 */
int32_t fabric_options_set_snapshot_file(struct fabric_options_t *options,
                                         const char *path);

/**
 * Sets where the topology comes from, by a URL. What changes when a service moves to another
 * source is this URL, and no code.
 *
 * | url | shard maps and servers |
 * |---|---|
 * | `fabric://[user@]host[:port][,host[:port]...]` | of MySQL Fabric, over XML-RPC; the port is @ref FABRIC_DEFAULT_PORT unless given. As fabric_options_add_node() for each host |
 * | `fabric+mysql://[user@]host[:port][,host[:port]...]` | of MySQL Fabric 1.5 and later, over the MySQL protocol (MySQL-RPC); the port is @ref FABRIC_DEFAULT_MYSQL_PORT unless given. The user is one of Fabric's `protocol.mysql`, which are others than those of XML-RPC. A node has no TLS there: with fabric_options_set_tls() none is asked |
 * | `fabric+store://[user@]host[:port][,host[:port]...]/database` | of the MySQL database in which Fabric keeps its state, with no Fabric process at all (port 3306 unless given); `?socket=/path` behind `localhost` is a Unix socket. Shards that are DISABLED are known: their keys are @ref FABRIC_ERR_SHARD_UNAVAILABLE from the first lookup on. The user is that of fabric_options_set_mysql_credentials(), and may SELECT from the tables servers, shard_maps, shard_ranges, shard_tables and shards. Commands and reports go to the Fabric nodes of fabric_options_add_node(), if there are some |
 * | `cluster://[user@]host[:port][,host[:port]...]` | of the MySQL servers of one group themselves (port 3306 unless given): an InnoDB Cluster, ReplicaSet or ClusterSet, a group of Group Replication, or servers that replicate. All members are asked, however few are named. There is no shard map: its servers are looked up by fabric_get_group_server(), by the name behind `?group=`, else by what the metadata calls it, else `default`. `?kind=` says what it is, `auto` unless given, and `?socket=/path` behind `localhost` is a Unix socket. The user is that of fabric_options_set_mysql_credentials(); docs/SOURCES.md has what it must be granted. No commands, no reports |
 * | `mysql://[user@]host[:port][,host[:port]...][/database]` | of tables of your own, which `sql/mysqlfabric.sql` makes in any MySQL from 5.6 on or MariaDB (port 3306 and database `mysqlfabric` unless given); `?socket=/path` as above. They are looked at once a second, and read in one snapshot when they have changed. Groups are listed there, or named with the servers to ask, as by `cluster://`. Shards that are READ_ONLY take no writes (@ref FABRIC_ERR_WRITE_HELD), those that are DISABLED are @ref FABRIC_ERR_SHARD_UNAVAILABLE. Of several servers, replicas of one another, one that lags behind what was seen is not believed. The user is that of fabric_options_set_mysql_credentials(), and may SELECT from the database. No commands, no reports |
 * | `file:/path` | of a topology file, as fabric_options_set_topology_file() |
 *
 * An IPv6 address stands in brackets, `[::1]:32274`. What is special in a URL is written with a
 * percent sign in a user or a path, such as `%40` for `@` and `%20` for a blank. A user with a colon is
 * left out there, and named with the credentials alone. The password does
 * not belong into the URL: it is given with fabric_options_set_credentials(), or
 * fabric_options_set_mysql_credentials() where the source is a MySQL database; their user is the one of
 * the URL, if the URL names one.
 *
 * @param options  The options.
 * @param url      UTF-8, NUL-terminated. Copied.
 * @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_INVALID_UTF8
 * @retval FABRIC_ERR_ARGUMENT  It is no such URL, or has a password in it; a source or a topology file
 *         is set already: a handle has one source; a snapshot file is set, and this is a topology
 *         file. fabric_new() answers it, too, if the URL's user is not that of the credentials, and if
 *         nodes of fabric_options_add_node(), which speak XML-RPC, stand beside `fabric+mysql://`,
 *         `cluster://` or `mysql://`.
 *
 * Never blocks: nothing is resolved, opened or connected to.
 *
 * @since 0.1.0
 */
int32_t fabric_options_set_source(struct fabric_options_t *options,
                                  const char *url);

/**
 * Routes from a file, with no Fabric at all: no node is needed, and none is asked.
 *
 * The file is written by hand, or is the snapshot of another handle; TOPOLOGY_FILE.md (see
 * "Beside this header") has the format and an example. It is read at the first lookup or by fabric_seed() with NULL, and
 * again when it has changed: the background refresh looks every time to live (the file's own,
 * 1 s unless it names one), or, where that is off, the caller that finds it over. Replace the
 * file by renaming another one to its name. A changed file that is damaged is refused as a
 * whole: the log says so, and the old topology stays in use. While that, the topology's age
 * grows, and fabric_options_set_max_stale_ms() holds for it.
 *
 * Tables the file does not name are FABRIC_ERR_UNKNOWN_TABLE; fabric_execute() answers
 * FABRIC_ERR_NOT_SEEDED; fabric_report_failure() tells only the log.
 *
 * @param options  The options.
 * @param path     UTF-8, NUL-terminated, not empty. Copied. A relative one begins at the working
 *                 directory of this call, wherever the process goes later.
 * @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_INVALID_UTF8
 * @retval FABRIC_ERR_ARGUMENT  Empty, or a snapshot file is set: it would keep the same again.
 *
 * Never blocks: a file that cannot be read or used is FABRIC_ERR_FILE at the first lookup.
 *
 * @since 0.1.0
 */
int32_t fabric_options_set_topology_file(struct fabric_options_t *options,
                                         const char *path);

/**
 * Sets whether and how fabric_report_failure() and fabric_report_result() tell Fabric of servers
 * that cannot be reached.
 *
 * Each handle is one reporter for Fabric. Its name there is `libmysqlfabric-<host>-<pid>-<n>`, of
 * at most 64 characters, where `n` counts the handles of the process.
 *
 * With @ref FABRIC_REPORT_ERROR, Fabric as it is shipped makes a server FAULTY, and fails over
 * from a primary, once it got 300 reports of it from 50 reporters within 60 s (`notifications`,
 * `notification_clients` and `notification_interval` in its configuration). A handle reports a
 * server once in the window of fabric_options_set_report_window_ms(), 10 s: that is 6 of the 300
 * in a minute. So one process with one handle never gets there alone, however often it fails; 50
 * of them just do if all of them report for a whole minute. A service with fewer handles has
 * those numbers lowered at Fabric, or the window made shorter: a window of 1 s is 60 reports a
 * minute of each handle. Fabric's own failure detector needs 6 s, where it is on.
 *
 * With @ref FABRIC_REPORT_FAILURE one report of one handle is enough, and nobody checks it.
 *
 * @param options  The options.
 * @param how      @ref FABRIC_REPORT_OFF (the default), @ref FABRIC_REPORT_ERROR or
 *                 @ref FABRIC_REPORT_FAILURE.
 * @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_ARGUMENT
 *
 * Never blocks.
 *
 * @since 0.1.0
 */
int32_t fabric_options_set_report_errors(struct fabric_options_t *options, int32_t how);

/**
 * Adds an errno to those that Fabric is told of, which are the ones that fabric_errno_action()
 * gives @ref FABRIC_ACTION_REPORT for.
 *
 * @param options  The options.
 * @param errno_   A MySQL errno, 1000 to 9999. What is beyond stands in error logs only.
 * @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_ARGUMENT
 *
 * Never blocks.
 *
 * @since 0.1.0
 */
int32_t fabric_options_add_report_errno(struct fabric_options_t *options, int32_t errno_);

/**
 * Turns the background refresh on or off.
 *
 * On, a thread of the handle's own fetches what the handle has used before it expires, so that
 * no lookup of something known ever waits. It starts after the first fetch and ends with
 * fabric_free(). Off, a lookup that finds an expired entry goes on with it and has it fetched by a
 * thread that lives for that fetch; only when it has been expired for one more time to live, as
 * after a pause, the lookup waits for that fetch, up to the lookup timeout.
 *
 * @param options  The options.
 * @param on       1 (the default) or 0.
 * @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_ARGUMENT
 *
 * Never blocks.
 *
 * @since 0.1.0
 */
int32_t fabric_options_set_background_refresh(struct fabric_options_t *options, int32_t on);

/**
 * Sets how much of its time the background refresh may keep the handle's thread and the Fabric
 * node at work. A farm whose dumps are much work is refreshed less often than its time to live asks
 * for; fabric_topology_age() tells. The way to the node and back is no work: a node far away is
 * asked as often as a near one. A single dump that takes long does not count, two in a row do.
 *
 * @param options  The options.
 * @param percent  1 to 100; 5 unless set.
 * @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_ARGUMENT
 *
 * Never blocks.
 *
 * @since 0.1.0
 */
int32_t fabric_options_set_refresh_share(struct fabric_options_t *options, int32_t percent);

/**
 * Sets the longest pause between two refreshes while no Fabric node answers, and the longest time
 * for which a node that did not answer is asked after the others.
 *
 * Pauses are random, up to a bound that begins at 250 ms and doubles with every failure, so that
 * the handles of a fleet that lost Fabric together do not come back together. They begin anew when
 * a node answers anybody on this handle, and when a call had to wait for Fabric; a call that waits
 * for a change of the farm has it asked again within 100 ms anyway. So this is how long a handle
 * may go on from what it knew after Fabric is back, if none of its calls needs Fabric.
 *
 * @param options  The options.
 * @param limit    Milliseconds, 10 to @ref FABRIC_MAX_TIME_MS; 10000 unless set.
 * @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_ARGUMENT
 *
 * Never blocks.
 *
 * @since 0.1.0
 */
int32_t fabric_options_set_backoff_limit_ms(struct fabric_options_t *options, int64_t limit);

/**
 * Sets after how long without a lookup the background refresh asks less and less: at first every
 * half of the time since the last lookup, then ever more seldom. Not while a callback or a
 * descriptor for events is there, a call waits, or a server or shard is quarantined or held.
 *
 * The first lookup after a pause has it ask at once, and, if nothing was asked for longer than two
 * times to live, waits for that as fabric_get_shard_server() does for what is not known yet.
 *
 * @param options  The options.
 * @param time     Milliseconds, 1 to @ref FABRIC_MAX_TIME_MS, or 0 (never); 60000 unless set.
 * @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_ARGUMENT
 *
 * Never blocks.
 *
 * @since 0.1.0
 */
int32_t fabric_options_set_idle_after_ms(struct fabric_options_t *options, int64_t time);

/**
 * Sets how long lookups go on from what Fabric no longer confirms, because no node answers, or none
 * about this. Beyond it they answer FABRIC_ERR_STALE, and the message names the table or group.
 * They do so, too, from a snapshot file whose age nobody knows, since it is dated in the future.
 *
 * Each table and group has an age of its own (see fabric_topology_age()). A lookup by key is
 * answered from its tables and from the group they lead to; all of these must be young enough. In
 * a batch an old group fails the keys that lead there, an old table the whole batch.
 *
 * @param options  The options.
 * @param most     Milliseconds since Fabric confirmed what is used, 1 to 86400000 (a day), or 0
 *                 for no limit; 0 unless set. Should be well above the time to live.
 * @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_ARGUMENT
 *
 * Never blocks.
 *
 * @since 0.1.0
 */
int32_t fabric_options_set_max_stale_ms(struct fabric_options_t *options, int64_t most);

/**
 * Sets how long a server that fabric_report_result() found unreachable is left out at first.
 *
 * Reads leave it out while others can serve, and the _wait calls always do; a plain lookup for a
 * write gets it all the same while Fabric names it the primary, because there is no other. After
 * this time the server is on trial: exactly one request gets it, a read that has others to choose
 * from or a _wait call. Then
 *
 * - bad news of it leaves it out for twice as long as before, up to 16 times this time;
 * - fabric_report_result() with 0 brings it back to use, and tells FABRIC_EVENT_SERVER_BACK;
 * - no news for as long as the pause before was brings it back to use, too, but tells nothing,
 *   because nobody may have looked.
 *
 * Where fabric_options_set_mysql_credentials() gives an account, the handle tries the server itself
 * after this time, by a login on a thread of its own, and no request gets it before: a login that
 * succeeds is as good as a report of 0, and one that fails is bad news (no answer within the connect
 * timeout, offline mode, too many connections). A server that does not let the account in is left to
 * one request, as above; the log says so, and it is not asked again for a minute.
 *
 * Where the servers of a group are asked themselves who they are (`cluster://`, or `discover` of a
 * group), one that has answered since it was lost is tried sooner: a primary, in whose place there is
 * nobody, at once, and after that, as any other, whenever the first pause is over.
 *
 * That Fabric goes on listing a server is no good news of it: it does so for some 6 s after a
 * server has died, and for ever without a failure detector. That Fabric lists it again after it
 * did not, or as the primary again after it was that no more, is as good as a report of 0.
 *
 * All of it happens in time, also while Fabric hangs; without a background refresh, or where no
 * thread can be had, at the first lookup after that.
 *
 * @param options  The options.
 * @param time     Milliseconds, 1 to @ref FABRIC_MAX_TIME_MS; 2000 unless set.
 * @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_ARGUMENT
 *
 * Never blocks.
 *
 * @since 0.1.0
 */
int32_t fabric_options_set_quarantine_ms(struct fabric_options_t *options,
                                         int64_t time);

/**
 * Sets how long writes to a group are held at least after fabric_report_result() told that its
 * primary refused one as read-only.
 *
 * Fabric makes the primary of a shard read-only while it splits or moves the shard, for as long as
 * its own time to live, and lifts that up to 1.2 s before it commits the new shard map. Rows that
 * are written in this gap are lost. So the hold lasts for this time, or for Fabric's own time to
 * live (not clamped by fabric_options_set_ttl_ms()) and 4 s more if that is longer, at most
 * @ref FABRIC_MAX_TIME_MS, and every further refusal that is told begins it anew. It ends early
 * when Fabric lists a shard map that moved keys from or to the group, or another primary of it;
 * nothing else that becomes of a table ends it. It ends in time, also while Fabric hangs; without a
 * background refresh, or where no thread can be had, at the first lookup after that.
 *
 * Where the servers of a group are asked themselves who they are (`cluster://`, or `discover` of a
 * group), it ends as well once the primary, asked after the refusal, says that it takes writes: what
 * it refused then was a matter of one session (1792 in START TRANSACTION READ ONLY, 1290 for SELECT
 * ... INTO OUTFILE), or is over. One that is read-only by a variable says so itself, and is no
 * primary until it takes writes again.
 *
 * A hold is each handle's own: a process that has not been refused itself knows of none and may
 * write in the gap while others are refused (of 12 slow processes that wrote a row each 2.5 s
 * through six splits, 7 of 561 rows were lost). The danger ends in each handle with its own next
 * refresh, and not with the commit of the new map. A service with several processes tells all of
 * them, or lets none write to a group that one was refused by. FABRIC_EVENT_WRITES_HELD and
 * FABRIC_EVENT_WRITES_RELEASED tell of it.
 *
 * @param options  The options.
 * @param time     Milliseconds, 0 (never hold) to @ref FABRIC_MAX_TIME_MS; 4000 unless set.
 * @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_ARGUMENT
 *
 * Never blocks.
 *
 * @since 0.1.0
 */
int32_t fabric_options_set_least_write_hold_ms(struct fabric_options_t *options,
                                               int64_t time);

/**
 * Sets how long the keys of a shard that Fabric stopped listing are held.
 *
 * Fabric's dumps leave out disabled shards, and without their lower bounds their keys would
 * silently go to the next lower shard, where their rows are not. So lookups of such keys answer
 * FABRIC_ERR_SHARD_UNAVAILABLE until Fabric lists the bound again, or says on being asked
 * (`sharding.lookup_servers`, which the built-in role `connector` may not use) where a key of it
 * belongs, or fabric_reset_cache() has the maps taken as they are, or this time is over. The time
 * begins when the bound is not listed any more, whether the rest of its table is listed then or
 * not, and goes on while Fabric hangs or is down: with fabric_options_set_snapshot_file()
 * every bound that the file knows of counts as seen, also when Fabric answers at the start, and
 * what is held is in the file with its time. While no process runs the time goes on as far as both the time
 * of day and the machine's own clock say so (on Linux, for as long as the machine runs); a clock that is
 * set ends no hold. A topology file may have shards held as well; see
 * TOPOLOGY_FILE.md ("Beside this header"). A handle remembers 32 MiB of such bounds, which is
 * 1,048,576 of them or some 31,000 tables of one shard, and besides whatever one dump stops listing
 * at once; more than that, and those are forgotten that went first, which is logged.
 *
 * @param options  The options.
 * @param time     Milliseconds, 0 (never hold) to @ref FABRIC_MAX_TIME_MS, or
 *                 @ref FABRIC_FOREVER_MS; 600000 unless set.
 * @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_ARGUMENT
 *
 * Never blocks.
 *
 * @since 0.1.0
 */
int32_t fabric_options_set_vanished_hold_ms(struct fabric_options_t *options,
                                            int64_t time);

/**
 * Sets the least time between two reports of one server to Fabric.
 *
 * @param options  The options.
 * @param time     Milliseconds, 0 to @ref FABRIC_MAX_TIME_MS; 10000 unless set.
 * @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_ARGUMENT
 *
 * Never blocks.
 *
 * @since 0.1.0
 */
int32_t fabric_options_set_report_window_ms(struct fabric_options_t *options, int64_t time);

/**
 * Clamps the time to live that each reply of the server carries (1 s unless its administrator
 * changed it). Where a server sends 0, 60 s are clamped.
 *
 * @param options  The options.
 * @param min      Milliseconds, 0 to 86400000 (a day); 0 unless set.
 * @param max      Milliseconds, `min` to 86400000, or 0 for no upper limit; 0 unless set.
 * @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_ARGUMENT
 *
 * Never blocks.
 *
 * @since 0.1.0
 */
int32_t fabric_options_set_ttl_ms(struct fabric_options_t *options, int64_t min, int64_t max);

/**
 * Sets whose answer is given where the server and Connector/Python put a key on different
 * shards.
 *
 * @param options  The options.
 * @param compat   @ref FABRIC_COMPAT_SERVER (the default) or
 *                 @ref FABRIC_COMPAT_CONNECTOR_PYTHON.
 * @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_ARGUMENT
 *
 * Never blocks.
 *
 * @since 0.1.0
 */
int32_t fabric_options_set_compat(struct fabric_options_t *options, int32_t compat);

/**
 * Sets the user and password that the handle itself logs in to MySQL servers with: where its source
 * is one (see fabric_options_set_source()), and to see whether a server that was lost is back (see
 * fabric_options_set_quarantine_ms()), for which the account needs no grant. Those of fabric_options_set_credentials() are Fabric's, and
 * never go to a MySQL server; neither of both is for the connections of the service.
 *
 * mysql_native_password and caching_sha2_password are known. With the latter a server may ask for the
 * password in full, at the first login after its restart or after FLUSH PRIVILEGES: it goes out over
 * verified TLS or a Unix socket alone, unless fabric_options_set_mysql_password_unverified() allows more.
 *
 * @param options   The options.
 * @param user      UTF-8, NUL-terminated, not empty. Copied.
 * @param password  UTF-8, NUL-terminated. Copied; wiped when the last copy is freed.
 * @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_INVALID_UTF8, FABRIC_ERR_ARGUMENT
 *
 * Never blocks.
 *
 * @since 0.1.0
 */
int32_t fabric_options_set_mysql_credentials(struct fabric_options_t *options,
                                             const char *user,
                                             const char *password);

/**
 * Sets how much TLS there must be with the MySQL servers that the handle asks itself.
 *
 * @param options  The options.
 * @param tls_mode @ref FABRIC_TLS_DEFAULT to @ref FABRIC_TLS_VERIFY_IDENTITY, which are the numbers of
 *                 libmysqlclient's `mysql_ssl_mode`.
 * @param ca       The path of a PEM file with the authority's certificate or certificates, or NULL, which
 *                 the modes that verify do not take. Copied. A server's own is `ca.pem` in its data
 *                 directory.
 * @param key      The path of a PEM file with the client's private key, or NULL. Copied.
 * @param cert     The path of a PEM file with the client's certificate, or NULL. Copied. Relative
 *                 paths begin at the working directory of this call.
 * @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_INVALID_UTF8
 * @retval FABRIC_ERR_ARGUMENT  No such mode, a mode that verifies without `ca`, or `key` without `cert`,
 *         or the other way round.
 *
 * Never blocks: the files are read at the first connection, and what is wrong with them is then said as
 * FABRIC_ERR_TLS.
 *
 * @since 0.1.0
 */
int32_t fabric_options_set_mysql_tls(struct fabric_options_t *options,
                                     int32_t tls_mode,
                                     const char *ca,
                                     const char *key,
                                     const char *cert);

/**
 * Allows the password of fabric_options_set_mysql_credentials() to go out in full over TLS that
 * nobody verifies. Whoever can pretend to be the server learns it then. Over a connection without TLS
 * it never goes out in full.
 *
 * @param options  The options.
 * @param on       1 or 0 (the default).
 * @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_ARGUMENT
 *
 * Never blocks.
 *
 * @since 0.1.0
 */
int32_t fabric_options_set_mysql_password_unverified(struct fabric_options_t *options,
                                                     int32_t on);

/**
 * Sets how often the servers of a group that is to be discovered are asked who is its primary: all of
 * them at once, each over one connection that is kept.
 *
 * It is about groups of a source that says how they are discovered, and no others: see
 * fabric_options_set_source(). They are asked sooner after fabric_report_result() with an errno that
 * fabric_errno_action() gives @ref FABRIC_ACTION_ASK_AGAIN for, and while there is no primary and somebody asks
 * for it.
 *
 * @param options   The options.
 * @param interval  Milliseconds, 50 to 60000; 500 unless set.
 * @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_ARGUMENT
 *
 * Never blocks.
 *
 * @since 0.1.0
 */
int32_t fabric_options_set_discovery_interval_ms(struct fabric_options_t *options,
                                                 int64_t interval);

/**
 * Sets how far a server of a discovered group may be behind its source and still take reads.
 *
 * Servers tell it in whole seconds, and one that does not know how far it is behind, as when its
 * source is gone, counts as too far. A primary takes writes whatever this says. Where every
 * secondary is too far behind, reads go where they go in a group that has none.
 *
 * @param options  The options.
 * @param lag      Milliseconds, 0 to 86400000 (a day), or @ref FABRIC_FOREVER_MS, which is any lag and the
 *                 default.
 * @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_ARGUMENT
 *
 * Never blocks.
 *
 * @since 0.1.0
 */
int32_t fabric_options_set_max_replica_lag_ms(struct fabric_options_t *options,
                                              int64_t lag);

/**
 * Sets whether a discovered group in which every member takes writes (Group Replication in
 * multi-primary mode) has a primary.
 *
 * Off, it has none, and its writes are FABRIC_ERR_NO_SERVER: writes to several members at once may meet
 * and roll each other back. On, one member is its primary for this handle, and stays it as long as it is
 * online; each handle chooses for itself.
 *
 * @param options  The options.
 * @param on       1, or 0 (the default).
 * @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_ARGUMENT
 *
 * Never blocks.
 *
 * @since 0.1.0
 */
int32_t fabric_options_set_multi_primary(struct fabric_options_t *options,
                                         int32_t on);

/**
 * Sets whether a discovered group of which no majority is online still takes reads, of the members that
 * answer. What they read may be old, and what was written last may be lost to them.
 *
 * Writes it takes none, whatever this says: they would hang. The metadata of an InnoDB Cluster may
 * allow the reads, too (`unreachable_quorum_allowed_traffic`).
 *
 * @param options  The options.
 * @param on       1, or 0 (the default).
 * @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_ARGUMENT
 *
 * Never blocks.
 *
 * @since 0.1.0
 */
int32_t fabric_options_set_reads_without_majority(struct fabric_options_t *options,
                                                  int32_t on);

/**
 * Sets the zone that the service runs in, such as an availability zone: reads go to servers there first.
 *
 * Of a group, reads go to its secondaries in this zone, by weight and in turns as ever, while one of them
 * is in use: not left out after fabric_report_result(), nor waiting to be tried after that. While none is,
 * they go where they go without a zone: to all secondaries, and to the primary where there is none. Of a
 * server in another zone that was left out, one request may still find out whether it is back, where the
 * handle has no account to do so. Writes are not affected.
 *
 * The zone of a server is said by a topology file (`zone`, and `zones` of a group that is discovered), by
 * the column `zone` of a shard map in tables, or by the tag `zone` of an instance in the metadata of an
 * InnoDB Cluster, ReplicaSet or ClusterSet; the first two count more than the tag. Fabric knows of none. Zones are
 * compared byte by byte.
 *
 * @param options  The options.
 * @param zone     UTF-8, NUL-terminated, at most 64 bytes without control characters; NULL or empty for
 *                 none, which is the default. Copied.
 * @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_INVALID_UTF8
 * @retval FABRIC_ERR_ARGUMENT  Too long, or with control characters.
 *
 * Never blocks.
 *
 * @since 0.1.0
 */
int32_t fabric_options_set_zone(struct fabric_options_t *options,
                                const char *zone);

/**
 * Makes a handle. No I/O: the first lookup, or fabric_seed(), asks Fabric.
 *
 * @param options  The options; copied, so they may be freed or changed right after.
 * @param out      Where the handle goes, to be freed with fabric_free().
 * @param err      Where details of a failure go; may be NULL.
 * @retval FABRIC_OK
 * @retval FABRIC_ERR_NULL_POINTER  `options` or `out` is NULL.
 * @retval FABRIC_ERR_SYSTEM  The system gives this process no random numbers: no getrandom(2), and
 *         no /dev/urandom.
 * @retval FABRIC_ERR_ARGUMENT, FABRIC_ERR_INVALID_UTF8  An option was refused: the status of the
 *         first one that was, with its message.
 *
 * Threads. A handle has threads of its own from its first fetch, report or event on, named
 * `fabric-refresh`, `fabric-report` and so on, until fabric_free(). They take no signal but SIGSEGV,
 * SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT and SIGSYS, which the kernel raises for what a thread
 * itself did: a handler of the service never runs on them, but for the time of a callback, when
 * they have the signal mask of the thread whose call had them started. They have the ordinary
 * scheduling policy, and the processors and the niceness of the process's first thread, whoever
 * called first.
 *
 * Every thread that looks up keeps some 9 KiB for that until it ends, whatever the number of
 * handles, and the last snapshot of up to 8 handles; so memory of a handle that is freed may stay
 * until such a thread ends or looks up again. Threads that use more than 8 handles that live at
 * the same time look up the snapshot of some of them anew at each turn, which costs those calls a
 * little more.
 *
 * Never blocks. Any thread, but the options must not be changed meanwhile.
 *
 * @since 0.1.0
 */
FABRIC_MUST_USE
int32_t fabric_new(const struct fabric_options_t *options,
                   struct fabric_t **out,
                   struct fabric_error_t *err);

/**
 * Frees a handle. The password is wiped from memory.
 *
 * @param f  From fabric_new(), or NULL, which does nothing. No other call may be using it, and
 *           none may be made afterwards.
 *
 * Does not wait for the network, but for an event callback that runs, unless it is the caller, and
 * for a log callback that runs on a thread of the library, which must not be the caller; events that
 * were not delivered by then never are. The descriptor of fabric_event_fd() is closed.
 *
 * @since 0.1.0
 */
void fabric_free(struct fabric_t *f);

/**
 * Ends the waits of all calls that wait for Fabric or for a server now, on all threads, once: they
 * answer FABRIC_ERR_INTERRUPTED, each as soon as its thread runs. Calls that begin later wait as
 * ever. What is being fetched goes on being fetched, unless the system has no thread left and a
 * caller fetches itself: that is cut off.
 *
 * For a service that is to stop, and whose threads may be in a `_wait` call.
 *
 * @param f  The handle; NULL does nothing.
 *
 * Never blocks. Any thread, also in a callback. No signal handler: it takes locks.
 *
 * @since 0.1.0
 */
void fabric_interrupt(const struct fabric_t *f);

/**
 * Asks a Fabric node for the farm's Fabric nodes, and loads the whole farm: all shard maps and
 * all groups, in three requests.
 *
 * A service that uses a small part of a large farm need not call it: lookups fetch what they
 * need. One that wants its first lookup to be fast calls it at start.
 *
 * @param f     The handle.
 * @param host  The node to ask, UTF-8, NUL-terminated; it joins the configured ones for
 *              good and is asked first from now on. NULL asks the configured ones.
 * @param port  Its port, or 0 for that of the protocol: @ref FABRIC_DEFAULT_PORT, or
 *              @ref FABRIC_DEFAULT_MYSQL_PORT. Not used with NULL.
 * @param err   Where details of a failure go; may be NULL.
 * @retval FABRIC_OK
 * @retval FABRIC_ERR_NOT_SEEDED  NULL was given, and no node is configured.
 * @retval FABRIC_ERR_UNREACHABLE, FABRIC_ERR_TIMEOUT, FABRIC_ERR_AUTH, FABRIC_ERR_FORBIDDEN,
 *         FABRIC_ERR_TLS, FABRIC_ERR_PROTOCOL, FABRIC_ERR_REPLY_TOO_LARGE, FABRIC_ERR_FABRIC,
 *         FABRIC_ERR_MYSQL
 *         What the node that got furthest said. Other nodes are tried first.
 * @retval FABRIC_ERR_FILE        The handle routes from a topology file, and it is refused.
 * @retval FABRIC_ERR_NULL_POINTER, FABRIC_ERR_INVALID_UTF8, FABRIC_ERR_ARGUMENT
 *
 * With a topology file, NULL reads it, and a node is FABRIC_ERR_ARGUMENT. With a snapshot file,
 * the first call succeeds from it while no Fabric node answers: after one round over the nodes, or,
 * while they hang, after a second. A log line says so, fabric_topology_age() tells how old it is, and
 * the fetch goes on.
 *
 * Blocks for attempts x request timeout + (attempts - 1) x delay at most, all nodes and requests
 * together (62 s unless the options say otherwise); then it answers @ref FABRIC_ERR_TIMEOUT, and
 * the fetch goes on. fabric_interrupt() ends the wait. In a callback it is begun, and answers
 * @ref FABRIC_ERR_WOULD_BLOCK. Any thread.
 *
 * @since 0.1.0
 */
FABRIC_MUST_USE
int32_t fabric_seed(const struct fabric_t *f,
                    const char *host,
                    uint16_t port,
                    struct fabric_error_t *err);

/**
 * An integer key: for RANGE, RANGE_INTEGER and HASH.
 *
 * HASH takes it as its decimal text, as the server does.
 *
 * @param value  Any signed 64-bit integer.
 * @return The key, by value; nothing to free.
 *
 * Never blocks. Any thread.
 *
 * @since 0.1.0
 */
struct fabric_key_t fabric_key_int(int64_t value);

/**
 * An integer key of a column without a sign (BIGINT UNSIGNED): for RANGE, RANGE_INTEGER and HASH.
 *
 * RANGE and RANGE_INTEGER have bounds of 64 bits with a sign; what is above them all belongs to the
 * highest shard, as the server decides. HASH takes the key as its decimal text. RANGE_STRING and
 * RANGE_DATETIME refuse it, as they do fabric_key_int(): FABRIC_ERR_KEY_TYPE.
 *
 * @param value  Any unsigned 64-bit integer. Up to INT64_MAX it makes the key that
 *               fabric_key_int() makes.
 * @return The key, by value; nothing to free.
 *
 * Never blocks. Any thread.
 *
 * @since 0.1.0
 */
struct fabric_key_t fabric_key_uint(uint64_t value);

/**
 * A text key: a string or a date and time, in UTF-8.
 *
 * - HASH and RANGE_STRING take any text, the empty one among them.
 * - RANGE_DATETIME takes `YYYY-MM-DD`, `YYYY-MM-DD hh:mm[:ss[.fraction]]` (a blank or a `T`
 *   between), `YYYYMMDD` and `YYYYMMDDhhmmss[.fraction]`, without a time zone. Fractions
 *   round to whole seconds, half up, as the server's CAST does. Month and day may be 00, as MySQL
 *   allows it: `2010-05-00` comes before the first of May. A fraction that would round such a date
 *   up is refused, as the server refuses it.
 * - RANGE and RANGE_INTEGER take a plain decimal integer of any length, "-12" or "+7" or "007".
 *   Above 2^63 - 1 it belongs to the highest shard, and below -2^63 to none:
 *   FABRIC_ERR_KEY_OUT_OF_RANGE.
 *
 * @param text    The bytes; need no terminating NUL; may be NULL if `length` is 0. They are
 *                not copied: they must stay until the call that uses the key returns.
 * @param length  The number of bytes, 1048576 (1 MiB) at most: a lookup of more answers
 *                FABRIC_ERR_ARGUMENT. It takes time in proportion to them.
 * @return The key, by value; nothing to free. What is wrong with it (NULL, not UTF-8) is said
 *         by the call that uses it.
 *
 * Never blocks. Any thread.
 *
 * @since 0.1.0
 */
struct fabric_key_t fabric_key_text(const char *text, size_t length);

/**
 * Which server holds these tables and this key?
 *
 * The shard is the one the Fabric server itself would name: the greatest lower bound that is
 * not above the key. RANGE types have no shard below the lowest bound; HASH is a ring, where a
 * digest below every bound belongs to the highest one.
 *
 * Writes (@ref FABRIC_MODE_WRITEONLY, @ref FABRIC_MODE_READWRITE) go to the group's primary.
 * Reads (@ref FABRIC_MODE_READONLY) and @ref FABRIC_MODE_NONE go to the secondaries by weight, those
 * of the service's own zone first (fabric_options_set_zone()), and to the primary where there is none;
 * or as fabric_options_set_read_preference() has it. A server whose own mode forbids it is not chosen.
 *
 * @param f       The handle.
 * @param tables  `n` names of the form `db.table`, each UTF-8 and NUL-terminated, spelled as in
 *                Fabric. All must lie in one group for this key.
 * @param n       The number of tables, 1 to 1024.
 * @param key     The sharding key; may be NULL with @ref FABRIC_SCOPE_GLOBAL.
 * @param scope   @ref FABRIC_SCOPE_LOCAL or @ref FABRIC_SCOPE_GLOBAL. Their numbers are none of a
 *                mode or a status, so that one in the place of the other is refused; modes and
 *                statuses share Fabric's numbers, and cannot be told apart.
 * @param mode    One of FABRIC_MODE_NONE, _READONLY, _WRITEONLY, _READWRITE.
 * @param server  Where the server goes; left alone on failure.
 * @param err     Where details of a failure go; may be NULL.
 * @retval FABRIC_OK
 * @retval FABRIC_ERR_UNKNOWN_TABLE, FABRIC_ERR_UNSUPPORTED_SHARDING
 * @retval FABRIC_ERR_KEY_MISSING, FABRIC_ERR_KEY_TYPE, FABRIC_ERR_KEY_OUT_OF_RANGE
 * @retval FABRIC_ERR_DIFFERENT_SHARDS  Look the tables up one by one.
 * @retval FABRIC_ERR_NO_SERVER         No server of the group serves this mode now; try again.
 * @retval FABRIC_ERR_WRITE_HELD        The group's primary refused a write; see
 *                                      fabric_report_result(). Or the shard is READ_ONLY in its map.
 * @retval FABRIC_ERR_SHARD_UNAVAILABLE Fabric stopped listing the key's shard; see
 *                                      fabric_options_set_vanished_hold_ms().
 * @retval FABRIC_ERR_STALE             See fabric_options_set_max_stale_ms().
 * @retval FABRIC_ERR_WOULD_BLOCK       The tables are not known, and the lookup timeout is 0, or
 *                                      the call is made in a callback. They are being fetched.
 * @retval FABRIC_ERR_INTERRUPTED       See fabric_interrupt().
 * @retval FABRIC_ERR_TABLE_NAME, FABRIC_ERR_INVALID_UTF8, FABRIC_ERR_NULL_POINTER,
 *         FABRIC_ERR_ARGUMENT
 * @retval FABRIC_ERR_NOT_SEEDED, FABRIC_ERR_UNREACHABLE, FABRIC_ERR_TIMEOUT, FABRIC_ERR_AUTH,
 *         FABRIC_ERR_FORBIDDEN, FABRIC_ERR_TLS, FABRIC_ERR_PROTOCOL,
 *         FABRIC_ERR_REPLY_TOO_LARGE, FABRIC_ERR_FABRIC, FABRIC_ERR_FILE, FABRIC_ERR_MYSQL,
 *         FABRIC_ERR_SYSTEM
 *         The tables had to be fetched first, and could not be; FABRIC_ERR_FILE from a topology
 *         file, FABRIC_ERR_SYSTEM where the system has no thread, descriptor or random number left. FABRIC_ERR_TIMEOUT also when the
 *         lookup timeout is over; the fetch goes on then. FABRIC_ERR_PROTOCOL is also for a name
 *         that is longer than Fabric's schema allows.
 *
 * Does not block, allocate, or make a system call when the tables are known and fresh. When they
 * are not known yet it waits for a thread of the library to fetch them, for the lookup timeout at
 * most (fabric_options_set_lookup_timeout_ms(), 5 s unless set), whatever Fabric does; so it does
 * when nobody has asked for them for two times to live. When they are known and past their time to
 * live they serve while they are fetched. A table that a farm which was loaded whole
 * (fabric_seed()) does not have is refused at once, and looked for meanwhile. Any thread.
 *
 * The thread needs 64 KiB of stack, as for any other call of the library; but 256 KiB where the
 * system may have no thread left for it, since the call then fetches itself. pthread_cancel() does not
 * end it inside a call, but at its first cancellation point afterwards, if its cancellation is
 * deferred, as it is by default: a thread whose cancellation is asynchronous may call no library,
 * this one neither. fabric_interrupt() ends the call.
 *
 * @since 0.1.0
 */
FABRIC_MUST_USE
int32_t fabric_get_shard_server(const struct fabric_t *f,
                                const char *const *tables,
                                size_t n,
                                const struct fabric_key_t *key,
                                int32_t scope,
                                int32_t mode,
                                struct fabric_server_t *server,
                                struct fabric_error_t *err);

/**
 * Which server of this group serves this mode or status?
 *
 * @param f       The handle.
 * @param group   The group's name, UTF-8, NUL-terminated, spelled as in Fabric.
 * @param mode    As for fabric_get_shard_server(); @ref FABRIC_MODE_NONE with a status. Neither is
 *                as @ref FABRIC_MODE_NONE there: a read.
 * @param status  @ref FABRIC_STATUS_NONE with a mode, @ref FABRIC_STATUS_PRIMARY for the
 *                primary, @ref FABRIC_STATUS_SECONDARY for a read: a secondary, or the primary where
 *                there is none, or as fabric_options_set_read_preference() has it, which may be the
 *                primary. Others never serve: FABRIC_ERR_NO_SERVER.
 * @param server  Where the server goes; left alone on failure.
 * @param err     Where details of a failure go; may be NULL.
 * @retval FABRIC_OK
 * @retval FABRIC_ERR_UNKNOWN_GROUP  Fabric lists no server of this group.
 * @retval FABRIC_ERR_NO_SERVER      No server of the group serves this now; try again.
 * @retval FABRIC_ERR_WRITE_HELD, FABRIC_ERR_STALE  As for fabric_get_shard_server().
 * @retval FABRIC_ERR_ARGUMENT       Mode and status are both given, or outside their range, or
 *                                   the name is empty.
 * @retval FABRIC_ERR_NULL_POINTER, FABRIC_ERR_INVALID_UTF8
 * @retval other                     The group had to be fetched first, as for
 *                                   fabric_get_shard_server(), and could not be.
 *
 * Blocks as fabric_get_shard_server() does. Any thread.
 *
 * @since 0.1.0
 */
FABRIC_MUST_USE
int32_t fabric_get_group_server(const struct fabric_t *f,
                                const char *group,
                                int32_t mode,
                                int32_t status,
                                struct fabric_server_t *server,
                                struct fabric_error_t *err);

/**
 * As fabric_get_shard_server(), but waits for a server instead of refusing: after
 * fabric_report_result() told of a failure, it returns as soon as there is a server that has not
 * failed, such as a newer primary. A server that has failed and may be tried by now (see
 * fabric_options_set_quarantine_ms()) goes to one of those who wait; the others wait on. Tell
 * fabric_report_result() what became of it, 0 or an errno, and they get it, or another one.
 *
 * @param f         The handle.
 * @param tables    As for fabric_get_shard_server().
 * @param n         As for fabric_get_shard_server().
 * @param key       As for fabric_get_shard_server().
 * @param scope     As for fabric_get_shard_server().
 * @param mode      As for fabric_get_shard_server().
 * @param deadline  How long to wait at most, in milliseconds, 0 to @ref FABRIC_MAX_TIME_MS. 0 answers
 *                  from what is known, or @ref FABRIC_ERR_WOULD_BLOCK, and never waits.
 * @param server    Where the server goes; left alone on failure.
 * @param err       Where details of a failure go; may be NULL.
 * @retval FABRIC_OK
 * @retval FABRIC_ERR_NO_SERVER, FABRIC_ERR_WRITE_HELD, FABRIC_ERR_SHARD_UNAVAILABLE,
 *         FABRIC_ERR_STALE, FABRIC_ERR_TIMEOUT, FABRIC_ERR_UNREACHABLE, FABRIC_ERR_PROTOCOL,
 *         FABRIC_ERR_SYSTEM
 *         The deadline passed; what was waited for says the message.
 * @retval FABRIC_ERR_WOULD_BLOCK  The deadline is 0, or this is a callback, and the tables are not
 *                                 known; they are being fetched. Where the system has no thread left
 *                                 to fetch them it is FABRIC_ERR_SYSTEM, here and in any call that
 *                                 may not wait.
 * @retval FABRIC_ERR_INTERRUPTED  See fabric_interrupt().
 * @retval other  As for fabric_get_shard_server(), at once: what time does not heal is not
 *                waited for.
 *
 * Blocks for the deadline at most, also for a table that is not known yet. Fabric is asked every
 * 100 ms meanwhile, however many callers of the handle wait. Any thread.
 *
 * @since 0.1.0
 */
FABRIC_MUST_USE
int32_t fabric_get_shard_server_wait(const struct fabric_t *f,
                                     const char *const *tables,
                                     size_t n,
                                     const struct fabric_key_t *key,
                                     int32_t scope,
                                     int32_t mode,
                                     int64_t deadline,
                                     struct fabric_server_t *server,
                                     struct fabric_error_t *err);

/**
 * As fabric_get_group_server(), but waits for a server instead of refusing, as
 * fabric_get_shard_server_wait() does.
 *
 * @param f         The handle.
 * @param group     As for fabric_get_group_server().
 * @param mode      As for fabric_get_group_server().
 * @param status    As for fabric_get_group_server().
 * @param deadline  As for fabric_get_shard_server_wait().
 * @param server    Where the server goes; left alone on failure.
 * @param err       Where details of a failure go; may be NULL.
 * @retval FABRIC_OK
 * @retval FABRIC_ERR_UNKNOWN_GROUP  The deadline passed, and Fabric lists no server of the group.
 * @retval other  As for fabric_get_shard_server_wait().
 *
 * Blocks as fabric_get_shard_server_wait() does. Any thread.
 *
 * @since 0.1.0
 */
FABRIC_MUST_USE
int32_t fabric_get_group_server_wait(const struct fabric_t *f,
                                     const char *group,
                                     int32_t mode,
                                     int32_t status,
                                     int64_t deadline,
                                     struct fabric_server_t *server,
                                     struct fabric_error_t *err);

/**
 * All servers of a group, in Fabric's order, those that never serve among them.
 *
 * @param f          The handle.
 * @param group      The group's name, UTF-8, NUL-terminated, spelled as in Fabric.
 * @param use_cache  Not 0: what is known and fresh will do. 0: Fabric is asked now.
 * @param out        Room for `capacity` servers; may be NULL if `capacity` is 0.
 * @param capacity   How many fit.
 * @param count      Where the number of servers goes, also with FABRIC_ERR_BUFFER_TOO_SMALL.
 * @param err        Where details of a failure go; may be NULL.
 * @retval FABRIC_OK
 * @retval FABRIC_ERR_BUFFER_TOO_SMALL  Nothing was written but `*count`; call again.
 * @retval FABRIC_ERR_UNKNOWN_GROUP     Fabric lists no server of this group.
 * @retval FABRIC_ERR_NO_SERVER         The group is there and none of its servers is to be used now,
 *                                      as without a majority; the message says why.
 * @retval FABRIC_ERR_ARGUMENT, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_INVALID_UTF8
 * @retval other                        The group could not be fetched, as for
 *                                      fabric_get_shard_server().
 *
 * Blocks as fabric_get_shard_server() does, with `use_cache` 0 always. Any thread.
 *
 * @since 0.1.0
 */
FABRIC_MUST_USE
int32_t fabric_get_group_servers(const struct fabric_t *f,
                                 const char *group,
                                 int32_t use_cache,
                                 struct fabric_server_t *out,
                                 size_t capacity,
                                 size_t *count,
                                 struct fabric_error_t *err);

/**
 * Opens tables for many lookups. What fabric_get_shard_server() finds out about their names in
 * every call is found out once per refresh.
 *
 * @param f       The handle. It may be freed first; the tables then go on from the topology that
 *                was known last, which nobody refreshes.
 * @param tables  `n` names of the form `db.table`, each UTF-8 and NUL-terminated; copied.
 * @param n       The number of tables, 1 to 1024.
 * @param out     Where the tables go, to be freed with fabric_table_free().
 * @param err     Where details of a failure go; may be NULL.
 * @retval FABRIC_OK
 * @retval FABRIC_ERR_UNKNOWN_TABLE, FABRIC_ERR_UNSUPPORTED_SHARDING
 * @retval FABRIC_ERR_TABLE_NAME, FABRIC_ERR_INVALID_UTF8, FABRIC_ERR_NULL_POINTER,
 *         FABRIC_ERR_ARGUMENT
 * @retval other  The tables had to be fetched first, and could not be, as for
 *                fabric_get_shard_server().
 *
 * Blocks as fabric_get_shard_server() does when the tables are not known yet. Any thread.
 *
 * @since 0.1.0
 */
FABRIC_MUST_USE
int32_t fabric_table_open(const struct fabric_t *f,
                          const char *const *tables,
                          size_t n,
                          struct fabric_table_t **out,
                          struct fabric_error_t *err);

/**
 * Which server holds the tables' rows of this key? As fabric_get_shard_server(), in everything.
 *
 * @param t       The tables.
 * @param key     As for fabric_get_shard_server().
 * @param scope   As for fabric_get_shard_server().
 * @param mode    As for fabric_get_shard_server().
 * @param server  Where the server goes; left alone on failure.
 * @param err     Where details of a failure go; may be NULL.
 * @retval FABRIC_OK
 * @retval other  As for fabric_get_shard_server(). FABRIC_ERR_UNKNOWN_TABLE: Fabric has stopped
 *                listing a table.
 *
 * Blocks as fabric_get_shard_server() does. Any thread.
 *
 * @since 0.1.0
 */
FABRIC_MUST_USE
int32_t fabric_table_get_server(const struct fabric_table_t *t,
                                const struct fabric_key_t *key,
                                int32_t scope,
                                int32_t mode,
                                struct fabric_server_t *server,
                                struct fabric_error_t *err);

/**
 * As fabric_table_get_server(), but waits for a server instead of refusing, as
 * fabric_get_shard_server_wait() does.
 *
 * @param t         The tables.
 * @param key       As for fabric_get_shard_server().
 * @param scope     As for fabric_get_shard_server().
 * @param mode      As for fabric_get_shard_server().
 * @param deadline  As for fabric_get_shard_server_wait().
 * @param server    Where the server goes; left alone on failure.
 * @param err       Where details of a failure go; may be NULL.
 * @retval FABRIC_OK
 * @retval other  As for fabric_get_shard_server_wait().
 *
 * Blocks as fabric_get_shard_server_wait() does. Any thread.
 *
 * @since 0.1.0
 */
FABRIC_MUST_USE
int32_t fabric_table_get_server_wait(const struct fabric_table_t *t,
                                     const struct fabric_key_t *key,
                                     int32_t scope,
                                     int32_t mode,
                                     int64_t deadline,
                                     struct fabric_server_t *server,
                                     struct fabric_error_t *err);

/**
 * Frees opened tables.
 *
 * @param t  From fabric_table_open(), or NULL, which does nothing. No other call may be using it,
 *           and none may be made afterwards.
 *
 * Never blocks. Any thread.
 *
 * @since 0.1.0
 */
void fabric_table_free(struct fabric_table_t *t);

/**
 * Integer keys: for RANGE, RANGE_INTEGER and HASH, as fabric_key_int().
 *
 * @param values  Any signed 64-bit integers; may be NULL if `n` is 0. They are not copied: they
 *                must stay until the call that uses the keys returns.
 * @param n       How many.
 * @return The keys, by value; nothing to free. What is wrong with them is said by the call that
 *         uses them.
 *
 * Never blocks. Any thread.
 *
 * @since 0.1.0
 */
struct fabric_keys_t fabric_keys_int(const int64_t *values, size_t n);

/**
 * Integer keys of a column without a sign: for RANGE, RANGE_INTEGER and HASH, as
 * fabric_key_uint().
 *
 * @param values  Any unsigned 64-bit integers; may be NULL if `n` is 0. They are not copied: they
 *                must stay until the call that uses the keys returns.
 * @param n       How many.
 * @return The keys, by value; nothing to free. What is wrong with them is said by the call that
 *         uses them.
 *
 * Never blocks. Any thread.
 *
 * @since 0.1.0
 */
struct fabric_keys_t fabric_keys_uint(const uint64_t *values, size_t n);

/**
 * Text keys, as fabric_key_text().
 *
 * @param texts    The bytes of each key; need no terminating NUL; one may be NULL if its length
 *                 is 0, and all if `n` is 0. They are not copied: they and the array must stay
 *                 until the call that uses the keys returns.
 * @param lengths  The number of bytes of each key; may be NULL if `n` is 0. Not copied either.
 * @param n        How many.
 * @return The keys, by value; nothing to free. What is wrong with them is said by the call that
 *         uses them.
 *
 * Never blocks. Any thread.
 *
 * @since 0.1.0
 */
struct fabric_keys_t fabric_keys_text(const char *const *texts, const size_t *lengths, size_t n);

/**
 * Which servers hold these tables and each of many keys?
 *
 * As fabric_get_shard_server() for each key, but in one call, in one state of the farm, and much
 * faster for HASH. Each key gets an index into a short list with one server of each group that is
 * met: keys with the same index go into one statement.
 *
 * A key fails alone: it gets @ref FABRIC_NO_INDEX and a status of its own, and so do the keys of a
 * group that has no server for this mode now. The call then returns FABRIC_ERR_SOME_KEYS, and all
 * other keys have been answered.
 *
 * @param f           The handle.
 * @param tables      As for fabric_get_shard_server().
 * @param n           As for fabric_get_shard_server().
 * @param keys        The keys; with @ref FABRIC_SCOPE_GLOBAL they say only how many, and are read all the same.
 * @param scope       As for fabric_get_shard_server().
 * @param mode        As for fabric_get_shard_server().
 * @param out_index   Room for the index of each key's server in `servers`.
 * @param out_status  Room for the status of each key: FABRIC_OK, or what
 *                    fabric_get_shard_server() returns for such a key or group; may be NULL.
 * @param servers     Room for `capacity` servers, in the order in which their groups are met; may
 *                    be NULL if `capacity` is 0. As many as there are keys or groups always
 *                    suffice.
 * @param capacity    How many fit.
 * @param count       Where the number of servers goes, also with FABRIC_ERR_SOME_KEYS and
 *                    FABRIC_ERR_BUFFER_TOO_SMALL.
 * @param err         Where details of a failure go; may be NULL. Of FABRIC_ERR_SOME_KEYS it names
 *                    the first such key and why it failed.
 * @retval FABRIC_OK
 * @retval FABRIC_ERR_SOME_KEYS         Some keys have no server; the others have theirs.
 * @retval FABRIC_ERR_BUFFER_TOO_SMALL  There are more servers; call again.
 * @retval FABRIC_ERR_UNKNOWN_TABLE, FABRIC_ERR_UNSUPPORTED_SHARDING
 * @retval FABRIC_ERR_STALE, FABRIC_ERR_TABLE_NAME, FABRIC_ERR_INVALID_UTF8,
 *         FABRIC_ERR_NULL_POINTER, FABRIC_ERR_ARGUMENT
 * @retval other  The tables had to be fetched first, as for fabric_get_shard_server(), and could
 *                not be.
 *
 * After any other failure than FABRIC_ERR_SOME_KEYS the contents of `out_index`, `out_status` and
 * `servers` are undefined.
 *
 * Blocks as fabric_get_shard_server() does. Allocates nothing when the tables are known and fresh
 * and the keys lie in up to 64 groups. Any thread.
 *
 * @since 0.1.0
 */
FABRIC_MUST_USE
int32_t fabric_get_shard_servers(const struct fabric_t *f,
                                 const char *const *tables,
                                 size_t n,
                                 const struct fabric_keys_t *keys,
                                 int32_t scope,
                                 int32_t mode,
                                 uint32_t *out_index,
                                 int32_t *out_status,
                                 struct fabric_server_t *servers,
                                 size_t capacity,
                                 size_t *count,
                                 struct fabric_error_t *err);

/**
 * Groups many keys by the server that holds them, in a stable order.
 *
 * As fabric_get_shard_servers(), but the answer is a permutation of the keys' positions: those of
 * `servers[i]` are `order[starts[i]]` to `order[starts[i + 1] - 1]`, in ascending order. The
 * positions of keys without a server come behind, from `order[starts[*count]]` on.
 *
 * @param f           The handle.
 * @param tables      As for fabric_get_shard_server().
 * @param n           As for fabric_get_shard_server().
 * @param keys        As for fabric_get_shard_servers().
 * @param scope       As for fabric_get_shard_server().
 * @param mode        As for fabric_get_shard_server().
 * @param order       Room for as many positions as there are keys.
 * @param starts      Room for `capacity` + 1 positions in `order`.
 * @param out_status  As for fabric_get_shard_servers(), by the keys' positions; may be NULL.
 * @param servers     As for fabric_get_shard_servers().
 * @param capacity    How many servers fit.
 * @param count       As for fabric_get_shard_servers().
 * @param err         As for fabric_get_shard_servers(); may be NULL.
 * @retval other  As for fabric_get_shard_servers().
 *
 * After any other failure than FABRIC_ERR_SOME_KEYS the contents of `order`, `starts`,
 * `out_status` and `servers` are undefined.
 *
 * Blocks as fabric_get_shard_server() does. Allocates only for more than 256 keys or 64 servers,
 * and then once or twice a call. Any thread.
 *
 * @since 0.1.0
 */
FABRIC_MUST_USE
int32_t fabric_split_keys(const struct fabric_t *f,
                          const char *const *tables,
                          size_t n,
                          const struct fabric_keys_t *keys,
                          int32_t scope,
                          int32_t mode,
                          size_t *order,
                          size_t *starts,
                          int32_t *out_status,
                          struct fabric_server_t *servers,
                          size_t capacity,
                          size_t *count,
                          struct fabric_error_t *err);

/**
 * As fabric_get_shard_servers(), of tables that were opened, in everything.
 *
 * @param t           The tables.
 * @param keys        As for fabric_get_shard_servers().
 * @param scope       As for fabric_get_shard_servers().
 * @param mode        As for fabric_get_shard_servers().
 * @param out_index   As for fabric_get_shard_servers().
 * @param out_status  As for fabric_get_shard_servers(); may be NULL.
 * @param servers     As for fabric_get_shard_servers().
 * @param capacity    As for fabric_get_shard_servers().
 * @param count       As for fabric_get_shard_servers().
 * @param err         As for fabric_get_shard_servers(); may be NULL.
 * @retval other  As for fabric_get_shard_servers(). FABRIC_ERR_UNKNOWN_TABLE: Fabric has stopped
 *                listing a table.
 *
 * Blocks as fabric_get_shard_server() does. Allocates nothing for one table that is known and fresh, where
 * the keys lie in up to 64 groups. Any thread.
 *
 * @since 0.1.0
 */
FABRIC_MUST_USE
int32_t fabric_table_get_servers(const struct fabric_table_t *t,
                                 const struct fabric_keys_t *keys,
                                 int32_t scope,
                                 int32_t mode,
                                 uint32_t *out_index,
                                 int32_t *out_status,
                                 struct fabric_server_t *servers,
                                 size_t capacity,
                                 size_t *count,
                                 struct fabric_error_t *err);

/**
 * Which servers hold these tables and this key, in the order in which they should be tried?
 *
 * The first is the one that fabric_get_shard_server() would give, as far as `choice` leaves it that. Behind
 * it stand the others that reads go to, by the same turns and weights; then those that reads go to where
 * none of these is left, such as secondaries of other zones, and the primary; and last those that are left
 * out after fabric_report_result(), for who would rather try than give up. A server stands there once. For writes there is one, the
 * primary.
 *
 * A call takes one turn, as a lookup does: of the same choice the first servers of many calls have their
 * exact shares, on each thread by itself, and among threads that call once. Another choice has turns of its own.
 *
 * @param f         The handle.
 * @param tables    As for fabric_get_shard_server().
 * @param n         As for fabric_get_shard_server().
 * @param key       As for fabric_get_shard_server().
 * @param scope     As for fabric_get_shard_server().
 * @param mode      As for fabric_get_shard_server().
 * @param choice    What this call wants otherwise than the handle; NULL for nothing.
 * @param out       Room for `capacity` servers.
 * @param capacity  How many are wanted, at least 1: those that should be tried first.
 * @param count     Where the number of servers goes that were written, 1 to `capacity`.
 * @param err       Where details of a failure go; may be NULL.
 * @retval FABRIC_OK
 * @retval FABRIC_ERR_NO_SERVER  Also if all servers that may serve are excluded.
 * @retval FABRIC_ERR_ARGUMENT   Also for a choice that is none, and for `capacity` 0.
 * @retval other                 As for fabric_get_shard_server().
 *
 * Blocks as fabric_get_shard_server() does. Allocates. Any thread.
 *
 * @since 0.1.0
 */
FABRIC_MUST_USE
int32_t fabric_choose_shard_servers(const struct fabric_t *f,
                                    const char *const *tables,
                                    size_t n,
                                    const struct fabric_key_t *key,
                                    int32_t scope,
                                    int32_t mode,
                                    const struct fabric_choice_t *choice,
                                    struct fabric_server_t *out,
                                    size_t capacity,
                                    size_t *count,
                                    struct fabric_error_t *err);

/**
 * Which servers of this group serve this mode, in the order in which they should be tried?
 *
 * As fabric_choose_shard_servers(), in everything.
 *
 * @param f         The handle.
 * @param group     As for fabric_get_group_server().
 * @param mode      As for fabric_get_group_server(), with @ref FABRIC_STATUS_NONE.
 * @param choice    As for fabric_choose_shard_servers(); may be NULL.
 * @param out       As for fabric_choose_shard_servers().
 * @param capacity  As for fabric_choose_shard_servers().
 * @param count     As for fabric_choose_shard_servers().
 * @param err       Where details of a failure go; may be NULL.
 * @retval FABRIC_OK
 * @retval FABRIC_ERR_NO_SERVER  Also if all servers that may serve are excluded.
 * @retval FABRIC_ERR_ARGUMENT   Also for a choice that is none, and for `capacity` 0.
 * @retval other                 As for fabric_get_group_server().
 *
 * Blocks as fabric_get_shard_server() does. Allocates. Any thread.
 *
 * @since 0.1.0
 */
FABRIC_MUST_USE
int32_t fabric_choose_group_servers(const struct fabric_t *f,
                                    const char *group,
                                    int32_t mode,
                                    const struct fabric_choice_t *choice,
                                    struct fabric_server_t *out,
                                    size_t capacity,
                                    size_t *count,
                                    struct fabric_error_t *err);

/**
 * Sets which servers of a group reads go to, for all lookups of the handle with @ref FABRIC_MODE_READONLY,
 * @ref FABRIC_MODE_NONE or @ref FABRIC_STATUS_SECONDARY.
 *
 * | preference | reads go to |
 * |---|---|
 * | @ref FABRIC_PREFER_SECONDARY | the secondaries; the primary where none of them is in use. The default |
 * | @ref FABRIC_PREFER_SECONDARY_ONLY | the secondaries; refused with FABRIC_ERR_NO_SERVER where there is none |
 * | @ref FABRIC_PREFER_PRIMARY | the primary; the secondaries where it is not in use: what was written is read, but during a failover |
 * | @ref FABRIC_PREFER_NEAREST | secondaries and primary alike |
 *
 * Among several it goes by weight, and those of the service's own zone come first
 * (fabric_options_set_zone()). "In use" is one that takes reads and is not left out after
 * fabric_report_result(). Writes go to the primary.
 *
 * @param options     The options.
 * @param preference  One of FABRIC_PREFER_*.
 * @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_ARGUMENT
 *
 * Never blocks.
 *
 * @since 0.1.0
 */
int32_t fabric_options_set_read_preference(struct fabric_options_t *options,
                                           int32_t preference);

/**
 * The shards of a table, in the order of their lower bounds.
 *
 * A disabled shard is not among them: Fabric does not list it. Neither is one whose keys are held
 * (see fabric_options_set_vanished_hold_ms()), nor one of which Fabric told no more than the group.
 * A READ_ONLY one is, and says so in `state`. The keys of the others are not in the shard before: place
 * keys by lookups, or intervals by fabric_get_shards_in_range(), which know of them, and not by this
 * list.
 *
 * @param f         The handle.
 * @param table     A name of the form `db.table`, UTF-8, NUL-terminated.
 * @param out       Room for `capacity` shards; may be NULL if `capacity` is 0.
 * @param capacity  How many fit.
 * @param count     Where the number of shards goes, also with FABRIC_ERR_BUFFER_TOO_SMALL.
 * @param err       Where details of a failure go; may be NULL.
 * @retval FABRIC_OK
 * @retval FABRIC_ERR_BUFFER_TOO_SMALL  Nothing was written but `*count`; call again.
 * @retval FABRIC_ERR_UNKNOWN_TABLE, FABRIC_ERR_UNSUPPORTED_SHARDING
 * @retval FABRIC_ERR_TABLE_NAME, FABRIC_ERR_INVALID_UTF8, FABRIC_ERR_NULL_POINTER
 * @retval FABRIC_ERR_PROTOCOL          A name or a bound is longer than there is room for, which
 *                                      Fabric's schema does not allow.
 * @retval other                        The table could not be fetched, as for
 *                                      fabric_get_shard_server().
 *
 * Blocks as fabric_get_shard_server() does. Any thread.
 *
 * @since 0.1.0
 */
FABRIC_MUST_USE
int32_t fabric_get_shards(const struct fabric_t *f,
                          const char *table,
                          struct fabric_shard_t *out,
                          size_t capacity,
                          size_t *count,
                          struct fabric_error_t *err);

/**
 * Which shard holds this key? It is the one that fabric_get_shard_server() goes by.
 *
 * @param f      The handle.
 * @param table  A name of the form `db.table`, UTF-8, NUL-terminated.
 * @param key    The sharding key.
 * @param shard  Where the shard goes; left alone on failure. The `shard_id` of one that Fabric does not
 *               list, but whose group it told, is 0.
 * @param err    Where details of a failure go; may be NULL.
 * @retval FABRIC_OK
 * @retval FABRIC_ERR_KEY_MISSING, FABRIC_ERR_KEY_TYPE, FABRIC_ERR_KEY_OUT_OF_RANGE
 * @retval FABRIC_ERR_SHARD_UNAVAILABLE  As for fabric_get_shard_server().
 * @retval FABRIC_ERR_UNKNOWN_TABLE, FABRIC_ERR_UNSUPPORTED_SHARDING
 * @retval FABRIC_ERR_TABLE_NAME, FABRIC_ERR_INVALID_UTF8, FABRIC_ERR_NULL_POINTER,
 *         FABRIC_ERR_ARGUMENT
 * @retval FABRIC_ERR_PROTOCOL           As for fabric_get_shards().
 * @retval other                         The table could not be fetched, as for
 *                                       fabric_get_shard_server().
 *
 * Blocks as fabric_get_shard_server() does. Any thread.
 *
 * @since 0.1.0
 */
FABRIC_MUST_USE
int32_t fabric_get_shard(const struct fabric_t *f,
                         const char *table,
                         const struct fabric_key_t *key,
                         struct fabric_shard_t *shard,
                         struct fabric_error_t *err);

/**
 * Which shards does `BETWEEN low AND high` touch?
 *
 * For the RANGE types those that hold keys from `low` to `high`, both included, in the order of
 * their lower bounds; for HASH, which scatters every interval, all of them, and the keys are not
 * looked at. A `low` below the lowest bound counts as the lowest bound, and a `low` above `high`
 * touches nothing. With @ref FABRIC_COMPAT_CONNECTOR_PYTHON the keys of RANGE below the lowest
 * bound are in the highest shard, which then comes last.
 *
 * @param f         The handle.
 * @param table     A name of the form `db.table`, UTF-8, NUL-terminated.
 * @param low       The lowest key; NULL for no limit.
 * @param high      The highest key; NULL for no limit.
 * @param out       Room for `capacity` shards; may be NULL if `capacity` is 0. Several may lie in
 *                  one group. The `shard_id` of a shard that Fabric does not list, but whose group
 *                  it told, is 0.
 * @param capacity  How many fit.
 * @param count     Where the number of shards goes, also with FABRIC_ERR_BUFFER_TOO_SMALL; 0 is
 *                  possible.
 * @param err       Where details of a failure go; may be NULL.
 * @retval FABRIC_OK
 * @retval FABRIC_ERR_BUFFER_TOO_SMALL   Nothing was written but `*count`; call again.
 * @retval FABRIC_ERR_KEY_TYPE, FABRIC_ERR_KEY_OUT_OF_RANGE
 *                                       As for fabric_get_shard_server(), but a key below the
 *                                       lowest bound is none of them.
 * @retval FABRIC_ERR_SHARD_UNAVAILABLE  Fabric stopped listing one of the shards; try again later.
 * @retval FABRIC_ERR_UNKNOWN_TABLE, FABRIC_ERR_UNSUPPORTED_SHARDING
 * @retval FABRIC_ERR_TABLE_NAME, FABRIC_ERR_INVALID_UTF8, FABRIC_ERR_NULL_POINTER,
 *         FABRIC_ERR_ARGUMENT
 * @retval FABRIC_ERR_PROTOCOL, FABRIC_ERR_FILE, FABRIC_ERR_MYSQL
 *                                       As for fabric_get_shards().
 * @retval other                         The table could not be fetched, as for
 *                                       fabric_get_shard_server().
 *
 * Blocks as fabric_get_shard_server() does. Any thread.
 *
 * @since 0.1.0
 */
FABRIC_MUST_USE
int32_t fabric_get_shards_in_range(const struct fabric_t *f,
                                   const char *table,
                                   const struct fabric_key_t *low,
                                   const struct fabric_key_t *high,
                                   struct fabric_shard_t *out,
                                   size_t capacity,
                                   size_t *count,
                                   struct fabric_error_t *err);

/**
 * The tables that the handle knows, in the order of their names' bytes.
 *
 * From memory: after fabric_seed(), or fabric_get_sharding_information() without a name, all that the
 * source lists, and otherwise those that were looked up. One whose name is longer than MySQL
 * allows is left out.
 *
 * @param f         The handle.
 * @param out       Room for `capacity` tables; may be NULL if `capacity` is 0.
 * @param capacity  How many fit.
 * @param count     Where the number of tables goes, also with FABRIC_ERR_BUFFER_TOO_SMALL.
 * @param err       Where details of a failure go; may be NULL.
 * @retval FABRIC_OK
 * @retval FABRIC_ERR_BUFFER_TOO_SMALL  Nothing was written but `*count`; call again, with room for
 *                                      some more: the farm may have grown meanwhile.
 * @retval FABRIC_ERR_NULL_POINTER
 *
 * Never waits for the network, but looks at every shard: of 100,000 some milliseconds. Any thread.
 *
 * @since 0.1.0
 */
FABRIC_MUST_USE
int32_t fabric_get_tables(const struct fabric_t *f,
                          struct fabric_table_info_t *out,
                          size_t capacity,
                          size_t *count,
                          struct fabric_error_t *err);

/**
 * The groups that the handle knows, in the order of their names' bytes. Their servers are told by
 * fabric_get_group_servers().
 *
 * From memory, as fabric_get_tables(). A group that the source does not list, or that has no server, is
 * not among them, unless the source says why it has none.
 *
 * @param f         The handle.
 * @param out       Room for `capacity` groups; may be NULL if `capacity` is 0.
 * @param capacity  How many fit.
 * @param count     Where the number of groups goes, also with FABRIC_ERR_BUFFER_TOO_SMALL.
 * @param err       Where details of a failure go; may be NULL.
 * @retval FABRIC_OK
 * @retval FABRIC_ERR_BUFFER_TOO_SMALL  Nothing was written but `*count`; call again, with room for
 *                                      some more: the farm may have grown meanwhile.
 * @retval FABRIC_ERR_NULL_POINTER
 *
 * Never waits for the network, but looks at every shard: of 100,000 some milliseconds. Any thread.
 *
 * @since 0.1.0
 */
FABRIC_MUST_USE
int32_t fabric_get_groups(const struct fabric_t *f,
                          struct fabric_group_info_t *out,
                          size_t capacity,
                          size_t *count,
                          struct fabric_error_t *err);

/**
 * How would fabric_get_shard_server() with these arguments be answered now, and why?
 *
 * It goes the way of the lookup, and so gives its answer: `out->server` is what the next such lookup of
 * this thread gets, unless the farm changes in between. It succeeds where the lookup would be refused, and
 * says then why. The lookup's turn is not taken, the request that tries a server which was left out is
 * neither, and no metric counts it.
 *
 * What the lookup would wait for is fetched, and nothing else: a table that nobody has fetched yet, or one
 * that is too old to serve. What is past its time and serves is left as it is.
 *
 * @param f       The handle.
 * @param tables  As for fabric_get_shard_server(); of several the first is described.
 * @param n       As for fabric_get_shard_server().
 * @param key     As for fabric_get_shard_server().
 * @param scope   As for fabric_get_shard_server().
 * @param mode    As for fabric_get_shard_server().
 * @param out     Where the explanation goes; left alone on failure.
 * @param err     Where details of a failure go; may be NULL.
 * @retval FABRIC_OK            Also where `out->status` is another one.
 * @retval FABRIC_ERR_ARGUMENT, FABRIC_ERR_NULL_POINTER
 *
 * Blocks as fabric_get_shard_server() does. Allocates. Any thread.
 *
 * @since 0.1.0
 */
FABRIC_MUST_USE
int32_t fabric_explain_shard(const struct fabric_t *f,
                             const char *const *tables,
                             size_t n,
                             const struct fabric_key_t *key,
                             int32_t scope,
                             int32_t mode,
                             struct fabric_explanation_t *out,
                             struct fabric_error_t *err);

/**
 * How would fabric_get_group_server() with these arguments be answered now, and why?
 *
 * As fabric_explain_shard(), in everything; the members of a table and of a key stay empty.
 *
 * @param f      The handle.
 * @param group  As for fabric_get_group_server().
 * @param mode   As for fabric_get_group_server(), with @ref FABRIC_STATUS_NONE.
 * @param out    Where the explanation goes; left alone on failure.
 * @param err    Where details of a failure go; may be NULL.
 * @retval FABRIC_OK            Also where `out->status` is another one.
 * @retval FABRIC_ERR_ARGUMENT, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_INVALID_UTF8
 *
 * Blocks as fabric_get_shard_server() does. Allocates. Any thread.
 *
 * @since 0.1.0
 */
FABRIC_MUST_USE
int32_t fabric_explain_group(const struct fabric_t *f,
                             const char *group,
                             int32_t mode,
                             struct fabric_explanation_t *out,
                             struct fabric_error_t *err);

/**
 * What a FABRIC_WHY_* means, such as "its turn by weight", for tools that show it.
 *
 * @param why  Any number; one that is no FABRIC_WHY_* gives "unknown reason".
 * @return Static text in English, never NULL, never to be freed.
 *
 * Never blocks. Any thread.
 *
 * @since 0.1.0
 */
const char *fabric_why_name(int32_t why);

/**
 * All servers that the handle knows, of a group or of the whole farm, and how they are.
 *
 * From memory, as fabric_get_groups(): of groups that have been fetched, in the order of the groups' names,
 * and then of the source's list. Those that never serve are among them.
 *
 * @param f         The handle.
 * @param group     A group's name, UTF-8, NUL-terminated; NULL for all groups.
 * @param out       Room for `capacity` servers; may be NULL if `capacity` is 0.
 * @param capacity  How many fit.
 * @param count     Where the number of servers goes, also with FABRIC_ERR_BUFFER_TOO_SMALL.
 * @param err       Where details of a failure go; may be NULL.
 * @retval FABRIC_OK
 * @retval FABRIC_ERR_BUFFER_TOO_SMALL  Nothing was written but `*count`; call again, with room for
 *                                      some more: the farm may have grown meanwhile.
 * @retval FABRIC_ERR_UNKNOWN_GROUP     The handle knows no group of this name; it is not asked for.
 * @retval FABRIC_ERR_ARGUMENT, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_INVALID_UTF8
 *
 * Never waits for the network. Any thread.
 *
 * @since 0.1.0
 */
FABRIC_MUST_USE
int32_t fabric_get_server_health(const struct fabric_t *f,
                                 const char *group,
                                 struct fabric_server_health_t *out,
                                 size_t capacity,
                                 size_t *count,
                                 struct fabric_error_t *err);

/**
 * The Fabric nodes: those the service named, then those they told of. Of a source that is no Fabric it is
 * whom that asks, as `nodes_known` of fabric_metrics_t counts them.
 *
 * A Fabric node names the address it is bound to. Where that is a loopback address or a
 * wildcard of another machine, it means the address it was asked under. `localhost`, `127.0.0.1`
 * and `::1` are one node, under the name that came first. Addresses that cannot be one are left
 * out, and so are those beyond 64 that the service did not name itself; the log tells of both.
 *
 * Nodes are asked once a minute which there are, after a refresh. One that the service did not name
 * is forgotten when those that named it do so no longer.
 *
 * @param f         The handle. If nobody asked Fabric yet, this call does.
 * @param out       Room for `capacity` nodes; may be NULL if `capacity` is 0.
 * @param capacity  How many fit.
 * @param count     Where the number of nodes goes, also with FABRIC_ERR_BUFFER_TOO_SMALL.
 * @param err       Where details of a failure go; may be NULL.
 * @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER
 * @retval FABRIC_ERR_BUFFER_TOO_SMALL  Nothing was written but `*count`; call again.
 * @retval other                        Fabric could not be asked, as for fabric_seed().
 *
 * Blocks only if nobody asked Fabric yet, and then as fabric_get_shard_server() does. Any thread.
 *
 * @since 0.1.0
 */
FABRIC_MUST_USE
int32_t fabric_get_fabric_nodes(const struct fabric_t *f,
                                struct fabric_node_t *out,
                                size_t capacity,
                                size_t *count,
                                struct fabric_error_t *err);

/**
 * Fetches the shard maps of tables, and the groups they need, before they are looked up.
 *
 * @param f       The handle.
 * @param tables  `n` names of the form `db.table`, each UTF-8 and NUL-terminated.
 * @param n       The number of tables, 65536 at most; 0 fetches the whole farm.
 * @param err     Where details of a failure go; may be NULL.
 * @retval FABRIC_OK
 * @retval FABRIC_ERR_UNKNOWN_TABLE, FABRIC_ERR_UNSUPPORTED_SHARDING
 *         Said of the first such table; the others were fetched.
 * @retval FABRIC_ERR_TABLE_NAME, FABRIC_ERR_INVALID_UTF8, FABRIC_ERR_NULL_POINTER,
 *         FABRIC_ERR_ARGUMENT
 * @retval other  Fabric could not be asked, as for fabric_seed().
 *
 * Blocks, as fabric_seed() does. Any thread.
 *
 * @since 0.1.0
 */
FABRIC_MUST_USE
int32_t fabric_get_sharding_information(const struct fabric_t *f,
                                        const char *const *tables,
                                        size_t n,
                                        struct fabric_error_t *err);

/**
 * Makes the next lookup of a group, or of anything, ask Fabric before it answers.
 *
 * The old answer is not thrown away: it serves on if Fabric cannot be reached.
 *
 * @param f      The handle.
 * @param group  A group's name, UTF-8, NUL-terminated; NULL for everything. A group that was
 *               never looked up is asked for anyway, so an unknown one is no error.
 * @param err    Where details of a failure go; may be NULL.
 * @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_INVALID_UTF8
 *
 * Never blocks. Any thread.
 *
 * @since 0.1.0
 */
int32_t fabric_reset_cache(const struct fabric_t *f, const char *group, struct fabric_error_t *err);

/**
 * Writes what the handle knows to a file: a topology file (docs/TOPOLOGY_FILE.md), with which
 * fabric_options_set_topology_file() makes a handle that asks nobody.
 *
 * From memory: fabric_seed() has all of the farm fetched first. Servers are written as they are now,
 * also those of groups that are asked themselves; a group of which none is known at the moment is written
 * without servers, and so its keys have none in the file. The file is replaced as a whole, or stays as it was,
 * behind symbolic links; a new one is for the owner's eyes only, another one keeps its mode and,
 * where the process may give files away, its owner and group. It has no password.
 *
 * @param f     The handle.
 * @param path  Where the file goes, UTF-8, NUL-terminated.
 * @param err   Where details of a failure go; may be NULL.
 * @retval FABRIC_OK
 * @retval FABRIC_ERR_NOT_SEEDED  Nothing of the farm is known yet.
 * @retval FABRIC_ERR_FILE        The file cannot be written, or is no regular file; the message says which.
 * @retval FABRIC_ERR_ARGUMENT    The path is empty or too long, or is a file of the handle's own: its
 *                                snapshot file, or the topology file that it reads.
 * @retval FABRIC_ERR_NULL_POINTER, FABRIC_ERR_INVALID_UTF8
 *
 * Never waits for the network, but for the disk. Any thread.
 *
 * @since 0.1.0
 */
FABRIC_MUST_USE
int32_t fabric_dump(const struct fabric_t *f,
                    const char *path,
                    struct fabric_error_t *err);

/**
 * The number of the topology in use. It counts changes of the farm: it grows by one with each
 * fetch that found a table, a shard map, a group or a server to be new, gone or another than the
 * handle knew. Nothing else makes it grow: not what was found unchanged, not the names that Fabric
 * does not list, and not what is told with fabric_report_result(), which lookups follow under the
 * same number. Equal numbers mean the same shard maps and the same servers.
 *
 * @param f  The handle; NULL gives 0.
 * @return 0 before the first fetch.
 *
 * Never blocks. Any thread.
 *
 * @since 0.1.0
 */
uint64_t fabric_topology_generation(const struct fabric_t *f);

/**
 * How old the oldest part of what lookups are answered from is: the shard map or the group that
 * Fabric confirmed longest ago.
 *
 * Each table and each group has an age of its own. It is confirmed by an answer of Fabric's about
 * it, the same as before or not, and its age counts from the question. All count that the handle knows and
 * Fabric lists, whether they are looked up or not; a table that Fabric does not list, and a group
 * of which it lists no server, do not. What came from a snapshot file is as old as the file says until
 * Fabric has confirmed it, and a topology file confirms all it says whenever it is looked at.
 *
 * When it grows beyond the time to live, some lookups are being answered from what is old: because
 * Fabric cannot be reached, because it cannot read the rows of one table (the log names it), or,
 * without a background refresh, because something was not looked up meanwhile.
 *
 * @param f  The handle; NULL gives -1.
 * @return Milliseconds; while Fabric lists nothing, since it last answered. -1 if Fabric never
 *         answered, or if something is from a snapshot file that is dated in the future, whose age
 *         nobody knows.
 *
 * Never blocks, but looks at every table and group: of 100,000 some milliseconds. Any thread.
 *
 * @since 0.1.0
 */
int64_t fabric_topology_age(const struct fabric_t *f);

/**
 * What there is to do about a MySQL errno: what the caller should do with the connection and the
 * statement, and what fabric_report_result() does when it is told.
 *
 * | errno | what it means | flags (FABRIC_ACTION_*) |
 * |---|---|---|
 * | 2002, 2003, 2004, 2005 | no connection comes about | RECONNECT, RETRY_ELSEWHERE, ASK_AGAIN, REPORT, QUARANTINE |
 * | 2006, 2013, 2055 | the connection was lost | the same |
 * | 1053 | the server shuts down | the same |
 * | 3032, 6400, 6401 | the server is in offline mode, which somebody decided | the same without REPORT |
 * | 1290, 1792, 1836 | the server is read-only | RETRY_ELSEWHERE, ASK_AGAIN, HOLD_WRITES |
 * | 3100, 3101 | Group Replication refused the commit: the member leaves, or the transaction is too large or collided | RETRY_ELSEWHERE, ASK_AGAIN |
 * | 1040, 1129, 1203 | too many connections, or this host is blocked: the server lives | RETRY_ELSEWHERE |
 * | 4031, 3169, 1927 | the server ended this one connection, because it was idle or was killed | RECONNECT |
 * | others, 0 and negative ones among them | no matter of routing | NONE |
 *
 * What the drivers call them:
 *
 * | what happened | libmysqlclient | libmariadb | go-sql-driver/mysql | PyMySQL |
 * |---|---|---|---|---|
 * | no connection over TCP | 2003 CR_CONN_HOST_ERROR | 2002 CR_CONNECTION_ERROR | `*net.OpError` of the dial: report 2003 | `OperationalError` 2003 |
 * | no connection over a socket file | 2002 CR_CONNECTION_ERROR | 2002 CR_CONNECTION_ERROR | the same: report 2002 | `OperationalError` 2003 |
 * | the host has no address | 2005 CR_UNKNOWN_HOST | 2005 CR_UNKNOWN_HOST | `*net.DNSError`: report 2005 | `OperationalError` 2003 |
 * | the connection was found closed before the statement was sent | 2006 CR_SERVER_GONE_ERROR | 2006 CR_SERVER_GONE_ERROR | `driver.ErrBadConn`: report 2006, or nothing if database/sql tried again | `OperationalError` 2006 |
 * | it was lost during a statement | 2013 CR_SERVER_LOST, 2055 CR_SERVER_LOST_EXTENDED | 2013 CR_SERVER_LOST | `mysql.ErrInvalidConn`, `io.ErrUnexpectedEOF`: report 2013 | `OperationalError` 2013 |
 * | an error of the server's | its number | its number | `*mysql.MySQLError`: its `Number`; with `rejectReadOnly=true` 1290, 1792 and 1836 become `driver.ErrBadConn`, so leave that off and report the number | `args[0]` |
 *
 * PyMySQL raises `InterfaceError(0, "")` on a connection that it has closed already: that 0 is no
 * success. Report 2006 for it, or nothing. A cancelled context and a timeout of the caller's own
 * say nothing of the server.
 *
 * Two of them may be a matter of the statement alone. 1290 is what a server gives whose option
 * prevents a statement: --read-only or --super-read-only, but also --secure-file-priv;
 * fabric_error_action() and fabric_report_error() tell by the text. 1792 is what a writing statement gives in a transaction that
 * was begun READ ONLY: a service that begins such ones does not report it.
 *
 * 2006 is also what an idle connection gives that the server closed long ago (before 8.0.24,
 * which says 4031). One trial ends a quarantine that comes of it; see
 * fabric_options_set_quarantine_ms().
 *
 * @param errno_  Any number.
 * @return Flags, or'ed; @ref FABRIC_ACTION_NONE if there is nothing to do. More flags may come
 *         with later versions: test for those you know. What fabric_options_add_report_errno()
 *         added is not among it.
 *
 * Never blocks. Any thread.
 *
 * @since 0.1.0
 */
int32_t fabric_errno_action(int32_t errno_);

/**
 * What there is to do about an error of a driver: fabric_errno_action(), by the error's text as well. It is
 * what fabric_report_error() goes by, for those who report later, or nothing.
 *
 * The text matters with 1290 alone, where it names the option of the server that prevents the statement.
 * With "read-only" or "read_only" in it, in lower case as servers write it, the server is read-only. Without,
 * as in --secure-file-priv, --skip-grant-tables or --replica-load-tmpdir, it is a matter of the statement:
 * @ref FABRIC_ACTION_NONE.
 *
 * @param errno_   Any number.
 * @param message  The text of the error, as mysql_error() gives it, NUL-terminated, in any encoding; NULL if
 *                 it is not known, which makes the call fabric_errno_action(). Read with 1290 alone, during
 *                 the call.
 * @return Flags, or'ed, as fabric_errno_action() gives them.
 *
 * Never blocks. Any thread.
 *
 * @since 0.1.0
 */
int32_t fabric_error_action(int32_t errno_,
                            const char *message);

/**
 * Tells the library what became of a connection or a statement, so that it routes around what
 * the service found out before Fabric says so.
 *
 * What happens follows from fabric_errno_action(), which lists the errnos:
 *
 * | what it says of `errno_` | what happens |
 * |---|---|
 * | 0: all was well | a quarantine of the server ends |
 * | @ref FABRIC_ACTION_QUARANTINE | reads leave the server out at once (see fabric_options_set_quarantine_ms()), unless nobody else is left |
 * | @ref FABRIC_ACTION_HOLD_WRITES | if it is its group's primary, writes to the group are held (see fabric_options_set_least_write_hold_ms()), because it was demoted or a shard is being split or moved |
 * | @ref FABRIC_ACTION_ASK_AGAIN | Fabric is asked again at once |
 * | @ref FABRIC_ACTION_REPORT, or an errno of fabric_options_add_report_errno() | Fabric is told, if fabric_options_set_report_errors() says so |
 * | others | nothing |
 *
 * @param f            The handle.
 * @param server_uuid  The `uuid` of the server, UTF-8, NUL-terminated, not empty. One that the
 *                     topology does not know is no error.
 * @param errno_       The MySQL errno, as mysql_errno() gives it, or 0. See fabric_errno_action()
 *                     for drivers that have no such numbers, or give 0 for a failure.
 * @param err          Where details of a failure go; may be NULL.
 * @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_INVALID_UTF8, FABRIC_ERR_ARGUMENT
 *
 * Never waits for the network. With 0 and nothing quarantined, it is a matter of nanoseconds:
 * call it after every statement if you like. Any thread.
 *
 * @since 0.1.0
 */
int32_t fabric_report_result(const struct fabric_t *f,
                             const char *server_uuid,
                             int32_t errno_,
                             struct fabric_error_t *err);

/**
 * Tells the library of a driver's error, as fabric_report_result() does, with its text, and answers what
 * is left to do: the one call after a statement.
 *
 * It differs from fabric_report_result() in 1290 alone, whose text says which option of the server
 * prevents the statement, by the rule of fabric_error_action(): if it is a matter of the statement, nothing
 * happens.
 *
 * @param f            The handle.
 * @param server_uuid  The `uuid` of the server, UTF-8, NUL-terminated, not empty. One that the
 *                     topology does not know is no error.
 * @param errno_       The MySQL errno, as mysql_errno() gives it, or 0 if all was well.
 * @param message      The text of the error, as mysql_error() gives it, NUL-terminated, in any encoding;
 *                     NULL if it is not known, which makes the call as fabric_report_result(). Read
 *                     with 1290 alone, during the call.
 * @param actions      Where FABRIC_ACTION_* go, or'ed, as fabric_error_action() gives them; may be NULL.
 *                     On failure it is not written.
 * @param err          Where details of a failure go; may be NULL.
 * @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_INVALID_UTF8, FABRIC_ERR_ARGUMENT
 *
 * Never waits for the network. With 0 and nothing quarantined, it is a matter of nanoseconds. Any thread.
 *
 * @since 0.1.0
 */
int32_t fabric_report_error(const struct fabric_t *f,
                            const char *server_uuid,
                            int32_t errno_,
                            const char *message,
                            int32_t *actions,
                            struct fabric_error_t *err);

/**
 * Tells Fabric that a server could not be reached, if the options ask for it.
 *
 * Does nothing unless fabric_options_set_report_errors() turned reports on and `errno_` is one
 * that fabric_errno_action() gives @ref FABRIC_ACTION_REPORT for, or one added by
 * fabric_options_add_report_errno(). Then a thread tells Fabric, one report at a time and one of a server in the report window, and asks for the
 * topology when Fabric is done. A report that fails is logged and hurts nobody.
 * fabric_report_result() does the same and more.
 *
 * @param f            The handle.
 * @param server_uuid  The `uuid` of the server, UTF-8, NUL-terminated, not empty.
 * @param errno_       The MySQL errno of the failure, as mysql_errno() gives it.
 * @param err          Where details of a failure go; may be NULL.
 * @retval FABRIC_OK   Also when Fabric could not be told.
 * @retval FABRIC_ERR_NULL_POINTER, FABRIC_ERR_INVALID_UTF8, FABRIC_ERR_ARGUMENT
 *
 * Never waits for the network. Any thread.
 *
 * @since 0.1.0
 */
int32_t fabric_report_failure(const struct fabric_t *f,
                              const char *server_uuid,
                              int32_t errno_,
                              struct fabric_error_t *err);

/**
 * Runs any Fabric command, such as group "group", command "lookup_servers".
 *
 * It is sent to the Fabric node that answered last. Another one is tried only if no connection
 * came about, so that no command runs twice.
 *
 * @param f        The handle.
 * @param group    The command's group, UTF-8, NUL-terminated.
 * @param command  The command's name, UTF-8, NUL-terminated.
 * @param args     `n` arguments, each UTF-8 and NUL-terminated and sent as a string; NULL in
 *                 place of one leaves that argument to its default.
 * @param n        The number of arguments, 1024 at most.
 * @param result   Where the answer goes, to be freed with fabric_result_free().
 * @param err      Where details of a failure go; may be NULL.
 * @retval FABRIC_OK
 * @retval FABRIC_ERR_FABRIC     Fabric knows no such command or says it failed; the message is
 *                               Fabric's.
 * @retval FABRIC_ERR_FORBIDDEN  The user's role does not include the command: the built-in role
 *                               `connector` has only `dump` and `threat`.
 * @retval FABRIC_ERR_ARGUMENT, FABRIC_ERR_NULL_POINTER, FABRIC_ERR_INVALID_UTF8
 * @retval other                 Fabric could not be asked, as for fabric_seed().
 *
 * Blocks for one request timeout and as many connect timeouts as there are nodes at most (25 s for
 * one node unless the options say otherwise). fabric_interrupt() ends the wait, and the command may
 * have been run then, as with FABRIC_ERR_TIMEOUT. In a callback it is not run, and answers
 * FABRIC_ERR_WOULD_BLOCK. Any thread.
 *
 * @since 0.1.0
 */
FABRIC_MUST_USE
int32_t fabric_execute(const struct fabric_t *f,
                       const char *group,
                       const char *command,
                       const char *const *args,
                       size_t n,
                       struct fabric_result_t **result,
                       struct fabric_error_t *err);

/**
 * Frees an answer.
 *
 * @param result  From fabric_execute(), or NULL, which does nothing.
 *
 * Never blocks.
 *
 * @since 0.1.0
 */
void fabric_result_free(struct fabric_result_t *result);

/**
 * The number of result sets in an answer: 0 for commands that answer nothing, 2 for most that
 * change something (the procedure, then its steps).
 *
 * @param result  The answer; NULL gives 0.
 * @return The number.
 *
 * Never blocks. Any thread.
 *
 * @since 0.1.0
 */
size_t fabric_result_sets(const struct fabric_result_t *result);

/**
 * The number of rows in a result set.
 *
 * @param result  The answer; NULL gives 0.
 * @param set     The result set, from 0; one that does not exist gives 0.
 * @return The number.
 *
 * Never blocks. Any thread.
 *
 * @since 0.1.0
 */
size_t fabric_result_rows(const struct fabric_result_t *result, size_t set);

/**
 * The number of columns in a result set.
 *
 * @param result  The answer; NULL gives 0.
 * @param set     The result set, from 0; one that does not exist gives 0.
 * @return The number.
 *
 * Never blocks. Any thread.
 *
 * @since 0.1.0
 */
size_t fabric_result_columns(const struct fabric_result_t *result, size_t set);

/**
 * The name of a column. Fabric 1.4 names none; those of known commands get the names that
 * later versions use, others "column1" and so on.
 *
 * @param result  The answer.
 * @param set     The result set, from 0.
 * @param column  The column, from 0.
 * @return UTF-8, NUL-terminated, owned by the answer; NULL if there is no such column.
 *
 * Never blocks. Any thread.
 *
 * @since 0.1.0
 */
const char *fabric_result_column_name(const struct fabric_result_t *result,
                                      size_t set,
                                      size_t column);

/**
 * A value as text: numbers in decimal, booleans as 0 and 1.
 *
 * @param result  The answer.
 * @param set     The result set, from 0.
 * @param row     The row, from 0.
 * @param column  The column, from 0.
 * @param length  Where the number of bytes goes, without the terminating NUL; may be NULL.
 *                Left alone where there is no value.
 * @return UTF-8 (base64 values: their bytes), NUL-terminated, owned by the answer; NULL if
 *         there is no such value or it is nil.
 *
 * Never blocks. Any thread.
 *
 * @since 0.1.0
 */
const char *fabric_result_value(const struct fabric_result_t *result,
                                size_t set,
                                size_t row,
                                size_t column,
                                size_t *length);

/**
 * The user the handle was given for Fabric.
 *
 * @param f  The handle.
 * @return UTF-8, owned by the handle and valid as long as it; NULL if none was given or `f` is
 *         NULL.
 *
 * Never blocks. Any thread.
 *
 * @since 0.1.0
 */
const char *fabric_get_user(const struct fabric_t *f);

/**
 * The absolute path of the authority's certificate the handle was given.
 *
 * @param f  The handle.
 * @return As fabric_get_user().
 *
 * Never blocks. Any thread.
 *
 * @since 0.1.0
 */
const char *fabric_get_tls_ca(const struct fabric_t *f);

/**
 * The absolute path of the client's private key the handle was given.
 *
 * @param f  The handle.
 * @return As fabric_get_user().
 *
 * Never blocks. Any thread.
 *
 * @since 0.1.0
 */
const char *fabric_get_tls_key(const struct fabric_t *f);

/**
 * The absolute path of the client's certificate the handle was given.
 *
 * @param f  The handle.
 * @return As fabric_get_user().
 *
 * Never blocks. Any thread.
 *
 * @since 0.1.0
 */
const char *fabric_get_tls_cert(const struct fabric_t *f);

/**
 * The UUID that Fabric gives itself in its answers. It is the same constant in every
 * installation of Fabric 1.5 and later, so it identifies the product, not the farm.
 *
 * @param f    The handle.
 * @param out  An array of @ref FABRIC_UUID_SIZE bytes; gets the UUID, NUL-terminated, or an
 *             empty string before the first answer and with Fabric 1.4, which sends none.
 * @param err  Where details of a failure go; may be NULL.
 * @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER
 * @retval FABRIC_ERR_PROTOCOL  Fabric sent something longer than a UUID.
 *
 * Never waits for the network. Any thread.
 *
 * @since 0.1.0
 */
int32_t fabric_get_fabric_uuid(const struct fabric_t *f, char *out, struct fabric_error_t *err);

/**
 * The time to live that the handle works with: the server's last one, clamped by
 * fabric_options_set_ttl_ms().
 *
 * @param f  The handle; NULL gives -1.
 * @return Milliseconds; -1 before the first answer.
 *
 * Never waits for the network. Any thread.
 *
 * @since 0.1.0
 */
int64_t fabric_get_ttl_ms(const struct fabric_t *f);

/**
 * The handle's numbers.
 *
 * Counting costs a lookup a few nanoseconds; there is nothing to turn on.
 *
 * @param f    The handle.
 * @param out  Where the numbers go.
 * @param err  Where details of a failure go; may be NULL.
 * @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER
 *
 * Never waits for the network, whatever other threads are at. Any thread, also in a callback
 * and in a forked child.
 *
 * @since 0.1.0
 */
int32_t fabric_get_metrics(const struct fabric_t *f,
                           struct fabric_metrics_t *out,
                           struct fabric_error_t *err);

/**
 * Sets who is called when something happens to the handles made from these options.
 *
 * @param options   The options.
 * @param callback  Called for each event; see fabric_event_callback_t. Each handle made from
 *                  the options calls it from a thread of its own. NULL for nobody, and no thread.
 * @param userdata  Handed to the callback; may be NULL.
 * @param free      Called with `userdata` when the options and all handles made from them are
 *                  freed or told otherwise, also when this call fails; may be NULL.
 * @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER
 *
 * Never blocks.
 *
 * @since 0.1.0
 */
int32_t fabric_options_set_event_callback(struct fabric_options_t *options,
                                          fabric_event_callback_t callback,
                                          void *userdata,
                                          fabric_free_t free);

/**
 * A descriptor for poll(), select(), epoll, kqueue and the like: readable while events wait to
 * be taken with fabric_next_event().
 *
 * Events are collected from the first call on, as many as for a callback: call it right after
 * fabric_new() to miss none. The callback, if there is one, gets them as well.
 *
 * @param f    The handle.
 * @param fd   Where the descriptor goes: the same one at each call. It is non-blocking and
 *             closed on exec; it belongs to the handle, and fabric_free() closes it. Nobody
 *             else may close it, read from it, or write to it. A forked child gets one of its
 *             own at its first call, which hears of what happens in the child alone; the
 *             inherited one remains its parent's.
 * @param err  Where details of a failure go; may be NULL.
 * @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER
 * @retval FABRIC_ERR_SYSTEM  The system has no descriptor left; close some and call again.
 *
 * Never waits for the network. Any thread.
 *
 * @since 0.1.0
 */
FABRIC_MUST_USE
int32_t fabric_event_fd(const struct fabric_t *f,
                        int *fd,
                        struct fabric_error_t *err);

/**
 * Takes the oldest event that waits. Call it until it answers FABRIC_ERR_NO_EVENT; from then
 * on the descriptor of fabric_event_fd() is not readable until something happens.
 *
 * @param f    The handle.
 * @param out  Where the event goes; left alone if there is none.
 * @param err  Where details of a failure go; may be NULL.
 * @retval FABRIC_OK, FABRIC_ERR_NULL_POINTER
 * @retval FABRIC_ERR_NO_EVENT  No event waits, or nobody called fabric_event_fd() in this
 *                              process so far.
 *
 * Never waits for an event or for the network. Any thread; several threads share the events
 * between them.
 *
 * @since 0.1.0
 */
FABRIC_MUST_USE
int32_t fabric_next_event(const struct fabric_t *f,
                          struct fabric_event_t *out,
                          struct fabric_error_t *err);

/**
 * The name of a kind of event, such as "PRIMARY_CHANGED" for @ref FABRIC_EVENT_PRIMARY_CHANGED,
 * for logs and the labels of metrics.
 *
 * @param kind  Any number; one that is no FABRIC_EVENT_* gives "unknown event".
 * @return Static text in English, never NULL, never to be freed.
 *
 * Never blocks. Any thread.
 *
 * @since 0.1.0
 */
const char *fabric_event_name(int32_t kind);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* MYSQLFABRIC_H */
