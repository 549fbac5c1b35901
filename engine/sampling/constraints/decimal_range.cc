#include "engine/sampling/constraints/decimal_range.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>

namespace quire::engine::constraints {
namespace {

constexpr int kMaxDigits = 18;

std::int64_t PowerOfTen(int exponent) {
  std::int64_t power = 1;
  for (int i = 0; i < exponent; ++i) power *= 10;
  return power;
}

// Numbers between two with equally many digits, read digit by digit. What decides is whether the
// digits so far equal those of a bound: such a bound still limits the next digit.
class DigitRange {
 public:
  DigitRange(std::int64_t min, std::int64_t max, int integer_digits, int fraction_digits, NodeId to,
             Nfa& nfa)
      : num_digits_(integer_digits + fraction_digits),
        integer_digits_(integer_digits),
        min_(fmt::format("{:0{}}", min, num_digits_)),
        max_(fmt::format("{:0{}}", max, num_digits_)),
        to_(to),
        nfa_(nfa) {}

  void Add(NodeId from) { AddDigits(from, 0, {.at_min = true, .at_max = true}); }

 private:
  struct Tight {
    bool at_min = false;  // the digits so far are those of min_
    bool at_max = false;
  };

  // Digit `position` and those after it, from `from`.
  void AddDigits(NodeId from, int position, Tight tight) {
    const auto i = static_cast<std::size_t>(position);
    const char low = tight.at_min ? min_[i] : '0';
    const char high = tight.at_max ? max_[i] : '9';
    for (char digit = low; digit <= high;) {
      const Tight next = {.at_min = tight.at_min && digit == min_[i],
                          .at_max = tight.at_max && digit == max_[i]};
      char last = digit;
      // Digits between the bounds all lead to the same place.
      if (!next.at_min && !next.at_max) {
        last = tight.at_max ? static_cast<char>(high - 1) : high;
      }
      nfa_.AddBytes(from, {static_cast<std::uint8_t>(digit), static_cast<std::uint8_t>(last)},
                    After(position + 1, next));
      digit = static_cast<char>(last + 1);
    }
  }

  // The node after `position` digits.
  NodeId After(int position, Tight tight) {
    NodeId& node = after_[static_cast<std::size_t>(position)][tight.at_min][tight.at_max];
    if (node != 0) return node;
    node = nfa_.AddNode();
    const NodeId made = node;
    if (MayEnd(position, tight)) nfa_.AddEpsilon(made, to_);
    if (position == num_digits_) return made;
    NodeId digits = made;
    if (position == integer_digits_) {
      digits = nfa_.AddNode();
      nfa_.AddLiteral(made, ".", digits);
    }
    AddDigits(digits, position, tight);
    return made;
  }

  // Digits that are left out are zeros.
  bool MayEnd(int position, Tight tight) const {
    if (position < integer_digits_) return false;
    const auto rest = min_.begin() + position;
    return !tight.at_min || std::all_of(rest, min_.end(), [](char c) { return c == '0'; });
  }

  const int num_digits_;
  const int integer_digits_;
  const std::string min_;
  const std::string max_;
  const NodeId to_;
  Nfa& nfa_;
  std::array<std::array<std::array<NodeId, 2>, 2>, kMaxDigits + 1> after_{};  // 0: not there yet
};

// As AddDecimals, for 0 <= min <= max.
void AddMagnitudes(std::int64_t min, std::int64_t max, int fraction_digits, NodeId from, NodeId to,
                   Nfa& nfa) {
  for (int digits = 1; digits + fraction_digits <= kMaxDigits; ++digits) {
    const std::int64_t first = digits == 1 ? 0 : PowerOfTen(digits - 1 + fraction_digits);
    const std::int64_t last = PowerOfTen(digits + fraction_digits) - 1;
    const std::int64_t low = std::max(min, first);
    const std::int64_t high = std::min(max, last);
    if (low <= high) DigitRange(low, high, digits, fraction_digits, to, nfa).Add(from);
  }
}

}  // namespace

void AddDecimals(std::int64_t min, std::int64_t max, int fraction_digits, NodeId from, NodeId to,
                 Nfa& nfa) {
  if (min > max) return;
  if (min < 0) {
    const NodeId digits = nfa.AddNode();
    nfa.AddLiteral(from, "-", digits);
    AddMagnitudes(max < 0 ? -max : 1, -min, fraction_digits, digits, to, nfa);
  }
  if (max >= 0) AddMagnitudes(std::max<std::int64_t>(min, 0), max, fraction_digits, from, to, nfa);
}

}  // namespace quire::engine::constraints
