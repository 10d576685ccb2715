/* Eight threads share one handle, without a lock, and their reads spread over the secondaries
 * by weight.  usage: threads [host [port]] */
#include "example.h"

#include <pthread.h>
#include <string.h>

enum { THREADS = 8, LOOKUPS = 2000, SERVERS = 8 };

struct worker {
    const fabric_t *farm;
    pthread_t thread;
    int32_t status;
    fabric_error_t err;
    struct {
        uint32_t port;
        unsigned picks;
    } seen[SERVERS];
};

static void count(struct worker *w, uint32_t port, unsigned picks)
{
    for (size_t i = 0; i < SERVERS; i++) {
        if (w->seen[i].picks == 0)
            w->seen[i].port = port;
        if (w->seen[i].port == port) {
            w->seen[i].picks += picks;
            return;
        }
    }
}

static void *work(void *argument)
{
    struct worker *w = argument;
    const char *tables[] = {"employees.salaries"};
    for (int i = 0; i < LOOKUPS; i++) {
        fabric_key_t key = fabric_key_int(1 + i);
        fabric_server_t server;
        w->status = fabric_get_shard_server(w->farm, tables, 1, &key, FABRIC_SCOPE_LOCAL,
                                            FABRIC_MODE_READONLY, &server, &w->err);
        if (w->status != FABRIC_OK)
            break;
        count(w, server.port, 1);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    fabric_t *farm = open_farm(options_of(argc, argv));
    if (farm == NULL)
        return EXIT_FAILURE;

    int status = EXIT_SUCCESS;
    struct worker workers[THREADS];
    memset(workers, 0, sizeof workers);
    int started = 0;
    while (started < THREADS) {
        workers[started].farm = farm;
        int error = pthread_create(&workers[started].thread, NULL, work, &workers[started]);
        if (error != 0) {
            fprintf(stderr, "pthread_create: %s\n", strerror(error));
            status = EXIT_FAILURE;
            break;
        }
        started++;
    }

    struct worker total;
    memset(&total, 0, sizeof total);
    for (int i = 0; i < started; i++) {
        /* A handle must not be freed before the last thread that uses it is done. */
        int error = pthread_join(workers[i].thread, NULL);
        if (error != 0) {
            fprintf(stderr, "pthread_join: %s\n", strerror(error));
            return EXIT_FAILURE;
        }
        if (workers[i].status != FABRIC_OK)
            status = failed("fabric_get_shard_server", &workers[i].err);
        for (size_t s = 0; s < SERVERS && workers[i].seen[s].picks > 0; s++)
            count(&total, workers[i].seen[s].port, workers[i].seen[s].picks);
    }

    printf("%d threads, %d lookups each\n", started, LOOKUPS);
    for (size_t s = 0; s < SERVERS && total.seen[s].picks > 0; s++)
        printf("  port %u: %u reads\n", (unsigned)total.seen[s].port, total.seen[s].picks);

    fabric_free(farm);
    return status;
}
