#include "services/retrieval/paging.h"

#include <gmock/gmock.h>

#include "tests/support/status_matchers.h"

namespace quire::services {
namespace {

using quire::testing::FailsWith;
using quire::testing::HasCode;

TEST(PagingTest, PageSizesHaveADefaultAndALimit) {
  EXPECT_EQ(*PageSize(0), 50);
  EXPECT_EQ(*PageSize(7), 7);
  EXPECT_EQ(*PageSize(1'000), 1'000);
  EXPECT_EQ(*PageSize(1'000'000), 1'000);
  EXPECT_THAT(PageSize(-1), FailsWith(absl::StatusCode::kInvalidArgument, "page_size"));
}

TEST(PagingTest, TokensGoThereAndBack) {
  EXPECT_EQ(*DecodePageToken("scope", EncodePageToken("scope", "guide.md")), "guide.md");
  EXPECT_EQ(*DecodePageToken("scope", ""), "");
}

TEST(PagingTest, OnlyTokensOfTheSameListAreTaken) {
  const std::string token = EncodePageToken("collections/a/documents", "d");
  EXPECT_THAT(DecodePageToken("collections/b/documents", token),
              FailsWith(absl::StatusCode::kInvalidArgument, "page_token"));
  std::string other = token;
  other.back() = 'e';
  for (const std::string& bad : {std::string("x"), token.substr(0, 8), token + "x", other,
                                 std::string("d"), std::string(4'000, 'z')}) {
    EXPECT_THAT(DecodePageToken("collections/a/documents", bad),
                HasCode(absl::StatusCode::kInvalidArgument))
        << bad;
  }
}

}  // namespace
}  // namespace quire::services
