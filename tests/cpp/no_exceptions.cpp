// The half that throws nothing, compiled with -fno-exceptions -fno-rtti.
#include "support.hpp"

#if defined(__cpp_exceptions) || defined(__cpp_rtti)
#error "compile this with -fno-exceptions -fno-rtti"
#endif

using namespace mysqlfabric;

int main()
{
    CHECK_INT(farm::try_open(options().connect_attempts(0)).code(), FABRIC_ERR_ARGUMENT);
    CHECK_INT(farm::try_open(options().zone(std::string_view("a\0b", 3))).code(),
              FABRIC_ERR_ARGUMENT);
    std::size_t heard = 0;
    const farm f = open(
        fabricd_options().log(log_level::debug, [&](log_level, std::string_view) { ++heard; }));
    CHECK_HAS(f.try_event_fd());
    CHECK_HAS(f.try_seed());

    const auto server = f.try_server("employees.salaries", 10021, mode::read_write);
    CHECK_HAS(server);
    CHECK_INT(server->port, 33621);
    const auto table = f.try_table("employees.salaries");
    CHECK_HAS(table);
    CHECK_INT((*table->try_server(42, mode::read_write)).port, 33611);
    CHECK_INT((*table->try_server_wait(42, mode::read_write, milliseconds(10))).port, 33611);
    CHECK_INT(table->try_server(0, mode::any).code(), FABRIC_ERR_KEY_OUT_OF_RANGE);

    const auto parts = f.try_split("employees.salaries", {42, 10021, 0}, mode::read_write);
    CHECK_HAS(parts);
    CHECK(parts->size() == 2 && parts->failed().size() == 1);
    const auto where = f.try_servers("employees.salaries", {42, 10021}, mode::read_write);
    CHECK(where && where->complete() && (*where)[1]->port == 33621);
    CHECK_INT(f.try_shards("employees.salaries")->size(), 3);
    CHECK_INT(f.try_shard("employees.salaries", 42)->shard_id,
              (*f.try_shards("employees.salaries"))[0].shard_id);
    CHECK_INT(f.try_shards("no.such").code(), FABRIC_ERR_UNKNOWN_TABLE);
    CHECK_INT(f.try_group_server("no such", role::primary).code(), FABRIC_ERR_UNKNOWN_GROUP);

    CHECK_INT(f.try_choose_group_servers("shard1", mode::read_only, {}, SIZE_MAX)->size(), 3);
    CHECK_INT(f.try_choose_group_servers("shard1", mode::read_only, {}, 0).code(),
              FABRIC_ERR_ARGUMENT);

    std::size_t events = 0;
    for (const event &e : f.events())
        events += e.kind > 0;
    CHECK(events > 0);
    CHECK_HAS(f.try_report(*server, 0));
    CHECK(f.try_metrics()->lookups > 0);
    CHECK_HAS(f.try_execute("group", "lookup_servers", {"shard1"}));
    return 0;
}
