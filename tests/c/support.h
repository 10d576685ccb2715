/* A handle on the fabricd that with-fabricd.sh started, and a way to drive that fabricd. */
#ifndef SUPPORT_H
#define SUPPORT_H

#include <mysqlfabric.h>

#include "check.h"

void check_ok(const char *file, int line, const char *what, int32_t status,
              const fabric_error_t *err);

const char *fabricd_host(void);
uint16_t fabricd_port(void);
uint16_t fabricd_mysql_port(void);

/* Options for fabricd: its address and admin's password, one attempt, deadlines that a slow
 * machine under valgrind keeps. */
fabric_options_t *options(void);

/* A handle from options, which are freed. */
fabric_t *handle(fabric_options_t *o);

/* A handle on the control port, which asks for no password and has no faults. */
fabric_t *control(void);

/* Runs a fabricd.* command. The arguments are strings, and end with NULL. */
void tell(const fabric_t *ctl, const char *command, ...);

/* As tell(), for the answer. */
fabric_result_t *ask(const fabric_t *ctl, const char *command);

/* How often fabricd was asked for `method` since its start or the last reset. */
size_t requests_of(const fabric_t *ctl, const char *method);

/* Requests of any kind, refused ones among them. */
size_t requests(const fabric_t *ctl);

/* fabric_get_shard_server() of one table, scope LOCAL. */
int32_t find(const fabric_t *f, const char *table, fabric_key_t key, int32_t mode,
             fabric_server_t *server, fabric_error_t *err);

/* The port of the server that find() gives; stops the test if it gives none. */
uint32_t port_of(const fabric_t *f, const char *table, fabric_key_t key, int32_t mode);

/* A text key of a NUL-terminated string. */
fabric_key_t text(const char *key);

/* Makes a file of its own at `path`, which ends with XXXXXX and gets its name, and opens it for writing. */
FILE *temporary_file(char *path);

/* A port of 127.0.0.1 that is taken, but takes no connection. */
uint16_t closed_port(void);

/* Milliseconds from a clock that never jumps. */
int64_t now_ms(void);
void sleep_ms(int64_t ms);

/* Checks that a signal neither waits for this thread nor is blocked on it. */
#define CHECK_UNTOUCHED(signal) check_untouched(__FILE__, __LINE__, signal)
void check_untouched(const char *file, int line, int number);

/* A pattern that no call writes, to see what is left alone. */
void fill(void *object, size_t size);
int is_filled(const void *object, size_t size);

#endif
