#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "kernels/tensor.h"

namespace quire::engine {

// Element types that model files hold, those we cannot compute with included.
enum class TensorDType : std::uint8_t {
  kBool,
  kU8,
  kI8,
  kI16,
  kU16,
  kF16,
  kBF16,
  kI32,
  kU32,
  kF32,
  kF64,
  kI64,
  kU64,
  kC64,
  kF8E4M3,
  kF8E5M2,
  kF8E8M0,
  kF8E4M3FNUZ,
  kF8E5M2FNUZ,
  kF4,
  kF6E2M3,
  kF6E3M2,
};

// The type that safetensors calls `name` ("BF16"), or nothing.
std::optional<TensorDType> ParseTensorDType(std::string_view name);
std::string_view TensorDTypeName(TensorDType dtype);
// Bits of one element: 4 to 64.
int BitsPerElement(TensorDType dtype);
// The same type for kernels, where weights may have it: f32, f16 or bf16.
std::optional<kernels::DType> ToKernelDType(TensorDType dtype);

}  // namespace quire::engine
