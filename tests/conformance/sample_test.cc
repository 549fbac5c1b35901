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
  std::vector<std::int32_t> Sample(const Matrix& logits, const std::vector<SampleRow>& rows) {
    const DeviceMatrix device_logits = Upload(logits);
    const DeviceArray device_rows = Upload(rows);
    std::vector<std::int32_t> tokens(rows.size(), -7);
    const DeviceArray device_tokens = Upload(tokens);
    device_.kernels().sample({.logits = device_logits.view(),
                              .rows = device_rows.as<SampleRow>(),
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
