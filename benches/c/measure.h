/* Takes the time of several things in turn, so that the machine's noise hits all of them. */
#ifndef MEASURE_H
#define MEASURE_H

#include <stdbool.h>
#include <stdint.h>

enum { REPEATS = 31, BATCH_NS = 1000000 };

typedef struct subject {
    /* Makes `calls` calls, with the keys from the one numbered `first` on. */
    void (*run)(void *context, long first, long calls);
    void *context;
    /* Calls before each repeat, at least, that are not counted. */
    long warming;
    /* Calls are made by so many at a time; 0 for 1. */
    long unit;
    /* What measure() finds out: nanoseconds a call. */
    double least, median;
    double repeats[REPEATS];
    long batch;
} subject;

void measure(subject *subjects, int count);
double median_of(double *values, int count);
int64_t now_ns(void);
/* Keeps the thread on one core. */
bool pin_to(int cpu);
void die(const char *format, ...);

/* Where results go, so that no compiler can leave the work out. */
extern volatile uint64_t sink;

/* The time of a cycle: a chain of dependent multiplications, of three cycles each. */
void run_cycles(void *unused, long first, long calls);
/* A call of run_cycles() is this many cycles. */
enum { CYCLES_A_CALL = 300 };

#endif
