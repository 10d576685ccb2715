/* Farms of many tables, groups and shards, and many handles: memory and the time of a refresh for
 * each, which is not to grow with their number. */
#define _GNU_SOURCE
#include "many.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "farm.h"
#include "measure.h"
#include "table.h"

enum { REFRESHES = 5 };

typedef struct size {
    long tables, shards, groups;
} size;

/* `shards` are of each table, and spread over the groups of three servers. */
static void write_farm(const char *path, size s, int version)
{
    FILE *out = fopen(path, "w");
    if (!out)
        die("cannot write %s", path);
    fprintf(out, "{\"format\":\"libmysqlfabric topology\",\"version\":1,\"ttl_ms\":86400000,"
                 "\"tables\":[");
    for (long table = 0; table < s.tables; table++) {
        fprintf(out,
                "%s{\"schema\":\"shop\",\"table\":\"t%06ld\",\"column\":\"id\",\"type\":\"RANGE\","
                "\"global_group\":\"group-00000\",\"shards\":[",
                table ? ",\n" : "", table);
        for (long i = 0; i < s.shards; i++)
            fprintf(out, "%s{\"id\":%ld,\"lower_bound\":%ld,\"group\":\"group-%05ld\"}",
                    i ? ",\n" : "", table * s.shards + i + 1, i * 1000, (table + i) % s.groups);
        fprintf(out, "]}");
    }
    fprintf(out, "],\"groups\":[");
    for (long group = 0; group < s.groups; group++) {
        fprintf(out, "%s{\"id\":\"group-%05ld\",\"servers\":[", group ? ",\n" : "", group);
        for (int i = 0; i < 3; i++)
            /* Another version is another port, everywhere. */
            fprintf(out,
                    "%s{\"uuid\":\"%08ld-0000-0000-0000-%012d\","
                    "\"host\":\"db-%05ld-%c.example.com\",\"port\":%d,"
                    "\"mode\":\"%s\",\"status\":\"%s\",\"weight\":1}",
                    i ? "," : "", group, i, group, 'a' + i, 3306 + version,
                    i ? "READ_ONLY" : "READ_WRITE", i ? "SECONDARY" : "PRIMARY");
        fprintf(out, "]}");
    }
    fprintf(out, "]}\n");
    if (fclose(out) != 0)
        die("cannot write %s", path);
}

/* What malloc() has handed out, in bytes. */
static double memory(void)
{
#ifdef __GLIBC__
    struct mallinfo2 info = mallinfo2();
    return (double)(info.uordblks + info.hblkhd);
#else
    return 0;
#endif
}

static fabric_t *open_file(const char *path)
{
    farm f = {.shards = 0};
    snprintf(f.path, sizeof f.path, "%s", path);
    farm_open(&f);
    return f.handle;
}

typedef struct cost {
    double bytes, refresh_ns;
} cost;

static cost cost_of(size s)
{
    char path[64];
    double took[REFRESHES];
    fabric_error_t err;
    snprintf(path, sizeof path, "bench-many-%ld.json", (long)getpid());
    write_farm(path, s, 0);
    double before = memory();
    fabric_t *handle = open_file(path);
    cost c = {.bytes = memory() - before};
    for (int i = 0; i < REFRESHES; i++) {
        char next[80];
        snprintf(next, sizeof next, "%s.next", path);
        write_farm(next, s, i + 1);
        if (rename(next, path) != 0)
            die("cannot replace %s", path);
        int64_t begin = now_ns();
        if (fabric_seed(handle, NULL, 0, &err) != FABRIC_OK)
            die("%s", err.message);
        took[i] = (double)(now_ns() - begin);
    }
    c.refresh_ns = median_of(took, REFRESHES);
    fabric_free(handle);
    remove(path);
    return c;
}

static void print_farms(const char *what, size least, size s, long count)
{
    /* Without what the others cost. */
    cost base = cost_of(least), all = cost_of(s);
    printf("| %s | %s | %.0f | %.2f |\n", what, grouped(count),
           (all.bytes - base.bytes) / (double)count,
           (all.refresh_ns - base.refresh_ns) / 1000 / (double)count);
    fflush(stdout);
}

static long threads_now(void)
{
    long count = 0;
    char line[128];
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status))
        if (sscanf(line, "Threads: %ld", &count) == 1)
            break;
    if (status)
        fclose(status);
    return count;
}

static void print_handles(long count)
{
    char path[64];
    fabric_t **handles = calloc((size_t)count, sizeof *handles);
    snprintf(path, sizeof path, "bench-many-%ld.json", (long)getpid());
    write_farm(path, (size){.tables = 4, .shards = 4, .groups = 4}, 0);
    double before = memory();
    long threads = threads_now();
    int64_t begin = now_ns();
    for (long i = 0; i < count; i++)
        handles[i] = open_file(path);
    double took = (double)(now_ns() - begin);
    printf("| %s | %.0f | %.2f | %.1f |\n", grouped(count), (memory() - before) / (double)count,
           (double)(threads_now() - threads) / (double)count, took / 1000 / (double)count);
    for (long i = 0; i < count; i++)
        fabric_free(handles[i]);
    free(handles);
    remove(path);
}

void bench_many(void)
{
    printf("## Many\n\nOf a topology file, in which every server has another port at each refresh."
           "\n\n| farm of many | number | bytes in memory for each | us of a refresh for each |\n"
           "|---|---|---|---|\n");
    size few = {.tables = 1, .shards = 1, .groups = 1};
    for (long count = 100; count <= 10000; count *= 10)
        print_farms("tables, of 4 shards", few, (size){.tables = count, .shards = 4, .groups = 1},
                    count);
    for (long count = 100; count <= 10000; count *= 10)
        print_farms("groups, of 3 servers", few, (size){.tables = 1, .shards = 1, .groups = count},
                    count);
    for (long count = 1000; count <= 1000000; count *= 10)
        print_farms("shards of a table", few, (size){.tables = 1, .shards = count, .groups = 1},
                    count);
    printf("\n| handles, each of a farm of 4 tables and 4 groups | bytes in memory for each |"
           " threads for each | us to open one |\n|---|---|---|---|\n");
    for (long count = 10; count <= 1000; count *= 10)
        print_handles(count);
    printf("\n");
    fflush(stdout);
}
