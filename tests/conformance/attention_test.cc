#include <cmath>

#include "kernels/reference/reference.h"
#include "tests/conformance/attention_fixture.h"

namespace quire::kernels {
namespace {

// Error of softmax attention. A score of magnitude S (the sum of |q| |k| times the scale) is wrong
// by S * (head_dim + 4) roundings and p by e to that; a row adds at most `keys` products.
double AttentionError(double score_magnitude, std::int64_t head_dim, std::int64_t keys,
                      double largest_value) {
  const double of_scores = 2 * score_magnitude * static_cast<double>(head_dim + 4) * kUnit;
  return (of_scores + static_cast<double>(keys + 32) * kUnit) * largest_value;
}

double Largest(const std::vector<std::byte>& memory, DType dtype) {
  const std::int64_t bytes = BytesPerElement(dtype);
  double largest = 0;
  for (std::size_t i = 0; i < memory.size(); i += static_cast<std::size_t>(bytes)) {
    float value = 0;
    ConvertToF32(dtype, memory.data() + i, &value, 1);
    if (!std::isnan(value)) largest = std::max(largest, std::abs(static_cast<double>(value)));
  }
  return largest;
}

class PagedAttentionTest : public AttentionTest {
 protected:
  void Check(const AttentionShape& shape, const std::vector<std::int32_t>& kv_lens,
             const std::vector<std::int32_t>& query_lens) {
    SCOPED_TRACE(::testing::Message()
                 << "heads " << shape.num_heads << "/" << shape.num_kv_heads << ", head_dim "
                 << shape.head_dim << ", block " << shape.block_size << ", "
                 << DTypeName(shape.dtype) << ", window " << shape.sliding_window);
    PagedCache cache(shape, kv_lens, random_);
    const Matrix q = RandomQueries(
        shape, std::accumulate(query_lens.begin(), query_lens.end(), std::int64_t{0}));
    const HostBatch host = MakeBatch(cache, query_lens, q);
    const auto wanted = reference::PagedAttention(host.args);
    // |q| |k| <= head_dim * largest q * largest k, far above what random signs give.
    const double magnitude = static_cast<double>(host.args.scale) *
                             std::sqrt(static_cast<double>(shape.head_dim)) *
                             Largest(q.bytes(), DType::kF32) * Largest(cache.k(), shape.dtype);
    const double tolerance =
        AttentionError(magnitude, shape.head_dim, *std::max_element(kv_lens.begin(), kv_lens.end()),
                       Largest(cache.v(), shape.dtype));
    ExpectNear(Run(cache, query_lens, q), wanted,
               [&](std::int64_t, std::int64_t) { return tolerance; });
  }
};

TEST_P(PagedAttentionTest, MatchesTheFormulaForEveryHeadDim) {
  for (std::int32_t head_dim : {8, 16, 20, 32, 64, 80, 96, 128, 256}) {
    Check({.head_dim = head_dim}, {70, 5}, {3, 5});
  }
}

TEST_P(PagedAttentionTest, MatchesTheFormulaForEveryGrouping) {
  for (std::int32_t num_kv_heads : {1, 2, 3, 6, 12}) {
    Check({.num_heads = 12, .num_kv_heads = num_kv_heads}, {65, 130, 1}, {1, 20, 1});
  }
  // More heads in a group than one query tile of the CPU has rows.
  Check({.num_heads = 71, .num_kv_heads = 1, .head_dim = 8}, {66}, {2});
}

TEST_P(PagedAttentionTest, MatchesTheFormulaForEveryCacheTypeAndBlockSize) {
  for (DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
    for (std::int32_t block_size : {1, 16, 32, 100}) {
      Check({.block_size = block_size, .dtype = dtype}, {1, 33, 64, 100}, {1, 1, 64, 7});
    }
  }
}

TEST_P(PagedAttentionTest, MatchesTheFormulaAroundTileBorders) {
  for (std::int32_t kv_len : {1, 7, 8, 15, 16, 17, 47, 48, 49, 63, 64, 65, 127, 128, 129}) {
    Check({.head_dim = 32}, {kv_len}, {1});
    Check({.head_dim = 32}, {kv_len}, {kv_len});
  }
}

TEST_P(PagedAttentionTest, MatchesTheFormulaOverLongContexts) {
  Check({.head_dim = 64, .dtype = DType::kBF16}, {511, 512, 513, 1500}, {1, 1, 1, 1});
  Check({.num_heads = 2, .num_kv_heads = 2, .head_dim = 32}, {1100}, {80});
}

TEST_P(PagedAttentionTest, SlidingWindowHidesOlderPositions) {
  for (std::int32_t window : {1, 2, 16, 64, 100, 5000}) {
    Check({.sliding_window = window}, {200, 40, 1}, {70, 1, 1});
    Check({.head_dim = 32, .sliding_window = window}, {1200}, {1});
  }
}

// The scheduler may give blocks before the window to somebody else.
TEST_P(PagedAttentionTest, BlocksBeforeTheWindowAreNotRead) {
  const AttentionShape shape = {.sliding_window = 50};
  PagedCache cache(shape, {300}, random_);
  const Matrix q = RandomQueries(shape, 2);
  const Matrix before = Run(cache, {2}, q);
  // Position 298 sees 249 to 298: blocks 0 to 14 (positions 0 to 239) are out of sight.
  for (std::size_t b = 0; b < 15; ++b) cache.block_table()[b] = -1;
  EXPECT_EQ(Run(cache, {2}, q).bytes(), before.bytes());
}

TEST_P(PagedAttentionTest, LargeScoresDoNotOverflow) {
  const AttentionShape shape = {.num_heads = 1, .num_kv_heads = 1, .head_dim = 8};
  PagedCache cache(shape, {90}, random_);
  Matrix q = RandomQueries(shape, 1);
  for (std::int64_t i = 0; i < q.cols(); ++i) q.Set(0, i, 1000.0f * static_cast<float>(q.At(0, i)));
  const HostBatch host = MakeBatch(cache, {1}, q);
  const auto wanted = reference::PagedAttention(host.args);
  ExpectNear(Run(cache, {1}, q), wanted, [&](std::int64_t, std::int64_t) { return 5e-3; });
}

TEST_P(PagedAttentionTest, StoreKvRoundsIntoItsSlotsAndNowhereElse) {
  for (DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
    for (std::int32_t head_dim : {8, 20, 64}) {
      const AttentionShape shape = {.head_dim = head_dim, .block_size = 16, .dtype = dtype};
      PagedCache wanted(shape, {40}, random_);
      const std::int64_t width = std::int64_t{shape.num_kv_heads} * head_dim;
      Matrix k(3, width);
      Matrix v(3, width);
      std::vector<std::int32_t> slots;
      const std::vector<std::int32_t> positions = {39, 0, 17};
      for (std::size_t t = 0; t < positions.size(); ++t) {
        const std::int32_t block =
            wanted.block_table()[static_cast<std::size_t>(positions[t] / shape.block_size)];
        slots.push_back(block * shape.block_size + positions[t] % shape.block_size);
        for (std::int64_t i = 0; i < width; ++i) {
          // The values that are there, moved by less than half a step of the 16-bit formats.
          const std::size_t element =
              wanted.Element(0, positions[t], static_cast<std::int32_t>(i / head_dim),
                             static_cast<std::int32_t>(i % head_dim));
          const auto bytes = static_cast<std::size_t>(BytesPerElement(dtype));
          float old_k = 0;
          float old_v = 0;
          ConvertToF32(dtype, wanted.k().data() + element * bytes, &old_k, 1);
          ConvertToF32(dtype, wanted.v().data() + element * bytes, &old_v, 1);
          const float nudge = dtype == DType::kF32 ? 1.0f : 1.0f + 0x1p-13f;
          k.Set(static_cast<std::int64_t>(t), i, old_k * nudge);
          v.Set(static_cast<std::int64_t>(t), i, old_v * nudge);
        }
      }
      // A cache without those tokens must become the one with them.
      std::vector<std::byte> emptied_k = wanted.k();
      std::vector<std::byte> emptied_v = wanted.v();
      const std::size_t row_bytes =
          static_cast<std::size_t>(head_dim) * static_cast<std::size_t>(BytesPerElement(dtype));
      for (std::int32_t position : positions) {
        for (std::int32_t head = 0; head < shape.num_kv_heads; ++head) {
          const std::size_t begin = wanted.Element(0, position, head, 0) *
                                    static_cast<std::size_t>(BytesPerElement(dtype));
          std::fill_n(emptied_k.begin() + static_cast<std::ptrdiff_t>(begin), row_bytes,
                      std::byte{0xff});
          std::fill_n(emptied_v.begin() + static_cast<std::ptrdiff_t>(begin), row_bytes,
                      std::byte{0xff});
        }
      }
      const DeviceArray device_k = Upload(emptied_k);
      const DeviceArray device_v = Upload(emptied_v);
      const DeviceMatrix from_k = Upload(k);
      const DeviceMatrix from_v = Upload(v);
      const DeviceArray device_slots = Upload(slots);
      device_.kernels().store_kv({.k = from_k.view(),
                                  .v = from_v.view(),
                                  .slot_mapping = device_slots.as<std::int32_t>(),
                                  .cache = wanted.View(device_k.data(), device_v.data())},
                                 *stream_);
      device_.CopyToHost(emptied_k.data(), device_k.data(),
                         static_cast<std::int64_t>(emptied_k.size()), *stream_);
      device_.CopyToHost(emptied_v.data(), device_v.data(),
                         static_cast<std::int64_t>(emptied_v.size()), *stream_);
      ASSERT_TRUE(device_.Synchronize(*stream_).ok());
      EXPECT_TRUE(emptied_k == wanted.k()) << DTypeName(dtype) << ", head_dim " << head_dim;
      EXPECT_TRUE(emptied_v == wanted.v()) << DTypeName(dtype) << ", head_dim " << head_dim;
    }
  }
}

QUIRE_FOR_EVERY_DEVICE(PagedAttentionTest);

class EncoderAttentionTest : public KernelTest {};

TEST_P(EncoderAttentionTest, MatchesTheFormula) {
  const std::vector<std::int32_t> cu_seqlens = {0, 1, 18, 18 + 64, 18 + 64 + 129};
  for (std::int32_t head_dim : {8, 20, 32, 64, 128}) {
    const std::int32_t num_heads = 3;
    const std::int64_t width = std::int64_t{num_heads} * head_dim;
    const Matrix q = Matrix::Random(cu_seqlens.back(), width, random_);
    const Matrix k = Matrix::Random(cu_seqlens.back(), width, random_);
    const Matrix v = Matrix::Random(cu_seqlens.back(), width, random_);
    EncoderAttentionArgs args = {.q = q.view(),
                                 .k = k.view(),
                                 .v = v.view(),
                                 .out = q.view(),
                                 .sequences = {.data = cu_seqlens.data(), .num_sequences = 4},
                                 .num_heads = num_heads,
                                 .head_dim = head_dim,
                                 .scale = 1.0f / std::sqrt(static_cast<float>(head_dim))};
    const auto wanted = reference::EncoderAttention(args);
    const DeviceMatrix device_q = Upload(q);
    const DeviceMatrix device_k = Upload(k);
    const DeviceMatrix device_v = Upload(v);
    const DeviceMatrix out = Upload(Matrix(q.rows(), width));
    const DeviceArray device_seqlens = Upload(cu_seqlens);
    args.q = device_q.view();
    args.k = device_k.view();
    args.v = device_v.view();
    args.out = out.view();
    args.sequences.data = device_seqlens.as<std::int32_t>();
    device_.kernels().encoder_attention(args, *stream_);
    const double magnitude = Largest(q.bytes(), DType::kF32) * Largest(k.bytes(), DType::kF32);
    const double tolerance =
        AttentionError(magnitude, head_dim, 129, Largest(v.bytes(), DType::kF32));
    SCOPED_TRACE(head_dim);
    ExpectNear(out.Download(), wanted, [&](std::int64_t, std::int64_t) { return tolerance; });
  }
}

QUIRE_FOR_EVERY_DEVICE(EncoderAttentionTest);

}  // namespace
}  // namespace quire::kernels
