/* What a service tells of servers, and how lookups go around it before Fabric knows. */
#define _POSIX_C_SOURCE 200809L

#include <unistd.h>

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

/* A handle on a file of one group: a primary, s0, and six secondaries, s1 to s6. */
static fabric_t *of_seven(void)
{
    char path[] = "/tmp/mysqlfabric-XXXXXX";
    FILE *file = temporary_file(path);
    fputs("{\"format\": \"libmysqlfabric topology\", \"version\": 1, \"ttl_ms\": 86400000,"
          " \"tables\": [{\"schema\": \"d\", \"table\": \"t\", \"column\": \"c\", \"type\": "
          "\"RANGE\","
          " \"global_group\": \"g\", \"shards\": [{\"id\": 1, \"lower_bound\": 0, \"group\": "
          "\"g\"}]}],"
          " \"groups\": [{\"id\": \"g\", \"servers\": [",
          file);
    for (int i = 0; i < 7; i++)
        fprintf(file,
                "%s{\"uuid\": \"s%d\", \"host\": \"h\", \"port\": %d, \"mode\": %d,"
                " \"status\": %d, \"weight\": 1}",
                i ? ", " : "", i, i + 1, i ? 1 : 3, i ? 2 : 3);
    fputs("]}]}\n", file);
    CHECK_INT(fclose(file), 0);
    fabric_options_t *o = fabric_options_new();
    CHECK_INT(fabric_options_set_topology_file(o, path), FABRIC_OK);
    CHECK_INT(fabric_options_set_quarantine_ms(o, 50), FABRIC_OK);
    fabric_t *f = handle(o);
    fabric_error_t err;
    CHECK_OK(fabric_seed(f, NULL, 0, &err), err);
    CHECK_INT(unlink(path), 0);
    return f;
}

/* Servers that are lost, tried by a request each, and lost again: the turns of the others go on. */
static void lost_once_more(const fabric_t *ctl)
{
    (void)ctl;
    static const char *const table[] = {"d.t"};
    const fabric_key_t key = fabric_key_int(1);
    for (int kind = 0; kind < 3; kind++) {
        fabric_t *f = of_seven();
        while (port_of(f, "d.t", key, RO) != 5)
            ;
        for (int again = 0; again < 2; again++) {
            for (int i = 3; i < 7; i++)
                report(f, (char[]){'s', (char)('0' + i), 0}, 2013);
            /* Four trials, and one turn of the others. */
            sleep_ms(again ? 0 : 60);
            for (int i = 0; i < 5 && !again; i++)
                CHECK(port_of(f, "d.t", key, RO) != 0);
        }
        fabric_server_t s;
        fabric_explanation_t x;
        fabric_error_t err;
        fill(&s, sizeof s);
        if (kind == 0) {
            CHECK_OK(fabric_get_shard_server(f, table, 1, &key, FABRIC_SCOPE_LOCAL, RO, &s, &err),
                     err);
        } else if (kind == 1) {
            const int64_t one = 1;
            const fabric_keys_t keys = fabric_keys_int(&one, 1);
            uint32_t index = 9;
            size_t count = 0;
            CHECK_OK(fabric_get_shard_servers(f, table, 1, &keys, FABRIC_SCOPE_LOCAL, RO, &index,
                                              NULL, &s, 1, &count, &err),
                     err);
            CHECK_INT(index, 0);
        } else {
            CHECK_OK(fabric_explain_shard(f, table, 1, &key, FABRIC_SCOPE_LOCAL, RO, &x, &err),
                     err);
            CHECK_INT(x.status, FABRIC_OK);
            s = x.server;
        }
        CHECK(strcmp(s.uuid, "s1") == 0 || strcmp(s.uuid, "s2") == 0);
        CHECK_TEXT(s.group, "g");
        fabric_free(f);
    }
}

int main(void)
{
    fabric_t *ctl = control();
    quarantine(ctl);
    lost_once_more(ctl);
    write_hold(ctl);
    no_hold(ctl);
    vanished_shard(ctl);
    fabric_free(ctl);
    return 0;
}
