/* Lookups as services make them: keys of mixed lengths, texts that are written just before the call,
 * tables in turn, calls that are refused, and the first call of a thread. */
#include "service.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "calls.h"
#include "floor.h"
#include "table.h"

enum { TABLES = 64, THREADS = 301, SHARDS = 4, LOWEST = 1 };

static char names[TABLES][16], path[64];
static const char *tables[TABLES];
static const char *const hashed = "s.hashed", *const missing = "s.missing";
/* Of 1 to 10 digits, each as often. */
static int64_t mixed[KEYS];
static unsigned char table_of_key[KEYS];

typedef struct question {
    const fabric_t *handle;
    const char *const *table;
    /* One of so many tables in turn; a power of two. */
    unsigned table_count;
    int64_t key;
    int32_t mode, wanted;
    bool text, error;
} question;

/* Every table begins at LOWEST, so that keys below it are refused. */
static void write_farm(void)
{
    snprintf(path, sizeof path, "bench-service-%ld.json", (long)getpid());
    FILE *out = fopen(path, "w");
    if (!out)
        die("cannot write %s", path);
    fprintf(out, "{\"format\":\"libmysqlfabric topology\",\"version\":1,\"ttl_ms\":86400000,"
                 "\"tables\":[");
    for (int t = 0; t <= TABLES; t++) {
        const char *name = t < TABLES ? names[t] : hashed;
        fprintf(out,
                "%s{\"schema\":\"s\",\"table\":\"%s\",\"column\":\"id\",\"type\":\"%s\","
                "\"global_group\":\"g0\",\"shards\":[",
                t ? "," : "", name + 2, t < TABLES ? "RANGE" : "HASH");
        for (int i = 0; i < SHARDS; i++) {
            fprintf(out, "%s{\"id\":%d,\"group\":\"g%d\",\"lower_bound\":\"", i ? "," : "",
                    t * SHARDS + i + 1, i);
            fprintf(out, t < TABLES ? "%d\"}" : "%X0000000000000000000000000000000\"}",
                    t < TABLES ? LOWEST + i * 250000000 : i * 4);
        }
        fprintf(out, "]}");
    }
    fprintf(out, "],\"groups\":[");
    for (int i = 0; i < SHARDS; i++)
        fprintf(out,
                "%s{\"id\":\"g%d\",\"servers\":[{\"uuid\":\"u%d\",\"host\":\"db\",\"port\":%d,"
                "\"mode\":\"READ_WRITE\",\"status\":\"PRIMARY\",\"weight\":1}]}",
                i ? "," : "", i, i, 3306 + i);
    fprintf(out, "]}");
    if (fclose(out) != 0)
        die("cannot write %s", path);
}

static fabric_t *open_farm(void)
{
    fabric_t *f;
    fabric_error_t err;
    fabric_options_t *options = fabric_options_new();
    if (fabric_options_set_topology_file(options, path) != FABRIC_OK
        || fabric_options_set_least_write_hold_ms(options, FABRIC_MAX_TIME_MS) != FABRIC_OK
        || fabric_new(options, &f, &err) != FABRIC_OK)
        die("no handle: %s", err.message);
    fabric_options_free(options);
    if (fabric_seed(f, NULL, 0, &err) != FABRIC_OK)
        die("%s: %s", path, err.message);
    return f;
}

static void make_keys(void)
{
    for (int i = 0; i < TABLES; i++) {
        snprintf(names[i], sizeof names[i], "s.table_%02d", i);
        tables[i] = names[i];
    }
    for (long i = 0; i < KEYS; i++) {
        int64_t least = 1;
        for (uint64_t digits = next_random() % 10; digits > 0; digits--)
            least *= 10;
        mixed[i] = least + (int64_t)(next_random() % (uint64_t)(9 * least));
        table_of_key[i] = (unsigned char)(next_random() % TABLES);
    }
}

static fabric_key_t written(int64_t number, char text[TEXT_SIZE])
{
    char *end = text + TEXT_SIZE, *at = end;
    do
        *--at = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    return (fabric_key_t){.kind = FABRIC_KEY_TEXT, .text = at, .length = (size_t)(end - at)};
}

static void run_mixed(void *context, long first, long calls)
{
    const question *q = context;
    fabric_server_t server = {.port = 0};
    uint64_t sum = 0;
    for (long i = first; i < first + calls; i++) {
        char text[TEXT_SIZE];
        int64_t number = mixed[i & (KEYS - 1)];
        fabric_key_t key = q->text ? written(number, text)
                                   : (fabric_key_t){.kind = FABRIC_KEY_INT, .integer = number};
        sum += (uint32_t)fabric_get_shard_server(q->handle, q->table, 1, &key, FABRIC_SCOPE_LOCAL,
                                                 q->mode, &server, NULL);
    }
    sink += sum + server.port;
}

/* What is written, and no lookup. */
static void run_written(void *context, long first, long calls)
{
    const question *q = context;
    fabric_server_t server = {.port = 0};
    uint64_t sum = 0;
    for (long i = first; i < first + calls; i++) {
        char text[TEXT_SIZE];
        fabric_key_t key = written(mixed[i & (KEYS - 1)], text);
        sum += (uint32_t)floor_of_8(q->handle, q->table, 1, &key, FABRIC_SCOPE_LOCAL, q->mode,
                                    &server, NULL);
    }
    sink += sum + server.port;
}

static void run_tables(void *context, long first, long calls)
{
    const question *q = context;
    fabric_server_t server = {.port = 0};
    fabric_key_t key = {.kind = FABRIC_KEY_INT};
    uint64_t sum = 0;
    for (long i = first; i < first + calls; i++) {
        long at = i & (KEYS - 1);
        key.integer = mixed[at];
        sum += (uint32_t)fabric_get_shard_server(q->handle,
                                                 &q->table[table_of_key[at] & (q->table_count - 1)],
                                                 1, &key, FABRIC_SCOPE_LOCAL, q->mode, &server,
                                                 NULL);
    }
    sink += sum + server.port;
}

static void run_refused(void *context, long first, long calls)
{
    (void)first;
    const question *q = context;
    fabric_server_t server = {.port = 0};
    fabric_error_t err;
    fabric_key_t key = {.kind = q->text ? FABRIC_KEY_TEXT : FABRIC_KEY_INT,
                        .integer = q->key,
                        .text = q->text ? "none" : NULL,
                        .length = q->text ? 4 : 0};
    uint64_t sum = 0;
    for (long i = 0; i < calls; i++) {
        int32_t status = fabric_get_shard_server(q->handle, q->table, 1, &key, FABRIC_SCOPE_LOCAL,
                                                 q->mode, &server, q->error ? &err : NULL);
        sum += (uint32_t)status;
        if (status != q->wanted)
            die("%s: status %d, not %d", q->table[0], status, q->wanted);
    }
    sink += sum;
}

static struct first {
    const question *question;
    double first, second;
} firsts;

/* The clock's own time is in both. */
static void *first_calls(void *context)
{
    struct first *f = context;
    pin_to(1);
    int64_t begin = now_ns();
    run_mixed((void *)f->question, 0, 1);
    int64_t middle = now_ns();
    run_mixed((void *)f->question, 1, 1);
    f->first = (double)(middle - begin);
    f->second = (double)(now_ns() - middle);
    return NULL;
}

static void print_firsts(const question *q)
{
    static double first[THREADS], second[THREADS];
    for (int i = 0; i < THREADS; i++) {
        pthread_t thread;
        firsts.question = q;
        if (pthread_create(&thread, NULL, first_calls, &firsts) != 0)
            die("no thread");
        pthread_join(thread, NULL);
        first[i] = firsts.first;
        second[i] = firsts.second;
    }
    double by_median = median_of(first, THREADS) / median_of(second, THREADS);
    printf("| a thread's first lookup, HASH | %.0f / %.0f | its second one | %.2f / %.2f |\n",
           first[0], median_of(first, THREADS), first[0] / second[0], by_median);
}

enum { CHAIN, INTEGERS, TEXTS, WRITTEN, ONE_TABLE, REFUSED = ONE_TABLE + 4, CASES = REFUSED + 6 };

static void print_row(const char *what, const subject *s, const char *beside, const subject *other)
{
    printf("| %s | %.1f / %.1f | %s | %.2f / %.2f |\n", what, s->least, s->median, beside,
           s->least / other->least, s->median / other->median);
}

void bench_service(void)
{
    pin_to(1);
    make_keys();
    write_farm();
    fabric_t *f = open_farm(), *held = open_farm();
    /* The primary of the group in which most keys are refuses writes. */
    if (fabric_report_result(held, "u0", 1290, NULL) != FABRIC_OK)
        die("the report failed");
    const question hash = {.handle = f, .table = &hashed, .mode = FABRIC_MODE_READWRITE};
    question questions[CASES];
    for (int i = 0; i < CASES; i++)
        questions[i] = hash;
    questions[TEXTS].text = questions[WRITTEN].text = true;
    for (int i = 0; i < 4; i++) {
        questions[ONE_TABLE + i].table = tables;
        questions[ONE_TABLE + i].table_count = (unsigned[]){1, 2, 8, TABLES}[i];
    }
    const question refused[] = {
        {.table = tables, .key = LOWEST - 1, .wanted = FABRIC_ERR_KEY_OUT_OF_RANGE},
        {.table = tables, .text = true, .wanted = FABRIC_ERR_KEY_TYPE},
        {.table = &missing, .key = 1, .wanted = FABRIC_ERR_UNKNOWN_TABLE},
        {.table = tables, .handle = held, .key = 1, .wanted = FABRIC_ERR_WRITE_HELD},
    };
    for (int i = 0; i < 4; i++) {
        question *q = &questions[REFUSED + i];
        *q = refused[i];
        q->handle = q->handle ? q->handle : f;
        q->mode = FABRIC_MODE_READWRITE;
    }
    questions[REFUSED + 4] = questions[REFUSED];
    questions[REFUSED + 5] = questions[REFUSED + 3];
    questions[REFUSED + 4].error = questions[REFUSED + 5].error = true;

    subject subjects[CASES] = {{.run = run_md5_chain}};
    for (int i = 1; i < CASES; i++)
        subjects[i] = (subject){.run = i == WRITTEN    ? run_written
                                       : i >= REFUSED  ? run_refused
                                       : i < ONE_TABLE ? run_mixed
                                                       : run_tables,
                                .context = &questions[i]};
    measure(subjects, CASES);

    const subject *chain = &subjects[CHAIN], *one = &subjects[ONE_TABLE];
    printf("## As services call\n\nFour shards, writes, by name.\n\n"
           "| lookup | ns min / med | beside | times, min / med |\n|---|---|---|---|\n");
    print_row("HASH, int64 of 1 to 10 digits", &subjects[INTEGERS], "MD5 chain", chain);
    print_row("HASH, such a key written as text just before", &subjects[TEXTS], "MD5 chain", chain);
    print_row("the writing alone, and an empty call", &subjects[WRITTEN], "MD5 chain", chain);
    print_row("RANGE, one table", one, "MD5 chain", chain);
    print_row("RANGE, 2 tables at random", &subjects[ONE_TABLE + 1], "one table", one);
    print_row("RANGE, 8 tables at random", &subjects[ONE_TABLE + 2], "one table", one);
    print_row("RANGE, 64 tables at random", &subjects[ONE_TABLE + 3], "one table", one);
    print_row("refused: key below the lowest bound", &subjects[REFUSED], "one table", one);
    print_row("the same, with fabric_error_t", &subjects[REFUSED + 4], "one table", one);
    print_row("refused: key of a wrong type", &subjects[REFUSED + 1], "one table", one);
    print_row("refused: no such table", &subjects[REFUSED + 2], "one table", one);
    print_row("refused: writes are held", &subjects[REFUSED + 3], "one table", one);
    print_row("the same, with fabric_error_t", &subjects[REFUSED + 5], "one table", one);
    print_firsts(&hash);
    printf("\n");
    fflush(stdout);
    fabric_free(f);
    fabric_free(held);
    remove(path);
}
