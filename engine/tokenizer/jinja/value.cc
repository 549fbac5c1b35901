#include "engine/tokenizer/jinja/value.h"

#include <algorithm>

#include "engine/tokenizer/jinja/operators.h"

namespace quire::engine::jinja {

Value Value::Bool(bool value) {
  Value result(Kind::kBool);
  result.integer_ = value ? 1 : 0;
  return result;
}

Value Value::Integer(std::int64_t value) {
  Value result(Kind::kInteger);
  result.integer_ = value;
  return result;
}

Value Value::Float(double value) {
  Value result(Kind::kFloat);
  result.float_ = value;
  return result;
}

Value Value::Of(const Text* text) {
  Value result(Kind::kText);
  result.text_ = text;
  return result;
}

Value Value::Of(Sequence* sequence) {
  Value result(Kind::kSequence);
  result.sequence_ = sequence;
  return result;
}

Value Value::Of(Dict* dict) {
  Value result(Kind::kDict);
  result.dict_ = dict;
  return result;
}

Value Value::Of(const Callable* callable) {
  Value result(Kind::kCallable);
  result.callable_ = callable;
  return result;
}

Value Value::Of(LoopState* loop) {
  Value result(Kind::kLoop);
  result.loop_ = loop;
  return result;
}

Value Value::Namespace(Dict* attributes) {
  Value result(Kind::kNamespace);
  result.dict_ = attributes;
  return result;
}

Value Value::Undefined(const std::string* what) {
  Value result;
  result.what_ = what;
  return result;
}

std::string Value::UndefinedMessage() const {
  return what_ == nullptr ? "a value is undefined" : *what_;
}

bool Value::SameAs(const Value& other) const {
  if (kind_ != other.kind_) return false;
  if (kind_ == Kind::kFloat) return float_ == other.float_;
  if (kind_ == Kind::kText) return text_ == other.text_;
  return kind_ == Kind::kNone || integer_ == other.integer_;
}

std::optional<std::size_t> Dict::IndexOf(const Value& key) const {
  if (key.is_text()) {
    const auto found = text_index_.find(key.text().view());
    if (found == text_index_.end()) return std::nullopt;
    return found->second;
  }
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (!entries_[i].first.is_text() && KeysEqual(entries_[i].first, key)) return i;
  }
  return std::nullopt;
}

const Value* Dict::Find(const Value& key) const {
  const std::optional<std::size_t> index = IndexOf(key);
  return index ? &entries_[*index].second : nullptr;
}

const Value* Dict::Find(std::string_view key) const {
  const auto found = text_index_.find(key);
  return found == text_index_.end() ? nullptr : &entries_[found->second].second;
}

void Dict::Set(const Value& key, const Value& value) {
  if (const std::optional<std::size_t> index = IndexOf(key)) {
    entries_[*index].second = value;
    return;
  }
  if (key.is_text()) text_index_.emplace(key.text().view(), entries_.size());
  entries_.emplace_back(key, value);
}

void Dict::Erase(const Value& key) {
  const std::optional<std::size_t> index = IndexOf(key);
  if (!index) return;
  if (key.is_text()) text_index_.erase(key.text().view());
  entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(*index));
  for (auto& [text, at] : text_index_) {
    if (at > *index) --at;
  }
}

StatusOr<Value> Arena::NewText(Text text) {
  QUIRE_RETURN_IF_ERROR(budget_.TextSize(text.size()));
  QUIRE_RETURN_IF_ERROR(
      budget_.Bytes(text.size() + sizeof(Text) + text.runs().size() * sizeof(Text::Run)));
  return Value::Of(&texts_.emplace_back(std::move(text)));
}

StatusOr<Value> Arena::NewText(std::string bytes, Origin origin) {
  return NewText(Text(std::move(bytes), origin));
}

StatusOr<Value> Arena::NewSequence(Sequence::Kind kind, std::vector<Value> items) {
  QUIRE_RETURN_IF_ERROR(budget_.Bytes(sizeof(Sequence) + items.size() * sizeof(Value)));
  return Value::Of(&sequences_.emplace_back(Sequence{kind, std::move(items), ""}));
}

Dict* Arena::NewDict() { return &dicts_.emplace_back(); }

Status Arena::SetItem(Dict& dict, const Value& key, const Value& value) {
  // An entry, and its place in the index.
  QUIRE_RETURN_IF_ERROR(budget_.Bytes(2 * sizeof(Dict::Entry)));
  dict.Set(key, value);
  return OkStatus();
}

Status Arena::Append(Sequence& sequence, std::size_t at, const Value& value) {
  QUIRE_RETURN_IF_ERROR(budget_.Bytes(sizeof(Value) + (sequence.items.size() - at)));
  sequence.items.insert(sequence.items.begin() + static_cast<std::ptrdiff_t>(at), value);
  return OkStatus();
}

Value Arena::NewUndefined(std::string what) {
  return Value::Undefined(&messages_.emplace_back(std::move(what)));
}

}  // namespace quire::engine::jinja
