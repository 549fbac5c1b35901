#include "engine/formats/gguf_weights.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>
#include <vector>

#include "engine/formats/safetensors.h"

namespace quire::engine {
namespace {

struct Renaming {
  std::string_view ours;
  std::string_view theirs;
};

constexpr std::array kOutsideOfLayers = {
    Renaming{"model.embed_tokens", "token_embd"},
    Renaming{"model.norm", "output_norm"},
    Renaming{"lm_head", "output"},
    Renaming{"transformer.wte", "token_embd"},
    Renaming{"transformer.wpe", "position_embd"},
    Renaming{"transformer.ln_f", "output_norm"},
};
constexpr std::array<std::string_view, 2> kLayers = {"model.layers.", "transformer.h."};
// Where norms follow attention and MLP too, the name that Llama gives to the norm before the MLP is
// that of the one after attention.
constexpr std::array kPostNormed = {
    Renaming{"post_attention_layernorm", "post_attention_norm"},
};
constexpr std::array kOutsideOfEncoderLayers = {
    Renaming{"embeddings.word_embeddings", "token_embd"},
    Renaming{"embeddings.position_embeddings", "position_embd"},
    Renaming{"embeddings.token_type_embeddings", "token_types"},
    Renaming{"embeddings.LayerNorm", "token_embd_norm"},
};
constexpr std::array kInsideOfLayers = {
    Renaming{"input_layernorm", "attn_norm"},
    Renaming{"self_attn.q_proj", "attn_q"},
    Renaming{"self_attn.k_proj", "attn_k"},
    Renaming{"self_attn.v_proj", "attn_v"},
    Renaming{"self_attn.o_proj", "attn_output"},
    Renaming{"self_attn.q_norm", "attn_q_norm"},
    Renaming{"self_attn.k_norm", "attn_k_norm"},
    Renaming{"post_attention_layernorm", "ffn_norm"},
    Renaming{"mlp.gate_proj", "ffn_gate"},
    Renaming{"mlp.up_proj", "ffn_up"},
    Renaming{"mlp.down_proj", "ffn_down"},
    Renaming{"self_attn.qkv_proj", "attn_qkv"},
    Renaming{"mlp.gate_up_proj", "ffn_up"},
    Renaming{"pre_feedforward_layernorm", "ffn_norm"},
    Renaming{"post_feedforward_layernorm", "post_ffw_norm"},
    Renaming{"ln_1", "attn_norm"},
    Renaming{"attn.c_attn", "attn_qkv"},
    Renaming{"attn.c_proj", "attn_output"},
    Renaming{"ln_2", "ffn_norm"},
    Renaming{"mlp.c_fc", "ffn_up"},
    Renaming{"mlp.c_proj", "ffn_down"},
};
constexpr std::string_view kEncoderLayers = "encoder.layer.";
constexpr std::array kInsideOfEncoderLayers = {
    Renaming{"attention.self.query", "attn_q"},
    Renaming{"attention.self.key", "attn_k"},
    Renaming{"attention.self.value", "attn_v"},
    Renaming{"attention.output.dense", "attn_output"},
    Renaming{"attention.output.LayerNorm", "attn_output_norm"},
    Renaming{"intermediate.dense", "ffn_up"},
    Renaming{"output.dense", "ffn_down"},
    Renaming{"output.LayerNorm", "layer_output_norm"},
};

template <typename Table>
std::optional<std::string_view> Rename(const Table& table, std::string_view ours) {
  for (const Renaming& renaming : table) {
    if (renaming.ours == ours) return renaming.theirs;
  }
  return std::nullopt;
}

// The name in GGUF files of what one layer calls `in_layer` ("0.mlp.up_proj").
template <typename Table>
std::optional<std::string> RenameInLayer(const Table& table, std::string_view in_layer) {
  const std::size_t number_end = in_layer.find('.');
  if (number_end == in_layer.npos) return std::nullopt;
  const auto theirs = Rename(table, in_layer.substr(number_end + 1));
  if (!theirs) return std::nullopt;
  return fmt::format("blk.{}.{}", in_layer.substr(0, number_end), *theirs);
}

// Architectures with norms after attention and MLP.
bool IsPostNormed(std::string_view architecture) {
  return architecture == "gemma2" || architecture == "gemma3";
}

// The same for a whole name without its kind.
std::optional<std::string> RenameStem(std::string_view stem, std::string_view architecture) {
  for (const std::string_view layers : kLayers) {
    if (!stem.starts_with(layers)) continue;
    const std::string_view in_layers = stem.substr(layers.size());
    std::optional<std::string> theirs;
    if (IsPostNormed(architecture)) theirs = RenameInLayer(kPostNormed, in_layers);
    return theirs ? theirs : RenameInLayer(kInsideOfLayers, in_layers);
  }
  if (stem.starts_with(kEncoderLayers)) {
    return RenameInLayer(kInsideOfEncoderLayers, stem.substr(kEncoderLayers.size()));
  }
  auto theirs = Rename(kOutsideOfLayers, stem);
  if (!theirs) theirs = Rename(kOutsideOfEncoderLayers, stem);
  return theirs ? std::optional<std::string>(*theirs) : std::nullopt;
}

std::optional<kernels::DType> ToKernelDType(GgufTensorType type) {
  switch (type) {
    case GgufTensorType::kF32:
      return kernels::DType::kF32;
    case GgufTensorType::kF16:
      return kernels::DType::kF16;
    case GgufTensorType::kBF16:
      return kernels::DType::kBF16;
    default:
      return std::nullopt;
  }
}

struct BlockTypePair {
  GgufTensorType stored;
  kernels::GgufBlockType block;
};
constexpr std::array<BlockTypePair, kernels::kNumGgufBlockTypes> kBlockTypes = {{
    {GgufTensorType::kQ4_0, kernels::GgufBlockType::kQ4_0},
    {GgufTensorType::kQ4_1, kernels::GgufBlockType::kQ4_1},
    {GgufTensorType::kQ5_0, kernels::GgufBlockType::kQ5_0},
    {GgufTensorType::kQ5_1, kernels::GgufBlockType::kQ5_1},
    {GgufTensorType::kQ8_0, kernels::GgufBlockType::kQ8_0},
    {GgufTensorType::kQ2_K, kernels::GgufBlockType::kQ2_K},
    {GgufTensorType::kQ3_K, kernels::GgufBlockType::kQ3_K},
    {GgufTensorType::kQ4_K, kernels::GgufBlockType::kQ4_K},
    {GgufTensorType::kQ5_K, kernels::GgufBlockType::kQ5_K},
    {GgufTensorType::kQ6_K, kernels::GgufBlockType::kQ6_K},
    {GgufTensorType::kIQ4_NL, kernels::GgufBlockType::kIQ4_NL},
    {GgufTensorType::kIQ4_XS, kernels::GgufBlockType::kIQ4_XS},
}};

// A copy of `num_rows` rows in which the pairs of a head are its halves: row 2i + j of a head in
// the file is row j * (rows / 2) + i of the head.
std::shared_ptr<std::vector<std::uint64_t>> Deinterleave(std::span<const std::uint8_t> bytes,
                                                         std::size_t num_rows,
                                                         std::size_t num_heads) {
  auto copy = std::make_shared<std::vector<std::uint64_t>>((bytes.size() + 7) / 8);
  auto* out = reinterpret_cast<std::uint8_t*>(copy->data());
  const std::size_t row_bytes = bytes.size() / num_rows;
  const std::size_t head_rows = num_rows / num_heads;
  for (std::size_t row = 0; row < num_rows; ++row) {
    const std::size_t in_head = row % head_rows;
    const std::size_t target = row - in_head + in_head % 2 * (head_rows / 2) + in_head / 2;
    std::memcpy(out + target * row_bytes, bytes.data() + row * row_bytes, row_bytes);
  }
  return copy;
}

// Architectures whose converters interleave: those of Llama's class.
bool IsInterleaved(std::string_view architecture) { return architecture == "llama"; }

StatusOr<std::int32_t> HeadCount(const GgufMetadata& metadata, std::string_view key) {
  constexpr std::int64_t kMaxHeads = 1 << 16;
  QUIRE_ASSIGN_OR_RETURN(const auto count, metadata.Integer(key, 1, kMaxHeads));
  return static_cast<std::int32_t>(count.value_or(0));
}

}  // namespace

std::optional<kernels::GgufBlockType> BlockTypeOf(GgufTensorType type) {
  for (const BlockTypePair& pair : kBlockTypes) {
    if (pair.stored == type) return pair.block;
  }
  return std::nullopt;
}

std::optional<std::string> GgufTensorName(std::string_view name, std::string_view architecture) {
  // "stem.kind", where kind is weight or bias.
  const std::size_t dot = name.rfind('.');
  if (dot == name.npos) return std::nullopt;
  const std::optional<std::string> theirs = RenameStem(name.substr(0, dot), architecture);
  if (!theirs) return std::nullopt;
  return fmt::format("{}{}", *theirs, name.substr(dot));
}

StatusOr<std::unique_ptr<GgufWeights>> GgufWeights::Open(const std::string& path) {
  QUIRE_ASSIGN_OR_RETURN(std::shared_ptr<const GgufFile> file, GgufFile::Open(path));
  const GgufMetadata& metadata = file->metadata();
  QUIRE_ASSIGN_OR_RETURN(const auto num_files, metadata.Integer("split.count", 0, INT32_MAX));
  if (num_files.value_or(1) > 1) {
    return Unimplemented("{}: split.count: wanted a model in one file, have {}", path, *num_files);
  }
  QUIRE_ASSIGN_OR_RETURN(const auto architecture, metadata.String("general.architecture"));
  InterleavedHeads heads;
  const std::string family(architecture.value_or(""));
  if (IsInterleaved(family)) {
    const std::string key = fmt::format("{}.attention.head_count", *architecture);
    QUIRE_ASSIGN_OR_RETURN(heads.q, HeadCount(metadata, key));
    QUIRE_ASSIGN_OR_RETURN(heads.k, HeadCount(metadata, key + "_kv"));
    if (heads.k == 0) heads.k = heads.q;
  }
  return std::make_unique<GgufWeights>(std::move(file), family, heads);
}

const GgufTensor* GgufWeights::Find(const std::string& name) const {
  const std::optional<std::string> theirs = GgufTensorName(name, architecture_);
  return theirs ? file_->Find(*theirs) : nullptr;
}

bool GgufWeights::holds_blocks() const {
  return std::any_of(file_->tensors().begin(), file_->tensors().end(),
                     [](const GgufTensor& tensor) { return BlockTypeOf(tensor.type).has_value(); });
}

bool GgufWeights::Contains(const std::string& name) const { return Find(name) != nullptr; }

std::int32_t GgufWeights::HeadsToUndo(std::string_view name) const {
  if (name.find(".attn_q.") != name.npos) return heads_.q;
  if (name.find(".attn_k.") != name.npos) return heads_.k;
  return 0;
}

StatusOr<const GgufTensor*> GgufWeights::FindShaped(const std::string& name,
                                                    std::span<const std::int64_t> shape) const {
  const GgufTensor* tensor = Find(name);
  if (tensor == nullptr) {
    return DataLoss("{}: tensor {}: wanted {}, have no such tensor", file_->path(),
                    GgufTensorName(name, architecture_).value_or(name), ShapeText(shape));
  }
  if (!std::equal(shape.begin(), shape.end(), tensor->shape.begin(), tensor->shape.end())) {
    return DataLoss("{}: tensor {}: wanted {}, have {}", file_->path(), tensor->name,
                    ShapeText(shape), ShapeText(tensor->shape));
  }
  return tensor;
}

StatusOr<GgufWeights::OrderedRows> GgufWeights::Rows(const GgufTensor& tensor) const {
  const std::span<const std::uint8_t> bytes = file_->bytes(tensor);
  const std::int32_t num_heads = HeadsToUndo(tensor.name);
  if (num_heads == 0) return OrderedRows{.bytes = bytes.data(), .owner = file_};
  // The elements of a bias are rows of their own.
  const std::int64_t num_rows = tensor.shape.front();
  if (num_rows == 0 || num_rows % (2 * std::int64_t{num_heads}) != 0) {
    return DataLoss("{}: tensor {}: wanted rows for {} heads, have {}", file_->path(), tensor.name,
                    num_heads, num_rows);
  }
  auto copy =
      Deinterleave(bytes, static_cast<std::size_t>(num_rows), static_cast<std::size_t>(num_heads));
  return OrderedRows{.bytes = reinterpret_cast<const std::uint8_t*>(copy->data()), .owner = copy};
}

StatusOr<HostTensor> GgufWeights::Get(const std::string& name,
                                      std::span<const std::int64_t> shape) const {
  QUIRE_ASSIGN_OR_RETURN(const GgufTensor* const tensor, FindShaped(name, shape));
  const std::optional<kernels::DType> dtype = ToKernelDType(tensor->type);
  if (!dtype) {
    return Unimplemented("{}: tensor {}: wanted F32, F16 or BF16, have {}", file_->path(),
                         tensor->name, TraitsOf(tensor->type).name);
  }
  QUIRE_ASSIGN_OR_RETURN(OrderedRows rows, Rows(*tensor));
  const kernels::MatrixView view = {.data = const_cast<std::uint8_t*>(rows.bytes),
                                    .rows = shape.size() == 2 ? shape[0] : 1,
                                    .cols = shape.back(),
                                    .row_stride = shape.back(),
                                    .dtype = *dtype};
  return HostTensor{.view = view, .owner = std::move(rows.owner)};
}

bool GgufWeights::IsQuantized(const std::string& name) const {
  const GgufTensor* tensor = Find(name + ".weight");
  return tensor != nullptr && !ToKernelDType(tensor->type);
}

StatusOr<LinearTensor> GgufWeights::GetLinear(const std::string& name, std::int64_t out,
                                              std::int64_t in) const {
  if (!IsQuantized(name)) return WeightSource::GetLinear(name, out, in);
  const std::array shape = {out, in};
  QUIRE_ASSIGN_OR_RETURN(const GgufTensor* const tensor, FindShaped(name + ".weight", shape));
  const std::optional<kernels::GgufBlockType> type = BlockTypeOf(tensor->type);
  if (!type) {
    return Unimplemented(
        "{}: tensor {}: wanted F32, F16, BF16, Q4_0 to Q8_0, Q2_K to Q6_K, IQ4_NL "
        "or IQ4_XS, have {}",
        file_->path(), tensor->name, TraitsOf(tensor->type).name);
  }
  QUIRE_ASSIGN_OR_RETURN(OrderedRows rows, Rows(*tensor));
  LinearTensor linear;
  QUIRE_ASSIGN_OR_RETURN(
      linear.quantized,
      kernels::NewGgufWeight({.type = *type, .out = out, .in = in, .blocks = rows.bytes}));
  linear.owners.push_back(std::move(rows.owner));
  return linear;
}

}  // namespace quire::engine
