/* A Fabric node that does everything wrong: each time a status of its own, in time, with the
 * outputs left alone; and once it is well again, the same handle works. */
#include "refusal.h"

#define SALARIES "employees.salaries"

enum { PATIENT = 60000, HASTY = 300 };

/* An empty method: the fault comes before the node looks at the password. */
static const struct {
    const char *fault, *arg, *method;
    int64_t timeout;
    refusal wanted;
} cases[] = {
    /* How many is what is left of HASTY for the question that hangs. */
    {"hang", "", "", HASTY, {FABRIC_ERR_TIMEOUT, {"within", " ms", "_timeout_ms"}}},
    {"hang", "", "dump.servers", HASTY, {FABRIC_ERR_TIMEOUT, {"within", " ms"}}},
    {"delay", "20000", "", HASTY, {FABRIC_ERR_TIMEOUT, {"within", " ms"}}},
    {"close", "", "", PATIENT, {FABRIC_ERR_PROTOCOL, {"closed the connection"}}},
    {"close", "", "*", PATIENT, {FABRIC_ERR_PROTOCOL, {"closed the connection", "backing store"}}},
    {"close_mid_reply", "", "", PATIENT, {FABRIC_ERR_PROTOCOL, {"closed the connection"}}},
    {"close_mid_reply", "", "dump.servers", PATIENT, {FABRIC_ERR_PROTOCOL, {"closed"}}},
    {"garbage",
     "",
     "",
     PATIENT,
     {FABRIC_ERR_PROTOCOL, {"not XML-RPC", "<html>", "MySQL Fabric node"}}},
    {"garbage",
     "",
     "dump.sharding_information",
     PATIENT,
     {FABRIC_ERR_PROTOCOL, {"dump.sharding_information", "<html>"}}},
    {"garbage_xml", "", "", PATIENT, {FABRIC_ERR_PROTOCOL, {"dump.fabric_nodes"}}},
    {"oversized", "endless", "", PATIENT, {FABRIC_ERR_REPLY_TOO_LARGE, {"1048576 bytes"}}},
    {"oversized", "length", "", PATIENT, {FABRIC_ERR_REPLY_TOO_LARGE, {"1048576 bytes"}}},
    {"oversized", "gzip", "", PATIENT, {FABRIC_ERR_REPLY_TOO_LARGE, {"1048576 bytes"}}},
    {"oversized", "length", "dump.servers", PATIENT, {FABRIC_ERR_REPLY_TOO_LARGE, {"limit"}}},
    {"unterminated_400", "", "", PATIENT, {FABRIC_ERR_PROTOCOL, {"before its answer was whole"}}},
    {"unterminated_400", "", "*", PATIENT, {FABRIC_ERR_AUTH, {"\"admin\"", "password"}}},
    {"status", "500", "", PATIENT, {FABRIC_ERR_PROTOCOL, {"answers 500"}}},
    {"status", "404", "", PATIENT, {FABRIC_ERR_PROTOCOL, {"answers 404"}}},
    {"status", "302", "", PATIENT, {FABRIC_ERR_PROTOCOL, {"answers 302"}}},
    {"status", "403", "", PATIENT, {FABRIC_ERR_FORBIDDEN, {"\"admin\"", "role"}}},
    {"status", "401", "", PATIENT, {FABRIC_ERR_AUTH, {"\"admin\"", "password"}}},
    {"fault",
     "<type 'exceptions.KeyError'>:gone",
     "",
     PATIENT,
     {FABRIC_ERR_FABRIC, {"exceptions.KeyError", "gone"}}},
    {"error", "store went away", "", PATIENT, {FABRIC_ERR_FABRIC, {"store went away"}}},
    {"error",
     "no such luck",
     "dump.servers",
     PATIENT,
     {FABRIC_ERR_FABRIC, {"dump.servers", "no such luck"}}},
};

static fabric_t *subject(int64_t timeout)
{
    fabric_options_t *o = options();
    CHECK_INT(fabric_options_set_request_timeout_ms(o, timeout), FABRIC_OK);
    CHECK_INT(fabric_options_set_max_reply_bytes(o, 1 << 20), FABRIC_OK);
    CHECK_INT(fabric_options_set_ttl_ms(o, 1, 1), FABRIC_OK);
    return handle(o);
}

/* The handle is given a minute here, since under valgrind 300 ms may not do. */
static void recovers(fabric_t *f)
{
    fabric_server_t server;
    int32_t status;
    int64_t end = now_ms() + PATIENT;
    do
        status = find(f, SALARIES, fabric_key_int(1), FABRIC_MODE_READWRITE, &server, NULL);
    while (status == FABRIC_ERR_TIMEOUT && now_ms() < end);
    CHECK_INT(status, FABRIC_OK);
    CHECK_INT(server.port, 33611);
}

int main(void)
{
    char node[64];
    snprintf(node, sizeof node, "%s:%u", fabricd_host(), (unsigned)fabricd_port());
    fabric_t *ctl = control();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fabric_t *f = subject(cases[i].timeout);
        fabric_server_t server;
        fabric_key_t key = fabric_key_int(1);
        fabric_error_t err;
        printf("%s %s %s\n", cases[i].fault, cases[i].arg, cases[i].method);
        fflush(stdout);
        tell(ctl, "fault", cases[i].fault, cases[i].arg, "-1", cases[i].method, NULL);

        int64_t begin = now_ms();
        fill(&server, sizeof server);
        fill(&err, sizeof err);
        int32_t status = find(f, SALARIES, key, FABRIC_MODE_READWRITE, &server, &err);
        check_refusal(__FILE__, __LINE__, status, &err, &cases[i].wanted);
        CHECK_CONTAINS(err.message, node);
        CHECK(now_ms() - begin < 10 * cases[i].timeout);
        CHECK(is_filled(&server, sizeof server));

        /* The other calls that ask say the same, and touch as little. */
        size_t count;
        fill(&count, sizeof count);
        status = fabric_get_shards(f, SALARIES, NULL, 0, &count, &err);
        if (strcmp(cases[i].method, "dump.servers") != 0)
            check_refusal(__FILE__, __LINE__, status, &err, &cases[i].wanted);
        CHECK(status == FABRIC_ERR_BUFFER_TOO_SMALL || is_filled(&count, sizeof count));
        status = fabric_seed(f, NULL, 0, &err);
        check_refusal(__FILE__, __LINE__, status, &err, &cases[i].wanted);

        tell(ctl, "reset", NULL);
        recovers(f);
        fabric_free(f);
    }
    fabric_free(ctl);
    return 0;
}
