// All three services over loopback: a real model reads a real book. The model is a tiny teller of
// stories that does not answer questions: what is checked is that everything fits, is read and is
// cited as it stands in the book.

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <memory>

#include "quire/orchestrator/v1/orchestrator.grpc.pb.h"
#include "quire/retrieval/v1/retrieval.grpc.pb.h"
#include "services/inference/inference_server.h"
#include "services/orchestrator/orchestrator_server.h"
#include "services/retrieval/retrieval_server.h"
#include "services/server/channel.h"
#include "services/server/grpc_status.h"
#include "services/server/server.h"
#include "tests/support/fake_inference_service.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_files.h"
#include "tests/support/upload_messages.h"

namespace quire::testing {
namespace {

using orchestrator::v1::Strategy;

constexpr char kDocument[] = "collections/books/documents/alice";

std::shared_ptr<grpc::Channel> ChannelTo(const services::Server& server) {
  return services::MakeChannel("127.0.0.1:" + std::to_string(server.port()));
}

// Reads, per strategy, as much of the book as a debug build gets through in seconds.
class RealServicesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    QUIRE_SKIP_WITHOUT(SharedData("models/stories260k"));
    QUIRE_SKIP_WITHOUT(SharedData("documents/alice.txt"));
    text_ = ReadWholeFile(SharedData("documents/alice.txt"));
    StartInference();
    StartRetrieval();
    server_ = Start(orchestrator_->services());
    orchestrator_->Connect(
        {.inference = ChannelTo(*inference_server_), .retrieval = ChannelTo(*retrieval_server_)});
    stub_ = orchestrator::v1::AnswerService::NewStub(ChannelTo(*server_));
  }

  static std::unique_ptr<services::Server> Start(const std::vector<grpc::Service*>& services) {
    auto server = services::Server::Start({}, services);
    EXPECT_THAT(server, IsOk());
    return *std::move(server);
  }

  void StartInference() {
    services::InferenceOptions options;
    options.model = SharedData("models/stories260k").string();
    auto inference = services::InferenceServer::Create(options);
    ASSERT_THAT(inference, IsOk());
    inference_ = *std::move(inference);
    inference_server_ = Start(inference_->services());
    ASSERT_THAT(inference_->Load(), IsOk());
  }

  void StartRetrieval() {
    services::RetrievalOptions options;
    options.data_dir = folder_.path().string();
    auto retrieval = services::RetrievalServer::Create(options);
    ASSERT_THAT(retrieval, IsOk());
    retrieval_ = *std::move(retrieval);
    retrieval_server_ = Start(retrieval_->services());
    ASSERT_THAT(retrieval_->Load(services::MakeChannel(embedding_server_.address()), {}), IsOk());
  }

  void Upload(const std::string& text) {
    const auto channel = ChannelTo(*retrieval_server_);
    grpc::ClientContext create_context;
    retrieval::v1::CreateCollectionRequest create;
    retrieval::v1::CreateCollectionResponse created;
    create.set_collection_id("books");
    ASSERT_THAT(services::FromGrpcStatus(
                    retrieval::v1::CollectionService::NewStub(channel)->CreateCollection(
                        &create_context, create, &created)),
                IsOk());
    grpc::ClientContext context;
    retrieval::v1::UploadDocumentResponse uploaded;
    const auto documents = retrieval::v1::DocumentService::NewStub(channel);
    const auto writer = documents->UploadDocument(&context, &uploaded);
    writer->Write(UploadHeader("books", "alice"));
    writer->Write(UploadChunk(0, text));
    writer->Write(UploadFinish(text));
    writer->WritesDone();
    ASSERT_THAT(services::FromGrpcStatus(writer->Finish()), IsOk());
  }

  // Asks about the first `num_bytes` of the book.
  StatusOr<orchestrator::v1::Answer> Ask(Strategy strategy, std::size_t num_bytes) {
    orchestrator::v1::AskRequest request;
    request.set_question("Who has a watch?");
    request.set_strategy(strategy);
    if (strategy == orchestrator::v1::STRATEGY_RAG) {
      request.mutable_sources()->set_collection("collections/books");
    } else {
      auto* document = request.mutable_sources()->add_inline_documents();
      document->set_id("alice.txt");
      document->set_text(text_.substr(0, num_bytes));
    }
    request.mutable_options()->set_max_answer_tokens(24);
    grpc::ClientContext context;
    orchestrator::v1::AskResponse response;
    const grpc::Status status = stub_->Ask(&context, request, &response);
    if (!status.ok()) return services::FromGrpcStatus(status);
    return response.answer();
  }

  void ExpectSound(const orchestrator::v1::Answer& answer) const {
    EXPECT_FALSE(answer.text().empty());
    for (const auto& citation : answer.citations()) {
      const auto& source = citation.source();
      EXPECT_EQ(text_.substr(static_cast<std::size_t>(source.start()),
                             static_cast<std::size_t>(source.end() - source.start())),
                source.quote());
    }
  }

  std::string text_;
  TemporaryDirectory folder_;
  FakeInferenceService embedding_;
  LoopbackServer embedding_server_{embedding_};
  std::unique_ptr<services::InferenceServer> inference_;
  std::unique_ptr<services::RetrievalServer> retrieval_;
  std::unique_ptr<services::OrchestratorServer> orchestrator_ =
      services::OrchestratorServer::Create();
  std::unique_ptr<services::Server> inference_server_;
  std::unique_ptr<services::Server> retrieval_server_;
  std::unique_ptr<services::Server> server_;
  std::unique_ptr<orchestrator::v1::AnswerService::Stub> stub_;
};

TEST_F(RealServicesTest, MapReduceReadsEveryByte) {
  const auto answer = Ask(orchestrator::v1::STRATEGY_MAP_REDUCE, 12'000);
  ASSERT_THAT(answer, IsOk());
  ExpectSound(*answer);
  EXPECT_EQ(answer->coverage(0).bytes_read(), 12'000);
  EXPECT_GT(answer->usage().model_calls(), 10);
}

TEST_F(RealServicesTest, RefineReadsEveryByte) {
  const auto answer = Ask(orchestrator::v1::STRATEGY_REFINE, 6'000);
  ASSERT_THAT(answer, IsOk());
  ExpectSound(*answer);
  EXPECT_EQ(answer->coverage(0).bytes_read(), 6'000);
  EXPECT_GT(answer->citations_size(), 0);
}

TEST_F(RealServicesTest, RagReadsWhatTheSearchFinds) {
  Upload(text_);
  const auto answer = Ask(orchestrator::v1::STRATEGY_RAG, 0);
  ASSERT_THAT(answer, IsOk());
  ExpectSound(*answer);
  ASSERT_GT(answer->citations_size(), 0);
  EXPECT_EQ(answer->citations(0).source().document(), kDocument);
  EXPECT_EQ(answer->coverage(0).text_bytes(), static_cast<std::int64_t>(text_.size()));
  EXPECT_GT(answer->coverage(0).bytes_read(), 100);
}

TEST_F(RealServicesTest, StuffRefusesTheBookWithItsTokens) {
  const auto answer = Ask(orchestrator::v1::STRATEGY_STUFF, text_.size());
  EXPECT_THAT(answer, FailsWith(absl::StatusCode::kInvalidArgument, "sources"));
}

}  // namespace
}  // namespace quire::testing
