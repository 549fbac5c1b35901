#include "engine/model/random_weights.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <functional>
#include <thread>
#include <vector>

namespace quire::engine {
namespace {

constexpr float kRange = 0.05f;
constexpr std::uint16_t kBf16One = 0x3F80;

// Anonymous memory in huge pages, unmapped with the object.
class HugePages {
 public:
  explicit HugePages(std::size_t size_bytes) : size_bytes_(size_bytes) {
    data_ = ::mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data_ != MAP_FAILED) ::madvise(data_, size_bytes, MADV_HUGEPAGE);
  }
  ~HugePages() {
    if (is_mapped()) ::munmap(data_, size_bytes_);
  }
  HugePages(const HugePages&) = delete;
  HugePages& operator=(const HugePages&) = delete;

  bool is_mapped() const { return data_ != MAP_FAILED; }
  void* data() const { return data_; }

 private:
  const std::size_t size_bytes_;
  void* data_;
};

// A good 64-bit hash of a counter. Source: Steele, Lea and Flood 2014, "Fast Splittable
// Pseudorandom Number Generators", with the constants of Stafford's variant 13.
std::uint64_t Mix(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
  return x ^ (x >> 31);
}

// 16 random bits as a bf16 in [-kRange, kRange).
std::uint16_t ToBf16(std::uint16_t bits) {
  const float value = static_cast<float>(static_cast<std::int16_t>(bits)) * (kRange / 32768.0f);
  return static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(value) >> 16);
}

// Fills [begin, end) of a matrix; what an element gets depends on its place alone.
void FillRandom(std::uint16_t* out, std::size_t begin, std::size_t end, std::uint64_t seed) {
  for (std::size_t i = begin; i < end; ++i) {
    const std::uint64_t word = Mix(seed + i / 4 * 0x9E3779B97F4A7C15);
    out[i] = ToBf16(static_cast<std::uint16_t>(word >> (16 * (i % 4))));
  }
}

void FillByThreads(std::uint16_t* out, std::size_t size, std::uint64_t seed) {
  const std::size_t num_threads = std::max(1U, std::thread::hardware_concurrency());
  const std::size_t share = (size / num_threads + 3) / 4 * 4;
  std::vector<std::thread> threads;
  for (std::size_t begin = 0; begin < size; begin += share) {
    threads.emplace_back(FillRandom, out, begin, std::min(begin + share, size), seed);
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace

bool RandomWeights::Contains(const std::string& name) const { return !name.ends_with(".bias"); }

StatusOr<HostTensor> RandomWeights::Get(const std::string& name,
                                        std::span<const std::int64_t> shape) const {
  const std::int64_t rows = shape.size() == 2 ? shape[0] : 1;
  const std::int64_t cols = shape.back();
  const auto size = static_cast<std::size_t>(rows * cols);
  auto pages = std::make_shared<HugePages>(size * sizeof(std::uint16_t));
  if (!pages->is_mapped()) {
    return ResourceExhausted("tensor {}: wanted {} bytes, have too little memory", name,
                             size * sizeof(std::uint16_t));
  }
  auto* const out = static_cast<std::uint16_t*>(pages->data());
  if (shape.size() == 1) {
    std::fill_n(out, size, kBf16One);
  } else {
    FillByThreads(out, size, seed_ ^ std::hash<std::string>()(name));
  }
  const kernels::MatrixView view = {
      .data = out, .rows = rows, .cols = cols, .row_stride = cols, .dtype = kernels::DType::kBF16};
  return HostTensor{.view = view, .owner = std::move(pages)};
}

}  // namespace quire::engine
