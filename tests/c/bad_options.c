/* Options outside their range: refused at once, and by fabric_new() with the same words. */
#include "refusal.h"

#define OPTION(call, ...)                                                                          \
    do {                                                                                           \
        const refusal said = {__VA_ARGS__};                                                        \
        fabric_options_t *o = options();                                                           \
        CHECK_INT(call, said.status);                                                              \
        fabric_t *f;                                                                               \
        REFUSED(fabric_new(o, &f, err), f, __VA_ARGS__);                                           \
        fabric_options_free(o);                                                                    \
    } while (0)

static int freed;

static void heard(int32_t level, const char *message, void *userdata)
{
    (void)level, (void)message, (void)userdata;
}

static void count_up(void *userdata)
{
    ++*(int *)userdata;
}

static void ranges(void)
{
    static const int64_t too_long = FABRIC_MAX_TIME_MS + 1;
    OPTION(fabric_options_set_connect_attempts(o, 0), FABRIC_ERR_ARGUMENT,
           {"fabric_options_set_connect_attempts", "of 0", "1 to 100"});
    OPTION(fabric_options_set_connect_attempts(o, 101), FABRIC_ERR_ARGUMENT, {"of 101"});
    OPTION(fabric_options_set_connect_attempts(o, INT64_MIN), FABRIC_ERR_ARGUMENT, {"-922"});
    OPTION(fabric_options_set_connect_delay_ms(o, -1), FABRIC_ERR_ARGUMENT, {"-1", "0 to"});
    OPTION(fabric_options_set_connect_delay_ms(o, too_long), FABRIC_ERR_ARGUMENT, {"600001"});
    OPTION(fabric_options_set_connect_timeout_ms(o, 0), FABRIC_ERR_ARGUMENT, {"of 0"});
    OPTION(fabric_options_set_connect_timeout_ms(o, too_long), FABRIC_ERR_ARGUMENT, {"600001"});
    OPTION(fabric_options_set_request_timeout_ms(o, 0), FABRIC_ERR_ARGUMENT, {"of 0"});
    OPTION(fabric_options_set_request_timeout_ms(o, INT64_MAX), FABRIC_ERR_ARGUMENT, {"600000"});
    OPTION(fabric_options_set_lookup_timeout_ms(o, -1), FABRIC_ERR_ARGUMENT, {"of -1", "0 to"});
    OPTION(fabric_options_set_lookup_timeout_ms(o, too_long), FABRIC_ERR_ARGUMENT, {"600001"});
    OPTION(fabric_options_set_idle_after_ms(o, -1), FABRIC_ERR_ARGUMENT, {"of -1", "0 to"});
    OPTION(fabric_options_set_idle_after_ms(o, too_long), FABRIC_ERR_ARGUMENT, {"600001"});
    OPTION(fabric_options_set_max_reply_bytes(o, 1023), FABRIC_ERR_ARGUMENT, {"1023", "1024"});
    OPTION(fabric_options_set_max_reply_bytes(o, INT64_MAX), FABRIC_ERR_ARGUMENT, {"reply"});
    OPTION(fabric_options_set_report_errors(o, 3), FABRIC_ERR_ARGUMENT, {"3", "FABRIC_REPORT_OFF"});
    OPTION(fabric_options_set_report_errors(o, -1), FABRIC_ERR_ARGUMENT, {"-1"});
    OPTION(fabric_options_add_report_errno(o, 999), FABRIC_ERR_ARGUMENT, {"999", "1000 to 9999"});
    OPTION(fabric_options_add_report_errno(o, 10000), FABRIC_ERR_ARGUMENT, {"10000"});
    OPTION(fabric_options_set_background_refresh(o, 2), FABRIC_ERR_ARGUMENT, {"2"});
    OPTION(fabric_options_set_background_refresh(o, -1), FABRIC_ERR_ARGUMENT, {"-1"});
    OPTION(fabric_options_set_refresh_share(o, 0), FABRIC_ERR_ARGUMENT, {"0", "1 to 100"});
    OPTION(fabric_options_set_refresh_share(o, 101), FABRIC_ERR_ARGUMENT, {"101"});
    OPTION(fabric_options_set_max_stale_ms(o, -1), FABRIC_ERR_ARGUMENT, {"-1"});
    OPTION(fabric_options_set_max_stale_ms(o, 86400001), FABRIC_ERR_ARGUMENT, {"86400001"});
    OPTION(fabric_options_set_backoff_limit_ms(o, 9), FABRIC_ERR_ARGUMENT, {"9", "10 to"});
    OPTION(fabric_options_set_backoff_limit_ms(o, too_long), FABRIC_ERR_ARGUMENT, {"600001"});
    OPTION(fabric_options_set_quarantine_ms(o, 0), FABRIC_ERR_ARGUMENT, {"0", "1 to"});
    OPTION(fabric_options_set_quarantine_ms(o, too_long), FABRIC_ERR_ARGUMENT, {"600001"});
    OPTION(fabric_options_set_least_write_hold_ms(o, -1), FABRIC_ERR_ARGUMENT, {"-1", "0 to"});
    OPTION(fabric_options_set_least_write_hold_ms(o, too_long), FABRIC_ERR_ARGUMENT, {"600001"});
    OPTION(fabric_options_set_vanished_hold_ms(o, -1), FABRIC_ERR_ARGUMENT, {"-1"});
    OPTION(fabric_options_set_vanished_hold_ms(o, FABRIC_FOREVER_MS - 1), FABRIC_ERR_ARGUMENT,
           {"9223372036854775806"});
    OPTION(fabric_options_set_report_window_ms(o, -1), FABRIC_ERR_ARGUMENT, {"-1"});
    OPTION(fabric_options_set_ttl_ms(o, -1, 0), FABRIC_ERR_ARGUMENT, {"-1"});
    OPTION(fabric_options_set_ttl_ms(o, 0, 86400001), FABRIC_ERR_ARGUMENT, {"86400001"});
    OPTION(fabric_options_set_ttl_ms(o, 200, 100), FABRIC_ERR_ARGUMENT, {"100", "200 to"});
    OPTION(fabric_options_set_compat(o, 2), FABRIC_ERR_ARGUMENT, {"2", "FABRIC_COMPAT_SERVER"});
    OPTION(fabric_options_set_log(o, 0, heard, NULL, NULL), FABRIC_ERR_ARGUMENT, {"level of 0"});
    OPTION(fabric_options_set_log(o, 5, heard, NULL, NULL), FABRIC_ERR_ARGUMENT, {"level of 5"});
}

static void words(void)
{
    OPTION(fabric_options_add_node(o, "", 1), FABRIC_ERR_ARGUMENT, {"''", "no host"});
    OPTION(fabric_options_add_node(o, "h:5", 1), FABRIC_ERR_ARGUMENT, {"'h:5'", "no host"});
    OPTION(fabric_options_add_node(o, "u:secret@h", 1), FABRIC_ERR_ARGUMENT, {"'u' is no host"});
    OPTION(fabric_options_add_node(o, "a b", 1), FABRIC_ERR_ARGUMENT, {"'a b'"});
    OPTION(fabric_options_add_node(o, "u:p@host", 1), FABRIC_ERR_ARGUMENT, {"host"});
    OPTION(fabric_options_add_node(o, "http://h", 1), FABRIC_ERR_ARGUMENT, {"URL"});
    OPTION(fabric_options_add_node(o, "\xff", 1), FABRIC_ERR_INVALID_UTF8, {"'host'"});
    OPTION(fabric_options_set_credentials(o, "", "p"), FABRIC_ERR_ARGUMENT, {"'user'"});
    OPTION(fabric_options_set_credentials(o, "a\"b", "p"), FABRIC_ERR_ARGUMENT, {"a\"b"});
    OPTION(fabric_options_set_credentials(o, "\xff", "p"), FABRIC_ERR_INVALID_UTF8, {"'user'"});
    OPTION(fabric_options_set_credentials(o, "u", "\xff"), FABRIC_ERR_INVALID_UTF8, {"'password'"});
    OPTION(fabric_options_set_tls(o, "", NULL, NULL), FABRIC_ERR_ARGUMENT, {"'ca'"});
    OPTION(fabric_options_set_tls(o, "ca", "key", NULL), FABRIC_ERR_ARGUMENT, {"both or neither"});
    OPTION(fabric_options_set_tls(o, "ca", NULL, "cert"), FABRIC_ERR_ARGUMENT, {"both"});
    OPTION(fabric_options_set_tls(o, "ca", "\xff", "c"), FABRIC_ERR_INVALID_UTF8, {"'key'"});
}

static void sources(void)
{
    OPTION(fabric_options_set_source(o, "farm.example"), FABRIC_ERR_ARGUMENT,
           {"fabric_options_set_source", "'farm.example' is no URL", "fabric://"});
    OPTION(fabric_options_set_source(o, "https://h"), FABRIC_ERR_ARGUMENT, {"'https'", "file:/"});
    OPTION(fabric_options_set_source(o, "fabric://a:0"), FABRIC_ERR_ARGUMENT, {"'a:0'", "65535"});
    OPTION(fabric_options_set_source(o, "fabric://a/b"), FABRIC_ERR_ARGUMENT, {"'/b'", "leave it"});
    OPTION(fabric_options_set_source(o, "file:f"), FABRIC_ERR_ARGUMENT, {"'file:f'", "whole path"});
    OPTION(fabric_options_set_source(o, "\xff"), FABRIC_ERR_INVALID_UTF8, {"'url'"});
    OPTION(fabric_options_set_source(o, "fabric://u:hunter2@h"), FABRIC_ERR_ARGUMENT,
           {"does not belong into the URL", "credentials"});

    /* One source a handle, whichever way it is named. */
    OPTION((fabric_options_set_source(o, "file:/f"), fabric_options_set_source(o, "fabric://h")),
           FABRIC_ERR_ARGUMENT, {"one source"});
    OPTION((fabric_options_set_topology_file(o, "/f"), fabric_options_set_source(o, "file:/g")),
           FABRIC_ERR_ARGUMENT, {"one source"});
    OPTION((fabric_options_set_source(o, "fabric://h"), fabric_options_set_topology_file(o, "/f")),
           FABRIC_ERR_ARGUMENT, {"fabric_options_set_topology_file", "set one of them"});
    OPTION((fabric_options_set_snapshot_file(o, "/f"), fabric_options_set_source(o, "file:/g")),
           FABRIC_ERR_ARGUMENT, {"'/f'", "exclude each other"});
    OPTION((fabric_options_set_source(o, "file:/g"), fabric_options_set_snapshot_file(o, "/f")),
           FABRIC_ERR_ARGUMENT, {"'/g'", "exclude each other"});
}

static void mysql_servers(void)
{
    OPTION(fabric_options_set_source(o, "fabric+store://h"), FABRIC_ERR_ARGUMENT,
           {"the name of a database"});
    OPTION(fabric_options_set_mysql_credentials(o, "", "p"), FABRIC_ERR_ARGUMENT, {"'user'"});
    OPTION(fabric_options_set_mysql_credentials(o, "u", "\xff"), FABRIC_ERR_INVALID_UTF8,
           {"'password'"});
    OPTION(fabric_options_set_mysql_tls(o, 6, "ca", NULL, NULL), FABRIC_ERR_ARGUMENT,
           {"6 is none"});
    OPTION(fabric_options_set_mysql_tls(o, -1, "ca", NULL, NULL), FABRIC_ERR_ARGUMENT, {"-1"});
    OPTION(fabric_options_set_mysql_tls(o, FABRIC_TLS_VERIFY_CA, NULL, NULL, NULL),
           FABRIC_ERR_ARGUMENT, {"needs the CA", "'ca' is NULL"});
    OPTION(fabric_options_set_mysql_tls(o, FABRIC_TLS_VERIFY_IDENTITY, NULL, NULL, NULL),
           FABRIC_ERR_ARGUMENT, {"needs the CA"});
    OPTION(fabric_options_set_mysql_tls(o, FABRIC_TLS_DEFAULT, "ca", "key", NULL),
           FABRIC_ERR_ARGUMENT, {"both or neither"});
    OPTION(fabric_options_set_mysql_password_unverified(o, 2), FABRIC_ERR_ARGUMENT, {"of 2"});
    OPTION(fabric_options_set_discovery_interval_ms(o, 49), FABRIC_ERR_ARGUMENT,
           {"interval of 49", "50 to 60000"});
    OPTION(fabric_options_set_discovery_interval_ms(o, 60001), FABRIC_ERR_ARGUMENT, {"60001"});
    OPTION(fabric_options_set_max_replica_lag_ms(o, -1), FABRIC_ERR_ARGUMENT,
           {"lag of -1", "0 to 86400000"});
    OPTION(fabric_options_set_max_replica_lag_ms(o, 86400001), FABRIC_ERR_ARGUMENT, {"86400001"});
    OPTION(fabric_options_set_multi_primary(o, 2), FABRIC_ERR_ARGUMENT, {"of 2", "0 to 1"});
    OPTION(fabric_options_set_reads_without_majority(o, -1), FABRIC_ERR_ARGUMENT, {"of -1"});
    OPTION(fabric_options_set_zone(o, "eu\nwest"), FABRIC_ERR_ARGUMENT,
           {"fabric_options_set_zone", "eu\\nwest", "control characters"});
    OPTION(fabric_options_set_zone(o, "123456789 123456789 123456789 123456789 "
                                      "123456789 123456789 12345"),
           FABRIC_ERR_ARGUMENT, {"65 bytes", "64 are the most"});
    OPTION(fabric_options_set_read_preference(o, 5), FABRIC_ERR_ARGUMENT,
           {"fabric_options_set_read_preference", "read preference 5", "FABRIC_PREFER_DEFAULT"});
    OPTION(fabric_options_set_zone(o, "\xff"), FABRIC_ERR_INVALID_UTF8, {"'zone'"});
}

/* The user of the URL is that of the credentials, which come before or after it. */
static void users(void)
{
    fabric_t *f = NULL;
    fabric_options_t *o = fabric_options_new();
    CHECK_INT(fabric_options_set_source(o, "fabric://ann@h"), FABRIC_OK);
    REFUSED(fabric_new(o, &f, err), f, FABRIC_ERR_ARGUMENT,
            {"\"ann\"", "password is missing", "credentials"});
    CHECK_INT(fabric_options_set_credentials(o, "bob", "secret"), FABRIC_OK);
    REFUSED(fabric_new(o, &f, err), f, FABRIC_ERR_ARGUMENT, {"\"ann\"", "\"bob\""});
    CHECK_INT(fabric_options_set_credentials(o, "ann", "secret"), FABRIC_OK);
    fabric_error_t said;
    CHECK_OK(fabric_new(o, &f, &said), said);
    fabric_free(f);
    fabric_options_free(o);

    /* Where the source is a database, those for Fabric are not for it. */
    o = fabric_options_new();
    CHECK_INT(fabric_options_set_source(o, "fabric+store://ann@h/fabric"), FABRIC_OK);
    CHECK_INT(fabric_options_set_credentials(o, "ann", "secret"), FABRIC_OK);
    REFUSED(fabric_new(o, &f, err), f, FABRIC_ERR_ARGUMENT, {"\"ann\"", "credentials for MySQL"});
    CHECK_INT(fabric_options_set_mysql_credentials(o, "ann", "secret"), FABRIC_OK);
    CHECK_OK(fabric_new(o, &f, &said), said);
    fabric_free(f);
    fabric_options_free(o);
}

/* The first refusal is the one that is told; what was set before it stays. */
static void several(void)
{
    fabric_options_t *o = options();
    CHECK_INT(fabric_options_set_compat(o, 7), FABRIC_ERR_ARGUMENT);
    CHECK_INT(fabric_options_add_node(o, "\xff", 1), FABRIC_ERR_INVALID_UTF8);
    CHECK_INT(fabric_options_set_compat(o, FABRIC_COMPAT_SERVER), FABRIC_OK);
    fabric_t *f;
    REFUSED(fabric_new(o, &f, err), f, FABRIC_ERR_ARGUMENT, {"fabric_options_set_compat", "7"});
    fabric_options_free(o);
}

/* A refused log frees its userdata once, too. */
static void refused_log(void)
{
    fabric_options_t *o = options();
    CHECK_INT(fabric_options_set_log(o, 9, heard, &freed, count_up), FABRIC_ERR_ARGUMENT);
    CHECK_INT(freed, 1);
    fabric_options_free(o);
    CHECK_INT(freed, 1);
}

int main(void)
{
    ranges();
    words();
    sources();
    users();
    mysql_servers();
    several();
    refused_log();
    return 0;
}
