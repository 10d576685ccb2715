// What the two halves of mixed.cpp share: a C handle, which is the same in both.
#ifndef MIXED_HPP
#define MIXED_HPP

#include <atomic>
#include <mysqlfabric.h>

// A farm of a node where nobody listens, made without exceptions. Its log callback counts.
fabric_t *open_plain(std::atomic<int> &heard);

#endif
