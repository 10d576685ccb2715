#ifndef FLOOR_H
#define FLOOR_H

#include <stddef.h>
#include <stdint.h>

/* As fabric_get_shard_server(). */
int32_t floor_of_8(const void *f, const void *tables, size_t n, const void *key, int32_t scope,
                   int32_t mode, void *server, void *err);
/* As fabric_table_get_server(). */
int32_t floor_of_6(const void *table, const void *key, int32_t scope, int32_t mode, void *server,
                   void *err);

#endif
