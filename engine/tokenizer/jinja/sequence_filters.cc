#include <algorithm>

#include "engine/tokenizer/jinja/arguments.h"
#include "engine/tokenizer/jinja/attribute_path.h"
#include "engine/tokenizer/jinja/characters.h"
#include "engine/tokenizer/jinja/filters.h"
#include "engine/tokenizer/jinja/operators.h"
#include "engine/tokenizer/jinja/python_text.h"
#include "engine/tokenizer/jinja/runtime.h"

namespace quire::engine::jinja {
namespace {

StatusOr<Value> LengthFilter(const Value& input, const Arguments&, Runtime&) {
  QUIRE_ASSIGN_OR_RETURN(const std::int64_t length, Length(input));
  return Value::Integer(length);
}

StatusOr<Value> ListFilter(const Value& input, const Arguments&, Runtime& runtime) {
  QUIRE_ASSIGN_OR_RETURN(std::vector<Value> items, Iterate(input, runtime));
  return runtime.arena().NewSequence(Sequence::Kind::kList, std::move(items));
}

StatusOr<Value> FirstFilter(const Value& input, const Arguments&, Runtime& runtime) {
  QUIRE_ASSIGN_OR_RETURN(const std::vector<Value> items, Iterate(input, runtime));
  if (!items.empty()) return items.front();
  return runtime.arena().NewUndefined("there is no first item");
}

StatusOr<Value> LastFilter(const Value& input, const Arguments&, Runtime& runtime) {
  QUIRE_ASSIGN_OR_RETURN(const std::vector<Value> items, Iterate(input, runtime));
  if (!items.empty()) return items.back();
  return runtime.arena().NewUndefined("there is no last item");
}

StatusOr<Value> ReverseFilter(const Value& input, const Arguments&, Runtime& runtime) {
  QUIRE_ASSIGN_OR_RETURN(std::vector<Value> items, Iterate(input, runtime));
  std::reverse(items.begin(), items.end());
  if (!input.is_text()) {
    return runtime.arena().NewSequence(Sequence::Kind::kGenerator, std::move(items));
  }
  Text reversed;
  for (const Value& item : items) reversed.Append(item.text());
  return runtime.arena().NewText(std::move(reversed));
}

StatusOr<Value> JoinFilter(const Value& input, const Arguments& arguments, Runtime& runtime) {
  QUIRE_ASSIGN_OR_RETURN(const auto bound,
                         BoundArguments::Bind("join", arguments, {"d", "attribute"}, 0));
  Value separator = Value::None();
  if (bound[0] != nullptr) {
    QUIRE_ASSIGN_OR_RETURN(separator, Str(*bound[0], runtime));
  }
  QUIRE_ASSIGN_OR_RETURN(const AttributePath path, AttributePath::Parse(bound[1]));
  QUIRE_ASSIGN_OR_RETURN(const std::vector<Value> items, Iterate(input, runtime));
  Text joined;
  for (std::size_t i = 0; i < items.size(); ++i) {
    QUIRE_ASSIGN_OR_RETURN(const Value element, path.Of(items[i], runtime));
    QUIRE_ASSIGN_OR_RETURN(const Value text, Str(element, runtime));
    const std::size_t more =
        text.text().size() + (separator.is_text() ? separator.text().size() : 0);
    QUIRE_RETURN_IF_ERROR(runtime.budget().TextSize(joined.size() + more));
    if (i > 0 && separator.is_text()) joined.Append(separator.text());
    joined.Append(text.text());
  }
  return runtime.arena().NewText(std::move(joined));
}

StatusOr<Value> ItemsFilter(const Value& input, const Arguments&, Runtime& runtime) {
  if (input.is_undefined()) return runtime.arena().NewSequence(Sequence::Kind::kGenerator, {});
  if (!input.is(Value::Kind::kDict)) {
    return InvalidArgument("items: wanted a dict, have {}", TypeName(input));
  }
  return Items(input.dict(), Sequence::Kind::kGenerator, runtime);
}

StatusOr<Value> DictSortFilter(const Value& input, const Arguments& arguments, Runtime& runtime) {
  QUIRE_ASSIGN_OR_RETURN(
      const auto bound,
      BoundArguments::Bind("dictsort", arguments, {"case_sensitive", "by", "reverse"}, 0));
  if (!input.is(Value::Kind::kDict)) {
    return InvalidArgument("dictsort: wanted a dict, have {}", TypeName(input));
  }
  const Text key("key", Origin::kTemplate);
  QUIRE_ASSIGN_OR_RETURN(const Text* by, bound.GetText(1, &key));
  if (by->bytes() != "key" && by->bytes() != "value") {
    return InvalidArgument("dictsort: wanted key or value, have \"{}\"", by->bytes());
  }
  QUIRE_ASSIGN_OR_RETURN(const Value items, Items(input.dict(), Sequence::Kind::kList, runtime));
  const std::size_t position = by->bytes() == "key" ? 0 : 1;
  SortOptions options;
  options.reverse = bound.Bool(2, false);
  options.ignore_case = !bound.Bool(0, false);
  QUIRE_RETURN_IF_ERROR(SortBy(
      items.sequence().items,
      [&](const Value& item) -> StatusOr<Value> { return item.sequence().items[position]; },
      options, runtime));
  return items;
}

// Groups of `count` elements, the last one filled up.
StatusOr<Value> BatchFilter(const Value& input, const Arguments& arguments, Runtime& runtime) {
  QUIRE_ASSIGN_OR_RETURN(const auto bound,
                         BoundArguments::Bind("batch", arguments, {"linecount", "fill_with"}, 1));
  QUIRE_ASSIGN_OR_RETURN(const std::int64_t count, bound.Integer(0, 0));
  if (count < 1) return InvalidArgument("batch: wanted at least 1, have {}", count);
  QUIRE_ASSIGN_OR_RETURN(const std::vector<Value> items, Iterate(input, runtime));
  std::vector<Value> batches;
  for (std::size_t begin = 0; begin < items.size(); begin += static_cast<std::size_t>(count)) {
    const std::size_t end = std::min(items.size(), begin + static_cast<std::size_t>(count));
    std::vector<Value> batch(items.begin() + static_cast<std::ptrdiff_t>(begin),
                             items.begin() + static_cast<std::ptrdiff_t>(end));
    if (bound[1] != nullptr && !bound[1]->is_none()) {
      const auto missing = static_cast<std::size_t>(count) - batch.size();
      QUIRE_RETURN_IF_ERROR(
          runtime.budget().Bytes(std::min<std::size_t>(missing, SIZE_MAX / 64) * sizeof(Value)));
      batch.insert(batch.end(), missing, *bound[1]);
    }
    QUIRE_ASSIGN_OR_RETURN(const Value list,
                           runtime.arena().NewSequence(Sequence::Kind::kList, std::move(batch)));
    batches.push_back(list);
  }
  return runtime.arena().NewSequence(Sequence::Kind::kGenerator, std::move(batches));
}

constexpr Filter kSequenceFilters[] = {
    {"length", LengthFilter}, {"count", LengthFilter}, {"list", ListFilter},
    {"first", FirstFilter},   {"last", LastFilter},    {"reverse", ReverseFilter},
    {"join", JoinFilter},     {"items", ItemsFilter},  {"dictsort", DictSortFilter},
    {"batch", BatchFilter},
};

}  // namespace

std::span<const Filter> SequenceFilters() { return kSequenceFilters; }

}  // namespace quire::engine::jinja
