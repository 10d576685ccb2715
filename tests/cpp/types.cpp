// What the compiler is to accept, and what it is to refuse.
#include "support.hpp"

#include <array>
#include <list>
#if __has_include(<span>)
#include <span>
#endif

using namespace mysqlfabric;

template <class To, class From> constexpr bool takes = std::is_convertible_v<From, To>;

// Handles are moved, and not copied.
template <class T>
constexpr bool moves = std::is_nothrow_move_constructible_v<T> &&std::is_nothrow_move_assignable_v<
                           T> && !std::is_copy_constructible_v<T> && !std::is_copy_assignable_v<T>;
static_assert(moves<farm> && moves<table> && moves<options> && moves<command_result>);
static_assert(moves<choice>, "it refers to what it keeps");
static_assert(moves<partition>, "its parts lead to its servers");
static_assert(std::is_copy_constructible_v<result<server>>);

// Keys: integers of every width, texts, and `global`.
static_assert(takes<key, std::int8_t> && takes<key, std::uint8_t> && takes<key, short>);
static_assert(takes<key, unsigned short> && takes<key, int> && takes<key, unsigned>);
static_assert(takes<key, long> && takes<key, unsigned long>);
static_assert(takes<key, long long> && takes<key, unsigned long long>);
static_assert(takes<key, const char *> && takes<key, std::string> && takes<key, std::string_view>);
static_assert(takes<key, char[6]> && takes<key, global_t>);
// And nothing that a service would only give by mistake.
static_assert(!takes<key, float> && !takes<key, double> && !takes<key, long double>);
static_assert(!takes<key, bool> && !takes<key, char> && !takes<key, wchar_t>);
static_assert(!takes<key, std::nullptr_t> && !takes<key, mode> && !takes<key, void *>);
#if defined(__SIZEOF_INT128__)
__extension__ using wide = __int128;
static_assert(!takes<key, wide>);
#endif

// Many of them.
static_assert(takes<keys, std::vector<int>> && takes<keys, std::vector<std::uint64_t>>);
static_assert(takes<keys, std::array<short, 3>> && takes<keys, const long (&)[3]>);
static_assert(takes<keys, std::list<std::int64_t>> && takes<keys, std::vector<std::string>>);
static_assert(takes<keys, std::vector<const char *>> && takes<keys, view<std::string_view>>);
static_assert(!takes<keys, std::vector<double>> && !takes<keys, std::vector<bool>>);
static_assert(!takes<keys, std::string> && !takes<keys, std::vector<key>>);
#if defined(__cpp_lib_span)
static_assert(takes<keys, std::span<const std::int64_t>> && takes<view<int>, std::span<int>>);
static_assert(takes<std::span<const std::size_t>, view<std::size_t>>);
#endif

// Names, and their lists.
static_assert(
    takes<name, const char *> && takes<name, std::string> && !takes<name, std::nullptr_t>);
static_assert(!takes<name, std::vector<std::string>> && takes<names, std::vector<std::string>>);
static_assert(takes<names, std::array<const char *, 2>> && !takes<names, std::vector<int>>);

// Views.
static_assert(takes<view<int>, std::vector<int>> && takes<view<int>, std::array<int, 2>>);
static_assert(takes<view<int>, const int (&)[2]> && !takes<view<long>, std::vector<int>>);

// Times are of any unit that loses nothing.
static_assert(
    takes<milliseconds, std::chrono::hours> && !takes<milliseconds, std::chrono::microseconds>);
static_assert(!takes<milliseconds, int>);

// What cannot throw says so; what makes lists can.
static_assert(noexcept(std::declval<const table &>().try_server(1, mode::read_only)));
static_assert(noexcept(std::declval<const farm &>().try_server("a.b", "c", mode::read_only)));
static_assert(noexcept(std::declval<const farm &>().try_server({"a.b", "a.c"}, 1, mode::any)));
static_assert(noexcept(std::declval<const farm &>().try_metrics()));
static_assert(noexcept(std::declval<const farm &>().try_next_event()));
static_assert(!noexcept(std::declval<const farm &>().try_shards("a.b")));
#if defined(__cpp_exceptions)
static_assert(!noexcept(std::declval<const table &>().server(1, mode::read_only)));
static_assert(std::is_nothrow_copy_constructible_v<error>);
#endif

// A text key of bytes, and integers at the ends of their types.
static void values()
{
    CHECK_INT(key(INT64_MIN).get()->integer, INT64_MIN);
    CHECK_INT(key(std::int8_t{-3}).get()->integer, -3);
    CHECK_INT(key(std::uint8_t{200}).get()->integer, 200);
    CHECK_INT(key(7u).get()->kind, FABRIC_KEY_INT);
    CHECK_INT(key(UINT64_MAX).get()->kind, FABRIC_KEY_UINT);
    CHECK_INT(key(UINT64_MAX).get()->integer, -1);
    CHECK_INT(key(std::string_view("a\0b", 3)).get()->length, 3);
    CHECK_INT(key(std::string_view()).get()->length, 0);
    CHECK(key(global).get() == nullptr);
    CHECK_INT(key(global).scope(), FABRIC_SCOPE_GLOBAL);

    // Not copied where they lie as C wants them, and widened where not.
    const std::vector<std::int64_t> fit{1, 2};
    CHECK(keys(fit).get()->integers == fit.data());
    const keys narrow(std::vector<unsigned>{1, 4000000000u});
    CHECK_INT(narrow.get()->kind, FABRIC_KEY_INT);
    CHECK_INT(narrow.get()->integers[1], 4000000000);
    const keys listed(std::list<unsigned long long>{UINT64_MAX});
    CHECK_INT(listed.get()->kind, FABRIC_KEY_UINT);
    CHECK_INT(listed.get()->integers[0], -1);
    const keys braced{"a", "bc"};
    CHECK_INT(braced.size(), 2);
    CHECK_INT(braced.get()->lengths[1], 2);
    CHECK_INT(keys({5, 6, 7}).get()->integers[2], 7);
    CHECK_INT(keys(std::vector<int>{}).size(), 0);
}

static void texts()
{
    failure err;
    const std::string longest(1024, 'a'), longer(5000, 'b');
    const names several{"a.b", longest, longer, std::string_view()};
    CHECK_INT(several.check(err), FABRIC_OK);
    CHECK_INT(several.size(), 4);
    CHECK_TEXT(several.data()[0], "a.b");
    CHECK(several.data()[1] == longest && several.data()[2] == longer);
    CHECK(several.data()[3] == nullptr && name(std::string_view()).get() == nullptr);
    CHECK(name(longest).get() == longest && name(longer).get() == longer);
    CHECK_TEXT(name("").get(), "");
    CHECK_INT(names(std::vector<std::string>{}).size(), 0);
    // What would end early for C is refused, with a remedy.
    CHECK_INT(name(std::string_view("a.b\0c", 5)).check(err), FABRIC_ERR_ARGUMENT);
    CHECK_CONTAINS(err.message, "NUL");
    CHECK_INT(err.code, FABRIC_ERR_ARGUMENT);
}

int main()
{
    values();
    texts();
    return 0;
}
