#include <cmath>

#include "kernels/reference/reference.h"
#include "tests/conformance/attention_fixture.h"

namespace quire::kernels {
namespace {

// Error of softmax attention over what the cache holds. A score of magnitude S (the sum of |q| |k|
// times the scale) is wrong by S * (head_dim + 4) roundings and p by e to that; a row adds at most
// `keys` products. Exact conversions of f16 and bf16 add nothing; i8 times its scale is one of the
// four roundings.
double AttentionError(double score_magnitude, std::int64_t head_dim, std::int64_t keys,
                      double largest_value) {
  const double of_scores = 2 * score_magnitude * static_cast<double>(head_dim + 4) * kUnit;
  return (of_scores + static_cast<double>(keys + 32) * kUnit) * largest_value;
}

// The same on tensor cores, which cut sums to f32 every eight products, with p rounded by
// `roundoff_of_p` before it meets the values. What approximates exponentials and the tanh of a soft
// cap is off by some units of the last place.
double TensorAttentionError(double score_magnitude, const AttentionShape& shape, std::int64_t keys,
                            double largest_value, double roundoff_of_p) {
  constexpr double kCut = 0x1p-22;
  const double of_scores =
      2 * (score_magnitude * (shape.head_dim / 8.0 + 6) + 8.0 * shape.soft_cap) * kCut;
  const double of_sums = (static_cast<double>(keys) / 8 + 32) * kCut;
  return (of_scores + of_sums + roundoff_of_p) * largest_value;
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
  // Of a row over at most `keys` keys.
  double Tolerance(const AttentionShape& shape, double score_magnitude, std::int64_t keys,
                   double largest_value) const {
    const double roundoff = RoundoffOfP(shape);
    return roundoff == 0
               ? AttentionError(score_magnitude, shape.head_dim, keys, largest_value)
               : TensorAttentionError(score_magnitude, shape, keys, largest_value, roundoff);
  }

  void Check(const AttentionShape& shape, const std::vector<std::int32_t>& kv_lens,
             const std::vector<std::int32_t>& query_lens) {
    SCOPED_TRACE(::testing::Message()
                 << "heads " << shape.num_heads << "/" << shape.num_kv_heads << ", head_dim "
                 << shape.head_dim << ", block " << shape.block_size << ", "
                 << DTypeName(shape.dtype) << ", window " << shape.sliding_window << ", cap "
                 << shape.soft_cap);
    PagedCache cache(shape, kv_lens, random_);
    const Matrix q = RandomQueries(
        shape, std::accumulate(query_lens.begin(), query_lens.end(), std::int64_t{0}));
    const HostBatch host = MakeBatch(cache, query_lens, q);
    const auto wanted = reference::PagedAttention(host.args);
    // |q| |k| <= head_dim * largest q * largest k, far above what random signs give.
    const double magnitude = static_cast<double>(host.args.scale) *
                             std::sqrt(static_cast<double>(shape.head_dim)) *
                             Largest(q.bytes(), DType::kF32) * cache.largest_key();
    const double tolerance = Tolerance(
        shape, magnitude, *std::max_element(kv_lens.begin(), kv_lens.end()), cache.largest_value());
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
  for (DType dtype : KvTypes()) {
    for (std::int32_t block_size : {1, 16, 32, 100}) {
      Check({.block_size = block_size, .dtype = dtype}, {1, 33, 64, 100}, {1, 1, 64, 7});
    }
    for (std::int32_t head_dim : {2, 6, 20, 80, 128}) {
      Check({.head_dim = head_dim, .dtype = dtype}, {70, 5}, {3, 5});
    }
    for (std::int32_t head_dim : {64, 80, 96, 128, 256}) {
      Check({.head_dim = head_dim, .dtype = dtype}, {200, 9}, {70, 9});
    }
  }
}

// What a device rounds q to costs the scores that much of what |q| |k| is.
TEST_P(PagedAttentionTest, RoundingQueriesCostsTheScoresTheirRoundoff) {
  for (DType dtype : KvTypes()) {
    const AttentionShape shape = {.head_dim = 64, .dtype = dtype};
    PagedCache cache(shape, {150}, random_);
    Matrix q = Matrix::Random(2, std::int64_t{shape.num_heads} * shape.head_dim, random_);
    // Rows of any size keep their precision.
    for (std::int64_t i = 0; i < q.cols(); ++i) {
      q.Set(0, i, 1e-6f * static_cast<float>(q.At(0, i)));
    }
    const auto wanted = reference::PagedAttention(MakeBatch(cache, {2}, q).args);
    const double magnitude = Largest(q.bytes(), DType::kF32) * cache.largest_key();
    double roundoff = RoundoffOfP(shape) == 0 ? 0 : 0x1p-11;
    if (RoundoffOfP(shape) != 0 && dtype == DType::kBF16) roundoff = 0x1p-8;
    const double tolerance = Tolerance(shape, magnitude, 150, cache.largest_value()) +
                             2 * magnitude * roundoff * cache.largest_value();
    ExpectNear(Run(cache, {2}, q), wanted, [&](std::int64_t, std::int64_t) { return tolerance; });
  }
}

TEST_P(PagedAttentionTest, MatchesTheFormulaAroundTileBorders) {
  for (std::int32_t kv_len : {1, 7, 8, 15, 16, 17, 47, 48, 49, 63, 64, 65, 127, 128, 129}) {
    Check({.head_dim = 32}, {kv_len}, {1});
    Check({.head_dim = 32}, {kv_len}, {kv_len});
  }
}

TEST_P(PagedAttentionTest, MatchesTheFormulaOverLongContexts) {
  for (DType dtype : KvTypes()) {
    Check({.head_dim = 64, .dtype = dtype}, {511, 512, 513, 1500}, {1, 1, 1, 1});
  }
  Check({.num_heads = 2, .num_kv_heads = 2, .head_dim = 32}, {1100}, {80});
}

TEST_P(PagedAttentionTest, SlidingWindowHidesOlderPositions) {
  for (std::int32_t window : {1, 2, 16, 64, 100, 5000}) {
    Check({.sliding_window = window}, {200, 40, 1}, {70, 1, 1});
    for (DType dtype : KvTypes()) {
      Check({.head_dim = 32, .dtype = dtype, .sliding_window = window}, {1200}, {1});
      Check({.head_dim = 64, .dtype = dtype, .sliding_window = window}, {1200, 300}, {1, 150});
    }
  }
}

// The cap is a contraction: what the scores are wrong by does not grow, and its own roundings are
// few beside those of head_dim products.
TEST_P(PagedAttentionTest, SoftCapBoundsTheScores) {
  for (float soft_cap : {0.5f, 5.0f, 50.0f}) {
    for (DType dtype : KvTypes()) {
      for (std::int32_t head_dim : {32, 64}) {
        Check({.head_dim = head_dim, .dtype = dtype, .soft_cap = soft_cap}, {1, 33, 64, 100},
              {1, 1, 64, 7});
      }
    }
    for (std::int32_t window : {1, 16, 100}) {
      Check({.sliding_window = window, .soft_cap = soft_cap}, {200, 40, 1200}, {70, 1, 1});
    }
    Check({.num_heads = 5, .num_kv_heads = 1, .head_dim = 256, .soft_cap = soft_cap}, {65}, {3});
  }
}

// The scheduler may give blocks before the window to somebody else.
TEST_P(PagedAttentionTest, BlocksBeforeTheWindowAreNotRead) {
  for (DType dtype : KvTypes()) {
    for (std::int32_t head_dim : {16, 64}) {
      const AttentionShape shape = {.head_dim = head_dim, .dtype = dtype, .sliding_window = 50};
      PagedCache cache(shape, {300}, random_);
      for (std::int32_t tokens : {2, 40}) {
        // Position 300 - tokens sees 50 positions; the blocks before them are out of sight.
        const auto hidden = static_cast<std::size_t>(300 - tokens - 49) / 16;
        const Matrix q = RandomQueries(shape, tokens);
        const Matrix before = Run(cache, {tokens}, q);
        const auto table = cache.block_table();
        std::fill_n(cache.block_table().begin(), hidden, -1);
        EXPECT_EQ(Run(cache, {tokens}, q).bytes(), before.bytes()) << DTypeName(dtype);
        cache.block_table() = table;
      }
    }
  }
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

QUIRE_FOR_EVERY_DEVICE(PagedAttentionTest);

class StoreKvTest : public AttentionTest {
 protected:
  // Stores `k` and `v` [tokens, num_kv_heads * head_dim] at positions of the one sequence.
  void Store(PagedCache& cache, const std::vector<std::int32_t>& positions, const Matrix& k,
             const Matrix& v) {
    std::vector<std::int32_t> slots;
    for (std::int32_t position : positions) slots.push_back(cache.Slot(0, position));
    const DeviceCache device_cache(device_, *stream_, cache);
    const DeviceMatrix device_k = Upload(k);
    const DeviceMatrix device_v = Upload(v);
    const DeviceArray device_slots = Upload(slots);
    device_.kernels().store_kv({.k = device_k.view(),
                                .v = device_v.view(),
                                .slot_mapping = device_slots.as<std::int32_t>(),
                                .cache = device_cache.view()},
                               *stream_);
    device_cache.Download(cache);
  }

  // How far a stored element may be from the formula. 16 bits: not at all. i8 and f8: the scale is
  // rounded twice, which can also turn a tie.
  static double Tolerance(DType dtype, double scale, double x, double wanted) {
    if (!HasKvScales(dtype) || scale == 0) return 0;
    if (dtype == DType::kF8E4M3) {
      const auto below = F32ToF8E4M3(static_cast<float>(x / scale * (1 - 1e-6)));
      const auto above = F32ToF8E4M3(static_cast<float>(x / scale * (1 + 1e-6)));
      const double tie = std::abs(double{F8E4M3ToF32(above)} - F8E4M3ToF32(below));
      return 4 * kUnit * std::abs(wanted) + scale * tie;
    }
    const double fraction = std::abs(x / scale - std::trunc(x / scale));
    return 4 * kUnit * std::abs(wanted) + (std::abs(fraction - 0.5) < 1e-4 ? scale : 0);
  }

  // Compares the stored rows with the formula and blanks them.
  void ExpectRows(PagedCache& cache, KvRowsInMemory& rows, const Matrix& x,
                  const std::vector<std::int32_t>& positions, const double* wanted) {
    const AttentionShape& shape = cache.shape();
    for (std::size_t t = 0; t < positions.size(); ++t) {
      for (std::int32_t head = 0; head < shape.num_kv_heads; ++head) {
        const std::size_t row = cache.Row(0, positions[t], head);
        std::byte* const stored = rows.elements.data() + row * cache.RowBytes();
        const double scale = HasKvScales(shape.dtype) ? rows.scales[row] : 1.0;
        const MatrixView view = {.data = stored,
                                 .rows = 1,
                                 .cols = shape.head_dim,
                                 .row_stride = shape.head_dim,
                                 .dtype = shape.dtype};
        for (std::int32_t d = 0; d < shape.head_dim; ++d, ++wanted) {
          const double got = reference::At(view, 0, d) * scale;
          const double from = x.At(static_cast<std::int64_t>(t), head * shape.head_dim + d);
          const bool same = std::isnan(got) && std::isnan(*wanted);
          ASSERT_TRUE(same ||
                      std::abs(got - *wanted) <= Tolerance(shape.dtype, scale, from, *wanted))
              << DTypeName(shape.dtype) << ", head_dim " << shape.head_dim << ", token " << t
              << ", element " << d << " of " << from << ": wanted " << *wanted << ", have " << got;
        }
        std::fill_n(stored, cache.RowBytes(), std::byte{0xff});
        rows.scales[row] = std::nanf("");
      }
    }
  }

  void Check(const AttentionShape& shape, const std::vector<std::int32_t>& positions,
             const Matrix& k, const Matrix& v) {
    PagedCache cache(shape, {40}, random_);
    PagedCache before = cache;
    Store(cache, positions, k, v);
    const std::vector<double> wanted =
        reference::StoreKv({.k = k.view(), .v = v.view(), .cache = cache.view()});
    ExpectRows(cache, cache.k(), k, positions, wanted.data());
    ExpectRows(cache, cache.v(), v, positions, wanted.data() + wanted.size() / 2);
    // With the rows of these tokens blank in both, all the rest is as it was.
    for (KvRowsInMemory* rows : {&before.k(), &before.v()}) {
      for (std::int32_t position : positions) {
        for (std::int32_t head = 0; head < shape.num_kv_heads; ++head) {
          const std::size_t row = before.Row(0, position, head);
          std::fill_n(rows->elements.data() + row * before.RowBytes(), before.RowBytes(),
                      std::byte{0xff});
          rows->scales[row] = std::nanf("");
        }
      }
    }
    EXPECT_TRUE(cache.k() == before.k()) << DTypeName(shape.dtype) << " " << shape.head_dim;
    EXPECT_TRUE(cache.v() == before.v()) << DTypeName(shape.dtype) << " " << shape.head_dim;
  }
};

TEST_P(StoreKvTest, RoundsIntoItsSlotsAndNowhereElse) {
  for (DType dtype : KvTypes()) {
    for (std::int32_t head_dim : {2, 8, 14, 20, 64, 128}) {
      const AttentionShape shape = {.head_dim = head_dim, .dtype = dtype};
      const std::int64_t width = std::int64_t{shape.num_kv_heads} * head_dim;
      const Matrix k = Matrix::Random(3, width, random_);
      const Matrix v = Matrix::Random(3, width, random_);
      ASSERT_NO_FATAL_FAILURE(Check(shape, {39, 0, 17}, k, v));
    }
  }
}

TEST_P(StoreKvTest, RowsOfEveryMagnitudeKeepTheirShape) {
  for (DType dtype : KvTypes()) {
    const AttentionShape shape = {.num_kv_heads = 1, .head_dim = 20, .dtype = dtype};
    const float factors[] = {0.0f, 1e-40f, 1e-36f, 1e-30f, 1e-3f, 1e4f};
    Matrix k = Matrix::Random(std::size(factors), 20, random_);
    const Matrix v = Matrix::Random(std::size(factors), 20, random_);
    for (std::int64_t t = 0; t < k.rows(); ++t) {
      for (std::int64_t i = 0; i < 20; ++i) {
        k.Set(t, i, static_cast<float>(k.At(t, i)) * factors[t]);
      }
    }
    ASSERT_NO_FATAL_FAILURE(Check(shape, {0, 1, 2, 3, 4, 5}, k, v));
  }
}

// What is not finite must not look like a number afterwards: the engine finds damaged weights by
// it.
TEST_P(StoreKvTest, RowsThatAreNotFiniteStayBad) {
  for (DType dtype : KvTypes()) {
    const AttentionShape shape = {
        .num_heads = 1, .num_kv_heads = 1, .head_dim = 20, .dtype = dtype};
    for (float bad : {std::nanf(""), HUGE_VALF, -HUGE_VALF}) {
      for (std::int64_t at : {0, 7, 19}) {
        PagedCache cache(shape, {1}, random_);
        const Matrix k = Matrix::Random(1, 20, random_);
        Matrix v = Matrix::Random(1, 20, random_);
        v.Set(0, at, bad);
        Store(cache, {0}, k, v);
        EXPECT_FALSE(std::isfinite(Run(cache, {1}, RandomQueries(shape, 1)).At(0, at)))
            << DTypeName(dtype) << ", " << bad << " at " << at;
      }
    }
  }
}

QUIRE_FOR_EVERY_DEVICE(StoreKvTest);

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
    const double largest_value = Largest(v.bytes(), DType::kF32);
    double tolerance = AttentionError(magnitude, head_dim, 129, largest_value);
    // Tensor cores get p and v as 16 bits each, without the product of their last 8, and cut sums.
    if (device_.name().starts_with("cuda")) {
      const AttentionShape shape = {.head_dim = head_dim};
      tolerance = std::max(tolerance,
                           TensorAttentionError(magnitude, shape, 129, largest_value, 3 * 0x1p-16));
    }
    SCOPED_TRACE(head_dim);
    ExpectNear(out.Download(), wanted, [&](std::int64_t, std::int64_t) { return tolerance; });
  }
}

QUIRE_FOR_EVERY_DEVICE(EncoderAttentionTest);

}  // namespace
}  // namespace quire::kernels
