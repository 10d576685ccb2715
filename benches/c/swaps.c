/* Each lookup's time while a topology of 100,000 shards is replaced ten times a second: the
 * handle's own, another handle's (the same work beside the lookups, but no swap), and none. */
#define _GNU_SOURCE
#include "swaps.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "farm.h"
#include "measure.h"
#include "table.h"

enum { SWAPS_A_SECOND = 10, ROUNDS = 7, SUB_BITS = 5, BUCKETS = 64 << SUB_BITS };
#define SEGMENT_NS INT64_C(1000000000)

/* Counts of times in buckets of about 3 % width. */
typedef struct histogram {
    uint64_t buckets[BUCKETS], count, most;
} histogram;

static void add(histogram *h, uint64_t ticks)
{
    uint64_t value = ticks | 1 << SUB_BITS;
    int shift = 63 - __builtin_clzll(value) - SUB_BITS;
    h->buckets[((uint64_t)shift << SUB_BITS) + (value >> shift)]++;
    h->count++;
    if (ticks > h->most)
        h->most = ticks;
}

static double percentile(const histogram *h, double share)
{
    uint64_t wanted = (uint64_t)((double)h->count * share), seen = 0;
    for (int at = 0; at < BUCKETS; at++) {
        seen += h->buckets[at];
        if (seen > wanted) {
            int shift = at < 2 << SUB_BITS ? 0 : (at >> SUB_BITS) - 1;
            return (double)((uint64_t)(at - (shift << SUB_BITS)) << shift);
        }
    }
    return (double)h->most;
}

static uint64_t ticks_now(void)
{
#ifdef __x86_64__
    uint32_t low, high, core;
    __asm__ volatile("rdtscp" : "=a"(low), "=d"(high), "=c"(core)::"memory");
    return (uint64_t)high << 32 | low;
#else
    return (uint64_t)now_ns();
#endif
}

static double ns_a_tick(void)
{
    int64_t begin = now_ns();
    uint64_t ticks = ticks_now();
    while (now_ns() - begin < 50000000)
        ;
    return (double)(now_ns() - begin) / (double)(ticks_now() - ticks);
}

/* What two readings of the clock take, which is in every figure. */
static uint64_t ticks_of_clock(void)
{
    uint64_t least = UINT64_MAX;
    for (int i = 0; i < 10000; i++) {
        uint64_t begin = ticks_now(), took = ticks_now() - begin;
        if (took < least)
            least = took;
    }
    return least;
}

/* Who is swapping: nobody, the handle that is asked, or another one. */
enum { NOBODY, OTHER, SELF, MODES };

static struct {
    const farm *farms[MODES];
    char variants[2][64];
    int mode;
    int64_t end;
    long swaps;
} swapper;

static void swap(const farm *f, int variant)
{
    fabric_error_t err;
    const char *next = "bench-next.json";
    remove(next);
    if (link(swapper.variants[variant], next) != 0 || rename(next, f->path) != 0)
        die("cannot replace %s", f->path);
    if (fabric_seed(f->handle, NULL, 0, &err) != FABRIC_OK)
        die("%s", err.message);
}

static void *keep_swapping(void *unused)
{
    (void)unused;
    pin_to(0);
    const farm *f = swapper.farms[swapper.mode];
    if (!f) {
        swapper.swaps = 0;
        return NULL;
    }
    int64_t next = now_ns();
    uint64_t before = fabric_topology_generation(f->handle);
    for (int variant = 1; now_ns() < swapper.end; variant ^= 1) {
        swap(f, variant);
        next += 1000000000 / SWAPS_A_SECOND;
        int64_t left = next - now_ns();
        if (left > 0)
            usleep((useconds_t)(left / 1000));
    }
    swapper.swaps = (long)(fabric_topology_generation(f->handle) - before);
    return NULL;
}

static void look_up(const map *m, histogram *h)
{
    fabric_server_t server;
    fabric_key_t key = {.kind = FABRIC_KEY_INT};
    const fabric_t *handle = swapper.farms[SELF]->handle;
    while (now_ns() < swapper.end)
        for (long i = 0; i < 4096; i++) {
            key.integer = m->integers[next_random() & (KEYS - 1)];
            uint64_t begin = ticks_now();
            int32_t code = fabric_get_shard_server(handle, &m->table, 1, &key, FABRIC_SCOPE_LOCAL,
                                                   FABRIC_MODE_READONLY, &server, NULL);
            add(h, ticks_now() - begin);
            if (code != FABRIC_OK)
                die("a lookup failed: %s", fabric_strerror(code));
        }
}

static histogram segments[MODES][ROUNDS];

static histogram sum_of(const histogram *all)
{
    histogram sum = {.count = 0};
    for (int round = 0; round < ROUNDS; round++) {
        for (int at = 0; at < BUCKETS; at++)
            sum.buckets[at] += all[round].buckets[at];
        sum.count += all[round].count;
        if (all[round].most > sum.most)
            sum.most = all[round].most;
    }
    return sum;
}

/* Of the segments, the 9,999th of 10,000 lookups in microseconds, in ascending order. */
static void tails(int mode, double tick, double each[ROUNDS])
{
    for (int round = 0; round < ROUNDS; round++)
        each[round] = percentile(&segments[mode][round], 0.9999) * tick / 1000;
    median_of(each, ROUNDS);
}

static void print_mode(int mode, const char *what, double tick, double swaps_a_second)
{
    histogram sum = sum_of(segments[mode]);
    double each[ROUNDS], quiet[ROUNDS];
    tails(mode, tick, each);
    tails(NOBODY, tick, quiet);
    printf("| %s | %.1f | %s | %.0f | %.0f | %.0f | %.1f / %.1f / %.1f | %.0f |", what,
           swaps_a_second, grouped((long)sum.count), percentile(&sum, 0.5) * tick,
           percentile(&sum, 0.99) * tick, percentile(&sum, 0.999) * tick, each[0], each[ROUNDS / 2],
           each[ROUNDS - 1], (double)sum.most * tick / 1000);
    if (mode == SELF)
        printf(" median p99.99 <= %.1f, the most without swaps | %s |\n", quiet[ROUNDS - 1],
               met(each[ROUNDS / 2] <= quiet[ROUNDS - 1]));
    else
        printf(" | |\n");
}

void bench_swaps(void)
{
    farm own, other;
    double tick = ns_a_tick();
    long swaps[MODES] = {0};
    farm_make(&own, 1u << RANGE, 100000, GROUPS, false);
    farm_make(&other, 1u << RANGE, 100000, GROUPS, false);
    /* Two files of the one name would be one. */
    snprintf(other.path, sizeof other.path, "bench-other-%ld.json", (long)getpid());
    farm_write(&other, other.path, 0);
    for (int variant = 0; variant < 2; variant++) {
        snprintf(swapper.variants[variant], sizeof swapper.variants[variant],
                 "bench-variant-%d-%ld.json", variant, (long)getpid());
        farm_write(&own, swapper.variants[variant], variant);
    }
    farm_write(&own, own.path, 0);
    farm_open(&own);
    farm_open(&other);
    farm_check(&own);
    swapper.farms[SELF] = &own;
    swapper.farms[OTHER] = &other;
    pin_to(1);
    for (int round = 0; round < ROUNDS; round++)
        for (int mode = 0; mode < MODES; mode++) {
            pthread_t thread;
            swapper.mode = mode;
            swapper.end = now_ns() + SEGMENT_NS;
            if (pthread_create(&thread, NULL, keep_swapping, NULL) != 0)
                die("no thread");
            look_up(&own.maps[RANGE], &segments[mode][round]);
            pthread_join(thread, NULL);
            swaps[mode] += swapper.swaps;
        }
    static const char *const what[MODES] = {"no swaps", "another handle's swaps",
                                            "the handle's own swaps"};
    printf("## Lookups of a RANGE table of 100,000 shards while the topology is swapped\n\n"
           "Each lookup's time alone; %.0f ns of it are the clock's. The p99.99 is that of %d "
           "segments of a second: least / median / most.\n\n"
           "| | swaps a second | lookups | p50 ns | p99 ns | p99.9 ns | p99.99 us | max us | goal |"
           " met |\n|---|---|---|---|---|---|---|---|---|---|\n",
           (double)ticks_of_clock() * tick, ROUNDS);
    for (int mode = 0; mode < MODES; mode++)
        print_mode(mode, what[mode], tick, (double)swaps[mode] / ROUNDS);
    printf("\n");
    fflush(stdout);
    for (int variant = 0; variant < 2; variant++)
        remove(swapper.variants[variant]);
    farm_free(&own);
    farm_free(&other);
}
