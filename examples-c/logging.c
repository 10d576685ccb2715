/* Hears what a handle has to say: here, that the first of its two nodes is not there.
 * usage: logging [host [port]] */
#include "example.h"

struct journal {
    FILE *file;
    const char *service;
};

/* Runs on the thread that has something to say, and on several at once if several use the
 * handle: a single call of fprintf() is fine with that. */
static void write_line(int32_t level, const char *message, void *userdata)
{
    static const char *const names[] = {"?", "error", "warning", "info", "debug"};
    const struct journal *journal = userdata;
    const char *name = level >= FABRIC_LOG_ERROR && level <= FABRIC_LOG_DEBUG ? names[level] : "?";
    fprintf(journal->file, "%s: %s: %s\n", journal->service, name, message);
}

/* Runs once, when the options and all handles made from them are freed. */
static void close_journal(void *userdata)
{
    struct journal *journal = userdata;
    fprintf(journal->file, "%s: end of log\n", journal->service);
    free(journal);
}

int main(int argc, char **argv)
{
    struct journal *journal = malloc(sizeof *journal);
    if (journal == NULL) {
        perror("logging");
        return EXIT_FAILURE;
    }
    journal->file = stdout;
    journal->service = "payroll";

    fabric_options_t *options = fabric_options_new();
    fabric_options_set_log(options, FABRIC_LOG_INFO, write_line, journal, close_journal);
    fabric_options_add_node(options, "127.0.0.1", 1); /* nobody listens there */
    fabric_options_add_node(options, argc > 1 ? argv[1] : "127.0.0.1",
                            argc > 2 ? port_of(argv[2]) : FABRIC_DEFAULT_PORT);
    fabric_options_set_credentials(options, "admin", "secret");
    fabric_t *farm = open_farm(options);
    if (farm == NULL)
        return EXIT_FAILURE;

    int status = EXIT_SUCCESS;
    fabric_error_t err;
    if (fabric_seed(farm, NULL, 0, &err) != FABRIC_OK)
        status = failed("fabric_seed", &err);
    else
        printf("seeded\n");

    fabric_free(farm);
    return status;
}
