// Damaged regular expressions and schemas: whatever a request says, it is compiled or refused with
// INVALID_ARGUMENT, soon. Mutations are seeded; a failure names its number.

#include <gtest/gtest.h>

#include <chrono>
#include <random>
#include <string>
#include <vector>

#include "base/utf8.h"
#include "engine/sampling/constraints/token_mask.h"
#include "tests/support/byte_constraints.h"

namespace quire::engine {
namespace {

using quire::testing::ByteConstraints;
using Random = std::mt19937;

constexpr std::uint32_t kSeed = 20261128;
constexpr int kNumMutations = 3'000;  // of each kind

const std::vector<std::string> kRegexes = {"(a|b)*[^\\]\\\\x-z]{2,5}?",
                                           "\\d{4}-[0-9]{1,2}|\\u00e9\\x{1F600}",
                                           "^(?:x+|(y?)){0,9}$", ".*\\n[\\w.-]+@[^@]{3}"};
const std::vector<std::string> kSchemas = {
    R"({"type": "object", "properties": {"a": {"$ref": "#/$defs/x"}, "b": {"maxLength": 9}},
        "required": ["a"], "additionalProperties": {"type": "integer", "minimum": -5}, "$defs":
        {"x": {"anyOf": [{"type": "null"}, {"items": {"$ref": "#"}, "maxItems": 3}]}}})",
    R"({"oneOf": [{"type": "string", "pattern": "^a+$"}, {"enum": [1, 2.5, null]}, {"prefixItems":
        [true, false], "items": {"format": "date"}}]})",
    R"({"type": ["number", "string"], "exclusiveMaximum": 1.5, "minLength": 2})"};
// What stands in expressions and schemas and is wrong elsewhere.
const std::vector<std::string> kPieces = {"(",
                                          ")",
                                          "[",
                                          "]",
                                          "{",
                                          "}",
                                          "*",
                                          "+?",
                                          "|",
                                          "\\",
                                          "\"",
                                          ":",
                                          ",",
                                          "{9999}",
                                          "(?",
                                          "[^",
                                          "$ref",
                                          "\"#\"",
                                          "1e308",
                                          "-1",
                                          "99999999999999999999",
                                          "\"items\":",
                                          "\"anyOf\":",
                                          "{}",
                                          "true",
                                          "null",
                                          "\"type\":",
                                          "\\u",
                                          "\xC3",
                                          "\"maxItems\": 100000",
                                          "\"minLength\":"};

std::size_t Below(Random& random, std::size_t limit) { return random() % limit; }

std::string Mutate(std::string text, const std::string& other, Random& random) {
  for (std::size_t i = 0; i <= Below(random, 4); ++i) {
    const std::size_t at = Below(random, text.size() + 1);
    const std::size_t size = Below(random, 12);
    switch (Below(random, 4)) {
      case 0:
        text.insert(at, kPieces[Below(random, kPieces.size())]);
        break;
      case 1:
        text.erase(at, size);
        break;
      case 2:
        text.insert(at, other.substr(Below(random, other.size()), size));
        break;
      default:
        if (at < text.size()) text[at] = static_cast<char>(random());
    }
  }
  return text;
}

// Compiles and walks: no crash, no other code, no mask without a token before the end.
void ExpectHarmless(const StatusOr<ByteConstraints::Compiled>& constraint, Random& random) {
  if (!constraint.ok()) {
    EXPECT_TRUE(absl::IsInvalidArgument(constraint.status())) << constraint.status();
    return;
  }
  ConstraintMatcher matcher(*constraint, false);
  for (int i = 0; i < 20; ++i) {
    const ConstraintStep step = AllowedTokens(matcher);
    if (step.mask.num_allowed() == 0) {
      EXPECT_TRUE(matcher.IsAccepting());
      return;
    }
    TokenId id = static_cast<TokenId>(Below(random, 256));
    while (!step.mask.Allows(id)) id = (id + 1) % 256;
    ASSERT_TRUE(matcher.Accept(id));
  }
}

class ConstraintMutationsTest : public ::testing::Test {
 protected:
  // A tenth of the time that a request has, so that thousands of bombs take seconds.
  ByteConstraints constraints_{{.time = std::chrono::milliseconds(100)}};
  Random random_{kSeed};
};

TEST_F(ConstraintMutationsTest, RegexesAreCompiledOrRefused) {
  for (int i = 0; i < kNumMutations; ++i) {
    const std::string& other = kRegexes[Below(random_, kRegexes.size())];
    const std::string text = Mutate(kRegexes[Below(random_, kRegexes.size())], other, random_);
    SCOPED_TRACE("seed " + std::to_string(kSeed) + ", mutation " + std::to_string(i) + ": " + text);
    ExpectHarmless(constraints_.Regex(text), random_);
  }
}

TEST_F(ConstraintMutationsTest, SchemasAreCompiledOrRefused) {
  for (int i = 0; i < kNumMutations; ++i) {
    const std::string& other = kSchemas[Below(random_, kSchemas.size())];
    const std::string text = Mutate(kSchemas[Below(random_, kSchemas.size())], other, random_);
    SCOPED_TRACE("seed " + std::to_string(kSeed) + ", mutation " + std::to_string(i) + ": " + text);
    ExpectHarmless(constraints_.Schema(text), random_);
  }
}

TEST_F(ConstraintMutationsTest, RandomBytesAreRefusedOrCompiled) {
  for (int i = 0; i < kNumMutations; ++i) {
    std::string text;
    for (std::size_t size = Below(random_, 30); size > 0; --size) {
      text += Below(random_, 2) == 0 ? std::string(1, static_cast<char>(random_() % 128))
                                     : kPieces[Below(random_, kPieces.size())];
    }
    SCOPED_TRACE("seed " + std::to_string(kSeed) + ", text " + std::to_string(i) + ": " + text);
    ExpectHarmless(constraints_.Regex(text), random_);
    ExpectHarmless(constraints_.Schema(text), random_);
    ExpectHarmless(constraints_.Choice({text}), random_);
  }
}

}  // namespace
}  // namespace quire::engine
