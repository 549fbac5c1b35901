#pragma once

#include <cstddef>

namespace quire::kernels::cuda {

// Host memory that every device copies from without the CPU. What is given back is kept for the
// next one: allocating it anew takes long, and freeing it waits for all devices.
//
// Thread-compatible; the store of kept memory behind it is thread-safe.
class StagingMemory {
 public:
  explicit StagingMemory(std::size_t size_bytes);
  ~StagingMemory();
  StagingMemory(const StagingMemory&) = delete;
  StagingMemory& operator=(const StagingMemory&) = delete;

  // Null if there was no memory. What it holds at first is undefined.
  std::byte* data() const { return data_; }

 private:
  int size_class_ = 0;  // it has 2^size_class_ bytes
  std::byte* data_ = nullptr;
};

}  // namespace quire::kernels::cuda
