#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string_view>
#include <vector>

// A stand-in for an embedding model: deterministic, and texts that share words are similar.

namespace quire::testing {

// Calls `visit` with each run of characters other than white space.
template <typename Visit>
void ForEachWord(std::string_view text, const Visit& visit) {
  constexpr std::string_view kBlanks = " \t\n\v\f\r";
  for (std::size_t start = text.find_first_not_of(kBlanks); start != std::string_view::npos;) {
    const std::size_t end = std::min(text.find_first_of(kBlanks, start), text.size());
    visit(text.substr(start, end - start));
    start = text.find_first_not_of(kBlanks, end);
  }
}

inline std::int32_t CountWords(std::string_view text) {
  std::int32_t count = 0;
  ForEachWord(text, [&](std::string_view) { ++count; });
  return count;
}

// Sum of a random sign vector per word, without case, scaled to unit length. [dimension]
inline std::vector<float> HashVector(std::string_view text, std::int32_t dimension) {
  std::vector<float> vector(static_cast<std::size_t>(dimension), 0.0f);
  ForEachWord(text, [&](std::string_view word) {
    std::uint64_t state = 0xCBF29CE484222325u;  // FNV-1a of the word
    for (const char c : word) {
      const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
      state = (state ^ static_cast<unsigned char>(lower)) * 0x100000001B3u;
    }
    for (float& value : vector) {
      state ^= state << 13, state ^= state >> 7, state ^= state << 17;  // xorshift64
      value += (state >> 63) != 0 ? 1.0f : -1.0f;
    }
  });
  vector[0] += 0.5f;  // never all zero
  double sum = 0;
  for (const float value : vector) sum += double{value} * double{value};
  for (float& value : vector) value = static_cast<float>(value / std::sqrt(sum));
  return vector;
}

}  // namespace quire::testing
