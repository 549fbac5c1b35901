#include <algorithm>

#include "engine/tokenizer/jinja/arguments.h"
#include "engine/tokenizer/jinja/methods.h"
#include "engine/tokenizer/jinja/operators.h"
#include "engine/tokenizer/jinja/runtime.h"

namespace quire::engine::jinja {
namespace {

StatusOr<Value> ListAppend(const Value& self, const Arguments& arguments, Runtime& runtime) {
  QUIRE_ASSIGN_OR_RETURN(const auto bound, BoundArguments::Bind("append", arguments, {"item"}, 1));
  Sequence& list = self.sequence();
  QUIRE_RETURN_IF_ERROR(runtime.arena().Append(list, list.items.size(), *bound[0]));
  return Value::None();
}

StatusOr<Value> ListInsert(const Value& self, const Arguments& arguments, Runtime& runtime) {
  QUIRE_ASSIGN_OR_RETURN(const auto bound,
                         BoundArguments::Bind("insert", arguments, {"index", "item"}, 2));
  QUIRE_ASSIGN_OR_RETURN(std::int64_t index, bound.Integer(0, 0));
  Sequence& list = self.sequence();
  const auto size = static_cast<std::int64_t>(list.items.size());
  if (index < 0) index += size;
  index = std::clamp<std::int64_t>(index, 0, size);
  QUIRE_RETURN_IF_ERROR(runtime.arena().Append(list, static_cast<std::size_t>(index), *bound[1]));
  return Value::None();
}

StatusOr<Value> ListPop(const Value& self, const Arguments& arguments, Runtime& runtime) {
  QUIRE_ASSIGN_OR_RETURN(const auto bound, BoundArguments::Bind("pop", arguments, {"index"}, 0));
  QUIRE_ASSIGN_OR_RETURN(std::int64_t index, bound.Integer(0, -1));
  std::vector<Value>& items = self.sequence().items;
  const auto size = static_cast<std::int64_t>(items.size());
  if (index < 0) index += size;
  if (index < 0 || index >= size) {
    return InvalidArgument("pop: wanted an index below {}, have {}", size, index);
  }
  QUIRE_RETURN_IF_ERROR(runtime.budget().Bytes(static_cast<std::size_t>(size - index)));
  const Value item = items[static_cast<std::size_t>(index)];
  items.erase(items.begin() + index);
  return item;
}

StatusOr<Value> ListIndex(const Value& self, const Arguments& arguments, Runtime& runtime) {
  QUIRE_ASSIGN_OR_RETURN(const auto bound, BoundArguments::Bind("index", arguments, {"item"}, 1));
  const std::vector<Value>& items = self.sequence().items;
  for (std::size_t i = 0; i < items.size(); ++i) {
    QUIRE_ASSIGN_OR_RETURN(const bool equal, Equal(items[i], *bound[0], runtime.budget()));
    if (equal) return Value::Integer(static_cast<std::int64_t>(i));
  }
  return InvalidArgument("index: wanted an element of the list, have another value");
}

StatusOr<Value> ListCount(const Value& self, const Arguments& arguments, Runtime& runtime) {
  QUIRE_ASSIGN_OR_RETURN(const auto bound, BoundArguments::Bind("count", arguments, {"item"}, 1));
  std::int64_t count = 0;
  for (const Value& item : self.sequence().items) {
    QUIRE_ASSIGN_OR_RETURN(const bool equal, Equal(item, *bound[0], runtime.budget()));
    count += equal ? 1 : 0;
  }
  return Value::Integer(count);
}

StatusOr<Value> DictGet(const Value& self, const Arguments& arguments, Runtime&) {
  QUIRE_ASSIGN_OR_RETURN(const auto bound,
                         BoundArguments::Bind("get", arguments, {"key", "default"}, 1));
  QUIRE_RETURN_IF_ERROR(CheckHashable(*bound[0]));
  if (const Value* value = self.dict().Find(*bound[0])) return *value;
  return bound[1] == nullptr ? Value::None() : *bound[1];
}

StatusOr<Value> DictKeys(const Value& self, const Arguments&, Runtime& runtime) {
  std::vector<Value> keys;
  for (const Dict::Entry& entry : self.dict().entries()) keys.push_back(entry.first);
  return runtime.arena().NewSequence(Sequence::Kind::kList, std::move(keys));
}

StatusOr<Value> DictValues(const Value& self, const Arguments&, Runtime& runtime) {
  std::vector<Value> values;
  for (const Dict::Entry& entry : self.dict().entries()) values.push_back(entry.second);
  return runtime.arena().NewSequence(Sequence::Kind::kList, std::move(values));
}

StatusOr<Value> DictItems(const Value& self, const Arguments&, Runtime& runtime) {
  return Items(self.dict(), Sequence::Kind::kList, runtime);
}

StatusOr<Value> DictPop(const Value& self, const Arguments& arguments, Runtime& runtime) {
  QUIRE_ASSIGN_OR_RETURN(const auto bound,
                         BoundArguments::Bind("pop", arguments, {"key", "default"}, 1));
  Dict& dict = self.dict();
  const Value* found = dict.Find(*bound[0]);
  if (found == nullptr) {
    if (bound[1] != nullptr) return *bound[1];
    return InvalidArgument("pop: wanted a key of the dict, have another value");
  }
  const Value value = *found;
  QUIRE_RETURN_IF_ERROR(runtime.budget().Bytes(dict.size()));
  dict.Erase(*bound[0]);
  return value;
}

StatusOr<Value> DictSetDefault(const Value& self, const Arguments& arguments, Runtime& runtime) {
  QUIRE_ASSIGN_OR_RETURN(const auto bound,
                         BoundArguments::Bind("setdefault", arguments, {"key", "default"}, 1));
  if (const Value* value = self.dict().Find(*bound[0])) return *value;
  const Value value = bound[1] == nullptr ? Value::None() : *bound[1];
  QUIRE_RETURN_IF_ERROR(CheckHashable(*bound[0]));
  QUIRE_RETURN_IF_ERROR(runtime.arena().SetItem(self.dict(), *bound[0], value));
  return value;
}

StatusOr<Value> DictUpdate(const Value& self, const Arguments& arguments, Runtime& runtime) {
  for (const Value& other : arguments.positional) {
    if (!other.is(Value::Kind::kDict)) {
      return InvalidArgument("update: wanted a dict, have {}", TypeName(other));
    }
    const std::vector<Dict::Entry> entries = other.dict().entries();
    for (const auto& [key, value] : entries) {
      QUIRE_RETURN_IF_ERROR(runtime.arena().SetItem(self.dict(), key, value));
    }
  }
  for (const auto& [name, value] : arguments.keyword) {
    QUIRE_ASSIGN_OR_RETURN(const Value key, runtime.arena().NewText(name, Origin::kTemplate));
    QUIRE_RETURN_IF_ERROR(runtime.arena().SetItem(self.dict(), key, value));
  }
  return Value::None();
}

StatusOr<Value> DictCopy(const Value& self, const Arguments&, Runtime& runtime) {
  Dict* copy = runtime.arena().NewDict();
  for (const auto& [key, value] : self.dict().entries()) {
    QUIRE_RETURN_IF_ERROR(runtime.arena().SetItem(*copy, key, value));
  }
  return Value::Of(copy);
}

constexpr Method kListMethods[] = {
    {"append", ListAppend}, {"insert", ListInsert}, {"pop", ListPop},
    {"index", ListIndex},   {"count", ListCount},
};

constexpr Method kDictMethods[] = {
    {"get", DictGet}, {"keys", DictKeys}, {"values", DictValues}, {"items", DictItems},
    {"pop", DictPop}, {"copy", DictCopy}, {"update", DictUpdate}, {"setdefault", DictSetDefault},
};

}  // namespace

StatusOr<Value> Items(const Dict& dict, Sequence::Kind kind, Runtime& runtime) {
  std::vector<Value> items;
  for (const auto& [key, value] : dict.entries()) {
    QUIRE_ASSIGN_OR_RETURN(const Value pair,
                           runtime.arena().NewSequence(Sequence::Kind::kTuple, {key, value}));
    items.push_back(pair);
  }
  return runtime.arena().NewSequence(kind, std::move(items));
}

std::span<const Method> ListMethods() { return kListMethods; }
std::span<const Method> DictMethods() { return kDictMethods; }

}  // namespace quire::engine::jinja
