/* No thread of the library outlives the handle, not even one that has done its work and only has to
 * end: behind fabric_free a program may unload the library, or leave main. */
#include "pthread_create.h"
#include "support.h"

enum { LATE_US = 300000, TTL = 100, ROUNDS = 4 };

static atomic_int events;

static void on_event(const fabric_event_t *event, void *unused)
{
    (void)event;
    (void)unused;
    atomic_fetch_add(&events, 1);
}

static fabric_t *subject(uint16_t second)
{
    fabric_options_t *o = options();
    CHECK_INT(fabric_options_set_ttl_ms(o, TTL, TTL), FABRIC_OK);
    CHECK_INT(fabric_options_set_report_errors(o, FABRIC_REPORT_FAILURE), FABRIC_OK);
    CHECK_INT(fabric_options_set_event_callback(o, on_event, NULL, NULL), FABRIC_OK);
    /* Two nodes: each of them is asked by a thread of its own. */
    if (second)
        CHECK_INT(fabric_options_add_node(o, "127.0.0.1", second), FABRIC_OK);
    return handle(o);
}

int main(void)
{
    uint16_t closed = closed_port();
    atomic_store(&late_us, LATE_US);
    for (int round = 0; round < ROUNDS; round++) {
        fabric_t *f = subject(round ? closed : 0);
        fabric_server_t server;
        fabric_error_t err;
        for (int i = 0; i < 3; i++) {
            CHECK_OK(find(f, "employees.salaries", fabric_key_int(1), FABRIC_MODE_READWRITE,
                          &server, &err),
                     err);
            CHECK_OK(fabric_seed(f, NULL, 0, &err), err);
            sleep_ms(TTL);
        }
        CHECK_OK(fabric_report_result(f, server.uuid, 2003, &err), err);
        /* Their threads end one after the other, some of them behind a later one. */
        for (int i = 0; i < 4 + round % 2; i++) {
            fabric_result_t *result = NULL;
            CHECK_OK(fabric_execute(f, "dump", "servers", NULL, 0, &result, &err), err);
            fabric_result_free(result);
        }
        CHECK(atomic_load(&running_threads) > 0);
        fabric_free(f);
        CHECK_INT(atomic_load(&running_threads), 0);
        /* The report had the server demoted. */
        fabric_t *ctl = control();
        tell(ctl, "reset", NULL);
        fabric_free(ctl);
        CHECK_INT(atomic_load(&running_threads), 0);
    }
    CHECK(atomic_load(&events) > 0);
    return 0;
}
