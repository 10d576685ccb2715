// The quickstart in C++17, by mysqlfabric.hpp.
#include <mysqlfabric.hpp>

#include <iostream>

int main(int argc, char **argv)
{
    try {
        const mysqlfabric::farm farm(mysqlfabric::options()
                                         .source(argc > 1 ? argv[1] : "fabric://127.0.0.1")
                                         .credentials("admin", "secret"));
        const auto server = farm.server("employees.salaries", 10021, mysqlfabric::mode::read_write);
        std::cout << server.host << ':' << server.port << " of group " << server.group << '\n';
    } catch (const mysqlfabric::error &error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}
