#include <fstream>

#include "quire/retrieval/v1/retrieval.grpc.pb.h"
#include "services/cli/answer_printer.h"
#include "services/cli/collection_models.h"
#include "services/cli/commands/commands.h"
#include "services/cli/json_text.h"
#include "services/cli/resource_names.h"
#include "services/cli/session.h"

namespace quire::services::cli {
namespace {

using retrieval::v1::SearchHit;
using retrieval::v1::SearchMode;
using retrieval::v1::SearchRequest;
using retrieval::v1::SearchResponse;
using retrieval::v1::SearchService;

constexpr std::size_t kSnippetChars = 160;

class SearchCommand final : public Command {
 public:
  explicit SearchCommand(CLI::App& parent);
  Status Run(Session& session) override;

 private:
  SearchRequest MakeRequest(const std::string& rerank_model_name) const;
  Status SearchQueries(Session& session, SearchService::Stub& stub, SearchRequest request) const;
  void Show(const SearchResponse& response, const std::string& query_id,
            const Terminal& terminal) const;

  ModelOptions model_;
  std::string collection_;
  std::string query_;
  std::string queries_path_;
  std::string trec_run_;
  SearchMode mode_ = retrieval::v1::SEARCH_MODE_HYBRID;
  std::optional<std::int32_t> top_k_;
  std::vector<std::string> documents_;
  std::int32_t rerank_candidates_ = 0;
  bool json_ = false;
};

SearchMode ParseMode(std::string_view name) {
  if (name == "dense") return retrieval::v1::SEARCH_MODE_DENSE;
  if (name == "lexical") return retrieval::v1::SEARCH_MODE_LEXICAL;
  return retrieval::v1::SEARCH_MODE_HYBRID;
}

SearchCommand::SearchCommand(CLI::App& parent)
    : Command(parent, {.name = "search",
                       .summary = "The chunks of a collection that fit a query best",
                       .group = kDocumentCommands,
                       .examples = "  quire search --collection handbook 'notice period'\n"
                                   "  quire search --collection handbook 'notice period' --rerank "
                                   "--rerank-model ./bge-reranker\n"
                                   "  quire search --collection cran --queries queries.tsv "
                                   "--trec run1 --mode dense"}) {
  app()
      .add_option("--collection", collection_, "Where to search")
      ->type_name("COLLECTION")
      ->required();
  auto* query = app().add_option("QUERY", query_, "What to search for");
  auto* queries =
      app().add_option("--queries", queries_path_, "Lines qid<TAB>query instead of one query");
  queries->type_name("FILE")->excludes(query);
  app()
      .add_option_function<std::string>(
          "--mode", [this](const std::string& name) { mode_ = ParseMode(name); },
          "dense: vectors; lexical: words; hybrid: both")
      ->check(CLI::IsMember({"dense", "lexical", "hybrid"}))
      ->default_str("hybrid");
  app().add_option("--top-k", top_k_, "Most hits; default 10");
  app()
      .add_option("--document", documents_, "Only this document; may be repeated")
      ->type_name("ID")
      ->allow_extra_args(false);
  app().add_flag("--rerank", model_.reranks,
                 "Read the best hits once more with a reranking model and order by its scores");
  app()
      .add_option("--rerank-candidates", rerank_candidates_,
                  "With --rerank: hits to read once more; 0: 50")
      ->check(CLI::Validator(CLI::NonNegativeNumber).description(""));
  app().add_flag("--json", json_, "Print one SearchResponse per query");
  app()
      .add_option("--trec", trec_run_,
                  "With --queries: print a TREC run of this name, the best chunk per document")
      ->type_name("RUN")
      ->needs(queries);
  AddEmbeddingModelOption(app(), model_);
  AddRerankModelOption(app(), model_);
  AddDeviceOptions(app(), model_);
}

SearchRequest SearchCommand::MakeRequest(const std::string& rerank_model_name) const {
  SearchRequest request;
  request.set_parent(CollectionName(collection_));
  request.set_mode(mode_);
  if (top_k_) request.set_top_k(*top_k_);
  request.set_group_by_document(!trec_run_.empty());
  if (model_.reranks) {
    request.mutable_reranking()->set_model(rerank_model_name);
    request.mutable_reranking()->set_candidates(rerank_candidates_);
  }
  for (const std::string& id : documents_) request.add_documents(DocumentName(collection_, id));
  return request;
}

// The search's score, and after it the one that the order is by if the hits were reranked.
std::string ScoreText(const SearchHit& hit) {
  const std::string score = fmt::format("{:.4f}", hit.score());
  return hit.has_rerank_score() ? fmt::format("{} reranked {:.4f}", score, hit.rerank_score())
                                : score;
}

void SearchCommand::Show(const SearchResponse& response, const std::string& query_id,
                         const Terminal& terminal) const {
  if (json_) return Print(ToJson(response) + "\n");
  int rank = 0;
  for (const SearchHit& hit : response.hits()) {
    const std::string id = LastSegment(hit.document());
    ++rank;
    if (!trec_run_.empty()) {
      Print(fmt::format("{} Q0 {} {} {} {}\n", query_id, id, rank,
                        hit.has_rerank_score() ? hit.rerank_score() : hit.score(), trec_run_));
      continue;
    }
    const std::string headings = fmt::format("{}", fmt::join(hit.chunk().headings(), " > "));
    Print(fmt::format(
        "{}{}. {}  {}  bytes {}-{}{}{}\n   {}\n", query_id.empty() ? "" : query_id + " ", rank,
        Bold(id, terminal.color), ScoreText(hit), hit.chunk().start(), hit.chunk().end(),
        headings.empty() ? "" : "  ", headings, ShortenToLine(hit.chunk().text(), kSnippetChars)));
  }
}

Status SearchCommand::SearchQueries(Session& session, SearchService::Stub& stub,
                                    SearchRequest request) const {
  std::ifstream file(queries_path_);
  if (!file) return NotFound("{}: cannot be opened", queries_path_);
  std::string line;
  for (std::int64_t number = 1; std::getline(file, line); ++number) {
    if (line.empty()) continue;
    const std::size_t tab = line.find('\t');
    if (tab == std::string::npos) {
      return DataLoss("{} line {}: wanted qid<TAB>query, have no tab", queries_path_, number);
    }
    request.set_query(line.substr(tab + 1));
    QUIRE_ASSIGN_OR_RETURN(const auto response,
                           CallUnary(session, stub, &SearchService::Stub::Search, request));
    Show(response, line.substr(0, tab), session.terminal());
  }
  return OkStatus();
}

Status SearchCommand::Run(Session& session) {
  if (query_.empty() == queries_path_.empty()) {
    return InvalidArgument("search: wanted a query or --queries");
  }
  const auto services =
      session.Connect(WithCollectionModel(model_, collection_, session.options()), Store::kDataDir);
  const bool embeds = mode_ != retrieval::v1::SEARCH_MODE_LEXICAL;
  QUIRE_ASSIGN_OR_RETURN(const auto channel, services->Documents(embeds));
  const auto stub = SearchService::NewStub(channel);
  SearchRequest request = MakeRequest(services->rerank_model_name());
  if (!queries_path_.empty()) return SearchQueries(session, *stub, std::move(request));
  request.set_query(query_);
  QUIRE_ASSIGN_OR_RETURN(const auto response,
                         CallUnary(session, *stub, &SearchService::Stub::Search, request));
  Show(response, "", session.terminal());
  return OkStatus();
}

}  // namespace

std::unique_ptr<Command> NewSearchCommand(CLI::App& parent) {
  return std::make_unique<SearchCommand>(parent);
}

}  // namespace quire::services::cli
