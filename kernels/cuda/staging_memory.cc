#include "kernels/cuda/staging_memory.h"

#include <cuda_runtime.h>

#include <algorithm>
#include <array>
#include <bit>
#include <mutex>
#include <vector>

namespace quire::kernels::cuda {
namespace {

constexpr int kSmallestClass = 12;  // a page

struct KeptMemory {
  std::mutex mutex;
  std::array<std::vector<std::byte*>, 64> by_class;  // guarded by mutex
};

// Never destroyed: the runtime may be gone by then, and the driver frees it.
KeptMemory& Kept() {
  static auto* const kept = new KeptMemory;
  return *kept;
}

}  // namespace

StagingMemory::StagingMemory(std::size_t size_bytes)
    : size_class_(std::max(kSmallestClass, static_cast<int>(std::bit_width(
                                               std::max<std::size_t>(size_bytes, 1) - 1)))) {
  KeptMemory& kept = Kept();
  {
    const std::lock_guard lock(kept.mutex);
    auto& free = kept.by_class[static_cast<std::size_t>(size_class_)];
    if (!free.empty()) {
      data_ = free.back();
      free.pop_back();
      return;
    }
  }
  void* data = nullptr;
  if (cudaHostAlloc(&data, std::size_t{1} << size_class_, cudaHostAllocPortable) != cudaSuccess) {
    static_cast<void>(cudaGetLastError());  // so that the next launch does not report it
    return;
  }
  data_ = static_cast<std::byte*>(data);
}

StagingMemory::~StagingMemory() {
  if (data_ == nullptr) return;
  KeptMemory& kept = Kept();
  const std::lock_guard lock(kept.mutex);
  kept.by_class[static_cast<std::size_t>(size_class_)].push_back(data_);
}

}  // namespace quire::kernels::cuda
