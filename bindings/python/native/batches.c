/* Many keys in one call. */
#include <stdlib.h>
#include <string.h>

#include "fabric.h"

/* Beside the statuses of the library. */
enum { NO_MEMORY = -2 };

/* The keys of a batch as the library wants them: integers, or texts that belong to `items`. */
typedef struct {
    PyObject *items;
    size_t count;
    int64_t *integers;
    const char **texts;
    size_t *lengths;
    fabric_keys_t keys;
    /* Some are integers of more than 64 bits. */
    bool big;
} batch;

static void drop_batch(batch *b)
{
    Py_XDECREF(b->items);
    free(b->integers);
    free(b->texts);
    free(b->lengths);
}

/* A tuple of int, str and bytes of what was given. */
static PyObject *plain_items(PyObject *keys)
{
    if (PyUnicode_Check(keys) || PyBytes_Check(keys) || PyByteArray_Check(keys)
        || PyMemoryView_Check(keys)) {
        PyErr_Format(PyExc_TypeError, "keys must be a sequence of keys, and is one: %R", keys);
        return NULL;
    }
    PyObject *items = PySequence_List(keys);
    Py_ssize_t count = items == NULL ? 0 : PyList_Size(items);
    for (Py_ssize_t at = 0; items != NULL && at < count; at++) {
        PyObject *item = PyList_GetItem(items, at);
        if (PyLong_CheckExact(item) || PyUnicode_CheckExact(item) || PyBytes_CheckExact(item))
            continue;
        PyObject *plain = PyObject_CallFunctionObjArgs(make_key, item, NULL);
        if (plain == NULL || PyList_SetItem(items, at, plain) != 0)
            Py_CLEAR(items);
    }
    return items;
}

static bool take_integers(batch *b, bool *too_large)
{
    bool negative = false, unsigned_ = false;
    for (size_t at = 0; at < b->count; at++) {
        PyObject *item = PyList_GetItem(b->items, (Py_ssize_t)at);
        int overflow;
        b->integers[at] = PyLong_AsLongLongAndOverflow(item, &overflow);
        if (overflow > 0) {
            b->integers[at] = (int64_t)PyLong_AsUnsignedLongLong(item);
            unsigned_ = true;
            overflow = PyErr_Occurred() != NULL;
            PyErr_Clear();
        } else
            negative |= b->integers[at] < 0;
        *too_large |= overflow != 0;
    }
    *too_large |= negative && unsigned_;
    b->keys = unsigned_ ? fabric_keys_uint((const uint64_t *)b->integers, b->count)
                        : fabric_keys_int(b->integers, b->count);
    return true;
}

static bool take_texts(batch *b)
{
    for (size_t at = 0; at < b->count; at++) {
        PyObject *item = PyList_GetItem(b->items, (Py_ssize_t)at);
        Py_ssize_t length;
        if ((b->texts[at] = key_utf8(item, &length)) == NULL)
            return false;
        b->lengths[at] = (size_t)length;
    }
    b->keys = fabric_keys_text(b->texts, b->lengths, b->count);
    return true;
}

/* Integers that do not fit together go as their decimal texts, as a single large one does. */
static bool make_texts_of_integers(batch *b)
{
    for (size_t at = 0; at < b->count; at++) {
        PyObject *text = digits_of(PyList_GetItem(b->items, (Py_ssize_t)at));
        if (text == NULL || PyList_SetItem(b->items, (Py_ssize_t)at, text) != 0)
            return false;
    }
    b->big = true;
    return true;
}

static bool take_batch(PyObject *keys, batch *b)
{
    *b = (batch){.items = plain_items(keys)};
    if (b->items == NULL)
        return false;
    b->count = (size_t)PyList_Size(b->items);
    b->integers = calloc(b->count + 1, sizeof *b->integers);
    b->texts = calloc(b->count + 1, sizeof *b->texts);
    b->lengths = calloc(b->count + 1, sizeof *b->lengths);
    if (b->integers == NULL || b->texts == NULL || b->lengths == NULL) {
        PyErr_NoMemory();
        drop_batch(b);
        return false;
    }
    size_t integers = 0;
    for (size_t at = 0; at < b->count; at++)
        integers += PyLong_Check(PyList_GetItem(b->items, (Py_ssize_t)at)) ? 1 : 0;
    bool taken = true, too_large = false;
    if (integers != 0 && integers != b->count) {
        PyErr_SetString(PyExc_TypeError, "the keys of one call must be all integers or all texts");
        taken = false;
    } else if (integers != 0) {
        taken = take_integers(b, &too_large);
        if (taken && too_large)
            taken = make_texts_of_integers(b);
    }
    if (taken && (integers == 0 || too_large))
        taken = take_texts(b);
    if (!taken)
        drop_batch(b);
    return taken;
}

typedef struct {
    farm_object *farm;
    names_argument names;
    /* In the place of names. */
    const fabric_table_t *table;
    batch batch;
    uint64_t name;
    int32_t scope, mode;
    bool split;
    /* Of each key, and the servers that they share. */
    uint32_t *index;
    int32_t *status;
    size_t *order, *starts;
    fabric_server_t *servers;
    size_t capacity, count;
} batch_question;

static int32_t ask(batch_question *q, fabric_error_t *err)
{
    const fabric_t *f = q->farm->handle;
    if (q->split)
        return fabric_split_keys(f, q->names.names, q->names.count, &q->batch.keys, q->scope,
                                 q->mode, q->order, q->starts, q->status, q->servers, q->capacity,
                                 &q->count, err);
    if (q->table != NULL)
        return fabric_table_get_servers(q->table, &q->batch.keys, q->scope, q->mode, q->index,
                                        q->status, q->servers, q->capacity, &q->count, err);
    return fabric_get_shard_servers(f, q->names.names, q->names.count, &q->batch.keys, q->scope,
                                    q->mode, q->index, q->status, q->servers, q->capacity,
                                    &q->count, err);
}

static int32_t ask_one(const batch_question *q, const fabric_key_t *key, fabric_error_t *err)
{
    fabric_server_t ignored;
    if (q->table != NULL)
        return fabric_table_get_server(q->table, key, q->scope, q->mode, &ignored, err);
    return fabric_get_shard_server(q->farm->handle, q->names.names, q->names.count, key, q->scope,
                                   q->mode, &ignored, err);
}

/* Without the GIL: asks until there is room for all servers. */
static int32_t ask_until_room(farm_object *farm, void *question, fabric_error_t *err)
{
    (void)farm;
    batch_question *q = question;
    fabric_key_t largest = largest_integer();
    if (q->batch.big && q->scope == FABRIC_SCOPE_LOCAL
        && ask_one(q, &largest, err) == FABRIC_ERR_KEY_TYPE)
        return FABRIC_ERR_KEY_TYPE;
    for (q->capacity = 16;; q->capacity = q->count + 16) {
        free(q->servers);
        free(q->starts);
        q->servers = calloc(q->capacity, sizeof *q->servers);
        q->starts = calloc(q->capacity + 1, sizeof *q->starts);
        if (q->servers == NULL || q->starts == NULL)
            return NO_MEMORY;
        int32_t status = ask(q, err);
        if (status != FABRIC_ERR_BUFFER_TOO_SMALL)
            return status;
    }
}

/* {position: status} of the keys that failed. */
static PyObject *failures(const batch_question *q)
{
    PyObject *dict = PyDict_New();
    for (size_t at = 0; dict != NULL && at < q->batch.count; at++) {
        if (q->status[at] == FABRIC_OK)
            continue;
        PyObject *position = PyLong_FromSize_t(at), *status = PyLong_FromLong(q->status[at]);
        if (position == NULL || status == NULL || PyDict_SetItem(dict, position, status) != 0)
            Py_CLEAR(dict);
        Py_XDECREF(position);
        Py_XDECREF(status);
    }
    return dict;
}

static PyObject *servers_of_keys(const batch_question *q, PyObject *servers)
{
    PyObject *list = PyList_New((Py_ssize_t)q->batch.count);
    for (size_t at = 0; list != NULL && at < q->batch.count; at++) {
        PyObject *item = q->index[at] == FABRIC_NO_INDEX
                             ? Py_None
                             : PyList_GetItem(servers, (Py_ssize_t)q->index[at]);
        Py_INCREF(item);
        if (PyList_SetItem(list, (Py_ssize_t)at, item) != 0)
            Py_CLEAR(list);
    }
    return list;
}

static PyObject *keys_of_servers(const batch_question *q, PyObject *servers)
{
    PyObject *list = PyList_New((Py_ssize_t)q->count);
    for (size_t at = 0; list != NULL && at < q->count; at++) {
        size_t first = q->starts[at], count = q->starts[at + 1] - first;
        PyObject *positions = PyList_New((Py_ssize_t)count);
        for (size_t k = 0; positions != NULL && k < count; k++) {
            PyObject *position = PyLong_FromSize_t(q->order[first + k]);
            if (position == NULL || PyList_SetItem(positions, (Py_ssize_t)k, position) != 0)
                Py_CLEAR(positions);
        }
        PyObject *pair = positions == NULL
                             ? NULL
                             : PyTuple_Pack(2, PyList_GetItem(servers, (Py_ssize_t)at), positions);
        Py_XDECREF(positions);
        if (pair == NULL || PyList_SetItem(list, (Py_ssize_t)at, pair) != 0)
            Py_CLEAR(list);
    }
    return list;
}

/* (answer, {position: status}, message): the message is of the first key that failed. */
static PyObject *answer_of(const batch_question *q, const fabric_error_t *err)
{
    PyObject *servers = PyList_New((Py_ssize_t)q->count), *made = NULL;
    for (size_t at = 0; servers != NULL && at < q->count; at++) {
        PyObject *server = of_server(q->farm, &q->servers[at]);
        if (server == NULL || PyList_SetItem(servers, (Py_ssize_t)at, server) != 0)
            Py_CLEAR(servers);
    }
    if (servers == NULL)
        return NULL;
    PyObject *answer = q->split ? keys_of_servers(q, servers) : servers_of_keys(q, servers);
    PyObject *failed = err != NULL ? failures(q) : PyDict_New(),
             *message = of_text(err != NULL ? err->message : "");
    if (answer != NULL && failed != NULL && message != NULL)
        made = PyTuple_Pack(3, answer, failed, message);
    Py_XDECREF(answer);
    Py_XDECREF(failed);
    Py_XDECREF(message);
    Py_DECREF(servers);
    return made;
}

static PyObject *answer_batch(batch_question *q, PyObject *keys)
{
    PyObject *made = NULL;
    fabric_error_t err;
    if (!take_batch(keys, &q->batch))
        return NULL;
    q->index = calloc(q->batch.count + 1, sizeof *q->index);
    q->status = calloc(q->batch.count + 1, sizeof *q->status);
    q->order = calloc(q->batch.count + 1, sizeof *q->order);
    if (q->index == NULL || q->status == NULL || q->order == NULL)
        PyErr_NoMemory();
    else if (is_open(q->farm)) {
        int32_t status;
        if (!run_call(q->farm, about(what_of(q->scope), q->name), ask_until_room, q, &status, &err))
            made = NULL;
        else if (status == NO_MEMORY)
            PyErr_NoMemory();
        else if (status == FABRIC_OK || status == FABRIC_ERR_SOME_KEYS)
            made = answer_of(q, status == FABRIC_OK ? NULL : &err);
        else
            fail(status, &err);
    }
    free(q->index);
    free(q->status);
    free(q->order);
    free(q->starts);
    free(q->servers);
    drop_batch(&q->batch);
    return made;
}

static PyObject *batch_call(const char *function, bool split, PyObject *self, PyObject *const *args,
                            Py_ssize_t given, PyObject *keywords)
{
    static const char *const names[] = {"tables", "keys", "mode", "scope"};
    PyObject *values[4];
    batch_question q = {.farm = (farm_object *)self,
                        .split = split,
                        .scope = FABRIC_SCOPE_LOCAL,
                        .mode = FABRIC_MODE_NONE};
    if (!take_arguments(function, names, 4, 4, 2, args, given, keywords, values)
        || !to_int(values[2], "mode", &q.mode) || !to_int(values[3], "scope", &q.scope)
        || !take_names(values[0], "a table", &q.names))
        return NULL;
    q.name = q.names.hash;
    PyObject *made = answer_batch(&q, values[1]);
    drop_names(&q.names);
    return made;
}

PyObject *farm_servers(PyObject *self, PyObject *const *args, Py_ssize_t given, PyObject *keywords)
{
    return batch_call("servers", false, self, args, given, keywords);
}

PyObject *farm_split(PyObject *self, PyObject *const *args, Py_ssize_t given, PyObject *keywords)
{
    return batch_call("split", true, self, args, given, keywords);
}

PyObject *table_servers(PyObject *self, PyObject *const *args, Py_ssize_t given, PyObject *keywords)
{
    static const char *const names[] = {"keys", "mode", "scope"};
    const table_object *table = (table_object *)self;
    PyObject *values[3];
    batch_question q = {.farm = table->farm,
                        .table = table->table,
                        .name = table->name,
                        .scope = FABRIC_SCOPE_LOCAL,
                        .mode = FABRIC_MODE_NONE};
    if (table->farm == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "the table is being destroyed");
        return NULL;
    }
    if (!take_arguments("servers", names, 3, 3, 1, args, given, keywords, values)
        || !to_int(values[1], "mode", &q.mode) || !to_int(values[2], "scope", &q.scope))
        return NULL;
    PyObject *parts = answer_batch(&q, values[0]);
    PyObject *made = parts == NULL ? NULL : PyObject_CallObject(make_batch, parts);
    Py_XDECREF(parts);
    return made;
}
