/* How long each function of the header takes while Fabric hangs: a table, and a failure if one takes
 * longer than its documentation allows, or has no case here. Callers have 64 KiB of stack, and one of
 * them is cancelled in the middle of a call. */
#define _POSIX_C_SOURCE 200809L

#include "support.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

/* Milliseconds that a call may be late on a busy machine. */
enum { SLACK = 4000, REQUEST = 6000, LOOKUP = 300, WAIT = 400 };

static const char *const functions[] = {
#define X(function) #function,
#include "header_functions.h"
#undef X
};

enum { FUNCTIONS = sizeof functions / sizeof *functions };

static int64_t took[FUNCTIONS], bounds[FUNCTIONS];

static void record(const char *function, int64_t bound, int64_t time)
{
    for (size_t i = 0; i < FUNCTIONS; i++) {
        if (strcmp(functions[i], function) == 0) {
            bounds[i] = bound + 1;
            took[i] = time > took[i] ? time : took[i];
            if (time > bound + SLACK)
                fprintf(stderr, "%s took %lld ms\n", function, (long long)time);
            CHECK(time <= bound + SLACK);
            return;
        }
    }
    fprintf(stderr, "%s is not in the header\n", function);
    CHECK(0);
}

/* Makes a call, whatever it answers. */
#define TIMED(bound, function, ...)                                                                \
    do {                                                                                           \
        int64_t begun = now_ms();                                                                  \
        (void)!function(__VA_ARGS__);                                                              \
        record(#function, bound, now_ms() - begun);                                                \
    } while (0)

#define TIMED_VOID(bound, function, argument)                                                      \
    do {                                                                                           \
        int64_t begun = now_ms();                                                                  \
        function(argument);                                                                        \
        record(#function, bound, now_ms() - begun);                                                \
    } while (0)

static fabric_options_t *slow(int background)
{
    fabric_options_t *o = options();
    fabric_options_set_connect_attempts(o, 2);
    fabric_options_set_connect_delay_ms(o, 100);
    fabric_options_set_request_timeout_ms(o, REQUEST);
#ifdef FABRIC_ERR_WOULD_BLOCK
    fabric_options_set_lookup_timeout_ms(o, LOOKUP);
#endif
    fabric_options_set_ttl_ms(o, 0, 100);
    fabric_options_set_background_refresh(o, background);
    fabric_options_set_report_errors(o, FABRIC_REPORT_ERROR);
    return o;
}

/* Everything that a handle is asked for; what is known of the farm is up to the caller. */
static void lookups(const fabric_t *f)
{
    enum { N = 16 };
    static const char *const tables[] = {"employees.salaries"};
    static fabric_server_t servers[N];
    static fabric_shard_t shards[64];
    static fabric_node_t nodes[N];
    const int32_t local = FABRIC_SCOPE_LOCAL, rw = FABRIC_MODE_READWRITE;
    fabric_key_t key = fabric_key_int(1);
    int64_t one = 1;
    fabric_keys_t keys = fabric_keys_int(&one, 1);
    uint32_t index;
    size_t order, starts[N], count;
    fabric_table_t *t = NULL;

    TIMED(0, fabric_get_shard_server_wait, f, tables, 1, &key, local, rw, 0, servers, NULL);
    TIMED(0, fabric_get_group_server_wait, f, "shard1", rw, -1, 0, servers, NULL);
    TIMED(LOOKUP, fabric_get_shard_server, f, tables, 1, &key, local, rw, servers, NULL);
    TIMED(LOOKUP, fabric_get_group_server, f, "shard1", rw, -1, servers, NULL);
    TIMED(LOOKUP, fabric_get_group_servers, f, "shard1", 0, servers, N, &count, NULL);
    TIMED(LOOKUP, fabric_get_shard_servers, f, tables, 1, &keys, local, rw, &index, NULL, servers,
          N, &count, NULL);
    TIMED(LOOKUP, fabric_split_keys, f, tables, 1, &keys, local, rw, &order, starts, NULL, servers,
          N, &count, NULL);
    TIMED(LOOKUP, fabric_get_shards, f, tables[0], shards, 64, &count, NULL);
    TIMED(LOOKUP, fabric_get_shard, f, tables[0], &key, shards, NULL);
    TIMED(LOOKUP, fabric_get_shards_in_range, f, tables[0], &key, &key, shards, 64, &count, NULL);
    static fabric_explanation_t x;
    TIMED(LOOKUP, fabric_explain_shard, f, tables, 1, &key, local, rw, &x, NULL);
    TIMED(LOOKUP, fabric_explain_group, f, "shard1", rw, &x, NULL);
    TIMED(LOOKUP, fabric_choose_shard_servers, f, tables, 1, &key, local, rw, NULL, servers, N,
          &count, NULL);
    TIMED(LOOKUP, fabric_choose_group_servers, f, "shard1", rw, NULL, servers, N, &count, NULL);
    TIMED(LOOKUP, fabric_get_fabric_nodes, f, nodes, N, &count, NULL);
    TIMED(LOOKUP, fabric_table_open, f, tables, 1, &t, NULL);
    TIMED(LOOKUP, fabric_table_get_server, t, &key, local, rw, servers, NULL);
    TIMED(LOOKUP, fabric_table_get_servers, t, &keys, local, rw, &index, NULL, servers, N, &count,
          NULL);
#ifdef FABRIC_ERR_WOULD_BLOCK
    TIMED(WAIT, fabric_table_get_server_wait, t, &key, local, rw, WAIT, servers, NULL);
    TIMED_VOID(0, fabric_interrupt, f);
#endif
    TIMED_VOID(0, fabric_table_free, t);
    TIMED(WAIT, fabric_get_shard_server_wait, f, tables, 1, &key, local, rw, WAIT, servers, NULL);
    TIMED(WAIT, fabric_get_group_server_wait, f, "shard1", rw, -1, WAIT, servers, NULL);
    TIMED(WAIT, fabric_get_group_server_wait, f, "no-such-group", rw, -1, WAIT, servers, NULL);
}

static void the_rest(const fabric_t *f)
{
    fabric_metrics_t metrics;
    fabric_event_t event;
    char uuid[FABRIC_UUID_SIZE];
    fabric_result_t *result = NULL;
    static const char *const tables[] = {"employees.salaries"};
    static fabric_table_info_t known_tables[16];
    static fabric_group_info_t known_groups[16];
    size_t length, count;
    int fd;
    const int64_t all = 2 * REQUEST + 100;

    TIMED(all, fabric_seed, f, NULL, 0, NULL);
    TIMED(all, fabric_get_sharding_information, f, tables, 1, NULL);
    TIMED(REQUEST + 5000, fabric_execute, f, "manage", "ping", NULL, 0, &result, NULL);
    TIMED(0, fabric_report_result, f, "00000000-0000-0000-0000-000000000000", 2003, NULL);
    TIMED(0, fabric_report_error, f, "00000000-0000-0000-0000-000000000000", 1290, "read-only",
          NULL, NULL);
    TIMED(0, fabric_report_failure, f, "00000000-0000-0000-0000-000000000000", 2003, NULL);
    TIMED(0, fabric_reset_cache, f, NULL, NULL);
    TIMED(0, fabric_get_metrics, f, &metrics, NULL);
    TIMED(0, fabric_event_fd, f, &fd, NULL);
    TIMED(0, fabric_next_event, f, &event, NULL);
    TIMED(0, fabric_get_tables, f, known_tables, 16, &count, NULL);
    TIMED(0, fabric_get_groups, f, known_groups, 16, &count, NULL);
    static fabric_server_health_t health[64];
    TIMED(0, fabric_get_server_health, f, NULL, health, 64, &count, NULL);
    TIMED(0, fabric_dump, f, "no/such/place", NULL);
    TIMED(0, fabric_topology_generation, f);
    TIMED(0, fabric_topology_age, f);
    TIMED(0, fabric_get_user, f);
    TIMED(0, fabric_get_tls_ca, f);
    TIMED(0, fabric_get_tls_key, f);
    TIMED(0, fabric_get_tls_cert, f);
    TIMED(0, fabric_get_fabric_uuid, f, uuid, NULL);
    TIMED(0, fabric_get_ttl_ms, f);
    TIMED(0, fabric_result_sets, result);
    TIMED(0, fabric_result_rows, result, 0);
    TIMED(0, fabric_result_columns, result, 0);
    TIMED(0, fabric_result_column_name, result, 0, 0);
    TIMED(0, fabric_result_value, result, 0, 0, 0, &length);
    TIMED_VOID(0, fabric_result_free, result);
}

static void *on_a_small_stack(void *f)
{
    lookups(f);
    the_rest(f);
    return NULL;
}

static void run(void *(*work)(void *), fabric_t *f, pthread_t *thread)
{
    pthread_attr_t attributes;
    CHECK_INT(pthread_attr_init(&attributes), 0);
    CHECK_INT(pthread_attr_setstacksize(&attributes, 64 * 1024), 0);
    CHECK_INT(pthread_create(thread, &attributes, work, f), 0);
    CHECK_INT(pthread_attr_destroy(&attributes), 0);
}

static atomic_int status_of_cancelled;

static void *waits(void *f)
{
    fabric_server_t server;
    int32_t status = fabric_get_group_server_wait(f, "no-such-group", FABRIC_MODE_READWRITE,
                                                  FABRIC_STATUS_NONE, 1500, &server, NULL);
    atomic_store(&status_of_cancelled, status);
    pthread_testcancel();
    CHECK(!"cancelled by then");
    return NULL;
}

/* A thread that is cancelled in a call ends after it, and the handle can be used on. */
static void cancelled(fabric_t *f)
{
    pthread_t thread;
    void *result = NULL;
    atomic_store(&status_of_cancelled, -1);
    run(waits, f, &thread);
    sleep_ms(300);
    CHECK_INT(pthread_cancel(thread), 0);
    CHECK_INT(pthread_join(thread, &result), 0);
    CHECK(result == PTHREAD_CANCELED);
    CHECK(atomic_load(&status_of_cancelled) > 0);
}

static void without_a_handle(void)
{
    int64_t begun = now_ms();
    CHECK(fabric_version());
    record("fabric_version", 0, now_ms() - begun);
    TIMED(0, fabric_strerror, 1);
#ifdef FABRIC_ERR_WOULD_BLOCK
    TIMED(0, fabric_status_is_retryable, 1);
    TIMED(0, fabric_status_mysql_errno, 1);
    TIMED(0, fabric_event_name, 1);
    TIMED(0, fabric_why_name, 1);
    TIMED(0, fabric_errno_action, 2003);
    TIMED(0, fabric_error_action, 1290, "--read-only");
#endif
    fabric_t *made = NULL;
    fabric_options_t *o = options();
    TIMED(0, fabric_new, o, &made, NULL);
    fabric_options_free(o);
    fabric_free(made);
}

/* Asks a handle everything once Fabric hangs, which is when `go` ends; then tells how long each call
 * took. Before that it says in `ready` that Fabric may. */
static int one_round(int background, int known, int ready, int go)
{
    fabric_t *f = NULL;
    char byte = 0;
    if (known) {
        f = handle(slow(background));
        CHECK_INT(fabric_seed(f, NULL, 0, NULL), FABRIC_OK);
    }
    CHECK_INT(write(ready, "", 1), 1);
    CHECK_INT(read(go, &byte, 1), 0);
    if (!known)
        f = handle(slow(background));
    pthread_t thread;
    run(on_a_small_stack, f, &thread);
    CHECK_INT(pthread_join(thread, NULL), 0);
    cancelled(f);
    TIMED_VOID(0, fabric_free, f);
    without_a_handle();

    size_t forgotten = 0;
    printf("%-36s %10s %10s   background %d, known %d\n", "function", "longest ms", "bound ms",
           background, known);
    for (size_t i = 0; i < FUNCTIONS; i++) {
        if (bounds[i])
            printf("%-36s %10lld %10lld\n", functions[i], (long long)took[i],
                   (long long)bounds[i] - 1);
        else if (strncmp(functions[i], "fabric_options_", 15)
                 && strncmp(functions[i], "fabric_key", 10))
            forgotten += (size_t)fprintf(stderr, "%s has no case\n", functions[i]) > 0;
    }
    CHECK_INT(forgotten, 0);
    return 0;
}

int main(void)
{
    enum { ROUNDS = 4 };
    pid_t rounds[ROUNDS];
    int ready[2], go[2];
    CHECK_INT(pipe(ready), 0);
    CHECK_INT(pipe(go), 0);
    /* They wait most of the time: all at once. */
    for (int i = 0; i < ROUNDS; i++) {
        rounds[i] = fork();
        CHECK(rounds[i] >= 0);
        if (rounds[i] == 0) {
            close(ready[0]);
            close(go[1]);
            return one_round(i / 2, i % 2, ready[1], go[0]);
        }
    }
    close(ready[1]);
    char byte;
    for (int i = 0; i < ROUNDS; i++)
        CHECK_INT(read(ready[0], &byte, 1), 1);
    fabric_t *ctl = control();
    tell(ctl, "fault", "hang", "", "-1", NULL);
    sleep_ms(500);
    close(go[1]);
    int failed = 0;
    for (int i = 0; i < ROUNDS; i++) {
        int status;
        CHECK_INT(waitpid(rounds[i], &status, 0), rounds[i]);
        failed += status != 0;
    }
    tell(ctl, "reset", NULL);
    fabric_free(ctl);
    CHECK_INT(failed, 0);
    return 0;
}
