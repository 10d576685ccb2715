/* A server of the old kind: the parent loads the farm once, and each child that it forks answers from it at once and
 * keeps its own copy fresh.  usage: prefork [host [port]] */
#define _POSIX_C_SOURCE 200809L
#include "example.h"

#include <sys/wait.h>
#include <unistd.h>

enum { CHILDREN = 3 };

/* What a child does with what it inherited. It may free it, and need not. */
static int serve(fabric_t *farm, fabric_table_t *salaries, int child)
{
    fabric_metrics_t before, after;
    fabric_error_t err;
    fabric_server_t server;
    fabric_key_t key = fabric_key_int(1 + child * 10000);
    if (fabric_get_metrics(farm, &before, &err) != FABRIC_OK
        || fabric_table_get_server(salaries, &key, FABRIC_SCOPE_LOCAL, FABRIC_MODE_READWRITE,
                                   &server, &err)
               != FABRIC_OK
        || fabric_get_metrics(farm, &after, &err) != FABRIC_OK)
        return failed("child", &err);
    printf("child %d: key %lld is at %s:%u; waited for %llu fetches\n", child,
           (long long)key.integer, server.host, (unsigned)server.port,
           (unsigned long long)(after.refreshes_callers - before.refreshes_callers));
    fflush(stdout);
    fabric_table_free(salaries);
    fabric_free(farm);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    fabric_t *farm = open_farm(options_of(argc, argv));
    if (farm == NULL)
        return EXIT_FAILURE;
    const char *tables[] = {"employees.salaries"};
    fabric_table_t *salaries = NULL;
    fabric_error_t err;
    int status = EXIT_SUCCESS;
    if (fabric_seed(farm, NULL, 0, &err) != FABRIC_OK
        || fabric_table_open(farm, tables, 1, &salaries, &err) != FABRIC_OK)
        status = failed("parent", &err);

    int children = 0;
    while (status == EXIT_SUCCESS && children < CHILDREN) {
        fflush(stdout); /* or each child would print it again */
        pid_t pid = fork();
        if (pid == 0)
            _exit(serve(farm, salaries, children));
        if (pid < 0) {
            perror("fork");
            status = EXIT_FAILURE;
        } else
            children++;
    }
    for (; children > 0; children--) {
        int ended;
        if (wait(&ended) < 0 || !WIFEXITED(ended) || WEXITSTATUS(ended) != EXIT_SUCCESS)
            status = EXIT_FAILURE;
    }
    if (status == EXIT_SUCCESS)
        printf("parent: goes on with what it had\n");
    fabric_table_free(salaries);
    fabric_free(farm);
    return status;
}
