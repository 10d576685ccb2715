/* A panic inside the library becomes a status, prints nothing, and leaves the handle usable.
 * Needs a library with the cargo feature `test-hooks`. */
#define _POSIX_C_SOURCE 200809L

#include "support.h"

#include <unistd.h>

int32_t fabric_test_panic(fabric_error_t *err);

static long printed(int32_t (*call)(fabric_error_t *), fabric_error_t *err, int32_t *status)
{
    FILE *caught = tmpfile();
    CHECK(caught);
    fflush(stderr);
    int before = dup(STDERR_FILENO);
    dup2(fileno(caught), STDERR_FILENO);
    *status = call(err);
    fflush(stderr);
    dup2(before, STDERR_FILENO);
    close(before);
    fseek(caught, 0, SEEK_END);
    long size = ftell(caught);
    fclose(caught);
    return size;
}

int main(void)
{
    fabric_error_t err;
    int32_t status;

    /* Before there is any handle, too. */
    fabric_options_t *o = options();
    CHECK_INT(printed(fabric_test_panic, &err, &status), 0);
    CHECK_INT(status, FABRIC_ERR_PANIC);

    fabric_t *f = handle(o);
    CHECK_INT(port_of(f, "employees.salaries", fabric_key_int(1), FABRIC_MODE_READWRITE), 33611);
    for (int i = 0; i < 3; i++) {
        fill(&err, sizeof err);
        CHECK_INT(printed(fabric_test_panic, i == 2 ? NULL : &err, &status), 0);
        CHECK_INT(status, FABRIC_ERR_PANIC);
        if (i == 2)
            continue;
        CHECK_INT(err.code, FABRIC_ERR_PANIC);
        CHECK_INT(err.mysql_errno, 0);
        CHECK_CONTAINS(err.message, "fabric_test_panic");
        CHECK_CONTAINS(err.message, "'on purpose'"); /* the panic's own text */
    }
    CHECK_TEXT(fabric_strerror(FABRIC_ERR_PANIC), "internal error");
    CHECK_INT(port_of(f, "employees.salaries", fabric_key_int(10001), FABRIC_MODE_READWRITE),
              33621);
    CHECK_INT(port_of(f, "crm.names", text("zoe"), FABRIC_MODE_READWRITE), 33641);
    fabric_free(f);
    return 0;
}
