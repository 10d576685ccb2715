/*
 * What Go calls in the place of the functions for one lookup: names and keys come as Go has them, with a
 * length and no NUL, and the details of a failure are kept only where there are some. Nothing here calls
 * back to Go or keeps a pointer.
 */
#ifndef MYSQLFABRIC_GO_SHIM_H
#define MYSQLFABRIC_GO_SHIM_H

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mysqlfabric.h"

/* A deadline of plain lookups, which have none. */
#define GO_NO_WAIT (-1)

/*
 * The address of the details of a failure, for Go to free; left alone after a success, and 0 without memory.
 * It is a number, since cgo looks into a pointer to a pointer at each call.
 */
typedef uintptr_t go_details_t;

static inline int32_t go_told(int32_t status, const fabric_error_t *e, go_details_t *err)
{
    if (status != FABRIC_OK) {
        fabric_error_t *kept = (fabric_error_t *)malloc(sizeof *kept);
        if (kept != NULL)
            *kept = *e;
        *err = (go_details_t)kept;
    }
    return status;
}

static inline const fabric_error_t *go_details(go_details_t err)
{
    return (const fabric_error_t *)err;
}

static inline void go_forget(go_details_t err)
{
    free((void *)err);
}

/* A lookup takes a key, or none where its kind is 0. */
static inline const fabric_key_t *go_key(fabric_key_t *key, int32_t kind, int64_t integer,
                                         const char *text, size_t length)
{
    switch (kind) {
    case FABRIC_KEY_INT:
        *key = fabric_key_int(integer);
        return key;
    case FABRIC_KEY_UINT:
        *key = fabric_key_uint((uint64_t)integer);
        return key;
    case FABRIC_KEY_TEXT:
        *key = fabric_key_text(length == 0 ? "" : text, length);
        return key;
    default:
        return NULL;
    }
}

/* Names above 1024 bytes are refused by the library; so that it does, they are cut behind that. */
enum { GO_NAME_ROOM = 1040 };

static inline const char *go_name(char *room, const char *name, size_t length)
{
    if (length > GO_NAME_ROOM - 1)
        length = GO_NAME_ROOM - 1;
    if (length != 0)
        memcpy(room, name, length);
    room[length] = '\0';
    return room;
}

static inline int32_t go_shard_server(const fabric_t *f, const char *table, size_t table_length,
                                      int32_t kind, int64_t integer, const char *text,
                                      size_t length, int32_t scope, int32_t mode, int64_t deadline,
                                      fabric_server_t *out, go_details_t *err)
{
    char room[GO_NAME_ROOM];
    const char *name = go_name(room, table, table_length);
    fabric_key_t made;
    const fabric_key_t *key = go_key(&made, kind, integer, text, length);
    fabric_error_t e;
    int32_t status = deadline == GO_NO_WAIT
                         ? fabric_get_shard_server(f, &name, 1, key, scope, mode, out, &e)
                         : fabric_get_shard_server_wait(f, &name, 1, key, scope, mode, deadline,
                                                        out, &e);
    return go_told(status, &e, err);
}

static inline int32_t go_table_server(const fabric_table_t *t, int32_t kind, int64_t integer,
                                      const char *text, size_t length, int32_t scope, int32_t mode,
                                      int64_t deadline, fabric_server_t *out, go_details_t *err)
{
    fabric_key_t made;
    const fabric_key_t *key = go_key(&made, kind, integer, text, length);
    fabric_error_t e;
    int32_t status = deadline == GO_NO_WAIT
                         ? fabric_table_get_server(t, key, scope, mode, out, &e)
                         : fabric_table_get_server_wait(t, key, scope, mode, deadline, out, &e);
    return go_told(status, &e, err);
}

static inline int32_t go_group_server(const fabric_t *f, const char *group, size_t group_length,
                                      int32_t mode, int32_t role, int64_t deadline,
                                      fabric_server_t *out, go_details_t *err)
{
    char room[GO_NAME_ROOM];
    const char *name = go_name(room, group, group_length);
    fabric_error_t e;
    int32_t status = deadline == GO_NO_WAIT
                         ? fabric_get_group_server(f, name, mode, role, out, &e)
                         : fabric_get_group_server_wait(f, name, mode, role, deadline, out, &e);
    return go_told(status, &e, err);
}

static inline int32_t go_report_result(const fabric_t *f, const char *uuid, size_t length,
                                       int32_t errno_, go_details_t *err)
{
    char room[GO_NAME_ROOM];
    fabric_error_t e;
    return go_told(fabric_report_result(f, go_name(room, uuid, length), errno_, &e), &e, err);
}

/* Does what an empty call from Go does: to measure it. */
static inline void go_empty(void) {}

/*
 * The log: records of a level, a length, how many were lost so far and a text, written to a pipe that a
 * goroutine reads. So no thread of the library waits for a logger or becomes a thread of Go's.
 */
typedef struct {
    int fd;
    atomic_uint_fast32_t lost;
} go_log_t;

enum { GO_LOG_HEADER = 7, GO_LOG_RECORD = 4096 /* PIPE_BUF: written as a whole, or not at all */ };

static inline void go_log_write(int32_t level, const char *message, void *userdata)
{
    go_log_t *log = (go_log_t *)userdata;
    unsigned char record[GO_LOG_RECORD];
    size_t length = strlen(message);
    if (length > sizeof record - GO_LOG_HEADER)
        length = sizeof record - GO_LOG_HEADER;
    record[0] = (unsigned char)level;
    record[1] = (unsigned char)(length >> 8);
    record[2] = (unsigned char)length;
    uint32_t lost = (uint32_t)atomic_load(&log->lost);
    for (int at = 0; at < 4; at++)
        record[3 + at] = (unsigned char)(lost >> (24 - 8 * at));
    memcpy(record + GO_LOG_HEADER, message, length);
    ssize_t written;
    do
        written = write(log->fd, record, GO_LOG_HEADER + length);
    while (written < 0 && errno == EINTR);
    if (written < 0)
        atomic_fetch_add(&log->lost, 1);
}

/* Its reader then finds the end of the pipe. */
static inline void go_log_free(void *userdata)
{
    go_log_t *log = (go_log_t *)userdata;
    close(log->fd);
    free(log);
}

static inline int32_t go_set_log(fabric_options_t *options, int32_t level, int fd)
{
    go_log_t *log = (go_log_t *)calloc(1, sizeof *log);
    if (log == NULL) {
        close(fd);
        return FABRIC_ERR_SYSTEM;
    }
    log->fd = fd;
    return fabric_options_set_log(options, level, go_log_write, log, go_log_free);
}

#endif
