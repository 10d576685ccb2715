/* A resolver that does not answer. This program has its own: names wait until they are let go,
 * and are all 127.0.0.1 then. Nothing may pile up meanwhile, and nobody may wait longer than they
 * said; handles come and go. */
#define _GNU_SOURCE

#include "support.h"

#include <dirent.h>
#include <dlfcn.h>
#include <netdb.h>
#include <pthread.h>

enum { CONNECT_MS = 50, GENEROUS_MS = 10000, ATTEMPTS = 30, MOST_THREADS = 8 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t let_go = PTHREAD_COND_INITIALIZER;
static int answers, asked;

/* The library's resolver is this one, since a program's names come before those of its
 * libraries. */
int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                struct addrinfo **found)
{
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    void *symbol = dlsym(RTLD_NEXT, "getaddrinfo");
    memcpy(&real, &symbol, sizeof real);
    size_t length = name ? strlen(name) : 0;
    if (length < 5 || strcmp(name + length - 5, ".test") != 0)
        return real(name, service, hints, found);
    pthread_mutex_lock(&mutex);
    asked++;
    while (!answers)
        pthread_cond_wait(&let_go, &mutex);
    pthread_mutex_unlock(&mutex);
    return real("127.0.0.1", service, hints, found);
}

static int threads(void)
{
    int count = 0;
    DIR *tasks = opendir("/proc/self/task");
    CHECK(tasks != NULL);
    while (readdir(tasks))
        count++;
    closedir(tasks);
    return count - 2;
}

static fabric_t *named(const char *name)
{
    fabric_options_t *o = fabric_options_new();
    CHECK_INT(fabric_options_add_node(o, name, fabricd_port()), FABRIC_OK);
    CHECK_INT(fabric_options_set_credentials(o, "admin", "secret"), FABRIC_OK);
    CHECK_INT(fabric_options_set_connect_attempts(o, 1), FABRIC_OK);
    CHECK_INT(fabric_options_set_connect_timeout_ms(o, CONNECT_MS), FABRIC_OK);
    return handle(o);
}

/* Fails in time, leaves nothing of the handle behind, and does not hold its end up. */
static void try_in_vain(const char *name)
{
    fabric_t *f = named(name);
    fabric_server_t server;
    int64_t begun = now_ms();
    int32_t status = find(f, "employees.salaries", fabric_key_int(1), FABRIC_MODE_READWRITE,
                          &server, NULL);
    CHECK_INT(status, FABRIC_ERR_TIMEOUT);
    fabric_free(f);
    CHECK(now_ms() - begun < GENEROUS_MS);
}

int main(void)
{
    int before = threads();
    for (int i = 0; i < ATTEMPTS; i++)
        try_in_vain("hung.test");
    int same = threads() - before;
    for (int i = 0; i < ATTEMPTS; i++) {
        char name[32];
        snprintf(name, sizeof name, "hung%d.test", i);
        try_in_vain(name);
    }
    int different = threads() - before;
    pthread_mutex_lock(&mutex);
    int look_ups = asked;
    pthread_mutex_unlock(&mutex);
    printf("%d attempts with one name: %d threads; %d more with others: %d, and %d look-ups\n",
           ATTEMPTS, same, ATTEMPTS, different, look_ups);
    fflush(stdout);
    CHECK_INT(same, 1);
    CHECK(different <= MOST_THREADS && look_ups <= MOST_THREADS);

    /* An answer that comes late is an answer, and the next name is looked up. */
    pthread_mutex_lock(&mutex);
    answers = 1;
    pthread_cond_broadcast(&let_go);
    pthread_mutex_unlock(&mutex);
    int64_t end = now_ms() + 6 * GENEROUS_MS;
    int32_t status;
    do {
        fabric_t *f = named("late.test");
        fabric_server_t server;
        status = find(f, "employees.salaries", fabric_key_int(1), FABRIC_MODE_READWRITE, &server,
                      NULL);
        fabric_free(f);
    } while (status != FABRIC_OK && now_ms() < end);
    CHECK_INT(status, FABRIC_OK);
    while (threads() > before && now_ms() < end)
        sleep_ms(5);
    CHECK_INT(threads(), before);
    return 0;
}
