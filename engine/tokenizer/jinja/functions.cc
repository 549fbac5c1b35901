#include "engine/tokenizer/jinja/functions.h"

#include <ctime>

#include "engine/tokenizer/jinja/arguments.h"
#include "engine/tokenizer/jinja/operators.h"
#include "engine/tokenizer/jinja/python_text.h"
#include "engine/tokenizer/jinja/runtime.h"

namespace quire::engine::jinja {
namespace {

template <StatusOr<Value> (*function)(Runtime&, const Arguments&)>
class FunctionCallable final : public Callable {
 public:
  StatusOr<Value> Call(Runtime& runtime, const Arguments& arguments) const override {
    return function(runtime, arguments);
  }
};

StatusOr<Value> Range(Runtime& runtime, const Arguments& arguments) {
  QUIRE_ASSIGN_OR_RETURN(const auto bound,
                         BoundArguments::Bind("range", arguments, {"start", "stop", "step"}, 1));
  QUIRE_ASSIGN_OR_RETURN(const std::int64_t first, bound.Integer(0, 0));
  QUIRE_ASSIGN_OR_RETURN(const std::int64_t second, bound.Integer(1, 0));
  QUIRE_ASSIGN_OR_RETURN(const std::int64_t step, bound.Integer(2, 1));
  const std::int64_t start = bound[1] == nullptr ? 0 : first;
  const std::int64_t stop = bound[1] == nullptr ? first : second;
  if (step == 0) return InvalidArgument("range: wanted a step, have zero");
  const std::int64_t limit = runtime.budget().limits().range;
  std::vector<Value> items;
  for (std::int64_t i = start; step > 0 ? i < stop : i > stop;) {
    if (static_cast<std::int64_t>(items.size()) == limit) {
      return ResourceExhausted("range: wanted at most {} numbers, have more", limit);
    }
    items.push_back(Value::Integer(i));
    if (__builtin_add_overflow(i, step, &i)) break;
  }
  QUIRE_ASSIGN_OR_RETURN(const Value range,
                         runtime.arena().NewSequence(Sequence::Kind::kRange, std::move(items)));
  range.sequence().repr = step == 1 ? fmt::format("range({}, {})", start, stop)
                                    : fmt::format("range({}, {}, {})", start, stop, step);
  return range;
}

// The entries of dicts among the arguments, then the keyword arguments.
StatusOr<Dict*> CollectEntries(Runtime& runtime, const Arguments& arguments) {
  Dict* dict = runtime.arena().NewDict();
  for (const Value& source : arguments.positional) {
    if (!source.is(Value::Kind::kDict)) {
      return InvalidArgument("dict: wanted a dict, have {}", TypeName(source));
    }
    for (const auto& [key, value] : source.dict().entries()) {
      QUIRE_RETURN_IF_ERROR(runtime.arena().SetItem(*dict, key, value));
    }
  }
  for (const auto& [name, value] : arguments.keyword) {
    QUIRE_ASSIGN_OR_RETURN(const Value key, runtime.arena().NewText(name, Origin::kTemplate));
    QUIRE_RETURN_IF_ERROR(runtime.arena().SetItem(*dict, key, value));
  }
  return dict;
}

StatusOr<Value> NewNamespace(Runtime& runtime, const Arguments& arguments) {
  QUIRE_ASSIGN_OR_RETURN(Dict* const attributes, CollectEntries(runtime, arguments));
  return Value::Namespace(attributes);
}

StatusOr<Value> NewDictValue(Runtime& runtime, const Arguments& arguments) {
  QUIRE_ASSIGN_OR_RETURN(Dict* const dict, CollectEntries(runtime, arguments));
  return Value::Of(dict);
}

// Gives nothing at its first call, the separator at every later one.
class Joiner final : public Callable {
 public:
  explicit Joiner(const Value& separator) : separator_(separator) {}
  StatusOr<Value> Call(Runtime& runtime, const Arguments&) const override {
    if (called_) return separator_;
    called_ = true;
    return runtime.arena().NewText("", Origin::kTemplate);
  }

 private:
  const Value separator_;
  mutable bool called_ = false;
};

StatusOr<Value> NewJoiner(Runtime& runtime, const Arguments& arguments) {
  QUIRE_ASSIGN_OR_RETURN(const auto bound, BoundArguments::Bind("joiner", arguments, {"sep"}, 0));
  Value separator;
  if (bound[0] != nullptr) {
    separator = *bound[0];
  } else {
    QUIRE_ASSIGN_OR_RETURN(separator, runtime.arena().NewText(", ", Origin::kTemplate));
  }
  return Value::Of(runtime.arena().Adopt(std::make_unique<Joiner>(separator)));
}

StatusOr<Value> RaiseException(Runtime& runtime, const Arguments& arguments) {
  QUIRE_ASSIGN_OR_RETURN(const auto bound,
                         BoundArguments::Bind("raise_exception", arguments, {"message"}, 1));
  QUIRE_ASSIGN_OR_RETURN(const Value message, Str(*bound[0], runtime));
  return InvalidArgument("{}", message.text().bytes());
}

// The time handed in by the caller, in UTC.
StatusOr<Value> StrftimeNow(Runtime& runtime, const Arguments& arguments) {
  QUIRE_ASSIGN_OR_RETURN(const auto bound,
                         BoundArguments::Bind("strftime_now", arguments, {"format"}, 1));
  QUIRE_ASSIGN_OR_RETURN(const Text* format, bound.GetText(0));
  const std::time_t seconds = runtime.now_seconds();
  std::tm utc{};
  char buffer[1024];
  if (format->empty() || gmtime_r(&seconds, &utc) == nullptr) {
    return runtime.arena().NewText("", Origin::kTemplate);
  }
  const std::size_t size = std::strftime(buffer, sizeof(buffer), format->bytes().c_str(), &utc);
  if (size == 0) {
    return InvalidArgument("strftime_now: wanted a date of 1 to {} bytes, have another",
                           sizeof(buffer) - 1);
  }
  return runtime.arena().NewText(std::string(buffer, size),
                                 format->runs().size() == 1 ? format->OriginAt(0) : Origin::kInput);
}

}  // namespace

const std::vector<Function>& Functions() {
  static const FunctionCallable<Range> range;
  static const FunctionCallable<NewNamespace> new_namespace;
  static const FunctionCallable<NewDictValue> new_dict;
  static const FunctionCallable<NewJoiner> new_joiner;
  static const FunctionCallable<RaiseException> raise_exception;
  static const FunctionCallable<StrftimeNow> strftime_now;
  static const std::vector<Function> functions = {
      {"range", &range},
      {"namespace", &new_namespace},
      {"dict", &new_dict},
      {"joiner", &new_joiner},
      {"strftime_now", &strftime_now},
      {"raise_exception", &raise_exception},
  };
  return functions;
}

}  // namespace quire::engine::jinja
