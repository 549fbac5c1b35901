#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "kernels/device.h"

// What the conformance tests share: every device, and matrices that catch what a kernel must not
// touch.

namespace quire::kernels {

// How a matrix lies in memory. Odd strides and a start off any vector boundary are the default.
struct Layout {
  std::int64_t padding = 3;  // elements between rows
  std::int64_t offset = 1;   // elements before the first row
};
inline constexpr Layout kPacked = {.padding = 0, .offset = 0};

// A matrix in host memory. Everything outside its rows, and every element until it is set, is NaN.
class Matrix {
 public:
  Matrix(std::int64_t rows, std::int64_t cols, DType dtype = DType::kF32, Layout layout = {});

  // Normally distributed elements, rounded to `dtype`.
  static Matrix Random(std::int64_t rows, std::int64_t cols, std::mt19937& random,
                       DType dtype = DType::kF32, Layout layout = {});

  Matrix(const Matrix& other);
  Matrix(Matrix&&) = default;
  Matrix& operator=(Matrix&&) = default;

  const MatrixView& view() const { return view_; }
  std::vector<std::byte>& bytes() { return bytes_; }
  const std::vector<std::byte>& bytes() const { return bytes_; }
  // Of the first row in bytes().
  std::int64_t offset_bytes() const { return offset_bytes_; }
  std::int64_t rows() const { return view_.rows; }
  std::int64_t cols() const { return view_.cols; }

  double At(std::int64_t row, std::int64_t col) const;
  void Set(std::int64_t row, std::int64_t col, float value);
  // Requires: as many values as columns.
  void SetRow(std::int64_t row, std::span<const float> values);
  // The same with every element replaced by its absolute value.
  Matrix Absolute() const;
  // A copy of `count` rows from `first` on, in the given layout.
  Matrix Rows(std::int64_t first, std::int64_t count, Layout layout = {}) const;

 private:
  std::int64_t offset_bytes_;
  std::vector<std::byte> bytes_;
  MatrixView view_;
};

// Memory of a device with a copy of host memory.
class DeviceArray {
 public:
  DeviceArray(Device& device, Stream& stream, const void* host, std::int64_t size_bytes);
  template <typename T>
  DeviceArray(Device& device, Stream& stream, const std::vector<T>& host)
      : DeviceArray(device, stream, host.data(),
                    static_cast<std::int64_t>(host.size() * sizeof(T))) {}

  void* data() const { return memory_->data(); }
  template <typename T>
  const T* as() const {
    return static_cast<const T*>(memory_->data());
  }

 private:
  std::unique_ptr<DeviceMemory> memory_;
};

// A copy of a matrix on a device, with the same layout.
class DeviceMatrix {
 public:
  DeviceMatrix(Device& device, Stream& stream, const Matrix& host);
  const MatrixView& view() const { return view_; }
  // What the device holds now, once it is done. Fails the test if anything outside the rows has
  // changed.
  Matrix Download() const;

 private:
  Device& device_;
  Stream& stream_;
  Matrix host_;
  DeviceArray array_;
  MatrixView view_;
};

// Devices of this process; made once.
const std::vector<std::unique_ptr<Device>>& AllDevices();

// One test instance per device. The parameter is an index into AllDevices().
class KernelTest : public ::testing::TestWithParam<int> {
 protected:
  KernelTest();

  DeviceMatrix Upload(const Matrix& host) { return {device_, *stream_, host}; }
  template <typename T>
  DeviceArray Upload(const std::vector<T>& host) {
    return {device_, *stream_, host};
  }

  // Expects |actual - wanted| <= tolerance(row, column) everywhere. `wanted`: [rows * cols].
  template <typename Tolerance>
  static void ExpectNear(const Matrix& actual, const std::vector<double>& wanted,
                         const Tolerance& tolerance) {
    for (std::int64_t t = 0; t < actual.rows(); ++t) {
      for (std::int64_t i = 0; i < actual.cols(); ++i) {
        const double expected = wanted[static_cast<std::size_t>(t * actual.cols() + i)];
        // Not EXPECT_NEAR: NaN must fail, and infinity must equal infinity.
        const double got = actual.At(t, i);
        const bool close = got == expected || std::abs(got - expected) <= tolerance(t, i);
        ASSERT_TRUE(close) << "row " << t << ", column " << i << ": wanted " << expected << " +- "
                           << tolerance(t, i) << ", have " << got;
      }
    }
  }

  // True for devices that round the rows of products, and the values of a table, to 16 bits.
  bool RoundsRows() const { return device_.name().ends_with("/half"); }

  Device& device_;
  std::unique_ptr<Stream> stream_;
  std::mt19937 random_;  // of the seed QUIRE_TEST_SEED, or always the same
};

// Unit roundoffs.
inline constexpr double kUnit = 0x1p-24;  // f32
inline constexpr double kUnitF16 = 0x1p-11;
inline constexpr double kUnitBF16 = 0x1p-8;

// Bound of the relative error of a sum of `terms` products in f32, in units of the sum of their
// absolute values: at least four lanes run side by side, and a few more additions join them.
// Source: Higham 2002, "Accuracy and Stability of Numerical Algorithms", section 4.2.
inline double SumError(std::int64_t terms) { return (static_cast<double>(terms) / 4 + 8) * kUnit; }

struct RowRange {
  std::int64_t first = 0;
  std::int64_t count = 0;
};

// Parts of 391 rows whose products must have the bits that they have in the whole: of every size at
// which a device may take another kernel, and at the beginning, behind one row or in the middle, in
// turn.
std::vector<RowRange> RowRanges();

std::string DeviceTestName(const ::testing::TestParamInfo<int>& info);

// Indices into AllDevices(): of all, or of those but devices that differ in the rounding of
// products alone.
std::vector<int> DeviceIndices(bool all);

}  // namespace quire::kernels

// Runs the tests of a suite on every device.
#define QUIRE_FOR_EVERY_DEVICE(suite)                                                           \
  INSTANTIATE_TEST_SUITE_P(Devices, suite,                                                      \
                           ::testing::ValuesIn(::quire::kernels::DeviceIndices(/*all=*/false)), \
                           ::quire::kernels::DeviceTestName)
// The same for operations that multiply with weights.
#define QUIRE_FOR_EVERY_ROUNDING(suite)                                                        \
  INSTANTIATE_TEST_SUITE_P(Devices, suite,                                                     \
                           ::testing::ValuesIn(::quire::kernels::DeviceIndices(/*all=*/true)), \
                           ::quire::kernels::DeviceTestName)
