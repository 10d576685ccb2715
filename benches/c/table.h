/* Rows of the printed table. */
#ifndef TABLE_H
#define TABLE_H

#include <stdbool.h>

/* "1,000,000" */
const char *grouped(long number);
/* "yes" or "NO". */
const char *met(bool is_met);

#endif
