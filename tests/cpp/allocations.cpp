// A warm lookup allocates nothing, by opened tables and by names.
#include "support.hpp"

#include <new>

static thread_local std::size_t allocated;

void *operator new(std::size_t size)
{
    ++allocated;
    if (void *memory = std::malloc(size))
        return memory;
    throw std::bad_alloc();
}
void *operator new[](std::size_t size)
{
    return operator new(size);
}
void *operator new(std::size_t size, const std::nothrow_t &) noexcept
{
    ++allocated;
    return std::malloc(size);
}
void *operator new[](std::size_t size, const std::nothrow_t &nothrow) noexcept
{
    return operator new(size, nothrow);
}
void operator delete(void *memory) noexcept
{
    std::free(memory);
}
void operator delete[](void *memory) noexcept
{
    std::free(memory);
}
void operator delete(void *memory, std::size_t) noexcept
{
    std::free(memory);
}
void operator delete[](void *memory, std::size_t) noexcept
{
    std::free(memory);
}

using namespace mysqlfabric;

int main()
{
    const farm f(fabricd_options().ttl(std::chrono::hours(1)));
    f.seed();
    const table salaries = f.table("employees.salaries");
    const std::string longest = std::string(500, 'a') + "." + std::string(500, 'b');
    const std::vector<std::int64_t> ids{1, 2, 3};
    f.server("crm.names", "Nadia", mode::read_only);

    allocated = 0;
    for (int i = 1; i < 1000; ++i) {
        salaries.server(i, mode::read_write);
        CHECK_HAS(salaries.try_server(i, mode::read_only));
        f.server("employees.salaries", i, mode::read_write);
        f.server({"employees.salaries", "employees.dept_emp"}, i, mode::read_only);
        f.server(std::string_view("crm.names"), "Nadia", mode::read_only);
        f.group_server("shard1", mode::read_write);
        CHECK_INT(f.try_server(longest, i, mode::any).code(), FABRIC_ERR_UNKNOWN_TABLE);
        f.report(salaries.server(i, mode::read_only), 0);
        CHECK_INT(keys(ids).size(), 3);
    }
    CHECK_INT(allocated, 0);
    CHECK_INT(f.split("employees.salaries", ids, mode::read_write).size(), 1);
    CHECK(allocated > 0); // it is counted
    return 0;
}
