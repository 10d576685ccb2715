// service.c in C++17: a service that survives failovers, by mysqlfabric.hpp.
//
// usage: service_cpp URL USER PASSWORD
//
// The farm and its table are those of service.c. It runs until SIGTERM or SIGINT, then looks for each row that it
// wrote, and ends with 0 if all are there.
#include <mysqlfabric.hpp>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <iostream>
#include <map>
#include <mutex>
#include <mysql.h>
#include <set>
#include <stdexcept>
#include <sys/socket.h>
#include <system_error>
#include <thread>
#include <unistd.h>

using namespace std::chrono_literals;
using mysqlfabric::mode;

static volatile std::sig_atomic_t stops;

// A failure of the MySQL driver's.
struct driver_error : std::runtime_error {
    explicit driver_error(MYSQL *m) : std::runtime_error(mysql_error(m)), code(mysql_errno(m)) {}
    unsigned code;
};

// A connection to one server, for one thread at a time.
class connection
{
  public:
    connection(const mysqlfabric::server &server, const char *user, const char *password)
        : mysql_(mysql_init(nullptr), mysql_close), uuid(server.uuid), group(server.group)
    {
        if (!mysql_)
            throw std::bad_alloc();
        const unsigned timeout = 2;
        for (auto option :
             {MYSQL_OPT_CONNECT_TIMEOUT, MYSQL_OPT_READ_TIMEOUT, MYSQL_OPT_WRITE_TIMEOUT})
            mysql_options(mysql_.get(), option, &timeout);
        // The server ends a wait for a lock and a long SELECT before that: see pool.h.
        mysql_options(mysql_.get(), MYSQL_INIT_COMMAND,
                      "SET SESSION innodb_lock_wait_timeout = 1, lock_wait_timeout = 1"
                      " /*!50708 , max_execution_time = 1000 */");
        if (!mysql_real_connect(mysql_.get(), server.host, user, password, nullptr, server.port,
                                nullptr, 0))
            throw driver_error(mysql_.get());
        socket_ = fcntl(mysql_get_socket(mysql_.get()), F_DUPFD_CLOEXEC, 0);
        if (socket_ < 0)
            throw std::system_error(errno, std::generic_category(), "fcntl");
    }
    ~connection()
    {
        close(socket_);
    }
    // The first number of the answer, 0 without one.
    long long query(const std::string &sql)
    {
        if (mysql_query(mysql_.get(), sql.c_str()) != 0)
            throw driver_error(mysql_.get());
        const auto stored = mysql_store_result(mysql_.get());
        const std::unique_ptr<MYSQL_RES, decltype(&mysql_free_result)> rows(stored,
                                                                            mysql_free_result);
        const MYSQL_ROW row = rows ? mysql_fetch_row(rows.get()) : nullptr;
        if (mysql_errno(mysql_.get()) != 0) // it may be lost amid the answer
            throw driver_error(mysql_.get());
        return row && row[0] ? std::atoll(row[0]) : 0;
    }
    // Ends what is under way, from any thread.
    void cut()
    {
        shutdown(socket_, SHUT_RDWR);
    }

  private:
    std::unique_ptr<MYSQL, decltype(&mysql_close)> mysql_;
    int socket_; // that of the driver again, which may close its own at any time

  public:
    const std::string uuid, group;
};

// Connections by server: those that idle, and those for writes that are at work.
class pool
{
  public:
    pool(const char *user, const char *password) : user_(user), password_(password) {}

    // Runs a statement on a server, over an idle connection to it or a new one.
    long long query(const mysqlfabric::server &server, mode wanted, const std::string &sql)
    {
        std::unique_ptr<connection> to;
        if (auto idle = locked([&] { return idle_.extract(server.uuid); }))
            to = std::move(idle.mapped());
        else
            to = std::make_unique<connection>(server, user_, password_);
        if (wanted == mode::read_write)
            locked([&] { return writing_.insert(to.get()); });
        try {
            const long long number = to->query(sql);
            done(std::move(to), true);
            return number;
        } catch (const driver_error &error) {
            done(std::move(to), !(mysqlfabric::errno_action(error.code) & FABRIC_ACTION_RECONNECT));
            throw;
        }
    }
    // What hangs at a primary that is none any more would hang until the server is gone.
    void cut_writes(std::string_view group, std::string_view but_to)
    {
        locked([&] {
            for (connection *at : writing_)
                if (at->group == group && at->uuid != but_to)
                    at->cut();
        });
    }

  private:
    void done(std::unique_ptr<connection> with, bool usable)
    {
        locked([&] {
            writing_.erase(with.get());
            if (usable)
                idle_.emplace(with->uuid, std::move(with));
        });
    }
    template <class Call> std::invoke_result_t<Call> locked(Call call)
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        return call();
    }
    const char *user_, *password_;
    std::mutex mutex_;
    std::multimap<std::string, std::unique_ptr<connection>> idle_;
    std::set<connection *> writing_;
};

class service
{
  public:
    service(const char *url, const char *user, const char *password)
        : pool_(user, password),
          farm_(mysqlfabric::options().source(url).mysql_credentials(user, password)),
          entries_(farm_.table("demo.entries"))
    {
    }

    // Runs a statement where the row is, and again as long as it is the server that fails. What it does must do no
    // harm when it is done twice: an answer may be lost.
    long long run(long long id, mode wanted, const std::string &sql)
    {
        const auto end = std::chrono::steady_clock::now() + 60s;
        for (auto pause = 5ms;; pause = std::min(2 * pause, 640ms)) {
            const auto left = std::chrono::duration_cast<mysqlfabric::milliseconds>(
                end - std::chrono::steady_clock::now());
            const auto server = entries_.server_wait(id, wanted, stops ? 0ms : std::max(left, 0ms));
            try {
                const long long number = pool_.query(server, wanted, sql);
                farm_.report(server, 0);
                return number;
            } catch (const driver_error &error) {
                const auto action = farm_.report(server, error.code, error.what());
                if (stops || left <= 0ms
                    || !(action & (FABRIC_ACTION_RECONNECT | FABRIC_ACTION_RETRY_ELSEWHERE)))
                    throw;
            }
            std::this_thread::sleep_for(pause);
        }
    }

    // Sees to the events until the service stops.
    void watch()
    {
        while (!stops)
            for (const auto &event : farm_.events(100ms)) {
                if (event.kind != FABRIC_EVENT_PRIMARY_CHANGED)
                    continue;
                std::cout << "  group " << event.group << " has "
                          << (event.server_uuid[0] ? "another" : "no") << " primary" << std::endl;
                if (event.server_uuid[0]) // else it may be the same again in a moment
                    pool_.cut_writes(event.group, event.server_uuid);
            }
    }

    // Ends what threads wait for.
    void interrupt()
    {
        farm_.interrupt();
    }

  private:
    pool pool_;
    mysqlfabric::farm farm_;
    mysqlfabric::table entries_;
};

static void stop(int)
{
    stops = 1;
}

// Ids from a range of its own, in which service.c writes nothing.
constexpr long long first = 1000000;

int main(int argc, char **argv)
try {
    if (argc != 4)
        throw std::runtime_error("usage: service_cpp URL USER PASSWORD");
    std::signal(SIGTERM, stop);
    std::signal(SIGINT, stop);
    mysql_library_init(0, nullptr, nullptr);
    service demo(argv[1], argv[2], argv[3]);

    constexpr int threads = 4;
    std::vector<long long> rows[threads]; // that are written, by worker
    std::atomic<long long> next{first}, failed{0};
    std::atomic<int> working{threads};
    std::vector<std::thread> workers;
    for (auto &own : rows)
        workers.emplace_back([&] {
            for (; !stops; std::this_thread::sleep_for(5ms)) {
                const std::string id = std::to_string(next++);
                try {
                    demo.run(std::stoll(id), mode::read_write,
                             "INSERT INTO demo.entries VALUES (" + id + ", 'row " + id
                                 + "') ON DUPLICATE KEY UPDATE id = id");
                    own.push_back(std::stoll(id));
                } catch (const std::exception &error) {
                    std::cerr << "row " << id << ": " << error.what() << std::endl;
                    failed += !stops;
                }
            }
            --working;
        });
    demo.watch();
    for (; working > 0; std::this_thread::sleep_for(5ms)) // until none begins to wait any more
        demo.interrupt();
    for (auto &worker : workers)
        worker.join();
    stops = 0;
    long long written = 0, lost = 0;
    for (const auto &own : rows)
        for (const long long id : own) {
            ++written;
            lost += !demo.run(id, mode::read_write,
                              "SELECT COUNT(*) FROM demo.entries WHERE id = " + std::to_string(id));
        }
    std::cout << "rows written       " << written << "\nrows lost          " << lost
              << "\nwrites that failed " << failed << std::endl;
    return written > 0 && lost == 0 && failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
} catch (const std::exception &error) {
    std::cerr << "service_cpp: " << error.what() << '\n';
    return EXIT_FAILURE;
}
