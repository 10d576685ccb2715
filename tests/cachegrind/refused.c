/* Warm calls that are refused, or that read the clock because nobody keeps anything fresh, for
 * cachegrind to count: as calls.c. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <mysqlfabric.h>

#include "measure.h"

enum { FEW = 500, MORE = 40000 };

/* A RANGE table from 10 on whose shard from 20 on is held, and a HASH table of two shards of
 * which the upper one is. The primary is read-only. */
static const char text[] =
    "{\"format\":\"libmysqlfabric topology\",\"version\":1,\"ttl_ms\":86400000,\"tables\":["
    "{\"schema\":\"shop\",\"table\":\"orders\",\"column\":\"id\",\"type\":\"RANGE\","
    "\"global_group\":\"main\",\"shards\":[{\"id\":1,\"lower_bound\":10,\"group\":\"main\"}]},"
    "{\"schema\":\"shop\",\"table\":\"users\",\"column\":\"id\",\"type\":\"HASH\","
    "\"global_group\":\"main\",\"shards\":[{\"id\":2,\"lower_bound\":"
    "\"00000000000000000000000000000000\",\"group\":\"main\"}]}],"
    "\"held_shards\":[{\"schema\":\"shop\",\"table\":\"orders\",\"type\":\"RANGE\","
    "\"lower_bound\":20},{\"schema\":\"shop\",\"table\":\"users\",\"type\":\"HASH\","
    "\"lower_bound\":\"80000000000000000000000000000000\"}],"
    "\"groups\":[{\"id\":\"main\",\"servers\":[{\"uuid\":\"00000001-0000-0000-0000-000000000001\","
    "\"host\":\"db1.example.com\",\"port\":3306,\"mode\":\"READ_WRITE\",\"status\":\"PRIMARY\","
    "\"weight\":1}]}]}\n";

#define INT(value)                                                                                 \
    {                                                                                              \
        .kind = FABRIC_KEY_INT, .integer = (value)                                                 \
    }
#define TEXT(word)                                                                                 \
    {                                                                                              \
        .kind = FABRIC_KEY_TEXT, .text = (word), .length = sizeof(word) - 1                        \
    }

typedef struct refused {
    const char *name;
    const char *table;
    fabric_key_t key;
    int32_t mode;
    int32_t status;
} refused;

/* The digest of "a" begins with 0CC1, that of "b" with 92EB. */
static const refused kept[] = {
    {"refused-below-lowest", "shop.orders", INT(5), FABRIC_MODE_READONLY,
     FABRIC_ERR_KEY_OUT_OF_RANGE},
    {"refused-vanished-RANGE", "shop.orders", INT(25), FABRIC_MODE_READONLY,
     FABRIC_ERR_SHARD_UNAVAILABLE},
    {"refused-vanished-HASH", "shop.users", TEXT("b"), FABRIC_MODE_READONLY,
     FABRIC_ERR_SHARD_UNAVAILABLE},
    {"refused-unknown-table", "shop.order", INT(15), FABRIC_MODE_READONLY,
     FABRIC_ERR_UNKNOWN_TABLE},
    {"refused-held-RANGE", "shop.orders", INT(15), FABRIC_MODE_READWRITE, FABRIC_ERR_WRITE_HELD},
    {"refused-held-HASH", "shop.users", TEXT("a"), FABRIC_MODE_READWRITE, FABRIC_ERR_WRITE_HELD},
    {NULL, NULL, INT(0), 0, 0},
};
static const refused unrefreshed[] = {
    {"unrefreshed-RANGE", "shop.orders", INT(15), FABRIC_MODE_READONLY, FABRIC_OK},
    {"unrefreshed-HASH", "shop.users", TEXT("a"), FABRIC_MODE_READONLY, FABRIC_OK},
    {NULL, NULL, INT(0), 0, 0},
};

static fabric_t *farm_of(const char *path, bool is_kept_fresh)
{
    fabric_error_t err;
    fabric_t *farm = NULL;
    fabric_options_t *options = fabric_options_new();
    if (fabric_options_set_topology_file(options, path) != FABRIC_OK
        || fabric_options_set_background_refresh(options, is_kept_fresh) != FABRIC_OK
        || fabric_options_set_least_write_hold_ms(options, FABRIC_MAX_TIME_MS) != FABRIC_OK
        || fabric_options_set_vanished_hold_ms(options, FABRIC_FOREVER_MS) != FABRIC_OK
        || fabric_new(options, &farm, &err) != FABRIC_OK
        || fabric_seed(farm, NULL, 0, &err) != FABRIC_OK)
        die("%s: %s", path, err.message);
    fabric_options_free(options);
    if (is_kept_fresh
        && fabric_report_result(farm, "00000001-0000-0000-0000-000000000001", 1290, &err)
               != FABRIC_OK)
        die("%s", err.message);
    return farm;
}

static void run(const fabric_t *farm, const refused *r, long calls)
{
    fabric_error_t err;
    fabric_server_t server = {.port = 0};
    for (long i = 0; i < calls; i++) {
        int32_t status = fabric_get_shard_server(farm, &r->table, 1, &r->key, FABRIC_SCOPE_LOCAL,
                                                 r->mode, &server, &err);
        if (status != r->status)
            die("%s: %d and not %d", r->name, status, r->status);
    }
    sink += server.port;
}

static void run_all(const fabric_t *farm, const refused *calls, const char *name)
{
    for (const refused *r = calls; r->name; r++) {
        run(farm, r, FEW);
        if (!name)
            puts(r->name);
        else if (strcmp(name, r->name) == 0)
            run(farm, r, MORE);
    }
}

int main(int argc, char **argv)
{
    const char *name = argc < 2 ? NULL : argv[1];
    char path[64];
    snprintf(path, sizeof path, "refused-%ld.json", (long)getpid());
    FILE *file = fopen(path, "w");
    if (!file || fputs(text, file) < 0 || fclose(file) != 0)
        die("cannot write %s", path);
    fabric_t *farms[] = {farm_of(path, true), farm_of(path, false)};
    run_all(farms[0], kept, name);
    run_all(farms[1], unrefreshed, name);
    fabric_free(farms[0]);
    fabric_free(farms[1]);
    remove(path);
    return 0;
}
