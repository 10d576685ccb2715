// What a warm lookup costs from C and from C++: lookups TOPOLOGY TABLE. benches/doors/run.sh has the table.
//
// Prints a line for each way: its name, and the least and the median of nanoseconds by a prepared table and by name.
#include <mysqlfabric.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

namespace
{

using clock_type = std::chrono::steady_clock;
constexpr int rounds = 41;
constexpr std::size_t keys_a_round = 20000;

// Where results go, so that no compiler can leave the work out.
volatile std::uint64_t sink;

// Not seen through, as the library's functions are not.
__attribute__((noinline)) std::int32_t empty_call(const void *, const fabric_key_t *key,
                                                  std::int32_t, std::int32_t,
                                                  fabric_server_t *server, fabric_error_t *)
{
    __asm__ volatile("" ::"r"(key), "r"(server) : "memory");
    return FABRIC_OK;
}

struct way {
    const char *name;
    std::vector<double> prepared, by_name;
};

template <typename Lookup> double measure(const std::vector<std::int64_t> &keys, Lookup lookup)
{
    const auto begun = clock_type::now();
    for (const std::int64_t key : keys)
        lookup(key);
    return std::chrono::duration<double, std::nano>(clock_type::now() - begun).count()
           / static_cast<double>(keys.size());
}

void show(std::vector<double> times)
{
    std::sort(times.begin(), times.end());
    std::printf("\t%.1f\t%.1f", times.front(), times[times.size() / 2]);
}

} // namespace

int main(int argc, char **argv)
{
    if (argc != 3) {
        std::fprintf(stderr, "usage: lookups TOPOLOGY TABLE\n");
        return EXIT_FAILURE;
    }
    const char *name = argv[2];
    const mysqlfabric::farm farm(mysqlfabric::options().topology_file(argv[1]));
    farm.seed();
    const mysqlfabric::table table = farm.table(name);
    std::mt19937_64 random(42);
    std::vector<std::int64_t> keys(keys_a_round);
    for (std::int64_t &key : keys)
        key = std::uniform_int_distribution<std::int64_t>(1, 20000)(random);

    fabric_server_t server;
    fabric_error_t err;
    std::array<way, 3> ways{{{"an empty call", {}, {}}, {"C", {}, {}}, {"C++", {}, {}}}};
    for (int round = 0; round <= rounds; round++) {
        const std::array<std::array<double, 2>, 3> took{{
            {measure(keys,
                     [&](std::int64_t key) {
                         const fabric_key_t k = fabric_key_int(key);
                         empty_call(table.get(), &k, FABRIC_SCOPE_LOCAL, FABRIC_MODE_READWRITE,
                                    &server, &err);
                     }),
             0},
            {measure(keys,
                     [&](std::int64_t key) {
                         const fabric_key_t k = fabric_key_int(key);
                         if (fabric_table_get_server(table.get(), &k, FABRIC_SCOPE_LOCAL,
                                                     FABRIC_MODE_READWRITE, &server, &err)
                             != FABRIC_OK)
                             std::abort();
                         sink = server.port;
                     }),
             measure(keys,
                     [&](std::int64_t key) {
                         const fabric_key_t k = fabric_key_int(key);
                         if (fabric_get_shard_server(farm.get(), &name, 1, &k, FABRIC_SCOPE_LOCAL,
                                                     FABRIC_MODE_READWRITE, &server, &err)
                             != FABRIC_OK)
                             std::abort();
                         sink = server.port;
                     })},
            {measure(keys,
                     [&](std::int64_t key) {
                         sink = table.server(key, mysqlfabric::mode::read_write).port;
                     }),
             measure(keys,
                     [&](std::int64_t key) {
                         sink = farm.server(name, key, mysqlfabric::mode::read_write).port;
                     })},
        }};
        for (std::size_t at = 0; round > 0 && at < ways.size(); at++) {
            ways[at].prepared.push_back(took[at][0]);
            ways[at].by_name.push_back(took[at][1]);
        }
    }
    for (const way &w : ways) {
        std::printf("%s", w.name);
        show(w.prepared);
        show(w.by_name);
        std::printf("\n");
    }
    return EXIT_SUCCESS;
}
