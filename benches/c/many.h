#ifndef MANY_H
#define MANY_H

/* Prints what one more table, group, shard or handle costs. */
void bench_many(void);

#endif
