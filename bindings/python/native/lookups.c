/* One server for one question: by the names of tables, by an opened table, or of a group. */
#include "fabric.h"

typedef struct {
    farm_object *farm;
    const fabric_table_t *table;
    const char *group;
    names_argument names;
    key_argument key;
    int32_t scope, mode, status;
    uint64_t asks;
    /* Milliseconds; negative for a call that does not wait for a server. */
    int64_t wait;
    /* When that is over, as now_ms() counts; 0 before it has begun. */
    int64_t end;
    /* Whether it waits for nothing this time. */
    bool is_trial;
    fabric_server_t *server;
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

/* What there is of the deadline: of all that begins anew the rest. */
static int64_t left_of(question *q)
{
    if (q->wait <= 0 || q->is_trial)
        return q->wait < 0 ? -1 : 0;
    if (q->end == 0) {
        q->end = now_ms() + q->wait;
        return q->wait;
    }
    return q->end > now_ms() ? q->end - now_ms() : 0;
}

/* As the question says. Of an integer of more than 64 bits, which goes as a text, a table of texts is asked first
 * whether it takes integers at all. */
static int32_t look_up(farm_object *farm, void *question_, fabric_error_t *err)
{
    (void)farm;
    question *q = question_;
    if (q->key.big && q->scope == FABRIC_SCOPE_LOCAL) {
        fabric_key_t largest = largest_integer();
        fabric_server_t ignored;
        fabric_error_t other;
        int32_t status = ask(q, &largest, q->wait < 0 ? -1 : 0, &ignored, err);
        int64_t left = status == FABRIC_ERR_WOULD_BLOCK ? left_of(q) : 0;
        if (left > 0)
            status = ask(q, &largest, left, &ignored, err);
        if (status == FABRIC_ERR_KEY_TYPE)
            return status;
        if (left > 0 && left_of(q) == 0)
            return ask(q, q->key.use, 0, q->server, &other) == FABRIC_OK ? FABRIC_OK : status;
    }
    return ask(q, q->key.use, left_of(q), q->server, err);
}

/* One with a deadline tries first whether there is anything to wait for. */
static bool run_wait(question *q, int32_t *status, fabric_error_t *err)
{
    uint64_t asks = q->asks | WITH_DEADLINE;
    if (is_known(q->farm, asks)) {
        q->is_trial = true;
        if (!run_call(q->farm, asks, look_up, q, status, err))
            return false;
        if (*status == FABRIC_OK)
            return true;
        forget_answer(q->farm, asks);
        if (!is_open(q->farm))
            return false;
        q->is_trial = false;
    }
    return run_call(q->farm, asks, look_up, q, status, err);
}

static PyObject *answer(question *q)
{
    fabric_server_t server;
    fabric_error_t err;
    int32_t status;
    if (!is_open(q->farm))
        return NULL;
    q->server = &server;
    bool is_whole = true;
    if (q->farm->never_waits && q->wait <= 0)
        status = look_up(q->farm, q, &err);
    else if (q->wait > 0)
        is_whole = run_wait(q, &status, &err);
    else
        is_whole = run_call(q->farm, q->wait == 0 ? IN_MEMORY : q->asks, look_up, q, &status, &err);
    if (!is_whole)
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
        || !take_wait(values[4], &q) || !take_names(values[0], "a table", &q.names))
        return NULL;
    q.asks = about(what_of(q.scope), q.names.hash);
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
    q.asks = about(what_of(q.scope), table->name);
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
    q.asks = about(ABOUT_GROUP, hash_of_name(values[0]));
    return answer(&q);
}
