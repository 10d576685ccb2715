// A program of two files, one of them without exceptions: what a callback of this file throws is caught all the same,
// and what fails in it throws.
#include "mixed.hpp"
#include "support.hpp"

#include <stdexcept>

using namespace mysqlfabric;

int main()
{
    std::atomic<int> heard{0};
    CHECK(!farm(open_plain(heard)).try_seed());
    CHECK(heard > 0);

    heard = 0;
    options o;
    o.node("127.0.0.1", 1).connect_attempts(1);
    o.log(log_level::debug, [&](log_level, std::string_view) {
        ++heard;
        throw std::runtime_error("not for C");
    });
    CHECK(!farm(o).try_seed());
    CHECK(heard > 0);

    const farm none(nullptr);
    try {
        for (const event &of : none.events())
            CHECK(of.kind > 0);
        CHECK(!"an event that cannot be had throws");
    } catch (const argument_error &error) {
        CHECK_INT(error.code(), FABRIC_ERR_NULL_POINTER);
    }
    return 0;
}
