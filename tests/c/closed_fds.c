/* A process that closes descriptors which are not its own, as one that makes itself a daemon does,
 * while the library has a request on the wire: an error, and never the end of the process.
 * usage: closed_fds [rounds] */
#define _DEFAULT_SOURCE
#include "support.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

static fabric_t *farm;
static volatile int done;
static volatile long answered, refused;

static void *fetch(void *unused)
{
    (void)unused;
    while (!done) {
        fabric_error_t err;
        fabric_server_t server;
        CHECK_INT(fabric_reset_cache(farm, NULL, NULL), FABRIC_OK);
        if (fabric_seed(farm, NULL, 0, &err) == FABRIC_OK)
            answered++;
        else {
            CHECK(err.code != FABRIC_ERR_PANIC);
            refused++;
        }
        int32_t status = find(farm, "employees.salaries", fabric_key_int(1), FABRIC_MODE_READWRITE,
                              &server, &err);
        CHECK(status != FABRIC_ERR_PANIC);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 300;
    alarm(100);
    fabric_options_t *o = options();
    fabric_options_set_ttl_ms(o, 0, 20);
    fabric_options_set_connect_timeout_ms(o, 500);
    fabric_options_set_request_timeout_ms(o, 1000);
    farm = handle(o);
    CHECK_INT(port_of(farm, "employees.salaries", fabric_key_int(1), FABRIC_MODE_READWRITE), 33611);
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, fetch, NULL), 0);
    srand(1);
    /* On a busy machine it may take more of them to meet a request. */
    for (int round = 0; round < rounds || (refused == 0 && round < 20 * rounds); round++) {
        usleep((useconds_t)(rand() % 30000));
        for (int fd = 3; fd < 64; fd++)
            close(fd);
    }
    done = 1;
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    CHECK(refused > 0);

    /* Nobody closes anything any more, and all is well. */
    fabric_error_t err;
    CHECK_OK(fabric_seed(farm, NULL, 0, &err), err);
    CHECK_INT(port_of(farm, "employees.salaries", fabric_key_int(1), FABRIC_MODE_READWRITE), 33611);
    fabric_free(farm);
    printf("%ld fetches answered, %ld refused\n", answered, refused);
    return 0;
}
