/* Routes while the source is down: from a snapshot that a handle before kept, and from a topology file, without any
 * source.  usage: offline [host [port]] */
#define _POSIX_C_SOURCE 200809L
#include "example.h"

#include <unistd.h>

static int show(const fabric_t *farm, const char *from)
{
    const char *tables[] = {"employees.salaries"};
    fabric_key_t key = fabric_key_int(10021);
    fabric_server_t server;
    fabric_error_t err;
    if (fabric_get_shard_server(farm, tables, 1, &key, FABRIC_SCOPE_LOCAL, FABRIC_MODE_READWRITE,
                                &server, &err)
        != FABRIC_OK)
        return failed(from, &err);
    printf("%s: %s:%u of group %s\n", from, server.host, (unsigned)server.port, server.group);
    return EXIT_SUCCESS;
}

/* A service that runs: its handle keeps the snapshot by itself, and a file of it all on demand. */
static int online(int argc, char **argv, const char *snapshot, const char *dump)
{
    fabric_options_t *options = options_of(argc, argv);
    fabric_options_set_snapshot_file(options, snapshot);
    fabric_t *farm = open_farm(options);
    if (farm == NULL)
        return EXIT_FAILURE;
    fabric_error_t err;
    int status = EXIT_SUCCESS;
    if (fabric_seed(farm, NULL, 0, &err) != FABRIC_OK || fabric_dump(farm, dump, &err) != FABRIC_OK)
        status = failed("online", &err);
    if (status == EXIT_SUCCESS)
        status = show(farm, "from Fabric");
    /* The background refresh writes it soon after a change. */
    for (int i = 0; status == EXIT_SUCCESS && i < 300 && access(snapshot, F_OK) != 0; i++)
        sleep(1);
    fabric_free(farm);
    return status;
}

/* It starts anew, and no node answers. */
static int from_snapshot(const char *snapshot)
{
    fabric_options_t *options = fabric_options_new();
    fabric_options_add_node(options, "127.0.0.1", 1); /* nobody listens there */
    fabric_options_set_snapshot_file(options, snapshot);
    fabric_options_set_max_stale_ms(options,
                                    3600 * 1000); /* and never on from what is an hour old */
    fabric_t *farm = open_farm(options);
    if (farm == NULL)
        return EXIT_FAILURE;
    int status = show(farm, "from the snapshot");
    printf("which was confirmed %lld s ago\n", (long long)fabric_topology_age(farm) / 1000);
    fabric_free(farm);
    return status;
}

/* A laptop, a test, a farm that does not change: the file is all there is. */
static int from_file(const char *dump)
{
    fabric_options_t *options = fabric_options_new();
    fabric_options_set_topology_file(options, dump);
    fabric_t *farm = open_farm(options);
    if (farm == NULL)
        return EXIT_FAILURE;
    int status = show(farm, "from the topology file");
    fabric_free(farm);
    return status;
}

int main(int argc, char **argv)
{
    char directory[] = "/tmp/offline-XXXXXX", snapshot[64], dump[64];
    if (mkdtemp(directory) == NULL) {
        perror("mkdtemp");
        return EXIT_FAILURE;
    }
    snprintf(snapshot, sizeof snapshot, "%s/snapshot", directory);
    snprintf(dump, sizeof dump, "%s/topology.json", directory);
    int status = online(argc, argv, snapshot, dump);
    if (status == EXIT_SUCCESS)
        status = from_snapshot(snapshot);
    if (status == EXIT_SUCCESS)
        status = from_file(dump);
    unlink(snapshot);
    unlink(dump);
    rmdir(directory);
    return status;
}
