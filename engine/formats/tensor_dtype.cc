#include "engine/formats/tensor_dtype.h"

#include <array>

namespace quire::engine {
namespace {

struct Row {
  TensorDType dtype;
  std::string_view name;
  int bits;
};

// Source: safetensors/src/tensor.rs, `Dtype`. In the order of the enumeration.
constexpr std::array kRows = {
    Row{TensorDType::kBool, "BOOL", 8},
    Row{TensorDType::kU8, "U8", 8},
    Row{TensorDType::kI8, "I8", 8},
    Row{TensorDType::kI16, "I16", 16},
    Row{TensorDType::kU16, "U16", 16},
    Row{TensorDType::kF16, "F16", 16},
    Row{TensorDType::kBF16, "BF16", 16},
    Row{TensorDType::kI32, "I32", 32},
    Row{TensorDType::kU32, "U32", 32},
    Row{TensorDType::kF32, "F32", 32},
    Row{TensorDType::kF64, "F64", 64},
    Row{TensorDType::kI64, "I64", 64},
    Row{TensorDType::kU64, "U64", 64},
    Row{TensorDType::kC64, "C64", 64},
    Row{TensorDType::kF8E4M3, "F8_E4M3", 8},
    Row{TensorDType::kF8E5M2, "F8_E5M2", 8},
    Row{TensorDType::kF8E8M0, "F8_E8M0", 8},
    Row{TensorDType::kF8E4M3FNUZ, "F8_E4M3FNUZ", 8},
    Row{TensorDType::kF8E5M2FNUZ, "F8_E5M2FNUZ", 8},
    Row{TensorDType::kF4, "F4", 4},
    Row{TensorDType::kF6E2M3, "F6_E2M3", 6},
    Row{TensorDType::kF6E3M2, "F6_E3M2", 6},
};

constexpr bool InOrder() {
  for (std::size_t i = 0; i < kRows.size(); ++i) {
    if (static_cast<std::size_t>(kRows[i].dtype) != i) return false;
  }
  return true;
}
static_assert(InOrder());

}  // namespace

std::optional<TensorDType> ParseTensorDType(std::string_view name) {
  for (const Row& row : kRows) {
    if (row.name == name) return row.dtype;
  }
  return std::nullopt;
}

std::string_view TensorDTypeName(TensorDType dtype) {
  return kRows[static_cast<std::size_t>(dtype)].name;
}

int BitsPerElement(TensorDType dtype) { return kRows[static_cast<std::size_t>(dtype)].bits; }

std::optional<kernels::DType> ToKernelDType(TensorDType dtype) {
  switch (dtype) {
    case TensorDType::kF32:
      return kernels::DType::kF32;
    case TensorDType::kF16:
      return kernels::DType::kF16;
    case TensorDType::kBF16:
      return kernels::DType::kBF16;
    default:
      return std::nullopt;
  }
}

}  // namespace quire::engine
