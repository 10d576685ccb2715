/* A process that gets no more threads while Fabric hangs: an interrupt ends what a caller waits for in
 * its own thread, and quarantines and holds end in time. */
#define _GNU_SOURCE
#include "pthread_create.h"
#include "support.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

/* HANG: what a call takes that nothing ends. SOON: far less, and far more than it takes otherwise. */
enum { TTL = 200, HANG = 60000, SOON = 20000 };

static const char primary_uuid[] = "aa9b1821-e706-11f1-b000-02fc00000001";
static const char secondary_uuid[] = "aab422d7-e706-11f1-b000-02fc00000001";

static fabric_options_t *patient(int32_t background)
{
    fabric_options_t *o = options();
    fabric_options_set_background_refresh(o, background);
    fabric_options_set_ttl_ms(o, TTL, TTL);
    fabric_options_set_request_timeout_ms(o, HANG);
    return o;
}

static const char *const tables[] = {"employees.salaries"};

static int32_t looks_up(const fabric_t *f)
{
    fabric_server_t server;
    return find(f, tables[0], fabric_key_int(1), FABRIC_MODE_READWRITE, &server, NULL);
}

static int32_t waits(const fabric_t *f)
{
    fabric_server_t server;
    return fabric_get_group_server_wait(f, "shard1", FABRIC_MODE_READWRITE, FABRIC_STATUS_NONE,
                                        HANG, &server, NULL);
}

static int32_t seeds(const fabric_t *f)
{
    return fabric_seed(f, NULL, 0, NULL);
}

static int32_t prefetches(const fabric_t *f)
{
    return fabric_get_sharding_information(f, tables, 1, NULL);
}

static int32_t executes(const fabric_t *f)
{
    fabric_result_t *result = NULL;
    return fabric_execute(f, "manage", "ping", NULL, 0, &result, NULL);
}

static const struct {
    const char *name;
    int32_t (*make)(const fabric_t *);
} calls[] = {{"lookup", looks_up},
             {"_wait", waits},
             {"seed", seeds},
             {"prefetch", prefetches},
             {"execute", executes}};
enum { CALLS = sizeof calls / sizeof *calls };

static const fabric_t *f;
/* Which call the service's own thread makes, and what came of the last one. */
static atomic_int wanted = -1, over;
static int32_t status;

static void *service(void *unused)
{
    for (int done = 0; done < CALLS; done++) {
        while (atomic_load(&wanted) != done)
            sleep_ms(1);
        status = calls[done].make(f);
        atomic_store(&over, 1);
    }
    return unused;
}

static void an_interrupt_ends_them(const fabric_t *ctl, int snapshot)
{
    fabric_options_t *o = patient(1);
    fabric_options_set_lookup_timeout_ms(o, HANG);
    if (snapshot)
        fabric_options_set_snapshot_file(o, "/nonexistent/snapshot.json");
    f = handle(o);
    pthread_t thread;
    atomic_store(&wanted, -1);
    CHECK_INT(pthread_create(&thread, NULL, service, NULL), 0);
    atomic_store(&no_threads, 1);
    tell(ctl, "fault", "hang", "", "-1", NULL);
    for (int i = 0; i < CALLS; i++) {
        atomic_store(&over, 0);
        atomic_store(&wanted, i);
        /* By then it waits; if it does not yet, the next interrupt finds it waiting. */
        sleep_ms(300);
        CHECK(!atomic_load(&over));
        int64_t begin = now_ms();
        while (!atomic_load(&over)) {
            fabric_interrupt(f);
            sleep_ms(20);
            CHECK(now_ms() - begin < SOON);
        }
        printf("%s without a thread: %d ms from the interrupt on\n", calls[i].name,
               (int)(now_ms() - begin));
        CHECK_INT(status, FABRIC_ERR_INTERRUPTED);
    }
    CHECK_INT(pthread_join(thread, NULL), 0);
    fabric_metrics_t metrics;
    CHECK_INT(fabric_get_metrics(f, &metrics, NULL), FABRIC_OK);
    CHECK_INT(metrics.refreshes_failed, 0);
    /* Nobody holds it against Fabric. */
    tell(ctl, "fault", "none", NULL);
    CHECK_INT(looks_up(f), FABRIC_OK);
    atomic_store(&no_threads, 0);
    fabric_free((fabric_t *)(uintptr_t)f);
}

static uint32_t reader(void)
{
    fabric_server_t server;
    fabric_error_t err;
    CHECK_OK(fabric_get_group_server(f, "shard1", FABRIC_MODE_READONLY, FABRIC_STATUS_NONE, &server,
                                     &err),
             err);
    return server.port;
}

static int is_released(void)
{
    fabric_event_t event;
    int found = 0;
    while (fabric_next_event(f, &event, NULL) == FABRIC_OK)
        found |= event.kind == FABRIC_EVENT_WRITES_RELEASED;
    return found;
}

static void what_ends_in_time_ends(const fabric_t *ctl, int32_t background)
{
    fabric_options_t *o = patient(background);
    fabric_options_set_lookup_timeout_ms(o, 300);
    fabric_options_set_quarantine_ms(o, 500);
    fabric_options_set_least_write_hold_ms(o, 500);
    f = handle(o);
    int fd;
    CHECK_INT(fabric_event_fd(f, &fd, NULL), FABRIC_OK);
    CHECK_INT(seeds(f), FABRIC_OK);
    atomic_store(&no_threads, 1);
    tell(ctl, "fault", "hang", "", "-1", NULL);
    /* The thread in the background is at it by itself. */
    sleep_ms(5 * TTL);
    int64_t begin = now_ms();
    CHECK_INT(fabric_report_result(f, secondary_uuid, 2003, NULL), FABRIC_OK);
    CHECK_INT(reader(), 33613);
    CHECK_INT(fabric_report_result(f, primary_uuid, 1290, NULL), FABRIC_OK);
    CHECK_INT(looks_up(f), FABRIC_ERR_WRITE_HELD);
    while (reader() != 33612) {
        CHECK(now_ms() - begin < SOON);
        sleep_ms(10);
    }
    while (looks_up(f) != FABRIC_OK) {
        CHECK(now_ms() - begin < SOON);
        sleep_ms(10);
    }
    CHECK(is_released());
    printf("quarantine and hold without a thread, background %d: %d ms\n", (int)background,
           (int)(now_ms() - begin));
    atomic_store(&no_threads, 0);
    tell(ctl, "fault", "none", NULL);
    fabric_free((fabric_t *)(uintptr_t)f);
}

/* A node that takes the connection and says nothing has its share of the time, and not all of it. */
static void a_second_node_is_asked(void)
{
    int silent = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    CHECK(silent >= 0);
    CHECK_INT(bind(silent, (struct sockaddr *)&address, size), 0);
    CHECK_INT(listen(silent, 16), 0);
    CHECK_INT(getsockname(silent, (struct sockaddr *)&address, &size), 0);
    fabric_options_t *o = fabric_options_new();
    CHECK_INT(fabric_options_add_node(o, "127.0.0.1", ntohs(address.sin_port)), FABRIC_OK);
    CHECK_INT(fabric_options_add_node(o, fabricd_host(), fabricd_port()), FABRIC_OK);
    CHECK_INT(fabric_options_set_credentials(o, "admin", "secret"), FABRIC_OK);
    CHECK_INT(fabric_options_set_connect_attempts(o, 1), FABRIC_OK);
    CHECK_INT(fabric_options_set_lookup_timeout_ms(o, 6000), FABRIC_OK);
    CHECK_INT(fabric_options_set_request_timeout_ms(o, 6000), FABRIC_OK);
    CHECK_INT(fabric_options_set_background_refresh(o, 0), FABRIC_OK);
    f = handle(o);
    atomic_store(&no_threads, 1);
    fabric_server_t server;
    fabric_error_t err;
    CHECK_OK(find(f, tables[0], fabric_key_int(1), FABRIC_MODE_READWRITE, &server, &err), err);
    atomic_store(&no_threads, 0);
    fabric_free((fabric_t *)(uintptr_t)f);
    close(silent);
}

int main(void)
{
    fabric_t *ctl = control();
    a_second_node_is_asked();
    an_interrupt_ends_them(ctl, 0);
    an_interrupt_ends_them(ctl, 1);
    what_ends_in_time_ends(ctl, 0);
    what_ends_in_time_ends(ctl, 1);
    tell(ctl, "reset", NULL);
    fabric_free(ctl);
    return 0;
}
