/* Single lookups: every type, from 4 to 1,000,000 shards, beside the floors. */
#include "lookups.h"

#include <stdio.h>

#include "calls.h"
#include "table.h"

enum { CYCLES, EMPTY_CALL, EMPTY_TABLE_CALL, MD5_CHAIN, MD5_KEY, FLOORS };
enum { MOST_SUBJECTS = 256, MOST_FARMS = 3 };

static const struct {
    kind kind;
    bool integer;
    const char *what, *key;
} questions[] = {
    {RANGE, true, "RANGE", "int64"},
    {HASH, false, "HASH", "13 bytes"},
    {HASH, true, "HASH", "int64, 13 digits"},
    {STRING, false, "RANGE_STRING", "13 bytes"},
    {PREFIX, false, "RANGE_STRING", "9 equal + 13 bytes"},
    {DATETIME, false, "RANGE_DATETIME", "19 bytes"},
};
enum { QUESTIONS = sizeof questions / sizeof *questions };

typedef struct row {
    subject *subject;
    call call;
    const farm *farm;
    int question;
    bool by_table;
    /* The same question to the least farm. */
    struct row *least;
} row;

static subject subjects[MOST_SUBJECTS];
static row rows[MOST_SUBJECTS];
static int row_count;

/* Enough calls to have what a farm's lookups need in the caches that hold it. */
static long warming(const farm *f)
{
    return f->shards < 1000 ? 0 : f->shards < 100000 ? KEYS / 4 : KEYS;
}

static void add_row(const farm *f, int question, int32_t mode, bool by_table)
{
    row *added = &rows[row_count];
    *added = (row){.subject = &subjects[FLOORS + row_count],
                   .farm = f,
                   .question = question,
                   .by_table = by_table};
    added->call = call_of(f, questions[question].kind, questions[question].integer, mode);
    *added->subject = (subject){.run = by_table ? run_table_lookup : run_lookup,
                                .context = &added->call,
                                .warming = warming(f)};
    added->least = added;
    for (row *other = rows; other < added; other++)
        if (other->question == question && other->call.mode == mode
            && other->by_table == by_table) {
            added->least = other;
            break;
        }
    row_count++;
}

/* The goals, and why they are what they are: "The goals" in docs/PERFORMANCE.md. */
static double goal_of(const row *r)
{
    const farm *f = r->farm;
    bool few = f->shards == 4, by_table = r->by_table;
    if (f->shards > 100000)
        return 0;
    switch (questions[r->question].kind) {
    case RANGE:
        if (f->shards == 100000)
            return 2.5;
        if (few)
            return by_table ? 8 : 10;
        if (f->skewed)
            return by_table ? 12.5 : 14.5;
        return by_table ? 10.5 : 12.5;
    case HASH:
        if (f->shards == 100000)
            return 1.6;
        if (few)
            return by_table ? 1.35 : 1.4;
        return by_table ? 1.45 : 1.55;
    default:
        return 0;
    }
}

static void print_goal(const row *r)
{
    const subject *s = r->subject, *beside = NULL;
    const char *name = "";
    double goal = goal_of(r);
    if (r->farm->shards <= 1000 && questions[r->question].kind == HASH) {
        beside = &subjects[MD5_CHAIN];
        name = "MD5 chain";
    } else if (r->farm->shards <= 1000) {
        beside = &subjects[r->by_table ? EMPTY_TABLE_CALL : EMPTY_CALL];
        name = "empty call";
    } else if (r->least != r) {
        beside = r->least->subject;
        name = "4 shards";
    }
    if (!beside) {
        printf(" | | | |\n");
        return;
    }
    double by_median = s->median / beside->median;
    printf("%s | %.2f / %.2f |", name, s->least / beside->least, by_median);
    if (goal > 0)
        printf(" <= %g | %s |\n", goal, met(by_median <= goal));
    else
        printf(" | |\n");
}

static void print_row(const row *r)
{
    printf("| %s%s | %s | %s%s | %s | %s | %.1f / %.1f | ", questions[r->question].what,
           r->by_table ? ", table handle" : "", questions[r->question].key,
           grouped(r->farm->shards), r->farm->skewed ? ", skewed" : "", grouped(r->farm->groups),
           r->call.mode == FABRIC_MODE_READONLY ? "read" : "write", r->subject->least,
           r->subject->median);
    print_goal(r);
}

static void print_floors(void)
{
    const subject *cycles = &subjects[CYCLES];
    double least = cycles->least / CYCLES_A_CALL, median = cycles->median / CYCLES_A_CALL;
    printf("| floor | ns min / med |\n|---|---|\n");
    printf("| a clock cycle | %.4f / %.4f (%.2f / %.2f GHz) |\n", least, median, 1 / least,
           1 / median);
    printf("| empty call of 8 arguments | %.2f / %.2f |\n", subjects[EMPTY_CALL].least,
           subjects[EMPTY_CALL].median);
    printf("| empty call of 6 arguments | %.2f / %.2f |\n", subjects[EMPTY_TABLE_CALL].least,
           subjects[EMPTY_TABLE_CALL].median);
    printf("| MD5 chain, the least possible: 288 cycles | %.1f / %.1f |\n", 288 * least,
           288 * median);
    printf("| MD5 chain, in C | %.1f / %.1f |\n", subjects[MD5_CHAIN].least,
           subjects[MD5_CHAIN].median);
    printf("| MD5 of a key of 13 bytes, in C | %.1f / %.1f |\n", subjects[MD5_KEY].least,
           subjects[MD5_KEY].median);
}

static void print_rows(void)
{
    printf("\n| lookup | key | shards | groups | mode | ns min / med | beside | times, min / med |"
           " goal | met |\n|---|---|---|---|---|---|---|---|---|---|\n");
    for (int question = 0; question < QUESTIONS; question++)
        for (int by_table = 0; by_table < 2; by_table++)
            for (int i = 0; i < row_count; i++)
                if (rows[i].question == question && rows[i].by_table == (by_table == 1))
                    print_row(&rows[i]);
    printf("\n");
    fflush(stdout);
}

typedef struct size {
    long shards, groups;
} size;

/* Asks the first questions of all. */
static void compare(const size *sizes, int farm_count, int question_count, bool skewed)
{
    pin_to(1);
    farm farms[MOST_FARMS];
    row_count = 0;
    for (int i = 0; i < farm_count; i++) {
        farm_make(&farms[i], ALL_KINDS, sizes[i].shards, sizes[i].groups, skewed);
        farm_open(&farms[i]);
        farm_check(&farms[i]);
        for (int question = 0; question < question_count; question++)
            for (int mode = FABRIC_MODE_READONLY; mode <= FABRIC_MODE_READWRITE; mode += 2)
                for (int by_table = 0; by_table < 2; by_table++)
                    add_row(&farms[i], question, mode, by_table == 1);
    }
    call integers = call_of(&farms[0], HASH, true, FABRIC_MODE_READONLY);
    call texts = call_of(&farms[0], HASH, false, FABRIC_MODE_READONLY);
    subjects[CYCLES] = (subject){.run = run_cycles};
    subjects[EMPTY_CALL] = (subject){.run = run_empty_call, .context = &integers};
    subjects[EMPTY_TABLE_CALL] = (subject){.run = run_empty_table_call, .context = &integers};
    subjects[MD5_CHAIN] = (subject){.run = run_md5_chain};
    subjects[MD5_KEY] = (subject){.run = run_md5_key, .context = &texts};
    call searches[MOST_FARMS];
    subject *search_subjects = &subjects[FLOORS + row_count];
    for (int i = 0; i < farm_count; i++) {
        searches[i] = call_of(&farms[i], RANGE, true, FABRIC_MODE_READONLY);
        search_subjects[i] = (subject){.run = run_search,
                                       .context = &searches[i],
                                       .warming = warming(&farms[i])};
    }
    measure(subjects, FLOORS + row_count + farm_count);

    print_floors();
    for (int i = 0; i < farm_count && (i == 0 || sizes[i].shards != sizes[0].shards); i++)
        printf("| plain binary search, %s int64 bounds%s | %.1f / %.1f |\n",
               grouped(farms[i].shards), skewed ? ", skewed" : "", search_subjects[i].least,
               search_subjects[i].median);
    print_rows();
    for (int i = 0; i < farm_count; i++)
        farm_free(&farms[i]);
}

static const size sizes[] = {{4, GROUPS}, {1000, GROUPS}, {100000, GROUPS}};

void bench_even(void)
{
    printf("## Single lookups, even bounds\n\n");
    compare(sizes, 3, QUESTIONS, false);
}

void bench_skewed(void)
{
    printf("## Single lookups, skewed bounds\n\n");
    compare(sizes, 3, QUESTIONS, true);
}

void bench_groups(void)
{
    printf("## Single lookups, few and many groups\n\n");
    compare((const size[]){{1000, 10}, {1000, 100}, {1000, 1000}}, 3, 2, false);
}

void bench_million(void)
{
    printf("## Single lookups, a million shards\n\n");
    compare((const size[]){{1000000, GROUPS}}, 1, QUESTIONS, false);
}
