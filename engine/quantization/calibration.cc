#include "engine/quantization/calibration.h"

#include <algorithm>
#include <numeric>

#include "engine/kv/kv_cache.h"
#include "engine/model/transformer.h"
#include "engine/tokenizer/token_windows.h"
#include "engine/tokenizer/tokenizer.h"

namespace quire::engine {
namespace {

constexpr std::int32_t kBlockSize = 16;

std::int32_t NumBlocks(std::size_t num_tokens) {
  return static_cast<std::int32_t>((num_tokens + kBlockSize - 1) / kBlockSize);
}

// One sequence from its beginning, in the blocks 0, 1, 2, ...
ForwardBatch BatchOf(const std::vector<std::int32_t>& ids) {
  ForwardBatch batch;
  batch.ids = ids;
  batch.positions.resize(ids.size());
  std::iota(batch.positions.begin(), batch.positions.end(), 0);
  batch.slot_mapping = batch.positions;
  batch.cu_seqlens = {0, batch.num_tokens()};
  batch.kv_lens = {batch.num_tokens()};
  batch.max_blocks = NumBlocks(ids.size());
  batch.block_table.resize(static_cast<std::size_t>(batch.max_blocks));
  std::iota(batch.block_table.begin(), batch.block_table.end(), 0);
  return batch;
}

}  // namespace

StatusOr<Calibration> Calibration::Create(const std::string& path, const std::string& text,
                                          const ModelConfig& config, std::int32_t window_tokens,
                                          std::int32_t max_windows, kernels::Device& device) {
  QUIRE_ASSIGN_OR_RETURN(const auto tokenizer, Tokenizer::Load(path));
  const auto encode = [&](std::string_view piece, bool special) {
    return tokenizer->Encode(piece, {.add_special_tokens = special});
  };
  const std::vector<TokenId> leading = LeadingTokens(encode("a", true), encode("a", false));
  const std::int32_t longest = std::min(window_tokens, config.max_position_embeddings);
  if (longest < 2 || leading.size() >= static_cast<std::size_t>(longest)) {
    return InvalidArgument("calibration: wanted windows of more than {} tokens, have {}",
                           std::max<std::size_t>(leading.size(), 1), longest);
  }
  auto windows = CutWindows(encode(text, false), leading, static_cast<std::size_t>(longest));
  if (windows.empty()) {
    return InvalidArgument("calibration: wanted a text of at least two tokens");
  }
  for (const std::vector<TokenId>& window : windows) {
    for (const TokenId id : window) {
      if (id >= 0 && id < config.vocab_size) continue;
      return InvalidArgument("calibration: wanted token ids below {}, have {}", config.vocab_size,
                             id);
    }
  }
  if (windows.size() > static_cast<std::size_t>(max_windows)) {
    windows.resize(static_cast<std::size_t>(max_windows));
  }
  return Calibration(config, std::move(windows), device);
}

StatusOr<std::map<std::string, InputMoments>> Calibration::Measure(
    std::int32_t layer, const WeightSource& weights, const std::vector<std::string>& names) const {
  ModelConfig config = config_;
  config.num_layers = layer + 1;
  const std::size_t longest = windows_.front().size();  // only the last window may be shorter
  QUIRE_ASSIGN_OR_RETURN(
      const auto transformer,
      Transformer::Load(config, weights, {.max_batch_tokens = static_cast<std::int32_t>(longest)},
                        *device_));
  QUIRE_ASSIGN_OR_RETURN(const auto cache, KvCache::Create({.num_layers = config.num_layers,
                                                            .num_kv_heads = config.num_kv_heads,
                                                            .head_dim = config.head_dim,
                                                            .block_size = kBlockSize},
                                                           NumBlocks(longest), *device_));
  QUIRE_ASSIGN_OR_RETURN(const auto observer, MomentObserver::Create(names, *device_));
  transformer->set_observer(observer.get());
  for (const std::vector<std::int32_t>& window : windows_) {
    const ForwardBatch batch = BatchOf(window);
    transformer->Forward(batch, *cache);
    QUIRE_RETURN_IF_ERROR(transformer->Wait());
  }
  return observer->Finish();
}

std::int64_t Calibration::num_tokens() const {
  return std::accumulate(windows_.begin(), windows_.end(), std::int64_t{0},
                         [](std::int64_t sum, const auto& window) {
                           return sum + static_cast<std::int64_t>(window.size());
                         });
}

}  // namespace quire::engine
