#include "quire/retrieval/v1/retrieval.grpc.pb.h"
#include "services/cli/collection_models.h"
#include "services/cli/commands/commands.h"
#include "services/cli/confirm.h"
#include "services/cli/json_text.h"
#include "services/cli/pages.h"
#include "services/cli/resource_names.h"
#include "services/cli/session.h"
#include "services/cli/table.h"

namespace quire::services::cli {
namespace {

using retrieval::v1::Collection;
using retrieval::v1::CollectionService;

StatusOr<Collection> GetCollection(Session& session, CollectionService::Stub& stub,
                                   const std::string& name) {
  retrieval::v1::GetCollectionRequest request;
  request.set_name(CollectionName(name));
  QUIRE_ASSIGN_OR_RETURN(
      auto response, CallUnary(session, stub, &CollectionService::Stub::GetCollection, request));
  return std::move(*response.mutable_collection());
}

class CollectionCreateCommand final : public Command {
 public:
  explicit CollectionCreateCommand(CLI::App& parent)
      : Command(parent,
                {.name = "create",
                 .summary = "Make an empty collection; prints its name",
                 .group = "",
                 .examples = "  quire collection create handbook --embedding-model ./minilm"}) {
    app().add_option("NAME", name_, "Letters, digits, '.', '_' and '-'")->required();
    AddEmbeddingModelOption(app(), model_);
    AddDeviceOptions(app(), model_);
    app().add_option("--chunk-tokens", chunk_tokens_, "Most tokens of a chunk; 0: 200");
    app().add_option("--overlap-tokens", overlap_tokens_,
                     "Tokens that a chunk repeats from the one before; default an eighth");
  }

  Status Run(Session& session) override {
    const auto services = session.Connect(model_, Store::kDataDir);
    QUIRE_ASSIGN_OR_RETURN(const auto channel, services->Documents(/*embeds=*/true));
    const auto stub = CollectionService::NewStub(channel);
    retrieval::v1::CreateCollectionRequest request;
    request.set_collection_id(name_);
    auto& collection = *request.mutable_collection();
    collection.set_embedding_model(services->embedding_model_name());
    collection.mutable_chunking()->set_chunk_tokens(chunk_tokens_);
    if (overlap_tokens_) collection.mutable_chunking()->set_overlap_tokens(*overlap_tokens_);
    QUIRE_ASSIGN_OR_RETURN(
        const auto response,
        CallUnary(session, *stub, &CollectionService::Stub::CreateCollection, request));
    if (!session.is_remote()) {
      QUIRE_RETURN_IF_ERROR(RememberCollectionModel(
          session.options(), name_, model_, LastSegment(response.collection().embedding_model())));
    }
    Print(LastSegment(response.collection().name()) + "\n");
    return OkStatus();
  }

 private:
  std::string name_;
  ModelOptions model_;
  std::int32_t chunk_tokens_ = 0;
  std::optional<std::int32_t> overlap_tokens_;
};

class CollectionLsCommand final : public Command {
 public:
  explicit CollectionLsCommand(CLI::App& parent)
      : Command(parent, {.name = "ls",
                         .summary = "Collections by name",
                         .group = "",
                         .examples = "  quire collection ls"}) {
    app().add_flag("--json", json_, "Print one JSON object a line");
  }

  Status Run(Session& session) override {
    const auto services = session.Connect({}, Store::kDataDir);
    QUIRE_ASSIGN_OR_RETURN(const auto channel, services->Documents(/*embeds=*/false));
    const auto stub = CollectionService::NewStub(channel);
    Table table({"NAME", "DOCUMENTS", "CHUNKS", "EMBEDDING MODEL"});
    QUIRE_RETURN_IF_ERROR(ForEachPage(session, *stub, &CollectionService::Stub::ListCollections,
                                      retrieval::v1::ListCollectionsRequest(),
                                      [&](const retrieval::v1::ListCollectionsResponse& response) {
                                        for (const Collection& collection : response.collections())
                                          Show(collection, table);
                                      }));
    if (!json_) Print(table.Format(session.terminal()));
    return OkStatus();
  }

 private:
  void Show(const Collection& collection, Table& table) const {
    if (json_) return Print(ToJson(collection) + "\n");
    table.AddRow({LastSegment(collection.name()), fmt::format("{}", collection.num_documents()),
                  fmt::format("{}", collection.num_chunks()),
                  LastSegment(collection.embedding_model())});
  }

  bool json_ = false;
};

class CollectionShowCommand final : public Command {
 public:
  explicit CollectionShowCommand(CLI::App& parent)
      : Command(parent, {.name = "show",
                         .summary = "A collection, as JSON",
                         .group = "",
                         .examples = "  quire collection show handbook"}) {
    app().add_option("NAME", name_, "The collection")->required();
  }

  Status Run(Session& session) override {
    const auto services = session.Connect({}, Store::kDataDir);
    QUIRE_ASSIGN_OR_RETURN(const auto channel, services->Documents(/*embeds=*/false));
    const auto stub = CollectionService::NewStub(channel);
    QUIRE_ASSIGN_OR_RETURN(const Collection collection, GetCollection(session, *stub, name_));
    Print(ToJson(collection, JsonStyle::kPretty) + "\n");
    return OkStatus();
  }

 private:
  std::string name_;
};

class CollectionRmCommand final : public Command {
 public:
  explicit CollectionRmCommand(CLI::App& parent)
      : Command(parent, {.name = "rm",
                         .summary = "Delete a collection and its documents",
                         .group = "",
                         .examples = "  quire collection rm handbook"}) {
    app().add_option("NAME", name_, "The collection")->required();
    app().add_flag("--yes", yes_, "Do not ask");
  }

  Status Run(Session& session) override {
    const auto services = session.Connect({}, Store::kDataDir);
    QUIRE_ASSIGN_OR_RETURN(const auto channel, services->Documents(/*embeds=*/false));
    const auto stub = CollectionService::NewStub(channel);
    QUIRE_ASSIGN_OR_RETURN(const Collection collection, GetCollection(session, *stub, name_));
    if (!yes_ && collection.num_documents() > 0) {
      QUIRE_RETURN_IF_ERROR(Confirm(
          session.terminal(), fmt::format("delete {} documents?", collection.num_documents())));
    }
    retrieval::v1::DeleteCollectionRequest request;
    request.set_name(CollectionName(name_));
    request.set_force(true);
    QUIRE_RETURN_IF_ERROR(
        CallUnary(session, *stub, &CollectionService::Stub::DeleteCollection, request).status());
    return session.is_remote() ? OkStatus() : ForgetCollectionModel(session.options(), name_);
  }

 private:
  std::string name_;
  bool yes_ = false;
};

}  // namespace

std::unique_ptr<Command> NewCollectionCreateCommand(CLI::App& parent) {
  return std::make_unique<CollectionCreateCommand>(parent);
}
std::unique_ptr<Command> NewCollectionLsCommand(CLI::App& parent) {
  return std::make_unique<CollectionLsCommand>(parent);
}
std::unique_ptr<Command> NewCollectionShowCommand(CLI::App& parent) {
  return std::make_unique<CollectionShowCommand>(parent);
}
std::unique_ptr<Command> NewCollectionRmCommand(CLI::App& parent) {
  return std::make_unique<CollectionRmCommand>(parent);
}

}  // namespace quire::services::cli
