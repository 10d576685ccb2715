/* Why a lookup is answered as it is. */
#include "fabric.h"

static PyObject *made(int32_t status, const fabric_explanation_t *explanation,
                      const fabric_error_t *err)
{
    return status == FABRIC_OK ? of_struct(make_explanation, explanation_fields, explanation)
                               : fail(status, err);
}

PyObject *farm_explain(PyObject *self, PyObject *const *args, Py_ssize_t given, PyObject *keywords)
{
    static const char *const names[] = {"tables", "key", "mode", "scope"};
    farm_object *farm = (farm_object *)self;
    PyObject *values[4], *answer = NULL;
    names_argument tables;
    key_argument key;
    int32_t mode = FABRIC_MODE_NONE, scope = FABRIC_SCOPE_LOCAL;
    fabric_explanation_t explanation;
    fabric_error_t err;
    if (!take_arguments("explain", names, 4, 4, 1, args, given, keywords, values)
        || !to_int(values[2], "mode", &mode) || !to_int(values[3], "scope", &scope)
        || !take_names(values[0], &tables))
        return NULL;
    if (take_key(values[1], &key)) {
        if (is_open(farm)) {
            fabric_key_t largest = largest_integer();
            const fabric_key_t *first = key.big ? &largest : key.use;
            PyThreadState *thread = enter(farm);
            int32_t status = fabric_explain_shard(farm->handle, tables.names, tables.count, first,
                                                  scope, mode, &explanation, &err);
            if (key.big && status == FABRIC_OK && explanation.status != FABRIC_ERR_KEY_TYPE)
                status = fabric_explain_shard(farm->handle, tables.names, tables.count, key.use,
                                              scope, mode, &explanation, &err);
            leave(farm, thread);
            answer = made(status, &explanation, &err);
        }
        drop_key(&key);
    }
    drop_names(&tables);
    return answer;
}

PyObject *farm_explain_group(PyObject *self, PyObject *const *args, Py_ssize_t given,
                             PyObject *keywords)
{
    static const char *const names[] = {"group", "mode"};
    farm_object *farm = (farm_object *)self;
    PyObject *values[2];
    const char *group;
    int32_t mode = FABRIC_MODE_NONE;
    fabric_explanation_t explanation;
    fabric_error_t err;
    if (!take_arguments("explain_group", names, 2, 2, 1, args, given, keywords, values)
        || !to_int(values[1], "mode", &mode) || (group = to_name(values[0], "a group")) == NULL
        || !is_open(farm))
        return NULL;
    PyThreadState *thread = enter(farm);
    int32_t status = fabric_explain_group(farm->handle, group, mode, &explanation, &err);
    leave(farm, thread);
    return made(status, &explanation, &err);
}
