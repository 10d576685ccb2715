/* What stack a caller needs, of a Fabric that speaks TLS: calls of every kind from a thread that has
 * no more than the documentation asks for, and how much of it they touch. Without a thread to be had
 * the caller fetches itself, and needs more. */
#define _GNU_SOURCE
#include "pthread_create.h"
#include "support.h"

#include <pthread.h>
#include <sys/mman.h>

/* The documented need, where the library has threads and where it has none. */
enum { NEED = 64 << 10, NEED_ALONE = 256 << 10, ROOM = 1 << 20, PAINT = 0xa5 };

static fabric_options_t *over_tls(void)
{
    fabric_options_t *o = options();
    const char *certs = getenv("FABRICD_CERTS");
    CHECK(certs);
    char ca[512];
    snprintf(ca, sizeof ca, "%s/ca.pem", certs);
    CHECK_INT(fabric_options_set_tls(o, ca, NULL, NULL), FABRIC_OK);
    CHECK_INT(fabric_options_set_report_errors(o, FABRIC_REPORT_FAILURE), FABRIC_OK);
    return o;
}

/* Whatever it costs most to make: of each kind the first call, which has nothing yet. */
static void *call_all(void *options)
{
    enum { N = 64 };
    static const char *const tables[] = {"employees.salaries"};
    static const char *const many[] = {"employees.salaries", "shop.orders", "crm.names"};
    static fabric_shard_t shards[N];
    static fabric_server_t servers[N];
    static fabric_node_t nodes[N];
    static fabric_metrics_t metrics;
    static fabric_event_t event;
    static fabric_error_t err;
    const int32_t local = FABRIC_SCOPE_LOCAL, rw = FABRIC_MODE_READWRITE;
    const int32_t any = FABRIC_STATUS_NONE;
    fabric_key_t one = fabric_key_int(1), name = text("Miller");
    int64_t numbers[] = {1, 20000};
    fabric_keys_t keys = fabric_keys_int(numbers, 2);
    uint32_t index[2];
    size_t order[2], starts[N], count;
    fabric_t *f = NULL;
    fabric_table_t *t = NULL;
    fabric_result_t *result = NULL;
    int fd;

    CHECK_OK(fabric_new(options, &f, &err), err);
    CHECK_OK(fabric_event_fd(f, &fd, &err), err);
    CHECK_OK(fabric_get_shard_server(f, tables, 1, &one, local, rw, servers, &err), err);
    CHECK_OK(fabric_get_shard_server(f, many + 2, 1, &name, local, rw, servers, &err), err);
    CHECK_INT(fabric_get_shard_server(f, many, 2, &one, local, rw, servers, &err),
              FABRIC_ERR_DIFFERENT_SHARDS);
    CHECK_INT(find(f, "no.such", one, rw, servers, &err), FABRIC_ERR_UNKNOWN_TABLE);
    CHECK_OK(fabric_get_group_server(f, "shard2", rw, any, servers, &err), err);
    CHECK_OK(fabric_get_group_servers(f, "global", 0, servers, N, &count, &err), err);
    CHECK_OK(fabric_get_shard_server_wait(f, tables, 1, &one, local, rw, 1000, servers, &err), err);
    CHECK_OK(fabric_get_group_server_wait(f, "shard1", rw, any, 1000, servers, &err), err);
    CHECK_OK(fabric_get_shard_servers(f, tables, 1, &keys, local, rw, index, NULL, servers, N,
                                      &count, &err),
             err);
    CHECK_OK(fabric_split_keys(f, tables, 1, &keys, local, rw, order, starts, NULL, servers, N,
                               &count, &err),
             err);
    CHECK_OK(fabric_get_shards(f, tables[0], shards, N, &count, &err), err);
    CHECK_OK(fabric_get_shards_in_range(f, tables[0], &one, &one, shards, N, &count, &err), err);
    CHECK_OK(fabric_get_shard(f, tables[0], &one, shards, &err), err);
    static fabric_explanation_t explanation;
    CHECK_OK(fabric_explain_shard(f, many + 2, 1, &name, local, rw, &explanation, &err), err);
    CHECK_INT(explanation.status, FABRIC_OK);
    CHECK_OK(fabric_explain_group(f, "shard1", rw, &explanation, &err), err);
    fabric_choice_t choice = {0};
    choice.preference = FABRIC_PREFER_NEAREST;
    choice.zone = "west";
    CHECK_OK(fabric_choose_shard_servers(f, tables, 1, &one, local, FABRIC_MODE_READONLY, &choice,
                                         servers, N, &count, &err),
             err);
    CHECK_OK(fabric_choose_group_servers(f, "shard1", rw, NULL, servers, N, &count, &err), err);
    static fabric_table_info_t known_tables[64];
    static fabric_group_info_t known_groups[64];
    CHECK_OK(fabric_get_tables(f, known_tables, 64, &count, &err), err);
    CHECK_OK(fabric_get_groups(f, known_groups, 64, &count, &err), err);
    static fabric_server_health_t health[64];
    CHECK_OK(fabric_get_server_health(f, NULL, health, 64, &count, &err), err);
    CHECK_OK(fabric_dump(f, "stack-dump.json", &err), err);
    CHECK_INT(remove("stack-dump.json"), 0);
    CHECK_OK(fabric_get_fabric_nodes(f, nodes, N, &count, &err), err);
    CHECK_OK(fabric_get_sharding_information(f, many, 3, &err), err);
    CHECK_OK(fabric_table_open(f, many + 1, 1, &t, &err), err);
    CHECK_OK(fabric_table_get_server(t, &one, local, rw, servers, &err), err);
    CHECK_OK(fabric_table_get_servers(t, &keys, local, FABRIC_MODE_READONLY, index, NULL, servers,
                                      N, &count, &err),
             err);
    CHECK_OK(fabric_table_get_server_wait(t, &one, local, rw, 1000, servers, &err), err);
    fabric_table_free(t);
    CHECK_OK(fabric_seed(f, NULL, 0, &err), err);
    CHECK_OK(fabric_seed(f, fabricd_host(), fabricd_port(), &err), err);
    CHECK_OK(fabric_execute(f, "dump", "servers", NULL, 0, &result, &err), err);
    fabric_result_free(result);
    CHECK_INT(fabric_execute(f, "no", "such", NULL, 0, &result, &err), FABRIC_ERR_FABRIC);
    CHECK_OK(fabric_report_result(f, servers[0].uuid, 2003, &err), err);
    CHECK_OK(fabric_report_error(f, servers[0].uuid, 1290, "text", NULL, &err), err);
    CHECK_INT(fabric_error_action(1290, "text"), FABRIC_ACTION_NONE);
    CHECK_INT(fabric_status_mysql_errno(FABRIC_ERR_UNKNOWN_TABLE), 1051);
    CHECK_OK(fabric_report_failure(f, servers[0].uuid, 2003, &err), err);
    CHECK_OK(fabric_reset_cache(f, NULL, &err), err);
    CHECK_OK(fabric_get_shard_server(f, tables, 1, &one, FABRIC_SCOPE_GLOBAL, rw, servers, &err),
             err);
    CHECK_OK(fabric_get_metrics(f, &metrics, &err), err);
    CHECK_OK(fabric_next_event(f, &event, &err), err);
    fabric_interrupt(f);
    fabric_free(f);
    return NULL;
}

/* Runs on a stack of `size` bytes that lies above a guard page; how much of it was used. */
static size_t used_of(size_t size, void *(*work)(void *), void *argument, int threads)
{
    const size_t guard = 64 << 10;
    unsigned char *memory = mmap(NULL, guard + size, PROT_READ | PROT_WRITE,
                                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(memory != MAP_FAILED);
    CHECK_INT(mprotect(memory, guard, PROT_NONE), 0);
    memset(memory + guard, PAINT, size);
    pthread_attr_t attributes;
    pthread_t thread;
    CHECK_INT(pthread_attr_init(&attributes), 0);
    CHECK_INT(pthread_attr_setstack(&attributes, memory + guard, size), 0);
    CHECK_INT(pthread_create(&thread, &attributes, work, argument), 0);
    atomic_store(&no_threads, !threads);
    CHECK_INT(pthread_join(thread, NULL), 0);
    atomic_store(&no_threads, 0);
    CHECK_INT(pthread_attr_destroy(&attributes), 0);
    size_t untouched = 0;
    while (untouched < size && memory[guard + untouched] == PAINT)
        untouched++;
    CHECK_INT(munmap(memory, guard + size), 0);
    return size - untouched;
}

static void *nothing(void *unused)
{
    return unused;
}

int main(void)
{
    fabric_options_t *o = over_tls();
    fabric_t *ctl = control();
    for (int threads = 1; threads >= 0; threads--) {
        size_t need = threads ? NEED : NEED_ALONE;
        /* First where there is room for more, to know how much it is; a thread that does nothing has
         * the C library's own there. */
        size_t own = used_of(ROOM, nothing, NULL, 1);
        size_t used = used_of(ROOM, call_all, o, threads);
        /* A failover is under way after each. */
        tell(ctl, "reset", NULL);
        printf("%s: %zu KiB of %zu are used, %zu of them before the first call\n",
               threads ? "with threads" : "without", used >> 10, need >> 10, own >> 10);
        fflush(stdout);
        CHECK(used <= need);
        used_of(need, call_all, o, threads);
        tell(ctl, "reset", NULL);
    }
    fabric_free(ctl);
    fabric_options_free(o);
    return 0;
}
