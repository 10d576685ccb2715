/* Eight threads report different servers to a Fabric that refuses, on one processor: each report
 * ends at once, and the next starts a thread while the one before is about to end. Nobody waits
 * for anybody.  usage: reports [rounds] */
#define _GNU_SOURCE
#include "support.h"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

enum { THREADS = 8 };

static fabric_t *farm;
static int rounds;

static void *report(void *number)
{
    for (int i = 0; i < rounds; i++) {
        char uuid[64];
        snprintf(uuid, sizeof uuid, "%08x-0000-0000-0000-%012x", *(int *)number, i % 16);
        CHECK_INT(fabric_report_failure(farm, uuid, 2003, NULL), FABRIC_OK);
        /* So that the report ends, and the next one starts a thread. */
        if (i % 3)
            sched_yield();
    }
    return NULL;
}

int main(int argc, char **argv)
{
    rounds = argc > 1 ? atoi(argv[1]) : 1000;
    /* Threads that wait for ever are ended by this. */
    alarm(100);
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    CHECK_INT(sched_setaffinity(0, sizeof one, &one), 0);

    fabric_options_t *o = fabric_options_new();
    fabric_options_add_node(o, "127.0.0.1", closed_port());
    fabric_options_set_report_errors(o, FABRIC_REPORT_FAILURE);
    fabric_options_set_report_window_ms(o, 1);
    farm = handle(o);
    pthread_t threads[THREADS];
    int numbers[THREADS];
    for (int i = 0; i < THREADS; i++) {
        numbers[i] = i;
        CHECK_INT(pthread_create(&threads[i], NULL, report, &numbers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        CHECK_INT(pthread_join(threads[i], NULL), 0);
    fabric_free(farm);
    return 0;
}
