// The program quire-inference, run as an operator runs it.

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/stat.h>

#include <algorithm>

#include "quire/inference/v1/inference.grpc.pb.h"
#include "services/server/channel.h"
#include "tests/integration/inference/tiny_models.h"
#include "tests/support/grpc_probes.h"
#include "tests/support/subprocess.h"

namespace quire::services {
namespace {

using inference::v1::GenerateRequest;
using inference::v1::InferenceService;
using inference::v1::StreamGenerateResponse;
using quire::testing::CheckHealth;
using quire::testing::ProcessResult;
using quire::testing::Subprocess;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// A channel to the port in the log line with `mark` before it.
std::shared_ptr<grpc::Channel> ChannelFrom(const std::string& log, const std::string& mark) {
  const std::size_t at = log.find(mark);
  if (at == std::string::npos) return nullptr;
  return MakeChannel("127.0.0.1:" + std::to_string(std::stoi(log.substr(at + mark.size()))));
}

class InferenceProgramTest : public ::testing::Test {
 protected:
  InferenceProgramTest() { testing::WriteLanguageModel(Model(), 60'000); }

  std::filesystem::path Model() const { return directory_.path() / "tiny"; }
  std::vector<std::string> Command(std::vector<std::string> more) const {
    std::vector<std::string> command = {QUIRE_INFERENCE_BINARY, "--port", "0", "--model",
                                        Model().string()};
    command.insert(command.end(), more.begin(), more.end());
    return command;
  }

  quire::testing::TemporaryDirectory directory_;
};

TEST_F(InferenceProgramTest, SaysWhatItServesAndEndsWithTheSignal) {
  Subprocess program(Command({"--admin-port", "0", "--kv-cache-bytes", "16MiB", "--model-name",
                              "storyteller", "--context-tokens", "1024"}));
  const std::string log = program.ReadErrorUntil(" serving\n");
  EXPECT_THAT(log,
              AllOf(HasSubstr("language model storyteller"), HasSubstr("8192 blocks of 16 tokens"),
                    HasSubstr("16.0 MiB"), HasSubstr("context 1024"), HasSubstr("cpu/")));
  const auto admin = ChannelFrom(log, "health and reflection on port ");
  ASSERT_NE(admin, nullptr) << log;
  EXPECT_EQ(CheckHealth(admin, ""), "SERVING");
  EXPECT_THAT(quire::testing::ListServices(admin),
              HasSubstr("quire.inference.v1.InferenceService"));
  program.Signal(SIGTERM);
  EXPECT_EQ(program.Finish().exit_code, 0);
}

TEST_F(InferenceProgramTest, TermLetsRunningStreamsFinishWithinTheDrainTime) {
  Subprocess program(Command({}));
  const auto channel = ChannelFrom(program.ReadErrorUntil(" serving\n"), " port ");
  ASSERT_NE(channel, nullptr);
  const auto stub = InferenceService::NewStub(channel);
  GenerateRequest request;
  request.set_text("Once");
  request.mutable_stopping()->set_max_tokens(2000);
  request.mutable_stopping()->set_ignore_eos(true);
  grpc::ClientContext context;
  const auto reader = stub->StreamGenerate(&context, request);
  StreamGenerateResponse message;
  ASSERT_TRUE(reader->Read(&message));
  program.Signal(SIGTERM);
  int num_tokens = 0;
  while (reader->Read(&message)) num_tokens += message.delta().token_ids_size();
  EXPECT_TRUE(reader->Finish().ok());
  EXPECT_EQ(num_tokens, 2000);
  EXPECT_EQ(program.Finish().exit_code, 0);
}

TEST_F(InferenceProgramTest, TermCancelsWhatOutlastsTheDrainTime) {
  Subprocess program(Command({"--drain-timeout", "0"}));
  const auto channel = ChannelFrom(program.ReadErrorUntil(" serving\n"), " port ");
  ASSERT_NE(channel, nullptr);
  const auto stub = InferenceService::NewStub(channel);
  GenerateRequest request;
  request.set_text("Once");
  request.mutable_stopping()->set_max_tokens(50'000);
  request.mutable_stopping()->set_ignore_eos(true);
  grpc::ClientContext context;
  const auto reader = stub->StreamGenerate(&context, request);
  StreamGenerateResponse message;
  ASSERT_TRUE(reader->Read(&message));
  program.Signal(SIGTERM);
  EXPECT_EQ(program.Finish().exit_code, 0);
  while (reader->Read(&message)) {
  }
  EXPECT_FALSE(reader->Finish().ok());
}

TEST_F(InferenceProgramTest, TermWhileLoadingEndsAtOnce) {
  // Opening a pipe that nobody writes to waits: a load that takes for ever.
  std::filesystem::remove(Model() / "config.json");
  ASSERT_EQ(mkfifo((Model() / "config.json").c_str(), 0600), 0);
  Subprocess program(Command({}));
  const auto channel = ChannelFrom(program.ReadErrorUntil(", loading"), " port ");
  ASSERT_NE(channel, nullptr);
  EXPECT_EQ(CheckHealth(channel, ""), "NOT_SERVING");
  EXPECT_EQ(CheckHealth(channel, "liveness"), "SERVING");
  program.Signal(SIGTERM);
  EXPECT_EQ(program.Finish().exit_code, 0);
}

TEST_F(InferenceProgramTest, SettingsComeFromFileAndEnvironment) {
  std::ofstream(directory_.path() / "quire.yaml")
      << "quire-inference:\n  model_name: from-file\n  context_tokens: 128\n";
  Subprocess program(Command({"--config", (directory_.path() / "quire.yaml").string()}),
                     {"QUIRE_CONTEXT_TOKENS=64"});
  const std::string log = program.ReadErrorUntil(" serving\n");
  EXPECT_THAT(log, AllOf(HasSubstr("language model from-file"), HasSubstr("context 64")));
}

TEST_F(InferenceProgramTest, DamagedModelIsOneLineAndExitSix) {
  std::filesystem::resize_file(Model() / "model.safetensors", 2000);
  const ProcessResult result = Subprocess(Command({"--log-level", "off"})).Finish();
  EXPECT_EQ(result.exit_code, 6);
  EXPECT_THAT(result.err,
              AllOf(StartsWith("quire-inference: --model "), HasSubstr("model.safetensors")));
  EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1);
}

TEST_F(InferenceProgramTest, AbsentModelIsExitSix) {
  const ProcessResult result =
      Subprocess({QUIRE_INFERENCE_BINARY, "--port", "0", "--model", "/nowhere"}).Finish();
  EXPECT_EQ(result.exit_code, 6);
  EXPECT_THAT(result.err, HasSubstr("/nowhere"));
}

TEST(InferenceUsageTest, NeedsAModel) {
  const ProcessResult result = Subprocess({QUIRE_INFERENCE_BINARY}).Finish();
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("--model PATH"));
}

TEST(InferenceUsageTest, HelpShowsExamples) {
  const ProcessResult result = Subprocess({QUIRE_INFERENCE_BINARY, "--help"}).Finish();
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.out, AllOf(HasSubstr("Examples:"), HasSubstr("QUIRE_KV_CACHE_BYTES")));
}

TEST(InferenceUsageTest, BadSizesAndDevicesAreExplained) {
  const ProcessResult size =
      Subprocess({QUIRE_INFERENCE_BINARY, "--model", "x", "--kv-cache-bytes", "much"}).Finish();
  EXPECT_EQ(size.exit_code, 2);
  EXPECT_THAT(size.err, HasSubstr("--kv-cache-bytes"));
  const ProcessResult device =
      Subprocess({QUIRE_INFERENCE_BINARY, "--model", "x", "--device", "abacus"}).Finish();
  EXPECT_EQ(device.exit_code, 3);
  EXPECT_THAT(device.err, HasSubstr("abacus"));
}

}  // namespace
}  // namespace quire::services
