/* A service on a farm of MySQL servers, with no Fabric and no proxy: it writes rows to a table that is
 * sharded by HASH over two groups, and reads them, while the groups lose their primaries.
 *
 * usage: demo_mysql URL USER PASSWORD
 *
 * URL is where the shard map is, such as mysql://db1,db2/mysqlfabric. The table is
 *     CREATE TABLE demo.entries (id BIGINT PRIMARY KEY, body VARCHAR(40) NOT NULL)
 * in every group. It runs until SIGTERM or SIGINT, then looks for each row that it wrote, and ends
 * with 0 if all are there. tests/servers/demo.sh starts the farm and has things happen to it. */
#define _POSIX_C_SOURCE 200809L
#include "example.h"

#include <mysql.h>
#include <signal.h>
#include <string.h>
#include <time.h>

enum { MAX_SERVERS = 16, LONGEST_WAIT_MS = 60000, TIMEOUT_S = 2, ER_DUP_ENTRY = 1062 };

static const char *const table = "demo.entries";

/* A connection to a server of the farm: what a pool of a real service keeps. */
struct connection {
    char uuid[FABRIC_UUID_SIZE];
    MYSQL *mysql;
};

struct service {
    const fabric_t *farm;
    const char *user;
    const char *password;
    struct connection connections[MAX_SERVERS];
    unsigned long statements;
    unsigned long failed;
    unsigned long reads;
    unsigned long reads_not_found;
    int64_t longest_pause_ms;
    unsigned told_code;
    uint32_t told_port;
};

static volatile sig_atomic_t stops;

static void stop(int number)
{
    (void)number;
    stops = 1;
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void pause_ms(long ms)
{
    const struct timespec pause = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&pause, NULL);
}

/* Shows a failure, unless it is the one before once more. */
static void tell(struct service *service, const fabric_server_t *server, MYSQL *mysql)
{
    unsigned code = mysql_errno(mysql);
    if (code != service->told_code || server->port != service->told_port)
        printf("  %s of group %s, port %u: error %u, %s\n", status_name(server->status),
               server->group, (unsigned)server->port, code, mysql_error(mysql));
    service->told_code = code;
    service->told_port = server->port;
}

static void hang_up(struct connection *connection)
{
    mysql_close(connection->mysql);
    connection->mysql = NULL;
    connection->uuid[0] = '\0';
}

/* The connection to a server, made if there is none; NULL with the driver's errno if it cannot be. */
static struct connection *connect_to(struct service *service, const fabric_server_t *server,
                                     unsigned *code)
{
    struct connection *place = &service->connections[0];
    for (int i = 0; i < MAX_SERVERS; i++) {
        struct connection *at = &service->connections[i];
        if (at->mysql != NULL && strcmp(at->uuid, server->uuid) == 0)
            return at;
        if (at->mysql == NULL)
            place = at;
    }
    if (place->mysql != NULL)
        hang_up(place);
    const unsigned timeout = TIMEOUT_S;
    MYSQL *mysql = mysql_init(NULL);
    if (mysql == NULL) {
        *code = 2008; /* CR_OUT_OF_MEMORY */
        return NULL;
    }
    mysql_options(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &timeout);
    mysql_options(mysql, MYSQL_OPT_READ_TIMEOUT, &timeout);
    mysql_options(mysql, MYSQL_OPT_WRITE_TIMEOUT, &timeout);
    if (mysql_real_connect(mysql, server->host, service->user, service->password, NULL,
                           server->port, NULL, 0)
        == NULL) {
        *code = mysql_errno(mysql);
        tell(service, server, mysql);
        mysql_close(mysql);
        return NULL;
    }
    place->mysql = mysql;
    snprintf(place->uuid, sizeof place->uuid, "%s", server->uuid);
    return place;
}

/* Runs a statement on a server, and tells the library what became of it. The first number of its
 * answer goes to `number`, if it has one. The driver's errno. */
static unsigned run_on(struct service *service, const fabric_server_t *server, const char *sql,
                       long long *number)
{
    unsigned code = 0;
    struct connection *to = connect_to(service, server, &code);
    service->statements++;
    if (to != NULL) {
        code = mysql_query(to->mysql, sql) == 0 ? 0 : mysql_errno(to->mysql);
        MYSQL_RES *result = code == 0 ? mysql_store_result(to->mysql) : NULL;
        MYSQL_ROW row = result != NULL ? mysql_fetch_row(result) : NULL;
        if (row != NULL && row[0] != NULL && number != NULL)
            *number = strtoll(row[0], NULL, 10);
        mysql_free_result(result);
        if (code != 0 && code != ER_DUP_ENTRY) {
            tell(service, server, to->mysql);
            hang_up(to);
        }
    }
    fabric_report_result(service->farm, server->uuid, (int32_t)code, NULL);
    if (code != 0 && code != ER_DUP_ENTRY)
        service->failed++;
    return code;
}

/* Runs a statement about a row where the row is, on the next server if one fails. 0 if it cannot be
 * done within a minute. */
static int run(struct service *service, long long id, int32_t mode, const char *sql,
               long long *number)
{
    const fabric_key_t key = fabric_key_int(id);
    const int64_t begun = now_ms();
    for (;;) {
        fabric_server_t server;
        fabric_error_t err;
        if (fabric_get_shard_server_wait(service->farm, &table, 1, &key, FABRIC_SCOPE_LOCAL, mode,
                                         LONGEST_WAIT_MS, &server, &err)
            != FABRIC_OK) {
            failed("fabric_get_shard_server_wait", &err);
            return 0;
        }
        unsigned code = run_on(service, &server, sql, number);
        int64_t took = now_ms() - begun;
        if (code == 0 || code == ER_DUP_ENTRY) {
            /* A duplicate is a row whose first INSERT was carried out, and its answer lost. */
            if (took > service->longest_pause_ms)
                service->longest_pause_ms = took;
            if (took > 500)
                printf("  row %lld went to group %s, port %u, after %lld ms\n", id, server.group,
                       (unsigned)server.port, (long long)took);
            fflush(stdout);
            return 1;
        }
        fflush(stdout);
        if (took > LONGEST_WAIT_MS)
            return 0;
        pause_ms(10);
    }
}

static int find_row(struct service *service, long long id, int32_t mode, long long *found)
{
    char sql[80];
    *found = 0;
    snprintf(sql, sizeof sql, "SELECT COUNT(*) FROM demo.entries WHERE id = %lld", id);
    return run(service, id, mode, sql, found);
}

/* Writes rows until it is told to stop, and reads one that is older beside each. How many it wrote. */
static long long serve(struct service *service)
{
    long long written = 0;
    while (!stops) {
        long long id = written + 1, found;
        char sql[96];
        snprintf(sql, sizeof sql, "INSERT INTO demo.entries VALUES (%lld, 'row %lld')", id, id);
        if (!run(service, id, FABRIC_MODE_READWRITE, sql, NULL))
            break;
        written = id;
        if (id > 1) {
            service->reads++;
            if (!find_row(service, id / 2, FABRIC_MODE_READONLY, &found))
                break;
            service->reads_not_found += found != 1;
        }
        pause_ms(2);
    }
    return written;
}

/* Looks for each row where its key leads to. How many are there. */
static long long count_rows(struct service *service, long long written)
{
    long long there = 0;
    for (long long id = 1; id <= written; id++) {
        long long found;
        if (!find_row(service, id, FABRIC_MODE_READWRITE, &found))
            break;
        there += found;
    }
    return there;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: demo_mysql URL USER PASSWORD\n");
        return EXIT_FAILURE;
    }
    signal(SIGTERM, stop);
    signal(SIGINT, stop);
    fabric_options_t *options = fabric_options_new();
    fabric_options_set_source(options, argv[1]);
    fabric_options_set_mysql_credentials(options, argv[2], argv[3]);
    fabric_t *farm = open_farm(options);
    if (farm == NULL)
        return EXIT_FAILURE;

    struct service service = {.farm = farm, .user = argv[2], .password = argv[3]};
    long long written = serve(&service);
    unsigned long statements = service.statements, failures = service.failed;
    long long there = count_rows(&service, written);
    printf("statements                 %lu\n"
           "failed, and done again     %lu\n"
           "longest pause of a row     %lld ms\n"
           "rows written               %lld\n"
           "rows found                 %lld\n"
           "rows lost                  %lld\n"
           "reads of older rows        %lu, not found on a secondary: %lu\n",
           statements, failures, (long long)service.longest_pause_ms, written, there,
           written - there, service.reads, service.reads_not_found);
    for (int i = 0; i < MAX_SERVERS; i++)
        if (service.connections[i].mysql != NULL)
            hang_up(&service.connections[i]);
    fabric_free(farm);
    mysql_library_end();
    return written > 0 && there == written ? EXIT_SUCCESS : EXIT_FAILURE;
}
