#pragma once

#include <span>
#include <vector>

#include "base/status.h"
#include "engine/sampling/sampling_params.h"
#include "engine/tokenizer/tokenizer.h"

namespace quire::engine {

// Chooses the next token from one row of logits. Deterministic: chance comes in as a number, so the
// choice is a function of logits, parameters and that number.
//
// Thread-compatible: keeps scratch memory between calls.
class Sampler {
 public:
  // `logits`: [vocab_size] f32; tokens with kMaskedLogit are left out. `uniform` in [0, 1). Steps:
  // temperature, top-k, top-p (over what top-k left), min-p, typical-p (over what these left),
  // draw; see SamplingParams. Returns DATA_LOSS if a logit is not finite. Requires:
  // Validate(params) is OK and some token is not masked.
  StatusOr<TokenId> Sample(std::span<const float> logits, const SamplingParams& params,
                           double uniform);

 private:
  struct Candidate {
    TokenId id;
    double weight;           // proportional to the probability; the most likely token has 1
    double deviation = 0.0;  // typical-p: of its surprise from the expected one, in nats
  };
  using Order = bool(const Candidate& a, const Candidate& b);
  // Most likely first, lower ids first among equals.
  static bool Before(const Candidate& a, const Candidate& b);
  // Closest to the expected surprise first, then as Before.
  static bool MoreTypical(const Candidate& a, const Candidate& b);

  void Fill(std::span<const float> logits, float max, float temperature);
  void KeepTopK(std::size_t k);
  // Keeps the first candidates in `order`, which becomes theirs, until they hold the share `p`.
  void KeepMass(double p, Order order);
  void KeepTypical(double p);
  double TotalWeight() const;
  TokenId Draw(double uniform) const;

  std::vector<Candidate> candidates_;
};

}  // namespace quire::engine
