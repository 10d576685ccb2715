/* A server that was reported lost is tried by the handle itself, where it has an account for that. */
#define _POSIX_C_SOURCE 200809L

#include "mysql_server.h"
#include "support.h"

#include <unistd.h>

/* A topology file of one group of two secondaries: u at `port`, and v. */
static void write_file(const char *path, uint16_t port)
{
    FILE *file = fopen(path, "w");
    CHECK(file != NULL);
    fprintf(
        file,
        "{\"format\": \"libmysqlfabric topology\", \"version\": 1, \"tables\": [],\n"
        "\"groups\": [{\"id\": \"g\", \"servers\": [{\"uuid\": \"u\", \"host\": \"127.0.0.1\",\n"
        "\"port\": %u, \"mode\": 1, \"status\": 2, \"weight\": 1}, {\"uuid\": \"v\", \"host\": "
        "\"h\",\n"
        "\"port\": 1, \"mode\": 1, \"status\": 2, \"weight\": 1}]}]}\n",
        port);
    CHECK_INT(fclose(file), 0);
}

/* Whether a read gets u. */
static int gets_it(const fabric_t *f)
{
    fabric_server_t found;
    fabric_error_t err;
    CHECK_OK(fabric_get_group_server(f, "g", FABRIC_MODE_NONE, FABRIC_STATUS_SECONDARY, &found,
                                     &err),
             err);
    return strcmp(found.uuid, "u") == 0;
}

static fabric_t *routing_to(const mysql_server_t *server, int has_account)
{
    char path[] = "/tmp/probes-XXXXXX";
    CHECK_INT(fclose(temporary_file(path)), 0);
    write_file(path, mysql_server_port(server));
    fabric_options_t *o = fabric_options_new();
    CHECK_INT(fabric_options_set_topology_file(o, path), FABRIC_OK);
    CHECK_INT(fabric_options_set_quarantine_ms(o, 20), FABRIC_OK);
    if (has_account)
        CHECK_INT(fabric_options_set_mysql_credentials(o, "app", "secret"), FABRIC_OK);
    fabric_t *f = handle(o);
    while (!gets_it(f))
        continue;
    unlink(path);
    return f;
}

static void report(const fabric_t *f, int32_t code)
{
    fabric_error_t err;
    CHECK_OK(fabric_report_result(f, "u", code, &err), err);
}

/* The server is tried again and again, and no request gets it. */
static void stays_away(enum refusal where, uint16_t code)
{
    mysql_server_t *server = mysql_server_start(where, code, "not now");
    fabric_t *f = routing_to(server, 1);
    report(f, 2003);
    while (mysql_server_connections(server) < 4) {
        CHECK(!gets_it(f));
        sleep_ms(1);
    }
    fabric_free(f);
    mysql_server_stop(server);
}

/* It lets the account in, and that is enough: no request has tried it before. */
static void comes_back(void)
{
    mysql_server_t *server = mysql_server_start(AT_STATEMENT, 1064, "no such words");
    fabric_t *f = routing_to(server, 1);
    report(f, 2013);
    while (!gets_it(f)) {
        CHECK(mysql_server_connections(server) <= 1);
        sleep_ms(1);
    }
    CHECK_INT(mysql_server_connections(server), 1);
    fabric_metrics_t metrics;
    fabric_error_t err;
    CHECK_OK(fabric_get_metrics(f, &metrics, &err), err);
    CHECK_INT(metrics.servers_quarantined, 0);
    fabric_free(f);
    mysql_server_stop(server);
}

/* The account is refused: one request tries the server each time, as where there is no account, and
 * the handle does not get the account locked. */
static void by_requests(int has_account)
{
    mysql_server_t *server = mysql_server_start(AT_LOGIN, 1045, "Access denied");
    fabric_t *f = routing_to(server, has_account);
    for (int trial = 0; trial < 3; trial++) {
        report(f, 2003);
        while (!gets_it(f))
            sleep_ms(1);
    }
    CHECK_INT(mysql_server_connections(server), has_account);
    fabric_free(f);
    mysql_server_stop(server);
}

int main(void)
{
    stays_away(AT_CONNECT, 1040);
    stays_away(AT_LOGIN, 3032);
    stays_away(AT_LOGIN, 6400);
    stays_away(AT_STATEMENT, 1053);
    comes_back();
    by_requests(1);
    by_requests(0);
    return 0;
}
