// Device::Record and Device::Replay.

#include <vector>

#include "tests/conformance/attention_fixture.h"
#include "tests/support/quantized_tensors.h"

namespace quire::kernels {
namespace {

class RecordingTest : public AttentionTest {
 protected:
  bool CanRecord() const { return !device_.name().starts_with("cpu"); }

  // [rows, cols] over memory of the device.
  static MatrixView View(const DeviceArray& array, std::int64_t rows, std::int64_t cols) {
    return {.data = array.data(), .rows = rows, .cols = cols, .row_stride = cols};
  }
  void Write(const DeviceArray& array, const std::vector<float>& values) {
    device_.CopyToDevice(array.data(), values.data(), Bytes(values), *stream_);
    ExpectGood();
  }
  std::vector<float> Read(const DeviceArray& array, std::size_t size) {
    std::vector<float> values(size);
    device_.CopyToHost(values.data(), array.data(), Bytes(values), *stream_);
    ExpectGood();
    return values;
  }
  void ExpectGood() {
    const Status status = device_.Synchronize(*stream_);
    EXPECT_TRUE(status.ok()) << status;
  }

 private:
  static std::int64_t Bytes(const std::vector<float>& values) {
    return static_cast<std::int64_t>(values.size() * sizeof(float));
  }
};

TEST_P(RecordingTest, ReplaysOverWhatIsInMemoryNow) {
  const std::vector<float> first = {1.0f, 2.0f, 3.0f};
  const DeviceArray x = Upload(first);
  const auto enqueue = [&] {
    device_.kernels().scale({.x = View(x, 1, 3), .factor = 2.0f}, *stream_);
    device_.kernels().add({.x = View(x, 1, 3), .y = View(x, 1, 3)}, *stream_);
  };
  const auto recording = device_.Record(*stream_, enqueue);
  ASSERT_EQ(recording != nullptr, CanRecord());
  EXPECT_EQ(Read(x, 3), first);  // nothing has run
  if (recording == nullptr) return;
  EXPECT_TRUE(device_.Replay(*recording, *stream_));
  EXPECT_EQ(Read(x, 3), (std::vector<float>{4.0f, 8.0f, 12.0f}));
  Write(x, {0.5f, 0.25f, -1.0f});
  EXPECT_TRUE(device_.Replay(*recording, *stream_));
  EXPECT_TRUE(device_.Replay(*recording, *stream_));
  EXPECT_EQ(Read(x, 3), (std::vector<float>{8.0f, 4.0f, -16.0f}));
}

// A product with a quantized weight takes scratch memory of the stream, more for more rows.
TEST_P(RecordingTest, ReplacedMemoryEndsARecording) {
  if (!CanRecord()) GTEST_SKIP() << "a CPU records nothing";
  constexpr std::int64_t kIn = 256;
  constexpr std::int64_t kOut = 16;
  constexpr std::int64_t kMostRows = 40;
  const testing::RandomGptq gptq(random_, {.bits = 4, .out = kOut, .in = kIn, .group_size = 32});
  const auto packed = device_.PackWeight(**NewGptqWeight(gptq.tensors()));
  ASSERT_TRUE(packed.ok()) << packed.status();
  const DeviceArray x = Upload(std::vector<float>(kMostRows * kIn, 0.5f));
  const DeviceArray y = Upload(std::vector<float>(kMostRows * kOut));
  const auto product = [&](std::int64_t rows) {
    device_.kernels().quantized_linear(
        {.x = View(x, rows, kIn), .weight = packed->get(), .bias = {}, .y = View(y, rows, kOut)},
        *stream_);
  };

  EXPECT_EQ(device_.Record(*stream_, [&] { product(2); }), nullptr);  // needs its first memory
  ExpectGood();                                                       // which is no error
  product(2);
  const std::vector<float> wanted = Read(y, 2 * kOut);
  const auto recording = device_.Record(*stream_, [&] { product(2); });
  ASSERT_NE(recording, nullptr);
  Write(y, std::vector<float>(2 * kOut, 7.0f));
  EXPECT_TRUE(device_.Replay(*recording, *stream_));
  EXPECT_EQ(Read(y, 2 * kOut), wanted);

  product(kMostRows);
  EXPECT_FALSE(device_.Replay(*recording, *stream_));
  ExpectGood();
  const auto again = device_.Record(*stream_, [&] { product(2); });
  ASSERT_NE(again, nullptr);
  EXPECT_TRUE(device_.Replay(*again, *stream_));
  EXPECT_EQ(Read(y, 2 * kOut), wanted);
}

// Decoding sequences that grow by a token a step: steps with equal keys are the same launches.
TEST_P(RecordingTest, StepsOfOneKeyShareARecording) {
  const AttentionShape shape = {
      .num_heads = 4, .num_kv_heads = 2, .head_dim = 64, .dtype = DType::kF16};
  const std::vector<std::int32_t> kv_lens = {330, 75, 1300};
  PagedCache cache(shape, kv_lens, random_);
  const DeviceCache device_cache(device_, *stream_, cache);
  const Matrix q = RandomQueries(shape, 3);
  const DeviceMatrix device_q = Upload(q);
  const std::vector<std::int32_t> one_each = {1, 1, 1};
  HostBatch batch = MakeBatch(cache, one_each, q);
  const DeviceMatrix out = Upload(Matrix(3, q.cols()));
  batch.args.q = device_q.view();
  batch.args.out = out.view();
  batch.args.cache = device_cache.view();

  std::unique_ptr<Recording> recording;
  AttentionKey key = {};
  int num_replays = 0;
  for (std::int32_t missing = 60; missing >= 0; --missing) {
    std::vector<std::int32_t> lens = kv_lens;
    for (std::int32_t& len : lens) len -= missing;
    batch.args.batch.kv_lens = lens.data();
    // As an engine has it: the table is as wide as the longest sequence.
    const std::int32_t blocks = (lens[2] + shape.block_size - 1) / shape.block_size;
    std::vector<std::int32_t> table;
    for (std::ptrdiff_t s = 0; s < 3; ++s) {
      const auto begin = cache.block_table().begin() + s * cache.max_blocks();
      table.insert(table.end(), begin, begin + blocks);
    }
    batch.args.batch.block_table = table.data();
    batch.args.batch.max_blocks = blocks;

    const auto plan = device_.kernels().plan_paged_attention(batch.args.batch, *stream_);
    ASSERT_EQ(plan->key().has_value(), CanRecord());
    batch.args.plan = plan.get();
    const auto attend = [&] { device_.kernels().paged_attention(batch.args, *stream_); };
    attend();
    if (!CanRecord()) return;
    const Matrix wanted = out.Download();
    if (recording == nullptr || *plan->key() != key) {
      recording = device_.Record(*stream_, attend);
      ASSERT_NE(recording, nullptr);
      key = *plan->key();
    } else {
      ++num_replays;
    }
    device_.kernels().scale({.x = out.view(), .factor = 0.0f}, *stream_);
    ASSERT_TRUE(device_.Replay(*recording, *stream_)) << "missing " << missing;
    ASSERT_EQ(out.Download().bytes(), wanted.bytes()) << "missing " << missing;
  }
  EXPECT_GT(num_replays, 55);
}

QUIRE_FOR_EVERY_DEVICE(RecordingTest);

}  // namespace
}  // namespace quire::kernels
