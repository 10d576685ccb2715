/* Fabric goes away after the first lookup: the old topology serves on, no lookup fails, its age
 * tells. Fabric comes back: what changed meanwhile is picked up. */
#include "support.h"

enum { TTL = 20, OUTAGE = 400 };

static fabric_t *short_lived(void)
{
    fabric_options_t *o = options();
    CHECK_INT(fabric_options_set_ttl_ms(o, TTL, TTL), FABRIC_OK);
    return handle(o);
}

static uint32_t primary(const fabric_t *f)
{
    return port_of(f, "employees.salaries", fabric_key_int(1), FABRIC_MODE_READWRITE);
}

static uint64_t failed_refreshes(const fabric_t *f)
{
    fabric_metrics_t metrics;
    CHECK_INT(fabric_get_metrics(f, &metrics, NULL), FABRIC_OK);
    return metrics.refreshes_failed;
}

static void outage(const fabric_t *ctl, const char *fault)
{
    printf("%s\n", fault);
    fabric_t *f = short_lived();
    CHECK_INT(primary(f), 33611);
    uint64_t generation = fabric_topology_generation(f);

    tell(ctl, "fault", fault, "", "-1", NULL);
    tell(ctl, "promote", "shard1", "127.0.0.1:33612", NULL);
    /* A refresh that began before the outage may yet make the topology younger, until another one
     * has failed. */
    int64_t end = now_ms() + 60000;
    for (uint64_t failed = failed_refreshes(f); failed_refreshes(f) == failed; sleep_ms(1))
        CHECK(now_ms() < end);
    int64_t age = fabric_topology_age(f), begin = now_ms(), lookups = 0;
    do {
        CHECK_INT(primary(f), 33611);
        int64_t older = fabric_topology_age(f);
        CHECK(older >= age);
        age = older;
        lookups++;
        sleep_ms(1);
    } while (now_ms() - begin < OUTAGE || lookups < 3);
    CHECK(age >= OUTAGE);
    CHECK_INT(fabric_topology_generation(f), generation);
    CHECK_INT(fabric_get_ttl_ms(f), TTL);

    /* Even for a caller who wants it new. */
    CHECK_INT(fabric_reset_cache(f, NULL, NULL), FABRIC_OK);
    CHECK_INT(primary(f), 33611);

    tell(ctl, "fault", "none", NULL);
    begin = now_ms();
    while (primary(f) != 33612) {
        CHECK(now_ms() - begin < 60000);
        sleep_ms(1);
    }
    CHECK(fabric_topology_generation(f) > generation);
    CHECK(fabric_topology_age(f) < now_ms() - begin + 5000);
    fabric_free(f);
    tell(ctl, "reset", NULL);
}

/* Fabric cannot read the rows of one table any more: that one grows too old, nothing else does. */
static void one_table(const fabric_t *ctl)
{
    enum { MOST = 1500 };
    static const char *const broken = "hashdb.users", *const good = "employees.salaries";
    fabric_options_t *o = options();
    CHECK_INT(fabric_options_set_ttl_ms(o, TTL, TTL), FABRIC_OK);
    CHECK_INT(fabric_options_set_max_stale_ms(o, MOST), FABRIC_OK);
    fabric_t *f = handle(o);
    fabric_error_t err;
    fabric_server_t server;
    CHECK_INT(fabric_seed(f, NULL, 0, &err), FABRIC_OK);
    fabric_table_t *t = NULL;
    CHECK_INT(fabric_table_open(f, &broken, 1, &t, &err), FABRIC_OK);

    tell(ctl, "break_table", broken, NULL);
    int64_t begin = now_ms();
    while (find(f, broken, fabric_key_int(1), FABRIC_MODE_READWRITE, &server, &err)
           != FABRIC_ERR_STALE) {
        CHECK(now_ms() - begin < 60000);
        sleep_ms(10);
    }
    CHECK(strstr(err.message, "table 'hashdb.users'"));
    CHECK(strstr(err.message, "1500 ms"));
    fabric_key_t key = fabric_key_int(1);
    CHECK_INT(fabric_table_get_server(t, &key, FABRIC_SCOPE_LOCAL, FABRIC_MODE_READWRITE, &server,
                                      &err),
              FABRIC_ERR_STALE);
    CHECK_INT(fabric_get_shard_server_wait(f, &broken, 1, &key, FABRIC_SCOPE_LOCAL,
                                           FABRIC_MODE_READONLY, 50, &server, &err),
              FABRIC_ERR_STALE);
    CHECK(fabric_topology_age(f) > MOST);
    fabric_metrics_t metrics;
    CHECK_INT(fabric_get_metrics(f, &metrics, &err), FABRIC_OK);
    CHECK(metrics.topology_age_ms > MOST);
    while (find(f, good, key, FABRIC_MODE_READWRITE, &server, &err) != FABRIC_OK) {
        CHECK(now_ms() - begin < 60000);
        sleep_ms(10);
    }
    fabric_table_free(t);
    fabric_free(f);
    tell(ctl, "reset", NULL);
}

int main(void)
{
    fabric_t *ctl = control();
    one_table(ctl);
    outage(ctl, "close");
    outage(ctl, "unterminated_400");
    outage(ctl, "garbage");
    outage(ctl, "status");
    outage(ctl, "error");
    fabric_free(ctl);
    return 0;
}
