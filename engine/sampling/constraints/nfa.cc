#include "engine/sampling/constraints/nfa.h"

namespace quire::engine::constraints {

NodeId Nfa::AddNode() {
  if (!budget_.AllowNfa(num_nodes() + 1, edges_.size()) || !budget_.Spend(1)) return 0;
  first_edges_.push_back(-1);
  is_rule_end_.push_back(false);
  return static_cast<NodeId>(num_nodes()) - 1;
}

RuleId Nfa::AddRule() {
  const NodeId begin = AddNode();
  const NodeId end = AddNode();
  is_rule_end_[static_cast<std::size_t>(end)] = true;
  rules_.push_back({.begin = begin, .end = end});
  return static_cast<RuleId>(rules_.size() - 1);
}

void Nfa::AddEdge(NodeId from, Edge edge) {
  if (!budget_.AllowNfa(num_nodes(), edges_.size() + 1) || !budget_.Spend(1)) return;
  std::int32_t& first = first_edges_[static_cast<std::size_t>(from)];
  edge.next = first;
  first = static_cast<std::int32_t>(edges_.size());
  edges_.push_back(edge);
}

void Nfa::AddBytes(NodeId from, ByteRange bytes, NodeId to) {
  AddEdge(from, {.target = to, .bytes = bytes, .kind = EdgeKind::kBytes});
}

void Nfa::AddEpsilon(NodeId from, NodeId to) {
  AddEdge(from, {.target = to, .bytes = {}, .kind = EdgeKind::kEpsilon});
}

void Nfa::AddCall(NodeId from, RuleId rule, NodeId to) {
  AddEdge(from, {.target = to, .rule = rule, .bytes = {}, .kind = EdgeKind::kCall});
}

void Nfa::AddLiteral(NodeId from, std::string_view text, NodeId to) {
  if (text.empty()) return AddEpsilon(from, to);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<std::uint8_t>(text[i]);
    const NodeId next = i + 1 < text.size() ? AddNode() : to;
    AddBytes(from, {byte, byte}, next);
    from = next;
  }
}

}  // namespace quire::engine::constraints
