#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/sample.h"

// Sampling in memory of the host, one row at a time: what CPUs do for SampleFn, and callers for
// rows that they changed.

namespace quire::kernels {

// What one look at a row of logits tells.
struct LogitExtremes {
  float max = 0.0f;
  bool is_finite = true;  // every logit is
};
LogitExtremes FindExtremes(std::span<const float> logits);

// The token with the largest logit, the lowest id among equals; kNoSample if a logit is not finite.
std::int32_t ArgMax(std::span<const float> logits);

// Sets to kMaskedLogit what `mask`, [MaskWords(logits.size())], does not hold.
void MaskLogits(std::span<float> logits, const std::uint32_t* mask);

// Chooses the next token from one row of logits, in f64. A function of logits, parameters and the
// number that stands for chance.
//
// Thread-compatible: keeps scratch memory between calls.
class TokenSampler {
 public:
  // See SampleArgs; changes and mask are the caller's. Before the draw `typical_p`, which devices
  // do not take, in (0, 1]: keeps the mass of tokens whose surprise is closest to the expected one.
  // Source: Meister et al. 2023, "Locally Typical Sampling", section 3.
  std::int32_t Choose(std::span<const float> logits, const SampleRow& row, float typical_p = 1.0f);

 private:
  struct Candidate {
    std::int32_t id;
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
  // Leaves out candidates that cannot be among the most likely ones that hold the share `p` of
  // `total`, the weight of all.
  void DropTail(double p, double total);
  // Keeps the first candidates in `order`, which becomes theirs, until they have `mass`.
  void KeepMass(double mass, Order order);
  void KeepTypical(double p);
  double TotalWeight() const;
  std::int32_t Draw(double uniform) const;

  std::vector<Candidate> candidates_;
};

}  // namespace quire::kernels
