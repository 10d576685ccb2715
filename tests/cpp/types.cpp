// What the compiler is to accept, and what it is to refuse.
#include "support.hpp"

#include <array>
#include <iterator>
#include <list>
#include <sstream>
// clang before 16 cannot compile the ranges of libstdc++.
#if __cplusplus >= 202002L && (!defined(__clang__) || __clang_major__ >= 16)
#define WITH_RANGES
#include <ranges>
#endif
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
// What has no name goes on by value: a reference to it would outlive it.
static_assert(std::is_same_v<decltype(options().source("x").zone("a")), options>);
static_assert(std::is_same_v<decltype(std::declval<options &>().source("x").zone("a")), options &>);
static_assert(std::is_same_v<decltype(choice().zone("a").exclude("x")), choice>);
static_assert(std::is_same_v<decltype(std::declval<choice &>().zone("a")), choice &>);
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

// Braces take what a key takes, and several types of numbers or texts at once.
template <class Of, class... Each>
constexpr auto braced(int) -> decltype(Of{std::declval<Each>()...}, true)
{
    return true;
}
template <class Of, class... Each> constexpr bool braced(long)
{
    return false;
}
enum colour { red, blue };
static_assert(braced<keys, short, short>(0) && braced<keys, std::size_t, std::size_t>(0));
static_assert(braced<keys, int, long, unsigned>(0) && braced<keys, std::string, const char *>(0));
static_assert(!braced<keys, char, char>(0) && !braced<keys, bool, bool>(0));
static_assert(!braced<keys, colour, colour>(0) && !braced<keys, double, double>(0));
static_assert(!braced<keys, int, char>(0) && !braced<keys, int, bool>(0)
              && !braced<keys, int, colour>(0));
static_assert(!braced<keys, int, const char *>(0)
              && !braced<keys, const char *, std::nullptr_t>(0));
static_assert(!takes<key, colour> && !braced<names, const char *, std::nullptr_t>(0));

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
    CHECK_INT(keys{}.size(), 0);
    const keys sizes{std::size_t{1},
                     SIZE_MAX}; // no longer in their braces, and not in need of them
    CHECK_INT(sizes.get()->kind, FABRIC_KEY_UINT);
    CHECK_INT(sizes.get()->integers[1], -1);
    const keys longs{std::int64_t{5}, INT64_MIN};
    CHECK_INT(longs.get()->integers[1], INT64_MIN);
    const keys mixed{1, 2L, 3u};
    CHECK_INT(mixed.get()->integers[2], 3);
}

static std::string_view text_of(const keys &several, std::size_t at)
{
    return {several.get()->texts[at], several.get()->lengths[at]};
}

// Texts that a range makes as it is gone over are there when C reads them. All are longer than a string keeps in
// itself, so that valgrind and the next text show one that is not.
static void made_texts()
{
    std::istringstream words(
        "a-text-of-more-than-a-few-bytes another-text-of-more-than-a-few-bytes");
    struct {
        std::istream_iterator<std::string> first, last;
        auto begin() const
        {
            return first;
        }
        auto end() const
        {
            return last;
        }
    } read{std::istream_iterator<std::string>(words), {}};
    const keys from_words(read);
    CHECK_INT(from_words.size(), 2);
    CHECK(text_of(from_words, 0) == "a-text-of-more-than-a-few-bytes");
    CHECK(text_of(from_words, 1) == "another-text-of-more-than-a-few-bytes");
    const std::vector<std::string> there{"one", "two"};
    CHECK(keys(there).get()->texts[1] == there[1].data()); // not copied
#if defined(WITH_RANGES)
    const std::vector<int> ids{5, 10021};
    const auto texts = ids | std::views::transform([](int id) {
                           return "a-prefix-of-more-than-a-few-bytes-" + std::to_string(id);
                       });
    const keys made(texts);
    CHECK(text_of(made, 0) == "a-prefix-of-more-than-a-few-bytes-5");
    CHECK(text_of(made, 1) == "a-prefix-of-more-than-a-few-bytes-10021");
    CHECK_TEXT(names(texts).data()[1], "a-prefix-of-more-than-a-few-bytes-10021");
#endif
}

// A null pointer is passed on, for C to refuse, and nothing reads behind it.
static void null_texts()
{
    const char *const none = nullptr;
    CHECK(name(none).get() == nullptr);
    CHECK(names({"a.b", none}).data()[1] == nullptr);
    CHECK(names(std::vector<const char *>{none}).data()[0] == nullptr);
    CHECK(key(none).get()->text == nullptr && key(none).get()->length == 1);
    CHECK(keys({"5", none}).get()->texts[1] == nullptr);
    CHECK_INT(keys(std::vector<const char *>{none}).get()->lengths[0], 1);
}

// What is only moved has a value_or(), too.
static void other_values()
{
    failure err{};
    CHECK(*result<std::unique_ptr<int>>(err).value_or(std::make_unique<int>(7)) == 7);
    CHECK(*result<std::unique_ptr<int>>(std::make_unique<int>(1)).value_or(nullptr) == 1);
}

// A choice that was moved from leads to nothing that went along.
static void moved_choices()
{
    const std::string longer(100, 'z');
    choice first = choice().zone(longer).weight("a", 1).exclude("b");
    {
        const choice second = std::move(first);
        CHECK(second.get().zone == longer);
        CHECK_TEXT(second.get().weights[0].server, "a");
        CHECK_TEXT(second.get().excluded[0], "b");
        CHECK(first.get().zone != second.get().zone);
        CHECK_INT(first.get().weights_count + first.get().excluded_count, 0);
    }
    CHECK(first.get().zone == nullptr || std::strlen(first.get().zone) < 100);
    CHECK_TEXT(first.zone("short").get().zone, "short");
    CHECK(first.zone(std::string_view()).get().zone != nullptr);
    CHECK(first.zone(static_cast<const char *>(nullptr)).get().zone == nullptr);
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
    made_texts();
    null_texts();
    other_values();
    moved_choices();
    return 0;
}
