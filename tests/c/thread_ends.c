/* What the service keeps for a thread ends with the thread, and may have a handle with it: the
 * destructor of a key (pthread_key_create) makes calls on a thread that is ending, again and again,
 * and after the library has given up what it kept for the thread itself. */
#define _POSIX_C_SOURCE 200809L

#include "support.h"

#include <pthread.h>

enum { ROUNDS = 4, WAYS = 4 };

static pthread_key_t key;
static int rounds[WAYS];
static fabric_t *shared;

struct kept {
    int way, round;
};

static void use(int way)
{
    fabric_error_t error;
    fabric_t *f = way == 3 ? shared : handle(options());
    if (way == 0)
        CHECK_INT(port_of(f, "employees.salaries", fabric_key_int(1), FABRIC_MODE_READWRITE),
                  33611);
    if (way == 1) {
        fabric_result_t *result = NULL;
        CHECK_OK(fabric_execute(f, "manage", "ping", NULL, 0, &result, &error), error);
        fabric_result_free(result);
    }
    if (way == 2)
        CHECK_OK(fabric_seed(f, fabricd_host(), fabricd_port(), &error), error);
    if (way == 3)
        CHECK_OK(fabric_reset_cache(f, NULL, &error), error);
    if (way == 3)
        CHECK_INT(port_of(f, "employees.salaries", fabric_key_int(1), FABRIC_MODE_READWRITE),
                  33611);
    if (way != 3)
        fabric_free(f);
}

static void end(void *value)
{
    struct kept *kept = value;
    use(kept->way);
    rounds[kept->way]++;
    if (++kept->round < ROUNDS)
        CHECK_INT(pthread_setspecific(key, kept), 0);
}

static void *work(void *value)
{
    struct kept *kept = value;
    use(kept->way);
    CHECK_INT(pthread_setspecific(key, kept), 0);
    return NULL;
}

int main(void)
{
    CHECK_INT(pthread_key_create(&key, end), 0);
    shared = handle(options());
    for (int way = 0; way < WAYS; way++) {
        struct kept kept = {way, 0};
        pthread_t thread;
        CHECK_INT(pthread_create(&thread, NULL, work, &kept), 0);
        CHECK_INT(pthread_join(thread, NULL), 0);
        CHECK_INT(rounds[way], ROUNDS);
    }
    fabric_free(shared);
    return 0;
}
