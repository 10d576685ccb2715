/* The farm as a whole: shards, servers of a group, Fabric nodes, and how it is fetched. */
#include "support.h"

static fabric_t *long_lived(void)
{
    fabric_options_t *o = options();
    CHECK_INT(fabric_options_set_ttl_ms(o, 3600000, 0), FABRIC_OK);
    return handle(o);
}

static void expect_shards(const fabric_t *f, const char *table, int32_t type, const char *column,
                          const char *const (*wanted)[2], const int64_t *ids, size_t n)
{
    fabric_shard_t shards[8];
    fabric_error_t err;
    size_t count = 0;
    CHECK_OK(fabric_get_shards(f, table, shards, 8, &count, &err), err);
    CHECK_INT(count, n);
    for (size_t i = 0; i < n; i++) {
        CHECK_TEXT(shards[i].lower_bound, wanted[i][0]);
        CHECK_TEXT(shards[i].group, wanted[i][1]);
        CHECK_TEXT(shards[i].global_group, "global");
        CHECK_TEXT(shards[i].column, column);
        CHECK_INT(shards[i].sharding_type, type);
        CHECK_INT(shards[i].shard_id, ids[i]);
        CHECK_INT(shards[i].reserved[7], 0);
    }
}

static void shards(void)
{
    static const char *const range[][2] = {{"1", "shard1"},
                                           {"10001", "shard2"},
                                           {"20001", "shard3"}};
    static const char *const integer[][2] = {{"-1000", "shard1"},
                                             {"0", "shard2"},
                                             {"1000000000000", "shard3"}};
    static const char *const datetime[][2] = {{"2000-01-01 00:00:00", "shard1"},
                                              {"2010-01-01 00:00:00", "shard2"},
                                              {"2020-06-15 00:00:00", "shard3"}};
    static const char *const string[][2] = {{"A", "shard1"},
                                            {"M", "shard2"},
                                            {"a", "shard3"},
                                            {"m", "shard4"}};
    static const char *const hash[][2] = {{"66048CB1692FBF2BC8037F30D21FCFFE", "shard4"},
                                          {"6D3D69AB699C9856EC045B72DD627EF7", "shard3"},
                                          {"C783BBB72B956E3F1818E9D4A59D76CB", "shard1"},
                                          {"E6C81F2F91025F5719B5D173C6E330B7", "shard2"}};
    static const char *const enabled[][2] = {{"0", "shard1"}, {"200", "shard3"}};
    fabric_t *f = long_lived();
    expect_shards(f, "employees.salaries", FABRIC_SHARDING_RANGE, "emp_no", range,
                  (int64_t[]){1, 2, 3}, 3);
    expect_shards(f, "shop.orders", FABRIC_SHARDING_RANGE_INTEGER, "order_id", integer,
                  (int64_t[]){4, 5, 6}, 3);
    expect_shards(f, "log.events", FABRIC_SHARDING_RANGE_DATETIME, "ts", datetime,
                  (int64_t[]){7, 8, 9}, 3);
    expect_shards(f, "crm.names", FABRIC_SHARDING_RANGE_STRING, "name", string,
                  (int64_t[]){10, 11, 12, 13}, 4);
    expect_shards(f, "hashdb.users", FABRIC_SHARDING_HASH, "user_id", hash,
                  (int64_t[]){17, 16, 14, 15}, 4);
    expect_shards(f, "disabled_db.t", FABRIC_SHARDING_RANGE, "id", enabled, (int64_t[]){20, 22}, 2);
    fabric_free(f);
}

static void group_servers(const fabric_t *ctl)
{
    fabric_t *f = long_lived();
    fabric_server_t s[4];
    fabric_error_t err;
    size_t n = 0;
    CHECK_OK(fabric_get_group_servers(f, "shard2", 1, s, 4, &n, &err), err);
    CHECK_INT(n, 3);
    CHECK_INT(s[0].port, 33621);
    CHECK_INT(s[0].status, FABRIC_STATUS_PRIMARY);
    CHECK_INT(s[0].mode, FABRIC_MODE_READWRITE);
    CHECK_INT(s[1].status, FABRIC_STATUS_SECONDARY);
    CHECK_INT(s[2].status, FABRIC_STATUS_SPARE);
    CHECK_INT(s[2].mode, FABRIC_MODE_OFFLINE);

    /* A cached answer stays; one that is asked for is new. */
    tell(ctl, "remove_server", "127.0.0.1:33623", NULL);
    size_t before = requests(ctl);
    CHECK_OK(fabric_get_group_servers(f, "shard2", 1, s, 4, &n, &err), err);
    CHECK_INT(n, 3);
    CHECK_INT(requests(ctl), before);
    CHECK_OK(fabric_get_group_servers(f, "shard2", 0, s, 4, &n, &err), err);
    CHECK_INT(n, 2);
    CHECK_INT(requests(ctl), before + 1);
    fabric_free(f);
    tell(ctl, "reset", NULL);
}

static void weights(void)
{
    fabric_t *f = long_lived();
    fabric_server_t s[3];
    fabric_error_t err;
    size_t n = 0;
    CHECK_OK(fabric_get_group_servers(f, "shard1", 1, s, 3, &n, &err), err);
    CHECK_INT(n, 3);
    CHECK_REAL(s[1].weight, 2.0);
    CHECK_REAL(s[2].weight, 0.5);
    fabric_free(f);
}

static void nodes(const fabric_t *ctl)
{
    fabric_t *f = long_lived();
    fabric_node_t node[4];
    fabric_error_t err;
    size_t n = 0;
    CHECK_OK(fabric_get_fabric_nodes(f, node, 4, &n, &err), err);
    CHECK_INT(n, 1);
    CHECK_TEXT(node[0].host, fabricd_host());
    CHECK_INT(node[0].port, fabricd_port());
    fabric_free(f);

    tell(ctl, "set_nodes", "127.0.0.1:self,no host:1,fabric2.example:32274", NULL);
    f = long_lived();
    CHECK_OK(fabric_get_fabric_nodes(f, node, 4, &n, &err), err);
    CHECK_INT(n, 2);
    CHECK_TEXT(node[1].host, "fabric2.example");
    CHECK_INT(node[1].port, FABRIC_DEFAULT_PORT);
    fabric_free(f);
    tell(ctl, "reset", NULL);
}

/* After it nothing needs to be asked; before it there is nothing. */
static void prefetch(const fabric_t *ctl)
{
    const char *tables[] = {"employees.salaries", "crm.names"};
    fabric_t *f = long_lived();
    fabric_error_t err;
    CHECK_OK(fabric_get_sharding_information(f, tables, 2, &err), err);
    CHECK_INT(requests(ctl), 4);
    port_of(f, "crm.names", text("zoe"), FABRIC_MODE_READWRITE);
    port_of(f, "employees.salaries", fabric_key_int(1), FABRIC_MODE_READWRITE);
    CHECK_INT(requests(ctl), 4);
    CHECK_OK(fabric_get_sharding_information(f, NULL, 0, &err), err);
    CHECK_INT(requests(ctl), 6);
    port_of(f, "hash2.t", fabric_key_int(1), FABRIC_MODE_READWRITE);
    CHECK_INT(requests(ctl), 6);

    /* The others are fetched all the same. */
    const char *mixed[] = {"no.such", "log.events"};
    CHECK_INT(fabric_get_sharding_information(f, mixed, 2, &err), FABRIC_ERR_UNKNOWN_TABLE);
    CHECK_CONTAINS(err.message, "no.such");
    port_of(f, "log.events", text("2010-01-01"), FABRIC_MODE_READWRITE);
    fabric_free(f);
    tell(ctl, "reset", NULL);
}

static void seed(const fabric_t *ctl)
{
    fabric_t *f = long_lived();
    fabric_error_t err;
    CHECK_OK(fabric_seed(f, NULL, 0, &err), err);
    CHECK_INT(requests(ctl), 4);
    port_of(f, "hash2.t", fabric_key_int(1), FABRIC_MODE_READWRITE);
    CHECK_INT(requests(ctl), 4);
    fabric_free(f);

    fabric_options_t *o = fabric_options_new();
    CHECK_INT(fabric_options_set_credentials(o, "admin", "secret"), FABRIC_OK);
    f = handle(o);
    CHECK_OK(fabric_seed(f, fabricd_host(), fabricd_port(), &err), err);
    CHECK_INT(port_of(f, "hash2.t", fabric_key_int(2), FABRIC_MODE_READWRITE), 33611);
    fabric_free(f);
    tell(ctl, "reset", NULL);
}

/* A changed farm shows after a reset of the cache, and counts one generation. */
static void reset_and_generation(const fabric_t *ctl)
{
    fabric_t *f = long_lived();
    CHECK_INT(fabric_topology_generation(f), 0);
    CHECK_INT(fabric_topology_age(f), -1);
    CHECK_INT(fabric_get_ttl_ms(f), -1);
    CHECK_INT(port_of(f, "employees.salaries", fabric_key_int(1), FABRIC_MODE_READWRITE), 33611);
    uint64_t generation = fabric_topology_generation(f);
    CHECK(generation > 0);
    int64_t age = fabric_topology_age(f);
    CHECK(age >= 0 && age < 60000);
    sleep_ms(20);
    CHECK(fabric_topology_age(f) >= age + 19);
    CHECK_INT(fabric_get_ttl_ms(f), 3600000);

    tell(ctl, "promote", "shard1", "127.0.0.1:33612", NULL);
    CHECK_INT(port_of(f, "employees.salaries", fabric_key_int(1), FABRIC_MODE_READWRITE), 33611);
    CHECK_INT(fabric_reset_cache(f, "shard2", NULL), FABRIC_OK);
    CHECK_INT(port_of(f, "employees.salaries", fabric_key_int(1), FABRIC_MODE_READWRITE), 33611);
    CHECK_INT(fabric_reset_cache(f, "shard1", NULL), FABRIC_OK);
    CHECK_INT(port_of(f, "employees.salaries", fabric_key_int(1), FABRIC_MODE_READWRITE), 33612);
    CHECK_INT(fabric_topology_generation(f), generation + 1);

    /* Nothing changed: the same number. */
    CHECK_INT(fabric_reset_cache(f, NULL, NULL), FABRIC_OK);
    CHECK_INT(port_of(f, "employees.salaries", fabric_key_int(1), FABRIC_MODE_READWRITE), 33612);
    CHECK_INT(fabric_topology_generation(f), generation + 1);

    /* Nor do names that do not exist, or what the service tells, change the farm. */
    fabric_server_t server;
    CHECK_INT(fabric_get_group_server(f, "no-such-group", FABRIC_MODE_READWRITE, FABRIC_STATUS_NONE,
                                      &server, NULL),
              FABRIC_ERR_UNKNOWN_GROUP);
    const char *misspelt = "employees.salary";
    fabric_key_t key = fabric_key_int(1);
    CHECK_INT(fabric_get_shard_server(f, &misspelt, 1, &key, FABRIC_SCOPE_LOCAL,
                                      FABRIC_MODE_READWRITE, &server, NULL),
              FABRIC_ERR_UNKNOWN_TABLE);
    CHECK_INT(fabric_get_group_server(f, "shard1", FABRIC_MODE_READONLY, FABRIC_STATUS_NONE,
                                      &server, NULL),
              FABRIC_OK);
    CHECK_INT(fabric_report_result(f, server.uuid, 2003, NULL), FABRIC_OK);
    CHECK_INT(fabric_topology_generation(f), generation + 1);

    tell(ctl, "move_shard", "1", "shard4", NULL);
    CHECK_INT(fabric_reset_cache(f, NULL, NULL), FABRIC_OK);
    CHECK_INT(port_of(f, "employees.salaries", fabric_key_int(1), FABRIC_MODE_READWRITE), 33641);
    CHECK_INT(fabric_reset_cache(f, "no-such-group", NULL), FABRIC_OK);
    fabric_free(f);
    tell(ctl, "reset", NULL);
}

int main(void)
{
    fabric_t *ctl = control();
    shards();
    weights();
    tell(ctl, "reset", NULL);
    group_servers(ctl);
    nodes(ctl);
    prefetch(ctl);
    seed(ctl);
    reset_and_generation(ctl);
    fabric_free(ctl);
    return 0;
}
