#include "engine/quantization/inverse_factor.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "engine/quantization/parallel.h"

namespace quire::engine {
namespace {

constexpr std::int64_t kBlock = 64;  // columns that are factored together; rows of 512 bytes

// In eight sums, so that the compiler may use vectors.
double Dot(const double* a, const double* b, std::int64_t count) {
  std::array<double, 8> sums{};
  std::int64_t i = 0;
  for (; i + 8 <= count; i += 8) {
    for (std::size_t lane = 0; lane < 8; ++lane) {
      sums[lane] += a[i + static_cast<std::int64_t>(lane)] * b[i + static_cast<std::int64_t>(lane)];
    }
  }
  double total = 0;
  for (const double sum : sums) total += sum;
  for (; i < count; ++i) total += a[i] * b[i];
  return total;
}

// The block at the diagonal. False if it is not positive definite.
bool FactorDiagonal(double* a, std::int64_t n, std::int64_t begin, std::int64_t end) {
  for (std::int64_t i = begin; i < end; ++i) {
    double* row = a + i * n;
    for (std::int64_t j = begin; j <= i; ++j) {
      const double* other = a + j * n;
      const double rest = row[j] - Dot(row + begin, other + begin, j - begin);
      if (i != j) {
        row[j] = rest / other[j];
      } else if (!(rest > 0) || !std::isfinite(rest)) {
        return false;
      } else {
        row[j] = std::sqrt(rest);
      }
    }
  }
  return true;
}

// The lower Cholesky factor in place of the lower triangle.
bool Cholesky(double* a, std::int64_t n, int num_threads) {
  for (std::int64_t begin = 0; begin < n; begin += kBlock) {
    const std::int64_t end = std::min(n, begin + kBlock);
    ParallelFor(n - begin, num_threads, [&](std::int64_t piece) {
      double* row = a + (begin + piece) * n;
      for (std::int64_t j = begin; j < std::min(end, begin + piece + 1); ++j) {
        row[j] -= Dot(row, a + j * n, begin);
      }
    });
    if (!FactorDiagonal(a, n, begin, end)) return false;
    ParallelFor(n - end, num_threads, [&](std::int64_t piece) {
      double* row = a + (end + piece) * n;
      for (std::int64_t j = begin; j < end; ++j) {
        const double* other = a + j * n;
        row[j] = (row[j] - Dot(row + begin, other + begin, j - begin)) / other[j];
      }
    });
  }
  return true;
}

// Columns [begin, begin + width) of the inverse of the lower triangular `a`, row by row.
void InvertStrip(const double* a, std::int64_t n, std::int64_t begin, std::int64_t width,
                 double* strip) {  // [n, width]
  std::fill(strip, strip + n * width, 0.0);
  for (std::int64_t i = begin; i < n; ++i) {
    double* to = strip + i * width;
    for (std::int64_t k = begin; k < i; ++k) {
      const double factor = a[i * n + k];
      const double* from = strip + k * width;
      for (std::int64_t c = 0; c < width; ++c) to[c] -= factor * from[c];
    }
    if (i - begin < width) to[i - begin] += 1;
    for (std::int64_t c = 0; c < width; ++c) to[c] /= a[i * n + i];
  }
}

}  // namespace

std::vector<float> InverseUpperFactor(std::span<double> h, std::int64_t n, int num_threads) {
  std::reverse(h.begin(), h.end());  // rows and columns from the other end
  double* const a = h.data();
  if (!Cholesky(a, n, num_threads)) return {};
  std::vector<float> upper(static_cast<std::size_t>(n * n));
  const std::int64_t strips = (n + kBlock - 1) / kBlock;
  const int workers = static_cast<int>(std::clamp<std::int64_t>(strips, 1, num_threads));
  std::vector<double> scratch(static_cast<std::size_t>(workers * n * kBlock));
  // Worker by worker, so that each has scratch memory of its own.
  ParallelFor(workers, workers, [&](std::int64_t worker) {
    double* const strip = scratch.data() + worker * n * kBlock;
    for (std::int64_t s = worker; s < strips; s += workers) {
      const std::int64_t begin = s * kBlock;
      const std::int64_t width = std::min(kBlock, n - begin);
      InvertStrip(a, n, begin, width, strip);
      for (std::int64_t i = begin; i < n; ++i) {
        for (std::int64_t c = 0; c < std::min(width, i - begin + 1); ++c) {
          const std::int64_t row = n - 1 - i;
          const std::int64_t col = n - 1 - (begin + c);
          upper[static_cast<std::size_t>(row * n + col)] = static_cast<float>(strip[i * width + c]);
        }
      }
    }
  });
  return upper;
}

}  // namespace quire::engine
