#include "engine/quantization/output_directory.h"

#include <gmock/gmock.h>

#include "tests/support/safetensors_writer.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_files.h"

namespace quire::engine {
namespace {

using ::testing::ElementsAre;
using testing::FailsWith;
using testing::HasCode;
using testing::IsOk;
using testing::ReadWholeFile;
using testing::WriteFile;

class OutputDirectoryTest : public ::testing::Test {
 protected:
  const testing::TemporaryDirectory folder_;
  const std::filesystem::path path_ = folder_.path() / "out";
};

TEST_F(OutputDirectoryTest, AppearsWhenItIsFinished) {
  for (const std::string& path : {path_.string(), path_.string() + "2/"}) {
    const auto output = OutputDirectory::Create(path);
    ASSERT_THAT(output, IsOk());
    EXPECT_THAT((*output)->WriteText("a.txt", "text"), IsOk());
    EXPECT_FALSE(std::filesystem::exists(path));
    EXPECT_THAT((*output)->Finish(), IsOk());
    EXPECT_EQ(ReadWholeFile(std::filesystem::path(path) / "a.txt"), "text");
  }
}

TEST_F(OutputDirectoryTest, LeavesNothingIfItIsNotFinished) {
  {
    const auto output = OutputDirectory::Create(path_);
    ASSERT_THAT(output, IsOk());
    EXPECT_THAT((*output)->WriteText("a.txt", "text"), IsOk());
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
}

TEST_F(OutputDirectoryTest, TakesAnEmptyDirectoryAndNoOther) {
  std::filesystem::create_directory(path_);
  {
    const auto output = OutputDirectory::Create(path_);
    ASSERT_THAT(output, IsOk());
    EXPECT_THAT((*output)->WriteText("a.txt", "mine"), IsOk());
    EXPECT_THAT((*output)->Finish(), IsOk());
  }
  EXPECT_THAT(OutputDirectory::Create(path_), FailsWith(testing::kInvalid, "out: wanted an empty"));
  EXPECT_THAT(OutputDirectory::Create(path_ / "a.txt"), HasCode(testing::kInvalid));
  EXPECT_EQ(ReadWholeFile(path_ / "a.txt"), "mine");
  EXPECT_THAT(OutputDirectory::Create(folder_.path() / "none" / "out"),
              FailsWith(absl::StatusCode::kNotFound, "none: no such directory"));
}

TEST_F(OutputDirectoryTest, TakesThePlaceOfWhatAnInterruptedRunHasLeft) {
  WriteFile(folder_.path() / "out.partial" / "stale.txt", "stale");
  const auto output = OutputDirectory::Create(path_);
  ASSERT_THAT(output, IsOk());
  EXPECT_THAT((*output)->Finish(), IsOk());
  EXPECT_TRUE(std::filesystem::is_empty(path_));
}

TEST_F(OutputDirectoryTest, CopiesEveryFileThatIsNoWeights) {
  const auto model = folder_.path() / "model";
  for (const char* name :
       {"config.json", "tokenizer.json", "tokenizer.model", "README.md", "model.safetensors",
        "model.safetensors.index.json", "a.gguf", "pytorch_model.bin", "original/params.json"}) {
    WriteFile(model / name, name);
  }
  std::filesystem::create_symlink(model / "tokenizer.json", model / "linked.json");
  const auto output = OutputDirectory::Create(path_);
  ASSERT_THAT(output, IsOk());
  const auto names = (*output)->CopyModelFiles(model);
  ASSERT_THAT(names, IsOk());
  EXPECT_THAT(*names, ElementsAre("README.md", "linked.json", "tokenizer.json", "tokenizer.model"));
  EXPECT_THAT((*output)->Finish(), IsOk());
  EXPECT_EQ(ReadWholeFile(path_ / "tokenizer.model"), "tokenizer.model");
  EXPECT_FALSE(std::filesystem::is_symlink(path_ / "linked.json"));
}

}  // namespace
}  // namespace quire::engine
