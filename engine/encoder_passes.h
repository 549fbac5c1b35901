#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "base/status.h"
#include "engine/compute_turns.h"
#include "engine/fifo_mutex.h"
#include "engine/tokenizer/tokenizer.h"

namespace quire::engine {

// Returns INVALID_ARGUMENT naming `where` unless the encoder has embeddings for all of `ids`: a
// tokenizer may know more tokens than the model.
Status CheckTokenIds(std::string_view where, std::span<const TokenId> ids, std::int32_t vocab_size);

// Computes the inputs of several callers on one encoder, a forward pass at a time. Inputs of like
// length share a pass, so that its threads finish together; passes of several calls alternate, so
// that a short call waits for one pass of a long one.
//
// Thread-safe.
class EncoderPasses {
 public:
  // One forward pass over the inputs with these indices; calls `before_layer` before each layer.
  using Pass = std::function<Status(std::span<const std::size_t> inputs,
                                    const std::function<void()>& before_layer)>;

  // A pass has at most `max_batch_tokens` tokens. `turns` is shared with a language model on the
  // same device; null: nobody else computes there.
  EncoderPasses(std::int32_t max_batch_tokens, std::shared_ptr<ComputeTurns> turns)
      : max_batch_tokens_(static_cast<std::size_t>(max_batch_tokens)), turns_(std::move(turns)) {}

  // Calls `pass` until each input has been in one; those without tokens are in none. Stops at the
  // first error. `num_tokens`: per input, at most max_batch_tokens.
  Status Run(std::span<const std::size_t> num_tokens, const Pass& pass);

 private:
  Status RunPass(std::span<const std::size_t> inputs, const Pass& pass);

  const std::size_t max_batch_tokens_;
  const std::shared_ptr<ComputeTurns> turns_;
  FifoMutex mutex_;  // one pass at a time
};

}  // namespace quire::engine
