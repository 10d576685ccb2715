/* Eight threads ask one handle for all they are worth, while another changes the farm and
 * throws the cache away. Every answer must be one that the farm gave at some time. */
#define _POSIX_C_SOURCE 200809L

#include "support.h"

#include <pthread.h>

enum { THREADS = 8 };

static const fabric_t *f;
static int rounds;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int running = THREADS;

/* The primary of shard1 goes back and forth between 33611 and 33612; the other groups stay. */
static void ask_all(int round)
{
    fabric_server_t s[4];
    fabric_shard_t shards[4];
    fabric_node_t node[2];
    fabric_error_t err;
    size_t n = 0;
    uint32_t port;

    port = port_of(f, "employees.salaries", fabric_key_int(1), FABRIC_MODE_READWRITE);
    CHECK(port == 33611 || port == 33612);
    port = port_of(f, "hashdb.users", text("2"), FABRIC_MODE_READONLY);
    CHECK(port == 33611 || port == 33612 || port == 33613);
    CHECK_INT(port_of(f, "crm.names", text("zoe"), FABRIC_MODE_READWRITE), 33641);
    CHECK_INT(port_of(f, "log.events", text("2010-01-01"), FABRIC_MODE_READONLY), 33622);
    CHECK_INT(find(f, "no.such", fabric_key_int(1), FABRIC_MODE_NONE, s, &err),
              FABRIC_ERR_UNKNOWN_TABLE);
    CHECK_INT(find(f, "employees.salaries", fabric_key_int(0), FABRIC_MODE_NONE, s, &err),
              FABRIC_ERR_KEY_OUT_OF_RANGE);
    CHECK_OK(fabric_get_group_servers(f, "shard1", round % 16 != 0, s, 4, &n, &err), err);
    CHECK_INT(n, 3);
    int primaries = 0;
    for (size_t i = 0; i < n; i++)
        primaries += s[i].status == FABRIC_STATUS_PRIMARY;
    CHECK_INT(primaries, 1);
    CHECK_OK(fabric_get_shards(f, "shop.orders", shards, 4, &n, &err), err);
    CHECK_INT(n, 3);
    CHECK_OK(fabric_get_fabric_nodes(f, node, 2, &n, &err), err);
    CHECK_INT(n, 1);
    CHECK_TEXT(fabric_get_user(f), "admin");
    CHECK(fabric_topology_age(f) >= 0);
    CHECK(fabric_get_ttl_ms(f) == 1000);
    if (round % 16 == 8)
        CHECK_OK(fabric_report_failure(f, s[0].uuid, 2003, &err), err);
}

static void *worker(void *unused)
{
    uint64_t generation = 0;
    for (int round = 0; round < rounds; round++) {
        ask_all(round);
        uint64_t newer = fabric_topology_generation(f);
        CHECK(newer >= generation);
        generation = newer;
    }
    pthread_mutex_lock(&lock);
    running--;
    pthread_mutex_unlock(&lock);
    return unused;
}

static int still_running(void)
{
    pthread_mutex_lock(&lock);
    int some = running;
    pthread_mutex_unlock(&lock);
    return some;
}

/* The number of rounds is argv[1]: fewer under valgrind. */
int main(int argc, char **argv)
{
    pthread_t threads[THREADS];
    rounds = argc > 1 ? atoi(argv[1]) : 500;
    fabric_t *ctl = control();
    fabric_t *shared = handle(options());
    f = shared;
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, worker, NULL) == 0);
    int changes = 0;
    while (still_running()) {
        tell(ctl, "promote", "shard1", changes++ % 2 ? "127.0.0.1:33611" : "127.0.0.1:33612", NULL);
        CHECK_INT(fabric_reset_cache(f, changes % 3 ? NULL : "shard1", NULL), FABRIC_OK);
        sleep_ms(1);
    }
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);

    /* In the end the handle agrees with the farm. */
    CHECK_INT(fabric_reset_cache(f, NULL, NULL), FABRIC_OK);
    CHECK_INT(port_of(f, "employees.salaries", fabric_key_int(1), FABRIC_MODE_READWRITE),
              changes % 2 ? 33612 : 33611);
    printf("%d rounds in each of %d threads, %d changes, generation %" PRIu64 "\n", rounds, THREADS,
           changes, fabric_topology_generation(f));
    fabric_free(shared);
    fabric_free(ctl);
    return 0;
}
