/* Lists: asked for until there is room. */
#include <stdlib.h>

#include "fabric.h"

typedef struct list_question list_question;
typedef int32_t (*list_call)(const list_question *q, void *out, size_t capacity, size_t *count,
                             fabric_error_t *err);

struct list_question {
    farm_object *farm;
    const char *name;
    uint64_t asks;
    const fabric_key_t *low, *high;
    int32_t use_cache;
    list_call call;
    size_t size, count;
    void *room;
};

/* A list may grow between two calls, so there is some more room at each. */
static int32_t ask_until_room(farm_object *farm, void *question, fabric_error_t *err)
{
    (void)farm;
    list_question *q = question;
    for (size_t capacity = 16;; capacity = q->count + 16) {
        free(q->room);
        if ((q->room = calloc(capacity, q->size)) == NULL)
            return FABRIC_ERR_SYSTEM;
        int32_t status = q->call(q, q->room, capacity, &q->count, err);
        if (status != FABRIC_ERR_BUFFER_TOO_SMALL)
            return status;
    }
}

static PyObject *list_of(list_question *q, list_call call, size_t size, PyObject *make,
                         const field *fields)
{
    fabric_error_t err;
    int32_t status;
    PyObject *list = NULL;
    if (!is_open(q->farm))
        return NULL;
    q->call = call;
    q->size = size;
    if (run_call(q->farm, q->asks, ask_until_room, q, &status, &err))
        list = q->room == NULL       ? PyErr_NoMemory()
               : status != FABRIC_OK ? fail(status, &err)
                                     : of_structs(make, fields, q->room, size, q->count);
    free(q->room);
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
    list_question q = {.farm = (farm_object *)self, .asks = IN_MEMORY};
    return list_of(&q, ask_tables, sizeof(fabric_table_info_t), make_table_info, table_info_fields);
}

PyObject *farm_groups(PyObject *self, PyObject *unused)
{
    (void)unused;
    list_question q = {.farm = (farm_object *)self, .asks = IN_MEMORY};
    return list_of(&q, ask_groups, sizeof(fabric_group_info_t), make_group_info, group_info_fields);
}

static int32_t ask_health(const list_question *q, void *out, size_t capacity, size_t *count,
                          fabric_error_t *err)
{
    return fabric_get_server_health(q->farm->handle, q->name, out, capacity, count, err);
}

PyObject *farm_health(PyObject *self, PyObject *args)
{
    list_question q = {.farm = (farm_object *)self, .asks = IN_MEMORY};
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
    if (q.name == NULL)
        return NULL;
    q.asks = about(ABOUT_MAP, hash_of_name(table));
    return list_of(&q, ask_shards, sizeof(fabric_shard_t), make_shard, shard_fields);
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
    q.asks = about(q.use_cache ? ABOUT_GROUP : ASKS_SOURCE, hash_of_name(values[0]));
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
        q.asks = about(ABOUT_MAP, hash_of_name(values[0]));
        q.low = low.use;
        q.high = high.use;
        list = list_of(&q, ask_range, sizeof(fabric_shard_t), make_shard, shard_fields);
        drop_key(&high);
    }
    drop_key(&low);
    return list;
}

typedef struct {
    const char *table;
    key_argument key;
    fabric_shard_t shard;
} shard_question;

static int32_t ask_shard(farm_object *farm, void *question, fabric_error_t *err)
{
    shard_question *q = question;
    fabric_key_t largest = largest_integer();
    if (q->key.big
        && fabric_get_shard(farm->handle, q->table, &largest, &q->shard, err)
               == FABRIC_ERR_KEY_TYPE)
        return FABRIC_ERR_KEY_TYPE;
    return fabric_get_shard(farm->handle, q->table, q->key.use, &q->shard, err);
}

/* The one shard of a key. */
PyObject *farm_shard(PyObject *self, PyObject *const *args, Py_ssize_t given, PyObject *keywords)
{
    static const char *const names[] = {"table", "key"};
    farm_object *farm = (farm_object *)self;
    PyObject *values[2], *made = NULL;
    shard_question q;
    fabric_error_t err;
    int32_t status;
    if (!take_arguments("shard", names, 2, 2, 2, args, given, keywords, values)
        || (q.table = to_name(values[0], "a table")) == NULL || !take_key(values[1], &q.key))
        return NULL;
    uint64_t asks = about(ABOUT_MAP, hash_of_name(values[0]));
    if (is_open(farm) && run_call(farm, asks, ask_shard, &q, &status, &err))
        made = status == FABRIC_OK ? of_struct(make_shard, shard_fields, &q.shard)
                                   : fail(status, &err);
    drop_key(&q.key);
    return made;
}
