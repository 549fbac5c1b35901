#include "services/cli/sampling_options.h"

#include <gmock/gmock.h>

#include "tests/support/status_matchers.h"
#include "tests/support/test_files.h"

namespace quire::services::cli {
namespace {

using quire::testing::HasCode;
using quire::testing::IsOk;
using ::testing::ElementsAre;

SamplingOptions Parse(const std::string& arguments) {
  CLI::App app;
  SamplingOptions options;
  AddSamplingOptions(app, options);
  app.parse(arguments);
  return options;
}

TEST(SamplingOptionsTest, EveryFlagReachesItsField) {
  const SamplingOptions options = Parse(
      "--typical-p 0.9 --repetition-penalty 1.2 --presence-penalty 0.5 --frequency-penalty -0.5 "
      "--logit-bias 5:2.5 --logit-bias 7:-100 --min-tokens 3 --stop-token-id 9 --stop-token-id 11 "
      "--ignore-eos");
  const auto sampling = ToSamplingParams(options);
  EXPECT_FLOAT_EQ(sampling.typical_p(), 0.9f);
  EXPECT_FLOAT_EQ(sampling.repetition_penalty(), 1.2f);
  EXPECT_FLOAT_EQ(sampling.presence_penalty(), 0.5f);
  EXPECT_FLOAT_EQ(sampling.frequency_penalty(), -0.5f);
  ASSERT_EQ(sampling.logit_bias().size(), 2u);
  EXPECT_FLOAT_EQ(sampling.logit_bias().at(5), 2.5f);
  EXPECT_FLOAT_EQ(sampling.logit_bias().at(7), -100.0f);
  const auto stopping = ToStoppingCriteria(options);
  EXPECT_EQ(stopping.min_tokens(), 3);
  EXPECT_THAT(stopping.stop_token_ids(), ElementsAre(9, 11));
  EXPECT_TRUE(stopping.ignore_eos());
}

TEST(SamplingOptionsTest, UnsetFlagsStayUnset) {
  const auto sampling = ToSamplingParams(Parse(""));
  EXPECT_FALSE(sampling.has_typical_p() || sampling.has_repetition_penalty() ||
               sampling.has_presence_penalty() || sampling.has_frequency_penalty());
  const auto constraint = ToConstraint(Parse(""));
  ASSERT_THAT(constraint, IsOk());
  EXPECT_FALSE(constraint->has_value());
}

TEST(SamplingOptionsTest, LogitBiasIsAnIdAndANumber) {
  EXPECT_EQ(ParseLogitBias("3:1.5"), (std::pair<std::int32_t, float>(3, 1.5f)));
  EXPECT_EQ(ParseLogitBias("3:-2"), (std::pair<std::int32_t, float>(3, -2.0f)));
  for (const char* bad :
       {"", "3", "3:", ":1", "-3:1", "3:x", "3:1x", "x:1", "3 :1", "99999999999:1"}) {
    EXPECT_FALSE(ParseLogitBias(bad).has_value()) << bad;
    EXPECT_THROW(Parse(std::string("--logit-bias \"") + bad + "\""), CLI::ParseError) << bad;
  }
}

TEST(SamplingOptionsTest, ConstraintComesFromOneFlag) {
  const quire::testing::TemporaryDirectory directory;
  const std::string file = (directory.path() / "schema.json").string();
  std::ofstream(file) << R"({"type": "object"})";
  EXPECT_EQ((*ToConstraint(Parse("--json-schema " + file)))->json_schema(),
            R"({"type": "object"})");
  EXPECT_EQ((*ToConstraint(Parse("--regex a+")))->regex(), "a+");
  EXPECT_THAT((*ToConstraint(Parse("--choice yes --choice no")))->choice().choices(),
              ElementsAre("yes", "no"));
  EXPECT_THROW(Parse("--regex a --choice b"), CLI::ParseError);
  EXPECT_THROW(Parse("--regex a --json-schema b"), CLI::ParseError);
  EXPECT_THROW(Parse("--choice a --json-schema b"), CLI::ParseError);
}

TEST(SamplingOptionsTest, AbsentSchemaFileIsNotFound) {
  EXPECT_THAT(ToConstraint(Parse("--json-schema /nowhere/at/all.json")),
              HasCode(absl::StatusCode::kNotFound));
}

}  // namespace
}  // namespace quire::services::cli
