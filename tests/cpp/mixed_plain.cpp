// The half of mixed.cpp that is compiled with -fno-exceptions. It comes first on the linker's command line.
#include "mixed.hpp"

#include <mysqlfabric.hpp>

#if defined(__cpp_exceptions)
#error "compile this with -fno-exceptions"
#endif

using namespace mysqlfabric;

fabric_t *open_plain(std::atomic<int> &heard)
{
    options o;
    o.node("127.0.0.1", 1).connect_attempts(1);
    o.log(log_level::debug, [&heard](log_level, std::string_view) { ++heard; });
    fabric_t *made = nullptr;
    return fabric_new(o.get(), &made, nullptr) == FABRIC_OK ? made : nullptr;
}
