/* A process that may not change its signal masks, as in a sandbox: the library blocks signals around
 * its I/O, and must neither be ended by them nor wait for those that cannot be held back. */
#define _GNU_SOURCE
#include "support.h"

#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

/* HANG: what a wait for a signal takes that never comes. */
enum { HANG = 60 };

static atomic_int refuses, refused;

typedef int change(int, const sigset_t *, sigset_t *);

/* Stands before the C library's, for the library as well. */
int pthread_sigmask(int how, const sigset_t *set, sigset_t *before)
{
    if (atomic_load(&refuses)) {
        atomic_fetch_add(&refused, 1);
        return EINVAL;
    }
    void *next = dlsym(RTLD_NEXT, "pthread_sigmask");
    change *real;
    memcpy(&real, &next, sizeof real);
    return real(how, set, before);
}

static void uses(void (*on_signal)(int))
{
    char path[128];
    snprintf(path, sizeof path, "/tmp/mysqlfabric-no-masks-%ld", (long)getpid());
    signal(SIGPIPE, on_signal);
    signal(SIGXFSZ, on_signal);
    fabric_options_t *o = options();
    CHECK_INT(fabric_options_set_background_refresh(o, 0), FABRIC_OK);
    CHECK_INT(fabric_options_set_snapshot_file(o, path), FABRIC_OK);
    fabric_t *f = handle(o);
    atomic_store(&refuses, 1);
    CHECK_INT(port_of(f, "employees.salaries", fabric_key_int(1), FABRIC_MODE_READWRITE), 33611);
    fabric_result_t *result = NULL;
    fabric_error_t err;
    CHECK_OK(fabric_execute(f, "manage", "ping", NULL, 0, &result, &err), err);
    fabric_result_free(result);
    atomic_store(&refuses, 0);
    CHECK(atomic_exchange(&refused, 0) > 0);
    fabric_free(f);
    CHECK_INT(unlink(path), 0);
}

int main(void)
{
    alarm(HANG);
    uses(SIG_IGN);
    uses(SIG_DFL);
    return 0;
}
