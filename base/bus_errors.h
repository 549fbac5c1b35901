#pragma once

#include <atomic>
#include <cstddef>

namespace quire {

// Lets a process live on when a mapped file becomes shorter or its disk fails. The system answers a
// read of such a page with SIGBUS. While a guard over it lives, the guard's flag is set instead and
// the pages from there to the end of the range read as zeros, so that the reading thread goes on;
// whoever uses what it has read looks at the flag afterwards.
//
// The first guard installs the handler, for good. Any other SIGBUS goes to the handler that was
// there before, or ends the process as it would have. A handler that is installed later replaces it
// and has to pass on what it does not know.
//
// Thread-safe: what one thread reads may be found lost by another.
class BusErrorGuard {
 public:
  // Guards `size` bytes of mapped memory at `data`, both page boundaries or the end of the mapping.
  // Sets `is_lost` before any zero can be read. Requires: both outlive the guard.
  BusErrorGuard(const void* data, std::size_t size, std::atomic<bool>& is_lost);
  ~BusErrorGuard();
  BusErrorGuard(const BusErrorGuard&) = delete;
  BusErrorGuard& operator=(const BusErrorGuard&) = delete;

 private:
  const void* const data_;
};

}  // namespace quire
