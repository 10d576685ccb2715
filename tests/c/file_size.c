/* A snapshot that is larger than what a file of the process may be: who writes on is sent SIGXFSZ,
 * and this program, as C programs are, is not prepared for it. Each handle is in a process of its
 * own, which must not die of it, in a log callback least of all. */
#define _GNU_SOURCE

#include "pthread_create.h"
#include "support.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LIMIT = 1024 };

static char path[128];
static volatile sig_atomic_t told;

static void hear(int32_t level, const char *message, void *userdata)
{
    (void)level;
    (void)userdata;
    told = told || strstr(message, "is not written: File too large");
}

static void write_much(int background, int logs, int threads)
{
    const struct rlimit small = {LIMIT, LIMIT};
    /* With the background refresh on, a thread of its own writes, or nobody. */
    const int tells = logs && (threads || !background);
    CHECK_INT(setrlimit(RLIMIT_FSIZE, &small), 0);
    fabric_options_t *o = options();
    CHECK_INT(fabric_options_set_snapshot_file(o, path), FABRIC_OK);
    CHECK_INT(fabric_options_set_background_refresh(o, background), FABRIC_OK);
    if (logs)
        CHECK_INT(fabric_options_set_log(o, FABRIC_LOG_WARNING, hear, NULL, NULL), FABRIC_OK);
    fabric_t *f = handle(o);
    no_threads = !threads;
    fabric_error_t error;
    CHECK_OK(fabric_seed(f, NULL, 0, &error), error);
    for (int i = 0; i < 1000 && tells && !told; i++)
        sleep_ms(10);
    CHECK_UNTOUCHED(SIGXFSZ);
    CHECK_INT(port_of(f, "employees.salaries", fabric_key_int(1), FABRIC_MODE_READWRITE), 33611);
    fabric_free(f);
    CHECK_UNTOUCHED(SIGXFSZ);
    CHECK_INT(told, tells);
    CHECK_INT(access(path, F_OK), -1);
}

int main(void)
{
    int killed = 0;
    snprintf(path, sizeof path, "/tmp/mysqlfabric-file-size-%ld", (long)getpid());
    for (int way = 0; way < 8; way++) {
        const int background = way & 1, logs = way >> 1 & 1, threads = !(way >> 2 & 1);
        fflush(stdout);
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            signal(SIGXFSZ, SIG_DFL);
            write_much(background, logs, threads);
            exit(0);
        }
        int status;
        CHECK_INT(waitpid(child, &status, 0), child);
        if (WIFSIGNALED(status)) {
            CHECK_INT(WTERMSIG(status), SIGXFSZ);
            printf("killed by SIGXFSZ: background %d, log %d, threads %d\n", background, logs,
                   threads);
            killed++;
        } else {
            CHECK_INT(WEXITSTATUS(status), 0);
        }
    }
    fflush(stdout);
    CHECK_INT(killed, 0);
    return 0;
}
