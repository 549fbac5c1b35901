#include <charconv>
#include <cmath>
#include <cstdlib>
#include <optional>

#include "engine/tokenizer/jinja/arguments.h"
#include "engine/tokenizer/jinja/characters.h"
#include "engine/tokenizer/jinja/filters.h"
#include "engine/tokenizer/jinja/operators.h"

namespace quire::engine::jinja {
namespace {

// A number in decimal notation with whitespace around it; nothing if it is none.
std::optional<double> ParseFloat(const Text& text) {
  const Text stripped = Strip(text, Side::kBoth, std::nullopt);
  std::string_view digits = stripped.view();
  if (digits.starts_with('+')) digits.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

std::optional<std::int64_t> ParseInteger(const Text& text, int base) {
  const Text stripped = Strip(text, Side::kBoth, std::nullopt);
  std::string_view digits = stripped.view();
  if (digits.starts_with('+')) digits.remove_prefix(1);
  std::int64_t value = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

StatusOr<Value> IntFilter(const Value& input, const Arguments& arguments, Runtime&) {
  QUIRE_ASSIGN_OR_RETURN(const auto bound,
                         BoundArguments::Bind("int", arguments, {"default", "base"}, 0));
  QUIRE_ASSIGN_OR_RETURN(const std::int64_t base, bound.Integer(1, 10));
  if (base < 2 || base > 36) return InvalidArgument("int: wanted a base of 2 to 36, have {}", base);
  if (input.is_undefined()) return InvalidArgument("{}", input.UndefinedMessage());
  if (input.is_integral()) return Value::Integer(input.integer());
  std::optional<double> number;
  if (input.is(Value::Kind::kFloat)) number = input.number();
  if (input.is_text()) {
    if (const auto value = ParseInteger(input.text(), static_cast<int>(base))) {
      return Value::Integer(*value);
    }
    number = ParseFloat(input.text());
  }
  if (number && std::abs(*number) < 9e18) return Value::Integer(static_cast<std::int64_t>(*number));
  return bound[0] == nullptr ? Value::Integer(0) : *bound[0];
}

StatusOr<Value> FloatFilter(const Value& input, const Arguments& arguments, Runtime&) {
  QUIRE_ASSIGN_OR_RETURN(const auto bound,
                         BoundArguments::Bind("float", arguments, {"default"}, 0));
  if (input.is_undefined()) return InvalidArgument("{}", input.UndefinedMessage());
  if (input.is_number()) return Value::Float(input.number());
  if (input.is_text()) {
    if (const auto value = ParseFloat(input.text())) return Value::Float(*value);
  }
  return bound[0] == nullptr ? Value::Float(0) : *bound[0];
}

StatusOr<Value> AbsFilter(const Value& input, const Arguments&, Runtime&) {
  if (!input.is_number()) return InvalidArgument("abs: wanted a number, have {}", TypeName(input));
  if (input.is(Value::Kind::kFloat)) return Value::Float(std::abs(input.number()));
  return input.integer() < 0 ? Negate(input) : Value::Integer(input.integer());
}

StatusOr<Value> RoundFilter(const Value& input, const Arguments& arguments, Runtime&) {
  QUIRE_ASSIGN_OR_RETURN(const auto bound,
                         BoundArguments::Bind("round", arguments, {"precision", "method"}, 0));
  QUIRE_ASSIGN_OR_RETURN(const std::int64_t precision, bound.Integer(0, 0));
  const Text common("common", Origin::kTemplate);
  QUIRE_ASSIGN_OR_RETURN(const Text* method, bound.GetText(1, &common));
  if (!input.is_number() || precision < 0 || precision > 15) {
    return InvalidArgument("round: wanted a number and a precision of 0 to 15, have {} and {}",
                           TypeName(input), precision);
  }
  const double scale = std::pow(10.0, static_cast<double>(precision));
  if (method->bytes() == "ceil") return Value::Float(std::ceil(input.number() * scale) / scale);
  if (method->bytes() == "floor") return Value::Float(std::floor(input.number() * scale) / scale);
  if (method->bytes() != "common") {
    return InvalidArgument("round: wanted common, ceil or floor, have {}", method->bytes());
  }
  if (input.is_integral()) return Value::Integer(input.integer());
  // Correct rounding of the decimal expansion, ties to even, is what printf does.
  return Value::Float(
      std::strtod(fmt::format("{:.{}f}", input.number(), precision).c_str(), nullptr));
}

constexpr Filter kNumberFilters[] = {
    {"int", IntFilter},
    {"float", FloatFilter},
    {"abs", AbsFilter},
    {"round", RoundFilter},
};

}  // namespace

std::span<const Filter> NumberFilters() { return kNumberFilters; }

}  // namespace quire::engine::jinja
