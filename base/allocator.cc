#include "base/allocator.h"

#include <malloc.h>

namespace quire {
namespace {

// Blocks from this size on are mapped one by one, and unmapped when they are freed.
constexpr int kMappedBytes = 64 << 20;
// What may stay free at the end of an arena.
constexpr int kKeptBytes = 256 << 20;

}  // namespace

void KeepFreedMemory() {
  mallopt(M_MMAP_THRESHOLD, kMappedBytes);
  mallopt(M_TRIM_THRESHOLD, kKeptBytes);
}

}  // namespace quire
