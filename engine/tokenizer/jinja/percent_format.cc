#include "engine/tokenizer/jinja/percent_format.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/utf8.h"
#include "engine/tokenizer/jinja/characters.h"
#include "engine/tokenizer/jinja/operators.h"
#include "engine/tokenizer/jinja/python_text.h"
#include "engine/tokenizer/jinja/runtime.h"

namespace quire::engine::jinja {
namespace {

// Beyond this no template has a use for padding.
constexpr std::int64_t kMaxWidth = 10'000;

// "%-08.3f" taken apart.
struct Conversion {
  std::string name;  // of "%(name)s"
  bool has_name = false;
  std::string flags;  // of "-+ 0#"
  std::int64_t width = 0;
  std::int64_t precision = -1;  // -1: none
  char type = 0;

  bool Has(char flag) const { return flags.find(flag) != std::string::npos; }
};

// Hands out the arguments: one after the other, or by name.
class ArgumentSource {
 public:
  explicit ArgumentSource(const Value& arguments) : arguments_(arguments) {
    is_tuple_ =
        arguments.is(Value::Kind::kSequence) && arguments.sequence().kind == Sequence::Kind::kTuple;
  }

  StatusOr<Value> Next() {
    const std::size_t count = is_tuple_ ? arguments_.sequence().items.size() : 1;
    if (used_ >= count) {
      return InvalidArgument("operator %: wanted more arguments, have {}", count);
    }
    const std::size_t index = used_++;
    return is_tuple_ ? arguments_.sequence().items[index] : arguments_;
  }
  StatusOr<Value> Named(const std::string& name) {
    named_ = true;
    const Value* value = arguments_.is(Value::Kind::kDict) ? arguments_.dict().Find(name) : nullptr;
    if (value == nullptr)
      return InvalidArgument("operator %: wanted a value \"{}\", have none", name);
    return *value;
  }
  Status CheckAllUsed() const {
    const bool is_dict = arguments_.is(Value::Kind::kDict);
    const std::size_t count = is_tuple_ ? arguments_.sequence().items.size() : 1;
    if (named_ || is_dict || used_ >= count) return OkStatus();
    return InvalidArgument("operator %: wanted {} arguments, have {}", used_, count);
  }

 private:
  const Value& arguments_;
  bool is_tuple_ = false;
  bool named_ = false;
  std::size_t used_ = 0;
};

Status Unfinished() { return InvalidArgument("operator %: wanted a conversion, have the end"); }

StatusOr<std::int64_t> ParseNumber(std::string_view format, std::size_t& at) {
  std::int64_t number = 0;
  for (; at < format.size() && format[at] >= '0' && format[at] <= '9'; ++at) {
    number = number * 10 + (format[at] - '0');
    if (number > kMaxWidth) {
      return InvalidArgument("operator %: wanted a width of at most {}, have more", kMaxWidth);
    }
  }
  return number;
}

// Parses the conversion behind the "%" at format[at - 1].
StatusOr<Conversion> ParseConversion(std::string_view format, std::size_t& at) {
  Conversion conversion;
  if (at < format.size() && format[at] == '(') {
    const std::size_t close = format.find(')', at);
    if (close == std::string_view::npos) return Unfinished();
    conversion.name = format.substr(at + 1, close - at - 1);
    conversion.has_name = true;
    at = close + 1;
  }
  while (at < format.size() &&
         std::string_view("-+ 0#").find(format[at]) != std::string_view::npos) {
    conversion.flags += format[at++];
  }
  QUIRE_ASSIGN_OR_RETURN(conversion.width, ParseNumber(format, at));
  if (at < format.size() && format[at] == '.') {
    ++at;
    QUIRE_ASSIGN_OR_RETURN(conversion.precision, ParseNumber(format, at));
  }
  if (at >= format.size()) return Unfinished();
  conversion.type = format[at++];
  return conversion;
}

StatusOr<std::string> FormatInteger(const Conversion& conversion, const Value& value) {
  if (!value.is_number() || (conversion.type != 'd' && conversion.type != 'i' &&
                             conversion.type != 'u' && !value.is_integral())) {
    return InvalidArgument("operator %: wanted a number for %{}, have {}", conversion.type,
                           TypeName(value));
  }
  if (!value.is_integral() && !(std::abs(value.number()) < 9e18)) {
    return InvalidArgument("operator %: wanted a number of 64 bits, have a larger one");
  }
  const std::int64_t number =
      value.is_integral() ? value.integer() : static_cast<std::int64_t>(value.number());
  const std::uint64_t magnitude =
      number < 0 ? 0 - static_cast<std::uint64_t>(number) : static_cast<std::uint64_t>(number);
  std::string digits;
  std::string prefix = number < 0            ? "-"
                       : conversion.Has('+') ? "+"
                       : conversion.Has(' ') ? " "
                                             : "";
  switch (conversion.type) {
    case 'x':
      digits = fmt::format("{:x}", magnitude);
      if (conversion.Has('#')) prefix += "0x";
      break;
    case 'X':
      digits = fmt::format("{:X}", magnitude);
      if (conversion.Has('#')) prefix += "0X";
      break;
    case 'o':
      digits = fmt::format("{:o}", magnitude);
      if (conversion.Has('#')) prefix += "0o";
      break;
    default:
      digits = std::to_string(magnitude);
  }
  const auto wanted = static_cast<std::size_t>(std::max<std::int64_t>(conversion.precision, 0));
  if (digits.size() < wanted) digits.insert(0, wanted - digits.size(), '0');
  const auto width = static_cast<std::size_t>(conversion.width);
  if (conversion.Has('0') && !conversion.Has('-') && prefix.size() + digits.size() < width) {
    digits.insert(0, width - prefix.size() - digits.size(), '0');
  }
  return prefix + digits;
}

StatusOr<std::string> FormatFloat(const Conversion& conversion, const Value& value) {
  if (!value.is_number()) {
    return InvalidArgument("operator %: wanted a number for %{}, have {}", conversion.type,
                           TypeName(value));
  }
  const std::string pattern =
      fmt::format("%{}{}.{}{}", conversion.flags, conversion.width,
                  conversion.precision < 0 ? 6 : conversion.precision, conversion.type);
  const int size = std::snprintf(nullptr, 0, pattern.c_str(), value.number());
  std::string text(static_cast<std::size_t>(std::max(size, 0)), '\0');
  std::snprintf(text.data(), text.size() + 1, pattern.c_str(), value.number());
  return text;
}

StatusOr<Text> FormatCharacter(const Value& value) {
  if (value.is_text() && CountUtf8Characters(value.text().view()) == 1) return value.text();
  if (!value.is_integral() || value.integer() < 0 || value.integer() > 0x10FFFF ||
      (value.integer() >= 0xD800 && value.integer() <= 0xDFFF)) {
    return InvalidArgument("operator %: wanted a character for %c, have {}", TypeName(value));
  }
  std::string bytes;
  AppendUtf8(static_cast<char32_t>(value.integer()), bytes);
  return Text(std::move(bytes), Origin::kTemplate);
}

StatusOr<Text> Format(const Conversion& conversion, const Value& value, Runtime& runtime) {
  switch (conversion.type) {
    case 's': {
      QUIRE_ASSIGN_OR_RETURN(const Value text, Str(value, runtime));
      return text.text();
    }
    case 'r':
    case 'a':
      return Repr(value, runtime);
    case 'c':
      return FormatCharacter(value);
    case 'd':
    case 'i':
    case 'u':
    case 'x':
    case 'X':
    case 'o': {
      QUIRE_ASSIGN_OR_RETURN(std::string text, FormatInteger(conversion, value));
      return Text(std::move(text), Origin::kTemplate);
    }
    case 'e':
    case 'E':
    case 'f':
    case 'F':
    case 'g':
    case 'G': {
      QUIRE_ASSIGN_OR_RETURN(std::string text, FormatFloat(conversion, value));
      return Text(std::move(text), Origin::kTemplate);
    }
    default:
      return InvalidArgument("operator %: wanted a conversion, have %{}", conversion.type);
  }
}

// Precision cuts strings short, width pads all that is no number of its own width.
Text Lay(const Conversion& conversion, Text text) {
  const bool is_string = conversion.type == 's' || conversion.type == 'r' || conversion.type == 'a';
  if (is_string && conversion.precision >= 0) {
    text = text.Slice(
        0, OffsetOfCharacter(text.view(), static_cast<std::size_t>(conversion.precision)));
  }
  const std::size_t size = CountUtf8Characters(text.view());
  const auto width = static_cast<std::size_t>(conversion.width);
  if (size >= width) return text;
  const std::string padding(width - size, ' ');
  if (conversion.Has('-')) {
    text.Append(padding, Origin::kTemplate);
    return text;
  }
  Text padded(padding, Origin::kTemplate);
  padded.Append(text);
  return padded;
}

}  // namespace

StatusOr<Value> PercentFormat(const Text& format, const Value& arguments, Runtime& runtime) {
  ArgumentSource source(arguments);
  Text out;
  std::size_t done = 0;
  const std::string_view view = format.view();
  for (std::size_t at = view.find('%'); at != std::string_view::npos; at = view.find('%', done)) {
    out.AppendSlice(format, done, at);
    done = at + 1;
    QUIRE_ASSIGN_OR_RETURN(const Conversion conversion, ParseConversion(view, done));
    if (conversion.type == '%') {
      out.Append("%", format.OriginAt(at));
      continue;
    }
    QUIRE_ASSIGN_OR_RETURN(const Value value,
                           conversion.has_name ? source.Named(conversion.name) : source.Next());
    QUIRE_ASSIGN_OR_RETURN(Text text, Format(conversion, value, runtime));
    QUIRE_RETURN_IF_ERROR(runtime.budget().TextSize(out.size() + text.size()));
    out.Append(Lay(conversion, std::move(text)));
  }
  QUIRE_RETURN_IF_ERROR(source.CheckAllUsed());
  out.AppendSlice(format, done, format.size());
  return runtime.arena().NewText(std::move(out));
}

}  // namespace quire::engine::jinja
