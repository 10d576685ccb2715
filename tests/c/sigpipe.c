/* A node that hangs up as soon as the connection stands, as a balancer does that is restarted:
 * who writes to it is sent SIGPIPE, and this program, as C programs are, is not prepared for it.
 * Each call is made in a process of its own, which must not die of it. */
#define _POSIX_C_SOURCE 200809L

#include "support.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LOOKUPS = 40, COMMANDS = 10, SECONDS = 3, LARGE = 8 << 20 };

static volatile sig_atomic_t handled;

static void on_pipe(int signal)
{
    (void)signal;
    handled = 1;
}

static fabric_options_t *hasty(void)
{
    fabric_options_t *o = options();
    const char *certs = getenv("FABRICD_CERTS");
    if (certs) {
        char ca[512];
        snprintf(ca, sizeof ca, "%s/ca.pem", certs);
        CHECK_INT(fabric_options_set_tls(o, ca, NULL, NULL), FABRIC_OK);
    }
    CHECK_INT(fabric_options_set_ttl_ms(o, 1, 20), FABRIC_OK);
    return o;
}

static void hang_up(const char *count)
{
    fabric_t *ctl = control();
    tell(ctl, "fault", "hang_up", "", count, "", NULL);
    fabric_free(ctl);
}

static void look_up(void)
{
    fabric_t *f = handle(hasty());
    fabric_server_t server;
    CHECK(find(f, "employees.salaries", fabric_key_int(1), FABRIC_MODE_READWRITE, &server, NULL)
          != FABRIC_OK);
    CHECK_UNTOUCHED(SIGPIPE);
    fabric_free(f);
}

static void send_much(void)
{
    fabric_t *f = handle(hasty());
    char *much = malloc(LARGE + 1);
    CHECK(much != NULL);
    memset(much, 'x', LARGE);
    much[LARGE] = '\0';
    const char *args[] = {much};
    fabric_result_t *result = NULL;
    CHECK(fabric_execute(f, "manage", "ping", args, 1, &result, NULL) != FABRIC_OK);
    CHECK_UNTOUCHED(SIGPIPE);
    free(much);
    fabric_free(f);
}

/* The background refresh meets a node that goes away while the service sleeps. */
static void sleep_through_it(void)
{
    hang_up("0");
    fabric_t *f = handle(hasty());
    CHECK_INT(port_of(f, "employees.salaries", fabric_key_int(1), FABRIC_MODE_READWRITE), 33611);
    hang_up("-1");
    sleep_ms(SECONDS * 1000);
    CHECK_UNTOUCHED(SIGPIPE);
    fabric_free(f);
}

/* The service's own SIGPIPE is as it was: here a handler of its own sees it. */
static void own_pipe(void)
{
    fabric_t *f = handle(hasty());
    fabric_server_t server;
    CHECK(find(f, "employees.salaries", fabric_key_int(1), FABRIC_MODE_READWRITE, &server, NULL)
          != FABRIC_OK);
    int ends[2];
    CHECK_INT(pipe(ends), 0);
    close(ends[0]);
    signal(SIGPIPE, on_pipe);
    CHECK_INT(write(ends[1], "x", 1), -1);
    CHECK_INT(handled, 1);
    close(ends[1]);
    fabric_free(f);
}

static int dies(void (*call)(void))
{
    fflush(stdout);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        signal(SIGPIPE, SIG_DFL);
        call();
        exit(0);
    }
    int status;
    CHECK_INT(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status))
        return WTERMSIG(status) == SIGPIPE ? 1 : 1000;
    CHECK_INT(WEXITSTATUS(status), 0);
    return 0;
}

static void start_hanging_up(void)
{
    hang_up("-1");
}

int main(void)
{
    int lookups = 0, commands = 0, sleepers, own;
    CHECK_INT(dies(start_hanging_up), 0);
    for (int i = 0; i < LOOKUPS; i++)
        lookups += dies(look_up);
    for (int i = 0; i < COMMANDS; i++)
        commands += dies(send_much);
    sleepers = dies(sleep_through_it);
    own = dies(own_pipe);
    printf("killed by SIGPIPE: %d of %d lookups, %d of %d commands, %d of 1 refreshes\n", lookups,
           LOOKUPS, commands, COMMANDS, sleepers);
    fflush(stdout);
    CHECK_INT(lookups + commands + sleepers + own, 0);
    return 0;
}
