#include "tests/conformance/kernel_test.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "kernels/half.h"
#include "kernels/reference/reference.h"
#include "tests/conformance/random_values.h"

namespace quire::kernels {

Matrix::Matrix(std::int64_t rows, std::int64_t cols, DType dtype, Layout layout)
    : offset_bytes_(layout.offset * BytesPerElement(dtype)) {
  const std::int64_t stride = cols + layout.padding;
  const std::int64_t elements = layout.offset + rows * stride + layout.padding;
  // All ones is a NaN in every floating-point format.
  bytes_.assign(static_cast<std::size_t>(elements * BytesPerElement(dtype)), std::byte{0xff});
  view_ = {.data = bytes_.data() + offset_bytes_,
           .rows = rows,
           .cols = cols,
           .row_stride = stride,
           .dtype = dtype};
}

Matrix::Matrix(const Matrix& other)
    : offset_bytes_(other.offset_bytes_), bytes_(other.bytes_), view_(other.view_) {
  view_.data = bytes_.data() + offset_bytes_;
}

Matrix Matrix::Random(std::int64_t rows, std::int64_t cols, std::mt19937& random, DType dtype,
                      Layout layout) {
  Matrix m(rows, cols, dtype, layout);
  std::vector<float> row(static_cast<std::size_t>(cols));
  for (std::int64_t r = 0; r < rows; ++r) {
    FillNormal(row, random);
    m.SetRow(r, row);
  }
  return m;
}

double Matrix::At(std::int64_t row, std::int64_t col) const {
  return reference::At(view_, row, col);
}

void Matrix::Set(std::int64_t row, std::int64_t col, float value) {
  const std::int64_t element_bytes = BytesPerElement(view_.dtype);
  char* const to = static_cast<char*>(view_.data) + (row * view_.row_stride + col) * element_bytes;
  ConvertFromF32(view_.dtype, &value, to, 1);
}

void Matrix::SetRow(std::int64_t row, std::span<const float> values) {
  char* const to =
      static_cast<char*>(view_.data) + row * view_.row_stride * BytesPerElement(view_.dtype);
  ConvertFromF32(view_.dtype, values.data(), to, cols());
}

Matrix Matrix::Absolute() const {
  Matrix result(rows(), cols(), view_.dtype);
  for (std::int64_t r = 0; r < rows(); ++r) {
    for (std::int64_t c = 0; c < cols(); ++c) {
      result.Set(r, c, static_cast<float>(std::abs(At(r, c))));
    }
  }
  return result;
}

Matrix Matrix::Rows(std::int64_t first, std::int64_t count, Layout layout) const {
  Matrix result(count, cols(), view_.dtype, layout);
  for (std::int64_t r = 0; r < count; ++r) {
    for (std::int64_t c = 0; c < cols(); ++c) {
      result.Set(r, c, static_cast<float>(At(first + r, c)));
    }
  }
  return result;
}

DeviceArray::DeviceArray(Device& device, Stream& stream, const void* host,
                         std::int64_t size_bytes) {
  auto memory = device.Allocate(size_bytes);
  if (!memory.ok()) {
    ADD_FAILURE() << memory.status();
    return;
  }
  memory_ = *std::move(memory);
  device.CopyToDevice(memory_->data(), host, size_bytes, stream);
}

DeviceMatrix::DeviceMatrix(Device& device, Stream& stream, const Matrix& host)
    : device_(device),
      stream_(stream),
      host_(host),
      array_(device, stream, host.bytes()),
      view_(host.view()) {
  view_.data = static_cast<char*>(array_.data()) + host.offset_bytes();
}

Matrix DeviceMatrix::Download() const {
  Matrix result = host_;
  device_.CopyToHost(result.bytes().data(), array_.data(),
                     static_cast<std::int64_t>(result.bytes().size()), stream_);
  const Status status = device_.Synchronize(stream_);
  EXPECT_TRUE(status.ok()) << status;

  // With the rows made equal, all the rest must be.
  std::vector<std::byte> outside = result.bytes();
  const std::int64_t element_bytes = BytesPerElement(view_.dtype);
  for (std::int64_t r = 0; r < view_.rows; ++r) {
    const std::int64_t begin = result.offset_bytes() + r * view_.row_stride * element_bytes;
    std::memcpy(outside.data() + begin, host_.bytes().data() + begin,
                static_cast<std::size_t>(view_.cols * element_bytes));
  }
  EXPECT_TRUE(outside == host_.bytes()) << "memory outside the rows has changed";
  return result;
}

namespace {

std::uint32_t Seed() {
  const char* const seed = std::getenv("QUIRE_TEST_SEED");
  return seed == nullptr ? 20261128 : static_cast<std::uint32_t>(std::strtoul(seed, nullptr, 10));
}

}  // namespace

KernelTest::KernelTest()
    : device_(*AllDevices()[static_cast<std::size_t>(GetParam())]), random_(Seed()) {
  auto stream = device_.NewStream();
  EXPECT_TRUE(stream.ok()) << stream.status();
  if (stream.ok()) stream_ = *std::move(stream);
}

std::vector<RowRange> RowRanges() {
  constexpr std::array<std::int64_t, 3> kFirst = {0, 1, 100};
  std::vector<RowRange> ranges;
  for (const std::int64_t count : {1, 1, 1, 2, 3, 4, 5, 6, 7, 11, 12, 13, 64, 192, 193}) {
    ranges.push_back({kFirst[ranges.size() % kFirst.size()], count});
  }
  return ranges;
}

std::string DeviceTestName(const ::testing::TestParamInfo<int>& info) {
  std::string name(AllDevices()[static_cast<std::size_t>(info.param)]->name());
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return name;
}

std::vector<int> DeviceIndices(bool all) {
  std::vector<int> indices;
  for (std::size_t i = 0; i < AllDevices().size(); ++i) {
    if (all || !AllDevices()[i]->name().ends_with("/half")) indices.push_back(static_cast<int>(i));
  }
  return indices;
}

}  // namespace quire::kernels
