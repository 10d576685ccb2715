/* What one call wants of a group: candidates in order, read preference, zone, weights, exclusion. */
#define _POSIX_C_SOURCE 200809L

#include <math.h>
#include <unistd.h>

#include "support.h"

enum { RW = FABRIC_MODE_READWRITE, RO = FABRIC_MODE_READONLY, L = FABRIC_SCOPE_LOCAL, MOST = 8 };

/* The primary is 1; secondaries 2 and 3 are in the west, and 4 is in the east. Of group h there is the
 * primary alone. */
static const char farm[] =
    "{\"format\": \"libmysqlfabric topology\", \"version\": 2, \"ttl_ms\": 3600000, \"tables\": ["
    "{\"schema\": \"d\", \"table\": \"t\", \"column\": \"c\", \"type\": \"RANGE\","
    " \"global_group\": \"g\", \"shards\": [{\"id\": 1, \"lower_bound\": 0, \"group\": \"g\"}]}],"
    " \"groups\": [{\"id\": \"g\", \"servers\": ["
    "{\"uuid\": \"u1\", \"host\": \"a\", \"port\": 1, \"mode\": 3, \"status\": 3, \"weight\": 1,"
    " \"zone\": \"west\"},"
    "{\"uuid\": \"u2\", \"host\": \"a\", \"port\": 2, \"mode\": 1, \"status\": 2, \"weight\": 1,"
    " \"zone\": \"west\"},"
    "{\"uuid\": \"u3\", \"host\": \"a\", \"port\": 3, \"mode\": 1, \"status\": 2, \"weight\": 3,"
    " \"zone\": \"west\"},"
    "{\"uuid\": \"u4\", \"host\": \"a\", \"port\": 4, \"mode\": 1, \"status\": 2, \"weight\": 1,"
    " \"zone\": \"east\"}]},"
    " {\"id\": \"h\", \"servers\": [{\"uuid\": \"u5\", \"host\": \"::1\", \"port\": 5, \"mode\": 3,"
    " \"status\": 3, \"weight\": 1}]}]}\n";

static const char *const table = "d.t";
static char path[64];
static fabric_error_t err;
static fabric_server_t servers[MOST];

static fabric_t *preferring(int32_t preference, const char *zone)
{
    fabric_options_t *o = fabric_options_new();
    CHECK_INT(fabric_options_set_topology_file(o, path), FABRIC_OK);
    CHECK_INT(fabric_options_set_quarantine_ms(o, FABRIC_MAX_TIME_MS), FABRIC_OK);
    CHECK_INT(fabric_options_set_zone(o, zone), FABRIC_OK);
    CHECK_INT(fabric_options_set_read_preference(o, preference), FABRIC_OK);
    return handle(o);
}

/* The ports in their order, as digits. */
static const char *chosen(const fabric_t *f, const char *group, int32_t mode,
                          const fabric_choice_t *choice, size_t capacity)
{
    static char ports[MOST + 1];
    size_t n = 99;
    CHECK_OK(fabric_choose_group_servers(f, group, mode, choice, servers, capacity, &n, &err), err);
    CHECK(n >= 1 && n <= capacity);
    for (size_t i = 0; i < n; i++) {
        CHECK_TEXT(servers[i].group, group);
        ports[i] = (char)('0' + servers[i].port);
    }
    ports[n] = '\0';
    return ports;
}

/* How often each port comes first, of 40 calls about a table. */
static void firsts(const fabric_t *f, const fabric_choice_t *choice, int counts[MOST])
{
    fabric_key_t key = fabric_key_int(7);
    memset(counts, 0, MOST * sizeof *counts);
    for (int i = 0; i < 40; i++) {
        size_t n = 0;
        CHECK_OK(fabric_choose_shard_servers(f, &table, 1, &key, L, RO, choice, servers, 1, &n,
                                             &err),
                 err);
        CHECK_INT(n, 1);
        counts[servers[0].port]++;
    }
}

static void candidates(void)
{
    fabric_t *f = preferring(FABRIC_PREFER_DEFAULT, "west");
    const fabric_choice_t nothing = {0};
    fabric_explanation_t x;
    int counts[MOST];
    for (int i = 0; i < 8; i++) {
        CHECK_OK(fabric_explain_group(f, "g", RO, &x, &err), err);
        const char *order = chosen(f, "g", RO, i % 2 ? &nothing : NULL, MOST);
        CHECK_INT(strlen(order), 4);
        CHECK_INT(order[0], '0' + (int)x.server.port);
        CHECK(order[2] == '4' && order[3] == '1');
    }
    firsts(f, NULL, counts);
    CHECK_INT(counts[2], 10);
    CHECK_INT(counts[3], 30);
    CHECK_INT(strlen(chosen(f, "g", RO, NULL, 2)), 2);
    CHECK_TEXT(chosen(f, "g", RW, NULL, MOST), "1");
    CHECK_TEXT(chosen(f, "h", RO, NULL, MOST), "5");

    /* Who is left out comes last. */
    CHECK_INT(fabric_report_result(f, "u3", 2003, NULL), FABRIC_OK);
    CHECK_TEXT(chosen(f, "g", RO, NULL, MOST), "2413");
    fabric_free(f);
}

static void exclusion(void)
{
    fabric_t *f = preferring(FABRIC_PREFER_DEFAULT, NULL);
    const char *failed[] = {"u3", "a:2", "no-such-server"}, *all[] = {"u1", "u2", "u3", "u4"};
    fabric_choice_t choice = {0};
    fabric_key_t key = fabric_key_int(7);
    size_t n = 99;
    choice.excluded = failed;
    choice.excluded_count = 3;
    CHECK_TEXT(chosen(f, "g", RO, &choice, MOST), "41");
    CHECK_TEXT(chosen(f, "h", RO, &choice, MOST), "5");
    failed[0] = "[::1]:5";
    CHECK_INT(fabric_choose_group_servers(f, "h", RO, &choice, servers, 1, &n, &err),
              FABRIC_ERR_NO_SERVER);
    CHECK_CONTAINS(err.message, "group 'h' that may serve this are excluded");
    choice.excluded = all;
    choice.excluded_count = 4;
    CHECK_INT(fabric_choose_shard_servers(f, &table, 1, &key, L, RW, &choice, servers, 1, &n, &err),
              FABRIC_ERR_NO_SERVER);
    CHECK_CONTAINS(err.message, "exclude fewer");
    CHECK_INT(n, 99);
    fabric_free(f);
}

static void weights_and_zones(void)
{
    fabric_t *f = preferring(FABRIC_PREFER_DEFAULT, "west");
    const fabric_server_weight_t weights[] = {{"u2", 3, {0}}, {"a:3", 1, {0}}, {"x", 9, {0}}};
    fabric_choice_t choice = {0};
    int counts[MOST];
    choice.weights = weights;
    choice.weights_count = 3;
    firsts(f, &choice, counts);
    CHECK_INT(counts[2], 30);
    CHECK_INT(counts[3], 10);
    choice.zone = "";
    firsts(f, &choice, counts);
    CHECK_INT(counts[2], 24);
    CHECK_INT(counts[3], 8);
    CHECK_INT(counts[4], 8);
    choice.zone = "east";
    firsts(f, &choice, counts);
    CHECK_INT(counts[4], 40);
    fabric_free(f);
}

/* For one call, and for all lookups of a handle. */
static void preferences(void)
{
    static const struct {
        int32_t preference;
        const char *zone, *readers;
    } of[] = {
        {FABRIC_PREFER_DEFAULT, NULL, "234"},        {FABRIC_PREFER_SECONDARY, "east", "4"},
        {FABRIC_PREFER_SECONDARY_ONLY, NULL, "234"}, {FABRIC_PREFER_PRIMARY, NULL, "1"},
        {FABRIC_PREFER_NEAREST, NULL, "1234"},       {FABRIC_PREFER_NEAREST, "west", "123"},
        {FABRIC_PREFER_NEAREST, "east", "4"},
    };
    fabric_t *plain = preferring(FABRIC_PREFER_DEFAULT, NULL);
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        fabric_t *f = preferring(of[i].preference, of[i].zone);
        fabric_choice_t choice = {0};
        choice.preference = of[i].preference;
        choice.zone = of[i].zone;
        int counts[MOST], reads[MOST] = {0};
        firsts(plain, &choice, counts);
        for (int j = 0; j < 40; j++)
            reads[port_of(f, table, fabric_key_int(1), RO)]++;
        for (int port = 0; port < MOST; port++) {
            int is_read = strchr(of[i].readers, '0' + port) != NULL;
            CHECK_INT(counts[port] > 0, is_read && port > 0);
            CHECK_INT(reads[port] > 0, is_read && port > 0);
        }
        CHECK_INT(port_of(f, table, fabric_key_int(1), RW), 1);
        fabric_free(f);
    }
    fabric_free(plain);
}

/* Who takes the place of those that are lost. */
static void fall_back(void)
{
    fabric_server_t s;
    fabric_explanation_t x;
    fabric_t *f = preferring(FABRIC_PREFER_SECONDARY_ONLY, NULL);
    CHECK_INT(fabric_get_group_server(f, "h", RO, FABRIC_STATUS_NONE, &s, &err),
              FABRIC_ERR_NO_SERVER);
    CHECK_CONTAINS(err.message, "no secondary that takes reads");
    CHECK_INT(fabric_get_group_server_wait(f, "h", RO, FABRIC_STATUS_NONE, 0, &s, &err),
              FABRIC_ERR_NO_SERVER);
    CHECK_OK(fabric_get_group_server(f, "h", RW, FABRIC_STATUS_NONE, &s, &err), err);
    fabric_choice_t choice = {0};
    choice.preference = FABRIC_PREFER_SECONDARY;
    CHECK_TEXT(chosen(f, "h", RO, &choice, MOST), "5");
    fabric_free(f);

    f = preferring(FABRIC_PREFER_PRIMARY, NULL);
    CHECK_OK(fabric_explain_group(f, "g", RO, &x, &err), err);
    CHECK_INT(x.why, FABRIC_WHY_PREFERRED_PRIMARY);
    CHECK_INT(fabric_report_result(f, "u1", 2003, NULL), FABRIC_OK);
    for (int i = 0; i < 8; i++)
        CHECK(port_of(f, table, fabric_key_int(1), RO) != 1);
    CHECK_OK(fabric_explain_group(f, "g", RO, &x, &err), err);
    CHECK_INT(x.why, FABRIC_WHY_NO_PRIMARY);
    CHECK_INT(port_of(f, table, fabric_key_int(1), RW), 1);
    fabric_free(f);
}

#define REFUSED(choice, part)                                                                      \
    do {                                                                                           \
        size_t count = 7;                                                                          \
        CHECK_INT(fabric_choose_group_servers(f, "g", RO, choice, servers, 1, &count, &err),       \
                  FABRIC_ERR_ARGUMENT);                                                            \
        CHECK_CONTAINS(err.message, part);                                                         \
        CHECK_INT(count, 7);                                                                       \
    } while (0)

static void no_choices(void)
{
    fabric_t *f = preferring(FABRIC_PREFER_DEFAULT, NULL);
    static const double bad[] = {0, -1, NAN, INFINITY};
    static const char *many[1025];
    fabric_server_weight_t weight = {"u2", 1, {0}};
    size_t n;
    for (int32_t preference = -1; preference <= 5; preference += 6) {
        fabric_choice_t choice = {0};
        choice.preference = preference;
        REFUSED(&choice, "FABRIC_PREFER_DEFAULT");
        fabric_options_t *o = fabric_options_new();
        CHECK_INT(fabric_options_set_read_preference(o, preference), FABRIC_ERR_ARGUMENT);
        fabric_options_free(o);
    }
    for (size_t i = 0; i < 9; i++) {
        fabric_choice_t choice = {0};
        if (i < 8)
            choice.reserved[i] = 1;
        else
            choice.reserved0 = 1;
        REFUSED(&choice, "'reserved'");
    }
    fabric_choice_t choice = {0};
    choice.weights = &weight;
    choice.weights_count = 1;
    weight.reserved[1] = 1;
    REFUSED(&choice, "'reserved'");
    weight.reserved[1] = 0;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        weight.weight = bad[i];
        REFUSED(&choice, "choice.weights[0].weight");
    }
    weight.weight = 1;
    weight.server = "";
    REFUSED(&choice, "choice.weights[0].server");
    choice.weights_count = 0;
    choice.zone = "a\tb";
    REFUSED(&choice, "a\\tb");
    choice.zone = NULL;
    for (size_t i = 0; i < 1025; i++)
        many[i] = "x";
    choice.excluded = many;
    choice.excluded_count = 1025;
    REFUSED(&choice, "1024");
    choice.excluded_count = 1024;
    CHECK_OK(fabric_choose_group_servers(f, "g", RO, &choice, servers, 1, &n, &err), err);
    CHECK_INT(fabric_choose_group_servers(f, "g", RO, NULL, servers, 0, &n, &err),
              FABRIC_ERR_ARGUMENT);
    CHECK_CONTAINS(err.message, "'capacity' is 0");
    CHECK_INT(fabric_choose_group_servers(f, "nobody", RO, NULL, servers, 1, &n, &err),
              FABRIC_ERR_UNKNOWN_GROUP);
    fabric_free(f);
}

int main(void)
{
    snprintf(path, sizeof path, "choice-%d.json", (int)getpid());
    FILE *file = fopen(path, "w");
    CHECK(file != NULL);
    CHECK(fputs(farm, file) >= 0);
    CHECK_INT(fclose(file), 0);
    candidates();
    exclusion();
    weights_and_zones();
    preferences();
    fall_back();
    no_choices();
    CHECK_INT(unlink(path), 0);
    return 0;
}
