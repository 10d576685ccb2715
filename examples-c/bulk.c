/* A bulk load: twelve rows become one INSERT for each server. And a report over an interval:
 * which servers have to be asked.  usage: bulk [host [port]] */
#include "example.h"

#include <inttypes.h>

enum { ROWS = 12, SERVERS = 8 };

static const struct row {
    int64_t emp_no;
    int salary;
} rows[ROWS] = {
    {10021, 4700}, {42, 5100},    {20001, 3900}, {7, 6200},     {15000, 5600}, {31000, 4100},
    {9999, 3800},  {10000, 4400}, {10001, 4900}, {20000, 5200}, {0, 1000},     {50000, 5800},
};

static const char *const tables[] = {"employees.salaries"};

/* Shows the statement that a service would send, with its own driver, to this server. */
static void insert(const fabric_server_t *server, const size_t *order, size_t count)
{
    printf("%s:%u INSERT INTO employees.salaries VALUES", server->host, (unsigned)server->port);
    for (size_t i = 0; i < count; i++)
        printf("%s (%" PRId64 ", %d)", i ? "," : "", rows[order[i]].emp_no, rows[order[i]].salary);
    printf("\n");
}

static int load(const fabric_t *farm)
{
    int64_t values[ROWS];
    for (size_t i = 0; i < ROWS; i++)
        values[i] = rows[i].emp_no;
    fabric_keys_t keys = fabric_keys_int(values, ROWS);

    size_t order[ROWS], starts[SERVERS + 1], count;
    int32_t statuses[ROWS];
    fabric_server_t servers[SERVERS];
    fabric_error_t err;
    int32_t status = fabric_split_keys(farm, tables, 1, &keys, FABRIC_SCOPE_LOCAL,
                                       FABRIC_MODE_READWRITE, order, starts, statuses, servers,
                                       SERVERS, &count, &err);
    if (status != FABRIC_OK && status != FABRIC_ERR_SOME_KEYS)
        return failed("fabric_split_keys", &err);
    for (size_t s = 0; s < count; s++)
        insert(&servers[s], order + starts[s], starts[s + 1] - starts[s]);
    /* The others are loaded all the same. */
    for (size_t i = starts[count]; i < ROWS; i++)
        printf("row %zu, emp_no %" PRId64 ": %s\n", order[i], values[order[i]],
               fabric_strerror(statuses[order[i]]));
    return EXIT_SUCCESS;
}

static int report(const fabric_t *farm, int64_t from, int64_t to)
{
    fabric_key_t low = fabric_key_int(from), high = fabric_key_int(to);
    fabric_shard_t shards[SERVERS];
    fabric_error_t err;
    size_t count;
    if (fabric_get_shards_in_range(farm, tables[0], &low, &high, shards, SERVERS, &count, &err)
        != FABRIC_OK)
        return failed("fabric_get_shards_in_range", &err);
    printf("emp_no BETWEEN %" PRId64 " AND %" PRId64 " is in", from, to);
    for (size_t i = 0; i < count; i++)
        printf(" %s", shards[i].group);
    printf("\n");
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    fabric_t *farm = open_farm(options_of(argc, argv));
    if (farm == NULL)
        return EXIT_FAILURE;
    int status = load(farm);
    if (status == EXIT_SUCCESS)
        status = report(farm, 9000, 11000);
    fabric_free(farm);
    return status;
}
