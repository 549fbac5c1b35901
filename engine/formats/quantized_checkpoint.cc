#include "engine/formats/quantized_checkpoint.h"

#include <algorithm>
#include <cmath>

#include "engine/formats/json_file.h"
#include "engine/formats/layer_tensors.h"
#include "kernels/quant/awq.h"
#include "kernels/quant/bitsandbytes.h"
#include "kernels/quant/gptq.h"

namespace quire::engine {
namespace {

constexpr std::uint64_t kMaxStateBytes = 1 << 16;
constexpr std::int64_t kMaxQuantizedBlockSize = 1 << 20;
constexpr std::int64_t kMaxDimension = 1 << 30;

constexpr char kNf4State[] = ".weight.quant_state.bitsandbytes__nf4";
constexpr char kFp4State[] = ".weight.quant_state.bitsandbytes__fp4";

std::int64_t CeilDivide(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

// What a format says against its tensors, as the fault of the file.
template <typename T>
StatusOr<T> BlameFile(StatusOr<T> made, const std::string& where) {
  if (made.ok()) return made;
  return DataLoss("{}: {}", where, Message(made.status()));
}

LinearTensor Quantized(std::unique_ptr<kernels::QuantizedWeight> weight, LayerTensors& tensors) {
  LinearTensor tensor;
  tensor.quantized = std::move(weight);
  tensor.owners = tensors.TakeOwners();
  return tensor;
}

// Refuses a shape that does not fill whole words, before sizes are computed from it.
Status RequireMultiple(const std::string& where, std::int64_t out, std::int64_t in,
                       std::int64_t multiple) {
  if (out % multiple == 0 && in % multiple == 0) return OkStatus();
  return DataLoss("{}: wanted a layer of multiples of {}, have [{}, {}]", where, multiple, out, in);
}

// --- AWQ ----------------------------------------------------------------------------------------

Status ReadAwqWords(LayerTensors& tensors, kernels::AwqTensors& t) {
  const bool is_gemm = t.layout == kernels::AwqLayout::kGemm;
  // Rows and columns of the scales; a word of zero points has eight columns.
  const std::int64_t rows = is_gemm ? t.num_groups() : t.out;
  const std::int64_t cols = is_gemm ? t.out : kernels::AwqPaddedGroups(t.in, t.group_size);
  QUIRE_ASSIGN_OR_RETURN(t.qweight,
                         tensors.Get<void>(".qweight", TensorDType::kI32,
                                           {is_gemm ? t.in : t.out, (is_gemm ? t.out : t.in) / 8}));
  QUIRE_ASSIGN_OR_RETURN(t.scales, tensors.GetFloats(".scales", {rows, cols}, t.scale_dtype));
  if (tensors.Contains(".qzeros")) {
    QUIRE_ASSIGN_OR_RETURN(t.qzeros,
                           tensors.Get<void>(".qzeros", TensorDType::kI32, {rows, cols / 8}));
  }
  return OkStatus();
}

Status ReadAwqFast(LayerTensors& tensors, kernels::AwqTensors& t) {
  const std::int64_t groups = kernels::AwqPaddedGroups(t.in, t.group_size);
  QUIRE_ASSIGN_OR_RETURN(t.qweight,
                         tensors.Get<void>(".qweight", TensorDType::kI16, {t.out / 4, t.in}));
  QUIRE_ASSIGN_OR_RETURN(t.scales, tensors.GetFloats(".scales", {groups, t.out}, t.scale_dtype));
  // llm-awq, whose layout this is, has another name for them.
  const char* zeros = tensors.Contains(".scaled_zeros") ? ".scaled_zeros" : ".qzeros";
  if (!tensors.Contains(zeros)) return OkStatus();
  kernels::DType zero_dtype = t.scale_dtype;
  QUIRE_ASSIGN_OR_RETURN(t.qzeros, tensors.GetFloats(zeros, {groups, t.out}, zero_dtype));
  if (zero_dtype == t.scale_dtype) return OkStatus();
  return DataLoss("{}: wanted {} as the scales are, have {}", tensors.Where(zeros),
                  kernels::DTypeName(t.scale_dtype), kernels::DTypeName(zero_dtype));
}

// --- bitsandbytes -------------------------------------------------------------------------------

// The JSON that comes with 4-bit codes.
struct Bnb4State {
  std::int32_t block_size = 0;
  std::int32_t nested_block_size = 256;
  float nested_offset = 0;
};

StatusOr<Bnb4State> ParseState(std::span<const std::uint8_t> bytes, const std::string& where,
                               const std::string& quant_type, std::int64_t out, std::int64_t in) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  QUIRE_ASSIGN_OR_RETURN(const nlohmann::json json, ParseJson(text, where));
  JsonFields fields(json, where);
  Bnb4State state;
  std::string type = quant_type;
  fields.Read("quant_type", type);
  if (type != quant_type) fields.Fail("quant_type", quant_type);
  fields.Require("blocksize", state.block_size, 1, kMaxQuantizedBlockSize);
  fields.Read("nested_blocksize", state.nested_block_size, 1, kMaxQuantizedBlockSize);
  fields.Read("nested_offset", state.nested_offset, -1e30, 1e30);
  std::vector<std::int32_t> shape;
  fields.Read("shape", shape, 0, kMaxDimension);
  if (fields.status().ok() && (shape.size() != 2 || shape[0] != out || shape[1] != in)) {
    fields.Fail("shape", fmt::format("[{}, {}]", out, in));
  }
  QUIRE_RETURN_IF_ERROR(fields.status());
  return state;
}

Status RequireFinite(std::span<const float> values, const std::string& where) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) {
      return DataLoss("{}: element {}: wanted a finite number", where, i);
    }
  }
  return OkStatus();
}

// The scales of 4-bit codes, plain or nested.
Status ReadAbsmax(LayerTensors& tensors, const Bnb4State& state, kernels::Bnb4Tensors& t) {
  const std::int64_t blocks = t.num_blocks();
  if (!tensors.Contains(".weight.nested_absmax")) {
    QUIRE_ASSIGN_OR_RETURN(t.absmax,
                           tensors.Get<float>(".weight.absmax", TensorDType::kF32, {blocks}));
    return OkStatus();
  }
  t.nested_block_size = state.nested_block_size;
  t.nested_offset = state.nested_offset;
  QUIRE_ASSIGN_OR_RETURN(t.nested_codes,
                         tensors.Get<std::uint8_t>(".weight.absmax", TensorDType::kU8, {blocks}));
  QUIRE_ASSIGN_OR_RETURN(t.nested_table,
                         tensors.Get<float>(".weight.nested_quant_map", TensorDType::kF32, {256}));
  QUIRE_ASSIGN_OR_RETURN(t.nested_absmax,
                         tensors.Get<float>(".weight.nested_absmax", TensorDType::kF32,
                                            {CeilDivide(blocks, t.nested_block_size)}));
  return OkStatus();
}

}  // namespace

bool QuantizedCheckpoint::IsQuantized(const std::string& name) const {
  if (config_.method == QuantizationConfig::Method::kBitsAndBytes) {
    return Contains(name + ".weight.absmax") || Contains(name + ".SCB");
  }
  return Contains(name + ".qweight");
}

StatusOr<LinearTensor> QuantizedCheckpoint::GetLinear(const std::string& name, std::int64_t out,
                                                      std::int64_t in) const {
  if (!IsQuantized(name)) return WeightSource::GetLinear(name, out, in);
  switch (config_.method) {
    case QuantizationConfig::Method::kGptq:
      return GetGptq(name, out, in);
    case QuantizationConfig::Method::kAwq:
      return GetAwq(name, out, in);
    case QuantizationConfig::Method::kBitsAndBytes:
      return Contains(name + ".SCB") ? GetInt8(name, out, in) : GetBnb4(name, out, in);
  }
  return Internal("quantization: unknown method");
}

StatusOr<LinearTensor> QuantizedCheckpoint::GetGptq(const std::string& name, std::int64_t out,
                                                    std::int64_t in) const {
  LayerTensors tensors(*checkpoint_, name);
  const GptqSettings settings = config_.SettingsOf(name);
  const std::string where = tensors.Where(".qweight");
  QUIRE_RETURN_IF_ERROR(
      RequireMultiple(where, out, in, settings.bits == 3 ? 32 : 32 / settings.bits));
  kernels::GptqTensors t = {.bits = settings.bits,
                            .out = out,
                            .in = in,
                            .group_size = settings.group_size < 0 ? in : settings.group_size,
                            .zeros_minus_one = config_.zeros_minus_one,
                            .symmetric = settings.symmetric};
  const std::int64_t groups = CeilDivide(in, t.group_size);
  t.num_groups = static_cast<std::int32_t>(groups);
  QUIRE_ASSIGN_OR_RETURN(t.qweight, tensors.Get<std::uint32_t>(".qweight", TensorDType::kI32,
                                                               {in * t.bits / 32, out}));
  QUIRE_ASSIGN_OR_RETURN(t.qzeros, tensors.Get<std::uint32_t>(".qzeros", TensorDType::kI32,
                                                              {groups, out * t.bits / 32}));
  QUIRE_ASSIGN_OR_RETURN(t.scales, tensors.GetFloats(".scales", {groups, out}, t.scale_dtype));
  if (tensors.Contains(".g_idx")) {
    QUIRE_ASSIGN_OR_RETURN(t.g_idx, tensors.Get<std::int32_t>(".g_idx", TensorDType::kI32, {in}));
  }
  QUIRE_ASSIGN_OR_RETURN(auto weight, BlameFile(kernels::NewGptqWeight(t), where));
  return Quantized(std::move(weight), tensors);
}

StatusOr<LinearTensor> QuantizedCheckpoint::GetAwq(const std::string& name, std::int64_t out,
                                                   std::int64_t in) const {
  LayerTensors tensors(*checkpoint_, name);
  const std::string where = tensors.Where(".qweight");
  QUIRE_RETURN_IF_ERROR(RequireMultiple(where, out, in, 8));
  kernels::AwqTensors t = {.layout = config_.awq_layout,
                           .out = out,
                           .in = in,
                           .group_size = config_.awq_group_size < 0 ? in : config_.awq_group_size};
  QUIRE_RETURN_IF_ERROR(t.layout == kernels::AwqLayout::kGemvFast ? ReadAwqFast(tensors, t)
                                                                  : ReadAwqWords(tensors, t));
  QUIRE_ASSIGN_OR_RETURN(auto weight, BlameFile(kernels::NewAwqWeight(t), where));
  return Quantized(std::move(weight), tensors);
}

StatusOr<LinearTensor> QuantizedCheckpoint::GetBnb4(const std::string& name, std::int64_t out,
                                                    std::int64_t in) const {
  LayerTensors tensors(*checkpoint_, name);
  const bool is_fp4 = tensors.Contains(kFp4State);
  const std::string state_suffix = is_fp4 ? kFp4State : kNf4State;
  QUIRE_ASSIGN_OR_RETURN(const auto state_bytes, tensors.GetText(state_suffix, kMaxStateBytes));
  auto state =
      ParseState(state_bytes, tensors.Where(state_suffix), is_fp4 ? "fp4" : "nf4", out, in);
  if (!state.ok()) return DataLoss("{}", Message(state.status()));

  kernels::Bnb4Tensors t = {.out = out, .in = in, .block_size = state->block_size};
  // Codes are stored as elements of any type: only their bytes count.
  QUIRE_ASSIGN_OR_RETURN(
      const auto codes,
      tensors.GetBytes(".weight", static_cast<std::uint64_t>(CeilDivide(out * in, 2))));
  t.codes = codes.data();
  QUIRE_ASSIGN_OR_RETURN(t.table, tensors.Get<float>(".weight.quant_map", TensorDType::kF32, {16}));
  QUIRE_RETURN_IF_ERROR(RequireFinite({t.table, 16}, tensors.Where(".weight.quant_map")));
  QUIRE_RETURN_IF_ERROR(ReadAbsmax(tensors, *state, t));
  QUIRE_ASSIGN_OR_RETURN(auto weight,
                         BlameFile(kernels::NewBnb4Weight(t), tensors.Where(".weight")));
  return Quantized(std::move(weight), tensors);
}

StatusOr<LinearTensor> QuantizedCheckpoint::GetInt8(const std::string& name, std::int64_t out,
                                                    std::int64_t in) const {
  LayerTensors tensors(*checkpoint_, name);
  if (tensors.Contains(".weight_format")) {
    QUIRE_ASSIGN_OR_RETURN(const auto format, tensors.GetBytes(".weight_format", 1));
    if (format[0] != 0) {
      return Unimplemented("{}: wanted 0, rows, have {}", tensors.Where(".weight_format"),
                           format[0]);
    }
  }
  kernels::Int8Tensors t = {.out = out, .in = in};
  QUIRE_ASSIGN_OR_RETURN(t.codes, tensors.Get<std::int8_t>(".weight", TensorDType::kI8, {out, in}));
  QUIRE_ASSIGN_OR_RETURN(t.absmax, tensors.Get<float>(".SCB", TensorDType::kF32, {out}));
  return Quantized(kernels::NewInt8Weight(t), tensors);
}

}  // namespace quire::engine
