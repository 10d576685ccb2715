/* Clocks that are set while a handle lives, or between two: no hold of a vanished shard ends by it. */
#define _GNU_SOURCE
#include "support.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define DAY 86400L
#define SALARIES "employees.salaries"

enum { RW = FABRIC_MODE_READWRITE };

/* By how many seconds the time of day is ahead. */
static volatile long ahead;

/* It stands before the C library's, for the library as well. */
int clock_gettime(clockid_t clock, struct timespec *time)
{
    int status = (int)syscall(SYS_clock_gettime, clock, time);
    if (status == 0 && clock == CLOCK_REALTIME)
        time->tv_sec += ahead;
    return status;
}

static long long true_seconds(void)
{
    struct timespec now;
    CHECK_INT(syscall(SYS_clock_gettime, CLOCK_REALTIME, &now), 0);
    return now.tv_sec;
}

static const char head[] =
    "{\"format\": \"libmysqlfabric topology\", \"version\": 1,"
    " \"tables\": [{\"schema\": \"d\", \"table\": \"t\", \"column\": \"c\","
    " \"type\": \"RANGE\", \"global_group\": \"g\", \"shards\":"
    " [{\"id\": 1, \"lower_bound\": 1, \"group\": \"g\"}]}],"
    " \"groups\": [{\"id\": \"g\", \"servers\": [{\"uuid\": \"u1\", \"host\": \"a\", \"port\": 1,"
    " \"mode\": 3, \"status\": 3, \"weight\": 1}]}]";

/* A file that was written some time ago, so that nobody reads it again for its youth. */
static void write_topology(const char *path, int holds)
{
    char next[64];
    snprintf(next, sizeof next, "%s~", path);
    FILE *file = fopen(next, "w");
    CHECK(file != NULL);
    fputs(head, file);
    if (holds)
        fprintf(file,
                ", \"held_shards\": [{\"schema\": \"d\", \"table\": \"t\", \"type\":"
                " \"RANGE\", \"lower_bound\": 20, \"since\": %lld}]",
                true_seconds());
    fputs("}\n", file);
    CHECK_INT(fclose(file), 0);
    struct timespec times[2] = {{.tv_sec = true_seconds() - 60}, {.tv_sec = true_seconds() - 60}};
    CHECK_INT(utimensat(AT_FDCWD, next, times, 0), 0);
    CHECK_INT(rename(next, path), 0);
}

static fabric_t *routing_from(const char *path)
{
    fabric_options_t *o = fabric_options_new();
    CHECK_INT(fabric_options_set_topology_file(o, path), FABRIC_OK);
    CHECK_INT(fabric_options_set_background_refresh(o, 0), FABRIC_OK);
    return handle(o);
}

static void is_held(const fabric_t *f, const char *table, int64_t key)
{
    fabric_server_t server;
    fabric_error_t err;
    CHECK_INT(find(f, table, fabric_key_int(key), RW, &server, &err), FABRIC_ERR_SHARD_UNAVAILABLE);
}

static void a_topology_file(void)
{
    char path[] = "/tmp/mysqlfabric-XXXXXX";
    CHECK_INT(fclose(temporary_file(path)), 0);
    fabric_error_t err;

    /* The clock was ahead when the handle was made. */
    ahead = DAY;
    write_topology(path, 0);
    fabric_t *f = routing_from(path);
    CHECK_INT(port_of(f, "d.t", fabric_key_int(25), RW), 1);
    ahead = 0;
    write_topology(path, 1);
    CHECK_OK(fabric_seed(f, NULL, 0, &err), err);
    is_held(f, "d.t", 25);
    CHECK_INT(port_of(f, "d.t", fabric_key_int(5), RW), 1);
    fabric_free(f);

    /* It was ahead when the file was read: by it the hold is over. */
    ahead = DAY;
    f = routing_from(path);
    CHECK_INT(port_of(f, "d.t", fabric_key_int(25), RW), 1);
    ahead = 0;
    CHECK_OK(fabric_seed(f, NULL, 0, &err), err);
    is_held(f, "d.t", 25);
    /* And that it is ahead later, which may be wrong, has nothing of it end. */
    ahead = DAY;
    CHECK_OK(fabric_seed(f, NULL, 0, &err), err);
    is_held(f, "d.t", 25);
    ahead = 0;
    fabric_free(f);
    CHECK_INT(unlink(path), 0);
}

static fabric_t *keeping(const char *path)
{
    fabric_options_t *o = options();
    CHECK_INT(fabric_options_set_snapshot_file(o, path), FABRIC_OK);
    CHECK_INT(fabric_options_set_background_refresh(o, 0), FABRIC_OK);
    return handle(o);
}

/* The clock is wrong by `wrong` seconds when the shard vanishes, and right when the next handle starts. */
static void a_snapshot(long wrong)
{
    char directory[] = "/tmp/mysqlfabric-XXXXXX", path[64];
    CHECK(mkdtemp(directory) != NULL);
    snprintf(path, sizeof path, "%s/snapshot", directory);
    fabric_t *ctl = control();
    fabric_error_t err;
    ahead = wrong;
    fabric_t *f = keeping(path);
    CHECK_INT(port_of(f, SALARIES, fabric_key_int(15000), RW), 33621);
    tell(ctl, "disable_shard", "2", NULL);
    CHECK_OK(fabric_seed(f, NULL, 0, &err), err);
    is_held(f, SALARIES, 15000);
    fabric_free(f);
    ahead = 0;
    for (int start = 0; start < 3; start++) {
        f = keeping(path);
        is_held(f, SALARIES, 15000);
        CHECK_INT(port_of(f, SALARIES, fabric_key_int(5), RW), 33611);
        fabric_free(f);
    }
    tell(ctl, "enable_shard", "2", NULL);
    fabric_free(ctl);
    CHECK_INT(unlink(path), 0);
    CHECK_INT(rmdir(directory), 0);
}

int main(void)
{
    a_topology_file();
    a_snapshot(-365 * DAY);
    a_snapshot(DAY);
    return 0;
}
