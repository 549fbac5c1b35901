// The bundled embedding model, deploy/demo/embedding, on the documents it is bundled with: it must
// find the right one. Its training never saw them. Scores are in its README.

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <numeric>

#include "engine/embedder.h"
#include "engine/formats/json_file.h"
#include "tests/support/sanitizers.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_files.h"

namespace quire::engine {
namespace {

using testing::IsOk;

constexpr char kModel[] = "deploy/demo/embedding/quire-mini-embed.gguf";
constexpr std::uintmax_t kMaxModelBytes = 8 << 20;
constexpr char kCorpus[] = "deploy/demo/corpus";
constexpr std::size_t kMinPassageBytes = 400;

struct Passages {
  std::vector<std::string> texts;
  std::vector<std::string> documents;  // of each text
};

struct Question {
  std::string text;
  std::string document;
};

// Neighbouring paragraphs, as many as make kMinPassageBytes.
Passages ReadPassages() {
  Passages passages;
  for (const auto& entry : std::filesystem::directory_iterator(kCorpus)) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(".jsonl")) continue;
    const std::string text = testing::ReadWholeFile(entry.path());
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t end = text.find("\n\n", begin + kMinPassageBytes);
      passages.texts.push_back(text.substr(begin, end - begin));
      passages.documents.push_back(name);
      begin = end == std::string::npos ? text.size() : end + 2;
    }
  }
  return passages;
}

std::vector<Question> ReadQuestions() {
  std::vector<Question> questions;
  std::istringstream lines(testing::ReadWholeFile(std::string(kCorpus) + "/questions.jsonl"));
  for (std::string line; std::getline(lines, line);) {
    const auto json = ParseJson(line, "questions.jsonl");
    if (json.ok() && !(*json)["document"].is_null()) {
      questions.push_back({(*json)["question"], (*json)["document"]});
    }
  }
  return questions;
}

class BundledEmbeddingTest : public ::testing::Test {
 protected:
  void SetUp() override {
    EmbedderOptions options;
    options.model_path = kModel;
    auto embedder = Embedder::Create(options, *device_);
    ASSERT_THAT(embedder, IsOk());
    embedder_ = *std::move(embedder);
  }
  std::vector<float> Embed(const std::vector<std::string>& texts) {
    const auto batch = embedder_->Embed(texts, /*truncate=*/true);
    EXPECT_THAT(batch, IsOk());
    return batch.ok() ? batch->values : std::vector<float>(texts.size() * Dimension());
  }
  std::size_t Dimension() const { return static_cast<std::size_t>(embedder_->dimension()); }

  const std::unique_ptr<kernels::Device> device_ = *kernels::FindDevice("cpu");
  std::unique_ptr<Embedder> embedder_;
};

// The documents of the best `depth` passages by cosine.
std::vector<std::string> Nearest(const float* query, const std::vector<float>& vectors,
                                 const Passages& passages, std::size_t dimension,
                                 std::size_t depth) {
  std::multimap<float, std::string, std::greater<>> ranked;
  for (std::size_t i = 0; i < passages.texts.size(); ++i) {
    const float* row = vectors.data() + i * dimension;
    ranked.emplace(std::inner_product(query, query + dimension, row, 0.0f), passages.documents[i]);
  }
  std::vector<std::string> documents;
  for (auto it = ranked.begin(); it != ranked.end() && documents.size() < depth; ++it) {
    documents.push_back(it->second);
  }
  return documents;
}

TEST_F(BundledEmbeddingTest, QuestionsFindTheirDocument) {
  // A measurement: the other tests run the same code on less.
  if (testing::IsSanitized()) GTEST_SKIP() << "takes minutes under a sanitizer";
  const Passages passages = ReadPassages();
  const std::vector<Question> questions = ReadQuestions();
  ASSERT_GT(passages.texts.size(), 50u);
  ASSERT_GT(questions.size(), 60u);
  const std::vector<float> vectors = Embed(passages.texts);
  std::vector<std::string> texts;
  for (const Question& question : questions) texts.push_back(question.text);
  const std::vector<float> queries = Embed(texts);
  int first = 0;
  int among_three = 0;
  for (std::size_t i = 0; i < questions.size(); ++i) {
    const auto found = Nearest(queries.data() + i * Dimension(), vectors, passages, Dimension(), 3);
    first += found.front() == questions[i].document ? 1 : 0;
    among_three += std::find(found.begin(), found.end(), questions[i].document) != found.end();
  }
  const auto share = [&](int count) {
    return static_cast<double>(count) / static_cast<double>(questions.size());
  };
  RecordProperty("first", std::to_string(share(first)));
  RecordProperty("among_three", std::to_string(share(among_three)));
  std::cout << "right document first: " << share(first)
            << ", among the first three passages: " << share(among_three) << "\n";
  EXPECT_GE(share(first), 0.74);
  EXPECT_GE(share(among_three), 0.95);
}

TEST_F(BundledEmbeddingTest, EveryTextHasAUnitVector) {
  const std::vector<float> vectors = Embed({"a", "漢字", "§ € ½", "4711", "supercalifragilistic"});
  for (std::size_t i = 0; i < 5; ++i) {
    const float* row = vectors.data() + i * Dimension();
    EXPECT_NEAR(std::inner_product(row, row + Dimension(), row, 0.0f), 1.0f, 1e-4f) << i;
  }
}

TEST_F(BundledEmbeddingTest, TextsAreCutWhereChunksEnd) { EXPECT_EQ(embedder_->max_tokens(), 256); }

TEST(BundledEmbeddingFileTest, FitsARepository) {
  EXPECT_LE(std::filesystem::file_size(kModel), kMaxModelBytes);
}

}  // namespace
}  // namespace quire::engine
