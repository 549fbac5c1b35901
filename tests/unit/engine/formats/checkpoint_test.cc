#include "engine/formats/checkpoint.h"

#include <gtest/gtest.h>

#include <array>

#include "tests/support/safetensors_writer.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_files.h"

namespace quire::engine {
namespace {

using absl::StatusCode;
using testing::FailsWith;
using testing::IsOk;
using testing::SafetensorsBytes;
using testing::TensorToWrite;

TensorToWrite Floats(const std::string& name, std::vector<std::int64_t> shape,
                     const std::vector<float>& values) {
  return {.name = name,
          .dtype = "F32",
          .shape = std::move(shape),
          .bytes = testing::TensorBytes(values, kernels::DType::kF32)};
}

class CheckpointTest : public ::testing::Test {
 protected:
  void Write(const std::string& name, const std::string& content) {
    testing::WriteFile(directory_.path() / name, content);
  }
  StatusOr<std::unique_ptr<Checkpoint>> Open() { return Checkpoint::Open(directory_.path()); }
  void WriteIndex(const std::string& weight_map) {
    Write("model.safetensors.index.json", "{\"weight_map\":" + weight_map + "}");
  }

  testing::TemporaryDirectory directory_;
};

constexpr std::array<std::int64_t, 2> kTwoByThree = {2, 3};

TEST_F(CheckpointTest, SingleFileGivesItsTensors) {
  Write("model.safetensors", SafetensorsBytes({Floats("w", {2, 3}, {1, 2, 3, 4, 5, 6})}));
  const auto checkpoint = Open();
  ASSERT_THAT(checkpoint, IsOk());
  EXPECT_TRUE((*checkpoint)->Contains("w"));
  EXPECT_FALSE((*checkpoint)->Contains("v"));
  const auto tensor = (*checkpoint)->Get("w", kTwoByThree);
  ASSERT_THAT(tensor, IsOk());
  EXPECT_EQ(tensor->view.rows, 2);
  EXPECT_EQ(tensor->view.cols, 3);
  EXPECT_EQ(static_cast<const float*>(tensor->view.data)[5], 6.0f);
}

TEST_F(CheckpointTest, TensorOutlivesTheCheckpoint) {
  Write("model.safetensors", SafetensorsBytes({Floats("w", {2, 3}, {1, 2, 3, 4, 5, 6})}));
  auto checkpoint = Open();
  ASSERT_THAT(checkpoint, IsOk());
  const auto tensor = (*checkpoint)->Get("w", kTwoByThree);
  ASSERT_THAT(tensor, IsOk());
  checkpoint->reset();
  EXPECT_EQ(static_cast<const float*>(tensor->view.data)[0], 1.0f);
}

TEST_F(CheckpointTest, AlignedTensorsAreBorrowedOthersCopied) {
  for (const std::size_t padding : {0u, 1u, 2u, 3u}) {
    Write("model.safetensors",
          SafetensorsBytes({Floats("w", {2, 3}, {1, 2, 3, 4, 5, 6})}, padding));
    const auto checkpoint = Open();
    ASSERT_THAT(checkpoint, IsOk());
    const auto tensor = (*checkpoint)->Get("w", kTwoByThree);
    ASSERT_THAT(tensor, IsOk());
    const auto* const data = static_cast<const std::uint8_t*>(tensor->view.data);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(data) % sizeof(float), 0u);
    EXPECT_EQ(static_cast<const float*>(tensor->view.data)[5], 6.0f);
    const std::span<const std::uint8_t> file = (*checkpoint)->shards().front()->content();
    const std::size_t offset = (*checkpoint)->shards().front()->tensors().front().begin;
    EXPECT_EQ(data == file.data() + offset, offset % sizeof(float) == 0);
  }
}

TEST_F(CheckpointTest, WrongShapeNamesFileTensorWantedAndPresent) {
  Write("model.safetensors", SafetensorsBytes({Floats("w", {3, 2}, {1, 2, 3, 4, 5, 6})}));
  const auto checkpoint = Open();
  ASSERT_THAT(checkpoint, IsOk());
  EXPECT_THAT(
      (*checkpoint)->Get("w", kTwoByThree),
      FailsWith(StatusCode::kDataLoss, "model.safetensors: tensor w: wanted [2, 3], have [3, 2]"));
  EXPECT_THAT((*checkpoint)->Get("v", kTwoByThree),
              FailsWith(StatusCode::kDataLoss, "tensor v: wanted [2, 3], have no such tensor"));
}

TEST_F(CheckpointTest, TypesWeDoNotComputeWithAreRefused) {
  Write("model.safetensors", SafetensorsBytes({TensorToWrite{
                                 .name = "w", .dtype = "I8", .shape = {2, 3}, .bytes = "123456"}}));
  const auto checkpoint = Open();
  ASSERT_THAT(checkpoint, IsOk());
  EXPECT_THAT((*checkpoint)->Get("w", kTwoByThree),
              FailsWith(StatusCode::kUnimplemented, "tensor w: wanted F32, F16 or BF16, have I8"));
}

TEST_F(CheckpointTest, IndexChoosesTheShards) {
  Write("a.safetensors", SafetensorsBytes({Floats("w", {1}, {1})}));
  Write("b.safetensors", SafetensorsBytes({Floats("v", {1}, {2})}));
  Write("stray.safetensors", "not a model");
  WriteIndex(R"({"w":"a.safetensors","v":"b.safetensors"})");
  const auto checkpoint = Open();
  ASSERT_THAT(checkpoint, IsOk());
  EXPECT_TRUE((*checkpoint)->Contains("w"));
  EXPECT_TRUE((*checkpoint)->Contains("v"));
  EXPECT_EQ((*checkpoint)->shards().size(), 2u);
}

TEST_F(CheckpointTest, IndexPromisesAreChecked) {
  Write("a.safetensors", SafetensorsBytes({Floats("w", {1}, {1})}));
  WriteIndex(R"({"w":"a.safetensors","v":"a.safetensors"})");
  EXPECT_THAT(Open(), FailsWith(StatusCode::kDataLoss, "tensor v: wanted it in a.safetensors"));
  WriteIndex(R"({"w":"absent.safetensors"})");
  EXPECT_THAT(Open(), FailsWith(StatusCode::kDataLoss, "absent.safetensors"));
  WriteIndex("{}");
  EXPECT_THAT(Open(), FailsWith(StatusCode::kDataLoss, "weight_map"));
  WriteIndex("[1]");
  EXPECT_THAT(Open(), FailsWith(StatusCode::kDataLoss, "weight_map"));
}

TEST_F(CheckpointTest, ShardNamesCannotLeaveTheDirectory) {
  for (const char* name :
       {"../a.safetensors", "/etc/a.safetensors", "x/a.safetensors", "..safetensors",
        ".a.safetensors", "a.bin", "", "a\\\\b.safetensors", "a\\u0000.safetensors"}) {
    WriteIndex(std::string("{\"w\":\"") + name + "\"}");
    EXPECT_THAT(Open(), FailsWith(StatusCode::kDataLoss, "tensor w")) << name;
  }
}

TEST_F(CheckpointTest, PickleAloneIsRefusedByName) {
  Write("pytorch_model.bin", "x");
  EXPECT_THAT(Open(), FailsWith(StatusCode::kUnimplemented, "pytorch_model.bin"));
}

TEST_F(CheckpointTest, DirectoryWithoutWeightsIsNotFound) {
  EXPECT_THAT(Open(), FailsWith(StatusCode::kNotFound, "model.safetensors"));
  EXPECT_THAT(Checkpoint::Open((directory_.path() / "absent").string()),
              FailsWith(StatusCode::kNotFound, "absent"));
}

}  // namespace
}  // namespace quire::engine
