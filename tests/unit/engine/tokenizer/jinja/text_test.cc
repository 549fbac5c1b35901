#include "engine/tokenizer/jinja/text.h"

#include <gtest/gtest.h>

namespace quire::engine::jinja {
namespace {

Text Mixed() {
  Text text("ab", Origin::kTemplate);
  text.Append("cd", Origin::kInput);
  text.Append("ef", Origin::kTemplate);
  return text;
}

TEST(TextTest, RunsOfOneOriginJoin) {
  Text text("a", Origin::kTemplate);
  text.Append("b", Origin::kTemplate);
  EXPECT_EQ(text.runs().size(), 1u);
  text.Append("", Origin::kInput);
  EXPECT_EQ(text.runs().size(), 1u);
  text.Append("c", Origin::kInput);
  EXPECT_EQ(text.runs().size(), 2u);
}

TEST(TextTest, SlicesKeepTheOriginOfEveryByte) {
  const Text text = Mixed();
  for (std::size_t begin = 0; begin <= text.size(); ++begin) {
    for (std::size_t end = begin; end <= text.size(); ++end) {
      const Text slice = text.Slice(begin, end);
      ASSERT_EQ(slice.bytes(), text.bytes().substr(begin, end - begin));
      for (std::size_t i = 0; i < slice.size(); ++i) {
        EXPECT_EQ(slice.OriginAt(i), text.OriginAt(begin + i));
      }
      if (slice.empty()) continue;
      EXPECT_EQ(slice.runs().back().end, slice.size());
    }
  }
}

}  // namespace
}  // namespace quire::engine::jinja
