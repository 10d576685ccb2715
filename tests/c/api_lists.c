/* What a handle knows of the farm: its tables, its groups, and the shard of a key. */
#include <unistd.h>

#include "support.h"

#define MOST 64

static fabric_t *long_lived(void)
{
    fabric_options_t *o = options();
    CHECK_INT(fabric_options_set_ttl_ms(o, 3600000, 0), FABRIC_OK);
    return handle(o);
}

static const fabric_table_info_t *table_of(const fabric_table_info_t *tables, size_t n,
                                           const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(tables[i].name, name) == 0)
            return &tables[i];
    return NULL;
}

static const fabric_group_info_t *group_of(const fabric_group_info_t *groups, size_t n,
                                           const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(groups[i].name, name) == 0)
            return &groups[i];
    return NULL;
}

/* Nothing is asked for: what was looked up is there, and then all. */
static void tables(const fabric_t *ctl)
{
    static fabric_table_info_t t[MOST];
    fabric_t *f = long_lived();
    fabric_error_t err;
    size_t n = 9;
    size_t before = requests(ctl);
    CHECK_OK(fabric_get_tables(f, NULL, 0, &n, &err), err);
    CHECK_INT(n, 0);
    CHECK_INT(requests(ctl), before);
    port_of(f, "crm.names", text("zoe"), FABRIC_MODE_READWRITE);
    CHECK_OK(fabric_get_tables(f, t, MOST, &n, &err), err);
    CHECK_INT(n, 1);
    CHECK_TEXT(t[0].name, "crm.names");

    CHECK_OK(fabric_seed(f, NULL, 0, &err), err);
    before = requests(ctl);
    CHECK_INT(fabric_get_tables(f, t, 1, &n, &err), FABRIC_ERR_BUFFER_TOO_SMALL);
    CHECK(n > 6 && n <= MOST);
    CHECK_OK(fabric_get_tables(f, t, MOST, &n, &err), err);
    CHECK_INT(requests(ctl), before);
    for (size_t i = 1; i < n; i++)
        CHECK(strcmp(t[i - 1].name, t[i].name) < 0);
    const fabric_table_info_t *hash = table_of(t, n, "hashdb.users");
    CHECK(hash != NULL);
    CHECK_INT(hash->sharding_type, FABRIC_SHARDING_HASH);
    CHECK_INT(hash->shards, 4);
    CHECK_TEXT(hash->column, "user_id");
    CHECK_TEXT(hash->global_group, "global");
    CHECK_INT(hash->reserved0, 0);
    CHECK_INT(hash->reserved[7], 0);
    /* As fabric_get_shards() has it: one of three is disabled. */
    const fabric_table_info_t *disabled = table_of(t, n, "disabled_db.t");
    CHECK(disabled != NULL);
    CHECK_INT(disabled->shards, 2);
    fabric_free(f);
}

static void an_unsupported_table(const fabric_t *ctl)
{
    static fabric_table_info_t t[MOST];
    fabric_t *f = long_lived();
    fabric_error_t err;
    size_t n = 0;
    tell(ctl, "add_mapping", "LIST", "global", NULL);
    tell(ctl, "add_table", "8", "new.kind", "id", NULL);
    tell(ctl, "add_shard", "8", "1", "shard1", NULL);
    CHECK_OK(fabric_seed(f, NULL, 0, &err), err);
    CHECK_OK(fabric_get_tables(f, t, MOST, &n, &err), err);
    const fabric_table_info_t *list = table_of(t, n, "new.kind");
    CHECK(list != NULL);
    CHECK_INT(list->sharding_type, FABRIC_SHARDING_UNSUPPORTED);
    CHECK_INT(list->shards, 0);
    CHECK_TEXT(list->column, "");
    CHECK_TEXT(list->global_group, "");
    fabric_free(f);
    tell(ctl, "reset", NULL);
}

static void groups(const fabric_t *ctl)
{
    static fabric_group_info_t g[MOST];
    fabric_t *f = long_lived();
    fabric_server_t server;
    fabric_error_t err;
    size_t n = 9;
    CHECK_OK(fabric_get_groups(f, g, MOST, &n, &err), err);
    CHECK_INT(n, 0);
    CHECK_OK(fabric_seed(f, NULL, 0, &err), err);
    size_t before = requests(ctl);
    CHECK_INT(fabric_get_groups(f, g, 0, &n, &err), FABRIC_ERR_BUFFER_TOO_SMALL);
    CHECK_OK(fabric_get_groups(f, g, MOST, &n, &err), err);
    for (size_t i = 1; i < n; i++)
        CHECK(strcmp(g[i - 1].name, g[i].name) < 0);
    const fabric_group_info_t *one = group_of(g, n, "shard1");
    CHECK(one != NULL);
    CHECK_INT(one->servers, 3);
    CHECK_INT(one->servers_quarantined, 0);
    CHECK_INT(one->takes_writes, 1);
    CHECK_INT(one->writes_held, 0);
    CHECK(one->age_ms >= 0 && one->age_ms < 60000);
    CHECK_INT(one->reserved[7], 0);
    /* The first shards of most tables lie there. */
    CHECK(one->shards >= 5);
    CHECK_INT(requests(ctl), before);

    CHECK_OK(fabric_get_group_server(f, "shard1", FABRIC_MODE_READONLY, FABRIC_STATUS_NONE, &server,
                                     &err),
             err);
    CHECK_INT(fabric_report_result(f, server.uuid, 2003, NULL), FABRIC_OK);
    CHECK_OK(fabric_get_groups(f, g, MOST, &n, &err), err);
    CHECK_INT(group_of(g, n, "shard1")->servers_quarantined, 1);
    CHECK_OK(fabric_get_group_server(f, "shard1", FABRIC_MODE_READWRITE, FABRIC_STATUS_NONE,
                                     &server, &err),
             err);
    CHECK_INT(fabric_report_result(f, server.uuid, 1290, NULL), FABRIC_OK);
    CHECK_OK(fabric_get_groups(f, g, MOST, &n, &err), err);
    CHECK_INT(group_of(g, n, "shard1")->takes_writes, 0);
    CHECK_INT(group_of(g, n, "shard1")->writes_held, 1);
    fabric_free(f);
}

static void shard_of(const fabric_t *f, const char *table, fabric_key_t key, int64_t id,
                     const char *bound, const char *group)
{
    fabric_shard_t shard;
    fabric_error_t err;
    CHECK_OK(fabric_get_shard(f, table, &key, &shard, &err), err);
    CHECK_INT(shard.shard_id, id);
    CHECK_TEXT(shard.lower_bound, bound);
    CHECK_TEXT(shard.group, group);
    CHECK_INT(shard.state, FABRIC_SHARD_ENABLED);
    CHECK_INT(shard.reserved[7], 0);
}

static void the_shard_of_a_key(void)
{
    fabric_t *f = long_lived();
    fabric_shard_t shard;
    fabric_error_t err;
    fabric_key_t key = fabric_key_int(0);
    shard_of(f, "employees.salaries", fabric_key_int(10000), 1, "1", "shard1");
    shard_of(f, "employees.salaries", text("10001"), 2, "10001", "shard2");
    shard_of(f, "log.events", text("2015-01-01"), 8, "2010-01-01 00:00:00", "shard2");
    shard_of(f, "crm.names", text("zoe"), 13, "m", "shard4");
    /* The digest of 1 is C4CA4238...; below C783BBB7... */
    shard_of(f, "hashdb.users", fabric_key_int(1), 16, "6D3D69AB699C9856EC045B72DD627EF7",
             "shard3");
    fill(&shard, sizeof shard);
    CHECK_INT(fabric_get_shard(f, "employees.salaries", &key, &shard, &err),
              FABRIC_ERR_KEY_OUT_OF_RANGE);
    CHECK_CONTAINS(err.message, "employees.salaries");
    CHECK_INT(fabric_get_shard(f, "employees.salaries", NULL, &shard, &err),
              FABRIC_ERR_KEY_MISSING);
    key = fabric_key_int(150);
    CHECK_INT(fabric_get_shard(f, "no.such", &key, &shard, &err), FABRIC_ERR_UNKNOWN_TABLE);
    CHECK(is_filled(&shard, sizeof shard));
    fabric_free(f);
}

/* A handle made of the file answers as the one that wrote it, with no Fabric. */
static void a_dump(const fabric_t *ctl)
{
    char path[64], own[64];
    snprintf(path, sizeof path, "dump-%d.json", (int)getpid());
    snprintf(own, sizeof own, "own-%d.json", (int)getpid());
    fabric_options_t *o = options();
    CHECK_INT(fabric_options_set_ttl_ms(o, 3600000, 0), FABRIC_OK);
    CHECK_INT(fabric_options_set_snapshot_file(o, own), FABRIC_OK);
    fabric_t *f = handle(o);
    fabric_error_t err;
    CHECK_INT(fabric_dump(f, path, &err), FABRIC_ERR_NOT_SEEDED);
    CHECK_CONTAINS(err.message, "fabric_seed");
    CHECK(access(path, F_OK) != 0);
    CHECK_OK(fabric_seed(f, NULL, 0, &err), err);
    size_t before = requests(ctl);
    CHECK_OK(fabric_dump(f, path, &err), err);
    CHECK_INT(requests(ctl), before);
    CHECK_INT(fabric_dump(f, own, &err), FABRIC_ERR_ARGUMENT);
    CHECK_CONTAINS(err.message, own);
    CHECK_INT(fabric_dump(f, "no/such/place", &err), FABRIC_ERR_FILE);
    CHECK_CONTAINS(err.message, "no/such/place");
    CHECK_INT(fabric_dump(f, "", &err), FABRIC_ERR_ARGUMENT);
    fabric_free(f);

    o = fabric_options_new();
    CHECK_INT(fabric_options_set_topology_file(o, path), FABRIC_OK);
    f = handle(o);
    CHECK_OK(fabric_seed(f, NULL, 0, &err), err);
    CHECK_INT(port_of(f, "crm.names", text("zoe"), FABRIC_MODE_READWRITE), 33641);
    shard_of(f, "hashdb.users", fabric_key_int(1), 16, "6D3D69AB699C9856EC045B72DD627EF7",
             "shard3");
    static fabric_table_info_t t[MOST];
    size_t n = 0;
    CHECK_OK(fabric_get_tables(f, t, MOST, &n, &err), err);
    CHECK(table_of(t, n, "employees.salaries") != NULL);
    CHECK_INT(requests(ctl), before);
    CHECK_INT(fabric_dump(f, path, &err), FABRIC_ERR_ARGUMENT);
    CHECK_CONTAINS(err.message, "topology file");
    fabric_free(f);
    CHECK_INT(unlink(path), 0);
    unlink(own);
}

int main(void)
{
    fabric_t *ctl = control();
    tables(ctl);
    an_unsupported_table(ctl);
    groups(ctl);
    the_shard_of_a_key();
    a_dump(ctl);
    fabric_free(ctl);
    return 0;
}
