#ifndef MD5_H
#define MD5_H

#include <stddef.h>
#include <stdint.h>

/* The 64 steps on one block, of the state so far. */
void md5_block(uint32_t state[4], const uint32_t block[16]);
/* The digest of up to 55 bytes: one block. Its leading half, as a big-endian number. */
uint64_t md5_leading(const char *text, size_t length);
/* The whole digest. */
void md5_digest(const char *text, size_t length, unsigned char digest[16]);

#endif
