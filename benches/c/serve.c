#include "serve.h"

#include <stdio.h>
#include <string.h>

#include "calls.h"

static const struct {
    const char *name;
    kind kind;
    bool integer;
} questions[] = {{"RANGE", RANGE, true}, {"HASH", HASH, false}, {"RANGE_STRING", STRING, false}};

enum { LOOKUPS = 16384, WARMING = 8192 };

/* A line "TYPE read|write" is answered with the nanoseconds of a lookup. The first line out is
 * the name of the topology file. */
void bench_serve(long shards)
{
    farm f;
    char type[32], mode[32];
    long first = 0;
    farm_make(&f, 1u << RANGE | 1u << HASH | 1u << STRING, shards, GROUPS, false);
    farm_open(&f);
    farm_check(&f);
    printf("%s\n", f.path);
    fflush(stdout);
    while (scanf("%31s %31s", type, mode) == 2) {
        size_t at = 0;
        while (at < sizeof questions / sizeof *questions && strcmp(type, questions[at].name) != 0)
            at++;
        if (at == sizeof questions / sizeof *questions)
            die("no such type: %s", type);
        call asked = call_of(&f, questions[at].kind, questions[at].integer,
                             strcmp(mode, "read") == 0 ? FABRIC_MODE_READONLY
                                                       : FABRIC_MODE_READWRITE);
        run_lookup(&asked, first + LOOKUPS, WARMING);
        int64_t begin = now_ns();
        run_lookup(&asked, first, LOOKUPS);
        printf("%.2f\n", (double)(now_ns() - begin) / LOOKUPS);
        fflush(stdout);
        first += LOOKUPS + 4099;
    }
    farm_free(&f);
}
