#pragma once

#include <string_view>
#include <vector>

#include "base/status.h"
#include "engine/tokenizer/jinja/ast.h"
#include "engine/tokenizer/jinja/token_stream.h"

namespace quire::engine::jinja {

// Recursive descent over the expressions of a template, one method per level of precedence.
// INVALID_ARGUMENT with line and column for whatever is none, for unknown filters and tests, and
// for trees deeper than 200.
class ExpressionParser {
 public:
  explicit ExpressionParser(TokenStream& tokens, int& depth) : tokens_(tokens), depth_(depth) {}

  // An expression, without or with "a if b else c" at its top.
  StatusOr<ExpressionPtr> ParseExpression(bool with_conditional = true);
  // The same, or several separated by commas, which make a tuple. Ends before the name `stop`.
  StatusOr<ExpressionPtr> ParseTuple(bool with_conditional, std::string_view stop = "");
  // What is assigned to; `with_attributes`: namespace attributes too.
  StatusOr<Target> ParseTarget(bool with_attributes);
  // "name(arguments) | name ...", applied to `input`, which may be null.
  StatusOr<ExpressionPtr> ParseFilters(ExpressionPtr input);

 private:
  // Operators in a chain nest to the left: "a + b + c" is three levels.
  static constexpr int kMaxDepth = 200;

  using Level = StatusOr<ExpressionPtr> (ExpressionParser::*)();

  StatusOr<ExpressionPtr> ParseConditional();
  StatusOr<ExpressionPtr> ParseOr();
  StatusOr<ExpressionPtr> ParseAnd();
  StatusOr<ExpressionPtr> ParseNot();
  StatusOr<ExpressionPtr> ParseComparison();
  StatusOr<ExpressionPtr> ParseSum();
  StatusOr<ExpressionPtr> ParseConcatenation();
  StatusOr<ExpressionPtr> ParseProduct();
  StatusOr<ExpressionPtr> ParsePower();
  StatusOr<ExpressionPtr> ParseUnaryWithFilters();
  StatusOr<ExpressionPtr> ParseUnary();
  StatusOr<ExpressionPtr> ParsePrimary();
  StatusOr<ExpressionPtr> ParseNameOrConstant();
  StatusOr<ExpressionPtr> ParseNumber();
  StatusOr<ExpressionPtr> ParseParentheses();
  StatusOr<ExpressionPtr> ParseList();
  StatusOr<ExpressionPtr> ParseDict();
  StatusOr<ExpressionPtr> ParsePostfix(ExpressionPtr object);
  StatusOr<ExpressionPtr> ParseSubscript(ExpressionPtr object);
  StatusOr<ExpressionPtr> ParseSlice(ExpressionPtr object, ExpressionPtr start);
  StatusOr<ExpressionPtr> ParseFiltersAndTests(ExpressionPtr object);
  StatusOr<ExpressionPtr> ParseTest(ExpressionPtr subject);
  StatusOr<CallArguments> ParseTestArguments();
  StatusOr<CallArguments> ParseCallArguments();
  StatusOr<Target> ParseOneTarget(bool with_attributes);

  // Parses "next (op next)*" for the operators of one level, left to right.
  struct OperatorToken {
    std::string_view token;
    BinaryOperator op;
  };
  StatusOr<ExpressionPtr> ParseLeftAssociative(Level next,
                                               const std::vector<OperatorToken>& operators);
  template <typename Node>
  StatusOr<ExpressionPtr> Make(int line, Node node) {
    auto expression = std::make_unique<Expression>();
    expression->node = std::move(node);
    expression->line = line;
    expression->depth = DepthOf(expression->node);
    if (expression->depth <= kMaxDepth) return ExpressionPtr(std::move(expression));
    return tokens_.Error(fmt::format("an expression of at most {} levels", kMaxDepth));
  }
  bool AtTupleEnd(std::string_view stop) const;

  TokenStream& tokens_;
  int& depth_;
};

}  // namespace quire::engine::jinja
