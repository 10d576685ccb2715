/* The types Handle, which mysqlfabric.Farm extends, and Table: their lives and their calls. */
#include <stddef.h>
#include <time.h>

#include "docs.h"
#include "fabric.h"

PyTypeObject *farm_type, *table_type;

bool is_open(farm_object *farm)
{
    if (farm->handle != NULL && !farm->closing)
        return true;
    PyObject *error = PyObject_CallFunction(make_error, "iis", -1, 0, "the farm is closed");
    if (error != NULL) {
        PyErr_SetObject((PyObject *)Py_TYPE(error), error);
        Py_DECREF(error);
    }
    return false;
}

PyThreadState *enter(farm_object *farm)
{
    farm->users++;
    return PyEval_SaveThread();
}

void leave(farm_object *farm, PyThreadState *thread)
{
    PyEval_RestoreThread(thread);
    farm->users--;
}

/* Ends the waits of other threads, and frees the handle when they are out of it. */
static void close_farm(farm_object *farm)
{
    if (farm->handle == NULL || farm->closing)
        return;
    farm->closing = true;
    while (farm->users > 0 || atomic_load(&farm->workers) > 0) {
        fabric_interrupt(farm->handle);
        PyThreadState *thread = PyEval_SaveThread();
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        PyEval_RestoreThread(thread);
    }
    fabric_t *handle = farm->handle;
    farm->handle = NULL;
    PyThreadState *thread = PyEval_SaveThread();
    fabric_free(handle);
    PyEval_RestoreThread(thread);
}

static PyObject *farm_close(PyObject *self, PyObject *unused)
{
    (void)unused;
    close_farm((farm_object *)self);
    Py_RETURN_NONE;
}

static PyObject *farm_after_fork(PyObject *self, PyObject *unused)
{
    (void)unused;
    /* The threads that were in calls are not in the child. */
    ((farm_object *)self)->users = 0;
    atomic_store(&((farm_object *)self)->workers, 0);
    Py_RETURN_NONE;
}

static int farm_init(PyObject *self, PyObject *args, PyObject *keywords)
{
    farm_object *farm = (farm_object *)self;
    PyObject *given;
    int never_waits;
    if (keywords != NULL || !PyArg_ParseTuple(args, "O!p", &PyList_Type, &given, &never_waits))
        return -1;
    if (farm->handle != NULL || farm->closing) {
        PyErr_SetString(PyExc_RuntimeError, "a farm is made once");
        return -1;
    }
    fabric_options_t *options = fabric_options_new();
    if (options == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    bool applied = true;
    for (Py_ssize_t at = 0; applied && at < PyList_Size(given); at++)
        applied = apply_option(options, PyList_GetItem(given, at));
    fabric_error_t err;
    int32_t status = applied ? fabric_new(options, &farm->handle, &err) : FABRIC_OK;
    fabric_options_free(options);
    if (status != FABRIC_OK)
        fail(status, &err);
    farm->never_waits = never_waits != 0;
    return applied && status == FABRIC_OK ? 0 : -1;
}

static void farm_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    /* Nobody refers to it: no call is in it. */
    ((farm_object *)self)->users = 0;
    close_farm((farm_object *)self);
    forget_servers((farm_object *)self);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

typedef struct {
    const names_argument *names;
    fabric_table_t *opened;
} opening;

static int32_t call_open(farm_object *farm, void *question, fabric_error_t *err)
{
    opening *o = question;
    return fabric_table_open(farm->handle, o->names->names, o->names->count, &o->opened, err);
}

static PyObject *farm_open_table(PyObject *self, PyObject *tables)
{
    farm_object *farm = (farm_object *)self;
    names_argument names;
    opening o = {.names = &names};
    fabric_error_t err;
    int32_t status;
    if (!take_names(tables, "a table", &names))
        return NULL;
    PyObject *repr = PyUnicode_FromFormat("<mysqlfabric.Table %R>",
                                          names.sequence != NULL ? names.sequence : tables);
    if (repr == NULL || !is_open(farm)) {
        drop_names(&names);
        Py_XDECREF(repr);
        return NULL;
    }
    bool is_whole = run_call(farm, about(ABOUT_MAP, names.hash), call_open, &o, &status, &err);
    drop_names(&names);
    if (!is_whole || status != FABRIC_OK) {
        Py_DECREF(repr);
        fabric_table_free(o.opened);
        return is_whole ? fail(status, &err) : NULL;
    }
    table_object *table = PyObject_GC_New(table_object, table_type);
    if (table == NULL) {
        fabric_table_free(o.opened);
        Py_DECREF(repr);
        return NULL;
    }
    table->repr = repr;
    Py_INCREF(self);
    table->farm = farm;
    table->table = o.opened;
    table->name = names.hash;
    PyObject_GC_Track((PyObject *)table);
    return (PyObject *)table;
}

/* A farm may keep its tables: then each refers to the other. */
static int table_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT((PyObject *)((table_object *)self)->farm);
    return 0;
}

static int table_clear(PyObject *self)
{
    Py_CLEAR(((table_object *)self)->farm);
    return 0;
}

static void table_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    table_object *table = (table_object *)self;
    PyObject_GC_UnTrack(self);
    fabric_table_free(table->table);
    Py_XDECREF(table->farm);
    Py_XDECREF(table->repr);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

#define FAST(name, function, doc)                                                                  \
    {                                                                                              \
        name, (PyCFunction)(void (*)(void))(function), METH_FASTCALL | METH_KEYWORDS, doc          \
    }

static PyMethodDef farm_methods[] = {
    FAST("server", farm_server, DOC_SERVER),
    FAST("group_server", farm_group_server, DOC_GROUP_SERVER),
    FAST("_servers", farm_servers, NULL),
    FAST("_split", farm_split, NULL),
    FAST("shard", farm_shard, DOC_SHARD),
    FAST("explain", farm_explain, DOC_EXPLAIN),
    FAST("explain_group", farm_explain_group, DOC_EXPLAIN_GROUP),
    FAST("shards_between", farm_shards_between, DOC_SHARDS_BETWEEN),
    FAST("group_servers", farm_group_servers, DOC_GROUP_SERVERS),
    FAST("_report", farm_report, NULL),
    FAST("_report_failure", farm_report_failure, NULL),
    FAST("seed", farm_seed, DOC_SEED),
    {"shards", farm_shards, METH_O, DOC_SHARDS},
    {"tables", farm_tables, METH_NOARGS, DOC_TABLES},
    {"groups", farm_groups, METH_NOARGS, DOC_GROUPS},
    {"health", farm_health, METH_VARARGS, DOC_HEALTH},
    {"nodes", farm_nodes, METH_NOARGS, DOC_NODES},
    {"_choose", farm_choose, METH_VARARGS, NULL},
    {"_execute", farm_execute, METH_VARARGS, NULL},
    {"reset_cache", (PyCFunction)(void (*)(void))farm_reset_cache, METH_VARARGS | METH_KEYWORDS,
     DOC_RESET_CACHE},
    {"interrupt", farm_interrupt, METH_NOARGS, DOC_INTERRUPT},
    {"_dump", farm_dump, METH_O, NULL},
    {"_prefetch", farm_prefetch, METH_O, NULL},
    {"metrics", farm_metrics, METH_NOARGS, DOC_METRICS},
    {"fileno", farm_fileno, METH_NOARGS, DOC_FILENO},
    {"next_event", farm_next_event, METH_NOARGS, DOC_NEXT_EVENT},
    {"_fabric_uuid", farm_fabric_uuid, METH_NOARGS, NULL},
    {"table", farm_open_table, METH_O, DOC_TABLE},
    {"_close", farm_close, METH_NOARGS, NULL},
    {"_after_fork", farm_after_fork, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyObject *table_repr(PyObject *self)
{
    PyObject *repr = ((table_object *)self)->repr;
    Py_INCREF(repr);
    return repr;
}

static PyObject *table_reduce(PyObject *self, PyObject *unused)
{
    (void)self, (void)unused;
    PyErr_SetString(PyExc_TypeError, "a Table cannot be pickled: open it in each process");
    return NULL;
}

static PyMethodDef table_methods[] = {
    {"__reduce__", table_reduce, METH_NOARGS, NULL},
    FAST("server", table_server, DOC_TABLE_SERVER),
    FAST("servers", table_servers, DOC_TABLE_SERVERS),
    {NULL, NULL, 0, NULL},
};

static PyType_Slot farm_slots[] = {
    {Py_tp_doc, (void *)DOC_HANDLE},       {Py_tp_init, (void *)farm_init},
    {Py_tp_dealloc, (void *)farm_dealloc}, {Py_tp_methods, farm_methods},
    {Py_tp_getset, farm_getters},          {0, NULL},
};

static PyType_Slot table_slots[] = {
    {Py_tp_doc, (void *)DOC_TABLE_TYPE},
    {Py_tp_dealloc, (void *)table_dealloc},
    {Py_tp_traverse, (void *)table_traverse},
    {Py_tp_clear, (void *)table_clear},
    {Py_tp_methods, table_methods},
    {Py_tp_repr, (void *)table_repr},
    {0, NULL},
};

static PyType_Spec farm_spec = {"mysqlfabric._fabric.Handle", sizeof(farm_object), 0,
                                Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, farm_slots};
static PyType_Spec table_spec = {"mysqlfabric.Table", sizeof(table_object), 0,
                                 Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC
                                     | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                                 table_slots};

bool add_types(PyObject *module)
{
    farm_type = (PyTypeObject *)PyType_FromSpec(&farm_spec);
    table_type = (PyTypeObject *)PyType_FromSpec(&table_spec);
    return farm_type != NULL && table_type != NULL
           && PyModule_AddObjectRef(module, "Handle", (PyObject *)farm_type) == 0
           && PyModule_AddObjectRef(module, "Table", (PyObject *)table_type) == 0;
}
