#pragma once

#include <span>

#include "engine/sampling/constraints/code_points.h"
#include "engine/sampling/constraints/nfa.h"
#include "engine/sampling/constraints/regex.h"

// Characters and expressions over them as edges over bytes.

namespace quire::engine::constraints {

// How a character is spelled.
enum class Spelling {
  kUtf8,
  // As in a JSON string: the characters that need an escape have their shortest one, the others
  // none. So each text has one spelling.
  kJson,
};

// One character of `set`, between `from` and `to`.
void AddCharacters(const CodePointSet& set, Spelling spelling, NodeId from, NodeId to, Nfa& nfa);

// One character of a JSON string in any spelling: as it is, or as any escape. Surrogates come in
// pairs alone.
void AddAnyJsonCharacter(NodeId from, NodeId to, Nfa& nfa);

// The characters that stand in a JSON string without an escape.
CodePointSet PlainJsonCharacters();

// What `node` matches.
void AddRegex(const RegexNode& node, Spelling spelling, NodeId from, NodeId to, Nfa& nfa);

// What `branches` match as a whole text, with or without anchors.
void AddWholeMatch(std::span<const RegexBranch> branches, Spelling spelling, NodeId from, NodeId to,
                   Nfa& nfa);

// The JSON spelling of every text in which `branches` match something: an alternative without an
// anchor may have anything before or after it.
void AddJsonSearch(std::span<const RegexBranch> branches, NodeId from, NodeId to, Nfa& nfa);

}  // namespace quire::engine::constraints
