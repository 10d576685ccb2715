/* Lists: asked for until there is room. */
#include <stdlib.h>

#include "fabric.h"

typedef struct {
    farm_object *farm;
    const char *name;
    const fabric_key_t *low, *high;
    int32_t use_cache;
} list_question;

typedef int32_t (*list_call)(const list_question *q, void *out, size_t capacity, size_t *count,
                             fabric_error_t *err);

/* A list may grow between two calls, so there is some more room at each. */
static PyObject *list_of(const list_question *q, list_call call, size_t size, PyObject *make,
                         const field *fields)
{
    if (!is_open(q->farm))
        return NULL;
    size_t capacity = 16, count = 0;
    void *room = NULL;
    fabric_error_t err;
    int32_t status = FABRIC_ERR_BUFFER_TOO_SMALL;
    PyThreadState *thread = enter(q->farm);
    while (status == FABRIC_ERR_BUFFER_TOO_SMALL) {
        free(room);
        if ((room = calloc(capacity, size)) == NULL)
            break;
        status = call(q, room, capacity, &count, &err);
        capacity = count + 16;
    }
    leave(q->farm, thread);
    PyObject *list = room == NULL          ? PyErr_NoMemory()
                     : status != FABRIC_OK ? fail(status, &err)
                                           : of_structs(make, fields, room, size, count);
    free(room);
    return list;
}

static int32_t ask_tables(const list_question *q, void *out, size_t capacity, size_t *count,
                          fabric_error_t *err)
{
    return fabric_get_tables(q->farm->handle, out, capacity, count, err);
}

static int32_t ask_groups(const list_question *q, void *out, size_t capacity, size_t *count,
                          fabric_error_t *err)
{
    return fabric_get_groups(q->farm->handle, out, capacity, count, err);
}

static int32_t ask_nodes(const list_question *q, void *out, size_t capacity, size_t *count,
                         fabric_error_t *err)
{
    return fabric_get_fabric_nodes(q->farm->handle, out, capacity, count, err);
}

static int32_t ask_shards(const list_question *q, void *out, size_t capacity, size_t *count,
                          fabric_error_t *err)
{
    return fabric_get_shards(q->farm->handle, q->name, out, capacity, count, err);
}

static int32_t ask_range(const list_question *q, void *out, size_t capacity, size_t *count,
                         fabric_error_t *err)
{
    return fabric_get_shards_in_range(q->farm->handle, q->name, q->low, q->high, out, capacity,
                                      count, err);
}

static int32_t ask_group_servers(const list_question *q, void *out, size_t capacity, size_t *count,
                                 fabric_error_t *err)
{
    return fabric_get_group_servers(q->farm->handle, q->name, q->use_cache, out, capacity, count,
                                    err);
}

PyObject *farm_tables(PyObject *self, PyObject *unused)
{
    (void)unused;
    list_question q = {.farm = (farm_object *)self};
    return list_of(&q, ask_tables, sizeof(fabric_table_info_t), make_table_info, table_info_fields);
}

PyObject *farm_groups(PyObject *self, PyObject *unused)
{
    (void)unused;
    list_question q = {.farm = (farm_object *)self};
    return list_of(&q, ask_groups, sizeof(fabric_group_info_t), make_group_info, group_info_fields);
}

static int32_t ask_health(const list_question *q, void *out, size_t capacity, size_t *count,
                          fabric_error_t *err)
{
    return fabric_get_server_health(q->farm->handle, q->name, out, capacity, count, err);
}

PyObject *farm_health(PyObject *self, PyObject *args)
{
    list_question q = {.farm = (farm_object *)self};
    if (!PyArg_ParseTuple(args, "|z:health", &q.name))
        return NULL;
    return list_of(&q, ask_health, sizeof(fabric_server_health_t), make_health, health_fields);
}

PyObject *farm_nodes(PyObject *self, PyObject *unused)
{
    (void)unused;
    list_question q = {.farm = (farm_object *)self};
    return list_of(&q, ask_nodes, sizeof(fabric_node_t), make_node, node_fields);
}

PyObject *farm_shards(PyObject *self, PyObject *table)
{
    list_question q = {.farm = (farm_object *)self, .name = to_name(table, "a table")};
    return q.name == NULL
               ? NULL
               : list_of(&q, ask_shards, sizeof(fabric_shard_t), make_shard, shard_fields);
}

PyObject *farm_group_servers(PyObject *self, PyObject *const *args, Py_ssize_t given,
                             PyObject *keywords)
{
    static const char *const names[] = {"group", "use_cache"};
    PyObject *values[2];
    list_question q = {.farm = (farm_object *)self, .use_cache = 1};
    if (!take_arguments("group_servers", names, 2, 2, 1, args, given, keywords, values)
        || (q.name = to_name(values[0], "a group")) == NULL)
        return NULL;
    if (values[1] != NULL && (q.use_cache = PyObject_IsTrue(values[1])) < 0)
        return NULL;
    return list_of(&q, ask_group_servers, sizeof(fabric_server_t), make_server, server_fields);
}

PyObject *farm_shards_between(PyObject *self, PyObject *const *args, Py_ssize_t given,
                              PyObject *keywords)
{
    static const char *const names[] = {"table", "low", "high"};
    PyObject *values[3], *list = NULL;
    key_argument low, high;
    list_question q = {.farm = (farm_object *)self};
    if (!take_arguments("shards_between", names, 3, 3, 1, args, given, keywords, values)
        || (q.name = to_name(values[0], "a table")) == NULL || !take_key(values[1], &low))
        return NULL;
    if (take_key(values[2], &high)) {
        q.low = low.use;
        q.high = high.use;
        list = list_of(&q, ask_range, sizeof(fabric_shard_t), make_shard, shard_fields);
        drop_key(&high);
    }
    drop_key(&low);
    return list;
}

/* The one shard of a key. */
PyObject *farm_shard(PyObject *self, PyObject *const *args, Py_ssize_t given, PyObject *keywords)
{
    static const char *const names[] = {"table", "key"};
    farm_object *farm = (farm_object *)self;
    PyObject *values[2], *made = NULL;
    const char *table;
    key_argument key;
    fabric_shard_t shard;
    fabric_error_t err;
    if (!take_arguments("shard", names, 2, 2, 2, args, given, keywords, values)
        || (table = to_name(values[0], "a table")) == NULL || !take_key(values[1], &key))
        return NULL;
    if (is_open(farm)) {
        fabric_key_t largest = largest_integer();
        PyThreadState *thread = enter(farm);
        int32_t status = key.big ? fabric_get_shard(farm->handle, table, &largest, &shard, &err)
                                 : FABRIC_OK;
        if (status != FABRIC_ERR_KEY_TYPE)
            status = fabric_get_shard(farm->handle, table, key.use, &shard, &err);
        leave(farm, thread);
        made = status == FABRIC_OK ? of_struct(make_shard, shard_fields, &shard)
                                   : fail(status, &err);
    }
    drop_key(&key);
    return made;
}
