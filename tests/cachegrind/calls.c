/* Warm calls for cachegrind to count: `calls` names them, one a line, and `calls NAME` makes MORE
 * calls of that name after a few of all. `calls none` makes the few alone. */
#include <stdio.h>
#include <string.h>

#include "calls.h"

enum { FEW = 500, MORE = 40000, FARMS = 2, MOST = 64 };

static const struct {
    const char *name;
    kind kind;
    bool integer;
} questions[] = {
    {"RANGE", RANGE, true},
    {"HASH-text", HASH, false},
    {"HASH-integer", HASH, true},
    {"RANGE_STRING", STRING, false},
    {"RANGE_DATETIME", DATETIME, false},
};

typedef struct counted {
    char name[64];
    void (*run)(void *context, long first, long calls);
    call call;
} counted;

static counted all[MOST];
static int count;

static void add(const char *what, long shards, void (*run)(void *, long, long), call c)
{
    counted *added = &all[count++];
    snprintf(added->name, sizeof added->name, "%s-%ld-%s", what, shards,
             c.mode == FABRIC_MODE_READONLY ? "read" : "write");
    added->run = run;
    added->call = c;
}

static void add_farm(const farm *f)
{
    for (size_t q = 0; q < sizeof questions / sizeof *questions; q++)
        for (int mode = FABRIC_MODE_READONLY; mode <= FABRIC_MODE_READWRITE; mode += 2) {
            /* What reads and writes differ in is after the search. */
            if (mode == FABRIC_MODE_READWRITE && f->shards > 4)
                continue;
            char by_table[48];
            call c = call_of(f, questions[q].kind, questions[q].integer, mode);
            add(questions[q].name, f->shards, run_lookup, c);
            snprintf(by_table, sizeof by_table, "table-%s", questions[q].name);
            add(by_table, f->shards, run_table_lookup, c);
        }
}

int main(int argc, char **argv)
{
    farm farms[FARMS];
    for (int i = 0; i < FARMS; i++) {
        farm_make(&farms[i], ALL_KINDS, i ? 1000 : 4, GROUPS, false);
        farm_open(&farms[i]);
        add_farm(&farms[i]);
    }
    for (int i = 0; i < count; i++) {
        all[i].run(&all[i].call, 0, FEW);
        if (argc < 2)
            printf("%s\n", all[i].name);
        else if (strcmp(argv[1], all[i].name) == 0)
            all[i].run(&all[i].call, FEW, MORE);
    }
    for (int i = 0; i < FARMS; i++)
        farm_free(&farms[i]);
    return 0;
}
