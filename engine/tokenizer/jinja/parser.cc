#include "engine/tokenizer/jinja/parser.h"

#include <initializer_list>

#include "engine/tokenizer/jinja/expression_parser.h"
#include "engine/tokenizer/jinja/lexer.h"
#include "engine/tokenizer/jinja/token_stream.h"

namespace quire::engine::jinja {
namespace {

class Parser {
 public:
  explicit Parser(std::vector<Token> tokens)
      : tokens_(std::move(tokens)), expressions_(tokens_, depth_) {}

  StatusOr<Block> ParseTemplate() {
    QUIRE_ASSIGN_OR_RETURN(Block block, ParseBlock({}));
    if (tokens_.Current().kind != TokenKind::kEnd) return tokens_.Error("text or a tag");
    return block;
  }

 private:
  // Parses up to a tag with one of the names `ends`, which stays, or to the end of the template
  // if there are none.
  StatusOr<Block> ParseBlock(std::initializer_list<std::string_view> ends) {
    const ParseDepth depth(depth_, tokens_);
    QUIRE_RETURN_IF_ERROR(depth.status());
    Block block;
    while (tokens_.Current().kind != TokenKind::kEnd) {
      const int line = tokens_.Current().line;
      if (tokens_.Current().kind == TokenKind::kData) {
        block.push_back(Make(line, OutputText{Text(tokens_.Take().text, Origin::kTemplate)}));
      } else if (tokens_.Current().kind == TokenKind::kVariableBegin) {
        tokens_.Take();
        OutputExpression output;
        QUIRE_ASSIGN_OR_RETURN(output.expression, expressions_.ParseTuple(true));
        QUIRE_RETURN_IF_ERROR(tokens_.Expect(TokenKind::kVariableEnd, "\"}}\""));
        block.push_back(Make(line, std::move(output)));
      } else {
        tokens_.Take();  // "{%"
        for (const std::string_view end : ends) {
          if (tokens_.Current().IsName(end)) return block;
        }
        QUIRE_RETURN_IF_ERROR(ParseStatement(line, block));
        QUIRE_RETURN_IF_ERROR(EndTag());
      }
    }
    if (ends.size() > 0) return tokens_.Error(fmt::format("\"{{% {} %}}\"", *ends.begin()));
    return block;
  }

  template <typename Node>
  static std::unique_ptr<const Statement> Make(int line, Node node) {
    auto statement = std::make_unique<Statement>();
    statement->node = std::move(node);
    statement->line = line;
    return statement;
  }

  Status EndTag() { return tokens_.Expect(TokenKind::kBlockEnd, "\"%}\""); }

  // "%} body {% end": the body of a tag that one tag ends.
  StatusOr<Block> ParseBody(std::string_view end) {
    QUIRE_RETURN_IF_ERROR(EndTag());
    QUIRE_ASSIGN_OR_RETURN(Block body, ParseBlock({end}));
    tokens_.Take();
    return body;
  }

  // Behind "{%".
  Status ParseStatement(int line, Block& block) {
    const Token& token = tokens_.Current();
    if (token.IsName("for")) return Add(line, block, ParseFor());
    if (token.IsName("if")) return Add(line, block, ParseIf());
    if (token.IsName("set")) return ParseSet(line, block);
    if (token.IsName("macro")) return Add(line, block, ParseMacro());
    if (token.IsName("call")) return Add(line, block, ParseCallBlock());
    if (token.IsName("filter")) return Add(line, block, ParseFilterBlock());
    if (token.IsName("with")) return Add(line, block, ParseWith());
    if (token.IsName("generation")) return ParseGeneration(block);
    if (token.IsName("break") || token.IsName("continue")) return ParseJump(line, block);
    return tokens_.Error(
        "for, if, set, macro, call, filter, with, break, continue or the end of a block");
  }

  template <typename Node>
  static Status Add(int line, Block& block, StatusOr<Node> node) {
    if (!node.ok()) return node.status();
    block.push_back(Make(line, *std::move(node)));
    return OkStatus();
  }

  StatusOr<For> ParseFor() {
    tokens_.Take();
    For node;
    QUIRE_ASSIGN_OR_RETURN(node.target, expressions_.ParseTarget(/*with_attributes=*/false));
    if (!tokens_.SkipName("in")) return tokens_.Error("in");
    QUIRE_ASSIGN_OR_RETURN(node.iterable, expressions_.ParseTuple(false, "recursive"));
    if (tokens_.SkipName("if")) {
      QUIRE_ASSIGN_OR_RETURN(node.filter, expressions_.ParseExpression());
    }
    node.recursive = tokens_.SkipName("recursive");
    QUIRE_RETURN_IF_ERROR(EndTag());
    ++loops_;
    StatusOr<Block> body = ParseBlock({"endfor", "else"});
    --loops_;
    QUIRE_ASSIGN_OR_RETURN(node.body, std::move(body));
    if (tokens_.Take().text == "else") {
      QUIRE_ASSIGN_OR_RETURN(node.otherwise, ParseBody("endfor"));
    }
    return node;
  }

  StatusOr<If> ParseIf() {
    If node;
    while (tokens_.SkipName("if") || tokens_.SkipName("elif")) {
      QUIRE_ASSIGN_OR_RETURN(ExpressionPtr condition, expressions_.ParseTuple(false));
      QUIRE_RETURN_IF_ERROR(EndTag());
      QUIRE_ASSIGN_OR_RETURN(Block body, ParseBlock({"endif", "elif", "else"}));
      node.branches.emplace_back(std::move(condition), std::move(body));
    }
    if (tokens_.SkipName("else")) {
      QUIRE_ASSIGN_OR_RETURN(node.otherwise, ParseBody("endif"));
    } else {
      tokens_.Take();  // "endif"
    }
    return node;
  }

  Status ParseSet(int line, Block& block) {
    tokens_.Take();
    QUIRE_ASSIGN_OR_RETURN(Target target, expressions_.ParseTarget(/*with_attributes=*/true));
    if (tokens_.SkipOperator("=")) {
      Set node;
      node.target = std::move(target);
      QUIRE_ASSIGN_OR_RETURN(node.value, expressions_.ParseTuple(true));
      block.push_back(Make(line, std::move(node)));
      return OkStatus();
    }
    SetBlock node;
    node.target = std::move(target);
    if (tokens_.SkipOperator("|")) {
      QUIRE_ASSIGN_OR_RETURN(node.filter, expressions_.ParseFilters(nullptr));
    }
    QUIRE_ASSIGN_OR_RETURN(node.body, ParseBody("endset"));
    block.push_back(Make(line, std::move(node)));
    return OkStatus();
  }

  StatusOr<std::vector<Parameter>> ParseParameters() {
    QUIRE_RETURN_IF_ERROR(tokens_.ExpectOperator("("));
    std::vector<Parameter> parameters;
    while (!tokens_.SkipOperator(")")) {
      if (!parameters.empty()) QUIRE_RETURN_IF_ERROR(tokens_.ExpectOperator(","));
      Parameter parameter;
      QUIRE_ASSIGN_OR_RETURN(parameter.name, tokens_.ExpectName());
      if (tokens_.SkipOperator("=")) {
        QUIRE_ASSIGN_OR_RETURN(parameter.fallback, expressions_.ParseExpression());
      } else if (!parameters.empty() && parameters.back().fallback != nullptr) {
        return tokens_.Error("a default, as the parameters before have one");
      }
      parameters.push_back(std::move(parameter));
    }
    return parameters;
  }

  // The body of a macro is no part of the loops around it.
  StatusOr<Block> ParseMacroBody(std::string_view end) {
    const int loops = std::exchange(loops_, 0);
    StatusOr<Block> body = ParseBody(end);
    loops_ = loops;
    return body;
  }

  StatusOr<Macro> ParseMacro() {
    tokens_.Take();
    Macro node;
    QUIRE_ASSIGN_OR_RETURN(node.name, tokens_.ExpectName());
    QUIRE_ASSIGN_OR_RETURN(node.parameters, ParseParameters());
    QUIRE_ASSIGN_OR_RETURN(node.body, ParseMacroBody("endmacro"));
    return node;
  }

  StatusOr<CallBlock> ParseCallBlock() {
    tokens_.Take();
    CallBlock node;
    node.caller.name = "caller";
    if (tokens_.Current().IsOperator("(")) {
      QUIRE_ASSIGN_OR_RETURN(node.caller.parameters, ParseParameters());
    }
    QUIRE_ASSIGN_OR_RETURN(node.call, expressions_.ParseExpression());
    if (!std::holds_alternative<Call>(node.call->node)) return tokens_.Error("a call before");
    QUIRE_ASSIGN_OR_RETURN(node.caller.body, ParseMacroBody("endcall"));
    return node;
  }

  StatusOr<FilterBlock> ParseFilterBlock() {
    tokens_.Take();
    FilterBlock node;
    QUIRE_ASSIGN_OR_RETURN(node.filter, expressions_.ParseFilters(nullptr));
    QUIRE_ASSIGN_OR_RETURN(node.body, ParseBody("endfilter"));
    return node;
  }

  StatusOr<With> ParseWith() {
    tokens_.Take();
    With node;
    while (tokens_.Current().kind != TokenKind::kBlockEnd) {
      if (!node.assignments.empty()) QUIRE_RETURN_IF_ERROR(tokens_.ExpectOperator(","));
      QUIRE_ASSIGN_OR_RETURN(std::string name, tokens_.ExpectName());
      QUIRE_RETURN_IF_ERROR(tokens_.ExpectOperator("="));
      QUIRE_ASSIGN_OR_RETURN(ExpressionPtr value, expressions_.ParseExpression());
      node.assignments.emplace_back(Target{std::move(name), "", {}}, std::move(value));
    }
    QUIRE_ASSIGN_OR_RETURN(node.body, ParseBody("endwith"));
    return node;
  }

  // Marks what the assistant says, for training: its body is rendered as if it stood alone.
  Status ParseGeneration(Block& block) {
    tokens_.Take();
    QUIRE_ASSIGN_OR_RETURN(Block body, ParseBody("endgeneration"));
    for (auto& statement : body) block.push_back(std::move(statement));
    return OkStatus();
  }

  Status ParseJump(int line, Block& block) {
    if (loops_ == 0) return tokens_.Error("a loop around it");
    if (tokens_.Take().text == "break") {
      block.push_back(Make(line, Break()));
    } else {
      block.push_back(Make(line, Continue()));
    }
    return OkStatus();
  }

  TokenStream tokens_;
  int depth_ = 0;
  ExpressionParser expressions_;
  int loops_ = 0;  // around the statement at hand
};

}  // namespace

StatusOr<Block> Parse(std::string_view source) {
  QUIRE_ASSIGN_OR_RETURN(std::vector<Token> tokens, Tokenize(source));
  return Parser(std::move(tokens)).ParseTemplate();
}

}  // namespace quire::engine::jinja
