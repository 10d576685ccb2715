#ifndef THREADS_H
#define THREADS_H

/* Prints how much two threads on two cores get done beside one. */
void bench_threads(void);

#endif
