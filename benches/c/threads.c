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

static void add_row(const farm *f, const fabric_t *handle, const map *m, const void *table,
                    int32_t mode)
{
    static const char *const names[KINDS] = {[RANGE] = "RANGE", [HASH] = "HASH"};
    row *r = &rows[row_count++];
    snprintf(r->what, sizeof r->what, "%s%s, %s, %s", names[m->kind],
             table ? ", table handle" : "", f->shards == 4 ? "one key" : "1,000 shards",
             mode == FABRIC_MODE_READONLY ? "read" : "write");
    r->call = (call){.handle = handle, .map = m, .mode = mode, .integer = true, .table = table};
    r->subject = (subject){.run = run_lookup, .context = &r->call};
#ifdef HAVE_TABLES
    if (table)
        r->subject.run = run_table_lookup;
#endif
}

void bench_threads(void)
{
    if (sysconf(_SC_NPROCESSORS_ONLN) < 2) {
        printf("Two threads were not measured: this machine has one core.\n\n");
        return;
    }
    farm farms[2];
    fabric_t *handles[2];
#ifdef HAVE_TABLES
    fabric_table_t *tables[2][KINDS] = {{NULL}};
#endif
    snprintf(rows[0].what, sizeof rows[0].what, "MD5 chain in C: what the machine gives");
    rows[0].subject.run = run_md5_chain;
    row_count = 1;
    for (int i = 0; i < 2; i++) {
        farm_make(&farms[i], 1u << RANGE | 1u << HASH, i ? 1000 : 4, false);
        handles[i] = farm_open(&farms[i]);
        farm_check(&farms[i], handles[i]);
        for (int k = RANGE; k <= HASH; k++) {
            map *m = &farms[i].maps[k];
            /* With one key, every lookup is of one group. */
            for (int key = 0; i == 0 && key < KEYS; key++)
                m->integers[key] = m->integers[0];
            for (int mode = FABRIC_MODE_READONLY; mode <= FABRIC_MODE_READWRITE; mode += 2) {
                add_row(&farms[i], handles[i], m, NULL, mode);
#ifdef HAVE_TABLES
                fabric_error_t err;
                if (!tables[i][k]
                    && fabric_table_open(handles[i], &m->table, 1, &tables[i][k], &err) != FABRIC_OK)
                    die("no table handle: %s", err.message);
                add_row(&farms[i], handles[i], m, tables[i][k], mode);
#endif
            }
        }
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
    for (int i = 0; i < 2; i++) {
#ifdef HAVE_TABLES
        for (int k = RANGE; k <= HASH; k++)
            fabric_table_free(tables[i][k]);
#endif
        fabric_free(handles[i]);
        farm_free(&farms[i]);
    }
}
