#pragma once

#include <cstdint>
#include <vector>

#include "engine/formats/checkpoint_writer.h"
#include "engine/quantization/linear_groups.h"
#include "engine/quantization/quantization_method.h"
#include "kernels/quant/group_codes.h"
#include "kernels/tensor.h"

namespace quire::engine {

// A tensor with its contents.
struct EncodedTensor {
  TensorSpec spec;
  std::vector<std::uint8_t> bytes;
};

// What decides how a checkpoint stores its linear layers.
struct EncodingOptions {
  QuantizationMethod method = QuantizationMethod::kNf4;
  std::int64_t group_size = 128;                 // of gptq and awq
  TensorDType stored_dtype = TensorDType::kF32;  // of the weight that is quantized, for nf4
};

// Elements that share a scale in nf4, as bitsandbytes has it.
inline constexpr std::int64_t kNf4BlockSize = 64;

// True if the method can store the layer. gptq and awq pack codes into words, and their readers
// compute in tiles: `out` and `in` must be multiples of 32, `in` one of the group size too.
bool FitsMethod(const LinearShape& linear, const EncodingOptions& options);

// The tensors that stand for `linear`.weight, named and shaped as transformers, AutoGPTQ and
// AutoAWQ read them. Requires FitsMethod.
std::vector<TensorSpec> EncodedSpecs(const LinearShape& linear, const EncodingOptions& options);

// The same tensors with the contents for `weight` [out, in], dense f32, finite. For nf4 and int8.
std::vector<EncodedTensor> EncodeRounded(const LinearShape& linear, const EncodingOptions& options,
                                         const kernels::MatrixView& weight);
// For gptq and awq.
std::vector<EncodedTensor> EncodeCodes(const LinearShape& linear, const EncodingOptions& options,
                                       const kernels::GroupCodes& codes);

}  // namespace quire::engine
