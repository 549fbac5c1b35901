#include "engine/formats/static_table.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>

#include "tests/support/safetensors_writer.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_files.h"

namespace quire::engine {
namespace {

using absl::StatusCode;
using testing::FailsWith;
using testing::IsOk;
using testing::TensorToWrite;

template <typename T>
TensorToWrite Tensor(const std::string& name, const std::string& dtype,
                     std::vector<std::int64_t> shape, const std::vector<T>& values) {
  std::string bytes(values.size() * sizeof(T), '\0');
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return {.name = name, .dtype = dtype, .shape = std::move(shape), .bytes = std::move(bytes)};
}

class StaticTableTest : public ::testing::Test {
 protected:
  StatusOr<std::unique_ptr<StaticTable>> Open(const std::vector<TensorToWrite>& tensors) {
    testing::WriteFile(directory_.path() / "model.safetensors", testing::SafetensorsBytes(tensors));
    QUIRE_ASSIGN_OR_RETURN(auto checkpoint, Checkpoint::Open(directory_.path()));
    return StaticTable::Open(std::move(checkpoint));
  }
  // The whole table as f32.
  StatusOr<std::vector<float>> Values(const std::vector<TensorToWrite>& tensors) {
    QUIRE_ASSIGN_OR_RETURN(const auto table, Open(tensors));
    const std::array<std::int64_t, 2> shape = {table->vocab_size(), table->dimension()};
    QUIRE_ASSIGN_OR_RETURN(const HostTensor tensor, table->Get(StaticTable::kName, shape));
    std::vector<float> values(static_cast<std::size_t>(shape[0] * shape[1]));
    kernels::ConvertToF32(tensor.view.dtype, tensor.view.data, values.data(), shape[0] * shape[1]);
    return values;
  }

  testing::TemporaryDirectory directory_;
};

const TensorToWrite kRows = Tensor<float>("embeddings", "F32", {2, 2}, {1, 2, 3, 4});

TEST_F(StaticTableTest, BothNamesAreFoundAndHalvesAreBorrowed) {
  const TensorToWrite halves = {
      .name = "embedding.weight",
      .dtype = "F16",
      .shape = {2, 2},
      .bytes = testing::TensorBytes(std::array{1.0f, 2.0f, 3.0f, 4.0f}, kernels::DType::kF16)};
  for (const TensorToWrite& rows : {kRows, halves}) {
    const auto values = Values({rows});
    ASSERT_THAT(values, IsOk());
    EXPECT_EQ(*values, (std::vector<float>{1, 2, 3, 4}));
  }
  const auto table = Open({halves});
  ASSERT_THAT(table, IsOk());
  const auto tensor = (*table)->Get(StaticTable::kName, std::array<std::int64_t, 2>{2, 2});
  ASSERT_THAT(tensor, IsOk());
  EXPECT_EQ(tensor->view.dtype, kernels::DType::kF16);
}

TEST_F(StaticTableTest, IntegersAndDoublesAreConverted) {
  const auto bytes = Values({Tensor<std::int8_t>("embeddings", "I8", {2, 2}, {-127, 0, 5, 127})});
  ASSERT_THAT(bytes, IsOk());
  EXPECT_EQ(*bytes, (std::vector<float>{-127, 0, 5, 127}));
  const auto doubles = Values({Tensor<double>("embeddings", "F64", {1, 2}, {0.5, -2.0})});
  ASSERT_THAT(doubles, IsOk());
  EXPECT_EQ(*doubles, (std::vector<float>{0.5f, -2.0f}));
}

TEST_F(StaticTableTest, TokensMayShareRowsAndScaleThem) {
  const auto mapping = Tensor<std::int64_t>("mapping", "I64", {3}, {1, 0, 1});
  const auto weights = Tensor<double>("weights", "F64", {3}, {1.0, 2.0, -1.0});
  const auto values = Values({kRows, mapping, weights});
  ASSERT_THAT(values, IsOk());
  EXPECT_EQ(*values, (std::vector<float>{3, 4, 2, 4, -3, -4}));
  const auto unmapped = Values({kRows, Tensor<float>("weights", "F32", {2}, {2.0f, 0.0f})});
  ASSERT_THAT(unmapped, IsOk());
  EXPECT_EQ(*unmapped, (std::vector<float>{2, 4, 0, 0}));
}

TEST_F(StaticTableTest, WhatDoesNotFitIsRefusedByName) {
  EXPECT_THAT(Open({Tensor<float>("other", "F32", {1, 1}, {1})}),
              FailsWith(StatusCode::kDataLoss, "embedding.weight"));
  EXPECT_THAT(Open({Tensor<float>("embeddings", "F32", {4}, {1, 2, 3, 4})}),
              FailsWith(StatusCode::kDataLoss, "tensor embeddings: wanted [rows, dimension]"));
  EXPECT_THAT(Open({kRows, Tensor<float>("weights", "F32", {3}, {1, 2, 3})}),
              FailsWith(StatusCode::kDataLoss, "tensor weights: wanted [2], have [3]"));
  EXPECT_THAT(Values({kRows, Tensor<std::int64_t>("mapping", "I64", {1}, {2})}),
              FailsWith(StatusCode::kDataLoss, "tensor mapping: wanted rows below 2, have 2"));
  EXPECT_THAT(Values({kRows, Tensor<std::int64_t>("mapping", "I64", {1}, {-1})}),
              FailsWith(StatusCode::kDataLoss, "have -1"));
  EXPECT_THAT(Values({kRows, Tensor<float>("mapping", "F32", {1}, {0})}),
              FailsWith(StatusCode::kUnimplemented, "tensor mapping: wanted I64 or I32, have F32"));
  EXPECT_THAT(Values({Tensor<std::int16_t>("embeddings", "I16", {1, 2}, {1, 2})}),
              FailsWith(StatusCode::kUnimplemented, "have I16"));
}

TEST_F(StaticTableTest, MappedTableIsLimitedBeforeItIsAllocated) {
  const std::int64_t dimension = 1 << 12;
  const auto rows = Tensor<std::int8_t>("embeddings", "I8", {1, dimension},
                                        std::vector<std::int8_t>(std::size_t{1} << 12));
  const auto mapping = Tensor<std::int32_t>("mapping", "I32", {(1 << 18) + 1},
                                            std::vector<std::int32_t>((std::size_t{1} << 18) + 1));
  EXPECT_THAT(Values({rows, mapping}), FailsWith(StatusCode::kResourceExhausted, "1073741824"));
}

}  // namespace
}  // namespace quire::engine
