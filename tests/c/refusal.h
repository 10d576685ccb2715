/* A call that must fail: its status, its message, its outputs left alone, err or no err. */
#ifndef REFUSAL_H
#define REFUSAL_H

#include "support.h"

/* Up to three parts that a message must hold. */
typedef struct {
    int32_t status;
    const char *says[3];
} refusal;

static inline void check_refusal(const char *file, int line, int32_t status,
                                 const fabric_error_t *err, const refusal *wanted)
{
    check_int(file, line, err->message, status, wanted->status);
    check_int(file, line, "err.code", err->code, wanted->status);
    for (size_t i = 0; i < 3 && wanted->says[i]; i++)
        check_contains(file, line, err->message, wanted->says[i]);
}

/* `call` uses `err` (a pointer) and `out`, of which nothing is written. */
#define REFUSED(call, out, ...)                                                                    \
    do {                                                                                           \
        const refusal wanted = {__VA_ARGS__};                                                      \
        fabric_error_t details, *err = &details;                                                   \
        fill(&details, sizeof details);                                                            \
        fill(&(out), sizeof(out));                                                                 \
        int32_t status = call;                                                                     \
        check_refusal(__FILE__, __LINE__, status, &details, &wanted);                              \
        err = NULL;                                                                                \
        CHECK_INT(call, wanted.status);                                                            \
        CHECK(is_filled(&(out), sizeof(out)));                                                     \
    } while (0)

#endif
