#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/sampling/constraints/code_points.h"
#include "engine/sampling/constraints/compile_budget.h"

namespace quire::engine::constraints {

using NodeId = std::int32_t;
enum class RuleId : std::int32_t {};

// A nondeterministic automaton over bytes whose edges may also call a rule: read what the rule
// matches, then go on. Rules are what recursive schemas need; each has nodes of its own. Built
// piece by piece between given nodes, then determinized.
//
// Once the budget is exhausted nothing is added, new nodes are 0, and the automaton is of no use:
// whoever builds looks at the budget in loops and at the end.
//
// Thread-compatible. `budget` must outlive it.
class Nfa {
 public:
  struct Rule {
    NodeId begin = 0;
    NodeId end = 0;  // has no edges
  };
  enum class EdgeKind : std::uint8_t { kBytes, kEpsilon, kCall };
  struct Edge {
    NodeId target = 0;
    std::int32_t next = -1;  // the node's next edge, or -1
    RuleId rule{};           // kCall
    ByteRange bytes;         // kBytes
    EdgeKind kind = EdgeKind::kEpsilon;
  };

  // Has one node, 0, which is used for nothing.
  explicit Nfa(CompileBudget& budget) : budget_(budget), first_edges_{-1}, is_rule_end_{false} {}

  NodeId AddNode();
  RuleId AddRule();
  void AddBytes(NodeId from, ByteRange bytes, NodeId to);
  void AddEpsilon(NodeId from, NodeId to);
  void AddCall(NodeId from, RuleId rule, NodeId to);
  // Exactly `text`.
  void AddLiteral(NodeId from, std::string_view text, NodeId to);

  const Rule& rule(RuleId id) const { return rules_[static_cast<std::size_t>(id)]; }
  std::size_t num_rules() const { return rules_.size(); }
  std::size_t num_nodes() const { return first_edges_.size(); }
  bool IsRuleEnd(NodeId node) const { return is_rule_end_[static_cast<std::size_t>(node)]; }
  CompileBudget& budget() const { return budget_; }

  // Calls `visit(const Edge&)` for every edge that leaves `node`.
  template <typename Visit>
  void ForEachEdge(NodeId node, Visit visit) const {
    for (std::int32_t i = first_edges_[static_cast<std::size_t>(node)]; i >= 0;) {
      const Edge& edge = edges_[static_cast<std::size_t>(i)];
      visit(edge);
      i = edge.next;
    }
  }

 private:
  void AddEdge(NodeId from, Edge edge);

  CompileBudget& budget_;
  std::vector<std::int32_t> first_edges_;  // by node; -1: none
  std::vector<bool> is_rule_end_;          // by node
  std::vector<Edge> edges_;
  std::vector<Rule> rules_;
};

}  // namespace quire::engine::constraints
