#include <algorithm>
#include <span>

#include "quire/inference/v1/inference.grpc.pb.h"
#include "services/cli/commands/commands.h"
#include "services/cli/json_text.h"
#include "services/cli/session.h"

namespace quire::services::cli {
namespace {

using inference::v1::InferenceService;
using inference::v1::RankedDocument;
using inference::v1::RerankRequest;

// Of one call: below the service's limits.
constexpr int kMaxDocuments = 256;
constexpr std::size_t kMaxBytes = std::size_t{8} << 20;

class RerankCommand final : public Command {
 public:
  explicit RerankCommand(CLI::App& parent);
  Status Run(Session& session) override;

 private:
  ModelOptions model_;
  std::string query_;
  std::int32_t top_n_ = 0;
};

RerankCommand::RerankCommand(CLI::App& parent)
    : Command(parent, {.name = "rerank",
                       .summary = "Documents by how well they answer a query: JSON strings in, "
                                  "objects out, the best first",
                       .group = kModelCommands,
                       .examples = "  printf '%s\\n' '\"It rains.\"' '\"Thirty days.\"' | "
                                   "quire rerank --model ./bge-reranker --query 'How long?'"}) {
  app()
      .add_option("--model", model_.rerank_model,
                  "Directory of a reranking model, or the name of a bundled one; with --server one "
                  "of its models")
      ->type_name("MODEL");
  app()
      .add_option("--query", query_, "What the documents are scored for")
      ->type_name("TEXT")
      ->required();
  app()
      .add_option("--top-n", top_n_, "Print only the best; 0: all")
      ->check(CLI::Validator(CLI::NonNegativeNumber).description(""));
  AddDeviceOptions(app(), model_);
}

StatusOr<std::vector<std::string>> ReadDocuments() {
  std::vector<std::string> documents;
  QUIRE_RETURN_IF_ERROR(ForEachInputLine([&](const std::string& line) -> Status {
    QUIRE_ASSIGN_OR_RETURN(documents.emplace_back(), ParseJsonString(line));
    return OkStatus();
  }));
  return documents;
}

// The scores of all documents, in calls that each take as many as fit. A score does not depend on
// the other documents of a call.
StatusOr<std::vector<RankedDocument>> ScoreAll(Session& session, InferenceService::Stub& stub,
                                               RerankRequest request,
                                               std::vector<std::string> documents) {
  std::vector<RankedDocument> scored;
  for (std::size_t begin = 0; begin < documents.size();) {
    request.clear_documents();
    std::size_t end = begin;
    std::size_t bytes = 0;
    while (end < documents.size() && request.documents_size() < kMaxDocuments &&
           (end == begin || bytes + documents[end].size() <= kMaxBytes)) {
      bytes += documents[end].size();
      request.add_documents(std::move(documents[end++]));
    }
    QUIRE_ASSIGN_OR_RETURN(auto response,
                           CallUnary(session, stub, &InferenceService::Stub::Rerank, request));
    for (RankedDocument& document : *response.mutable_documents()) {
      document.set_index(document.index() + static_cast<std::int32_t>(begin));
      scored.push_back(std::move(document));
    }
    begin = end;
  }
  std::stable_sort(scored.begin(), scored.end(), [](const auto& a, const auto& b) {
    return a.score() != b.score() ? a.score() > b.score() : a.index() < b.index();
  });
  return scored;
}

void WarnOfCuts(std::span<const RankedDocument> scored) {
  const auto num_cut = std::count_if(scored.begin(), scored.end(),
                                     [](const auto& document) { return document.truncated(); });
  if (num_cut == 0) return;
  fmt::print(stderr, "{} of {} documents are longer than the model takes and were cut\n", num_cut,
             scored.size());
}

Status RerankCommand::Run(Session& session) {
  const auto services = session.Connect(model_, Store::kTemporary);
  QUIRE_ASSIGN_OR_RETURN(const auto channel, services->RerankModel());
  const auto stub = InferenceService::NewStub(channel);
  QUIRE_ASSIGN_OR_RETURN(std::vector<std::string> documents, ReadDocuments());
  RerankRequest request;
  request.set_model(services->rerank_model_name());
  request.set_query(query_);
  QUIRE_ASSIGN_OR_RETURN(std::vector<RankedDocument> scored,
                         ScoreAll(session, *stub, std::move(request), std::move(documents)));
  WarnOfCuts(scored);
  const auto top_n = static_cast<std::size_t>(top_n_);
  if (top_n > 0 && top_n < scored.size()) scored.resize(top_n);
  for (const RankedDocument& document : scored) {
    Print(fmt::format("{{\"index\":{},\"score\":{}}}\n", document.index(), document.score()));
  }
  return OkStatus();
}

}  // namespace

std::unique_ptr<Command> NewRerankCommand(CLI::App& parent) {
  return std::make_unique<RerankCommand>(parent);
}

}  // namespace quire::services::cli
