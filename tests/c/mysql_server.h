/* A server that speaks as much of MySQL's protocol as it takes to refuse something. */
#ifndef MYSQL_SERVER_H
#define MYSQL_SERVER_H

#include <stdint.h>

/* Where it refuses. */
enum refusal { AT_CONNECT, AT_LOGIN, AT_STATEMENT };

typedef struct mysql_server mysql_server_t;

/* Starts one on a free port of 127.0.0.1. It lets everybody in until it says error `code` at `where`. */
mysql_server_t *mysql_server_start(enum refusal where, uint16_t code, const char *message);

uint16_t mysql_server_port(const mysql_server_t *server);

/* How many connections it has taken. */
unsigned mysql_server_connections(const mysql_server_t *server);

/* Ends it and frees it. */
void mysql_server_stop(mysql_server_t *server);

#endif
