/* What `make demo` shows: a sample farm, where its rows live, and a failover.
 * usage: demo host port control-port
 *
 * The control port belongs to fabricd, the stand-in Fabric node that ships with the tests: this
 * program uses it to play the administrator who makes another server primary. */
#include "example.h"

#include <string.h>

enum { READS = 1000, MAX_SERVERS = 16 };

static fabric_key_t text(const char *s)
{
    return fabric_key_text(s, strlen(s));
}

static void print_key(const fabric_key_t *key)
{
    char shown[32];
    if (key == NULL)
        snprintf(shown, sizeof shown, "-");
    else if (key->kind == FABRIC_KEY_INT)
        snprintf(shown, sizeof shown, "%lld", (long long)key->integer);
    else
        snprintf(shown, sizeof shown, "'%.*s'", (int)key->length, key->text);
    printf("%-22s", shown);
}

static void print_server(const fabric_server_t *server)
{
    printf("%s:%u (%s)", server->host, (unsigned)server->port, status_name(server->status));
}

/* ---- 1. the farm ---- */

static int32_t print_group(const fabric_t *farm, const char *group, fabric_error_t *err)
{
    fabric_server_t servers[MAX_SERVERS];
    size_t count = 0;
    int32_t status = fabric_get_group_servers(farm, group, 1, servers, MAX_SERVERS, &count, err);
    if (status != FABRIC_OK)
        return status;
    for (size_t i = 0; i < count; i++) {
        const fabric_server_t *s = &servers[i];
        printf("  %-7s  %s:%-5u  %s\n", i == 0 ? group : "", s->host, (unsigned)s->port,
               status_name(s->status));
    }
    return FABRIC_OK;
}

static int32_t show_farm(const fabric_t *farm, fabric_error_t *err)
{
    static const char *const groups[] = {"global", "shard1", "shard2", "shard3", "shard4"};
    printf("1. The farm\n"
           "   MySQL servers stand in groups: one primary takes the writes, secondaries copy\n"
           "   it and take reads. A large table is cut into shards, and each shard lives in\n"
           "   one group. Fabric keeps the list. This is what it says of this farm:\n\n"
           "  %-7s  %-15s  %s\n",
           "group", "server", "role");
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        int32_t status = print_group(farm, groups[i], err);
        if (status != FABRIC_OK)
            return status;
    }
    return FABRIC_OK;
}

/* ---- 2. where rows live ---- */

static const char *sharding_name(int32_t type)
{
    switch (type) {
    case FABRIC_SHARDING_RANGE:
        return "by number";
    case FABRIC_SHARDING_RANGE_INTEGER:
        return "by number";
    case FABRIC_SHARDING_RANGE_STRING:
        return "by text";
    case FABRIC_SHARDING_RANGE_DATETIME:
        return "by date";
    case FABRIC_SHARDING_HASH:
        return "by hash";
    default:
        return "?";
    }
}

static int32_t route(const fabric_t *farm, const char *table, const fabric_key_t *key,
                     int32_t scope, int32_t mode, fabric_error_t *err)
{
    fabric_shard_t shards[MAX_SERVERS];
    size_t count = 0;
    int32_t status = fabric_get_shards(farm, table, shards, MAX_SERVERS, &count, err);
    if (status != FABRIC_OK)
        return status;
    fabric_server_t server;
    status = fabric_get_shard_server(farm, &table, 1, key, scope, mode, &server, err);
    if (status != FABRIC_OK)
        return status;
    printf("  %-18s  %-9s  ", table, sharding_name(shards[0].sharding_type));
    print_key(key);
    printf("  %-5s  %-6s  ", mode == FABRIC_MODE_READONLY ? "read" : "write", server.group);
    print_server(&server);
    printf("\n");
    return FABRIC_OK;
}

static int32_t show_routes(const fabric_t *farm, fabric_error_t *err)
{
    const struct {
        const char *table;
        fabric_key_t key;
        int32_t mode;
    } rows[] = {
        {"employees.salaries", fabric_key_int(42), FABRIC_MODE_READWRITE},
        {"employees.salaries", fabric_key_int(42), FABRIC_MODE_READONLY},
        {"employees.salaries", fabric_key_int(10021), FABRIC_MODE_READWRITE},
        {"employees.salaries", fabric_key_int(10021), FABRIC_MODE_READONLY},
        {"employees.salaries", fabric_key_int(20001), FABRIC_MODE_READWRITE},
        {"shop.orders", fabric_key_int(-5), FABRIC_MODE_READWRITE},
        {"shop.orders", fabric_key_int(1000000000000), FABRIC_MODE_READWRITE},
        {"log.events", text("2009-12-31 23:59:59"), FABRIC_MODE_READWRITE},
        {"log.events", text("2015-07-01"), FABRIC_MODE_READWRITE},
        {"crm.names", text("Berta"), FABRIC_MODE_READWRITE},
        {"crm.names", text("Nadia"), FABRIC_MODE_READWRITE},
        {"crm.names", text("zoe"), FABRIC_MODE_READWRITE},
        {"hashdb.accounts", fabric_key_int(7), FABRIC_MODE_READWRITE},
        {"hashdb.users", text("alice"), FABRIC_MODE_READWRITE},
        {"hashdb.users", text("bob"), FABRIC_MODE_READWRITE},
    };
    printf("\n2. Which server holds this row?\n"
           "   A write goes to the primary of the shard's group, a read to a secondary, or to\n"
           "   the primary where there is none. No key is needed for what all shards share:\n"
           "   that is written to the table's global group (last line).\n\n"
           "  %-18s  %-9s  %-22s  %-5s  %-6s  %s\n",
           "table", "cut", "key", "for", "group", "server to connect to");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int32_t status = route(farm, rows[i].table, &rows[i].key, FABRIC_SCOPE_LOCAL, rows[i].mode,
                               err);
        if (status != FABRIC_OK)
            return status;
    }
    return route(farm, "employees.salaries", NULL, FABRIC_SCOPE_GLOBAL, FABRIC_MODE_READWRITE, err);
}

/* ---- 3. reads spread by weight ---- */

static int32_t show_spread(const fabric_t *farm, fabric_error_t *err)
{
    fabric_server_t servers[MAX_SERVERS];
    unsigned picks[MAX_SERVERS] = {0};
    size_t count = 0;
    int32_t status = fabric_get_group_servers(farm, "shard1", 1, servers, MAX_SERVERS, &count, err);
    for (int i = 0; status == FABRIC_OK && i < READS; i++) {
        fabric_server_t server;
        status = fabric_get_group_server(farm, "shard1", FABRIC_MODE_READONLY, FABRIC_STATUS_NONE,
                                         &server, err);
        for (size_t s = 0; status == FABRIC_OK && s < count; s++)
            picks[s] += strcmp(servers[s].uuid, server.uuid) == 0;
    }
    if (status != FABRIC_OK)
        return status;
    printf("\n3. %d reads of group shard1 spread by weight\n\n"
           "  %-15s  %-9s  %6s  %5s\n",
           READS, "server", "role", "weight", "reads");
    for (size_t s = 0; s < count; s++)
        printf("  %s:%-5u  %-9s  %6g  %5u\n", servers[s].host, (unsigned)servers[s].port,
               status_name(servers[s].status), servers[s].weight, picks[s]);
    return FABRIC_OK;
}

/* ---- 4. questions without an answer ---- */

/* Prints words between columns 6 and 84. */
static void print_wrapped(const char *words)
{
    size_t column = 84;
    while (*words != '\0') {
        size_t length = strcspn(words, " ");
        if (column + 1 + length > 84) {
            printf("\n     ");
            column = 5;
        }
        printf(" %.*s", (int)length, words);
        column += 1 + length;
        words += length;
        words += strspn(words, " ");
    }
    printf("\n");
}

/* Asks a question that must fail with `expected`, and shows the message. */
static int32_t refuse(const fabric_t *farm, const char *const *tables, size_t n,
                      const fabric_key_t *key, int32_t expected, fabric_error_t *err)
{
    fabric_server_t server;
    int32_t status = fabric_get_shard_server(farm, tables, n, key, FABRIC_SCOPE_LOCAL,
                                             FABRIC_MODE_READWRITE, &server, err);
    if (status != expected) {
        if (status == FABRIC_OK)
            snprintf(err->message, sizeof err->message, "%s was expected to fail", tables[0]);
        return status == FABRIC_OK ? FABRIC_ERR_PANIC : status;
    }
    printf("  %2d  %s", (int)status, fabric_strerror(status));
    print_wrapped(err->message);
    return FABRIC_OK;
}

static int32_t show_errors(const fabric_t *farm, fabric_error_t *err)
{
    const char *unknown[] = {"employees.nosuch"};
    const char *salaries[] = {"employees.salaries"};
    const char *both[] = {"employees.salaries", "shop.orders"};
    const char *events[] = {"log.events"};
    const fabric_key_t key = fabric_key_int(42);
    const fabric_key_t low = fabric_key_int(0);
    const fabric_key_t word = text("yesterday");

    printf("\n4. Questions without an answer: the status and its message\n\n");
    int32_t status = refuse(farm, unknown, 1, &key, FABRIC_ERR_UNKNOWN_TABLE, err);
    if (status == FABRIC_OK)
        status = refuse(farm, salaries, 1, &low, FABRIC_ERR_KEY_OUT_OF_RANGE, err);
    if (status == FABRIC_OK)
        status = refuse(farm, salaries, 1, NULL, FABRIC_ERR_KEY_MISSING, err);
    if (status == FABRIC_OK)
        status = refuse(farm, events, 1, &word, FABRIC_ERR_KEY_TYPE, err);
    if (status == FABRIC_OK)
        status = refuse(farm, both, 2, &key, FABRIC_ERR_DIFFERENT_SHARDS, err);
    return status;
}

/* ---- 5. failover ---- */

/* Makes another server primary, as Fabric does when a primary fails. */
static int32_t promote(const fabric_t *control, const char *group, const char *uuid,
                       fabric_error_t *err)
{
    const char *arguments[] = {group, uuid};
    fabric_result_t *result = NULL;
    int32_t status = fabric_execute(control, "fabricd", "promote", arguments, 2, &result, err);
    fabric_result_free(result);
    return status;
}

static int32_t show_failover(const fabric_t *farm, const fabric_t *control, fabric_error_t *err)
{
    const char *table = "employees.salaries";
    const fabric_key_t key = fabric_key_int(42);
    fabric_server_t heir;

    printf("\n5. Failover: the primary of shard1 fails, and Fabric makes a secondary primary\n\n");
    int32_t status = fabric_get_group_server(farm, "shard1", FABRIC_MODE_NONE,
                                             FABRIC_STATUS_SECONDARY, &heir, err);
    if (status == FABRIC_OK) {
        printf("  before:");
        status = route(farm, table, &key, FABRIC_SCOPE_LOCAL, FABRIC_MODE_READWRITE, err);
    }
    if (status == FABRIC_OK)
        status = promote(control, "shard1", heir.uuid, err);
    /* The handle looks again when the time to live that Fabric sends is over; this is sooner. */
    if (status == FABRIC_OK)
        status = fabric_reset_cache(farm, "shard1", err);
    if (status == FABRIC_OK) {
        printf("  after: ");
        status = route(farm, table, &key, FABRIC_SCOPE_LOCAL, FABRIC_MODE_READWRITE, err);
    }
    fabric_server_t primary;
    if (status == FABRIC_OK)
        status = fabric_get_group_server(farm, "shard1", FABRIC_MODE_NONE, FABRIC_STATUS_PRIMARY,
                                         &primary, err);
    if (status == FABRIC_OK && strcmp(primary.uuid, heir.uuid) != 0) {
        snprintf(err->message, sizeof err->message, "%s is not the primary", heir.uuid);
        status = FABRIC_ERR_NO_SERVER;
    }
    if (status == FABRIC_OK)
        printf("\n  This program told its handle to look again. Otherwise the handle would have\n"
               "  looked by itself after %lld ms, as Fabric wants it.\n",
               (long long)fabric_get_ttl_ms(farm));
    return status;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: %s host port control-port\n", argv[0]);
        return EXIT_FAILURE;
    }
    fabric_options_t *to_control = fabric_options_new();
    fabric_options_add_node(to_control, argv[1], port_of(argv[3]));
    fabric_t *control = open_farm(to_control);
    fabric_t *farm = control != NULL ? open_farm(options_of(argc, argv)) : NULL;
    int exit_status = EXIT_FAILURE;
    if (farm != NULL) {
        printf("libmysqlfabric %s asks the Fabric node %s:%s\n\n", fabric_version(), argv[1],
               argv[2]);
        fabric_error_t err;
        int32_t status = fabric_seed(farm, NULL, 0, &err);
        if (status == FABRIC_OK)
            status = show_farm(farm, &err);
        if (status == FABRIC_OK)
            status = show_routes(farm, &err);
        if (status == FABRIC_OK)
            status = show_spread(farm, &err);
        if (status == FABRIC_OK)
            status = show_errors(farm, &err);
        if (status == FABRIC_OK)
            status = show_failover(farm, control, &err);
        exit_status = status == FABRIC_OK ? EXIT_SUCCESS : failed("demo", &err);
    }
    fabric_free(farm);
    fabric_free(control);
    return exit_status;
}
