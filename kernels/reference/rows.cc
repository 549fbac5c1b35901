#include <cmath>

#include "kernels/half.h"
#include "kernels/reference/reference.h"

namespace quire::kernels::reference {
namespace {

// Values of f(row, column) for every element of a matrix.
template <typename Formula>
std::vector<double> ForEach(const MatrixView& shape, const Formula& formula) {
  std::vector<double> out;
  for (std::int64_t t = 0; t < shape.rows; ++t) {
    for (std::int64_t i = 0; i < shape.cols; ++i) out.push_back(formula(t, i));
  }
  return out;
}

double Activate(ActivationKind kind, double x) {
  switch (kind) {
    case ActivationKind::kSilu:
      return x / (1 + std::exp(-x));
    case ActivationKind::kGelu:
      return x / 2 * std::erfc(-x / std::sqrt(2.0));
    case ActivationKind::kGeluTanh:  // (1 + tanh u) / 2 = 1 / (1 + e^-2u), without cancellation
      return x / (1 + std::exp(-2 * std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    case ActivationKind::kRelu:
      return x > 0 ? x : 0;
  }
  return 0;
}

}  // namespace

double At(const MatrixView& m, std::int64_t row, std::int64_t col) {
  const std::int64_t index = row * m.row_stride + col;
  switch (m.dtype) {
    case DType::kF32:
      return static_cast<const float*>(m.data)[index];
    case DType::kF16:
      return F16ToF32(static_cast<const std::uint16_t*>(m.data)[index]);
    case DType::kBF16:
      return BF16ToF32(static_cast<const std::uint16_t*>(m.data)[index]);
    case DType::kI32:
      return static_cast<const std::int32_t*>(m.data)[index];
    case DType::kU8:
      return static_cast<const std::uint8_t*>(m.data)[index];
    case DType::kI8:
      return static_cast<const std::int8_t*>(m.data)[index];
    case DType::kF8E4M3:
      return F8E4M3ToF32(static_cast<const std::uint8_t*>(m.data)[index]);
  }
  return 0;
}

std::vector<double> EmbedRows(const EmbedRowsArgs& args) {
  return ForEach(args.out, [&](std::int64_t t, std::int64_t i) {
    const double before = args.accumulate ? At(args.out, t, i) : 0;
    return before + At(args.table, args.ids[t], i);
  });
}

std::vector<double> RmsNorm(const RmsNormArgs& args) {
  const auto hidden = static_cast<double>(args.x.cols);
  std::vector<double> out;
  for (std::int64_t t = 0; t < args.x.rows; ++t) {
    double mean_square = 0;
    for (std::int64_t j = 0; j < args.x.cols; ++j) {
      mean_square += At(args.x, t, j) * At(args.x, t, j) / hidden;
    }
    for (std::int64_t i = 0; i < args.x.cols; ++i) {
      out.push_back(At(args.weight, 0, i) * At(args.x, t, i) /
                    std::sqrt(mean_square + args.epsilon));
    }
  }
  return out;
}

std::vector<double> LayerNorm(const LayerNormArgs& args) {
  const auto hidden = static_cast<double>(args.x.cols);
  std::vector<double> out;
  for (std::int64_t t = 0; t < args.x.rows; ++t) {
    double mean = 0;
    for (std::int64_t j = 0; j < args.x.cols; ++j) mean += At(args.x, t, j) / hidden;
    double variance = 0;
    for (std::int64_t j = 0; j < args.x.cols; ++j) {
      variance += std::pow(At(args.x, t, j) - mean, 2) / hidden;
    }
    for (std::int64_t i = 0; i < args.x.cols; ++i) {
      out.push_back(At(args.weight, 0, i) * (At(args.x, t, i) - mean) /
                        std::sqrt(variance + args.epsilon) +
                    At(args.bias, 0, i));
    }
  }
  return out;
}

std::vector<double> Linear(const LinearArgs& args) {
  return ForEach(args.y, [&](std::int64_t t, std::int64_t j) {
    double sum = args.accumulate ? At(args.y, t, j) : 0;
    if (args.bias.data != nullptr) sum += At(args.bias, 0, j);
    for (std::int64_t i = 0; i < args.x.cols; ++i) sum += At(args.x, t, i) * At(args.weight, j, i);
    return sum;
  });
}

std::vector<double> Rope(const RopeArgs& args) {
  const std::int64_t half = args.rotary_dim / 2;
  return ForEach(args.x, [&](std::int64_t t, std::int64_t column) {
    const std::int64_t i = column % args.head_dim;
    if (i >= args.rotary_dim) return At(args.x, t, column);
    const double angle = static_cast<double>(args.positions[t]) *
                         static_cast<double>(args.inverse_frequency[i % half]);
    const double other = i < half ? -At(args.x, t, column + half) : At(args.x, t, column - half);
    return args.attention_factor *
           (At(args.x, t, column) * std::cos(angle) + other * std::sin(angle));
  });
}

std::vector<double> GatedActivation(const GatedActivationArgs& args) {
  return ForEach(args.gate, [&](std::int64_t t, std::int64_t i) {
    return Activate(args.kind, At(args.gate, t, i)) * At(args.up, t, i);
  });
}

std::vector<double> Activation(const ActivationArgs& args) {
  return ForEach(args.x, [&](std::int64_t t, std::int64_t i) {
    return Activate(args.kind, At(args.x, t, i));
  });
}

std::vector<double> Add(const AddArgs& args) {
  return ForEach(
      args.x, [&](std::int64_t t, std::int64_t i) { return At(args.x, t, i) + At(args.y, t, i); });
}

std::vector<double> Scale(const ScaleArgs& args) {
  return ForEach(args.x, [&](std::int64_t t, std::int64_t i) {
    return static_cast<double>(args.factor) * At(args.x, t, i);
  });
}

std::vector<double> SoftCap(const SoftCapArgs& args) {
  const double cap = args.cap;
  return ForEach(args.x, [&](std::int64_t t, std::int64_t i) {
    return cap * std::tanh(At(args.x, t, i) / cap);
  });
}

std::vector<double> Pool(const PoolArgs& args) {
  std::vector<double> out;
  for (std::int32_t s = 0; s < args.sequences.num_sequences; ++s) {
    const std::int32_t begin = args.sequences.data[s];
    const std::int32_t end = args.sequences.data[s + 1];
    std::vector<double> row(static_cast<std::size_t>(args.x.cols));
    double squares = 0;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const auto column = static_cast<std::int64_t>(i);
      switch (args.kind) {
        case PoolArgs::Kind::kFirst:
          row[i] = At(args.x, begin, column);
          break;
        case PoolArgs::Kind::kLast:
          row[i] = At(args.x, end - 1, column);
          break;
        case PoolArgs::Kind::kMean:
          for (std::int32_t t = begin; t < end; ++t)
            row[i] += At(args.x, t, column) / (end - begin);
          break;
      }
      squares += row[i] * row[i];
    }
    const double norm = args.normalize && squares > 0 ? std::sqrt(squares) : 1;
    for (double value : row) out.push_back(value / norm);
  }
  return out;
}

}  // namespace quire::kernels::reference
