#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "engine/sampling/constraints/code_points.h"

namespace quire::engine::constraints {

// The longest expression. Its tree takes less than 1 MiB.
inline constexpr std::size_t kMaxRegexBytes = std::size_t{8} << 10;

// A regular expression as a tree. Groups are gone: they only say what belongs together.
struct RegexNode {
  enum class Kind {
    kCharacters,    // one of `characters`
    kSequence,      // the children, one after another; without any, the empty text
    kAlternatives,  // one of the children
    kRepeat,        // the only child, `min` to `max` times
  };
  static constexpr std::int32_t kUnlimited = -1;

  Kind kind = Kind::kSequence;
  CodePointSet characters = {};
  std::vector<RegexNode> children = {};
  std::int32_t min = 0;
  std::int32_t max = kUnlimited;
};

// One alternative of a whole expression, with what it says about the ends of the text.
struct RegexBranch {
  RegexNode node;
  bool has_begin_anchor = false;  // ^
  bool has_end_anchor = false;    // $
};

// Parses `pattern`; README.md lists what is known. Returns INVALID_ARGUMENT "byte N: ..." for the
// first thing that is malformed or not known, or if it is too long. Requires: valid UTF-8.
StatusOr<std::vector<RegexBranch>> ParseRegex(std::string_view pattern);

}  // namespace quire::engine::constraints
