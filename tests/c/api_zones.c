/* Reads go to the secondaries of the service's own zone while one of them is in use. */
#define _POSIX_C_SOURCE 200809L

#include <string.h>
#include <unistd.h>

#include "support.h"

enum { RW = FABRIC_MODE_READWRITE, RO = FABRIC_MODE_READONLY, L = FABRIC_SCOPE_LOCAL, PORTS = 8 };

/* The primary is in the west, secondaries 2 and 3 are, 4 is in the east, and 5 nowhere. */
static const char farm[] =
    "{\"format\": \"libmysqlfabric topology\", \"version\": 2, \"ttl_ms\": 20, \"tables\": ["
    "{\"schema\": \"d\", \"table\": \"t\", \"column\": \"c\", \"type\": \"RANGE\","
    " \"global_group\": \"g\", \"shards\": [{\"id\": 1, \"lower_bound\": 0, \"group\": \"g\"}]}],"
    " \"groups\": [{\"id\": \"g\", \"servers\": ["
    "{\"uuid\": \"u1\", \"host\": \"a\", \"port\": 1, \"mode\": 3, \"status\": 3, \"weight\": 1,"
    " \"zone\": \"west\"},"
    "{\"uuid\": \"u2\", \"host\": \"a\", \"port\": 2, \"mode\": 1, \"status\": 2, \"weight\": 1,"
    " \"zone\": \"west\"},"
    "{\"uuid\": \"u3\", \"host\": \"a\", \"port\": 3, \"mode\": 1, \"status\": 2, \"weight\": 3,"
    " \"zone\": \"%s\"},"
    "{\"uuid\": \"u4\", \"host\": \"a\", \"port\": 4, \"mode\": 1, \"status\": 2, \"weight\": 1,"
    " \"zone\": \"east\"},"
    "{\"uuid\": \"u5\", \"host\": \"a\", \"port\": 5, \"mode\": 1, \"status\": 2, \"weight\": 1}"
    "]}]}\n";

static const char *const tables[] = {"d.t"};
static char directory[] = "/tmp/mysqlfabric-XXXXXX", path[64], next_path[64];

/* Server 3 is in this zone. */
static void write_farm(const char *zone)
{
    FILE *file = fopen(next_path, "w");
    CHECK(file != NULL);
    fprintf(file, farm, zone);
    CHECK_INT(fclose(file), 0);
    CHECK_INT(rename(next_path, path), 0);
}

/* What is left out stays so. */
static fabric_t *in_zone(const char *zone)
{
    fabric_options_t *o = fabric_options_new();
    CHECK_INT(fabric_options_set_topology_file(o, path), FABRIC_OK);
    CHECK_INT(fabric_options_set_quarantine_ms(o, FABRIC_MAX_TIME_MS), FABRIC_OK);
    CHECK_INT(fabric_options_set_zone(o, zone), FABRIC_OK);
    return handle(o);
}

/* How often each port is read, of 40 reads each of the table, of the group, and of many keys. */
static void count(const fabric_t *f, int reads[PORTS])
{
    fabric_server_t s;
    fabric_error_t err;
    memset(reads, 0, PORTS * sizeof *reads);
    for (int i = 0; i < 40; i++) {
        reads[port_of(f, "d.t", fabric_key_int(i), RO)]++;
        CHECK_OK(fabric_get_group_server(f, "g", FABRIC_MODE_NONE, FABRIC_STATUS_SECONDARY, &s,
                                         &err),
                 err);
        reads[s.port]++;
        CHECK_INT(port_of(f, "d.t", fabric_key_int(i), RW), 1);
    }
}

/* Who is read, as digits. */
static const char *readers(const fabric_t *f)
{
    static char who[PORTS + 1];
    int reads[PORTS], n = 0;
    count(f, reads);
    for (int port = 0; port < PORTS; port++)
        if (reads[port])
            who[n++] = (char)('0' + port);
    who[n] = '\0';
    return who;
}

static void zones(void)
{
    static const char *const of[][2] = {{NULL, "2345"},    {"", "2345"},     {"west", "23"},
                                        {"east", "4"},     {"WEST", "2345"}, {"wes", "2345"},
                                        {"nobody", "2345"}};
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        fabric_t *f = in_zone(of[i][0]);
        CHECK_TEXT(readers(f), of[i][1]);
        fabric_free(f);
    }
}

static void shares_and_failures(void)
{
    int reads[PORTS];
    fabric_t *f = in_zone("west");
    count(f, reads);
    CHECK_INT(reads[2], 20);
    CHECK_INT(reads[3], 60);
    CHECK_INT(fabric_report_result(f, "u2", 2003, NULL), FABRIC_OK);
    CHECK_TEXT(readers(f), "3");
    CHECK_INT(fabric_report_result(f, "u3", 2003, NULL), FABRIC_OK);
    CHECK_TEXT(readers(f), "45");
    CHECK_INT(fabric_report_result(f, "u2", 0, NULL), FABRIC_OK);
    CHECK_TEXT(readers(f), "2");
    fabric_free(f);
}

static void many_keys(void)
{
    static const int64_t integers[] = {1, 2, 3};
    fabric_t *f = in_zone("east");
    fabric_keys_t keys = fabric_keys_int(integers, 3);
    fabric_server_t servers[3];
    uint32_t index[3];
    size_t n = 0;
    fabric_error_t err;
    for (int i = 0; i < 10; i++) {
        CHECK_OK(fabric_get_shard_servers(f, tables, 1, &keys, L, RO, index, NULL, servers, 3, &n,
                                          &err),
                 err);
        CHECK_INT(n, 1);
        CHECK_INT(servers[0].port, 4);
    }
    fabric_free(f);
}

static void servers_move(void)
{
    fabric_t *f = in_zone("east");
    CHECK_TEXT(readers(f), "4");
    write_farm("east");
    int64_t end = now_ms() + 60000;
    while (strcmp(readers(f), "34") != 0) {
        CHECK(now_ms() < end);
        sleep_ms(5);
    }
    fabric_free(f);
}

int main(void)
{
    CHECK(mkdtemp(directory) != NULL);
    snprintf(path, sizeof path, "%s/farm.json", directory);
    snprintf(next_path, sizeof next_path, "%s/next.json", directory);
    write_farm("west");
    zones();
    shares_and_failures();
    many_keys();
    servers_move();
    CHECK_INT(unlink(path), 0);
    CHECK_INT(rmdir(directory), 0);
    return 0;
}
