#include <algorithm>
#include <cstddef>

#include "kernels/half.h"
#include "tests/bench/kernel_bench.h"
#include "tests/bench/value_or_die.h"

namespace quire::kernels {

BenchMatrix::BenchMatrix(Device& device, Stream& stream, std::int64_t rows, std::int64_t cols,
                         DType dtype)
    : memory_(ValueOrDie(device.Allocate(rows * cols * BytesPerElement(dtype)))),
      view_{
          .data = memory_->data(), .rows = rows, .cols = cols, .row_stride = cols, .dtype = dtype} {
  // A pattern of a prime number of elements, so that no two rows look alike.
  constexpr std::int64_t kPatternElements = 16'381;
  std::vector<float> values(kPatternElements);
  std::uint32_t state = 1;
  for (float& value : values) {
    state = state * 1664525u + 1013904223u;
    value = static_cast<float>(state >> 16) * 0x1p-20f + 0x1p-10f;
    if ((state & 1) != 0) value = -value;
  }
  std::vector<std::byte> pattern(
      static_cast<std::size_t>(kPatternElements * BytesPerElement(dtype)));
  if (dtype == DType::kI8) {
    std::transform(values.begin(), values.end(), reinterpret_cast<std::int8_t*>(pattern.data()),
                   [](float value) { return static_cast<std::int8_t>(value * 2000); });
  } else if (dtype == DType::kF8E4M3) {
    std::transform(values.begin(), values.end(), reinterpret_cast<std::uint8_t*>(pattern.data()),
                   [](float value) { return F32ToF8E4M3(value * 2000); });
  } else {
    ConvertFromF32(dtype, values.data(), pattern.data(), kPatternElements);
  }
  const auto pattern_bytes = static_cast<std::int64_t>(pattern.size());
  for (std::int64_t done = 0; done < size_bytes(); done += pattern_bytes) {
    device.CopyToDevice(static_cast<char*>(memory_->data()) + done, pattern.data(),
                        std::min(pattern_bytes, size_bytes() - done), stream);
  }
}

BenchIndices::BenchIndices(Device& device, Stream& stream, const std::vector<std::int32_t>& values)
    : memory_(ValueOrDie(
          device.Allocate(static_cast<std::int64_t>(values.size() * sizeof(std::int32_t))))) {
  device.CopyToDevice(memory_->data(), values.data(), memory_->size_bytes(), stream);
}

void RegisterAllBenchmarks(Device& device) {
  RegisterLinearBenchmarks(device);
  RegisterQuantizedLinearBenchmarks(device);
  RegisterRecordingBenchmarks(device);
  RegisterAttentionBenchmarks(device);
  RegisterEncoderAttentionBenchmarks(device);
  RegisterNormBenchmarks(device);
  RegisterActivationBenchmarks(device);
  RegisterRopeBenchmarks(device);
  RegisterStoreKvBenchmarks(device);
  RegisterEmbedRowsBenchmarks(device);
  RegisterPoolingBenchmarks(device);
  RegisterSampleBenchmarks(device);
}

}  // namespace quire::kernels
