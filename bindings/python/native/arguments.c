/* Arguments of Python calls as C values. */
#include <math.h>
#include <string.h>

#include "fabric.h"

/* Puts arguments into `out` by the places of their names; those not given are NULL. */
bool take_arguments(const char *function, const char *const *names, size_t most, size_t positional,
                    size_t least, PyObject *const *args, Py_ssize_t given, PyObject *keywords,
                    PyObject **out)
{
    size_t count = (size_t)given;
    if (count > positional) {
        PyErr_Format(PyExc_TypeError, "%s() takes at most %zu positional arguments (%zd given)",
                     function, positional, given);
        return false;
    }
    for (size_t at = 0; at < most; at++)
        out[at] = at < count ? args[at] : NULL;
    Py_ssize_t named = keywords == NULL ? 0 : PyTuple_Size(keywords);
    for (Py_ssize_t k = 0; k < named; k++) {
        PyObject *keyword = PyTuple_GetItem(keywords, k);
        size_t at = 0;
        while (at < most && PyUnicode_CompareWithASCIIString(keyword, names[at]) != 0)
            at++;
        if (at == most) {
            PyErr_Format(PyExc_TypeError, "%s() got an unexpected keyword argument '%U'", function,
                         keyword);
            return false;
        }
        if (out[at] != NULL) {
            PyErr_Format(PyExc_TypeError, "%s() got multiple values for argument '%s'", function,
                         names[at]);
            return false;
        }
        out[at] = args[given + k];
    }
    for (size_t at = 0; at < least; at++)
        if (out[at] == NULL) {
            PyErr_Format(PyExc_TypeError, "%s() misses the argument '%s'", function, names[at]);
            return false;
        }
    return true;
}

/* NULL leaves `out` alone. */
bool to_int(PyObject *value, const char *name, int32_t *out)
{
    if (value == NULL)
        return true;
    if (!PyLong_Check(value)) {
        PyErr_Format(PyExc_TypeError, "%s must be an int, or a constant of mysqlfabric, and is %R",
                     name, value);
        return false;
    }
    long number = PyLong_AsLong(value);
    if ((number == -1 && PyErr_Occurred()) || number != (int32_t)number) {
        PyErr_Clear();
        PyErr_Format(PyExc_ValueError, "%s is out of range: %R", name, value);
        return false;
    }
    *out = (int32_t)number;
    return true;
}

/* Seconds, as Python counts; what is beyond the library's range it refuses itself. */
bool to_milliseconds(PyObject *value, int64_t *out)
{
    double seconds = PyFloat_AsDouble(value);
    if (seconds == -1.0 && PyErr_Occurred())
        return false;
    if (isnan(seconds)) {
        PyErr_SetString(PyExc_ValueError, "a time in seconds is not a number");
        return false;
    }
    double milliseconds = ceil(seconds * 1000.0 - 1e-6);
    *out = milliseconds >= 9e18    ? INT64_MAX
           : milliseconds <= -9e18 ? INT64_MIN
                                   : (int64_t)milliseconds;
    return true;
}

const char *to_name(PyObject *value, const char *what)
{
    if (!PyUnicode_Check(value)) {
        PyErr_Format(PyExc_TypeError, "%s must be a str, and is %R", what, value);
        return NULL;
    }
    Py_ssize_t length;
    const char *text = PyUnicode_AsUTF8AndSize(value, &length);
    if (text == NULL && PyErr_ExceptionMatches(PyExc_UnicodeError)) {
        PyErr_Clear();
        PyErr_Format(PyExc_ValueError, "%s has a lone surrogate, which UTF-8 does not have: %A",
                     what, value);
    }
    if (text != NULL && strlen(text) != (size_t)length) {
        PyErr_Format(PyExc_ValueError, "%s has a NUL in it: %R", what, value);
        return NULL;
    }
    return text;
}

/* As str has it, without the code of a class that extends it. */
uint64_t hash_of_name(PyObject *name)
{
    static hashfunc hash;
    if (hash == NULL)
        hash = (hashfunc)PyType_GetSlot(&PyUnicode_Type, Py_tp_hash);
    return (uint64_t)hash(name);
}

/* One name, or several in a sequence. */
bool take_names(PyObject *value, const char *what, names_argument *out)
{
    out->names = out->on_stack;
    out->sequence = NULL;
    if (PyUnicode_Check(value)) {
        out->count = 1;
        out->hash = hash_of_name(value);
        return (out->on_stack[0] = to_name(value, what)) != NULL;
    }
    /* A tuple of our own, so that nobody changes it while the GIL is not held. */
    if ((out->sequence = PySequence_Tuple(value)) == NULL)
        return false;
    out->count = (size_t)PyTuple_Size(out->sequence);
    if (out->count > NAMES_ON_STACK
        && (out->names = PyMem_Malloc(out->count * sizeof *out->names)) == NULL) {
        out->names = out->on_stack;
        drop_names(out);
        PyErr_NoMemory();
        return false;
    }
    out->hash = out->count;
    for (size_t at = 0; at < out->count; at++) {
        PyObject *name = PyTuple_GetItem(out->sequence, (Py_ssize_t)at);
        if ((out->names[at] = to_name(name, what)) == NULL) {
            drop_names(out);
            return false;
        }
        out->hash = out->hash * 31 + hash_of_name(name);
    }
    return true;
}

void drop_names(names_argument *names)
{
    if (names->names != names->on_stack)
        PyMem_Free(names->names);
    names->names = names->on_stack;
    Py_CLEAR(names->sequence);
}
