#include "engine/tokenizer/jinja/python_text.h"

#include <unicode/uchar.h>

#include <charconv>
#include <cmath>

#include "base/utf8.h"
#include "engine/tokenizer/jinja/characters.h"
#include "engine/tokenizer/jinja/operators.h"
#include "engine/tokenizer/jinja/runtime.h"

namespace quire::engine::jinja {
namespace {

using Kind = Value::Kind;

bool IsPrintable(char32_t c) {
  if (c == ' ') return true;
  constexpr std::uint32_t kNotPrintable = U_GC_C_MASK | U_GC_Z_MASK;
  return (U_GET_GC_MASK(static_cast<UChar32>(c)) & kNotPrintable) == 0;
}

std::string PythonEscape(char32_t c) {
  switch (c) {
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    case '\\':
      return "\\\\";
    default:
      break;
  }
  const auto code = static_cast<std::uint32_t>(c);
  if (code <= 0xFF) return fmt::format("\\x{:02x}", code);
  if (code <= 0xFFFF) return fmt::format("\\u{:04x}", code);
  return fmt::format("\\U{:08x}", code);
}

// In single quotes, or double ones if that avoids escaping.
Text ReprOfText(const Text& text) {
  const bool has_single = text.view().find('\'') != std::string_view::npos;
  const bool has_double = text.view().find('"') != std::string_view::npos;
  const char quote = has_single && !has_double ? '"' : '\'';
  Text repr(std::string(1, quote), Origin::kTemplate);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = NextCharacter(text.view(), at);
    const char32_t c = DecodeUtf8(text.view(), at).code_point;
    if (c == static_cast<char32_t>(quote)) {
      repr.Append(std::string{'\\', quote}, text.OriginAt(at));
    } else if (c == '\\' || !IsPrintable(c)) {
      repr.Append(PythonEscape(c), text.OriginAt(at));
    } else {
      repr.AppendSlice(text, at, end);
    }
    at = end;
  }
  repr.Append(std::string(1, quote), Origin::kTemplate);
  return repr;
}

Status AppendRepr(const Value& value, Runtime& runtime, Text& out) {
  QUIRE_ASSIGN_OR_RETURN(const Text repr, Repr(value, runtime));
  QUIRE_RETURN_IF_ERROR(runtime.budget().TextSize(out.size() + repr.size()));
  QUIRE_RETURN_IF_ERROR(runtime.budget().Bytes(repr.size()));
  out.Append(repr);
  return OkStatus();
}

StatusOr<Text> ReprOfSequence(const Sequence& sequence, Runtime& runtime) {
  if (sequence.kind == Sequence::Kind::kRange) return Text(sequence.repr, Origin::kTemplate);
  if (sequence.kind == Sequence::Kind::kGenerator) return Text("<generator>", Origin::kTemplate);
  const Nesting nesting(runtime.budget());
  QUIRE_RETURN_IF_ERROR(nesting.status());
  const bool tuple = sequence.kind == Sequence::Kind::kTuple;
  Text out(tuple ? "(" : "[", Origin::kTemplate);
  for (std::size_t i = 0; i < sequence.items.size(); ++i) {
    if (i > 0) out.Append(", ", Origin::kTemplate);
    QUIRE_RETURN_IF_ERROR(AppendRepr(sequence.items[i], runtime, out));
  }
  if (tuple && sequence.items.size() == 1) out.Append(",", Origin::kTemplate);
  out.Append(tuple ? ")" : "]", Origin::kTemplate);
  return out;
}

StatusOr<Text> ReprOfDict(const Dict& dict, Runtime& runtime) {
  const Nesting nesting(runtime.budget());
  QUIRE_RETURN_IF_ERROR(nesting.status());
  Text out("{", Origin::kTemplate);
  bool first = true;
  for (const auto& [key, value] : dict.entries()) {
    if (!first) out.Append(", ", Origin::kTemplate);
    first = false;
    QUIRE_RETURN_IF_ERROR(AppendRepr(key, runtime, out));
    out.Append(": ", Origin::kTemplate);
    QUIRE_RETURN_IF_ERROR(AppendRepr(value, runtime, out));
  }
  out.Append("}", Origin::kTemplate);
  return out;
}

}  // namespace

std::string FloatRepr(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  // "d.ddde+XX" with as many digits as it takes.
  char buffer[64];
  const auto [end, error] =
      std::to_chars(buffer, buffer + sizeof(buffer), value, std::chars_format::scientific);
  const std::string scientific(buffer, end);
  const std::size_t e = scientific.find('e');
  const int exponent = std::atoi(scientific.c_str() + e + 1);
  if (exponent < -4 || exponent >= 16) {
    return fmt::format("{}e{}{:02}", scientific.substr(0, e), exponent < 0 ? '-' : '+',
                       std::abs(exponent));
  }
  const auto fixed =
      std::to_chars(buffer, buffer + sizeof(buffer), value, std::chars_format::fixed);
  std::string text(buffer, fixed.ptr);
  if (text.find('.') == std::string::npos) text += ".0";
  return text;
}

StatusOr<Text> Repr(const Value& value, Runtime& runtime) {
  QUIRE_RETURN_IF_ERROR(runtime.budget().Step());
  switch (value.kind()) {
    case Kind::kUndefined:
      return Text("Undefined", Origin::kTemplate);
    case Kind::kNone:
      return Text("None", Origin::kTemplate);
    case Kind::kBool:
      return Text(value.boolean() ? "True" : "False", Origin::kTemplate);
    case Kind::kInteger:
      return Text(std::to_string(value.integer()), Origin::kTemplate);
    case Kind::kFloat:
      return Text(FloatRepr(value.number()), Origin::kTemplate);
    case Kind::kText:
      QUIRE_RETURN_IF_ERROR(runtime.budget().TextSize(value.text().size()));
      return ReprOfText(value.text());
    case Kind::kSequence:
      return ReprOfSequence(value.sequence(), runtime);
    case Kind::kDict:
      return ReprOfDict(value.dict(), runtime);
    case Kind::kNamespace:
    case Kind::kCallable:
    case Kind::kLoop:
      return Text("<" + TypeName(value) + ">", Origin::kTemplate);
  }
  return Text();
}

StatusOr<Value> Str(const Value& value, Runtime& runtime) {
  if (value.is_text()) return value;
  if (value.is_undefined()) return runtime.arena().NewText("", Origin::kTemplate);
  QUIRE_ASSIGN_OR_RETURN(Text text, Repr(value, runtime));
  return runtime.arena().NewText(std::move(text));
}

}  // namespace quire::engine::jinja
