/* Fabric hangs after the first lookup: no lookup fails, and none waits for it, whether a thread
 * refreshes in the background or the lookup that finds the topology old has it fetched. */
#define _POSIX_C_SOURCE 200809L

#include "support.h"

enum { TTL = 1000 };

/* argv[1]: under valgrind every request takes long. */
static int64_t timeout = 1500;

static uint32_t primary(const fabric_t *f)
{
    return port_of(f, "employees.salaries", fabric_key_int(1), FABRIC_MODE_READWRITE);
}

static fabric_t *subject(int32_t background)
{
    fabric_options_t *o = options();
    CHECK_INT(fabric_options_set_background_refresh(o, background), FABRIC_OK);
    CHECK_INT(fabric_options_set_ttl_ms(o, TTL, TTL), FABRIC_OK);
    CHECK_INT(fabric_options_set_request_timeout_ms(o, timeout), FABRIC_OK);
    fabric_t *f = handle(o);
    CHECK_INT(primary(f), 33611);
    return f;
}

static void expect_recovery(const fabric_t *ctl, fabric_t *f, uint64_t generation)
{
    tell(ctl, "fault", "none", NULL);
    int64_t begin = now_ms();
    while (primary(f) != 33612) {
        CHECK(now_ms() - begin < 60000);
        sleep_ms(5);
    }
    CHECK_INT(fabric_topology_generation(f), generation + 1);
    fabric_free(f);
    tell(ctl, "reset", NULL);
}

static void callers_refresh(const fabric_t *ctl)
{
    fabric_t *f = subject(0);
    uint64_t generation = fabric_topology_generation(f);
    tell(ctl, "promote", "shard1", "127.0.0.1:33612", NULL);
    tell(ctl, "fault", "hang", "", "-1", NULL);
    sleep_ms(TTL + 10);

    /* A lookup finds the topology old and has it fetched; until that is over, the others do not. */
    size_t before = requests(ctl);
    CHECK_INT(primary(f), 33611);
    while (requests(ctl) == before)
        sleep_ms(1);
    for (int i = 0; i < 10000; i++)
        CHECK_INT(primary(f), 33611);
    /* One fetch, or a few where all this takes long; each of its questions goes out twice, since the
     * node says nothing. */
    size_t asked = requests(ctl) - before;
    CHECK(asked <= 20);
    while (fabric_topology_age(f) < TTL + timeout)
        CHECK_INT(primary(f), 33611);
    CHECK_INT(fabric_topology_generation(f), generation);
    expect_recovery(ctl, f, generation);
}

static void a_thread_refreshes(const fabric_t *ctl)
{
    fabric_t *f = subject(1);
    uint64_t generation = fabric_topology_generation(f);
    tell(ctl, "promote", "shard1", "127.0.0.1:33612", NULL);
    size_t before = requests(ctl);
    tell(ctl, "fault", "hang", "", "-1", NULL);
    while (requests(ctl) == before)
        sleep_ms(1);
    /* Ten thousand that waited would take hours. */
    int64_t begin = now_ms();
    for (int i = 0; i < 10000; i++)
        CHECK_INT(primary(f), 33611);
    CHECK(now_ms() - begin < 10 * timeout);
    while (fabric_topology_age(f) < TTL + timeout) {
        CHECK_INT(primary(f), 33611);
        sleep_ms(50);
    }
    CHECK_INT(fabric_topology_generation(f), generation);
    expect_recovery(ctl, f, generation);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        timeout = strtol(argv[1], NULL, 10);
    fabric_t *ctl = control();
    callers_refresh(ctl);
    a_thread_refreshes(ctl);
    fabric_free(ctl);
    return 0;
}
