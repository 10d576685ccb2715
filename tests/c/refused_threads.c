#define _GNU_SOURCE
#include "refused_threads.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

atomic_int no_threads, refused_threads;

typedef int create(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

/* Stands before the C library's, for the library as well. */
int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *),
                   void *argument)
{
    if (atomic_load(&no_threads)) {
        atomic_fetch_add(&refused_threads, 1);
        return EAGAIN;
    }
    void *next = dlsym(RTLD_NEXT, "pthread_create");
    create *real;
    memcpy(&real, &next, sizeof real);
    return real(thread, attributes, start, argument);
}
