/* Measures the library through its C ABI and prints tables in Markdown: all, or the one that
 * argv[1] names. */
#include <stdlib.h>
#include <string.h>

#include "batches.h"
#include "lookups.h"
#include "many.h"
#include "measure.h"
#include "md5.h"
#include "serve.h"
#include "service.h"
#include "swaps.h"
#include "threads.h"

/* A floor that is wrong would be none. */
static void check_md5(void)
{
    static const unsigned char abc[] = {0x90, 0x01, 0x50, 0x98, 0x3c, 0xd2, 0x4f, 0xb0,
                                        0xd6, 0x96, 0x3f, 0x7d, 0x28, 0xe1, 0x7f, 0x72};
    unsigned char digest[16];
    md5_digest("abc", 3, digest);
    if (memcmp(digest, abc, sizeof digest) != 0 || md5_leading("abc", 3) != 0x900150983cd24fb0)
        die("MD5 is wrong");
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } parts[] = {
        {"even", bench_even},       {"skewed", bench_skewed},
        {"groups", bench_groups},   {"million", bench_million},
#ifdef HAVE_BATCHES
        {"batches", bench_batches},
#endif
        {"service", bench_service}, {"threads", bench_threads},
        {"swaps", bench_swaps},     {"many", bench_many},
    };
    check_md5();
    if (argc == 3 && strcmp(argv[1], "serve") == 0) {
        bench_serve(atol(argv[2]));
        return 0;
    }
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (argc < 2 || strcmp(argv[1], parts[i].name) == 0)
            parts[i].run();
    return 0;
}
