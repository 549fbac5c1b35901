#include "services/retrieval/resource_names.h"

#include <gmock/gmock.h>

#include "services/server/error_details.h"
#include "tests/support/status_matchers.h"

namespace quire::services {
namespace {

using quire::testing::FailsWith;
using quire::testing::HasCode;
using quire::testing::IsOk;

TEST(ResourceNamesTest, IdsAreShortAndHarmless) {
  for (const std::string& id : {std::string("a"), std::string("Guide_v1.2-final.md"),
                                std::string("_x"), std::string(128, 'a')}) {
    EXPECT_TRUE(IsResourceId(id)) << id;
  }
  for (const std::string& id :
       {std::string(), std::string("."), std::string(".."), std::string(".hidden"),
        std::string("a/b"), std::string("a b"), std::string("a%2e"), std::string("\xC3\xA9"),
        std::string("a\0b", 3), std::string(129, 'a')}) {
    EXPECT_FALSE(IsResourceId(id)) << id;
  }
}

TEST(ResourceNamesTest, NamesGoThereAndBack) {
  const auto collection = ParseCollectionName("name", CollectionName("c"));
  ASSERT_THAT(collection, IsOk());
  EXPECT_EQ(*collection, "c");
  const auto path = ParseDocumentName("name", DocumentName("c", "d.md"));
  ASSERT_THAT(path, IsOk());
  EXPECT_EQ(path->collection, "c");
  EXPECT_EQ(path->document, "d.md");
}

TEST(ResourceNamesTest, OtherNamesAreRefusedWithTheField) {
  for (const char* name : {"", "c", "collections/", "collections/a/b", "Collections/a",
                           "collections/../x", "collections/a/documents/b"}) {
    const Status status = ParseCollectionName("parent", name).status();
    EXPECT_THAT(status,
                FailsWith(absl::StatusCode::kInvalidArgument, "parent: wanted collections/"));
    ASSERT_EQ(FieldViolations(status).size(), 1u);
    EXPECT_EQ(FieldViolations(status)[0].field, "parent");
  }
  for (const char* name : {"", "collections/a", "collections/a/documents/",
                           "collections//documents/b", "collections/a/documents/b/documents/c",
                           "collections/a/documents/.b", "x/collections/a/documents/b"}) {
    EXPECT_THAT(ParseDocumentName("name", name), HasCode(absl::StatusCode::kInvalidArgument));
  }
}

}  // namespace
}  // namespace quire::services
