/* Any Fabric command, and its answer as rows and columns. */
#include "support.h"

static void rows_and_columns(const fabric_t *f)
{
    static const char *const names[] = {"server_uuid", "group_id", "host",  "port",
                                        "mode",        "status",   "weight"};
    static const char *const values[] = {
        "ab13a90d-e706-11f1-b000-02fc00000001", "shard3", "127.0.0.1", "33631", "3", "3", "1.0"};
    const char *args[] = {"0", "shard3"};
    fabric_result_t *r = NULL;
    fabric_error_t err;
    CHECK_OK(fabric_execute(f, "dump", "servers", args, 2, &r, &err), err);
    CHECK_INT(fabric_result_sets(r), 1);
    CHECK_INT(fabric_result_rows(r, 0), 1);
    CHECK_INT(fabric_result_columns(r, 0), 7);
    for (size_t i = 0; i < 7; i++) {
        size_t length = 0;
        const char *value = fabric_result_value(r, 0, 0, i, &length);
        CHECK_TEXT(fabric_result_column_name(r, 0, i), names[i]);
        if (i < 6)
            CHECK_TEXT(value, values[i]);
        else
            CHECK_REAL(strtod(value, NULL), 1.0);
        CHECK_INT(length, strlen(value));
        CHECK(fabric_result_value(r, 0, 0, i, NULL) == value);
    }
    size_t length = 77;
    CHECK(!fabric_result_value(r, 1, 0, 0, &length));
    CHECK(!fabric_result_value(r, 0, 1, 0, &length));
    CHECK(!fabric_result_value(r, 0, 0, 7, &length));
    CHECK(!fabric_result_value(r, SIZE_MAX, SIZE_MAX, SIZE_MAX, &length));
    CHECK_INT(length, 77);
    CHECK(!fabric_result_column_name(r, 0, 7));
    CHECK(!fabric_result_column_name(r, 1, 0));
    CHECK_INT(fabric_result_rows(r, 1), 0);
    CHECK_INT(fabric_result_columns(r, SIZE_MAX), 0);
    fabric_result_free(r);
}

static void defaults(const fabric_t *f)
{
    /* NULL leaves an argument to its default: all groups. */
    const char *args[] = {NULL, NULL};
    fabric_result_t *r = NULL;
    fabric_error_t err;
    CHECK_OK(fabric_execute(f, "dump", "servers", args, 2, &r, &err), err);
    CHECK_INT(fabric_result_rows(r, 0), 11);
    fabric_result_free(r);
    CHECK_OK(fabric_execute(f, "dump", "servers", NULL, 0, &r, &err), err);
    CHECK_INT(fabric_result_rows(r, 0), 11);
    fabric_result_free(r);
}

/* The answer belongs to the caller, and outlives the handle. */
static void outlives_the_handle(void)
{
    const char *args[] = {"employees.salaries", "10001"};
    fabric_t *f = handle(options());
    fabric_result_t *r = NULL;
    fabric_error_t err;
    CHECK_OK(fabric_execute(f, "sharding", "lookup_servers", args, 2, &r, &err), err);
    fabric_free(f);
    CHECK_INT(fabric_result_rows(r, 0), 3);
    CHECK_TEXT(fabric_result_value(r, 0, 0, 0, NULL), "aae35c32-e706-11f1-b000-02fc00000001");
    fabric_result_free(r);
}

static void two_sets_or_none(const fabric_t *f)
{
    const char *args[] = {"aaee17dd-e706-11f1-b000-02fc00000001", "3.0"};
    fabric_result_t *r = NULL;
    fabric_error_t err;
    CHECK_OK(fabric_execute(f, "server", "set_weight", args, 2, &r, &err), err);
    CHECK_INT(fabric_result_sets(r), 2);
    fabric_result_free(r);
    CHECK_OK(fabric_execute(f, "manage", "ping", NULL, 0, &r, &err), err);
    CHECK_INT(fabric_result_sets(r), 0);
    fabric_result_free(r);
}

int main(void)
{
    fabric_t *f = handle(options());
    rows_and_columns(f);
    defaults(f);
    two_sets_or_none(f);
    fabric_free(f);
    outlives_the_handle();
    return 0;
}
