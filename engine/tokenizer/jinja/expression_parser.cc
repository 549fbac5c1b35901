#include "engine/tokenizer/jinja/expression_parser.h"

#include <array>
#include <charconv>
#include <optional>

namespace quire::engine::jinja {
namespace {

std::optional<ComparisonOperator> ComparisonOf(const Token& token) {
  constexpr std::array<std::pair<std::string_view, ComparisonOperator>, 6> kOperators = {{
      {"==", ComparisonOperator::kEq},
      {"!=", ComparisonOperator::kNe},
      {"<", ComparisonOperator::kLt},
      {"<=", ComparisonOperator::kLe},
      {">", ComparisonOperator::kGt},
      {">=", ComparisonOperator::kGe},
  }};
  for (const auto& [text, op] : kOperators) {
    if (token.IsOperator(text)) return op;
  }
  return std::nullopt;
}

}  // namespace

StatusOr<ExpressionPtr> ExpressionParser::ParseExpression(bool with_conditional) {
  const ParseDepth depth(depth_, tokens_);
  QUIRE_RETURN_IF_ERROR(depth.status());
  return with_conditional ? ParseConditional() : ParseOr();
}

StatusOr<ExpressionPtr> ExpressionParser::ParseConditional() {
  const int line = tokens_.Current().line;
  QUIRE_ASSIGN_OR_RETURN(ExpressionPtr value, ParseOr());
  while (tokens_.SkipName("if")) {
    Conditional node;
    node.if_true = std::move(value);
    QUIRE_ASSIGN_OR_RETURN(node.condition, ParseOr());
    if (tokens_.SkipName("else")) {
      const ParseDepth depth(depth_, tokens_);
      QUIRE_RETURN_IF_ERROR(depth.status());
      QUIRE_ASSIGN_OR_RETURN(node.if_false, ParseConditional());
    }
    QUIRE_ASSIGN_OR_RETURN(value, Make(line, std::move(node)));
  }
  return value;
}

StatusOr<ExpressionPtr> ExpressionParser::ParseOr() {
  const int line = tokens_.Current().line;
  QUIRE_ASSIGN_OR_RETURN(ExpressionPtr left, ParseAnd());
  while (tokens_.SkipName("or")) {
    QUIRE_ASSIGN_OR_RETURN(ExpressionPtr right, ParseAnd());
    QUIRE_ASSIGN_OR_RETURN(left, Make(line, Logical{false, std::move(left), std::move(right)}));
  }
  return left;
}

StatusOr<ExpressionPtr> ExpressionParser::ParseAnd() {
  const int line = tokens_.Current().line;
  QUIRE_ASSIGN_OR_RETURN(ExpressionPtr left, ParseNot());
  while (tokens_.SkipName("and")) {
    QUIRE_ASSIGN_OR_RETURN(ExpressionPtr right, ParseNot());
    QUIRE_ASSIGN_OR_RETURN(left, Make(line, Logical{true, std::move(left), std::move(right)}));
  }
  return left;
}

StatusOr<ExpressionPtr> ExpressionParser::ParseNot() {
  const int line = tokens_.Current().line;
  if (!tokens_.SkipName("not")) return ParseComparison();
  const ParseDepth depth(depth_, tokens_);
  QUIRE_RETURN_IF_ERROR(depth.status());
  QUIRE_ASSIGN_OR_RETURN(ExpressionPtr operand, ParseNot());
  return Make(line, Not{std::move(operand)});
}

StatusOr<ExpressionPtr> ExpressionParser::ParseComparison() {
  const int line = tokens_.Current().line;
  Comparison node;
  QUIRE_ASSIGN_OR_RETURN(node.first, ParseSum());
  while (true) {
    std::optional<ComparisonOperator> op = ComparisonOf(tokens_.Current());
    if (op) {
      tokens_.Take();
    } else if (tokens_.SkipName("in")) {
      op = ComparisonOperator::kIn;
    } else if (tokens_.Current().IsName("not") && tokens_.Following().IsName("in")) {
      tokens_.Take();
      tokens_.Take();
      op = ComparisonOperator::kNotIn;
    } else {
      break;
    }
    QUIRE_ASSIGN_OR_RETURN(ExpressionPtr right, ParseSum());
    node.rest.emplace_back(*op, std::move(right));
  }
  if (node.rest.empty()) return std::move(node.first);
  return Make(line, std::move(node));
}

StatusOr<ExpressionPtr> ExpressionParser::ParseLeftAssociative(
    Level next, const std::vector<OperatorToken>& operators) {
  const int line = tokens_.Current().line;
  QUIRE_ASSIGN_OR_RETURN(ExpressionPtr left, (this->*next)());
  while (true) {
    const auto found = std::find_if(
        operators.begin(), operators.end(),
        [&](const OperatorToken& op) { return tokens_.Current().IsOperator(op.token); });
    if (found == operators.end()) return left;
    tokens_.Take();
    QUIRE_ASSIGN_OR_RETURN(ExpressionPtr right, (this->*next)());
    QUIRE_ASSIGN_OR_RETURN(left, Make(line, Binary{found->op, std::move(left), std::move(right)}));
  }
}

StatusOr<ExpressionPtr> ExpressionParser::ParseSum() {
  return ParseLeftAssociative(&ExpressionParser::ParseConcatenation,
                              {{"+", BinaryOperator::kAdd}, {"-", BinaryOperator::kSubtract}});
}

StatusOr<ExpressionPtr> ExpressionParser::ParseConcatenation() {
  const int line = tokens_.Current().line;
  Concatenation node;
  do {
    QUIRE_ASSIGN_OR_RETURN(ExpressionPtr part, ParseProduct());
    node.parts.push_back(std::move(part));
  } while (tokens_.SkipOperator("~"));
  if (node.parts.size() == 1) return std::move(node.parts[0]);
  return Make(line, std::move(node));
}

StatusOr<ExpressionPtr> ExpressionParser::ParseProduct() {
  return ParseLeftAssociative(&ExpressionParser::ParsePower, {{"*", BinaryOperator::kMultiply},
                                                              {"/", BinaryOperator::kDivide},
                                                              {"//", BinaryOperator::kFloorDivide},
                                                              {"%", BinaryOperator::kModulo}});
}

StatusOr<ExpressionPtr> ExpressionParser::ParsePower() {
  return ParseLeftAssociative(&ExpressionParser::ParseUnaryWithFilters,
                              {{"**", BinaryOperator::kPower}});
}

StatusOr<ExpressionPtr> ExpressionParser::ParseUnaryWithFilters() {
  QUIRE_ASSIGN_OR_RETURN(ExpressionPtr operand, ParseUnary());
  return ParseFiltersAndTests(std::move(operand));
}

StatusOr<ExpressionPtr> ExpressionParser::ParseUnary() {
  const int line = tokens_.Current().line;
  ExpressionPtr value;
  const bool minus = tokens_.SkipOperator("-");
  if (minus || tokens_.SkipOperator("+")) {
    const ParseDepth depth(depth_, tokens_);
    QUIRE_RETURN_IF_ERROR(depth.status());
    QUIRE_ASSIGN_OR_RETURN(ExpressionPtr operand, ParseUnary());
    QUIRE_ASSIGN_OR_RETURN(value, Make(line, Negation{std::move(operand), minus}));
  } else {
    QUIRE_ASSIGN_OR_RETURN(value, ParsePrimary());
  }
  return ParsePostfix(std::move(value));
}

bool ExpressionParser::AtTupleEnd(std::string_view stop) const {
  const Token& token = tokens_.Current();
  return token.kind == TokenKind::kVariableEnd || token.kind == TokenKind::kBlockEnd ||
         token.IsOperator(")") || (!stop.empty() && token.IsName(stop));
}

StatusOr<ExpressionPtr> ExpressionParser::ParseTuple(bool with_conditional, std::string_view stop) {
  const int line = tokens_.Current().line;
  SequenceDisplay node;
  node.kind = Sequence::Kind::kTuple;
  bool is_tuple = false;
  while (!AtTupleEnd(stop)) {
    QUIRE_ASSIGN_OR_RETURN(ExpressionPtr item, ParseExpression(with_conditional));
    node.items.push_back(std::move(item));
    if (!tokens_.SkipOperator(",")) break;
    is_tuple = true;
  }
  if (is_tuple) return Make(line, std::move(node));
  if (node.items.empty()) return tokens_.Error("an expression");
  return std::move(node.items[0]);
}

StatusOr<Target> ExpressionParser::ParseOneTarget(bool with_attributes) {
  if (tokens_.SkipOperator("(")) {
    const ParseDepth depth(depth_, tokens_);
    QUIRE_RETURN_IF_ERROR(depth.status());
    QUIRE_ASSIGN_OR_RETURN(Target inner, ParseTarget(with_attributes));
    QUIRE_RETURN_IF_ERROR(tokens_.ExpectOperator(")"));
    return inner;
  }
  Target target;
  QUIRE_ASSIGN_OR_RETURN(target.name, tokens_.ExpectName());
  if (with_attributes && tokens_.SkipOperator(".")) {
    QUIRE_ASSIGN_OR_RETURN(target.attribute, tokens_.ExpectName());
  }
  return target;
}

StatusOr<Target> ExpressionParser::ParseTarget(bool with_attributes) {
  QUIRE_ASSIGN_OR_RETURN(Target first, ParseOneTarget(with_attributes));
  if (!tokens_.Current().IsOperator(",")) return first;
  Target tuple;
  tuple.targets.push_back(std::move(first));
  while (tokens_.SkipOperator(",")) {
    if (tokens_.Current().kind != TokenKind::kName && !tokens_.Current().IsOperator("(")) break;
    if (tokens_.Current().IsName("in")) break;
    QUIRE_ASSIGN_OR_RETURN(Target next, ParseOneTarget(with_attributes));
    tuple.targets.push_back(std::move(next));
  }
  return tuple;
}

StatusOr<ExpressionPtr> ExpressionParser::ParseFiltersAndTests(ExpressionPtr object) {
  while (true) {
    if (tokens_.Current().IsOperator("|")) {
      tokens_.Take();
      QUIRE_ASSIGN_OR_RETURN(object, ParseFilters(std::move(object)));
    } else if (tokens_.Current().IsName("is")) {
      QUIRE_ASSIGN_OR_RETURN(object, ParseTest(std::move(object)));
    } else if (tokens_.Current().IsOperator("(")) {
      const int line = tokens_.Current().line;
      QUIRE_ASSIGN_OR_RETURN(CallArguments arguments, ParseCallArguments());
      QUIRE_ASSIGN_OR_RETURN(object, Make(line, Call{std::move(object), std::move(arguments)}));
    } else {
      return object;
    }
  }
}

StatusOr<ExpressionPtr> ExpressionParser::ParseFilters(ExpressionPtr input) {
  do {
    const int line = tokens_.Current().line;
    FilterCall node;
    if (tokens_.Current().kind == TokenKind::kName) {
      node.function = FindFilter(tokens_.Current().text);
    }
    if (node.function == nullptr) return tokens_.Error("the name of a filter");
    tokens_.Take();
    node.input = std::move(input);
    if (tokens_.Current().IsOperator("(")) {
      QUIRE_ASSIGN_OR_RETURN(node.arguments, ParseCallArguments());
    }
    QUIRE_ASSIGN_OR_RETURN(input, Make(line, std::move(node)));
  } while (tokens_.SkipOperator("|"));
  return input;
}

StatusOr<ExpressionPtr> ExpressionParser::ParseTest(ExpressionPtr subject) {
  const int line = tokens_.Take().line;  // "is"
  const bool negated = tokens_.SkipName("not");
  TestCall node;
  if (tokens_.Current().kind == TokenKind::kName) {
    node.function = FindTest(tokens_.Current().text);
  }
  if (node.function == nullptr) return tokens_.Error("the name of a test");
  tokens_.Take();
  node.subject = std::move(subject);
  QUIRE_ASSIGN_OR_RETURN(node.arguments, ParseTestArguments());
  QUIRE_ASSIGN_OR_RETURN(ExpressionPtr test, Make(line, std::move(node)));
  if (!negated) return test;
  return Make(line, Not{std::move(test)});
}

// In parentheses, or a single one without: "is divisibleby 3".
StatusOr<CallArguments> ExpressionParser::ParseTestArguments() {
  const Token& token = tokens_.Current();
  if (token.IsOperator("(")) return ParseCallArguments();
  CallArguments arguments;
  const bool is_keyword = token.IsName("else") || token.IsName("or") || token.IsName("and") ||
                          token.IsName("if") || token.IsName("in") || token.IsName("not") ||
                          token.IsName("recursive");
  const bool begins_argument = token.kind == TokenKind::kName || token.kind == TokenKind::kString ||
                               token.kind == TokenKind::kInteger ||
                               token.kind == TokenKind::kFloat || token.IsOperator("[") ||
                               token.IsOperator("{");
  if (!begins_argument || is_keyword) return arguments;
  if (token.IsName("is")) return tokens_.Error("one test at a time");
  const ParseDepth depth(depth_, tokens_);
  QUIRE_RETURN_IF_ERROR(depth.status());
  QUIRE_ASSIGN_OR_RETURN(ExpressionPtr argument, ParsePrimary());
  QUIRE_ASSIGN_OR_RETURN(argument, ParsePostfix(std::move(argument)));
  arguments.positional.push_back(std::move(argument));
  return arguments;
}

}  // namespace quire::engine::jinja
