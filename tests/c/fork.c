/* Forks under load: a child answers at once from what it inherited, may refresh for itself, may
 * free the handle, may run another program without handing a descriptor on, and never hangs. The
 * parent notices nothing.  usage: fork [cycles] */
#define _POSIX_C_SOURCE 200809L
#include "support.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const fabric_t *farm;
static volatile int done;

/* What the parent does all the time. */
static void *look_up(void *unused)
{
    (void)unused;
    while (!done) {
        uint32_t port = port_of(farm, "employees.salaries", fabric_key_int(1),
                                FABRIC_MODE_READWRITE);
        CHECK_INT(port, 33611);
    }
    return NULL;
}

/* How many descriptors would pass to a program that is executed now. */
static int open_in_a_program(void)
{
    int count = 0;
    for (int fd = 3; fd < 256; fd++) {
        int flags = fcntl(fd, F_GETFD);
        if (flags >= 0 && !(flags & FD_CLOEXEC))
            count++;
    }
    return count;
}

static uint64_t refreshes(void)
{
    fabric_metrics_t metrics;
    return fabric_get_metrics(farm, &metrics, NULL) == FABRIC_OK ? metrics.refreshes_background : 0;
}

/* Whether what was inherited is kept fresh by a refresh of the child's own, while nothing is
 * done but warm lookups. */
static int is_refreshed(void)
{
    uint64_t before = refreshes();
    for (int i = 0; i < 20000; i++) {
        fabric_server_t server;
        if (find(farm, "employees.salaries", fabric_key_int(1), FABRIC_MODE_READWRITE, &server,
                 NULL)
            != FABRIC_OK)
            return 0;
        if (refreshes() > before + 1)
            return 1;
        struct timespec pause = {.tv_nsec = 1000000};
        nanosleep(&pause, NULL);
    }
    return 0;
}

static void child(int cycle, int inherited)
{
    /* A child that hangs is ended by this, and the parent sees it. */
    alarm(60);
    fabric_server_t server;
    fabric_error_t err;
    int32_t status = find(farm, "employees.salaries", fabric_key_int(1), FABRIC_MODE_READWRITE,
                          &server, &err);
    if (status != FABRIC_OK || server.port != 33611)
        _exit(2);
    if (open_in_a_program() > inherited)
        _exit(3);
    switch (cycle % 4) {
    case 0: /* Frees what it inherited. */
        fabric_free((fabric_t *)farm);
        _exit(0);
    case 1: { /* Refreshes for itself: a fetch of its own, without waiting for the parent's. */
        size_t count;
        fabric_server_t servers[8];
        status = fabric_get_group_servers(farm, "shard1", 0, servers, 8, &count, &err);
        _exit(status == FABRIC_OK && count == 3 ? 0 : 4);
    }
    case 2: /* Becomes another program. */
        execl("/bin/true", "true", (char *)NULL);
        _exit(5);
    default: /* Goes on as its parent does, or just ends. */
        _exit(cycle % 8 == 7 || is_refreshed() ? 0 : 6);
    }
}

/* A hold is there for the gap before Fabric commits a new map: it must not end with a child's own
 * first refresh. */
static void a_hold_outlives_a_fork(void)
{
    fabric_options_t *o = options();
    CHECK_INT(fabric_options_set_ttl_ms(o, 0, 20), FABRIC_OK);
    CHECK_INT(fabric_options_set_least_write_hold_ms(o, 120000), FABRIC_OK);
    fabric_t *f = handle(o);
    fabric_server_t server;
    fabric_key_t key = fabric_key_int(1);
    const char *table = "employees.salaries";
    CHECK_INT(find(f, table, key, FABRIC_MODE_READWRITE, &server, NULL), FABRIC_OK);
    CHECK_INT(fabric_report_result(f, server.uuid, 1290, NULL), FABRIC_OK);
    CHECK_INT(find(f, table, key, FABRIC_MODE_READWRITE, &server, NULL), FABRIC_ERR_WRITE_HELD);

    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        alarm(60);
        if (fabric_get_sharding_information(f, NULL, 0, NULL) != FABRIC_OK)
            _exit(2);
        _exit(find(f, table, key, FABRIC_MODE_READWRITE, &server, NULL) != FABRIC_ERR_WRITE_HELD);
    }
    int status;
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(WIFEXITED(status));
    CHECK_INT(WEXITSTATUS(status), 0);
    fabric_free(f);
}

int main(int argc, char **argv)
{
    a_hold_outlives_a_fork();
    int cycles = argc > 1 ? atoi(argv[1]) : 1000;
    int inherited = open_in_a_program();
    fabric_options_t *o = options();
    fabric_options_set_ttl_ms(o, 0, 20); /* The parent is nearly always in a refresh. */
    fabric_options_set_refresh_share(o, 100);
    farm = handle(o);
    CHECK_INT(port_of(farm, "employees.salaries", fabric_key_int(1), FABRIC_MODE_READWRITE), 33611);

    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, look_up, NULL), 0);
    for (int cycle = 0; cycle < cycles; cycle++) {
        /* So that the child's thread has the newest at hand. */
        CHECK_INT(port_of(farm, "employees.salaries", fabric_key_int(1), FABRIC_MODE_READWRITE),
                  33611);
        pid_t pid = fork();
        CHECK(pid >= 0);
        if (pid == 0)
            child(cycle, inherited);
        int how;
        CHECK_INT(waitpid(pid, &how, 0), pid);
        if (!WIFEXITED(how) || WEXITSTATUS(how) != 0) {
            fprintf(stderr, "child %d of kind %d: exited %d with %d, signal %d\n", cycle, cycle % 4,
                    WIFEXITED(how), WIFEXITED(how) ? WEXITSTATUS(how) : 0,
                    WIFSIGNALED(how) ? WTERMSIG(how) : 0);
            return 1;
        }
    }
    done = 1;
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    fabric_free((fabric_t *)farm);
    printf("%d children, none hung, none failed\n", cycles);
    return 0;
}
