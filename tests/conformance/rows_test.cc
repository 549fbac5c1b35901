#include <cmath>

#include "kernels/activation.h"
#include "kernels/embed_rows.h"
#include "kernels/norm.h"
#include "kernels/pooling.h"
#include "kernels/reference/reference.h"
#include "tests/conformance/kernel_test.h"

namespace quire::kernels {
namespace {

// Below, at and above every vector width, and model sizes.
constexpr std::int64_t kSizes[] = {1, 7, 8, 15, 16, 17, 63, 64, 65, 384, 2048, 4097};
// The last is more than the CPU leaves to one thread.
constexpr std::int64_t kTokens[] = {1, 3, 40};

constexpr ActivationKind kActivations[] = {ActivationKind::kSilu, ActivationKind::kGelu,
                                           ActivationKind::kGeluTanh, ActivationKind::kRelu};

struct RowMoments {
  double largest = 0;
  double mean = 0;
  double variance = 0;
};

RowMoments MomentsOf(const Matrix& x, std::int64_t row) {
  RowMoments moments;
  const auto size = static_cast<double>(x.cols());
  for (std::int64_t i = 0; i < x.cols(); ++i) {
    moments.largest = std::max(moments.largest, std::abs(x.At(row, i)));
    moments.mean += x.At(row, i) / size;
  }
  for (std::int64_t i = 0; i < x.cols(); ++i) {
    moments.variance += std::pow(x.At(row, i) - moments.mean, 2) / size;
  }
  return moments;
}

class RowsTest : public KernelTest {};

TEST_P(RowsTest, RmsNormMatchesTheFormula) {
  for (std::int64_t hidden : kSizes) {
    for (std::int64_t tokens : kTokens) {
      const Matrix x = Matrix::Random(tokens, hidden, random_);
      const Matrix weight = Matrix::Random(1, hidden, random_);
      const auto wanted =
          reference::RmsNorm({.x = x.view(), .weight = weight.view(), .out = x.view()});
      const auto tolerance = [&](std::int64_t t, std::int64_t i) {
        return SumError(hidden) * std::abs(wanted[static_cast<std::size_t>(t * hidden + i)]);
      };
      const DeviceMatrix device_x = Upload(x);
      const DeviceMatrix device_weight = Upload(weight);
      const DeviceMatrix out = Upload(Matrix(tokens, hidden));
      RmsNormArgs args = {.x = device_x.view(), .weight = device_weight.view(), .out = out.view()};
      device_.kernels().rms_norm(args, *stream_);
      ExpectNear(out.Download(), wanted, tolerance);

      args.out = args.x;  // in place
      device_.kernels().rms_norm(args, *stream_);
      ExpectNear(device_x.Download(), wanted, tolerance);
    }
  }
}

TEST_P(RowsTest, LayerNormMatchesTheFormula) {
  for (std::int64_t hidden : kSizes) {
    for (std::int64_t tokens : kTokens) {
      Matrix x = Matrix::Random(tokens, hidden, random_);
      // Away from zero, where the square of the mean would cancel.
      for (std::int64_t i = 0; i < hidden; ++i) x.Set(0, i, static_cast<float>(x.At(0, i)) + 100);
      const Matrix weight = Matrix::Random(1, hidden, random_);
      const Matrix bias = Matrix::Random(1, hidden, random_);
      LayerNormArgs args = {.x = x.view(),
                            .weight = weight.view(),
                            .bias = bias.view(),
                            .out = x.view(),
                            .epsilon = 1e-5f};
      const auto wanted = reference::LayerNorm(args);

      const DeviceMatrix device_x = Upload(x);
      const DeviceMatrix device_weight = Upload(weight);
      const DeviceMatrix device_bias = Upload(bias);
      const DeviceMatrix out = Upload(Matrix(tokens, hidden));
      args.x = device_x.view();
      args.weight = device_weight.view();
      args.bias = device_bias.view();
      args.out = out.view();
      device_.kernels().layer_norm(args, *stream_);
      std::vector<RowMoments> moments;
      for (std::int64_t t = 0; t < tokens; ++t) moments.push_back(MomentsOf(x, t));
      // The error of the mean is relative to the elements, not to their distance from it.
      ExpectNear(out.Download(), wanted, [&](std::int64_t t, std::int64_t i) {
        const RowMoments& row = moments[static_cast<std::size_t>(t)];
        const double deviation = std::sqrt(row.variance + static_cast<double>(args.epsilon));
        const double scaled = std::abs(weight.At(0, i)) / deviation;
        const double error_of_mean = SumError(hidden) * row.largest;
        // An error e of the mean adds e^2 to the variance, against deviation^2.
        const double relative = SumError(hidden) + std::pow(error_of_mean / deviation, 2);
        return error_of_mean * scaled + relative * scaled * std::abs(x.At(t, i) - row.mean) +
               4 * kUnit * std::abs(bias.At(0, i));
      });
      args.out = args.x;
      const std::vector<std::byte> apart = out.Download().bytes();
      device_.kernels().layer_norm(args, *stream_);
      EXPECT_EQ(device_x.Download().bytes(), apart);
    }
  }
}

// Error of an activation: a few roundings, and those of the argument of e^x, which e^x turns from
// absolute into relative. Results below the smallest normal number may be zero.
double ActivationError(ActivationKind kind, double x, double value) {
  double exponent = 0;
  switch (kind) {
    case ActivationKind::kSilu:
      exponent = x;
      break;
    case ActivationKind::kGelu:
      exponent = x * x / 2;
      break;
    case ActivationKind::kGeluTanh:
      exponent = 1.6 * (x + 0.044715 * x * x * x);
      break;
    case ActivationKind::kRelu:
      return 0;
  }
  return (16 + 4 * std::abs(exponent)) * kUnit * std::abs(value) +
         0x1p-126 * std::max(1.0, std::abs(x));
}

TEST_P(RowsTest, ActivationsMatchTheFormula) {
  for (ActivationKind kind : kActivations) {
    for (std::int64_t size : kSizes) {
      Matrix x = Matrix::Random(3, size, random_);
      for (std::int64_t i = 0; i < size; ++i) x.Set(1, i, static_cast<float>(x.At(1, i)) * 20);
      const auto wanted = reference::Activation({.x = x.view(), .kind = kind});
      const DeviceMatrix device_x = Upload(x);
      device_.kernels().activation({.x = device_x.view(), .kind = kind}, *stream_);
      SCOPED_TRACE(static_cast<int>(kind));
      ExpectNear(device_x.Download(), wanted, [&](std::int64_t t, std::int64_t i) {
        return ActivationError(kind, x.At(t, i), wanted[static_cast<std::size_t>(t * size + i)]);
      });
    }
  }
}

TEST_P(RowsTest, GatedActivationMatchesTheFormulaAndMayAlias) {
  for (ActivationKind kind : kActivations) {
    for (std::int64_t size : kSizes) {
      for (std::int64_t tokens : kTokens) {
        const Matrix gate = Matrix::Random(tokens, size, random_);
        const Matrix up = Matrix::Random(tokens, size, random_);
        const auto wanted = reference::GatedActivation(
            {.gate = gate.view(), .up = up.view(), .out = gate.view(), .kind = kind});
        const auto activated = reference::Activation({.x = gate.view(), .kind = kind});
        for (int alias = 0; alias < 3; ++alias) {
          const DeviceMatrix device_gate = Upload(gate);
          const DeviceMatrix device_up = Upload(up);
          const DeviceMatrix separate = Upload(Matrix(tokens, size));
          const DeviceMatrix& out = alias == 0 ? separate : (alias == 1 ? device_gate : device_up);
          device_.kernels().gated_activation(
              {.gate = device_gate.view(), .up = device_up.view(), .out = out.view(), .kind = kind},
              *stream_);
          ExpectNear(out.Download(), wanted, [&](std::int64_t t, std::int64_t i) {
            const auto index = static_cast<std::size_t>(t * size + i);
            return ActivationError(kind, gate.At(t, i), activated[index]) * std::abs(up.At(t, i)) +
                   kUnit * std::abs(wanted[index]);
          });
        }
      }
    }
  }
}

TEST_P(RowsTest, AddIsExact) {
  for (std::int64_t size : kSizes) {
    for (std::int64_t tokens : kTokens) {
      const Matrix x = Matrix::Random(tokens, size, random_);
      const Matrix y = Matrix::Random(tokens, size, random_);
      const auto wanted = reference::Add({.x = x.view(), .y = y.view()});
      const DeviceMatrix device_x = Upload(x);
      const DeviceMatrix device_y = Upload(y);
      device_.kernels().add({.x = device_x.view(), .y = device_y.view()}, *stream_);
      ExpectNear(device_x.Download(), wanted, [&](std::int64_t t, std::int64_t i) {
        return kUnit * std::abs(wanted[static_cast<std::size_t>(t * size + i)]);
      });
    }
  }
}

TEST_P(RowsTest, ScaleMatchesTheFormula) {
  for (std::int64_t size : kSizes) {
    for (std::int64_t tokens : kTokens) {
      const Matrix x = Matrix::Random(tokens, size, random_);
      const auto wanted = reference::Scale({.x = x.view(), .factor = 5.65f});
      const DeviceMatrix device_x = Upload(x);
      device_.kernels().scale({.x = device_x.view(), .factor = 5.65f}, *stream_);
      ExpectNear(device_x.Download(), wanted, [&](std::int64_t t, std::int64_t i) {
        return kUnit * std::abs(wanted[static_cast<std::size_t>(t * size + i)]);
      });
    }
  }
}

TEST_P(RowsTest, SoftCapMatchesTheFormula) {
  for (float cap : {0.1f, 1.0f, 30.0f}) {
    for (std::int64_t size : kSizes) {
      Matrix x = Matrix::Random(40, size, random_);
      // Rows of every magnitude, relative to the cap too.
      for (std::int64_t t = 0; t < 30; ++t) {
        for (std::int64_t i = 0; i < size; ++i) {
          x.Set(t, i, static_cast<float>(x.At(t, i) * std::pow(2.0, t - 20)));
        }
      }
      const auto wanted = reference::SoftCap({.x = x.view(), .cap = cap});
      const DeviceMatrix device_x = Upload(x);
      device_.kernels().soft_cap({.x = device_x.view(), .cap = cap}, *stream_);
      // Relative even where the result is small: the division, the power and the quotient.
      ExpectNear(device_x.Download(), wanted, [&](std::int64_t t, std::int64_t i) {
        return 12 * kUnit * std::abs(wanted[static_cast<std::size_t>(t * size + i)]);
      });
    }
  }
}

// Damaged weights show themselves by logits that are not finite.
TEST_P(RowsTest, SoftCapKeepsWhatIsNoNumber) {
  Matrix x(1, 9);  // every element is NaN until it is set
  for (std::int64_t i : {0, 1, 2, 4, 5, 6, 7}) x.Set(0, i, 1.0f);
  const DeviceMatrix device_x = Upload(x);
  device_.kernels().soft_cap({.x = device_x.view(), .cap = 30.0f}, *stream_);
  const Matrix capped = device_x.Download();
  for (std::int64_t i = 0; i < 9; ++i) EXPECT_EQ(std::isnan(capped.At(0, i)), i == 3 || i == 8);
}

TEST_P(RowsTest, EmbedRowsLooksUpAndAccumulates) {
  for (DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
    for (std::int64_t hidden : kSizes) {
      const Matrix table = Matrix::Random(11, hidden, random_, dtype);
      const std::vector<std::int32_t> ids = {10, 0, 3, 3, 7};
      for (bool accumulate : {false, true}) {
        const Matrix out = accumulate ? Matrix::Random(5, hidden, random_) : Matrix(5, hidden);
        const auto wanted = reference::EmbedRows({.table = table.view(),
                                                  .ids = ids.data(),
                                                  .out = out.view(),
                                                  .accumulate = accumulate});
        const auto imported = device_.ImportWeight(table.view());
        ASSERT_TRUE(imported.ok()) << imported.status();
        const DeviceArray device_ids = Upload(ids);
        const DeviceMatrix device_out = Upload(out);
        device_.kernels().embed_rows({.table = imported->view,
                                      .ids = device_ids.as<std::int32_t>(),
                                      .out = device_out.view(),
                                      .accumulate = accumulate},
                                     *stream_);
        ExpectNear(device_out.Download(), wanted, [&](std::int64_t t, std::int64_t i) {
          return accumulate ? kUnit * std::abs(wanted[static_cast<std::size_t>(t * hidden + i)])
                            : 0.0;
        });
      }
    }
  }
}

TEST_P(RowsTest, PoolMatchesTheFormula) {
  const std::vector<std::int32_t> cu_seqlens = {0, 1, 4, 40, 140};
  for (std::int64_t hidden : kSizes) {
    for (auto kind : {PoolArgs::Kind::kMean, PoolArgs::Kind::kFirst, PoolArgs::Kind::kLast}) {
      for (bool normalize : {false, true}) {
        const Matrix x = Matrix::Random(140, hidden, random_);
        const Matrix magnitude = x.Absolute();
        const Matrix out(4, hidden);
        PoolArgs args = {.x = x.view(),
                         .sequences = {.data = cu_seqlens.data(), .num_sequences = 4},
                         .out = out.view(),
                         .kind = kind,
                         .normalize = normalize};
        const auto wanted = reference::Pool(args);
        const auto plain = [&](const Matrix& from) {
          PoolArgs without = args;
          without.x = from.view();
          without.normalize = false;
          return reference::Pool(without);
        };
        const auto sums = plain(x);
        const auto bounds = plain(magnitude);
        const DeviceMatrix device_x = Upload(x);
        const DeviceMatrix device_out = Upload(out);
        const DeviceArray device_seqlens = Upload(cu_seqlens);
        args.x = device_x.view();
        args.out = device_out.view();
        args.sequences.data = device_seqlens.as<std::int32_t>();
        device_.kernels().pool(args, *stream_);
        // A mean over 100 tokens is added one token after the other.
        ExpectNear(device_out.Download(), wanted, [&](std::int64_t s, std::int64_t i) {
          const auto index = static_cast<std::size_t>(s * hidden + i);
          const double shrink = sums[index] == 0 ? 1 : std::abs(wanted[index] / sums[index]);
          return 100 * kUnit * bounds[index] * shrink + SumError(hidden) * std::abs(wanted[index]);
        });
      }
    }
  }
}

TEST_P(RowsTest, PoolLeavesAZeroVectorZero) {
  Matrix x(2, 9);
  for (std::int64_t i = 0; i < 9; ++i) {
    x.Set(0, i, 1);
    x.Set(1, i, -1);
  }
  const std::vector<std::int32_t> cu_seqlens = {0, 2};
  const DeviceMatrix device_x = Upload(x);
  const DeviceMatrix out = Upload(Matrix(1, 9));
  const DeviceArray device_seqlens = Upload(cu_seqlens);
  device_.kernels().pool(
      {.x = device_x.view(),
       .sequences = {.data = device_seqlens.as<std::int32_t>(), .num_sequences = 1},
       .out = out.view()},
      *stream_);
  ExpectNear(out.Download(), std::vector<double>(9, 0.0),
             [](std::int64_t, std::int64_t) { return 0.0; });
}

QUIRE_FOR_EVERY_DEVICE(RowsTest);

}  // namespace
}  // namespace quire::kernels
