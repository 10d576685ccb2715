// The quickstart in C++11, with handles that free themselves.
#include <mysqlfabric.h>

#include <cstdlib>
#include <iostream>
#include <memory>

int main(int argc, char **argv)
{
    std::unique_ptr<fabric_options_t, decltype(&fabric_options_free)> options(fabric_options_new(),
                                                                              fabric_options_free);
    fabric_options_set_source(options.get(), argc > 1 ? argv[1] : "fabric://127.0.0.1");
    fabric_options_set_credentials(options.get(), "admin", "secret");

    fabric_t *made = nullptr;
    fabric_error_t err;
    if (fabric_new(options.get(), &made, &err) != FABRIC_OK) {
        std::cerr << err.message << '\n';
        return EXIT_FAILURE;
    }
    std::unique_ptr<fabric_t, decltype(&fabric_free)> farm(made, fabric_free);

    const char *tables[] = {"employees.salaries"};
    const fabric_key_t key = fabric_key_int(10021);
    fabric_server_t server;
    if (fabric_get_shard_server(farm.get(), tables, 1, &key, FABRIC_SCOPE_LOCAL,
                                FABRIC_MODE_READWRITE, &server, &err)
        != FABRIC_OK) {
        std::cerr << err.message << '\n';
        return EXIT_FAILURE;
    }
    std::cout << server.host << ':' << server.port << " of group " << server.group << '\n';
    return EXIT_SUCCESS;
}
