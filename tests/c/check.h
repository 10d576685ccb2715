/* What every test here uses: checks that stop the program and say where. */
#ifndef CHECK_H
#define CHECK_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            check_failed(__FILE__, __LINE__, #condition);                                          \
    } while (0)

#define CHECK_INT(actual, expected)                                                                \
    check_int(__FILE__, __LINE__, #actual, (int64_t)(actual), (int64_t)(expected))

/* Of floating point numbers that must be the very same. */
#define CHECK_REAL(actual, expected) CHECK(!((actual) < (expected)) && !((actual) > (expected)))

/* Two strings, or two NULLs. */
#define CHECK_TEXT(actual, expected) check_text(__FILE__, __LINE__, #actual, (actual), (expected))

#define CHECK_CONTAINS(text, part) check_contains(__FILE__, __LINE__, (text), (part))

/* A status that must be FABRIC_OK; `err` is a fabric_error_t. */
#define CHECK_OK(call, err) check_ok(__FILE__, __LINE__, #call, (call), &(err))

static inline void check_failed(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
    exit(1);
}

static inline void check_int(const char *file, int line, const char *what, int64_t actual,
                             int64_t expected)
{
    if (actual == expected)
        return;
    fprintf(stderr, "%s:%d: %s is %" PRId64 ", not %" PRId64 "\n", file, line, what, actual,
            expected);
    exit(1);
}

static inline void check_text(const char *file, int line, const char *what, const char *actual,
                              const char *expected)
{
    if (actual == expected || (actual && expected && strcmp(actual, expected) == 0))
        return;
    fprintf(stderr, "%s:%d: %s is '%s', not '%s'\n", file, line, what, actual ? actual : "NULL",
            expected ? expected : "NULL");
    exit(1);
}

static inline void check_contains(const char *file, int line, const char *text, const char *part)
{
    if (text && strstr(text, part))
        return;
    fprintf(stderr, "%s:%d: '%s' is not in '%s'\n", file, line, part, text ? text : "NULL");
    exit(1);
}

#endif
