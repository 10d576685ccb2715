/* A process that gets no more threads: what is known serves on, what is not is fetched by the caller
 * within its bound, and all is as before once there are threads again. Nothing is printed. */
#define _GNU_SOURCE
#include "pthread_create.h"
#include "support.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* HANG: what a call takes that waits for more than its own bound. */
enum { TTL = 200, BOUND = 500, HANG = 60000, LOOKUPS = 2000 };

/* What the handles of a test say about threads, a counter for each thing that wants one. */
static const char *const purposes[] = {
    "to fetch the topology", "for the background refresh", "to run a command",
    "to report a failure",   "for the event callback",
};
enum { PURPOSES = sizeof purposes / sizeof *purposes };
static atomic_int said[PURPOSES], said_else;

static void log_line(int32_t level, const char *message, void *unused)
{
    (void)unused;
    /* Errors are those of calls, each of which says its own. */
    if (level != FABRIC_LOG_WARNING || !strstr(message, "no thread"))
        return;
    for (int i = 0; i < PURPOSES; i++)
        if (strstr(message, purposes[i])) {
            atomic_fetch_add(&said[i], 1);
            return;
        }
    atomic_fetch_add(&said_else, 1);
}

static int lines_said(const char *purpose)
{
    for (int i = 0; i < PURPOSES; i++)
        if (strcmp(purposes[i], purpose) == 0)
            return atomic_exchange(&said[i], 0);
    CHECK(!"a purpose");
    return 0;
}

static fabric_options_t *subject_at(const char *host, int32_t background)
{
    fabric_options_t *o = fabric_options_new();
    fabric_options_add_node(o, host, fabricd_port());
    fabric_options_set_credentials(o, "admin", "secret");
    fabric_options_set_connect_attempts(o, 1);
    fabric_options_set_background_refresh(o, background);
    fabric_options_set_ttl_ms(o, TTL, TTL);
    fabric_options_set_request_timeout_ms(o, HANG);
    fabric_options_set_lookup_timeout_ms(o, BOUND);
    fabric_options_set_report_errors(o, FABRIC_REPORT_FAILURE);
    fabric_options_set_log(o, FABRIC_LOG_DEBUG, log_line, NULL, NULL);
    return o;
}

static fabric_options_t *subject(int32_t background)
{
    return subject_at(fabricd_host(), background);
}

static uint32_t primary(const fabric_t *f)
{
    return port_of(f, "employees.salaries", fabric_key_int(1), FABRIC_MODE_READWRITE);
}

static uint64_t threads_refused(const fabric_t *f)
{
    fabric_metrics_t metrics;
    CHECK_INT(fabric_get_metrics(f, &metrics, NULL), FABRIC_OK);
    return metrics.threads_refused;
}

/* The topology is read anew: another primary is answered. Nobody but lookups helps. */
static void expect_recovery(const fabric_t *ctl, fabric_t *f, int32_t background)
{
    tell(ctl, "promote", "shard1", "127.0.0.1:33612", NULL);
    int64_t begin = now_ms();
    while (primary(f) != 33612) {
        CHECK(now_ms() - begin < HANG);
        sleep_ms(5);
    }
    /* From here on without any. */
    size_t before = requests(ctl);
    while (background && requests(ctl) < before + 6) {
        CHECK(now_ms() - begin < HANG);
        sleep_ms(20);
    }
    fabric_free(f);
    tell(ctl, "reset", NULL);
}

static void what_is_known_serves_on(const fabric_t *ctl)
{
    fabric_t *f = handle(subject(0));
    CHECK_INT(primary(f), 33611);
    uint64_t generation = fabric_topology_generation(f);
    size_t before = requests(ctl);
    atomic_store(&no_threads, 1);
    int64_t begin = now_ms();
    int lookups = 0;
    /* Many a time to live, in which each lookup that finds it over wants a thread. */
    for (; now_ms() - begin < 12 * TTL || lookups < LOOKUPS; lookups++)
        CHECK_INT(primary(f), 33611);
    CHECK(fabric_topology_age(f) >= 12 * TTL);
    CHECK_INT(fabric_topology_generation(f), generation);
    CHECK_INT(requests(ctl), before);
    CHECK_INT(lines_said("to fetch the topology"), 1);
    CHECK(threads_refused(f) > 2);
    CHECK_INT(threads_refused(f), atomic_exchange(&refused_threads, 0));
    atomic_store(&no_threads, 0);
    expect_recovery(ctl, f, 0);
}

static void callers_fetch(const fabric_t *ctl)
{
    fabric_t *f = handle(subject(1));
    atomic_store(&no_threads, 1);
    CHECK_INT(primary(f), 33611);
    fabric_server_t server;
    fabric_error_t err;
    CHECK_OK(fabric_get_group_server(f, "shard2", FABRIC_MODE_READWRITE, FABRIC_STATUS_NONE,
                                     &server, &err),
             err);
    CHECK_INT(server.port, 33621);
    fabric_result_t *result = NULL;
    CHECK_OK(fabric_execute(f, "manage", "ping", NULL, 0, &result, &err), err);
    fabric_result_free(result);
    CHECK_OK(fabric_seed(f, NULL, 0, &err), err);

    /* The background refresh wants a thread once a second. */
    int64_t begin = now_ms();
    while (now_ms() - begin < 2500)
        CHECK_INT(primary(f), 33611);
    CHECK(threads_refused(f) > 4);
    CHECK_INT(lines_said("to fetch the topology"), 1);
    CHECK_INT(lines_said("for the background refresh"), 1);
    CHECK_INT(lines_said("to run a command"), 1);

    /* Nobody waits for a report, nor hears of one more than once. */
    for (int i = 0; i < 50; i++) {
        char uuid[FABRIC_UUID_SIZE];
        snprintf(uuid, sizeof uuid, "00000000-0000-0000-0000-%012d", i);
        CHECK_OK(fabric_report_failure(f, uuid, 2003, &err), err);
    }
    CHECK_INT(lines_said("to report a failure"), 1);
    CHECK_INT(threads_refused(f), atomic_exchange(&refused_threads, 0));

    atomic_store(&no_threads, 0);
    expect_recovery(ctl, f, 1);
}

static void within_their_bounds(const fabric_t *ctl)
{
    fabric_t *f = handle(subject(1));
    fabric_server_t server;
    fabric_error_t err;
    atomic_store(&no_threads, 1);
    tell(ctl, "fault", "hang", "", "-1", NULL);
    for (int32_t i = 0; i < 3; i++) {
        int64_t begin = now_ms();
        CHECK_INT(find(f, "employees.salaries", fabric_key_int(1), FABRIC_MODE_READWRITE, &server,
                       &err),
                  FABRIC_ERR_TIMEOUT);
        CHECK_INT(err.retryable, 1);
        CHECK(now_ms() - begin < HANG / 2);
        begin = now_ms();
        CHECK_INT(fabric_get_group_server_wait(f, "shard1", FABRIC_MODE_READWRITE,
                                               FABRIC_STATUS_NONE, BOUND, &server, &err),
                  FABRIC_ERR_TIMEOUT);
        CHECK(now_ms() - begin < HANG / 2);
        /* Who may not wait is told what is missing. */
        CHECK_INT(fabric_get_group_server_wait(f, "shard1", FABRIC_MODE_READWRITE,
                                               FABRIC_STATUS_NONE, 0, &server, &err),
                  FABRIC_ERR_SYSTEM);
        CHECK_CONTAINS(err.message, "no thread");
        CHECK_CONTAINS(err.message, "pids.max");
    }
    CHECK_INT(lines_said("to fetch the topology"), 1);
    tell(ctl, "fault", "none", NULL);
    CHECK_INT(primary(f), 33611);
    atomic_store(&no_threads, 0);
    lines_said("for the background refresh");
    expect_recovery(ctl, f, 1);
}

/* Names are looked up on threads: without any, a first lookup says so, and a later one goes on. */
static void by_name(const fabric_t *ctl)
{
    for (int known = 0; known < 2; known++) {
        fabric_options_t *o = subject_at("localhost", 0);
        fabric_t *f = handle(o);
        fabric_server_t server;
        fabric_error_t err;
        if (known)
            CHECK_INT(primary(f), 33611);
        atomic_exchange(&refused_threads, 0);
        atomic_store(&no_threads, 1);
        for (int i = 0; i < 3; i++) {
            if (known) {
                sleep_ms(TTL + 10);
                CHECK_INT(primary(f), 33611);
                continue;
            }
            CHECK_INT(find(f, "employees.salaries", fabric_key_int(1), FABRIC_MODE_READWRITE,
                           &server, &err),
                      FABRIC_ERR_SYSTEM);
            CHECK_CONTAINS(err.message, "no thread can be had");
        }
        CHECK_INT(threads_refused(f), atomic_exchange(&refused_threads, 0));
        atomic_store(&no_threads, 0);
        CHECK_INT(lines_said("to fetch the topology"), 1);
        expect_recovery(ctl, f, 0);
    }
}

static atomic_int heard;

static void on_event(const fabric_event_t *event, void *unused)
{
    (void)event, (void)unused;
    atomic_fetch_add(&heard, 1);
}

/* Events wait for a thread, and their want of one is told once. */
static void events_wait(const fabric_t *ctl)
{
    fabric_options_t *o = subject(0);
    fabric_options_set_event_callback(o, on_event, NULL, NULL);
    fabric_t *f = handle(o);
    atomic_store(&no_threads, 1);
    for (int i = 0; i < 5; i++) {
        CHECK_INT(fabric_reset_cache(f, NULL, NULL), FABRIC_OK);
        CHECK_INT(primary(f), 33611);
    }
    CHECK_INT(lines_said("for the event callback"), 1);
    CHECK_INT(threads_refused(f), atomic_exchange(&refused_threads, 0));
    CHECK_INT(atomic_load(&heard), 0);
    atomic_store(&no_threads, 0);
    CHECK_INT(fabric_reset_cache(f, NULL, NULL), FABRIC_OK);
    CHECK_INT(primary(f), 33611);
    int64_t begin = now_ms();
    while (!atomic_load(&heard)) {
        CHECK(now_ms() - begin < HANG);
        sleep_ms(5);
    }
    lines_said("to fetch the topology");
    expect_recovery(ctl, f, 0);
}

int main(void)
{
    char file[] = "/tmp/no_threads.XXXXXX";
    int output = mkstemp(file), was = dup(2);
    CHECK(output >= 0 && was >= 0);
    fcntl(was, F_SETFD, FD_CLOEXEC);
    unlink(file);
    fabric_t *ctl = control();
    CHECK(requests(ctl) < 1000);

    /* The tests' own checks say what they have to say on the descriptor of before. */
    fflush(stderr);
    stderr = fdopen(was, "w");
    CHECK(stderr);
    setvbuf(stderr, NULL, _IONBF, 0);
    CHECK(dup2(output, 1) == 1 && dup2(output, 2) == 2);
    what_is_known_serves_on(ctl);
    callers_fetch(ctl);
    within_their_bounds(ctl);
    by_name(ctl);
    events_wait(ctl);
    struct stat printed;
    CHECK_INT(fstat(output, &printed), 0);
    CHECK_INT(printed.st_size, 0);
    CHECK_INT(atomic_load(&said_else), 0);
    fabric_free(ctl);
    return 0;
}
