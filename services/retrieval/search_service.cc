#include "services/retrieval/search_service.h"

#include <algorithm>
#include <string>

#include "services/retrieval/call_status.h"
#include "services/retrieval/messages.h"
#include "services/retrieval/resource_names.h"
#include "services/server/error_details.h"

namespace quire::services {
namespace {

using retrieval::v1::SearchRequest;
using retrieval::v1::SearchResponse;

constexpr std::int32_t kDefaultTopK = 10;
constexpr std::int32_t kMaxTopK = 1'000;
constexpr std::size_t kMaxQueryBytes = 64 * 1024;
constexpr int kMaxDocuments = 1'024;
constexpr std::int32_t kDefaultCandidates = 50;
constexpr std::size_t kMaxModelBytes = 256;

StatusOr<retrieval::SearchMode> ParseMode(retrieval::v1::SearchMode mode) {
  switch (mode) {
    case retrieval::v1::SEARCH_MODE_UNSPECIFIED:
    case retrieval::v1::SEARCH_MODE_HYBRID:
      return retrieval::SearchMode::kHybrid;
    case retrieval::v1::SEARCH_MODE_DENSE:
      return retrieval::SearchMode::kDense;
    case retrieval::v1::SEARCH_MODE_LEXICAL:
      return retrieval::SearchMode::kLexical;
    default:
      return InvalidField("mode",
                          fmt::format("wanted a SearchMode, have {}", static_cast<int>(mode)));
  }
}

StatusOr<std::string> ParseDocumentOf(const std::string& collection, int position,
                                      const std::string& name) {
  const std::string field = fmt::format("documents[{}]", position);
  QUIRE_ASSIGN_OR_RETURN(DocumentPath path, ParseDocumentName(field, name));
  if (path.collection == collection) return std::move(path.document);
  return InvalidField(field, fmt::format("wanted a document of collection {}, have one of {}",
                                         collection, path.collection));
}

StatusOr<retrieval::SearchQuery> ParseQuery(const std::string& collection,
                                            const SearchRequest& request) {
  retrieval::SearchQuery query;
  if (request.query().empty() || request.query().size() > kMaxQueryBytes) {
    return InvalidField("query", fmt::format("wanted 1 to {} bytes, have {}", kMaxQueryBytes,
                                             request.query().size()));
  }
  query.text = request.query();
  QUIRE_ASSIGN_OR_RETURN(query.mode, ParseMode(request.mode()));
  query.top_k = request.has_top_k() ? request.top_k() : kDefaultTopK;
  if (query.top_k < 1 || query.top_k > kMaxTopK) {
    return InvalidField("top_k", fmt::format("wanted 1 to {}, have {}", kMaxTopK, query.top_k));
  }
  query.group_by_document = request.group_by_document();
  if (request.documents_size() > kMaxDocuments) {
    return InvalidField("documents", fmt::format("wanted at most {}, have {}", kMaxDocuments,
                                                 request.documents_size()));
  }
  for (int i = 0; i < request.documents_size(); ++i) {
    QUIRE_ASSIGN_OR_RETURN(query.documents.emplace_back(),
                           ParseDocumentOf(collection, i, request.documents(i)));
  }
  return query;
}

// Hits to read once more, out of which top_k are left.
StatusOr<std::int32_t> ParseCandidates(const retrieval::v1::Reranking& reranking,
                                       std::int32_t top_k) {
  if (reranking.candidates() < 0 || reranking.candidates() > kMaxTopK) {
    return InvalidField("reranking.candidates",
                        fmt::format("wanted 0 to {}, have {}", kMaxTopK, reranking.candidates()));
  }
  if (reranking.model().size() > kMaxModelBytes) {
    return InvalidField("reranking.model", fmt::format("wanted at most {} bytes, have {}",
                                                       kMaxModelBytes, reranking.model().size()));
  }
  const bool is_set = reranking.candidates() > 0;
  return std::max(is_set ? reranking.candidates() : kDefaultCandidates, top_k);
}

// Puts the hits in the order of the reranking model and keeps the best `top_k`.
Status Rerank(GrpcReranker reranker, const SearchRequest& request, std::int32_t top_k,
              SearchResponse& response) {
  auto& hits = *response.mutable_hits();
  std::vector<std::string_view> texts;
  for (const auto& hit : hits) texts.push_back(hit.chunk().text());
  const std::string& model = request.reranking().model();
  const auto scores = reranker.Rerank(model, request.query(), texts);
  if (absl::IsNotFound(scores.status())) {
    return InvalidField("reranking.model", Message(scores.status()));
  }
  QUIRE_RETURN_IF_ERROR(scores.status());
  for (int i = 0; i < hits.size(); ++i) {
    hits[i].set_rerank_score((*scores)[static_cast<std::size_t>(i)]);
  }
  std::stable_sort(hits.begin(), hits.end(), [](const auto& a, const auto& b) {
    return a.rerank_score() > b.rerank_score();
  });
  if (hits.size() > top_k) hits.DeleteSubrange(top_k, hits.size() - top_k);
  return OkStatus();
}

Status RunSearch(LibraryHost& host, grpc::ServerContext& context, const SearchRequest& request,
                 SearchResponse& response) {
  QUIRE_ASSIGN_OR_RETURN(retrieval::Library * library, host.library());
  QUIRE_ASSIGN_OR_RETURN(const std::string collection,
                         ParseCollectionName("parent", request.parent()));
  QUIRE_ASSIGN_OR_RETURN(retrieval::SearchQuery query, ParseQuery(collection, request));
  const std::int32_t top_k = query.top_k;
  if (request.has_reranking()) {
    QUIRE_ASSIGN_OR_RETURN(query.top_k, ParseCandidates(request.reranking(), top_k));
  }
  GrpcEmbedder embedder = host.EmbedderFor(context);
  QUIRE_ASSIGN_OR_RETURN(const retrieval::SearchResult result,
                         library->Search(collection, query, embedder));
  for (const retrieval::SearchHit& hit : result.hits) {
    *response.add_hits() = ToMessage(collection, hit);
  }
  response.set_commit(result.commit);
  if (!request.has_reranking() || response.hits().empty()) return OkStatus();
  return Rerank(host.RerankerFor(context), request, top_k, response);
}

// The first of `documents` that is not there, or "".
std::string MissingDocument(const LibraryHost& host, const SearchRequest& request) {
  const auto library = host.library();
  if (!library.ok()) return "";
  for (const std::string& name : request.documents()) {
    const auto path = ParseDocumentName("documents", name);
    if (!path.ok()) continue;
    const Status found = (*library)->GetDocument(path->collection, path->document).status();
    if (absl::IsNotFound(found)) return name;
  }
  return "";
}

}  // namespace

grpc::Status SearchService::Search(grpc::ServerContext* context, const SearchRequest* request,
                                   SearchResponse* response) {
  const Status status = RunSearch(host_, *context, *request, *response);
  if (absl::IsNotFound(status)) {
    const std::string document = MissingDocument(host_, *request);
    if (!document.empty()) return ToCallStatus(status, kDocumentType, document);
  }
  return ToCallStatus(status, kCollectionType, request->parent());
}

}  // namespace quire::services
