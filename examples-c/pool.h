/* A pool of connections to MySQL servers, such as a service has anyway: nothing in it knows of the library.
 *
 * A connection belongs to a server, named by `id`, and to a kind of work, named by `tag`: pool_cut() ends what is under
 * way for one kind of work at all servers but one. For any number of threads at once. */
#ifndef POOL_H
#define POOL_H

#include <errno.h>
#include <fcntl.h>
#include <mysql.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    POOL_SIZE = 64, /* as many as there are threads, at least: one more is refused */
    POOL_TIMEOUT_S = 2
};

/* Sent over each new connection. A server ends a wait for a lock (1205) and a long SELECT (3024) before the driver's
 * time is up: for the driver it would be lost, and go on with what nobody waits for any more. MySQL before 5.7.8 and
 * MariaDB have no limit for a SELECT by this name, and skip what is in the comment. */
#define POOL_LIMITS                                                                                \
    "SET SESSION innodb_lock_wait_timeout = 1, lock_wait_timeout = 1"                              \
    " /*!50708 , max_execution_time = 1000 */"

/* What a statement came to. */
struct answer {
    int code;         /* 0, or the driver's errno */
    char error[512];  /* the driver's text */
    long long number; /* the first of the answer; 0 without one */
};

struct pooled {
    MYSQL *mysql; /* NULL where there is none; only for the thread that made the place busy */
    int socket; /* where there is one, its socket again: the driver may close its own at any time */
    int busy;
    char id[64], tag[256];
};

static struct pooled pool[POOL_SIZE];
static pthread_mutex_t pool_lock = PTHREAD_MUTEX_INITIALIZER;
static const char *pool_user, *pool_password;

/* Whom the connections log in as; the texts must stay. */
static void pool_open(const char *user, const char *password)
{
    pool_user = user;
    pool_password = password;
}

/* A statement that failed before there was a server to ask. */
static int pool_fail(struct answer *answer, const char *error)
{
    answer->code = 1105; /* ER_UNKNOWN_ERROR */
    snprintf(answer->error, sizeof answer->error, "%s", error);
    return answer->code;
}

/* Whether the driver's last call went well; if not, why. */
static int pool_well(MYSQL *mysql, int well, struct answer *answer)
{
    answer->code = well ? 0 : (int)mysql_errno(mysql);
    snprintf(answer->error, sizeof answer->error, "%s", well ? "" : mysql_error(mysql));
    return well;
}

static MYSQL *pool_connect(const char *host, unsigned port, int *socket, struct answer *answer)
{
    const unsigned timeout = POOL_TIMEOUT_S;
    MYSQL *mysql = mysql_init(NULL);
    if (!mysql) {
        pool_fail(answer, "there is no memory for a connection");
        return NULL;
    }
    mysql_options(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &timeout);
    mysql_options(mysql, MYSQL_OPT_READ_TIMEOUT, &timeout);
    mysql_options(mysql, MYSQL_OPT_WRITE_TIMEOUT, &timeout);
    mysql_options(mysql, MYSQL_INIT_COMMAND, POOL_LIMITS);
    MYSQL *made = mysql_real_connect(mysql, host, pool_user, pool_password, NULL, port, NULL, 0);
    if (pool_well(mysql, made != NULL, answer)) {
        *socket = fcntl(mysql_get_socket(mysql), F_DUPFD_CLOEXEC, 0);
        if (*socket >= 0)
            return mysql;
        pool_fail(answer, strerror(errno));
    }
    mysql_close(mysql);
    return NULL;
}

/* Closes a connection that has no place any more. */
static void pool_disconnect(MYSQL *mysql, int socket)
{
    if (mysql) {
        mysql_close(mysql);
        close(socket);
    }
}

/* Takes an idle connection, or makes one; NULL without one, and `answer` says why. */
static struct pooled *pool_take(const char *id, const char *tag, const char *host, unsigned port,
                                struct answer *answer)
{
    struct pooled *place = NULL, other = {.mysql = NULL};
    int fits = 0, socket = -1;
    pthread_mutex_lock(&pool_lock);
    for (struct pooled *at = pool; at < pool + POOL_SIZE && !fits; at++) {
        fits = !at->busy && at->mysql && strcmp(at->id, id) == 0 && strcmp(at->tag, tag) == 0;
        if (fits || (!at->busy && (!place || !at->mysql)))
            place = at;
    }
    if (place)
        place->busy = 1;
    if (place && !fits) {
        other = *place; /* one that nobody uses makes room */
        place->mysql = NULL;
    }
    pthread_mutex_unlock(&pool_lock);
    if (!place)
        pool_fail(answer, "all connections are at work: raise POOL_SIZE");
    if (!place || fits)
        return place;
    pool_disconnect(other.mysql, other.socket);
    MYSQL *made = pool_connect(host, port, &socket, answer);
    pthread_mutex_lock(&pool_lock);
    place->mysql = made;
    place->socket = socket;
    place->busy = made != NULL;
    snprintf(place->id, sizeof place->id, "%s", id);
    snprintf(place->tag, sizeof place->tag, "%s", tag);
    pthread_mutex_unlock(&pool_lock);
    return made ? place : NULL;
}

static void pool_give(struct pooled *given, int broken)
{
    pthread_mutex_lock(&pool_lock);
    const struct pooled was = *given;
    if (broken)
        given->mysql = NULL;
    given->busy = 0;
    pthread_mutex_unlock(&pool_lock);
    if (broken)
        pool_disconnect(was.mysql, was.socket);
}

/* Runs a statement on a server. A connection on which one failed is kept if it answers a ping. */
static void pool_query(const char *id, const char *tag, const char *host, unsigned port,
                       const char *sql, struct answer *answer)
{
    answer->number = 0;
    struct pooled *to = pool_take(id, tag, host, port, answer);
    if (!to)
        return;
    if (pool_well(to->mysql, mysql_query(to->mysql, sql) == 0, answer)) {
        MYSQL_RES *result = mysql_store_result(to->mysql);
        MYSQL_ROW row = result ? mysql_fetch_row(result) : NULL;
        if (row && row[0])
            answer->number = strtoll(row[0], NULL, 10);
        mysql_free_result(result);
        pool_well(to->mysql, mysql_errno(to->mysql) == 0, answer);
    }
    pool_give(to, answer->code != 0 && mysql_ping(to->mysql) != 0);
}

/* Ends what is under way, and what idles, for this kind of work at all servers but one. */
static void pool_cut(const char *tag, const char *but_id)
{
    pthread_mutex_lock(&pool_lock);
    for (struct pooled *at = pool; at < pool + POOL_SIZE; at++)
        if (at->mysql && strcmp(at->tag, tag) == 0 && strcmp(at->id, but_id) != 0)
            shutdown(at->socket, SHUT_RDWR);
    pthread_mutex_unlock(&pool_lock);
}

/* Closes all; nobody may use the pool any more. */
static void pool_close(void)
{
    for (struct pooled *at = pool; at < pool + POOL_SIZE; at++)
        pool_disconnect(at->mysql, at->socket);
}

#endif
