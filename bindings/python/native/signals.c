/* Calls that may wait for the source: Python's signal handlers run meanwhile, so that Ctrl-C ends them. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fabric.h"

enum { LOOK_FOR_SIGNALS_MS = 50, LATELY_MS = 1000 };

/* Python runs signal handlers in it alone. */
static unsigned long main_thread;

/* By its ident; None is the caller. */
PyObject *set_main_thread(PyObject *module, PyObject *ident)
{
    (void)module;
    unsigned long given = ident == Py_None ? PyThread_get_thread_ident()
                                           : PyLong_AsUnsignedLong(ident);
    if (PyErr_Occurred())
        return NULL;
    main_thread = given;
    Py_RETURN_NONE;
}

typedef struct {
    farm_object *farm;
    source_call call;
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

/* An exception of a signal handler ends the call: false. */
static bool run_on_thread(farm_object *farm, source_call call, void *question, int32_t *status,
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

/* What a call asks for, of this name. */
uint64_t about(about_what what, uint64_t name)
{
    return what <= IN_MEMORY ? what
                             : ((name * ABOUT_KINDS + what) | (uint64_t)1 << 63) & ~WITH_DEADLINE;
}

static int64_t coarse_ms(void)
{
#ifdef CLOCK_MONOTONIC_COARSE
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
#else
    return now_ms();
#endif
}

static bool is_main(void)
{
    return PyThread_get_thread_ident() == main_thread;
}

static asked_before *slot_of(farm_object *farm, uint64_t asks)
{
    return &farm->asked[asks % ASKED_SLOTS];
}

/* Whether the same was answered to the main thread a moment ago: what is in use is kept fresh, and not waited for. */
static bool knows_at(farm_object *farm, uint64_t asks, int64_t now)
{
    const asked_before *before = slot_of(farm, asks);
    return before->asks == asks && asks > IN_MEMORY && now - before->at_ms < LATELY_MS;
}

bool is_known(farm_object *farm, uint64_t asks)
{
    return is_main() && knows_at(farm, asks, coarse_ms());
}

void forget_answer(farm_object *farm, uint64_t asks)
{
    slot_of(farm, asks)->asks = 0;
}

void forget_answers(farm_object *farm)
{
    memset(farm->asked, 0, sizeof farm->asked);
}

/* The call is made on a thread of its own, unless it waits for nothing, or this thread runs no signal handlers. One
 * that is interrupted for the sake of another one, whose signal handler raised, begins anew. */
bool run_call(farm_object *farm, uint64_t asks, source_call call, void *question, int32_t *status,
              fabric_error_t *err)
{
    bool waits_here = asks == IN_MEMORY || !is_main()
                      || (farm->never_waits && asks > IN_MEMORY && !(asks & WITH_DEADLINE));
    int64_t now = waits_here ? 0 : coarse_ms();
    uint64_t interrupts = farm->interrupts;
    do {
        if (!waits_here && !knows_at(farm, asks, now)) {
            if (!run_on_thread(farm, call, question, status, err))
                return false;
            now = coarse_ms();
        } else {
            PyThreadState *thread = enter(farm);
            *status = call(farm, question, err);
            leave(farm, thread);
        }
    } while (*status == FABRIC_ERR_INTERRUPTED && asks != RUNS_COMMAND
             && farm->interrupts == interrupts && farm->handle != NULL && !farm->closing);
    if (*status == FABRIC_OK && !waits_here)
        *slot_of(farm, asks) = (asked_before){asks, now};
    return true;
}
