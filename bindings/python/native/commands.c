/* What a service tells the library, and what it has Fabric do. */
#include "fabric.h"

typedef int32_t (*report_call)(const fabric_t *f, const char *uuid, int32_t errno_,
                               fabric_error_t *err);

static PyObject *report(const char *function, report_call call, PyObject *self,
                        PyObject *const *args, Py_ssize_t given, PyObject *keywords)
{
    static const char *const names[] = {"uuid", "errno"};
    farm_object *farm = (farm_object *)self;
    PyObject *values[2];
    int32_t errno_ = 0;
    fabric_error_t err;
    const char *uuid;
    if (!take_arguments(function, names, 2, 2, 2, args, given, keywords, values)
        || (uuid = to_name(values[0], "a server's uuid")) == NULL
        || !to_int(values[1], "errno", &errno_) || !is_open(farm))
        return NULL;
    PyThreadState *thread = enter(farm);
    int32_t status = call(farm->handle, uuid, errno_, &err);
    leave(farm, thread);
    if (status != FABRIC_OK)
        return fail(status, &err);
    Py_RETURN_NONE;
}

PyObject *farm_report(PyObject *self, PyObject *const *args, Py_ssize_t given, PyObject *keywords)
{
    return report("report", fabric_report_result, self, args, given, keywords);
}

PyObject *farm_report_failure(PyObject *self, PyObject *const *args, Py_ssize_t given,
                              PyObject *keywords)
{
    return report("report_failure", fabric_report_failure, self, args, given, keywords);
}

typedef struct {
    const char *host;
    uint16_t port;
} address;

static int32_t call_seed(farm_object *farm, void *question, fabric_error_t *err)
{
    const address *to = question;
    return fabric_seed(farm->handle, to->host, to->port, err);
}

PyObject *farm_seed(PyObject *self, PyObject *const *args, Py_ssize_t given, PyObject *keywords)
{
    static const char *const names[] = {"host", "port"};
    farm_object *farm = (farm_object *)self;
    PyObject *values[2];
    int32_t port = 0;
    const char *host = NULL;
    fabric_error_t err;
    if (!take_arguments("seed", names, 2, 2, 0, args, given, keywords, values)
        || !to_int(values[1], "port", &port))
        return NULL;
    if (values[0] != NULL && values[0] != Py_None && (host = to_name(values[0], "a host")) == NULL)
        return NULL;
    if (port < 0 || port > UINT16_MAX) {
        PyErr_Format(PyExc_ValueError, "port must be 0 to 65535, and is %d", (int)port);
        return NULL;
    }
    if (!is_open(farm))
        return NULL;
    address to = {host, (uint16_t)port};
    int32_t status;
    if (!run_call(farm, ASKS_SOURCE, call_seed, &to, &status, &err))
        return NULL;
    if (status != FABRIC_OK)
        return fail(status, &err);
    Py_RETURN_NONE;
}

static PyObject *value_of(const fabric_result_t *result, size_t set, size_t row, size_t column)
{
    size_t length = 0;
    const char *value = fabric_result_value(result, set, row, column, &length);
    if (value == NULL)
        Py_RETURN_NONE;
    return PyUnicode_DecodeUTF8(value, (Py_ssize_t)length, "surrogateescape");
}

static PyObject *tuple_of(const fabric_result_t *result, size_t set, size_t row, bool names)
{
    size_t columns = fabric_result_columns(result, set);
    PyObject *tuple = PyTuple_New((Py_ssize_t)columns);
    for (size_t column = 0; tuple != NULL && column < columns; column++) {
        PyObject *value = names ? of_text(fabric_result_column_name(result, set, column))
                                : value_of(result, set, row, column);
        if (value == NULL || PyTuple_SetItem(tuple, (Py_ssize_t)column, value) != 0)
            Py_CLEAR(tuple);
    }
    return tuple;
}

static PyObject *result_set(const fabric_result_t *result, size_t set)
{
    size_t rows = fabric_result_rows(result, set);
    PyObject *names = tuple_of(result, set, 0, true), *list = PyList_New((Py_ssize_t)rows),
             *made = NULL;
    for (size_t row = 0; list != NULL && row < rows; row++) {
        PyObject *tuple = tuple_of(result, set, row, false);
        if (tuple == NULL || PyList_SetItem(list, (Py_ssize_t)row, tuple) != 0)
            Py_CLEAR(list);
    }
    if (names != NULL && list != NULL)
        made = PyObject_CallFunctionObjArgs(make_result, names, list, NULL);
    Py_XDECREF(names);
    Py_XDECREF(list);
    return made;
}

typedef struct {
    const char *group, *command, **arguments;
    size_t count;
    fabric_result_t *result;
} command;

static int32_t call_execute(farm_object *farm, void *question, fabric_error_t *err)
{
    command *c = question;
    return fabric_execute(farm->handle, c->group, c->command, c->arguments, c->count, &c->result,
                          err);
}

/* _execute(group, command, arguments): a list of result sets. An argument is a str, or None. */
PyObject *farm_execute(PyObject *self, PyObject *args)
{
    farm_object *farm = (farm_object *)self;
    command c = {.result = NULL};
    const char **texts;
    PyObject *given, *sets = NULL;
    fabric_error_t err;
    if (!PyArg_ParseTuple(args, "ssO!", &c.group, &c.command, &PyTuple_Type, &given))
        return NULL;
    Py_ssize_t count = PyTuple_Size(given);
    if ((texts = PyMem_Calloc((size_t)count + 1, sizeof *texts)) == NULL)
        return PyErr_NoMemory();
    for (Py_ssize_t at = 0; at < count; at++) {
        PyObject *text = PyTuple_GetItem(given, at);
        if (text != Py_None && (texts[at] = to_name(text, "an argument")) == NULL) {
            PyMem_Free(texts);
            return NULL;
        }
    }
    if (is_open(farm)) {
        int32_t status;
        c.arguments = texts;
        c.count = (size_t)count;
        if (run_call(farm, RUNS_COMMAND, call_execute, &c, &status, &err)) {
            if (status != FABRIC_OK)
                fail(status, &err);
            else
                sets = PyList_New((Py_ssize_t)fabric_result_sets(c.result));
        }
    }
    const fabric_result_t *result = c.result;
    for (size_t set = 0; sets != NULL && set < fabric_result_sets(result); set++) {
        PyObject *made = result_set(result, set);
        if (made == NULL || PyList_SetItem(sets, (Py_ssize_t)set, made) != 0)
            Py_CLEAR(sets);
    }
    fabric_result_free(c.result);
    PyMem_Free(texts);
    return sets;
}
