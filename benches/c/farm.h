/* Made-up farms: topology files, and keys of which it is known where they belong. */
#ifndef FARM_H
#define FARM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mysqlfabric.h>

typedef enum kind { RANGE, HASH, STRING, PREFIX, DATETIME, KINDS } kind;

/* Too many for a branch predictor to learn by heart. A power of two. */
#ifndef KEYS
#define KEYS (1 << 16)
#endif

enum { TEXT_SIZE = 32, GROUPS = 1000 };

/* A sharded table. All its values are in the order of the bounds, as unsigned numbers. */
typedef struct map {
    kind kind;
    const char *table;
    long shards;
    uint64_t *bounds;
    int64_t *integers;
    char (*texts)[TEXT_SIZE];
    size_t text_length;
} map;

typedef struct farm {
    long shards;
    bool skewed;
    long groups;
    map maps[KINDS];
    /* The topology file. */
    char path[256];
    /* What farm_open() opens: a table of each kind, or NULL. */
    fabric_t *handle;
    fabric_table_t *tables[KINDS];
} farm;

/* All kinds of tables. */
#define ALL_KINDS ((1u << KINDS) - 1)

/* Has a table of each kind whose bit is set, all of so many shards on up to so many groups. Bounds
 * are spread evenly, or as the eighth power of a random number: then the keys are too, so that
 * every shard is asked for as often. */
void farm_make(farm *made, unsigned tables, long shards, long groups, bool skewed);
/* Writes the topology file; group number `shift` has the first shard. */
void farm_write(const farm *f, const char *path, long shift);
/* Opens a handle that routes from the file, with all its features on, and its tables. */
void farm_open(farm *f);
/* Asks for keys of every table and ends the program if one answer is wrong. */
void farm_check(const farm *f);
/* The number of the shard with the greatest bound that is not above. */
long shard_of(const map *m, uint64_t value);
/* Closes what is open, and removes the file. */
void farm_free(farm *f);

/* The next of a series of random numbers. */
uint64_t next_random(void);

#endif
