#define _POSIX_C_SOURCE 200809L
#include "farm.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "md5.h"
#include "measure.h"

static const struct {
    const char *table, *type;
    /* Values are below it. */
    double most;
} kinds[KINDS] = {
    [RANGE] = {"shop.order_items_by_no", "RANGE", 18446744073709549568.0},
    [HASH] = {"shop.sessions_by_key", "HASH", 18446744073709549568.0},
    /* 26 to the power of 13: texts are 13 letters. */
    [STRING] = {"shop.customers_by_name", "RANGE_STRING", 2481152873203736576.0},
    [PREFIX] = {"shop.customers_by_url", "RANGE_STRING", 2481152873203736576.0},
    /* Seconds, until 2038. */
    [DATETIME] = {"shop.events_by_datetime", "RANGE_DATETIME", 2147483648.0},
};

uint64_t next_random(void)
{
    static uint64_t state;
    state += 0x9e3779b97f4a7c15;
    uint64_t mixed = (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
    return mixed ^ (mixed >> 31);
}

static uint64_t random_value(kind k, bool skewed)
{
    double unit = (double)(next_random() >> 11) / 9007199254740992.0;
    return (uint64_t)((skewed ? pow(unit, 8) : unit) * kinds[k].most);
}

static int ascending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Different ones, the least of them 0, so that no key is below all bounds. */
static uint64_t *random_bounds(kind k, long count, bool skewed)
{
    uint64_t *bounds = calloc((size_t)count, sizeof *bounds);
    long known = 1;
    while (known < count) {
        for (long i = known; i < count; i++)
            bounds[i] = random_value(k, skewed);
        qsort(bounds, (size_t)count, sizeof *bounds, ascending);
        known = 1;
        for (long i = 1; i < count; i++)
            if (bounds[i] != bounds[known - 1])
                bounds[known++] = bounds[i];
    }
    return bounds;
}

static int64_t integer_of(uint64_t value)
{
    return (int64_t)(value ^ (uint64_t)1 << 63);
}

static size_t text_of(kind k, uint64_t value, char *text)
{
    char letters[14] = {0};
    struct tm date;
    time_t seconds = (time_t)value;
    switch (k) {
    case RANGE:
        return (size_t)sprintf(text, "%" PRId64, integer_of(value));
    case HASH:
        return (size_t)sprintf(text, "%016" PRIX64 "%016" PRIX64, value, value);
    case DATETIME:
        return strftime(text, TEXT_SIZE, "%Y-%m-%d %H:%M:%S", gmtime_r(&seconds, &date));
    default:
        for (int at = 12; at >= 0; at--, value /= 26)
            letters[at] = (char)('a' + value % 26);
        return (size_t)sprintf(text, "%s%s", k == PREFIX ? "customer:" : "", letters);
    }
}

static void make_keys(map *m, bool skewed)
{
    m->integers = calloc(KEYS, sizeof *m->integers);
    m->texts = calloc(KEYS, sizeof *m->texts);
    for (long i = 0; i < KEYS; i++) {
        uint64_t value = random_value(m->kind, false);
        if (skewed)
            value = m->bounds[next_random() % (uint64_t)m->shards];
        m->integers[i] = integer_of(value);
        /* Of a HASH table any text will do. Its integers have 13 digits as well. */
        kind texts = m->kind == HASH || m->kind == RANGE ? STRING : m->kind;
        if (texts != m->kind)
            value = random_value(texts, false);
        if (m->kind == HASH)
            m->integers[i] = (int64_t)(1000000000000 + value % 9000000000000);
        m->text_length = text_of(texts, value, m->texts[i]);
    }
}

void farm_make(farm *made, unsigned tables, long shards, long groups, bool skewed)
{
    *made = (farm){.shards = shards, .skewed = skewed};
    made->groups = shards < groups ? shards : groups;
    for (int k = 0; k < KINDS; k++) {
        map *m = &made->maps[k];
        if (!(tables & 1u << k))
            continue;
        *m = (map){.kind = (kind)k, .table = kinds[k].table, .shards = shards};
        m->bounds = random_bounds(m->kind, shards, skewed);
        make_keys(m, skewed);
    }
    snprintf(made->path, sizeof made->path, "bench-%ld-%ld-%ld.json", shards, groups,
             (long)getpid());
    farm_write(made, made->path, 0);
}

static void write_map(FILE *out, const farm *f, const map *m, long shift)
{
    const char *name = strchr(m->table, '.') + 1;
    fprintf(out,
            "{\"schema\":\"shop\",\"table\":\"%s\",\"column\":\"id\",\"type\":\"%s\","
            "\"global_group\":\"group-0000\",\"shards\":[",
            name, kinds[m->kind].type);
    for (long i = 0; i < m->shards; i++) {
        char text[TEXT_SIZE];
        text_of(m->kind, m->bounds[i], text);
        fprintf(out, "%s\n{\"id\":%ld,\"lower_bound\":\"%s\",\"group\":\"group-%04ld\"}",
                i ? "," : "", m->kind * 10000000L + i + 1, text, (i + shift) % f->groups);
    }
    fprintf(out, "]}");
}

static void write_group(FILE *out, long number)
{
    static const char *const roles[] = {"PRIMARY", "SECONDARY", "SECONDARY"};
    fprintf(out, "{\"id\":\"group-%04ld\",\"servers\":[", number);
    for (int i = 0; i < 3; i++)
        fprintf(out,
                "%s\n{\"uuid\":\"%08ld-0000-0000-0000-%012d\",\"host\":\"db-%04ld-%c.example.com\","
                "\"port\":%d,\"mode\":\"%s\",\"status\":\"%s\",\"weight\":%d}",
                i ? "," : "", number, i, number, 'a' + i, 3306 + i, i ? "READ_ONLY" : "READ_WRITE",
                roles[i], i == 2 ? 3 : 1);
    fprintf(out, "]}");
}

void farm_write(const farm *f, const char *path, long shift)
{
    FILE *out = fopen(path, "w");
    if (!out)
        die("cannot write %s", path);
    fprintf(out, "{\"format\":\"libmysqlfabric topology\",\"version\":1,\"ttl_ms\":86400000,"
                 "\"tables\":[");
    const char *comma = "";
    for (int k = 0; k < KINDS; k++)
        if (f->maps[k].shards > 0) {
            fputs(comma, out);
            write_map(out, f, &f->maps[k], shift);
            comma = ",\n";
        }
    fprintf(out, "],\n\"groups\":[");
    for (long i = 0; i < f->groups; i++) {
        if (i)
            fprintf(out, ",\n");
        write_group(out, i);
    }
    fprintf(out, "]}\n");
    if (fclose(out) != 0)
        die("cannot write %s", path);
}

void farm_open(farm *f)
{
    fabric_error_t err;
    fabric_options_t *options = fabric_options_new();
    if (fabric_options_set_topology_file(options, f->path) != FABRIC_OK
        || fabric_new(options, &f->handle, &err) != FABRIC_OK)
        die("no handle: %s", err.message);
    fabric_options_free(options);
    if (fabric_seed(f->handle, NULL, 0, &err) != FABRIC_OK)
        die("%s: %s", f->path, err.message);
    for (int k = 0; k < KINDS; k++)
        if (f->maps[k].shards > 0
            && fabric_table_open(f->handle, &f->maps[k].table, 1, &f->tables[k], &err) != FABRIC_OK)
            die("%s: %s", f->maps[k].table, err.message);
}

long shard_of(const map *m, uint64_t value)
{
    long below = 0, above = m->shards;
    while (above - below > 1) {
        long middle = (below + above) / 2;
        if (m->bounds[middle] <= value)
            below = middle;
        else
            above = middle;
    }
    return below;
}

static uint64_t value_of(const map *m, long key, bool integer)
{
    char digits[TEXT_SIZE];
    const char *text = m->texts[key];
    if (m->kind == RANGE)
        return (uint64_t)m->integers[key] ^ (uint64_t)1 << 63;
    if (m->kind == HASH && integer)
        return md5_leading(digits, (size_t)sprintf(digits, "%" PRId64, m->integers[key]));
    if (m->kind == HASH)
        return md5_leading(text, m->text_length);
    if (m->kind == DATETIME) {
        /* Counted from the bounds' own texts, which strftime() wrote. */
        long at = 0;
        for (long step = m->shards; step > 0; step /= 2)
            for (char bound[TEXT_SIZE]; at + step < m->shards; at += step) {
                text_of(m->kind, m->bounds[at + step], bound);
                if (strcmp(bound, text) > 0)
                    break;
            }
        return m->bounds[at];
    }
    uint64_t value = 0;
    for (const char *letter = text + m->text_length - 13; *letter; letter++)
        value = value * 26 + (uint64_t)(*letter - 'a');
    return value;
}

static void check_key(const farm *f, const map *m, long at, bool integer)
{
    fabric_error_t err;
    fabric_server_t server, same;
    fabric_key_t key = integer ? fabric_key_int(m->integers[at])
                               : fabric_key_text(m->texts[at], m->text_length);
    if (fabric_get_shard_server(f->handle, &m->table, 1, &key, FABRIC_SCOPE_LOCAL,
                                FABRIC_MODE_READWRITE, &server, &err)
            != FABRIC_OK
        || fabric_table_get_server(f->tables[m->kind], &key, FABRIC_SCOPE_LOCAL,
                                   FABRIC_MODE_READWRITE, &same, &err)
               != FABRIC_OK)
        die("%s: %s", m->table, err.message);
    char group[32];
    snprintf(group, sizeof group, "group-%04ld", shard_of(m, value_of(m, at, integer)) % f->groups);
    if (strcmp(server.group, group) != 0 || strcmp(same.group, group) != 0)
        die("%s: %s, %s and not %s", m->table, server.group, same.group, group);
}

void farm_check(const farm *f)
{
    for (int k = 0; k < KINDS; k++) {
        const map *m = &f->maps[k];
        for (long at = 0; m->shards > 0 && at < 1000; at++) {
            if (m->kind != RANGE)
                check_key(f, m, at, false);
            if (m->kind == RANGE || m->kind == HASH)
                check_key(f, m, at, true);
        }
    }
}

void farm_free(farm *f)
{
    for (int k = 0; k < KINDS; k++) {
        free(f->maps[k].bounds);
        free(f->maps[k].integers);
        free(f->maps[k].texts);
        fabric_table_free(f->tables[k]);
    }
    fabric_free(f->handle);
    remove(f->path);
}
