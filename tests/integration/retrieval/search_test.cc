#include "services/server/error_details.h"
#include "tests/integration/retrieval/retrieval_fixture.h"

namespace quire::testing {
namespace {

using retrieval::v1::SEARCH_MODE_DENSE;
using retrieval::v1::SEARCH_MODE_HYBRID;
using retrieval::v1::SEARCH_MODE_LEXICAL;
using retrieval::v1::SearchRequest;
using services::FieldViolations;

class SearchTest : public RetrievalTest {
 protected:
  void SetUp() override {
    RetrievalTest::SetUp();
    ASSERT_THAT(Create("c"), IsOk());
    ASSERT_THAT(Upload("c", "fruit",
                       "Apples are red fruit mostly, say people. Pears are green fruit mostly, "
                       "say others. Plums are blue fruit mostly, say some."),
                IsOk());
    ASSERT_THAT(Upload("c", "tools", "Hammers are tools. Nails are none."), IsOk());
  }

  std::string FieldOf(const SearchRequest& request) {
    const Status status = Search(request).status();
    EXPECT_THAT(status, HasCode(kInvalid));
    const auto violations = FieldViolations(status);
    return violations.empty() ? "" : violations.front().field;
  }
};

TEST_F(SearchTest, HitsCarryTheScoresOfTheirMode) {
  const auto dense = Search(Query("hammers are tools.", SEARCH_MODE_DENSE));
  ASSERT_THAT(dense, IsOk());
  EXPECT_EQ(dense->commit(), 2);
  EXPECT_EQ(dense->hits(0).document(), "collections/c/documents/tools");
  EXPECT_DOUBLE_EQ(dense->hits(0).score(), dense->hits(0).similarity());
  EXPECT_FALSE(dense->hits(0).has_lexical_score());
  const auto lexical = Search(Query("hammers", SEARCH_MODE_LEXICAL));
  ASSERT_THAT(lexical, IsOk());
  EXPECT_DOUBLE_EQ(lexical->hits(0).score(), lexical->hits(0).lexical_score());
  EXPECT_FALSE(lexical->hits(0).has_similarity());
  const auto hybrid = Search(Query("hammers are tools.", SEARCH_MODE_HYBRID));
  ASSERT_THAT(hybrid, IsOk());
  EXPECT_TRUE(hybrid->hits(0).has_similarity());
  EXPECT_TRUE(hybrid->hits(0).has_lexical_score());
  EXPECT_EQ(Search(Query("hammers are tools.", retrieval::v1::SEARCH_MODE_UNSPECIFIED))
                ->SerializeAsString(),
            hybrid->SerializeAsString());
}

TEST_F(SearchTest, RerankedHitsComeInTheModelsOrder) {
  SearchRequest request = Query("fruit", SEARCH_MODE_DENSE);
  const auto plain = Search(request);
  ASSERT_THAT(plain, IsOk());
  request.mutable_reranking();
  const auto reranked = Search(request);
  ASSERT_THAT(reranked, IsOk());
  ASSERT_EQ(reranked->hits_size(), plain->hits_size());
  EXPECT_NE(reranked->hits(0).chunk().text(), plain->hits(0).chunk().text());
  for (int i = 0; i < reranked->hits_size(); ++i) {
    const auto& hit = reranked->hits(i);
    EXPECT_DOUBLE_EQ(hit.rerank_score(), static_cast<double>(hit.chunk().text().size()));
    EXPECT_DOUBLE_EQ(hit.score(), hit.similarity()) << "the search's score stays";
    const auto& before = reranked->hits(std::max(i - 1, 0));
    EXPECT_LE(hit.rerank_score(), before.rerank_score());
  }
  for (const auto& hit : plain->hits()) EXPECT_FALSE(hit.has_rerank_score());
}

TEST_F(SearchTest, TheBestOfTheCandidatesAreLeft) {
  SearchRequest request = Query("fruit", SEARCH_MODE_DENSE);
  request.mutable_reranking()->set_model(FakeInferenceService::kRerankModel);
  const auto all = Search(request);
  ASSERT_THAT(all, IsOk());
  request.set_top_k(1);
  const auto best = Search(request);
  ASSERT_THAT(best, IsOk());
  ASSERT_EQ(best->hits_size(), 1);
  EXPECT_EQ(best->hits(0).chunk().text(), all->hits(0).chunk().text());
  // With one candidate the search alone decides.
  request.mutable_reranking()->set_candidates(1);
  request.set_query("hammers are tools.");
  EXPECT_EQ(Search(request)->hits(0).document(), "collections/c/documents/tools");
}

TEST_F(SearchTest, BadRerankingIsNamed) {
  SearchRequest request = Query("fruit", SEARCH_MODE_LEXICAL);
  for (const int bad : {-1, 1'001}) {
    request.mutable_reranking()->set_candidates(bad);
    EXPECT_EQ(FieldOf(request), "reranking.candidates") << bad;
  }
  request.mutable_reranking()->set_candidates(0);
  request.mutable_reranking()->set_model("models/none");
  EXPECT_EQ(FieldOf(request), "reranking.model");
  request.mutable_reranking()->set_model(std::string(257, 'x'));
  EXPECT_EQ(FieldOf(request), "reranking.model");
}

TEST_F(SearchTest, TopKLimitsTheHits) {
  SearchRequest request = Query("fruit", SEARCH_MODE_DENSE);
  EXPECT_EQ(Search(request)->hits_size(), 4) << "unset: up to 10";
  request.set_top_k(2);
  EXPECT_EQ(Search(request)->hits_size(), 2);
  for (const int bad : {0, -1, 1'001}) {
    request.set_top_k(bad);
    EXPECT_EQ(FieldOf(request), "top_k") << bad;
  }
}

TEST_F(SearchTest, GroupingLeavesTheBestChunkOfEachDocument) {
  for (const auto mode : kSearchModes) {
    SearchRequest request = Query("fruit tools", mode);
    request.set_group_by_document(true);
    const auto response = Search(request);
    ASSERT_THAT(response, IsOk());
    ASSERT_EQ(response->hits_size(), 2);
    EXPECT_NE(response->hits(0).document(), response->hits(1).document());
    request.set_group_by_document(false);
    EXPECT_EQ(Search(request)->hits(0).SerializeAsString(), response->hits(0).SerializeAsString());
  }
}

TEST_F(SearchTest, SearchesInTheDocumentsNamed) {
  SearchRequest request = Query("fruit tools", SEARCH_MODE_HYBRID);
  request.add_documents("collections/c/documents/tools");
  const auto response = Search(request);
  ASSERT_THAT(response, IsOk());
  EXPECT_EQ(response->hits_size(), 1);
  request.add_documents("collections/c/documents/none");
  EXPECT_THAT(Search(request), FailsWith(absl::StatusCode::kNotFound, "none"));
}

TEST_F(SearchTest, BadRequestsNameTheField) {
  SearchRequest request = Query("", SEARCH_MODE_LEXICAL);
  EXPECT_EQ(FieldOf(request), "query");
  request.set_query(std::string(64 * 1024 + 1, 'x'));
  EXPECT_EQ(FieldOf(request), "query");
  request = Query("x", SEARCH_MODE_LEXICAL);
  request.set_parent("c");
  EXPECT_EQ(FieldOf(request), "parent");
  request = Query("x", static_cast<retrieval::v1::SearchMode>(9));
  EXPECT_EQ(FieldOf(request), "mode");
  request = Query("x", SEARCH_MODE_LEXICAL);
  request.add_documents("collections/other/documents/a");
  EXPECT_EQ(FieldOf(request), "documents[0]");
  request = Query("x", SEARCH_MODE_LEXICAL);
  for (int i = 0; i < 1'025; ++i) request.add_documents("collections/c/documents/tools");
  EXPECT_EQ(FieldOf(request), "documents");
}

TEST_F(SearchTest, AnUnknownCollectionIsNotFound) {
  SearchRequest request = Query("x", SEARCH_MODE_LEXICAL);
  request.set_parent("collections/none");
  EXPECT_THAT(Search(request), FailsWith(absl::StatusCode::kNotFound, "none"));
}

}  // namespace
}  // namespace quire::testing
