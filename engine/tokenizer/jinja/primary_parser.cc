// The innermost levels of ExpressionParser: literals, brackets, subscripts, arguments.

#include <algorithm>
#include <charconv>

#include "engine/tokenizer/jinja/expression_parser.h"

namespace quire::engine::jinja {
StatusOr<ExpressionPtr> ExpressionParser::ParsePrimary() {
  const Token& token = tokens_.Current();
  switch (token.kind) {
    case TokenKind::kName:
      return ParseNameOrConstant();
    case TokenKind::kInteger:
    case TokenKind::kFloat:
      return ParseNumber();
    case TokenKind::kString: {
      const int line = token.line;
      std::string text;
      while (tokens_.Current().kind == TokenKind::kString) text += tokens_.Take().text;
      return Make(line, TextLiteral{Text(std::move(text), Origin::kTemplate)});
    }
    default:
      if (token.IsOperator("(")) return ParseParentheses();
      if (token.IsOperator("[")) return ParseList();
      if (token.IsOperator("{")) return ParseDict();
      return tokens_.Error("an expression");
  }
}

StatusOr<ExpressionPtr> ExpressionParser::ParseNameOrConstant() {
  const Token token = tokens_.Take();
  if (token.text == "true" || token.text == "True") {
    return Make(token.line, Constant{Value::Bool(true)});
  }
  if (token.text == "false" || token.text == "False") {
    return Make(token.line, Constant{Value::Bool(false)});
  }
  if (token.text == "none" || token.text == "None") {
    return Make(token.line, Constant{Value::None()});
  }
  return Make(token.line, Name{token.text});
}

StatusOr<ExpressionPtr> ExpressionParser::ParseNumber() {
  const Token& token = tokens_.Current();
  const char* begin = token.text.data();
  const char* end = begin + token.text.size();
  const int line = token.line;
  Value value;
  if (token.kind == TokenKind::kInteger) {
    std::int64_t integer = 0;
    if (std::from_chars(begin, end, integer).ec != std::errc()) {
      return tokens_.Error("an integer of 64 bits");
    }
    value = Value::Integer(integer);
  } else {
    double number = 0;
    if (std::from_chars(begin, end, number).ec != std::errc()) {
      return tokens_.Error("a number in the range of doubles");
    }
    value = Value::Float(number);
  }
  tokens_.Take();
  return Make(line, Constant{value});
}

StatusOr<ExpressionPtr> ExpressionParser::ParseParentheses() {
  const int line = tokens_.Take().line;
  if (tokens_.SkipOperator(")")) {
    return Make(line, SequenceDisplay{Sequence::Kind::kTuple, {}});
  }
  QUIRE_ASSIGN_OR_RETURN(ExpressionPtr inner, ParseTuple(/*with_conditional=*/true));
  QUIRE_RETURN_IF_ERROR(tokens_.ExpectOperator(")"));
  return inner;
}

StatusOr<ExpressionPtr> ExpressionParser::ParseList() {
  const int line = tokens_.Take().line;
  SequenceDisplay node;
  while (!tokens_.SkipOperator("]")) {
    if (!node.items.empty()) {
      QUIRE_RETURN_IF_ERROR(tokens_.ExpectOperator(","));
      if (tokens_.SkipOperator("]")) break;
    }
    QUIRE_ASSIGN_OR_RETURN(ExpressionPtr item, ParseExpression());
    node.items.push_back(std::move(item));
  }
  return Make(line, std::move(node));
}

StatusOr<ExpressionPtr> ExpressionParser::ParseDict() {
  const int line = tokens_.Take().line;
  DictDisplay node;
  while (!tokens_.SkipOperator("}")) {
    if (!node.entries.empty()) {
      QUIRE_RETURN_IF_ERROR(tokens_.ExpectOperator(","));
      if (tokens_.SkipOperator("}")) break;
    }
    QUIRE_ASSIGN_OR_RETURN(ExpressionPtr key, ParseExpression());
    QUIRE_RETURN_IF_ERROR(tokens_.ExpectOperator(":"));
    QUIRE_ASSIGN_OR_RETURN(ExpressionPtr value, ParseExpression());
    node.entries.emplace_back(std::move(key), std::move(value));
  }
  return Make(line, std::move(node));
}

StatusOr<ExpressionPtr> ExpressionParser::ParsePostfix(ExpressionPtr object) {
  while (true) {
    const int line = tokens_.Current().line;
    if (tokens_.SkipOperator(".")) {
      if (tokens_.Current().kind == TokenKind::kInteger) {
        QUIRE_ASSIGN_OR_RETURN(ExpressionPtr key, ParseNumber());
        QUIRE_ASSIGN_OR_RETURN(object, Make(line, Subscript{std::move(object), std::move(key)}));
      } else {
        QUIRE_ASSIGN_OR_RETURN(std::string name, tokens_.ExpectName());
        QUIRE_ASSIGN_OR_RETURN(object, Make(line, Attribute{std::move(object), std::move(name)}));
      }
    } else if (tokens_.SkipOperator("[")) {
      QUIRE_ASSIGN_OR_RETURN(object, ParseSubscript(std::move(object)));
    } else if (tokens_.Current().IsOperator("(")) {
      QUIRE_ASSIGN_OR_RETURN(CallArguments arguments, ParseCallArguments());
      QUIRE_ASSIGN_OR_RETURN(object, Make(line, Call{std::move(object), std::move(arguments)}));
    } else {
      return object;
    }
  }
}

// Behind "[".
StatusOr<ExpressionPtr> ExpressionParser::ParseSubscript(ExpressionPtr object) {
  const int line = tokens_.Current().line;
  if (tokens_.Current().IsOperator(":")) return ParseSlice(std::move(object), nullptr);
  QUIRE_ASSIGN_OR_RETURN(ExpressionPtr key, ParseExpression());
  if (tokens_.Current().IsOperator(":")) return ParseSlice(std::move(object), std::move(key));
  if (tokens_.Current().IsOperator(",")) {
    SequenceDisplay tuple;
    tuple.kind = Sequence::Kind::kTuple;
    tuple.items.push_back(std::move(key));
    while (tokens_.SkipOperator(",")) {
      QUIRE_ASSIGN_OR_RETURN(ExpressionPtr item, ParseExpression());
      tuple.items.push_back(std::move(item));
    }
    QUIRE_ASSIGN_OR_RETURN(key, Make(line, std::move(tuple)));
  }
  QUIRE_RETURN_IF_ERROR(tokens_.ExpectOperator("]"));
  return Make(line, Subscript{std::move(object), std::move(key)});
}

// At the first ":" of a slice.
StatusOr<ExpressionPtr> ExpressionParser::ParseSlice(ExpressionPtr object, ExpressionPtr start) {
  const int line = tokens_.Take().line;
  SliceOf node;
  node.object = std::move(object);
  node.start = std::move(start);
  if (!tokens_.Current().IsOperator(":") && !tokens_.Current().IsOperator("]")) {
    QUIRE_ASSIGN_OR_RETURN(node.stop, ParseExpression());
  }
  if (tokens_.SkipOperator(":") && !tokens_.Current().IsOperator("]")) {
    QUIRE_ASSIGN_OR_RETURN(node.step, ParseExpression());
  }
  QUIRE_RETURN_IF_ERROR(tokens_.ExpectOperator("]"));
  return Make(line, std::move(node));
}

StatusOr<CallArguments> ExpressionParser::ParseCallArguments() {
  QUIRE_RETURN_IF_ERROR(tokens_.ExpectOperator("("));
  CallArguments arguments;
  bool first = true;
  while (!tokens_.SkipOperator(")")) {
    if (!first) {
      QUIRE_RETURN_IF_ERROR(tokens_.ExpectOperator(","));
      if (tokens_.SkipOperator(")")) break;
    }
    first = false;
    if (arguments.double_star != nullptr) return tokens_.Error("nothing behind **arguments");
    if (arguments.star == nullptr && tokens_.SkipOperator("*")) {
      QUIRE_ASSIGN_OR_RETURN(arguments.star, ParseExpression());
    } else if (tokens_.SkipOperator("**")) {
      QUIRE_ASSIGN_OR_RETURN(arguments.double_star, ParseExpression());
    } else if (tokens_.Current().kind == TokenKind::kName && tokens_.Following().IsOperator("=")) {
      std::string name = tokens_.Take().text;
      tokens_.Take();
      QUIRE_ASSIGN_OR_RETURN(ExpressionPtr value, ParseExpression());
      arguments.keyword.emplace_back(std::move(name), std::move(value));
    } else {
      if (!arguments.keyword.empty() || arguments.star != nullptr) {
        return tokens_.Error("positional arguments before all others");
      }
      QUIRE_ASSIGN_OR_RETURN(ExpressionPtr value, ParseExpression());
      arguments.positional.push_back(std::move(value));
    }
  }
  return arguments;
}

}  // namespace quire::engine::jinja
