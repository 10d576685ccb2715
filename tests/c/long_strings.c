/* Strings that are longer than any there are: refused, with their beginning, and nothing behind the
 * limit is looked at. There is no memory behind them: who looks further dies. Only the two calls
 * that must be quick look for the end of a name first. */
#define _DEFAULT_SOURCE
#include <sys/mman.h>
#include <unistd.h>

#include "support.h"

enum { NAME = 1024, PATH = 4096, ARGUMENT = 64 << 20, KEY = 1 << 20 };

/* `length` bytes "x", and behind them a page that nobody may read. */
static char *cliff(size_t length)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), whole = (length + page - 1) / page * page;
    char *area = mmap(NULL, whole + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                      0);
    CHECK(area != MAP_FAILED);
    CHECK_INT(mprotect(area + whole, page, PROT_NONE), 0);
    char *text = area + whole - length;
    memset(text, 'x', length);
    return text;
}

/* The string that is just not too long, behind it the NUL. */
static const char *just(size_t length)
{
    char *text = cliff(length + 1);
    text[length] = 0;
    return text;
}

static void refused(const char *what, int32_t status, const fabric_error_t *err, size_t most)
{
    char limit[32];
    snprintf(limit, sizeof limit, "%zu", most);
    check_int(__FILE__, __LINE__, what, status, FABRIC_ERR_ARGUMENT);
    check_contains(__FILE__, __LINE__, err->message, "'xxxxxxxxxx");
    check_contains(__FILE__, __LINE__, err->message, limit);
    CHECK(strlen(err->message) < 300);
}

#define REFUSED(most, call) refused(#call, call, &err, most)

static fabric_server_t server;
static fabric_error_t err;

static void names(const fabric_t *f)
{
    enum { LOCAL = FABRIC_SCOPE_LOCAL, ANY = FABRIC_MODE_NONE, NONE = FABRIC_STATUS_NONE };
    const char *name = cliff(NAME + 1), *good = "employees.salaries";
    const char *const both[] = {good, name};
    const char *ended = just(NAME + 1), *const both_ended[] = {good, ended};
    fabric_key_t key = fabric_key_int(1);
    const int64_t values[] = {1};
    fabric_keys_t keys = fabric_keys_int(values, 1);
    uint32_t indexes[1];
    size_t count;
    fabric_table_t *t = NULL;
    fabric_result_t *result = NULL;
    fabric_shard_t shard;

    REFUSED(NAME, fabric_get_shard_server(f, &ended, 1, &key, LOCAL, ANY, &server, &err));
    REFUSED(NAME, fabric_get_shard_server(f, both_ended, 2, &key, LOCAL, ANY, &server, &err));
    CHECK_CONTAINS(err.message, "tables[1]");
    REFUSED(NAME, fabric_get_shard_server_wait(f, both, 2, &key, LOCAL, ANY, 50, &server, &err));
    REFUSED(NAME, fabric_get_group_server(f, ended, ANY, NONE, &server, &err));
    REFUSED(NAME, fabric_get_group_server_wait(f, name, ANY, NONE, 50, &server, &err));
    REFUSED(NAME, fabric_get_group_servers(f, name, 1, &server, 1, &count, &err));
    static fabric_explanation_t x;
    REFUSED(NAME, fabric_explain_shard(f, both, 2, &key, LOCAL, ANY, &x, &err));
    REFUSED(NAME, fabric_explain_group(f, name, ANY, &x, &err));
    fabric_server_weight_t weight = {name, 1, {0}};
    fabric_choice_t excluded = {0}, weighted = {0}, zoned = {0};
    excluded.excluded = both + 1;
    excluded.excluded_count = weighted.weights_count = 1;
    weighted.weights = &weight;
    zoned.zone = name;
    REFUSED(NAME, fabric_choose_shard_servers(f, both, 2, &key, LOCAL, ANY, NULL, &server, 1,
                                              &count, &err));
    REFUSED(NAME, fabric_choose_group_servers(f, name, ANY, NULL, &server, 1, &count, &err));
    REFUSED(NAME, fabric_choose_group_servers(f, "g", ANY, &excluded, &server, 1, &count, &err));
    REFUSED(NAME, fabric_choose_group_servers(f, "g", ANY, &weighted, &server, 1, &count, &err));
    REFUSED(NAME, fabric_choose_group_servers(f, "g", ANY, &zoned, &server, 1, &count, &err));
    static fabric_server_health_t health;
    REFUSED(NAME, fabric_get_server_health(f, name, &health, 1, &count, &err));
    REFUSED(NAME, fabric_table_open(f, both, 2, &t, &err));
    REFUSED(NAME, fabric_get_shard_servers(f, both, 2, &keys, LOCAL, ANY, indexes, NULL, &server, 1,
                                           &count, &err));
    REFUSED(NAME, fabric_get_shards(f, name, &shard, 1, &count, &err));
    REFUSED(NAME, fabric_get_shard(f, name, &key, &shard, &err));
    REFUSED(NAME, fabric_get_shards_in_range(f, name, &key, &key, &shard, 1, &count, &err));
    size_t order[1], starts[2];
    int32_t statuses[1];
    REFUSED(NAME, fabric_split_keys(f, both, 2, &keys, LOCAL, ANY, order, starts, statuses, &server,
                                    1, &count, &err));
    REFUSED(NAME, fabric_get_sharding_information(f, both, 2, &err));
    REFUSED(NAME, fabric_reset_cache(f, name, &err));
    REFUSED(NAME, fabric_report_result(f, name, 2003, &err));
    REFUSED(NAME, fabric_report_error(f, name, 1290, "text", NULL, &err));
    REFUSED(NAME, fabric_report_failure(f, name, 2003, &err));
    REFUSED(NAME, fabric_seed(f, name, 0, &err));
    REFUSED(NAME, fabric_execute(f, name, "servers", NULL, 0, &result, &err));
    REFUSED(NAME, fabric_execute(f, "dump", name, NULL, 0, &result, &err));
    const char *argument = cliff((size_t)ARGUMENT + 1);
    REFUSED(ARGUMENT, fabric_execute(f, "dump", "servers", &argument, 1, &result, &err));

    /* The longest there may be are taken for what they are: names of nothing. */
    const char *longest = just(NAME);
    CHECK_INT(fabric_get_group_server(f, longest, ANY, NONE, &server, &err),
              FABRIC_ERR_UNKNOWN_GROUP);
    CHECK_INT(find(f, longest, key, ANY, &server, &err), FABRIC_ERR_TABLE_NAME);
}

static void keys_of_text(const fabric_t *f)
{
    const char *long_text = cliff((size_t)KEY + 1);
    fabric_key_t key = fabric_key_text(long_text, (size_t)KEY + 1);
    REFUSED(KEY, find(f, "hashdb.users", key, FABRIC_MODE_NONE, &server, &err));
    CHECK_INT(find(f, "hashdb.users", fabric_key_text(long_text, KEY), FABRIC_MODE_NONE, &server,
                   &err),
              FABRIC_OK);

    const char *table = "hashdb.users", *texts[] = {"x", long_text, long_text};
    const size_t lengths[] = {1, (size_t)KEY + 1, KEY};
    fabric_keys_t keys = fabric_keys_text(texts, lengths, 3);
    uint32_t indexes[3];
    int32_t statuses[3];
    fabric_server_t servers[3];
    size_t count = 0;
    CHECK_INT(fabric_get_shard_servers(f, &table, 1, &keys, FABRIC_SCOPE_LOCAL, FABRIC_MODE_NONE,
                                       indexes, statuses, servers, 3, &count, &err),
              FABRIC_ERR_SOME_KEYS);
    CHECK_INT(statuses[0], FABRIC_OK);
    CHECK_INT(statuses[1], FABRIC_ERR_ARGUMENT);
    CHECK_INT(statuses[2], FABRIC_OK);
}

static void in_options(void)
{
    const char *name = cliff(NAME + 1), *path = cliff(PATH + 1);
    fabric_options_t *o = fabric_options_new();
    CHECK_INT(fabric_options_add_node(o, name, 0), FABRIC_ERR_ARGUMENT);
    CHECK_INT(fabric_options_set_credentials(o, name, "secret"), FABRIC_ERR_ARGUMENT);
    CHECK_INT(fabric_options_set_credentials(o, "admin", path), FABRIC_ERR_ARGUMENT);
    CHECK_INT(fabric_options_set_tls(o, path, NULL, NULL), FABRIC_ERR_ARGUMENT);
    CHECK_INT(fabric_options_set_tls(o, "ca", path, "cert"), FABRIC_ERR_ARGUMENT);
    CHECK_INT(fabric_options_set_tls(o, "ca", "key", path), FABRIC_ERR_ARGUMENT);
    CHECK_INT(fabric_options_set_snapshot_file(o, path), FABRIC_ERR_ARGUMENT);
    CHECK_INT(fabric_options_set_topology_file(o, path), FABRIC_ERR_ARGUMENT);
    const char *longest = just(PATH);
    CHECK_INT(fabric_options_set_credentials(o, "admin", longest), FABRIC_OK);
    CHECK_INT(fabric_options_set_tls(o, longest, NULL, NULL), FABRIC_OK);
    CHECK_INT(fabric_options_set_snapshot_file(o, longest), FABRIC_OK);
    fabric_options_free(o);
}

int main(void)
{
    in_options();
    fabric_t *f = handle(options());
    names(f);
    keys_of_text(f);
    /* All the same when everything is known and a name is looked for at once. */
    CHECK_OK(fabric_seed(f, NULL, 0, &err), err);
    CHECK_INT(port_of(f, "employees.salaries", fabric_key_int(1), FABRIC_MODE_READWRITE), 33611);
    names(f);
    keys_of_text(f);
    fabric_free(f);
    return 0;
}
