#include <algorithm>

#include "base/utf8.h"
#include "engine/tokenizer/jinja/arguments.h"
#include "engine/tokenizer/jinja/characters.h"
#include "engine/tokenizer/jinja/methods.h"
#include "engine/tokenizer/jinja/operators.h"
#include "engine/tokenizer/jinja/runtime.h"

namespace quire::engine::jinja {
namespace {

StatusOr<Value> ListOfTexts(std::vector<Text> parts, Runtime& runtime) {
  std::vector<Value> items;
  for (Text& part : parts) {
    QUIRE_ASSIGN_OR_RETURN(const Value item, runtime.arena().NewText(std::move(part)));
    items.push_back(item);
  }
  return runtime.arena().NewSequence(Sequence::Kind::kList, std::move(items));
}

template <Side side>
StatusOr<Value> StripMethod(const Value& self, const Arguments& arguments, Runtime& runtime) {
  QUIRE_ASSIGN_OR_RETURN(const auto bound, BoundArguments::Bind("strip", arguments, {"chars"}, 0));
  std::optional<std::string_view> characters;
  if (bound[0] != nullptr && !bound[0]->is_none()) {
    QUIRE_ASSIGN_OR_RETURN(const Text* text, bound.GetText(0));
    characters = text->view();
  }
  return runtime.arena().NewText(Strip(self.text(), side, characters));
}

template <Casing casing>
StatusOr<Value> CaseMethod(const Value& self, const Arguments& arguments, Runtime& runtime) {
  QUIRE_RETURN_IF_ERROR(BoundArguments::Bind("case", arguments, {}, 0).status());
  return runtime.arena().NewText(MapCase(self.text(), casing));
}

StatusOr<Value> CapitalizeMethod(const Value& self, const Arguments&, Runtime& runtime) {
  return runtime.arena().NewText(Capitalize(self.text()));
}

StatusOr<Value> TitleMethod(const Value& self, const Arguments&, Runtime& runtime) {
  return runtime.arena().NewText(TitleCase(self.text()));
}

template <bool from_right>
StatusOr<Value> SplitMethod(const Value& self, const Arguments& arguments, Runtime& runtime) {
  QUIRE_ASSIGN_OR_RETURN(const auto bound,
                         BoundArguments::Bind("split", arguments, {"sep", "maxsplit"}, 0));
  QUIRE_ASSIGN_OR_RETURN(const std::int64_t max_splits, bound.Integer(1, -1));
  // A part may be a single byte.
  QUIRE_RETURN_IF_ERROR(runtime.budget().Bytes(self.text().size()));
  if (bound[0] == nullptr || bound[0]->is_none()) {
    return ListOfTexts(SplitWhitespace(self.text(), max_splits), runtime);
  }
  QUIRE_ASSIGN_OR_RETURN(const Text* separator, bound.GetText(0));
  if (separator->empty()) return InvalidArgument("split: wanted a separator, have an empty one");
  return ListOfTexts(from_right ? SplitRight(self.text(), separator->view(), max_splits)
                                : Split(self.text(), separator->view(), max_splits),
                     runtime);
}

StatusOr<Value> SplitLinesMethod(const Value& self, const Arguments& arguments, Runtime& runtime) {
  QUIRE_ASSIGN_OR_RETURN(const auto bound,
                         BoundArguments::Bind("splitlines", arguments, {"keepends"}, 0));
  QUIRE_RETURN_IF_ERROR(runtime.budget().Bytes(self.text().size()));
  return ListOfTexts(SplitLines(self.text(), bound.Bool(0, false)), runtime);
}

// startswith and endswith take a string or a tuple of them.
template <bool at_end>
StatusOr<Value> AffixMethod(const Value& self, const Arguments& arguments, Runtime&) {
  QUIRE_ASSIGN_OR_RETURN(const auto bound,
                         BoundArguments::Bind("startswith", arguments, {"prefix"}, 1));
  const auto matches = [&](const Value& affix) -> StatusOr<bool> {
    if (!affix.is_text()) {
      return InvalidArgument("startswith: wanted a string, have {}", TypeName(affix));
    }
    const std::string_view text = self.text().view();
    const std::string_view part = affix.text().view();
    return at_end ? text.ends_with(part) : text.starts_with(part);
  };
  std::vector<Value> affixes = {*bound[0]};
  if (bound[0]->is(Value::Kind::kSequence)) affixes = bound[0]->sequence().items;
  for (const Value& affix : affixes) {
    QUIRE_ASSIGN_OR_RETURN(const bool match, matches(affix));
    if (match) return Value::Bool(true);
  }
  return Value::Bool(false);
}

template <bool at_end>
StatusOr<Value> RemoveAffixMethod(const Value& self, const Arguments& arguments, Runtime& runtime) {
  QUIRE_ASSIGN_OR_RETURN(const auto bound,
                         BoundArguments::Bind("removeprefix", arguments, {"prefix"}, 1));
  QUIRE_ASSIGN_OR_RETURN(const Text* affix, bound.GetText(0));
  const Text& text = self.text();
  const std::size_t size = affix->size();
  if (at_end && text.view().ends_with(affix->view())) {
    return runtime.arena().NewText(text.Slice(0, text.size() - size));
  }
  if (!at_end && text.view().starts_with(affix->view())) {
    return runtime.arena().NewText(text.Slice(size, text.size()));
  }
  return self;
}

StatusOr<Value> ReplaceMethod(const Value& self, const Arguments& arguments, Runtime& runtime) {
  QUIRE_ASSIGN_OR_RETURN(const auto bound,
                         BoundArguments::Bind("replace", arguments, {"old", "new", "count"}, 2));
  QUIRE_ASSIGN_OR_RETURN(const Text* from, bound.GetText(0));
  QUIRE_ASSIGN_OR_RETURN(const Text* to, bound.GetText(1));
  QUIRE_ASSIGN_OR_RETURN(const std::int64_t count, bound.Integer(2, -1));
  return ReplaceText(self.text(), *from, *to, count, runtime);
}

template <bool from_right, bool must_find>
StatusOr<Value> FindTextMethod(const Value& self, const Arguments& arguments, Runtime& runtime) {
  QUIRE_ASSIGN_OR_RETURN(const auto bound, BoundArguments::Bind("find", arguments, {"sub"}, 1));
  QUIRE_ASSIGN_OR_RETURN(const Text* part, bound.GetText(0));
  const std::string_view text = self.text().view();
  QUIRE_RETURN_IF_ERROR(runtime.budget().Bytes(text.size()));
  const std::size_t at = from_right ? text.rfind(part->view()) : text.find(part->view());
  if (at != std::string_view::npos) {
    return Value::Integer(static_cast<std::int64_t>(CountUtf8Characters(text.substr(0, at))));
  }
  if (must_find) return InvalidArgument("index: wanted a substring, have none");
  return Value::Integer(-1);
}

StatusOr<Value> CountMethod(const Value& self, const Arguments& arguments, Runtime& runtime) {
  QUIRE_ASSIGN_OR_RETURN(const auto bound, BoundArguments::Bind("count", arguments, {"sub"}, 1));
  QUIRE_ASSIGN_OR_RETURN(const Text* part, bound.GetText(0));
  const std::string_view text = self.text().view();
  QUIRE_RETURN_IF_ERROR(runtime.budget().Bytes(text.size()));
  if (part->empty()) {
    return Value::Integer(static_cast<std::int64_t>(CountUtf8Characters(text)) + 1);
  }
  std::int64_t count = 0;
  for (std::size_t at = text.find(part->view()); at != std::string_view::npos;
       at = text.find(part->view(), at + part->size())) {
    ++count;
  }
  return Value::Integer(count);
}

StatusOr<Value> JoinMethod(const Value& self, const Arguments& arguments, Runtime& runtime) {
  QUIRE_ASSIGN_OR_RETURN(const auto bound,
                         BoundArguments::Bind("join", arguments, {"iterable"}, 1));
  QUIRE_ASSIGN_OR_RETURN(const std::vector<Value> items, Iterate(*bound[0], runtime));
  Text joined;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (!items[i].is_text()) {
      return InvalidArgument("join: wanted strings, have {}", TypeName(items[i]));
    }
    QUIRE_RETURN_IF_ERROR(
        runtime.budget().TextSize(joined.size() + self.text().size() + items[i].text().size()));
    if (i > 0) joined.Append(self.text());
    joined.Append(items[i].text());
  }
  return runtime.arena().NewText(std::move(joined));
}

// partition and rpartition: what is before the separator, the separator, what is after.
template <bool from_right>
StatusOr<Value> PartitionMethod(const Value& self, const Arguments& arguments, Runtime& runtime) {
  QUIRE_ASSIGN_OR_RETURN(const auto bound,
                         BoundArguments::Bind("partition", arguments, {"sep"}, 1));
  QUIRE_ASSIGN_OR_RETURN(const Text* separator, bound.GetText(0));
  if (separator->empty()) return InvalidArgument("partition: wanted a separator, have none");
  const Text& text = self.text();
  QUIRE_RETURN_IF_ERROR(runtime.budget().Bytes(text.size()));
  const std::size_t at =
      from_right ? text.view().rfind(separator->view()) : text.view().find(separator->view());
  std::size_t begin = from_right ? 0 : text.size();
  std::size_t end = begin;
  if (at != std::string_view::npos) {
    begin = at;
    end = at + separator->size();
  }
  QUIRE_ASSIGN_OR_RETURN(
      const Value list,
      ListOfTexts({text.Slice(0, begin), text.Slice(begin, end), text.Slice(end, text.size())},
                  runtime));
  return runtime.arena().NewSequence(Sequence::Kind::kTuple, list.sequence().items);
}

// ljust, rjust and zfill.
enum class Fill { kRight, kLeft, kZeros };
template <Fill fill>
StatusOr<Value> FillMethod(const Value& self, const Arguments& arguments, Runtime& runtime) {
  QUIRE_ASSIGN_OR_RETURN(const auto bound,
                         BoundArguments::Bind("ljust", arguments, {"width", "fillchar"}, 1));
  QUIRE_ASSIGN_OR_RETURN(const std::int64_t width, bound.Integer(0, 0));
  const Text space(fill == Fill::kZeros ? "0" : " ", Origin::kTemplate);
  QUIRE_ASSIGN_OR_RETURN(const Text* filling, bound.GetText(1, &space));
  const Text& text = self.text();
  const auto size = static_cast<std::int64_t>(CountUtf8Characters(text.view()));
  if (size >= width) return self;
  const auto missing = static_cast<std::size_t>(width - size);
  QUIRE_RETURN_IF_ERROR(runtime.budget().TextSize(missing));
  Text padding;
  for (std::size_t i = 0; i < missing; ++i) padding.Append(*filling);
  if (fill == Fill::kRight) {
    Text result = text;
    result.Append(padding);
    return runtime.arena().NewText(std::move(result));
  }
  // Zeros go behind a sign.
  const bool has_sign =
      fill == Fill::kZeros && !text.empty() && (text.bytes()[0] == '-' || text.bytes()[0] == '+');
  Text result = text.Slice(0, has_sign ? 1 : 0);
  result.Append(padding);
  result.AppendSlice(text, has_sign ? 1 : 0, text.size());
  return runtime.arena().NewText(std::move(result));
}

template <CharacterTest test>
StatusOr<Value> TestMethod(const Value& self, const Arguments& arguments, Runtime&) {
  QUIRE_RETURN_IF_ERROR(BoundArguments::Bind("test", arguments, {}, 0).status());
  return Value::Bool(AllCharacters(self.text().view(), test));
}

constexpr Method kTextMethods[] = {
    {"strip", StripMethod<Side::kBoth>},
    {"lstrip", StripMethod<Side::kLeft>},
    {"rstrip", StripMethod<Side::kRight>},
    {"lower", CaseMethod<Casing::kLower>},
    {"upper", CaseMethod<Casing::kUpper>},
    {"capitalize", CapitalizeMethod},
    {"title", TitleMethod},
    {"split", SplitMethod<false>},
    {"rsplit", SplitMethod<true>},
    {"splitlines", SplitLinesMethod},
    {"startswith", AffixMethod<false>},
    {"endswith", AffixMethod<true>},
    {"removeprefix", RemoveAffixMethod<false>},
    {"removesuffix", RemoveAffixMethod<true>},
    {"replace", ReplaceMethod},
    {"find", FindTextMethod<false, false>},
    {"rfind", FindTextMethod<true, false>},
    {"index", FindTextMethod<false, true>},
    {"count", CountMethod},
    {"join", JoinMethod},
    {"partition", PartitionMethod<false>},
    {"rpartition", PartitionMethod<true>},
    {"ljust", FillMethod<Fill::kRight>},
    {"rjust", FillMethod<Fill::kLeft>},
    {"zfill", FillMethod<Fill::kZeros>},
    {"isspace", TestMethod<CharacterTest::kSpace>},
    {"isalpha", TestMethod<CharacterTest::kAlpha>},
    {"isdigit", TestMethod<CharacterTest::kDigit>},
    {"isalnum", TestMethod<CharacterTest::kAlnum>},
    {"islower", TestMethod<CharacterTest::kLower>},
    {"isupper", TestMethod<CharacterTest::kUpper>},
};

}  // namespace

std::span<const Method> TextMethods() { return kTextMethods; }

}  // namespace quire::engine::jinja
