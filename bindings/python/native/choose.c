/* Servers in the order in which they should be tried, with what one call wants otherwise than its farm. */
#include <stdlib.h>

#include "fabric.h"

typedef struct {
    farm_object *farm;
    names_argument tables;
    key_argument key;
    const char *group;
    int32_t mode, scope;
    fabric_choice_t choice;
    names_argument excluded;
    fabric_server_t *servers;
    size_t capacity, count;
} choice_question;

/* `weights` is a tuple of (server, weight); its texts belong to it. */
static bool take_weights(PyObject *weights, choice_question *q)
{
    Py_ssize_t count = PyTuple_Size(weights);
    if (count <= 0)
        return count == 0;
    fabric_server_weight_t *room = calloc((size_t)count, sizeof *room);
    if (room == NULL) {
        PyErr_NoMemory();
        return false;
    }
    q->choice.weights = room;
    q->choice.weights_count = (size_t)count;
    for (Py_ssize_t at = 0; at < count; at++)
        if (!PyArg_ParseTuple(PyTuple_GetItem(weights, at), "sd", &room[at].server,
                              &room[at].weight))
            return false;
    return true;
}

static int32_t ask(farm_object *farm, void *question, fabric_error_t *err)
{
    choice_question *q = question;
    const fabric_t *f = farm->handle;
    if (q->group != NULL)
        return fabric_choose_group_servers(f, q->group, q->mode, &q->choice, q->servers,
                                           q->capacity, &q->count, err);
    fabric_key_t largest = largest_integer();
    if (q->key.big && q->scope == FABRIC_SCOPE_LOCAL
        && fabric_choose_shard_servers(f, q->tables.names, q->tables.count, &largest, q->scope,
                                       q->mode, &q->choice, q->servers, q->capacity, &q->count, err)
               == FABRIC_ERR_KEY_TYPE)
        return FABRIC_ERR_KEY_TYPE;
    return fabric_choose_shard_servers(f, q->tables.names, q->tables.count, q->key.use, q->scope,
                                       q->mode, &q->choice, q->servers, q->capacity, &q->count,
                                       err);
}

static PyObject *choose(choice_question *q, uint64_t asks)
{
    fabric_error_t err;
    int32_t status;
    PyObject *list = NULL;
    if ((q->servers = calloc(q->capacity + 1, sizeof *q->servers)) == NULL)
        return PyErr_NoMemory();
    if (run_call(q->farm, asks, ask, q, &status, &err))
        list = status != FABRIC_OK ? fail(status, &err) : PyList_New((Py_ssize_t)q->count);
    for (size_t at = 0; list != NULL && at < q->count; at++) {
        PyObject *server = of_server(q->farm, &q->servers[at]);
        if (server == NULL || PyList_SetItem(list, (Py_ssize_t)at, server) != 0)
            Py_CLEAR(list);
    }
    free(q->servers);
    return list;
}

/* _choose(tables or None, group or None, key, mode, scope, preference, zone or None, weights, excluded, limit) */
PyObject *farm_choose(PyObject *self, PyObject *args)
{
    PyObject *tables, *group, *key, *weights, *excluded, *list = NULL;
    PyObject *mode, *scope, *preference, *limit;
    int32_t most = 0;
    choice_question q = {.farm = (farm_object *)self,
                         .tables.names = q.tables.on_stack,
                         .excluded.names = q.excluded.on_stack};
    if (!PyArg_ParseTuple(args, "OOOOOOzO!O!O:candidates", &tables, &group, &key, &mode, &scope,
                          &preference, &q.choice.zone, &PyTuple_Type, &weights, &PyTuple_Type,
                          &excluded, &limit))
        return NULL;
    if (!to_int(mode, "mode", &q.mode) || !to_int(scope, "scope", &q.scope)
        || !to_int(preference, "prefer", &q.choice.preference) || !to_int(limit, "limit", &most))
        return NULL;
    if (most < 1 || most > UINT16_MAX) {
        PyErr_Format(PyExc_ValueError, "limit must be 1 to 65535, and is %R", limit);
        return NULL;
    }
    if (group != Py_None && (q.group = to_name(group, "a group")) == NULL)
        return NULL;
    if ((q.group != NULL || take_names(tables, "a table", &q.tables)) && take_key(key, &q.key)) {
        if (take_weights(weights, &q) && take_names(excluded, "a server", &q.excluded)) {
            q.choice.excluded = q.excluded.names;
            q.choice.excluded_count = q.excluded.count;
            q.capacity = (size_t)most;
            uint64_t asks = q.group != NULL ? about(ABOUT_GROUP, hash_of_name(group))
                                            : about(what_of(q.scope), q.tables.hash);
            if (is_open(q.farm))
                list = choose(&q, asks);
        }
        drop_key(&q.key);
    }
    free((void *)q.choice.weights);
    drop_names(&q.excluded);
    drop_names(&q.tables);
    return list;
}
