/* Fabric cannot be reached, or does not let the handle in. */
#include "refusal.h"

#define SALARIES "employees.salaries"

static fabric_server_t server;

static int32_t lookup(const fabric_t *f, fabric_error_t *err)
{
    return find(f, SALARIES, fabric_key_int(1), FABRIC_MODE_READWRITE, &server, err);
}

/* A farm that is there after all is found by the same handle. */
static void recovers(fabric_t *f)
{
    fabric_error_t err;
    CHECK_OK(fabric_seed(f, fabricd_host(), fabricd_port(), &err), err);
    CHECK_OK(lookup(f, &err), err);
    CHECK_INT(server.port, 33611);
    fabric_free(f);
}

static fabric_options_t *elsewhere(const char *host, uint16_t port)
{
    fabric_options_t *o = fabric_options_new();
    CHECK_INT(fabric_options_add_node(o, host, port), FABRIC_OK);
    CHECK_INT(fabric_options_set_credentials(o, "admin", "secret"), FABRIC_OK);
    CHECK_INT(fabric_options_set_connect_attempts(o, 2), FABRIC_OK);
    CHECK_INT(fabric_options_set_connect_delay_ms(o, 1), FABRIC_OK);
    return o;
}

static void nobody_listens(void)
{
    char address[64];
    snprintf(address, sizeof address, "127.0.0.1:%u", (unsigned)closed_port());
    fabric_t *f = handle(elsewhere("127.0.0.1", closed_port()));
    REFUSED(lookup(f, err), server, FABRIC_ERR_UNREACHABLE, {address, "refused", "check"});
    size_t count;
    REFUSED(fabric_get_fabric_nodes(f, NULL, 0, &count, err), count, FABRIC_ERR_UNREACHABLE,
            {address});
    fabric_result_t *result;
    REFUSED(fabric_execute(f, "dump", "servers", NULL, 0, &result, err), result,
            FABRIC_ERR_UNREACHABLE, {address});
    recovers(f);
}

static void no_such_host(void)
{
    fabric_t *f = handle(elsewhere("no-such-host.invalid", 0));
    REFUSED(lookup(f, err), server, FABRIC_ERR_UNREACHABLE,
            {"no-such-host.invalid:32274", "check the address"});
    recovers(f);
}

static void no_nodes(void)
{
    fabric_options_t *o = fabric_options_new();
    CHECK_INT(fabric_options_set_credentials(o, "admin", "secret"), FABRIC_OK);
    fabric_t *f = handle(o);
    REFUSED(lookup(f, err), server, FABRIC_ERR_NOT_SEEDED,
            {"fabric_options_add_node", "fabric_seed"});
    REFUSED(fabric_seed(f, NULL, 0, err), server, FABRIC_ERR_NOT_SEEDED, {"fabric_seed"});
    recovers(f);
}

static void refuses(const char *user, const char *password, const char *says)
{
    fabric_options_t *o = options();
    if (user)
        CHECK_INT(fabric_options_set_credentials(o, user, password), FABRIC_OK);
    fabric_t *f = handle(o);
    REFUSED(lookup(f, err), server, FABRIC_ERR_AUTH, {says, "fabric_options_set_credentials"});
    fabric_error_t err;
    CHECK_INT(lookup(f, &err), FABRIC_ERR_AUTH);
    CHECK(!strstr(err.message, password));
    fabric_free(f);
}

static void wrong_credentials(void)
{
    refuses("admin", "Pa55w0rd-wrong", "\"admin\"");
    refuses("nobody", "Pa55w0rd-wrong", "\"nobody\"");

    fabric_options_t *o = fabric_options_new();
    CHECK_INT(fabric_options_add_node(o, fabricd_host(), fabricd_port()), FABRIC_OK);
    fabric_t *f = handle(o);
    REFUSED(lookup(f, err), server, FABRIC_ERR_AUTH,
            {"needs a user and a password", "fabric_options_set_credentials"});
    fabric_free(f);
}

/* The role `connector` may look up, and nothing that changes a farm. */
static void role_without_permission(void)
{
    fabric_options_t *o = options();
    CHECK_INT(fabric_options_set_credentials(o, "conn", "connpw"), FABRIC_OK);
    fabric_t *f = handle(o);
    fabric_result_t *result;
    REFUSED(fabric_execute(f, "group", "lookup_groups", NULL, 0, &result, err), result,
            FABRIC_ERR_FORBIDDEN, {"\"conn\"", "group.lookup_groups", "role"});
    recovers(f);
}

static void tls_file(const char *path, const char *says)
{
    fabric_options_t *o = options();
    CHECK_INT(fabric_options_set_tls(o, path, NULL, NULL), FABRIC_OK);
    fabric_t *f = handle(o);
    REFUSED(lookup(f, err), server, FABRIC_ERR_TLS, {path, says});
    fabric_free(f);
}

static void tls_files(void)
{
    tls_file("no-such-file.pem", "fabric_options_set_tls");
    tls_file("/dev/null", "no regular file");
    tls_file(__FILE__, "no certificate");
}

int main(void)
{
    nobody_listens();
    no_such_host();
    no_nodes();
    wrong_credentials();
    role_without_permission();
    tls_files();
    return 0;
}
