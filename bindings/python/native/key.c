/* Sharding keys. What is neither int nor str is made one of them in Python, by make_key. */
#include "fabric.h"

/* Raises InvalidKey in the place of a ValueError of Python. */
static void refuse_key(const char *reason)
{
    if (!PyErr_ExceptionMatches(PyExc_ValueError))
        return;
    PyErr_Clear();
    PyObject *error = PyObject_CallFunction(make_error, "iis", FABRIC_ERR_KEY_TYPE, 0, reason);
    if (error != NULL) {
        PyErr_SetObject((PyObject *)Py_TYPE(error), error);
        Py_DECREF(error);
    }
}

const char *key_utf8(PyObject *text, Py_ssize_t *length)
{
    if (PyBytes_Check(text)) {
        char *bytes;
        if (PyBytes_AsStringAndSize(text, &bytes, length) != 0)
            return NULL;
        PyObject *decoded = PyUnicode_DecodeUTF8(bytes, *length, "strict");
        if (decoded == NULL)
            refuse_key("the key is not a text: its bytes are not UTF-8");
        Py_XDECREF(decoded);
        return decoded != NULL ? bytes : NULL;
    }
    const char *utf8 = PyUnicode_AsUTF8AndSize(text, length);
    if (utf8 == NULL)
        refuse_key("the key is not a text: it has a lone surrogate, which UTF-8 does not have");
    return utf8;
}

PyObject *digits_of(PyObject *integer)
{
    PyObject *text = PyObject_Str(integer);
    if (text == NULL)
        refuse_key("the key has more digits than sys.get_int_max_str_digits() allows");
    return text;
}

static bool take_text(PyObject *text, key_argument *out)
{
    Py_ssize_t length;
    const char *utf8 = key_utf8(text, &length);
    if (utf8 == NULL)
        return false;
    out->key = fabric_key_text(utf8, (size_t)length);
    return true;
}

static bool take_integer(PyObject *value, key_argument *out)
{
    int overflow;
    long long number = PyLong_AsLongLongAndOverflow(value, &overflow);
    if (overflow == 0) {
        if (number == -1 && PyErr_Occurred())
            return false;
        out->key = fabric_key_int(number);
        return true;
    }
    if (overflow > 0) {
        unsigned long long without_sign = PyLong_AsUnsignedLongLong(value);
        if (!PyErr_Occurred()) {
            out->key = fabric_key_uint(without_sign);
            return true;
        }
        PyErr_Clear();
    }
    out->big = true;
    return (out->owner = digits_of(value)) != NULL && take_text(out->owner, out);
}

static bool take_plain(PyObject *value, key_argument *out)
{
    return PyLong_Check(value) ? take_integer(value, out) : take_text(value, out);
}

bool take_key(PyObject *value, key_argument *out)
{
    out->owner = NULL;
    out->big = false;
    if (value == NULL || value == Py_None) {
        out->use = NULL;
        return true;
    }
    out->use = &out->key;
    if (PyLong_CheckExact(value) || PyUnicode_CheckExact(value) || PyBytes_CheckExact(value))
        return take_plain(value, out);
    PyObject *plain = PyObject_CallFunctionObjArgs(make_key, value, NULL);
    if (plain == NULL)
        return false;
    bool taken = take_plain(plain, out);
    if (out->owner == NULL)
        out->owner = plain;
    else
        Py_DECREF(plain);
    if (!taken)
        drop_key(out);
    return taken;
}

void drop_key(key_argument *key)
{
    Py_CLEAR(key->owner);
}

fabric_key_t largest_integer(void)
{
    return fabric_key_uint(UINT64_MAX);
}
