/* What a farm consists of: Fabric nodes, groups and their servers, the shards of a table.
 * usage: groups [host [port]] */
#include "example.h"

/* Lists are asked for in two calls: the first tells the count, the second fills the memory. A
 * list can grow between the two, so the second one may ask for more room as well. */
static int print_servers(const fabric_t *farm, const char *group)
{
    fabric_server_t *servers = NULL;
    fabric_error_t err;
    size_t count = 0;
    int32_t status = fabric_get_group_servers(farm, group, 1, NULL, 0, &count, &err);
    while (status == FABRIC_ERR_BUFFER_TOO_SMALL) {
        fabric_server_t *larger = realloc(servers, count * sizeof *servers);
        if (larger == NULL) {
            free(servers);
            perror(group);
            return EXIT_FAILURE;
        }
        servers = larger;
        status = fabric_get_group_servers(farm, group, 1, servers, count, &count, &err);
    }
    if (status != FABRIC_OK) {
        free(servers);
        return failed(group, &err);
    }
    printf("group %s has %zu servers\n", group, count);
    for (size_t i = 0; i < count; i++)
        printf("  %s:%u %s, weight %g, %s\n", servers[i].host, (unsigned)servers[i].port,
               status_name(servers[i].status), servers[i].weight, servers[i].uuid);
    free(servers);
    return EXIT_SUCCESS;
}

/* Where the number is known to be small, an array on the stack and one call will do. */
static int print_nodes(const fabric_t *farm)
{
    fabric_node_t nodes[16];
    fabric_error_t err;
    size_t count = 0;
    if (fabric_get_fabric_nodes(farm, nodes, 16, &count, &err) != FABRIC_OK)
        return failed("fabric_get_fabric_nodes", &err);
    for (size_t i = 0; i < count; i++)
        printf("Fabric node %s:%u\n", nodes[i].host, (unsigned)nodes[i].port);
    return EXIT_SUCCESS;
}

static int print_shards(const fabric_t *farm, const char *table)
{
    fabric_shard_t shards[16];
    fabric_error_t err;
    size_t count = 0;
    if (fabric_get_shards(farm, table, shards, 16, &count, &err) != FABRIC_OK)
        return failed(table, &err);
    printf("table %s has %zu shards\n", table, count);
    for (size_t i = 0; i < count; i++)
        printf("  shard %lld: %s from %s in %s\n", (long long)shards[i].shard_id, shards[i].column,
               shards[i].lower_bound, shards[i].group);
    return EXIT_SUCCESS;
}

/* One server of a group: by what it is wanted for, or by its role. Never both. */
static int print_choices(const fabric_t *farm, const char *group)
{
    fabric_server_t writer;
    fabric_server_t secondary;
    fabric_error_t err;
    if (fabric_get_group_server(farm, group, FABRIC_MODE_READWRITE, FABRIC_STATUS_NONE, &writer,
                                &err)
        != FABRIC_OK)
        return failed(group, &err);
    if (fabric_get_group_server(farm, group, FABRIC_MODE_NONE, FABRIC_STATUS_SECONDARY, &secondary,
                                &err)
        != FABRIC_OK)
        return failed(group, &err);
    printf("%s: write to %s:%u, read from a secondary such as %s:%u\n", group, writer.host,
           (unsigned)writer.port, secondary.host, (unsigned)secondary.port);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    fabric_t *farm = open_farm(options_of(argc, argv));
    if (farm == NULL)
        return EXIT_FAILURE;

    int status = print_nodes(farm);
    if (status == EXIT_SUCCESS)
        status = print_servers(farm, "shard1");
    if (status == EXIT_SUCCESS)
        status = print_choices(farm, "shard1");
    if (status == EXIT_SUCCESS)
        status = print_shards(farm, "employees.salaries");

    fabric_free(farm);
    return status;
}
