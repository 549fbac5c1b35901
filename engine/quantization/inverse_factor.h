#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace quire::engine {

// The upper triangular U with U^T U = H^-1 for the symmetric H [n, n], f64, which is overwritten:
// the Cholesky factor of the inverse, without the inverse. If R is upper triangular with R R^T = H,
// which is the Cholesky factor of H read from its other end, then U = R^-1.
//
// Returns U [n, n] as f32, zeros below the diagonal; nothing if H is not positive definite to f64.
// Source: Golub and Van Loan, "Matrix Computations", 4th edition, 4.2.
std::vector<float> InverseUpperFactor(std::span<double> h, std::int64_t n, int num_threads);

}  // namespace quire::engine
