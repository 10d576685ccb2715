// Every call against fabricd, in the half that throws.
#include "support.hpp"

#include <algorithm>
#include <unistd.h>

using namespace mysqlfabric;
using std::chrono::seconds;

// Runs a call that must throw an Error, and gives its status.
template <class Error, class Call> std::int32_t thrown(Call call)
{
    try {
        call();
    } catch (const Error &error) {
        CHECK(error.what()[0] != '\0');
        CHECK(error.retryable() == is_retryable(error.code()));
        return error.code();
    } catch (const std::exception &error) {
        std::fprintf(stderr, "another class: %s\n", error.what());
    }
    return FABRIC_OK;
}

static void lookups(const farm &f)
{
    const auto primary = f.server("employees.salaries", 10021, mode::read_write);
    CHECK_INT(primary.port, 33621);
    CHECK_TEXT(primary.group, "shard2");
    CHECK_INT(primary.status, FABRIC_STATUS_PRIMARY);
    CHECK(f.server("employees.salaries", 10021, mode::read_only).status == FABRIC_STATUS_SECONDARY);
    CHECK_INT(f.server({"employees.salaries", "employees.dept_emp"}, 20001u, mode::read_write).port,
              33631);
    CHECK_INT(f.server(std::vector<std::string>{"crm.names"}, "Nadia", mode::write_only).port,
              33621);
    CHECK_INT(f.server(std::string("hashdb.users"), std::string("alice"), mode::read_write).port,
              33621);
    CHECK_INT(f.server("employees.salaries", global, mode::read_write).port, 33601);
    CHECK_INT(f.server_wait("employees.salaries", 42, mode::read_write, seconds(30)).port, 33611);

    CHECK_INT(f.group_server("shard1", mode::read_write).port, 33611);
    CHECK_INT(f.group_server("shard1", role::primary).port, 33611);
    CHECK(f.group_server("shard1", role::secondary).port != 33611);
    CHECK_INT(f.group_server_wait("shard1", mode::read_write, seconds(30)).port, 33611);
    CHECK_INT(f.group_server_wait("shard1", role::primary, seconds(30)).port, 33611);
    CHECK_INT(f.group_servers("shard1").size(), 3);
    CHECK_INT(f.group_servers("shard1", true).size(), 3);
}

static void opened(const farm &f)
{
    table salaries = f.table("employees.salaries");
    CHECK_INT(salaries.server(10021, mode::read_write).port, 33621);
    CHECK_INT(salaries.server(global, mode::read_write).port, 33601);
    CHECK_INT(salaries.server_wait(42, mode::read_write, seconds(30)).port, 33611);
    CHECK_INT(
        f.table({"employees.salaries", "employees.dept_emp"}).server(42, mode::read_write).port,
        33611);
    table moved = std::move(salaries);
    CHECK_INT(moved.server(42, mode::read_write).port, 33611);
    CHECK_INT(salaries.try_server(42, mode::any).code(),
              FABRIC_ERR_NULL_POINTER); // NOLINT: what a moved one says
    CHECK_INT(thrown<farm_error>([&] { moved.server(0, mode::any); }), FABRIC_ERR_KEY_OUT_OF_RANGE);
}

static void batches(const farm &f)
{
    std::vector<int> ids;
    for (int id = 0; id < 40000; id += 7)
        ids.push_back(id);
    const auto where = f.servers("employees.salaries", ids, mode::read_write);
    CHECK_INT(where.size(), ids.size());
    CHECK(!where.complete() && where[0] == nullptr);
    CHECK_INT(where.status(0), FABRIC_ERR_KEY_OUT_OF_RANGE);
    const auto same = f.table("employees.salaries").servers(ids, mode::read_write);
    CHECK(same.size() == ids.size() && same[0] == nullptr && same[5]->port == where[5]->port);
    const auto parts = f.split("employees.salaries", ids, mode::read_write);
    CHECK_INT(parts.size(), where.servers().size());
    std::size_t seen = 0;
    for (const auto &part : parts)
        for (const std::size_t at : part.positions) {
            CHECK_INT(part.server->port,
                      f.server("employees.salaries", ids[at], mode::read_write).port);
            CHECK_INT(part.server->port, where[at]->port);
            CHECK_INT(parts.status(at), FABRIC_OK);
            ++seen;
        }
    CHECK_INT(seen, ids.size() - 1);
    CHECK_INT(parts.failed().size(), 1);
    CHECK_INT(parts.status(parts.failed()[0]), FABRIC_ERR_KEY_OUT_OF_RANGE);

    CHECK_INT(f.servers("employees.salaries", {}, mode::any).size(), 0);
    auto from = f.split("employees.salaries", {42, 0}, mode::any);
    const auto to = std::move(from);
    CHECK(to.size() == 1 && to.failed().size() == 1 && to.failed()[0] == 1);
    CHECK(from.size() == 0 && from.failed().empty()); // NOLINT: what a moved one has
    CHECK_INT(f.servers("crm.names", {"Anna", "Zoe"}, mode::read_write).servers().size(), 2);
    CHECK(f.servers("employees.salaries", {keys(global, 3)}, mode::read_write).complete());
    CHECK_INT(f.split("employees.salaries", std::vector<std::int64_t>{}, mode::any).size(), 0);
    CHECK_INT(f.split("employees.salaries", std::vector<std::int64_t>{}, mode::any).failed().size(),
              0);
    CHECK_INT(thrown<farm_error>([&] { f.split("no.such", {1}, mode::any); }),
              FABRIC_ERR_UNKNOWN_TABLE);
}

static void lists(const farm &f)
{
    const auto shards = f.shards("employees.salaries");
    CHECK_INT(shards.size(), 3);
    CHECK_TEXT(shards[1].group, "shard2");
    CHECK_TEXT(f.shard("employees.salaries", 10021).group, "shard2");
    CHECK_INT(f.shards_in_range("employees.salaries", 9000, 11000).size(), 2);
    CHECK_INT(f.shards_in_range("employees.salaries", std::nullopt, std::nullopt).size(), 3);
    f.seed();
    const auto tables = f.tables();
    CHECK(std::any_of(tables.begin(), tables.end(), [](const table_info &of) {
        return std::string_view(of.name) == "crm.names";
    }));
    const auto groups = f.groups();
    CHECK(groups.size() >= 4 && age(groups[0]).has_value());
    CHECK_INT(f.nodes().size(), 1);
}

static void explained(const farm &f)
{
    const auto of = f.explain("employees.salaries", 10021, mode::read_write);
    CHECK_INT(of.status, FABRIC_OK);
    CHECK_TEXT(of.group, "shard2");
    CHECK_TEXT(of.key, "10021");
    CHECK_INT(of.server.port, 33621);
    CHECK(*why_name(of.why) != '\0');
    CHECK_TEXT(f.explain_group("shard1", mode::read_write).server.host, "127.0.0.1");
    CHECK_INT(f.explain("employees.salaries", 0, mode::any).status, FABRIC_ERR_KEY_OUT_OF_RANGE);
}

static void chosen(const farm &f)
{
    const auto write = f.choose_servers("employees.salaries", 42, mode::read_write);
    CHECK_INT(write.size(), 1);
    CHECK_INT(write[0].port, 33611);
    const auto all = f.choose_group_servers("shard1", mode::read_only);
    CHECK_INT(all.size(), 3);
    CHECK_INT(f.choose_group_servers("shard1", mode::read_only, {}, 2).size(), 2);
    CHECK_INT(
        f.choose_group_servers("shard1", mode::read_only, choice().reads(prefer::primary))[0].port,
        33611);

    CHECK_INT(f.choose_servers("employees.salaries", 42, mode::read_only, {}, SIZE_MAX).size(), 3);
    CHECK_INT(f.choose_group_servers("shard1", mode::read_only, {}, SIZE_MAX).size(), 3);
    const auto none = f.try_choose_group_servers("shard1", mode::read_only, {}, 0);
    CHECK_INT(none.code(), FABRIC_ERR_ARGUMENT);
    CHECK_CONTAINS(none.error().message, "'most' is 0");
    CHECK_INT(f.try_choose_servers("employees.salaries", 42, mode::any, {}, 0).code(),
              FABRIC_ERR_ARGUMENT);

    choice other;
    other.reads(prefer::secondary)
        .zone("")
        .weight(all[0].uuid, 2)
        .exclude("127.0.0.1:33611")
        .exclude(all[0].uuid);
    choice moved = std::move(other);
    const auto left = f.choose_servers("employees.salaries", 42, mode::read_only, moved);
    CHECK_INT(left.size(), 1);
    CHECK(left[0].port != 33611 && left[0].port != all[0].port);
    CHECK_INT(thrown<farm_error>([&] {
                  f.choose_group_servers("shard1", mode::read_write,
                                         choice().exclude("127.0.0.1:33611"));
              }),
              FABRIC_ERR_NO_SERVER);
    CHECK_INT(thrown<argument_error>(
                  [&] { f.choose_group_servers("shard1", mode::any, choice().weight("x", -1)); }),
              FABRIC_ERR_ARGUMENT);
    CHECK_INT(thrown<argument_error>([&] {
                  f.choose_group_servers("shard1", mode::any,
                                         choice().exclude(std::string_view("a\0b", 3)));
              }),
              FABRIC_ERR_ARGUMENT);
    const farm primaries(fabricd_options().reads(prefer::primary));
    CHECK_INT(primaries.server("employees.salaries", 42, mode::read_only).port, 33611);
}

static void state(const farm &f)
{
    f.prefetch({"employees.salaries", "crm.names"});
    f.prefetch(std::vector<std::string>{});
    const auto generation = f.generation();
    CHECK(generation > 0 && f.topology_age() && f.ttl());
    f.reset_cache();
    f.reset_cache("shard1");
    CHECK(f.metrics().lookups > 0 && f.metrics().generation >= generation);
    CHECK(*f.user() == "admin" && !f.tls_ca() && !f.tls_key() && !f.tls_cert());
    CHECK_INT(f.fabric_uuid().size(), 36);
    f.interrupt();

    char path[] = "/tmp/mysqlfabric-cpp-XXXXXX";
    const int made = mkstemp(path);
    CHECK(made >= 0);
    close(made);
    f.dump(path);
    const farm offline(options().topology_file(path));
    CHECK_INT(offline.server("employees.salaries", 10021, mode::read_write).port, 33621);
    CHECK_INT(thrown<source_error>([&] { offline.execute("group", "lookup_groups"); }),
              FABRIC_ERR_NOT_SEEDED);
    unlink(path);
}

static void reported(const farm &f)
{
    const auto secondary = f.server("employees.salaries", 42, mode::read_only);
    f.report(secondary, 2013u);
    CHECK_INT(f.metrics().servers_quarantined, 1);
    CHECK(f.health().size() > f.health("shard1").size());
    for (const auto &of : f.health("shard1"))
        CHECK_INT(of.reported_errno, std::string_view(of.server.uuid) == secondary.uuid ? 2013 : 0);
    CHECK_INT(thrown<farm_error>([&] { f.health("no such"); }), FABRIC_ERR_UNKNOWN_GROUP);
    f.report(secondary, 0);
    CHECK_INT(f.metrics().servers_quarantined, 0);
    f.report(secondary.uuid, 2013);
    f.report(std::string(secondary.uuid), INT64_MAX); // no errno, so no matter of routing
    CHECK_INT(f.metrics().servers_quarantined, 1);
    f.report(secondary, 0);
    f.report_failure(secondary.uuid, 2003);
    CHECK_INT(thrown<argument_error>([&] { f.report("", 2013); }), FABRIC_ERR_ARGUMENT);
}

// By its text, 1290 is a matter of the statement, or of the server.
static void reported_with_text()
{
    const farm f(fabricd_options());
    const auto primary = f.server("employees.salaries", 42, mode::read_write);
    const auto holds = [&] { return !f.try_server("employees.salaries", 42, mode::read_write); };
    CHECK_INT(f.report(primary, 1290, "running with the --secure-file-priv option"),
              FABRIC_ACTION_NONE);
    CHECK(!holds());
    CHECK_INT(f.report(primary.uuid, 2013u, nullptr), errno_action(2013));
    CHECK_INT(f.report(primary, 0, ""), FABRIC_ACTION_NONE);
    CHECK((f.report(primary, 1290, "running with the --super-read-only option")
           & FABRIC_ACTION_HOLD_WRITES)
          != 0);
    CHECK(holds());
    CHECK_INT(f.try_report("", 2013, "lost").code(), FABRIC_ERR_ARGUMENT);
}

static void commands(const farm &f)
{
    const auto answer = f.execute("group", "lookup_servers", {"shard1"});
    CHECK(answer.sets() >= 1 && answer.rows() == 3 && answer.columns() > 3);
    CHECK(*answer.column_name(0, 0) == "server_uuid");
    CHECK(answer.value(0, 0, 1) == "127.0.0.1:33611" && !answer.value(0, 9, 9));
    CHECK(f.execute("group", "lookup_servers", {"shard1", std::string_view()}).rows() == 3);
    CHECK_INT(thrown<source_error>([&] { f.execute("group", "frobnicate"); }), FABRIC_ERR_FABRIC);
}

static void refused(const farm &f)
{
    CHECK_INT(thrown<farm_error>([&] { f.server("no.such", 1, mode::any); }),
              FABRIC_ERR_UNKNOWN_TABLE);
    CHECK_INT(thrown<argument_error>([&] { f.server("salaries", 1, mode::any); }),
              FABRIC_ERR_TABLE_NAME);
    CHECK_INT(thrown<argument_error>([&] { f.server("employees.salaries", "x", mode::any); }),
              FABRIC_ERR_KEY_TYPE);
    CHECK_INT(thrown<argument_error>([&] { f.server("a.b", 1, mode(77)); }), FABRIC_ERR_ARGUMENT);
    CHECK_INT(thrown<argument_error>([&] { f.server(std::string_view("a.b\0", 4), 1, mode::any); }),
              FABRIC_ERR_ARGUMENT);
    CHECK_INT(thrown<argument_error>([&] { f.server(std::vector<const char *>{}, 1, mode::any); }),
              FABRIC_ERR_ARGUMENT);
    CHECK_INT(thrown<argument_error>([&] { farm bad(options().connect_attempts(0)); }),
              FABRIC_ERR_ARGUMENT);
    CHECK_INT(thrown<argument_error>(
                  [&] { farm bad(options().credentials(std::string("a\0b", 3), "")); }),
              FABRIC_ERR_ARGUMENT);
    CHECK_INT(thrown<call_error>([&] {
                  farm(fabricd_options().lookup_timeout(milliseconds(0)))
                      .server("employees.salaries", 1, mode::any);
              }),
              FABRIC_ERR_WOULD_BLOCK);
    // A null pointer is refused as in C, also as one of many.
    const char *const unset = nullptr;
    const char *const ids[]{"5", nullptr};
    const auto null = [](auto call) { return thrown<argument_error>(call); };
    CHECK_INT(null([&] { f.server("crm.names", unset, mode::any); }), FABRIC_ERR_NULL_POINTER);
    CHECK_INT(null([&] { f.server(unset, 1, mode::any); }), FABRIC_ERR_NULL_POINTER);
    CHECK_INT(null([&] { f.server({"crm.names", unset}, 1, mode::any); }), FABRIC_ERR_NULL_POINTER);
    CHECK_INT(null([&] { f.report(unset, 2013); }), FABRIC_ERR_NULL_POINTER);
    CHECK_INT(null([&] { farm bad(options().mysql_credentials("u", unset)); }),
              FABRIC_ERR_NULL_POINTER);
    CHECK_INT(null([&] { f.choose_group_servers("shard1", mode::any, choice().exclude(unset)); }),
              FABRIC_ERR_NULL_POINTER);
    CHECK_INT(f.servers("crm.names", ids, mode::any).status(1), FABRIC_ERR_NULL_POINTER);
    CHECK_INT(null([&] { f.shards_in_range("employees.salaries", global, std::nullopt); }),
              FABRIC_ERR_ARGUMENT);
    const auto nul = farm::try_open(options().mysql_credentials("u", std::string("a\0b", 3)));
    CHECK_CONTAINS(nul.error().message, "the password of the MySQL credentials has a NUL");

    failure broken{};
    broken.code = FABRIC_ERR_PANIC;
    broken.mysql_errno = 1105;
    try {
        raise(broken);
    } catch (const internal_error &error) {
        CHECK_INT(error.mysql_errno(), 1105);
    }
    const auto unknown = f.try_server("no.such", 1, mode::any);
    CHECK_INT(unknown.code(), FABRIC_ERR_UNKNOWN_TABLE);
    CHECK_INT(unknown.value_or(f.server("employees.salaries", 42, mode::read_write)).port, 33611);
    CHECK_CONTAINS(unknown.error().message, "no.such");
}

// Each option arrives: what is in range is taken, and what is not is refused.
static void every_option()
{
    options all = fabricd_options()
                      .max_reply_bytes(1 << 20)
                      .report_errors(reports::errors)
                      .report_errno(1205)
                      .report_window(seconds(1))
                      .background_refresh(true)
                      .refresh_share(10)
                      .backoff_limit(seconds(5))
                      .idle_after(seconds(60))
                      .max_stale(seconds(600))
                      .quarantine(seconds(1))
                      .least_write_hold(seconds(2))
                      .vanished_hold(forever)
                      .ttl(seconds(1), seconds(2))
                      .answers_of(compat::connector_python)
                      .discovery_interval(milliseconds(100))
                      .max_replica_lag(forever)
                      .multi_primary()
                      .reads_without_majority()
                      .mysql_credentials("u", "p")
                      .mysql_tls(tls_mode::required)
                      .mysql_password_unverified()
                      .zone("a");
    // Where Connector/Python puts a key below the lowest bound.
    CHECK_INT(farm(all).server("employees.salaries", 0, mode::read_write).port, 33631);
    const auto refuses = [](const options &one) {
        return thrown<argument_error>([&] { farm made(one); });
    };
    CHECK_INT(refuses(options().ttl(seconds(2), seconds(1))), FABRIC_ERR_ARGUMENT);
    CHECK_INT(refuses(options().refresh_share(0)), FABRIC_ERR_ARGUMENT);
    CHECK_INT(refuses(options().tls("ca.pem", "key.pem")), FABRIC_ERR_ARGUMENT);
    CHECK_INT(refuses(options().mysql_tls(tls_mode::verify_ca)), FABRIC_ERR_ARGUMENT);
    CHECK_INT(refuses(options().source("http://x")), FABRIC_ERR_ARGUMENT);
    CHECK_INT(refuses(options().snapshot_file("")), FABRIC_ERR_ARGUMENT);
    const std::string tls = "/no/such/ca.pem";
    CHECK(*farm(options().node("x").tls(tls, "/k", "/c")).tls_ca() == tls);
}

// More groups than there is room for at first.
static void many_groups()
{
    for (int i = 0; i < 12; i++) {
        const std::string group = "many" + std::to_string(i), number = std::to_string(i);
        tell("add_group", {group, "many"});
        tell("add_server", {group, "many-uuid-" + number, "127.0.0.1", std::to_string(34000 + i),
                            "PRIMARY", "READ_WRITE", "1.0"});
        tell("add_shard", {"1", std::to_string(1000000 + i), group, "ENABLED"});
    }
    const farm wider(fabricd_options());
    const auto many = wider.split("employees.salaries",
                                  {1000000, 1000001, 1000002, 1000003, 1000004, 1000005, 1000006,
                                   1000007, 1000008, 1000009, 1000010, 1000011},
                                  mode::read_write);
    CHECK_INT(many.size(), 12);
    CHECK_INT(many[11].server->port, 34011);
}

int main()
{
    CHECK(version()
          == std::to_string(FABRIC_VERSION_MAJOR) + "." + std::to_string(FABRIC_VERSION_MINOR) + "."
                 + std::to_string(FABRIC_VERSION_PATCH));
    CHECK_TEXT(status_text(FABRIC_ERR_UNKNOWN_TABLE), "unknown table");
    CHECK((errno_action(2013u) & FABRIC_ACTION_QUARANTINE) != 0);
    CHECK_INT(errno_action(INT64_MAX), FABRIC_ACTION_NONE);
    CHECK_INT(error_action(1290u, nullptr), errno_action(1290));
    CHECK_INT(error_action(1290, "--secure-file-priv"), FABRIC_ACTION_NONE);
    CHECK_INT(error_action(INT64_MIN, "--read-only"), FABRIC_ACTION_NONE);
    CHECK_INT(status_errno(FABRIC_ERR_UNKNOWN_TABLE), 1051);
    CHECK_TEXT(event_name(FABRIC_EVENT_READY), "READY");
    const farm f(fabricd_options());
    lookups(f);
    opened(f);
    batches(f);
    lists(f);
    explained(f);
    chosen(f);
    state(f);
    reported(f);
    reported_with_text();
    commands(f);
    refused(f);
    every_option();
    many_groups();
    return 0;
}
