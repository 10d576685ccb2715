/* The same farm by the URL of a source, over both protocols of Fabric. */
#include "support.h"

static fabric_options_t *by_url(const char *scheme, uint16_t port)
{
    char url[128];
    snprintf(url, sizeof url, "%s://admin@%s:%u", scheme, fabricd_host(), (unsigned)port);
    fabric_options_t *o = fabric_options_new();
    CHECK_INT(fabric_options_set_source(o, url), FABRIC_OK);
    CHECK_INT(fabric_options_set_credentials(o, "admin", "secret"), FABRIC_OK);
    return o;
}

static void routes(const char *scheme, uint16_t port)
{
    fabric_t *f = handle(by_url(scheme, port));
    CHECK_INT(port_of(f, "employees.salaries", fabric_key_int(10021), FABRIC_MODE_READWRITE),
              33621);
    CHECK_INT(port_of(f, "hashdb.users", fabric_key_int(7), FABRIC_MODE_READWRITE), 33631);
    fabric_node_t nodes[4];
    size_t count = 0;
    fabric_error_t err;
    CHECK_OK(fabric_get_fabric_nodes(f, nodes, 4, &count, &err), err);
    CHECK_INT(count, 1);
    CHECK_INT(nodes[0].port, port);
    fabric_free(f);
}

/* A node that is seeded from speaks the protocol of the source. */
static void seeds(void)
{
    fabric_t *f = handle(by_url("fabric+mysql", 1));
    fabric_error_t err;
    CHECK_OK(fabric_seed(f, fabricd_host(), fabricd_mysql_port(), &err), err);
    CHECK_INT(port_of(f, "employees.salaries", fabric_key_int(1), FABRIC_MODE_READWRITE), 33611);
    fabric_free(f);
}

/* Nodes of the one protocol beside those of the other. */
static void mixed(void)
{
    fabric_options_t *o = by_url("fabric+mysql", fabricd_mysql_port());
    CHECK_INT(fabric_options_add_node(o, fabricd_host(), fabricd_port()), FABRIC_OK);
    fabric_t *f = NULL;
    fabric_error_t err;
    CHECK_INT(fabric_new(o, &f, &err), FABRIC_ERR_ARGUMENT);
    CHECK_CONTAINS(err.message, "another protocol");
    fabric_options_free(o);

    /* At the port of the other protocol nobody says the first word. */
    o = by_url("fabric+mysql", fabricd_port());
    CHECK_INT(fabric_options_set_connect_attempts(o, 1), FABRIC_OK);
    CHECK_INT(fabric_options_set_connect_timeout_ms(o, 300), FABRIC_OK);
    f = handle(o);
    CHECK_INT(fabric_seed(f, NULL, 0, &err), FABRIC_ERR_TIMEOUT);
    CHECK_CONTAINS(err.message, fabricd_host());
    fabric_free(f);
}

int main(void)
{
    routes("fabric", fabricd_port());
    routes("fabric+mysql", fabricd_mysql_port());
    seeds();
    mixed();
    return 0;
}
