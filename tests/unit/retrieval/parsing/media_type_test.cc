#include "retrieval/parsing/media_type.h"

#include <gmock/gmock.h>

#include "tests/support/status_matchers.h"

namespace quire::retrieval {
namespace {

using ::quire::testing::FailsWith;

TEST(MediaTypeTest, NamesGoThereAndBack) {
  for (const MediaType type : {MediaType::kPlainText, MediaType::kMarkdown}) {
    const auto parsed = ParseMediaType(MediaTypeName(type));
    ASSERT_TRUE(parsed.ok());
    EXPECT_EQ(*parsed, type);
  }
}

TEST(MediaTypeTest, OtherNamesAreRefused) {
  EXPECT_THAT(ParseMediaType("application/pdf"),
              FailsWith(absl::StatusCode::kInvalidArgument, "application/pdf"));
  EXPECT_THAT(ParseMediaType(""), FailsWith(absl::StatusCode::kInvalidArgument, "text/plain"));
}

TEST(MediaTypeTest, TheEndingOfAFileNameDecides) {
  EXPECT_EQ(MediaTypeOfFileName("guide.md"), MediaType::kMarkdown);
  EXPECT_EQ(MediaTypeOfFileName("GUIDE.Markdown"), MediaType::kMarkdown);
  EXPECT_EQ(MediaTypeOfFileName("md"), MediaType::kPlainText);
  EXPECT_EQ(MediaTypeOfFileName("guide.md.txt"), MediaType::kPlainText);
}

}  // namespace
}  // namespace quire::retrieval
