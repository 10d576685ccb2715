/* Options by name: mysqlfabric.Farm gives (name, value, ...) for each. */
#include <stdio.h>
#include <string.h>

#include "fabric.h"

typedef fabric_options_t *o;

static const struct {
    const char *name;
    /* As PyArg_ParseTuple has them: s a str, z a str or None, L an integer. */
    const char *values;
    union {
        int32_t (*s)(o, const char *);
        int32_t (*ss)(o, const char *, const char *);
        int32_t (*sss)(o, const char *, const char *, const char *);
        int32_t (*l)(o, int64_t);
        int32_t (*i)(o, int32_t);
        int32_t (*ll)(o, int64_t, int64_t);
    } set;
} table[] = {
    {"url", "s", {.s = fabric_options_set_source}},
    {"topology_file", "s", {.s = fabric_options_set_topology_file}},
    {"snapshot_file", "s", {.s = fabric_options_set_snapshot_file}},
    {"zone", "s", {.s = fabric_options_set_zone}},
    {"credentials", "ss", {.ss = fabric_options_set_credentials}},
    {"mysql_credentials", "ss", {.ss = fabric_options_set_mysql_credentials}},
    {"tls", "zzz", {.sss = fabric_options_set_tls}},
    {"connect_attempts", "L", {.l = fabric_options_set_connect_attempts}},
    {"connect_delay", "L", {.l = fabric_options_set_connect_delay_ms}},
    {"connect_timeout", "L", {.l = fabric_options_set_connect_timeout_ms}},
    {"request_timeout", "L", {.l = fabric_options_set_request_timeout_ms}},
    {"lookup_timeout", "L", {.l = fabric_options_set_lookup_timeout_ms}},
    {"max_reply_bytes", "L", {.l = fabric_options_set_max_reply_bytes}},
    {"backoff_limit", "L", {.l = fabric_options_set_backoff_limit_ms}},
    {"idle_after", "L", {.l = fabric_options_set_idle_after_ms}},
    {"max_stale", "L", {.l = fabric_options_set_max_stale_ms}},
    {"quarantine", "L", {.l = fabric_options_set_quarantine_ms}},
    {"least_write_hold", "L", {.l = fabric_options_set_least_write_hold_ms}},
    {"vanished_hold", "L", {.l = fabric_options_set_vanished_hold_ms}},
    {"report_window", "L", {.l = fabric_options_set_report_window_ms}},
    {"discovery_interval", "L", {.l = fabric_options_set_discovery_interval_ms}},
    {"max_replica_lag", "L", {.l = fabric_options_set_max_replica_lag_ms}},
    {"ttl", "LL", {.ll = fabric_options_set_ttl_ms}},
    {"report_errors", "i", {.i = fabric_options_set_report_errors}},
    {"report_errno", "i", {.i = fabric_options_add_report_errno}},
    {"background_refresh", "i", {.i = fabric_options_set_background_refresh}},
    {"refresh_share", "i", {.i = fabric_options_set_refresh_share}},
    {"compat", "i", {.i = fabric_options_set_compat}},
    {"read_preference", "i", {.i = fabric_options_set_read_preference}},
    {"mysql_password_unverified", "i", {.i = fabric_options_set_mysql_password_unverified}},
    {"multi_primary", "i", {.i = fabric_options_set_multi_primary}},
    {"reads_without_majority", "i", {.i = fabric_options_set_reads_without_majority}},
};

/* Those that fit no row of the table. */
static bool apply_other(fabric_options_t *options, const char *name, PyObject *values)
{
    const char *first, *second, *third;
    int number, port;
    if (strcmp(name, "node") == 0) {
        if (!PyArg_ParseTuple(values, "si:node", &first, &port))
            return false;
        if (port < 0 || port > UINT16_MAX) {
            PyErr_Format(PyExc_ValueError, "port must be 0 to 65535, and is %d", port);
            return false;
        }
        fabric_options_add_node(options, first, (uint16_t)port);
        return true;
    }
    if (strcmp(name, "mysql_tls") == 0) {
        if (!PyArg_ParseTuple(values, "izzz:mysql_tls", &number, &first, &second, &third))
            return false;
        fabric_options_set_mysql_tls(options, number, first, second, third);
        return true;
    }
    if (strcmp(name, "log_level") == 0) {
        if (!PyArg_ParseTuple(values, "i:log_level", &number))
            return false;
        log_to_queue(options, number);
        return true;
    }
    PyErr_Format(PyExc_SystemError, "no option %s", name);
    return false;
}

/* Sets one option. What the library refuses fabric_new() says. */
bool apply_option(fabric_options_t *options, PyObject *option)
{
    if (option == NULL || !PyTuple_Check(option) || PyTuple_Size(option) < 1) {
        PyErr_SetString(PyExc_TypeError, "an option is a tuple of its name and its values");
        return false;
    }
    const char *name = to_name(PyTuple_GetItem(option, 0), "an option");
    if (name == NULL)
        return false;
    PyObject *values = PyTuple_GetSlice(option, 1, PyTuple_Size(option));
    if (values == NULL)
        return false;
    size_t at = 0, rows = sizeof table / sizeof *table;
    while (at < rows && strcmp(table[at].name, name) != 0)
        at++;
    if (at == rows) {
        bool applied = apply_other(options, name, values);
        Py_DECREF(values);
        return applied;
    }
    const char *kind = table[at].values, *texts[3] = {NULL, NULL, NULL};
    long long numbers[2] = {0, 0};
    int number = 0;
    /* Behind the colon is what messages begin with. */
    char format[64];
    snprintf(format, sizeof format, "%s:%s", kind, name);
    bool parsed = strcmp(kind, "L") == 0 ? PyArg_ParseTuple(values, format, &numbers[0]) != 0
                  : strcmp(kind, "LL") == 0
                      ? PyArg_ParseTuple(values, format, &numbers[0], &numbers[1]) != 0
                  : strcmp(kind, "i") == 0
                      ? PyArg_ParseTuple(values, format, &number) != 0
                      : PyArg_ParseTuple(values, format, &texts[0], &texts[1], &texts[2]) != 0;
    if (!parsed && (kind[0] == 'L' || kind[0] == 'i')) {
        bool is_large = PyErr_ExceptionMatches(PyExc_OverflowError) != 0;
        PyErr_Clear();
        PyErr_Format(is_large ? PyExc_ValueError : PyExc_TypeError, "%s %s: %R", name,
                     is_large ? "is out of range" : "must be an int, and is not", values);
    }
    if (parsed) {
        if (strcmp(kind, "L") == 0)
            table[at].set.l(options, numbers[0]);
        else if (strcmp(kind, "LL") == 0)
            table[at].set.ll(options, numbers[0], numbers[1]);
        else if (strcmp(kind, "i") == 0)
            table[at].set.i(options, number);
        else if (strcmp(kind, "s") == 0)
            table[at].set.s(options, texts[0]);
        else if (strcmp(kind, "ss") == 0)
            table[at].set.ss(options, texts[0], texts[1]);
        else
            table[at].set.sss(options, texts[0], texts[1], texts[2]);
    }
    Py_DECREF(values);
    return parsed;
}
