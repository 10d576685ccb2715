#ifndef MYSQLFABRIC_HPP
#define MYSQLFABRIC_HPP

#include <mysqlfabric.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <forward_list>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <new>
#include <optional>
#include <poll.h>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

/**
 * @file mysqlfabric.hpp
 * libmysqlfabric for C++17 and later: a header over mysqlfabric.h, which has nothing to link of its own.
 *
 * @code
 * mysqlfabric::farm farm(mysqlfabric::options()
 *                            .source("cluster://db1,db2,db3")
 *                            .mysql_credentials("router", "routing"));
 * auto server = farm.server("shop.orders", 42, mysqlfabric::mode::read_write);
 * mysql_real_connect(m, server.host, user, password, "shop", server.port, nullptr, 0);
 * @endcode
 *
 * Every call that can fail is there twice: `server()` throws mysqlfabric::error, and `try_server()` returns a
 * mysqlfabric::result. With `-fno-exceptions` only the second half is there. Where there are exceptions, it throws none
 * but std::bad_alloc, and that only where it makes a list. A program may have files of both kinds; a class of this
 * header is another one in each, so what one hands to the other is a `fabric_t *`, as of farm::get().
 *
 * What comes out are the structs of mysqlfabric.h, with its constants: `event.kind ==
 * FABRIC_EVENT_PRIMARY_CHANGED`. What is said there of a function (how long it may block, its statuses,
 * threads, fork) holds for the member of that name here. Handles are moved and not copied; a handle that was
 * moved from answers FABRIC_ERR_NULL_POINTER.
 */

/** C++ over mysqlfabric.h; see mysqlfabric.hpp. */
namespace mysqlfabric
{
/** @cond a namespace in which programs need not look */
/* The same code differs with and without exceptions: under one name the linker would take either for both. */
#if defined(__cpp_exceptions)
inline namespace with_exceptions
{
#else
inline namespace without_exceptions
{
#endif
/** @endcond */

using server = fabric_server_t;               /**< A MySQL server to connect to. */
using shard = fabric_shard_t;                 /**< A shard of a table. */
using table_info = fabric_table_info_t;       /**< What is known of a table. */
using group_info = fabric_group_info_t;       /**< What is known of a group. */
using node = fabric_node_t;                   /**< The address of a Fabric node. */
using metrics = fabric_metrics_t;             /**< What a handle has done so far, and how it is. */
using event = fabric_event_t;                 /**< Something that happened to a handle. */
using server_health = fabric_server_health_t; /**< How a server is. */
using explanation = fabric_explanation_t;     /**< How a lookup is answered, and why. */
using failure = fabric_error_t;               /**< What went wrong: code, message, whether to try again. */
using std::chrono::milliseconds;

/** What a connection is wanted for. */
enum class mode : std::int32_t {
    any = FABRIC_MODE_NONE,             /**< As read_only. */
    read_only = FABRIC_MODE_READONLY,   /**< A secondary, or the primary where there is none. */
    write_only = FABRIC_MODE_WRITEONLY, /**< The primary. */
    read_write = FABRIC_MODE_READWRITE  /**< The primary. */
};

/** The role of a server in its group. */
enum class role : std::int32_t {
    faulty = FABRIC_STATUS_FAULTY,
    spare = FABRIC_STATUS_SPARE,
    secondary = FABRIC_STATUS_SECONDARY,
    primary = FABRIC_STATUS_PRIMARY
};

/** How grave a log message is. */
enum class log_level : std::int32_t {
    error = FABRIC_LOG_ERROR,
    warning = FABRIC_LOG_WARNING,
    info = FABRIC_LOG_INFO,
    debug = FABRIC_LOG_DEBUG
};

/** How much TLS there must be with MySQL servers. */
enum class tls_mode : std::int32_t {
    standard = FABRIC_TLS_DEFAULT,
    disabled = FABRIC_TLS_DISABLED,
    preferred = FABRIC_TLS_PREFERRED,
    required = FABRIC_TLS_REQUIRED,
    verify_ca = FABRIC_TLS_VERIFY_CA,
    verify_identity = FABRIC_TLS_VERIFY_IDENTITY
};

/** Which servers of a group reads go to. */
enum class prefer : std::int32_t {
    standard = FABRIC_PREFER_DEFAULT,              /**< As the options say. */
    secondary = FABRIC_PREFER_SECONDARY,           /**< The secondaries; the primary where none is in use. */
    secondary_only = FABRIC_PREFER_SECONDARY_ONLY, /**< The secondaries, or nobody. */
    primary = FABRIC_PREFER_PRIMARY,               /**< The primary; secondaries where it is not in use. */
    nearest = FABRIC_PREFER_NEAREST                /**< All alike, those of the own zone first. */
};

/** How Fabric is told of servers that cannot be reached. */
enum class reports : std::int32_t {
    off = FABRIC_REPORT_OFF,
    errors = FABRIC_REPORT_ERROR,
    failures = FABRIC_REPORT_FAILURE
};

/** Whose answer is given where Fabric and Connector/Python disagree. */
enum class compat : std::int32_t { fabric = FABRIC_COMPAT_SERVER, connector_python = FABRIC_COMPAT_CONNECTOR_PYTHON };

/** A time that does not end, for options::vanished_hold() and options::max_replica_lag(). */
inline constexpr milliseconds forever{FABRIC_FOREVER_MS};

/** In place of a key: what all shards share, in the global group of the table. */
struct global_t {
    explicit constexpr global_t() noexcept = default;
};
inline constexpr global_t global{}; /**< The one value of global_t. */

/** The version of the library that is running. */
inline std::string_view version() noexcept { return fabric_version(); }

/** A short text for a status. */
inline const char *status_text(std::int32_t code) noexcept { return fabric_strerror(code); }

/** Whether the same call may succeed later although nobody corrects anything. */
inline bool is_retryable(std::int32_t code) noexcept { return fabric_status_is_retryable(code) != 0; }

/** The MySQL errno that fits a status, or 0. */
inline std::int32_t status_errno(std::int32_t code) noexcept { return fabric_status_mysql_errno(code); }

/** What there is to do about a MySQL errno: FABRIC_ACTION_*, or'ed. */
inline std::int32_t errno_action(std::int64_t mysql_errno) noexcept
{
    return mysql_errno < 0 || mysql_errno > INT32_MAX ? FABRIC_ACTION_NONE
                                                      : fabric_errno_action(static_cast<std::int32_t>(mysql_errno));
}

/** The same by the text of the driver's error as well, which tells what 1290 is about; nullptr if it is not known. */
inline std::int32_t error_action(std::int64_t mysql_errno, const char *message) noexcept
{
    return mysql_errno < 0 || mysql_errno > INT32_MAX
               ? FABRIC_ACTION_NONE
               : fabric_error_action(static_cast<std::int32_t>(mysql_errno), message);
}

/** What a FABRIC_WHY_* of an explanation means. */
inline const char *why_name(std::int32_t why) noexcept { return fabric_why_name(why); }

/** The name of a kind of event, such as "PRIMARY_CHANGED". */
inline const char *event_name(std::int32_t kind) noexcept { return fabric_event_name(kind); }

#if defined(__cpp_exceptions)
/** What calls throw that fail. The subclasses are the ranges of statuses. */
class error : public std::exception
{
  public:
    /** Of what a call said. */
    explicit error(const failure &said) noexcept : said_(said) {}
    /** A sentence that names the value and the remedy. */
    const char *what() const noexcept override { return said_.message; }
    /** The status, one of FABRIC_ERR_*. */
    std::int32_t code() const noexcept { return said_.code; }
    /** The MySQL errno that fits, 0 where none does. */
    std::int32_t mysql_errno() const noexcept { return said_.mysql_errno; }
    /** Whether the same call may succeed later although nobody corrects anything. */
    bool retryable() const noexcept { return said_.retryable != 0; }

  private:
    failure said_;
};
/** Statuses 1 to 19: an argument. */
class argument_error : public error
{
    using error::error;
};
/** Statuses 20 to 39: the source of the topology cannot be asked. */
class source_error : public error
{
    using error::error;
};
/** Statuses 40 to 59: the farm has no such table, key or group, or no server for it now. */
class farm_error : public error
{
    using error::error;
};
/** Statuses 60 to 79: the call may not wait, was interrupted, or the system has nothing left. */
class call_error : public error
{
    using error::error;
};
/** FABRIC_ERR_PANIC, and whatever else there may be. */
class internal_error : public error
{
    using error::error;
};

/** Throws what a call said, as the class of its status. */
[[noreturn]] inline void raise(const failure &said)
{
    if (said.code < 20)
        throw argument_error(said);
    if (said.code < 40)
        throw source_error(said);
    if (said.code < 60)
        throw farm_error(said);
    if (said.code < 80)
        throw call_error(said);
    throw internal_error(said);
}
#endif

/** @cond not for programs */
namespace detail
{
/* Room for a T, which a call fills: a struct of C is not cleared before. */
template <class T> struct slot {
    slot() noexcept(std::is_nothrow_default_constructible_v<T>) {}
    slot(T &&from) noexcept : value(std::move(from)) {}
    T value;
};
struct unset {
};
} // namespace detail
/** @endcond */

/** A value, or what went wrong, as std::expected<T, failure> of C++23. */
template <class T> class [[nodiscard]] result
{
  public:
    /** Of a value. */
    result(T value) noexcept : held_(std::in_place_index<0>, std::move(value)) {}
    /** @cond for the calls of this header */
    explicit result(detail::unset) noexcept(std::is_nothrow_default_constructible_v<T>) {}
    /** @endcond */
    /** Of what went wrong. */
    result(const failure &said) noexcept : held_(std::in_place_index<1>, said) {}

    /** Whether it went well. */
    bool has_value() const noexcept { return held_.index() == 0; }
    /** Whether it went well. */
    explicit operator bool() const noexcept { return has_value(); }
    /** The status: FABRIC_OK if there is a value. */
    std::int32_t code() const noexcept { return has_value() ? FABRIC_OK : error().code; }
    /** What went wrong. Only where there is no value. */
    const failure &error() const noexcept { return *std::get_if<1>(&held_); }
    /** @{ */
    /** The value. Only where there is one. */
    T &operator*() &noexcept { return std::get_if<0>(&held_)->value; }
    const T &operator*() const &noexcept { return std::get_if<0>(&held_)->value; }
    T &&operator*() &&noexcept { return std::move(**this); }
    T *operator->() noexcept { return &**this; }
    const T *operator->() const noexcept { return &**this; }
    /** @} */
    /** @{ */
    /** The value, or another one. */
    template <class Other> T value_or(Other &&other) const &
    {
        return has_value() ? **this : static_cast<T>(std::forward<Other>(other));
    }
    template <class Other> T value_or(Other &&other) &&
    {
        return has_value() ? std::move(**this) : static_cast<T>(std::forward<Other>(other));
    }
    /** @} */
#if defined(__cpp_exceptions)
    /** @{ */
    /** The value, or throws what went wrong. */
    T value() &&
    {
        if (!has_value())
            raise(error());
        return std::move(**this);
    }
    const T &value() const &
    {
        if (!has_value())
            raise(error());
        return **this;
    }
    /** @} */
#endif

  private:
    std::variant<detail::slot<T>, failure> held_;
};

/** Nothing, or what went wrong. */
template <> class [[nodiscard]] result<void>
{
  public:
    result() = default;
    /** Of what went wrong. */
    result(const failure &said) noexcept : said_(said) {}
    /** Whether it went well. */
    bool has_value() const noexcept { return !said_; }
    /** Whether it went well. */
    explicit operator bool() const noexcept { return has_value(); }
    /** The status. */
    std::int32_t code() const noexcept { return said_ ? said_->code : FABRIC_OK; }
    /** What went wrong. Only where something did. */
    const failure &error() const noexcept { return *said_; }
#if defined(__cpp_exceptions)
    /** Throws what went wrong, if anything did. */
    void value() const
    {
        if (said_)
            raise(*said_);
    }
#endif

  private:
    std::optional<failure> said_;
};

/** Elements that lie one after the other and belong to somebody else; std::span<const T> of C++20. */
template <class T> class view
{
  public:
    constexpr view() noexcept = default;
    /** Of `size` elements. */
    constexpr view(const T *data, std::size_t size) noexcept : data_(data), size_(size) {}
    /** Of a std::vector, std::array, std::span, an array, or whatever else std::data() takes. */
    template <class Range, class Element = std::remove_pointer_t<decltype(std::data(std::declval<Range &>()))>,
              class = std::enable_if_t<std::is_convertible_v<Element (*)[], const T (*)[]>>>
    constexpr view(const Range &range) noexcept : data_(std::data(range)), size_(std::size(range))
    {
    }
    /** @{ */
    /** As of a std::span. */
    constexpr const T *data() const noexcept { return data_; }
    constexpr std::size_t size() const noexcept { return size_; }
    constexpr bool empty() const noexcept { return size_ == 0; }
    constexpr const T *begin() const noexcept { return data_; }
    constexpr const T *end() const noexcept { return data_ + size_; }
    constexpr const T &operator[](std::size_t at) const noexcept { return data_[at]; }
    /** @} */

  private:
    const T *data_ = nullptr;
    std::size_t size_ = 0;
};

/** @cond not for programs */
namespace detail
{

inline std::int32_t fail(failure &err, std::int32_t code, const char *message) noexcept
{
    err = failure{};
    err.code = code;
    err.mysql_errno = fabric_status_mysql_errno(code);
    err.retryable = fabric_status_is_retryable(code);
    std::snprintf(err.message, sizeof err.message, "%s", message);
    return code;
}

inline std::int32_t check_nul(bool has_nul, failure &err, const char *what) noexcept
{
    if (!has_nul)
        return FABRIC_OK;
    char message[128];
    std::snprintf(message, sizeof message, "%s has a NUL in it, and would end there: take it out", what);
    return fail(err, FABRIC_ERR_ARGUMENT, message);
}

template <class T>
inline constexpr bool is_text =
    std::is_convertible_v<const T &, std::string_view> && !std::is_same_v<T, std::nullptr_t>;

/* A text of any type. A null pointer is one without an address, which C answers with a status. */
struct any_text {
    template <class Text, class = std::enable_if_t<is_text<Text>>> any_text(const Text &text) noexcept
    {
        if constexpr (std::is_pointer_v<Text>)
            is_null = text == nullptr;
        if (!is_null)
            bytes = text;
    }
    std::string_view bytes;
    bool is_null = false;
};

/* Texts as C wants them: pointers and NULs. One of up to 1024 bytes, as long as a name may be, takes no
 * allocation. A text without an address, std::string_view(), is NULL. */
class c_strings
{
  public:
    c_strings(const c_strings &) = delete;
    c_strings &operator=(const c_strings &) = delete;
    const char *const *data() const noexcept { return pointers_; }
    std::size_t size() const noexcept { return size_; }
    /* What keeps them from being passed on: memory, or a NUL in a text, which would end it for C. */
    std::int32_t check(failure &err, const char *what = "a text") const noexcept
    {
        if (pointers_ == nullptr && size_ > 0)
            return fail(err, FABRIC_ERR_SYSTEM, "there is no memory left for the names of a call");
        return check_nul(has_nul_, err, what);
    }

  protected:
    c_strings() noexcept = default;
    ~c_strings() = default;
    template <class Iterator> void fill(Iterator begin, Iterator end) noexcept
    {
        std::size_t bytes = 0;
        for (Iterator at = begin; at != end; ++at, ++size_)
            bytes += any_text(*at).bytes.size() + 1 + sizeof(const char *);
        char *block = inline_;
        if (bytes > sizeof inline_) {
            heap_.reset(new (std::nothrow) char[bytes]);
            block = heap_.get();
        }
        if (block == nullptr)
            return;
        pointers_ = reinterpret_cast<const char **>(block);
        char *text = block + size_ * sizeof(const char *);
        std::size_t i = 0;
        for (Iterator at = begin; at != end; ++at, ++i) {
            auto &&element = *at; /* stays until the text is copied, also one that is made on the way */
            const std::string_view from = any_text(element).bytes;
            new (&pointers_[i]) const char *(from.data() == nullptr ? nullptr : text);
            has_nul_ = has_nul_ || from.find('\0') != from.npos;
            text += from.copy(text, from.size());
            *text++ = '\0';
        }
    }

  private:
    alignas(const char *) char inline_[sizeof(const char *) + 1025];
    std::unique_ptr<char[]> heap_;
    const char **pointers_ = nullptr;
    std::size_t size_ = 0;
    bool has_nul_ = false;
};

template <class Range> using element = std::decay_t<decltype(*std::begin(std::declval<const Range &>()))>;

template <class T, class... Others> inline constexpr bool is_one_of = (std::is_same_v<T, Others> || ...);

/* Numbers, and neither truths nor characters, of 64 bits at most. */
template <class T>
inline constexpr bool is_integer = std::is_integral_v<T> && sizeof(T) <= sizeof(std::int64_t)
                                   && !is_one_of<T, bool, char, wchar_t, char16_t, char32_t
#if defined(__cpp_char8_t)
                                                 ,
                                                 char8_t
#endif
                                                 >;

/* A number in braces beside others of other types. */
struct any_integer {
    template <class Integer,
              class = std::enable_if_t<is_integer<Integer> && (std::is_signed_v<Integer> || sizeof(Integer) < 8)>>
    constexpr any_integer(Integer number) noexcept : value(number)
    {
    }
    std::int64_t value;
};

/* Whether what an iterator points to stays when the iterator goes on; what it makes or reads on the way does not. */
template <class Iterator, class = void> inline constexpr bool is_lasting = false;
template <class Iterator>
inline constexpr bool is_lasting<Iterator, std::void_t<typename std::iterator_traits<Iterator>::iterator_category>> =
    std::is_reference_v<decltype(*std::declval<Iterator &>())>
        &&std::is_base_of_v<std::forward_iterator_tag, typename std::iterator_traits<Iterator>::iterator_category>;

/* Whatever a callback throws ends here: it must not reach C. */
template <class Call> void contain(Call call) noexcept
{
#if defined(__cpp_exceptions)
    try {
        call();
    } catch (...) {
    }
#else
    call();
#endif
}

/* A call that writes a T; `given` are checked before it. Left to itself gcc makes it a function of its own, which
 * would cost a warm lookup a quarter more. */
template <class T, class Call, class... Given>
[[gnu::always_inline]] inline result<T> attempt(const Call &call, const Given &...given) noexcept(
    std::is_nothrow_default_constructible_v<T> &&std::is_trivially_destructible_v<T>)
{
    result<T> answer{unset()};
    failure err;
    std::int32_t code = FABRIC_OK;
    ((code = code != FABRIC_OK ? code : given.check(err)), ...);
    if (code == FABRIC_OK)
        code = call(*answer, err);
    if (code != FABRIC_OK)
        answer = err;
    return answer;
}

/* A call that writes nothing. */
template <class Call, class... Given> result<void> perform(const Call &call, const Given &...given) noexcept
{
    failure err;
    std::int32_t code = FABRIC_OK;
    ((code = code != FABRIC_OK ? code : given.check(err)), ...);
    if (code == FABRIC_OK)
        code = call(err);
    return code == FABRIC_OK ? result<void>() : result<void>(err);
}

/* A call that makes a T of a Raw. */
template <class T, class Raw, class Call, class... Given>
result<T> make(const Call &call, const Given &...given) noexcept
{
    Raw *made = nullptr;
    const auto answer = perform([&](failure &err) { return call(&made, err); }, given...);
    return answer ? result<T>(T(made)) : result<T>(answer.error());
}

/* A call that writes a list: again with more room as long as there is too little. */
template <class T, class Call, class... Given> result<std::vector<T>> list(const Call &call, const Given &...given)
{
    return attempt<std::vector<T>>(
        [&](std::vector<T> &out, failure &err) {
            std::size_t count = 8;
            std::int32_t code = FABRIC_ERR_BUFFER_TOO_SMALL;
            while (code == FABRIC_ERR_BUFFER_TOO_SMALL) {
                out.resize(count);
                code = call(out.data(), out.size(), &count, &err);
            }
            out.resize(code == FABRIC_OK ? count : 0);
            return code;
        },
        given...);
}

inline std::optional<milliseconds> time(std::int64_t ms) noexcept
{
    return ms < 0 ? std::nullopt : std::optional<milliseconds>(ms);
}

inline std::optional<std::string_view> text(const char *text) noexcept
{
    return text == nullptr ? std::nullopt : std::optional<std::string_view>(text);
}

struct deleter {
    void operator()(fabric_t *f) const noexcept { fabric_free(f); }
    void operator()(fabric_table_t *t) const noexcept { fabric_table_free(t); }
    void operator()(fabric_options_t *o) const noexcept { fabric_options_free(o); }
    void operator()(fabric_result_t *r) const noexcept { fabric_result_free(r); }
};
template <class T> using owned = std::unique_ptr<T, deleter>;

/* Calls `ask` with room for the servers of a batch, and with more of it as long as there is too little. */
template <class Ask> std::int32_t batch(std::vector<server> &servers, std::size_t keys, const Ask &ask)
{
    std::size_t count = keys < 8 ? keys : 8;
    std::int32_t code = FABRIC_ERR_BUFFER_TOO_SMALL;
    while (code == FABRIC_ERR_BUFFER_TOO_SMALL) {
        servers.resize(count);
        code = ask(count);
    }
    if (code != FABRIC_OK && code != FABRIC_ERR_SOME_KEYS)
        return code;
    servers.resize(count);
    return FABRIC_OK;
}

/* A call that writes `most` servers at most, and no more than a group can be thought to have. */
template <class Choice, class Call, class... Given>
result<std::vector<server>> chosen(std::size_t most, const Choice &choice, const Call &call, const Given &...given)
{
    return attempt<std::vector<server>>(
        [&](std::vector<server> &out, failure &err) {
            if (most == 0)
                return fail(err, FABRIC_ERR_ARGUMENT, "'most' is 0; ask for one server at least");
            const auto wanted = choice.get();
            std::size_t count = 0;
            out.resize(most < 1024 ? most : 1024);
            const std::int32_t code = call(&wanted, out.data(), out.size(), &count, &err);
            out.resize(count);
            return code;
        },
        choice, given...);
}

} // namespace detail
/** @endcond */

/** How long ago it happened. */
inline milliseconds age(const event &of) noexcept { return milliseconds(of.age_ms); }
/** How long ago the source confirmed it; nothing where nobody knows. */
inline std::optional<milliseconds> age(const group_info &of) noexcept { return detail::time(of.age_ms); }

/** A text that C ends with a NUL: a name, a path, a URL. Copied; one with a NUL in it is refused. */
class name : public detail::c_strings
{
  public:
    /** Of a string, a string_view, or an array of characters. */
    template <class Text, class = std::enable_if_t<detail::is_text<Text>>> name(const Text &text) noexcept
    {
        const detail::any_text one(text);
        fill(&one, &one + 1);
    }
    /** The text; NULL for a std::string_view() without an address. */
    const char *get() const noexcept { return data() == nullptr ? nullptr : *data(); }
};

/** One name or several, such as of tables that are joined: "a.b", {"a.b", "a.c"}, a std::vector. */
class names : public detail::c_strings
{
  public:
    /** @{ */
    /** Of one text, or several. */
    template <class Text, class = std::enable_if_t<detail::is_text<Text>>> names(const Text &text) noexcept
    {
        const detail::any_text one(text);
        fill(&one, &one + 1);
    }
    names(std::initializer_list<detail::any_text> list) noexcept { fill(list.begin(), list.end()); }
    template <class Range, class Element = detail::element<Range>,
              std::enable_if_t<!detail::is_text<Range> && detail::is_text<Element>, int> = 0>
    names(const Range &range) noexcept
    {
        fill(std::begin(range), std::end(range));
    }
    /** @} */
};

/**
 * A sharding key: an integer of any width, or a text (a string, or a date and time).
 *
 * It refers to the text, which must stay for the call; so a key with a name must not be made of a text without one.
 * Floating point numbers, bool, characters and enumerations are refused by the compiler.
 */
class key
{
  public:
    /** Of a number. */
    template <class Integer, std::enable_if_t<detail::is_integer<Integer>, int> = 0>
    key(Integer value) noexcept
        : key_(std::is_signed_v<Integer> ? fabric_key_int(static_cast<std::int64_t>(value))
                                         : fabric_key_uint(static_cast<std::uint64_t>(value)))
    {
    }
    /** Of a number of the type of NULL. gcc warns of a NULL here, and not where a template takes it. */
    key(decltype(NULL) value) noexcept : key_(fabric_key_int(value)) {}
    template <class Other,
              std::enable_if_t<!detail::is_integer<Other> && std::is_convertible_v<Other, std::int64_t>, int> = 0>
    key(Other) = delete;
    /** Of a text, which must stay. */
    template <class Text, std::enable_if_t<detail::is_text<Text>, int> = 0> key(const Text &text) noexcept
    {
        const detail::any_text said(text);
        key_ = fabric_key_text(said.bytes.data(), said.is_null ? 1 : said.bytes.size());
    }
    /** No key: the global group of the table. */
    key(global_t) noexcept : key_(), scope_(FABRIC_SCOPE_GLOBAL) {}

    /** As C takes it; NULL for `global`. */
    const fabric_key_t *get() const noexcept { return scope_ == FABRIC_SCOPE_GLOBAL ? nullptr : &key_; }
    /** FABRIC_SCOPE_LOCAL, or FABRIC_SCOPE_GLOBAL for `global`. */
    std::int32_t scope() const noexcept { return scope_; }

  private:
    fabric_key_t key_;
    std::int32_t scope_ = FABRIC_SCOPE_LOCAL;
};

/**
 * Many sharding keys: integers of one type, or texts, in a container, a std::span, an array, or braces.
 *
 * It refers to them, and they must stay for the call. Contiguous std::int64_t and std::uint64_t are not
 * copied; of others the numbers, or the places of the texts, are. Texts that a range makes as it is gone over, such as
 * std::views::transform() does, are copied.
 */
class keys
{
  public:
    /** @{ */
    /** Of numbers or of texts, which must stay. */
    template <
        class Range, class Element = detail::element<Range>,
        std::enable_if_t<!detail::is_text<Range> && (detail::is_integer<Element> || detail::is_text<Element>), int> = 0>
    keys(const Range &range)
    {
        if constexpr (detail::is_text<Element>)
            texts(std::begin(range), std::end(range));
        else
            integers<Element>(range);
    }
    template <class Integer, std::enable_if_t<detail::is_integer<Integer>, int> = 0>
    keys(std::initializer_list<Integer> list)
    {
        copy<Integer>(list);
    }
    keys(std::initializer_list<detail::any_integer> list)
    {
        for (const detail::any_integer number : list)
            integers_.push_back(number.value);
        set(integers_.data(), integers_.size());
    }
    keys(std::initializer_list<detail::any_text> list) { texts(list.begin(), list.end()); }
    /** @} */
    /** None. */
    keys() noexcept : keys_(fabric_keys_int(nullptr, 0)) {}
    /** `count` rows of what all shards share. */
    keys(global_t, std::size_t count) : integers_(count), scope_(FABRIC_SCOPE_GLOBAL)
    {
        keys_ = fabric_keys_int(integers_.data(), count);
    }
    keys(const keys &) = delete;
    keys &operator=(const keys &) = delete;

    /** As C takes them. */
    const fabric_keys_t *get() const noexcept { return &keys_; }
    /** How many. */
    std::size_t size() const noexcept { return keys_.count; }
    /** FABRIC_SCOPE_LOCAL, or FABRIC_SCOPE_GLOBAL for `global`. */
    std::int32_t scope() const noexcept { return scope_; }

  private:
    /* Numbers of less than 64 bits fit into those with a sign. */
    template <class Element>
    using wide = std::conditional_t<std::is_signed_v<Element> || sizeof(Element) < 8, std::int64_t, std::uint64_t>;
    template <class Element, class Range> void integers(const Range &range)
    {
        if constexpr (std::is_constructible_v<view<wide<Element>>, const Range &>) {
            const view<wide<Element>> as_they_are(range);
            set(as_they_are.data(), as_they_are.size());
        } else {
            copy<Element>(range);
        }
    }
    template <class Element, class Range> void copy(const Range &range)
    {
        if constexpr (std::is_same_v<wide<Element>, std::int64_t>) {
            integers_.assign(std::begin(range), std::end(range));
            set(integers_.data(), integers_.size());
        } else {
            unsigned_.assign(std::begin(range), std::end(range));
            set(unsigned_.data(), unsigned_.size());
        }
    }
    void set(const std::int64_t *values, std::size_t count) noexcept { keys_ = fabric_keys_int(values, count); }
    void set(const std::uint64_t *values, std::size_t count) noexcept { keys_ = fabric_keys_uint(values, count); }
    template <class Iterator> void texts(Iterator begin, Iterator end)
    {
        using text = std::decay_t<decltype(*begin)>;
        for (Iterator at = begin; at != end; ++at)
            if constexpr (detail::is_lasting<Iterator> || detail::is_one_of<text, const char *, std::string_view>)
                add(*at);
            else
                add(made_.emplace_front(detail::any_text(*at).bytes));
        keys_ = fabric_keys_text(texts_.data(), lengths_.data(), texts_.size());
    }

    void add(const detail::any_text &text)
    {
        texts_.push_back(text.bytes.data());
        lengths_.push_back(text.is_null ? 1 : text.bytes.size());
    }

    std::vector<std::int64_t> integers_;
    std::vector<std::uint64_t> unsigned_;
    std::forward_list<std::string> made_; /* whose addresses stay */
    std::vector<const char *> texts_;
    std::vector<std::size_t> lengths_;
    fabric_keys_t keys_{};
    std::int32_t scope_ = FABRIC_SCOPE_LOCAL;
};

/**
 * What one call wants otherwise than its farm, for farm::choose_servers(). Made once, it serves any number of calls of
 * any threads at once. A server is named by its UUID, or by `host:port`.
 */
class choice
{
  public:
    choice() = default;
    /** What it refers to moves along. */
    choice(choice &&) = default;
    /** What it refers to moves along. */
    choice &operator=(choice &&) = default;

    /** Which servers reads go to. */
    choice &reads(prefer which) &noexcept
    {
        choice_.preference = static_cast<std::int32_t>(which);
        return *this;
    }
    /** The zone whose servers come first; empty for none. */
    choice &zone(detail::any_text near) &
    {
        zone_.reset();
        if (!near.is_null)
            zone_ = near.bytes;
        check_nul(near);
        return *this;
    }
    /** The share of a server in reads, greater than 0. */
    choice &weight(detail::any_text which, double share) &
    {
        fabric_server_weight_t one{};
        one.server = keep(which);
        one.weight = share;
        weights_.push_back(one);
        return *this;
    }
    /** A server that does not come into question. */
    choice &exclude(detail::any_text which) &
    {
        excluded_.push_back(keep(which));
        return *this;
    }
    /** @{ */
    /** The same of a choice without a name: it goes on by value. */
    choice reads(prefer which) &&noexcept { return std::move(reads(which)); }
    choice zone(detail::any_text near) && { return std::move(zone(near)); }
    choice weight(detail::any_text which, double share) && { return std::move(weight(which, share)); }
    choice exclude(detail::any_text which) && { return std::move(exclude(which)); }
    /** @} */

    /** As C takes it; what it points to stays this object's. */
    fabric_choice_t get() const noexcept
    {
        fabric_choice_t chosen = choice_;
        chosen.zone = zone_ ? zone_->c_str() : nullptr;
        chosen.weights = weights_.data();
        chosen.weights_count = weights_.size();
        chosen.excluded = excluded_.data();
        chosen.excluded_count = excluded_.size();
        return chosen;
    }
    /** @cond for the calls of this header */
    std::int32_t check(failure &err) const noexcept { return detail::check_nul(has_nul_, err, "a text of a choice"); }
    /** @endcond */

  private:
    void check_nul(const detail::any_text &text) noexcept
    {
        has_nul_ = has_nul_ || text.bytes.find('\0') != text.bytes.npos;
    }
    const char *keep(const detail::any_text &text)
    {
        check_nul(text);
        return text.is_null ? nullptr : texts_.emplace_front(text.bytes).c_str();
    }
    fabric_choice_t choice_{}; /* without what get() points to */
    std::optional<std::string> zone_;
    std::vector<fabric_server_weight_t> weights_;
    std::vector<const char *> excluded_;
    std::forward_list<std::string> texts_; /* whose addresses stay */
    bool has_nul_ = false;
};

/** Where each of many keys goes: the answer to farm::servers(). */
class placement
{
  public:
    /** One server of each group that is met. */
    const std::vector<mysqlfabric::server> &servers() const noexcept { return servers_; }
    /** How many keys there were. */
    std::size_t size() const noexcept { return index_.size(); }
    /** The server of a key, by its position; NULL if it has none, and status() says why. */
    const mysqlfabric::server *operator[](std::size_t at) const noexcept
    {
        return index_[at] == FABRIC_NO_INDEX ? nullptr : &servers_[index_[at]];
    }
    /** FABRIC_OK, or why this key has no server. */
    std::int32_t status(std::size_t at) const noexcept { return status_[at]; }
    /** Whether every key has a server. */
    bool complete() const noexcept { return complete_; }

  private:
    friend class farm;
    friend class table;
    /* `call` writes indices, statuses and servers. */
    template <class Call, class... Given>
    static result<placement> ask(std::size_t keys, const Call &call, const Given &...given)
    {
        return detail::attempt<placement>(
            [&](placement &out, failure &err) {
                out.index_.resize(keys);
                out.status_.resize(keys);
                return detail::batch(out.servers_, keys, [&](std::size_t &count) {
                    const std::int32_t code = call(out.index_.data(), out.status_.data(), out.servers_.data(),
                                                   out.servers_.size(), &count, &err);
                    out.complete_ = code == FABRIC_OK;
                    return code;
                });
            },
            given...);
    }
    std::vector<mysqlfabric::server> servers_;
    std::vector<std::uint32_t> index_;
    std::vector<std::int32_t> status_;
    bool complete_ = true;
};

/** Many keys by their server, for a statement each: the answer to farm::split(). A range of parts. */
class partition
{
  public:
    /** The keys of one server, by their positions in the order in which they were given. */
    struct part {
        const mysqlfabric::server *server; /**< The server, which belongs to the partition. */
        view<std::size_t> positions;       /**< The keys. */
    };
    partition() noexcept = default;
    /** Its parts stay valid. */
    partition(partition &&) noexcept = default;
    /** Its parts stay valid. */
    partition &operator=(partition &&) noexcept = default;

    /** @{ */
    /** The parts, as of a container. */
    std::size_t size() const noexcept { return servers_.size(); }
    const part &operator[](std::size_t at) const noexcept { return parts_[at]; }
    const part *begin() const noexcept { return parts_.data(); }
    const part *end() const noexcept { return parts_.data() + size(); }
    /** @} */
    /** The keys that have no server. */
    view<std::size_t> failed() const noexcept { return parts_.empty() ? view<std::size_t>() : parts_.back().positions; }
    /** FABRIC_OK, or why the key at this position has no server. */
    std::int32_t status(std::size_t position) const noexcept { return status_[position]; }

  private:
    friend class farm;
    void set_parts(const std::vector<std::size_t> &starts)
    {
        for (std::size_t i = 0; i < servers_.size(); ++i)
            parts_.push_back({&servers_[i], {order_.data() + starts[i], starts[i + 1] - starts[i]}});
        const std::size_t placed = starts[servers_.size()];
        parts_.push_back({nullptr, {order_.data() + placed, order_.size() - placed}});
    }
    std::vector<mysqlfabric::server> servers_;
    std::vector<std::size_t> order_;
    std::vector<std::int32_t> status_;
    std::vector<part> parts_; /* one of each server, and the keys that have none */
};

/** What a Fabric command answered: result sets of rows of texts. */
class command_result
{
  public:
    /** Takes over an answer of fabric_execute(). */
    explicit command_result(fabric_result_t *made) noexcept : result_(made) {}
    /** @{ */
    /** How many there are; 0 of what is not there. */
    std::size_t sets() const noexcept { return fabric_result_sets(result_.get()); }
    std::size_t rows(std::size_t set = 0) const noexcept { return fabric_result_rows(result_.get(), set); }
    std::size_t columns(std::size_t set = 0) const noexcept { return fabric_result_columns(result_.get(), set); }
    /** @} */
    /** The name of a column; nothing if there is no such column. Belongs to the answer. */
    std::optional<std::string_view> column_name(std::size_t set, std::size_t column) const noexcept
    {
        return detail::text(fabric_result_column_name(result_.get(), set, column));
    }
    /** A value as text; nothing if it is nil or there is none. Belongs to the answer. */
    std::optional<std::string_view> value(std::size_t set, std::size_t row, std::size_t column) const noexcept
    {
        std::size_t length = 0;
        const char *bytes = fabric_result_value(result_.get(), set, row, column, &length);
        return bytes == nullptr ? std::nullopt : std::optional<std::string_view>(std::in_place, bytes, length);
    }

  private:
    detail::owned<fabric_result_t> result_;
};

/**
 * What a farm is made with. Each member sets one option and returns the options: a reference to those that have a name,
 * and else the options themselves; what is wrong with one is said when a farm is made. So they go into a farm in the
 * expression that makes them, or get a name: `auto o = options().source(url);`. See fabric_options_new() for the
 * defaults.
 *
 * Not for several threads at once.
 */
class options
{
  public:
    options() noexcept : options_(fabric_options_new()) {}

    /** Where the topology comes from, as a URL. */
    options &source(const name &url) &noexcept { return text(fabric_options_set_source, url, "the URL of the source"); }
    /** A Fabric node; port 0 is FABRIC_DEFAULT_PORT. */
    options &node(const name &host, std::uint16_t port = 0) &noexcept
    {
        if (takes(host, "the host of a node"))
            fabric_options_add_node(get(), host.get(), port);
        return *this;
    }
    /** User and password for Fabric. */
    options &credentials(const name &user, const name &password) &noexcept
    {
        if (takes(user, "the user of the credentials") && takes(password, "the password of the credentials"))
            fabric_options_set_credentials(get(), user.get(), password.get());
        return *this;
    }
    /** TLS with Fabric; without key and certificate none is shown. */
    options &tls(const name &ca, const name &key = std::string_view(), const name &cert = std::string_view()) &noexcept
    {
        if (takes(ca, "a path of the TLS files") && takes(key, "a path of the TLS files")
            && takes(cert, "a path of the TLS files"))
            fabric_options_set_tls(get(), ca.get(), key.get(), cert.get());
        return *this;
    }
    /** User and password for the MySQL servers that the handle asks itself. */
    options &mysql_credentials(const name &user, const name &password) &noexcept
    {
        if (takes(user, "the user of the MySQL credentials")
            && takes(password, "the password of the MySQL credentials"))
            fabric_options_set_mysql_credentials(get(), user.get(), password.get());
        return *this;
    }
    /** TLS with those servers. */
    options &mysql_tls(tls_mode how, const name &ca = std::string_view(), const name &key = std::string_view(),
                       const name &cert = std::string_view()) &noexcept
    {
        if (takes(ca, "a path of the TLS files for MySQL") && takes(key, "a path of the TLS files for MySQL")
            && takes(cert, "a path of the TLS files for MySQL"))
            fabric_options_set_mysql_tls(get(), number(how), ca.get(), key.get(), cert.get());
        return *this;
    }
    /** Whether the password may go out in full over TLS that nobody verifies. */
    options &mysql_password_unverified(bool on = true) &noexcept
    {
        return set(fabric_options_set_mysql_password_unverified, on);
    }
    /** See fabric_options_set_snapshot_file(). */
    options &snapshot_file(const name &path) &noexcept
    {
        return text(fabric_options_set_snapshot_file, path, "the path of the snapshot file");
    }
    /** See fabric_options_set_topology_file(). */
    options &topology_file(const name &path) &noexcept
    {
        return text(fabric_options_set_topology_file, path, "the path of the topology file");
    }
    /** Which servers of a group reads go to. */
    options &reads(prefer which) &noexcept { return set(fabric_options_set_read_preference, number(which)); }
    /** The zone that the service runs in. */
    options &zone(const name &near) &noexcept { return text(fabric_options_set_zone, near, "the zone"); }
    /** See fabric_options_set_connect_attempts(). */
    options &connect_attempts(std::int64_t attempts) &noexcept
    {
        return set(fabric_options_set_connect_attempts, attempts);
    }
    /** See fabric_options_set_connect_delay_ms(). */
    options &connect_delay(milliseconds delay) &noexcept
    {
        return set(fabric_options_set_connect_delay_ms, delay.count());
    }
    /** See fabric_options_set_connect_timeout_ms(). */
    options &connect_timeout(milliseconds timeout) &noexcept
    {
        return set(fabric_options_set_connect_timeout_ms, timeout.count());
    }
    /** See fabric_options_set_request_timeout_ms(). */
    options &request_timeout(milliseconds timeout) &noexcept
    {
        return set(fabric_options_set_request_timeout_ms, timeout.count());
    }
    /** What one lookup waits at most; zero is never, and FABRIC_ERR_WOULD_BLOCK. */
    options &lookup_timeout(milliseconds timeout) &noexcept
    {
        return set(fabric_options_set_lookup_timeout_ms, timeout.count());
    }
    /** See fabric_options_set_max_reply_bytes(). */
    options &max_reply_bytes(std::int64_t bytes) &noexcept { return set(fabric_options_set_max_reply_bytes, bytes); }
    /** See fabric_options_set_report_errors(). */
    options &report_errors(reports how) &noexcept { return set(fabric_options_set_report_errors, number(how)); }
    /** One more errno that Fabric is told of. */
    options &report_errno(std::int32_t mysql_errno) &noexcept
    {
        return set(fabric_options_add_report_errno, mysql_errno);
    }
    /** See fabric_options_set_report_window_ms(). */
    options &report_window(milliseconds time) &noexcept
    {
        return set(fabric_options_set_report_window_ms, time.count());
    }
    /** See fabric_options_set_background_refresh(). */
    options &background_refresh(bool on) &noexcept { return set(fabric_options_set_background_refresh, on); }
    /** At most this share of its time for the background refresh, in percent. */
    options &refresh_share(std::int32_t percent) &noexcept { return set(fabric_options_set_refresh_share, percent); }
    /** See fabric_options_set_backoff_limit_ms(). */
    options &backoff_limit(milliseconds limit) &noexcept
    {
        return set(fabric_options_set_backoff_limit_ms, limit.count());
    }
    /** See fabric_options_set_idle_after_ms(). */
    options &idle_after(milliseconds time) &noexcept { return set(fabric_options_set_idle_after_ms, time.count()); }
    /** See fabric_options_set_max_stale_ms(). */
    options &max_stale(milliseconds most) &noexcept { return set(fabric_options_set_max_stale_ms, most.count()); }
    /** See fabric_options_set_quarantine_ms(). */
    options &quarantine(milliseconds time) &noexcept { return set(fabric_options_set_quarantine_ms, time.count()); }
    /** See fabric_options_set_least_write_hold_ms(). */
    options &least_write_hold(milliseconds time) &noexcept
    {
        return set(fabric_options_set_least_write_hold_ms, time.count());
    }
    /** See fabric_options_set_vanished_hold_ms(). */
    options &vanished_hold(milliseconds time) &noexcept
    {
        return set(fabric_options_set_vanished_hold_ms, time.count());
    }
    /** See fabric_options_set_ttl_ms(). */
    options &ttl(milliseconds min, milliseconds max = milliseconds::zero()) &noexcept
    {
        fabric_options_set_ttl_ms(get(), min.count(), max.count());
        return *this;
    }
    /** See fabric_options_set_compat(). */
    options &answers_of(compat whose) &noexcept { return set(fabric_options_set_compat, number(whose)); }
    /** See fabric_options_set_discovery_interval_ms(). */
    options &discovery_interval(milliseconds interval) &noexcept
    {
        return set(fabric_options_set_discovery_interval_ms, interval.count());
    }
    /** See fabric_options_set_max_replica_lag_ms(). */
    options &max_replica_lag(milliseconds lag) &noexcept
    {
        return set(fabric_options_set_max_replica_lag_ms, lag.count());
    }
    /** See fabric_options_set_multi_primary(). */
    options &multi_primary(bool on = true) &noexcept { return set(fabric_options_set_multi_primary, on); }
    /** See fabric_options_set_reads_without_majority(). */
    options &reads_without_majority(bool on = true) &noexcept
    {
        return set(fabric_options_set_reads_without_majority, on);
    }
    /**
     * Who hears what the farms made from these options have to say. It may be called by several threads at
     * once, and lives as long as the last of the farms. What it throws is dropped: nothing may leave it.
     */
    options &log(log_level level, std::function<void(log_level, std::string_view)> callback) &
    {
        auto *kept = keep(std::move(callback));
        fabric_options_set_log(get(), number(level), kept == nullptr ? nullptr : hear<decltype(*kept)>, kept,
                               release<decltype(*kept)>);
        return *this;
    }
    /** Who is called for each event, on a thread of the farm's own. As for log(). */
    options &on_event(std::function<void(const event &)> callback) &
    {
        auto *kept = keep(std::move(callback));
        fabric_options_set_event_callback(get(), kept == nullptr ? nullptr : tell<decltype(*kept)>, kept,
                                          release<decltype(*kept)>);
        return *this;
    }
    /** @{ */
    /** The same of options without a name: they go on by value, so that `auto o = options().source(url)` keeps them. */
    options source(const name &url) &&noexcept { return std::move(source(url)); }
    options node(const name &host, std::uint16_t port = 0) &&noexcept { return std::move(node(host, port)); }
    options credentials(const name &user, const name &password) &&noexcept
    {
        return std::move(credentials(user, password));
    }
    options tls(const name &ca, const name &key = std::string_view(), const name &cert = std::string_view()) &&noexcept
    {
        return std::move(tls(ca, key, cert));
    }
    options mysql_credentials(const name &user, const name &password) &&noexcept
    {
        return std::move(mysql_credentials(user, password));
    }
    options mysql_tls(tls_mode how, const name &ca = std::string_view(), const name &key = std::string_view(),
                      const name &cert = std::string_view()) &&noexcept
    {
        return std::move(mysql_tls(how, ca, key, cert));
    }
    options mysql_password_unverified(bool on = true) &&noexcept { return std::move(mysql_password_unverified(on)); }
    options snapshot_file(const name &path) &&noexcept { return std::move(snapshot_file(path)); }
    options topology_file(const name &path) &&noexcept { return std::move(topology_file(path)); }
    options reads(prefer which) &&noexcept { return std::move(reads(which)); }
    options zone(const name &near) &&noexcept { return std::move(zone(near)); }
    options connect_attempts(std::int64_t attempts) &&noexcept { return std::move(connect_attempts(attempts)); }
    options connect_delay(milliseconds delay) &&noexcept { return std::move(connect_delay(delay)); }
    options connect_timeout(milliseconds timeout) &&noexcept { return std::move(connect_timeout(timeout)); }
    options request_timeout(milliseconds timeout) &&noexcept { return std::move(request_timeout(timeout)); }
    options lookup_timeout(milliseconds timeout) &&noexcept { return std::move(lookup_timeout(timeout)); }
    options max_reply_bytes(std::int64_t bytes) &&noexcept { return std::move(max_reply_bytes(bytes)); }
    options report_errors(reports how) &&noexcept { return std::move(report_errors(how)); }
    options report_errno(std::int32_t mysql_errno) &&noexcept { return std::move(report_errno(mysql_errno)); }
    options report_window(milliseconds time) &&noexcept { return std::move(report_window(time)); }
    options background_refresh(bool on) &&noexcept { return std::move(background_refresh(on)); }
    options refresh_share(std::int32_t percent) &&noexcept { return std::move(refresh_share(percent)); }
    options backoff_limit(milliseconds limit) &&noexcept { return std::move(backoff_limit(limit)); }
    options idle_after(milliseconds time) &&noexcept { return std::move(idle_after(time)); }
    options max_stale(milliseconds most) &&noexcept { return std::move(max_stale(most)); }
    options quarantine(milliseconds time) &&noexcept { return std::move(quarantine(time)); }
    options least_write_hold(milliseconds time) &&noexcept { return std::move(least_write_hold(time)); }
    options vanished_hold(milliseconds time) &&noexcept { return std::move(vanished_hold(time)); }
    options ttl(milliseconds min, milliseconds max = milliseconds::zero()) &&noexcept
    {
        return std::move(ttl(min, max));
    }
    options answers_of(compat whose) &&noexcept { return std::move(answers_of(whose)); }
    options discovery_interval(milliseconds interval) &&noexcept { return std::move(discovery_interval(interval)); }
    options max_replica_lag(milliseconds lag) &&noexcept { return std::move(max_replica_lag(lag)); }
    options multi_primary(bool on = true) &&noexcept { return std::move(multi_primary(on)); }
    options reads_without_majority(bool on = true) &&noexcept { return std::move(reads_without_majority(on)); }
    options log(log_level level, std::function<void(log_level, std::string_view)> callback) &&
    {
        return std::move(log(level, std::move(callback)));
    }
    options on_event(std::function<void(const event &)> callback) &&
    {
        return std::move(on_event(std::move(callback)));
    }
    /** @} */

    /** As C takes them, for whatever is not here; they stay these options'. */
    fabric_options_t *get() const noexcept { return options_.get(); }

  private:
    friend class farm;
    template <class Enum> static constexpr std::int32_t number(Enum value) noexcept
    {
        return static_cast<std::int32_t>(value);
    }
    template <class Number, class Value>
    options &set(std::int32_t (*setter)(fabric_options_t *, Number), Value value) noexcept
    {
        setter(get(), Number{value});
        return *this;
    }
    options &text(std::int32_t (*setter)(fabric_options_t *, const char *), const name &value,
                  const char *what) noexcept
    {
        if (takes(value, what))
            setter(get(), value.get());
        return *this;
    }
    bool takes(const name &value, const char *what) noexcept
    {
        failure err;
        if (value.check(err, what) == FABRIC_OK)
            return true;
        if (!refused_)
            refused_ = err;
        return false;
    }
    template <class Function> static Function *keep(Function &&function)
    {
        return function ? new Function(std::move(function)) : nullptr;
    }
    template <class Kept> static void release(void *kept) noexcept
    {
        delete static_cast<std::remove_reference_t<Kept> *>(kept);
    }
    template <class Kept> static void hear(std::int32_t level, const char *message, void *kept) noexcept
    {
        detail::contain([&] { (*static_cast<std::remove_reference_t<Kept> *>(kept))(log_level(level), message); });
    }
    template <class Kept> static void tell(const fabric_event_t *happened, void *kept) noexcept
    {
        detail::contain([&] { (*static_cast<std::remove_reference_t<Kept> *>(kept))(*happened); });
    }

    detail::owned<fabric_options_t> options_;
    std::optional<failure> refused_;
};

/**
 * Tables that are looked up often: farm::table(). What a lookup by name finds out in every call is found out
 * once a refresh, and a warm lookup allocates nothing. For any number of threads at once.
 */
class table
{
  public:
    /** Takes over tables of fabric_table_open(). */
    explicit table(fabric_table_t *made) noexcept : table_(made) {}
    /** As farm::try_server(). */
    result<mysqlfabric::server> try_server(const key &key, mode mode) const noexcept
    {
        return detail::attempt<mysqlfabric::server>([&](mysqlfabric::server &out, failure &err) {
            return fabric_table_get_server(get(), key.get(), key.scope(), static_cast<std::int32_t>(mode), &out, &err);
        });
    }
    /** As farm::try_server_wait(). */
    result<mysqlfabric::server> try_server_wait(const key &key, mode mode, milliseconds deadline) const noexcept
    {
        return detail::attempt<mysqlfabric::server>([&](mysqlfabric::server &out, failure &err) {
            return fabric_table_get_server_wait(get(), key.get(), key.scope(), static_cast<std::int32_t>(mode),
                                                deadline.count(), &out, &err);
        });
    }
    /** As farm::try_servers(). */
    result<placement> try_servers(const keys &keys, mode mode) const
    {
        return placement::ask(keys.size(), [&](auto... out) {
            return fabric_table_get_servers(get(), keys.get(), keys.scope(), static_cast<std::int32_t>(mode), out...);
        });
    }
#if defined(__cpp_exceptions)
    /** @{ */
    /** As the member of this name with `try_` before it, and throws mysqlfabric::error. */
    mysqlfabric::server server(const key &key, mode mode) const { return try_server(key, mode).value(); }
    mysqlfabric::server server_wait(const key &key, mode mode, milliseconds deadline) const
    {
        return try_server_wait(key, mode, deadline).value();
    }
    placement servers(const keys &keys, mode mode) const { return try_servers(keys, mode).value(); }
    /** @} */
#endif
    /** As C takes them; they stay this object's. */
    const fabric_table_t *get() const noexcept { return table_.get(); }

  private:
    detail::owned<fabric_table_t> table_;
};

/**
 * A farm of MySQL servers. Every member may be called by any number of threads at once; the destructor is the
 * last.
 */
class farm
{
  public:
    /** Makes a farm, without I/O: the first lookup, or try_seed(), asks the source. */
    static result<farm> try_open(const options &options) noexcept
    {
        if (options.refused_)
            return *options.refused_;
        return detail::make<farm, fabric_t>(
            [&](fabric_t **out, failure &err) { return fabric_new(options.get(), out, &err); });
    }
    /** Takes over a handle of fabric_new(). */
    explicit farm(fabric_t *made) noexcept : farm_(made) {}

    /**
     * Loads the whole farm. With a host, of this Fabric node, which joins the configured ones; port 0 is that of
     * the protocol.
     */
    result<void> try_seed(const name &host = std::string_view(), std::uint16_t port = 0) const noexcept
    {
        return detail::perform([&](failure &err) { return fabric_seed(get(), host.get(), port, &err); }, host);
    }
    /** Which server holds these tables and this key? */
    result<mysqlfabric::server> try_server(const names &tables, const key &key, mode mode) const noexcept
    {
        return detail::attempt<mysqlfabric::server>(
            [&](mysqlfabric::server &out, failure &err) {
                return fabric_get_shard_server(get(), tables.data(), tables.size(), key.get(), key.scope(),
                                               number(mode), &out, &err);
            },
            tables);
    }
    /** The same, and waits for a server instead of refusing, for the deadline at most. */
    result<mysqlfabric::server> try_server_wait(const names &tables, const key &key, mode mode,
                                                milliseconds deadline) const noexcept
    {
        return detail::attempt<mysqlfabric::server>(
            [&](mysqlfabric::server &out, failure &err) {
                return fabric_get_shard_server_wait(get(), tables.data(), tables.size(), key.get(), key.scope(),
                                                    number(mode), deadline.count(), &out, &err);
            },
            tables);
    }
    /** Which server of this group serves this mode? */
    result<mysqlfabric::server> try_group_server(const name &group, mode mode) const noexcept
    {
        return group_server_of(group, number(mode), FABRIC_STATUS_NONE);
    }
    /** Which server of this group has this role? */
    result<mysqlfabric::server> try_group_server(const name &group, role role) const noexcept
    {
        return group_server_of(group, FABRIC_MODE_NONE, number(role));
    }
    /** The same, and waits for a server instead of refusing, for the deadline at most. */
    result<mysqlfabric::server> try_group_server_wait(const name &group, mode mode,
                                                      milliseconds deadline) const noexcept
    {
        return group_server_wait_of(group, number(mode), FABRIC_STATUS_NONE, deadline);
    }
    /** The same, by its role. */
    result<mysqlfabric::server> try_group_server_wait(const name &group, role role,
                                                      milliseconds deadline) const noexcept
    {
        return group_server_wait_of(group, FABRIC_MODE_NONE, number(role), deadline);
    }
    /**
     * Which servers hold these tables and this key, in the order in which they should be tried? `most` at most, which
     * is from 1 on, and 1024; for a write there is one.
     */
    result<std::vector<mysqlfabric::server>> try_choose_servers(const names &tables, const key &key, mode mode,
                                                                const choice &choice = {}, std::size_t most = 16) const
    {
        return detail::chosen(
            most, choice,
            [&](auto... out) {
                return fabric_choose_shard_servers(get(), tables.data(), tables.size(), key.get(), key.scope(),
                                                   number(mode), out...);
            },
            tables);
    }
    /** Which servers of this group serve this mode, in the order in which they should be tried? `most` as before. */
    result<std::vector<mysqlfabric::server>>
    try_choose_group_servers(const name &group, mode mode, const choice &choice = {}, std::size_t most = 16) const
    {
        return detail::chosen(
            most, choice,
            [&](auto... out) { return fabric_choose_group_servers(get(), group.get(), number(mode), out...); }, group);
    }
    /** All servers of a group; `fresh` asks the source now. */
    result<std::vector<mysqlfabric::server>> try_group_servers(const name &group, bool fresh = false) const
    {
        return detail::list<mysqlfabric::server>(
            [&](auto... out) { return fabric_get_group_servers(get(), group.get(), fresh ? 0 : 1, out...); }, group);
    }
    /** Opens tables for many lookups. They may outlive the farm, and are not refreshed then. */
    result<mysqlfabric::table> try_table(const names &tables) const noexcept
    {
        return detail::make<mysqlfabric::table, fabric_table_t>(
            [&](fabric_table_t **out, failure &err) {
                return fabric_table_open(get(), tables.data(), tables.size(), out, &err);
            },
            tables);
    }
    /** Which servers hold these tables and each of many keys? One key's failure is its own. */
    result<placement> try_servers(const names &tables, const keys &keys, mode mode) const
    {
        return placement::ask(
            keys.size(),
            [&](auto... out) {
                return fabric_get_shard_servers(get(), tables.data(), tables.size(), keys.get(), keys.scope(),
                                                number(mode), out...);
            },
            tables);
    }
    /** Groups many keys by their server, for a statement each. */
    result<partition> try_split(const names &tables, const keys &keys, mode mode) const
    {
        return detail::attempt<partition>(
            [&](partition &out, failure &err) {
                std::vector<std::size_t> starts;
                out.order_.resize(keys.size());
                out.status_.resize(keys.size());
                const std::int32_t code = detail::batch(out.servers_, keys.size(), [&](std::size_t &count) {
                    starts.resize(out.servers_.size() + 1);
                    return fabric_split_keys(get(), tables.data(), tables.size(), keys.get(), keys.scope(),
                                             number(mode), out.order_.data(), starts.data(), out.status_.data(),
                                             out.servers_.data(), out.servers_.size(), &count, &err);
                });
                if (code == FABRIC_OK)
                    out.set_parts(starts);
                return code;
            },
            tables);
    }
    /** The shards of a table, in the order of their lower bounds. */
    result<std::vector<mysqlfabric::shard>> try_shards(const name &table) const
    {
        return detail::list<mysqlfabric::shard>(
            [&](auto... out) { return fabric_get_shards(get(), table.get(), out...); }, table);
    }
    /** Which shard holds this key? */
    result<mysqlfabric::shard> try_shard(const name &table, const key &key) const noexcept
    {
        return detail::attempt<mysqlfabric::shard>(
            [&](mysqlfabric::shard &out, failure &err) {
                return fabric_get_shard(get(), table.get(), key.get(), &out, &err);
            },
            table);
    }
    /** Which shards does `BETWEEN low AND high` touch? Nothing is no limit; `global` is none. */
    result<std::vector<mysqlfabric::shard>> try_shards_in_range(const name &table, const std::optional<key> &low,
                                                                const std::optional<key> &high) const
    {
        if ((low && !low->get()) || (high && !high->get())) {
            failure err;
            detail::fail(err, FABRIC_ERR_ARGUMENT, "`global` limits no range: give std::nullopt for no limit");
            return err;
        }
        return detail::list<mysqlfabric::shard>(
            [&](auto... out) {
                return fabric_get_shards_in_range(get(), table.get(), low ? low->get() : nullptr,
                                                  high ? high->get() : nullptr, out...);
            },
            table);
    }
    /** How would try_server() be answered now, and why? It tells of refusals, too. */
    result<explanation> try_explain(const names &tables, const key &key, mode mode) const noexcept
    {
        return detail::attempt<explanation>(
            [&](explanation &out, failure &err) {
                return fabric_explain_shard(get(), tables.data(), tables.size(), key.get(), key.scope(), number(mode),
                                            &out, &err);
            },
            tables);
    }
    /** The same of try_group_server(). */
    result<explanation> try_explain_group(const name &group, mode mode) const noexcept
    {
        return detail::attempt<explanation>(
            [&](explanation &out, failure &err) {
                return fabric_explain_group(get(), group.get(), number(mode), &out, &err);
            },
            group);
    }
    /** The tables that are known, from memory. */
    result<std::vector<table_info>> try_tables() const
    {
        return detail::list<table_info>([&](auto... out) { return fabric_get_tables(get(), out...); });
    }
    /** The groups that are known, from memory. */
    result<std::vector<group_info>> try_groups() const
    {
        return detail::list<group_info>([&](auto... out) { return fabric_get_groups(get(), out...); });
    }
    /** How the servers of a group are, or all that are known; from memory. */
    result<std::vector<server_health>> try_health(const name &group = std::string_view()) const
    {
        return detail::list<server_health>(
            [&](auto... out) { return fabric_get_server_health(get(), group.get(), out...); }, group);
    }
    /** The Fabric nodes. */
    result<std::vector<node>> try_nodes() const
    {
        return detail::list<node>([&](auto... out) { return fabric_get_fabric_nodes(get(), out...); });
    }
    /** Fetches the shard maps of tables before they are looked up. */
    result<void> try_prefetch(const names &tables) const noexcept
    {
        return detail::perform(
            [&](failure &err) { return fabric_get_sharding_information(get(), tables.data(), tables.size(), &err); },
            tables);
    }
    /** Makes the next lookup of a group, or of anything, ask the source before it answers. */
    result<void> try_reset_cache(const name &group = std::string_view()) const noexcept
    {
        return detail::perform([&](failure &err) { return fabric_reset_cache(get(), group.get(), &err); }, group);
    }
    /** Writes what is known to a topology file. */
    result<void> try_dump(const name &path) const noexcept
    {
        return detail::perform([&](failure &err) { return fabric_dump(get(), path.get(), &err); }, path);
    }
    /**
     * Tells what became of a connection or a statement: the errno of the MySQL driver, such as mysql_errno(),
     * or 0 if all was well. Call it after every statement if you like.
     */
    result<void> try_report(const mysqlfabric::server &of, std::int64_t mysql_errno) const noexcept
    {
        return detail::perform(
            [&](failure &err) { return fabric_report_result(get(), of.uuid, narrow(mysql_errno), &err); });
    }
    /** The same, of a server by its UUID. */
    result<void> try_report(const name &server_uuid, std::int64_t mysql_errno) const noexcept
    {
        return detail::perform(
            [&](failure &err) { return fabric_report_result(get(), server_uuid.get(), narrow(mysql_errno), &err); },
            server_uuid);
    }
    /** @{ */
    /**
     * Tells what became of a statement with the text of the driver's error, such as mysql_error(), and answers what is
     * left to do: FABRIC_ACTION_*, or'ed.
     */
    result<std::int32_t> try_report(const mysqlfabric::server &of, std::int64_t mysql_errno,
                                    const char *message) const noexcept
    {
        return try_report(std::string_view(of.uuid), mysql_errno, message);
    }
    result<std::int32_t> try_report(const name &server_uuid, std::int64_t mysql_errno,
                                    const char *message) const noexcept
    {
        return detail::attempt<std::int32_t>(
            [&](std::int32_t &actions, failure &err) {
                return fabric_report_error(get(), server_uuid.get(), narrow(mysql_errno), message, &actions, &err);
            },
            server_uuid);
    }
    /** @} */
    /** Tells Fabric alone that a server could not be reached, if the options ask for it. */
    result<void> try_report_failure(const name &server_uuid, std::int64_t mysql_errno) const noexcept
    {
        return detail::perform(
            [&](failure &err) { return fabric_report_failure(get(), server_uuid.get(), narrow(mysql_errno), &err); },
            server_uuid);
    }
    /** Runs any Fabric command; std::string_view() in place of an argument is its default. */
    result<command_result> try_execute(const name &group, const name &command,
                                       const names &arguments = {}) const noexcept
    {
        return detail::make<command_result, fabric_result_t>(
            [&](fabric_result_t **out, failure &err) {
                return fabric_execute(get(), group.get(), command.get(), arguments.data(), arguments.size(), out, &err);
            },
            group, command, arguments);
    }
    /** The UUID that Fabric gives itself; empty if it gave none. */
    result<std::string> try_fabric_uuid() const
    {
        return detail::attempt<std::string>([&](std::string &out, failure &err) {
            char uuid[FABRIC_UUID_SIZE] = "";
            const std::int32_t code = fabric_get_fabric_uuid(get(), uuid, &err);
            out = uuid;
            return code;
        });
    }
    /** The handle's numbers. */
    result<mysqlfabric::metrics> try_metrics() const noexcept
    {
        return detail::attempt<mysqlfabric::metrics>(
            [&](mysqlfabric::metrics &out, failure &err) { return fabric_get_metrics(get(), &out, &err); });
    }
    /**
     * A descriptor for poll() and the like, readable while events wait. It belongs to the farm. Events are
     * collected from the first call of this, of try_next_event() or of events() on.
     */
    result<int> try_event_fd() const noexcept
    {
        return detail::attempt<int>([&](int &out, failure &err) { return fabric_event_fd(get(), &out, &err); });
    }
    /** The oldest event that waits, or the next that comes within `wait`; else nothing. */
    result<std::optional<event>> try_next_event(milliseconds wait = milliseconds::zero()) const noexcept
    {
        using std::chrono::steady_clock;
        return detail::attempt<std::optional<event>>([&](std::optional<event> &out, failure &err) {
            pollfd events{-1, POLLIN, 0};
            std::int32_t code = fabric_event_fd(get(), &events.fd, &err);
            const auto begun = steady_clock::now();
            while (code == FABRIC_OK) {
                code = fabric_next_event(get(), &out.emplace(), &err);
                if (code != FABRIC_ERR_NO_EVENT)
                    break;
                out.reset();
                code = FABRIC_OK;
                const auto left = wait - std::chrono::duration_cast<milliseconds>(steady_clock::now() - begun);
                if (left <= left.zero())
                    break;
                /* A minute at a time: poll() takes an int. */
                poll(&events, 1, left < std::chrono::minutes(1) ? static_cast<int>(left.count()) : 60000);
            }
            return code;
        });
    }

    /** Ends the waits of all calls that wait now, once: they answer FABRIC_ERR_INTERRUPTED. */
    void interrupt() const noexcept { fabric_interrupt(get()); }
    /** The number of the topology in use; 0 before the first fetch. */
    std::uint64_t generation() const noexcept { return fabric_topology_generation(get()); }
    /** How old the oldest part of what is known is; nothing if nobody knows. */
    std::optional<milliseconds> topology_age() const noexcept { return detail::time(fabric_topology_age(get())); }
    /** The time to live that the handle works with; nothing before the first answer. */
    std::optional<milliseconds> ttl() const noexcept { return detail::time(fabric_get_ttl_ms(get())); }
    /** @{ */
    /** What the options said. The texts belong to the farm. */
    std::optional<std::string_view> user() const noexcept { return detail::text(fabric_get_user(get())); }
    std::optional<std::string_view> tls_ca() const noexcept { return detail::text(fabric_get_tls_ca(get())); }
    std::optional<std::string_view> tls_key() const noexcept { return detail::text(fabric_get_tls_key(get())); }
    std::optional<std::string_view> tls_cert() const noexcept { return detail::text(fabric_get_tls_cert(get())); }
    /** @} */
    /** As C takes it, for whatever is not here; it stays this object's. */
    const fabric_t *get() const noexcept { return farm_.get(); }

    class event_range;
    /** The events that wait, and each that comes within `wait` of the one before, for a range-based for. */
    event_range events(milliseconds wait = milliseconds::zero()) const noexcept;

#if defined(__cpp_exceptions)
    /** @{ */
    /** As the member of this name with `try_` before it, and throws mysqlfabric::error. */
    explicit farm(const options &options) : farm(try_open(options).value()) {}
    void seed(const name &host = std::string_view(), std::uint16_t port = 0) const { try_seed(host, port).value(); }
    mysqlfabric::server server(const names &tables, const key &key, mode mode) const
    {
        return try_server(tables, key, mode).value();
    }
    mysqlfabric::server server_wait(const names &tables, const key &key, mode mode, milliseconds deadline) const
    {
        return try_server_wait(tables, key, mode, deadline).value();
    }
    template <class ModeOrRole> mysqlfabric::server group_server(const name &group, ModeOrRole wanted) const
    {
        return try_group_server(group, wanted).value();
    }
    template <class ModeOrRole>
    mysqlfabric::server group_server_wait(const name &group, ModeOrRole wanted, milliseconds deadline) const
    {
        return try_group_server_wait(group, wanted, deadline).value();
    }
    std::vector<mysqlfabric::server> choose_servers(const names &tables, const key &key, mode mode,
                                                    const choice &choice = {}, std::size_t most = 16) const
    {
        return try_choose_servers(tables, key, mode, choice, most).value();
    }
    std::vector<mysqlfabric::server> choose_group_servers(const name &group, mode mode, const choice &choice = {},
                                                          std::size_t most = 16) const
    {
        return try_choose_group_servers(group, mode, choice, most).value();
    }
    std::vector<mysqlfabric::server> group_servers(const name &group, bool fresh = false) const
    {
        return try_group_servers(group, fresh).value();
    }
    mysqlfabric::table table(const names &tables) const { return try_table(tables).value(); }
    placement servers(const names &tables, const keys &keys, mode mode) const
    {
        return try_servers(tables, keys, mode).value();
    }
    partition split(const names &tables, const keys &keys, mode mode) const
    {
        return try_split(tables, keys, mode).value();
    }
    std::vector<mysqlfabric::shard> shards(const name &table) const { return try_shards(table).value(); }
    mysqlfabric::shard shard(const name &table, const key &key) const { return try_shard(table, key).value(); }
    std::vector<mysqlfabric::shard> shards_in_range(const name &table, const std::optional<key> &low,
                                                    const std::optional<key> &high) const
    {
        return try_shards_in_range(table, low, high).value();
    }
    explanation explain(const names &tables, const key &key, mode mode) const
    {
        return try_explain(tables, key, mode).value();
    }
    explanation explain_group(const name &group, mode mode) const { return try_explain_group(group, mode).value(); }
    std::vector<table_info> tables() const { return try_tables().value(); }
    std::vector<group_info> groups() const { return try_groups().value(); }
    std::vector<server_health> health(const name &group = std::string_view()) const
    {
        return try_health(group).value();
    }
    std::vector<node> nodes() const { return try_nodes().value(); }
    void prefetch(const names &tables) const { try_prefetch(tables).value(); }
    void reset_cache(const name &group = std::string_view()) const { try_reset_cache(group).value(); }
    void dump(const name &path) const { try_dump(path).value(); }
    template <class ServerOrUuid> void report(const ServerOrUuid &server, std::int64_t mysql_errno) const
    {
        try_report(server, mysql_errno).value();
    }
    template <class ServerOrUuid>
    std::int32_t report(const ServerOrUuid &server, std::int64_t mysql_errno, const char *message) const
    {
        return try_report(server, mysql_errno, message).value();
    }
    void report_failure(const name &server_uuid, std::int64_t mysql_errno) const
    {
        try_report_failure(server_uuid, mysql_errno).value();
    }
    command_result execute(const name &group, const name &command, const names &arguments = {}) const
    {
        return try_execute(group, command, arguments).value();
    }
    std::string fabric_uuid() const { return try_fabric_uuid().value(); }
    mysqlfabric::metrics metrics() const { return try_metrics().value(); }
    int event_fd() const { return try_event_fd().value(); }
    std::optional<event> next_event(milliseconds wait = milliseconds::zero()) const
    {
        return try_next_event(wait).value();
    }
    /** @} */
#endif

  private:
    result<mysqlfabric::server> group_server_of(const name &group, std::int32_t mode,
                                                std::int32_t status) const noexcept
    {
        return detail::attempt<mysqlfabric::server>(
            [&](mysqlfabric::server &out, failure &err) {
                return fabric_get_group_server(get(), group.get(), mode, status, &out, &err);
            },
            group);
    }
    result<mysqlfabric::server> group_server_wait_of(const name &group, std::int32_t mode, std::int32_t status,
                                                     milliseconds deadline) const noexcept
    {
        return detail::attempt<mysqlfabric::server>(
            [&](mysqlfabric::server &out, failure &err) {
                return fabric_get_group_server_wait(get(), group.get(), mode, status, deadline.count(), &out, &err);
            },
            group);
    }
    /* No errno is beyond 32 bits: such a number is no matter of routing. */
    static std::int32_t narrow(std::int64_t mysql_errno) noexcept
    {
        return mysql_errno < INT32_MIN || mysql_errno > INT32_MAX ? INT32_MAX : static_cast<std::int32_t>(mysql_errno);
    }
    template <class Enum> static constexpr std::int32_t number(Enum value) noexcept
    {
        return static_cast<std::int32_t>(value);
    }
    detail::owned<fabric_t> farm_;
};

/** The events of a farm: farm::events(). It ends when none waits, or comes in time; or one cannot be had. */
class farm::event_range
{
  public:
    /** Goes over the events. Throws as farm::next_event(). */
    class iterator
    {
      public:
        /** @cond what an iterator has */
        using iterator_category = std::input_iterator_tag;
        using value_type = event;
        using difference_type = std::ptrdiff_t;
        using pointer = const event *;
        using reference = const event &;
        iterator() noexcept = default;
        explicit iterator(const event_range &of) : of_(&of) { next(); }
        reference operator*() const noexcept { return *event_; }
        pointer operator->() const noexcept { return &*event_; }
        iterator &operator++()
        {
            next();
            return *this;
        }
        void operator++(int) { next(); }
        friend bool operator==(const iterator &a, const iterator &b) noexcept
        {
            return a.event_.has_value() == b.event_.has_value();
        }
        friend bool operator!=(const iterator &a, const iterator &b) noexcept { return !(a == b); }

        /** @endcond */

      private:
        void next()
        {
            auto answer = of_->of_.try_next_event(of_->wait_);
#if defined(__cpp_exceptions)
            event_ = std::move(answer).value();
#else
            event_ = answer ? *answer : std::nullopt;
#endif
        }
        const event_range *of_ = nullptr;
        std::optional<event> event_;
    };
    /** Takes the first. */
    iterator begin() const { return iterator(*this); }
    /** Where none is left. */
    iterator end() const noexcept { return iterator(); }

  private:
    friend class farm;
    event_range(const farm &of, milliseconds wait) noexcept : of_(of), wait_(wait) {}
    const farm &of_;
    milliseconds wait_;
};

inline farm::event_range farm::events(milliseconds wait) const noexcept { return {*this, wait}; }

/** @cond */
} // namespace with_exceptions or without_exceptions
/** @endcond */
} // namespace mysqlfabric

#endif
