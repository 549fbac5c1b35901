#include "kernels/cpu/cpu_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

namespace quire::kernels::cpu {
namespace {

constexpr std::int64_t kHugePageBytes = std::int64_t{2} << 20;

class MappedMemory final : public DeviceMemory {
 public:
  MappedMemory(void* mapping, std::int64_t mapping_bytes, void* data, std::int64_t size_bytes)
      : mapping_(mapping), mapping_bytes_(mapping_bytes), data_(data), size_bytes_(size_bytes) {}
  ~MappedMemory() override { munmap(mapping_, static_cast<std::size_t>(mapping_bytes_)); }

  void* data() const override { return data_; }
  std::int64_t size_bytes() const override { return size_bytes_; }

 private:
  void* const mapping_;
  const std::int64_t mapping_bytes_;
  void* const data_;
  const std::int64_t size_bytes_;
};

std::int64_t PhysicalBytes() {
  return static_cast<std::int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE);
}

}  // namespace

StatusOr<std::unique_ptr<DeviceMemory>> AllocateCpuMemory(std::int64_t size_bytes) {
  if (size_bytes < 0) {
    return InvalidArgument("cpu memory: wanted a size of at least 0 bytes, have {}", size_bytes);
  }
  if (size_bytes > PhysicalBytes()) {
    return ResourceExhausted("cpu memory: wanted {} bytes, have {}", size_bytes, PhysicalBytes());
  }
  const bool huge = size_bytes >= kHugePageBytes;
  // An empty mapping is refused, so the smallest is one byte.
  const std::int64_t mapping_bytes =
      huge ? size_bytes + kHugePageBytes : std::max<std::int64_t>(size_bytes, 1);
  void* mapping = mmap(nullptr, static_cast<std::size_t>(mapping_bytes), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping == MAP_FAILED) {
    return ResourceExhausted("cpu memory: wanted {} bytes, the system refuses", size_bytes);
  }
  void* data = mapping;
  if (huge) {
    const auto address = reinterpret_cast<std::uintptr_t>(mapping);
    const auto offset = static_cast<std::uintptr_t>(-address) % kHugePageBytes;
    data = static_cast<char*>(mapping) + offset;
    // Advice: without huge pages everything still works.
    static_cast<void>(madvise(data, static_cast<std::size_t>(size_bytes), MADV_HUGEPAGE));
  }
  return std::make_unique<MappedMemory>(mapping, mapping_bytes, data, size_bytes);
}

}  // namespace quire::kernels::cpu
