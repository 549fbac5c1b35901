#include "engine/sampling/constraints/compile_budget.h"

namespace quire::engine::constraints {
namespace {

// About a tenth of a millisecond.
constexpr std::int64_t kStepsPerLook = 10'000;

}  // namespace

bool CompileBudget::Spend(std::int64_t steps) {
  if (exhausted()) return false;
  steps_until_look_ -= steps;
  if (steps_until_look_ > 0) return true;
  steps_until_look_ = kStepsPerLook;
  if (Clock::now() < deadline_) return true;
  status_ = InvalidArgument("too complex: wanted one that compiles within {} ms, have a longer one",
                            limits_.time.count());
  return false;
}

bool CompileBudget::AllowNfa(std::size_t nodes, std::size_t edges) {
  if (exhausted()) return false;
  if (nodes <= static_cast<std::size_t>(limits_.nfa_nodes) &&
      edges <= static_cast<std::size_t>(limits_.nfa_edges)) {
    return true;
  }
  status_ =
      InvalidArgument("too complex: wanted at most {} positions and {} ways between, have more",
                      limits_.nfa_nodes, limits_.nfa_edges);
  return false;
}

bool CompileBudget::AllowStates(std::size_t count, std::size_t table_bytes) {
  if (exhausted()) return false;
  if (count <= static_cast<std::size_t>(limits_.states) &&
      table_bytes <= static_cast<std::size_t>(limits_.table_bytes)) {
    return true;
  }
  status_ = InvalidArgument("too complex: wanted at most {} states in {} bytes, have more",
                            limits_.states, limits_.table_bytes);
  return false;
}

}  // namespace quire::engine::constraints
