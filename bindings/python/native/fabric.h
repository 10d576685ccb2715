/* What the files of the extension module share. One interpreter: state is static. */
#ifndef PY_FABRIC_H
#define PY_FABRIC_H

/* Python 3.10 and every later one load the same file. */
#define Py_LIMITED_API 0x030A0000
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <mysqlfabric.h>
#include <stdatomic.h>
#include <stdbool.h>

enum { SERVER_SLOTS = 256, ASKED_SLOTS = 64, NAMES_ON_STACK = 16 };

typedef struct {
    PyObject *object;
    fabric_server_t server;
} known_server;

/* What was asked, as about() has it, and when it was answered. */
typedef struct {
    uint64_t asks;
    int64_t at_ms;
} asked_before;

typedef struct {
    PyObject_HEAD fabric_t *handle;
    /* Calls that have let go of the GIL: fabric_free() must wait for them. */
    int users;
    /* Threads of run_call() in calls: the same. Each takes itself away. */
    atomic_int workers;
    bool closing;
    /* The lookup timeout is 0: lookups keep the GIL. */
    bool never_waits;
    /* How often somebody has called interrupt(). */
    uint64_t interrupts;
    asked_before asked[ASKED_SLOTS];
    /* Objects of servers that lookups gave before, so that a warm one makes none. */
    known_server *known[SERVER_SLOTS];
} farm_object;

typedef struct {
    PyObject_HEAD farm_object *farm;
    fabric_table_t *table;
    PyObject *repr;
    uint64_t name;
} table_object;

/* A key of a call. Its text belongs to the argument, or to `owner`. */
typedef struct {
    fabric_key_t key;
    const fabric_key_t *use;
    PyObject *owner;
    /* An integer of more than 64 bits, given as text. */
    bool big;
} key_argument;

typedef struct {
    const char *on_stack[NAMES_ON_STACK];
    const char **names;
    size_t count;
    PyObject *sequence;
    /* The hash of them all. */
    uint64_t hash;
} names_argument;

typedef struct {
    char kind;
    size_t offset;
} field;

/* Python callables that _fabric.setup() was given: what makes objects and exceptions. */
extern PyObject *make_error, *make_key, *make_server, *make_shard, *make_table_info,
    *make_group_info, *make_node, *make_metrics, *make_event, *make_result, *make_explanation,
    *make_health, *make_batch;

/* arguments.c */
bool take_arguments(const char *function, const char *const *names, size_t most, size_t positional,
                    size_t least, PyObject *const *args, Py_ssize_t given, PyObject *keywords,
                    PyObject **out);
bool to_int(PyObject *value, const char *name, int32_t *out);
bool to_milliseconds(PyObject *value, int64_t *out);
const char *to_name(PyObject *value, const char *what);
uint64_t hash_of_name(PyObject *name);
bool take_names(PyObject *value, const char *what, names_argument *out);
void drop_names(names_argument *names);

/* key.c */
bool take_key(PyObject *value, key_argument *out);
/* Of a str or bytes. These raise InvalidKey. */
const char *key_utf8(PyObject *text, Py_ssize_t *length);
PyObject *digits_of(PyObject *integer);
void drop_key(key_argument *key);
/* The key to ask first for one of more than 64 bits: does the table take integers at all? */
fabric_key_t largest_integer(void);

/* convert.c */
PyObject *fail(int32_t status, const fabric_error_t *err);
PyObject *of_struct(PyObject *make, const field *fields, const void *from);
PyObject *of_structs(PyObject *make, const field *fields, const void *from, size_t size,
                     size_t count);
PyObject *of_server(farm_object *farm, const fabric_server_t *server);
void forget_servers(farm_object *farm);
PyObject *of_text(const char *text);
extern const field server_fields[], shard_fields[], table_info_fields[], group_info_fields[],
    node_fields[], metrics_fields[], event_fields[], explanation_fields[], health_fields[];

/* farm.c: a call that lets go of the GIL stands between enter() and leave(). */
bool is_open(farm_object *farm);
PyThreadState *enter(farm_object *farm);
void leave(farm_object *farm, PyThreadState *thread);
int64_t now_ms(void);
extern PyTypeObject *farm_type, *table_type;
bool add_types(PyObject *module);

/* signals.c: every call that may wait for the source is made by run_call(); false if a signal handler has raised
 * meanwhile. */
typedef int32_t (*source_call)(farm_object *farm, void *question, fabric_error_t *err);
typedef enum {
    /* Nothing that is known: a command, which is not to run twice, or anything else. */
    RUNS_COMMAND,
    ASKS_SOURCE,
    IN_MEMORY,
    ABOUT_SERVERS,
    ABOUT_GLOBAL_GROUP,
    ABOUT_MAP,
    ABOUT_GROUP,
    ABOUT_KINDS
} about_what;
/* Of a call with a deadline of its own, by which it may wait for a server, too. */
#define WITH_DEADLINE ((uint64_t)1 << 62)
/* What a lookup of tables in this scope asks for. */
static inline about_what what_of(int32_t scope)
{
    return scope == FABRIC_SCOPE_GLOBAL ? ABOUT_GLOBAL_GROUP : ABOUT_SERVERS;
}
uint64_t about(about_what what, uint64_t name);
bool is_known(farm_object *farm, uint64_t asks);
void forget_answer(farm_object *farm, uint64_t asks);
bool run_call(farm_object *farm, uint64_t asks, source_call call, void *question, int32_t *status,
              fabric_error_t *err);
void forget_answers(farm_object *farm);
PyObject *set_main_thread(PyObject *module, PyObject *ident);

/* options.c */
bool apply_option(fabric_options_t *options, PyObject *option);

/* log.c */
int32_t log_to_queue(fabric_options_t *options, int32_t level);
PyObject *open_log(PyObject *module, PyObject *unused);
PyObject *take_log(PyObject *module, PyObject *unused);
PyObject *end_log(PyObject *module, PyObject *unused);

/* calls.c */
extern PyGetSetDef farm_getters[];
PyObject *farm_reset_cache(PyObject *, PyObject *, PyObject *);
PyObject *farm_interrupt(PyObject *, PyObject *);
PyObject *farm_dump(PyObject *, PyObject *);
PyObject *farm_prefetch(PyObject *, PyObject *);
PyObject *farm_metrics(PyObject *, PyObject *);
PyObject *farm_fileno(PyObject *, PyObject *);
PyObject *farm_next_event(PyObject *, PyObject *);
PyObject *farm_fabric_uuid(PyObject *, PyObject *);

/* choose.c */
PyObject *farm_choose(PyObject *, PyObject *);

/* explain.c */
PyObject *farm_explain(PyObject *, PyObject *const *, Py_ssize_t, PyObject *);
PyObject *farm_explain_group(PyObject *, PyObject *const *, Py_ssize_t, PyObject *);

/* lookups.c, batches.c, lists.c, commands.c */
typedef PyObject *(*fast_method)(PyObject *self, PyObject *const *args, Py_ssize_t given,
                                 PyObject *keywords);
PyObject *farm_server(PyObject *, PyObject *const *, Py_ssize_t, PyObject *);
PyObject *farm_group_server(PyObject *, PyObject *const *, Py_ssize_t, PyObject *);
PyObject *farm_servers(PyObject *, PyObject *const *, Py_ssize_t, PyObject *);
PyObject *farm_split(PyObject *, PyObject *const *, Py_ssize_t, PyObject *);
PyObject *farm_shard(PyObject *, PyObject *const *, Py_ssize_t, PyObject *);
PyObject *farm_shards(PyObject *, PyObject *);
PyObject *farm_shards_between(PyObject *, PyObject *const *, Py_ssize_t, PyObject *);
PyObject *farm_group_servers(PyObject *, PyObject *const *, Py_ssize_t, PyObject *);
PyObject *farm_tables(PyObject *, PyObject *);
PyObject *farm_groups(PyObject *, PyObject *);
PyObject *farm_health(PyObject *, PyObject *);
PyObject *farm_nodes(PyObject *, PyObject *);
PyObject *farm_report(PyObject *, PyObject *const *, Py_ssize_t, PyObject *);
PyObject *farm_report_failure(PyObject *, PyObject *const *, Py_ssize_t, PyObject *);
PyObject *farm_seed(PyObject *, PyObject *const *, Py_ssize_t, PyObject *);
PyObject *farm_execute(PyObject *, PyObject *);
PyObject *table_servers(PyObject *, PyObject *const *, Py_ssize_t, PyObject *);
PyObject *table_server(PyObject *, PyObject *const *, Py_ssize_t, PyObject *);

#endif
