/* Reports of failures: off, as an error among many, and as a verdict. A thread of the handle's
 * tells Fabric, so what comes of it is waited for. */
#include "support.h"

#define PRIMARY "aa9b1821-e706-11f1-b000-02fc00000001"

static fabric_t *reporting(int32_t how)
{
    fabric_options_t *o = options();
    CHECK_INT(fabric_options_set_report_errors(o, how), FABRIC_OK);
    CHECK_INT(fabric_options_set_ttl_ms(o, 3600000, 0), FABRIC_OK);
    CHECK_INT(fabric_options_add_report_errno(o, 1205), FABRIC_OK);
    CHECK_INT(fabric_options_set_report_window_ms(o, 0), FABRIC_OK);
    fabric_t *f = handle(o);
    CHECK_INT(port_of(f, "employees.salaries", fabric_key_int(1), FABRIC_MODE_READWRITE), 33611);
    return f;
}

static void report(const fabric_t *f, int32_t number)
{
    fabric_error_t err;
    CHECK_OK(fabric_report_failure(f, PRIMARY, number, &err), err);
}

static size_t reports(const fabric_t *ctl)
{
    fabric_result_t *r = ask(ctl, "reports");
    size_t n = fabric_result_rows(r, 0);
    fabric_result_free(r);
    return n;
}

static void wait_for_reports(const fabric_t *ctl, size_t n)
{
    for (int64_t end = now_ms() + 60000; reports(ctl) < n; sleep_ms(2))
        CHECK(now_ms() < end);
}

static void off(const fabric_t *ctl)
{
    fabric_t *f = reporting(FABRIC_REPORT_OFF);
    size_t before = requests(ctl);
    report(f, 2003);
    report(f, 1205);
    CHECK_INT(requests(ctl), before);
    fabric_free(f);
}

static void error(const fabric_t *ctl)
{
    enum { COUNTED = 9 };
    static const int32_t counted[COUNTED] = {2002, 2003, 2004, 2005, 2006, 2013, 2055, 1053, 1205};
    fabric_t *f = reporting(FABRIC_REPORT_ERROR);
    size_t before = requests(ctl);
    report(f, 1062);
    report(f, 0);
    report(f, -1);
    report(f, 3032);
    CHECK_INT(requests(ctl), before);
    for (size_t i = 0; i < COUNTED; i++) {
        report(f, counted[i]);
        wait_for_reports(ctl, i + 1);
    }
    fabric_result_t *r = ask(ctl, "reports");
    CHECK_INT(fabric_result_rows(r, 0), COUNTED);
    for (size_t i = 0; i < COUNTED; i++) {
        char number[16];
        snprintf(number, sizeof number, "%d", counted[i]);
        CHECK_TEXT(fabric_result_value(r, 0, i, 0, NULL), "report_error");
        CHECK_TEXT(fabric_result_value(r, 0, i, 1, NULL), PRIMARY);
        CHECK_CONTAINS(fabric_result_value(r, 0, i, 2, NULL), "libmysqlfabric");
        CHECK_CONTAINS(fabric_result_value(r, 0, i, 3, NULL), number);
    }
    fabric_result_free(r);
    /* Nine complaints of one client are too few to act on. */
    CHECK_INT(port_of(f, "employees.salaries", fabric_key_int(1), FABRIC_MODE_READWRITE), 33611);
    fabric_free(f);
}

static void failure(const fabric_t *ctl)
{
    fabric_t *f = reporting(FABRIC_REPORT_FAILURE);
    report(f, 2013);
    wait_for_reports(ctl, 1);
    /* The new primary is known long before the time to live of the old one is over. */
    int64_t end = now_ms() + 60000;
    while (port_of(f, "employees.salaries", fabric_key_int(1), FABRIC_MODE_READWRITE) != 33612)
        CHECK(now_ms() < end);
    fabric_free(f);
}

/* Of one server Fabric hears once in a while only, however many threads fail on it. */
static void window(const fabric_t *ctl)
{
    fabric_options_t *o = options();
    CHECK_INT(fabric_options_set_report_errors(o, FABRIC_REPORT_ERROR), FABRIC_OK);
    CHECK_INT(fabric_options_set_report_window_ms(o, 600000), FABRIC_OK);
    fabric_t *f = handle(o);
    for (int i = 0; i < 100; i++)
        report(f, 2013);
    wait_for_reports(ctl, 1);
    fabric_error_t err;
    CHECK_OK(fabric_report_failure(f, "aab422d7-e706-11f1-b000-02fc00000001", 2013, &err), err);
    wait_for_reports(ctl, 2);
    CHECK_INT(reports(ctl), 2);
    fabric_free(f);
}

/* A report that nobody takes hurts nobody. */
static void in_vain(const fabric_t *ctl)
{
    fabric_t *f = reporting(FABRIC_REPORT_FAILURE);
    fabric_error_t err;
    size_t before = requests(ctl);
    CHECK_OK(fabric_report_failure(f, "no-such-server", 2013, &err), err);
    while (requests(ctl) == before)
        sleep_ms(1);
    tell(ctl, "fault", "close", NULL);
    before = requests(ctl);
    report(f, 2013);
    while (requests(ctl) == before)
        sleep_ms(1);
    CHECK_INT(port_of(f, "employees.salaries", fabric_key_int(1), FABRIC_MODE_READWRITE), 33611);
    fabric_free(f);
    CHECK_INT(reports(ctl), 0);
}

/* What the table says of an errno is what is done about it. */
static void actions(const fabric_t *ctl)
{
    (void)ctl;
    const int32_t lost = FABRIC_ACTION_RECONNECT | FABRIC_ACTION_RETRY_ELSEWHERE
                         | FABRIC_ACTION_ASK_AGAIN | FABRIC_ACTION_REPORT
                         | FABRIC_ACTION_QUARANTINE;
    CHECK_INT(fabric_errno_action(2055), lost);
    CHECK_INT(fabric_errno_action(6400), lost & ~FABRIC_ACTION_REPORT);
    CHECK_INT(fabric_errno_action(1290),
              FABRIC_ACTION_RETRY_ELSEWHERE | FABRIC_ACTION_ASK_AGAIN | FABRIC_ACTION_HOLD_WRITES);
    CHECK_INT(fabric_errno_action(4031), FABRIC_ACTION_RECONNECT);
    CHECK_INT(fabric_errno_action(0), FABRIC_ACTION_NONE);
    CHECK_INT(fabric_errno_action(INT32_MIN), FABRIC_ACTION_NONE);

    fabric_options_t *o = options();
    CHECK_INT(fabric_options_set_ttl_ms(o, 3600000, 0), FABRIC_OK);
    CHECK_INT(fabric_options_set_quarantine_ms(o, 600000), FABRIC_OK);
    fabric_t *f = handle(o);
    port_of(f, "employees.salaries", fabric_key_int(1), FABRIC_MODE_READWRITE);
    for (int32_t number = 1000; number < 10000; number++) {
        fabric_metrics_t metrics;
        fabric_error_t err;
        CHECK_OK(fabric_report_result(f, "aab422d7-e706-11f1-b000-02fc00000001", number, &err),
                 err);
        CHECK_OK(fabric_get_metrics(f, &metrics, &err), err);
        CHECK_INT(metrics.servers_quarantined,
                  (fabric_errno_action(number) & FABRIC_ACTION_QUARANTINE) != 0);
        CHECK_OK(fabric_report_result(f, "aab422d7-e706-11f1-b000-02fc00000001", 0, &err), err);
    }
    fabric_free(f);
}

/* What a server says that is not the primary any more: each has the source asked again at once. */
static void asked_again(const fabric_t *ctl)
{
    static const struct {
        int32_t number, more;
    } said[] = {
        {1290, FABRIC_ACTION_HOLD_WRITES},
        {1792, FABRIC_ACTION_HOLD_WRITES},
        {1836, FABRIC_ACTION_HOLD_WRITES},
        {3100, 0},
        {3101, 0},
        {3032, FABRIC_ACTION_RECONNECT | FABRIC_ACTION_QUARANTINE},
        {6400, FABRIC_ACTION_RECONNECT | FABRIC_ACTION_QUARANTINE},
        {1053, FABRIC_ACTION_RECONNECT | FABRIC_ACTION_QUARANTINE | FABRIC_ACTION_REPORT},
    };
    for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
        CHECK_INT(fabric_errno_action(said[i].number),
                  FABRIC_ACTION_RETRY_ELSEWHERE | FABRIC_ACTION_ASK_AGAIN | said[i].more);
        fabric_options_t *o = options();
        CHECK_INT(fabric_options_set_ttl_ms(o, 3600000, 0), FABRIC_OK);
        fabric_t *f = handle(o);
        port_of(f, "employees.salaries", fabric_key_int(1), FABRIC_MODE_READWRITE);
        size_t before = requests_of(ctl, "dump.servers");
        fabric_error_t err;
        CHECK_OK(fabric_report_result(f, PRIMARY, said[i].number, &err), err);
        while (requests_of(ctl, "dump.servers") == before)
            sleep_ms(1);
        fabric_free(f);
    }
}

/* An option that has nothing to do with routing holds no writes; one that has does, whatever the language. */
static void by_its_text(const fabric_t *ctl)
{
    (void)ctl;
    static const struct {
        int32_t number;
        const char *text;
        int32_t flags;
    } said[] = {
        {0, "", FABRIC_ACTION_NONE},
        {1062, "Duplicate entry '1' for key 'read-only'", FABRIC_ACTION_NONE},
        {1290, "... running with the --secure-file-priv option ...", FABRIC_ACTION_NONE},
        {1290, "", FABRIC_ACTION_NONE},
        {1290, "super_read_only",
         FABRIC_ACTION_RETRY_ELSEWHERE | FABRIC_ACTION_ASK_AGAIN | FABRIC_ACTION_HOLD_WRITES},
        {1290, "... l\xe4uft mit der Option --super-read-only ...",
         FABRIC_ACTION_RETRY_ELSEWHERE | FABRIC_ACTION_ASK_AGAIN | FABRIC_ACTION_HOLD_WRITES},
        {1290, NULL,
         FABRIC_ACTION_RETRY_ELSEWHERE | FABRIC_ACTION_ASK_AGAIN | FABRIC_ACTION_HOLD_WRITES},
    };
    fabric_server_t server;
    fabric_error_t err;
    for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
        fabric_t *f = handle(options());
        CHECK_OK(fabric_get_group_server(f, "shard1", FABRIC_MODE_READWRITE, FABRIC_STATUS_NONE,
                                         &server, &err),
                 err);
        int32_t flags = -1;
        CHECK_OK(fabric_report_error(f, server.uuid, said[i].number, said[i].text, &flags, &err),
                 err);
        CHECK_INT(flags, said[i].flags);
        CHECK_INT(fabric_error_action(said[i].number, said[i].text), said[i].flags);
        CHECK_INT(fabric_get_group_server(f, "shard1", FABRIC_MODE_READWRITE, FABRIC_STATUS_NONE,
                                          &server, &err),
                  said[i].flags == FABRIC_ACTION_NONE ? FABRIC_OK : FABRIC_ERR_WRITE_HELD);
        fabric_free(f);
    }
}

int main(void)
{
    void (*const all[])(const fabric_t *) = {off,     error,   failure,     window,
                                             in_vain, actions, asked_again, by_its_text};
    fabric_t *ctl = control();
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        all[i](ctl);
        tell(ctl, "reset", NULL);
    }
    fabric_free(ctl);
    return 0;
}
