/* What a service does when it cannot reach a primary: it reports the server, and asks again
 * until Fabric has made another one primary.  usage: failover [host [port]]
 *
 * Beware: with FABRIC_REPORT_FAILURE a single report makes Fabric fail over, be the server dead
 * or not. Do not try this program on a farm in use. */
#define _POSIX_C_SOURCE 200809L
#include "example.h"

#include <string.h>
#include <time.h>

enum { CR_CONN_HOST_ERROR = 2003, TRIES = 100 };

static int32_t find_primary(const fabric_t *farm, fabric_server_t *server, fabric_error_t *err)
{
    const char *tables[] = {"employees.salaries"};
    fabric_key_t key = fabric_key_int(42);
    return fabric_get_shard_server(farm, tables, 1, &key, FABRIC_SCOPE_LOCAL, FABRIC_MODE_READWRITE,
                                   server, err);
}

/* Waits for a primary that is not `old`. */
static int32_t find_new_primary(const fabric_t *farm, const fabric_server_t *old,
                                fabric_server_t *server, fabric_error_t *err)
{
    const struct timespec pause = {0, 50 * 1000 * 1000};
    for (int i = 0; i < TRIES; i++) {
        int32_t status = fabric_reset_cache(farm, old->group, err);
        if (status == FABRIC_OK)
            status = find_primary(farm, server, err);
        if (status == FABRIC_OK && strcmp(server->uuid, old->uuid) != 0)
            return FABRIC_OK;
        /* Between two primaries a group has none. Anything else is not going to pass. */
        if (status != FABRIC_OK && status != FABRIC_ERR_NO_SERVER)
            return status;
        nanosleep(&pause, NULL);
    }
    err->code = FABRIC_ERR_NO_SERVER;
    snprintf(err->message, sizeof err->message, "%s is still the primary of %s", old->uuid,
             old->group);
    return err->code;
}

int main(int argc, char **argv)
{
    fabric_options_t *options = options_of(argc, argv);
    fabric_options_set_report_errors(options, FABRIC_REPORT_FAILURE);
    fabric_t *farm = open_farm(options);
    if (farm == NULL)
        return EXIT_FAILURE;

    int status = EXIT_SUCCESS;
    fabric_server_t old;
    fabric_server_t new;
    fabric_error_t err;
    if (find_primary(farm, &old, &err) != FABRIC_OK) {
        status = failed("find_primary", &err);
        goto out;
    }
    printf("old primary of %s: %s:%u\n", old.group, old.host, (unsigned)old.port);

    /* A service calls this when its MySQL driver failed to connect, with the driver's errno. */
    if (fabric_report_failure(farm, old.uuid, CR_CONN_HOST_ERROR, &err) != FABRIC_OK) {
        status = failed("fabric_report_failure", &err);
        goto out;
    }
    if (find_new_primary(farm, &old, &new, &err) != FABRIC_OK) {
        status = failed("find_new_primary", &err);
        goto out;
    }
    printf("new primary of %s: %s:%u\n", new.group, new.host, (unsigned)new.port);

out:
    fabric_free(farm);
    return status;
}
