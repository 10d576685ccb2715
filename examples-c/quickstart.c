/* Which MySQL server takes the writes of employee 10021?  usage: quickstart [URL of the source] */
#include <mysqlfabric.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    fabric_options_t *options = fabric_options_new();
    fabric_options_set_source(options, argc > 1 ? argv[1] : "fabric://127.0.0.1");
    fabric_options_set_credentials(options, "admin", "secret");         /* for Fabric nodes */
    fabric_options_set_mysql_credentials(options, "router", "routing"); /* for MySQL servers */

    fabric_t *farm = NULL;
    fabric_error_t err;
    int32_t status = fabric_new(options, &farm, &err); /* says, too, if an option is wrong */
    fabric_options_free(options);

    const char *tables[] = {"employees.salaries"};
    fabric_key_t key = fabric_key_int(10021);
    fabric_server_t server;
    if (status == FABRIC_OK)
        status = fabric_get_shard_server(farm, tables, 1, &key, FABRIC_SCOPE_LOCAL,
                                         FABRIC_MODE_READWRITE, &server, &err);
    if (status == FABRIC_OK) /* connect there: mysql_real_connect(m, server.host, ...) */
        printf("%s:%u of group %s\n", server.host, (unsigned)server.port, server.group);
    else
        fprintf(stderr, "quickstart: %s\n", err.message);
    fabric_free(farm);
    return status == FABRIC_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
