#include <cmath>
#include <limits>

#include "engine/tokenizer/jinja/operators.h"
#include "engine/tokenizer/jinja/percent_format.h"
#include "engine/tokenizer/jinja/runtime.h"

namespace quire::engine::jinja {
namespace {

using Kind = Value::Kind;

Status Unsupported(std::string_view op, const Value& a, const Value& b) {
  if (a.is_undefined()) return InvalidArgument("{}", a.UndefinedMessage());
  if (b.is_undefined()) return InvalidArgument("{}", b.UndefinedMessage());
  return InvalidArgument("operator {}: wanted operands that go together, have {} and {}", op,
                         TypeName(a), TypeName(b));
}

Status Overflow() { return InvalidArgument("integer: wanted one of 64 bits, have a larger one"); }
Status DivisionByZero() { return InvalidArgument("division: wanted a divisor, have zero"); }

// Rounds toward minus infinity. Requires: b is not zero, and the quotient fits.
std::int64_t FloorDivide(std::int64_t a, std::int64_t b) {
  const std::int64_t quotient = a / b;
  return quotient - (a % b != 0 && (a % b < 0) != (b < 0) ? 1 : 0);
}

double FloorModulo(double a, double b) {
  const double remainder = std::fmod(a, b);
  return remainder != 0 && (remainder < 0) != (b < 0) ? remainder + b : remainder;
}

StatusOr<Value> IntegerPower(std::int64_t base, std::int64_t exponent) {
  std::int64_t result = 1;
  while (exponent > 0) {
    if ((exponent & 1) != 0 && __builtin_mul_overflow(result, base, &result)) return Overflow();
    exponent >>= 1;
    if (exponent > 0 && __builtin_mul_overflow(base, base, &base)) return Overflow();
  }
  return Value::Integer(result);
}

StatusOr<Value> ApplyToIntegers(BinaryOperator op, std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  switch (op) {
    case BinaryOperator::kAdd:
      if (__builtin_add_overflow(a, b, &result)) return Overflow();
      return Value::Integer(result);
    case BinaryOperator::kSubtract:
      if (__builtin_sub_overflow(a, b, &result)) return Overflow();
      return Value::Integer(result);
    case BinaryOperator::kMultiply:
      if (__builtin_mul_overflow(a, b, &result)) return Overflow();
      return Value::Integer(result);
    case BinaryOperator::kDivide:
      if (b == 0) return DivisionByZero();
      return Value::Float(static_cast<double>(a) / static_cast<double>(b));
    case BinaryOperator::kFloorDivide:
    case BinaryOperator::kModulo:
      if (b == 0) return DivisionByZero();
      if (a == std::numeric_limits<std::int64_t>::min() && b == -1) return Overflow();
      if (op == BinaryOperator::kFloorDivide) return Value::Integer(FloorDivide(a, b));
      return Value::Integer(a - FloorDivide(a, b) * b);
    case BinaryOperator::kPower:
      if (b >= 0) return IntegerPower(a, b);
      if (a == 0) return DivisionByZero();
      return Value::Float(std::pow(static_cast<double>(a), static_cast<double>(b)));
  }
  return Overflow();
}

StatusOr<Value> ApplyToFloats(BinaryOperator op, double a, double b) {
  switch (op) {
    case BinaryOperator::kAdd:
      return Value::Float(a + b);
    case BinaryOperator::kSubtract:
      return Value::Float(a - b);
    case BinaryOperator::kMultiply:
      return Value::Float(a * b);
    case BinaryOperator::kDivide:
      if (b == 0) return DivisionByZero();
      return Value::Float(a / b);
    case BinaryOperator::kFloorDivide:
      if (b == 0) return DivisionByZero();
      return Value::Float(std::floor(a / b));
    case BinaryOperator::kModulo:
      if (b == 0) return DivisionByZero();
      return Value::Float(FloorModulo(a, b));
    case BinaryOperator::kPower:
      return Value::Float(std::pow(a, b));
  }
  return Overflow();
}

StatusOr<Value> Concatenate(const Value& a, const Value& b, Runtime& runtime) {
  if (a.is_text()) {
    QUIRE_RETURN_IF_ERROR(runtime.budget().TextSize(a.text().size() + b.text().size()));
    Text joined = a.text();
    joined.Append(b.text());
    return runtime.arena().NewText(std::move(joined));
  }
  QUIRE_RETURN_IF_ERROR(runtime.budget().Bytes(
      (a.sequence().items.size() + b.sequence().items.size()) * sizeof(Value)));
  std::vector<Value> items = a.sequence().items;
  items.insert(items.end(), b.sequence().items.begin(), b.sequence().items.end());
  return runtime.arena().NewSequence(a.sequence().kind, std::move(items));
}

bool IsListOrTuple(const Value& value) {
  return value.is(Kind::kSequence) && (value.sequence().kind == Sequence::Kind::kList ||
                                       value.sequence().kind == Sequence::Kind::kTuple);
}

StatusOr<Value> Repeat(const Value& value, std::int64_t count, Runtime& runtime) {
  const std::size_t size = value.is_text() ? value.text().size() : value.sequence().items.size();
  const std::size_t times = count <= 0 ? 0 : static_cast<std::size_t>(count);
  std::size_t total = 0;
  if (__builtin_mul_overflow(size, times, &total)) total = SIZE_MAX / 2;
  if (value.is_text()) {
    QUIRE_RETURN_IF_ERROR(runtime.budget().TextSize(total));
    Text repeated;
    for (std::size_t i = 0; size > 0 && i < times; ++i) repeated.Append(value.text());
    return runtime.arena().NewText(std::move(repeated));
  }
  if (total > static_cast<std::size_t>(runtime.budget().limits().total_bytes)) {
    return ResourceExhausted("list: wanted one that fits into {} bytes, have {} elements",
                             runtime.budget().limits().total_bytes, total);
  }
  QUIRE_RETURN_IF_ERROR(runtime.budget().Bytes(total * sizeof(Value)));
  std::vector<Value> items;
  for (std::size_t i = 0; size > 0 && i < times; ++i) {
    items.insert(items.end(), value.sequence().items.begin(), value.sequence().items.end());
  }
  return runtime.arena().NewSequence(value.sequence().kind, std::move(items));
}

std::string_view Symbol(BinaryOperator op) {
  switch (op) {
    case BinaryOperator::kAdd:
      return "+";
    case BinaryOperator::kSubtract:
      return "-";
    case BinaryOperator::kMultiply:
      return "*";
    case BinaryOperator::kDivide:
      return "/";
    case BinaryOperator::kFloorDivide:
      return "//";
    case BinaryOperator::kModulo:
      return "%";
    case BinaryOperator::kPower:
      return "**";
  }
  return "?";
}

}  // namespace

StatusOr<Value> Apply(BinaryOperator op, const Value& a, const Value& b, Runtime& runtime) {
  if (a.is_integral() && b.is_integral()) return ApplyToIntegers(op, a.integer(), b.integer());
  if (a.is_number() && b.is_number()) return ApplyToFloats(op, a.number(), b.number());
  if (op == BinaryOperator::kAdd) {
    const bool same_sequence =
        IsListOrTuple(a) && IsListOrTuple(b) && a.sequence().kind == b.sequence().kind;
    if ((a.is_text() && b.is_text()) || same_sequence) return Concatenate(a, b, runtime);
  }
  if (op == BinaryOperator::kMultiply) {
    if ((a.is_text() || IsListOrTuple(a)) && b.is_integral())
      return Repeat(a, b.integer(), runtime);
    if ((b.is_text() || IsListOrTuple(b)) && a.is_integral())
      return Repeat(b, a.integer(), runtime);
  }
  if (op == BinaryOperator::kModulo && a.is_text()) return PercentFormat(a.text(), b, runtime);
  return Unsupported(Symbol(op), a, b);
}

StatusOr<Value> Negate(const Value& value) {
  if (value.is(Kind::kFloat)) return Value::Float(-value.number());
  if (value.is_integral()) return ApplyToIntegers(BinaryOperator::kSubtract, 0, value.integer());
  if (value.is_undefined()) return InvalidArgument("{}", value.UndefinedMessage());
  return InvalidArgument("operator -: wanted a number, have {}", TypeName(value));
}

}  // namespace quire::engine::jinja
