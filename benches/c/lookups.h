#ifndef LOOKUPS_H
#define LOOKUPS_H

/* They print the tables of single lookups. */
void bench_even(void);
void bench_skewed(void);
void bench_groups(void);
void bench_million(void);

#endif
