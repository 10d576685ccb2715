// What mysqlfabric.hpp adds to a warm lookup: the same lookups in C and in both halves of the header, in turns.
#include <mysqlfabric.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <unistd.h>

using namespace mysqlfabric;

constexpr int rounds = 25, calls = 100000;
static volatile unsigned sink;

// Nanoseconds of a call in the best of many rounds of each way, which take turns.
template <class... Ways> static void row(const char *what, Ways... ways)
{
    double best[sizeof...(ways)];
    std::fill(std::begin(best), std::end(best), 1e9);
    for (int round = 0; round < rounds; ++round) {
        std::size_t way = 0;
        const auto measure = [&](auto &call) {
            using clock = std::chrono::steady_clock;
            const auto begun = clock::now();
            for (int i = 1; i <= calls; ++i)
                sink = call(i);
            const std::chrono::duration<double, std::nano> took = clock::now() - begun;
            best[way] = std::min(best[way], took.count() / calls);
            ++way;
        };
        (measure(ways), ...);
    }
    std::printf("| %s |", what);
    for (const double ns : best)
        std::printf(" %.1f |", ns);
    std::printf("\n");
}

// A farm of two shards in a file; the path.
static std::string farm_file()
{
    char path[] = "/tmp/mysqlfabric-bench-XXXXXX";
    const int made = mkstemp(path);
    if (made < 0)
        std::exit(1);
    close(made);
    std::ofstream file(path);
    file << R"({"format": "libmysqlfabric topology", "version": 1, "ttl_ms": 600000, "tables": [)";
    for (const char *type : {"RANGE", "HASH"})
        file << (type[0] == 'H' ? "," : "") << R"({"schema": "shop", "table": ")" << type
             << R"(", "column": "id", "type": ")" << type
             << R"(", "global_group": "a", "shards": [{"id": )"
             << (type[0] == 'H' ? R"(3, "lower_bound": "00000000000000000000000000000000")"
                                : R"(1, "lower_bound": 0)")
             << R"(, "group": "a"}, {"id": )"
             << (type[0] == 'H' ? R"(4, "lower_bound": "80000000000000000000000000000000")"
                                : R"(2, "lower_bound": 50000)")
             << R"(, "group": "b"}]})";
    file << R"(], "groups": [)";
    for (const char *group : {"a", "b"})
        file
            << (group[0] == 'b' ? "," : "") << R"({"id": ")" << group
            << R"(", "servers": [{"uuid": "uuid-)" << group
            << R"(", "host": "db.example.com", "port": 3306, "mode": "READ_WRITE", "status": "PRIMARY", "weight": 1}]})";
    file << "]}";
    return path;
}

int main()
{
    const std::string path = farm_file();
    const farm f(options().topology_file(path));
    f.seed();
    unlink(path.c_str());
    constexpr auto rw = mode::read_write;
    std::printf("| lookup, in ns | C | C++, throws | C++, `try_` |\n|---|---|---|---|\n");
    for (const char *name : {"shop.RANGE", "shop.HASH"}) {
        const table opened = f.table(name);
        const auto c = [&](auto &&get) {
            return [get](int i) {
                const fabric_key_t key = fabric_key_int(i);
                fabric_server_t server;
                fabric_error_t err;
                return get(&key, &server, &err) == FABRIC_OK ? server.port : 0;
            };
        };
        row((std::string(name + 5) + ", an opened table").c_str(),
            c([&](auto *key, auto *server, auto *err) {
                return fabric_table_get_server(opened.get(), key, FABRIC_SCOPE_LOCAL,
                                               FABRIC_MODE_READWRITE, server, err);
            }),
            [&](int i) { return opened.server(i, rw).port; },
            [&](int i) {
                const auto server = opened.try_server(i, rw);
                return server ? server->port : 0;
            });
        row((std::string(name + 5) + ", by name").c_str(),
            c([&](auto *key, auto *server, auto *err) {
                return fabric_get_shard_server(f.get(), &name, 1, key, FABRIC_SCOPE_LOCAL,
                                               FABRIC_MODE_READWRITE, server, err);
            }),
            [&](int i) { return f.server(name, i, rw).port; },
            [&](int i) {
                const auto server = f.try_server(name, i, rw);
                return server ? server->port : 0;
            });
    }
}
