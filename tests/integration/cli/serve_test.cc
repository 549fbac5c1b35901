#include <gmock/gmock.h>
#include <signal.h>

#include <nlohmann/json.hpp>

#include "tests/integration/cli/quire_command.h"

namespace quire::testing {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

// `quire serve` on a free port, and commands that use it.
class ServeTest : public QuireTest {
 protected:
  void SetUp() override {
    QUIRE_SKIP_WITHOUT(TinyModel());
    std::vector<std::string> command =
        Command({"serve", "--model", TinyModel().string(), "--port", "0"});
    if (!EmbeddingModel().empty()) {
      command.insert(command.end(), {"--embedding-model", EmbeddingModel()});
    }
    server_ = std::make_unique<Subprocess>(command, Environment());
    const std::string log = server_->ReadErrorUntil("documents: ");
    const std::string mark = "serving on ";
    const std::size_t at = log.find(mark);
    ASSERT_NE(at, std::string::npos) << log;
    address_ = log.substr(at + mark.size(), log.find('\n', at) - at - mark.size());
  }

  ProcessResult RunAtServer(std::vector<std::string> arguments,
                            const std::string& input = "") const {
    arguments.insert(arguments.end(), {"--server", address_});
    return Run(arguments, input);
  }

  std::unique_ptr<Subprocess> server_;
  std::string address_;
};

TEST_F(ServeTest, ServesModelsAndEndsCleanlyOnSigterm) {
  EXPECT_EQ(RunAtServer({"generate", "--max-tokens", "255", "--temperature", "0"}).out,
            ReadWholeFile(TinyModel() / "greedy.txt"));
  EXPECT_THAT(RunAtServer({"models", "ls"}).out, HasSubstr("stories260k\tLlamaForCausalLM\t512"));
  EXPECT_EQ(RunAtServer({"tokenize", "--no-special"}, "\"Once\"\n").out, "[403]\n");
  EXPECT_EQ(RunAtServer({"detokenize"}, "[1,403]\n").out, "\"Once\"\n");
  EXPECT_THAT(RunAtServer({"doctor"}).out, HasSubstr("server"));
  EXPECT_EQ(RunAtServer({"generate", "--model", "none"}).exit_code, 3);
  server_->Signal(SIGTERM);
  EXPECT_EQ(server_->Finish().exit_code, 0);
}

TEST_F(ServeTest, AnswersOverInlineFiles) {
  const auto file = folder_.path() / "park.txt";
  WriteAll(file, "Lily went to the park.\n");
  const ProcessResult result =
      RunAtServer({"ask", "Where?", file.string(), "--max-tokens", "16", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(Json::parse(result.out)["strategy"], "STRATEGY_STUFF");
}

TEST_F(ServeTest, ATemporaryCollectionLeavesNothingBehind) {
  QUIRE_SKIP_WITHOUT_EMBEDDING_MODEL();
  const auto file = folder_.path() / "park.txt";
  WriteAll(file, "Lily went to the park.\n");
  const ProcessResult result = RunAtServer(
      {"ask", "Where?", file.string(), "--strategy", "rag", "--max-tokens", "16", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(Json::parse(result.out)["strategy"], "STRATEGY_RAG");
  EXPECT_EQ(RunAtServer({"collection", "ls"}).out, "");
}

TEST_F(ServeTest, TheDataDirectoryIsTakenWhileItServes) {
  const ProcessResult result = Run({"collection", "ls"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("quire: "));
}

}  // namespace
}  // namespace quire::testing
