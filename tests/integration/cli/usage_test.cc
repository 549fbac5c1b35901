#include <gmock/gmock.h>

#include "tests/integration/cli/quire_command.h"

namespace quire::testing {
namespace {

using ::testing::HasSubstr;

class UsageTest : public QuireTest {};

TEST_F(UsageTest, WrongArgumentsExitWithTwo) {
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{},
                                                    {"no-such-command"},
                                                    {"generate", "--no-such-option"},
                                                    {"docs", "ls"},
                                                    {"score", "--ids", "1,x"},
                                                    {"generate", "--model", "hf:org/.."},
                                                    {"generate", "--quantize", "int5"},
                                                    {"generate"}}) {
    const ProcessResult result = Run(arguments);
    EXPECT_EQ(result.exit_code, 2) << ::testing::PrintToString(arguments);
    EXPECT_EQ(result.out, "");
    EXPECT_THAT(result.err, HasSubstr("quire: "));
  }
}

TEST_F(UsageTest, WhatIsNotThereExitsWithThree) {
  EXPECT_EQ(Run({"generate", "--model", "/no/such/model"}).exit_code, 3);
  EXPECT_EQ(Run({"inspect", "/no/such/file"}).exit_code, 3);
  EXPECT_EQ(Run({"docs", "ls", "--collection", "none"}).exit_code, 3);
}

TEST_F(UsageTest, AnUnreachableServerExitsWithFour) {
  const ProcessResult result = Run({"models", "ls", "--server", "127.0.0.1:1"});
  EXPECT_EQ(result.exit_code, 4);
  EXPECT_THAT(result.err, HasSubstr("127.0.0.1:1"));
}

TEST_F(UsageTest, HelpGoesToStdoutAndHasAnExample) {
  const ProcessResult result = Run({"ask", "--help"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.out, HasSubstr("Example"));
  EXPECT_EQ(result.err, "");
  EXPECT_EQ(Run({"--version"}).exit_code, 0);
}

TEST_F(UsageTest, FlagsWinOverEnvironmentOverFile) {
  const auto file = folder_.path() / "settings.yaml";
  WriteAll(file, "timeout: 5s\nsearch:\n  top-k: 7\n");
  const auto origins = [&](const std::vector<std::string>& environment,
                           std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"config", "show", "--origin", "--config", file.string()});
    return Subprocess(Command(arguments), environment).Finish().out;
  };
  EXPECT_THAT(origins({}, {}), HasSubstr("timeout = 5s  # " + file.string()));
  EXPECT_THAT(origins({}, {}), HasSubstr("top-k = 7  (search)  # " + file.string()));
  EXPECT_THAT(origins({"QUIRE_TIMEOUT=6s"}, {}),
              HasSubstr("timeout = 6s  # environment QUIRE_TIMEOUT"));
  EXPECT_THAT(origins({"QUIRE_TIMEOUT=6s"}, {"--timeout", "7s"}),
              HasSubstr("timeout = 7s  # flag"));
}

TEST_F(UsageTest, CompletionScriptsAreValid) {
  const auto script = folder_.path() / "completion.bash";
  WriteAll(script, Run({"completion", "bash"}).out);
  const ProcessResult checked = Subprocess({"/bin/bash", "-n", script.string()}).Finish();
  EXPECT_EQ(checked.exit_code, 0) << checked.err;

  const std::string probe =
      "source " + script.string() +
      "; complete_words() { COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _quire; "
      "echo \"${COMPREPLY[*]}\"; }; complete_words quire docs t; complete_words quire ask q "
      "--strategy r; complete_words quire se; complete_words quire score --id";
  const ProcessResult completed = Subprocess({"/bin/bash", "-c", probe}).Finish();
  EXPECT_EQ(completed.out, "text\nrefine rag\nsearch serve\n--ids\n") << completed.err;
  EXPECT_EQ(Run({"completion", "tcsh"}).exit_code, 2);
}

TEST_F(UsageTest, DoctorSaysWhatWouldBeUsed) {
  const ProcessResult result = Run({"doctor"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  for (const char* part : {"CPU features", "memory", "devices", "cpu/", "gRPC", "data directory"}) {
    EXPECT_THAT(result.out, HasSubstr(part));
  }
}

}  // namespace
}  // namespace quire::testing
