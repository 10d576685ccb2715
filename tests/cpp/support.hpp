// Options for the fabricd that with-fabricd.sh started, and a way to drive that fabricd.
#ifndef SUPPORT_HPP
#define SUPPORT_HPP

#include <mysqlfabric.hpp>

#include "../c/check.h"

// Checks a result, and says why it is a failure.
#define CHECK_HAS(result) check_has(__FILE__, __LINE__, #result, (result))

template <class Result>
void check_has(const char *file, int line, const char *what, const Result &result)
{
    if (result)
        return;
    std::fprintf(stderr, "%s:%d: %s: %s\n", file, line, what, result.error().message);
    std::exit(1);
}

inline std::uint16_t port_in(const char *variable)
{
    const char *value = std::getenv(variable);
    CHECK(value);
    return static_cast<std::uint16_t>(std::strtoul(value, nullptr, 10));
}

// One attempt, and deadlines that a slow machine under valgrind keeps.
inline mysqlfabric::options options_for(const char *port_variable)
{
    using std::chrono::seconds;
    mysqlfabric::options options;
    options.node("127.0.0.1", port_in(port_variable))
        .connect_attempts(1)
        .connect_delay(mysqlfabric::milliseconds(10))
        .connect_timeout(seconds(30))
        .request_timeout(seconds(60))
        .lookup_timeout(seconds(60));
    return options;
}

inline mysqlfabric::options fabricd_options()
{
    mysqlfabric::options options = options_for("FABRICD_PORT");
    options.credentials("admin", "secret");
    return options;
}

// A handle that must come about, also where nothing is thrown.
inline mysqlfabric::farm open(const mysqlfabric::options &options)
{
    auto farm = mysqlfabric::farm::try_open(options);
    CHECK_HAS(farm);
    return std::move(*farm);
}

// Runs a fabricd.* command on the control port.
inline void tell(const mysqlfabric::name &command, const mysqlfabric::names &arguments)
{
    static const mysqlfabric::farm control = open(options_for("FABRICD_CONTROL_PORT"));
    CHECK_HAS(control.try_execute("fabricd", command, arguments));
}

#endif
