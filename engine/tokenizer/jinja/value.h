#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/status.h"
#include "engine/tokenizer/jinja/budget.h"
#include "engine/tokenizer/jinja/text.h"

namespace quire::engine::jinja {

struct Sequence;
class Dict;
class Callable;
class LoopState;

// A value of the template language, with the meaning Python gives it. A small handle: texts and
// containers live in the Arena of the rendering (or, for literals, in the template).
class Value {
 public:
  enum class Kind : std::uint8_t {
    kUndefined,
    kNone,
    kBool,
    kInteger,
    kFloat,
    kText,
    kSequence,
    kDict,
    kNamespace,
    kCallable,
    kLoop,
  };

  Value() = default;  // undefined, without a name
  static Value None() { return Value(Kind::kNone); }
  static Value Bool(bool value);
  static Value Integer(std::int64_t value);
  static Value Float(double value);
  static Value Of(const Text* text);
  static Value Of(Sequence* sequence);
  static Value Of(Dict* dict);
  static Value Of(const Callable* callable);
  static Value Of(LoopState* loop);
  static Value Namespace(Dict* attributes);
  // `what` tells what is undefined, "'x' is undefined".
  static Value Undefined(const std::string* what);

  Kind kind() const { return kind_; }
  bool is(Kind kind) const { return kind_ == kind; }
  bool is_text() const { return kind_ == Kind::kText; }
  bool is_undefined() const { return kind_ == Kind::kUndefined; }
  bool is_none() const { return kind_ == Kind::kNone; }
  // Booleans are numbers, as in Python.
  bool is_integral() const { return kind_ == Kind::kInteger || kind_ == Kind::kBool; }
  bool is_number() const { return is_integral() || kind_ == Kind::kFloat; }

  // Each requires its kind.
  bool boolean() const { return integer_ != 0; }
  std::int64_t integer() const { return integer_; }  // of kBool too
  double number() const { return kind_ == Kind::kFloat ? float_ : static_cast<double>(integer_); }
  const Text& text() const { return *text_; }
  Sequence& sequence() const { return *sequence_; }
  Dict& dict() const { return *dict_; }  // of kNamespace too: its attributes
  const Callable& callable() const { return *callable_; }
  LoopState& loop() const { return *loop_; }
  std::string UndefinedMessage() const;

  // The same object, as Python's `is`.
  bool SameAs(const Value& other) const;

 private:
  explicit Value(Kind kind) : kind_(kind) {}

  Kind kind_ = Kind::kUndefined;
  union {
    std::int64_t integer_ = 0;
    double float_;
    const Text* text_;
    Sequence* sequence_;
    Dict* dict_;
    const Callable* callable_;
    LoopState* loop_;
    const std::string* what_;
  };
};

struct Sequence {
  enum class Kind : std::uint8_t { kList, kTuple, kRange, kGenerator };
  Kind kind = Kind::kList;
  std::vector<Value> items;
  std::string repr;  // of a range
};

// A mapping in insertion order. Keys are texts, numbers, booleans, None or tuples of them.
class Dict {
 public:
  using Entry = std::pair<Value, Value>;

  const std::vector<Entry>& entries() const { return entries_; }
  std::size_t size() const { return entries_.size(); }
  // The value of `key`, or null.
  const Value* Find(const Value& key) const;
  const Value* Find(std::string_view key) const;
  void Set(const Value& key, const Value& value);
  void Erase(const Value& key);

 private:
  std::optional<std::size_t> IndexOf(const Value& key) const;

  std::vector<Entry> entries_;
  std::unordered_map<std::string_view, std::size_t> text_index_;  // text keys, by their bytes
};

// Positional and keyword arguments of a call.
struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> keyword;
};

class Runtime;

// Whatever can be called: functions, methods of a value, macros.
class Callable {
 public:
  virtual ~Callable() = default;
  virtual StatusOr<Value> Call(Runtime& runtime, const Arguments& arguments) const = 0;
};

// Owns everything that one rendering makes, until its end: values may refer to each other in
// circles. Charges what it makes to the budget.
class Arena {
 public:
  explicit Arena(Budget& budget) : budget_(budget) {}

  StatusOr<Value> NewText(Text text);
  StatusOr<Value> NewText(std::string bytes, Origin origin);
  StatusOr<Value> NewSequence(Sequence::Kind kind, std::vector<Value> items);
  // An empty dict; growth is charged by SetItem.
  Dict* NewDict();
  Status SetItem(Dict& dict, const Value& key, const Value& value);
  Status Append(Sequence& sequence, std::size_t at, const Value& value);
  Value NewUndefined(std::string what);
  template <typename T>
  T* Adopt(std::unique_ptr<T> object) {
    // Once the budget is spent, the next step reports it.
    budget_.Bytes(sizeof(T) + sizeof(std::shared_ptr<void>)).IgnoreError();
    T* raw = object.get();
    adopted_.emplace_back(std::move(object));
    return raw;
  }

 private:
  Budget& budget_;
  std::deque<Text> texts_;
  std::deque<Sequence> sequences_;
  std::deque<Dict> dicts_;
  std::deque<std::string> messages_;
  std::deque<std::shared_ptr<void>> adopted_;
};

}  // namespace quire::engine::jinja
