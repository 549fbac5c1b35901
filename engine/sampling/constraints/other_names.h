#pragma once

#include <span>
#include <string>

#include "engine/sampling/constraints/nfa.h"

namespace quire::engine::constraints {

// A JSON string, quotes included, that is none of `names`. Written without escapes, so that no name
// can hide behind one.
void AddOtherNames(std::span<const std::string> names, NodeId from, NodeId to, Nfa& nfa);

}  // namespace quire::engine::constraints
