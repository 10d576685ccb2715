/* Why a lookup is answered as it is. */
#include "fabric.h"

typedef struct {
    names_argument tables;
    key_argument key;
    /* In the place of tables. */
    const char *group;
    int32_t mode, scope;
    fabric_explanation_t explanation;
} explain_question;

static int32_t ask(farm_object *farm, void *question, fabric_error_t *err)
{
    explain_question *q = question;
    if (q->group != NULL)
        return fabric_explain_group(farm->handle, q->group, q->mode, &q->explanation, err);
    fabric_key_t largest = largest_integer();
    int32_t status = fabric_explain_shard(farm->handle, q->tables.names, q->tables.count,
                                          q->key.big ? &largest : q->key.use, q->scope, q->mode,
                                          &q->explanation, err);
    if (!q->key.big || status != FABRIC_OK || q->explanation.status == FABRIC_ERR_KEY_TYPE)
        return status;
    return fabric_explain_shard(farm->handle, q->tables.names, q->tables.count, q->key.use,
                                q->scope, q->mode, &q->explanation, err);
}

static PyObject *explain(PyObject *self, explain_question *q)
{
    farm_object *farm = (farm_object *)self;
    fabric_error_t err;
    int32_t status;
    /* It succeeds where the source has not answered, too. */
    if (!is_open(farm) || !run_call(farm, ASKS_SOURCE, ask, q, &status, &err))
        return NULL;
    return status == FABRIC_OK ? of_struct(make_explanation, explanation_fields, &q->explanation)
                               : fail(status, &err);
}

PyObject *farm_explain(PyObject *self, PyObject *const *args, Py_ssize_t given, PyObject *keywords)
{
    static const char *const names[] = {"tables", "key", "mode", "scope"};
    PyObject *values[4], *answer = NULL;
    explain_question q = {.mode = FABRIC_MODE_NONE, .scope = FABRIC_SCOPE_LOCAL};
    if (!take_arguments("explain", names, 4, 4, 1, args, given, keywords, values)
        || !to_int(values[2], "mode", &q.mode) || !to_int(values[3], "scope", &q.scope)
        || !take_names(values[0], "a table", &q.tables))
        return NULL;
    if (take_key(values[1], &q.key)) {
        answer = explain(self, &q);
        drop_key(&q.key);
    }
    drop_names(&q.tables);
    return answer;
}

PyObject *farm_explain_group(PyObject *self, PyObject *const *args, Py_ssize_t given,
                             PyObject *keywords)
{
    static const char *const names[] = {"group", "mode"};
    PyObject *values[2];
    explain_question q = {.mode = FABRIC_MODE_NONE};
    if (!take_arguments("explain_group", names, 2, 2, 1, args, given, keywords, values)
        || !to_int(values[1], "mode", &q.mode) || (q.group = to_name(values[0], "a group")) == NULL)
        return NULL;
    return explain(self, &q);
}
