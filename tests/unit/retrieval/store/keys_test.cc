#include "retrieval/store/keys.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <set>
#include <vector>

namespace quire::retrieval {
namespace {

TEST(KeysTest, NoTwoDocumentsShareAKey) {
  const std::string zeros(8, '\0');
  std::set<std::string> keys;
  for (const std::uint64_t collection : {0, 1, 256}) {
    for (const std::string& id :
         {std::string("a"), std::string("b"), std::string("ab"), zeros, zeros + "a"}) {
      EXPECT_TRUE(keys.insert(DocumentKey(CollectionNumber{collection}, id)).second);
    }
  }
}

TEST(KeysTest, KeysSortByCollectionThenByWhatFollows) {
  const std::vector<std::string> keys = {
      DocumentKey(CollectionNumber{1}, "a"), DocumentKey(CollectionNumber{1}, "b"),
      AfterCollectionKey(CollectionNumber{1}), DocumentKey(CollectionNumber{2}, "a"),
      DocumentKey(CollectionNumber{256}, "a")};
  EXPECT_TRUE(std::ranges::is_sorted(keys));
  EXPECT_LT(ChunkKey(CollectionNumber{1}, ChunkId{255}),
            ChunkKey(CollectionNumber{1}, ChunkId{256}));
  EXPECT_LT(TextKey(CollectionNumber{1}, ChunkId{1}, 255),
            TextKey(CollectionNumber{1}, ChunkId{1}, 256));
  EXPECT_LT(TextKey(CollectionNumber{1}, ChunkId{1}, 256),
            TextKey(CollectionNumber{1}, ChunkId{2}, 0));
}

TEST(KeysTest, TheIdIsReadBackFromTheKey) {
  EXPECT_EQ(DocumentIdOf(DocumentKey(CollectionNumber{7}, "guide.md")), "guide.md");
  EXPECT_EQ(DocumentIdOf("short"), "");
}

}  // namespace
}  // namespace quire::retrieval
