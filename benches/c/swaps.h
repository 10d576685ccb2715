#ifndef SWAPS_H
#define SWAPS_H

/* Prints how long lookups take while the snapshot is swapped, beside no swaps. */
void bench_swaps(void);

#endif
