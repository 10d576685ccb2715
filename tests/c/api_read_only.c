/* Shards that the shard map has read-only: reads go on, writes are held until it says otherwise. */
#define _POSIX_C_SOURCE 200809L

#include <pthread.h>
#include <unistd.h>

#include "support.h"

enum {
    RW = FABRIC_MODE_READWRITE,
    RO = FABRIC_MODE_READONLY,
    L = FABRIC_SCOPE_LOCAL,
    G = FABRIC_SCOPE_GLOBAL,
    HELD = FABRIC_ERR_WRITE_HELD,
    WAIT_MS = 60000
};

static const char *const t[] = {"d.t"};
static const char *const both[] = {"d.t", "d.u"};

/* Of d.t the shards at 0 and 100 are in group g, and the one at 200 is in h; of d.u all is in g. */
static const char farm[] =
    "{\"format\": \"libmysqlfabric topology\", \"version\": 1, \"ttl_ms\": 20, \"tables\": ["
    "{\"schema\": \"d\", \"table\": \"t\", \"column\": \"c\", \"type\": \"RANGE\","
    " \"global_group\": \"g\", \"shards\": [{\"id\": 1, \"lower_bound\": 0, \"group\": \"g\"},"
    " {\"id\": 2, \"lower_bound\": 100, \"group\": \"%s\"%s},"
    " {\"id\": 3, \"lower_bound\": 200, \"group\": \"h\"}]},"
    "{\"schema\": \"d\", \"table\": \"u\", \"column\": \"c\", \"type\": \"RANGE\","
    " \"global_group\": \"g\", \"shards\": [{\"id\": 4, \"lower_bound\": 0, \"group\": \"g\"}]}],"
    " \"groups\": [{\"id\": \"g\", \"servers\": [{\"uuid\": \"u1\", \"host\": \"a\", \"port\": 1,"
    " \"mode\": 3, \"status\": 3, \"weight\": 1}]},"
    " {\"id\": \"h\", \"servers\": [{\"uuid\": \"u2\", \"host\": \"a\", \"port\": 2,"
    " \"mode\": 3, \"status\": 3, \"weight\": 1}]}]}\n";

static char directory[] = "/tmp/mysqlfabric-XXXXXX", path[64], next_path[64];

/* The shard at 100 is in this group, and in this state. */
static void write_farm(const char *group, const char *state)
{
    char member[40] = "";
    if (state)
        snprintf(member, sizeof member, ", \"state\": \"%s\"", state);
    FILE *file = fopen(next_path, "w");
    CHECK(file != NULL);
    fprintf(file, farm, group, member);
    CHECK_INT(fclose(file), 0);
    CHECK_INT(rename(next_path, path), 0);
}

static void single_keys(const fabric_t *f)
{
    fabric_server_t s;
    fabric_error_t err;
    CHECK_INT(port_of(f, "d.t", fabric_key_int(99), RW), 1);
    CHECK_INT(port_of(f, "d.t", fabric_key_int(200), RW), 2);
    CHECK_INT(port_of(f, "d.t", fabric_key_int(150), RO), 1);
    CHECK_INT(find(f, "d.t", fabric_key_int(150), RW, &s, &err), HELD);
    CHECK_CONTAINS(err.message,
                   "the shard of table 'd.t' that holds 150, in group 'g', is read-only "
                   "by its shard map");
    /* What is shared by all shards, and the group itself, are not the shard. */
    CHECK_OK(fabric_get_shard_server(f, t, 1, NULL, G, RW, &s, &err), err);
    CHECK_OK(fabric_get_group_server(f, "g", RW, FABRIC_STATUS_NONE, &s, &err), err);
}

static void joined_tables(const fabric_t *f)
{
    fabric_server_t s;
    fabric_error_t err;
    fabric_key_t key = fabric_key_int(150), other = fabric_key_int(200);
    const char *const reversed[] = {"d.u", "d.t"};
    CHECK_OK(fabric_get_shard_server(f, both, 2, &key, L, RO, &s, &err), err);
    CHECK_INT(s.port, 1);
    for (int i = 0; i < 2; i++) {
        CHECK_INT(fabric_get_shard_server(f, i ? reversed : both, 2, &key, L, RW, &s, &err), HELD);
        CHECK_CONTAINS(err.message, "table 'd.t'");
    }
    CHECK_INT(fabric_get_shard_server(f, both, 2, &other, L, RW, &s, &err),
              FABRIC_ERR_DIFFERENT_SHARDS);
    CHECK_CONTAINS(err.message, "'h' and 'g'");
}

static void opened_tables(const fabric_t *f)
{
    fabric_server_t s;
    fabric_error_t err;
    fabric_table_t *table = NULL;
    fabric_key_t key = fabric_key_int(150), other = fabric_key_int(0);
    for (size_t n = 1; n <= 2; n++) {
        CHECK_OK(fabric_table_open(f, both, n, &table, &err), err);
        CHECK_OK(fabric_table_get_server(table, &key, L, RO, &s, &err), err);
        CHECK_INT(fabric_table_get_server(table, &key, L, RW, &s, &err), HELD);
        CHECK_INT(fabric_table_get_server_wait(table, &key, L, RW, 50, &s, &err), HELD);
        CHECK_OK(fabric_table_get_server(table, &other, L, RW, &s, &err), err);
        fabric_table_free(table);
    }
}

/* Each group that is met has one server in the list, whatever the states of its shards. */
static void many_keys(const fabric_t *f)
{
    static const int64_t orders[2][4] = {{0, 100, 200, 199}, {199, 0, 100, 200}};
    uint32_t index[4];
    int32_t status[4];
    fabric_server_t servers[4];
    fabric_error_t err;
    size_t count = 0;
    for (size_t n = 1; n <= 2; n++)
        for (int order = 0; order < 2; order++) {
            size_t keys_count = n == 1 ? 4 : 2 + (size_t)order;
            fabric_keys_t keys = fabric_keys_int(orders[order], keys_count);
            CHECK_OK(fabric_get_shard_servers(f, both, n, &keys, L, RO, index, status, servers, 4,
                                              &count, &err),
                     err);
            CHECK_INT(count, n == 1 ? 2 : 1);
            CHECK_INT(fabric_get_shard_servers(f, both, n, &keys, L, RW, index, status, servers, 4,
                                               &count, &err),
                      FABRIC_ERR_SOME_KEYS);
            CHECK_CONTAINS(err.message, "read-only by its shard map");
            for (size_t i = 0; i < keys_count; i++) {
                int64_t key = orders[order][i];
                int is_held = key >= 100 && key < 200;
                CHECK_INT(status[i], is_held ? HELD : FABRIC_OK);
                if (!is_held)
                    CHECK_INT(servers[index[i]].port, key < 100 ? 1 : 2);
            }
        }
}

static void descriptions(const fabric_t *f)
{
    fabric_shard_t shards[4];
    fabric_error_t err;
    size_t count = 0;
    fabric_key_t low = fabric_key_int(120), high = fabric_key_int(130);
    CHECK_OK(fabric_get_shards(f, "d.t", shards, 4, &count, &err), err);
    CHECK_INT(count, 3);
    CHECK_TEXT(shards[1].group, "g");
    CHECK_INT(shards[0].state, FABRIC_SHARD_ENABLED);
    CHECK_INT(shards[1].state, FABRIC_SHARD_READ_ONLY);
    CHECK_OK(fabric_get_shards_in_range(f, "d.t", &low, &high, shards, 4, &count, &err), err);
    CHECK_INT(count, 1);
    CHECK_TEXT(shards[0].group, "g");
    CHECK_INT(shards[0].state, FABRIC_SHARD_READ_ONLY);
}

/* Waits for the shard at 100 to take writes, on port 2. */
static void *waiting(void *f)
{
    fabric_server_t s;
    fabric_error_t err;
    fabric_key_t key = fabric_key_int(150);
    CHECK_OK(fabric_get_shard_server_wait(f, t, 1, &key, L, RW, WAIT_MS, &s, &err), err);
    CHECK_INT(s.port, 2);
    return NULL;
}

static void waits_end_with_the_state(fabric_t *f)
{
    fabric_server_t s;
    fabric_error_t err;
    fabric_key_t key = fabric_key_int(150);
    CHECK_INT(fabric_get_shard_server_wait(f, t, 1, &key, L, RW, 30, &s, &err), HELD);
    pthread_t thread;
    CHECK_INT(pthread_create(&thread, NULL, waiting, f), 0);
    /* Moved, and still held. */
    write_farm("h", "READ_ONLY");
    int64_t begun = now_ms();
    while (port_of(f, "d.t", key, RO) != 2) {
        CHECK(now_ms() - begun < WAIT_MS);
        sleep_ms(5);
    }
    CHECK_INT(find(f, "d.t", key, RW, &s, &err), HELD);
    write_farm("h", "ENABLED");
    CHECK_INT(pthread_join(thread, NULL), 0);
}

int main(void)
{
    fabric_error_t err;
    CHECK(mkdtemp(directory) != NULL);
    snprintf(path, sizeof path, "%s/farm", directory);
    snprintf(next_path, sizeof next_path, "%s/next", directory);
    write_farm("g", "READ_ONLY");
    for (int refreshes = 0; refreshes <= 1; refreshes++) {
        fabric_options_t *o = fabric_options_new();
        CHECK_INT(fabric_options_set_topology_file(o, path), FABRIC_OK);
        CHECK_INT(fabric_options_set_background_refresh(o, refreshes), FABRIC_OK);
        fabric_t *f = handle(o);
        /* Twice: by the call that fetches, and by one that has all cached. */
        for (int i = 0; i < 2; i++) {
            single_keys(f);
            joined_tables(f);
            opened_tables(f);
            many_keys(f);
            descriptions(f);
        }
        waits_end_with_the_state(f);
        fabric_free(f);
        write_farm("g", "READ_ONLY");
    }
    fabric_options_t *o = fabric_options_new();
    write_farm("g", "HALF");
    CHECK_INT(fabric_options_set_topology_file(o, path), FABRIC_OK);
    fabric_t *f = handle(o);
    fabric_server_t s;
    CHECK_INT(find(f, "d.t", fabric_key_int(0), RW, &s, &err), FABRIC_ERR_FILE);
    CHECK_CONTAINS(err.message, "tables[0].shards[1].state");
    CHECK_CONTAINS(err.message, "ENABLED or READ_ONLY");
    fabric_free(f);
    CHECK_INT(unlink(path), 0);
    CHECK_INT(rmdir(directory), 0);
    return 0;
}
