#include <fstream>
#include <map>

#include "quire/retrieval/v1/retrieval.grpc.pb.h"
#include "services/cli/collection_models.h"
#include "services/cli/commands/commands.h"
#include "services/cli/document_files.h"
#include "services/cli/progress.h"
#include "services/cli/resource_names.h"
#include "services/cli/session.h"
#include "services/cli/upload.h"

namespace quire::services::cli {
namespace {

using retrieval::v1::DocumentService;

class DocsAddCommand final : public Command {
 public:
  explicit DocsAddCommand(CLI::App& parent);
  Status Run(Session& session) override;

 private:
  // One document after the other, so that what was printed is stored.
  class Adder {
   public:
    Adder(Session& session, DocumentService::Stub& stub, const std::string& collection,
          std::int64_t total)
        : session_(session),
          stub_(stub),
          collection_(collection),
          total_(total),
          progress_(session.terminal().stderr_is_terminal && total > 1,
                    session.terminal().columns) {}
    Status Add(const LocalDocument& document);

   private:
    Session& session_;
    DocumentService::Stub& stub_;
    const std::string& collection_;
    const std::int64_t total_;
    std::int64_t done_ = 0;
    ProgressLine progress_;
  };

  Status CheckOptions() const;
  Status AddFiles(Session& session, DocumentService::Stub& stub) const;
  Status AddLines(Session& session, DocumentService::Stub& stub) const;

  ModelOptions model_;
  std::string collection_;
  std::vector<std::string> files_;
  std::string jsonl_path_;
  std::string id_;
  std::string title_;
  std::vector<std::string> metadata_;
};

DocsAddCommand::DocsAddCommand(CLI::App& parent)
    : Command(parent,
              {.name = "add",
               .summary = "Store documents; prints their ids, each once it is durable",
               .group = "",
               .examples = "  quire docs add --collection handbook chapter1.md chapter2.md\n"
                           "  quire docs add --collection cran --jsonl abstracts.jsonl"}) {
  app().add_option("--collection", collection_, "Where to")->type_name("COLLECTION")->required();
  app().add_option("FILE", files_,
                   "Text or Markdown; a folder stands for the .txt, .md and .markdown files below "
                   "it, - for stdin");
  app()
      .add_option("--jsonl", jsonl_path_,
                  "A document per line: {\"id\":..,\"title\":..,\"text\":..,\"metadata\":{..}}; "
                  "- reads stdin")
      ->type_name("FILE");
  app().add_option("--id", id_, "Id of a single document; default: its file's name");
  app().add_option("--title", title_, "Title of a single document");
  app()
      .add_option("--metadata", metadata_, "For each file; may be repeated")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  AddEmbeddingModelOption(app(), model_);
  AddDeviceOptions(app(), model_);
}

Status DocsAddCommand::CheckOptions() const {
  if (files_.empty() == jsonl_path_.empty()) {
    return InvalidArgument("docs add: wanted either files or --jsonl");
  }
  for (const std::string& entry : metadata_) {
    if (entry.find('=') == std::string::npos) {
      return InvalidArgument("--metadata: wanted KEY=VALUE, have {}", entry);
    }
  }
  return OkStatus();
}

Status DocsAddCommand::Adder::Add(const LocalDocument& document) {
  QUIRE_ASSIGN_OR_RETURN(const auto response,
                         UploadDocument(session_, stub_, collection_, document));
  progress_.Clear();
  Print(LastSegment(response.document().name()) + "\n");
  progress_.Update("adding", ++done_, total_);
  return OkStatus();
}

Status DocsAddCommand::AddFiles(Session& session, DocumentService::Stub& stub) const {
  QUIRE_ASSIGN_OR_RETURN(const std::vector<std::string> paths, ExpandPaths(files_));
  if (paths.size() > 1 && (!id_.empty() || !title_.empty())) {
    return InvalidArgument("--id, --title: wanted one file, have {}", paths.size());
  }
  Adder adder(session, stub, collection_, static_cast<std::int64_t>(paths.size()));
  std::set<std::string> taken;
  for (const std::string& path : paths) {
    LocalDocument document;
    document.id = id_.empty() ? DocumentId(path, taken) : id_;
    document.title = title_;
    QUIRE_ASSIGN_OR_RETURN(document.text, ReadTextFile(path));
    for (const std::string& entry : metadata_) {
      const std::size_t equals = entry.find('=');
      document.metadata.emplace_back(entry.substr(0, equals), entry.substr(equals + 1));
    }
    QUIRE_RETURN_IF_ERROR(adder.Add(document));
  }
  return OkStatus();
}

Status DocsAddCommand::AddLines(Session& session, DocumentService::Stub& stub) const {
  std::ifstream file;
  if (jsonl_path_ != "-") {
    file.open(jsonl_path_);
    if (!file) return NotFound("{}: cannot be opened", jsonl_path_);
  }
  std::istream& lines = jsonl_path_ == "-" ? std::cin : file;
  Adder adder(session, stub, collection_, /*total=*/0);
  std::string line;
  for (std::int64_t number = 1; std::getline(lines, line); ++number) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const auto document = ParseDocumentLine(line);
    if (!document.ok()) {
      return DataLoss("{} line {}: {}", jsonl_path_, number, Message(document.status()));
    }
    QUIRE_RETURN_IF_ERROR(adder.Add(*document));
  }
  return OkStatus();
}

Status DocsAddCommand::Run(Session& session) {
  QUIRE_RETURN_IF_ERROR(CheckOptions());
  const auto services =
      session.Connect(WithCollectionModel(model_, collection_, session.options()), Store::kDataDir);
  QUIRE_ASSIGN_OR_RETURN(const auto channel, services->Documents(/*embeds=*/true));
  const auto stub = DocumentService::NewStub(channel);
  return files_.empty() ? AddLines(session, *stub) : AddFiles(session, *stub);
}

}  // namespace

std::unique_ptr<Command> NewDocsAddCommand(CLI::App& parent) {
  return std::make_unique<DocsAddCommand>(parent);
}

}  // namespace quire::services::cli
