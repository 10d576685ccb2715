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
    {"RANGE", RANGE, true},           {"HASH-text", HASH, false},
    {"HASH-integer", HASH, true},     {"RANGE_STRING", STRING, false},
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

static void add_farm(const farm *f, const fabric_t *handle)
{
#ifdef HAVE_TABLES
    /* They live as long as the program. */
    fabric_table_t *tables[KINDS];
    for (int k = 0; k < KINDS; k++) {
        fabric_error_t err;
        if (fabric_table_open(handle, &f->maps[k].table, 1, &tables[k], &err) != FABRIC_OK)
            die("no table handle: %s", err.message);
    }
#endif
    for (size_t q = 0; q < sizeof questions / sizeof *questions; q++)
        for (int mode = FABRIC_MODE_READONLY; mode <= FABRIC_MODE_READWRITE; mode += 2) {
            call c = {.handle = handle, .map = &f->maps[questions[q].kind], .mode = mode,
                      .integer = questions[q].integer};
            /* What reads and writes differ in is after the search. */
            if (mode == FABRIC_MODE_READWRITE && f->shards > 4)
                continue;
            add(questions[q].name, f->shards, run_lookup, c);
#ifdef HAVE_TABLES
            char name[64];
            snprintf(name, sizeof name, "table-%s", questions[q].name);
            c.table = tables[c.map->kind];
            add(name, f->shards, run_table_lookup, c);
#endif
        }
}

int main(int argc, char **argv)
{
    farm farms[FARMS];
    fabric_t *handles[FARMS];
    for (int i = 0; i < FARMS; i++) {
        farm_make(&farms[i], ALL_KINDS, i ? 1000 : 4, false);
        /* Another thread's instructions would be counted too. */
        handles[i] = farm_open_quiet(&farms[i]);
        add_farm(&farms[i], handles[i]);
    }
    for (int i = 0; i < count; i++) {
        all[i].run(&all[i].call, 0, FEW);
        if (argc < 2)
            printf("%s\n", all[i].name);
        else if (strcmp(argv[1], all[i].name) == 0)
            all[i].run(&all[i].call, FEW, MORE);
    }
    for (int i = 0; i < FARMS; i++) {
        fabric_free(handles[i]);
        farm_free(&farms[i]);
    }
    return 0;
}
