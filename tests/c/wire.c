/* What a handle asks of Fabric, request by request, from fabric_new() on. */
#include "support.h"

enum { METHOD, BYTES_IN, STATUS };

static void expect(const fabric_t *ctl, const char *const (*wanted)[2], size_t n)
{
    fabric_result_t *log = ask(ctl, "requests");
    CHECK_INT(fabric_result_rows(log, 0), n);
    for (size_t row = 0; row < n; row++) {
        CHECK_TEXT(fabric_result_value(log, 0, row, METHOD, NULL), wanted[row][0]);
        CHECK_TEXT(fabric_result_value(log, 0, row, STATUS, NULL), wanted[row][1]);
    }
    fabric_result_free(log);
}

int main(void)
{
    fabric_t *ctl = control();
    fabric_options_t *o = options();
    CHECK_INT(fabric_options_set_ttl_ms(o, 3600000, 0), FABRIC_OK);
    fabric_t *f = handle(o);
    CHECK_INT(requests(ctl), 0);

    static const char *const first[][2] = {
        {"dump.fabric_nodes", "401"},
        {"dump.fabric_nodes", "200"},
        {"dump.sharding_information", "200"},
        {"dump.servers", "200"},
    };
    CHECK_INT(port_of(f, "employees.salaries", fabric_key_int(1), FABRIC_MODE_READWRITE), 33611);
    expect(ctl, first, 4);

    /* All groups of the table came with it, and so did its other keys. */
    CHECK_INT(port_of(f, "employees.salaries", fabric_key_int(10001), FABRIC_MODE_READWRITE),
              33621);
    CHECK_INT(port_of(f, "employees.salaries", fabric_key_int(20001), FABRIC_MODE_READONLY), 33631);
    expect(ctl, first, 4);

    /* A cold table in groups that are known needs its map and nothing else. */
    CHECK_INT(port_of(f, "shop.orders", fabric_key_int(5), FABRIC_MODE_READWRITE), 33621);
    CHECK_INT(requests(ctl), 5);
    CHECK_INT(requests_of(ctl, "dump.sharding_information"), 2);

    /* One in a group that is not known needs that group too. */
    CHECK_INT(port_of(f, "crm.names", text("zoe"), FABRIC_MODE_READWRITE), 33641);
    CHECK_INT(requests(ctl), 7);
    CHECK_INT(requests_of(ctl, "dump.servers"), 2);

    /* What is not there is remembered as well. */
    fabric_server_t server;
    for (int i = 0; i < 3; i++)
        CHECK_INT(find(f, "no.such", fabric_key_int(1), FABRIC_MODE_NONE, &server, NULL),
                  FABRIC_ERR_UNKNOWN_TABLE);
    CHECK_INT(requests(ctl), 8);

    fabric_free(f);
    fabric_free(ctl);
    return 0;
}
