#pragma once

#include <memory>

#include "base/status.h"
#include "engine/tokenizer/jinja/ast.h"
#include "engine/tokenizer/jinja/runtime.h"
#include "engine/tokenizer/jinja/scope.h"

namespace quire::engine::jinja {

// Runs a syntax tree. Used for one rendering.
class Interpreter {
 public:
  explicit Interpreter(Runtime& runtime) : runtime_(runtime) {}

  // Runs a template with its variables in `scope`. An error names the line it happened in.
  StatusOr<Text> Render(const Block& block, const std::shared_ptr<Scope>& scope);

 private:
  friend class MacroCallable;
  using ScopePtr = std::shared_ptr<Scope>;
  enum class Flow { kNext, kBreak, kContinue };

  // Statements. Output goes to `out`.
  StatusOr<Flow> Run(const Block& block, const ScopePtr& scope, Text& out);
  StatusOr<Flow> Run(const OutputText& node, const ScopePtr& scope, Text& out);
  StatusOr<Flow> Run(const OutputExpression& node, const ScopePtr& scope, Text& out);
  StatusOr<Flow> Run(const If& node, const ScopePtr& scope, Text& out);
  StatusOr<Flow> Run(const For& node, const ScopePtr& scope, Text& out);
  StatusOr<Flow> Run(const Set& node, const ScopePtr& scope, Text& out);
  StatusOr<Flow> Run(const SetBlock& node, const ScopePtr& scope, Text& out);
  StatusOr<Flow> Run(const Macro& node, const ScopePtr& scope, Text& out);
  StatusOr<Flow> Run(const CallBlock& node, const ScopePtr& scope, Text& out);
  StatusOr<Flow> Run(const FilterBlock& node, const ScopePtr& scope, Text& out);
  StatusOr<Flow> Run(const With& node, const ScopePtr& scope, Text& out);
  StatusOr<Flow> Run(const Break& node, const ScopePtr& scope, Text& out);
  StatusOr<Flow> Run(const Continue& node, const ScopePtr& scope, Text& out);

  Status RunLoop(const For& node, const Value& items, const ScopePtr& scope, std::int64_t depth,
                 Text& out);
  // What `block` writes, as a value.
  StatusOr<Value> Capture(const Block& block, const ScopePtr& scope);
  Status Emit(const Text& text, Text& out);
  Status Assign(const Target& target, const Value& value, const ScopePtr& scope);
  StatusOr<ScopePtr> NewScope(const ScopePtr& outer);
  Value NewMacro(const Macro& macro, const ScopePtr& scope);
  StatusOr<Value> CallMacro(const Macro& macro, const ScopePtr& scope, const Arguments& arguments);

  // Expressions.
  StatusOr<Value> Evaluate(const Expression& expression, const ScopePtr& scope);
  StatusOr<Value> Evaluate(const TextLiteral& node, const ScopePtr& scope);
  StatusOr<Value> Evaluate(const Constant& node, const ScopePtr& scope);
  StatusOr<Value> Evaluate(const Name& node, const ScopePtr& scope);
  StatusOr<Value> Evaluate(const SequenceDisplay& node, const ScopePtr& scope);
  StatusOr<Value> Evaluate(const DictDisplay& node, const ScopePtr& scope);
  StatusOr<Value> Evaluate(const Negation& node, const ScopePtr& scope);
  StatusOr<Value> Evaluate(const Not& node, const ScopePtr& scope);
  StatusOr<Value> Evaluate(const Binary& node, const ScopePtr& scope);
  StatusOr<Value> Evaluate(const Concatenation& node, const ScopePtr& scope);
  StatusOr<Value> Evaluate(const Comparison& node, const ScopePtr& scope);
  StatusOr<Value> Evaluate(const Logical& node, const ScopePtr& scope);
  StatusOr<Value> Evaluate(const Conditional& node, const ScopePtr& scope);
  StatusOr<Value> Evaluate(const Attribute& node, const ScopePtr& scope);
  StatusOr<Value> Evaluate(const Subscript& node, const ScopePtr& scope);
  StatusOr<Value> Evaluate(const SliceOf& node, const ScopePtr& scope);
  StatusOr<Value> Evaluate(const Call& node, const ScopePtr& scope);
  StatusOr<Value> Evaluate(const FilterCall& node, const ScopePtr& scope);
  StatusOr<Value> Evaluate(const TestCall& node, const ScopePtr& scope);

  StatusOr<bool> Compare(ComparisonOperator op, const Value& a, const Value& b);
  StatusOr<Arguments> EvaluateArguments(const CallArguments& node, const ScopePtr& scope);
  StatusOr<Value> CallValue(const Value& callee, const Arguments& arguments);
  // A chain of filters whose innermost one has no input, applied to `input`.
  StatusOr<Value> ApplyFilters(const Expression& filter, const Value& input, const ScopePtr& scope);

  Runtime& runtime_;
  int line_ = 1;                        // of the node at hand
  const Value* block_input_ = nullptr;  // of the filter block or set block at hand
};

}  // namespace quire::engine::jinja
