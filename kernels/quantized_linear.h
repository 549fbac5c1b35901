#pragma once

#include <cstdint>

#include "kernels/stream.h"
#include "kernels/tensor.h"

namespace quire::kernels {

// A quantized weight in the layout that one device reads fastest, made by Device::PackWeight. Each
// backend derives its own.
//
// Thread-safe: immutable.
class PackedWeight {
 public:
  virtual ~PackedWeight() = default;
  virtual std::int64_t out() const = 0;
  virtual std::int64_t in() const = 0;
  // Memory of the device: what a product with one row reads.
  virtual std::int64_t size_bytes() const = 0;
};

// LinearArgs with a quantized weight: y = x W^T + bias, or y += with `accumulate`. The weight is
// never expanded as a whole. Accumulates in f32: the sum of codes times x over a group, then the
// groups times their scales.
//
// The order of the sums depends on the weight alone, never on `tokens`. A device named ".../half"
// rounds x, and the values of a table, to f16.
struct QuantizedLinearArgs {
  MatrixView x;                          // [tokens, in] f32
  const PackedWeight* weight = nullptr;  // [out, in], from PackWeight of the same device
  MatrixView bias;                       // [1, out] f32; data == nullptr means none
  MatrixView y;                          // [tokens, out] f32; must not alias x
  bool accumulate = false;
};
using QuantizedLinearFn = void(const QuantizedLinearArgs& args, Stream& stream);

}  // namespace quire::kernels
