#pragma once

#include <cstdint>
#include <optional>
#include <span>

// Size arithmetic on numbers that come from a file: overflow is a value, not undefined behaviour.

namespace quire {

inline std::optional<std::uint64_t> CheckedMultiply(std::uint64_t a, std::uint64_t b) {
  std::uint64_t result = 0;
  if (__builtin_mul_overflow(a, b, &result)) return std::nullopt;
  return result;
}

inline std::optional<std::uint64_t> CheckedAdd(std::uint64_t a, std::uint64_t b) {
  std::uint64_t result = 0;
  if (__builtin_add_overflow(a, b, &result)) return std::nullopt;
  return result;
}

// `factor` times the lengths of a shape, one after the other: nothing also where a length of 0
// follows the overflow. Requires: no length is negative.
inline std::optional<std::uint64_t> CheckedProduct(std::uint64_t factor,
                                                   std::span<const std::int64_t> shape) {
  std::optional<std::uint64_t> product = factor;
  for (const std::int64_t length : shape) {
    product = CheckedMultiply(*product, static_cast<std::uint64_t>(length));
    if (!product) return std::nullopt;
  }
  return product;
}

}  // namespace quire
