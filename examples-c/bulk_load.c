/* A bulk load: rows come from standard input, a line each, and go to the servers that hold them: one INSERT of many rows
 * for each server and batch, and once more to the next server where one fails.
 *
 * usage: bulk_load URL USER PASSWORD <lines of "id body", where a body has 40 bytes at most
 *
 * The farm and its table are those of service.c. */
#define _POSIX_C_SOURCE 200809L
#include <mysqlfabric.h>

#include <errno.h>
#include <inttypes.h>
#include <mysql.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BATCH = 1000, BODY = 40, SERVERS = 64, TIMEOUT_S = 5, PATIENCE_S = 60 };

static const char *user, *password;
static fabric_t *farm;
static int64_t ids[BATCH];
static char bodies[BATCH][BODY + 1];
static char failure[1024]; /* the last one */

/* One connection is enough here: those who load in parallel run several such programs. It has an end in time, and the
 * server ends a wait for a lock before that: see pool.h. */
static int insert(const fabric_server_t *server, const char *sql, size_t length, int32_t *action)
{
    const unsigned timeout = TIMEOUT_S;
    MYSQL *mysql = mysql_init(NULL);
    if (!mysql) {
        snprintf(failure, sizeof failure, "there is no memory for a connection");
        return 0;
    }
    mysql_options(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &timeout);
    mysql_options(mysql, MYSQL_OPT_READ_TIMEOUT, &timeout);
    mysql_options(mysql, MYSQL_OPT_WRITE_TIMEOUT, &timeout);
    mysql_options(mysql, MYSQL_INIT_COMMAND,
                  "SET SESSION innodb_lock_wait_timeout = 3, lock_wait_timeout = 3");
    unsigned code = 0;
    if (!mysql_real_connect(mysql, server->host, user, password, "demo", server->port, NULL, 0)
        || mysql_real_query(mysql, sql, (unsigned long)length) != 0)
        code = mysql_errno(mysql);
    fabric_report_error(farm, server->uuid, (int32_t)code, mysql_error(mysql), action, NULL);
    if (code != 0)
        snprintf(failure, sizeof failure, "%s:%u: error %u: %s", server->host,
                 (unsigned)server->port, code, mysql_error(mysql));
    mysql_close(mysql);
    return code == 0;
}

/* Loads the rows of one server. A row may be sent twice, if the answer to the first time was lost. */
static int load_part(const fabric_server_t *server, const size_t *rows, size_t count,
                     int32_t *action)
{
    static char sql[BATCH * (2 * BODY + 40) + 100];
    size_t length = (size_t)sprintf(sql, "INSERT IGNORE INTO entries VALUES ");
    for (size_t i = 0; i < count; i++) {
        /* A body in hexadecimal digits is safe whatever is in it. */
        length += (size_t)sprintf(sql + length, "%s(%" PRId64 ",x'", i ? "," : "", ids[rows[i]]);
        const char *body = bodies[rows[i]];
        length += mysql_hex_string(sql + length, body, (unsigned long)strlen(body));
        length += (size_t)sprintf(sql + length, "')");
    }
    return insert(server, sql, length, action);
}

/* Loads `count` rows, and those again whose server failed, at the server that is next. */
static int load(size_t count)
{
    static const char *const tables[] = {"demo.entries"};
    const struct timespec pause = {0, 100 * 1000 * 1000};
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    for (const time_t end = now.tv_sec + PATIENCE_S; count > 0 && now.tv_sec < end;
         clock_gettime(CLOCK_MONOTONIC, &now)) {
        size_t order[BATCH], starts[SERVERS + 1], servers, left = 0;
        fabric_server_t found[SERVERS];
        fabric_error_t err;
        fabric_keys_t keys = fabric_keys_int(ids, count);
        int32_t status = fabric_split_keys(farm, tables, 1, &keys, FABRIC_SCOPE_LOCAL,
                                           FABRIC_MODE_READWRITE, order, starts, NULL, found,
                                           SERVERS, &servers, &err);
        if (status != FABRIC_OK)
            snprintf(failure, sizeof failure, "%s", err.message);
        if (status != FABRIC_OK && status != FABRIC_ERR_SOME_KEYS)
            return 0;
        char again[BATCH] = {0};
        for (size_t s = 0; s < servers; s++) {
            int32_t action = FABRIC_ACTION_NONE;
            int well = load_part(&found[s], order + starts[s], starts[s + 1] - starts[s], &action);
            if (!well && action == FABRIC_ACTION_NONE)
                return 0;
            for (size_t i = starts[s]; !well && i < starts[s + 1]; i++)
                again[order[i]] = 1;
        }
        for (size_t i = starts[servers]; i < count; i++)
            again[order[i]] = 1; /* no server now, such as a group between two primaries */
        for (size_t i = 0; i < count; i++)
            if (again[i]) {
                ids[left] = ids[i];
                memmove(bodies[left++], bodies[i], BODY + 1);
            }
        count = left;
        if (count > 0)
            nanosleep(&pause, NULL);
    }
    return count == 0;
}

/* Reads a line into row `at`: 1, or 0 at the end, or -1 if it is no row. A body that is too long is not cut. */
static int read_row(size_t at)
{
    static char *line;
    static size_t size;
    const ssize_t length = getline(&line, &size, stdin);
    if (length < 0) {
        free(line);
        return feof(stdin) ? 0 : -1;
    }
    if (line[length - 1] == '\n')
        line[length - 1] = '\0';
    char *body;
    errno = 0;
    ids[at] = strtoll(line, &body, 10);
    if (body == line || errno != 0 || *body++ != ' ' || strlen(body) > BODY || *body == '\0'
        || body + strlen(body) + 1 < line + length)
        return -1;
    strcpy(bodies[at], body);
    return 1;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: bulk_load URL USER PASSWORD\n");
        return EXIT_FAILURE;
    }
    user = argv[2];
    password = argv[3];
    fabric_options_t *options = fabric_options_new();
    fabric_options_set_source(options, argv[1]);
    fabric_options_set_mysql_credentials(options, user, password);
    fabric_error_t err;
    int32_t status = fabric_new(options, &farm, &err);
    fabric_options_free(options);
    if (status != FABRIC_OK) {
        fprintf(stderr, "bulk_load: %s\n", err.message);
        return EXIT_FAILURE;
    }
    size_t count = 0;
    long loaded = 0;
    int more = 1, well = 1;
    while (more > 0 && well) {
        more = read_row(count);
        count += more > 0;
        if (count == BATCH || more <= 0) {
            well = load(count);
            loaded += well ? (long)count : 0;
            count = 0;
        }
    }
    if (!well)
        fprintf(stderr, "bulk_load: after %ld rows: %s\n", loaded, failure);
    else if (more < 0)
        fprintf(stderr, "bulk_load: line %ld is no \"id body\" with 1 to %d bytes\n", loaded + 1,
                BODY);
    well = well && more == 0;
    if (well)
        printf("loaded %ld rows\n", loaded);
    fabric_free(farm);
    mysql_library_end();
    return well ? EXIT_SUCCESS : EXIT_FAILURE;
}
