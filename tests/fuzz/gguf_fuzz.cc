// GGUF: the container, the model configuration and weights it describes, its tokenizer and
// template.

#include "engine/formats/gguf_file.h"
#include "engine/formats/gguf_weights.h"
#include "engine/model/gguf_config.h"
#include "engine/model/sentence_transformers.h"
#include "engine/tokenizer/chat_template.h"
#include "engine/tokenizer/tokenizer.h"
#include "tests/fuzz/fuzz_target.h"

namespace {

using namespace quire;

// Accepted: every tensor is inside of the file, no two overlap, sizes are exact.
void CheckTensors(const engine::GgufFile& file, std::size_t size) {
  std::uint64_t position = 0;
  for (const engine::GgufTensor& tensor : file.tensors()) {
    QUIRE_CHECK(tensor.begin >= position && tensor.begin <= tensor.end && tensor.end <= size);
    position = tensor.end;
    const engine::GgufTypeTraits& traits = engine::TraitsOf(tensor.type);
    testing::UInt128 elements = 1;
    for (const std::int64_t length : tensor.shape) elements *= static_cast<std::uint64_t>(length);
    QUIRE_CHECK(elements * traits.block_bytes ==
                static_cast<testing::UInt128>(tensor.size_bytes()) * traits.block_elements);
    if (tensor.size_bytes() > 0) {
      volatile std::uint8_t last = file.bytes(tensor).back();
      static_cast<void>(last);
    }
  }
}

// Accepted blocks can be read to their end.
void CheckBlocks(const engine::GgufWeights& weights, const std::string& layer, std::int64_t rows,
                 std::int64_t cols) {
  const auto linear = weights.GetLinear(layer, rows, cols);
  testing::CheckClear(linear.status());
  if (!linear.ok() || linear->quantized == nullptr) return;
  const kernels::QuantizedLayout& layout = linear->quantized->layout();
  QUIRE_CHECK(layout.out == rows && layout.in == cols);
  std::vector<std::uint8_t> codes(static_cast<std::size_t>(cols));
  std::vector<float> scales(static_cast<std::size_t>(layout.num_groups));
  std::vector<float> shifts(scales.size());
  for (std::int64_t row = 0; row < rows; ++row) {
    linear->quantized->ReadCodes(row, 1, codes.data());
    linear->quantized->ReadScales(row, 1, scales.data(), shifts.data());
  }
}

void CheckWeights(const std::string& path) {
  const auto weights = engine::GgufWeights::Open(path);
  testing::CheckClear(weights.status());
  const auto config = engine::LoadModelConfig(path);
  testing::CheckClear(config.status());
  if (!weights.ok() || !config.ok()) return;
  const std::vector<std::int64_t> q_shape = {std::int64_t{config->num_heads} * config->head_dim,
                                             config->hidden_size};
  const bool is_encoder = config->is_encoder();
  const std::string q = is_encoder ? "encoder.layer.0.attention.self.query"  //
                                   : "model.layers.0.self_attn.q_proj";
  testing::CheckClear((*weights)->Get(q + ".weight", q_shape).status());
  const std::int64_t kv_rows = std::int64_t{config->num_kv_heads} * config->head_dim;
  const std::int64_t hidden = config->hidden_size;
  CheckBlocks(**weights, q, q_shape[0], hidden);
  CheckBlocks(**weights, is_encoder ? "embeddings.word_embeddings" : "model.embed_tokens",
              config->vocab_size, hidden);
  CheckBlocks(**weights, "model.layers.0.self_attn.qkv_proj", q_shape[0] + 2 * kv_rows, hidden);
  if (is_encoder) testing::CheckClear(engine::LoadSentenceTransformersConfig(path).status());
}

void CheckTokenizer(const std::string& path) {
  const auto tokenizer = engine::Tokenizer::Load(path);
  testing::CheckClear(tokenizer.status());
  if (!tokenizer.ok()) return;
  const auto ids = (*tokenizer)->Encode("Once upon a time 12 é日 <s>", {});
  for (const engine::TokenId id : ids) QUIRE_CHECK(id >= 0 && id < (*tokenizer)->vocab_size());
  QUIRE_CHECK((*tokenizer)->Decode(ids, true).ok());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string path = testing::WriteInput("model.gguf", testing::AsText(data, size));
  const auto file = engine::GgufFile::Open(path);
  testing::CheckClear(file.status());
  if (!file.ok()) return 0;
  CheckTensors(**file, size);
  for (const auto& [key, value] : (*file)->metadata().values()) {
    const std::string text = engine::DescribeGgufValue(value);
    QUIRE_CHECK(text.find('\n') == std::string::npos);
  }
  CheckWeights(path);
  CheckTokenizer(path);
  testing::CheckClear(engine::ChatTemplate::Load(path).status());
  return 0;
}
