/* Two threads on two cores beside one thread: one handle, one table, and at worst one group. */
#define _GNU_SOURCE
#include "threads.h"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "calls.h"
#include "table.h"

/* Both threads wait for each other before and after each measurement. */
static pthread_barrier_t barrier;

typedef struct worker {
    int cpu;
    /* What to do next; NULL ends the thread. */
    const subject *task;
    double took;
} worker;

static void *work(void *context)
{
    worker *w = context;
    pin_to(w->cpu);
    for (;;) {
        pthread_barrier_wait(&barrier);
        if (!w->task)
            return NULL;
        if (w->task->run) {
            int64_t begin = now_ns();
            w->task->run(w->task->context, 0, w->task->batch);
            w->took = (double)(now_ns() - begin) / (double)w->task->batch;
        }
        pthread_barrier_wait(&barrier);
    }
}

static void run_on(worker workers[2], const subject *first, const subject *second)
{
    workers[0].task = first;
    workers[1].task = second;
    pthread_barrier_wait(&barrier);
    if (first)
        pthread_barrier_wait(&barrier);
}

/* The mean of the two threads' rates, as a time. */
static double time_a_lookup(const worker workers[2])
{
    return 2 / (1 / workers[0].took + 1 / workers[1].took);
}

typedef struct row {
    char what[96];
    subject subject;
    call call;
    double alone[REPEATS], both[REPEATS];
} row;

/* Lookups in the time of one, two threads beside one. */
static void print_row(row *r)
{
    double alone = median_of(r->alone, REPEATS), both = median_of(r->both, REPEATS);
    double scaling = 2 * alone / both;
    printf("| %s | %.1f / %.1f | %.1f / %.1f | %.2f / %.2f | ", r->what, r->alone[0], alone,
           r->both[0], both, 2 * r->alone[0] / r->both[0], scaling);
    if (r->call.map)
        printf(">= 1.85 | %s |\n", met(scaling >= 1.85));
    else
        printf("| |\n");
}

static void compare(row *rows, int count)
{
    static const subject nothing;
    worker workers[2] = {{.cpu = 0}, {.cpu = 1}};
    pthread_t threads[2];
    pthread_barrier_init(&barrier, NULL, 3);
    for (int i = 0; i < 2; i++)
        if (pthread_create(&threads[i], NULL, work, &workers[i]) != 0)
            die("no thread");
    for (int repeat = 0; repeat < REPEATS; repeat++)
        for (int i = 0; i < count; i++) {
            const subject *s = &rows[i].subject;
            run_on(workers, s, s);
            rows[i].both[repeat] = time_a_lookup(workers);
            run_on(workers, s, &nothing);
            run_on(workers, &nothing, s);
            rows[i].alone[repeat] = time_a_lookup(workers);
        }
    run_on(workers, NULL, NULL);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&barrier);
}

enum { MOST_ROWS = 32 };
static row rows[MOST_ROWS];
static int row_count;

static void add_row(const farm *f, kind k, int32_t mode, bool by_table)
{
    row *r = &rows[row_count++];
    snprintf(r->what, sizeof r->what, "%s%s, %s, %s", k == HASH ? "HASH" : "RANGE",
             by_table ? ", table handle" : "", f->shards == 4 ? "one key" : "1,000 shards",
             mode == FABRIC_MODE_READONLY ? "read" : "write");
    r->call = call_of(f, k, true, mode);
    r->subject = (subject){.run = by_table ? run_table_lookup : run_lookup, .context = &r->call};
}

static void add_rows(const farm *f)
{
    for (int k = RANGE; k <= HASH; k++)
        for (int by_table = 0; by_table < 2; by_table++)
            for (int mode = FABRIC_MODE_READONLY; mode <= FABRIC_MODE_READWRITE; mode += 2)
                add_row(f, (kind)k, mode, by_table == 1);
}

void bench_threads(void)
{
    if (sysconf(_SC_NPROCESSORS_ONLN) < 2) {
        printf("Two threads were not measured: this machine has one core.\n\n");
        return;
    }
    farm farms[2];
    snprintf(rows[0].what, sizeof rows[0].what, "MD5 chain in C: what the machine gives");
    rows[0].subject.run = run_md5_chain;
    row_count = 1;
    for (int i = 0; i < 2; i++) {
        farm *f = &farms[i];
        farm_make(f, 1u << RANGE | 1u << HASH, i ? 1000 : 4, GROUPS, false);
        farm_open(f);
        farm_check(f);
        /* With one key, every lookup is of one group. */
        for (int key = 0; i == 0 && key < KEYS; key++) {
            f->maps[RANGE].integers[key] = f->maps[RANGE].integers[0];
            f->maps[HASH].integers[key] = f->maps[HASH].integers[0];
        }
        add_rows(f);
    }
    subject subjects[MOST_ROWS];
    for (int i = 0; i < row_count; i++)
        subjects[i] = rows[i].subject;
    /* For the length of a batch. */
    measure(subjects, row_count);
    for (int i = 0; i < row_count; i++)
        rows[i].subject.batch = 2 * subjects[i].batch;
    compare(rows, row_count);
    printf("## Two threads on two cores\n\n| lookup | one thread, ns min / med | each of two | "
           "work done beside one, min / med | goal | met |\n|---|---|---|---|---|---|\n");
    for (int i = 0; i < row_count; i++)
        print_row(&rows[i]);
    printf("\n");
    fflush(stdout);
    for (int i = 0; i < 2; i++)
        farm_free(&farms[i]);
}
