#include "engine/sampling/constraints/determinizer.h"

#include <gtest/gtest.h>

#include <string_view>

#include "tests/support/status_matchers.h"

namespace quire::engine::constraints {
namespace {

using absl::StatusCode;
using quire::testing::FailsWith;
using quire::testing::HasCode;
using quire::testing::IsOk;
using quire::testing::kInvalid;

const std::bitset<256> kAllBytes = std::bitset<256>().set();

struct Stack {
  bool Push(StateId state, int need) {
    if (Automaton::DepthToPush(static_cast<int>(states.size()), need) > Automaton::kMaxDepth) {
      return false;
    }
    states.push_back(state);
    return true;
  }
  bool Pop(StateId& state) {
    if (states.empty()) return false;
    state = states.back();
    states.pop_back();
    return true;
  }
  std::vector<StateId> states;
};

// What of `text` can be read, and how it ends.
struct Reading {
  std::size_t num_read = 0;
  StateId state = 0;
  Stack stack;
};

Reading Read(const Automaton& automaton, std::string_view text) {
  Reading reading = {.state = automaton.start(), .stack = {}};
  for (const char byte : text) {
    if (!automaton.Read(static_cast<std::uint8_t>(byte), reading.state, reading.stack)) break;
    ++reading.num_read;
  }
  return reading;
}

class DeterminizerTest : public ::testing::Test {
 protected:
  StatusOr<Automaton> Run(const std::bitset<256>& single_bytes = kAllBytes) {
    return Determinize(nfa_, root_, single_bytes);
  }
  NodeId begin(RuleId rule) const { return nfa_.rule(rule).begin; }
  NodeId end(RuleId rule) const { return nfa_.rule(rule).end; }

  // rule = '(' rule ')' | 'x'
  void MakeNested(RuleId rule) {
    const NodeId open = nfa_.AddNode();
    const NodeId close = nfa_.AddNode();
    nfa_.AddLiteral(begin(rule), "(", open);
    nfa_.AddCall(open, rule, close);
    nfa_.AddLiteral(close, ")", end(rule));
    nfa_.AddLiteral(begin(rule), "x", end(rule));
  }

  CompileBudget budget_{{}};
  Nfa nfa_{budget_};
  const RuleId root_ = nfa_.AddRule();
};

TEST_F(DeterminizerTest, EqualBeginningsAreReadOnce) {
  for (const char* text : {"abc", "abd", "b"}) nfa_.AddLiteral(begin(root_), text, end(root_));
  const auto automaton = Run();
  ASSERT_THAT(automaton, IsOk());
  EXPECT_EQ(automaton->num_states(), 4u);  // "", "a", "ab", the end
  EXPECT_EQ(Read(*automaton, "abx").num_read, 2u);
  EXPECT_TRUE(automaton->IsFinal(Read(*automaton, "abd").state));
  EXPECT_FALSE(automaton->IsFinal(Read(*automaton, "ab").state));
}

TEST_F(DeterminizerTest, RuleCallsItselfOverTheStack) {
  MakeNested(root_);
  const auto automaton = Run();
  ASSERT_THAT(automaton, IsOk());
  const Reading inside = Read(*automaton, "(((");
  EXPECT_EQ(inside.num_read, 3u);
  // The third '(' is read by the second call: the third is entered with the byte after it.
  EXPECT_EQ(inside.stack.states.size(), 2u);
  EXPECT_EQ(automaton->Need(inside.state), 1);
  const Reading whole = Read(*automaton, "(((x)))");
  EXPECT_EQ(whole.num_read, 7u);
  EXPECT_TRUE(automaton->IsFinal(whole.state));
  EXPECT_EQ(Read(*automaton, "((x)))").num_read, 5u);
  EXPECT_EQ(Read(*automaton, "()").num_read, 1u);
}

TEST_F(DeterminizerTest, StackIsBounded) {
  MakeNested(root_);
  const auto automaton = Run();
  ASSERT_THAT(automaton, IsOk());
  const Reading reading = Read(*automaton, std::string(200, '('));
  EXPECT_LE(reading.stack.states.size(), std::size_t{Automaton::kMaxDepth});
  EXPECT_LE(reading.num_read, std::size_t{Automaton::kMaxDepth} + 1);
}

TEST_F(DeterminizerTest, RuleOfOneByteNeedsNoStack) {
  const RuleId digit = nfa_.AddRule();
  nfa_.AddBytes(begin(digit), {'0', '9'}, end(digit));
  const NodeId middle = nfa_.AddNode();
  nfa_.AddCall(begin(root_), digit, middle);
  nfa_.AddCall(middle, digit, end(root_));
  const auto automaton = Run();
  ASSERT_THAT(automaton, IsOk());
  const Reading reading = Read(*automaton, "42");
  EXPECT_EQ(reading.num_read, 2u);
  EXPECT_TRUE(reading.stack.states.empty());
  EXPECT_TRUE(automaton->IsFinal(reading.state));
}

TEST_F(DeterminizerTest, CallsInsideCallsAreEnteredTogether) {
  const RuleId outer = nfa_.AddRule();
  const RuleId inner = nfa_.AddRule();
  nfa_.AddLiteral(begin(inner), "ab", end(inner));
  const NodeId after = nfa_.AddNode();
  nfa_.AddCall(begin(outer), inner, after);
  nfa_.AddLiteral(after, "c", end(outer));
  const NodeId last = nfa_.AddNode();
  nfa_.AddCall(begin(root_), outer, last);
  nfa_.AddLiteral(last, "d", end(root_));
  const auto automaton = Run();
  ASSERT_THAT(automaton, IsOk());
  EXPECT_EQ(Read(*automaton, "a").stack.states.size(), 2u);
  EXPECT_EQ(Read(*automaton, "abcd").num_read, 4u);
}

TEST_F(DeterminizerTest, AmbiguousCallsAreRefused) {
  const RuleId a = nfa_.AddRule();
  const RuleId b = nfa_.AddRule();
  nfa_.AddLiteral(begin(a), "xa", end(a));
  nfa_.AddLiteral(begin(b), "xb", end(b));
  nfa_.AddCall(begin(root_), a, end(root_));
  nfa_.AddCall(begin(root_), b, end(root_));
  EXPECT_THAT(Run(), HasCode(StatusCode::kFailedPrecondition));
}

TEST_F(DeterminizerTest, CallBesideTheSameByteIsRefused) {
  const RuleId rule = nfa_.AddRule();
  nfa_.AddLiteral(begin(rule), "xa", end(rule));
  nfa_.AddCall(begin(root_), rule, end(root_));
  nfa_.AddLiteral(begin(root_), "xb", end(root_));
  EXPECT_THAT(Run(), HasCode(StatusCode::kFailedPrecondition));
}

TEST_F(DeterminizerTest, DeadEndsAreNotEntered) {
  nfa_.AddLiteral(begin(root_), "ab", end(root_));
  nfa_.AddLiteral(begin(root_), "ac", nfa_.AddNode());  // leads nowhere
  const auto automaton = Run();
  ASSERT_THAT(automaton, IsOk());
  EXPECT_EQ(Read(*automaton, "ac").num_read, 1u);
}

TEST_F(DeterminizerTest, StatesNeedBytesThatTokensHave) {
  nfa_.AddLiteral(begin(root_), "ab", end(root_));
  nfa_.AddLiteral(begin(root_), "cd", end(root_));
  std::bitset<256> bytes;
  for (const char byte : {'a', 'b', 'c'}) bytes.set(static_cast<std::size_t>(byte));
  const auto automaton = Run(bytes);
  ASSERT_THAT(automaton, IsOk());
  EXPECT_TRUE(automaton->IsLive(Read(*automaton, "a").state, 0));
  // A token "cd" may pass through here, but nothing may stop here.
  EXPECT_EQ(Read(*automaton, "cd").num_read, 2u);
  EXPECT_FALSE(automaton->IsLive(Read(*automaton, "c").state, 0));
}

TEST_F(DeterminizerTest, NothingToWriteIsRefused) {
  EXPECT_THAT(Run(), FailsWith(kInvalid, "some output"));
  nfa_.AddEpsilon(begin(root_), end(root_));
  EXPECT_THAT(Run(), FailsWith(kInvalid, "other than the empty one"));
}

TEST(DeterminizerBudgetTest, StatesAreLimited) {
  // (a|b)*a(a|b){n} has 2^(n+1) states.
  CompileBudget budget({.time = std::chrono::seconds(60), .states = 1000});
  Nfa nfa(budget);
  const RuleId root = nfa.AddRule();
  NodeId at = nfa.rule(root).begin;
  nfa.AddBytes(at, {'a', 'b'}, at);
  for (int i = 0; i < 20; ++i) {
    const NodeId next = i < 19 ? nfa.AddNode() : nfa.rule(root).end;
    nfa.AddBytes(at, {'a', static_cast<std::uint8_t>(i == 0 ? 'a' : 'b')}, next);
    at = next;
  }
  EXPECT_THAT(Determinize(nfa, root, kAllBytes), FailsWith(kInvalid, "at most 1000 states"));
}

TEST(DeterminizerBudgetTest, TimeIsLimited) {
  CompileBudget budget({.time = std::chrono::milliseconds(0)});
  Nfa nfa(budget);
  const RuleId root = nfa.AddRule();
  nfa.AddLiteral(nfa.rule(root).begin, "a", nfa.rule(root).end);
  EXPECT_THAT(Determinize(nfa, root, kAllBytes), FailsWith(kInvalid, "within 0 ms"));
}

TEST(DeterminizerBudgetTest, NodesAndEdgesAreLimited) {
  CompileBudget nodes({.nfa_nodes = 100});
  Nfa nfa(nodes);
  for (int i = 0; i < 200; ++i) nfa.AddNode();
  EXPECT_LE(nfa.num_nodes(), 100u);
  EXPECT_THAT(nodes.status(), FailsWith(kInvalid, "at most 100 positions"));

  CompileBudget edges({.nfa_edges = 100});
  Nfa other(edges);
  for (int i = 0; i < 200; ++i) other.AddEpsilon(0, 0);
  EXPECT_THAT(edges.status(), FailsWith(kInvalid, "100 ways"));
}

}  // namespace
}  // namespace quire::engine::constraints
