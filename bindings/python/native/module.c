/* mysqlfabric._fabric: the calls of libmysqlfabric, for the classes of mysqlfabric alone. */
#include "fabric.h"

static bool is_main_interpreter(void)
{
    if (PyInterpreterState_GetID(PyInterpreterState_Get()) == 0)
        return true;
    PyErr_SetString(PyExc_ImportError, "mysqlfabric runs in the main interpreter alone: with "
                                       "mod_wsgi set WSGIApplicationGroup %{GLOBAL}");
    return false;
}

static PyObject *setup(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject **const places[] = {&make_error,  &make_key,         &make_server,
                                 &make_shard,  &make_table_info,  &make_group_info,
                                 &make_node,   &make_metrics,     &make_event,
                                 &make_result, &make_explanation, &make_health,
                                 &make_batch};
    enum { PLACES = sizeof places / sizeof *places };
    if (PyTuple_Size(args) != PLACES) {
        PyErr_Format(PyExc_TypeError, "setup() takes %d callables", (int)PLACES);
        return NULL;
    }
    /* Some versions give a second interpreter the module of the first. */
    if (!is_main_interpreter())
        return NULL;
    /* What these made before is in use, and its classes are others than those of a second import. */
    if (make_error != NULL) {
        PyErr_SetString(PyExc_ImportError,
                        "mysqlfabric was imported before in this process: it is imported once, and "
                        "not reloaded");
        return NULL;
    }
    for (int at = 0; at < PLACES; at++) {
        PyObject *before = *places[at], *given = PyTuple_GetItem(args, at);
        Py_INCREF(given);
        *places[at] = given;
        Py_XDECREF(before);
    }
    Py_RETURN_NONE;
}

static PyObject *version(PyObject *module, PyObject *unused)
{
    (void)module, (void)unused;
    return of_text(fabric_version());
}

static PyObject *with_number(PyObject *number, int32_t (*call)(int32_t))
{
    int32_t value = 0;
    return to_int(number, "the number", &value) ? PyLong_FromLong(call(value)) : NULL;
}

static PyObject *errno_action(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *number = NULL, *message = NULL;
    int32_t value = 0;
    if (!PyArg_ParseTuple(args, "OO:errno_action", &number, &message)
        || !to_int(number, "the number", &value))
        return NULL;
    if (message == Py_None)
        return PyLong_FromLong(fabric_errno_action(value));
    PyObject *text = PyUnicode_AsEncodedString(message, "utf-8", "replace");
    if (text == NULL)
        return NULL;
    PyObject *actions = PyLong_FromLong(fabric_error_action(value, PyBytes_AsString(text)));
    Py_DECREF(text);
    return actions;
}

static PyObject *is_retryable(PyObject *module, PyObject *number)
{
    (void)module;
    return with_number(number, fabric_status_is_retryable);
}

static PyObject *mysql_errno(PyObject *module, PyObject *number)
{
    (void)module;
    return with_number(number, fabric_status_mysql_errno);
}

static PyObject *text_of(PyObject *number, const char *(*call)(int32_t))
{
    int32_t value = 0;
    return to_int(number, "the number", &value) ? of_text(call(value)) : NULL;
}

static PyObject *strerror_of(PyObject *module, PyObject *number)
{
    (void)module;
    return text_of(number, fabric_strerror);
}

static PyObject *event_name(PyObject *module, PyObject *number)
{
    (void)module;
    return text_of(number, fabric_event_name);
}

/* The interpreter's end frees it neither. */
static PyObject *keep_for_ever(PyObject *module, PyObject *value)
{
    (void)module;
    Py_INCREF(value);
    Py_RETURN_NONE;
}

/* clang-format off */
static PyMethodDef methods[] = {
    {"setup", setup, METH_VARARGS, NULL},
    {"version", version, METH_NOARGS, NULL},
    {"errno_action", errno_action, METH_VARARGS, NULL},
    {"is_retryable", is_retryable, METH_O, NULL},
    {"mysql_errno", mysql_errno, METH_O, NULL},
    {"strerror", strerror_of, METH_O, NULL},
    {"event_name", event_name, METH_O, NULL},
    {"open_log", open_log, METH_NOARGS, NULL},
    {"take_log", take_log, METH_NOARGS, NULL},
    {"end_log", end_log, METH_NOARGS, NULL},
    {"set_main_thread", set_main_thread, METH_O, NULL},
    {"keep_for_ever", keep_for_ever, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};
/* clang-format on */

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "mysqlfabric._fabric", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__fabric(void)
{
    if (!is_main_interpreter())
        return NULL;
    PyObject *module = PyModule_Create(&definition);
    if (module != NULL && !add_types(module))
        Py_CLEAR(module);
    return module;
}
