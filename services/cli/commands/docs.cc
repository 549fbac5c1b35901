#include "quire/retrieval/v1/retrieval.grpc.pb.h"
#include "services/cli/commands/commands.h"
#include "services/cli/json_text.h"
#include "services/cli/pages.h"
#include "services/cli/resource_names.h"
#include "services/cli/session.h"
#include "services/cli/table.h"

namespace quire::services::cli {
namespace {

using retrieval::v1::Document;
using retrieval::v1::DocumentService;

// A command on the documents of one collection that needs no embedding model.
class DocsCommand : public Command {
 public:
  Status Run(Session& session) final {
    const auto services = session.Connect({}, Store::kDataDir);
    QUIRE_ASSIGN_OR_RETURN(const auto channel, services->Documents(/*embeds=*/false));
    return Run(session, *DocumentService::NewStub(channel));
  }

 protected:
  DocsCommand(CLI::App& parent, const CommandSpec& spec) : Command(parent, spec) {
    app()
        .add_option("--collection", collection_, "The collection")
        ->type_name("COLLECTION")
        ->required();
  }
  virtual Status Run(Session& session, DocumentService::Stub& stub) = 0;

  const std::string& collection() const { return collection_; }

 private:
  std::string collection_;
};

class DocsLsCommand final : public DocsCommand {
 public:
  explicit DocsLsCommand(CLI::App& parent)
      : DocsCommand(parent, {.name = "ls",
                             .summary = "Documents of a collection by id",
                             .group = "",
                             .examples = "  quire docs ls --collection handbook"}) {
    app().add_flag("--json", json_, "Print one JSON object a line");
  }

 private:
  Status Run(Session& session, DocumentService::Stub& stub) override {
    Table table({"ID", "BYTES", "CHUNKS", "VERSION", "TITLE"});
    retrieval::v1::ListDocumentsRequest request;
    request.set_parent(CollectionName(collection()));
    QUIRE_RETURN_IF_ERROR(ForEachPage(session, stub, &DocumentService::Stub::ListDocuments, request,
                                      [&](const retrieval::v1::ListDocumentsResponse& response) {
                                        for (const Document& document : response.documents())
                                          Show(document, table);
                                      }));
    if (!json_) Print(table.Format(session.terminal()));
    return OkStatus();
  }

  void Show(const Document& document, Table& table) const {
    if (json_) return Print(ToJson(document) + "\n");
    table.AddRow({LastSegment(document.name()), fmt::format("{}", document.text_bytes()),
                  fmt::format("{}", document.num_chunks()), fmt::format("{}", document.version()),
                  document.title()});
  }

  bool json_ = false;
};

class DocsShowCommand final : public DocsCommand {
 public:
  explicit DocsShowCommand(CLI::App& parent)
      : DocsCommand(parent, {.name = "show",
                             .summary = "A document's description, as JSON",
                             .group = "",
                             .examples = "  quire docs show --collection handbook chapter1.md"}) {
    app().add_option("ID", id_, "The document")->required();
  }

 private:
  Status Run(Session& session, DocumentService::Stub& stub) override {
    retrieval::v1::GetDocumentRequest request;
    request.set_name(DocumentName(collection(), id_));
    QUIRE_ASSIGN_OR_RETURN(const auto response,
                           CallUnary(session, stub, &DocumentService::Stub::GetDocument, request));
    Print(ToJson(response.document(), JsonStyle::kPretty) + "\n");
    return OkStatus();
  }

  std::string id_;
};

class DocsTextCommand final : public DocsCommand {
 public:
  explicit DocsTextCommand(CLI::App& parent)
      : DocsCommand(parent, {.name = "text",
                             .summary = "A document's extracted text, what citations count in",
                             .group = "",
                             .examples = "  quire docs text --collection handbook chapter1.md"}) {
    app().add_option("ID", id_, "The document")->required();
  }

 private:
  Status Run(Session& session, DocumentService::Stub& stub) override {
    retrieval::v1::ReadDocumentTextRequest request;
    request.set_name(DocumentName(collection(), id_));
    std::int64_t version = 0;
    std::int64_t text_bytes = 0;
    do {
      QUIRE_ASSIGN_OR_RETURN(
          const auto response,
          CallUnary(session, stub, &DocumentService::Stub::ReadDocumentText, request));
      if (request.offset() > 0 && response.version() != version) {
        return Aborted("document {}: replaced while it was read; try again", id_);
      }
      version = response.version();
      text_bytes = response.text_bytes();
      Print(response.text());
      request.set_offset(request.offset() + static_cast<std::int64_t>(response.text().size()));
    } while (request.offset() < text_bytes);
    return OkStatus();
  }

  std::string id_;
};

class DocsRmCommand final : public DocsCommand {
 public:
  explicit DocsRmCommand(CLI::App& parent)
      : DocsCommand(parent, {.name = "rm",
                             .summary = "Delete documents",
                             .group = "",
                             .examples = "  quire docs rm --collection handbook chapter1.md"}) {
    app().add_option("ID", ids_, "The documents")->required();
  }

 private:
  Status Run(Session& session, DocumentService::Stub& stub) override {
    for (const std::string& id : ids_) {
      retrieval::v1::DeleteDocumentRequest request;
      request.set_name(DocumentName(collection(), id));
      QUIRE_RETURN_IF_ERROR(
          CallUnary(session, stub, &DocumentService::Stub::DeleteDocument, request).status());
    }
    return OkStatus();
  }

  std::vector<std::string> ids_;
};

}  // namespace

std::unique_ptr<Command> NewDocsLsCommand(CLI::App& parent) {
  return std::make_unique<DocsLsCommand>(parent);
}
std::unique_ptr<Command> NewDocsShowCommand(CLI::App& parent) {
  return std::make_unique<DocsShowCommand>(parent);
}
std::unique_ptr<Command> NewDocsTextCommand(CLI::App& parent) {
  return std::make_unique<DocsTextCommand>(parent);
}
std::unique_ptr<Command> NewDocsRmCommand(CLI::App& parent) {
  return std::make_unique<DocsRmCommand>(parent);
}

}  // namespace quire::services::cli
