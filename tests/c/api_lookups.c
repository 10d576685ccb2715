/* Which server holds these tables and this key: all sharding types, modes and scopes. */
#include "support.h"

enum { RW = FABRIC_MODE_READWRITE, RO = FABRIC_MODE_READONLY };

static const struct {
    const char *table, *key;
    uint32_t port;
} by_text[] = {
    {"employees.salaries", "10000", 33611},
    {"employees.salaries", "+10001", 33621},
    {"employees.dept_emp", "020001", 33631},
    {"shop.orders", "-1000", 33611},
    {"shop.orders", "-1", 33611},
    {"shop.orders", "-0", 33621},
    {"log.events", "2000-01-01", 33611},
    {"log.events", "20091231235959", 33611},
    {"log.events", "2010-01-01", 33621},
    {"log.events", "2009-12-31 23:59:59.5", 33621},
    {"log.events", "2010-00-00", 33611},
    {"log.events", "20100000", 33611},
    {"log.events", "20100000000001", 33611},
    {"log.events", "2010-01-00T12:00", 33611},
    {"log.events", "2010-05-00", 33621},
    {"log.events", "2020-06-00 23:59:59.4", 33621},
    {"log.events", "20200615", 33631},
    {"log.events", "20200700000000", 33631},
    {"log.events", "2020-06-15T00:00", 33631},
    {"log.events", "99991231", 33631},
    {"crm.names", "A", 33611},
    {"crm.names", "Lz", 33611},
    {"crm.names", "M  ", 33621},
    {"crm.names", "_", 33621},
    {"crm.names", "anna", 33631},
    {"crm.names", "m", 33641},
    {"crm.names", "\xc3\xa9mile", 33641},
    {"hashdb.users", "1", 33631},
    {"hashdb.users", "2", 33611},
    {"hashdb.users", "3", 33621},
    /* Below every bound of the ring, and so on the highest. */
    {"hashdb.users", "9", 33621},
    {"hash2.t", "1", 33621},
};

static void texts(const fabric_t *f)
{
    for (size_t i = 0; i < sizeof by_text / sizeof *by_text; i++) {
        printf("%s '%s'\n", by_text[i].table, by_text[i].key);
        CHECK_INT(port_of(f, by_text[i].table, text(by_text[i].key), RW), by_text[i].port);
    }
    CHECK_INT(port_of(f, "crm.names", fabric_key_text("Mabel", 1), RW), 33621);
}

static void integers(const fabric_t *f)
{
    CHECK_INT(port_of(f, "employees.salaries", fabric_key_int(1), RW), 33611);
    CHECK_INT(port_of(f, "employees.salaries", fabric_key_int(INT64_MAX), RW), 33631);
    CHECK_INT(port_of(f, "shop.orders", fabric_key_int(-1000), RW), 33611);
    CHECK_INT(port_of(f, "shop.orders", fabric_key_int(1000000000000), RW), 33631);
    CHECK_INT(port_of(f, "hashdb.accounts", fabric_key_int(1), RW), 33631);
    CHECK_INT(port_of(f, "hashdb.accounts", fabric_key_int(9), RW), 33621);
    /* The disabled shard is not there; its keys fall to the one below, as at the server. */
    CHECK_INT(port_of(f, "disabled_db.t", fabric_key_int(150), RW), 33611);
}

/* Columns without a sign: what is above every bound is in the highest shard. */
static void unsigned_integers(const fabric_t *f)
{
    static const struct {
        const char *table;
        uint64_t key;
        uint32_t port;
    } wanted[] = {
        {"employees.salaries", 1, 33611},
        {"employees.salaries", INT64_MAX, 33631},
        {"employees.salaries", (uint64_t)INT64_MAX + 1, 33631},
        {"employees.salaries", UINT64_MAX, 33631},
        {"shop.orders", (uint64_t)INT64_MAX + 1, 33631},
        {"shop.orders", UINT64_MAX, 33631},
        {"disabled_db.t", UINT64_MAX, 33631},
    };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        char decimal[32];
        snprintf(decimal, sizeof decimal, "%" PRIu64, wanted[i].key);
        printf("%s %s\n", wanted[i].table, decimal);
        CHECK_INT(port_of(f, wanted[i].table, fabric_key_uint(wanted[i].key), RW), wanted[i].port);
        CHECK_INT(port_of(f, wanted[i].table, text(decimal), RW), wanted[i].port);
    }
    /* HASH takes the digits. */
    for (int i = 0; i < 200; i++) {
        char decimal[32];
        uint64_t key = UINT64_MAX / 200 * (uint64_t)i;
        snprintf(decimal, sizeof decimal, "%" PRIu64, key);
        CHECK_INT(port_of(f, "hashdb.users", fabric_key_uint(key), RW),
                  port_of(f, "hashdb.users", text(decimal), RW));
    }
    fabric_key_t small = fabric_key_uint(7), large = fabric_key_uint(UINT64_MAX);
    CHECK_INT(small.kind, FABRIC_KEY_INT);
    CHECK_INT(small.integer, 7);
    CHECK_INT(large.kind, FABRIC_KEY_UINT);
    CHECK_INT(large.integer, -1);
    /* So does a key of RANGE of any length. */
    CHECK_INT(port_of(f, "employees.salaries",
                      text("+00100000000000000000000000000000000000000000"), RW),
              33631);
    fabric_table_t *t;
    fabric_server_t s;
    fabric_error_t err;
    const char *table = "employees.salaries";
    CHECK_OK(fabric_table_open(f, &table, 1, &t, &err), err);
    CHECK_OK(fabric_table_get_server(t, &large, FABRIC_SCOPE_LOCAL, RW, &s, &err), err);
    CHECK_INT(s.port, 33631);
    fabric_table_free(t);
}

static void modes(const fabric_t *f)
{
    fabric_key_t key = fabric_key_int(10001);
    CHECK_INT(port_of(f, "employees.salaries", key, FABRIC_MODE_WRITEONLY), 33621);
    /* One secondary, and a spare that never serves. */
    for (int i = 0; i < 10; i++) {
        CHECK_INT(port_of(f, "employees.salaries", key, RO), 33622);
        CHECK_INT(port_of(f, "employees.salaries", key, FABRIC_MODE_NONE), 33622);
    }
    /* A primary alone takes the reads. */
    CHECK_INT(port_of(f, "employees.salaries", fabric_key_int(20001), RO), 33631);
}

static void the_whole_struct(const fabric_t *f)
{
    fabric_server_t s;
    fabric_error_t err;
    fill(&err, sizeof err);
    fill(&s, sizeof s);
    CHECK_OK(find(f, "employees.salaries", fabric_key_int(10001), RO, &s, &err), err);
    CHECK(is_filled(&err, sizeof err));
    CHECK_TEXT(s.uuid, "aaee17dd-e706-11f1-b000-02fc00000001");
    CHECK_TEXT(s.host, "127.0.0.1");
    CHECK_TEXT(s.group, "shard2");
    CHECK_INT(s.port, 33622);
    CHECK_INT(s.mode, FABRIC_MODE_READONLY);
    CHECK_INT(s.status, FABRIC_STATUS_SECONDARY);
    CHECK_REAL(s.weight, 1.0);
    CHECK_INT(s.reserved0, 0);
    for (size_t i = 0; i < sizeof s.reserved / sizeof *s.reserved; i++)
        CHECK_INT(s.reserved[i], 0);
}

static void several_tables(const fabric_t *f)
{
    const char *tables[] = {"employees.salaries", "employees.dept_emp", "disabled_db.t"};
    fabric_key_t key = fabric_key_int(5);
    fabric_server_t s;
    fabric_error_t err;
    CHECK_OK(fabric_get_shard_server(f, tables, 3, &key, FABRIC_SCOPE_LOCAL, RW, &s, &err), err);
    CHECK_INT(s.port, 33611);
    /* The global groups agree whatever the keys do. */
    tables[2] = "crm.names";
    CHECK_OK(fabric_get_shard_server(f, tables, 3, NULL, FABRIC_SCOPE_GLOBAL, RW, &s, &err), err);
    CHECK_INT(s.port, 33601);
    CHECK_TEXT(s.group, "global");
    CHECK_OK(fabric_get_shard_server(f, tables, 3, &key, FABRIC_SCOPE_GLOBAL, RO, &s, &err), err);
    CHECK_INT(s.port, 33602);
}

static uint32_t group_port(const fabric_t *f, const char *group, int32_t mode, int32_t status)
{
    fabric_server_t s;
    fabric_error_t err;
    CHECK_OK(fabric_get_group_server(f, group, mode, status, &s, &err), err);
    CHECK_TEXT(s.group, group);
    return s.port;
}

static void groups(const fabric_t *f)
{
    int32_t none = FABRIC_STATUS_NONE, any = FABRIC_MODE_NONE;
    CHECK_INT(group_port(f, "shard2", RW, none), 33621);
    CHECK_INT(group_port(f, "shard2", FABRIC_MODE_WRITEONLY, none), 33621);
    CHECK_INT(group_port(f, "shard2", RO, none), 33622);
    CHECK_INT(group_port(f, "shard2", any, none), 33622);
    CHECK_INT(group_port(f, "shard2", any, FABRIC_STATUS_PRIMARY), 33621);
    CHECK_INT(group_port(f, "shard2", any, FABRIC_STATUS_SECONDARY), 33622);
    CHECK_INT(group_port(f, "shard3", any, FABRIC_STATUS_SECONDARY), 33631);
    /* No table lives there, and `shard1` is a part of its name. */
    CHECK_INT(group_port(f, "shard10", RO, none), 33651);
}

static void compat(void)
{
    fabric_options_t *o = options();
    CHECK_INT(fabric_options_set_compat(o, FABRIC_COMPAT_CONNECTOR_PYTHON), FABRIC_OK);
    fabric_t *f = handle(o);
    CHECK_INT(port_of(f, "employees.salaries", fabric_key_int(0), RW), 33631);
    CHECK_INT(port_of(f, "employees.salaries", text("-9223372036854775809"), RW), 33631);
    CHECK_INT(port_of(f, "employees.salaries", fabric_key_uint(UINT64_MAX), RW), 33631);
    CHECK_INT(port_of(f, "employees.salaries", fabric_key_int(1), RW), 33611);
    CHECK_INT(port_of(f, "hashdb.users", text("9"), RW), 33641);
    CHECK_INT(port_of(f, "hashdb.users", text("1"), RW), 33631);
    fabric_free(f);
}

static void server_modes_and_statuses(const fabric_t *ctl)
{
    fabric_options_t *o = options();
    CHECK_INT(fabric_options_set_ttl_ms(o, 1, 1), FABRIC_OK);
    fabric_t *f = handle(o);
    fabric_server_t s;
    fabric_key_t key = fabric_key_int(10001);
    tell(ctl, "set_mode", "127.0.0.1:33622", "OFFLINE", NULL);
    CHECK_INT(group_port(f, "shard2", RO, FABRIC_STATUS_NONE), 33621);
    tell(ctl, "set_status", "127.0.0.1:33622", "FAULTY", NULL);
    fabric_reset_cache(f, NULL, NULL);
    CHECK_INT(group_port(f, "shard2", RO, FABRIC_STATUS_NONE), 33621);
    tell(ctl, "demote", "shard2", NULL);
    fabric_reset_cache(f, NULL, NULL);
    CHECK_INT(find(f, "employees.salaries", key, RW, &s, NULL), FABRIC_ERR_NO_SERVER);
    CHECK_INT(port_of(f, "employees.salaries", key, RO), 33621);
    fabric_free(f);
    tell(ctl, "reset", NULL);
}

int main(void)
{
    fabric_t *ctl = control();
    fabric_t *f = handle(options());
    texts(f);
    integers(f);
    unsigned_integers(f);
    modes(f);
    the_whole_struct(f);
    several_tables(f);
    groups(f);
    fabric_free(f);
    compat();
    server_modes_and_statuses(ctl);
    fabric_free(ctl);
    return 0;
}
