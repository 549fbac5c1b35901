#include <algorithm>

#include "base/utf8.h"
#include "engine/tokenizer/jinja/arguments.h"
#include "engine/tokenizer/jinja/characters.h"
#include "engine/tokenizer/jinja/filters.h"
#include "engine/tokenizer/jinja/json_writer.h"
#include "engine/tokenizer/jinja/operators.h"
#include "engine/tokenizer/jinja/percent_format.h"
#include "engine/tokenizer/jinja/python_text.h"
#include "engine/tokenizer/jinja/runtime.h"
#include "engine/tokenizer/unicode.h"

namespace quire::engine::jinja {
namespace {

// A filter that maps one text to another: text(Text) -> Text.
template <Text (*map)(const Text&)>
StatusOr<Value> MapTextFilter(const Value& input, const Arguments& arguments, Runtime& runtime) {
  QUIRE_RETURN_IF_ERROR(BoundArguments::Bind("filter", arguments, {}, 0).status());
  QUIRE_ASSIGN_OR_RETURN(const Value text, Str(input, runtime));
  return runtime.arena().NewText(map(text.text()));
}

Text ToLower(const Text& text) { return MapCase(text, Casing::kLower); }
Text ToUpper(const Text& text) { return MapCase(text, Casing::kUpper); }
Text Unchanged(const Text& text) { return text; }

bool EndsWord(char c) { return std::string_view("-({[< \t\n\v\f\r").find(c) != std::string::npos; }

// The title filter begins words at whitespace, hyphens and opening brackets alone.
Text TitleWords(const Text& text) {
  Text titled;
  std::size_t begin = 0;
  while (begin < text.size()) {
    std::size_t end = begin;
    while (end < text.size() && EndsWord(text.bytes()[end])) ++end;
    titled.AppendSlice(text, begin, end);
    begin = end;
    while (end < text.size() && !EndsWord(text.bytes()[end])) ++end;
    if (begin == end) break;
    const std::size_t rest = NextCharacter(text.view(), begin);
    titled.Append(MapCase(text.Slice(begin, rest), Casing::kUpper));
    titled.Append(MapCase(text.Slice(rest, end), Casing::kLower));
    begin = end;
  }
  return titled;
}

Text EscapeHtml(const Text& text) {
  Text escaped;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const Origin origin = text.OriginAt(at);
    switch (text.bytes()[at]) {
      case '&':
        escaped.Append("&amp;", origin);
        break;
      case '<':
        escaped.Append("&lt;", origin);
        break;
      case '>':
        escaped.Append("&gt;", origin);
        break;
      case '"':
        escaped.Append("&#34;", origin);
        break;
      case '\'':
        escaped.Append("&#39;", origin);
        break;
      default:
        escaped.AppendSlice(text, at, at + 1);
    }
  }
  return escaped;
}

// Most filters print their input first; a few take strings alone.
Status RequireText(std::string_view filter, const Value& input) {
  if (input.is_text()) return OkStatus();
  if (input.is_undefined()) return InvalidArgument("{}", input.UndefinedMessage());
  return InvalidArgument("{}: wanted a string, have {}", filter, TypeName(input));
}

StatusOr<Value> TrimFilter(const Value& input, const Arguments& arguments, Runtime& runtime) {
  QUIRE_ASSIGN_OR_RETURN(const auto bound, BoundArguments::Bind("trim", arguments, {"chars"}, 0));
  QUIRE_ASSIGN_OR_RETURN(const Value text, Str(input, runtime));
  std::optional<std::string_view> characters;
  if (bound[0] != nullptr && !bound[0]->is_none()) {
    QUIRE_ASSIGN_OR_RETURN(const Text* chars, bound.GetText(0));
    characters = chars->view();
  }
  return runtime.arena().NewText(Strip(text.text(), Side::kBoth, characters));
}

StatusOr<Value> ReplaceFilter(const Value& input, const Arguments& arguments, Runtime& runtime) {
  QUIRE_ASSIGN_OR_RETURN(const auto bound,
                         BoundArguments::Bind("replace", arguments, {"old", "new", "count"}, 2));
  QUIRE_ASSIGN_OR_RETURN(const Value text, Str(input, runtime));
  QUIRE_ASSIGN_OR_RETURN(const Value from, Str(*bound[0], runtime));
  QUIRE_ASSIGN_OR_RETURN(const Value to, Str(*bound[1], runtime));
  QUIRE_ASSIGN_OR_RETURN(const std::int64_t count, bound.Integer(2, -1));
  return ReplaceText(text.text(), from.text(), to.text(), count, runtime);
}

StatusOr<Value> IndentFilter(const Value& input, const Arguments& arguments, Runtime& runtime) {
  QUIRE_ASSIGN_OR_RETURN(const auto bound,
                         BoundArguments::Bind("indent", arguments, {"width", "first", "blank"}, 0));
  Text indentation;
  if (bound[0] != nullptr && bound[0]->is_text()) {
    indentation = bound[0]->text();
  } else {
    QUIRE_ASSIGN_OR_RETURN(const std::int64_t width, bound.Integer(0, 4));
    QUIRE_RETURN_IF_ERROR(
        runtime.budget().TextSize(static_cast<std::size_t>(std::max<std::int64_t>(width, 0))));
    if (width > 0) {
      indentation = Text(std::string(static_cast<std::size_t>(width), ' '), Origin::kTemplate);
    }
  }
  const bool blank = bound.Bool(2, false);
  QUIRE_RETURN_IF_ERROR(RequireText("indent", input));
  Text text = input.text();
  text.Append("\n", Origin::kTemplate);  // so that a last empty line counts
  const std::vector<Text> lines = SplitLines(text, /*keep_ends=*/false);
  Text out;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    QUIRE_RETURN_IF_ERROR(
        runtime.budget().TextSize(out.size() + indentation.size() + lines[i].size() + 1));
    if (i > 0) out.Append("\n", Origin::kTemplate);
    if (i == 0 ? bound.Bool(1, false) : blank || !lines[i].empty()) out.Append(indentation);
    out.Append(lines[i]);
  }
  return runtime.arena().NewText(std::move(out));
}

StatusOr<Value> CenterFilter(const Value& input, const Arguments& arguments, Runtime& runtime) {
  QUIRE_ASSIGN_OR_RETURN(const auto bound, BoundArguments::Bind("center", arguments, {"width"}, 0));
  QUIRE_ASSIGN_OR_RETURN(const std::int64_t width, bound.Integer(0, 80));
  QUIRE_ASSIGN_OR_RETURN(const Value text, Str(input, runtime));
  const auto size = static_cast<std::int64_t>(CountUtf8Characters(text.text().view()));
  if (size >= width) return text;
  QUIRE_RETURN_IF_ERROR(runtime.budget().TextSize(static_cast<std::size_t>(width)));
  // Python puts the odd space on the left if the width is odd too.
  const std::int64_t margin = width - size;
  const std::int64_t left = margin / 2 + (margin & width & 1);
  Text out(std::string(static_cast<std::size_t>(left), ' '), Origin::kTemplate);
  out.Append(text.text());
  out.Append(std::string(static_cast<std::size_t>(margin - left), ' '), Origin::kTemplate);
  return runtime.arena().NewText(std::move(out));
}

StatusOr<Value> TruncateFilter(const Value& input, const Arguments& arguments, Runtime& runtime) {
  QUIRE_ASSIGN_OR_RETURN(
      const auto bound,
      BoundArguments::Bind("truncate", arguments, {"length", "killwords", "end", "leeway"}, 0));
  QUIRE_ASSIGN_OR_RETURN(const std::int64_t length, bound.Integer(0, 255));
  const Text dots("...", Origin::kTemplate);
  QUIRE_ASSIGN_OR_RETURN(const Text* end, bound.GetText(2, &dots));
  QUIRE_ASSIGN_OR_RETURN(const std::int64_t leeway, bound.Integer(3, 5));
  QUIRE_RETURN_IF_ERROR(RequireText("truncate", input));
  const Text& text = input.text();
  const auto end_size = static_cast<std::int64_t>(CountUtf8Characters(end->view()));
  if (length < end_size || leeway < 0) {
    return InvalidArgument("truncate: wanted a length of at least {}, have {}", end_size, length);
  }
  if (static_cast<std::int64_t>(CountUtf8Characters(text.view())) <= length + leeway) return input;
  std::size_t cut = OffsetOfCharacter(text.view(), static_cast<std::size_t>(length - end_size));
  if (!bound.Bool(1, false)) {
    const std::size_t space = text.view().substr(0, cut).rfind(' ');
    if (space != std::string_view::npos) cut = space;
  }
  Text out = text.Slice(0, cut);
  out.Append(*end);
  return runtime.arena().NewText(std::move(out));
}

StatusOr<Value> WordCountFilter(const Value& input, const Arguments&, Runtime& runtime) {
  QUIRE_ASSIGN_OR_RETURN(const Value text, Str(input, runtime));
  std::int64_t count = 0;
  bool in_word = false;
  const std::string_view view = text.text().view();
  for (std::size_t at = 0; at < view.size(); at = NextCharacter(view, at)) {
    const bool word = IsWordCharacter(DecodeUtf8(view, at).code_point);
    count += word && !in_word ? 1 : 0;
    in_word = word;
  }
  return Value::Integer(count);
}

StatusOr<Value> FormatFilter(const Value& input, const Arguments& arguments, Runtime& runtime) {
  QUIRE_ASSIGN_OR_RETURN(const Value format, Str(input, runtime));
  if (arguments.keyword.empty()) {
    QUIRE_ASSIGN_OR_RETURN(const Value tuple, runtime.arena().NewSequence(Sequence::Kind::kTuple,
                                                                          arguments.positional));
    return PercentFormat(format.text(), tuple, runtime);
  }
  Dict* named = runtime.arena().NewDict();
  for (const auto& [name, value] : arguments.keyword) {
    QUIRE_ASSIGN_OR_RETURN(const Value key, runtime.arena().NewText(name, Origin::kTemplate));
    QUIRE_RETURN_IF_ERROR(runtime.arena().SetItem(*named, key, value));
  }
  return PercentFormat(format.text(), Value::Of(named), runtime);
}

StatusOr<Value> StringFilter(const Value& input, const Arguments&, Runtime& runtime) {
  return Str(input, runtime);
}

StatusOr<Value> DefaultFilter(const Value& input, const Arguments& arguments, Runtime& runtime) {
  QUIRE_ASSIGN_OR_RETURN(const auto bound, BoundArguments::Bind("default", arguments,
                                                                {"default_value", "boolean"}, 0));
  const bool replace = input.is_undefined() || (bound.Bool(1, false) && !Truth(input));
  if (!replace) return input;
  if (bound[0] != nullptr) return *bound[0];
  return runtime.arena().NewText("", Origin::kTemplate);
}

StatusOr<Value> ToJsonFilter(const Value& input, const Arguments& arguments, Runtime& runtime) {
  QUIRE_ASSIGN_OR_RETURN(
      const auto bound,
      BoundArguments::Bind("tojson", arguments,
                           {"ensure_ascii", "indent", "separators", "sort_keys"}, 0));
  JsonLayout layout;
  layout.ensure_ascii = bound.Bool(0, false);
  layout.sort_keys = bound.Bool(3, false);
  if (bound[1] != nullptr && bound[1]->is_text()) {
    layout.indent = bound[1]->text().bytes();
  } else if (bound[1] != nullptr && !bound[1]->is_none()) {
    QUIRE_ASSIGN_OR_RETURN(const std::int64_t indent, bound.Integer(1, 0));
    if (indent > 100) return InvalidArgument("tojson: wanted an indent of at most 100");
    layout.indent.emplace(static_cast<std::size_t>(std::max<std::int64_t>(indent, 0)), ' ');
  }
  // Python leaves no space at the end of a line.
  if (layout.indent) layout.item_separator.pop_back();
  if (bound[2] != nullptr && !bound[2]->is_none()) {
    const Value& pair = *bound[2];
    if (!pair.is(Value::Kind::kSequence) || pair.sequence().items.size() != 2 ||
        !pair.sequence().items[0].is_text() || !pair.sequence().items[1].is_text()) {
      return InvalidArgument("tojson: wanted two separators, have {}", TypeName(pair));
    }
    layout.item_separator = pair.sequence().items[0].text().bytes();
    layout.key_separator = pair.sequence().items[1].text().bytes();
  }
  QUIRE_ASSIGN_OR_RETURN(Text text, WriteJson(input, layout, runtime));
  return runtime.arena().NewText(std::move(text));
}

constexpr Filter kTextFilters[] = {
    {"lower", MapTextFilter<ToLower>},
    {"upper", MapTextFilter<ToUpper>},
    {"capitalize", MapTextFilter<Capitalize>},
    {"title", MapTextFilter<TitleWords>},
    {"escape", MapTextFilter<EscapeHtml>},
    {"e", MapTextFilter<EscapeHtml>},
    {"safe", MapTextFilter<Unchanged>},
    {"string", StringFilter},
    {"trim", TrimFilter},
    {"replace", ReplaceFilter},
    {"indent", IndentFilter},
    {"center", CenterFilter},
    {"truncate", TruncateFilter},
    {"wordcount", WordCountFilter},
    {"format", FormatFilter},
    {"default", DefaultFilter},
    {"d", DefaultFilter},
    {"tojson", ToJsonFilter},
};

}  // namespace

std::span<const Filter> TextFilters() { return kTextFilters; }

}  // namespace quire::engine::jinja
