/* A process in which the system gives no thread when a test says so. */
#ifndef REFUSED_THREADS_H
#define REFUSED_THREADS_H

#include <stdatomic.h>

/* Not 0: pthread_create() answers EAGAIN, as at the limit of a pids cgroup. */
extern atomic_int no_threads;

/* How often it has. */
extern atomic_int refused_threads;

#endif
