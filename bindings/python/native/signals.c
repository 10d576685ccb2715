/* Calls that may wait for long: Python's signal handlers run meanwhile, so that Ctrl-C ends them. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "fabric.h"

enum { LOOK_FOR_SIGNALS_MS = 50 };

typedef struct {
    farm_object *farm;
    long_call call;
    void *question;
    fabric_error_t *err;
    int32_t status;
    bool is_done;
    pthread_mutex_t lock;
    pthread_cond_t done;
} job;

int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void *work(void *argument)
{
    job *j = argument;
    farm_object *farm = j->farm;
    int32_t status = j->call(farm, j->question, j->err);
    pthread_mutex_lock(&j->lock);
    j->status = status;
    j->is_done = true;
    pthread_cond_signal(&j->done);
    pthread_mutex_unlock(&j->lock);
    atomic_fetch_sub(&farm->workers, 1);
    return NULL;
}

/* With no signal of the process: those are for the threads of Python. */
static bool start(job *j, pthread_t *thread)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(thread, NULL, work, j) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

static bool is_done_after(job *j, int64_t milliseconds)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t nanoseconds = until.tv_nsec + milliseconds * 1000000;
    until.tv_sec += nanoseconds / 1000000000;
    until.tv_nsec = nanoseconds % 1000000000;
    PyThreadState *thread = PyEval_SaveThread();
    pthread_mutex_lock(&j->lock);
    while (!j->is_done && pthread_cond_timedwait(&j->done, &j->lock, &until) == 0)
        continue;
    bool is_done = j->is_done;
    pthread_mutex_unlock(&j->lock);
    PyEval_RestoreThread(thread);
    return is_done;
}

/* The call is made on a thread of its own. An exception of a signal handler ends it, and with it the waits of other
 * threads in this farm. */
bool run_call(farm_object *farm, long_call call, void *question, int32_t *status,
              fabric_error_t *err)
{
    job j = {.farm = farm, .call = call, .question = question, .err = err};
    pthread_condattr_t attributes;
    pthread_t thread;
    pid_t process = getpid();
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&j.lock, NULL);
    pthread_cond_init(&j.done, &attributes);
    pthread_condattr_destroy(&attributes);
    atomic_fetch_add(&farm->workers, 1);
    bool has_raised = false;
    if (!start(&j, &thread)) {
        atomic_fetch_sub(&farm->workers, 1);
        PyThreadState *without = enter(farm);
        j.status = call(farm, question, err);
        leave(farm, without);
    } else {
        while (!is_done_after(&j, has_raised ? 1 : LOOK_FOR_SIGNALS_MS)) {
            if (!has_raised && PyErr_CheckSignals() != 0)
                has_raised = true;
            /* A handler has forked, and this is the child: the thread is its parent's. */
            if (getpid() != process) {
                snprintf(err->message, sizeof err->message, "the process forked during the call");
                *status = err->code = FABRIC_ERR_INTERRUPTED;
                return !has_raised;
            }
            /* The call may not have begun to wait at the first time. A handler that has closed the farm waited. */
            if (has_raised && farm->handle != NULL && !farm->closing)
                fabric_interrupt(farm->handle);
        }
        pthread_join(thread, NULL);
    }
    pthread_cond_destroy(&j.done);
    pthread_mutex_destroy(&j.lock);
    *status = j.status;
    return !has_raised;
}
