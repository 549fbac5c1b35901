#include "engine/tokenizer/jinja/subscripts.h"

#include <algorithm>
#include <string>

#include "base/utf8.h"
#include "engine/tokenizer/jinja/characters.h"
#include "engine/tokenizer/jinja/loop_state.h"
#include "engine/tokenizer/jinja/methods.h"
#include "engine/tokenizer/jinja/operators.h"
#include "engine/tokenizer/jinja/runtime.h"

namespace quire::engine::jinja {
namespace {

using Kind = Value::Kind;

// Attributes proper, without items; nothing if there is none.
StatusOr<std::optional<Value>> FindAttribute(const Value& object, std::string_view name,
                                             Runtime& runtime) {
  if (object.is(Kind::kLoop)) return object.loop().Attribute(name, runtime);
  if (object.is(Kind::kNamespace)) {
    const Value* value = object.dict().Find(name);
    return value == nullptr ? std::optional<Value>() : std::optional<Value>(*value);
  }
  return FindMethod(object, name, runtime);
}

std::optional<std::size_t> ResolveIndex(std::int64_t index, std::size_t size) {
  if (index < 0) index += static_cast<std::int64_t>(size);
  if (index < 0 || index >= static_cast<std::int64_t>(size)) return std::nullopt;
  return static_cast<std::size_t>(index);
}

StatusOr<std::optional<Value>> FindItem(const Value& object, const Value& key, Runtime& runtime) {
  if (object.is(Kind::kDict)) {
    const Value* value = object.dict().Find(key);
    return value == nullptr ? std::optional<Value>() : std::optional<Value>(*value);
  }
  if (!key.is_integral()) return std::optional<Value>();
  if (object.is(Kind::kSequence) && object.sequence().kind != Sequence::Kind::kGenerator) {
    const std::vector<Value>& items = object.sequence().items;
    const std::optional<std::size_t> index = ResolveIndex(key.integer(), items.size());
    return index ? std::optional<Value>(items[*index]) : std::optional<Value>();
  }
  if (object.is_text()) {
    const Text& text = object.text();
    QUIRE_RETURN_IF_ERROR(runtime.budget().Bytes(text.size()));
    const auto index = ResolveIndex(key.integer(), CountUtf8Characters(text.view()));
    if (!index) return std::optional<Value>();
    const std::size_t begin = OffsetOfCharacter(text.view(), *index);
    QUIRE_ASSIGN_OR_RETURN(const Value character, runtime.arena().NewText(text.Slice(
                                                      begin, NextCharacter(text.view(), begin))));
    return std::optional<Value>(character);
  }
  return std::optional<Value>();
}

Value Missing(const Value& object, std::string_view name, Runtime& runtime) {
  return runtime.arena().NewUndefined(
      fmt::format("{} has no attribute \"{}\"", TypeName(object), name));
}

// The indices that a slice selects from `size` elements, by Python's rules.
struct Selection {
  std::int64_t start = 0;
  std::int64_t step = 1;
  std::int64_t count = 0;
};

StatusOr<Selection> Select(const SliceBounds& bounds, std::size_t size_of_object) {
  const auto size = static_cast<std::int64_t>(size_of_object);
  Selection selection;
  selection.step = bounds.step.value_or(1);
  if (selection.step == 0) return InvalidArgument("slice: wanted a step, have zero");
  const bool forward = selection.step > 0;
  const std::int64_t lowest = forward ? 0 : -1;
  const std::int64_t highest = forward ? size : size - 1;
  const auto clamp = [&](const std::optional<std::int64_t>& bound, std::int64_t fallback) {
    if (!bound) return fallback;
    // Adding the size cannot overflow: the bound is negative.
    return std::clamp(*bound < 0 ? *bound + size : *bound, lowest, highest);
  };
  selection.start = clamp(bounds.start, forward ? lowest : highest);
  const std::int64_t stop = clamp(bounds.stop, forward ? highest : lowest);
  const std::int64_t distance = forward ? stop - selection.start : selection.start - stop;
  if (distance <= 0) return selection;
  // The negation of the smallest step overflows; such a step selects one element anyway.
  const std::int64_t stride =
      forward ? selection.step : -std::max(selection.step, -(std::int64_t{1} << 62));
  selection.count = (distance - 1) / stride + 1;
  return selection;
}

StatusOr<Value> SliceText(const Text& text, const SliceBounds& bounds, Runtime& runtime) {
  const std::size_t size = CountUtf8Characters(text.view());
  QUIRE_RETURN_IF_ERROR(runtime.budget().Bytes(text.size()));
  QUIRE_ASSIGN_OR_RETURN(const Selection selection, Select(bounds, size));
  if (selection.step == 1) {
    const std::size_t begin =
        OffsetOfCharacter(text.view(), static_cast<std::size_t>(selection.start));
    const std::size_t length =
        OffsetOfCharacter(text.view().substr(begin), static_cast<std::size_t>(selection.count));
    return runtime.arena().NewText(text.Slice(begin, begin + length));
  }
  std::vector<std::size_t> offsets;  // by character, and the end
  QUIRE_RETURN_IF_ERROR(runtime.budget().Bytes(size * sizeof(std::size_t)));
  for (std::size_t at = 0; at < text.size(); at = NextCharacter(text.view(), at)) {
    offsets.push_back(at);
  }
  offsets.push_back(text.size());
  Text slice;
  for (std::int64_t i = 0; i < selection.count; ++i) {
    const auto index = static_cast<std::size_t>(selection.start + i * selection.step);
    slice.AppendSlice(text, offsets[index], offsets[index + 1]);
  }
  return runtime.arena().NewText(std::move(slice));
}

}  // namespace

StatusOr<Value> GetAttribute(const Value& object, std::string_view name, Runtime& runtime) {
  if (object.is_undefined()) return InvalidArgument("{}", object.UndefinedMessage());
  QUIRE_ASSIGN_OR_RETURN(const std::optional<Value> attribute,
                         FindAttribute(object, name, runtime));
  if (attribute) return *attribute;
  if (object.is(Kind::kDict)) {
    if (const Value* item = object.dict().Find(name)) return *item;
  }
  return Missing(object, name, runtime);
}

StatusOr<Value> GetItem(const Value& object, const Value& key, Runtime& runtime) {
  if (object.is_undefined()) return InvalidArgument("{}", object.UndefinedMessage());
  QUIRE_ASSIGN_OR_RETURN(const std::optional<Value> item, FindItem(object, key, runtime));
  if (item) return *item;
  if (!key.is_text()) return Missing(object, TypeName(key), runtime);
  QUIRE_ASSIGN_OR_RETURN(const std::optional<Value> attribute,
                         FindAttribute(object, key.text().view(), runtime));
  if (attribute) return *attribute;
  return Missing(object, key.text().view(), runtime);
}

StatusOr<Value> GetSlice(const Value& object, const SliceBounds& bounds, Runtime& runtime) {
  if (object.is_text()) return SliceText(object.text(), bounds, runtime);
  if (object.is_undefined()) return InvalidArgument("{}", object.UndefinedMessage());
  if (!object.is(Kind::kSequence) || object.sequence().kind == Sequence::Kind::kGenerator) {
    return InvalidArgument("slice: wanted a string or list, have {}", TypeName(object));
  }
  const Sequence& sequence = object.sequence();
  QUIRE_ASSIGN_OR_RETURN(const Selection selection, Select(bounds, sequence.items.size()));
  std::vector<Value> items;
  QUIRE_RETURN_IF_ERROR(
      runtime.budget().Bytes(static_cast<std::size_t>(selection.count) * sizeof(Value)));
  for (std::int64_t i = 0; i < selection.count; ++i) {
    items.push_back(sequence.items[static_cast<std::size_t>(selection.start + i * selection.step)]);
  }
  const Sequence::Kind kind =
      sequence.kind == Sequence::Kind::kTuple ? Sequence::Kind::kTuple : Sequence::Kind::kList;
  return runtime.arena().NewSequence(kind, std::move(items));
}

}  // namespace quire::engine::jinja
