/* Messages of the library on their way to Python's logging.
 *
 * Threads of the library put them here and never touch the interpreter, which may be busy or ending; a
 * thread of Python takes them. One queue serves all farms. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fabric.h"

/* More than this many wait for nobody: the newest are kept. */
enum { MOST_MESSAGES = 1024 };

typedef struct message {
    struct message *next;
    int32_t level;
    char text[];
} message;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t arrived = PTHREAD_COND_INITIALIZER;
static message *oldest, *newest;
static size_t waiting, lost;
static bool ended;

static void put(int32_t level, const char *text, void *unused)
{
    (void)unused;
    size_t length = strlen(text) + 1;
    message *made = malloc(sizeof *made + length), *dropped = NULL;
    if (made == NULL)
        return;
    made->next = NULL;
    made->level = level;
    memcpy(made->text, text, length);
    pthread_mutex_lock(&lock);
    if (waiting == MOST_MESSAGES) {
        dropped = oldest;
        oldest = oldest->next;
        waiting--;
        lost++;
    }
    if (oldest == NULL)
        oldest = made;
    else
        newest->next = made;
    newest = made;
    waiting++;
    pthread_cond_signal(&arrived);
    pthread_mutex_unlock(&lock);
    free(dropped);
}

int32_t log_to_queue(fabric_options_t *options, int32_t level)
{
    return fabric_options_set_log(options, level, put, NULL, NULL);
}

/* take_log(seconds): (messages as (level, text), how many were lost, whether the log has ended). */
PyObject *take_log(PyObject *module, PyObject *timeout)
{
    (void)module;
    double seconds = PyFloat_AsDouble(timeout);
    if (seconds == -1.0 && PyErr_Occurred())
        return NULL;
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += (time_t)seconds;
    PyThreadState *thread = PyEval_SaveThread();
    pthread_mutex_lock(&lock);
    int late = seconds <= 0 ? ETIMEDOUT : 0;
    while (oldest == NULL && !ended && late == 0)
        late = pthread_cond_timedwait(&arrived, &lock, &until);
    message *taken = oldest;
    size_t lost_now = lost;
    bool ended_now = ended;
    oldest = newest = NULL;
    waiting = lost = 0;
    pthread_mutex_unlock(&lock);
    PyEval_RestoreThread(thread);
    PyObject *list = PyList_New(0);
    while (taken != NULL) {
        message *next = taken->next;
        PyObject *pair = list == NULL
                             ? NULL
                             : Py_BuildValue("(iN)", (int)taken->level, of_text(taken->text));
        if (pair == NULL || PyList_Append(list, pair) != 0)
            Py_CLEAR(list);
        Py_XDECREF(pair);
        free(taken);
        taken = next;
    }
    return list == NULL
               ? NULL
               : Py_BuildValue("(NnO)", list, (Py_ssize_t)lost_now, ended_now ? Py_True : Py_False);
}

/* Has who waits in take_log() return at once, now and later. */
PyObject *end_log(PyObject *module, PyObject *unused)
{
    (void)module, (void)unused;
    pthread_mutex_lock(&lock);
    ended = true;
    pthread_cond_broadcast(&arrived);
    pthread_mutex_unlock(&lock);
    Py_RETURN_NONE;
}

/* For a forked child: its lock may have been held by a thread that it does not have. */
PyObject *renew_log(PyObject *module, PyObject *unused)
{
    (void)module, (void)unused;
    lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    arrived = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
    oldest = newest = NULL;
    waiting = lost = 0;
    Py_RETURN_NONE;
}
