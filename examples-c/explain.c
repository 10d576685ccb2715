/* Why does a row go where it goes, or nowhere? For a service's debug page, and for who is on call.
 * usage: explain [host [port]] */
#include "example.h"

#include <string.h>

static const char *const tables[] = {"employees.salaries"}, *const users[] = {"hashdb.users"};

static int explain(const fabric_t *farm, const char *const *table, fabric_key_t key, int32_t mode)
{
    fabric_explanation_t e;
    fabric_error_t err;
    if (fabric_explain_shard(farm, table, 1, &key, FABRIC_SCOPE_LOCAL, mode, &e, &err) != FABRIC_OK)
        return failed("fabric_explain_shard", &err);
    printf("%s, %s %s:", e.table, e.column, e.key);
    if (e.digest[0] != '\0')
        printf(" digest %s,", e.digest);
    if (e.group[0] != '\0')
        printf(" shard %lld from %s in group %s,", (long long)e.shard_id, e.lower_bound, e.group);
    if (e.status == FABRIC_OK)
        printf(" %s:%u: %s", e.server.host, (unsigned)e.server.port, fabric_why_name(e.why));
    else
        printf(" no server: %s", e.message);
    printf(" (%u of %u servers considered, %u quarantined", (unsigned)e.servers_considered,
           (unsigned)e.servers_listed, (unsigned)e.servers_quarantined);
    if (e.write_hold_ms >= 0)
        printf(", writes held");
    printf("; of %s, %lld s old)\n", e.source, (long long)e.group_age_ms / 1000);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    fabric_t *farm = open_farm(options_of(argc, argv));
    if (farm == NULL)
        return EXIT_FAILURE;
    int status = explain(farm, tables, fabric_key_int(10021), FABRIC_MODE_READWRITE);
    if (status == EXIT_SUCCESS)
        status = explain(farm, tables, fabric_key_int(10021), FABRIC_MODE_READONLY);
    if (status == EXIT_SUCCESS)
        status = explain(farm, users, fabric_key_text("alice", 5), FABRIC_MODE_READWRITE);
    if (status == EXIT_SUCCESS)
        status = explain(farm, tables, fabric_key_int(0), FABRIC_MODE_READWRITE);

    /* What the service told of a server shows, too: its primary refused a write as read-only (1290). */
    fabric_server_t primary;
    fabric_error_t err;
    if (fabric_get_group_server(farm, "shard2", FABRIC_MODE_READWRITE, FABRIC_STATUS_NONE, &primary,
                                &err)
            != FABRIC_OK
        || fabric_report_result(farm, primary.uuid, 1290, &err) != FABRIC_OK)
        status = failed("fabric_report_result", &err);
    if (status == EXIT_SUCCESS)
        status = explain(farm, tables, fabric_key_int(10021), FABRIC_MODE_READWRITE);
    fabric_free(farm);
    return status;
}
