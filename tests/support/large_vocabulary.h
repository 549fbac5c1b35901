#pragma once

#include <array>
#include <random>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/utf8.h"
#include "tests/support/listed_tokenizer.h"

namespace quire::testing {

// `size` tokens with the make-up of a byte-level vocabulary: bytes, numbers of up to three digits,
// runs of spaces and marks, pieces of words with and without a space in front, characters of other
// scripts, and parts of JSON. Seeded; the last one is "</s>", to be made special.
inline std::vector<std::string> LargeVocabulary(std::size_t size) {
  std::mt19937 random(20261128);
  const auto below = [&](std::size_t limit) { return random() % limit; };
  std::vector<std::string> tokens = ByteTokens();
  std::unordered_set<std::string> seen(tokens.begin(), tokens.end());
  const auto add = [&](const std::string& token) {
    if (tokens.size() + 1 < size && seen.insert(token).second) tokens.push_back(token);
  };
  for (int i = 0; i < 1000; ++i) add(std::to_string(i));
  for (std::size_t run = 2; run <= 80; ++run) {
    for (const char c : {' ', '\n', '\t', '-', '=', '*', '#', '_'}) add(std::string(run, c));
  }
  static constexpr std::string_view kMarks = "\"{}[]:,.;()<>/\\'`!?$%&@^|~+ \n";
  for (int i = 0; i < 4000; ++i) {
    std::string token;
    for (std::size_t n = 2 + below(3); n > 0; --n) token += kMarks[below(kMarks.size())];
    add(token);
  }
  static constexpr std::string_view kVowels = "aeiou";
  static constexpr std::string_view kConsonants = "bcdfghklmnprstvwyz";
  while (tokens.size() + 1 < size) {
    std::string token = below(2) == 0 ? " " : "";
    if (below(4) == 0) {
      // One to three characters of a script beyond ASCII.
      const char32_t first = std::array<char32_t, 4>{0x400, 0x4E00, 0x900, 0xC0}[below(4)];
      const std::size_t width = first == 0x4E00 ? 5000 : 90;
      for (std::size_t n = 1 + below(3); n > 0; --n) {
        AppendUtf8(first + static_cast<char32_t>(below(width)), token);
      }
    } else {
      for (std::size_t n = 1 + below(4); n > 0; --n) {
        token += kConsonants[below(kConsonants.size())];
        token += kVowels[below(kVowels.size())];
        if (below(3) == 0) token += kConsonants[below(kConsonants.size())];
      }
    }
    add(token);
  }
  tokens.emplace_back("</s>");
  return tokens;
}

}  // namespace quire::testing
