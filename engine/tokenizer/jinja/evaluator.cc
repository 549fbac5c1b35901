// Expressions of the Interpreter.

#include "engine/tokenizer/jinja/functions.h"
#include "engine/tokenizer/jinja/interpreter.h"
#include "engine/tokenizer/jinja/loop_state.h"
#include "engine/tokenizer/jinja/operators.h"
#include "engine/tokenizer/jinja/python_text.h"
#include "engine/tokenizer/jinja/subscripts.h"

namespace quire::engine::jinja {

StatusOr<Value> Interpreter::Evaluate(const Expression& expression, const ScopePtr& scope) {
  line_ = expression.line;
  const StackLevel level(runtime_.budget());
  QUIRE_RETURN_IF_ERROR(level.status());
  QUIRE_RETURN_IF_ERROR(runtime_.budget().Step());
  return std::visit([&](const auto& node) { return Evaluate(node, scope); }, expression.node);
}

StatusOr<Value> Interpreter::Evaluate(const TextLiteral& node, const ScopePtr&) {
  return Value::Of(&node.text);
}

StatusOr<Value> Interpreter::Evaluate(const Constant& node, const ScopePtr&) { return node.value; }

StatusOr<Value> Interpreter::Evaluate(const Name& node, const ScopePtr& scope) {
  if (const Value* value = scope->Find(node.name)) return *value;
  for (const Function& function : Functions()) {
    if (function.name == node.name) return Value::Of(function.callable);
  }
  return runtime_.arena().NewUndefined(fmt::format("\"{}\" is undefined", node.name));
}

StatusOr<Value> Interpreter::Evaluate(const SequenceDisplay& node, const ScopePtr& scope) {
  std::vector<Value> items;
  for (const ExpressionPtr& item : node.items) {
    QUIRE_ASSIGN_OR_RETURN(const Value value, Evaluate(*item, scope));
    items.push_back(value);
  }
  return runtime_.arena().NewSequence(node.kind, std::move(items));
}

StatusOr<Value> Interpreter::Evaluate(const DictDisplay& node, const ScopePtr& scope) {
  Dict* dict = runtime_.arena().NewDict();
  for (const auto& [key_expression, value_expression] : node.entries) {
    QUIRE_ASSIGN_OR_RETURN(const Value key, Evaluate(*key_expression, scope));
    QUIRE_RETURN_IF_ERROR(CheckHashable(key));
    QUIRE_ASSIGN_OR_RETURN(const Value value, Evaluate(*value_expression, scope));
    QUIRE_RETURN_IF_ERROR(runtime_.arena().SetItem(*dict, key, value));
  }
  return Value::Of(dict);
}

StatusOr<Value> Interpreter::Evaluate(const Negation& node, const ScopePtr& scope) {
  QUIRE_ASSIGN_OR_RETURN(const Value value, Evaluate(*node.operand, scope));
  if (node.negates) return Negate(value);
  if (value.is(Value::Kind::kBool)) return Value::Integer(value.integer());
  if (value.is_number()) return value;
  return InvalidArgument("operator +: wanted a number, have {}", TypeName(value));
}

StatusOr<Value> Interpreter::Evaluate(const Not& node, const ScopePtr& scope) {
  QUIRE_ASSIGN_OR_RETURN(const Value value, Evaluate(*node.operand, scope));
  return Value::Bool(!Truth(value));
}

StatusOr<Value> Interpreter::Evaluate(const Binary& node, const ScopePtr& scope) {
  QUIRE_ASSIGN_OR_RETURN(const Value left, Evaluate(*node.left, scope));
  QUIRE_ASSIGN_OR_RETURN(const Value right, Evaluate(*node.right, scope));
  return Apply(node.op, left, right, runtime_);
}

StatusOr<Value> Interpreter::Evaluate(const Concatenation& node, const ScopePtr& scope) {
  Text joined;
  for (const ExpressionPtr& part : node.parts) {
    QUIRE_ASSIGN_OR_RETURN(const Value value, Evaluate(*part, scope));
    QUIRE_ASSIGN_OR_RETURN(const Value text, Str(value, runtime_));
    QUIRE_RETURN_IF_ERROR(runtime_.budget().TextSize(joined.size() + text.text().size()));
    joined.Append(text.text());
  }
  return runtime_.arena().NewText(std::move(joined));
}

StatusOr<bool> Interpreter::Compare(ComparisonOperator op, const Value& a, const Value& b) {
  Budget& budget = runtime_.budget();
  switch (op) {
    case ComparisonOperator::kEq:
      return Equal(a, b, budget);
    case ComparisonOperator::kLt:
      return Less(a, b, budget);
    case ComparisonOperator::kGt:
      return Less(b, a, budget);
    case ComparisonOperator::kIn:
      return Contains(b, a, budget);
    default:
      break;
  }
  // The rest are opposites. (Of NaN they are not; no template has one.)
  StatusOr<bool> opposite = op == ComparisonOperator::kNe   ? Equal(a, b, budget)
                            : op == ComparisonOperator::kLe ? Less(b, a, budget)
                            : op == ComparisonOperator::kGe ? Less(a, b, budget)
                                                            : Contains(b, a, budget);
  if (!opposite.ok()) return opposite;
  return !*opposite;
}

StatusOr<Value> Interpreter::Evaluate(const Comparison& node, const ScopePtr& scope) {
  QUIRE_ASSIGN_OR_RETURN(Value left, Evaluate(*node.first, scope));
  for (const auto& [op, expression] : node.rest) {
    QUIRE_ASSIGN_OR_RETURN(const Value right, Evaluate(*expression, scope));
    QUIRE_ASSIGN_OR_RETURN(const bool holds, Compare(op, left, right));
    if (!holds) return Value::Bool(false);
    left = right;
  }
  return Value::Bool(true);
}

StatusOr<Value> Interpreter::Evaluate(const Logical& node, const ScopePtr& scope) {
  QUIRE_ASSIGN_OR_RETURN(const Value left, Evaluate(*node.left, scope));
  if (Truth(left) != node.is_and) return left;
  return Evaluate(*node.right, scope);
}

StatusOr<Value> Interpreter::Evaluate(const Conditional& node, const ScopePtr& scope) {
  QUIRE_ASSIGN_OR_RETURN(const Value condition, Evaluate(*node.condition, scope));
  if (Truth(condition)) return Evaluate(*node.if_true, scope);
  if (node.if_false != nullptr) return Evaluate(*node.if_false, scope);
  return runtime_.arena().NewUndefined("an inline if without else gave no value");
}

StatusOr<Value> Interpreter::Evaluate(const Attribute& node, const ScopePtr& scope) {
  QUIRE_ASSIGN_OR_RETURN(const Value object, Evaluate(*node.object, scope));
  return GetAttribute(object, node.name, runtime_);
}

StatusOr<Value> Interpreter::Evaluate(const Subscript& node, const ScopePtr& scope) {
  QUIRE_ASSIGN_OR_RETURN(const Value object, Evaluate(*node.object, scope));
  QUIRE_ASSIGN_OR_RETURN(const Value key, Evaluate(*node.key, scope));
  return GetItem(object, key, runtime_);
}

StatusOr<Value> Interpreter::Evaluate(const SliceOf& node, const ScopePtr& scope) {
  QUIRE_ASSIGN_OR_RETURN(const Value object, Evaluate(*node.object, scope));
  SliceBounds bounds;
  for (const auto& [expression, bound] :
       {std::pair(&node.start, &bounds.start), std::pair(&node.stop, &bounds.stop),
        std::pair(&node.step, &bounds.step)}) {
    if (*expression == nullptr) continue;
    QUIRE_ASSIGN_OR_RETURN(const Value value, Evaluate(**expression, scope));
    if (value.is_none()) continue;
    if (!value.is_integral()) {
      return InvalidArgument("slice: wanted integers, have {}", TypeName(value));
    }
    *bound = value.integer();
  }
  return GetSlice(object, bounds, runtime_);
}

StatusOr<Arguments> Interpreter::EvaluateArguments(const CallArguments& node,
                                                   const ScopePtr& scope) {
  Arguments arguments;
  for (const ExpressionPtr& expression : node.positional) {
    QUIRE_ASSIGN_OR_RETURN(const Value value, Evaluate(*expression, scope));
    arguments.positional.push_back(value);
  }
  for (const auto& [name, expression] : node.keyword) {
    QUIRE_ASSIGN_OR_RETURN(const Value value, Evaluate(*expression, scope));
    arguments.keyword.emplace_back(name, value);
  }
  if (node.star != nullptr) {
    QUIRE_ASSIGN_OR_RETURN(const Value star, Evaluate(*node.star, scope));
    QUIRE_ASSIGN_OR_RETURN(const std::vector<Value> items, Iterate(star, runtime_));
    arguments.positional.insert(arguments.positional.end(), items.begin(), items.end());
  }
  if (node.double_star != nullptr) {
    QUIRE_ASSIGN_OR_RETURN(const Value mapping, Evaluate(*node.double_star, scope));
    if (!mapping.is(Value::Kind::kDict)) {
      return InvalidArgument("**arguments: wanted a dict, have {}", TypeName(mapping));
    }
    for (const auto& [key, value] : mapping.dict().entries()) {
      if (!key.is_text()) return InvalidArgument("**arguments: wanted names, have another key");
      arguments.keyword.emplace_back(key.text().bytes(), value);
    }
  }
  return arguments;
}

StatusOr<Value> Interpreter::CallValue(const Value& callee, const Arguments& arguments) {
  if (callee.is(Value::Kind::kCallable)) return callee.callable().Call(runtime_, arguments);
  if (callee.is(Value::Kind::kLoop)) {
    if (arguments.positional.size() != 1) return InvalidArgument("loop: wanted one argument");
    return callee.loop().Recurse(arguments.positional[0]);
  }
  if (callee.is_undefined()) return InvalidArgument("{}", callee.UndefinedMessage());
  return InvalidArgument("call: wanted a function, have {}", TypeName(callee));
}

StatusOr<Value> Interpreter::Evaluate(const Call& node, const ScopePtr& scope) {
  QUIRE_ASSIGN_OR_RETURN(const Value callee, Evaluate(*node.callee, scope));
  QUIRE_ASSIGN_OR_RETURN(const Arguments arguments, EvaluateArguments(node.arguments, scope));
  const int line = line_;
  QUIRE_ASSIGN_OR_RETURN(const Value value, CallValue(callee, arguments));
  line_ = line;
  return value;
}

StatusOr<Value> Interpreter::Evaluate(const FilterCall& node, const ScopePtr& scope) {
  Value input;
  if (node.input != nullptr) {
    QUIRE_ASSIGN_OR_RETURN(input, Evaluate(*node.input, scope));
  } else {
    input = *block_input_;
  }
  QUIRE_ASSIGN_OR_RETURN(const Arguments arguments, EvaluateArguments(node.arguments, scope));
  return node.function(input, arguments, runtime_);
}

StatusOr<Value> Interpreter::ApplyFilters(const Expression& filter, const Value& input,
                                          const ScopePtr& scope) {
  const Value* outer = std::exchange(block_input_, &input);
  StatusOr<Value> result = Evaluate(filter, scope);
  block_input_ = outer;
  return result;
}

StatusOr<Value> Interpreter::Evaluate(const TestCall& node, const ScopePtr& scope) {
  QUIRE_ASSIGN_OR_RETURN(const Value subject, Evaluate(*node.subject, scope));
  QUIRE_ASSIGN_OR_RETURN(const Arguments arguments, EvaluateArguments(node.arguments, scope));
  QUIRE_ASSIGN_OR_RETURN(const bool holds, node.function(subject, arguments, runtime_));
  return Value::Bool(holds);
}

}  // namespace quire::engine::jinja
