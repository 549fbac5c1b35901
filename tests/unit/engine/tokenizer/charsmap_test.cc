#include "engine/tokenizer/charsmap.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <random>

#include "absl/strings/escaping.h"
#include "base/utf8.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_files.h"

namespace quire::engine {
namespace {

using ::quire::testing::FailsWith;
using ::quire::testing::IsOk;
using quire::testing::kInvalid;

// The map of the recorded Unigram tokenizer, made by SentencePiece.
std::string RecordedMap() {
  const auto file = nlohmann::json::parse(
      quire::testing::ReadWholeFile("tests/golden/tokenizer/unigram/tokenizer.json"));
  std::string bytes;
  absl::Base64Unescape(
      file["normalizer"]["normalizers"][0]["precompiled_charsmap"].get<std::string>(), &bytes);
  return bytes;
}

TEST(CharsmapTest, FindsTheRulesItWasMadeOf) {
  const auto map = Charsmap::Parse(RecordedMap(), "map");
  ASSERT_THAT(map, IsOk());
  const auto rule = [&](std::string_view text) { return map->FindLongest(text, 0); };
  EXPECT_EQ(rule("\uFB01x").replacement, "fi");
  EXPECT_EQ(rule("\uFB01x").length_bytes, 3u);
  EXPECT_EQ(rule("e\u0301").replacement, "é");
  EXPECT_EQ(rule("ex").length_bytes, 0u);
  EXPECT_EQ(rule("\u200B").length_bytes, 3u);  // dropped
  EXPECT_EQ(rule("\u200B").replacement, "");
  EXPECT_TRUE(map->CanStartWith('\t'));
  EXPECT_FALSE(map->CanStartWith('x'));
}

TEST(CharsmapTest, AnEmptyMapHasNoRules) {
  EXPECT_EQ(Charsmap::Parse("", "map")->FindLongest("abc", 0).length_bytes, 0u);
  EXPECT_EQ(Charsmap::Parse(std::string(4, '\0'), "map")->FindShortest("abc", 0).length_bytes, 0u);
}

TEST(CharsmapTest, WrongSizesAreRefused) {
  const std::string map = RecordedMap();
  EXPECT_THAT(Charsmap::Parse(map.substr(0, 3), "map"),
              FailsWith(kInvalid, "map: wanted at least"));
  EXPECT_THAT(Charsmap::Parse(map.substr(0, 100), "map"), FailsWith(kInvalid, "whole units"));
  EXPECT_THAT(Charsmap::Parse(map.substr(0, map.size() - 1), "map"),
              FailsWith(kInvalid, "zero byte"));
}

// Whatever the bits say, what comes out is UTF-8 and lies in the map.
TEST(CharsmapTest, DamagedMapsStayWithinTheirBounds) {
  const std::string map = RecordedMap();
  std::mt19937 random(1);
  int num_accepted = 0;
  for (int round = 0; round < 2000; ++round) {
    std::string damaged = map;
    for (int i = 0; i < 4; ++i) damaged[random() % damaged.size()] ^= 1 << random() % 8;
    const auto parsed = Charsmap::Parse(damaged, "map");
    if (!parsed.ok()) continue;
    ++num_accepted;
    for (char32_t c = 1; c < 0x3000; c += 7) {
      std::string text;
      AppendUtf8(c, text);
      text += "\u0301xyz";
      const Charsmap::Rule rule = parsed->FindLongest(text, 0);
      ASSERT_LE(rule.length_bytes, text.size());
      ASSERT_EQ(FindInvalidUtf8(rule.replacement), rule.replacement.size());
      ASSERT_LE(parsed->FindShortest(text, 0).length_bytes, rule.length_bytes);
    }
  }
  EXPECT_GT(num_accepted, 10);
}

}  // namespace
}  // namespace quire::engine
