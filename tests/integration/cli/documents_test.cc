#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "tests/integration/cli/quire_command.h"

namespace quire::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;
using Json = nlohmann::json;

// Longer than the context of the tiny model.
std::string LongText() {
  std::string text;
  for (int day = 1; day <= 60; ++day) {
    text += "On day " + std::to_string(day) +
            " Lily went to the big park and saw a red ball. She was happy and ran home to tell "
            "her mom about it.\n";
  }
  return text;
}

class DocumentCommandsTest : public QuireTest {
 protected:
  void SetUp() override { QUIRE_SKIP_WITHOUT(TinyModel()); }

  std::string WriteFile(const std::string& name, const std::string& text) const {
    WriteAll(folder_.path() / name, text);
    return (folder_.path() / name).string();
  }

  // The Answer of `ask --json`, its citations checked against the file.
  Json Ask(const std::string& file, const std::string& strategy,
           const std::vector<std::string>& more = {}) const {
    std::vector<std::string> command = {"ask",    "Where did Lily go?", file, "--strategy",
                                        strategy, "--max-tokens",       "24", "--json"};
    command.insert(command.end(), more.begin(), more.end());
    const ProcessResult result = RunWithModel(command);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    const Json answer = Json::parse(result.out, nullptr, /*allow_exceptions=*/false);
    EXPECT_TRUE(answer.is_object()) << result.out;
    const std::string text = ReadWholeFile(file);
    for (const Json& citation : answer.value("citations", Json::array())) {
      const Json& source = citation["source"];
      EXPECT_EQ(source["document"], file);
      const auto start = std::stoul(source["start"].get<std::string>());
      const auto end = std::stoul(source["end"].get<std::string>());
      EXPECT_EQ(text.substr(start, end - start), source["quote"]);
    }
    return answer;
  }

  // A collection with two documents.
  void MakeCollection() const {
    ASSERT_EQ(Run({"collection", "create", "stories", "--embedding-model", EmbeddingModel()}).out,
              "stories\n");
    const std::string park = WriteFile("park.txt", "Lily went to the park.\n\nShe saw a ball.\n");
    const std::string sea = WriteFile("sea.md", "# The sea\n\nA whale swims in the sea.\n");
    const ProcessResult added = Run({"docs", "add", "--collection", "stories", park, sea});
    ASSERT_EQ(added.exit_code, 0) << added.err;
    ASSERT_EQ(added.out, "park.txt\nsea.md\n");
  }
};

TEST_F(DocumentCommandsTest, MapReduceAndRefineReadALongFileWithoutAServer) {
  const std::string file = WriteFile("long.txt", LongText());
  EXPECT_EQ(Ask(file, "map-reduce")["strategy"], "STRATEGY_MAP_REDUCE");
  EXPECT_EQ(Ask(file, "refine")["strategy"], "STRATEGY_REFINE");
}

TEST_F(DocumentCommandsTest, AShortFileIsStuffed) {
  const std::string file = WriteFile("short.txt", "Lily went to the park.\n");
  const Json answer = Ask(file, "auto");
  EXPECT_EQ(answer["strategy"], "STRATEGY_STUFF");
  EXPECT_EQ(answer["usage"]["modelCalls"], 1);
}

TEST_F(DocumentCommandsTest, ALongFileIsSearched) {
  QUIRE_SKIP_WITHOUT_EMBEDDING_MODEL();
  const std::string file = WriteFile("long.txt", LongText());
  const std::vector<std::string> model = {"--embedding-model", EmbeddingModel()};
  EXPECT_EQ(Ask(file, "rag", model)["strategy"], "STRATEGY_RAG");
  EXPECT_EQ(Ask(file, "auto", model)["strategy"], "STRATEGY_RAG");
}

TEST_F(DocumentCommandsTest, SearchingWithoutAnEmbeddingModelSaysWhatIsMissing) {
  const ProcessResult result =
      RunWithModel({"ask", "Where?", WriteFile("long.txt", LongText()), "--strategy", "rag"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("--embedding-model"));
}

TEST_F(DocumentCommandsTest, TextOutputStreamsAndEventsAreJsonLines) {
  const std::string file = WriteFile("short.txt", "Lily went to the park.\n");
  const ProcessResult text = RunWithModel({"ask", "Where?", file, "--max-tokens", "16", "--stats"});
  EXPECT_EQ(text.exit_code, 0) << text.err;
  EXPECT_THAT(text.out, HasSubstr("\n"));
  EXPECT_THAT(text.err, HasSubstr("strategy stuff, 1 model call"));

  const ProcessResult events =
      RunWithModel({"ask", "Where?", file, "--max-tokens", "16", "--jsonl"});
  const std::vector<std::string> lines = Lines(events.out);
  ASSERT_GE(lines.size(), 3u);
  EXPECT_TRUE(Json::parse(lines.front()).contains("started"));
  EXPECT_TRUE(Json::parse(lines.back()).contains("usage"));
}

TEST_F(DocumentCommandsTest, SummarizesAFile) {
  const ProcessResult result = RunWithModel(
      {"summarize", WriteFile("long.txt", LongText()), "--max-tokens", "16", "--json"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(Json::parse(result.out)["strategy"], "STRATEGY_MAP_REDUCE");
}

TEST_F(DocumentCommandsTest, AskWithoutDocumentsIsAUsageError) {
  EXPECT_EQ(RunWithModel({"ask", "Where?"}).exit_code, 2);
  EXPECT_EQ(RunWithModel({"ask", "Where?", "/no/such/file.txt"}).exit_code, 3);
  EXPECT_EQ(RunWithModel({"ask", "Where?", WriteFile("bad.txt", "\xFF")}).exit_code, 6);
}

TEST_F(DocumentCommandsTest, CollectionsAndDocumentsLiveInTheDataDirectory) {
  QUIRE_SKIP_WITHOUT_EMBEDDING_MODEL();
  MakeCollection();
  EXPECT_THAT(Run({"collection", "ls"}).out, HasSubstr("stories\t2\t"));
  EXPECT_EQ(Json::parse(Run({"collection", "show", "stories"}).out)["numDocuments"], "2");
  const std::vector<std::string> listed = Lines(Run({"docs", "ls", "--collection", "stories"}).out);
  ASSERT_THAT(listed, SizeIs(2));
  EXPECT_TRUE(listed[0].starts_with("park.txt\t"));
  EXPECT_EQ(Run({"docs", "text", "--collection", "stories", "park.txt"}).out,
            ReadWholeFile(folder_.path() / "park.txt"));
  EXPECT_EQ(
      Json::parse(Run({"docs", "show", "--collection", "stories", "sea.md"}).out)["mediaType"],
      "text/markdown");

  EXPECT_EQ(Run({"docs", "rm", "--collection", "stories", "park.txt"}).exit_code, 0);
  EXPECT_EQ(Run({"docs", "text", "--collection", "stories", "park.txt"}).exit_code, 3);
  EXPECT_EQ(Run({"collection", "rm", "stories"}).exit_code, 0);
  EXPECT_EQ(Run({"collection", "show", "stories"}).exit_code, 3);
  EXPECT_EQ(Run({"collection", "ls"}).out, "");
}

TEST_F(DocumentCommandsTest, EveryModeFindsTheDocument) {
  QUIRE_SKIP_WITHOUT_EMBEDDING_MODEL();
  MakeCollection();
  for (const char* mode : {"dense", "lexical", "hybrid"}) {
    const ProcessResult result =
        Run({"search", "--collection", "stories", "--mode", mode, "--json", "whale"});
    ASSERT_EQ(result.exit_code, 0) << result.err;
    const Json hits = Json::parse(result.out)["hits"];
    ASSERT_FALSE(hits.empty()) << mode;
    EXPECT_EQ(hits[0]["document"], "collections/stories/documents/sea.md") << mode;
  }
  EXPECT_THAT(Run({"search", "--collection", "stories", "whale"}).out, HasSubstr("1. sea.md"));
}

TEST_F(DocumentCommandsTest, JsonLinesKeepTheirIdsAndQueriesGiveATrecRun) {
  QUIRE_SKIP_WITHOUT_EMBEDDING_MODEL();
  ASSERT_EQ(Run({"collection", "create", "c", "--embedding-model", EmbeddingModel()}).exit_code, 0);
  const std::string lines =
      WriteFile("docs.jsonl",
                "{\"id\":\"1\",\"title\":\"Sea\",\"text\":\"A whale swims.\"}\n"
                "{\"id\":\"2\",\"text\":\"A car drives.\",\"metadata\":{\"year\":\"1999\"}}\n");
  EXPECT_EQ(Run({"docs", "add", "--collection", "c", "--jsonl", lines}).out, "1\n2\n");
  const std::string queries = WriteFile("queries.tsv", "q1\tfish in the ocean\nq2\tvehicle\n");
  const ProcessResult run = Run(
      {"search", "--collection", "c", "--queries", queries, "--trec", "run1", "--mode", "dense"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const std::vector<std::string> ranks = Lines(run.out);
  ASSERT_THAT(ranks, SizeIs(4));
  EXPECT_TRUE(ranks[0].starts_with("q1 Q0 1 1 ")) << ranks[0];
  EXPECT_TRUE(ranks[0].ends_with(" run1"));
  EXPECT_TRUE(ranks[2].starts_with("q2 Q0 2 1 ")) << ranks[2];
}

TEST_F(DocumentCommandsTest, AskOverACollectionCitesStoredText) {
  QUIRE_SKIP_WITHOUT_EMBEDDING_MODEL();
  MakeCollection();
  const ProcessResult result = RunWithModel({"ask", "Where did Lily go?", "--collection", "stories",
                                             "--strategy", "rag", "--json", "--max-tokens", "24"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json answer = Json::parse(result.out);
  for (const Json& citation : answer["citations"]) {
    const Json& source = citation["source"];
    const std::string name = source["document"];
    const std::string id = name.substr(name.rfind('/') + 1);
    const std::string text = Run({"docs", "text", "--collection", "stories", id}).out;
    const auto start = std::stoul(source["start"].get<std::string>());
    const auto end = std::stoul(source["end"].get<std::string>());
    EXPECT_EQ(text.substr(start, end - start), source["quote"]);
  }
}

TEST_F(DocumentCommandsTest, AddStopsAtTheFirstBadDocument) {
  QUIRE_SKIP_WITHOUT_EMBEDDING_MODEL();
  ASSERT_EQ(Run({"collection", "create", "c", "--embedding-model", EmbeddingModel()}).exit_code, 0);
  const std::string good = WriteFile("good.txt", "Good.");
  const std::string bad = WriteFile("bad.txt", "bad \xFF");
  const ProcessResult result = Run({"docs", "add", "--collection", "c", good, bad});
  EXPECT_EQ(result.exit_code, 6);
  EXPECT_EQ(result.out, "good.txt\n");
  EXPECT_EQ(
      Run({"docs", "add", "--collection", "none", good, "--embedding-model", EmbeddingModel()})
          .exit_code,
      3);
}

}  // namespace
}  // namespace quire::testing
