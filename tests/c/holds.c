/* Holds of writes and of vanished shards, as a loop that polls hears of them: what, in which order,
 * about whom, and each once. */
#define _POSIX_C_SOURCE 200809L

#include "support.h"

#include <poll.h>

#define SALARIES "employees.salaries"
#define DEPT_EMP "employees.dept_emp"
#define PRIMARY "aa9b1821-e706-11f1-b000-02fc00000001"
#define SECONDARY "aab422d7-e706-11f1-b000-02fc00000001"
#define RW FABRIC_MODE_READWRITE

/* Refreshes every 20 ms; the times are how long vanished shards, and writes at least, are held. */
static fabric_t *subject(int64_t shards, int64_t writes)
{
    fabric_options_t *o = options();
    CHECK_INT(fabric_options_set_ttl_ms(o, 0, 20), FABRIC_OK);
    CHECK_INT(fabric_options_set_refresh_share(o, 100), FABRIC_OK);
    CHECK_INT(fabric_options_set_vanished_hold_ms(o, shards), FABRIC_OK);
    CHECK_INT(fabric_options_set_least_write_hold_ms(o, writes), FABRIC_OK);
    fabric_t *f = handle(o);
    int fd;
    fabric_error_t err;
    CHECK_OK(fabric_event_fd(f, &fd, &err), err);
    CHECK_OK(fabric_seed(f, NULL, 0, &err), err);
    return f;
}

static int is_of_any_change(const fabric_event_t *event)
{
    return event->kind == FABRIC_EVENT_TOPOLOGY_CHANGED || event->kind == FABRIC_EVENT_READY;
}

/* The next event, but those that tell of any change. */
static fabric_event_t next(const fabric_t *f)
{
    fabric_event_t event;
    fabric_error_t err;
    struct pollfd polled = {.events = POLLIN};
    CHECK_OK(fabric_event_fd(f, &polled.fd, &err), err);
    for (;;) {
        int32_t status = fabric_next_event(f, &event, &err);
        if (status == FABRIC_ERR_NO_EVENT) {
            CHECK_INT(poll(&polled, 1, 60000), 1);
            continue;
        }
        CHECK_OK(status, err);
        CHECK(event.lost_before == 0 && event.age_ms >= 0);
        if (!is_of_any_change(&event))
            return event;
    }
}

static void expect_writes(const fabric_t *f, int32_t kind, const char *server_uuid)
{
    fabric_event_t event = next(f);
    CHECK_INT(event.kind, kind);
    CHECK_TEXT(event.group, "shard1");
    CHECK_TEXT(event.server_uuid, server_uuid);
    CHECK_TEXT(event.table, "");
    CHECK_INT(event.held_shards, 0);
}

static void expect_shards(const fabric_t *f, int32_t kind, const char *table, uint64_t held)
{
    fabric_event_t event = next(f);
    CHECK_INT(event.kind, kind);
    CHECK_TEXT(event.table, table);
    CHECK_INT(event.held_shards, held);
    CHECK_TEXT(event.group, "");
    CHECK_TEXT(event.server_uuid, "");
}

static void some_refreshes(const fabric_t *f)
{
    fabric_metrics_t before, now;
    fabric_error_t err;
    CHECK_OK(fabric_get_metrics(f, &before, &err), err);
    do {
        sleep_ms(5);
        CHECK_OK(fabric_get_metrics(f, &now, &err), err);
    } while (now.refreshes_background < before.refreshes_background + 10);
}

/* Nothing but changes was told since, in several refreshes. */
static void expect_silence(const fabric_t *f)
{
    some_refreshes(f);
    fabric_event_t event;
    int32_t status;
    while ((status = fabric_next_event(f, &event, NULL)) == FABRIC_OK)
        CHECK(is_of_any_change(&event));
    CHECK_INT(status, FABRIC_ERR_NO_EVENT);
}

static void report(const fabric_t *f, const char *server_uuid, int32_t errnum)
{
    fabric_error_t err;
    CHECK_OK(fabric_report_result(f, server_uuid, errnum, &err), err);
}

static int32_t look(const fabric_t *f, int64_t key)
{
    fabric_server_t server;
    fabric_error_t err;
    return find(f, SALARIES, fabric_key_int(key), RW, &server, &err);
}

/* A hold of writes is told when it begins, however often the primary refuses, and when another
 * primary ends it, behind that. */
static void writes_until_another_primary(const fabric_t *ctl)
{
    fabric_t *f = subject(1000, 600000);
    expect_silence(f);
    report(f, SECONDARY, 1290); /* Read-only by trade. */
    expect_silence(f);
    for (int i = 0; i < 3; i++)
        report(f, PRIMARY, 1290);
    expect_writes(f, FABRIC_EVENT_WRITES_HELD, PRIMARY);
    expect_silence(f);
    CHECK_INT(look(f, 1), FABRIC_ERR_WRITE_HELD);
    tell(ctl, "promote", "shard1", "127.0.0.1:33612", NULL);
    expect_writes(f, FABRIC_EVENT_PRIMARY_CHANGED, SECONDARY);
    expect_writes(f, FABRIC_EVENT_WRITES_RELEASED, PRIMARY);
    CHECK_INT(look(f, 1), FABRIC_OK);
    expect_silence(f);
    fabric_free(f);
    tell(ctl, "reset", NULL);
}

/* Time ends it too: Fabric's own time to live and 4 s. */
static void writes_until_their_time_is_over(void)
{
    fabric_t *f = subject(1000, 1);
    report(f, PRIMARY, 1290);
    expect_writes(f, FABRIC_EVENT_WRITES_HELD, PRIMARY);
    expect_writes(f, FABRIC_EVENT_WRITES_RELEASED, PRIMARY);
    CHECK_INT(look(f, 1), FABRIC_OK);
    expect_silence(f);
    fabric_free(f);
}

/* Two tables have the shard: one event for each and change. */
static void shards_until_they_are_back(const fabric_t *ctl)
{
    fabric_t *f = subject(600000, 1);
    tell(ctl, "disable_shard", "2", NULL);
    expect_shards(f, FABRIC_EVENT_SHARD_HELD, DEPT_EMP, 1);
    expect_shards(f, FABRIC_EVENT_SHARD_HELD, SALARIES, 1);
    CHECK_INT(look(f, 15000), FABRIC_ERR_SHARD_UNAVAILABLE);
    expect_silence(f);
    tell(ctl, "disable_shard", "3", NULL);
    expect_shards(f, FABRIC_EVENT_SHARD_HELD, DEPT_EMP, 2);
    expect_shards(f, FABRIC_EVENT_SHARD_HELD, SALARIES, 2);
    tell(ctl, "enable_shard", "2", NULL);
    expect_shards(f, FABRIC_EVENT_SHARD_RELEASED, DEPT_EMP, 1);
    expect_shards(f, FABRIC_EVENT_SHARD_RELEASED, SALARIES, 1);
    CHECK_INT(look(f, 15000), FABRIC_OK);
    CHECK_INT(look(f, 25000), FABRIC_ERR_SHARD_UNAVAILABLE);
    /* The service wants the maps as they are. */
    fabric_error_t err;
    CHECK_OK(fabric_reset_cache(f, NULL, &err), err);
    expect_shards(f, FABRIC_EVENT_SHARD_RELEASED, DEPT_EMP, 0);
    expect_shards(f, FABRIC_EVENT_SHARD_RELEASED, SALARIES, 0);
    CHECK_INT(look(f, 25000), FABRIC_OK);
    expect_silence(f);
    fabric_free(f);
    tell(ctl, "reset", NULL);
}

/* Time ends a hold as well, but not one that lasts for ever. */
static void shards_until_their_time_is_over(const fabric_t *ctl)
{
    fabric_t *brief = subject(300, 1), *endless = subject(FABRIC_FOREVER_MS, 1);
    tell(ctl, "disable_shard", "2", NULL);
    const fabric_t *both[] = {brief, endless};
    for (int i = 0; i < 2; i++) {
        expect_shards(both[i], FABRIC_EVENT_SHARD_HELD, DEPT_EMP, 1);
        expect_shards(both[i], FABRIC_EVENT_SHARD_HELD, SALARIES, 1);
    }
    expect_shards(brief, FABRIC_EVENT_SHARD_RELEASED, DEPT_EMP, 0);
    expect_shards(brief, FABRIC_EVENT_SHARD_RELEASED, SALARIES, 0);
    CHECK_INT(look(brief, 15000), FABRIC_OK);
    for (int i = 0; i < 3; i++) {
        expect_silence(endless);
        CHECK_INT(look(endless, 15000), FABRIC_ERR_SHARD_UNAVAILABLE);
    }
    fabric_free(brief);
    fabric_free(endless);
    tell(ctl, "reset", NULL);
}

int main(void)
{
    fabric_t *ctl = control();
    writes_until_another_primary(ctl);
    writes_until_their_time_is_over();
    shards_until_they_are_back(ctl);
    shards_until_their_time_is_over(ctl);
    fabric_free(ctl);
    return 0;
}
