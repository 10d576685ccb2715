/* The floor of a call into a shared library: nothing. Takes what the library's own calls take. */
#include <stddef.h>
#include <stdint.h>

#include "floor.h"

int32_t floor_of_8(const void *f, const void *tables, size_t n, const void *key, int32_t scope,
                   int32_t mode, void *server, void *err)
{
    (void)f, (void)tables, (void)n, (void)key, (void)scope, (void)mode, (void)server, (void)err;
    return 0;
}

int32_t floor_of_6(const void *table, const void *key, int32_t scope, int32_t mode, void *server,
                   void *err)
{
    (void)table, (void)key, (void)scope, (void)mode, (void)server, (void)err;
    return 0;
}
