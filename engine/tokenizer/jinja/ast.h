#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "engine/tokenizer/jinja/filters.h"
#include "engine/tokenizer/jinja/operators.h"
#include "engine/tokenizer/jinja/tests.h"
#include "engine/tokenizer/jinja/text.h"
#include "engine/tokenizer/jinja/value.h"

// The syntax tree of a template. Immutable once parsed; its depth is bounded by the parser.

namespace quire::engine::jinja {

struct Expression;
using ExpressionPtr = std::unique_ptr<const Expression>;
struct Statement;
using Block = std::vector<std::unique_ptr<const Statement>>;

// --- Expressions -------------------------------------------------------------------------------

struct TextLiteral {
  Text text;
};
struct Constant {
  Value value;  // none, a boolean or a number
};
struct Name {
  std::string name;
};
struct SequenceDisplay {
  Sequence::Kind kind = Sequence::Kind::kList;  // or kTuple
  std::vector<ExpressionPtr> items;
};
struct DictDisplay {
  std::vector<std::pair<ExpressionPtr, ExpressionPtr>> entries;
};
struct Negation {  // -x, or +x
  ExpressionPtr operand;
  bool negates = true;
};
struct Not {
  ExpressionPtr operand;
};
struct Binary {
  BinaryOperator op = BinaryOperator::kAdd;
  ExpressionPtr left;
  ExpressionPtr right;
};
struct Concatenation {  // a ~ b ~ c
  std::vector<ExpressionPtr> parts;
};
enum class ComparisonOperator { kEq, kNe, kLt, kLe, kGt, kGe, kIn, kNotIn };
struct Comparison {  // a < b <= c
  ExpressionPtr first;
  std::vector<std::pair<ComparisonOperator, ExpressionPtr>> rest;
};
struct Logical {
  bool is_and = true;
  ExpressionPtr left;
  ExpressionPtr right;
};
struct Conditional {  // a if condition else b
  ExpressionPtr condition;
  ExpressionPtr if_true;
  ExpressionPtr if_false;  // null: undefined
};
struct Attribute {
  ExpressionPtr object;
  std::string name;
};
struct Subscript {
  ExpressionPtr object;
  ExpressionPtr key;
};
struct SliceOf {  // object[start:stop:step]; each may be null
  ExpressionPtr object;
  ExpressionPtr start;
  ExpressionPtr stop;
  ExpressionPtr step;
};
struct CallArguments {
  std::vector<ExpressionPtr> positional;
  std::vector<std::pair<std::string, ExpressionPtr>> keyword;
  ExpressionPtr star;         // *args, may be null
  ExpressionPtr double_star;  // **kwargs, may be null
};
struct Call {
  ExpressionPtr callee;
  CallArguments arguments;
};
struct FilterCall {
  ExpressionPtr input;  // null at the start of a filter block
  FilterFunction function = nullptr;
  CallArguments arguments;
};
struct TestCall {
  ExpressionPtr subject;
  TestFunction function = nullptr;
  CallArguments arguments;
};

struct Expression {
  std::variant<TextLiteral, Constant, Name, SequenceDisplay, DictDisplay, Negation, Not, Binary,
               Concatenation, Comparison, Logical, Conditional, Attribute, Subscript, SliceOf, Call,
               FilterCall, TestCall>
      node;
  int line = 0;
  int depth = 1;  // levels of expressions, this one included
};

// The depth of an expression that is this node.
int DepthOf(const decltype(Expression::node)& node);

// --- Statements --------------------------------------------------------------------------------

// What is assigned to: a name, an attribute of a namespace, or several of them.
struct Target {
  std::string name;
  std::string attribute;        // of the namespace `name`, or empty
  std::vector<Target> targets;  // if not empty, a tuple of targets
};
struct Parameter {
  std::string name;
  ExpressionPtr fallback;  // may be null
};

struct OutputText {
  Text text;
};
struct OutputExpression {
  ExpressionPtr expression;
};
struct If {
  std::vector<std::pair<ExpressionPtr, Block>> branches;
  Block otherwise;
};
struct For {
  Target target;
  ExpressionPtr iterable;
  ExpressionPtr filter;  // may be null
  Block body;
  Block otherwise;
  bool recursive = false;
};
struct Set {
  Target target;
  ExpressionPtr value;
};
struct SetBlock {
  Target target;
  ExpressionPtr filter;  // a FilterCall without input at its core; may be null
  Block body;
};
struct Macro {
  std::string name;
  std::vector<Parameter> parameters;
  Block body;
};
struct CallBlock {  // {% call(a, b) f(x) %}body{% endcall %}: body becomes f's caller(a, b)
  Macro caller;
  ExpressionPtr call;
};
struct FilterBlock {
  ExpressionPtr filter;
  Block body;
};
struct With {
  std::vector<std::pair<Target, ExpressionPtr>> assignments;
  Block body;
};
struct Break {};
struct Continue {};

struct Statement {
  std::variant<OutputText, OutputExpression, If, For, Set, SetBlock, Macro, CallBlock, FilterBlock,
               With, Break, Continue>
      node;
  int line = 0;
};

}  // namespace quire::engine::jinja
