/* Why a lookup is answered as it is: the answer is the lookup's own, and nothing changes by it. */
#define _POSIX_C_SOURCE 200809L

#include <unistd.h>

#include "support.h"

enum { RW = FABRIC_MODE_READWRITE, RO = FABRIC_MODE_READONLY, L = FABRIC_SCOPE_LOCAL };

static fabric_explanation_t x;
static fabric_error_t err;

static const fabric_explanation_t *explain(const fabric_t *f, const char *table, fabric_key_t key,
                                           int32_t mode)
{
    fill(&x, sizeof x);
    CHECK_OK(fabric_explain_shard(f, &table, 1, &key, L, mode, &x, &err), err);
    CHECK_INT(x.reserved[15], 0);
    return &x;
}

static fabric_t *long_lived(void)
{
    fabric_options_t *o = options();
    CHECK_INT(fabric_options_set_ttl_ms(o, 3600000, 0), FABRIC_OK);
    CHECK_INT(fabric_options_set_least_write_hold_ms(o, 600000), FABRIC_OK);
    CHECK_INT(fabric_options_set_quarantine_ms(o, FABRIC_MAX_TIME_MS), FABRIC_OK);
    return handle(o);
}

/* What nobody has fetched is fetched, once. */
static void a_hash_key(const fabric_t *ctl)
{
    fabric_t *f = long_lived();
    explain(f, "hashdb.users", fabric_key_int(1), RW);
    CHECK_INT(x.status, FABRIC_OK);
    CHECK_TEXT(x.message, "");
    CHECK_INT(x.why, FABRIC_WHY_PRIMARY);
    CHECK_TEXT(fabric_why_name(x.why), "the primary");
    CHECK_INT(x.sharding_type, FABRIC_SHARDING_HASH);
    CHECK_TEXT(x.table, "hashdb.users");
    CHECK_TEXT(x.column, "user_id");
    CHECK_TEXT(x.key, "1");
    CHECK_TEXT(x.digest, "C4CA4238A0B923820DCC509A6F75849B");
    CHECK_TEXT(x.lower_bound, "6D3D69AB699C9856EC045B72DD627EF7");
    CHECK(strncmp(x.upper_bound, "C783BBB7", 8) == 0);
    CHECK_INT(x.shard_id, 16);
    CHECK_INT(x.shard_state, FABRIC_SHARD_ENABLED);
    CHECK_TEXT(x.group, "shard3");
    CHECK_TEXT(x.server.group, "shard3");
    CHECK_INT(x.server.port, port_of(f, "hashdb.users", fabric_key_int(1), RW));
    CHECK_INT(x.servers_considered, 1);
    CHECK_INT(x.table_origin, FABRIC_ORIGIN_FRESH);
    CHECK_INT(x.group_origin, FABRIC_ORIGIN_FRESH);
    CHECK(x.table_age_ms >= 0 && x.group_age_ms >= 0);
    CHECK_INT(x.write_hold_ms, -1);
    CHECK_INT(x.shard_hold_ms, -1);
    CHECK(x.generation == fabric_topology_generation(f));
    CHECK_INT(x.node.port, fabricd_port());
    CHECK_CONTAINS(x.source, "fabric://");
    size_t before = requests(ctl);
    explain(f, "hashdb.users", text("1"), RO);
    CHECK_TEXT(x.digest, "C4CA4238A0B923820DCC509A6F75849B");
    CHECK_INT(requests(ctl), before);
    fabric_free(f);
}

static void keys_as_they_are_read(void)
{
    fabric_t *f = long_lived();
    explain(f, "employees.salaries", text("+0010001"), RO);
    CHECK_TEXT(x.key, "10001");
    CHECK_TEXT(x.lower_bound, "10001");
    CHECK_TEXT(x.digest, "");
    explain(f, "log.events", text("2015-01-01"), RO);
    CHECK_TEXT(x.key, "2015-01-01 00:00:00");
    CHECK_TEXT(x.lower_bound, "2010-01-01 00:00:00");
    explain(f, "crm.names", text("zoe"), RO);
    CHECK_TEXT(x.key, "zoe");
    CHECK_TEXT(x.upper_bound, "");
    const char *table = "crm.names";
    CHECK_OK(fabric_explain_shard(f, &table, 1, NULL, FABRIC_SCOPE_GLOBAL, RW, &x, &err), err);
    CHECK_INT(x.status, FABRIC_OK);
    CHECK_TEXT(x.key, "");
    CHECK_TEXT(x.group, "global");
    CHECK_INT(x.shard_state, 0);
    fabric_free(f);
}

/* No turn is taken: the next lookup gets what was told, however often. */
static void it_takes_no_turn(void)
{
    fabric_t *f = long_lived();
    fabric_metrics_t before, after;
    fabric_server_t s;
    CHECK_OK(fabric_seed(f, NULL, 0, &err), err);
    CHECK_OK(fabric_get_metrics(f, &before, &err), err);
    for (int i = 0; i < 20; i++) {
        uint32_t port = explain(f, "employees.salaries", fabric_key_int(1), RO)->server.port;
        CHECK_INT(explain(f, "employees.salaries", fabric_key_int(1), RO)->server.port, port);
        CHECK_INT(x.why, FABRIC_WHY_BY_WEIGHT);
        CHECK_INT(x.servers_considered, 2);
        CHECK_INT(x.servers_listed, 3);
        CHECK_INT(port_of(f, "employees.salaries", fabric_key_int(1), RO), port);
        CHECK_OK(fabric_explain_group(f, "shard1", RO, &x, &err), err);
        CHECK_OK(fabric_get_group_server(f, "shard1", RO, FABRIC_STATUS_NONE, &s, &err), err);
        CHECK_INT(x.server.port, s.port);
        CHECK_TEXT(x.table, "");
        CHECK_INT(x.table_origin, FABRIC_ORIGIN_NONE);
    }
    CHECK_OK(fabric_get_metrics(f, &after, &err), err);
    CHECK_INT(after.lookups - before.lookups, 40);
    CHECK_INT(after.lookups_refused - before.lookups_refused, 0);

    explain(f, "employees.salaries", fabric_key_int(1), RO);
    CHECK_INT(fabric_report_result(f, x.server.uuid, 2003, NULL), FABRIC_OK);
    uint32_t lost = x.server.port;
    explain(f, "employees.salaries", fabric_key_int(1), RO);
    CHECK(x.server.port != lost);
    CHECK_INT(x.why, FABRIC_WHY_ONLY_ONE);
    CHECK_INT(x.servers_quarantined, 1);
    CHECK_INT(fabric_report_result(f, x.server.uuid, 2003, NULL), FABRIC_OK);
    explain(f, "employees.salaries", fabric_key_int(1), RO);
    CHECK_INT(x.why, FABRIC_WHY_NO_SECONDARY);
    CHECK_INT(x.servers_quarantined, 2);
    CHECK_INT(x.server.status, FABRIC_STATUS_PRIMARY);
    fabric_free(f);
}

/* Where the lookup is refused, the call is not: it says what is known, and why. */
static void refusals(void)
{
    fabric_t *f = long_lived();
    fabric_server_t s;
    explain(f, "no.such", fabric_key_int(1), RW);
    CHECK_INT(x.status, FABRIC_ERR_UNKNOWN_TABLE);
    CHECK_INT(x.why, FABRIC_WHY_NONE);
    CHECK_INT(x.table_origin, FABRIC_ORIGIN_NONE);
    CHECK_CONTAINS(x.message, "no.such");
    explain(f, "nodot", fabric_key_int(1), RW);
    CHECK_INT(x.status, FABRIC_ERR_TABLE_NAME);
    explain(f, "employees.salaries", fabric_key_int(0), RW);
    CHECK_INT(x.status, FABRIC_ERR_KEY_OUT_OF_RANGE);
    CHECK_TEXT(x.key, "0");
    CHECK_TEXT(x.group, "");
    explain(f, "employees.salaries", text("x"), RW);
    CHECK_INT(x.status, FABRIC_ERR_KEY_TYPE);
    CHECK_TEXT(x.key, "x");
    CHECK_OK(fabric_explain_group(f, "nobody", RW, &x, &err), err);
    CHECK_INT(x.status, FABRIC_ERR_UNKNOWN_GROUP);
    const char *apart[] = {"employees.salaries", "shop.orders"};
    fabric_key_t key = fabric_key_int(1);
    CHECK_OK(fabric_explain_shard(f, apart, 2, &key, L, RW, &x, &err), err);
    CHECK_INT(x.status, FABRIC_ERR_DIFFERENT_SHARDS);
    CHECK_TEXT(x.table, "employees.salaries");

    CHECK_OK(fabric_get_group_server(f, "shard1", RW, FABRIC_STATUS_NONE, &s, &err), err);
    CHECK_INT(fabric_report_result(f, s.uuid, 1290, NULL), FABRIC_OK);
    explain(f, "employees.salaries", fabric_key_int(1), RW);
    CHECK_INT(x.status, FABRIC_ERR_WRITE_HELD);
    CHECK_INT(x.why, FABRIC_WHY_WRITES_HELD);
    CHECK(x.write_hold_ms > 0 && x.write_hold_ms <= 600000);
    CHECK_INT(x.servers_considered, 0);
    CHECK_TEXT(x.group, "shard1");
    CHECK_TEXT(x.server.host, "");
    CHECK_INT(find(f, "employees.salaries", key, RW, &s, &err), FABRIC_ERR_WRITE_HELD);
    CHECK_TEXT(x.message, err.message);
    explain(f, "employees.salaries", fabric_key_int(1), RO);
    CHECK_INT(x.status, FABRIC_OK);
    fabric_free(f);
}

/* A shard that is not listed any more: which, and for how long its keys are held. */
static void a_missing_shard(const fabric_t *ctl)
{
    fabric_t *f = long_lived();
    CHECK_OK(fabric_seed(f, NULL, 0, &err), err);
    tell(ctl, "disable_shard", "2", NULL);
    CHECK_OK(fabric_seed(f, NULL, 0, &err), err);
    explain(f, "employees.salaries", fabric_key_int(10001), RO);
    CHECK_INT(x.status, FABRIC_ERR_SHARD_UNAVAILABLE);
    CHECK_INT(x.why, FABRIC_WHY_SHARD_MISSING);
    CHECK_INT(x.shard_state, FABRIC_SHARD_MISSING);
    CHECK_TEXT(x.lower_bound, "10001");
    CHECK_TEXT(x.group, "");
    CHECK(x.shard_hold_ms > 0);
    fabric_free(f);
    tell(ctl, "reset", NULL);
}

/* What a snapshot file knows is told as such, and what cannot be had is the lookup's own status. */
static void without_fabric(void)
{
    char path[64];
    snprintf(path, sizeof path, "explain-%d.json", (int)getpid());
    fabric_options_t *o = options();
    CHECK_INT(fabric_options_set_snapshot_file(o, path), FABRIC_OK);
    fabric_t *f = handle(o);
    CHECK_OK(fabric_seed(f, NULL, 0, &err), err);
    fabric_free(f);
    o = fabric_options_new();
    CHECK_INT(fabric_options_set_snapshot_file(o, path), FABRIC_OK);
    CHECK_INT(fabric_options_add_node(o, "127.0.0.1", closed_port()), FABRIC_OK);
    CHECK_INT(fabric_options_set_credentials(o, "admin", "secret"), FABRIC_OK);
    CHECK_INT(fabric_options_set_connect_attempts(o, 1), FABRIC_OK);
    f = handle(o);
    explain(f, "employees.salaries", fabric_key_int(1), RW);
    CHECK_INT(x.status, FABRIC_OK);
    CHECK_INT(x.table_origin, FABRIC_ORIGIN_FILE);
    CHECK_INT(x.group_origin, FABRIC_ORIGIN_FILE);
    CHECK_TEXT(x.node.host, "");
    fabric_free(f);
    CHECK_INT(unlink(path), 0);

    o = options();
    CHECK_INT(fabric_options_set_lookup_timeout_ms(o, 0), FABRIC_OK);
    f = handle(o);
    explain(f, "employees.salaries", fabric_key_int(1), RW);
    CHECK_INT(x.status, FABRIC_ERR_WOULD_BLOCK);
    fabric_free(f);
}

static void reasons(void)
{
    CHECK_TEXT(fabric_why_name(FABRIC_WHY_NONE), "refused");
    CHECK_TEXT(fabric_why_name(-1), "unknown reason");
    CHECK_TEXT(fabric_why_name(10), "unknown reason");
    CHECK_TEXT(fabric_why_name(FABRIC_WHY_SHARD_MISSING), "the shard is not listed any more");
}

int main(void)
{
    fabric_t *ctl = control();
    a_hash_key(ctl);
    keys_as_they_are_read();
    it_takes_no_turn();
    refusals();
    a_missing_shard(ctl);
    without_fabric();
    reasons();
    fabric_free(ctl);
    return 0;
}
