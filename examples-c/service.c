/* A service that survives failovers: the pattern to copy. Its threads write and read rows of a table that is sharded
 * over groups of MySQL servers, and when a server dies, hangs, leaves or becomes read-only, they go on at the next.
 *
 * usage: service URL USER PASSWORD
 *
 * URL is where the shard map is, such as mysql://db1,db2/mysqlfabric. The table is
 *     CREATE TABLE demo.entries (id BIGINT PRIMARY KEY, body VARCHAR(40) NOT NULL)
 * in every group. It runs until SIGTERM or SIGINT, then looks for each row that it wrote, and ends with 0 if all are
 * there. tests/servers/demo.sh starts a farm and has things happen to it. */
#define _POSIX_C_SOURCE 200809L
#include <mysqlfabric.h>

#include "pool.h"
#include <signal.h>
#include <stdlib.h>
#include <time.h>

enum { WORKERS = 4, PATIENCE_MS = 60000 };

static fabric_t *farm;
static fabric_table_t *entries;
static volatile sig_atomic_t stops;

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Nothing is left of any time once the service is to stop. */
static int64_t left_ms(int64_t end)
{
    const int64_t now = now_ms();
    return end > now && !stops ? end - now : 0;
}

static void pause_ms(long ms)
{
    const struct timespec pause = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&pause, NULL);
}

/* ---- What the library adds: where a statement goes, and what becomes of it. ---- */

/* Ends the writes at a primary that is none any more: they may hang there until the server is gone. */
static void on_event(const fabric_event_t *event, void *unused)
{
    (void)unused;
    if (event->kind == FABRIC_EVENT_PRIMARY_CHANGED) {
        printf("  group %s has %s primary\n", event->group, *event->server_uuid ? "another" : "no");
        if (*event->server_uuid) /* else it may be the same again in a moment */
            pool_cut(event->group, event->server_uuid);
    }
}

/* Runs a statement where the row is, and again while it is the server that fails: one that does no harm when it is done
 * twice, for an answer may be lost. 0, or the errno of the driver; 1105 where no server can be had. */
static int run(int64_t id, int32_t mode, const char *sql, struct answer *answer)
{
    const fabric_key_t key = fabric_key_int(id);
    const int64_t end = now_ms() + PATIENCE_MS;
    int32_t action = FABRIC_ACTION_NONE;
    fabric_server_t at;
    fabric_error_t err;
    long pause = 5;
    while (fabric_table_get_server_wait(entries, &key, FABRIC_SCOPE_LOCAL, mode, left_ms(end), &at,
                                        &err)
           == FABRIC_OK) {
        const char *work = mode == FABRIC_MODE_READWRITE ? at.group : "reads";
        pool_query(at.uuid, work, at.host, at.port, sql, answer);
        fabric_report_error(farm, at.uuid, answer->code, answer->error, &action, NULL);
        if (action == FABRIC_ACTION_NONE || left_ms(end) == 0)
            return answer->code;
        pause_ms(pause);
        pause *= pause < 500 ? 2 : 1;
    }
    return pool_fail(answer, err.message);
}

/* Opens the farm and its table; what is wrong with an option is said here, too. */
static int32_t open_farm(const char *url, const char *user, const char *password,
                         fabric_error_t *err)
{
    const char *tables[] = {"demo.entries"};
    fabric_options_t *options = fabric_options_new();
    fabric_options_set_source(options, url);
    fabric_options_set_mysql_credentials(options, user, password);
    fabric_options_set_event_callback(options, on_event, NULL, NULL);
    int32_t status = fabric_new(options, &farm, err);
    fabric_options_free(options);
    return status ? status : fabric_table_open(farm, tables, 1, &entries, err);
}

/* ---- The service's own: its statements. ---- */

static int told(int64_t id, int code, const struct answer *answer)
{
    if (code != 0)
        fprintf(stderr, "row %lld: error %d: %s\n", (long long)id, code, answer->error);
    return code;
}

static int write_row(int64_t id)
{
    char sql[128];
    struct answer answer;
    snprintf(sql, sizeof sql,
             "INSERT INTO demo.entries VALUES (%lld, 'row %lld') ON DUPLICATE KEY UPDATE id = id",
             (long long)id, (long long)id);
    return told(id, run(id, FABRIC_MODE_READWRITE, sql, &answer), &answer);
}

static int read_row(int64_t id, int32_t mode, long long *found)
{
    char sql[128];
    struct answer answer;
    snprintf(sql, sizeof sql, "SELECT COUNT(*) FROM demo.entries WHERE id = %lld", (long long)id);
    const int code = told(id, run(id, mode, sql, &answer), &answer);
    *found = code == 0 ? answer.number : 0;
    return code;
}

static struct worker {
    pthread_t thread;
    int64_t id; /* of the last row: a worker has every WORKERS-th */
    long written, failed, reads, missed;
    int64_t longest_ms;
    volatile sig_atomic_t ended;
} workers[WORKERS];

static void *work(void *argument)
{
    struct worker *w = argument;
    for (; !stops; pause_ms(5)) {
        const int64_t begun = now_ms();
        if (write_row(w->id + WORKERS) != 0) {
            w->failed += !stops;
            continue;
        }
        w->id += WORKERS;
        w->written++;
        const int64_t took = now_ms() - begun;
        if (took > w->longest_ms)
            w->longest_ms = took;
        /* One that is a second old: what was written just now, a secondary may not have yet. */
        const int64_t older = w->id - 100 * WORKERS;
        if (older <= 0)
            continue;
        long long found = 0;
        if (read_row(older, FABRIC_MODE_READONLY, &found) != 0) {
            w->failed += !stops;
            continue;
        }
        w->reads++;
        w->missed += !found;
    }
    w->ended = 1;
    return NULL;
}

/* Ends what the workers wait for, again until none begins to wait any more. */
static void end_workers(void)
{
    for (int i = 0; i < WORKERS; i++) {
        for (; !workers[i].ended; pause_ms(5))
            fabric_interrupt(farm);
        pthread_join(workers[i].thread, NULL);
    }
}

/* How many of a worker's rows are not there. One that cannot be read in its time ends the count: the rest is lost. */
static long lost_rows(const struct worker *w)
{
    long lost = 0;
    for (int64_t id = w->id - w->written * WORKERS + WORKERS; id <= w->id; id += WORKERS) {
        long long found = 0;
        if (!stops && read_row(id, FABRIC_MODE_READWRITE, &found) != 0)
            stops = 1;
        lost += !found;
    }
    return lost;
}

/* A signal handler may not call the library: main() sees to the rest. */
static void stop(int number)
{
    (void)number;
    stops = 1;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: service URL USER PASSWORD\n");
        return EXIT_FAILURE;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    pool_open(argv[2], argv[3]);
    signal(SIGTERM, stop);
    signal(SIGINT, stop);
    fabric_error_t err;
    if (mysql_library_init(0, NULL, NULL) != 0
        || open_farm(argv[1], argv[2], argv[3], &err) != FABRIC_OK) {
        fprintf(stderr, "service: %s\n", err.message);
        return EXIT_FAILURE;
    }
    struct worker all = {.longest_ms = 0};
    long lost = 0;
    for (int i = 0; i < WORKERS; i++) {
        workers[i].id = i;
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
            return EXIT_FAILURE;
    }
    while (!stops)
        pause_ms(100);
    end_workers();
    stops = 0;
    for (int i = 0; i < WORKERS; i++) {
        const struct worker *w = &workers[i];
        all.written += w->written;
        all.failed += w->failed;
        all.reads += w->reads;
        all.missed += w->missed;
        all.longest_ms = w->longest_ms > all.longest_ms ? w->longest_ms : all.longest_ms;
        lost += lost_rows(w);
    }
    if (stops)
        fprintf(stderr,
                "service: the count ended early; rows that nobody looked for are lost here\n");
    printf("rows written       %ld\nrows lost          %ld\nwrites that failed %ld\n"
           "longest pause      %lld ms\nreads              %ld, not found on a secondary: %ld\n",
           all.written, lost, all.failed, (long long)all.longest_ms, all.reads, all.missed);
    fabric_table_free(entries);
    fabric_free(farm);
    pool_close();
    mysql_library_end();
    return all.written > 0 && lost == 0 && all.failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
