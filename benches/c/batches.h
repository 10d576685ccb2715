#ifndef BATCHES_H
#define BATCHES_H

/* Prints what a key costs in a call with many, beside a call of its own. */
void bench_batches(void);

#endif
