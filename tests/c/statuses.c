/* Every status of the header, got through the API once. A status that comes without a case
 * here fails the test. FABRIC_ERR_PANIC has a program of its own, panic.c. */
#define _POSIX_C_SOURCE 200809L

#include "mysql_server.h"
#include "support.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>

/* X(FABRIC_ERR_...) for each status, made from the header by the build. */
static const int32_t wanted[] = {
#define X(status) status,
#include "header_statuses.h"
#undef X
};

static int32_t lookup(fabric_options_t *o, const char *table, fabric_error_t *err)
{
    fabric_server_t server;
    fabric_t *f = handle(o);
    int32_t status = find(f, table, fabric_key_int(1), FABRIC_MODE_READWRITE, &server, err);
    fabric_free(f);
    return status;
}

static int32_t plain(const char *table, fabric_error_t *err)
{
    return lookup(options(), table, err);
}

static int32_t with_fault(const fabric_t *ctl, const char *fault, int64_t timeout,
                          fabric_error_t *err)
{
    fabric_options_t *o = options();
    fabric_options_set_request_timeout_ms(o, timeout);
    fabric_options_set_max_reply_bytes(o, 1 << 20);
    tell(ctl, "fault", fault, "", "-1", NULL);
    return lookup(o, "employees.salaries", err);
}

static int32_t argument(const fabric_t *ctl, fabric_error_t *err)
{
    fabric_server_t server;
    return fabric_get_group_server(ctl, "g", 7, FABRIC_STATUS_NONE, &server, err);
}

static int32_t null_pointer(const fabric_t *ctl, fabric_error_t *err)
{
    return fabric_get_group_server(ctl, "g", FABRIC_MODE_NONE, FABRIC_STATUS_NONE, NULL, err);
}

static int32_t invalid_utf8(const fabric_t *ctl, fabric_error_t *err)
{
    return fabric_reset_cache(ctl, "\xff", err);
}

static int32_t table_name(const fabric_t *ctl, fabric_error_t *err)
{
    (void)ctl;
    return plain("salaries", err);
}

static int32_t key_missing(const fabric_t *ctl, fabric_error_t *err)
{
    (void)ctl;
    const char *table = "employees.salaries";
    fabric_server_t server;
    fabric_t *f = handle(options());
    int32_t status = fabric_get_shard_server(f, &table, 1, NULL, FABRIC_SCOPE_LOCAL,
                                             FABRIC_MODE_NONE, &server, err);
    fabric_free(f);
    return status;
}

static int32_t with_key(fabric_key_t key, fabric_error_t *err)
{
    fabric_server_t server;
    fabric_t *f = handle(options());
    int32_t status = find(f, "employees.salaries", key, FABRIC_MODE_NONE, &server, err);
    fabric_free(f);
    return status;
}

static int32_t key_type(const fabric_t *ctl, fabric_error_t *err)
{
    (void)ctl;
    return with_key(text("one"), err);
}

static int32_t key_out_of_range(const fabric_t *ctl, fabric_error_t *err)
{
    (void)ctl;
    return with_key(fabric_key_int(0), err);
}

static int32_t buffer_too_small(const fabric_t *ctl, fabric_error_t *err)
{
    (void)ctl;
    size_t count = 0;
    fabric_t *f = handle(options());
    int32_t status = fabric_get_shards(f, "employees.salaries", NULL, 0, &count, err);
    fabric_free(f);
    return status;
}

static int32_t unreachable(const fabric_t *ctl, fabric_error_t *err)
{
    (void)ctl;
    fabric_options_t *o = fabric_options_new();
    fabric_options_add_node(o, "127.0.0.1", closed_port());
    fabric_options_set_connect_attempts(o, 1);
    return lookup(o, "employees.salaries", err);
}

static int32_t timeout(const fabric_t *ctl, fabric_error_t *err)
{
    return with_fault(ctl, "hang", 200, err);
}

static int32_t auth(const fabric_t *ctl, fabric_error_t *err)
{
    (void)ctl;
    fabric_options_t *o = options();
    fabric_options_set_credentials(o, "admin", "wrong");
    return lookup(o, "employees.salaries", err);
}

static int32_t forbidden(const fabric_t *ctl, fabric_error_t *err)
{
    (void)ctl;
    fabric_options_t *o = options();
    fabric_options_set_credentials(o, "conn", "connpw");
    fabric_t *f = handle(o);
    fabric_result_t *result = NULL;
    int32_t status = fabric_execute(f, "group", "lookup_groups", NULL, 0, &result, err);
    fabric_free(f);
    return status;
}

static int32_t tls(const fabric_t *ctl, fabric_error_t *err)
{
    (void)ctl;
    fabric_options_t *o = options();
    fabric_options_set_tls(o, "no-such-file.pem", NULL, NULL);
    return lookup(o, "employees.salaries", err);
}

static int32_t protocol(const fabric_t *ctl, fabric_error_t *err)
{
    return with_fault(ctl, "garbage", 60000, err);
}

static int32_t reply_too_large(const fabric_t *ctl, fabric_error_t *err)
{
    return with_fault(ctl, "oversized", 60000, err);
}

static int32_t fabric(const fabric_t *ctl, fabric_error_t *err)
{
    return with_fault(ctl, "error", 60000, err);
}

static int32_t mysql(const fabric_t *ctl, fabric_error_t *err)
{
    (void)ctl;
    char url[80];
    mysql_server_t *server = mysql_server_start(AT_STATEMENT, 1064, "no such words");
    snprintf(url, sizeof url, "fabric+store://127.0.0.1:%u/fabric", mysql_server_port(server));
    fabric_options_t *o = fabric_options_new();
    fabric_options_set_source(o, url);
    fabric_options_set_mysql_credentials(o, "app", "secret");
    fabric_options_set_connect_attempts(o, 1);
    int32_t status = lookup(o, "employees.salaries", err);
    CHECK_CONTAINS(err->message, "error 1064 (HY000): no such words");
    mysql_server_stop(server);
    return status;
}

static int32_t not_seeded(const fabric_t *ctl, fabric_error_t *err)
{
    (void)ctl;
    return lookup(fabric_options_new(), "employees.salaries", err);
}

static int32_t unknown_table(const fabric_t *ctl, fabric_error_t *err)
{
    (void)ctl;
    return plain("employees.nosuch", err);
}

static int32_t in_group(const char *group, int32_t wanted_status, fabric_error_t *err)
{
    fabric_server_t server;
    fabric_t *f = handle(options());
    int32_t status = fabric_get_group_server(f, group, FABRIC_MODE_NONE, wanted_status, &server,
                                             err);
    fabric_free(f);
    return status;
}

static int32_t unknown_group(const fabric_t *ctl, fabric_error_t *err)
{
    (void)ctl;
    return in_group("nosuch", FABRIC_STATUS_PRIMARY, err);
}

static int32_t no_server(const fabric_t *ctl, fabric_error_t *err)
{
    tell(ctl, "demote", "shard3", NULL);
    return in_group("shard3", FABRIC_STATUS_PRIMARY, err);
}

static int32_t different_shards(const fabric_t *ctl, fabric_error_t *err)
{
    (void)ctl;
    const char *tables[] = {"employees.salaries", "shop.orders"};
    fabric_server_t server;
    fabric_key_t key = fabric_key_int(1);
    fabric_t *f = handle(options());
    int32_t status = fabric_get_shard_server(f, tables, 2, &key, FABRIC_SCOPE_LOCAL,
                                             FABRIC_MODE_NONE, &server, err);
    fabric_free(f);
    return status;
}

static int32_t unsupported_sharding(const fabric_t *ctl, fabric_error_t *err)
{
    tell(ctl, "add_mapping", "LIST", "global", NULL);
    tell(ctl, "add_table", "8", "new.kind", "id", NULL);
    tell(ctl, "add_shard", "8", "1", "shard1", NULL);
    return plain("new.kind", err);
}

static int32_t no_file(const fabric_t *ctl, fabric_error_t *err)
{
    fabric_options_t *o = options();
    fabric_options_set_topology_file(o, "no/such/file.json");
    (void)ctl;
    return lookup(o, "employees.salaries", err);
}

static int32_t no_event(const fabric_t *ctl, fabric_error_t *err)
{
    fabric_event_t event;
    fabric_t *f = handle(options());
    int32_t status = fabric_next_event(f, &event, err);
    fabric_free(f);
    (void)ctl;
    return status;
}

static int32_t stale(const fabric_t *ctl, fabric_error_t *err)
{
    fabric_server_t server;
    fabric_options_t *o = options();
    fabric_options_set_ttl_ms(o, 1, 1);
    fabric_options_set_max_stale_ms(o, 1000);
    fabric_t *f = handle(o);
    fabric_key_t key = fabric_key_int(1);
    CHECK_INT(find(f, "employees.salaries", key, FABRIC_MODE_NONE, &server, err), FABRIC_OK);
    tell(ctl, "fault", "close", "", "-1", NULL);
    /* An answer that was under way still counts. */
    int32_t status;
    int64_t end = now_ms() + 60000;
    do {
        sleep_ms(20);
        status = find(f, "employees.salaries", key, FABRIC_MODE_NONE, &server, err);
    } while (status == FABRIC_OK && now_ms() < end);
    fabric_free(f);
    return status;
}

static int32_t write_held(const fabric_t *ctl, fabric_error_t *err)
{
    (void)ctl;
    fabric_server_t server;
    fabric_t *f = handle(options());
    fabric_key_t key = fabric_key_int(1);
    CHECK_INT(find(f, "employees.salaries", key, FABRIC_MODE_READWRITE, &server, err), FABRIC_OK);
    CHECK_INT(fabric_report_result(f, server.uuid, 1290, err), FABRIC_OK);
    int32_t status = find(f, "employees.salaries", key, FABRIC_MODE_READWRITE, &server, err);
    fabric_free(f);
    return status;
}

static int32_t would_block(const fabric_t *ctl, fabric_error_t *err)
{
    (void)ctl;
    fabric_options_t *o = options();
    fabric_options_set_lookup_timeout_ms(o, 0);
    return lookup(o, "employees.salaries", err);
}

static atomic_int waits;

static void *interrupts(void *f)
{
    while (atomic_load(&waits)) {
        fabric_interrupt(f);
        sleep_ms(1);
    }
    return NULL;
}

static int32_t interrupted(const fabric_t *ctl, fabric_error_t *err)
{
    fabric_server_t server;
    pthread_t thread;
    tell(ctl, "fault", "hang", "", "-1", NULL);
    fabric_t *f = handle(options());
    atomic_store(&waits, 1);
    CHECK_INT(pthread_create(&thread, NULL, interrupts, f), 0);
    int32_t status = fabric_get_group_server_wait(f, "shard1", FABRIC_MODE_READWRITE,
                                                  FABRIC_STATUS_NONE, 60000, &server, err);
    atomic_store(&waits, 0);
    CHECK_INT(pthread_join(thread, NULL), 0);
    fabric_free(f);
    return status;
}

static int32_t shard_unavailable(const fabric_t *ctl, fabric_error_t *err)
{
    fabric_server_t server;
    fabric_options_t *o = options();
    fabric_options_set_ttl_ms(o, 1, 1);
    fabric_options_set_background_refresh(o, 0);
    fabric_t *f = handle(o);
    fabric_key_t key = fabric_key_int(10001);
    CHECK_INT(find(f, "employees.salaries", key, FABRIC_MODE_NONE, &server, err), FABRIC_OK);
    tell(ctl, "disable_shard", "2", NULL);
    sleep_ms(10);
    int32_t status = find(f, "employees.salaries", key, FABRIC_MODE_NONE, &server, err);
    fabric_free(f);
    return status;
}

static int32_t some_keys(const fabric_t *ctl, fabric_error_t *err)
{
    static const int64_t values[] = {0, 1};
    const char *table = "employees.salaries";
    uint32_t index[2];
    fabric_server_t server;
    size_t count;
    fabric_t *f = handle(options());
    fabric_keys_t keys = fabric_keys_int(values, 2);
    int32_t status = fabric_get_shard_servers(f, &table, 1, &keys, FABRIC_SCOPE_LOCAL,
                                              FABRIC_MODE_NONE, index, NULL, &server, 1, &count,
                                              err);
    fabric_free(f);
    (void)ctl;
    return status;
}

/* Every descriptor is taken, so the handle gets none for its events. That is no "no event": a
 * loop that polls would take it for one. With room again the same call succeeds. */
static int32_t no_descriptor(const fabric_t *ctl, fabric_error_t *err)
{
    (void)ctl;
    struct rlimit before, few;
    fabric_t *f = handle(options());
    int fd = -1;
    CHECK(!getrlimit(RLIMIT_NOFILE, &before));
    few = before;
    few.rlim_cur = 3;
    CHECK(!setrlimit(RLIMIT_NOFILE, &few));
    int32_t status = fabric_event_fd(f, &fd, err);
    CHECK(!setrlimit(RLIMIT_NOFILE, &before));
    CHECK_INT(fd, -1);
    CHECK_INT(fabric_event_fd(f, &fd, NULL), FABRIC_OK);
    CHECK(fd >= 0);
    fabric_free(f);
    return status;
}

/* However few descriptors there are: a lookup gets its answer, or says what is short. That is not
 * the node's fault, so it stays up, and with room again the same lookup succeeds. */
static void few_descriptors(void)
{
    struct rlimit before, few;
    CHECK(!getrlimit(RLIMIT_NOFILE, &before));
    few = before;
    int refused = 0;
    for (few.rlim_cur = 3; few.rlim_cur < 24; few.rlim_cur++) {
        fabric_server_t server;
        fabric_error_t err;
        fabric_metrics_t metrics;
        fabric_t *f = handle(options());
        fabric_key_t key = fabric_key_int(1);
        CHECK(!setrlimit(RLIMIT_NOFILE, &few));
        int32_t status = find(f, "employees.salaries", key, FABRIC_MODE_NONE, &server, &err);
        CHECK(!setrlimit(RLIMIT_NOFILE, &before));
        if (status != FABRIC_OK) {
            refused++;
            CHECK_INT(status, FABRIC_ERR_SYSTEM);
            CHECK_CONTAINS(err.message, "descriptor");
            CHECK_OK(fabric_get_metrics(f, &metrics, &err), err);
            CHECK_INT(metrics.nodes_up, 1);
            CHECK_OK(find(f, "employees.salaries", key, FABRIC_MODE_NONE, &server, &err), err);
        }
        fabric_free(f);
    }
    CHECK(refused > 0);
}

static const struct {
    int32_t status;
    int32_t mysql_errno;
    int32_t retryable;
    int32_t (*provoke)(const fabric_t *ctl, fabric_error_t *err);
} cases[] = {
    {FABRIC_ERR_ARGUMENT, 0, 0, argument},
    {FABRIC_ERR_NULL_POINTER, 0, 0, null_pointer},
    {FABRIC_ERR_INVALID_UTF8, 0, 0, invalid_utf8},
    {FABRIC_ERR_TABLE_NAME, 0, 0, table_name},
    {FABRIC_ERR_KEY_MISSING, 0, 0, key_missing},
    {FABRIC_ERR_KEY_TYPE, 0, 0, key_type},
    {FABRIC_ERR_BUFFER_TOO_SMALL, 0, 0, buffer_too_small},
    {FABRIC_ERR_UNREACHABLE, 2003, 1, unreachable},
    {FABRIC_ERR_TIMEOUT, 2013, 1, timeout},
    {FABRIC_ERR_AUTH, 1045, 0, auth},
    {FABRIC_ERR_FORBIDDEN, 1370, 0, forbidden},
    {FABRIC_ERR_TLS, 2026, 0, tls},
    {FABRIC_ERR_PROTOCOL, 2027, 1, protocol},
    {FABRIC_ERR_REPLY_TOO_LARGE, 2027, 0, reply_too_large},
    {FABRIC_ERR_FABRIC, 0, 0, fabric},
    {FABRIC_ERR_NOT_SEEDED, 2003, 0, not_seeded},
    {FABRIC_ERR_UNKNOWN_TABLE, 1051, 0, unknown_table},
    {FABRIC_ERR_UNKNOWN_GROUP, 0, 0, unknown_group},
    {FABRIC_ERR_NO_SERVER, 0, 1, no_server},
    {FABRIC_ERR_DIFFERENT_SHARDS, 0, 0, different_shards},
    {FABRIC_ERR_KEY_OUT_OF_RANGE, 0, 0, key_out_of_range},
    {FABRIC_ERR_UNSUPPORTED_SHARDING, 0, 0, unsupported_sharding},
    {FABRIC_ERR_STALE, 0, 1, stale},
    {FABRIC_ERR_NO_EVENT, 0, 1, no_event},
    {FABRIC_ERR_FILE, 0, 0, no_file},
    {FABRIC_ERR_MYSQL, 0, 0, mysql},
    {FABRIC_ERR_WRITE_HELD, 0, 1, write_held},
    {FABRIC_ERR_SHARD_UNAVAILABLE, 0, 1, shard_unavailable},
    {FABRIC_ERR_SOME_KEYS, 0, 0, some_keys},
    {FABRIC_ERR_WOULD_BLOCK, 0, 1, would_block},
    {FABRIC_ERR_INTERRUPTED, 0, 1, interrupted},
    {FABRIC_ERR_SYSTEM, 0, 1, no_descriptor},
};

enum { CASES = sizeof cases / sizeof *cases };

static int has_case(int32_t status)
{
    for (size_t i = 0; i < CASES; i++)
        if (cases[i].status == status)
            return 1;
    return status == FABRIC_ERR_PANIC;
}

int main(void)
{
    fabric_t *ctl = control();
    for (size_t i = 0; i < CASES; i++) {
        fabric_error_t err;
        fill(&err, sizeof err);
        CHECK_INT(cases[i].provoke(ctl, &err), cases[i].status);
        CHECK_INT(err.code, cases[i].status);
        CHECK_INT(err.mysql_errno, cases[i].mysql_errno);
        CHECK_INT(err.retryable, cases[i].retryable);
        CHECK_INT(fabric_status_is_retryable(cases[i].status), cases[i].retryable);
        CHECK_INT(fabric_status_mysql_errno(cases[i].status), cases[i].mysql_errno);
        CHECK(!err.reserved0 && !err.reserved[0] && !err.reserved[3]);
        CHECK(memchr(err.message, '\0', sizeof err.message));
        CHECK(strlen(err.message) > 10);
        CHECK(strcmp(fabric_strerror(cases[i].status), fabric_strerror(-1)) != 0);
        printf("%d %s: %s\n", err.code, fabric_strerror(err.code), err.message);
        tell(ctl, "reset", NULL);
    }
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        if (!has_case(wanted[i]))
            fprintf(stderr, "status %d has no case\n", wanted[i]);
        CHECK(has_case(wanted[i]));
    }
    few_descriptors();
    fabric_free(ctl);
    return 0;
}
