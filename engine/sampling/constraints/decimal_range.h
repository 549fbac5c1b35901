#pragma once

#include <cstdint>

#include "engine/sampling/constraints/nfa.h"

namespace quire::engine::constraints {

// Largest absolute value below, in units: 18 digits.
inline constexpr std::int64_t kMaxDecimalUnits = 999'999'999'999'999'999;

// Numbers from `min` to `max`, in units of 10^-fraction_digits, as JSON without an exponent: an
// integer part without leading zeros and, if fraction_digits is positive, optionally a point and 1
// to fraction_digits digits. Nothing if min > max. Negative zero is left out. Requires: |min|,
// |max| <= kMaxDecimalUnits, 0 <= fraction_digits < 18.
void AddDecimals(std::int64_t min, std::int64_t max, int fraction_digits, NodeId from, NodeId to,
                 Nfa& nfa);

}  // namespace quire::engine::constraints
