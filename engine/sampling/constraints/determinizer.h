#pragma once

#include <bitset>

#include "base/status.h"
#include "engine/sampling/constraints/automaton.h"
#include "engine/sampling/constraints/nfa.h"

namespace quire::engine::constraints {

// Makes `nfa` deterministic by the subset construction, rule by rule, a call being one more symbol.
// `single_bytes`: those that some token stands for alone. Returns FAILED_PRECONDITION if one byte
// does not tell which of several rules to call, or whether to call one; INVALID_ARGUMENT if the
// budget is spent, or if no output can be completed with tokens of one byte, or none but the empty
// one. Requires: a rule that is called does not match the empty text; a text that ends a rule goes
// on in it only with bytes that cannot follow the rule.
StatusOr<Automaton> Determinize(const Nfa& nfa, RuleId root, const std::bitset<256>& single_bytes);

}  // namespace quire::engine::constraints
