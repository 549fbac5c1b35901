#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/status.h"

namespace quire::engine {

// What a checkpoint is quantized to. The first two look at the weights alone, the others at what
// the weights are multiplied with too.
enum class QuantizationMethod : std::uint8_t {
  kNf4,   // bitsandbytes, 4 bits, blocks of 64
  kInt8,  // bitsandbytes, LLM.int8
  kGptq,  // 4 bits, symmetric
  kAwq,   // 4 bits, the gemm layout
};

inline constexpr std::array<std::string_view, 4> kQuantizationMethods = {"nf4", "int8", "gptq",
                                                                         "awq"};

// Returns INVALID_ARGUMENT for what is none of these names.
StatusOr<QuantizationMethod> ParseQuantizationMethod(std::string_view name);
std::string_view QuantizationMethodName(QuantizationMethod method);
// True for the methods that need a calibration text.
bool NeedsCalibration(QuantizationMethod method);

}  // namespace quire::engine
