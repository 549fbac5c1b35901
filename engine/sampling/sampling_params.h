#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/status.h"
#include "engine/tokenizer/tokenizer.h"

namespace quire::engine {

// Added to the logit of one token.
struct LogitBias {
  TokenId id = 0;
  float bias = 0.0f;  // [-100, 100]
};

// Limits of the fields below.
inline constexpr std::size_t kMaxLogitBiases = 256;
inline constexpr float kMaxLogitBias = 100.0f;
inline constexpr float kMinRepetitionPenalty = 0.1f;
inline constexpr float kMaxRepetitionPenalty = 10.0f;
inline constexpr float kMaxCountPenalty = 2.0f;  // of presence and frequency, either sign

// How the next token is chosen. Order of the steps: repetition penalty, presence and frequency
// penalties, logit bias; then temperature, top-k, top-p, min-p, typical-p, draw.
struct SamplingParams {
  float temperature = 0.0f;  // 0: the most likely token, lowest id on ties
  std::int32_t top_k = 0;    // 0: no limit
  float top_p = 1.0f;        // nucleus mass in (0, 1]
  float min_p = 0.0f;        // [0, 1]; keeps tokens with p >= min_p * max p
  // Mass in (0, 1] of the tokens whose surprise is closest to the expected one.
  // Source: Meister et al. 2023, "Locally Typical Sampling", section 3.
  float typical_p = 1.0f;
  // Divides positive and multiplies negative logits of every token of prompt and output, as
  // transformers does. [0.1, 10]; 1: none.
  float repetition_penalty = 1.0f;
  // Subtracted from the logit of every token of the output, once and per occurrence, as OpenAI
  // does. [-2, 2].
  float presence_penalty = 0.0f;
  float frequency_penalty = 0.0f;
  std::vector<LogitBias> logit_bias = {};  // at most 256, of different tokens
  // Same seed, prompt, model and device: same tokens. Nothing: a random one.
  std::optional<std::uint64_t> seed = std::nullopt;
};

// Returns INVALID_ARGUMENT naming the field if a value is out of range, NaN or infinite. Ids are
// checked against `vocab_size`.
Status Validate(const SamplingParams& params, std::int32_t vocab_size);

}  // namespace quire::engine
