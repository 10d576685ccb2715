/* Messages of the library on their way to Python's logging.
 *
 * Threads of the library put them here and never touch the interpreter, which may be busy or ending; a
 * thread of Python takes them when a pipe says that there are some. One queue serves all farms. */
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fabric.h"

/* More than this many wait for nobody: the newest are kept. */
enum { MOST_MESSAGES = 1024 };

typedef struct message {
    struct message *next;
    int32_t level;
    char text[];
} message;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static message *oldest, *newest;
static size_t waiting, lost;
static bool ended;
/* Has a byte while messages wait, or the log has ended. */
static int pipes[2] = {-1, -1};

/* Under the lock. A full pipe has what it needs. */
static void wake(void)
{
    if (pipes[1] >= 0 && write(pipes[1], "", 1) < 0)
        return;
}

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
    if (oldest == NULL) {
        oldest = made;
        wake();
    } else
        newest->next = made;
    newest = made;
    waiting++;
    pthread_mutex_unlock(&lock);
    free(dropped);
}

int32_t log_to_queue(fabric_options_t *options, int32_t level)
{
    return fabric_options_set_log(options, level, put, NULL, NULL);
}

/* open_log(): a descriptor that is readable while messages wait, or the log has ended. A forked child opens one of
 * its own: its parent reads the other, and a thread that it does not have may have held the lock. */
PyObject *open_log(PyObject *module, PyObject *unused)
{
    (void)module, (void)unused;
    lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    oldest = newest = NULL;
    waiting = lost = 0;
    ended = false;
    if (pipes[0] >= 0) {
        close(pipes[0]);
        close(pipes[1]);
    }
    if (pipe(pipes) != 0) {
        pipes[0] = pipes[1] = -1;
        return PyErr_SetFromErrno(PyExc_OSError);
    }
    for (int at = 0; at < 2; at++) {
        fcntl(pipes[at], F_SETFD, FD_CLOEXEC);
        fcntl(pipes[at], F_SETFL, O_NONBLOCK);
    }
    return PyLong_FromLong(pipes[0]);
}

/* take_log(): (messages as (level, text), how many were lost, whether the log has ended). Never waits. */
PyObject *take_log(PyObject *module, PyObject *unused)
{
    (void)module, (void)unused;
    char bytes[64];
    pthread_mutex_lock(&lock);
    while (pipes[0] >= 0 && !ended && read(pipes[0], bytes, sizeof bytes) > 0)
        continue;
    message *taken = oldest;
    size_t lost_now = lost;
    bool ended_now = ended;
    oldest = newest = NULL;
    waiting = lost = 0;
    pthread_mutex_unlock(&lock);
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

/* Has the descriptor be readable from now on. */
PyObject *end_log(PyObject *module, PyObject *unused)
{
    (void)module, (void)unused;
    pthread_mutex_lock(&lock);
    ended = true;
    wake();
    pthread_mutex_unlock(&lock);
    Py_RETURN_NONE;
}
