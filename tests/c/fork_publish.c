/* Forks right after a farm of 20,000 text bounds was published, while another thread takes the one
 * before apart: the child's first fetch takes every lock that a fetch takes, and none of them may
 * be one that its parent's threads held.  usage: fork_publish [forks] */
#define _POSIX_C_SOURCE 200809L
#include "support.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BOUNDS = 20000, READERS = 7, PUBLISHERS = 1 };

static char dir[] = "/tmp/fork_publish.XXXXXX";
static char path[64], farms[2][64];
static fabric_t *farm;
static volatile int done;
static pthread_mutex_t changing = PTHREAD_MUTEX_INITIALIZER;
static int generation;

/* The weight of a server tells one farm from the other. */
static void write_farm(const char *file, const char *weight)
{
    FILE *out = fopen(file, "w");
    CHECK(out);
    fprintf(out, "{\"format\": \"libmysqlfabric topology\", \"version\": 1, \"ttl_ms\": 3600000,\n"
                 "\"tables\": [{\"schema\": \"crm\", \"table\": \"names\", \"column\": \"name\",\n"
                 "\"type\": \"RANGE_STRING\", \"global_group\": \"all\", \"shards\": [\n"
                 "{\"id\": 1, \"lower_bound\": \"\", \"group\": \"all\"}");
    for (int i = 1; i < BOUNDS; i++)
        fprintf(out, ",\n{\"id\": %d, \"lower_bound\": \"name-%08d-of-many\", \"group\": \"all\"}",
                i + 1, i);
    fprintf(out,
            "]}],\n\"groups\": [{\"id\": \"all\", \"servers\": [\n"
            "{\"uuid\": \"00000000-0000-0000-0000-000000000001\", \"host\": \"127.0.0.1\",\n"
            "\"port\": 3306, \"mode\": \"READ_WRITE\", \"status\": \"PRIMARY\",\n"
            "\"weight\": %s}]}]}\n",
            weight);
    CHECK_INT(fclose(out), 0);
}

/* Puts the other farm in the place of the one in use, and has it read. */
static void change(void)
{
    char next[80];
    CHECK_INT(pthread_mutex_lock(&changing), 0);
    snprintf(next, sizeof next, "%s.next", path);
    CHECK_INT(link(farms[generation++ % 2], next), 0);
    CHECK_INT(rename(next, path), 0);
    CHECK_INT(pthread_mutex_unlock(&changing), 0);
    fabric_error_t err;
    CHECK_OK(fabric_seed(farm, NULL, 0, &err), err);
}

static void *publish(void *unused)
{
    (void)unused;
    while (!done)
        change();
    return NULL;
}

static void *look_up(void *unused)
{
    (void)unused;
    while (!done)
        CHECK_INT(port_of(farm, "crm.names", text("name-00012345-of-many"), FABRIC_MODE_READWRITE),
                  3306);
    return NULL;
}

static void child(int number)
{
    /* A child that hangs is ended by this, and the parent sees it. */
    alarm(120);
    fabric_error_t err;
    if (number % 4 != 3) {
        CHECK_INT(fabric_reset_cache(farm, NULL, NULL), FABRIC_OK);
        if (fabric_seed(farm, NULL, 0, &err) != FABRIC_OK)
            _exit(2);
    }
    fabric_server_t server;
    if (find(farm, "crm.names", text("name-00000001-of-many"), FABRIC_MODE_READONLY, &server, &err)
            != FABRIC_OK
        || server.port != 3306)
        _exit(3);
    if (number % 2)
        fabric_free(farm);
    _exit(0);
}

int main(int argc, char **argv)
{
    int forks = argc > 1 ? atoi(argv[1]) : 300;
    CHECK(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/farm.json", dir);
    for (int i = 0; i < 2; i++) {
        snprintf(farms[i], sizeof farms[i], "%s/farm%d.json", dir, i);
        write_farm(farms[i], i ? "0.5" : "1.0");
    }
    CHECK_INT(link(farms[1], path), 0);
    fabric_options_t *o = fabric_options_new();
    fabric_options_set_topology_file(o, path);
    farm = handle(o);
    change();

    pthread_t threads[READERS + PUBLISHERS];
    for (int i = 0; i < READERS + PUBLISHERS; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, i < READERS ? look_up : publish, NULL), 0);
    int hung = 0, failed = 0;
    for (int number = 0; number < forks; number++) {
        /* A new number is seen before what it replaced is gone. */
        uint64_t before = fabric_topology_generation(farm);
        while (fabric_topology_generation(farm) == before)
            continue;
        pid_t pid = fork();
        CHECK(pid >= 0);
        if (pid == 0)
            child(number);
        int how;
        CHECK_INT(waitpid(pid, &how, 0), pid);
        if (WIFSIGNALED(how) && WTERMSIG(how) == SIGALRM)
            hung++;
        else if (!WIFEXITED(how) || WEXITSTATUS(how) != 0) {
            fprintf(stderr, "child %d: exited %d with %d, signal %d\n", number, WIFEXITED(how),
                    WIFEXITED(how) ? WEXITSTATUS(how) : 0, WIFSIGNALED(how) ? WTERMSIG(how) : 0);
            failed++;
        }
        if (hung + failed)
            break;
    }
    done = 1;
    for (int i = 0; i < READERS + PUBLISHERS; i++)
        pthread_join(threads[i], NULL);
    fabric_free(farm);
    for (int i = 0; i < 2; i++)
        unlink(farms[i]);
    unlink(path);
    rmdir(dir);
    CHECK_INT(failed, 0);
    CHECK_INT(hung, 0);
    printf("%d children, none hung, none failed\n", forks);
    return 0;
}
