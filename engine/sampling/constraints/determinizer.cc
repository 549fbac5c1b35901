#include "engine/sampling/constraints/determinizer.h"

#include <algorithm>
#include <deque>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "base/check.h"

namespace quire::engine::constraints {

class Determinizer {
 public:
  explicit Determinizer(const Nfa& nfa)
      : nfa_(nfa), budget_(nfa.budget()), marks_(nfa.num_nodes(), 0) {}

  StatusOr<Automaton> Run(RuleId root, const std::bitset<256>& single_bytes) {
    QUIRE_RETURN_IF_ERROR(budget_.status());
    FindClasses();
    rule_starts_.assign(nfa_.num_rules(), kUnknown);
    automaton_.start_ = StartOf(root);
    // States come to the end of the list while it is walked.
    for (StateId state = 0; state < NumStates() && !budget_.exhausted(); ++state) Expand(state);
    QUIRE_RETURN_IF_ERROR(budget_.status());
    FindFirsts();
    for (StateId state = 0; state < NumStates(); ++state) {
      QUIRE_RETURN_IF_ERROR(ResolveCalls(state));
    }
    FindPredecessors();
    RemoveDeadMoves(ComputeNeeds(std::bitset<256>().set()));
    automaton_.needs_ = ComputeNeeds(single_bytes);
    QUIRE_RETURN_IF_ERROR(budget_.status());
    MergeClasses();
    return Finish();
  }

 private:
  using NodeSet = std::vector<NodeId>;  // sorted
  using ClassSet = std::bitset<256>;
  struct SymbolicCall {
    RuleId rule;
    StateId target;
  };
  static constexpr StateId kUnknown = -1;
  static constexpr int kDead = Automaton::kMaxDepth + 1;

  StateId NumStates() const { return static_cast<StateId>(sets_.size()); }
  std::int32_t& Move(StateId state, std::size_t column) {
    return automaton_.moves_[automaton_.Row(state) + column];
  }
  StateId StartOf(RuleId rule);

  // Splits the bytes where an edge begins or ends.
  void FindClasses();
  // The state of everything that `nodes` reach without a byte or a call.
  StateId Intern(const NodeSet& nodes);
  NodeSet Closure(const NodeSet& nodes);
  void Expand(StateId state);
  void ExpandCalls(StateId state);

  // The classes that may come first in a rule.
  void FindFirsts();
  const ClassSet& FirstOf(RuleId rule) const { return firsts_[static_cast<std::size_t>(rule)]; }
  Status ResolveCalls(StateId state);
  const SymbolicCall* FindCall(StateId state, std::size_t column) const;
  std::int32_t MakeCall(StateId state, std::size_t column);
  bool EndsAtOnce(StateId state);

  void FindPredecessors();
  std::vector<std::uint8_t> ComputeNeeds(const std::bitset<256>& bytes);
  int NeedOf(StateId state, const ClassSet& usable, const std::vector<std::uint8_t>& needs);
  void RemoveDeadMoves(const std::vector<std::uint8_t>& needs);
  // Joins classes whose columns are equal.
  void MergeClasses();
  StatusOr<Automaton> Finish();

  const Nfa& nfa_;
  CompileBudget& budget_;
  Automaton automaton_;
  std::vector<StateId> rule_starts_;              // by rule
  std::vector<NodeSet> sets_;                     // by state; emptied once it is expanded
  std::vector<std::vector<SymbolicCall>> calls_;  // by state
  std::vector<ClassSet> firsts_;                  // by rule
  std::vector<std::vector<StateId>> predecessors_;
  absl::flat_hash_map<NodeSet, StateId> states_;
  std::vector<std::uint32_t> marks_;  // by node: the last closure that reached it
  std::uint32_t mark_ = 0;
};

StateId Determinizer::StartOf(RuleId rule) {
  StateId& start = rule_starts_[static_cast<std::size_t>(rule)];
  if (start == kUnknown) start = Intern({nfa_.rule(rule).begin});
  return start;
}

void Determinizer::FindClasses() {
  std::bitset<257> begins;
  for (std::size_t node = 0; node < nfa_.num_nodes(); ++node) {
    nfa_.ForEachEdge(static_cast<NodeId>(node), [&](const Nfa::Edge& edge) {
      if (edge.kind != Nfa::EdgeKind::kBytes) return;
      begins.set(edge.bytes.first);
      begins.set(edge.bytes.last + std::size_t{1});
    });
  }
  std::size_t column = 0;
  for (std::size_t byte = 0; byte < 256; ++byte) {
    if (byte > 0 && begins[byte]) ++column;
    automaton_.class_of_[byte] = static_cast<std::uint8_t>(column);
  }
  automaton_.num_classes_ = column + 1;
}

Determinizer::NodeSet Determinizer::Closure(const NodeSet& nodes) {
  ++mark_;
  NodeSet reached;
  NodeSet left;
  const auto visit = [&](NodeId node) {
    if (std::exchange(marks_[static_cast<std::size_t>(node)], mark_) != mark_) left.push_back(node);
  };
  for (const NodeId node : nodes) visit(node);
  while (!left.empty() && budget_.Spend(1)) {
    const NodeId node = left.back();
    left.pop_back();
    // Nodes that only lead on tell nothing: leaving them out makes more sets equal.
    bool matters = nfa_.IsRuleEnd(node);
    nfa_.ForEachEdge(node, [&](const Nfa::Edge& edge) {
      if (edge.kind == Nfa::EdgeKind::kEpsilon) {
        visit(edge.target);
      } else {
        matters = true;
      }
    });
    if (matters) reached.push_back(node);
  }
  std::sort(reached.begin(), reached.end());
  return reached;
}

StateId Determinizer::Intern(const NodeSet& nodes) {
  NodeSet set = Closure(nodes);
  budget_.Spend(static_cast<std::int64_t>(set.size()) * 4);
  const auto found = states_.find(set);
  if (found != states_.end()) return found->second;
  const StateId state = NumStates();
  const std::size_t table = (sets_.size() + 1) * automaton_.num_classes_ * sizeof(std::int32_t);
  if (!budget_.AllowStates(sets_.size() + 1, table)) return 0;
  automaton_.moves_.resize(automaton_.moves_.size() + automaton_.num_classes_, Automaton::kNone);
  const bool is_final =
      std::any_of(set.begin(), set.end(), [&](NodeId node) { return nfa_.IsRuleEnd(node); });
  automaton_.is_final_.push_back(is_final ? 1 : 0);
  calls_.emplace_back();
  states_.emplace(set, state);
  sets_.push_back(std::move(set));
  return state;
}

void Determinizer::Expand(StateId state) {
  const NodeSet set = std::move(sets_[static_cast<std::size_t>(state)]);
  std::vector<NodeSet> targets(automaton_.num_classes_);
  for (const NodeId node : set) {
    nfa_.ForEachEdge(node, [&](const Nfa::Edge& edge) {
      if (edge.kind != Nfa::EdgeKind::kBytes) return;
      const std::size_t last = automaton_.class_of_[edge.bytes.last];
      for (std::size_t c = automaton_.class_of_[edge.bytes.first]; c <= last; ++c) {
        targets[c].push_back(edge.target);
      }
    });
  }
  for (std::size_t c = 0; c < targets.size() && !budget_.exhausted(); ++c) {
    budget_.Spend(static_cast<std::int64_t>(targets[c].size()) + 1);
    if (targets[c].empty()) continue;
    const bool is_like_last = c > 0 && targets[c] == targets[c - 1];
    const StateId target = is_like_last ? Move(state, c - 1) : Intern(targets[c]);
    Move(state, c) = target;  // after Intern, which moves the table
  }
  std::vector<std::pair<RuleId, NodeSet>> calls;
  for (const NodeId node : set) {
    nfa_.ForEachEdge(node, [&](const Nfa::Edge& edge) {
      if (edge.kind != Nfa::EdgeKind::kCall) return;
      const auto same = std::find_if(calls.begin(), calls.end(),
                                     [&](const auto& call) { return call.first == edge.rule; });
      auto& call = same != calls.end() ? *same : calls.emplace_back(edge.rule, NodeSet());
      call.second.push_back(edge.target);
    });
  }
  for (const auto& [rule, nodes] : calls) {
    StartOf(rule);
    const StateId target = Intern(nodes);
    calls_[static_cast<std::size_t>(state)].push_back({rule, target});
  }
}

void Determinizer::FindFirsts() {
  // Rules call few others at their start: repeated until nothing is new.
  firsts_.assign(nfa_.num_rules(), ClassSet());
  for (bool is_new = true; is_new && budget_.Spend(1);) {
    is_new = false;
    for (std::size_t rule = 0; rule < rule_starts_.size(); ++rule) {
      if (rule_starts_[rule] == kUnknown) continue;
      ClassSet first;
      for (std::size_t c = 0; c < automaton_.num_classes_; ++c) {
        first[c] = Move(rule_starts_[rule], c) != Automaton::kNone;
      }
      for (const SymbolicCall& call : calls_[static_cast<std::size_t>(rule_starts_[rule])]) {
        first |= FirstOf(call.rule);
      }
      is_new = is_new || first != firsts_[rule];
      firsts_[rule] = first;
    }
  }
}

const Determinizer::SymbolicCall* Determinizer::FindCall(StateId state, std::size_t column) const {
  for (const SymbolicCall& call : calls_[static_cast<std::size_t>(state)]) {
    if (FirstOf(call.rule)[column]) return &call;
  }
  return nullptr;
}

Status Determinizer::ResolveCalls(StateId state) {
  const std::vector<SymbolicCall>& calls = calls_[static_cast<std::size_t>(state)];
  for (std::size_t c = 0; c < automaton_.num_classes_ && !calls.empty(); ++c) {
    budget_.Spend(static_cast<std::int64_t>(calls.size()));
    const auto num_calls = std::count_if(calls.begin(), calls.end(), [&](const SymbolicCall& call) {
      return FirstOf(call.rule)[c];
    });
    if (num_calls == 0) continue;
    if (num_calls > 1 || Move(state, c) != Automaton::kNone) {
      return FailedPrecondition(
          "alternatives that begin alike: wanted ones that the next byte "
          "tells apart where one of them calls a rule");
    }
    Move(state, c) = MakeCall(state, c);
  }
  return OkStatus();
}

// Calls inside calls are entered together, down to the one that reads the byte.
std::int32_t Determinizer::MakeCall(StateId state, std::size_t column) {
  std::vector<StateId> pushes;
  StateId target = kUnknown;
  while (target == kUnknown) {
    const SymbolicCall* call = FindCall(state, column);
    // A rule that calls itself before its first byte would go on for ever. Schemas make none.
    QUIRE_CHECK(call != nullptr && pushes.size() <= nfa_.num_rules());
    pushes.push_back(call->target);
    state = StartOf(call->rule);
    const std::int32_t move = Move(state, column);
    if (move >= 0) target = move;
  }
  // A rule of one byte is over at once: one byte is all that most characters take.
  while (!pushes.empty() && EndsAtOnce(target)) {
    target = pushes.back();
    pushes.pop_back();
  }
  const auto index = static_cast<std::int32_t>(automaton_.calls_.size());
  automaton_.calls_.push_back({.target = target,
                               .first_push = static_cast<std::int32_t>(automaton_.pushes_.size()),
                               .num_pushes = static_cast<std::int32_t>(pushes.size())});
  automaton_.pushes_.insert(automaton_.pushes_.end(), pushes.begin(), pushes.end());
  return Automaton::kFirstCall - index;
}

bool Determinizer::EndsAtOnce(StateId state) {
  if (!automaton_.IsFinal(state) || !calls_[static_cast<std::size_t>(state)].empty()) return false;
  const auto row = automaton_.moves_.begin() + static_cast<std::ptrdiff_t>(automaton_.Row(state));
  return std::all_of(row, row + static_cast<std::ptrdiff_t>(automaton_.num_classes_),
                     [](std::int32_t move) { return move == Automaton::kNone; });
}

void Determinizer::FindPredecessors() {
  predecessors_.resize(sets_.size());
  const auto add = [&](StateId of, StateId state) {
    auto& list = predecessors_[static_cast<std::size_t>(of)];
    if (list.empty() || list.back() != state) list.push_back(state);
  };
  for (StateId state = 0; state < NumStates(); ++state) {
    budget_.Spend(static_cast<std::int64_t>(automaton_.num_classes_));
    for (std::size_t c = 0; c < automaton_.num_classes_; ++c) {
      if (Move(state, c) >= 0) add(Move(state, c), state);
    }
    for (const SymbolicCall& call : calls_[static_cast<std::size_t>(state)]) {
      add(call.target, state);
      add(StartOf(call.rule), state);
    }
  }
}

int Determinizer::NeedOf(StateId state, const ClassSet& usable,
                         const std::vector<std::uint8_t>& needs) {
  if (automaton_.IsFinal(state)) return 0;
  const auto need = [&](StateId of) { return int{needs[static_cast<std::size_t>(of)]}; };
  int least = kDead;
  for (std::size_t c = 0; c < automaton_.num_classes_; ++c) {
    if (usable[c] && Move(state, c) >= 0) least = std::min(least, need(Move(state, c)));
  }
  for (const SymbolicCall& call : calls_[static_cast<std::size_t>(state)]) {
    least = std::min(least, std::max(need(StartOf(call.rule)) + 1, need(call.target)));
  }
  return least;
}

// Lowers what is too high until nothing is, beginning with the ends of rules.
std::vector<std::uint8_t> Determinizer::ComputeNeeds(const std::bitset<256>& bytes) {
  ClassSet usable;
  for (std::size_t byte = 0; byte < 256; ++byte) {
    if (bytes[byte]) usable.set(automaton_.class_of_[byte]);
  }
  std::vector<std::uint8_t> needs(sets_.size(), kDead);
  std::deque<StateId> changed;
  const auto update = [&](StateId state) {
    const int need = NeedOf(state, usable, needs);
    if (need >= int{needs[static_cast<std::size_t>(state)]}) return;
    needs[static_cast<std::size_t>(state)] = static_cast<std::uint8_t>(need);
    changed.push_back(state);
  };
  for (StateId state = 0; state < NumStates(); ++state) {
    if (automaton_.IsFinal(state)) update(state);
  }
  while (!changed.empty()) {
    const StateId state = changed.front();
    changed.pop_front();
    for (const StateId predecessor : predecessors_[static_cast<std::size_t>(state)]) {
      if (!budget_.Spend(static_cast<std::int64_t>(automaton_.num_classes_))) return needs;
      update(predecessor);
    }
  }
  return needs;
}

void Determinizer::RemoveDeadMoves(const std::vector<std::uint8_t>& needs) {
  const auto is_dead = [&](StateId state) {
    return int{needs[static_cast<std::size_t>(state)]} == kDead;
  };
  for (std::int32_t& move : automaton_.moves_) {
    if (move >= 0 && is_dead(move)) move = Automaton::kNone;
    if (move > Automaton::kFirstCall) continue;
    const Automaton::Call& call =
        automaton_.calls_[static_cast<std::size_t>(Automaton::kFirstCall - move)];
    const auto first = automaton_.pushes_.begin() + call.first_push;
    if (is_dead(call.target) || std::any_of(first, first + call.num_pushes, is_dead)) {
      move = Automaton::kNone;
    }
  }
}

void Determinizer::MergeClasses() {
  const std::size_t old_classes = automaton_.num_classes_;
  const std::vector<std::int32_t>& moves = automaton_.moves_;
  const auto column_equals = [&](std::size_t a, std::size_t b) {
    for (std::size_t row = 0; row < moves.size(); row += old_classes) {
      if (moves[row + a] != moves[row + b]) return false;
    }
    return true;
  };
  // Row by row, as they lie in memory; columns of different hashes are not compared.
  std::vector<std::uint64_t> hashes(old_classes, 0);
  for (std::size_t i = 0; i < moves.size(); ++i) {
    std::uint64_t& hash = hashes[i % old_classes];
    hash = (hash ^ static_cast<std::uint32_t>(moves[i])) * 0x9E3779B97F4A7C15u;
  }
  std::vector<std::size_t> kept;                     // old classes, by new class
  std::vector<std::uint8_t> new_class(old_classes);  // by old class
  for (std::size_t c = 0; c < old_classes; ++c) {
    const auto same = std::find_if(kept.begin(), kept.end(), [&](std::size_t other) {
      return hashes[c] == hashes[other] && column_equals(c, other);
    });
    new_class[c] = static_cast<std::uint8_t>(same - kept.begin());
    if (same == kept.end()) kept.push_back(c);
  }
  std::vector<std::int32_t> merged;
  merged.reserve(sets_.size() * kept.size());
  for (std::size_t row = 0; row < moves.size(); row += old_classes) {
    for (const std::size_t c : kept) merged.push_back(moves[row + c]);
  }
  automaton_.moves_ = std::move(merged);
  automaton_.num_classes_ = kept.size();
  for (std::uint8_t& column : automaton_.class_of_) column = new_class[column];
}

StatusOr<Automaton> Determinizer::Finish() {
  if (!automaton_.IsLive(automaton_.start_, 0)) {
    return InvalidArgument("wanted a constraint that some output of this vocabulary satisfies");
  }
  if (EndsAtOnce(automaton_.start_)) {
    return InvalidArgument("wanted a constraint that an output other than the empty one satisfies");
  }
  return std::move(automaton_);
}

std::size_t Automaton::num_bytes() const {
  return sizeof(*this) + moves_.size() * sizeof(moves_[0]) + calls_.size() * sizeof(Call) +
         pushes_.size() * sizeof(StateId) + is_final_.size() + needs_.size();
}

StatusOr<Automaton> Determinize(const Nfa& nfa, RuleId root, const std::bitset<256>& single_bytes) {
  return Determinizer(nfa).Run(root, single_bytes);
}

}  // namespace quire::engine::constraints
