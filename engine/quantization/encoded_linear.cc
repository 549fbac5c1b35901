#include "engine/quantization/encoded_linear.h"

#include <array>
#include <cstring>
#include <nlohmann/json.hpp>
#include <span>

#include "base/check.h"
#include "kernels/quant/awq.h"
#include "kernels/quant/bitsandbytes.h"
#include "kernels/quant/gptq.h"

namespace quire::engine {
namespace {

constexpr std::int64_t kTile = 32;
constexpr std::int64_t kCodesPerWord = 8;

// The name that PyTorch has for the type, "float32".
const char* TorchName(TensorDType dtype) {
  switch (dtype) {
    case TensorDType::kF16:
      return "float16";
    case TensorDType::kBF16:
      return "bfloat16";
    default:
      return "float32";
  }
}

// What bitsandbytes keeps beside 4-bit codes.
std::string Nf4State(const LinearShape& linear, TensorDType dtype) {
  const nlohmann::ordered_json state = {{"quant_type", "nf4"},
                                        {"blocksize", kNf4BlockSize},
                                        {"dtype", TorchName(dtype)},
                                        {"shape", {linear.out, linear.in}}};
  return state.dump();
}

std::vector<TensorSpec> Nf4Specs(const LinearShape& linear, const EncodingOptions& options) {
  const std::int64_t size = linear.out * linear.in;
  const auto state_bytes = static_cast<std::int64_t>(Nf4State(linear, options.stored_dtype).size());
  const std::string weight = linear.name + ".weight";
  return {{weight, TensorDType::kU8, {(size + 1) / 2, 1}},
          {weight + ".absmax", TensorDType::kF32, {(size + kNf4BlockSize - 1) / kNf4BlockSize}},
          {weight + ".quant_map", TensorDType::kF32, {16}},
          {weight + ".quant_state.bitsandbytes__nf4", TensorDType::kU8, {state_bytes}}};
}

std::vector<TensorSpec> Int8Specs(const LinearShape& linear) {
  return {{linear.name + ".weight", TensorDType::kI8, {linear.out, linear.in}},
          {linear.name + ".SCB", TensorDType::kF32, {linear.out}},
          {linear.name + ".weight_format", TensorDType::kU8, {}}};
}

std::vector<TensorSpec> GptqSpecs(const LinearShape& linear, std::int64_t group_size) {
  const std::int64_t groups = linear.in / group_size;
  return {{linear.name + ".qweight", TensorDType::kI32, {linear.in / kCodesPerWord, linear.out}},
          {linear.name + ".qzeros", TensorDType::kI32, {groups, linear.out / kCodesPerWord}},
          {linear.name + ".scales", TensorDType::kF16, {groups, linear.out}},
          {linear.name + ".g_idx", TensorDType::kI32, {linear.in}}};
}

std::vector<TensorSpec> AwqSpecs(const LinearShape& linear, std::int64_t group_size) {
  const std::int64_t groups = linear.in / group_size;
  return {{linear.name + ".qweight", TensorDType::kI32, {linear.in, linear.out / kCodesPerWord}},
          {linear.name + ".qzeros", TensorDType::kI32, {groups, linear.out / kCodesPerWord}},
          {linear.name + ".scales", TensorDType::kF16, {groups, linear.out}}};
}

template <typename T>
std::vector<std::uint8_t> Bytes(const T& elements) {
  const auto bytes = std::as_bytes(std::span(elements.data(), elements.size()));
  std::vector<std::uint8_t> copy(bytes.size());
  if (!copy.empty()) std::memcpy(copy.data(), bytes.data(), bytes.size());
  return copy;
}

// Contents in the order of the specs.
std::vector<EncodedTensor> Join(std::vector<TensorSpec> specs,
                                std::vector<std::vector<std::uint8_t>> contents) {
  QUIRE_CHECK(specs.size() == contents.size());
  std::vector<EncodedTensor> tensors;
  for (std::size_t i = 0; i < specs.size(); ++i) {
    tensors.push_back({.spec = std::move(specs[i]), .bytes = std::move(contents[i])});
  }
  return tensors;
}

}  // namespace

bool FitsMethod(const LinearShape& linear, const EncodingOptions& options) {
  if (!NeedsCalibration(options.method)) return true;
  return linear.out % kTile == 0 && linear.in % kTile == 0 && linear.in % options.group_size == 0;
}

std::vector<TensorSpec> EncodedSpecs(const LinearShape& linear, const EncodingOptions& options) {
  switch (options.method) {
    case QuantizationMethod::kNf4:
      return Nf4Specs(linear, options);
    case QuantizationMethod::kInt8:
      return Int8Specs(linear);
    case QuantizationMethod::kGptq:
      return GptqSpecs(linear, options.group_size);
    case QuantizationMethod::kAwq:
      return AwqSpecs(linear, options.group_size);
  }
  return {};
}

std::vector<EncodedTensor> EncodeRounded(const LinearShape& linear, const EncodingOptions& options,
                                         const kernels::MatrixView& weight) {
  if (options.method == QuantizationMethod::kInt8) {
    const kernels::EncodedInt8 encoded = kernels::EncodeInt8(weight);
    const std::array<std::uint8_t, 1> row_format = {0};
    return Join(EncodedSpecs(linear, options),
                {Bytes(encoded.codes), Bytes(encoded.absmax), Bytes(row_format)});
  }
  const kernels::EncodedNf4 encoded = kernels::EncodeNf4(weight, kNf4BlockSize);
  return Join(EncodedSpecs(linear, options),
              {encoded.codes, Bytes(encoded.absmax), Bytes(kernels::kNf4Values),
               Bytes(Nf4State(linear, options.stored_dtype))});
}

std::vector<EncodedTensor> EncodeCodes(const LinearShape& linear, const EncodingOptions& options,
                                       const kernels::GroupCodes& codes) {
  if (options.method == QuantizationMethod::kAwq) {
    const kernels::PackedAwq packed = kernels::PackAwqGemm(codes);
    return Join(EncodedSpecs(linear, options),
                {Bytes(packed.qweight), Bytes(packed.qzeros), Bytes(packed.scales)});
  }
  const kernels::PackedGptq packed = kernels::PackGptq(codes);
  return Join(EncodedSpecs(linear, options), {Bytes(packed.qweight), Bytes(packed.qzeros),
                                              Bytes(packed.scales), Bytes(packed.g_idx)});
}

}  // namespace quire::engine
