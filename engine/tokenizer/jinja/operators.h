#pragma once

#include "base/status.h"
#include "engine/tokenizer/jinja/value.h"

// What Python's operators do with values.

namespace quire::engine::jinja {

// False for undefined, None, zero and empty values.
bool Truth(const Value& value);

// Python's ==. RESOURCE_EXHAUSTED for containers that are nested too deep.
StatusOr<bool> Equal(const Value& a, const Value& b, Budget& budget);
// == for dictionary keys, which are no containers but tuples.
bool KeysEqual(const Value& a, const Value& b);
// Python's <. INVALID_ARGUMENT for values without an order.
StatusOr<bool> Less(const Value& a, const Value& b, Budget& budget);
// Python's `item in container`.
StatusOr<bool> Contains(const Value& container, const Value& item, Budget& budget);

enum class BinaryOperator { kAdd, kSubtract, kMultiply, kDivide, kFloorDivide, kModulo, kPower };

StatusOr<Value> Apply(BinaryOperator op, const Value& a, const Value& b, Runtime& runtime);
StatusOr<Value> Negate(const Value& value);

// Python's len().
StatusOr<std::int64_t> Length(const Value& value);
// The elements that a loop over `value` visits: of a dict its keys, of a text its characters.
// A generator is used up by it.
StatusOr<std::vector<Value>> Iterate(const Value& value, Runtime& runtime);

// The (key, value) tuples of a dict, as a list or generator.
StatusOr<Value> Items(const Dict& dict, Sequence::Kind kind, Runtime& runtime);
// INVALID_ARGUMENT if `key` can be no key of a dict.
Status CheckHashable(const Value& key);
// str.replace as a value, charged to the budget before it is made.
StatusOr<Value> ReplaceText(const Text& text, const Text& from, const Text& to,
                            std::int64_t max_count, Runtime& runtime);

// "string", "dict": for messages.
std::string TypeName(const Value& value);

}  // namespace quire::engine::jinja
