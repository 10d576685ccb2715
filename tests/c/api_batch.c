/* Many keys in one call, and the shards that an interval touches. */
#include "support.h"

enum { RW = FABRIC_MODE_READWRITE, L = FABRIC_SCOPE_LOCAL, G = FABRIC_SCOPE_GLOBAL, MANY = 1000 };

static const char *const salaries[] = {"employees.salaries", "employees.dept_emp"};
static const char *const orders[] = {"shop.orders"};
static const char *const names[] = {"crm.names"};
static const char *const accounts[] = {"hashdb.accounts"};
static const char *const users[] = {"hashdb.users"};

/* Each key's server is the one that a lookup of the key alone gives. */
static void integers_of(const fabric_t *f, const char *const *tables, int64_t from, int64_t step)
{
    static int64_t values[MANY];
    static uint32_t index[MANY];
    static int32_t status[MANY];
    fabric_server_t servers[8];
    fabric_error_t err;
    size_t count = 0;
    for (int i = 0; i < MANY; i++)
        values[i] = from + i * step;
    fabric_keys_t keys = fabric_keys_int(values, MANY);
    CHECK_OK(fabric_get_shard_servers(f, tables, 1, &keys, L, RW, index, status, servers, 8, &count,
                                      &err),
             err);
    for (int i = 0; i < MANY; i++) {
        CHECK_INT(status[i], FABRIC_OK);
        CHECK(index[i] < count);
        CHECK_INT(servers[index[i]].port, port_of(f, tables[0], fabric_key_int(values[i]), RW));
    }
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++)
            CHECK(servers[i].port != servers[j].port);
}

/* The same, without a sign, half of them beyond what has one. */
static void unsigned_of(const fabric_t *f, const char *const *tables, uint64_t from, uint64_t step)
{
    static uint64_t values[MANY];
    static uint32_t index[MANY];
    static size_t order[MANY], starts[9];
    fabric_server_t servers[8];
    fabric_error_t err;
    size_t count = 0;
    for (int i = 0; i < MANY; i++)
        values[i] = from + (uint64_t)i * step;
    fabric_keys_t keys = fabric_keys_uint(values, MANY);
    CHECK_INT(keys.kind, FABRIC_KEY_UINT);
    CHECK_OK(fabric_get_shard_servers(f, tables, 1, &keys, L, RW, index, NULL, servers, 8, &count,
                                      &err),
             err);
    for (int i = 0; i < MANY; i++)
        CHECK_INT(servers[index[i]].port, port_of(f, tables[0], fabric_key_uint(values[i]), RW));
    CHECK_OK(fabric_split_keys(f, tables, 1, &keys, L, RW, order, starts, NULL, servers, 8, &count,
                               &err),
             err);
    for (size_t s = 0; s < count; s++)
        for (size_t at = starts[s]; at < starts[s + 1]; at++)
            CHECK_INT(index[order[at]], s);
}

static void texts_of(const fabric_t *f)
{
    static char text[MANY][24];
    static const char *texts[MANY];
    static size_t lengths[MANY];
    static uint32_t index[MANY];
    fabric_server_t servers[8];
    fabric_error_t err;
    size_t count = 0;
    for (int i = 0; i < MANY; i++) {
        snprintf(text[i], sizeof text[i], "user %d", i * 7919);
        texts[i] = text[i];
        lengths[i] = strlen(text[i]);
    }
    fabric_keys_t keys = fabric_keys_text(texts, lengths, MANY);
    CHECK_OK(fabric_get_shard_servers(f, users, 1, &keys, L, RW, index, NULL, servers, 8, &count,
                                      &err),
             err);
    for (int i = 0; i < MANY; i++)
        CHECK_INT(servers[index[i]].port,
                  port_of(f, users[0], fabric_key_text(texts[i], lengths[i]), RW));
}

static void a_bad_key_fails_alone(const fabric_t *f)
{
    static const char *const texts[] = {"Anna", NULL, "\xff", NULL, "Nadia", "anna", "Mabel"};
    static const size_t lengths[] = {4, 3, 1, 0, 5, 4, 1};
    static const int32_t wanted[] = {FABRIC_OK,
                                     FABRIC_ERR_NULL_POINTER,
                                     FABRIC_ERR_INVALID_UTF8,
                                     FABRIC_ERR_KEY_OUT_OF_RANGE,
                                     FABRIC_OK,
                                     FABRIC_OK,
                                     FABRIC_OK};
    static const uint32_t indexes[] = {0, FABRIC_NO_INDEX, FABRIC_NO_INDEX, FABRIC_NO_INDEX, 1, 2,
                                       1};
    uint32_t index[7];
    int32_t status[7];
    fabric_server_t servers[7];
    fabric_error_t err;
    size_t count = 0;
    fabric_keys_t keys = fabric_keys_text(texts, lengths, 7);
    CHECK_INT(fabric_get_shard_servers(f, names, 1, &keys, L, RW, index, status, servers, 7, &count,
                                       &err),
              FABRIC_ERR_SOME_KEYS);
    CHECK_INT(err.code, FABRIC_ERR_SOME_KEYS);
    CHECK_CONTAINS(err.message, "3 of 7 keys");
    CHECK_CONTAINS(err.message, "keys[1]");
    CHECK_INT(count, 3);
    for (int i = 0; i < 7; i++) {
        CHECK_INT(status[i], wanted[i]);
        CHECK_INT(index[i], indexes[i]);
    }
    CHECK_INT(servers[0].port, 33611);
    CHECK_INT(servers[1].port, 33621);
    CHECK_INT(servers[2].port, 33631);

    size_t order[7], starts[8];
    static const size_t grouped[] = {0, 4, 6, 5, 1, 2, 3};
    static const size_t begins[] = {0, 1, 3, 4};
    CHECK_INT(fabric_split_keys(f, names, 1, &keys, L, RW, order, starts, NULL, servers, 7, &count,
                                NULL),
              FABRIC_ERR_SOME_KEYS);
    CHECK_INT(count, 3);
    for (int i = 0; i < 7; i++)
        CHECK_INT(order[i], grouped[i]);
    for (size_t i = 0; i <= count; i++)
        CHECK_INT(starts[i], begins[i]);
}

/* The groups of split keys are those of the indexes, and their order is that of the keys. */
static void split(const fabric_t *f, size_t n)
{
    static int64_t values[MANY];
    static uint32_t index[MANY];
    static size_t order[MANY], starts[9];
    fabric_server_t servers[8], again[8];
    fabric_error_t err;
    size_t count = 0, more = 0, seen = 0;
    for (size_t i = 0; i < n; i++)
        values[i] = (int64_t)i;
    fabric_keys_t keys = fabric_keys_int(values, n);
    CHECK_OK(fabric_get_shard_servers(f, accounts, 1, &keys, L, RW, index, NULL, servers, 8, &count,
                                      &err),
             err);
    CHECK_OK(fabric_split_keys(f, accounts, 1, &keys, L, RW, order, starts, NULL, again, 8, &more,
                               &err),
             err);
    CHECK_INT(more, count);
    CHECK_INT(starts[0], 0);
    CHECK_INT(starts[count], n);
    for (size_t s = 0; s < count; s++) {
        CHECK_TEXT(again[s].uuid, servers[s].uuid);
        for (size_t at = starts[s]; at < starts[s + 1]; at++, seen++) {
            CHECK_INT(index[order[at]], s);
            CHECK(at == starts[s] || order[at - 1] < order[at]);
        }
    }
    CHECK_INT(seen, n);
}

static void room(const fabric_t *f)
{
    static const int64_t values[] = {1, 10001, 20001};
    uint32_t index[3];
    size_t order[3], starts[4], count = 0;
    fabric_server_t servers[3];
    fabric_error_t err;
    fabric_keys_t keys = fabric_keys_int(values, 3);
    for (size_t capacity = 0; capacity < 3; capacity++) {
        CHECK_INT(fabric_get_shard_servers(f, salaries, 1, &keys, L, RW, index, NULL, servers,
                                           capacity, &count, &err),
                  FABRIC_ERR_BUFFER_TOO_SMALL);
        CHECK_INT(count, 3);
        count = 0;
        CHECK_INT(fabric_split_keys(f, salaries, 1, &keys, L, RW, order, starts, NULL, servers,
                                    capacity, &count, &err),
                  FABRIC_ERR_BUFFER_TOO_SMALL);
        CHECK_INT(count, 3);
    }
    CHECK_OK(fabric_get_shard_servers(f, salaries, 2, &keys, L, RW, index, NULL, servers, 3, &count,
                                      &err),
             err);
    CHECK_INT(count, 3);
    /* One server for what all shards share. */
    CHECK_OK(fabric_get_shard_servers(f, salaries, 2, &keys, G, RW, index, NULL, servers, 1, &count,
                                      &err),
             err);
    CHECK_INT(count, 1);
    CHECK_INT(index[2], 0);
    CHECK_TEXT(servers[0].group, "global");
    /* No keys, no servers. */
    fabric_keys_t none = fabric_keys_int(NULL, 0);
    CHECK_OK(fabric_get_shard_servers(f, salaries, 1, &none, L, RW, NULL, NULL, NULL, 0, &count,
                                      &err),
             err);
    CHECK_INT(count, 0);
    CHECK_OK(fabric_split_keys(f, salaries, 1, &none, L, RW, NULL, starts, NULL, NULL, 0, &count,
                               &err),
             err);
    CHECK_INT(count, 0);
    CHECK_INT(starts[0], 0);
}

static void refused(const fabric_t *f)
{
    static const int64_t value = 1;
    static const char *const nosuch[] = {"employees.nosuch"};
    uint32_t index;
    size_t count = 77;
    fabric_server_t server;
    fabric_keys_t keys = fabric_keys_int(&value, 1), strange = keys;
    strange.kind = 7;
    CHECK_INT(fabric_get_shard_servers(f, nosuch, 1, &keys, L, RW, &index, NULL, &server, 1, &count,
                                       NULL),
              FABRIC_ERR_UNKNOWN_TABLE);
    CHECK_INT(fabric_get_shard_servers(f, salaries, 1, &strange, L, RW, &index, NULL, &server, 1,
                                       &count, NULL),
              FABRIC_ERR_ARGUMENT);
    CHECK_INT(fabric_get_shard_servers(f, salaries, 1, &keys, 3, RW, &index, NULL, &server, 1,
                                       &count, NULL),
              FABRIC_ERR_ARGUMENT);
    CHECK_INT(fabric_get_shard_servers(f, salaries, 1, &keys, L, 9, &index, NULL, &server, 1,
                                       &count, NULL),
              FABRIC_ERR_ARGUMENT);
    CHECK_INT(fabric_get_shard_servers(f, salaries, 0, &keys, L, RW, &index, NULL, &server, 1,
                                       &count, NULL),
              FABRIC_ERR_ARGUMENT);
    CHECK_INT(count, 77);
}

static void expect_range(const fabric_t *f, const char *table, const fabric_key_t *low,
                         const fabric_key_t *high, const char *groups)
{
    fabric_shard_t shards[8];
    fabric_error_t err;
    size_t count = 0;
    char got[128] = "";
    CHECK_OK(fabric_get_shards_in_range(f, table, low, high, shards, 8, &count, &err), err);
    for (size_t i = 0; i < count; i++) {
        strcat(got, shards[i].group);
        strcat(got, " ");
    }
    CHECK_TEXT(got, groups);
}

static void ranges(const fabric_t *f)
{
    fabric_key_t zero = fabric_key_int(0), one = fabric_key_int(1), ten = fabric_key_int(10000),
                 next = fabric_key_int(10001), most = fabric_key_int(INT64_MAX),
                 word = text("word"), twenty = text("20001");
    expect_range(f, salaries[0], NULL, NULL, "shard1 shard2 shard3 ");
    expect_range(f, salaries[0], &one, &ten, "shard1 ");
    expect_range(f, salaries[0], &ten, &next, "shard1 shard2 ");
    expect_range(f, salaries[0], &next, &twenty, "shard2 shard3 ");
    expect_range(f, salaries[0], &most, NULL, "shard3 ");
    expect_range(f, salaries[0], NULL, &one, "shard1 ");
    expect_range(f, salaries[0], &zero, &zero, "");
    expect_range(f, salaries[0], &next, &ten, "");
    fabric_key_t above = fabric_key_uint((uint64_t)INT64_MAX + 1),
                 end = fabric_key_uint(UINT64_MAX),
                 far = text("99999999999999999999999999999999999999999"),
                 below = text("-9223372036854775809");
    expect_range(f, salaries[0], &ten, &above, "shard1 shard2 shard3 ");
    expect_range(f, salaries[0], &above, &end, "shard3 ");
    expect_range(f, salaries[0], &end, &far, "shard3 ");
    expect_range(f, salaries[0], &end, &above, "");
    expect_range(f, salaries[0], &far, &end, "");
    expect_range(f, salaries[0], &below, &far, "shard1 shard2 shard3 ");
    expect_range(f, salaries[0], &below, &below, "");
    fabric_key_t first = text("2009-12-31 23:59:59"), last = text("2010-01-01");
    expect_range(f, "log.events", &first, &last, "shard1 shard2 ");
    fabric_key_t anna = text("Anna"), mabel = text("Mabel"), m = text("M");
    expect_range(f, names[0], &anna, &mabel, "shard1 shard2 ");
    expect_range(f, names[0], &m, &m, "shard2 ");

    /* HASH scatters, whatever the keys are. */
    fabric_shard_t shards[8];
    fabric_error_t err;
    size_t all = 0, count = 0;
    CHECK_OK(fabric_get_shards(f, accounts[0], shards, 8, &all, &err), err);
    CHECK_OK(fabric_get_shards_in_range(f, accounts[0], &one, &one, shards, 8, &count, &err), err);
    CHECK(count == all && all > 1);

    CHECK_INT(fabric_get_shards_in_range(f, salaries[0], &word, NULL, shards, 8, &count, &err),
              FABRIC_ERR_KEY_TYPE);
    CHECK_INT(fabric_get_shards_in_range(f, names[0], NULL, &one, shards, 8, &count, &err),
              FABRIC_ERR_KEY_TYPE);
    CHECK_CONTAINS(err.message, "crm.names");
    CHECK_INT(fabric_get_shards_in_range(f, salaries[0], NULL, NULL, shards, 2, &count, &err),
              FABRIC_ERR_BUFFER_TOO_SMALL);
    CHECK_INT(count, 3);
}

/* What is wrong with one shard concerns its own keys, and the intervals that touch it. */
static void a_shard_is_gone(const fabric_t *ctl)
{
    static const int64_t values[] = {1, 10001, 20001, 10002};
    fabric_options_t *o = options();
    CHECK_INT(fabric_options_set_ttl_ms(o, 1, 1), FABRIC_OK);
    CHECK_INT(fabric_options_set_background_refresh(o, 0), FABRIC_OK);
    fabric_t *f = handle(o);
    CHECK_INT(port_of(f, salaries[0], fabric_key_int(10001), RW), 33621);
    tell(ctl, "disable_shard", "2", NULL);
    sleep_ms(2);

    uint32_t index[4];
    int32_t status[4];
    size_t count = 0;
    fabric_server_t servers[4];
    fabric_keys_t keys = fabric_keys_int(values, 4);
    CHECK_INT(fabric_get_shard_servers(f, salaries, 1, &keys, L, RW, index, status, servers, 4,
                                       &count, NULL),
              FABRIC_ERR_SOME_KEYS);
    CHECK_INT(count, 2);
    CHECK_INT(status[0], FABRIC_OK);
    CHECK_INT(status[1], FABRIC_ERR_SHARD_UNAVAILABLE);
    CHECK_INT(status[2], FABRIC_OK);
    CHECK_INT(status[3], FABRIC_ERR_SHARD_UNAVAILABLE);
    CHECK_INT(servers[index[2]].port, 33631);

    fabric_shard_t shards[4];
    fabric_key_t below = fabric_key_int(10000), within = fabric_key_int(10001);
    expect_range(f, salaries[0], NULL, &below, "shard1 ");
    CHECK_INT(fabric_get_shards_in_range(f, salaries[0], NULL, &within, shards, 4, &count, NULL),
              FABRIC_ERR_SHARD_UNAVAILABLE);

    /* A group whose writes are held, likewise. */
    tell(ctl, "reset", NULL);
    fabric_reset_cache(f, NULL, NULL);
    fabric_server_t primary;
    fabric_error_t err;
    CHECK_OK(find(f, salaries[0], fabric_key_int(1), RW, &primary, &err), err);
    CHECK_OK(fabric_report_result(f, primary.uuid, 1290, &err), err);
    CHECK_INT(fabric_get_shard_servers(f, salaries, 1, &keys, L, RW, index, status, servers, 4,
                                       &count, &err),
              FABRIC_ERR_SOME_KEYS);
    CHECK_INT(status[0], FABRIC_ERR_WRITE_HELD);
    CHECK_INT(index[0], FABRIC_NO_INDEX);
    CHECK_INT(status[2], FABRIC_OK);
    CHECK_CONTAINS(err.message, "writes to the group are held");
    fabric_free(f);
}

int main(void)
{
    fabric_t *ctl = control();
    fabric_t *f = handle(options());
    integers_of(f, salaries, 1, 37);
    integers_of(f, orders, -1000, 1234567890123);
    integers_of(f, accounts, -500, 1);
    integers_of(f, accounts, INT64_MIN, INT64_MAX / MANY);
    unsigned_of(f, salaries, 1, 37);
    unsigned_of(f, salaries, 1, UINT64_MAX / MANY);
    unsigned_of(f, orders, 7, UINT64_MAX / MANY);
    unsigned_of(f, accounts, 0, UINT64_MAX / MANY);
    texts_of(f);
    a_bad_key_fails_alone(f);
    split(f, 0);
    split(f, 1);
    split(f, 64);
    split(f, 257);
    split(f, MANY);
    room(f);
    refused(f);
    ranges(f);
    fabric_free(f);
    a_shard_is_gone(ctl);
    fabric_free(ctl);
    return 0;
}
