/* A process that writes a snapshot is killed at any moment, while the farm changes, and the next one
 * starts from the file while Fabric is down: the file is never refused, what it says was so once and
 * not longer ago than what it said before, and nothing else is left beside it.
 * usage: killed [rounds] */
#define _GNU_SOURCE
#include "support.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* The n-th farm has n shards, up to so many, ten keys each, in shard1 and shard2 in turns; its
 * servers have the weight n. */
enum { MOST_SHARDS = 200, KEYS = 10 };

static const char *const table = "shop.orders";

static int32_t group_of_shard(int32_t shard)
{
    return 1 + shard % 2;
}

static int32_t shards_of(int32_t farm)
{
    return farm < MOST_SHARDS ? farm : MOST_SHARDS;
}

static void become(const fabric_t *ctl, int32_t farm)
{
    static char json[32768];
    int at = snprintf(json, sizeof json,
                      "{\"ttl\": 1, \"users\": [{\"user\": \"admin\", \"password\": \"secret\", "
                      "\"roles\": [\"superadmin\"]}], \"groups\": [");
    for (int group = 1; group <= 2; group++)
        at += snprintf(json + at, sizeof json - (size_t)at,
                       "%s{\"id\": \"shard%d\", \"servers\": [{\"uuid\": "
                       "\"00000000-0000-0000-0000-00000000000%d\", \"host\": \"127.0.0.1\", "
                       "\"port\": %d, \"mode\": \"READ_WRITE\", \"status\": \"PRIMARY\", "
                       "\"weight\": %" PRId32 "}]}",
                       group == 1 ? "" : ", ", group, group, 4000 + group, farm);
    at += snprintf(json + at, sizeof json - (size_t)at,
                   "], \"mappings\": [{\"id\": 1, \"type\": \"RANGE_INTEGER\", \"global_group\": "
                   "\"shard1\", \"tables\": [{\"schema\": \"shop\", \"table\": \"orders\", "
                   "\"column\": \"id\"}], \"shards\": [");
    for (int32_t shard = 0; shard < shards_of(farm); shard++)
        at += snprintf(json + at, sizeof json - (size_t)at,
                       "%s{\"id\": %" PRId32 ", \"lower_bound\": \"%" PRId32
                       "\", \"group\": \"shard%" PRId32 "\", \"state\": \"ENABLED\"}",
                       shard ? ", " : "", shard + 1, shard * KEYS, group_of_shard(shard));
    at += snprintf(json + at, sizeof json - (size_t)at, "]}]}");
    CHECK(at < (int)sizeof json);
    tell(ctl, "load", json, NULL);
}

static int refused;

static void log_line(int32_t level, const char *message, void *unused)
{
    (void)unused;
    if (level <= FABRIC_LOG_WARNING && strstr(message, "snapshot file")
        && !strstr(message, "routing from snapshot file")) {
        fprintf(stderr, "%s\n", message);
        refused++;
    }
}

static fabric_options_t *with_snapshot(const char *path)
{
    fabric_options_t *o = options();
    fabric_options_set_snapshot_file(o, path);
    fabric_options_set_log(o, FABRIC_LOG_WARNING, log_line, NULL, NULL);
    fabric_options_set_ttl_ms(o, 5, 5);
    fabric_options_set_refresh_share(o, 100);
    return o;
}

/* What a start finds: the number of the farm, from its servers and from its table. */
typedef struct {
    int32_t of_servers, shards;
} found_t;

static found_t look(const fabric_t *f)
{
    static fabric_shard_t shards[MOST_SHARDS];
    fabric_server_t one, two;
    fabric_error_t err;
    size_t count = 0;
    CHECK_OK(fabric_get_shards(f, table, shards, MOST_SHARDS, &count, &err), err);
    CHECK_OK(fabric_get_group_server(f, "shard1", FABRIC_MODE_READWRITE, FABRIC_STATUS_NONE, &one,
                                     &err),
             err);
    CHECK_OK(fabric_get_group_server(f, "shard2", FABRIC_MODE_READWRITE, FABRIC_STATUS_NONE, &two,
                                     &err),
             err);
    CHECK_REAL(one.weight, two.weight);
    CHECK(count > 0);
    for (int32_t shard = 0; shard < MOST_SHARDS; shard++) {
        int32_t holds = shard < (int32_t)count ? shard : (int32_t)count - 1;
        CHECK_INT(port_of(f, table, fabric_key_int(shard * KEYS + KEYS - 1), FABRIC_MODE_READWRITE),
                  4000 + group_of_shard(holds));
    }
    return (found_t){(int32_t)one.weight, (int32_t)count};
}

/* Writes snapshots until it is killed. */
static void write_snapshots(const char *path, int said)
{
    fabric_t *f = handle(with_snapshot(path));
    fabric_error_t err;
    CHECK_OK(fabric_seed(f, NULL, 0, &err), err);
    uint64_t begun = fabric_topology_generation(f);
    /* Something new is known by now, and being written. */
    while (fabric_topology_generation(f) == begun)
        CHECK(port_of(f, table, fabric_key_int(1), FABRIC_MODE_READWRITE) > 4000);
    CHECK_INT(write(said, "w", 1), 1);
    for (;;)
        CHECK(port_of(f, table, fabric_key_int(1), FABRIC_MODE_READWRITE) > 4000);
}

/* Starts while Fabric is down. */
static void start_from_it(const char *path, int said)
{
    fabric_t *f = handle(with_snapshot(path));
    fabric_error_t err;
    CHECK_OK(fabric_seed(f, NULL, 0, &err), err);
    found_t found = look(f);
    fabric_free(f);
    CHECK_INT(refused, 0);
    CHECK_INT(write(said, &found, sizeof found), sizeof found);
}

static pid_t start(const char *what, const char *path, int *says)
{
    int ends[2];
    CHECK_INT(pipe(ends), 0);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        char said[16];
        snprintf(said, sizeof said, "%d", ends[1]);
        close(ends[0]);
        alarm(120);
        execl("/proc/self/exe", "killed", what, path, said, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    *says = ends[0];
    return pid;
}

/* Whether the file system has files without a name. Where not, a killed writer's stays for a while:
 * a writer that lives may not have locked its own yet. */
static int has_nameless_files(const char *dir)
{
#ifdef O_TMPFILE
    int fd = open(dir, O_TMPFILE | O_WRONLY, 0600);
    return fd >= 0 && close(fd) == 0;
#else
    (void)dir;
    return 0;
#endif
}

/* How many files there are beside the snapshot. */
static int left_behind(const char *dir)
{
    int count = 0;
    DIR *entries = opendir(dir);
    CHECK(entries);
    for (struct dirent *entry; (entry = readdir(entries));)
        count += strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..")
                 && strcmp(entry->d_name, "snapshot");
    closedir(entries);
    return count;
}

static int while_writing, left, last_of_servers, last_shards, farm = 1;

static void round_of(const fabric_t *ctl, const char *dir, const char *path)
{
    int says, how;
    char ready;
    pid_t pid = start("write", path, &says);
    /* It has a map, and wants another. */
    CHECK_INT(fcntl(says, F_SETFL, O_NONBLOCK), 0);
    ssize_t got;
    while ((got = read(says, &ready, 1)) < 0 && errno == EAGAIN)
        become(ctl, ++farm);
    CHECK_INT(got, 1);
    int64_t until = now_ms() + rand() % 40;
    do
        become(ctl, ++farm);
    while (now_ms() < until);
    struct timespec moment = {0, (rand() % 3000) * 1000L};
    nanosleep(&moment, NULL);
    CHECK_INT(kill(pid, SIGKILL), 0);
    CHECK_INT(waitpid(pid, &how, 0), pid);
    CHECK(WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL);
    close(says);
    while_writing += left_behind(dir) > 0;

    tell(ctl, "fault", "close", "", "-1", NULL);
    found_t found;
    pid = start("read", path, &says);
    CHECK_INT(read(says, &found, sizeof found), sizeof found);
    CHECK_INT(waitpid(pid, &how, 0), pid);
    CHECK(WIFEXITED(how) && WEXITSTATUS(how) == 0);
    close(says);
    tell(ctl, "fault", "none", NULL);
    CHECK(found.of_servers >= last_of_servers && found.of_servers <= farm);
    CHECK(found.shards >= last_shards && found.shards <= shards_of(farm));
    last_of_servers = found.of_servers;
    last_shards = found.shards;
    left += left_behind(dir);
}

int main(int argc, char **argv)
{
    if (argc == 4) {
        int said = atoi(argv[3]);
        (strcmp(argv[1], "write") == 0 ? write_snapshots : start_from_it)(argv[2], said);
        return 0;
    }
    int rounds = argc > 1 ? atoi(argv[1]) : 100;
    char dir[] = "/tmp/killed.XXXXXX", path[64];
    CHECK(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/snapshot", dir);
    fabric_t *ctl = control();
    become(ctl, farm);
    srand((unsigned)now_ms());
    for (int i = 0; i < rounds; i++)
        round_of(ctl, dir, path);
    tell(ctl, "reset", NULL);
    fabric_free(ctl);
    printf(
        "%d kills, %d of them in the middle of a file; the last start found farm %d of %d, and %d "
        "files were left\n",
        rounds, while_writing, last_of_servers, farm, left);
    CHECK(left == 0 || !has_nameless_files(dir));
    unlink(path);
    CHECK(rmdir(dir) == 0 || left > 0);
    return 0;
}
