#include "services/cli/json_text.h"

#include <limits>

#include "quire/orchestrator/v1/orchestrator.pb.h"
#include "tests/support/status_matchers.h"

namespace quire::services::cli {
namespace {

using ::quire::testing::FailsWith;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(JsonTextTest, StringsSurviveQuotingAndParsing) {
  for (const std::string& text :
       {std::string(), std::string("a\"b\\c\n\t"), std::string("\xC3\xA9 \xF0\x9F\x98\x80"),
        std::string("nul\0byte", 8)}) {
    const auto parsed = ParseJsonString(QuoteJson(text));
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_EQ(*parsed, text);
  }
}

TEST(JsonTextTest, InvalidUtf8IsQuotedAsReplacement) {
  EXPECT_EQ(QuoteJson("a\xFFz"), "\"a\xEF\xBF\xBDz\"");
}

TEST(JsonTextTest, RefusesLinesThatAreNoString) {
  for (const char* line : {"", "hello", "1", "[\"a\"]", "\"open"}) {
    EXPECT_THAT(ParseJsonString(line),
                FailsWith(absl::StatusCode::kInvalidArgument, "wanted a JSON string"))
        << line;
  }
}

TEST(JsonTextTest, ReadsIds) {
  EXPECT_THAT(*ParseJsonIds("[1, 2,2147483647]"), ElementsAre(1, 2, 2147483647));
  EXPECT_TRUE(ParseJsonIds("[]")->empty());
  for (const char* line : {"", "1", "[-1]", "[2147483648]", "[1.5]", "[\"1\"]", "[1,"}) {
    EXPECT_THAT(ParseJsonIds(line), FailsWith(absl::StatusCode::kInvalidArgument, "token ids"))
        << line;
  }
}

TEST(JsonTextTest, ReadsIdLists) {
  EXPECT_THAT(*ParseIdList("7"), ElementsAre(7));
  EXPECT_THAT(*ParseIdList("1,403,407"), ElementsAre(1, 403, 407));
  for (const char* text : {"", ",", "1,", "1,,2", "1 2", "-1", "99999999999", "x"}) {
    EXPECT_THAT(ParseIdList(text), FailsWith(absl::StatusCode::kInvalidArgument, "1,2,3")) << text;
  }
}

TEST(JsonTextTest, FloatsReadBackAsTheSameFloats) {
  const std::vector<float> values = {0.1f, -1.5e-7f, 3.0f, 16777217.0f};
  EXPECT_EQ(JsonArray(values), "[0.1,-1.5e-07,3,16777216]");
  const std::vector<float> infinite = {std::numeric_limits<float>::infinity()};
  EXPECT_EQ(JsonArray(infinite), "[null]");
}

TEST(JsonTextTest, MessagesKeepFieldsOfDefaultValue) {
  orchestrator::v1::Answer answer;
  answer.add_citations()->mutable_source()->set_quote("text");
  const std::string json = ToJson(answer);
  EXPECT_THAT(json, HasSubstr("\"start\":\"0\""));
  EXPECT_THAT(json, HasSubstr("\"noAnswer\":false"));
  EXPECT_EQ(json.find('\n'), std::string::npos);
}

}  // namespace
}  // namespace quire::services::cli
