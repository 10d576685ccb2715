/* NULL for every pointer of every function, one at a time. tests/exports.rs sees to it that no
 * function is left out. */
#include "support.h"

#define REFUSES(call, parameter)                                                                   \
    do {                                                                                           \
        fabric_error_t err;                                                                        \
        fill(&err, sizeof err);                                                                    \
        CHECK_INT(call, FABRIC_ERR_NULL_POINTER);                                                  \
        CHECK_INT(err.code, FABRIC_ERR_NULL_POINTER);                                              \
        CHECK_CONTAINS(err.message, "'" parameter "' is NULL");                                    \
    } while (0)

/* An option says it by its status, and fabric_new() by its message. */
#define OPTION_REFUSES(call, parameter)                                                            \
    do {                                                                                           \
        fabric_options_t *o = fabric_options_new();                                                \
        CHECK_INT(call, FABRIC_ERR_NULL_POINTER);                                                  \
        fabric_t *made = NULL;                                                                     \
        REFUSES(fabric_new(o, &made, &err), parameter);                                            \
        CHECK(!made);                                                                              \
        fabric_options_free(o);                                                                    \
    } while (0)

static void heard(int32_t level, const char *message, void *userdata)
{
    (void)level, (void)message, (void)userdata;
}

static void count_up(void *userdata)
{
    ++*(int *)userdata;
}

static void frees(void)
{
    fabric_free(NULL);
    fabric_options_free(NULL);
    fabric_result_free(NULL);
    fabric_interrupt(NULL);
}

static void options_of_nobody(void)
{
    CHECK_INT(fabric_options_set_snapshot_file(NULL, "f"), FABRIC_ERR_NULL_POINTER);
    CHECK_INT(fabric_options_set_topology_file(NULL, "f"), FABRIC_ERR_NULL_POINTER);
    CHECK_INT(fabric_options_set_source(NULL, "file:/f"), FABRIC_ERR_NULL_POINTER);
    CHECK_INT(fabric_options_set_mysql_credentials(NULL, "u", "p"), FABRIC_ERR_NULL_POINTER);
    CHECK_INT(fabric_options_set_mysql_tls(NULL, FABRIC_TLS_REQUIRED, NULL, NULL, NULL),
              FABRIC_ERR_NULL_POINTER);
    CHECK_INT(fabric_options_set_mysql_password_unverified(NULL, 1), FABRIC_ERR_NULL_POINTER);
    CHECK_INT(fabric_options_set_discovery_interval_ms(NULL, 500), FABRIC_ERR_NULL_POINTER);
    CHECK_INT(fabric_options_set_max_replica_lag_ms(NULL, 1000), FABRIC_ERR_NULL_POINTER);
    CHECK_INT(fabric_options_set_multi_primary(NULL, 1), FABRIC_ERR_NULL_POINTER);
    CHECK_INT(fabric_options_set_zone(NULL, "west"), FABRIC_ERR_NULL_POINTER);
    CHECK_INT(fabric_options_set_read_preference(NULL, FABRIC_PREFER_PRIMARY),
              FABRIC_ERR_NULL_POINTER);
    CHECK_INT(fabric_options_set_reads_without_majority(NULL, 1), FABRIC_ERR_NULL_POINTER);
    CHECK_INT(fabric_options_set_event_callback(NULL, NULL, NULL, NULL), FABRIC_ERR_NULL_POINTER);
    CHECK_INT(fabric_options_add_node(NULL, "h", 1), FABRIC_ERR_NULL_POINTER);
    CHECK_INT(fabric_options_set_credentials(NULL, "u", "p"), FABRIC_ERR_NULL_POINTER);
    CHECK_INT(fabric_options_set_tls(NULL, "ca", NULL, NULL), FABRIC_ERR_NULL_POINTER);
    CHECK_INT(fabric_options_set_connect_attempts(NULL, 1), FABRIC_ERR_NULL_POINTER);
    CHECK_INT(fabric_options_set_connect_delay_ms(NULL, 1), FABRIC_ERR_NULL_POINTER);
    CHECK_INT(fabric_options_set_connect_timeout_ms(NULL, 1), FABRIC_ERR_NULL_POINTER);
    CHECK_INT(fabric_options_set_request_timeout_ms(NULL, 1), FABRIC_ERR_NULL_POINTER);
    CHECK_INT(fabric_options_set_lookup_timeout_ms(NULL, 1), FABRIC_ERR_NULL_POINTER);
    CHECK_INT(fabric_options_set_idle_after_ms(NULL, 1), FABRIC_ERR_NULL_POINTER);
    CHECK_INT(fabric_options_set_max_reply_bytes(NULL, 4096), FABRIC_ERR_NULL_POINTER);
    CHECK_INT(fabric_options_set_report_errors(NULL, FABRIC_REPORT_OFF), FABRIC_ERR_NULL_POINTER);
    CHECK_INT(fabric_options_add_report_errno(NULL, 2002), FABRIC_ERR_NULL_POINTER);
    CHECK_INT(fabric_options_set_background_refresh(NULL, 1), FABRIC_ERR_NULL_POINTER);
    CHECK_INT(fabric_options_set_refresh_share(NULL, 5), FABRIC_ERR_NULL_POINTER);
    CHECK_INT(fabric_options_set_max_stale_ms(NULL, 0), FABRIC_ERR_NULL_POINTER);
    CHECK_INT(fabric_options_set_backoff_limit_ms(NULL, 10), FABRIC_ERR_NULL_POINTER);
    CHECK_INT(fabric_options_set_quarantine_ms(NULL, 1), FABRIC_ERR_NULL_POINTER);
    CHECK_INT(fabric_options_set_least_write_hold_ms(NULL, 1), FABRIC_ERR_NULL_POINTER);
    CHECK_INT(fabric_options_set_vanished_hold_ms(NULL, 1), FABRIC_ERR_NULL_POINTER);
    CHECK_INT(fabric_options_set_report_window_ms(NULL, 1), FABRIC_ERR_NULL_POINTER);
    CHECK_INT(fabric_options_set_ttl_ms(NULL, 0, 0), FABRIC_ERR_NULL_POINTER);
    CHECK_INT(fabric_options_set_compat(NULL, FABRIC_COMPAT_SERVER), FABRIC_ERR_NULL_POINTER);
    int freed = 0;
    CHECK_INT(fabric_options_set_log(NULL, FABRIC_LOG_ERROR, heard, &freed, count_up),
              FABRIC_ERR_NULL_POINTER);
    CHECK_INT(freed, 1);
}

static void options_of_nothing(void)
{
    OPTION_REFUSES(fabric_options_add_node(o, NULL, 1), "host");
    OPTION_REFUSES(fabric_options_set_snapshot_file(o, NULL), "path");
    OPTION_REFUSES(fabric_options_set_topology_file(o, NULL), "path");
    OPTION_REFUSES(fabric_options_set_source(o, NULL), "url");
    OPTION_REFUSES(fabric_options_set_mysql_credentials(o, NULL, "p"), "user");
    OPTION_REFUSES(fabric_options_set_mysql_credentials(o, "u", NULL), "password");
    OPTION_REFUSES(fabric_options_set_credentials(o, NULL, "p"), "user");
    OPTION_REFUSES(fabric_options_set_credentials(o, "u", NULL), "password");
    OPTION_REFUSES(fabric_options_set_tls(o, NULL, "key", "cert"), "ca");

    fabric_options_t *o = options();
    CHECK_INT(fabric_options_set_tls(o, "ca", NULL, NULL), FABRIC_OK);
    CHECK_INT(fabric_options_set_log(o, FABRIC_LOG_ERROR, NULL, NULL, NULL), FABRIC_OK);
    CHECK_INT(fabric_options_set_log(o, FABRIC_LOG_ERROR, heard, NULL, NULL), FABRIC_OK);
    int freed = 0;
    CHECK_INT(fabric_options_set_log(o, FABRIC_LOG_ERROR, NULL, &freed, count_up), FABRIC_OK);
    CHECK_INT(freed, 1);
    fabric_t *f = NULL;
    REFUSES(fabric_new(NULL, &f, &err), "options");
    REFUSES(fabric_new(o, NULL, &err), "out");
    CHECK(!f);
    fabric_options_free(o);
}

static void lookups(const fabric_t *f)
{
    const char *tables[] = {"employees.salaries", NULL};
    const char *group = "shard1";
    fabric_key_t key = fabric_key_int(1), no_text = fabric_key_text(NULL, 3);
    fabric_server_t s;
    size_t count;
    int32_t l = FABRIC_SCOPE_LOCAL, g = FABRIC_SCOPE_GLOBAL, any = FABRIC_MODE_NONE;
    fill(&s, sizeof s);

    REFUSES(fabric_get_shard_server(NULL, tables, 1, &key, l, any, &s, &err), "f");
    REFUSES(fabric_get_shard_server(f, NULL, 1, &key, l, any, &s, &err), "tables");
    REFUSES(fabric_get_shard_server(f, tables + 1, 1, &key, l, any, &s, &err), "tables[0]");
    REFUSES(fabric_get_shard_server(f, tables, 2, &key, l, any, &s, &err), "tables[1]");
    REFUSES(fabric_get_shard_server(f, tables, 1, &key, l, any, NULL, &err), "server");
    REFUSES(fabric_get_shard_server(f, tables, 1, &no_text, l, any, &s, &err), "key.text");
    CHECK_INT(fabric_get_shard_server(f, tables, 1, NULL, l, any, &s, NULL),
              FABRIC_ERR_KEY_MISSING);
    CHECK_INT(fabric_get_shard_server(f, NULL, 0, &key, l, any, &s, NULL), FABRIC_ERR_ARGUMENT);

    REFUSES(fabric_get_group_server(NULL, group, any, -1, &s, &err), "f");
    REFUSES(fabric_get_group_server(f, NULL, any, -1, &s, &err), "group");
    REFUSES(fabric_get_group_server(f, group, any, -1, NULL, &err), "server");

    REFUSES(fabric_get_group_servers(NULL, group, 1, &s, 1, &count, &err), "f");
    REFUSES(fabric_get_group_servers(f, NULL, 1, &s, 1, &count, &err), "group");
    REFUSES(fabric_get_group_servers(f, group, 1, NULL, 9, &count, &err), "out");
    REFUSES(fabric_get_group_servers(f, group, 1, &s, 1, NULL, &err), "count");
    CHECK(is_filled(&s, sizeof s));

    CHECK_INT(fabric_get_shard_server(f, tables, 1, NULL, g, any, &s, NULL), FABRIC_OK);
    fabric_key_t empty = fabric_key_text(NULL, 0);
    const char *names = "crm.names";
    CHECK_INT(fabric_get_shard_server(f, &names, 1, &empty, l, any, &s, NULL),
              FABRIC_ERR_KEY_OUT_OF_RANGE);
    CHECK_INT(fabric_get_group_server(f, group, any, FABRIC_STATUS_NONE, &s, NULL), FABRIC_OK);
    CHECK_INT(fabric_get_group_servers(f, group, 1, NULL, 0, &count, NULL),
              FABRIC_ERR_BUFFER_TOO_SMALL);
    CHECK_INT(count, 3);
}

static void explanations(const fabric_t *f)
{
    const char *tables[] = {"employees.salaries", NULL};
    fabric_key_t key = fabric_key_int(1), no_text = fabric_key_text(NULL, 3);
    fabric_explanation_t x;
    int32_t l = FABRIC_SCOPE_LOCAL, any = FABRIC_MODE_NONE;
    fill(&x, sizeof x);
    REFUSES(fabric_explain_shard(NULL, tables, 1, &key, l, any, &x, &err), "f");
    REFUSES(fabric_explain_shard(f, NULL, 1, &key, l, any, &x, &err), "tables");
    REFUSES(fabric_explain_shard(f, tables, 2, &key, l, any, &x, &err), "tables[1]");
    REFUSES(fabric_explain_shard(f, tables, 1, &no_text, l, any, &x, &err), "key.text");
    REFUSES(fabric_explain_shard(f, tables, 1, &key, l, any, NULL, &err), "out");
    REFUSES(fabric_explain_group(NULL, "shard1", any, &x, &err), "f");
    REFUSES(fabric_explain_group(f, NULL, any, &x, &err), "group");
    REFUSES(fabric_explain_group(f, "shard1", any, NULL, &err), "out");
    CHECK(is_filled(&x, sizeof x));
    CHECK_INT(fabric_explain_shard(f, tables, 1, NULL, l, any, &x, NULL), FABRIC_OK);
    CHECK_INT(x.status, FABRIC_ERR_KEY_MISSING);
    CHECK_INT(fabric_explain_shard(f, NULL, 0, &key, l, any, &x, NULL), FABRIC_OK);
    CHECK_INT(x.status, FABRIC_ERR_ARGUMENT);
    CHECK_INT(fabric_explain_group(f, "shard1", any, &x, NULL), FABRIC_OK);
}

static void choices(const fabric_t *f)
{
    const char *tables[] = {"employees.salaries", NULL};
    fabric_key_t key = fabric_key_int(1), no_text = fabric_key_text(NULL, 3);
    fabric_server_weight_t weight = {NULL, 1, {0}};
    fabric_choice_t no_weights = {0}, no_server = {0}, no_excluded = {0}, no_name = {0};
    no_weights.weights_count = no_server.weights_count = 1;
    no_server.weights = &weight;
    no_excluded.excluded_count = no_name.excluded_count = 1;
    no_name.excluded = tables + 1;
    fabric_server_t s;
    size_t n = 7;
    int32_t l = FABRIC_SCOPE_LOCAL, any = FABRIC_MODE_NONE;
    fill(&s, sizeof s);
#define CHOOSE(f, tables, n_tables, key, choice, s, n, err)                                        \
    fabric_choose_shard_servers(f, tables, n_tables, key, l, any, choice, s, 1, n, err)
    REFUSES(CHOOSE(NULL, tables, 1, &key, NULL, &s, &n, &err), "f");
    REFUSES(CHOOSE(f, NULL, 1, &key, NULL, &s, &n, &err), "tables");
    REFUSES(CHOOSE(f, tables, 2, &key, NULL, &s, &n, &err), "tables[1]");
    REFUSES(CHOOSE(f, tables, 1, &no_text, NULL, &s, &n, &err), "key.text");
    REFUSES(CHOOSE(f, tables, 1, &key, &no_weights, &s, &n, &err), "choice.weights");
    REFUSES(CHOOSE(f, tables, 1, &key, &no_server, &s, &n, &err), "choice.weights[0].server");
    REFUSES(CHOOSE(f, tables, 1, &key, &no_excluded, &s, &n, &err), "choice.excluded");
    REFUSES(CHOOSE(f, tables, 1, &key, &no_name, &s, &n, &err), "choice.excluded[0]");
    REFUSES(CHOOSE(f, tables, 1, &key, NULL, NULL, &n, &err), "out");
    REFUSES(CHOOSE(f, tables, 1, &key, NULL, &s, NULL, &err), "count");
    REFUSES(fabric_choose_group_servers(NULL, "shard1", any, NULL, &s, 1, &n, &err), "f");
    REFUSES(fabric_choose_group_servers(f, NULL, any, NULL, &s, 1, &n, &err), "group");
    REFUSES(fabric_choose_group_servers(f, "shard1", any, &no_name, &s, 1, &n, &err),
            "choice.excluded[0]");
    REFUSES(fabric_choose_group_servers(f, "shard1", any, NULL, NULL, 1, &n, &err), "out");
    REFUSES(fabric_choose_group_servers(f, "shard1", any, NULL, &s, 1, NULL, &err), "count");
    CHECK(is_filled(&s, sizeof s));
    CHECK_INT(n, 7);
    fabric_server_health_t health[3];
    fill(health, sizeof health);
    REFUSES(fabric_get_server_health(NULL, NULL, health, 3, &n, &err), "f");
    REFUSES(fabric_get_server_health(f, NULL, NULL, 3, &n, &err), "out");
    REFUSES(fabric_get_server_health(f, NULL, health, 3, NULL, &err), "count");
    CHECK(is_filled(health, sizeof health));
    CHECK_INT(CHOOSE(f, tables, 1, &key, NULL, &s, &n, NULL), FABRIC_OK);
    CHECK_INT(CHOOSE(f, tables, 1, NULL, NULL, &s, &n, NULL), FABRIC_ERR_KEY_MISSING);
    CHECK_INT(fabric_choose_group_servers(f, "shard1", any, NULL, &s, 1, &n, NULL), FABRIC_OK);
}

static void waiting_lookups(const fabric_t *f)
{
    const char *tables[] = {"employees.salaries", NULL};
    fabric_key_t key = fabric_key_int(1);
    fabric_server_t s;
    int32_t l = FABRIC_SCOPE_LOCAL, g = FABRIC_SCOPE_GLOBAL, any = FABRIC_MODE_NONE;
    fill(&s, sizeof s);

    REFUSES(fabric_get_shard_server_wait(NULL, tables, 1, &key, l, any, 0, &s, &err), "f");
    REFUSES(fabric_get_shard_server_wait(f, NULL, 1, &key, l, any, 0, &s, &err), "tables");
    REFUSES(fabric_get_shard_server_wait(f, tables, 2, &key, l, any, 0, &s, &err), "tables[1]");
    REFUSES(fabric_get_shard_server_wait(f, tables, 1, &key, l, any, 0, NULL, &err), "server");
    CHECK_INT(fabric_get_shard_server_wait(f, tables, 1, NULL, l, any, 0, &s, NULL),
              FABRIC_ERR_KEY_MISSING);
    REFUSES(fabric_get_group_server_wait(NULL, "shard1", any, -1, 0, &s, &err), "f");
    REFUSES(fabric_get_group_server_wait(f, NULL, any, -1, 0, &s, &err), "group");
    REFUSES(fabric_get_group_server_wait(f, "shard1", any, -1, 0, NULL, &err), "server");
    CHECK(is_filled(&s, sizeof s));
    CHECK_INT(fabric_get_shard_server_wait(f, tables, 1, NULL, g, any, 0, &s, NULL), FABRIC_OK);
    CHECK_INT(fabric_get_group_server_wait(f, "shard1", any, -1, 0, &s, NULL), FABRIC_OK);
}

static void batches(const fabric_t *f)
{
    const char *tables[] = {"employees.salaries", NULL};
    int64_t value = 1;
    const char *word = "7";
    size_t length = 1, order[1], starts[2], count = 7;
    uint32_t index[1];
    int32_t status[1], l = FABRIC_SCOPE_LOCAL, any = FABRIC_MODE_NONE;
    fabric_server_t s;
    fabric_keys_t keys = fabric_keys_int(&value, 1), none = fabric_keys_int(NULL, 1),
                  no_uints = fabric_keys_uint(NULL, 1),
                  no_texts = fabric_keys_text(NULL, &length, 1),
                  no_lengths = fabric_keys_text(&word, NULL, 1);
    fill(&s, sizeof s);
    fill(index, sizeof index);
    fill(order, sizeof order);

#define SERVERS(f, tables, n, keys, index, status, s, count, err)                                  \
    fabric_get_shard_servers(f, tables, n, keys, l, any, index, status, s, 1, count, err)
    REFUSES(SERVERS(NULL, tables, 1, &keys, index, status, &s, &count, &err), "f");
    REFUSES(SERVERS(f, NULL, 1, &keys, index, status, &s, &count, &err), "tables");
    REFUSES(SERVERS(f, tables, 2, &keys, index, status, &s, &count, &err), "tables[1]");
    REFUSES(SERVERS(f, tables, 1, NULL, index, status, &s, &count, &err), "keys");
    REFUSES(SERVERS(f, tables, 1, &none, index, status, &s, &count, &err), "keys.integers");
    REFUSES(SERVERS(f, tables, 1, &no_uints, index, status, &s, &count, &err), "keys.integers");
    REFUSES(SERVERS(f, tables, 1, &no_texts, index, status, &s, &count, &err), "keys.texts");
    REFUSES(SERVERS(f, tables, 1, &no_lengths, index, status, &s, &count, &err), "keys.lengths");
    REFUSES(SERVERS(f, tables, 1, &keys, NULL, status, &s, &count, &err), "out_index");
    REFUSES(SERVERS(f, tables, 1, &keys, index, status, NULL, &count, &err), "servers");
    REFUSES(SERVERS(f, tables, 1, &keys, index, status, &s, NULL, &err), "count");
    CHECK(is_filled(index, sizeof index));

#define SPLIT(f, tables, n, keys, order, starts, s, count, err)                                    \
    fabric_split_keys(f, tables, n, keys, l, any, order, starts, status, s, 1, count, err)
    REFUSES(SPLIT(NULL, tables, 1, &keys, order, starts, &s, &count, &err), "f");
    REFUSES(SPLIT(f, NULL, 1, &keys, order, starts, &s, &count, &err), "tables");
    REFUSES(SPLIT(f, tables, 1, NULL, order, starts, &s, &count, &err), "keys");
    REFUSES(SPLIT(f, tables, 1, &keys, NULL, starts, &s, &count, &err), "order");
    REFUSES(SPLIT(f, tables, 1, &keys, order, NULL, &s, &count, &err), "starts");
    REFUSES(SPLIT(f, tables, 1, &keys, order, starts, NULL, &count, &err), "servers");
    REFUSES(SPLIT(f, tables, 1, &keys, order, starts, &s, NULL, &err), "count");
    CHECK(is_filled(order, sizeof order));
    CHECK(is_filled(&s, sizeof s));
    CHECK_INT(count, 7);

    CHECK_INT(fabric_get_shard_servers(f, tables, 1, &keys, l, any, index, NULL, &s, 1, &count,
                                       NULL),
              FABRIC_OK);
    CHECK_INT(fabric_split_keys(f, tables, 1, &keys, l, any, order, starts, NULL, &s, 1, &count,
                                NULL),
              FABRIC_OK);
}

static void intervals(const fabric_t *f)
{
    fabric_shard_t shards[3];
    fabric_key_t no_text = fabric_key_text(NULL, 3);
    size_t count = 7;
    const char *t = "employees.salaries";
    fill(shards, sizeof shards);
    REFUSES(fabric_get_shards_in_range(NULL, t, NULL, NULL, shards, 3, &count, &err), "f");
    REFUSES(fabric_get_shards_in_range(f, NULL, NULL, NULL, shards, 3, &count, &err), "table");
    REFUSES(fabric_get_shards_in_range(f, t, &no_text, NULL, shards, 3, &count, &err), "key.text");
    REFUSES(fabric_get_shards_in_range(f, t, NULL, &no_text, shards, 3, &count, &err), "key.text");
    REFUSES(fabric_get_shards_in_range(f, t, NULL, NULL, NULL, 3, &count, &err), "out");
    REFUSES(fabric_get_shards_in_range(f, t, NULL, NULL, shards, 3, NULL, &err), "count");
    CHECK(is_filled(shards, sizeof shards));
    CHECK_INT(count, 7);
    CHECK_INT(fabric_get_shards_in_range(f, t, NULL, NULL, shards, 3, &count, NULL), FABRIC_OK);
}

static void farm(const fabric_t *f)
{
    const char *tables[] = {"employees.salaries", NULL};
    fabric_shard_t shards[3];
    fabric_node_t node;
    size_t count;

    REFUSES(fabric_seed(NULL, "h", 1, &err), "f");
    CHECK_INT(fabric_seed(f, NULL, 0, NULL), FABRIC_OK);

    REFUSES(fabric_get_shards(NULL, tables[0], shards, 3, &count, &err), "f");
    REFUSES(fabric_get_shards(f, NULL, shards, 3, &count, &err), "table");
    REFUSES(fabric_get_shards(f, tables[0], NULL, 3, &count, &err), "out");
    REFUSES(fabric_get_shards(f, tables[0], shards, 3, NULL, &err), "count");
    CHECK_INT(fabric_get_shards(f, tables[0], shards, 3, &count, NULL), FABRIC_OK);
    CHECK_INT(fabric_get_shards(f, tables[0], NULL, 0, &count, NULL), FABRIC_ERR_BUFFER_TOO_SMALL);

    fabric_key_t one = fabric_key_int(1), no_text = fabric_key_text(NULL, 3);
    fill(shards, sizeof shards);
    REFUSES(fabric_get_shard(NULL, tables[0], &one, shards, &err), "f");
    REFUSES(fabric_get_shard(f, NULL, &one, shards, &err), "table");
    REFUSES(fabric_get_shard(f, tables[0], &no_text, shards, &err), "key.text");
    REFUSES(fabric_get_shard(f, tables[0], &one, NULL, &err), "shard");
    CHECK(is_filled(shards, sizeof shards));
    CHECK_INT(fabric_get_shard(f, tables[0], &one, shards, NULL), FABRIC_OK);

    static fabric_table_info_t names[64];
    REFUSES(fabric_get_tables(NULL, names, 64, &count, &err), "f");
    REFUSES(fabric_get_tables(f, NULL, 64, &count, &err), "out");
    REFUSES(fabric_get_tables(f, names, 64, NULL, &err), "count");
    CHECK_INT(fabric_get_tables(f, names, 64, &count, NULL), FABRIC_OK);

    REFUSES(fabric_dump(NULL, "file", &err), "f");
    REFUSES(fabric_dump(f, NULL, &err), "path");
    CHECK_INT(fabric_dump(f, "no/such/place", NULL), FABRIC_ERR_FILE);

    static fabric_group_info_t groups[64];
    REFUSES(fabric_get_groups(NULL, groups, 64, &count, &err), "f");
    REFUSES(fabric_get_groups(f, NULL, 64, &count, &err), "out");
    REFUSES(fabric_get_groups(f, groups, 64, NULL, &err), "count");
    CHECK_INT(fabric_get_groups(f, groups, 64, &count, NULL), FABRIC_OK);

    REFUSES(fabric_get_fabric_nodes(NULL, &node, 1, &count, &err), "f");
    REFUSES(fabric_get_fabric_nodes(f, NULL, 1, &count, &err), "out");
    REFUSES(fabric_get_fabric_nodes(f, &node, 1, NULL, &err), "count");
    CHECK_INT(fabric_get_fabric_nodes(f, &node, 1, &count, NULL), FABRIC_OK);

    REFUSES(fabric_get_sharding_information(NULL, tables, 1, &err), "f");
    REFUSES(fabric_get_sharding_information(f, NULL, 1, &err), "tables");
    REFUSES(fabric_get_sharding_information(f, tables, 2, &err), "tables[1]");
    CHECK_INT(fabric_get_sharding_information(f, NULL, 0, NULL), FABRIC_OK);

    REFUSES(fabric_reset_cache(NULL, "shard1", &err), "f");
    CHECK_INT(fabric_reset_cache(f, NULL, NULL), FABRIC_OK);

    REFUSES(fabric_report_failure(NULL, "uuid", 2002, &err), "f");
    REFUSES(fabric_report_failure(f, NULL, 2002, &err), "server_uuid");
    CHECK_INT(fabric_report_failure(f, "uuid", 2002, NULL), FABRIC_OK);
    REFUSES(fabric_report_result(NULL, "uuid", 2002, &err), "f");
    REFUSES(fabric_report_result(f, NULL, 0, &err), "server_uuid");
    CHECK_INT(fabric_report_result(f, "uuid", 0, NULL), FABRIC_OK);
    int32_t flags = -1;
    REFUSES(fabric_report_error(NULL, "uuid", 1290, "text", &flags, &err), "f");
    REFUSES(fabric_report_error(f, NULL, 1290, "text", &flags, &err), "server_uuid");
    CHECK_INT(flags, -1);
    CHECK_INT(fabric_report_error(f, "uuid", 1290, NULL, NULL, NULL), FABRIC_OK);
}

static void opened(const fabric_t *f)
{
    const char *tables[] = {"employees.salaries", NULL};
    fabric_key_t key = fabric_key_int(1), no_text = fabric_key_text(NULL, 3);
    const int32_t l = FABRIC_SCOPE_LOCAL, rw = FABRIC_MODE_READWRITE;
    fabric_table_t *t = NULL;
    fabric_server_t server;

    REFUSES(fabric_table_open(NULL, tables, 1, &t, &err), "f");
    REFUSES(fabric_table_open(f, NULL, 1, &t, &err), "tables");
    REFUSES(fabric_table_open(f, tables, 2, &t, &err), "tables[1]");
    REFUSES(fabric_table_open(f, tables, 1, NULL, &err), "out");
    CHECK(!t);
    CHECK_INT(fabric_table_open(f, tables, 1, &t, NULL), FABRIC_OK);

    fill(&server, sizeof server);
    REFUSES(fabric_table_get_server(NULL, &key, l, rw, &server, &err), "t");
    REFUSES(fabric_table_get_server(t, &no_text, l, rw, &server, &err), "key.text");
    REFUSES(fabric_table_get_server(t, &key, l, rw, NULL, &err), "server");
    CHECK(is_filled(&server, sizeof server));
    int64_t value = 1;
    fabric_keys_t keys = fabric_keys_int(&value, 1), none = fabric_keys_int(NULL, 1);
    uint32_t index[1];
    size_t count = 7;
    fill(index, sizeof index);
#define SERVERS_OF(t, keys, index, s, count, err)                                                  \
    fabric_table_get_servers(t, keys, l, rw, index, NULL, s, 1, count, err)
    REFUSES(SERVERS_OF(NULL, &keys, index, &server, &count, &err), "t");
    REFUSES(SERVERS_OF(t, NULL, index, &server, &count, &err), "keys");
    REFUSES(SERVERS_OF(t, &none, index, &server, &count, &err), "keys.integers");
    REFUSES(SERVERS_OF(t, &keys, NULL, &server, &count, &err), "out_index");
    REFUSES(SERVERS_OF(t, &keys, index, NULL, &count, &err), "servers");
    REFUSES(SERVERS_OF(t, &keys, index, &server, NULL, &err), "count");
    CHECK(is_filled(index, sizeof index));
    CHECK_INT(count, 7);
    CHECK_INT(fabric_table_get_server(t, NULL, l, rw, &server, NULL), FABRIC_ERR_KEY_MISSING);
    CHECK_INT(fabric_table_get_server(t, &key, l, rw, &server, NULL), FABRIC_OK);
    CHECK_INT(SERVERS_OF(t, &keys, index, &server, &count, NULL), FABRIC_OK);

    fill(&server, sizeof server);
    REFUSES(fabric_table_get_server_wait(NULL, &key, l, rw, 0, &server, &err), "t");
    REFUSES(fabric_table_get_server_wait(t, &no_text, l, rw, 0, &server, &err), "key.text");
    REFUSES(fabric_table_get_server_wait(t, &key, l, rw, 0, NULL, &err), "server");
    CHECK(is_filled(&server, sizeof server));
    CHECK_INT(fabric_table_get_server_wait(t, NULL, l, rw, 0, &server, NULL),
              FABRIC_ERR_KEY_MISSING);
    CHECK_INT(fabric_table_get_server_wait(t, &key, l, rw, 0, &server, NULL), FABRIC_OK);
    fabric_table_free(t);
    fabric_table_free(NULL);
}

static void observed(const fabric_t *f)
{
    fabric_metrics_t metrics;
    fabric_event_t event;
    int fd = -1;

    fill(&metrics, sizeof metrics);
    fill(&event, sizeof event);
    REFUSES(fabric_get_metrics(NULL, &metrics, &err), "f");
    REFUSES(fabric_get_metrics(f, NULL, &err), "out");
    REFUSES(fabric_event_fd(NULL, &fd, &err), "f");
    REFUSES(fabric_event_fd(f, NULL, &err), "fd");
    REFUSES(fabric_next_event(NULL, &event, &err), "f");
    REFUSES(fabric_next_event(f, NULL, &err), "out");
    CHECK(is_filled(&metrics, sizeof metrics));
    CHECK(is_filled(&event, sizeof event));
    CHECK_INT(fd, -1);
    CHECK_INT(fabric_get_metrics(f, &metrics, NULL), FABRIC_OK);
    CHECK_INT(fabric_event_fd(f, &fd, NULL), FABRIC_OK);
    CHECK_INT(fabric_next_event(f, &event, NULL), FABRIC_ERR_NO_EVENT);
}

static void commands(const fabric_t *f)
{
    const char *args[] = {"0", NULL};
    fabric_result_t *r = NULL;
    size_t length = 7;

    REFUSES(fabric_execute(NULL, "dump", "servers", args, 2, &r, &err), "f");
    REFUSES(fabric_execute(f, NULL, "servers", args, 2, &r, &err), "group");
    REFUSES(fabric_execute(f, "dump", NULL, args, 2, &r, &err), "command");
    REFUSES(fabric_execute(f, "dump", "servers", NULL, 2, &r, &err), "args");
    REFUSES(fabric_execute(f, "dump", "servers", args, 2, NULL, &err), "result");
    CHECK(!r);

    CHECK_INT(fabric_execute(f, "dump", "servers", args, 2, &r, NULL), FABRIC_OK);
    CHECK(fabric_result_value(r, 0, 0, 0, NULL));
    fabric_result_free(r);
    CHECK_INT(fabric_execute(f, "dump", "servers", NULL, 0, &r, NULL), FABRIC_OK);
    fabric_result_free(r);

    CHECK_INT(fabric_result_sets(NULL), 0);
    CHECK_INT(fabric_result_rows(NULL, 0), 0);
    CHECK_INT(fabric_result_columns(NULL, 0), 0);
    CHECK(!fabric_result_column_name(NULL, 0, 0));
    CHECK(!fabric_result_value(NULL, 0, 0, 0, &length));
    CHECK_INT(length, 7);
}

static void getters(const fabric_t *f)
{
    char uuid[FABRIC_UUID_SIZE];
    CHECK(!fabric_get_user(NULL));
    CHECK(!fabric_get_tls_ca(NULL));
    CHECK(!fabric_get_tls_key(NULL));
    CHECK(!fabric_get_tls_cert(NULL));
    CHECK_INT(fabric_get_ttl_ms(NULL), -1);
    CHECK_INT(fabric_topology_generation(NULL), 0);
    CHECK_INT(fabric_topology_age(NULL), -1);
    REFUSES(fabric_get_fabric_uuid(NULL, uuid, &err), "f");
    REFUSES(fabric_get_fabric_uuid(f, NULL, &err), "out");
    CHECK_INT(fabric_get_fabric_uuid(f, uuid, NULL), FABRIC_OK);
}

static void without_pointers(void)
{
    CHECK(fabric_version());
    CHECK(fabric_strerror(0));
    CHECK(fabric_event_name(0));
    CHECK(fabric_why_name(0));
    CHECK_INT(fabric_status_is_retryable(0), 0);
    CHECK_INT(fabric_status_mysql_errno(0), 0);
    CHECK_INT(fabric_errno_action(0), 0);
    CHECK_INT(fabric_error_action(1290, NULL), fabric_errno_action(1290));
    CHECK_INT(fabric_key_int(-1).integer, -1);
    CHECK_INT(fabric_key_uint(1).integer, 1);
}

int main(void)
{
    fabric_t *f = handle(options());
    frees();
    options_of_nobody();
    options_of_nothing();
    lookups(f);
    explanations(f);
    choices(f);
    waiting_lookups(f);
    batches(f);
    intervals(f);
    farm(f);
    opened(f);
    observed(f);
    commands(f);
    getters(f);
    without_pointers();
    fabric_free(f);
    return 0;
}
