/* The library's structs as Python objects. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "fabric.h"

PyObject *make_error, *make_key, *make_server, *make_shard, *make_table_info, *make_group_info,
    *make_node, *make_metrics, *make_event, *make_result, *make_explanation, *make_health,
    *make_batch;

#define FIELD(kind, type, member)                                                                  \
    {                                                                                              \
        kind, offsetof(type, member)                                                               \
    }
#define END                                                                                        \
    {                                                                                              \
        0, 0                                                                                       \
    }

const field server_fields[] = {
    FIELD('s', fabric_server_t, uuid),   FIELD('s', fabric_server_t, group),
    FIELD('s', fabric_server_t, host),   FIELD('u', fabric_server_t, port),
    FIELD('i', fabric_server_t, mode),   FIELD('i', fabric_server_t, status),
    FIELD('d', fabric_server_t, weight), END};

const field shard_fields[] = {
    FIELD('l', fabric_shard_t, shard_id), FIELD('i', fabric_shard_t, sharding_type),
    FIELD('i', fabric_shard_t, state),    FIELD('s', fabric_shard_t, lower_bound),
    FIELD('s', fabric_shard_t, group),    FIELD('s', fabric_shard_t, global_group),
    FIELD('s', fabric_shard_t, column),   END};

const field table_info_fields[] = {FIELD('s', fabric_table_info_t, name),
                                   FIELD('i', fabric_table_info_t, sharding_type),
                                   FIELD('s', fabric_table_info_t, column),
                                   FIELD('s', fabric_table_info_t, global_group),
                                   FIELD('L', fabric_table_info_t, shards),
                                   END};

const field group_info_fields[] = {FIELD('s', fabric_group_info_t, name),
                                   FIELD('L', fabric_group_info_t, shards),
                                   FIELD('l', fabric_group_info_t, age_ms),
                                   FIELD('u', fabric_group_info_t, servers),
                                   FIELD('u', fabric_group_info_t, servers_quarantined),
                                   FIELD('i', fabric_group_info_t, takes_writes),
                                   FIELD('i', fabric_group_info_t, writes_held),
                                   END};

const field node_fields[] = {FIELD('s', fabric_node_t, host), FIELD('u', fabric_node_t, port), END};

const field metrics_fields[] = {FIELD('L', fabric_metrics_t, lookups),
                                FIELD('L', fabric_metrics_t, lookups_refused),
                                FIELD('L', fabric_metrics_t, refreshes_background),
                                FIELD('L', fabric_metrics_t, refreshes_callers),
                                FIELD('L', fabric_metrics_t, refreshes_failed),
                                FIELD('L', fabric_metrics_t, requests),
                                FIELD('L', fabric_metrics_t, bytes_received),
                                FIELD('L', fabric_metrics_t, bytes_inflated),
                                FIELD('L', fabric_metrics_t, events_lost),
                                FIELD('L', fabric_metrics_t, generation),
                                FIELD('l', fabric_metrics_t, topology_age_ms),
                                FIELD('l', fabric_metrics_t, last_error_age_ms),
                                FIELD('i', fabric_metrics_t, last_error),
                                FIELD('s', fabric_metrics_t, last_error_text),
                                FIELD('u', fabric_metrics_t, nodes_known),
                                FIELD('u', fabric_metrics_t, nodes_up),
                                FIELD('u', fabric_metrics_t, servers_quarantined),
                                FIELD('L', fabric_metrics_t, threads_refused),
                                END};

const field event_fields[] = {
    FIELD('i', fabric_event_t, kind),       FIELD('i', fabric_event_t, status),
    FIELD('L', fabric_event_t, generation), FIELD('L', fabric_event_t, lost_before),
    FIELD('l', fabric_event_t, age_ms),     FIELD('L', fabric_event_t, held_shards),
    FIELD('s', fabric_event_t, group),      FIELD('s', fabric_event_t, server_uuid),
    FIELD('s', fabric_event_t, table),      END};

const field explanation_fields[] = {FIELD('S', fabric_explanation_t, server),
                                    FIELD('i', fabric_explanation_t, why),
                                    FIELD('i', fabric_explanation_t, status),
                                    FIELD('s', fabric_explanation_t, message),
                                    FIELD('L', fabric_explanation_t, generation),
                                    FIELD('s', fabric_explanation_t, source),
                                    FIELD('N', fabric_explanation_t, node),
                                    FIELD('s', fabric_explanation_t, group),
                                    FIELD('i', fabric_explanation_t, group_origin),
                                    FIELD('l', fabric_explanation_t, group_age_ms),
                                    FIELD('u', fabric_explanation_t, servers_listed),
                                    FIELD('u', fabric_explanation_t, servers_considered),
                                    FIELD('u', fabric_explanation_t, servers_quarantined),
                                    FIELD('u', fabric_explanation_t, servers_in_other_zones),
                                    FIELD('l', fabric_explanation_t, write_hold_ms),
                                    FIELD('s', fabric_explanation_t, table),
                                    FIELD('i', fabric_explanation_t, table_origin),
                                    FIELD('l', fabric_explanation_t, table_age_ms),
                                    FIELD('s', fabric_explanation_t, column),
                                    FIELD('i', fabric_explanation_t, sharding_type),
                                    FIELD('s', fabric_explanation_t, key),
                                    FIELD('s', fabric_explanation_t, digest),
                                    FIELD('l', fabric_explanation_t, shard_id),
                                    FIELD('i', fabric_explanation_t, shard_state),
                                    FIELD('s', fabric_explanation_t, lower_bound),
                                    FIELD('s', fabric_explanation_t, upper_bound),
                                    FIELD('l', fabric_explanation_t, shard_hold_ms),
                                    END};

const field health_fields[] = {FIELD('S', fabric_server_health_t, server),
                               FIELD('s', fabric_server_health_t, zone),
                               FIELD('i', fabric_server_health_t, state),
                               FIELD('i', fabric_server_health_t, reported_errno),
                               FIELD('L', fabric_server_health_t, reports),
                               FIELD('l', fabric_server_health_t, since_ms),
                               FIELD('l', fabric_server_health_t, failed_ms),
                               FIELD('l', fabric_server_health_t, next_trial_ms),
                               FIELD('l', fabric_server_health_t, heard_ms),
                               END};

PyObject *of_text(const char *text)
{
    if (text == NULL)
        Py_RETURN_NONE;
    return PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "replace");
}

/* Raises what make_error makes of a failure. */
PyObject *fail(int32_t status, const fabric_error_t *err)
{
    PyObject *message = err != NULL ? of_text(err->message) : of_text(fabric_strerror(status));
    if (message == NULL)
        return NULL;
    PyObject *error = PyObject_CallFunction(make_error, "iiN", (int)status,
                                            err != NULL ? (int)err->mysql_errno : 0, message);
    if (error != NULL) {
        PyErr_SetObject((PyObject *)Py_TYPE(error), error);
        Py_DECREF(error);
    }
    return NULL;
}

static PyObject *of_member(char kind, const void *at)
{
    switch (kind) {
    case 'i':
        return PyLong_FromLong(*(const int32_t *)at);
    case 'u':
        return PyLong_FromUnsignedLong(*(const uint32_t *)at);
    case 'l':
        return PyLong_FromLongLong(*(const int64_t *)at);
    case 'L':
        return PyLong_FromUnsignedLongLong(*(const uint64_t *)at);
    case 'd':
        return PyFloat_FromDouble(*(const double *)at);
    /* Structs in it, which are empty where there is none. */
    case 'S':
        if (((const fabric_server_t *)at)->uuid[0] != 0)
            return of_struct(make_server, server_fields, at);
        Py_RETURN_NONE;
    case 'N':
        if (((const fabric_node_t *)at)->host[0] != 0)
            return of_struct(make_node, node_fields, at);
        Py_RETURN_NONE;
    default:
        return of_text(at);
    }
}

PyObject *of_struct(PyObject *make, const field *fields, const void *from)
{
    Py_ssize_t count = 0;
    while (fields[count].kind != 0)
        count++;
    PyObject *values = PyTuple_New(count);
    if (values == NULL)
        return NULL;
    for (Py_ssize_t at = 0; at < count; at++) {
        PyObject *value = of_member(fields[at].kind, (const char *)from + fields[at].offset);
        if (value == NULL || PyTuple_SetItem(values, at, value) != 0) {
            Py_DECREF(values);
            return NULL;
        }
    }
    PyObject *made = PyObject_CallObject(make, values);
    Py_DECREF(values);
    return made;
}

PyObject *of_structs(PyObject *make, const field *fields, const void *from, size_t size,
                     size_t count)
{
    PyObject *list = PyList_New((Py_ssize_t)count);
    for (size_t at = 0; list != NULL && at < count; at++) {
        PyObject *item = of_struct(make, fields, (const char *)from + at * size);
        if (item == NULL || PyList_SetItem(list, (Py_ssize_t)at, item) != 0)
            Py_CLEAR(list);
    }
    return list;
}

static bool is_same(const fabric_server_t *a, const fabric_server_t *b)
{
    return a->port == b->port && a->mode == b->mode && a->status == b->status
           && a->weight == b->weight && strcmp(a->uuid, b->uuid) == 0
           && strcmp(a->host, b->host) == 0 && strcmp(a->group, b->group) == 0;
}

/* UUIDs differ in their first and last characters, as a rule. */
static size_t slot_of(const fabric_server_t *server)
{
    uint64_t first, last;
    size_t length = strlen(server->uuid);
    if (length < 2 * sizeof first)
        return 0;
    memcpy(&first, server->uuid, sizeof first);
    memcpy(&last, server->uuid + length - sizeof last, sizeof last);
    return (size_t)(((first ^ (last * 3)) * 0x9E3779B97F4A7C15u) >> 56) % SERVER_SLOTS;
}

/* The object that an equal server got before, or a new one. */
PyObject *of_server(farm_object *farm, const fabric_server_t *server)
{
    size_t first = slot_of(server), at = first;
    int probe = 0;
    for (; probe < 4; probe++, at = (at + 1) % SERVER_SLOTS) {
        known_server *known = farm->known[at];
        if (known == NULL)
            break;
        if (is_same(&known->server, server)) {
            Py_INCREF(known->object);
            return known->object;
        }
    }
    PyObject *object = of_struct(make_server, server_fields, server);
    if (object == NULL)
        return NULL;
    /* Making it may have run other threads: look at the slot again. */
    if (probe == 4 || farm->known[at] != NULL)
        at = first;
    PyObject *before = NULL;
    if (farm->known[at] == NULL) {
        farm->known[at] = malloc(sizeof *farm->known[at]);
        if (farm->known[at] == NULL)
            return object;
    } else
        before = farm->known[at]->object;
    farm->known[at]->server = *server;
    farm->known[at]->object = object;
    Py_INCREF(object);
    Py_XDECREF(before);
    return object;
}

void forget_servers(farm_object *farm)
{
    for (int at = 0; at < SERVER_SLOTS; at++) {
        known_server *known = farm->known[at];
        farm->known[at] = NULL;
        if (known != NULL)
            Py_DECREF(known->object);
        free(known);
    }
}
