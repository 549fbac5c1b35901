// The program quire-orchestrator, run as an operator runs it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "services/server/channel.h"
#include "tests/support/grpc_probes.h"
#include "tests/support/subprocess.h"

namespace quire::testing {
namespace {

using ::testing::HasSubstr;

TEST(OrchestratorProgramTest, ServesUntilItIsTerminated) {
  Subprocess program({QUIRE_ORCHESTRATOR_BINARY, "--inference", "127.0.0.1:1", "--port", "0"});
  const std::string log = program.ReadErrorUntil("serving;");
  const std::string key = " port ";
  const std::size_t at = log.find(key);
  ASSERT_NE(at, std::string::npos) << log;
  const std::string port = std::to_string(std::stoi(log.substr(at + key.size())));
  EXPECT_EQ(CheckHealth(services::MakeChannel("127.0.0.1:" + port),
                        "quire.orchestrator.v1.AnswerService"),
            "SERVING");
  program.Signal(SIGTERM);
  EXPECT_EQ(program.Finish().exit_code, 0);
}

TEST(OrchestratorProgramTest, NeedsAnInferenceService) {
  const ProcessResult result = Subprocess({QUIRE_ORCHESTRATOR_BINARY, "--port", "0"}).Finish();
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("--inference"));
}

TEST(OrchestratorProgramTest, HelpShowsExamples) {
  const ProcessResult result = Subprocess({QUIRE_ORCHESTRATOR_BINARY, "--help"}).Finish();
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.out, HasSubstr("Examples:"));
}

}  // namespace
}  // namespace quire::testing
