#define _GNU_SOURCE
#include "measure.h"

#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

volatile uint64_t sink;

int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

bool pin_to(int cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    return sched_setaffinity(0, sizeof set, &set) == 0;
}

void die(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "bench: ");
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\n");
    va_end(arguments);
    exit(1);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double median_of(double *values, int count)
{
    qsort(values, (size_t)count, sizeof *values, ascending);
    return values[count / 2];
}

static double time_of(const subject *s, long first)
{
    int64_t begin = now_ns();
    s->run(s->context, first, s->batch);
    return (double)(now_ns() - begin);
}

/* The caches are to be warm of this subject, not of the one before, but by other keys than those
 * that count. */
static void warm_up(const subject *s, long first)
{
    long warming = s->batch / 4;
    s->run(s->context, first + s->batch, warming < s->warming ? s->warming : warming);
}

/* A batch is long beside the clock's own time, and short beside a time slice. */
static void find_batch(subject *s)
{
    long unit = s->unit > 0 ? s->unit : 1;
    s->batch = 64 * unit;
    warm_up(s, 0);
    double took = time_of(s, 0);
    while (took < BATCH_NS / 4.0) {
        s->batch *= 2;
        took = time_of(s, 0);
    }
    s->batch = ((long)(s->batch * BATCH_NS / took / unit) + 1) * unit;
}

void measure(subject *subjects, int count)
{
    for (int i = 0; i < count; i++)
        find_batch(&subjects[i]);
    long first = 0;
    for (int repeat = 0; repeat < REPEATS; repeat++) {
        for (int i = 0; i < count; i++) {
            subject *s = &subjects[i];
            warm_up(s, first);
            s->repeats[repeat] = time_of(s, first) / (double)s->batch;
        }
        first += 4099;
    }
    for (int i = 0; i < count; i++) {
        double sorted[REPEATS];
        for (int repeat = 0; repeat < REPEATS; repeat++)
            sorted[repeat] = subjects[i].repeats[repeat];
        subjects[i].median = median_of(sorted, REPEATS);
        subjects[i].least = sorted[0];
    }
}

void run_cycles(void *unused, long first, long calls)
{
    (void)unused;
    uint64_t value = (uint64_t)first | 1;
    for (long i = 0; i < calls; i++) {
        for (int at = 0; at < CYCLES_A_CALL / 3; at += 10) {
            /* Opaque to the compiler, which could fold ten multiplications into one. */
#define MULTIPLY                                                                                   \
    value *= 0x9e3779b97f4a7c15;                                                                   \
    __asm__("" : "+r"(value))
            MULTIPLY;
            MULTIPLY;
            MULTIPLY;
            MULTIPLY;
            MULTIPLY;
            MULTIPLY;
            MULTIPLY;
            MULTIPLY;
            MULTIPLY;
            MULTIPLY;
#undef MULTIPLY
        }
    }
    sink += value;
}
