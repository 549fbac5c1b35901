#include "services/server/error_details.h"
#include "tests/integration/retrieval/retrieval_fixture.h"

namespace quire::testing {
namespace {

using retrieval::v1::CollectionService;
using services::FieldViolations;
using ::testing::ElementsAre;

class CollectionsTest : public RetrievalTest {
 protected:
  StatusOr<retrieval::v1::GetCollectionResponse> GetCollection(const std::string& id) {
    retrieval::v1::GetCollectionRequest request;
    request.set_name("collections/" + id);
    return Call(*collections_, &CollectionService::Stub::GetCollection, request);
  }
  Status DeleteCollection(const std::string& id, bool force) {
    retrieval::v1::DeleteCollectionRequest request;
    request.set_name("collections/" + id);
    request.set_force(force);
    return Call(*collections_, &CollectionService::Stub::DeleteCollection, request).status();
  }
};

TEST_F(CollectionsTest, ACollectionKnowsItsModelAndChunking) {
  const auto created = Create("c", 0);
  ASSERT_THAT(created, IsOk());
  const auto stored = GetCollection("c");
  ASSERT_THAT(stored, IsOk());
  const auto& collection = stored->collection();
  EXPECT_EQ(collection.SerializeAsString(), created->collection().SerializeAsString());
  EXPECT_EQ(collection.name(), "collections/c");
  EXPECT_EQ(collection.embedding_model(), "models/hash");
  EXPECT_EQ(collection.embedding_fingerprint(), "hash-1");
  EXPECT_EQ(collection.embedding_dimension(), 32);
  EXPECT_EQ(collection.chunking().chunk_tokens(), 200);
  EXPECT_EQ(collection.chunking().overlap_tokens(), 25);
  EXPECT_EQ(collection.num_documents(), 0);
  EXPECT_GT(collection.create_time().seconds(), 1'600'000'000);
}

TEST_F(CollectionsTest, ItsCountsFollowItsDocuments) {
  ASSERT_THAT(Create("c"), IsOk());
  ASSERT_THAT(Upload("c", "a", "One two three. Four five six seven eight nine."), IsOk());
  EXPECT_EQ(GetCollection("c")->collection().num_documents(), 1);
  EXPECT_EQ(GetCollection("c")->collection().num_chunks(), 2);
  ASSERT_THAT(Delete("collections/c/documents/a"), IsOk());
  EXPECT_EQ(GetCollection("c")->collection().num_chunks(), 0);
}

TEST_F(CollectionsTest, BadRequestsNameTheField) {
  const auto field_of = [](const Status& status) {
    EXPECT_THAT(status, HasCode(kInvalid));
    const auto violations = FieldViolations(status);
    return violations.empty() ? "" : violations.front().field;
  };
  EXPECT_EQ(field_of(Create("").status()), "collection_id");
  EXPECT_EQ(field_of(Create("a/b").status()), "collection_id");
  EXPECT_EQ(field_of(Create("c", -1).status()), "collection.chunking.chunk_tokens");
  EXPECT_EQ(field_of(Create("c", 511).status()), "collection.chunking.chunk_tokens");
  EXPECT_EQ(field_of(GetCollection("").status()), "name");
  retrieval::v1::CreateCollectionRequest request;
  request.set_collection_id("c");
  request.mutable_collection()->mutable_chunking()->set_overlap_tokens(101);
  EXPECT_EQ(
      field_of(Call(*collections_, &CollectionService::Stub::CreateCollection, request).status()),
      "collection.chunking.overlap_tokens");
}

TEST_F(CollectionsTest, AnUnknownModelIsNotFound) {
  retrieval::v1::CreateCollectionRequest request;
  request.set_collection_id("c");
  request.mutable_collection()->set_embedding_model("models/none");
  EXPECT_THAT(Call(*collections_, &CollectionService::Stub::CreateCollection, request),
              FailsWith(absl::StatusCode::kNotFound, "models/none"));
}

TEST_F(CollectionsTest, AnIdIsTakenUntilItsCollectionIsDeleted) {
  ASSERT_THAT(Create("c"), IsOk());
  EXPECT_THAT(Create("c"), HasCode(absl::StatusCode::kAlreadyExists));
  ASSERT_THAT(Upload("c", "a", "Apples."), IsOk());
  EXPECT_THAT(DeleteCollection("c", false), HasCode(absl::StatusCode::kFailedPrecondition));
  ASSERT_THAT(DeleteCollection("c", true), IsOk());
  EXPECT_THAT(DeleteCollection("c", true), HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(GetCollection("c"), HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(Get("collections/c/documents/a"), HasCode(absl::StatusCode::kNotFound));
  ASSERT_THAT(Create("c"), IsOk());
  EXPECT_THAT(DocumentIds("c"), ElementsAre());
}

TEST_F(CollectionsTest, ListsComeInPages) {
  for (const char* id : {"b", "d", "a", "c"}) ASSERT_THAT(Create(id), IsOk());
  retrieval::v1::ListCollectionsRequest request;
  request.set_page_size(3);
  const auto first = Call(*collections_, &CollectionService::Stub::ListCollections, request);
  ASSERT_THAT(first, IsOk());
  ASSERT_EQ(first->collections_size(), 3);
  EXPECT_EQ(first->collections(0).name(), "collections/a");
  request.set_page_token(first->next_page_token());
  const auto second = Call(*collections_, &CollectionService::Stub::ListCollections, request);
  ASSERT_THAT(second, IsOk());
  ASSERT_EQ(second->collections_size(), 1);
  EXPECT_EQ(second->collections(0).name(), "collections/d");
  EXPECT_EQ(second->next_page_token(), "");
  request.set_page_token("nonsense");
  EXPECT_THAT(Call(*collections_, &CollectionService::Stub::ListCollections, request),
              FailsWith(kInvalid, "page_token"));
  request.set_page_token("");
  request.set_page_size(-1);
  EXPECT_THAT(Call(*collections_, &CollectionService::Stub::ListCollections, request),
              FailsWith(kInvalid, "page_size"));
}

TEST_F(CollectionsTest, DocumentListsComeInPages) {
  ASSERT_THAT(Create("c"), IsOk());
  for (const char* id : {"b", "d", "a", "c"}) ASSERT_THAT(Upload("c", id, "text"), IsOk());
  retrieval::v1::ListDocumentsRequest request;
  request.set_parent("collections/c");
  request.set_page_size(2);
  std::vector<std::string> names;
  do {
    const auto page =
        Call(*documents_, &retrieval::v1::DocumentService::Stub::ListDocuments, request);
    ASSERT_THAT(page, IsOk());
    EXPECT_EQ(page->documents_size(), 2);
    for (const auto& document : page->documents()) names.push_back(document.name());
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  EXPECT_THAT(names, ElementsAre("collections/c/documents/a", "collections/c/documents/b",
                                 "collections/c/documents/c", "collections/c/documents/d"));
}

}  // namespace
}  // namespace quire::testing
