/* A process that gets no random numbers, as in a sandbox: a status says so, and nothing panics. */
#define _GNU_SOURCE
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

static volatile int none;

/* These stand before the C library's, for the library as well. */
ssize_t getrandom(void *buffer, size_t size, unsigned flags)
{
    if (none) {
        errno = ENOSYS;
        return -1;
    }
    return syscall(SYS_getrandom, buffer, size, flags);
}

static int opened(const char *path, int flags, mode_t mode)
{
    if (none && strncmp(path, "/dev/", 5) == 0) {
        errno = ENOENT;
        return -1;
    }
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int open(const char *path, int flags, ...)
{
    va_list more;
    va_start(more, flags);
    mode_t mode = (mode_t)va_arg(more, int);
    va_end(more);
    return opened(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    va_list more;
    va_start(more, flags);
    mode_t mode = (mode_t)va_arg(more, int);
    va_end(more);
    return opened(path, flags, mode);
}

int main(void)
{
    fabric_error_t err;
    fabric_server_t server;
    fabric_t *f = handle(options()), *next = NULL;
    fabric_options_t *o = options();
    none = 1;
    CHECK_INT(fabric_new(o, &next, &err), FABRIC_ERR_SYSTEM);
    CHECK_CONTAINS(err.message, "random numbers");
    CHECK(next == NULL);
    /* It may happen to a handle that is there already, too. */
    for (int i = 0; i < 3; i++) {
        int32_t status = find(f, "employees.salaries", fabric_key_int(1), FABRIC_MODE_READWRITE,
                              &server, &err);
        if (status != FABRIC_ERR_SYSTEM)
            fprintf(stderr, "%d: %s\n", status, err.message);
        CHECK_INT(status, FABRIC_ERR_SYSTEM);
    }
    none = 0;
    CHECK_INT(port_of(f, "employees.salaries", fabric_key_int(1), FABRIC_MODE_READWRITE), 33611);
    CHECK_OK(fabric_new(o, &next, &err), err);
    fabric_free(next);
    fabric_free(f);
    fabric_options_free(o);
    return 0;
}
