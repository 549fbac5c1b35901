#include "engine/formats/gguf_types.h"

#include <array>

#include "base/check.h"

namespace quire::engine {
namespace {

using TensorType = GgufTensorType;

// Source: ggml, src/ggml-common.h.
constexpr std::array kTensorTypes = {
    GgufTypeTraits{TensorType::kF32, "F32", 1, 4},
    GgufTypeTraits{TensorType::kF16, "F16", 1, 2},
    GgufTypeTraits{TensorType::kQ4_0, "Q4_0", 32, 18},
    GgufTypeTraits{TensorType::kQ4_1, "Q4_1", 32, 20},
    GgufTypeTraits{TensorType::kQ5_0, "Q5_0", 32, 22},
    GgufTypeTraits{TensorType::kQ5_1, "Q5_1", 32, 24},
    GgufTypeTraits{TensorType::kQ8_0, "Q8_0", 32, 34},
    GgufTypeTraits{TensorType::kQ8_1, "Q8_1", 32, 36},
    GgufTypeTraits{TensorType::kQ2_K, "Q2_K", 256, 84},
    GgufTypeTraits{TensorType::kQ3_K, "Q3_K", 256, 110},
    GgufTypeTraits{TensorType::kQ4_K, "Q4_K", 256, 144},
    GgufTypeTraits{TensorType::kQ5_K, "Q5_K", 256, 176},
    GgufTypeTraits{TensorType::kQ6_K, "Q6_K", 256, 210},
    GgufTypeTraits{TensorType::kQ8_K, "Q8_K", 256, 292},
    GgufTypeTraits{TensorType::kIQ2_XXS, "IQ2_XXS", 256, 66},
    GgufTypeTraits{TensorType::kIQ2_XS, "IQ2_XS", 256, 74},
    GgufTypeTraits{TensorType::kIQ3_XXS, "IQ3_XXS", 256, 98},
    GgufTypeTraits{TensorType::kIQ1_S, "IQ1_S", 256, 50},
    GgufTypeTraits{TensorType::kIQ4_NL, "IQ4_NL", 32, 18},
    GgufTypeTraits{TensorType::kIQ3_S, "IQ3_S", 256, 110},
    GgufTypeTraits{TensorType::kIQ2_S, "IQ2_S", 256, 82},
    GgufTypeTraits{TensorType::kIQ4_XS, "IQ4_XS", 256, 136},
    GgufTypeTraits{TensorType::kI8, "I8", 1, 1},
    GgufTypeTraits{TensorType::kI16, "I16", 1, 2},
    GgufTypeTraits{TensorType::kI32, "I32", 1, 4},
    GgufTypeTraits{TensorType::kI64, "I64", 1, 8},
    GgufTypeTraits{TensorType::kF64, "F64", 1, 8},
    GgufTypeTraits{TensorType::kIQ1_M, "IQ1_M", 256, 56},
    GgufTypeTraits{TensorType::kBF16, "BF16", 1, 2},
    GgufTypeTraits{TensorType::kTQ1_0, "TQ1_0", 256, 54},
    GgufTypeTraits{TensorType::kTQ2_0, "TQ2_0", 256, 66},
    GgufTypeTraits{TensorType::kMXFP4, "MXFP4", 32, 17},
    GgufTypeTraits{TensorType::kNVFP4, "NVFP4", 64, 36},
    GgufTypeTraits{TensorType::kQ1_0, "Q1_0", 128, 18},
};

}  // namespace

std::optional<GgufTypeTraits> FindGgufType(std::uint32_t number) {
  for (const GgufTypeTraits& traits : kTensorTypes) {
    if (static_cast<std::uint32_t>(traits.type) == number) return traits;
  }
  return std::nullopt;
}

const GgufTypeTraits& TraitsOf(GgufTensorType type) {
  for (const GgufTypeTraits& traits : kTensorTypes) {
    if (traits.type == type) return traits;
  }
  CheckFailed(__FILE__, __LINE__, "a type of the table");
}

}  // namespace quire::engine
