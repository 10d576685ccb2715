/* Many keys in one call beside one key a call, of the same farm. */
#include "batches.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calls.h"
#include "table.h"

enum { FARMS = 3, QUESTIONS = 3, SIZES = 2, MOST_SIZE = 1024, KEYS_OF_ALL = FARMS * QUESTIONS };

static const long shards[FARMS] = {4, 1000, 100000};
static const long sizes[SIZES] = {64, MOST_SIZE};
static const struct {
    kind kind;
    bool integer;
    const char *what;
    /* Of 64 keys, by the farm. */
    double goals[FARMS];
} questions[QUESTIONS] = {
    {RANGE, true, "RANGE, int64", {0.5, 1.2, 0.9}},
    {HASH, false, "HASH, 13 bytes", {0.5, 0.5, 0.5}},
    {HASH, true, "HASH, int64 of 13 digits", {0.5, 0.5, 0.5}},
};

typedef struct batch {
    call single;
    long size;
    const char **texts;
    size_t *lengths;
} batch;

static fabric_keys_t keys_of(const batch *b, long at)
{
    size_t size = (size_t)b->size;
    if (b->single.integer)
        return fabric_keys_int(b->single.map->integers + at, size);
    return fabric_keys_text(b->texts + at, b->lengths + at, size);
}

static void run_batch(void *context, long first, long calls)
{
    static fabric_server_t servers[MOST_SIZE];
    static uint32_t index[MOST_SIZE];
    const batch *b = context;
    const map *m = b->single.map;
    uint64_t sum = 0;
    for (long done = 0; done < calls; done += b->size) {
        long at = (first + done) & (KEYS - 1) & ~(b->size - 1);
        size_t count;
        fabric_keys_t keys = keys_of(b, at);
        if (fabric_get_shard_servers(b->single.handle, &m->table, 1, &keys, FABRIC_SCOPE_LOCAL,
                                     b->single.mode, index, NULL, servers, MOST_SIZE, &count, NULL)
            != FABRIC_OK)
            die("a batch failed");
        sum += index[b->size - 1] + count;
    }
    sink += sum;
}

/* One farm's batch of one question, and the texts' addresses for it. */
static batch batch_of(const farm *f, int question, long size)
{
    batch made = {.single = call_of(f, questions[question].kind, questions[question].integer,
                                    FABRIC_MODE_READWRITE),
                  .size = size,
                  .texts = calloc(KEYS, sizeof *made.texts),
                  .lengths = calloc(KEYS, sizeof *made.lengths)};
    for (long i = 0; i < KEYS; i++) {
        made.texts[i] = made.single.map->texts[i];
        made.lengths[i] = made.single.map->text_length;
    }
    return made;
}

/* Every key of a batch has the server that it has alone. */
static void check(const batch *b)
{
    static fabric_server_t servers[MOST_SIZE], server;
    static uint32_t index[MOST_SIZE];
    const map *m = b->single.map;
    fabric_error_t err;
    size_t count;
    fabric_keys_t keys = keys_of(b, 0);
    if (fabric_get_shard_servers(b->single.handle, &m->table, 1, &keys, FABRIC_SCOPE_LOCAL,
                                 b->single.mode, index, NULL, servers, MOST_SIZE, &count, &err)
        != FABRIC_OK)
        die("%s: %s", m->table, err.message);
    for (long i = 0; i < b->size; i++) {
        fabric_key_t key = b->single.integer ? fabric_key_int(m->integers[i])
                                             : fabric_key_text(b->texts[i], b->lengths[i]);
        if (fabric_get_shard_server(b->single.handle, &m->table, 1, &key, FABRIC_SCOPE_LOCAL,
                                    b->single.mode, &server, &err)
            != FABRIC_OK)
            die("%s: %s", m->table, err.message);
        if (index[i] >= count || servers[index[i]].port != server.port
            || strcmp(servers[index[i]].host, server.host) != 0)
            die("%s: key %ld of a batch has another server", m->table, i);
    }
}

static void print_rows(const subject *single, const subject *many, int farm_at, int question)
{
    for (int at = 0; at < SIZES; at++) {
        const subject *s = &many[at];
        double share = s->median / single->median;
        printf("| %s | %s | %s | %.1f / %.1f | %.1f / %.1f | %.2f / %.2f | ",
               questions[question].what, grouped(shards[farm_at]), grouped(sizes[at]), s->least,
               s->median, single->least, single->median, s->least / single->least, share);
        double goal = questions[question].goals[farm_at];
        if (at == 0)
            printf("<= %g | %s |\n", goal, met(share <= goal));
        else
            printf("| |\n");
    }
}

void bench_batches(void)
{
    farm farms[FARMS];
    batch batches[KEYS_OF_ALL * SIZES];
    subject subjects[KEYS_OF_ALL * (1 + SIZES)];
    int subject_count = 0, batch_count = 0;
    pin_to(1);
    for (int i = 0; i < FARMS; i++) {
        farm_make(&farms[i], 1u << RANGE | 1u << HASH, shards[i], GROUPS, false);
        farm_open(&farms[i]);
        farm_check(&farms[i]);
        for (int question = 0; question < QUESTIONS; question++) {
            batch *first = &batches[batch_count];
            subjects[subject_count++] = (subject){.run = run_lookup,
                                                  .context = &first->single,
                                                  .warming = KEYS / 4};
            for (int at = 0; at < SIZES; at++) {
                batch *b = &batches[batch_count++];
                *b = batch_of(&farms[i], question, sizes[at]);
                check(b);
                subjects[subject_count++] = (subject){.run = run_batch,
                                                      .context = b,
                                                      .warming = KEYS / 4,
                                                      .unit = sizes[at]};
            }
        }
    }
    measure(subjects, subject_count);
    printf("## Many keys in one call\n\n"
           "| lookup | shards | keys a call | ns a key, min / med | a call for each key |"
           " share, min / med | goal | met |\n|---|---|---|---|---|---|---|---|\n");
    for (int question = 0; question < QUESTIONS; question++)
        for (int i = 0; i < FARMS; i++) {
            const subject *single = &subjects[(i * QUESTIONS + question) * (1 + SIZES)];
            print_rows(single, single + 1, i, question);
        }
    printf("\n");
    fflush(stdout);
    for (int i = 0; i < batch_count; i++) {
        free(batches[i].texts);
        free(batches[i].lengths);
    }
    for (int i = 0; i < FARMS; i++)
        farm_free(&farms[i]);
}
