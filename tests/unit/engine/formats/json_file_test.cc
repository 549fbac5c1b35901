#include "engine/formats/json_file.h"

#include <gtest/gtest.h>

#include "tests/support/safetensors_writer.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_files.h"

namespace quire::engine {
namespace {

using absl::StatusCode;
using testing::FailsWith;
using testing::IsOk;

class JsonFileTest : public ::testing::Test {
 protected:
  StatusOr<nlohmann::json> Read(const std::string& content, std::size_t max_bytes = 1 << 20) {
    const std::string path = (directory_.path() / "config.json").string();
    testing::WriteFile(path, content);
    return ReadJsonFile(path, max_bytes);
  }

  testing::TemporaryDirectory directory_;
};

TEST_F(JsonFileTest, BadFilesAreNamed) {
  EXPECT_THAT(Read("{\"a\":1}"), IsOk());
  EXPECT_THAT(Read("{\"a\":"), FailsWith(StatusCode::kInvalidArgument, "config.json: invalid"));
  EXPECT_THAT(Read("7"), FailsWith(StatusCode::kInvalidArgument, "wanted a JSON object"));
  EXPECT_THAT(Read(std::string("{}\0", 3)), FailsWith(StatusCode::kInvalidArgument, "zero byte"));
  EXPECT_THAT(Read("{\"a\":1}", 3), FailsWith(StatusCode::kInvalidArgument, "at most 3 bytes"));
}

TEST_F(JsonFileTest, KeysKeepTheOrderOfTheFile) {
  ASSERT_THAT(Read(R"({"a": {"b": {"z": 1, "-:": 2, "a": 3}}})"), IsOk());
  const std::string path = (directory_.path() / "config.json").string();
  const auto keys = ReadKeysInOrder(path, {"a", "b"});
  ASSERT_THAT(keys, IsOk());
  EXPECT_EQ(*keys, (std::vector<std::string>{"z", "-:", "a"}));
  EXPECT_TRUE(ReadKeysInOrder(path, {"a", "c"})->empty());
}

TEST_F(JsonFileTest, DepthIsLimited) {
  EXPECT_THAT(Read(std::string(60, '[') + std::string(60, ']')), IsOk());
  EXPECT_THAT(Read(std::string(100'000, '[') + std::string(100'000, ']')),
              FailsWith(StatusCode::kInvalidArgument, "nested deeper"));
}

TEST(JsonFieldsTest, AbsentAndNullFieldsLeaveTheValue) {
  const auto json = nlohmann::json::parse(R"({"b": null})");
  JsonFields fields(json, "file");
  std::int32_t value = 7;
  fields.Read("a", value, 0, 1);
  fields.Read("b", value, 0, 1);
  EXPECT_EQ(value, 7);
  EXPECT_THAT(fields.status(), IsOk());
}

TEST(JsonFieldsTest, NumbersOutOfRangeAreRefused) {
  for (const char* text :
       {"-1", "11", "1.5", "\"1\"", "9223372036854775808", "18446744073709551615", "4294967297",
        "-9223372036854775808", "1e99", "true", "[1]", "{}"}) {
    const auto json = nlohmann::json::parse(std::string("{\"a\":") + text + "}");
    JsonFields fields(json, "file");
    std::int32_t value = 7;
    fields.Read("a", value, 0, 10);
    EXPECT_THAT(fields.status(), FailsWith(StatusCode::kInvalidArgument,
                                           "file: a: wanted an integer in [0, 10], have "))
        << text;
    EXPECT_EQ(value, 7);
  }
}

TEST(JsonFieldsTest, FirstErrorSticks) {
  const auto json = nlohmann::json::parse(R"({"a": "x", "b": -1})");
  JsonFields fields(json, "file");
  std::int32_t value = 0;
  fields.Require("a", value, 0, 10);
  fields.Require("b", value, 0, 10);
  fields.Require("c", value, 0, 10);
  EXPECT_THAT(fields.status(), FailsWith(StatusCode::kInvalidArgument, "file: a: "));
}

TEST(JsonFieldsTest, IdsComeAloneOrInAList) {
  const auto json = nlohmann::json::parse(R"({"one": 2, "many": [3, 4], "bad": [3, -4]})");
  JsonFields fields(json, "file");
  std::vector<std::int32_t> ids;
  fields.Read("one", ids, 0, 10);
  EXPECT_EQ(ids, std::vector<std::int32_t>{2});
  fields.Read("many", ids, 0, 10);
  EXPECT_EQ(ids, (std::vector<std::int32_t>{3, 4}));
  fields.Read("bad", ids, 0, 10);
  EXPECT_THAT(fields.status(), FailsWith(StatusCode::kInvalidArgument, "bad"));
}

TEST(JsonFieldsTest, ListsHaveElementsOfOneKindInRange) {
  const auto json = nlohmann::json::parse(
      R"({"numbers": [1, 2.5], "high": [1, 9], "mixed": [1, "2"], "one": 1, "names": ["a", "b"]})");
  std::vector<float> numbers;
  std::vector<std::string> names;
  JsonFields fields(json, "file");
  fields.Read("numbers", numbers, 1.0, 3.0);
  fields.Read("names", names);
  fields.Read("absent", names);
  ASSERT_THAT(fields.status(), IsOk());
  EXPECT_EQ(numbers, (std::vector<float>{1.0f, 2.5f}));
  EXPECT_EQ(names, (std::vector<std::string>{"a", "b"}));
  for (const char* key : {"high", "mixed", "one", "names"}) {
    JsonFields bad(json, "file");
    bad.Read(key, numbers, 1.0, 3.0);
    EXPECT_THAT(bad.status(), FailsWith(StatusCode::kInvalidArgument,
                                        std::string(key) + ": wanted a list of numbers"));
  }
  for (const char* key : {"numbers", "mixed", "one"}) {
    JsonFields bad(json, "file");
    bad.Read(key, names);
    EXPECT_THAT(bad.status(), FailsWith(StatusCode::kInvalidArgument,
                                        std::string(key) + ": wanted a list of strings"));
  }
}

}  // namespace
}  // namespace quire::engine
