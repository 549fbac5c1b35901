#include "engine/formats/checkpoint_writer.h"

#include <gmock/gmock.h>

#include "engine/formats/checkpoint.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_files.h"

namespace quire::engine {
namespace {

using ::testing::ElementsAre;
using testing::FailsWith;
using testing::IsOk;
using Bytes = std::vector<std::uint8_t>;

class CheckpointWriterTest : public ::testing::Test {
 protected:
  const std::vector<TensorSpec> specs_ = {{"a", TensorDType::kU8, {3}},
                                          {"b", TensorDType::kF32, {1, 2}},
                                          {"c", TensorDType::kF16, {2}},
                                          {"d", TensorDType::kU8, {}}};

  StatusOr<std::unique_ptr<CheckpointWriter>> Create(std::uint64_t max_shard_bytes) {
    return CheckpointWriter::Create(directory_.path(), specs_, max_shard_bytes);
  }
  // In another order than that of the file.
  static void WriteEverything(CheckpointWriter& writer) {
    EXPECT_THAT(writer.Write("d", Bytes{9}), IsOk());
    EXPECT_THAT(writer.Write("b", Bytes{1, 2, 3, 4, 5, 6, 7, 8}), IsOk());
    EXPECT_THAT(writer.Write("a", Bytes{1, 2, 3}), IsOk());
    EXPECT_THAT(writer.Write("c", Bytes{1, 2, 3, 4}), IsOk());
  }
  void ExpectReadable() {
    const auto checkpoint = Checkpoint::Open(directory_.path());
    ASSERT_THAT(checkpoint, IsOk());
    for (const TensorSpec& spec : specs_) {
      const auto stored = (*checkpoint)->Stored(spec.name);
      ASSERT_THAT(stored, IsOk());
      EXPECT_EQ(stored->dtype, spec.dtype);
      EXPECT_EQ(stored->shape, spec.shape);
      EXPECT_EQ(stored->bytes.size(), SizeBytes(spec));
      EXPECT_EQ(stored->bytes[0], spec.name == "d" ? 9 : 1);
    }
  }

  const testing::TemporaryDirectory directory_;
};

TEST_F(CheckpointWriterTest, OneFileHoldsWhatFits) {
  const auto writer = Create(1 << 20);
  ASSERT_THAT(writer, IsOk());
  WriteEverything(**writer);
  const auto names = (*writer)->Finish();
  ASSERT_THAT(names, IsOk());
  EXPECT_THAT(*names, ElementsAre("model.safetensors"));
  ExpectReadable();
  const auto checkpoint = Checkpoint::Open(directory_.path());
  EXPECT_EQ((*checkpoint)->shards()[0]->metadata().at("format"), "pt");
  // Aligned, so that readers need no copy.
  for (const TensorInfo& tensor : (*checkpoint)->shards()[0]->tensors()) {
    EXPECT_EQ(tensor.begin % static_cast<std::uint64_t>(BitsPerElement(tensor.dtype) / 8), 0u);
  }
}

TEST_F(CheckpointWriterTest, ShardsComeWithAnIndex) {
  const auto writer = Create(11);
  ASSERT_THAT(writer, IsOk());
  WriteEverything(**writer);
  const auto names = (*writer)->Finish();
  ASSERT_THAT(names, IsOk());
  EXPECT_THAT(*names,
              ElementsAre("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors",
                          "model.safetensors.index.json"));
  ExpectReadable();
}

TEST_F(CheckpointWriterTest, WhatWasNotPlannedIsRefused) {
  const auto writer = Create(1 << 20);
  ASSERT_THAT(writer, IsOk());
  const auto internal = absl::StatusCode::kInternal;
  EXPECT_THAT((*writer)->Write("e", Bytes{1}), FailsWith(internal, "tensor e"));
  EXPECT_THAT((*writer)->Write("a", Bytes{1, 2}), FailsWith(internal, "wanted 3 bytes"));
  EXPECT_THAT((*writer)->Write("a", Bytes{1, 2, 3}), IsOk());
  EXPECT_THAT((*writer)->Write("a", Bytes{1, 2, 3}), FailsWith(internal, "tensor a"));
  EXPECT_THAT((*writer)->Finish(), FailsWith(internal, "was not written"));
}

TEST_F(CheckpointWriterTest, ANameTwiceIsRefused) {
  const std::vector<TensorSpec> twice = {specs_[0], specs_[0]};
  EXPECT_THAT(CheckpointWriter::Create(directory_.path(), twice, 1 << 20),
              FailsWith(absl::StatusCode::kInvalidArgument, "tensor a"));
}

TEST_F(CheckpointWriterTest, ADirectoryThatIsNotThereIsNamed) {
  EXPECT_THAT(CheckpointWriter::Create(directory_.path() / "none", specs_, 1 << 20),
              FailsWith(absl::StatusCode::kResourceExhausted, "none/model.safetensors"));
}

}  // namespace
}  // namespace quire::engine
