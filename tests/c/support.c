#define _POSIX_C_SOURCE 200809L

#include "support.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <time.h>

void check_ok(const char *file, int line, const char *what, int32_t status,
              const fabric_error_t *err)
{
    if (status == FABRIC_OK)
        return;
    fprintf(stderr, "%s:%d: %s: %s (%s)\n", file, line, what, fabric_strerror(status),
            err->message);
    exit(1);
}

static const char *given(const char *name)
{
    const char *value = getenv(name);
    if (!value) {
        fprintf(stderr, "%s is not set; run this through tests/with-fabricd.sh\n", name);
        exit(1);
    }
    return value;
}

static uint16_t port(const char *name)
{
    return (uint16_t)strtoul(given(name), NULL, 10);
}

const char *fabricd_host(void)
{
    return given("FABRICD_HOST");
}

uint16_t fabricd_port(void)
{
    return port("FABRICD_PORT");
}

uint16_t fabricd_mysql_port(void)
{
    return port("FABRICD_MYSQL_PORT");
}

static fabric_options_t *options_for(uint16_t node)
{
    fabric_options_t *o = fabric_options_new();
    CHECK(o);
    CHECK_INT(fabric_options_add_node(o, fabricd_host(), node), FABRIC_OK);
    CHECK_INT(fabric_options_set_connect_attempts(o, 1), FABRIC_OK);
    CHECK_INT(fabric_options_set_connect_delay_ms(o, 10), FABRIC_OK);
    CHECK_INT(fabric_options_set_connect_timeout_ms(o, 30000), FABRIC_OK);
    CHECK_INT(fabric_options_set_request_timeout_ms(o, 60000), FABRIC_OK);
    CHECK_INT(fabric_options_set_lookup_timeout_ms(o, 60000), FABRIC_OK);
    return o;
}

fabric_options_t *options(void)
{
    fabric_options_t *o = options_for(fabricd_port());
    CHECK_INT(fabric_options_set_credentials(o, "admin", "secret"), FABRIC_OK);
    return o;
}

fabric_t *handle(fabric_options_t *o)
{
    fabric_t *f = NULL;
    fabric_error_t err;
    CHECK_OK(fabric_new(o, &f, &err), err);
    fabric_options_free(o);
    return f;
}

fabric_t *control(void)
{
    return handle(options_for(port("FABRICD_CONTROL_PORT")));
}

void tell(const fabric_t *ctl, const char *command, ...)
{
    const char *args[16];
    size_t n = 0;
    va_list list;
    va_start(list, command);
    for (const char *arg; (arg = va_arg(list, const char *)) != NULL; n++) {
        CHECK(n < sizeof args / sizeof *args);
        args[n] = arg;
    }
    va_end(list);
    fabric_result_t *result = NULL;
    fabric_error_t err;
    CHECK_OK(fabric_execute(ctl, "fabricd", command, args, n, &result, &err), err);
    fabric_result_free(result);
}

fabric_result_t *ask(const fabric_t *ctl, const char *command)
{
    fabric_result_t *result = NULL;
    fabric_error_t err;
    CHECK_OK(fabric_execute(ctl, "fabricd", command, NULL, 0, &result, &err), err);
    return result;
}

size_t requests_of(const fabric_t *ctl, const char *method)
{
    fabric_result_t *log = ask(ctl, "requests");
    size_t count = 0;
    CHECK_TEXT(fabric_result_column_name(log, 0, 0), "method");
    for (size_t row = 0; row < fabric_result_rows(log, 0); row++)
        count += strcmp(fabric_result_value(log, 0, row, 0, NULL), method) == 0;
    fabric_result_free(log);
    return count;
}

size_t requests(const fabric_t *ctl)
{
    fabric_result_t *log = ask(ctl, "requests");
    size_t count = fabric_result_rows(log, 0);
    fabric_result_free(log);
    return count;
}

int32_t find(const fabric_t *f, const char *table, fabric_key_t key, int32_t mode,
             fabric_server_t *server, fabric_error_t *err)
{
    return fabric_get_shard_server(f, &table, 1, &key, FABRIC_SCOPE_LOCAL, mode, server, err);
}

uint32_t port_of(const fabric_t *f, const char *table, fabric_key_t key, int32_t mode)
{
    fabric_server_t server;
    fabric_error_t err;
    CHECK_OK(find(f, table, key, mode, &server, &err), err);
    return server.port;
}

fabric_key_t text(const char *key)
{
    return fabric_key_text(key, strlen(key));
}

FILE *temporary_file(char *path)
{
    int descriptor = mkstemp(path);
    CHECK(descriptor >= 0);
    FILE *file = fdopen(descriptor, "w");
    CHECK(file != NULL);
    return file;
}

uint16_t closed_port(void)
{
    /* Bound and never listening: nobody else gets the port, and a connection is refused. */
    static int taken = -1;
    static struct sockaddr_in address;
    socklen_t size = sizeof address;
    if (taken < 0) {
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        taken = socket(AF_INET, SOCK_STREAM, 0);
        CHECK(bind(taken, (struct sockaddr *)&address, size) == 0);
        CHECK(getsockname(taken, (struct sockaddr *)&address, &size) == 0);
    }
    return ntohs(address.sin_port);
}

int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void sleep_ms(int64_t ms)
{
    struct timespec pause = {ms / 1000, (ms % 1000) * 1000000};
    nanosleep(&pause, NULL);
}

void check_untouched(const char *file, int line, int number)
{
    sigset_t set;
    check_int(file, line, "sigpending()", sigpending(&set), 0);
    check_int(file, line, "a pending signal", sigismember(&set, number), 0);
    check_int(file, line, "pthread_sigmask()", pthread_sigmask(SIG_BLOCK, NULL, &set), 0);
    check_int(file, line, "a blocked signal", sigismember(&set, number), 0);
}

enum { PATTERN = 0xA5 };

void fill(void *object, size_t size)
{
    memset(object, PATTERN, size);
}

int is_filled(const void *object, size_t size)
{
    const unsigned char *bytes = object;
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != PATTERN)
            return 0;
    return 1;
}
