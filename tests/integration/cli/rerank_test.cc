#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "tests/integration/cli/quire_command.h"

namespace quire::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;
using Json = nlohmann::json;

constexpr char kReranker[] = "tests/golden/engine/fixtures/rerank_bert";
// Bundled with the sources.
constexpr char kEmbedder[] = "deploy/demo/embedding";

class RerankCommandTest : public QuireTest {
 protected:
  ProcessResult Rerank(const std::vector<std::string>& documents,
                       std::vector<std::string> more = {}) const {
    std::string input;
    for (const std::string& document : documents) input += Json(document).dump() + "\n";
    std::vector<std::string> command = {"rerank", "--model", kReranker, "--query", "Who came?"};
    command.insert(command.end(), more.begin(), more.end());
    return Run(command, input);
  }
};

TEST_F(RerankCommandTest, PrintsEveryDocumentBestFirst) {
  const ProcessResult result = Rerank({"Nobody.", "The postman came.", "", "Nobody."});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  std::vector<int> indices;
  double last = std::numeric_limits<double>::infinity();
  for (const std::string& line : Lines(result.out)) {
    const Json object = Json::parse(line);
    EXPECT_EQ(object.size(), 2u);
    indices.push_back(object["index"]);
    EXPECT_LE(object["score"].get<double>(), last);
    last = object["score"].get<double>();
  }
  ASSERT_THAT(indices, SizeIs(4));
  // Equal documents have equal scores and keep their order.
  const auto first = std::find(indices.begin(), indices.end(), 0);
  EXPECT_EQ(*(first + 1), 3);
}

TEST_F(RerankCommandTest, CallsOfManyDocumentsAreRankedTogether) {
  std::vector<std::string> documents(600, "Nobody.");
  documents[599] = "The postman came.";
  documents[0] = "The postman came.";
  const ProcessResult all = Rerank(documents);
  ASSERT_EQ(all.exit_code, 0) << all.err;
  const std::vector<std::string> lines = Lines(all.out);
  ASSERT_THAT(lines, SizeIs(600));
  const int first = Json::parse(lines[0])["index"];
  const int last = Json::parse(lines[599])["index"];
  // The two that differ are together, at one end.
  EXPECT_TRUE((first == 0 && Json::parse(lines[1])["index"] == 599) ||
              (last == 599 && Json::parse(lines[598])["index"] == 0));
  const ProcessResult best = Rerank(documents, {"--top-n", "3"});
  EXPECT_EQ(Lines(best.out), std::vector<std::string>(lines.begin(), lines.begin() + 3));
}

TEST_F(RerankCommandTest, LongDocumentsAreCutAndSaidToBe) {
  const ProcessResult result = Rerank({"short", std::string(500, 'x') + " y"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const ProcessResult words = Rerank({std::string(300, '.')});
  EXPECT_THAT(words.err, HasSubstr("1 of 1 documents are longer than the model takes"));
}

TEST_F(RerankCommandTest, BadUseIsNamed) {
  EXPECT_EQ(Run({"rerank", "--model", kReranker}, "\"x\"\n").exit_code, 2);
  const ProcessResult line = Run({"rerank", "--model", kReranker, "--query", "q"}, "\"x\"\nbad\n");
  EXPECT_EQ(line.exit_code, 2);
  EXPECT_THAT(line.err, HasSubstr("stdin line 2: wanted a JSON string"));
  const ProcessResult model = Run({"rerank", "--model", kEmbedder, "--query", "q"}, "\"x\"\n");
  EXPECT_EQ(model.exit_code, 6);
  EXPECT_THAT(model.err, HasSubstr("only embeds"));
  const ProcessResult query =
      Run({"rerank", "--model", kReranker, "--query", std::string(100, '?')}, "\"x\"\n");
  EXPECT_EQ(query.exit_code, 2);
  EXPECT_THAT(query.err, HasSubstr("query"));
  EXPECT_EQ(Rerank({}).out, "");
}

TEST_F(RerankCommandTest, SearchesAreReranked) {
  ASSERT_EQ(Run({"collection", "create", "c", "--embedding-model", kEmbedder}).exit_code, 0);
  std::vector<std::string> add = {"docs", "add", "--collection", "c"};
  for (const char* text : {"The postman came late.", "Nobody came.", "The sea is blue."}) {
    const auto path = folder_.path() / fmt::format("{}.txt", add.size());
    WriteAll(path, text);
    add.push_back(path.string());
  }
  ASSERT_EQ(Run(add).exit_code, 0);
  for (const char* mode : {"hybrid", "lexical"}) {
    const ProcessResult result = Run({"search", "--collection", "c", "who came", "--mode", mode,
                                      "--rerank", "--rerank-model", kReranker, "--json"});
    ASSERT_EQ(result.exit_code, 0) << result.err;
    const Json hits = Json::parse(result.out)["hits"];
    ASSERT_GE(hits.size(), 2u);
    for (std::size_t i = 0; i < hits.size(); ++i) {
      EXPECT_TRUE(hits[i].contains("score"));
      if (i == 0) continue;
      EXPECT_LE(hits[i]["rerankScore"].get<double>(), hits[i - 1]["rerankScore"].get<double>());
    }
  }
  const ProcessResult text = Run({"search", "--collection", "c", "who came", "--rerank",
                                  "--rerank-model", kReranker, "--top-k", "1"});
  EXPECT_THAT(text.out, HasSubstr(" reranked "));
  const ProcessResult none = Run({"search", "--collection", "c", "who came", "--rerank"});
  EXPECT_EQ(none.exit_code, 2);
  EXPECT_THAT(none.err, HasSubstr("--rerank-model"));
}

}  // namespace
}  // namespace quire::testing
