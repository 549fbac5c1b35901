#include "engine/encoder_passes.h"

#include <algorithm>
#include <mutex>
#include <optional>
#include <vector>

namespace quire::engine {

Status CheckTokenIds(std::string_view where, std::span<const TokenId> ids,
                     std::int32_t vocab_size) {
  for (const TokenId id : ids) {
    if (id >= vocab_size) {
      return InvalidArgument("{}: wanted token ids below vocab_size {}, have {}", where, vocab_size,
                             id);
    }
  }
  return OkStatus();
}

Status EncoderPasses::Run(std::span<const std::size_t> num_tokens, const Pass& pass) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < num_tokens.size(); ++i) {
    if (num_tokens[i] > 0) order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return num_tokens[a] > num_tokens[b]; });
  for (std::size_t begin = 0; begin < order.size();) {
    std::size_t end = begin;
    std::size_t total = 0;
    while (end < order.size() && total + num_tokens[order[end]] <= max_batch_tokens_) {
      total += num_tokens[order[end++]];
    }
    QUIRE_RETURN_IF_ERROR(RunPass(std::span(order).subspan(begin, end - begin), pass));
    begin = end;
  }
  return OkStatus();
}

Status EncoderPasses::RunPass(std::span<const std::size_t> inputs, const Pass& pass) {
  std::optional<ComputeTurns::Turn> turn;
  const auto next_turn = [&] {
    if (turns_ == nullptr) return;
    turn.reset();
    turn.emplace(turns_->TakePiece());
  };
  const std::lock_guard lock(mutex_);
  return pass(inputs, next_turn);
}

}  // namespace quire::engine
