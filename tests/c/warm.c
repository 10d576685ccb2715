/* Lookups on a warm cache, as many as argv[1] says; strace-warm.sh watches their system calls. */
#define _POSIX_C_SOURCE 200809L

#include "support.h"

#include <unistd.h>

/* A system call that does nothing but show in a trace. */
static void mark(const char *word)
{
    CHECK(write(-1, word, strlen(word)) < 0);
}

int main(int argc, char **argv)
{
    CHECK(argc == 2);
    long lookups = strtol(argv[1], NULL, 10);
    CHECK(lookups > 0);
    fabric_options_t *o = options();
    CHECK_INT(fabric_options_set_ttl_ms(o, 86400000, 0), FABRIC_OK);
    fabric_t *f = handle(o);
    fabric_error_t err;
    CHECK_OK(fabric_seed(f, NULL, 0, &err), err);

    fabric_key_t name = text("zoe"), when = text("2010-01-01 12:00:00");
    mark("begin");
    for (long i = 0; i < lookups; i++) {
        fabric_server_t s;
        int32_t mode = i % 2 ? FABRIC_MODE_READONLY : FABRIC_MODE_READWRITE;
        switch (i % 5) {
        case 0:
            CHECK_OK(find(f, "employees.salaries", fabric_key_int(i + 1), mode, &s, &err), err);
            break;
        case 1:
            CHECK_OK(find(f, "hashdb.users", fabric_key_int(i), mode, &s, &err), err);
            break;
        case 2:
            CHECK_OK(find(f, "crm.names", name, mode, &s, &err), err);
            CHECK_INT(s.port, 33641);
            break;
        case 3:
            CHECK_OK(find(f, "log.events", when, mode, &s, &err), err);
            break;
        default:
            CHECK_OK(fabric_get_group_server(f, "shard1", mode, FABRIC_STATUS_NONE, &s, &err), err);
        }
    }
    mark("end");
    fabric_free(f);
    return 0;
}
