/* Keys of each sharding type, read and write, several tables, global scope.
 * usage: routing [host [port]] */
#include "example.h"

#include <string.h>

struct question {
    const char *tables[2];
    size_t count;
    fabric_key_t key;
    int32_t scope;
    int32_t mode;
};

static fabric_key_t text(const char *s)
{
    return fabric_key_text(s, strlen(s));
}

static const char *mode_name(int32_t mode)
{
    return mode == FABRIC_MODE_READONLY ? "read" : "write";
}

static void print_key(const struct question *q)
{
    if (q->scope == FABRIC_SCOPE_GLOBAL)
        printf("%-20s", "(all shards)");
    else if (q->key.kind == FABRIC_KEY_INT)
        printf("%-20lld", (long long)q->key.integer);
    else
        printf("%-20.*s", (int)q->key.length, q->key.text);
}

int main(int argc, char **argv)
{
    fabric_t *farm = open_farm(options_of(argc, argv));
    if (farm == NULL)
        return EXIT_FAILURE;

    const struct question questions[] = {
        /* RANGE and RANGE_INTEGER: signed integers. */
        {{"employees.salaries"},
         1,
         fabric_key_int(10021),
         FABRIC_SCOPE_LOCAL,
         FABRIC_MODE_READWRITE},
        {{"employees.salaries"}, 1, fabric_key_int(42), FABRIC_SCOPE_LOCAL, FABRIC_MODE_READONLY},
        {{"shop.orders"}, 1, fabric_key_int(-5), FABRIC_SCOPE_LOCAL, FABRIC_MODE_READWRITE},
        /* RANGE_DATETIME: text, without a time zone. */
        {{"log.events"}, 1, text("2015-07-01 12:00:00"), FABRIC_SCOPE_LOCAL, FABRIC_MODE_READWRITE},
        /* RANGE_STRING: text, compared byte by byte. */
        {{"crm.names"}, 1, text("Nadia"), FABRIC_SCOPE_LOCAL, FABRIC_MODE_READWRITE},
        /* HASH: integers and text alike. */
        {{"hashdb.accounts"}, 1, fabric_key_int(7), FABRIC_SCOPE_LOCAL, FABRIC_MODE_READWRITE},
        {{"hashdb.users"}, 1, text("alice"), FABRIC_SCOPE_LOCAL, FABRIC_MODE_READWRITE},
        /* Two tables for one join: they must lie on one server for this key. */
        {{"employees.salaries", "employees.dept_emp"},
         2,
         fabric_key_int(20001),
         FABRIC_SCOPE_LOCAL,
         FABRIC_MODE_READWRITE},
        /* What all shards share, such as a change of the schema: no key. */
        {{"employees.salaries"}, 1, {0}, FABRIC_SCOPE_GLOBAL, FABRIC_MODE_READWRITE},
    };

    int status = EXIT_SUCCESS;
    for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++) {
        const struct question *q = &questions[i];
        fabric_server_t server;
        fabric_error_t err;
        const fabric_key_t *key = q->scope == FABRIC_SCOPE_LOCAL ? &q->key : NULL;
        if (fabric_get_shard_server(farm, q->tables, q->count, key, q->scope, q->mode, &server,
                                    &err)
            != FABRIC_OK) {
            status = failed(q->tables[0], &err);
            break;
        }
        printf("%-5s %-18s ", mode_name(q->mode), q->tables[0]);
        print_key(q);
        printf(" -> %-7s %s:%u (%s)\n", server.group, server.host, (unsigned)server.port,
               status_name(server.status));
    }

    fabric_free(farm);
    return status;
}
