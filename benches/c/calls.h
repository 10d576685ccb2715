/* What is measured: calls of the library, and the floors beside them. */
#ifndef CALLS_H
#define CALLS_H

#include "farm.h"
#include "measure.h"

typedef struct call {
    const fabric_t *handle;
    const map *map;
    int32_t mode;
    bool integer;
    const fabric_table_t *table;
} call;

/* Lookups of a farm's table. */
call call_of(const farm *f, kind k, bool integer, int32_t mode);

/* fabric_get_shard_server(). */
void run_lookup(void *context, long first, long calls);
/* The same with an empty call in its place. */
void run_empty_call(void *context, long first, long calls);
/* fabric_table_get_server(), and an empty call in its place. */
void run_table_lookup(void *context, long first, long calls);
void run_empty_table_call(void *context, long first, long calls);
/* The 64 steps, one block after another, as in one long message. */
void run_md5_chain(void *context, long first, long calls);
/* A key's digest. */
void run_md5_key(void *context, long first, long calls);
/* A plain binary search. */
void run_search(void *context, long first, long calls);

#endif
