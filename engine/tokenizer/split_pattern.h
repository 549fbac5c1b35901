#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "base/status.h"
#include "engine/tokenizer/json_field.h"

namespace quire::engine {

// A stretch of a text, [begin, end) in bytes. Never empty.
struct Match {
  std::size_t begin = 0;
  std::size_t end = 0;
};

// Takes stretches of a text one by one, so that those of a long text need no memory.
using MatchVisitor = absl::FunctionRef<void(const Match& match)>;

// Finds the stretches of a text that a pre-tokenizer or normalizer is about.
//
// Thread-safe: immutable.
class SplitPattern {
 public:
  virtual ~SplitPattern() = default;
  // Visits all matches, left to right and without overlap. Requires valid UTF-8.
  virtual void ForEachMatch(std::string_view text, MatchVisitor visit) const = 0;
  // Appends all matches.
  void FindMatches(std::string_view text, std::vector<Match>& matches) const {
    ForEachMatch(text, [&matches](const Match& match) { matches.push_back(match); });
  }
};

// All places where `needle` stands, from left to right. Requires: it is not empty.
std::unique_ptr<SplitPattern> NewStringPattern(std::string needle);

// The pattern that `spec` = {"String": s} or {"Regex": r} or a plain string describes. The regular
// expressions of GPT-2, Llama 3 and Qwen 2 are recognized by their text and run by hand-written
// scanners; others by PCRE2 under limits. INVALID_ARGUMENT if it does not compile.
StatusOr<std::unique_ptr<SplitPattern>> NewSplitPattern(const JsonField& spec);

}  // namespace quire::engine
