#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "quire/orchestrator/v1/orchestrator.grpc.pb.h"
#include "services/cli/answer_printer.h"
#include "services/cli/document_files.h"
#include "services/cli/global_options.h"
#include "services/cli/session.h"

namespace quire::services::cli {

// What `ask` and `summarize` take besides the question.
struct AnswerOptions {
  ModelOptions model;
  std::vector<std::string> files;
  std::string collection;
  std::vector<std::string> documents;  // ids in the collection; empty: all
  orchestrator::v1::Strategy strategy = orchestrator::v1::STRATEGY_AUTO;
  std::int32_t top_k = 0;
  std::int32_t max_tokens = 0;
  std::int32_t max_calls = 0;
  std::int32_t concurrency = 0;
  float temperature = 0;
  std::optional<std::uint64_t> seed;
  bool json = false;
  bool json_events = false;
  bool statistics = false;
  bool fail_on_no_answer = false;
};
void AddAnswerOptions(CLI::App& app, AnswerOptions& options);

// One question or summary over files, a collection or both. Files are sent with the request where
// the strategy reads all of their text; for RAG they become a temporary collection.
class AnswerTask {
 public:
  // Runs one StreamAsk or StreamSummarize and hands its events to the printer.
  using Run = std::function<Status(orchestrator::v1::AnswerService::Stub& stub,
                                   const orchestrator::v1::Sources& sources,
                                   orchestrator::v1::Strategy strategy, AnswerPrinter& printer)>;

  // `auto_searches`: AUTO means RAG for texts that do not fit one prompt, as for questions.
  AnswerTask(Session& session, const AnswerOptions& options, bool auto_searches)
      : session_(session), options_(options), auto_searches_(auto_searches) {}

  // Runs the task and prints the answer; sets the session's exit code if there is none.
  Status Execute(const Run& run);

 private:
  Status ReadFiles();
  orchestrator::v1::Sources InlineSources() const;
  Status AnswerFromCollection(const Run& run);
  Status AnswerInline(orchestrator::v1::Strategy strategy, const Run& run);
  Status AnswerBySearch(const Run& run);
  Status RunAndPrint(std::shared_ptr<grpc::Channel> documents,
                     const orchestrator::v1::Sources& sources, orchestrator::v1::Strategy strategy,
                     std::map<std::string, std::string> names, const Run& run);

  Session& session_;
  const AnswerOptions& options_;
  const bool auto_searches_;
  std::unique_ptr<ServiceChannels> services_;
  std::vector<LocalDocument> files_;  // their ids are the paths
};

// The options as the API has them.
orchestrator::v1::StrategyOptions ToStrategyOptions(const AnswerOptions& options);

// Reads the events of a stream to its end.
template <typename Response>
Status PrintEvents(const Call& call, grpc::ClientReader<Response>& reader, AnswerPrinter& printer) {
  Response response;
  while (reader.Read(&response)) printer.Handle(std::move(*response.mutable_event()));
  return call.Finish(reader.Finish());
}

}  // namespace quire::services::cli
