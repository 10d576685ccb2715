#include "table.h"

#include <stdio.h>

const char *grouped(long number)
{
    /* Several may be in one call of printf(). */
    static char texts[8][32];
    static int turn;
    char *text = texts[turn++ % 8];
    if (number >= 1000000)
        sprintf(text, "%ld,%03ld,%03ld", number / 1000000, number / 1000 % 1000, number % 1000);
    else if (number >= 1000)
        sprintf(text, "%ld,%03ld", number / 1000, number % 1000);
    else
        sprintf(text, "%ld", number);
    return text;
}

const char *met(bool is_met)
{
    return is_met ? "yes" : "**no**";
}
