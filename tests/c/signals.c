/* The library's threads are the service's in nothing: no signal of the service reaches them, they
 * have the ordinary scheduling policy and the processors of the process, whoever called first, and
 * a program that a callback starts has the service's signal mask. */
#define _GNU_SOURCE
#include "support.h"

#include <dirent.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t taken, taken_elsewhere;
static pthread_t taker;

static void take(int number)
{
    (void)number;
    taken++;
    if (!pthread_equal(pthread_self(), taker))
        taken_elsewhere++;
}

/* The signals blocked on a thread, from its status; 0 if it is over. */
static int blocked(const char *task, uint64_t *mask)
{
    char file[300], line[256];
    int found = 0;
    snprintf(file, sizeof file, "/proc/self/task/%s/status", task);
    FILE *status = fopen(file, "r");
    if (!status)
        return 0;
    while (!found && fgets(line, sizeof line, status))
        found = sscanf(line, "SigBlk: %" SCNx64, mask) == 1;
    fclose(status);
    return found;
}

static uint64_t bit(int number)
{
    return (uint64_t)1 << (number - 1);
}

/* What is wrong with a thread of the library; NULL if nothing is, or it is over. */
static const char *wrong_with(const char *task, const cpu_set_t *processors)
{
    static const int open_for[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT};
    static char text[64];
    uint64_t mask;
    if (!blocked(task, &mask))
        return NULL;
    for (int number = 1; number < 32; number++) {
        int open = number == SIGKILL || number == SIGSTOP;
        for (size_t i = 0; i < sizeof open_for / sizeof *open_for; i++)
            open |= number == open_for[i];
        snprintf(text, sizeof text, "signal %d is %s", number, open ? "blocked" : "open");
        if (number != SIGSYS && !!(mask & bit(number)) == open)
            return text;
    }
    pid_t tid = (pid_t)atoi(task);
    int policy = sched_getscheduler(tid);
    cpu_set_t own;
    if (policy == -1 || sched_getaffinity(tid, sizeof own, &own) == -1)
        return NULL;
    if (policy != SCHED_OTHER)
        return "another scheduling policy";
    return CPU_EQUAL(&own, processors) ? NULL : "other processors";
}

/* Looks at every thread of the library; how many there are. One that has just begun is named before
 * it is what it will be, and the C library blocks everything while it starts another: a thread has a
 * while to become right. */
static int look_at_threads(const cpu_set_t *processors)
{
    DIR *tasks = opendir("/proc/self/task");
    CHECK(tasks);
    int count = 0;
    struct dirent *task;
    while ((task = readdir(tasks))) {
        char file[300], name[32] = "";
        snprintf(file, sizeof file, "/proc/self/task/%s/comm", task->d_name);
        FILE *comm = task->d_name[0] == '.' ? NULL : fopen(file, "r");
        if (!comm)
            continue;
        const char *named = fgets(name, sizeof name, comm);
        fclose(comm);
        if (!named || strncmp(name, "fabric-", 7) != 0)
            continue;
        count++;
        const char *wrong = NULL;
        for (int look = 0; look < 500 && (wrong = wrong_with(task->d_name, processors)); look++)
            usleep(10000);
        if (wrong)
            fprintf(stderr, "%.15s: %s\n", name, wrong);
        CHECK(!wrong);
    }
    closedir(tasks);
    return count;
}

static volatile uint64_t callback_mask, program_mask;
static volatile int heard;

/* Starts a program, which tells its signal mask. */
static void hear(const fabric_event_t *event, void *unused)
{
    (void)event, (void)unused;
    if (heard)
        return;
    sigset_t mask;
    CHECK_INT(pthread_sigmask(SIG_BLOCK, NULL, &mask), 0);
    callback_mask = (sigismember(&mask, SIGTERM) ? bit(SIGTERM) : 0)
                    | (sigismember(&mask, SIGUSR1) ? bit(SIGUSR1) : 0)
                    | (sigismember(&mask, SIGUSR2) ? bit(SIGUSR2) : 0)
                    | (sigismember(&mask, SIGHUP) ? bit(SIGHUP) : 0);
    /* Not by a shell, which may change the mask. */
    int ends[2], how;
    CHECK_INT(pipe(ends), 0);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        execlp("grep", "grep", "SigBlk:", "/proc/self/status", (char *)NULL);
        _exit(1);
    }
    close(ends[1]);
    FILE *program = fdopen(ends[0], "r");
    uint64_t told = 0;
    CHECK(program && fscanf(program, "SigBlk: %" SCNx64, &told) == 1);
    fclose(program);
    CHECK_INT(waitpid(pid, &how, 0), pid);
    program_mask = told;
    __sync_synchronize();
    heard = 1;
}

/* A real-time thread on one processor that makes the first call. */
static void *first_call(void *f)
{
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    CHECK_INT(pthread_setaffinity_np(pthread_self(), sizeof one, &one), 0);
    struct sched_param urgent = {.sched_priority = 1};
    if (pthread_setschedparam(pthread_self(), SCHED_FIFO, &urgent) != 0)
        printf("no leave for SCHED_FIFO: the policy is not tried\n");
    CHECK_INT(port_of(f, "employees.salaries", fabric_key_int(1), FABRIC_MODE_READWRITE), 33611);
    return NULL;
}

int main(void)
{
    cpu_set_t processors;
    CHECK_INT(sched_getaffinity(0, sizeof processors, &processors), 0);
    taker = pthread_self();
    struct sigaction action = {.sa_handler = take};
    CHECK_INT(sigaction(SIGTERM, &action, NULL), 0);
    CHECK_INT(sigaction(SIGUSR1, &action, NULL), 0);
    /* As a service does that takes its signals in ppoll() alone. */
    sigset_t outside, before;
    sigemptyset(&outside);
    sigaddset(&outside, SIGTERM);
    sigaddset(&outside, SIGUSR1);
    CHECK_INT(pthread_sigmask(SIG_BLOCK, &outside, &before), 0);

    fabric_options_t *o = options();
    fabric_options_set_ttl_ms(o, 0, 50);
    fabric_options_set_event_callback(o, hear, NULL, NULL);
    fabric_options_set_report_errors(o, FABRIC_REPORT_FAILURE);
    fabric_t *f = handle(o);
    pthread_t thread;
    CHECK_INT(pthread_create(&thread, NULL, first_call, f), 0);
    CHECK_INT(pthread_join(thread, NULL), 0);
    while (!heard)
        sleep_ms(5);

    int most = 0;
    for (int i = 0; i < 50; i++) {
        CHECK_INT(kill(getpid(), i % 2 ? SIGTERM : SIGUSR1), 0);
        sleep_ms(4);
        int now = look_at_threads(&processors);
        most = now > most ? now : most;
    }
    CHECK(most >= 2);
    CHECK_INT(taken, 0);
    struct timespec at_once = {0, 0};
    ppoll(NULL, 0, &at_once, &before);
    CHECK(taken >= 1);
    CHECK_INT(taken_elsewhere, 0);

    /* What the callback starts is as what the service starts. */
    CHECK_INT(callback_mask, bit(SIGTERM) | bit(SIGUSR1));
    CHECK_INT(program_mask & (bit(SIGTERM) | bit(SIGUSR1) | bit(SIGUSR2) | bit(SIGHUP)),
              bit(SIGTERM) | bit(SIGUSR1));
    fabric_free(f);
    return 0;
}
