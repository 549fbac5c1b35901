// Whatever the schema and whatever the logits: a constrained output parses and is valid.

#include <gtest/gtest.h>

#include <chrono>
#include <random>

#include "engine/sampling/constraints/constraint_compiler.h"
#include "engine/sampling/logits_processor.h"
#include "engine/sampling/sampler.h"
#include "tests/support/json_schema_validator.h"
#include "tests/support/listed_tokenizer.h"
#include "tests/support/random_schemas.h"

namespace quire::engine {
namespace {

using quire::testing::ByteTokens;
using quire::testing::JsonSchemaValidator;
using quire::testing::ListedTokenizer;
using quire::testing::RandomSchemas;

constexpr std::uint32_t kSchemaSeed = 20261128;
constexpr int kNumSchemas = 1'000;
constexpr int kOutputsPerSchema = 2;
// After as many tokens, what closes values is made likelier, so that outputs end.
constexpr int kTokensBeforeClosing = 40;
constexpr int kMaxTokens = 2'000;

// Single bytes, words, parts of characters, and tokens across the parts of JSON.
std::vector<std::string> MakeVocabulary(std::mt19937& random) {
  std::vector<std::string> tokens = ByteTokens();
  for (const char* token :
       {"{\"",      "\":",      "\": ",  "\",\"",    "\", \"",   "\"}",   "\"}}",
        "}]",       "]]",       "],[",   "[[",       "[{",       "{}",    "[]",
        "}}",       "},{\"",    "\":[",  "\":{\"",   "\": \"",   "\"]",   "\"],",
        "true",     "false",    "null",  "nul",      "tr",       "\xC3",  "\xA9",
        "\xC3\xA9", "\xE2\x82", "\xAC",  "\xF0\x9F", "\x98\x80", "\xA9x", "\xC3\xA9t\xC3",
        "\"\xC3",   "\\u",      "\\u00", "\\n",      "\\\"",     "\\\\",  "\",",
        "00",       "12",       "-1",    "1.",       ".5",       "e1",    "E+",
        "\n  ",     "\n",       "  ",    " \"",      "id",       "name",  "na",
        "tag",      "\"tag\":", "next",  "value",    "\x00x",    "\x1F",  "<b>"}) {
    tokens.emplace_back(token);
  }
  constexpr std::string_view kBytes = "{}[]\",:0123456789.-eE abcxyz\\ntu\n\xC3\xA9\xE2\x82\xAC";
  for (int i = 0; i < 300; ++i) {
    std::string token;
    for (std::size_t size = 2 + random() % 5; size > 0; --size) {
      token += kBytes[random() % kBytes.size()];
    }
    tokens.push_back(std::move(token));
  }
  tokens.emplace_back("</s>");
  return tokens;
}

class SchemaPropertyTest : public ::testing::Test {
 protected:
  // An output under `constraint`, or nothing if it does not end.
  std::optional<std::string> Sample(std::shared_ptr<const Constraint> constraint) {
    const SamplingParams params = {.temperature = 1.0f, .frequency_penalty = 0.1f};
    SamplingState state = LogitsProcessor::MakeState(params, {});
    state.end_tokens = {end_};
    state.matcher.emplace(std::move(constraint), /*strips_leading_space=*/false);
    std::string output;
    for (int i = 0; i < kMaxTokens; ++i) {
      const std::vector<float> logits = RandomLogits(i);
      const auto processed = processor_.Process(logits, params, state);
      if (!processed.ok()) return std::nullopt;
      const auto id = sampler_.Sample(*processed, params, Uniform());
      if (!id.ok()) return std::nullopt;
      const bool is_complete = processor_.Accept(*id, params, state);
      if (*id == end_) return output;
      output += tokenizer_.TokenBytes(*id);
      if (is_complete) return output;
    }
    return std::nullopt;
  }

  std::vector<float> RandomLogits(int num_tokens) {
    std::normal_distribution<float> normal(0.0f, 2.0f);
    std::vector<float> logits(static_cast<std::size_t>(tokenizer_.vocab_size()));
    for (float& logit : logits) logit = normal(random_);
    const int late = num_tokens - kTokensBeforeClosing;
    if (late < 0) return logits;
    logits[static_cast<std::size_t>(end_)] += 20.0f;
    // What ends values, and what the patterns want before an end.
    for (const char closer : {'"', '}', ']', 'n', '7', 'x', '\\'}) {
      logits[static_cast<std::size_t>(closer)] += 4.0f + 0.1f * static_cast<float>(late);
    }
    return logits;
  }
  double Uniform() { return std::uniform_real_distribution<double>(0.0, 1.0)(random_); }

  std::mt19937 random_{kSchemaSeed};
  const ListedTokenizer tokenizer_ = [this] {
    std::vector<std::string> tokens = MakeVocabulary(random_);
    const auto last = static_cast<TokenId>(tokens.size()) - 1;
    return ListedTokenizer(std::move(tokens), {last});
  }();
  const TokenId end_ = static_cast<TokenId>(tokenizer_.vocab_size()) - 1;
  // The machine may be busy: this is not about time.
  ConstraintCompiler compiler_{
      tokenizer_, end_ + 1, {end_}, {.time = std::chrono::milliseconds(60'000)}};
  LogitsProcessor processor_;
  Sampler sampler_;
};

TEST_F(SchemaPropertyTest, OutputParsesAndIsValid) {
  RandomSchemas schemas(kSchemaSeed);
  int num_refused = 0;
  std::size_t num_bytes = 0;
  for (int i = 0; i < kNumSchemas; ++i) {
    const std::string schema = schemas.Next().dump();
    SCOPED_TRACE("seed " + std::to_string(kSchemaSeed) + ", schema " + std::to_string(i) + ": " +
                 schema);
    const auto constraint = compiler_.Compile(JsonSchemaConstraint{schema});
    if (!constraint.ok()) {
      // Only where two alternatives both recur can one byte not tell them apart.
      EXPECT_NE(Message(constraint.status()).find("begin alike"), std::string_view::npos)
          << constraint.status();
      ++num_refused;
      continue;
    }
    const auto parsed_schema = nlohmann::json::parse(schema);
    for (int j = 0; j < kOutputsPerSchema; ++j) {
      const std::optional<std::string> output = Sample(*constraint);
      ASSERT_TRUE(output.has_value()) << "no end";
      num_bytes += output->size();
      const auto value = nlohmann::json::parse(*output, nullptr, /*allow_exceptions=*/false);
      ASSERT_FALSE(value.is_discarded()) << *output;
      ASSERT_TRUE(JsonSchemaValidator(parsed_schema).IsValid(value)) << *output;
    }
  }
  RecordProperty("num_refused", num_refused);
  EXPECT_LE(num_refused, kNumSchemas / 50);
  // Outputs are not all trivial.
  EXPECT_GE(num_bytes, std::size_t{20} * kNumSchemas * kOutputsPerSchema);
}

}  // namespace
}  // namespace quire::engine
