#include "calls.h"

#include "floor.h"
#include "md5.h"

call call_of(const farm *f, kind k, bool integer, int32_t mode)
{
    return (call){.handle = f->handle,
                  .table = f->tables[k],
                  .map = &f->maps[k],
                  .mode = mode,
                  .integer = integer};
}

/* Makes `calls` calls with the keys from `first` on; `get` uses `key` and `server`. */
#define LOOP(get)                                                                                  \
    do {                                                                                           \
        const call *c = context;                                                                   \
        const map *m = c->map;                                                                     \
        fabric_server_t server = {.port = 0};                                                      \
        uint64_t sum = 0;                                                                          \
        fabric_key_t key = {.kind = c->integer ? FABRIC_KEY_INT : FABRIC_KEY_TEXT};                \
        if (c->integer) {                                                                          \
            for (long i = first; i < first + calls; i++) {                                         \
                key.integer = m->integers[i & (KEYS - 1)];                                         \
                sum += (uint32_t)(get);                                                            \
            }                                                                                      \
        } else {                                                                                   \
            key.length = m->text_length;                                                           \
            for (long i = first; i < first + calls; i++) {                                         \
                key.text = m->texts[i & (KEYS - 1)];                                               \
                sum += (uint32_t)(get);                                                            \
            }                                                                                      \
        }                                                                                          \
        sink += sum + server.port;                                                                 \
    } while (0)

void run_lookup(void *context, long first, long calls)
{
    LOOP(fabric_get_shard_server(c->handle, &m->table, 1, &key, FABRIC_SCOPE_LOCAL, c->mode,
                                 &server, NULL));
}

void run_empty_call(void *context, long first, long calls)
{
    LOOP(floor_of_8(c->handle, &m->table, 1, &key, FABRIC_SCOPE_LOCAL, c->mode, &server, NULL));
}

void run_table_lookup(void *context, long first, long calls)
{
    LOOP(fabric_table_get_server(c->table, &key, FABRIC_SCOPE_LOCAL, c->mode, &server, NULL));
}

void run_empty_table_call(void *context, long first, long calls)
{
    LOOP(floor_of_6(c->table, &key, FABRIC_SCOPE_LOCAL, c->mode, &server, NULL));
}

void run_md5_chain(void *context, long first, long calls)
{
    (void)context;
    uint32_t state[4] = {(uint32_t)first, 1, 2, 3}, block[16] = {(uint32_t)first};
    for (long i = 0; i < calls; i++)
        md5_block(state, block);
    sink += state[0];
}

void run_md5_key(void *context, long first, long calls)
{
    const call *c = context;
    const map *m = c->map;
    uint64_t sum = 0;
    for (long i = first; i < first + calls; i++)
        sum += md5_leading(m->texts[i & (KEYS - 1)], m->text_length);
    sink += sum;
}

void run_search(void *context, long first, long calls)
{
    const call *c = context;
    const map *m = c->map;
    uint64_t sum = 0;
    for (long i = first; i < first + calls; i++)
        sum += (uint64_t)shard_of(m, (uint64_t)m->integers[i & (KEYS - 1)] ^ (uint64_t)1 << 63);
    sink += sum;
}
