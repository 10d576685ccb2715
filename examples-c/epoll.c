/* An event loop that never blocks: lookups answer at once or not yet, and the loop is told when it can ask again.
 * usage: epoll [host [port]] */
#define _POSIX_C_SOURCE 200809L
#include "example.h"

#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { REQUESTS = 10 };

/* What a service keeps of a request of its own while it waits for an answer. */
struct request {
    int64_t key;
    int answered;
};

static const char *const tables[] = {"employees.salaries"};

/* Answers a request, or leaves it waiting. */
static int answer(const fabric_t *farm, struct request *request)
{
    fabric_key_t key = fabric_key_int(request->key);
    fabric_server_t server;
    fabric_error_t err;
    int32_t status = fabric_get_shard_server(farm, tables, 1, &key, FABRIC_SCOPE_LOCAL,
                                             FABRIC_MODE_READWRITE, &server, &err);
    if (status == FABRIC_ERR_WOULD_BLOCK) {
        printf("key %lld: not known yet\n", (long long)request->key);
        return EXIT_SUCCESS;
    }
    if (status != FABRIC_OK)
        return failed("fabric_get_shard_server", &err);
    request->answered = 1;
    printf("key %lld: %s:%u\n", (long long)request->key, server.host, (unsigned)server.port);
    return EXIT_SUCCESS;
}

/* Takes all events. Whether one says that what was not known may be asked for again. */
static int take_events(const fabric_t *farm)
{
    int fetched = 0;
    fabric_event_t event;
    while (fabric_next_event(farm, &event, NULL) == FABRIC_OK) {
        printf("event %s\n", fabric_event_name(event.kind));
        fetched |= event.kind == FABRIC_EVENT_FETCHED;
    }
    return fetched;
}

static int watch(int epoll, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data = {.fd = fd}};
    return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static int serve(const fabric_t *farm)
{
    struct request requests[REQUESTS];
    int arrived = 0, answered = 0, status = EXIT_SUCCESS, events = -1;
    fabric_error_t err;
    if (fabric_event_fd(farm, &events, &err) != FABRIC_OK)
        return failed("fabric_event_fd", &err);
    /* Requests arrive by a timer here, and by sockets elsewhere. */
    const struct itimerspec often = {{0, 5 * 1000 * 1000}, {0, 1}};
    int epoll = epoll_create1(EPOLL_CLOEXEC), timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    if (watch(epoll, timer) != 0 || watch(epoll, events) != 0
        || timerfd_settime(timer, 0, &often, NULL) != 0) {
        perror("epoll");
        status = EXIT_FAILURE;
    }
    while (status == EXIT_SUCCESS && answered < REQUESTS) {
        struct epoll_event ready;
        if (epoll_wait(epoll, &ready, 1, 30000) != 1) {
            fprintf(stderr, "epoll: nothing happens\n");
            status = EXIT_FAILURE;
        } else if (ready.data.fd == events && take_events(farm)) {
            for (int i = 0; i < arrived && status == EXIT_SUCCESS; i++)
                if (!requests[i].answered)
                    status = answer(farm, &requests[i]);
        } else if (ready.data.fd == timer && arrived < REQUESTS) {
            uint64_t times;
            if (read(timer, &times, sizeof times) < 0)
                continue;
            requests[arrived] = (struct request){.key = 10018 + arrived};
            status = answer(farm, &requests[arrived++]);
        } else if (ready.data.fd == timer) {
            close(timer); /* all have arrived */
            timer = -1;
        }
        answered = 0;
        for (int i = 0; i < arrived; i++)
            answered += requests[i].answered;
    }
    if (timer >= 0)
        close(timer);
    close(epoll);
    return status;
}

int main(int argc, char **argv)
{
    fabric_options_t *options = options_of(argc, argv);
    fabric_options_set_lookup_timeout_ms(options, 0);
    fabric_t *farm = open_farm(options);
    if (farm == NULL)
        return EXIT_FAILURE;
    int status = serve(farm);
    fabric_free(farm);
    return status;
}
