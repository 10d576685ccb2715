/* Arguments that cannot be right: names, keys, modes, counts. */
#include "refusal.h"

#define SALARIES "employees.salaries"

enum { LOCAL = FABRIC_SCOPE_LOCAL, ANY = FABRIC_MODE_NONE };

static fabric_server_t server;
static fabric_explanation_t explanation;

static void still_works(const fabric_t *f)
{
    CHECK_INT(port_of(f, SALARIES, fabric_key_int(1), FABRIC_MODE_READWRITE), 33611);
}

static void table_names(const fabric_t *f)
{
    fabric_key_t key = fabric_key_int(1);
    static const char *const malformed[] = {"t", "a.b.c", ".t", "db.", "", ".", "a..b"};
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
        char quoted[32];
        snprintf(quoted, sizeof quoted, "'%s'", malformed[i]);
        REFUSED(find(f, malformed[i], key, ANY, &server, err), server, FABRIC_ERR_TABLE_NAME,
                {quoted, "db.table"});
        size_t count;
        REFUSED(fabric_get_shards(f, malformed[i], NULL, 0, &count, err), count,
                FABRIC_ERR_TABLE_NAME, {quoted, "db.table"});
        REFUSED(fabric_get_sharding_information(f, &malformed[i], 1, err), count,
                FABRIC_ERR_TABLE_NAME, {quoted, "db.table"});
    }
    REFUSED(find(f, "no.such", key, ANY, &server, err), server, FABRIC_ERR_UNKNOWN_TABLE,
            {"'no.such'", "spelling"});
    REFUSED(find(f, "employees.Salaries", key, ANY, &server, err), server, FABRIC_ERR_UNKNOWN_TABLE,
            {"'employees.Salaries'", "case-sensitive"});
    /* LIKE patterns at the server, plain names here. */
    REFUSED(find(f, "employees.%", key, ANY, &server, err), server, FABRIC_ERR_UNKNOWN_TABLE,
            {"'employees.%'"});
    REFUSED(find(f, "employees.salarie_", key, ANY, &server, err), server, FABRIC_ERR_UNKNOWN_TABLE,
            {"'employees.salarie_'"});
    REFUSED(find(f, "employees.s\xff", key, ANY, &server, err), server, FABRIC_ERR_INVALID_UTF8,
            {"employees.s", "UTF-8", "convert"});
    /* A name cannot break a line of a log, or paint a terminal. */
    REFUSED(find(f, "em\nployees.s\xe2\x80\xaex", key, ANY, &server, err), server,
            FABRIC_ERR_UNKNOWN_TABLE, {"'em\\nployees.s\\u{202e}x'"});
    REFUSED(find(f, "em\nployees", key, ANY, &server, err), server, FABRIC_ERR_TABLE_NAME,
            {"'em\\nployees'"});
    still_works(f);
}

static void group_names(const fabric_t *f)
{
    REFUSED(fabric_get_group_server(f, "shard", ANY, -1, &server, err), server,
            FABRIC_ERR_UNKNOWN_GROUP, {"'shard'", "spelling"});
    REFUSED(fabric_get_group_server(f, "sh\tard\r\n", ANY, -1, &server, err), server,
            FABRIC_ERR_UNKNOWN_GROUP, {"'sh\\tard\\r\\n'"});
    REFUSED(fabric_get_group_server(f, "emptygrp", ANY, -1, &server, err), server,
            FABRIC_ERR_UNKNOWN_GROUP, {"'emptygrp'", "empty"});
    REFUSED(fabric_get_group_server(f, "", ANY, -1, &server, err), server, FABRIC_ERR_ARGUMENT,
            {"'group'", "empty"});
    REFUSED(fabric_get_group_server(f, "\xc3", ANY, -1, &server, err), server,
            FABRIC_ERR_INVALID_UTF8, {"'group'", "convert"});
    size_t count;
    REFUSED(fabric_get_group_servers(f, "nosuch", 0, NULL, 0, &count, err), count,
            FABRIC_ERR_UNKNOWN_GROUP, {"'nosuch'"});
    REFUSED(fabric_get_group_servers(f, "", 1, NULL, 0, &count, err), count, FABRIC_ERR_ARGUMENT,
            {"'group'"});
    REFUSED(fabric_reset_cache(f, "\xff", err), count, FABRIC_ERR_INVALID_UTF8, {"'group'"});
    REFUSED(fabric_report_failure(f, "", 2002, err), count, FABRIC_ERR_ARGUMENT, {"'server_uuid'"});
    REFUSED(fabric_report_failure(f, "\xff", 2002, err), count, FABRIC_ERR_INVALID_UTF8,
            {"'server_uuid'"});
    REFUSED(fabric_report_result(f, "", 0, err), count, FABRIC_ERR_ARGUMENT, {"'server_uuid'"});
    REFUSED(fabric_seed(f, "", 0, err), count, FABRIC_ERR_ARGUMENT, {"no host"});
    REFUSED(fabric_seed(f, "http://x/", 0, err), count, FABRIC_ERR_ARGUMENT,
            {"'http://x/'", "alone"});
    REFUSED(fabric_seed(f, "\xff", 0, err), count, FABRIC_ERR_INVALID_UTF8, {"'host'"});
    still_works(f);
}

static void keys(const fabric_t *f)
{
    static const struct {
        const char *table, *key;
        refusal wanted;
    } texts[] = {
        {SALARIES, "x1", {FABRIC_ERR_KEY_TYPE, {SALARIES, "'x1'", "decimal"}}},
        {SALARIES, "", {FABRIC_ERR_KEY_TYPE, {SALARIES, "''"}}},
        {SALARIES, "1.5", {FABRIC_ERR_KEY_TYPE, {"RANGE", "'1.5'"}}},
        {SALARIES, "0x10", {FABRIC_ERR_KEY_TYPE, {"'0x10'"}}},
        {SALARIES, "1e3", {FABRIC_ERR_KEY_TYPE, {"'1e3'"}}},
        {SALARIES,
         "-9223372036854775809",
         {FABRIC_ERR_KEY_OUT_OF_RANGE, {"'-9223372036854775809'", "lowest bound is '1'"}}},
        {SALARIES, "0", {FABRIC_ERR_KEY_OUT_OF_RANGE, {"'0'", "lowest bound is '1'"}}},
        {SALARIES, "1\xff", {FABRIC_ERR_KEY_TYPE, {SALARIES}}},
        {"shop.orders", "abc", {FABRIC_ERR_KEY_TYPE, {"RANGE_INTEGER", "'abc'"}}},
        {"shop.orders", "-1001", {FABRIC_ERR_KEY_OUT_OF_RANGE, {"'-1000'"}}},
        {"log.events", "yesterday", {FABRIC_ERR_KEY_TYPE, {"YYYY-MM-DD", "'yesterday'"}}},
        {"log.events", "2010-01-01T00:00:00Z", {FABRIC_ERR_KEY_TYPE, {"time zone"}}},
        {"log.events", "2010-13-01", {FABRIC_ERR_KEY_TYPE, {"'2010-13-01'"}}},
        {"log.events", "2010-00-32", {FABRIC_ERR_KEY_TYPE, {"'2010-00-32'", "may be 00"}}},
        {"log.events", "2010-05-00 12:00:00.5", {FABRIC_ERR_KEY_TYPE, {"12:00:00.5"}}},
        {"log.events", "0000-00-00", {FABRIC_ERR_KEY_OUT_OF_RANGE, {"2000-01-01"}}},
        {"log.events", "2000-01-00", {FABRIC_ERR_KEY_OUT_OF_RANGE, {"'2000-01-00'"}}},
        {"log.events", "1999-12-31", {FABRIC_ERR_KEY_OUT_OF_RANGE, {"2000-01-01"}}},
        {"crm.names", "0", {FABRIC_ERR_KEY_OUT_OF_RANGE, {"lowest bound is 'A'"}}},
        {"crm.names", "A\xff", {FABRIC_ERR_INVALID_UTF8, {"crm.names", "convert"}}},
        {"hashdb.users", "\xff", {FABRIC_ERR_INVALID_UTF8, {"hashdb.users", "convert"}}},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        REFUSED(find(f, texts[i].table, text(texts[i].key), ANY, &server, err), server,
                texts[i].wanted.status,
                {texts[i].wanted.says[0], texts[i].wanted.says[1], texts[i].wanted.says[2]});

    REFUSED(find(f, SALARIES, fabric_key_int(0), ANY, &server, err), server,
            FABRIC_ERR_KEY_OUT_OF_RANGE, {SALARIES, "holds 0", "'1'"});
    REFUSED(find(f, "shop.orders", fabric_key_int(INT64_MIN), ANY, &server, err), server,
            FABRIC_ERR_KEY_OUT_OF_RANGE, {"-9223372036854775808"});
    REFUSED(find(f, "crm.names", fabric_key_int(5), ANY, &server, err), server, FABRIC_ERR_KEY_TYPE,
            {"crm.names", "give 5 as text", "fabric_key_text"});
    REFUSED(find(f, "log.events", fabric_key_int(20100101), ANY, &server, err), server,
            FABRIC_ERR_KEY_TYPE, {"log.events", "fabric_key_text"});
    REFUSED(find(f, "crm.names", fabric_key_uint(UINT64_MAX), ANY, &server, err), server,
            FABRIC_ERR_KEY_TYPE, {"crm.names", "give 18446744073709551615 as text"});
    REFUSED(find(f, "log.events", fabric_key_uint(UINT64_MAX), ANY, &server, err), server,
            FABRIC_ERR_KEY_TYPE, {"log.events", "fabric_key_text"});
    REFUSED(find(f, "log.events", fabric_key_uint(20100101), ANY, &server, err), server,
            FABRIC_ERR_KEY_TYPE, {"log.events", "20100101", "fabric_key_text"});

    const char *table = SALARIES;
    REFUSED(fabric_get_shard_server(f, &table, 1, NULL, LOCAL, ANY, &server, err), server,
            FABRIC_ERR_KEY_MISSING, {SALARIES, "GLOBAL"});
    fabric_key_t key = fabric_key_int(1);
    key.kind = 4;
    REFUSED(find(f, SALARIES, key, ANY, &server, err), server, FABRIC_ERR_ARGUMENT,
            {"kind 4", "fabric_key_int", "fabric_key_uint"});
    key.kind = 0;
    REFUSED(find(f, SALARIES, key, ANY, &server, err), server, FABRIC_ERR_ARGUMENT, {"kind 0"});
    REFUSED(find(f, SALARIES, fabric_key_text("1", SIZE_MAX), ANY, &server, err), server,
            FABRIC_ERR_ARGUMENT, {"'key.text'", "count"});
    still_works(f);
}

static void numbers(const fabric_t *f)
{
    const char *table = SALARIES;
    fabric_key_t key = fabric_key_int(1);
    fabric_result_t *result;
    REFUSED(find(f, SALARIES, key, 4, &server, err), server, FABRIC_ERR_ARGUMENT, {"mode 4"});
    REFUSED(find(f, SALARIES, key, -1, &server, err), server, FABRIC_ERR_ARGUMENT, {"mode -1"});
    REFUSED(fabric_get_shard_server(f, &table, 1, &key, 0, ANY, &server, err), server,
            FABRIC_ERR_ARGUMENT, {"scope 0", "FABRIC_SCOPE_LOCAL"});
    REFUSED(fabric_get_shard_server(f, &table, 1, &key, 3, ANY, &server, err), server,
            FABRIC_ERR_ARGUMENT, {"scope 3"});
    REFUSED(fabric_get_group_server(f, "shard1", ANY, 4, &server, err), server, FABRIC_ERR_ARGUMENT,
            {"status 4"});
    REFUSED(fabric_get_group_server(f, "shard1", ANY, -2, &server, err), server,
            FABRIC_ERR_ARGUMENT, {"status -2"});
    REFUSED(fabric_get_group_server(f, "shard1", FABRIC_MODE_READONLY, FABRIC_STATUS_PRIMARY,
                                    &server, err),
            server, FABRIC_ERR_ARGUMENT, {"mode 1", "status 3", "one of them"});
    REFUSED(fabric_get_group_server(f, "shard2", ANY, FABRIC_STATUS_SPARE, &server, err), server,
            FABRIC_ERR_NO_SERVER, {"'shard2'", "never serve"});
    REFUSED(fabric_get_group_server(f, "shard2", ANY, FABRIC_STATUS_FAULTY, &server, err), server,
            FABRIC_ERR_NO_SERVER, {"'shard2'"});

    REFUSED(fabric_get_shard_server(f, &table, 0, &key, LOCAL, ANY, &server, err), server,
            FABRIC_ERR_ARGUMENT, {"no table", "at least one"});
    REFUSED(fabric_get_shard_server_wait(f, &table, 1, &key, LOCAL, ANY, -1, &server, err), server,
            FABRIC_ERR_ARGUMENT, {"-1"});
    REFUSED(fabric_get_shard_server_wait(f, &table, 1, &key, LOCAL, ANY, INT64_MAX, &server, err),
            server, FABRIC_ERR_ARGUMENT, {"600000"});
    REFUSED(fabric_get_group_server_wait(f, "shard1", ANY, -1, -1, &server, err), server,
            FABRIC_ERR_ARGUMENT, {"-1"});
    /* What time does not heal is not waited for. */
    REFUSED(fabric_get_shard_server_wait(f, &table, 1, NULL, LOCAL, ANY, 600000, &server, err),
            server, FABRIC_ERR_KEY_MISSING, {SALARIES});
    REFUSED(fabric_get_shard_server(f, &table, SIZE_MAX, &key, LOCAL, ANY, &server, err), server,
            FABRIC_ERR_ARGUMENT, {"'tables'", "count"});
    REFUSED(fabric_get_sharding_information(f, &table, SIZE_MAX, err), server, FABRIC_ERR_ARGUMENT,
            {"'tables'"});
    REFUSED(fabric_execute(f, "dump", "servers", &table, SIZE_MAX, &result, err), result,
            FABRIC_ERR_ARGUMENT, {"'args'"});
    still_works(f);
}

enum { SCOPE = 1, MODE = 2, STATUS = 4 };

/* Each number that a scope, a mode or a status has, and which of them it is. Modes and statuses
 * share Fabric's numbers, so one in the other's place goes unseen; a scope is always told. */
static const struct {
    int32_t number;
    int what;
} constants[] = {
    {FABRIC_SCOPE_LOCAL, SCOPE},
    {FABRIC_SCOPE_GLOBAL, SCOPE},
    {FABRIC_MODE_NONE, MODE},
    {FABRIC_MODE_READONLY, MODE},
    {FABRIC_MODE_WRITEONLY, MODE},
    {FABRIC_MODE_READWRITE, MODE},
    {FABRIC_STATUS_NONE, STATUS},
    {FABRIC_STATUS_FAULTY, MODE | STATUS},
    {FABRIC_STATUS_SPARE, MODE | STATUS},
    {FABRIC_STATUS_SECONDARY, MODE | STATUS},
    {FABRIC_STATUS_PRIMARY, MODE | STATUS},
};
enum { CONSTANTS = sizeof constants / sizeof *constants };

/* Every call that takes a scope and a mode. */
static void scope_and_mode(const fabric_t *f, const fabric_table_t *t, int32_t scope, int32_t mode,
                           int32_t wanted)
{
    const char *table = SALARIES;
    fabric_key_t key = fabric_key_int(1);
    int64_t one = 1;
    fabric_keys_t keys = fabric_keys_int(&one, 1);
    uint32_t index;
    size_t order, starts[2], count;
    CHECK_INT(fabric_get_shard_server(f, &table, 1, &key, scope, mode, &server, NULL), wanted);
    CHECK_INT(fabric_get_shard_server_wait(f, &table, 1, &key, scope, mode, 1000, &server, NULL),
              wanted);
    CHECK_INT(fabric_table_get_server(t, &key, scope, mode, &server, NULL), wanted);
    CHECK_INT(fabric_table_get_server_wait(t, &key, scope, mode, 1000, &server, NULL), wanted);
    CHECK_INT(fabric_get_shard_servers(f, &table, 1, &keys, scope, mode, &index, NULL, &server, 1,
                                       &count, NULL),
              wanted);
    CHECK_INT(fabric_table_get_servers(t, &keys, scope, mode, &index, NULL, &server, 1, &count,
                                       NULL),
              wanted);
    CHECK_INT(fabric_split_keys(f, &table, 1, &keys, scope, mode, &order, starts, NULL, &server, 1,
                                &count, NULL),
              wanted);
    CHECK_INT(fabric_explain_shard(f, &table, 1, &key, scope, mode, &explanation, NULL), wanted);
    CHECK_INT(fabric_choose_shard_servers(f, &table, 1, &key, scope, mode, NULL, &server, 1, &count,
                                          NULL),
              wanted);
}

/* Every call that takes a mode alone. */
static void mode_alone(const fabric_t *f, int32_t mode, int32_t wanted)
{
    size_t count;
    CHECK_INT(fabric_explain_group(f, "shard1", mode, &explanation, NULL), wanted);
    CHECK_INT(fabric_choose_group_servers(f, "shard1", mode, NULL, &server, 1, &count, NULL),
              wanted);
}

/* Every call that takes a mode and a status. */
static void mode_and_status(const fabric_t *f, int32_t mode, int32_t status, int32_t wanted)
{
    CHECK_INT(fabric_get_group_server(f, "shard1", mode, status, &server, NULL), wanted);
    CHECK_INT(fabric_get_group_server_wait(f, "shard1", mode, status, 0, &server, NULL), wanted);
}

static void in_each_others_place(const fabric_t *f)
{
    const char *table = SALARIES;
    fabric_key_t key = fabric_key_int(1);
    fabric_table_t *t;
    CHECK_INT(fabric_table_open(f, &table, 1, &t, NULL), FABRIC_OK);
    for (size_t a = 0; a < CONSTANTS; a++)
        mode_alone(f, constants[a].number,
                   (constants[a].what & MODE) ? FABRIC_OK : FABRIC_ERR_ARGUMENT);
    for (size_t a = 0; a < CONSTANTS; a++)
        for (size_t b = 0; b < CONSTANTS; b++) {
            int32_t first = constants[a].number, second = constants[b].number;
            int taken = (constants[a].what & SCOPE) && (constants[b].what & MODE);
            scope_and_mode(f, t, first, second, taken ? FABRIC_OK : FABRIC_ERR_ARGUMENT);
            if ((constants[a].what | constants[b].what) & SCOPE)
                mode_and_status(f, first, second, FABRIC_ERR_ARGUMENT);
            else if (first != FABRIC_MODE_NONE && second != FABRIC_STATUS_NONE)
                mode_and_status(f, first, second, FABRIC_ERR_ARGUMENT);
        }
    REFUSED(fabric_get_shard_server(f, &table, 1, &key, FABRIC_MODE_WRITEONLY, FABRIC_SCOPE_LOCAL,
                                    &server, err),
            server, FABRIC_ERR_ARGUMENT, {"scope 2", "FABRIC_SCOPE_LOCAL", "scope and mode"});
    fabric_table_free(t);
    still_works(f);
}

static void several_tables(const fabric_t *f)
{
    const char *apart[] = {SALARIES, "shop.orders"};
    const char *unknown[] = {SALARIES, "no.such"};
    const char *broken[] = {SALARIES, "such"};
    fabric_key_t key = fabric_key_int(1);
    REFUSED(fabric_get_shard_server(f, apart, 2, &key, LOCAL, ANY, &server, err), server,
            FABRIC_ERR_DIFFERENT_SHARDS, {SALARIES, "'shard1' and 'shard2'", "one by one"});
    REFUSED(fabric_get_shard_server(f, unknown, 2, &key, LOCAL, ANY, &server, err), server,
            FABRIC_ERR_UNKNOWN_TABLE, {"'no.such'"});
    REFUSED(fabric_get_shard_server(f, broken, 2, &key, LOCAL, ANY, &server, err), server,
            FABRIC_ERR_TABLE_NAME, {"'such'"});
    still_works(f);
}

/* Each table takes its time, which no bound cuts short. */
static void too_many(const fabric_t *f)
{
    enum { MOST = 1024, FETCHED = 65536 };
    static const char *names[FETCHED + 1];
    for (size_t i = 0; i <= FETCHED; i++)
        names[i] = SALARIES;
    fabric_key_t key = fabric_key_int(1);
    const int64_t integers[] = {1};
    fabric_keys_t keys = fabric_keys_int(integers, 1);
    uint32_t index[1];
    size_t count, order[1], starts[2];
    fabric_table_t *t;
    fabric_result_t *result;
    CHECK_INT(fabric_get_shard_server(f, names, MOST, &key, LOCAL, ANY, &server, NULL), FABRIC_OK);
    REFUSED(fabric_get_shard_server(f, names, MOST + 1, &key, LOCAL, ANY, &server, err), server,
            FABRIC_ERR_ARGUMENT, {"1025", "1024", "several calls"});
    REFUSED(fabric_get_shard_server_wait(f, names, MOST + 1, &key, LOCAL, ANY, 0, &server, err),
            server, FABRIC_ERR_ARGUMENT, {"1025"});
    REFUSED(fabric_get_shard_servers(f, names, MOST + 1, &keys, LOCAL, ANY, index, NULL, &server, 1,
                                     &count, err),
            server, FABRIC_ERR_ARGUMENT, {"1025"});
    REFUSED(fabric_split_keys(f, names, MOST + 1, &keys, LOCAL, ANY, order, starts, NULL, &server,
                              1, &count, err),
            server, FABRIC_ERR_ARGUMENT, {"1025"});
    REFUSED(fabric_table_open(f, names, MOST + 1, &t, err), t, FABRIC_ERR_ARGUMENT, {"1025"});
    CHECK_INT(fabric_get_sharding_information(f, names, FETCHED, NULL), FABRIC_OK);
    REFUSED(fabric_get_sharding_information(f, names, FETCHED + 1, err), server,
            FABRIC_ERR_ARGUMENT, {"65537", "65536", "n = 0"});
    REFUSED(fabric_execute(f, "dump", "servers", names, MOST + 1, &result, err), result,
            FABRIC_ERR_ARGUMENT, {"'args'", "1025"});
    still_works(f);
}

static void commands(const fabric_t *f)
{
    static const char *const bad_args[] = {"0", "\xff"};
    fabric_result_t *result;
    REFUSED(fabric_execute(f, "", "x", NULL, 0, &result, err), result, FABRIC_ERR_ARGUMENT,
            {"'group'"});
    REFUSED(fabric_execute(f, "x", "", NULL, 0, &result, err), result, FABRIC_ERR_ARGUMENT,
            {"'command'"});
    REFUSED(fabric_execute(f, "a.b", "c", NULL, 0, &result, err), result, FABRIC_ERR_ARGUMENT,
            {"a.b"});
    REFUSED(fabric_execute(f, "\xff", "c", NULL, 0, &result, err), result, FABRIC_ERR_INVALID_UTF8,
            {"'group'"});
    REFUSED(fabric_execute(f, "dump", "servers", bad_args, 2, &result, err), result,
            FABRIC_ERR_INVALID_UTF8, {"'args[1]'"});
    REFUSED(fabric_execute(f, "no", "such", NULL, 0, &result, err), result, FABRIC_ERR_FABRIC,
            {"no.such"});
    REFUSED(fabric_execute(f, "server", "lookup_uuid", (const char *const[]){"nowhere"}, 1, &result,
                           err),
            result, FABRIC_ERR_FABRIC, {"Server (nowhere) does not exist"});
    still_works(f);
}

/* Room for fewer than there are: the count is told, nothing else is written. */
static void small_buffers(const fabric_t *f)
{
    fabric_shard_t shards[2];
    fabric_server_t servers[2];
    size_t count = 0;
    fill(shards, sizeof shards);
    fill(servers, sizeof servers);
    CHECK_INT(fabric_get_shards(f, SALARIES, shards, 2, &count, NULL), FABRIC_ERR_BUFFER_TOO_SMALL);
    CHECK_INT(count, 3);
    CHECK_INT(fabric_get_group_servers(f, "shard1", 1, servers, 2, &count, NULL),
              FABRIC_ERR_BUFFER_TOO_SMALL);
    CHECK_INT(count, 3);
    CHECK(is_filled(shards, sizeof shards) && is_filled(servers, sizeof servers));
    fabric_node_t node;
    fill(&node, sizeof node);
    CHECK_INT(fabric_get_fabric_nodes(f, &node, 0, &count, NULL), FABRIC_ERR_BUFFER_TOO_SMALL);
    CHECK_INT(count, 1);
    CHECK(is_filled(&node, sizeof node));
}

int main(void)
{
    fabric_t *f = handle(options());
    table_names(f);
    group_names(f);
    keys(f);
    numbers(f);
    in_each_others_place(f);
    several_tables(f);
    too_many(f);
    commands(f);
    small_buffers(f);
    fabric_free(f);
    return 0;
}
