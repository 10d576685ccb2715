/* Opened tables: the answers of fabric_get_shard_server(), through refreshes and the handle's
 * end. */
#include "support.h"

enum { RW = FABRIC_MODE_READWRITE, RO = FABRIC_MODE_READONLY, L = FABRIC_SCOPE_LOCAL };

static const char *const salaries[] = {"employees.salaries"};
static const char *const joined[] = {"employees.salaries", "employees.dept_emp"};
static const char *const names[] = {"crm.names"};
static const char *const users[] = {"hashdb.users"};

static fabric_table_t *opened(const fabric_t *f, const char *const *tables, size_t n)
{
    fabric_table_t *t = NULL;
    fabric_error_t err;
    CHECK_OK(fabric_table_open(f, tables, n, &t, &err), err);
    CHECK(t != NULL);
    return t;
}

static uint32_t port(const fabric_table_t *t, fabric_key_t key, int32_t mode)
{
    fabric_server_t server;
    fabric_error_t err;
    CHECK_OK(fabric_table_get_server(t, &key, L, mode, &server, &err), err);
    return server.port;
}

static void answers_like_the_main_call(const fabric_t *f)
{
    fabric_table_t *t = opened(f, salaries, 1);
    for (int64_t key = 1; key < 40000; key += 777) {
        CHECK_INT(port(t, fabric_key_int(key), RW),
                  port_of(f, salaries[0], fabric_key_int(key), RW));
    }
    CHECK_INT(port(t, fabric_key_int(10001), RO), 33622);
    CHECK_INT(port(t, text("+10001"), RW), 33621);
    fabric_server_t server;
    fabric_error_t err;
    CHECK_OK(fabric_table_get_server(t, NULL, FABRIC_SCOPE_GLOBAL, RW, &server, &err), err);
    CHECK_TEXT(server.group, "global");
    fabric_table_free(t);

    t = opened(f, names, 1);
    CHECK_INT(port(t, text("Mabel"), RW), 33621);
    fabric_table_free(t);
    t = opened(f, users, 1);
    CHECK_INT(port(t, text("9"), RW), 33621);
    CHECK_INT(port(t, fabric_key_int(2), RW), 33611);
    fabric_table_free(t);
}

/* Each key as by name: its server's port, and its status. */
static void batches_like_by_name(const fabric_t *f)
{
    enum { KEYS = 600, MOST = 8 };
    static const char *const *const of[] = {salaries, joined, users};
    static const size_t counts[] = {1, 2, 1};
    static int64_t integers[KEYS];
    static uint32_t index[2][KEYS];
    static int32_t status[2][KEYS];
    static fabric_server_t servers[2][MOST];
    size_t n[2];
    fabric_error_t err;
    for (int64_t i = 0; i < KEYS; i++)
        integers[i] = i * 67 - 100;
    fabric_keys_t keys = fabric_keys_int(integers, KEYS);
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        fabric_table_t *t = opened(f, of[i], counts[i]);
        int32_t told = fabric_get_shard_servers(f, of[i], counts[i], &keys, L, RW, index[0],
                                                status[0], servers[0], MOST, &n[0], &err);
        CHECK_INT(told, of[i] == users ? FABRIC_OK : FABRIC_ERR_SOME_KEYS);
        CHECK_INT(fabric_table_get_servers(t, &keys, L, RW, index[1], status[1], servers[1], MOST,
                                           &n[1], &err),
                  told);
        CHECK_INT(n[1], n[0]);
        CHECK(memcmp(index[0], index[1], sizeof index[0]) == 0);
        CHECK(memcmp(status[0], status[1], sizeof status[0]) == 0);
        for (size_t j = 0; j < n[0]; j++)
            CHECK_TEXT(servers[1][j].uuid, servers[0][j].uuid);
        CHECK_INT(fabric_table_get_servers(t, &keys, L, RW, index[1], NULL, servers[1], 1, &n[1],
                                           &err),
                  FABRIC_ERR_BUFFER_TOO_SMALL);
        CHECK_INT(n[1], n[0]);
        fabric_table_free(t);
    }
}

static void refuses_like_the_main_call(const fabric_t *f)
{
    fabric_table_t *t = opened(f, salaries, 1);
    fabric_server_t server;
    fabric_error_t err;
    fabric_key_t low = fabric_key_int(0), word = text("x");
    fill(&server, sizeof server);
    CHECK_INT(fabric_table_get_server(t, &low, L, RW, &server, &err), FABRIC_ERR_KEY_OUT_OF_RANGE);
    CHECK_INT(fabric_table_get_server(t, &word, L, RW, &server, &err), FABRIC_ERR_KEY_TYPE);
    CHECK_INT(fabric_table_get_server(t, NULL, L, RW, &server, &err), FABRIC_ERR_KEY_MISSING);
    CHECK_INT(fabric_table_get_server(t, &low, 7, RW, &server, &err), FABRIC_ERR_ARGUMENT);
    CHECK_INT(fabric_table_get_server(t, &low, L, 9, &server, &err), FABRIC_ERR_ARGUMENT);
    CHECK(is_filled(&server, sizeof server));
    fabric_table_free(t);

    static const char *const unknown[] = {"employees.nothing"};
    t = NULL;
    CHECK_INT(fabric_table_open(f, unknown, 1, &t, &err), FABRIC_ERR_UNKNOWN_TABLE);
    CHECK_INT(fabric_table_open(f, unknown, 0, &t, &err), FABRIC_ERR_ARGUMENT);
    CHECK(t == NULL);
}

static void several_tables_at_once(const fabric_t *f)
{
    fabric_table_t *t = opened(f, joined, 2);
    CHECK_INT(port(t, fabric_key_int(10001), RW), port_of(f, joined[1], fabric_key_int(10001), RW));
    fabric_table_free(t);

    static const char *const apart[] = {"employees.salaries", "hashdb.accounts"};
    t = opened(f, apart, 2);
    fabric_server_t server;
    fabric_error_t err;
    fabric_key_t key = fabric_key_int(9); /* group shard1 here, shard2 there */
    CHECK_INT(fabric_table_get_server(t, &key, L, RW, &server, &err), FABRIC_ERR_DIFFERENT_SHARDS);
    fabric_table_free(t);
}

static void follows_the_farm(const fabric_t *f, const fabric_t *ctl)
{
    fabric_table_t *t = opened(f, salaries, 1);
    fabric_error_t err;
    uint32_t before = port(t, fabric_key_int(1), RW);
    tell(ctl, "promote", "shard1", "127.0.0.1:33612", NULL);
    CHECK_OK(fabric_reset_cache(f, NULL, &err), err);
    uint32_t after = port(t, fabric_key_int(1), RW);
    CHECK(after != before);
    CHECK_INT(after, port_of(f, salaries[0], fabric_key_int(1), RW));
    fabric_table_free(t);
}

static void outlives_its_handle(void)
{
    fabric_t *f = handle(options());
    fabric_table_t *t = opened(f, salaries, 1);
    uint32_t before = port(t, fabric_key_int(10001), RW);
    fabric_free(f);
    CHECK_INT(port(t, fabric_key_int(10001), RW), before);
    fabric_table_free(t);
}

int main(void)
{
    fabric_t *f = handle(options()), *ctl = control();
    answers_like_the_main_call(f);
    batches_like_by_name(f);
    refuses_like_the_main_call(f);
    several_tables_at_once(f);
    outlives_its_handle();
    follows_the_farm(f, ctl);
    fabric_free(ctl);
    fabric_free(f);
    return EXIT_SUCCESS;
}
