/* Events on a thread of their own: when there is one, whom it holds up, and how it ends. */
#define _POSIX_C_SOURCE 200809L

#include "support.h"

#include <dirent.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t change = PTHREAD_COND_INITIALIZER;

/* What a callback saw, and how it is held up. */
struct seen {
    int calls, entered, stay, freed;
    int32_t kinds[8];
    fabric_t *free_this;
};

static void heard(const fabric_event_t *event, void *userdata)
{
    struct seen *seen = userdata;
    pthread_mutex_lock(&lock);
    seen->entered++;
    pthread_cond_broadcast(&change);
    while (seen->stay)
        pthread_cond_wait(&change, &lock);
    if (seen->calls < 8)
        seen->kinds[seen->calls] = event->kind;
    CHECK(event->lost_before == 0 && event->age_ms >= 0);
    fabric_t *f = seen->free_this;
    seen->free_this = NULL;
    pthread_mutex_unlock(&lock);
    fabric_free(f);
    pthread_mutex_lock(&lock);
    seen->calls++;
    pthread_cond_broadcast(&change);
    pthread_mutex_unlock(&lock);
}

static void gone(void *userdata)
{
    struct seen *seen = userdata;
    pthread_mutex_lock(&lock);
    seen->freed++;
    pthread_cond_broadcast(&change);
    pthread_mutex_unlock(&lock);
}

static int read_locked(const int *value)
{
    pthread_mutex_lock(&lock);
    int now = *value;
    pthread_mutex_unlock(&lock);
    return now;
}

static void await(const int *value, int least)
{
    pthread_mutex_lock(&lock);
    while (*value < least)
        pthread_cond_wait(&change, &lock);
    pthread_mutex_unlock(&lock);
}

static void go_on(struct seen *seen)
{
    pthread_mutex_lock(&lock);
    seen->stay = 0;
    pthread_cond_broadcast(&change);
    pthread_mutex_unlock(&lock);
}

/* A handle that refreshes every 20 ms, and tells `seen` if that is not NULL. */
static fabric_t *subject(struct seen *seen)
{
    fabric_options_t *o = options();
    CHECK_INT(fabric_options_set_ttl_ms(o, 0, 20), FABRIC_OK);
    CHECK_INT(fabric_options_set_refresh_share(o, 100), FABRIC_OK);
    if (seen)
        CHECK_INT(fabric_options_set_event_callback(o, heard, seen, gone), FABRIC_OK);
    return handle(o);
}

static void seed(const fabric_t *f)
{
    fabric_error_t err;
    CHECK_OK(fabric_seed(f, NULL, 0, &err), err);
}

/* How many threads of this process carry the name. */
static int threads_named(const char *wanted)
{
    int count = 0;
    DIR *tasks = opendir("/proc/self/task");
    CHECK(tasks);
    for (struct dirent *task; (task = readdir(tasks)) != NULL;) {
        char path[300], name[32] = "";
        snprintf(path, sizeof path, "/proc/self/task/%s/comm", task->d_name);
        FILE *comm = task->d_name[0] == '.' ? NULL : fopen(path, "r");
        if (!comm)
            continue;
        if (fgets(name, sizeof name, comm))
            name[strcspn(name, "\n")] = '\0';
        fclose(comm);
        count += strcmp(name, wanted) == 0;
    }
    closedir(tasks);
    return count;
}

static int delivering(void)
{
    return threads_named("fabric-events");
}

static uint32_t primary(const fabric_t *f)
{
    return port_of(f, "employees.salaries", fabric_key_int(1), FABRIC_MODE_READWRITE);
}

static void promote(const fabric_t *ctl, const char *address)
{
    tell(ctl, "promote", "shard1", address, NULL);
}

static void only_who_listens_has_a_thread(void)
{
    fabric_t *deaf = subject(NULL);
    seed(deaf);
    /* A thread takes its name when it runs. */
    while (threads_named("fabric-refresh") != 1)
        sleep_ms(1);
    CHECK_INT(delivering(), 0);
    fabric_free(deaf);

    struct seen seen = {0};
    fabric_t *f = subject(&seen);
    CHECK_INT(delivering(), 0);
    seed(f);
    await(&seen.calls, 2);
    CHECK_INT(seen.kinds[0], FABRIC_EVENT_READY);
    CHECK_INT(seen.kinds[1], FABRIC_EVENT_TOPOLOGY_CHANGED);
    CHECK_INT(delivering(), 1);
    CHECK_INT(read_locked(&seen.freed), 0);
    fabric_free(f);
    CHECK_INT(seen.freed, 1);
}

static void *free_it(void *f)
{
    fabric_free(f);
    return NULL;
}

/* A callback that stays holds up neither lookups nor the refresh, but fabric_free(). */
static void a_stuck_callback(const fabric_t *ctl)
{
    struct seen seen = {.stay = 1};
    fabric_t *f = subject(&seen);
    seed(f);
    await(&seen.entered, 1);
    for (int i = 0; i < 4; i++) {
        uint32_t port = i % 2 ? 33611 : 33612;
        promote(ctl, i % 2 ? "127.0.0.1:33611" : "127.0.0.1:33612");
        while (primary(f) != port)
            sleep_ms(1);
    }
    fabric_metrics_t metrics;
    fabric_error_t err;
    CHECK_OK(fabric_get_metrics(f, &metrics, &err), err);
    /* One for each change; the last may not be counted yet. */
    CHECK(metrics.refreshes_background >= 3 && metrics.events_lost == 0);
    CHECK_INT(read_locked(&seen.calls), 0);

    pthread_t freeing;
    CHECK_INT(pthread_create(&freeing, NULL, free_it, f), 0);
    sleep_ms(100);
    CHECK_INT(read_locked(&seen.freed), 0);
    go_on(&seen);
    CHECK_INT(pthread_join(freeing, NULL), 0);
    CHECK_INT(seen.freed, 1);
    CHECK(seen.calls >= 1);
    CHECK_INT(seen.kinds[0], FABRIC_EVENT_READY);
}

static void freed_by_its_callback(void)
{
    struct seen seen = {.stay = 1};
    fabric_t *f = subject(&seen);
    seen.free_this = f;
    seed(f);
    /* Not while another call uses the handle. */
    go_on(&seen);
    await(&seen.freed, 1);
    CHECK_INT(seen.calls, 1);
    while (delivering())
        sleep_ms(1);
}

/* A child tells its own events on a thread of its own, and frees what it inherited. */
static void in_a_child(const fabric_t *ctl)
{
    struct seen seen = {0};
    fabric_t *f = subject(&seen);
    seed(f);
    await(&seen.calls, 2);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        alarm(60);
        CHECK_INT(delivering(), 0);
        primary(f);
        promote(ctl, "127.0.0.1:33612");
        await(&seen.calls, 4);
        CHECK_INT(seen.kinds[2], FABRIC_EVENT_TOPOLOGY_CHANGED);
        CHECK_INT(seen.kinds[3], FABRIC_EVENT_PRIMARY_CHANGED);
        CHECK_INT(delivering(), 1);
        fabric_free(f);
        CHECK_INT(delivering(), 0);
        _exit(0);
    }
    int how;
    CHECK_INT(waitpid(pid, &how, 0), pid);
    CHECK(WIFEXITED(how) && WEXITSTATUS(how) == 0);
    await(&seen.calls, 4);
    CHECK_INT(delivering(), 1);
    fabric_free(f);
    CHECK_INT(seen.freed, 1);
    tell(ctl, "reset", NULL);
}

/* With an argument no child is made: what a child forgets looks like a leak. */
int main(int argc, char **argv)
{
    (void)argv;
    fabric_t *ctl = control();
    only_who_listens_has_a_thread();
    a_stuck_callback(ctl);
    freed_by_its_callback();
    if (argc == 1)
        in_a_child(ctl);
    fabric_free(ctl);
    return 0;
}
