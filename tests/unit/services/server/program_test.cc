#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "services/server/config.h"
#include "services/server/error_details.h"
#include "tests/support/status_matchers.h"

namespace quire::services {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

struct Outcome {
  int exit_code = 0;
  std::string out;
  std::string err;
};

Outcome RunWith(std::vector<std::string> arguments, const std::function<Status()>& body) {
  CLI::App app("Test program", "quire-test");
  int number = 0;
  app.add_option("--number", number);
  arguments.insert(arguments.begin(), "quire-test");
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  Outcome outcome;
  outcome.exit_code = RunProgram(app, static_cast<int>(argv.size()), argv.data(), body);
  outcome.out = ::testing::internal::GetCapturedStdout();
  outcome.err = ::testing::internal::GetCapturedStderr();
  return outcome;
}

TEST(RunProgramTest, SuccessPrintsNothing) {
  const Outcome outcome = RunWith({}, [] { return OkStatus(); });
  EXPECT_EQ(outcome.exit_code, kExitOk);
  EXPECT_EQ(outcome.out + outcome.err, "");
}

TEST(RunProgramTest, HelpAndVersionGoToStdoutWithoutRunning) {
  const auto body = [] { return Internal("must not run"); };
  const Outcome help = RunWith({"--help"}, body);
  EXPECT_EQ(help.exit_code, kExitOk);
  EXPECT_THAT(help.out, HasSubstr("--number"));
  const Outcome version = RunWith({"--version"}, body);
  EXPECT_EQ(version.exit_code, kExitOk);
  EXPECT_THAT(version.out, HasSubstr("0."));
}

TEST(RunProgramTest, BadArgumentsExitWithUsage) {
  const Outcome outcome = RunWith({"--number", "many"}, [] { return OkStatus(); });
  EXPECT_EQ(outcome.exit_code, kExitUsage);
  EXPECT_THAT(outcome.err, HasSubstr("quire-test: "));
  EXPECT_THAT(outcome.err, HasSubstr("--number"));
  EXPECT_THAT(outcome.err, HasSubstr("quire-test --help"));
}

TEST(RunProgramTest, ErrorsPrintProgramMessageViolationsAndHint) {
  const Outcome outcome = RunWith({}, [] {
    return WithFieldViolation(ContextLengthExceeded("text", 9, 5), "stop", "wanted fewer");
  });
  EXPECT_EQ(outcome.exit_code, kExitUsage);
  EXPECT_EQ(outcome.err,
            "quire-test: text: wanted at most 5 tokens, have 9\n"
            "  stop: wanted fewer\n"
            "  hint: shorten the prompt or ask for fewer tokens\n");
}

TEST(RunProgramTest, ExceptionsDoNotEscape) {
  const Outcome thrown = RunWith({}, []() -> Status { throw std::runtime_error("odd"); });
  EXPECT_EQ(thrown.exit_code, kExitUnavailable);
  EXPECT_THAT(thrown.err, HasSubstr("odd"));
  const Outcome memory = RunWith({}, []() -> Status { throw std::bad_alloc(); });
  EXPECT_EQ(memory.exit_code, kExitUnavailable);
  EXPECT_THAT(memory.err, HasSubstr("memory"));
}

TEST(ExitCodeTest, FollowsTheErrorAndItsReason) {
  EXPECT_EQ(ExitCodeFor(OkStatus()), kExitOk);
  EXPECT_EQ(ExitCodeFor(NotFound("x")), kExitNotFound);
  EXPECT_EQ(ExitCodeFor(Unavailable("x")), kExitUnavailable);
  EXPECT_EQ(ExitCodeFor(DeadlineExceeded("x")), kExitUnavailable);
  EXPECT_EQ(ExitCodeFor(ResourceExhausted("x")), kExitUnavailable);
  EXPECT_EQ(ExitCodeFor(absl::UnauthenticatedError("x")), kExitAuth);
  EXPECT_EQ(ExitCodeFor(absl::PermissionDeniedError("x")), kExitAuth);
  EXPECT_EQ(ExitCodeFor(DataLoss("x")), kExitBadFile);
  EXPECT_EQ(ExitCodeFor(WithErrorInfo(NotFound("x"), kBadModelFile, {})), kExitBadFile);
  EXPECT_EQ(ExitCodeFor(InvalidArgument("x")), kExitUsage);
  EXPECT_EQ(ExitCodeFor(FailedPrecondition("x")), kExitUsage);
  EXPECT_EQ(ExitCodeFor(OutOfRange("x")), kExitUsage);
  EXPECT_EQ(ExitCodeFor(Cancelled("x")), kExitInterrupted);
}

}  // namespace
}  // namespace quire::services
