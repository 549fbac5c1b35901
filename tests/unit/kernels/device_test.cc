#include "kernels/device.h"

#include <gtest/gtest.h>

#include <cstring>
#include <thread>

#include "tests/support/status_matchers.h"

namespace quire::kernels {
namespace {

using ::quire::testing::FailsWith;
using ::quire::testing::HasCode;
using ::quire::testing::IsOk;

TEST(DeviceTest, BaselineIsAlwaysThereAndSlowest) {
  std::vector<std::string> cpu_names;
  for (const auto& device : EnumerateDevices()) {
    if (device->name().starts_with("cpu/")) cpu_names.emplace_back(device->name());
  }
  ASSERT_FALSE(cpu_names.empty());
  EXPECT_EQ(cpu_names.back(), "cpu/baseline");
}

TEST(DeviceTest, FindTakesTheFastestWithThePrefix) {
  const auto any = FindDevice("");
  ASSERT_THAT(any, IsOk());
  EXPECT_EQ((*any)->name(), EnumerateDevices().front()->name());
  const auto baseline = FindDevice("cpu/baseline");
  ASSERT_THAT(baseline, IsOk());
  EXPECT_EQ((*baseline)->name(), "cpu/baseline");
  EXPECT_THAT(FindDevice("tpu"), FailsWith(absl::StatusCode::kNotFound, "wanted tpu, have cpu/"));
}

TEST(DeviceTest, NoEntryOfAKernelTableIsNull) {
  for (const auto& device : EnumerateDevices()) {
    // A table is nothing but pointers.
    void* entries[sizeof(KernelTable) / sizeof(void*)];
    std::memcpy(static_cast<void*>(entries), &device->kernels(), sizeof(KernelTable));
    for (void* entry : entries) EXPECT_NE(entry, nullptr) << device->name();
  }
}

TEST(DeviceTest, MemoryIsAlignedAndWritable) {
  const auto device = FindDevice("cpu");
  ASSERT_THAT(device, IsOk());
  for (std::int64_t size : {0, 1, 63, 4096, 3 << 20}) {
    const auto memory = (*device)->Allocate(size);
    ASSERT_THAT(memory, IsOk());
    EXPECT_EQ((*memory)->size_bytes(), size);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>((*memory)->data()) % 64, 0u);
    std::memset((*memory)->data(), 1, static_cast<std::size_t>(size));
  }
}

TEST(DeviceTest, MoreMemoryThanThereIsIsRefused) {
  const auto device = FindDevice("cpu");
  ASSERT_THAT(device, IsOk());
  EXPECT_THAT((*device)->Allocate(std::int64_t{1} << 60),
              HasCode(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT((*device)->Allocate(-1), HasCode(absl::StatusCode::kInvalidArgument));
}

TEST(DeviceTest, CpuBorrowsAlignedWeightsAndRefusesIntegers) {
  const auto device = FindDevice("cpu");
  ASSERT_THAT(device, IsOk());
  alignas(64) std::uint16_t weights[6] = {};
  MatrixView host = {.data = weights, .rows = 2, .cols = 3, .row_stride = 3, .dtype = DType::kBF16};
  const auto imported = (*device)->ImportWeight(host);
  ASSERT_THAT(imported, IsOk());
  EXPECT_EQ(imported->view.data, weights);
  EXPECT_EQ(imported->owner, nullptr);

  host.dtype = DType::kI32;
  EXPECT_THAT((*device)->ImportWeight(host),
              FailsWith(absl::StatusCode::kInvalidArgument, "wanted f32, f16 or bf16, have i32"));
}

TEST(DeviceTest, TwoStreamsShareOneDevice) {
  const auto found = FindDevice("cpu", {.num_threads = 2});
  ASSERT_THAT(found, IsOk());
  Device& device = **found;
  constexpr std::int64_t kSize = 300;
  const std::vector<float> weight(kSize * kSize, 0.5f);
  const auto multiply = [&](std::vector<float>& y) {
    const auto stream = device.NewStream();
    ASSERT_THAT(stream, IsOk());
    std::vector<float> x(20 * kSize, 1.0f);
    const auto view = [&](const std::vector<float>& v, std::int64_t rows) {
      return MatrixView{
          .data = const_cast<float*>(v.data()), .rows = rows, .cols = kSize, .row_stride = kSize};
    };
    for (int round = 0; round < 50; ++round) {
      device.kernels().linear(
          {.x = view(x, 20), .weight = view(weight, kSize), .bias = {}, .y = view(y, 20)},
          **stream);
    }
    EXPECT_THAT(device.Synchronize(**stream), IsOk());
  };
  std::vector<float> first(20 * kSize);
  std::vector<float> second(20 * kSize);
  std::thread other([&] { multiply(second); });
  multiply(first);
  other.join();
  EXPECT_EQ(first, std::vector<float>(20 * kSize, 0.5f * kSize));
  EXPECT_EQ(second, first);
}

TEST(DeviceTest, PeaksAreMeasured) {
  const auto device = FindDevice("cpu");
  ASSERT_THAT(device, IsOk());
  const auto peaks = (*device)->MeasurePeaks();
  ASSERT_THAT(peaks, IsOk());
  EXPECT_GT(peaks->read_bytes_per_s, 1e8);
  EXPECT_GT(peaks->f32_flops_per_s, 1e8);
}

}  // namespace
}  // namespace quire::kernels
