/* A pool of connections to MySQL servers, such as a service has anyway: nothing in it knows of the library.
 *
 * A connection belongs to a server, named by `id`, and to a kind of work, named by `tag`: pool_cut() ends what is under
 * way for one kind of work at all servers but one. For any number of threads at once. */
#ifndef POOL_H
#define POOL_H

#include <mysql.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum {
    POOL_SIZE = 64,
    POOL_TIMEOUT_S = 2
}; /* more than there are threads, so that one is always idle */

struct pooled {
    MYSQL *mysql; /* NULL where there is none */
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

static MYSQL *pool_connect(const char *host, unsigned port, unsigned *code)
{
    const unsigned timeout = POOL_TIMEOUT_S;
    MYSQL *mysql = mysql_init(NULL);
    mysql_options(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &timeout);
    mysql_options(mysql, MYSQL_OPT_READ_TIMEOUT, &timeout);
    mysql_options(mysql, MYSQL_OPT_WRITE_TIMEOUT, &timeout);
    if (mysql_real_connect(mysql, host, pool_user, pool_password, NULL, port, NULL, 0))
        return mysql;
    *code = mysql_errno(mysql);
    mysql_close(mysql);
    return NULL;
}

/* Takes an idle connection, or makes one; without one, `mysql` is NULL and `code` the driver's errno. */
static struct pooled *pool_take(const char *id, const char *tag, const char *host, unsigned port,
                                unsigned *code)
{
    struct pooled *place = NULL;
    MYSQL *other = NULL;
    int fits = 0;
    pthread_mutex_lock(&pool_lock);
    for (struct pooled *at = pool; at < pool + POOL_SIZE && !fits; at++) {
        fits = !at->busy && at->mysql && strcmp(at->id, id) == 0 && strcmp(at->tag, tag) == 0;
        if (fits || (!at->busy && (!place || !at->mysql)))
            place = at;
    }
    place->busy = 1;
    if (!fits) {
        other = place->mysql; /* one that nobody uses makes room */
        place->mysql = NULL;
    }
    pthread_mutex_unlock(&pool_lock);
    if (fits)
        return place;
    mysql_close(other);
    MYSQL *made = pool_connect(host, port, code);
    pthread_mutex_lock(&pool_lock);
    place->mysql = made;
    snprintf(place->id, sizeof place->id, "%s", id);
    snprintf(place->tag, sizeof place->tag, "%s", tag);
    pthread_mutex_unlock(&pool_lock);
    return place;
}

static void pool_give(struct pooled *given, int broken)
{
    pthread_mutex_lock(&pool_lock);
    MYSQL *mysql = broken ? given->mysql : NULL;
    if (broken)
        given->mysql = NULL;
    given->busy = 0;
    pthread_mutex_unlock(&pool_lock);
    mysql_close(mysql);
}

/* Ends what is under way, and what idles, for this kind of work at all servers but one. */
static void pool_cut(const char *tag, const char *but_id)
{
    pthread_mutex_lock(&pool_lock);
    for (struct pooled *at = pool; at < pool + POOL_SIZE; at++)
        if (at->mysql && strcmp(at->tag, tag) == 0 && strcmp(at->id, but_id) != 0)
            shutdown(mysql_get_socket(at->mysql), SHUT_RDWR);
    pthread_mutex_unlock(&pool_lock);
}

/* Closes all; nobody may use the pool any more. */
static void pool_close(void)
{
    for (struct pooled *at = pool; at < pool + POOL_SIZE; at++)
        mysql_close(at->mysql);
}

#endif
