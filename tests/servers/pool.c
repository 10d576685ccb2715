/* examples-c/pool.h against a MySQL server.  usage: pool PORT USER PASSWORD
 *
 * It cuts connections while they die, which crashed when it asked the driver for their sockets; gives no statement more
 * time at the server than the driver has; and refuses a thread for whom there is no place. */
#include "../../examples-c/pool.h"

static unsigned port;
static volatile int stops;

static void expect(int well, const char *what, const struct answer *answer)
{
    if (!well) {
        fprintf(stderr, "pool: %s: number %lld, code %d, %s\n", what, answer->number, answer->code,
                answer->error);
        exit(EXIT_FAILURE);
    }
}

static void ask(const char *sql, struct answer *answer)
{
    pool_query("server", "work", "127.0.0.1", port, sql, answer);
}

static void *die(void *unused)
{
    struct answer answer;
    while (!stops)
        ask("KILL CONNECTION_ID()", &answer);
    return unused;
}

int main(int argc, char **argv)
{
    if (argc != 4 || mysql_library_init(0, NULL, NULL) != 0)
        return EXIT_FAILURE;
    struct answer answer;
    port = (unsigned)strtoul(argv[1], NULL, 10);
    pool_open(argv[2], argv[3]);

    ask("SELECT @@innodb_lock_wait_timeout", &answer);
    expect(answer.number > 0 && answer.number < POOL_TIMEOUT_S, "waits for rows", &answer);
    ask("SELECT @@lock_wait_timeout", &answer);
    expect(answer.number > 0 && answer.number < POOL_TIMEOUT_S, "waits for tables", &answer);
    ask("SELECT @@max_execution_time", &answer);
    expect(answer.number > 0 && answer.number < POOL_TIMEOUT_S * 1000, "long reads", &answer);

    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        if (pthread_create(&threads[i], NULL, die, NULL) != 0)
            return EXIT_FAILURE;
    for (int i = 0; i < 2000000; i++)
        pool_cut("work", "other");
    stops = 1;
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    do /* whatever idled was cut, too */
        ask("SELECT 7", &answer);
    while (answer.code != 0);
    expect(answer.number == 7, "after cuts", &answer);

    for (int i = 0; i < POOL_SIZE; i++)
        pool[i].busy = 1;
    ask("SELECT 7", &answer);
    expect(answer.code == 1105 && strstr(answer.error, "POOL_SIZE"), "one too many", &answer);
    pool_close();
    mysql_library_end();
    return EXIT_SUCCESS;
}
