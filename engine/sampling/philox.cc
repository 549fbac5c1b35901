#include "engine/sampling/philox.h"

#include <array>

namespace quire::engine {
namespace {

using Counter = std::array<std::uint32_t, 4>;
using Key = std::array<std::uint32_t, 2>;

// Table 2 of the paper.
constexpr int kRounds = 10;
constexpr std::uint64_t kMultiplier0 = 0xD2511F53;
constexpr std::uint64_t kMultiplier1 = 0xCD9E8D57;
constexpr std::uint32_t kWeyl0 = 0x9E3779B9;
constexpr std::uint32_t kWeyl1 = 0xBB67AE85;

Counter Round(const Counter& counter, const Key& key) {
  const std::uint64_t product0 = kMultiplier0 * counter[0];
  const std::uint64_t product1 = kMultiplier1 * counter[2];
  const auto high = [](std::uint64_t x) { return static_cast<std::uint32_t>(x >> 32); };
  const auto low = [](std::uint64_t x) { return static_cast<std::uint32_t>(x); };
  return {high(product1) ^ counter[1] ^ key[0], low(product1), high(product0) ^ counter[3] ^ key[1],
          low(product0)};
}

}  // namespace

double UniformAt(std::uint64_t seed, std::uint64_t index) {
  Counter counter = {static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(index >> 32), 0,
                     0};
  Key key = {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)};
  for (int round = 0; round < kRounds; ++round) {
    counter = Round(counter, key);
    key[0] += kWeyl0;
    key[1] += kWeyl1;
  }
  const std::uint64_t bits = (std::uint64_t{counter[1]} << 32) | counter[0];
  return static_cast<double>(bits >> 11) * 0x1p-53;
}

}  // namespace quire::engine
