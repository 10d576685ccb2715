/* Reads are shared out by weight, to within one pick at any time, and a refresh does not begin
 * the turns anew. */
#include "support.h"

enum { FIRST = 33612, SECOND = 33613, ROUNDS = 1000 };

/* shard1 has two secondaries, of weights 2.0 and 0.5: four turns to one. */
static void count(const fabric_t *f, const char *group, int reads[2])
{
    fabric_server_t s;
    fabric_error_t err;
    CHECK_OK(fabric_get_group_server(f, group, FABRIC_MODE_READONLY, FABRIC_STATUS_NONE, &s, &err),
             err);
    CHECK(s.port == FIRST || s.port == SECOND);
    reads[s.port == SECOND]++;
}

/* Where in the sequence a handle begins differs from handle to handle, so a run of n may hold
 * one pick more or less than its share at either end. */
static void check_shares(const int reads[2])
{
    double total = reads[0] + reads[1];
    double off = reads[1] - total / 5;
    CHECK(off > -1.0 && off < 1.0);
}

static void shares(void)
{
    fabric_options_t *o = options();
    CHECK_INT(fabric_options_set_ttl_ms(o, 3600000, 0), FABRIC_OK);
    fabric_t *f = handle(o);
    int reads[2] = {0, 0};
    for (int i = 0; i < 5 * ROUNDS; i++) {
        count(f, "shard1", reads);
        check_shares(reads);
    }
    CHECK_INT(reads[0], 4 * ROUNDS);
    CHECK_INT(reads[1], ROUNDS);

    /* Lookups of a table there and of the group itself take their turns from one sequence. */
    for (int i = 0; i < 5 * ROUNDS; i++) {
        uint32_t port = port_of(f, "employees.salaries", fabric_key_int(1), FABRIC_MODE_READONLY);
        reads[port == SECOND]++;
        count(f, "shard1", reads);
        check_shares(reads);
    }
    fabric_free(f);
}

static void across_refreshes(const fabric_t *ctl)
{
    fabric_options_t *o = options();
    CHECK_INT(fabric_options_set_ttl_ms(o, 3600000, 0), FABRIC_OK);
    fabric_t *f = handle(o);
    int reads[2] = {0, 0};
    /* Three picks between two fetches: a sequence that began anew would never share right. */
    for (int i = 0; i < 300; i++) {
        count(f, "shard1", reads);
        check_shares(reads);
        if (i % 3 == 0)
            CHECK_INT(fabric_reset_cache(f, NULL, NULL), FABRIC_OK);
    }
    CHECK(requests_of(ctl, "dump.servers") >= 100);

    /* Nor does a change elsewhere disturb it. */
    tell(ctl, "promote", "shard2", "127.0.0.1:33622", NULL);
    CHECK_INT(fabric_reset_cache(f, NULL, NULL), FABRIC_OK);
    CHECK_INT(port_of(f, "employees.salaries", fabric_key_int(10001), FABRIC_MODE_READWRITE),
              33622);
    for (int i = 0; i < 300; i++) {
        count(f, "shard1", reads);
        check_shares(reads);
    }
    fabric_free(f);
    tell(ctl, "reset", NULL);
}

static void new_weights(const fabric_t *ctl)
{
    fabric_options_t *o = options();
    CHECK_INT(fabric_options_set_ttl_ms(o, 3600000, 0), FABRIC_OK);
    fabric_t *f = handle(o);
    int reads[2] = {0, 0};
    count(f, "shard1", reads);
    tell(ctl, "set_weight", "127.0.0.1:33613", "2.0", NULL);
    CHECK_INT(fabric_reset_cache(f, "shard1", NULL), FABRIC_OK);
    reads[0] = reads[1] = 0;
    for (int i = 0; i < 1000; i++)
        count(f, "shard1", reads);
    CHECK_INT(reads[0], 500);
    CHECK_INT(reads[1], 500);
    fabric_free(f);
    tell(ctl, "reset", NULL);
}

int main(void)
{
    fabric_t *ctl = control();
    shares();
    tell(ctl, "reset", NULL);
    across_refreshes(ctl);
    new_weights(ctl);
    fabric_free(ctl);
    return 0;
}
