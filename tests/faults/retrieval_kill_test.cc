// kill -9 of quire-retrieval while clients upload, replace and delete; then what was acknowledged
// is there, once, whole and searchable, and the rest is whole or absent.

#include <gmock/gmock.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <thread>

#include "quire/retrieval/v1/retrieval.grpc.pb.h"
#include "services/server/channel.h"
#include "services/server/grpc_status.h"
#include "tests/support/retrieval_process.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_files.h"
#include "tests/support/upload_messages.h"

namespace quire::testing {
namespace {

namespace fs = std::filesystem;
using services::FromGrpcStatus;

constexpr int kKills = 20;  // unless QUIRE_TEST_KILLS says otherwise
constexpr int kUploadsPerRound = 100;
constexpr int kClients = 4;
constexpr int kDocuments = 40;  // ids, so that most uploads replace

std::string DocumentName(int id) { return "collections/c/documents/d" + std::to_string(id); }

// Text number `number` of document `id`: a few chunks, and a word that no other text has.
std::string UniqueWord(int id, int number) {
  return "unique" + std::to_string(id) + "x" + std::to_string(number);
}
std::string TextOf(int id, int number) {
  std::string text = "The word is " + UniqueWord(id, number) + ". ";
  for (int i = 0; i < number % 40; ++i) text += "Sentence " + std::to_string(i) + " fills it up. ";
  return text;
}

// What a client knows about one document: the state it was told of, and those it asked for since.
struct Expected {
  std::optional<int> acknowledged;  // number of its text; nothing: absent
  std::set<std::optional<int>> pending;
  std::int64_t version = 0;  // the last acknowledged
};

int NumKills() {
  const char* kills = std::getenv("QUIRE_TEST_KILLS");
  return kills == nullptr ? kKills : std::atoi(kills);
}

class Client {
 public:
  explicit Client(const std::string& address)
      : channel_(services::MakeChannel(address)),
        collections_(retrieval::v1::CollectionService::NewStub(channel_)),
        documents_(retrieval::v1::DocumentService::NewStub(channel_)),
        search_(retrieval::v1::SearchService::NewStub(channel_)) {}

  Status CreateCollection() {
    grpc::ClientContext context;
    retrieval::v1::CreateCollectionRequest request;
    request.set_collection_id("c");
    request.mutable_collection()->mutable_chunking()->set_chunk_tokens(20);
    retrieval::v1::CreateCollectionResponse response;
    return FromGrpcStatus(collections_->CreateCollection(&context, request, &response));
  }

  StatusOr<std::int64_t> Upload(int id, const std::string& text) {
    grpc::ClientContext context;
    retrieval::v1::UploadDocumentResponse response;
    const auto writer = documents_->UploadDocument(&context, &response);
    writer->Write(UploadHeader("c", "d" + std::to_string(id)));
    writer->Write(UploadChunk(0, text));
    writer->Write(UploadFinish(text));
    writer->WritesDone();
    const Status status = FromGrpcStatus(writer->Finish());
    if (!status.ok()) return status;
    return response.document().version();
  }

  Status Delete(int id) {
    grpc::ClientContext context;
    retrieval::v1::DeleteDocumentRequest request;
    request.set_name(DocumentName(id));
    retrieval::v1::DeleteDocumentResponse response;
    return FromGrpcStatus(documents_->DeleteDocument(&context, request, &response));
  }

  StatusOr<retrieval::v1::ReadDocumentTextResponse> Read(int id) {
    grpc::ClientContext context;
    retrieval::v1::ReadDocumentTextRequest request;
    request.set_name(DocumentName(id));
    retrieval::v1::ReadDocumentTextResponse response;
    const Status status =
        FromGrpcStatus(documents_->ReadDocumentText(&context, request, &response));
    if (!status.ok()) return status;
    return response;
  }

  // Names of the documents found, one per hit.
  std::vector<std::string> Search(const std::string& query, retrieval::v1::SearchMode mode,
                                  int top_k) {
    grpc::ClientContext context;
    retrieval::v1::SearchRequest request;
    request.set_parent("collections/c");
    request.set_query(query);
    request.set_mode(mode);
    request.set_top_k(top_k);
    retrieval::v1::SearchResponse response;
    EXPECT_THAT(FromGrpcStatus(search_->Search(&context, request, &response)), IsOk());
    std::vector<std::string> names;
    for (const auto& hit : response.hits()) names.push_back(hit.document());
    return names;
  }

  std::int64_t NumDocuments() {
    grpc::ClientContext context;
    retrieval::v1::GetCollectionRequest request;
    request.set_name("collections/c");
    retrieval::v1::GetCollectionResponse response;
    EXPECT_THAT(FromGrpcStatus(collections_->GetCollection(&context, request, &response)), IsOk());
    return response.collection().num_documents();
  }

 private:
  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<retrieval::v1::CollectionService::Stub> collections_;
  const std::unique_ptr<retrieval::v1::DocumentService::Stub> documents_;
  const std::unique_ptr<retrieval::v1::SearchService::Stub> search_;
};

class RetrievalKillTest : public ::testing::Test {
 protected:
  std::string DataDir() const { return (folder_.path() / "data").string(); }

  // Uploads, replaces and deletes until `stop` or until the round's uploads are done. Each client
  // has ids of its own, so it knows what to expect of them.
  void RunClient(const std::string& address, int client, unsigned seed,
                 const std::atomic<bool>& stop) {
    Client peer(address);
    std::mt19937 random(seed);
    for (int i = 0; i < kUploadsPerRound / kClients && !stop; ++i) {
      const int id = client + kClients * static_cast<int>(random() % (kDocuments / kClients));
      Expected& expected = expected_[static_cast<std::size_t>(id)];
      if (random() % 6 == 0 && expected.acknowledged) {
        expected.pending.insert(std::nullopt);
        if (!peer.Delete(id).ok()) return;
        expected.acknowledged.reset();
      } else {
        const int number = next_number_++;
        expected.pending.insert(number);
        const auto version = peer.Upload(id, TextOf(id, number));
        if (!version.ok()) return;  // killed
        EXPECT_GT(*version, expected.version) << "a version was given twice";
        expected.version = *version;
        expected.acknowledged = number;
        ++num_acknowledged_;
      }
      expected.pending.clear();
    }
  }

  // Compares all documents with what the clients know, and adopts what became of the rest.
  void Check(Client& client) {
    std::int64_t num_present = 0;
    for (int id = 0; id < kDocuments; ++id) {
      Expected& expected = expected_[static_cast<std::size_t>(id)];
      const auto stored = client.Read(id);
      std::set<std::optional<int>> allowed = expected.pending;
      allowed.insert(expected.acknowledged);
      std::optional<std::optional<int>> found;
      for (const std::optional<int>& number : allowed) {
        const bool matches = number ? stored.ok() && stored->text() == TextOf(id, *number)
                                    : absl::IsNotFound(stored.status());
        if (matches) found = number;
      }
      ASSERT_TRUE(found.has_value())
          << DocumentName(id) << ": neither what was acknowledged nor what was on its way: "
          << stored.status().ToString();
      expected.acknowledged = *found;
      expected.pending.clear();
      if (!*found) continue;
      ++num_present;
      EXPECT_GE(stored->version(), expected.version);
      expected.version = stored->version();
      const std::string word = UniqueWord(id, **found);
      EXPECT_THAT(client.Search(word, retrieval::v1::SEARCH_MODE_LEXICAL, 10),
                  ::testing::ElementsAre(DocumentName(id)));
    }
    EXPECT_EQ(client.NumDocuments(), num_present);
    // Every chunk in the vector index belongs to a document that is there.
    for (const std::string& name :
         client.Search("the word", retrieval::v1::SEARCH_MODE_DENSE, 1'000)) {
      const int id = std::stoi(name.substr(name.rfind('d') + 1));
      EXPECT_TRUE(expected_[static_cast<std::size_t>(id)].acknowledged) << name;
    }
  }

  const TemporaryDirectory folder_;
  const FakeInferenceProcess inference_;
  std::vector<Expected> expected_ = std::vector<Expected>(kDocuments);
  std::atomic<int> next_number_ = 1;
  std::atomic<int> num_acknowledged_ = 0;
};

TEST_F(RetrievalKillTest, NothingAcknowledgedIsLostAndNothingIsTorn) {
  std::mt19937 random(2024);
  const int num_kills = NumKills();
  int num_in_flight = 0;
  for (int round = 0; round < num_kills; ++round) {
    RetrievalProcess process(DataDir(), inference_.address());
    const std::string address = process.WaitUntilServing();
    ASSERT_NE(address, "");
    {
      Client client(address);
      if (round == 0) {
        ASSERT_THAT(client.CreateCollection(), IsOk());
      }
      Check(client);
      if (HasFatalFailure()) return;
    }
    std::atomic<bool> stop = false;
    std::vector<std::thread> clients;
    for (int i = 0; i < kClients; ++i) {
      clients.emplace_back([&, i, seed = random()] { RunClient(address, i, seed, stop); });
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 500));
    process.Kill();
    stop = true;
    for (std::thread& client : clients) client.join();
    for (const Expected& expected : expected_) {
      num_in_flight += static_cast<int>(expected.pending.size());
    }
  }
  RetrievalProcess process(DataDir(), inference_.address());
  const std::string address = process.WaitUntilServing();
  ASSERT_NE(address, "");
  Client client(address);
  Check(client);
  // The kills came while there was something to lose.
  EXPECT_GE(num_acknowledged_, 100);
  EXPECT_GE(num_in_flight, num_kills / 2);
  EXPECT_EQ(process.Terminate().exit_code, 0);
  std::printf("%d kills, %d uploads acknowledged, %d changes cut off\n", num_kills,
              num_acknowledged_.load(), num_in_flight);
}

TEST_F(RetrievalKillTest, ADamagedLogIsRefusedAtStart) {
  {
    RetrievalProcess process(DataDir(), inference_.address());
    Client client(process.WaitUntilServing());
    ASSERT_THAT(client.CreateCollection(), IsOk());
    for (int id = 0; id < 10; ++id) ASSERT_THAT(client.Upload(id, TextOf(id, 1)), IsOk());
    process.Kill();
  }
  fs::path log;
  for (const auto& entry : fs::directory_iterator(fs::path(DataDir()) / "rocksdb")) {
    if (entry.path().extension() == ".log" && entry.file_size() > 0) log = entry.path();
  }
  ASSERT_FALSE(log.empty());
  std::fstream file(log, std::ios::in | std::ios::out | std::ios::binary);
  const auto middle = static_cast<std::streamoff>(fs::file_size(log) / 2);
  file.seekg(middle);
  const int byte = file.get();
  file.seekp(middle);
  file.put(static_cast<char>(byte ^ 1));
  file.close();

  RetrievalProcess process(DataDir(), inference_.address());
  EXPECT_EQ(process.WaitUntilServing(), "");
  const ProcessResult result = process.Finish();
  EXPECT_EQ(result.exit_code, 6);
  EXPECT_THAT(result.err, ::testing::HasSubstr("Corruption"));
}

}  // namespace
}  // namespace quire::testing
