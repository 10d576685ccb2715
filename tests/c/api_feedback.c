/* What a service tells of servers, and how lookups go around it before Fabric knows. */
#include "support.h"

#define PRIMARY "aa9b1821-e706-11f1-b000-02fc00000001"
#define FIRST "aab422d7-e706-11f1-b000-02fc00000001"
#define SECOND "aacdbf69-e706-11f1-b000-02fc00000001"
#define SALARIES "employees.salaries"

enum { RW = FABRIC_MODE_READWRITE, RO = FABRIC_MODE_READONLY };

static fabric_t *subject(void)
{
    fabric_options_t *o = options();
    CHECK_INT(fabric_options_set_ttl_ms(o, 3600000, 0), FABRIC_OK);
    CHECK_INT(fabric_options_set_quarantine_ms(o, 600000), FABRIC_OK);
    CHECK_INT(fabric_options_set_least_write_hold_ms(o, 600000), FABRIC_OK);
    return handle(o);
}

static void report(const fabric_t *f, const char *uuid, int32_t number)
{
    fabric_error_t err;
    CHECK_OK(fabric_report_result(f, uuid, number, &err), err);
}

static uint32_t reader(const fabric_t *f)
{
    return port_of(f, SALARIES, fabric_key_int(1), RO);
}

static void quarantine(const fabric_t *ctl)
{
    (void)ctl;
    fabric_t *f = subject();
    reader(f);
    report(f, FIRST, 2013);
    for (int i = 0; i < 100; i++)
        CHECK_INT(reader(f), 33613);
    /* With nobody else left, a server that may be dead is better than none. */
    report(f, SECOND, 2003);
    for (int i = 0; i < 10; i++)
        CHECK(reader(f) != 0);
    report(f, SECOND, 0);
    for (int i = 0; i < 100; i++)
        CHECK_INT(reader(f), 33613);
    /* A success ends it. */
    report(f, FIRST, 0);
    int first = 0;
    for (int i = 0; i < 100; i++)
        first += reader(f) == 33612;
    CHECK_INT(first, 80);
    /* Other errors, and servers nobody knows, are no matter of routing. */
    report(f, FIRST, 1040);
    report(f, "no-such-server", 2013);
    first = 0;
    for (int i = 0; i < 100; i++)
        first += reader(f) == 33612;
    CHECK_INT(first, 80);
    fabric_free(f);
}

static void write_hold(const fabric_t *ctl)
{
    fabric_t *f = subject();
    fabric_server_t s;
    fabric_error_t err;
    fabric_key_t key = fabric_key_int(1);
    CHECK_INT(port_of(f, SALARIES, key, RW), 33611);
    report(f, PRIMARY, 1290);
    fill(&s, sizeof s);
    CHECK_INT(find(f, SALARIES, key, RW, &s, &err), FABRIC_ERR_WRITE_HELD);
    CHECK_CONTAINS(err.message, "'shard1'");
    CHECK(is_filled(&s, sizeof s));
    reader(f);
    CHECK_INT(port_of(f, SALARIES, fabric_key_int(10001), RW), 33621);

    /* A short wait is in vain, and says for what. */
    const char *table = SALARIES;
    CHECK_INT(fabric_get_shard_server_wait(f, &table, 1, &key, FABRIC_SCOPE_LOCAL, RW, 20, &s,
                                           &err),
              FABRIC_ERR_WRITE_HELD);
    CHECK_CONTAINS(err.message, "'shard1'");
    CHECK_INT(fabric_get_group_server_wait(f, "shard1", RW, -1, 0, &s, &err),
              FABRIC_ERR_WRITE_HELD);
    CHECK(is_filled(&s, sizeof s));

    /* A longer one is over as soon as Fabric names another primary. */
    tell(ctl, "promote", "shard1", "127.0.0.1:33612", NULL);
    CHECK_OK(fabric_get_shard_server_wait(f, &table, 1, &key, FABRIC_SCOPE_LOCAL, RW, 60000, &s,
                                          &err),
             err);
    CHECK_INT(s.port, 33612);
    CHECK_OK(fabric_get_group_server_wait(f, "shard1", RW, -1, 60000, &s, &err), err);
    CHECK_INT(s.port, 33612);
    CHECK_INT(port_of(f, SALARIES, key, RW), 33612);
    fabric_free(f);
    tell(ctl, "reset", NULL);
}

static void no_hold(const fabric_t *ctl)
{
    (void)ctl;
    fabric_options_t *o = options();
    CHECK_INT(fabric_options_set_least_write_hold_ms(o, 0), FABRIC_OK);
    fabric_t *f = handle(o);
    CHECK_INT(port_of(f, SALARIES, fabric_key_int(1), RW), 33611);
    report(f, PRIMARY, 1290);
    CHECK_INT(port_of(f, SALARIES, fabric_key_int(1), RW), 33611);
    fabric_free(f);
}

/* A shard that Fabric stops listing is not taken for a part of the one below. */
static void vanished_shard(const fabric_t *ctl)
{
    fabric_options_t *o = options();
    CHECK_INT(fabric_options_set_ttl_ms(o, 1, 1), FABRIC_OK);
    CHECK_INT(fabric_options_set_background_refresh(o, 0), FABRIC_OK);
    fabric_t *f = handle(o);
    fabric_server_t s;
    fabric_error_t err;
    CHECK_INT(port_of(f, SALARIES, fabric_key_int(10001), RW), 33621);
    tell(ctl, "disable_shard", "2", NULL);
    sleep_ms(2);
    CHECK_INT(find(f, SALARIES, fabric_key_int(10001), RW, &s, &err), FABRIC_ERR_SHARD_UNAVAILABLE);
    CHECK_CONTAINS(err.message, SALARIES);
    CHECK_CONTAINS(err.message, "10001");
    CHECK_INT(port_of(f, SALARIES, fabric_key_int(10000), RW), 33611);
    tell(ctl, "enable_shard", "2", NULL);
    sleep_ms(2);
    CHECK_INT(port_of(f, SALARIES, fabric_key_int(10001), RW), 33621);
    fabric_free(f);
    tell(ctl, "reset", NULL);
}

int main(void)
{
    fabric_t *ctl = control();
    quarantine(ctl);
    write_hold(ctl);
    no_hold(ctl);
    vanished_shard(ctl);
    fabric_free(ctl);
    return 0;
}
