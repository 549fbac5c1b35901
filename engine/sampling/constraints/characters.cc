#include "engine/sampling/constraints/characters.h"

#include <string>
#include <string_view>
#include <utility>

namespace quire::engine::constraints {
namespace {

// The characters with an escape of two letters that need one, and its second letter.
constexpr std::pair<char32_t, char> kShortEscapes[] = {
    {U'"', '"'},  {U'\\', '\\'}, {U'\b', 'b'}, {U'\f', 'f'},
    {U'\n', 'n'}, {U'\r', 'r'},  {U'\t', 't'},
};
constexpr ByteRange kHexDigits[] = {{'0', '9'}, {'A', 'F'}, {'a', 'f'}};

void AddUtf8(const CodePointSet& set, NodeId from, NodeId to, Nfa& nfa) {
  for (const CodePointSet::Range& range : set.ranges()) {
    for (const Utf8Sequence& sequence : Utf8Sequences(range)) {
      NodeId at = from;
      for (int i = 0; i < sequence.length; ++i) {
        const NodeId next = i + 1 < sequence.length ? nfa.AddNode() : to;
        nfa.AddBytes(at, sequence.bytes[static_cast<std::size_t>(i)], next);
        at = next;
      }
    }
  }
}

// "u00XX" for the characters of `set`, which are below 0x20.
void AddControlEscapes(const CodePointSet& set, NodeId from, NodeId to, Nfa& nfa) {
  if (set.empty()) return;
  const NodeId digits = nfa.AddNode();
  nfa.AddLiteral(from, "u00", digits);
  for (const char32_t high : {0, 1}) {
    const CodePointSet row = set.And(CodePointSet({{high * 16, high * 16 + 15}}));
    if (row.empty()) continue;
    const NodeId low = nfa.AddNode();
    nfa.AddLiteral(digits, high == 0 ? "0" : "1", low);
    for (const CodePointSet::Range& range : row.ranges()) {
      for (char32_t c = range.first; c <= range.last; ++c) {
        nfa.AddLiteral(low, std::string(1, "0123456789abcdef"[c % 16]), to);
      }
    }
  }
}

// Escapes of the characters of `set` that need one.
void AddNeededEscapes(const CodePointSet& set, NodeId from, NodeId to, Nfa& nfa) {
  if (set.And(PlainJsonCharacters().Complement()).empty()) return;
  const NodeId escape = nfa.AddNode();
  nfa.AddLiteral(from, "\\", escape);
  CodePointSet rest = set.And(CodePointSet({{0, 0x1F}}));
  for (const auto& [c, letter] : kShortEscapes) {
    if (set.Contains(c)) nfa.AddLiteral(escape, std::string(1, letter), to);
    rest = rest.Without(CodePointSet({{c, c}}));
  }
  AddControlEscapes(rest, escape, to, nfa);
}

// `count` hexadecimal digits.
void AddHexDigits(int count, NodeId from, NodeId to, Nfa& nfa) {
  for (int i = 0; i < count; ++i) {
    const NodeId next = i + 1 < count ? nfa.AddNode() : to;
    for (const ByteRange& range : kHexDigits) nfa.AddBytes(from, range, next);
    from = next;
  }
}

void AddBytesOf(std::string_view bytes, NodeId from, NodeId to, Nfa& nfa) {
  for (const char byte : bytes) nfa.AddLiteral(from, std::string_view(&byte, 1), to);
}

// "uXXXX", and a pair of them for what needs two.
void AddUnicodeEscapes(NodeId from, NodeId to, Nfa& nfa) {
  const NodeId digits = nfa.AddNode();
  nfa.AddLiteral(from, "u", digits);
  const NodeId last_three = nfa.AddNode();
  AddBytesOf("0123456789abcefABCEF", digits, last_three, nfa);
  AddHexDigits(3, last_three, to, nfa);
  const NodeId after_d = nfa.AddNode();
  AddBytesOf("dD", digits, after_d, nfa);
  const NodeId last_two = nfa.AddNode();
  AddBytesOf("01234567", after_d, last_two, nfa);
  AddHexDigits(2, last_two, to, nfa);
  const NodeId high = nfa.AddNode();
  const NodeId high_end = nfa.AddNode();
  AddBytesOf("89abAB", after_d, high, nfa);
  AddHexDigits(2, high, high_end, nfa);
  const NodeId low = nfa.AddNode();
  nfa.AddLiteral(high_end, "\\u", low);
  const NodeId low_after_d = nfa.AddNode();
  AddBytesOf("dD", low, low_after_d, nfa);
  const NodeId low_last_two = nfa.AddNode();
  AddBytesOf("cdefCDEF", low_after_d, low_last_two, nfa);
  AddHexDigits(2, low_last_two, to, nfa);
}

void AddRepeat(const RegexNode& node, Spelling spelling, NodeId from, NodeId to, Nfa& nfa) {
  const RegexNode& child = node.children.front();
  const auto add_copy = [&] {
    const NodeId next = nfa.AddNode();
    AddRegex(child, spelling, from, next, nfa);
    from = next;
  };
  for (std::int32_t i = 0; i < node.min && !nfa.budget().exhausted(); ++i) add_copy();
  if (node.max == RegexNode::kUnlimited) {
    const NodeId loop = nfa.AddNode();
    nfa.AddEpsilon(from, loop);
    AddRegex(child, spelling, loop, loop, nfa);
    nfa.AddEpsilon(loop, to);
    return;
  }
  for (std::int32_t i = node.min; i < node.max && !nfa.budget().exhausted(); ++i) {
    nfa.AddEpsilon(from, to);
    add_copy();
  }
  nfa.AddEpsilon(from, to);
}

// Any text: a loop at `node`.
void AddAnyTextLoop(NodeId node, Nfa& nfa) {
  AddCharacters(CodePointSet::All(), Spelling::kJson, node, node, nfa);
}

}  // namespace

CodePointSet PlainJsonCharacters() {
  return CodePointSet({{0, 0x1F}, {'"', '"'}, {'\\', '\\'}}).Complement();
}

void AddCharacters(const CodePointSet& set, Spelling spelling, NodeId from, NodeId to, Nfa& nfa) {
  if (spelling == Spelling::kUtf8) return AddUtf8(set, from, to, nfa);
  AddUtf8(set.And(PlainJsonCharacters()), from, to, nfa);
  AddNeededEscapes(set, from, to, nfa);
}

void AddAnyJsonCharacter(NodeId from, NodeId to, Nfa& nfa) {
  AddUtf8(PlainJsonCharacters(), from, to, nfa);
  const NodeId escape = nfa.AddNode();
  nfa.AddLiteral(from, "\\", escape);
  AddBytesOf("\"\\/bfnrt", escape, to, nfa);
  AddUnicodeEscapes(escape, to, nfa);
}

void AddRegex(const RegexNode& node, Spelling spelling, NodeId from, NodeId to, Nfa& nfa) {
  if (nfa.budget().exhausted()) return;
  switch (node.kind) {
    case RegexNode::Kind::kCharacters:
      return AddCharacters(node.characters, spelling, from, to, nfa);
    case RegexNode::Kind::kAlternatives:
      for (const RegexNode& child : node.children) AddRegex(child, spelling, from, to, nfa);
      return;
    case RegexNode::Kind::kRepeat:
      return AddRepeat(node, spelling, from, to, nfa);
    case RegexNode::Kind::kSequence:
      for (const RegexNode& child : node.children) {
        const NodeId next = nfa.AddNode();
        AddRegex(child, spelling, from, next, nfa);
        from = next;
      }
      return nfa.AddEpsilon(from, to);
  }
}

void AddWholeMatch(std::span<const RegexBranch> branches, Spelling spelling, NodeId from, NodeId to,
                   Nfa& nfa) {
  for (const RegexBranch& branch : branches) AddRegex(branch.node, spelling, from, to, nfa);
}

void AddJsonSearch(std::span<const RegexBranch> branches, NodeId from, NodeId to, Nfa& nfa) {
  for (const RegexBranch& branch : branches) {
    const NodeId begin = nfa.AddNode();
    const NodeId end = nfa.AddNode();
    nfa.AddEpsilon(from, begin);
    nfa.AddEpsilon(end, to);
    if (!branch.has_begin_anchor) AddAnyTextLoop(begin, nfa);
    if (!branch.has_end_anchor) AddAnyTextLoop(end, nfa);
    AddRegex(branch.node, Spelling::kJson, begin, end, nfa);
  }
}

}  // namespace quire::engine::constraints
