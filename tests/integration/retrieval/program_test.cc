#include <gmock/gmock.h>

#include "tests/support/retrieval_process.h"
#include "tests/support/test_files.h"

namespace quire::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr const char* kNobody = "127.0.0.1:1";  // no inference service there

class ProgramTest : public ::testing::Test {
 protected:
  std::string DataDir() const { return (folder_.path() / "data").string(); }
  const TemporaryDirectory folder_;
};

TEST_F(ProgramTest, StartsWithoutInferenceAndEndsCleanlyOnSigterm) {
  RetrievalProcess process(DataDir(), kNobody);
  EXPECT_NE(process.WaitUntilServing(), "");
  const ProcessResult result = process.Terminate();
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.err, HasSubstr("stopped"));
}

TEST_F(ProgramTest, ADataDirectoryInUseIsRefused) {
  RetrievalProcess first(DataDir(), kNobody);
  ASSERT_NE(first.WaitUntilServing(), "");
  RetrievalProcess second(DataDir(), kNobody);
  const ProcessResult result = second.Finish();
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, AllOf(HasSubstr(DataDir()), HasSubstr("in use")));
}

TEST_F(ProgramTest, HelpShowsExamples) {
  Subprocess process({QUIRE_RETRIEVAL_BINARY, "--help"});
  const ProcessResult result = process.Finish();
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.out, AllOf(HasSubstr("Examples:"), HasSubstr("--max-document-bytes")));
}

TEST_F(ProgramTest, WithoutADataDirectoryItSaysSo) {
  Subprocess process({QUIRE_RETRIEVAL_BINARY, "--inference", kNobody});
  const ProcessResult result = process.Finish();
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("--data-dir"));
}

}  // namespace
}  // namespace quire::testing
