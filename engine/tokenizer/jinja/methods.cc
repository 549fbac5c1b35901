#include "engine/tokenizer/jinja/methods.h"

#include "engine/tokenizer/jinja/runtime.h"

namespace quire::engine::jinja {
namespace {

class BoundMethod final : public Callable {
 public:
  BoundMethod(const Value& self, MethodFunction function) : self_(self), function_(function) {}
  StatusOr<Value> Call(Runtime& runtime, const Arguments& arguments) const override {
    return function_(self_, arguments, runtime);
  }

 private:
  const Value self_;
  const MethodFunction function_;
};

std::span<const Method> MethodsOf(const Value& object) {
  if (object.is_text()) return TextMethods();
  if (object.is(Value::Kind::kDict)) return DictMethods();
  if (object.is(Value::Kind::kSequence) && object.sequence().kind == Sequence::Kind::kList) {
    return ListMethods();
  }
  return {};
}

}  // namespace

std::optional<Value> FindMethod(const Value& object, std::string_view name, Runtime& runtime) {
  for (const Method& method : MethodsOf(object)) {
    if (method.name != name) continue;
    return Value::Of(runtime.arena().Adopt(std::make_unique<BoundMethod>(object, method.function)));
  }
  return std::nullopt;
}

}  // namespace quire::engine::jinja
