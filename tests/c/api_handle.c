/* A handle and what it was made from: copies, getters, versions, texts, the log. */
#include "support.h"

struct ears {
    int heard, freed, worst, mildest, secrets;
};

/* Paths are made absolute when they are set. */
static void expect_absolute(const char *path, const char *end)
{
    CHECK(path && path[0] == '/' && strlen(path) > strlen(end));
    CHECK_TEXT(path + strlen(path) - strlen(end), end);
}

static void listen(int32_t level, const char *message, void *userdata)
{
    struct ears *ears = userdata;
    ears->heard++;
    CHECK(level >= FABRIC_LOG_ERROR && level <= FABRIC_LOG_DEBUG);
    ears->worst = !ears->worst || level < ears->worst ? level : ears->worst;
    ears->mildest = level > ears->mildest ? level : ears->mildest;
    ears->secrets += strstr(message, "hush-hush") != NULL;
    CHECK(strlen(message) > 0);
}

static void count_up(void *userdata)
{
    ((struct ears *)userdata)->freed++;
}

static void versions_and_texts(void)
{
    char version[32];
    snprintf(version, sizeof version, "%d.%d.%d", FABRIC_VERSION_MAJOR, FABRIC_VERSION_MINOR,
             FABRIC_VERSION_PATCH);
    CHECK_TEXT(fabric_version(), version);
#if FABRIC_VERSION_NUMBER < 100
#error "a version before 0.1.0"
#endif
    CHECK_INT(FABRIC_VERSION_NUMBER,
              FABRIC_VERSION_MAJOR * 10000 + FABRIC_VERSION_MINOR * 100 + FABRIC_VERSION_PATCH);
    CHECK_TEXT(fabric_strerror(FABRIC_OK), "success");
    CHECK_TEXT(fabric_strerror(FABRIC_ERR_UNKNOWN_TABLE), "unknown table");
    const char *seen[200];
    size_t n = 0;
    for (int32_t code = 0; code < 200; code++) {
        const char *words = fabric_strerror(code);
        if (strcmp(words, "unknown status") == 0)
            continue;
        for (size_t i = 0; i < n; i++)
            CHECK(strcmp(words, seen[i]) != 0);
        seen[n++] = words;
    }
    CHECK_INT(n, 34);
    CHECK_TEXT(fabric_strerror(-1), "unknown status");
    CHECK_TEXT(fabric_strerror(INT32_MIN), "unknown status");
    for (int32_t code = -1; code < 200; code++) {
        int32_t retryable = fabric_status_is_retryable(code);
        CHECK(retryable == 0 || strcmp(fabric_strerror(code), "unknown status") != 0);
        CHECK(retryable == 0 || retryable == 1);
        int32_t number = fabric_status_mysql_errno(code);
        CHECK(number == 0 || strcmp(fabric_strerror(code), "unknown status") != 0);
    }
    CHECK_INT(fabric_status_mysql_errno(INT32_MIN), 0);
    CHECK_INT(fabric_status_is_retryable(FABRIC_OK), 0);
    CHECK_TEXT(fabric_event_name(FABRIC_EVENT_READY), "READY");
    CHECK_TEXT(fabric_event_name(FABRIC_EVENT_FABRIC_BACK), "FABRIC_BACK");
    CHECK_TEXT(fabric_event_name(FABRIC_EVENT_FETCHED), "FETCHED");
    CHECK_TEXT(fabric_event_name(FABRIC_EVENT_WRITES_HELD), "WRITES_HELD");
    CHECK_TEXT(fabric_event_name(FABRIC_EVENT_WRITES_RELEASED), "WRITES_RELEASED");
    CHECK_TEXT(fabric_event_name(FABRIC_EVENT_SHARD_HELD), "SHARD_HELD");
    CHECK_TEXT(fabric_event_name(FABRIC_EVENT_SHARD_RELEASED), "SHARD_RELEASED");
    CHECK_TEXT(fabric_event_name(0), "unknown event");
    CHECK_TEXT(fabric_event_name(INT32_MIN), "unknown event");
}

static void keys(void)
{
    fabric_key_t key = fabric_key_int(INT64_MIN);
    CHECK_INT(key.kind, FABRIC_KEY_INT);
    CHECK_INT(key.integer, INT64_MIN);
    CHECK(!key.text);
    CHECK_INT(key.length, 0);
    static const char bytes[] = "abc";
    key = fabric_key_text(bytes, 2);
    CHECK_INT(key.kind, FABRIC_KEY_TEXT);
    CHECK(key.text == bytes);
    CHECK_INT(key.length, 2);
}

static void getters(void)
{
    char uuid[FABRIC_UUID_SIZE];
    fabric_t *f = handle(fabric_options_new());
    CHECK(!fabric_get_user(f) && !fabric_get_tls_ca(f));
    CHECK(!fabric_get_tls_key(f) && !fabric_get_tls_cert(f));
    CHECK_INT(fabric_get_fabric_uuid(f, uuid, NULL), FABRIC_OK);
    CHECK_TEXT(uuid, "");
    fabric_free(f);

    fabric_options_t *o = options();
    CHECK_INT(fabric_options_set_tls(o, "ca.pem", "key.pem", "cert.pem"), FABRIC_OK);
    f = handle(o);
    CHECK_TEXT(fabric_get_user(f), "admin");
    expect_absolute(fabric_get_tls_ca(f), "/ca.pem");
    expect_absolute(fabric_get_tls_key(f), "/key.pem");
    expect_absolute(fabric_get_tls_cert(f), "/cert.pem");
    fabric_free(f);

    f = handle(options());
    port_of(f, "employees.salaries", fabric_key_int(1), FABRIC_MODE_READWRITE);
    CHECK_INT(fabric_get_fabric_uuid(f, uuid, NULL), FABRIC_OK);
    CHECK_TEXT(uuid, "5ca1ab1e-a007-feed-f00d-cab3fe13249e");
    CHECK_INT(fabric_get_ttl_ms(f), 1000);
    fabric_free(f);
}

/* The handle has a copy of its own: the options may go on changing. */
static void options_are_copied(void)
{
    fabric_error_t err;
    fabric_t *first = NULL, *second = NULL;
    fabric_options_t *o = options();
    CHECK_OK(fabric_new(o, &first, &err), err);
    CHECK_INT(fabric_options_set_credentials(o, "conn", "connpw"), FABRIC_OK);
    CHECK_INT(fabric_options_set_compat(o, FABRIC_COMPAT_CONNECTOR_PYTHON), FABRIC_OK);
    CHECK_OK(fabric_new(o, &second, &err), err);
    fabric_options_free(o);
    CHECK_TEXT(fabric_get_user(first), "admin");
    CHECK_TEXT(fabric_get_user(second), "conn");
    fabric_server_t s;
    fabric_key_t low = fabric_key_int(0);
    CHECK_INT(find(first, "employees.salaries", low, FABRIC_MODE_READWRITE, &s, NULL),
              FABRIC_ERR_KEY_OUT_OF_RANGE);
    CHECK_INT(port_of(second, "employees.salaries", low, FABRIC_MODE_READWRITE), 33631);
    fabric_free(first);
    CHECK_INT(port_of(second, "employees.salaries", fabric_key_int(1), FABRIC_MODE_READWRITE),
              33611);
    fabric_free(second);
}

/* Something to talk about: a node that is cut off, a table that is broken, a wrong password. */
static void trouble(const fabric_t *ctl, const fabric_options_t *o)
{
    fabric_t *f = NULL;
    fabric_server_t s;
    fabric_error_t err;
    CHECK_OK(fabric_new(o, &f, &err), err);
    CHECK_INT(find(f, "new.kind", fabric_key_int(1), FABRIC_MODE_NONE, &s, NULL),
              FABRIC_ERR_UNSUPPORTED_SHARDING);
    tell(ctl, "fault", "unterminated_400", "", "-1", "*", NULL);
    CHECK_INT(fabric_seed(f, NULL, 0, &err), FABRIC_ERR_AUTH);
    CHECK(!strstr(err.message, "hush-hush"));
    tell(ctl, "fault", "none", NULL);
    fabric_free(f);
}

static void log_levels(const fabric_t *ctl)
{
    tell(ctl, "add_mapping", "LIST", "global", NULL);
    tell(ctl, "add_table", "8", "new.kind", "id", NULL);
    tell(ctl, "add_shard", "8", "1", "shard1", NULL);
    for (int32_t level = FABRIC_LOG_ERROR; level <= FABRIC_LOG_DEBUG; level++) {
        struct ears ears = {0};
        fabric_options_t *o = options();
        CHECK_INT(fabric_options_set_credentials(o, "chatty", "hush-hush"), FABRIC_OK);
        CHECK_INT(fabric_options_set_log(o, level, listen, &ears, count_up), FABRIC_OK);
        trouble(ctl, o);
        trouble(ctl, o);
        CHECK_INT(ears.freed, 0);
        fabric_options_free(o);
        CHECK_INT(ears.freed, 1);
        CHECK_INT(ears.secrets, 0);
        printf("level %d: %d messages\n", level, ears.heard);
        CHECK(ears.mildest <= level);
        CHECK_INT(ears.worst, FABRIC_LOG_ERROR);
        CHECK(level < FABRIC_LOG_WARNING || ears.heard >= 2);
        CHECK(level < FABRIC_LOG_DEBUG || ears.mildest == FABRIC_LOG_DEBUG);
    }
}

/* Replaced or turned off, a log is freed there and then, but not while a handle uses it. */
static void log_ownership(void)
{
    struct ears first = {0}, second = {0};
    fabric_error_t err;
    fabric_t *f = NULL;
    fabric_options_t *o = options();
    CHECK_INT(fabric_options_set_log(o, FABRIC_LOG_DEBUG, listen, &first, count_up), FABRIC_OK);
    CHECK_INT(fabric_options_set_log(o, FABRIC_LOG_DEBUG, listen, &second, count_up), FABRIC_OK);
    CHECK_INT(first.freed, 1);
    CHECK_OK(fabric_new(o, &f, &err), err);
    CHECK_INT(fabric_options_set_log(o, FABRIC_LOG_DEBUG, NULL, NULL, NULL), FABRIC_OK);
    fabric_options_free(o);
    CHECK_INT(second.freed, 0);
    fabric_free(f);
    CHECK_INT(second.freed, 1);
    CHECK_INT(first.freed, 1);
}

int main(void)
{
    fabric_t *ctl = control();
    versions_and_texts();
    keys();
    getters();
    options_are_copied();
    log_levels(ctl);
    log_ownership();
    fabric_free(ctl);
    return 0;
}
