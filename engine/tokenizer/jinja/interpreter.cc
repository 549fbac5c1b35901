#include "engine/tokenizer/jinja/interpreter.h"

#include "engine/tokenizer/jinja/loop_state.h"
#include "engine/tokenizer/jinja/python_text.h"

namespace quire::engine::jinja {

// A macro and the scope it was defined in.
class MacroCallable final : public Callable {
 public:
  MacroCallable(Interpreter& interpreter, const Macro& macro, std::shared_ptr<Scope> scope)
      : interpreter_(interpreter), macro_(macro), scope_(std::move(scope)) {}
  StatusOr<Value> Call(Runtime&, const Arguments& arguments) const override {
    return interpreter_.CallMacro(macro_, scope_, arguments);
  }

 private:
  Interpreter& interpreter_;
  const Macro& macro_;
  const std::shared_ptr<Scope> scope_;
};

StatusOr<Text> Interpreter::Render(const Block& block, const ScopePtr& scope) {
  Text out;
  const StatusOr<Flow> flow = Run(block, scope, out);
  if (!flow.ok()) return Annotate(flow.status(), fmt::format("template line {}", line_));
  return out;
}

StatusOr<Interpreter::Flow> Interpreter::Run(const Block& block, const ScopePtr& scope, Text& out) {
  const StackLevel level(runtime_.budget());
  QUIRE_RETURN_IF_ERROR(level.status());
  for (const auto& statement : block) {
    line_ = statement->line;
    QUIRE_RETURN_IF_ERROR(runtime_.budget().Step());
    QUIRE_ASSIGN_OR_RETURN(
        const Flow flow,
        std::visit([&](const auto& node) { return Run(node, scope, out); }, statement->node));
    if (flow != Flow::kNext) return flow;
  }
  return Flow::kNext;
}

Status Interpreter::Emit(const Text& text, Text& out) {
  QUIRE_RETURN_IF_ERROR(runtime_.budget().Bytes(text.size()));
  const std::int64_t limit = runtime_.budget().limits().text_bytes;
  if (static_cast<std::int64_t>(out.size() + text.size()) > limit) {
    return ResourceExhausted("template output: wanted at most {} bytes, have more", limit);
  }
  out.Append(text);
  return OkStatus();
}

StatusOr<Interpreter::Flow> Interpreter::Run(const OutputText& node, const ScopePtr&, Text& out) {
  QUIRE_RETURN_IF_ERROR(Emit(node.text, out));
  return Flow::kNext;
}

StatusOr<Interpreter::Flow> Interpreter::Run(const OutputExpression& node, const ScopePtr& scope,
                                             Text& out) {
  QUIRE_ASSIGN_OR_RETURN(const Value value, Evaluate(*node.expression, scope));
  QUIRE_ASSIGN_OR_RETURN(const Value text, Str(value, runtime_));
  QUIRE_RETURN_IF_ERROR(Emit(text.text(), out));
  return Flow::kNext;
}

StatusOr<Interpreter::Flow> Interpreter::Run(const If& node, const ScopePtr& scope, Text& out) {
  for (const auto& [condition, body] : node.branches) {
    QUIRE_ASSIGN_OR_RETURN(const Value value, Evaluate(*condition, scope));
    if (Truth(value)) return Run(body, scope, out);
  }
  return Run(node.otherwise, scope, out);
}

StatusOr<Interpreter::Flow> Interpreter::Run(const For& node, const ScopePtr& scope, Text& out) {
  QUIRE_ASSIGN_OR_RETURN(const Value items, Evaluate(*node.iterable, scope));
  QUIRE_RETURN_IF_ERROR(RunLoop(node, items, scope, /*depth=*/0, out));
  return Flow::kNext;
}

Status Interpreter::RunLoop(const For& node, const Value& items, const ScopePtr& scope,
                            std::int64_t depth, Text& out) {
  // A list may grow while it is visited; everything else is taken as it is now.
  const bool is_list =
      items.is(Value::Kind::kSequence) && items.sequence().kind == Sequence::Kind::kList;
  Value visited = items;
  if (!is_list) {
    QUIRE_ASSIGN_OR_RETURN(std::vector<Value> elements, Iterate(items, runtime_));
    QUIRE_ASSIGN_OR_RETURN(
        visited, runtime_.arena().NewSequence(Sequence::Kind::kList, std::move(elements)));
  }
  std::size_t next = 0;
  const LoopState::Source source = [&]() -> StatusOr<std::optional<Value>> {
    while (next < visited.sequence().items.size()) {
      const Value item = visited.sequence().items[next++];
      QUIRE_RETURN_IF_ERROR(runtime_.budget().Step());
      if (node.filter == nullptr) return std::optional<Value>(item);
      QUIRE_ASSIGN_OR_RETURN(const ScopePtr filter_scope, NewScope(scope));
      QUIRE_RETURN_IF_ERROR(Assign(node.target, item, filter_scope));
      QUIRE_ASSIGN_OR_RETURN(const Value passes, Evaluate(*node.filter, filter_scope));
      if (Truth(passes)) return std::optional<Value>(item);
    }
    return std::optional<Value>();
  };
  LoopState::Recursion recursion;
  if (node.recursive) {
    recursion = [&](const Value& more, std::int64_t deeper) -> StatusOr<Value> {
      const Nesting nesting(runtime_.budget());
      QUIRE_RETURN_IF_ERROR(nesting.status());
      Text inner;
      QUIRE_RETURN_IF_ERROR(RunLoop(node, more, scope, deeper, inner));
      return runtime_.arena().NewText(std::move(inner));
    };
  }
  std::optional<std::int64_t> size;
  if (node.filter == nullptr) size = static_cast<std::int64_t>(visited.sequence().items.size());
  LoopState* loop = runtime_.arena().Adopt(
      std::make_unique<LoopState>(source, size, depth, std::move(recursion)));
  bool any = false;
  while (true) {
    QUIRE_ASSIGN_OR_RETURN(const std::optional<Value> item, loop->Next());
    if (!item) break;
    any = true;
    QUIRE_ASSIGN_OR_RETURN(const ScopePtr body_scope, NewScope(scope));
    body_scope->Set("loop", Value::Of(loop));
    QUIRE_RETURN_IF_ERROR(Assign(node.target, *item, body_scope));
    QUIRE_ASSIGN_OR_RETURN(const Flow flow, Run(node.body, body_scope, out));
    if (flow == Flow::kBreak) break;
  }
  loop->Detach();
  if (any) return OkStatus();
  return Run(node.otherwise, scope, out).status();
}

StatusOr<Interpreter::Flow> Interpreter::Run(const Set& node, const ScopePtr& scope, Text&) {
  QUIRE_ASSIGN_OR_RETURN(const Value value, Evaluate(*node.value, scope));
  QUIRE_RETURN_IF_ERROR(Assign(node.target, value, scope));
  return Flow::kNext;
}

StatusOr<Interpreter::Flow> Interpreter::Run(const SetBlock& node, const ScopePtr& scope, Text&) {
  QUIRE_ASSIGN_OR_RETURN(Value value, Capture(node.body, scope));
  if (node.filter != nullptr) {
    QUIRE_ASSIGN_OR_RETURN(value, ApplyFilters(*node.filter, value, scope));
  }
  QUIRE_RETURN_IF_ERROR(Assign(node.target, value, scope));
  return Flow::kNext;
}

StatusOr<Interpreter::Flow> Interpreter::Run(const Macro& node, const ScopePtr& scope, Text&) {
  scope->Set(node.name, NewMacro(node, scope));
  return Flow::kNext;
}

StatusOr<Interpreter::Flow> Interpreter::Run(const CallBlock& node, const ScopePtr& scope,
                                             Text& out) {
  const auto& call = std::get<Call>(node.call->node);
  QUIRE_ASSIGN_OR_RETURN(const Value callee, Evaluate(*call.callee, scope));
  QUIRE_ASSIGN_OR_RETURN(Arguments arguments, EvaluateArguments(call.arguments, scope));
  arguments.keyword.emplace_back("caller", NewMacro(node.caller, scope));
  QUIRE_ASSIGN_OR_RETURN(const Value value, CallValue(callee, arguments));
  QUIRE_ASSIGN_OR_RETURN(const Value text, Str(value, runtime_));
  QUIRE_RETURN_IF_ERROR(Emit(text.text(), out));
  return Flow::kNext;
}

StatusOr<Interpreter::Flow> Interpreter::Run(const FilterBlock& node, const ScopePtr& scope,
                                             Text& out) {
  QUIRE_ASSIGN_OR_RETURN(const Value body, Capture(node.body, scope));
  QUIRE_ASSIGN_OR_RETURN(const Value value, ApplyFilters(*node.filter, body, scope));
  QUIRE_ASSIGN_OR_RETURN(const Value text, Str(value, runtime_));
  QUIRE_RETURN_IF_ERROR(Emit(text.text(), out));
  return Flow::kNext;
}

StatusOr<Interpreter::Flow> Interpreter::Run(const With& node, const ScopePtr& scope, Text& out) {
  QUIRE_ASSIGN_OR_RETURN(const ScopePtr inner, NewScope(scope));
  for (const auto& [target, expression] : node.assignments) {
    QUIRE_ASSIGN_OR_RETURN(const Value value, Evaluate(*expression, scope));
    QUIRE_RETURN_IF_ERROR(Assign(target, value, inner));
  }
  return Run(node.body, inner, out);
}

StatusOr<Interpreter::Flow> Interpreter::Run(const Break&, const ScopePtr&, Text&) {
  return Flow::kBreak;
}

StatusOr<Interpreter::Flow> Interpreter::Run(const Continue&, const ScopePtr&, Text&) {
  return Flow::kContinue;
}

StatusOr<Value> Interpreter::Capture(const Block& block, const ScopePtr& scope) {
  QUIRE_ASSIGN_OR_RETURN(const ScopePtr inner, NewScope(scope));
  Text text;
  QUIRE_RETURN_IF_ERROR(Run(block, inner, text).status());
  return runtime_.arena().NewText(std::move(text));
}

StatusOr<Interpreter::ScopePtr> Interpreter::NewScope(const ScopePtr& outer) {
  QUIRE_RETURN_IF_ERROR(runtime_.budget().Step());
  return std::make_shared<Scope>(outer);
}

Status Interpreter::Assign(const Target& target, const Value& value, const ScopePtr& scope) {
  if (!target.targets.empty()) {
    QUIRE_ASSIGN_OR_RETURN(const std::vector<Value> items, Iterate(value, runtime_));
    if (items.size() != target.targets.size()) {
      return InvalidArgument("assignment: wanted {} values, have {}", target.targets.size(),
                             items.size());
    }
    for (std::size_t i = 0; i < items.size(); ++i) {
      QUIRE_RETURN_IF_ERROR(Assign(target.targets[i], items[i], scope));
    }
    return OkStatus();
  }
  if (target.attribute.empty()) {
    scope->Set(target.name, value);
    return OkStatus();
  }
  const Value* object = scope->Find(target.name);
  if (object == nullptr || !object->is(Value::Kind::kNamespace)) {
    return InvalidArgument("assignment to {}.{}: wanted a namespace, have {}", target.name,
                           target.attribute,
                           object == nullptr ? std::string("nothing") : TypeName(*object));
  }
  Dict& attributes = object->dict();
  if (attributes.Find(target.attribute) == nullptr) {
    QUIRE_ASSIGN_OR_RETURN(const Value key,
                           runtime_.arena().NewText(target.attribute, Origin::kTemplate));
    return runtime_.arena().SetItem(attributes, key, value);
  }
  const Text key(target.attribute, Origin::kTemplate);
  attributes.Set(Value::Of(&key), value);
  return OkStatus();
}

Value Interpreter::NewMacro(const Macro& macro, const ScopePtr& scope) {
  return Value::Of(runtime_.arena().Adopt(std::make_unique<MacroCallable>(*this, macro, scope)));
}

StatusOr<Value> Interpreter::CallMacro(const Macro& macro, const ScopePtr& scope,
                                       const Arguments& arguments) {
  const Nesting nesting(runtime_.budget());
  QUIRE_RETURN_IF_ERROR(nesting.status());
  QUIRE_ASSIGN_OR_RETURN(const ScopePtr inner, NewScope(scope));
  const std::size_t named = std::min(arguments.positional.size(), macro.parameters.size());
  std::vector<std::optional<Value>> values(macro.parameters.size());
  for (std::size_t i = 0; i < named; ++i) values[i] = arguments.positional[i];
  Dict* more = runtime_.arena().NewDict();
  for (const auto& [name, value] : arguments.keyword) {
    const auto found =
        std::find_if(macro.parameters.begin(), macro.parameters.end(),
                     [&, &wanted = name](const Parameter& p) { return p.name == wanted; });
    if (found != macro.parameters.end()) {
      values[static_cast<std::size_t>(found - macro.parameters.begin())] = value;
    } else if (name == "caller") {
      inner->Set(name, value);
    } else {
      QUIRE_ASSIGN_OR_RETURN(const Value key, runtime_.arena().NewText(name, Origin::kTemplate));
      QUIRE_RETURN_IF_ERROR(runtime_.arena().SetItem(*more, key, value));
    }
  }
  QUIRE_ASSIGN_OR_RETURN(const Value rest,
                         runtime_.arena().NewSequence(
                             Sequence::Kind::kTuple,
                             {arguments.positional.begin() + static_cast<std::ptrdiff_t>(named),
                              arguments.positional.end()}));
  inner->Set("varargs", rest);
  inner->Set("kwargs", Value::Of(more));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const Parameter& parameter = macro.parameters[i];
    if (!values[i] && parameter.fallback != nullptr) {
      QUIRE_ASSIGN_OR_RETURN(values[i], Evaluate(*parameter.fallback, inner));
    }
    inner->Set(parameter.name, values[i] ? *values[i]
                                         : runtime_.arena().NewUndefined(fmt::format(
                                               "parameter \"{}\" was not given", parameter.name)));
  }
  Text text;
  QUIRE_RETURN_IF_ERROR(Run(macro.body, inner, text).status());
  return runtime_.arena().NewText(std::move(text));
}

}  // namespace quire::engine::jinja
