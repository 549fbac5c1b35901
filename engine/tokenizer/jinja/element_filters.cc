#include <algorithm>

#include "engine/tokenizer/jinja/arguments.h"
#include "engine/tokenizer/jinja/attribute_path.h"
#include "engine/tokenizer/jinja/filters.h"
#include "engine/tokenizer/jinja/operators.h"
#include "engine/tokenizer/jinja/runtime.h"
#include "engine/tokenizer/jinja/tests.h"

namespace quire::engine::jinja {
namespace {

StatusOr<Value> Generator(std::vector<Value> items, Runtime& runtime) {
  return runtime.arena().NewSequence(Sequence::Kind::kGenerator, std::move(items));
}

// map, select and their kin take whatever is false for an empty list.
StatusOr<std::vector<Value>> IterateIfTrue(const Value& input, Runtime& runtime) {
  if (!Truth(input)) return std::vector<Value>();
  return Iterate(input, runtime);
}

// The positional arguments from `first` on, and all keyword arguments.
Arguments Rest(const Arguments& arguments, std::size_t first) {
  Arguments rest = arguments;
  rest.positional.erase(rest.positional.begin(),
                        rest.positional.begin() + static_cast<std::ptrdiff_t>(first));
  return rest;
}

StatusOr<std::string_view> NameArgument(std::string_view callee, const Arguments& arguments,
                                        std::size_t i) {
  if (i >= arguments.positional.size() || !arguments.positional[i].is_text()) {
    return InvalidArgument("{}: wanted a name, have none", callee);
  }
  return arguments.positional[i].text().view();
}

StatusOr<Value> MapAttribute(const std::vector<Value>& items, const Arguments& arguments,
                             Runtime& runtime) {
  QUIRE_ASSIGN_OR_RETURN(const auto bound,
                         BoundArguments::Bind("map", arguments, {"attribute", "default"}, 1));
  QUIRE_ASSIGN_OR_RETURN(const AttributePath path, AttributePath::Parse(bound[0]));
  std::vector<Value> mapped;
  for (const Value& item : items) {
    QUIRE_ASSIGN_OR_RETURN(Value value, path.Of(item, runtime));
    if (value.is_undefined() && bound[1] != nullptr) value = *bound[1];
    mapped.push_back(value);
  }
  return Generator(std::move(mapped), runtime);
}

// map("upper") applies a filter, map(attribute="name") follows an attribute.
StatusOr<Value> MapFilter(const Value& input, const Arguments& arguments, Runtime& runtime) {
  QUIRE_ASSIGN_OR_RETURN(const std::vector<Value> items, IterateIfTrue(input, runtime));
  if (arguments.positional.empty()) return MapAttribute(items, arguments, runtime);
  QUIRE_ASSIGN_OR_RETURN(const std::string_view name, NameArgument("map", arguments, 0));
  const FilterFunction filter = FindFilter(name);
  if (filter == nullptr) return InvalidArgument("map: wanted a filter, have \"{}\"", name);
  const Nesting nesting(runtime.budget());
  QUIRE_RETURN_IF_ERROR(nesting.status());
  const Arguments rest = Rest(arguments, 1);
  std::vector<Value> mapped;
  for (const Value& item : items) {
    QUIRE_RETURN_IF_ERROR(runtime.budget().Step());
    QUIRE_ASSIGN_OR_RETURN(const Value value, filter(item, rest, runtime));
    mapped.push_back(value);
  }
  return Generator(std::move(mapped), runtime);
}

// select, reject, selectattr and rejectattr: elements (or an attribute of theirs) that pass a
// test, or are true if none is named.
template <bool by_attribute, bool wanted>
StatusOr<Value> SelectFilter(const Value& input, const Arguments& arguments, Runtime& runtime) {
  const std::size_t first = by_attribute ? 1 : 0;
  AttributePath path;
  if (by_attribute) {
    QUIRE_RETURN_IF_ERROR(NameArgument("selectattr", arguments, 0).status());
    QUIRE_ASSIGN_OR_RETURN(path, AttributePath::Parse(&arguments.positional[0]));
  }
  TestFunction test = nullptr;
  if (arguments.positional.size() > first) {
    QUIRE_ASSIGN_OR_RETURN(const std::string_view name, NameArgument("select", arguments, first));
    test = FindTest(name);
    if (test == nullptr) return InvalidArgument("select: wanted a test, have \"{}\"", name);
  }
  const Arguments rest = Rest(arguments, std::min(arguments.positional.size(), first + 1));
  QUIRE_ASSIGN_OR_RETURN(const std::vector<Value> items, IterateIfTrue(input, runtime));
  std::vector<Value> selected;
  for (const Value& item : items) {
    QUIRE_RETURN_IF_ERROR(runtime.budget().Step());
    QUIRE_ASSIGN_OR_RETURN(const Value subject, path.Of(item, runtime));
    bool passes = Truth(subject);
    if (test != nullptr) {
      QUIRE_ASSIGN_OR_RETURN(passes, test(subject, rest, runtime));
    }
    if (passes == wanted) selected.push_back(item);
  }
  return Generator(std::move(selected), runtime);
}

StatusOr<Value> SortFilter(const Value& input, const Arguments& arguments, Runtime& runtime) {
  QUIRE_ASSIGN_OR_RETURN(
      const auto bound,
      BoundArguments::Bind("sort", arguments, {"reverse", "case_sensitive", "attribute"}, 0));
  QUIRE_ASSIGN_OR_RETURN(const AttributePath path, AttributePath::Parse(bound[2]));
  QUIRE_ASSIGN_OR_RETURN(std::vector<Value> items, Iterate(input, runtime));
  SortOptions options;
  options.reverse = bound.Bool(0, false);
  options.ignore_case = !bound.Bool(1, false);
  QUIRE_RETURN_IF_ERROR(SortBy(
      items, [&](const Value& item) { return path.Of(item, runtime); }, options, runtime));
  return runtime.arena().NewSequence(Sequence::Kind::kList, std::move(items));
}

StatusOr<Value> UniqueFilter(const Value& input, const Arguments& arguments, Runtime& runtime) {
  QUIRE_ASSIGN_OR_RETURN(
      const auto bound,
      BoundArguments::Bind("unique", arguments, {"case_sensitive", "attribute"}, 0));
  QUIRE_ASSIGN_OR_RETURN(const AttributePath path, AttributePath::Parse(bound[1]));
  QUIRE_ASSIGN_OR_RETURN(const std::vector<Value> items, Iterate(input, runtime));
  Dict* seen = runtime.arena().NewDict();
  std::vector<Value> unique;
  for (const Value& item : items) {
    QUIRE_RETURN_IF_ERROR(runtime.budget().Step());
    QUIRE_ASSIGN_OR_RETURN(Value key, path.Of(item, runtime));
    if (!bound.Bool(0, false)) {
      QUIRE_ASSIGN_OR_RETURN(key, FoldCase(key, runtime));
    }
    QUIRE_RETURN_IF_ERROR(CheckHashable(key));
    // Keys that are no texts are compared one by one.
    QUIRE_RETURN_IF_ERROR(runtime.budget().Bytes(seen->size()));
    if (seen->Find(key) != nullptr) continue;
    QUIRE_RETURN_IF_ERROR(runtime.arena().SetItem(*seen, key, item));
    unique.push_back(item);
  }
  return Generator(std::move(unique), runtime);
}

template <bool wants_max>
StatusOr<Value> ExtremeFilter(const Value& input, const Arguments& arguments, Runtime& runtime) {
  QUIRE_ASSIGN_OR_RETURN(
      const auto bound, BoundArguments::Bind("min", arguments, {"case_sensitive", "attribute"}, 0));
  QUIRE_ASSIGN_OR_RETURN(const AttributePath path, AttributePath::Parse(bound[1]));
  QUIRE_ASSIGN_OR_RETURN(const std::vector<Value> items, Iterate(input, runtime));
  if (items.empty()) return runtime.arena().NewUndefined("there is no item");
  Value best;
  Value best_key;
  for (std::size_t i = 0; i < items.size(); ++i) {
    QUIRE_ASSIGN_OR_RETURN(Value key, path.Of(items[i], runtime));
    if (!bound.Bool(0, false)) {
      QUIRE_ASSIGN_OR_RETURN(key, FoldCase(key, runtime));
    }
    bool better = i == 0;
    if (!better) {
      QUIRE_ASSIGN_OR_RETURN(better, wants_max ? Less(best_key, key, runtime.budget())
                                               : Less(key, best_key, runtime.budget()));
    }
    if (better) {
      best = items[i];
      best_key = key;
    }
  }
  return best;
}

StatusOr<Value> SumFilter(const Value& input, const Arguments& arguments, Runtime& runtime) {
  QUIRE_ASSIGN_OR_RETURN(const auto bound,
                         BoundArguments::Bind("sum", arguments, {"attribute", "start"}, 0));
  QUIRE_ASSIGN_OR_RETURN(const AttributePath path, AttributePath::Parse(bound[0]));
  QUIRE_ASSIGN_OR_RETURN(const std::vector<Value> items, Iterate(input, runtime));
  Value sum = bound[1] == nullptr ? Value::Integer(0) : *bound[1];
  for (const Value& item : items) {
    QUIRE_RETURN_IF_ERROR(runtime.budget().Step());
    QUIRE_ASSIGN_OR_RETURN(const Value value, path.Of(item, runtime));
    QUIRE_ASSIGN_OR_RETURN(sum, Apply(BinaryOperator::kAdd, sum, value, runtime));
  }
  return sum;
}

// Pairs of (key, elements with this key), sorted by key.
StatusOr<Value> GroupByFilter(const Value& input, const Arguments& arguments, Runtime& runtime) {
  QUIRE_ASSIGN_OR_RETURN(const auto bound,
                         BoundArguments::Bind("groupby", arguments, {"attribute", "default"}, 1));
  QUIRE_ASSIGN_OR_RETURN(const AttributePath path, AttributePath::Parse(bound[0]));
  const KeyOf key_of = [&](const Value& item) -> StatusOr<Value> {
    QUIRE_ASSIGN_OR_RETURN(const Value key, path.Of(item, runtime));
    return key.is_undefined() && bound[1] != nullptr ? *bound[1] : key;
  };
  QUIRE_ASSIGN_OR_RETURN(std::vector<Value> items, Iterate(input, runtime));
  QUIRE_RETURN_IF_ERROR(SortBy(items, key_of, SortOptions(), runtime));
  std::vector<Value> groups;
  Value last_key;
  for (const Value& item : items) {
    QUIRE_ASSIGN_OR_RETURN(const Value key, key_of(item));
    QUIRE_ASSIGN_OR_RETURN(const Value folded, FoldCase(key, runtime));
    bool same = false;
    if (!groups.empty()) {
      QUIRE_ASSIGN_OR_RETURN(same, Equal(folded, last_key, runtime.budget()));
    }
    if (!same) {
      QUIRE_ASSIGN_OR_RETURN(const Value members,
                             runtime.arena().NewSequence(Sequence::Kind::kList, {}));
      QUIRE_ASSIGN_OR_RETURN(const Value group,
                             runtime.arena().NewSequence(Sequence::Kind::kTuple, {key, members}));
      groups.push_back(group);
      last_key = folded;
    }
    Sequence& members = groups.back().sequence().items[1].sequence();
    QUIRE_RETURN_IF_ERROR(runtime.arena().Append(members, members.items.size(), item));
  }
  return runtime.arena().NewSequence(Sequence::Kind::kList, std::move(groups));
}

constexpr Filter kElementFilters[] = {
    {"map", MapFilter},
    {"select", SelectFilter<false, true>},
    {"reject", SelectFilter<false, false>},
    {"selectattr", SelectFilter<true, true>},
    {"rejectattr", SelectFilter<true, false>},
    {"sort", SortFilter},
    {"unique", UniqueFilter},
    {"min", ExtremeFilter<false>},
    {"max", ExtremeFilter<true>},
    {"sum", SumFilter},
    {"groupby", GroupByFilter},
};

}  // namespace

std::span<const Filter> ElementFilters() { return kElementFilters; }

}  // namespace quire::engine::jinja
