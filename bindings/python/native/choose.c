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
    PyObject *weights;
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

static PyObject *choose(const choice_question *q, size_t capacity)
{
    fabric_error_t err;
    size_t count = 0;
    fabric_server_t *servers = calloc(capacity + 1, sizeof *servers);
    if (servers == NULL)
        return PyErr_NoMemory();
    const fabric_t *f = q->farm->handle;
    fabric_key_t largest = largest_integer();
    PyThreadState *thread = enter(q->farm);
    int32_t status = FABRIC_OK;
    if (q->group != NULL)
        status = fabric_choose_group_servers(f, q->group, q->mode, &q->choice, servers, capacity,
                                             &count, &err);
    else {
        if (q->key.big && q->scope == FABRIC_SCOPE_LOCAL)
            status = fabric_choose_shard_servers(f, q->tables.names, q->tables.count, &largest,
                                                 q->scope, q->mode, &q->choice, servers, capacity,
                                                 &count, &err);
        if (status != FABRIC_ERR_KEY_TYPE)
            status = fabric_choose_shard_servers(f, q->tables.names, q->tables.count, q->key.use,
                                                 q->scope, q->mode, &q->choice, servers, capacity,
                                                 &count, &err);
    }
    leave(q->farm, thread);
    PyObject *list = status != FABRIC_OK ? fail(status, &err) : PyList_New((Py_ssize_t)count);
    for (size_t at = 0; list != NULL && at < count; at++) {
        PyObject *server = of_server(q->farm, &servers[at]);
        if (server == NULL || PyList_SetItem(list, (Py_ssize_t)at, server) != 0)
            Py_CLEAR(list);
    }
    free(servers);
    return list;
}

/* _choose(tables or None, group or None, key, mode, scope, preference, zone or None, weights, excluded, limit) */
PyObject *farm_choose(PyObject *self, PyObject *args)
{
    PyObject *tables, *key, *weights, *excluded, *list = NULL;
    int limit, mode, scope, preference;
    choice_question q = {.farm = (farm_object *)self,
                         .tables.names = q.tables.on_stack,
                         .excluded.names = q.excluded.on_stack};
    if (!PyArg_ParseTuple(args, "OzOiiizO!O!i:candidates", &tables, &q.group, &key, &mode, &scope,
                          &preference, &q.choice.zone, &PyTuple_Type, &weights, &PyTuple_Type,
                          &excluded, &limit))
        return NULL;
    q.mode = mode;
    q.scope = scope;
    q.choice.preference = preference;
    if (limit < 1 || limit > UINT16_MAX) {
        PyErr_Format(PyExc_ValueError, "limit must be 1 to 65535, and is %d", limit);
        return NULL;
    }
    if ((q.group != NULL || take_names(tables, &q.tables)) && take_key(key, &q.key)) {
        if (take_weights(weights, &q) && take_names(excluded, &q.excluded)) {
            q.choice.excluded = q.excluded.names;
            q.choice.excluded_count = q.excluded.count;
            if (is_open(q.farm))
                list = choose(&q, (size_t)limit);
        }
        drop_key(&q.key);
    }
    free((void *)q.choice.weights);
    drop_names(&q.excluded);
    drop_names(&q.tables);
    return list;
}
