/* What a service does when it cannot reach a primary: it reports the server, and waits until there is another one.
 * service.c does so with connections.  usage: failover [host [port]]
 *
 * Beware: with FABRIC_REPORT_FAILURE a single report makes Fabric fail over, be the server dead or not. Do not try
 * this program on a farm in use. */
#include "example.h"

enum { CR_CONN_HOST_ERROR = 2003, PATIENCE_MS = 30000 };

static int fail_over(const fabric_t *farm)
{
    const char *tables[] = {"employees.salaries"};
    fabric_key_t key = fabric_key_int(42);
    fabric_server_t server;
    fabric_error_t err;
    int fd;
    if (fabric_event_fd(farm, &fd, &err) != FABRIC_OK
        || fabric_get_shard_server(farm, tables, 1, &key, FABRIC_SCOPE_LOCAL, FABRIC_MODE_READWRITE,
                                   &server, &err)
               != FABRIC_OK)
        return failed("the old primary", &err);
    printf("old primary of %s: %s:%u\n", server.group, server.host, (unsigned)server.port);

    /* With what mysql_errno() and mysql_error() say; then the answer is another server, as soon as there is one. */
    const char *error = "Can't connect to MySQL server";
    if (fabric_report_error(farm, server.uuid, CR_CONN_HOST_ERROR, error, NULL, &err) != FABRIC_OK
        || fabric_get_shard_server_wait(farm, tables, 1, &key, FABRIC_SCOPE_LOCAL,
                                        FABRIC_MODE_READWRITE, PATIENCE_MS, &server, &err)
               != FABRIC_OK)
        return failed("the new primary", &err);
    printf("new primary of %s: %s:%u\n", server.group, server.host, (unsigned)server.port);

    fabric_event_t event;
    while (fabric_next_event(farm, &event, NULL) == FABRIC_OK)
        printf("event %s %s %s\n", fabric_event_name(event.kind), event.group, event.server_uuid);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    fabric_options_t *options = options_of(argc, argv);
    fabric_options_set_report_errors(options, FABRIC_REPORT_FAILURE);
    fabric_t *farm = open_farm(options);
    if (farm == NULL)
        return EXIT_FAILURE;
    int status = fail_over(farm);
    fabric_free(farm);
    return status;
}
