/* What a handle knows of each server: listed, left out, on trial, back. */
#define _POSIX_C_SOURCE 200809L

#include "support.h"

enum { MOST = 64, RO = FABRIC_MODE_READONLY, NONE = FABRIC_STATUS_NONE };

static fabric_server_health_t h[MOST];
static fabric_error_t err;

static fabric_t *seeded(int64_t quarantine_ms)
{
    fabric_options_t *o = options();
    CHECK_INT(fabric_options_set_ttl_ms(o, 3600000, 0), FABRIC_OK);
    CHECK_INT(fabric_options_set_quarantine_ms(o, quarantine_ms), FABRIC_OK);
    fabric_t *f = handle(o);
    CHECK_OK(fabric_seed(f, NULL, 0, &err), err);
    return f;
}

static size_t servers(const fabric_t *f, const char *group)
{
    size_t n = 0;
    CHECK_OK(fabric_get_server_health(f, group, h, MOST, &n, &err), err);
    return n;
}

static const fabric_server_health_t *health_of(const fabric_t *f, const char *uuid)
{
    size_t n = servers(f, NULL);
    for (size_t i = 0; i < n; i++)
        if (strcmp(h[i].server.uuid, uuid) == 0)
            return &h[i];
    CHECK(!"it is listed");
    return NULL;
}

static void is_in_use(const fabric_server_health_t *server)
{
    CHECK_INT(server->state, FABRIC_HEALTH_IN_USE);
    CHECK_INT(server->reported_errno, 0);
    CHECK_INT(server->reports, 0);
    CHECK_INT(server->since_ms, -1);
    CHECK_INT(server->failed_ms, -1);
    CHECK_INT(server->next_trial_ms, -1);
    /* Fabric is asked, and not the servers. */
    CHECK_INT(server->heard_ms, -1);
    CHECK_TEXT(server->zone, "");
    CHECK_INT(server->reserved[7], 0);
}

static void all_of_them(const fabric_t *ctl)
{
    fabric_t *f = handle(options());
    CHECK_INT(servers(f, NULL), 0);
    size_t n = 9;
    CHECK_INT(fabric_get_server_health(f, "shard1", h, MOST, &n, &err), FABRIC_ERR_UNKNOWN_GROUP);
    CHECK_CONTAINS(err.message, "'shard1'");
    CHECK_INT(n, 9);
    fabric_free(f);

    f = seeded(FABRIC_MAX_TIME_MS);
    size_t before = requests(ctl), all = servers(f, NULL), primaries = 0;
    CHECK(all > 9 && all <= MOST);
    for (size_t i = 0; i < all; i++) {
        is_in_use(&h[i]);
        CHECK(i == 0 || strcmp(h[i - 1].server.group, h[i].server.group) <= 0);
        primaries += h[i].server.status == FABRIC_STATUS_PRIMARY;
    }
    CHECK(primaries > 3);
    CHECK_INT(servers(f, "shard1"), 3);
    CHECK_TEXT(h[0].server.group, "shard1");
    CHECK_INT(fabric_get_server_health(f, "shard1", h, 2, &n, &err), FABRIC_ERR_BUFFER_TOO_SMALL);
    CHECK_INT(n, 3);
    CHECK_INT(fabric_get_server_health(f, "nobody", h, MOST, &n, &err), FABRIC_ERR_UNKNOWN_GROUP);
    CHECK_INT(fabric_get_server_health(f, "", h, MOST, &n, &err), FABRIC_ERR_ARGUMENT);
    CHECK_CONTAINS(err.message, "'group' is empty");
    CHECK_INT(requests(ctl), before);
    fabric_free(f);
}

static void a_server_that_is_lost(void)
{
    fabric_t *f = seeded(60000);
    fabric_server_t s;
    CHECK_OK(fabric_get_group_server(f, "shard1", RO, NONE, &s, &err), err);
    CHECK_INT(fabric_report_result(f, s.uuid, 2003, NULL), FABRIC_OK);
    const fabric_server_health_t *lost = health_of(f, s.uuid);
    CHECK_INT(lost->state, FABRIC_HEALTH_LEFT_OUT);
    CHECK_INT(lost->reported_errno, 2003);
    CHECK_INT(lost->reports, 1);
    CHECK(lost->since_ms >= 0 && lost->failed_ms >= 0);
    CHECK(lost->next_trial_ms > 0 && lost->next_trial_ms <= 60000);
    CHECK_INT(fabric_report_result(f, s.uuid, 2013, NULL), FABRIC_OK);
    lost = health_of(f, s.uuid);
    CHECK_INT(lost->reported_errno, 2013);
    CHECK_INT(lost->reports, 2);
    CHECK_INT(fabric_report_result(f, s.uuid, 0, NULL), FABRIC_OK);
    is_in_use(health_of(f, s.uuid));
    fabric_free(f);
}

/* One request finds out whether it is back, and if it tells nothing it is used again. */
static void a_trial(void)
{
    fabric_t *f = seeded(50);
    fabric_server_t s, lost;
    int64_t end = now_ms() + 60000;
    CHECK_OK(fabric_get_group_server(f, "shard1", RO, NONE, &lost, &err), err);
    CHECK_INT(fabric_report_result(f, lost.uuid, 2003, NULL), FABRIC_OK);
    while (health_of(f, lost.uuid)->state != FABRIC_HEALTH_ON_TRIAL) {
        CHECK(now_ms() < end);
        sleep_ms(5);
    }
    CHECK_INT(health_of(f, lost.uuid)->next_trial_ms, 0);
    CHECK_OK(fabric_get_group_server(f, "shard1", RO, NONE, &s, &err), err);
    CHECK_TEXT(s.uuid, lost.uuid);
    while (health_of(f, lost.uuid)->state != FABRIC_HEALTH_UNPROVEN) {
        CHECK(now_ms() < end);
        sleep_ms(5);
    }
    const fabric_server_health_t *back = health_of(f, lost.uuid);
    CHECK_INT(back->reports, 1);
    CHECK_INT(back->next_trial_ms, -1);
    fabric_free(f);
}

int main(void)
{
    fabric_t *ctl = control();
    all_of_them(ctl);
    a_server_that_is_lost();
    a_trial();
    fabric_free(ctl);
    return 0;
}
