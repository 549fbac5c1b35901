#include "engine/sampling/constraints/regex.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "engine/sampling/constraints/regex_escapes.h"

namespace quire::engine::constraints {
namespace {

constexpr int kMaxRegexDepth = 100;  // groups inside each other
constexpr std::int32_t kMaxRepeat = 10'000;

class RegexParser {
 public:
  explicit RegexParser(std::string_view pattern) : reader_(pattern) {}

  StatusOr<std::vector<RegexBranch>> Parse();

 private:
  // Up to a '|', a ')' or the end.
  StatusOr<RegexNode> ParseSequence();
  StatusOr<RegexNode> ParseAtom();
  StatusOr<RegexNode> ParseGroup();
  // The atom with the quantifier that follows it, if one does.
  StatusOr<RegexNode> ParseQuantifier(RegexNode atom);
  // What stands in braces: {2}, {2,} or {2,5}. Nothing, and nothing read, if these are other
  // braces.
  StatusOr<std::optional<RegexNode>> ParseBraces();
  // A quantifier where there is nothing to repeat.
  Status RefuseQuantifier();

  RegexReader reader_;
  int depth_ = 0;
};

RegexNode Characters(CodePointSet set) {
  return {.kind = RegexNode::Kind::kCharacters, .characters = std::move(set)};
}

StatusOr<std::vector<RegexBranch>> RegexParser::Parse() {
  std::vector<RegexBranch> branches;
  do {
    RegexBranch branch;
    branch.has_begin_anchor = reader_.Take('^');
    QUIRE_ASSIGN_OR_RETURN(branch.node, ParseSequence());
    branch.has_end_anchor = reader_.Take('$');
    branches.push_back(std::move(branch));
  } while (reader_.Take('|'));
  if (reader_.at_end()) return branches;
  if (reader_.Peek() == ')') return reader_.Error("wanted a '(' before this ')'");
  return reader_.Error("wanted '|' or the end after an anchor");
}

StatusOr<RegexNode> RegexParser::ParseSequence() {
  RegexNode sequence;
  while (!reader_.at_end()) {
    const char c = reader_.Peek();
    if (c == '|' || c == ')' || c == '$') break;
    QUIRE_ASSIGN_OR_RETURN(RegexNode atom, ParseAtom());
    QUIRE_ASSIGN_OR_RETURN(atom, ParseQuantifier(std::move(atom)));
    sequence.children.push_back(std::move(atom));
  }
  return sequence;
}

StatusOr<RegexNode> RegexParser::ParseAtom() {
  QUIRE_RETURN_IF_ERROR(RefuseQuantifier());
  if (reader_.Take('(')) return ParseGroup();
  if (reader_.Take('.')) return Characters(CodePointSet({{'\n', '\n'}}).Complement());
  if (reader_.Peek() == '[') {
    QUIRE_ASSIGN_OR_RETURN(CodePointSet set, ParseClass(reader_));
    return Characters(std::move(set));
  }
  if (reader_.Peek() == '\\') {
    QUIRE_ASSIGN_OR_RETURN(CodePointSet set, ParseEscape(reader_, /*in_class=*/false));
    return Characters(std::move(set));
  }
  if (reader_.Peek() == '^') {
    return reader_.Error("wanted '^' only at the beginning of the whole expression's alternatives");
  }
  const char32_t c = reader_.TakeCharacter();
  return Characters(CodePointSet({{c, c}}));
}

StatusOr<RegexNode> RegexParser::ParseGroup() {
  const std::size_t begin = reader_.offset() - 1;
  if (++depth_ > kMaxRegexDepth) {
    return reader_.ErrorAt(begin, fmt::format("wanted groups at most {} deep", kMaxRegexDepth));
  }
  if (reader_.Take('?') && !reader_.Take(':')) {
    return reader_.ErrorAt(begin, "wanted (...) or (?:...), have another kind of group");
  }
  RegexNode alternatives = {.kind = RegexNode::Kind::kAlternatives};
  do {
    QUIRE_ASSIGN_OR_RETURN(RegexNode sequence, ParseSequence());
    if (!reader_.at_end() && reader_.Peek() == '$') {
      return reader_.Error("wanted '$' only at the end of the whole expression's alternatives");
    }
    alternatives.children.push_back(std::move(sequence));
  } while (reader_.Take('|'));
  if (!reader_.Take(')')) return reader_.ErrorAt(begin, "wanted a ')' for this '('");
  --depth_;
  return alternatives;
}

Status RegexParser::RefuseQuantifier() {
  const std::size_t begin = reader_.offset();
  const char c = reader_.Peek();
  bool is_quantifier = c == '*' || c == '+' || c == '?';
  if (c == '{') {
    QUIRE_ASSIGN_OR_RETURN(const auto braces, ParseBraces());
    is_quantifier = braces.has_value();
  }
  if (!is_quantifier) return OkStatus();
  return reader_.ErrorAt(begin, "wanted something to repeat before this");
}

StatusOr<std::optional<RegexNode>> RegexParser::ParseBraces() {
  const std::size_t begin = reader_.offset();
  const auto other = [&]() -> std::optional<RegexNode> {
    reader_.Return(begin);
    return std::nullopt;
  };
  if (!reader_.Take('{')) return other();
  const std::optional<std::int32_t> min = reader_.TakeNumber();
  if (!min) return other();
  RegexNode repeat = {.kind = RegexNode::Kind::kRepeat, .min = *min, .max = *min};
  if (reader_.Take(',')) repeat.max = reader_.TakeNumber().value_or(RegexNode::kUnlimited);
  if (!reader_.Take('}')) return other();
  const bool is_limited = repeat.max != RegexNode::kUnlimited;
  if (repeat.min > kMaxRepeat || repeat.max > kMaxRepeat) {
    return reader_.ErrorAt(begin, fmt::format("wanted at most {} repetitions", kMaxRepeat));
  }
  if (is_limited && repeat.max < repeat.min) {
    return reader_.ErrorAt(begin, "wanted a range that begins with the smaller number");
  }
  return std::optional<RegexNode>(std::move(repeat));
}

StatusOr<RegexNode> RegexParser::ParseQuantifier(RegexNode atom) {
  RegexNode repeat = {.kind = RegexNode::Kind::kRepeat};
  if (reader_.Take('*')) {
    repeat.min = 0;
  } else if (reader_.Take('+')) {
    repeat.min = 1;
  } else if (reader_.Take('?')) {
    repeat.max = 1;
  } else {
    QUIRE_ASSIGN_OR_RETURN(auto braces, ParseBraces());
    if (!braces) return atom;
    repeat = *std::move(braces);
  }
  // A reluctant quantifier matches the same texts; a possessive one does not.
  if (!reader_.Take('?') && !reader_.at_end() && reader_.Peek() == '+') {
    return reader_.Error("a possessive quantifier is not supported");
  }
  repeat.children.push_back(std::move(atom));
  return repeat;
}

}  // namespace

StatusOr<std::vector<RegexBranch>> ParseRegex(std::string_view pattern) {
  if (pattern.size() > kMaxRegexBytes) {
    return RegexReader::ErrorAt(
        kMaxRegexBytes, fmt::format("wanted the end by here, have {} bytes", pattern.size()));
  }
  return RegexParser(pattern).Parse();
}

}  // namespace quire::engine::constraints
