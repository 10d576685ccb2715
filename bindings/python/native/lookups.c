/* One server for one question: by the names of tables, by an opened table, or of a group. */
#include <stdio.h>
#include <string.h>

#include "fabric.h"

typedef struct {
    farm_object *farm;
    const fabric_table_t *table;
    const char *group;
    names_argument names;
    key_argument key;
    int32_t scope, mode, status;
    /* Milliseconds; negative for a call that does not wait for a server. */
    int64_t wait;
} question;

static int32_t ask(const question *q, const fabric_key_t *key, int64_t deadline,
                   fabric_server_t *server, fabric_error_t *err)
{
    const fabric_t *f = q->farm->handle;
    if (q->table != NULL)
        return deadline < 0 ? fabric_table_get_server(q->table, key, q->scope, q->mode, server, err)
                            : fabric_table_get_server_wait(q->table, key, q->scope, q->mode,
                                                           deadline, server, err);
    if (q->group != NULL)
        return deadline < 0 ? fabric_get_group_server(f, q->group, q->mode, q->status, server, err)
                            : fabric_get_group_server_wait(f, q->group, q->mode, q->status,
                                                           deadline, server, err);
    return deadline < 0 ? fabric_get_shard_server(f, q->names.names, q->names.count, key, q->scope,
                                                  q->mode, server, err)
                        : fabric_get_shard_server_wait(f, q->names.names, q->names.count, key,
                                                       q->scope, q->mode, deadline, server, err);
}

static int32_t ask_without_gil(const question *q, const fabric_key_t *key, int64_t deadline,
                               fabric_server_t *server, fabric_error_t *err)
{
    if (q->farm->never_waits && deadline <= 0)
        return ask(q, key, deadline, server, err);
    PyThreadState *thread = enter(q->farm);
    int32_t status = ask(q, key, deadline, server, err);
    leave(q->farm, thread);
    return status;
}

typedef struct {
    const question *q;
    fabric_server_t *server;
} cold_question;

static int32_t call_cold(farm_object *farm, void *question, fabric_error_t *err)
{
    (void)farm;
    const cold_question *cold = question;
    return ask(cold->q, cold->q->key.use, -1, cold->server, err);
}

/* As ask_without_gil() without a deadline. While the source has not answered yet, a signal handler may end it; false
 * if one did. */
static bool ask_soon(const question *q, int32_t *status, fabric_server_t *server,
                     fabric_error_t *err)
{
    farm_object *farm = q->farm;
    farm->is_warm = farm->is_warm || fabric_topology_generation(farm->handle) > 0;
    if (!farm->is_warm && !farm->never_waits)
        return run_call(farm, call_cold, &(cold_question){q, server}, status, err);
    *status = ask_without_gil(q, q->key.use, -1, server, err);
    return true;
}

/* Whether a wait may go on with the next slice after this status. */
static bool may_pass(int32_t status)
{
    switch (status) {
    case FABRIC_ERR_NO_SERVER:
    case FABRIC_ERR_UNKNOWN_GROUP:
    case FABRIC_ERR_WRITE_HELD:
    case FABRIC_ERR_SHARD_UNAVAILABLE:
    case FABRIC_ERR_STALE:
    case FABRIC_ERR_TIMEOUT:
    case FABRIC_ERR_UNREACHABLE:
    case FABRIC_ERR_PROTOCOL:
        return true;
    default:
        return false;
    }
}

/* The message is about the last slice: names the wait that the caller asked for in its place. */
static void name_whole_wait(int64_t wait, fabric_error_t *err)
{
    static const char before[] = "within the ", after[] = " ms of the call's deadline";
    char text[2 * sizeof err->message + 64] = "";
    err->message[sizeof err->message - 1] = 0;
    char *number = strstr(err->message, before), *end = strstr(err->message, after);
    if (number == NULL || end == NULL || end < number)
        return;
    *number = 0;
    snprintf(text, sizeof text, "%s%s%lld%s", err->message, before, (long long)wait, end);
    memcpy(err->message, text, sizeof err->message - 1);
}

/* Waits in slices, between which Python's signal handlers run: Ctrl-C ends a wait. */
static PyObject *wait_for_answer(const question *q)
{
    fabric_server_t server;
    fabric_error_t err;
    int64_t end = now_ms() + q->wait;
    for (;;) {
        int64_t left = end - now_ms(), slice = left < WAIT_SLICE_MS ? left : WAIT_SLICE_MS;
        int32_t status = ask_without_gil(q, q->key.use, slice < 0 ? 0 : slice, &server, &err);
        if (status == FABRIC_OK)
            return of_server(q->farm, &server);
        if (PyErr_CheckSignals() != 0)
            return NULL;
        /* One that came before its time was not waited for. */
        if (!may_pass(status) || now_ms() >= end || slice <= 0) {
            name_whole_wait(q->wait, &err);
            return fail(status, &err);
        }
        if (!is_open(q->farm))
            return NULL;
    }
}

static PyObject *answer(const question *q)
{
    fabric_server_t server;
    fabric_error_t err;
    if (!is_open(q->farm))
        return NULL;
    if (q->key.big && q->scope == FABRIC_SCOPE_LOCAL) {
        fabric_key_t largest = largest_integer();
        int32_t status = ask_without_gil(q, &largest, -1, &server, &err);
        if (status == FABRIC_ERR_KEY_TYPE)
            return fail(status, &err);
        if (!is_open(q->farm))
            return NULL;
    }
    if (q->wait >= 0)
        return wait_for_answer(q);
    int32_t status;
    if (!ask_soon(q, &status, &server, &err))
        return NULL;
    return status == FABRIC_OK ? of_server(q->farm, &server) : fail(status, &err);
}

static bool take_wait(PyObject *value, question *q)
{
    q->wait = -1;
    if (value == NULL || value == Py_None)
        return true;
    if (!to_milliseconds(value, &q->wait))
        return false;
    if (q->wait < 0 || q->wait > FABRIC_MAX_TIME_MS) {
        PyErr_Format(PyExc_ValueError, "wait must be 0 to 600 seconds, and is %R", value);
        return false;
    }
    return true;
}

PyObject *farm_server(PyObject *self, PyObject *const *args, Py_ssize_t given, PyObject *keywords)
{
    static const char *const names[] = {"tables", "key", "mode", "scope", "wait"};
    PyObject *values[5], *server = NULL;
    question q = {.farm = (farm_object *)self,
                  .scope = FABRIC_SCOPE_LOCAL,
                  .mode = FABRIC_MODE_NONE};
    if (!take_arguments("server", names, 5, 4, 1, args, given, keywords, values)
        || !to_int(values[2], "mode", &q.mode) || !to_int(values[3], "scope", &q.scope)
        || !take_wait(values[4], &q) || !take_names(values[0], &q.names))
        return NULL;
    if (take_key(values[1], &q.key)) {
        server = answer(&q);
        drop_key(&q.key);
    }
    drop_names(&q.names);
    return server;
}

PyObject *table_server(PyObject *self, PyObject *const *args, Py_ssize_t given, PyObject *keywords)
{
    static const char *const names[] = {"key", "mode", "scope", "wait"};
    PyObject *values[4], *server;
    const table_object *table = (table_object *)self;
    /* Cleared by the collector, with what else referred to it. */
    if (table->farm == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "the table is being destroyed");
        return NULL;
    }
    question q = {.farm = table->farm,
                  .table = table->table,
                  .scope = FABRIC_SCOPE_LOCAL,
                  .mode = FABRIC_MODE_NONE};
    if (!take_arguments("server", names, 4, 3, 0, args, given, keywords, values)
        || !to_int(values[1], "mode", &q.mode) || !to_int(values[2], "scope", &q.scope)
        || !take_wait(values[3], &q) || !take_key(values[0], &q.key))
        return NULL;
    server = answer(&q);
    drop_key(&q.key);
    return server;
}

PyObject *farm_group_server(PyObject *self, PyObject *const *args, Py_ssize_t given,
                            PyObject *keywords)
{
    static const char *const names[] = {"group", "mode", "status", "wait"};
    PyObject *values[4];
    question q = {.farm = (farm_object *)self,
                  .mode = FABRIC_MODE_NONE,
                  .status = FABRIC_STATUS_NONE};
    if (!take_arguments("group_server", names, 4, 3, 1, args, given, keywords, values)
        || !to_int(values[1], "mode", &q.mode) || !to_int(values[2], "status", &q.status)
        || !take_wait(values[3], &q) || (q.group = to_name(values[0], "a group")) == NULL)
        return NULL;
    return answer(&q);
}
