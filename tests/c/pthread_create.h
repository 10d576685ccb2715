/* Stands before the C library's pthread_create(), for a program whose library is to get no threads,
 * or threads that take long to end. */
#ifndef PTHREAD_CREATE_H
#define PTHREAD_CREATE_H

#include <stdatomic.h>

/* While `no_threads` is set, every attempt is refused and counted. */
extern atomic_int no_threads, refused_threads;

/* While `late_us` is set, every other thread that starts takes so many microseconds from the end of
 * its work to its own. `running_threads` counts those that have not ended. */
extern atomic_int late_us, running_threads;

#endif
