// Events and log messages: polled, waited for, and by callbacks that live long enough and throw.
#include "support.hpp"

#include <atomic>
#include <chrono>
#include <mutex>
#include <set>
#include <stdexcept>

using namespace mysqlfabric;
using std::chrono::seconds;

static options quick()
{
    options o = fabricd_options();
    o.ttl(milliseconds(0), milliseconds(20)).refresh_share(100);
    return o;
}

static void promote()
{
    tell("promote", {"shard1", "aab422d7-e706-11f1-b000-02fc00000001"});
}

// Whatever else comes, the primary changes within a generous time.
static void waited_for()
{
    const farm f(quick());
    CHECK(f.event_fd() >= 0);
    CHECK(!f.next_event());
    f.seed();
    std::set<std::int32_t> kinds;
    for (const event &e : f.events()) // those that wait
        kinds.insert(e.kind);
    CHECK(kinds.count(FABRIC_EVENT_READY) == 1);
    promote();
    std::string primary;
    for (const event &e : f.events(seconds(30)))
        if (e.kind == FABRIC_EVENT_PRIMARY_CHANGED) {
            CHECK_TEXT(e.group, "shard1");
            CHECK(age(e) >= milliseconds(0));
            primary = e.server_uuid;
            break;
        }
    CHECK(primary == "aab422d7-e706-11f1-b000-02fc00000001");
    // A wait ends in time, and not before.
    while (f.next_event(milliseconds(100)))
        ;
    const auto begun = std::chrono::steady_clock::now();
    while (f.next_event(milliseconds(100)))
        ;
    CHECK(std::chrono::steady_clock::now() - begun >= milliseconds(99));
    tell("reset", {});
}

// What a callback keeps is freed with the last that uses it, and what it throws goes nowhere.
static void called_back()
{
    struct counts {
        std::atomic<int> events{0}, messages{0};
    };
    const auto seen = std::make_shared<counts>();
    {
        options o;
        o.node("127.0.0.1", 1); // nobody listens there
        o.node("127.0.0.1", port_in("FABRICD_PORT"))
            .credentials("admin", "secret")
            .ttl(milliseconds(0), milliseconds(20));
        o.on_event([seen](const event &) {
            ++seen->events;
            throw std::runtime_error("not for C");
        });
        o.log(log_level::debug, [seen](log_level, std::string_view message) {
            CHECK(!message.empty());
            ++seen->messages;
            throw 1;
        });
        CHECK_INT(seen.use_count(), 3);
        farm f(o);
        o = options();
        CHECK_INT(seen.use_count(), 3);
        f.seed();
        promote();
        for (int tries = 0; tries < 3000 && (seen->events < 3 || seen->messages < 1); ++tries)
            f.next_event(milliseconds(10));
        CHECK(seen->events >= 3 && seen->messages >= 1);
    }
    CHECK_INT(seen.use_count(), 1);
    // None is none.
    const farm silent(quick().on_event(nullptr).log(log_level::info, {}));
    silent.seed();
    tell("reset", {});
}

int main()
{
    waited_for();
    called_back();
    return 0;
}
