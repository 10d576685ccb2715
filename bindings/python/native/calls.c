/* Calls without more to them, and the getters of a farm. */
#include "fabric.h"

PyObject *farm_reset_cache(PyObject *self, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"group", NULL};
    farm_object *farm = (farm_object *)self;
    const char *group = NULL;
    fabric_error_t err;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "|z:reset_cache", names, &group)
        || !is_open(farm))
        return NULL;
    forget_answers(farm);
    int32_t status = fabric_reset_cache(farm->handle, group, &err);
    if (status != FABRIC_OK)
        return fail(status, &err);
    Py_RETURN_NONE;
}

PyObject *farm_interrupt(PyObject *self, PyObject *unused)
{
    (void)unused;
    if (!is_open((farm_object *)self))
        return NULL;
    ((farm_object *)self)->interrupts++;
    fabric_interrupt(((farm_object *)self)->handle);
    Py_RETURN_NONE;
}

PyObject *farm_dump(PyObject *self, PyObject *path)
{
    farm_object *farm = (farm_object *)self;
    const char *name = to_name(path, "a path");
    fabric_error_t err;
    if (name == NULL || !is_open(farm))
        return NULL;
    PyThreadState *thread = enter(farm);
    int32_t status = fabric_dump(farm->handle, name, &err);
    leave(farm, thread);
    if (status != FABRIC_OK)
        return fail(status, &err);
    Py_RETURN_NONE;
}

static int32_t call_prefetch(farm_object *farm, void *question, fabric_error_t *err)
{
    const names_argument *names = question;
    return fabric_get_sharding_information(farm->handle, names->names, names->count, err);
}

PyObject *farm_prefetch(PyObject *self, PyObject *tables)
{
    farm_object *farm = (farm_object *)self;
    names_argument names;
    fabric_error_t err;
    if (!take_names(tables, "a table", &names))
        return NULL;
    if (!is_open(farm)) {
        drop_names(&names);
        return NULL;
    }
    int32_t status;
    bool is_whole = run_call(farm, ASKS_SOURCE, call_prefetch, &names, &status, &err);
    drop_names(&names);
    if (!is_whole)
        return NULL;
    if (status != FABRIC_OK)
        return fail(status, &err);
    Py_RETURN_NONE;
}

PyObject *farm_metrics(PyObject *self, PyObject *unused)
{
    (void)unused;
    fabric_metrics_t metrics;
    fabric_error_t err;
    if (!is_open((farm_object *)self))
        return NULL;
    int32_t status = fabric_get_metrics(((farm_object *)self)->handle, &metrics, &err);
    return status != FABRIC_OK ? fail(status, &err)
                               : of_struct(make_metrics, metrics_fields, &metrics);
}

PyObject *farm_fileno(PyObject *self, PyObject *unused)
{
    (void)unused;
    int descriptor;
    fabric_error_t err;
    if (!is_open((farm_object *)self))
        return NULL;
    int32_t status = fabric_event_fd(((farm_object *)self)->handle, &descriptor, &err);
    return status != FABRIC_OK ? fail(status, &err) : PyLong_FromLong(descriptor);
}

/* The oldest event that waits, or None. */
PyObject *farm_next_event(PyObject *self, PyObject *unused)
{
    (void)unused;
    fabric_event_t event;
    fabric_error_t err;
    if (!is_open((farm_object *)self))
        return NULL;
    int32_t status = fabric_next_event(((farm_object *)self)->handle, &event, &err);
    if (status == FABRIC_ERR_NO_EVENT)
        Py_RETURN_NONE;
    return status != FABRIC_OK ? fail(status, &err) : of_struct(make_event, event_fields, &event);
}

PyObject *farm_fabric_uuid(PyObject *self, PyObject *unused)
{
    (void)unused;
    char uuid[FABRIC_UUID_SIZE];
    fabric_error_t err;
    if (!is_open((farm_object *)self))
        return NULL;
    int32_t status = fabric_get_fabric_uuid(((farm_object *)self)->handle, uuid, &err);
    return status != FABRIC_OK ? fail(status, &err) : of_text(uuid);
}

#define FARM(self) (((farm_object *)(self))->handle)

static PyObject *get_closed(PyObject *self, void *unused)
{
    (void)unused;
    return PyBool_FromLong(FARM(self) == NULL || ((farm_object *)self)->closing);
}

static PyObject *get_generation(PyObject *self, void *unused)
{
    (void)unused;
    return is_open((farm_object *)self)
               ? PyLong_FromUnsignedLongLong(fabric_topology_generation(FARM(self)))
               : NULL;
}

static PyObject *get_age_ms(PyObject *self, void *unused)
{
    (void)unused;
    return is_open((farm_object *)self) ? PyLong_FromLongLong(fabric_topology_age(FARM(self)))
                                        : NULL;
}

static PyObject *get_ttl_ms(PyObject *self, void *unused)
{
    (void)unused;
    return is_open((farm_object *)self) ? PyLong_FromLongLong(fabric_get_ttl_ms(FARM(self))) : NULL;
}

/* The getters of texts differ in the function alone. */
static PyObject *get_text(PyObject *self, void *function)
{
    const char *(*get)(const fabric_t *) = *(const char *(**)(const fabric_t *))function;
    return is_open((farm_object *)self) ? of_text(get(FARM(self))) : NULL;
}

static const char *(*const text_getters[])(const fabric_t *) = {fabric_get_user, fabric_get_tls_ca,
                                                                fabric_get_tls_key,
                                                                fabric_get_tls_cert};

PyGetSetDef farm_getters[] = {
    {"closed", get_closed, NULL, NULL, NULL},
    {"generation", get_generation, NULL, NULL, NULL},
    {"_age_ms", get_age_ms, NULL, NULL, NULL},
    {"_ttl_ms", get_ttl_ms, NULL, NULL, NULL},
    {"user", get_text, NULL, NULL, (void *)&text_getters[0]},
    {"tls_ca", get_text, NULL, NULL, (void *)&text_getters[1]},
    {"tls_key", get_text, NULL, NULL, (void *)&text_getters[2]},
    {"tls_cert", get_text, NULL, NULL, (void *)&text_getters[3]},
    {NULL, NULL, NULL, NULL, NULL},
};
