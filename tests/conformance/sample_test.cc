#include "kernels/sample.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/reference/reference.h"
#include "tests/conformance/kernel_test.h"

namespace quire::kernels {
namespace {

class SampleTest : public KernelTest {
 protected:
  // A token for each row, as the device chooses.
  std::vector<std::int32_t> Sample(const Matrix& logits, const std::vector<SampleRow>& rows,
                                   const std::vector<LogitChange>& changes = {},
                                   const std::vector<std::uint32_t>& masks = {}) {
    const DeviceMatrix device_logits = Upload(logits);
    const DeviceArray device_rows = Upload(rows);
    const DeviceArray device_changes = Upload(changes);
    const DeviceArray device_masks = Upload(masks);
    std::vector<std::int32_t> tokens(rows.size(), -7);
    const DeviceArray device_tokens = Upload(tokens);
    device_.kernels().sample({.logits = device_logits.view(),
                              .rows = device_rows.as<SampleRow>(),
                              .changes = device_changes.as<LogitChange>(),
                              .num_changes = static_cast<std::int64_t>(changes.size()),
                              .masks = device_masks.as<std::uint32_t>(),
                              .tokens = static_cast<std::int32_t*>(device_tokens.data())},
                             *stream_);
    const auto bytes = static_cast<std::int64_t>(tokens.size() * sizeof(std::int32_t));
    device_.CopyToHost(tokens.data(), device_tokens.data(), bytes, *stream_);
    EXPECT_TRUE(device_.Synchronize(*stream_).ok());
    return tokens;
  }

  double Uniform() { return std::uniform_real_distribution<double>()(random_); }

  // Some of everything: logits spread as wide as `spread`, many of them equal if `has_ties`.
  Matrix Logits(std::int64_t rows, std::int64_t vocab_size, float spread, bool has_ties) {
    Matrix logits = Matrix::Random(rows, vocab_size, random_);
    for (std::int64_t r = 0; r < rows; ++r) {
      for (std::int64_t i = 0; i < vocab_size; ++i) {
        const auto value = static_cast<float>(logits.At(r, i)) * spread;
        logits.Set(r, i, has_ties ? std::round(value) : value);
      }
    }
    return logits;
  }
};

constexpr std::int64_t kVocabSizes[] = {1, 2, 31, 257, 1000, 5003};

// How wrong the border between two tokens may be.
constexpr double kBorder = 1e-5;

void ExpectInShare(const reference::SampleShares& shares, double uniform, std::int32_t token) {
  const auto found = std::ranges::find(shares.tokens, token);
  ASSERT_NE(found, shares.tokens.end()) << "token " << token << " is not among those left";
  const auto i = static_cast<std::size_t>(found - shares.tokens.begin());
  EXPECT_GE(uniform, (i == 0 ? 0.0 : shares.ends[i - 1]) - kBorder);
  EXPECT_LT(uniform, shares.ends[i] + kBorder);
}

TEST_P(SampleTest, DrawsByTheFormula) {
  const std::vector<SampleRow> kinds = {
      {.temperature = 1.0f},
      {.temperature = 0.1f},
      {.temperature = 2.0f, .top_k = 7},
      {.temperature = 0.8f, .top_p = 0.9f},
      {.temperature = 1.5f, .top_k = 40, .top_p = 0.5f},
      {.temperature = 1.0f, .min_p = 0.1f},
      {.temperature = 0.7f, .top_k = 20, .top_p = 0.95f, .min_p = 0.02f},
      {.temperature = 1.0f, .top_k = 1'000'000},
      {.temperature = 1.0f, .top_p = 1e-6f},
      {}};
  std::size_t num_close = 0;
  std::size_t num_checked = 0;
  for (const std::int64_t vocab_size : kVocabSizes) {
    for (const bool has_ties : {false, true}) {
      std::vector<SampleRow> rows;
      for (int round = 0; round < 3; ++round) {
        for (SampleRow row : kinds) {
          row.uniform = round == 0 ? 0.0 : round == 1 ? 0x1.fffffffffffffp-1 : Uniform();
          rows.push_back(row);
        }
      }
      const auto num_rows = static_cast<std::int64_t>(rows.size());
      const Matrix logits = Logits(num_rows, vocab_size, has_ties ? 2.0f : 4.0f, has_ties);
      const auto wanted = reference::Sample({.logits = logits.view(), .rows = rows.data()});
      const std::vector<std::int32_t> tokens = Sample(logits, rows);
      for (std::size_t r = 0; r < rows.size(); ++r) {
        SCOPED_TRACE(::testing::Message() << vocab_size << " tokens, row " << r);
        // With one token more or less all shares move.
        const bool is_close = wanted[r].margin < kBorder && !has_ties;
        num_close += is_close ? 1 : 0;
        ++num_checked;
        if (!is_close) ExpectInShare(wanted[r], rows[r].uniform, tokens[r]);
      }
    }
  }
  EXPECT_LT(num_close * 50, num_checked);
}

TEST_P(SampleTest, TheFirstOfTheLargestWithoutTemperature) {
  for (std::int64_t size = 1; size < 70; ++size) {
    Matrix logits(size, size);
    std::vector<SampleRow> rows(static_cast<std::size_t>(size));
    for (std::int64_t place = 0; place < size; ++place) {
      for (std::int64_t i = 0; i < size; ++i) {
        logits.Set(place, i, i == place || i == size - 1 ? -1.0f : -5.0f);
      }
      // top_k of one says the same.
      if (place % 2 == 1) rows[static_cast<std::size_t>(place)] = {.temperature = 1, .top_k = 1};
    }
    const std::vector<std::int32_t> tokens = Sample(logits, rows);
    for (std::int64_t place = 0; place < size; ++place) {
      EXPECT_EQ(tokens[static_cast<std::size_t>(place)], place) << size;
    }
  }
}

TEST_P(SampleTest, MaskedTokensAreNeverDrawn) {
  constexpr std::int64_t kVocabSize = 600;
  Matrix logits(40, kVocabSize);
  std::vector<SampleRow> rows;
  for (std::int64_t r = 0; r < 40; ++r) {
    for (std::int64_t i = 0; i < kVocabSize; ++i) {
      logits.Set(r, i, i % 100 == r ? static_cast<float>(i) * 0.01f : kMaskedLogit);
    }
    // A temperature that leaves masked logits a weight if they were not told apart.
    rows.push_back({.temperature = 100.0f, .uniform = Uniform()});
  }
  const std::vector<std::int32_t> tokens = Sample(logits, rows);
  for (std::int32_t r = 0; r < 40; ++r) EXPECT_EQ(tokens[static_cast<std::size_t>(r)] % 100, r);
}

TEST_P(SampleTest, MasksLeaveOnlyTheirTokens) {
  for (const std::int64_t vocab_size : {5, 32, 33, 700}) {
    const auto words = static_cast<std::size_t>(MaskWords(vocab_size));
    // The first mask allows every seventh token, the second the last one alone.
    std::vector<std::uint32_t> masks(2 * words);
    const auto allow = [&](std::size_t mask, std::int64_t token) {
      masks[mask * words + static_cast<std::size_t>(token / 32)] |= std::uint32_t{1} << token % 32;
    };
    for (std::int64_t token = 0; token < vocab_size; token += 7) allow(0, token);
    allow(1, vocab_size - 1);
    std::vector<SampleRow> rows;
    for (int i = 0; i < 60; ++i) {
      const bool is_greedy = i % 4 == 0;
      rows.push_back({.temperature = is_greedy ? 0.0f : 100.0f,
                      .top_k = i % 4 == 1 ? 3 : 0,
                      .mask = i % 3 - 1,
                      .uniform = Uniform()});
    }
    Matrix logits = Logits(60, vocab_size, 1.0f, false);
    const auto tokens = Sample(logits, rows, {}, masks);
    for (std::size_t r = 0; r < rows.size(); ++r) {
      SCOPED_TRACE(::testing::Message() << vocab_size << " tokens, row " << r);
      if (rows[r].mask == 0) {
        EXPECT_EQ(tokens[r] % 7, 0);
      }
      if (rows[r].mask == 1) {
        EXPECT_EQ(tokens[r], vocab_size - 1);
      }
    }
    // What a mask hides is damage all the same.
    logits.Set(2, 0, std::numeric_limits<float>::infinity());
    EXPECT_EQ(Sample(logits, rows, {}, masks)[2], kNoSample);
  }
}

TEST_P(SampleTest, ChangesComeFirst) {
  constexpr std::int64_t kVocabSize = 300;
  Matrix logits(3, kVocabSize);
  std::vector<LogitChange> changes;
  for (std::int32_t r = 0; r < 3; ++r) {
    for (std::int64_t i = 0; i < kVocabSize; ++i) logits.Set(r, i, i % 2 == 0 ? 4.0f : -4.0f);
    // 1.9 instead of 4 and -8.1 instead of -4; 4 stays, and 5 instead of -4 outdoes it.
    for (std::int32_t i = 0; i < kVocabSize; ++i) {
      if (i == 2 * r + 10 || (r == 2 && i == 299)) continue;
      changes.push_back({.row = r, .token = i, .penalty = 2.0f, .subtrahend = 0.1f});
    }
  }
  changes.push_back({.row = 2, .token = 299, .penalty = 0.5f, .subtrahend = -7.0f});
  const std::vector<std::int32_t> tokens = Sample(logits, std::vector<SampleRow>(3), changes);
  EXPECT_EQ(tokens, (std::vector<std::int32_t>{10, 12, 299}));
}

TEST_P(SampleTest, DamagedLogitsGiveNoToken) {
  for (const float damage :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
        -std::numeric_limits<float>::infinity()}) {
    Matrix logits = Logits(4, 777, 1.0f, false);
    logits.Set(1, 0, damage);
    logits.Set(2, 776, damage);
    const SampleRow drawn = {.temperature = 1.0f, .uniform = 0.3};
    const std::vector<std::int32_t> tokens = Sample(logits, {{}, {}, drawn, drawn});
    EXPECT_GE(tokens[0], 0);
    EXPECT_EQ(tokens[1], kNoSample);
    EXPECT_EQ(tokens[2], kNoSample);
    EXPECT_GE(tokens[3], 0);
  }
}

TEST_P(SampleTest, ARowIsTheSameAloneAndAmongOthers) {
  const Matrix logits = Logits(9, 1500, 3.0f, false);
  std::vector<SampleRow> rows;
  for (int r = 0; r < 9; ++r) {
    rows.push_back({.temperature = 1.0f, .top_p = r % 2 == 0 ? 0.9f : 1.0f, .uniform = Uniform()});
  }
  const std::vector<std::int32_t> together = Sample(logits, rows);
  for (std::size_t r = 0; r < rows.size(); ++r) {
    const auto alone = Sample(logits.Rows(static_cast<std::int64_t>(r), 1), {rows[r]});
    EXPECT_EQ(alone[0], together[r]);
  }
}

QUIRE_FOR_EVERY_DEVICE(SampleTest);

}  // namespace
}  // namespace quire::kernels
