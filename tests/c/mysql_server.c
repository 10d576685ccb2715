#define _POSIX_C_SOURCE 200809L

#include "mysql_server.h"

#include "check.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct mysql_server {
    int listener;
    uint16_t port;
    enum refusal where;
    uint16_t code;
    const char *message;
    atomic_uint connections;
    atomic_int client;
    atomic_bool stopped;
    pthread_t thread;
};

/* One packet; 0 when the client is gone. */
static int send_packet(int client, uint8_t sequence, const void *body, size_t size)
{
    uint8_t packet[4 + 256];
    CHECK(size <= 256);
    packet[0] = (uint8_t)size;
    packet[1] = (uint8_t)(size >> 8);
    packet[2] = 0;
    packet[3] = sequence;
    memcpy(packet + 4, body, size);
    return send(client, packet, 4 + size, MSG_NOSIGNAL) == (ssize_t)(4 + size);
}

static int read_all(int client, uint8_t *to, size_t size)
{
    for (ssize_t got; size > 0; to += got, size -= (size_t)got) {
        got = recv(client, to, size, 0);
        if (got <= 0) {
            return 0;
        }
    }
    return 1;
}

/* Reads a packet and forgets it; 0 when the client is gone. */
static int skip_packet(int client)
{
    uint8_t header[4], body[1024];
    if (!read_all(client, header, sizeof header)) {
        return 0;
    }
    size_t size = header[0] | (size_t)header[1] << 8 | (size_t)header[2] << 16;
    return size <= sizeof body && read_all(client, body, size);
}

static int send_greeting(int client)
{
    /* Protocol 10, a connection's number, 8 bytes of the scramble, capabilities (4.1, secure
     * connection, plugin), utf8mb4, autocommit, the length of the scramble, the rest of it. */
    static const uint8_t greeting[] = "\x0a"
                                      "9.9.9\0"
                                      "\x01\0\0\0"
                                      "scramble\0"
                                      "\x01\x82\x2d\x02\0\x08\0\x15"
                                      "\0\0\0\0\0\0\0\0\0\0"
                                      "twelve bytes\0"
                                      "mysql_native_password";
    return send_packet(client, 0, greeting, sizeof greeting);
}

static int send_error(const mysql_server_t *server, int client, uint8_t sequence)
{
    uint8_t body[256] = {0xff, (uint8_t)server->code, (uint8_t)(server->code >> 8)};
    size_t size = 3;
    if (server->where != AT_CONNECT) {
        memcpy(body + size, "#HY000", 6);
        size += 6;
    }
    size_t length = strlen(server->message);
    CHECK(size + length <= sizeof body);
    memcpy(body + size, server->message, length);
    return send_packet(client, sequence, body, size + length);
}

static void serve(const mysql_server_t *server, int client)
{
    static const uint8_t ok[] = {0, 0, 0, 2, 0, 0, 0};
    if (server->where == AT_CONNECT) {
        send_error(server, client, 0);
        return;
    }
    if (!send_greeting(client) || !skip_packet(client)) {
        return;
    }
    if (server->where == AT_LOGIN) {
        send_error(server, client, 2);
        return;
    }
    for (int going = send_packet(client, 2, ok, sizeof ok); going;) {
        going = skip_packet(client) && send_error(server, client, 1);
    }
}

static void *run(void *argument)
{
    mysql_server_t *server = argument;
    while (!atomic_load(&server->stopped)) {
        int client = accept(server->listener, NULL, NULL);
        if (client < 0) {
            continue;
        }
        atomic_fetch_add(&server->connections, 1);
        atomic_store(&server->client, client);
        if (!atomic_load(&server->stopped)) {
            serve(server, client);
        }
        atomic_store(&server->client, -1);
        close(client);
    }
    return NULL;
}

mysql_server_t *mysql_server_start(enum refusal where, uint16_t code, const char *message)
{
    mysql_server_t *server = calloc(1, sizeof *server);
    CHECK(server != NULL);
    server->where = where;
    server->code = code;
    server->message = message;
    atomic_init(&server->client, -1);
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    server->listener = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(server->listener >= 0);
    CHECK_INT(bind(server->listener, (struct sockaddr *)&address, size), 0);
    CHECK_INT(listen(server->listener, 16), 0);
    CHECK_INT(getsockname(server->listener, (struct sockaddr *)&address, &size), 0);
    server->port = ntohs(address.sin_port);
    CHECK_INT(pthread_create(&server->thread, NULL, run, server), 0);
    return server;
}

uint16_t mysql_server_port(const mysql_server_t *server)
{
    return server->port;
}

unsigned mysql_server_connections(const mysql_server_t *server)
{
    return atomic_load(&server->connections);
}

void mysql_server_stop(mysql_server_t *server)
{
    atomic_store(&server->stopped, 1);
    shutdown(server->listener, SHUT_RDWR);
    int client = atomic_load(&server->client);
    if (client >= 0) {
        shutdown(client, SHUT_RDWR);
    }
    CHECK_INT(pthread_join(server->thread, NULL), 0);
    close(server->listener);
    free(server);
}
