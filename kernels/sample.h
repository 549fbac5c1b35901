#pragma once

#include <cstdint>
#include <limits>

#include "kernels/stream.h"
#include "kernels/tensor.h"

namespace quire::kernels {

// The logit of a token that must not be sampled. Finite, so that a row with some is told from one
// that damaged weights gave; its probability is 0 at every temperature.
inline constexpr float kMaskedLogit = std::numeric_limits<float>::lowest();
// Instead of a token, where a logit of the row is not finite.
inline constexpr std::int32_t kNoSample = -1;

// A change of one logit before anything else.
struct LogitChange {
  std::int32_t row = 0;
  std::int32_t token = 0;
  float penalty = 1.0f;     // divides a positive logit and multiplies another one
  float subtrahend = 0.0f;  // what is subtracted then

  constexpr float Of(float logit) const {
    return (logit > 0.0f ? logit / penalty : logit * penalty) - subtrahend;
  }
};

// 32-bit words of the mask of a vocabulary: bit i % 32 of word i / 32 is for token i.
constexpr std::int64_t MaskWords(std::int64_t vocab_size) { return (vocab_size + 31) / 32; }

// How the token of one row is chosen. Steps: temperature, top-k, top-p (over what top-k left),
// min-p, draw. Chance comes in as a number.
struct SampleRow {
  float temperature = 0.0f;  // 0: the most likely token, the lowest id on ties
  std::int32_t top_k = 0;    // 0: no limit
  float top_p = 1.0f;        // nucleus mass in (0, 1]
  float min_p = 0.0f;        // [0, 1]; keeps tokens with p >= min_p * max p
  std::int32_t mask = -1;    // which mask says what may be sampled; -1: none, anything
  double uniform = 0.0;      // in [0, 1)

  constexpr bool is_greedy() const { return temperature == 0.0f || top_k == 1; }
  constexpr bool is_by_likelihood() const { return top_k > 0 || top_p < 1.0f; }
};

// Chooses a token per row, after changes and mask. The tokens that are left lie side by side in [0,
// 1), each as wide as its share of their probability; the one at `uniform` is chosen. With top-k or
// top-p they lie most likely first, lower ids first among equals, else by id. Devices round
// probabilities differently: where `uniform` or a limit lies within 1e-5 of a border, they may
// choose neighbours. On one device a row's token depends on nothing else.
//
// Requires: at most 2^24 tokens; some token of a row is not masked; no two changes are of the same
// row and token.
struct SampleArgs {
  MatrixView logits;                     // [rows, vocab_size] f32, changed
  const SampleRow* rows = nullptr;       // [rows]
  const LogitChange* changes = nullptr;  // [num_changes]
  std::int64_t num_changes = 0;
  const std::uint32_t* masks = nullptr;  // [masks, MaskWords(vocab_size)]
  std::int32_t* tokens = nullptr;        // [rows], written: a token or kNoSample
};
using SampleFn = void(const SampleArgs& args, Stream& stream);

}  // namespace quire::kernels
