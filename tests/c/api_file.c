/* Topology files: what they hold that a struct has no room for, and what is refused in them. */
#define _POSIX_C_SOURCE 200809L

#include <unistd.h>

#include "support.h"

enum { RW = FABRIC_MODE_READWRITE };

static const char head[] =
    "{\"format\": \"libmysqlfabric topology\", \"version\": 1, \"fabric_nodes\": [%s],"
    " \"tables\": [{\"schema\": \"d\", \"table\": \"t\", \"column\": \"c\","
    " \"type\": \"RANGE_STRING\", \"global_group\": \"g\", \"shards\":"
    " [{\"id\": 1, \"lower_bound\": \"\", \"group\": \"g\"},"
    " {\"id\": 2, \"lower_bound\": \"%s\", \"group\": \"h\"}]}],"
    " \"groups\": [{\"id\": \"g\", \"servers\": [{\"uuid\": \"u1\", \"host\": \"a\", \"port\": 1,"
    " \"mode\": 3, \"status\": 3, \"weight\": 1}]},"
    " {\"id\": \"h\", \"servers\": [{\"uuid\": \"u2\", \"host\": \"a\", \"port\": 2,"
    " \"mode\": 3, \"status\": 3, \"weight\": 1}]}]}\n";

/* A handle on a file with these Fabric nodes and this bound; the file is gone after its lookup. */
static fabric_t *routing_from(const char *nodes, const char *bound, int32_t wanted,
                              fabric_error_t *err)
{
    char path[] = "/tmp/mysqlfabric-XXXXXX";
    FILE *file = temporary_file(path);
    fprintf(file, head, nodes, bound);
    CHECK_INT(fclose(file), 0);
    fabric_options_t *o = fabric_options_new();
    CHECK_INT(fabric_options_set_topology_file(o, path), FABRIC_OK);
    CHECK_INT(fabric_options_set_background_refresh(o, 0), FABRIC_OK);
    fabric_t *f = handle(o);
    fabric_server_t s;
    CHECK_INT(find(f, "d.t", text("a"), RW, &s, err), wanted);
    CHECK_INT(unlink(path), 0);
    return f;
}

static void blames_no_fabric(const fabric_error_t *err)
{
    CHECK(!strstr(err->message, "Fabric"));
    CHECK(!strstr(err->message, "schema"));
}

/* As long as a bound may be, and one byte more. */
static void a_long_bound(void)
{
    char bound[FABRIC_BOUND_SIZE + 1] = "";
    memset(bound, 'b', FABRIC_BOUND_SIZE - 1);
    fabric_error_t err;
    fabric_t *f = routing_from("", bound, FABRIC_OK, &err);
    CHECK_INT(port_of(f, "d.t", text("bb"), RW), 1);
    CHECK_INT(port_of(f, "d.t", text(bound), RW), 2);
    fabric_shard_t shards[2];
    size_t count = 0;
    CHECK_OK(fabric_get_shards(f, "d.t", shards, 2, &count, &err), err);
    CHECK_INT(count, 2);
    CHECK_TEXT(shards[1].lower_bound, bound);
    fabric_key_t low = text("a"), high = text("c");
    CHECK_OK(fabric_get_shards_in_range(f, "d.t", &low, &high, shards, 2, &count, &err), err);
    CHECK_INT(count, 2);
    CHECK_TEXT(shards[1].lower_bound, bound);
    fabric_free(f);

    bound[FABRIC_BOUND_SIZE - 1] = 'b';
    fabric_free(routing_from("", bound, FABRIC_ERR_FILE, &err));
    CHECK_CONTAINS(err.message, "tables[0], 'd.t': shards[1].lower_bound: 'bbbb");
    CHECK_CONTAINS(err.message, "256 bytes, and 255 is the most");
    blames_no_fabric(&err);
}

/* As a URL: a blank in the name is %20. */
static void by_url(void)
{
    char directory[] = "/tmp/mysqlfabric-XXXXXX", path[64], url[96];
    CHECK(mkdtemp(directory) != NULL);
    snprintf(path, sizeof path, "%s/the farm", directory);
    snprintf(url, sizeof url, "file://%s/the%%20farm", directory);
    FILE *file = fopen(path, "w");
    CHECK(file != NULL);
    fprintf(file, head, "", "b");
    CHECK_INT(fclose(file), 0);
    fabric_options_t *o = fabric_options_new();
    CHECK_INT(fabric_options_set_source(o, url), FABRIC_OK);
    fabric_t *f = handle(o);
    CHECK_INT(port_of(f, "d.t", text("bb"), RW), 2);
    fabric_free(f);
    CHECK_INT(unlink(path), 0);
    CHECK_INT(rmdir(directory), 0);
}

static void a_long_node(void)
{
    char nodes[400];
    fabric_error_t err;
    fabric_node_t node[1];
    size_t count = 7;
    snprintf(nodes, sizeof nodes, "{\"host\": \"%0255d\", \"port\": 1}", 0);
    fabric_t *f = routing_from(nodes, "b", FABRIC_OK, &err);
    CHECK_OK(fabric_get_fabric_nodes(f, node, 1, &count, &err), err);
    CHECK_INT(count, 1);
    CHECK_INT(strlen(node[0].host), 255);
    fabric_free(f);
    snprintf(nodes, sizeof nodes, "{\"host\": \"%0256d\", \"port\": 1}", 0);
    f = routing_from(nodes, "b", FABRIC_ERR_FILE, &err);
    CHECK_CONTAINS(err.message, "fabric_nodes[0].host");
    CHECK_CONTAINS(err.message, "256 bytes, and 255 is the most");
    blames_no_fabric(&err);
    CHECK_INT(fabric_get_fabric_nodes(f, node, 1, &count, &err), FABRIC_ERR_FILE);
    blames_no_fabric(&err);
    fabric_free(f);
}

/* A service that sets its paths and then becomes a daemon. */
static void a_relative_path(void)
{
    char directory[] = "/tmp/mysqlfabric-XXXXXX", before[4096];
    CHECK(getcwd(before, sizeof before) != NULL);
    CHECK(mkdtemp(directory) != NULL);
    CHECK_INT(chdir(directory), 0);
    FILE *file = fopen("topology", "w");
    CHECK(file != NULL);
    fprintf(file, head, "", "b");
    CHECK_INT(fclose(file), 0);
    fabric_options_t *o = fabric_options_new();
    CHECK_INT(fabric_options_set_topology_file(o, "topology"), FABRIC_OK);
    CHECK_INT(chdir("/"), 0);
    fabric_t *f = handle(o);
    CHECK_INT(port_of(f, "d.t", text("a"), RW), 1);
    fabric_free(f);

    CHECK_INT(chdir(directory), 0);
    CHECK_INT(unlink("topology"), 0);
    o = options();
    CHECK_INT(fabric_options_set_snapshot_file(o, "snapshot"), FABRIC_OK);
    CHECK_INT(chdir("/"), 0);
    f = handle(o);
    fabric_error_t err;
    CHECK_OK(fabric_seed(f, NULL, 0, &err), err);
    fabric_free(f);
    CHECK_INT(chdir(directory), 0);
    CHECK_INT(unlink("snapshot"), 0);
    CHECK_INT(chdir(before), 0);
    CHECK_INT(rmdir(directory), 0);
}

static void a_slip_of_the_pen(void)
{
    fabric_error_t err;
    fabric_t *f = routing_from("], \"ttl_sm\": 5, \"zone\": [\"east\"", "b", FABRIC_ERR_FILE, &err);
    CHECK_CONTAINS(err.message, "ttl_sm: there is no such member, but ttl_ms is one");
    fabric_free(f);
    f = routing_from("], \"zone\": [\"east\"", "b", FABRIC_OK, &err);
    fabric_free(f);
}

static const char discovered[] =
    "{\"format\": \"libmysqlfabric topology\", \"version\": 2, \"tables\": [{\"schema\": \"d\","
    " \"table\": \"t\", \"column\": \"c\", \"type\": \"RANGE_STRING\", \"global_group\": \"g\","
    " \"shards\": [{\"id\": 1, \"lower_bound\": \"\", \"group\": \"g\"},"
    " {\"id\": 2, \"lower_bound\": \"m\", \"group\": \"silent\"}]}],"
    " \"groups\": [{\"id\": \"g\", \"servers\": [{\"uuid\": \"u1\", \"host\": \"a\", \"port\": 1,"
    " \"mode\": 3, \"status\": 3, \"weight\": 1}]},"
    " {\"id\": \"silent\", \"discover\": \"auto\", \"seeds\": [\"127.0.0.1:%d\"]}]}\n";

/* A table stays in a dump although one of its groups answers nobody. */
static void a_dump_beside_a_silent_group(void)
{
    char path[] = "/tmp/mysqlfabric-XXXXXX", dump[] = "/tmp/mysqlfabric-dump-XXXXXX";
    CHECK_INT(fclose(temporary_file(dump)), 0);
    FILE *file = temporary_file(path);
    fprintf(file, discovered, closed_port());
    CHECK_INT(fclose(file), 0);
    fabric_options_t *o = fabric_options_new();
    CHECK_INT(fabric_options_set_topology_file(o, path), FABRIC_OK);
    CHECK_INT(fabric_options_set_mysql_credentials(o, "app", "secret"), FABRIC_OK);
    fabric_t *f = handle(o);
    CHECK_INT(port_of(f, "d.t", text("a"), RW), 1);
    fabric_error_t err;
    CHECK_OK(fabric_dump(f, dump, &err), err);
    fabric_free(f);

    o = fabric_options_new();
    CHECK_INT(fabric_options_set_topology_file(o, dump), FABRIC_OK);
    f = handle(o);
    fabric_server_t s;
    CHECK_INT(port_of(f, "d.t", text("a"), RW), 1);
    CHECK_INT(find(f, "d.t", text("n"), RW, &s, &err), FABRIC_ERR_NO_SERVER);
    CHECK_CONTAINS(err.message, "'silent'");
    fabric_free(f);
    CHECK_INT(unlink(path), 0);
    CHECK_INT(unlink(dump), 0);
}

int main(void)
{
    a_long_bound();
    a_dump_beside_a_silent_group();
    by_url();
    a_long_node();
    a_relative_path();
    a_slip_of_the_pen();
    return 0;
}
