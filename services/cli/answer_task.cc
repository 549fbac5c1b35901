#include "services/cli/answer_task.h"

#include <filesystem>
#include <map>
#include <set>

#include "quire/retrieval/v1/retrieval.grpc.pb.h"
#include "services/cli/collection_models.h"
#include "services/cli/resource_names.h"
#include "services/cli/upload.h"
#include "services/inference/inference_server.h"
#include "services/server/error_details.h"

namespace quire::services::cli {
namespace {

using orchestrator::v1::AnswerService;
using orchestrator::v1::Sources;
using orchestrator::v1::Strategy;

AnswerFormat FormatOf(const AnswerOptions& options) {
  if (options.json) return AnswerFormat::kJson;
  return options.json_events ? AnswerFormat::kJsonEvents : AnswerFormat::kText;
}

Strategy ParseStrategy(std::string_view name) {
  if (name == "stuff") return orchestrator::v1::STRATEGY_STUFF;
  if (name == "map-reduce") return orchestrator::v1::STRATEGY_MAP_REDUCE;
  if (name == "refine") return orchestrator::v1::STRATEGY_REFINE;
  if (name == "rag") return orchestrator::v1::STRATEGY_RAG;
  return orchestrator::v1::STRATEGY_AUTO;
}

void AddStrategyOption(CLI::App& app, AnswerOptions& options) {
  app.add_option_function<std::string>(
         "--strategy",
         [&options](const std::string& name) { options.strategy = ParseStrategy(name); },
         "stuff: all text in one prompt; map-reduce: parts, then merged; refine: part after part; "
         "rag: what a search finds")
      ->check(CLI::IsMember({"auto", "stuff", "map-reduce", "refine", "rag"}))
      ->default_str("auto");
}

}  // namespace

void AddAnswerOptions(CLI::App& app, AnswerOptions& options) {
  app.add_option("FILE", options.files,
                 "Text or Markdown; a folder stands for the .txt, .md and .markdown files below "
                 "it, - for stdin");
  app.add_option("--collection", options.collection, "Stored documents to read")
      ->type_name("COLLECTION");
  app.add_option("--document", options.documents,
                 "Only this document of the collection; may be repeated")
      ->type_name("ID")
      ->allow_extra_args(false);
  AddStrategyOption(app, options);
  app.add_option("--top-k", options.top_k, "Chunks that rag reads at most; 0: 8");
  app.add_option("--max-tokens", options.max_tokens, "Most tokens of each model answer; 0: 256");
  app.add_option("--max-calls", options.max_calls, "Refuse more model calls than this; 0: 10000");
  app.add_option("--concurrency", options.concurrency, "Model calls at once; 0: 8");
  app.add_option("--temperature", options.temperature, "0 takes the most likely token each time");
  app.add_option("--seed", options.seed, "Same seed, same answer");
  AddModelOption(app, options.model);
  AddEmbeddingModelOption(app, options.model);
  AddDeviceOptions(app, options.model);
  AddQuantizeOption(app, options.model.quantize);
  AddCacheOptions(app, options.model);
  auto* json = app.add_flag("--json", options.json, "Print one Answer as JSON");
  app.add_flag("--jsonl", options.json_events, "Print one JSON object per event")->excludes(json);
  app.add_flag("--stats", options.statistics, "Print calls, tokens and times to stderr");
  app.add_flag("--fail-on-no-answer", options.fail_on_no_answer,
               "Exit with 1 if the documents hold no answer");
}

orchestrator::v1::StrategyOptions ToStrategyOptions(const AnswerOptions& options) {
  orchestrator::v1::StrategyOptions result;
  result.set_top_k(options.top_k);
  result.set_max_answer_tokens(options.max_tokens);
  result.set_max_calls(options.max_calls);
  result.set_max_concurrent_calls(options.concurrency);
  result.set_temperature(options.temperature);
  if (options.seed) result.set_seed(*options.seed);
  return result;
}

Status AnswerTask::Execute(const Run& run) {
  if (options_.files.empty() && options_.collection.empty()) {
    return InvalidArgument("nothing to read: wanted files or --collection");
  }
  if (options_.collection.empty() && !options_.documents.empty()) {
    return InvalidArgument("--document: wanted --collection with it");
  }
  QUIRE_RETURN_IF_ERROR(ReadFiles());
  const bool stored = !options_.collection.empty();
  services_ = session_.Connect(
      stored ? WithCollectionModel(options_.model, options_.collection, session_.options())
             : options_.model,
      stored ? Store::kDataDir : Store::kTemporary);
  if (stored) return AnswerFromCollection(run);
  if (options_.strategy == orchestrator::v1::STRATEGY_RAG) return AnswerBySearch(run);
  if (options_.strategy != orchestrator::v1::STRATEGY_AUTO || !auto_searches_) {
    return AnswerInline(options_.strategy, run);
  }
  // The service counts the prompt before it runs anything.
  const Status status = AnswerInline(orchestrator::v1::STRATEGY_STUFF, run);
  return ErrorReason(status) == kContextLengthExceeded ? AnswerBySearch(run) : status;
}

Status AnswerTask::ReadFiles() {
  QUIRE_ASSIGN_OR_RETURN(const std::vector<std::string> paths, ExpandPaths(options_.files));
  std::set<std::string> seen;
  for (const std::string& path : paths) {
    if (!seen.insert(path).second) continue;
    LocalDocument document{.id = path,
                           .title = std::filesystem::path(path).filename().string(),
                           .text = "",
                           .metadata = {}};
    QUIRE_ASSIGN_OR_RETURN(document.text, ReadTextFile(path));
    files_.push_back(std::move(document));
  }
  return OkStatus();
}

Sources AnswerTask::InlineSources() const {
  Sources sources;
  for (const LocalDocument& file : files_) {
    auto* document = sources.add_inline_documents();
    document->set_id(file.id);
    document->set_title(file.title);
    document->set_text(file.text);
  }
  return sources;
}

Status AnswerTask::AnswerFromCollection(const Run& run) {
  Sources sources = InlineSources();
  sources.set_collection(CollectionName(options_.collection));
  for (const std::string& id : options_.documents) {
    sources.add_documents(DocumentName(options_.collection, id));
  }
  const bool searches =
      options_.strategy == orchestrator::v1::STRATEGY_RAG ||
      (options_.strategy == orchestrator::v1::STRATEGY_AUTO && auto_searches_ && files_.empty());
  QUIRE_ASSIGN_OR_RETURN(auto documents, services_->Documents(/*embeds=*/searches));
  return RunAndPrint(std::move(documents), sources, options_.strategy, {}, run);
}

Status AnswerTask::AnswerInline(Strategy strategy, const Run& run) {
  return RunAndPrint(/*documents=*/nullptr, InlineSources(), strategy, {}, run);
}

Status AnswerTask::AnswerBySearch(const Run& run) {
  QUIRE_ASSIGN_OR_RETURN(const auto channel, services_->Documents(/*embeds=*/true));
  QUIRE_ASSIGN_OR_RETURN(
      const auto collection,
      TemporaryCollection::Create(session_, channel, services_->embedding_model_name()));
  const auto stub = retrieval::v1::DocumentService::NewStub(channel);
  ProgressLine progress(session_.terminal().stderr_is_terminal, session_.terminal().columns);
  std::map<std::string, std::string> names;
  std::set<std::string> taken;
  for (const LocalDocument& file : files_) {
    progress.Update("indexing", static_cast<std::int64_t>(names.size()),
                    static_cast<std::int64_t>(files_.size()));
    LocalDocument document = file;
    document.id = DocumentId(file.id, taken);
    QUIRE_RETURN_IF_ERROR(UploadDocument(session_, *stub, collection->id(), document).status());
    names[DocumentName(collection->id(), document.id)] = file.id;
  }
  progress.Clear();
  Sources sources;
  sources.set_collection(CollectionName(collection->id()));
  return RunAndPrint(channel, sources, orchestrator::v1::STRATEGY_RAG, std::move(names), run);
}

Status AnswerTask::RunAndPrint(std::shared_ptr<grpc::Channel> documents, const Sources& sources,
                               Strategy strategy, std::map<std::string, std::string> names,
                               const Run& run) {
  QUIRE_ASSIGN_OR_RETURN(const auto channel, services_->Answers(std::move(documents)));
  AnswerPrinter printer(FormatOf(options_), session_.terminal(), std::move(names));
  QUIRE_RETURN_IF_ERROR(run(*AnswerService::NewStub(channel), sources, strategy, printer));
  printer.Finish(options_.statistics);
  if (options_.fail_on_no_answer && printer.answer().no_answer()) {
    session_.set_exit_code(kExitNoAnswer);
  }
  return OkStatus();
}

}  // namespace quire::services::cli
