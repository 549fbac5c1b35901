#include "engine/sampling/constraints/token_mask.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <utility>

namespace quire::engine {
namespace {

using constraints::Automaton;
using constraints::StateId;
using constraints::VocabularyTrie;

constexpr std::size_t kBitsPerWord = 64;

// Calls `visit` with the id of every bit that is set in word `index`.
template <typename Visit>
void ForEachBit(std::uint64_t word, std::size_t index, Visit visit) {
  for (; word != 0; word &= word - 1) {
    visit(index * kBitsPerWord + static_cast<std::size_t>(std::countr_zero(word)));
  }
}

// The stacks of one walk: each is a frame and those below it, so that tokens share what they share.
// Notes what of the stack at the beginning was looked at, and how deep it became.
class SharedStack {
 public:
  static constexpr std::int32_t kBottom = -1;

  explicit SharedStack(const std::vector<StateId>& states) {
    for (const StateId state : states) AddFrame(state);
    num_given_ = top_ + 1;
  }

  std::int32_t top() const { return top_; }
  void Return(std::int32_t top) { top_ = top; }
  int depth() const { return top_ == kBottom ? 0 : frames_[static_cast<std::size_t>(top_)].depth; }

  bool Push(StateId state, int need) {
    // What can never end is no question of depth.
    if (need > Automaton::kMaxDepth || !Allows(Automaton::DepthToPush(depth(), need))) return false;
    AddFrame(state);
    return true;
  }
  bool Pop(StateId& state) {
    if (top_ == kBottom) {
      saw_bottom_ = true;
      return false;
    }
    lowest_seen_ = std::min(lowest_seen_, top_);
    const Frame& frame = frames_[static_cast<std::size_t>(top_)];
    state = frame.state;
    top_ = frame.below;
    return true;
  }
  // True if a stack may become `depth` deep.
  bool Allows(int depth) {
    if (depth > Automaton::kMaxDepth) {
      was_limited_ = true;
      return false;
    }
    deepest_ = std::max(deepest_, depth);
    return true;
  }

  // Of the given stack, how many frames were popped.
  std::int32_t num_seen() const { return num_given_ - std::min(lowest_seen_, num_given_); }
  bool saw_bottom() const { return saw_bottom_; }
  bool was_limited() const { return was_limited_; }
  int deepest() const { return deepest_; }

 private:
  struct Frame {
    StateId state;
    std::int32_t below;
    int depth;
  };

  void AddFrame(StateId state) {
    frames_.push_back({.state = state, .below = top_, .depth = depth() + 1});
    top_ = static_cast<std::int32_t>(frames_.size()) - 1;
  }

  std::vector<Frame> frames_;  // those given come first, the lowest first
  std::int32_t top_ = kBottom;
  std::int32_t num_given_ = 0;
  std::int32_t lowest_seen_ = std::numeric_limits<std::int32_t>::max();
  bool saw_bottom_ = false;
  bool was_limited_ = false;
  int deepest_ = 0;
};

class VocabularyWalk {
 public:
  explicit VocabularyWalk(const ConstraintMatcher& matcher)
      : matcher_(matcher),
        automaton_(matcher.constraint().automaton()),
        vocabulary_(matcher.constraint().vocabulary()),
        stack_(matcher.stack()),
        path_(vocabulary_.max_depth() + 1),
        words_((static_cast<std::size_t>(vocabulary_.vocab_size()) + kBitsPerWord - 1) /
               kBitsPerWord) {}

  ConstraintStep Run() {
    path_[0] = {.state = matcher_.state(), .top = stack_.top()};
    const std::span<const VocabularyTrie::Node> nodes = vocabulary_.nodes();
    const std::size_t end = nodes.size() - 1;
    for (std::size_t i = 0; i < end;) {
      const VocabularyTrie::Node& node = nodes[i];
      if (!Read(node)) {
        i = node.next;
        continue;
      }
      ++i;
      const std::uint32_t end_token = nodes[i].first_token;
      if (node.first_token != end_token) AddTokens(node, end_token);
    }
    return Finish();
  }

 private:
  struct Place {
    StateId state = 0;
    std::int32_t top = SharedStack::kBottom;
  };

  // Goes from the node's parent to the node. False if the constraint ends there.
  bool Read(const VocabularyTrie::Node& node) {
    const Place& from = path_[node.depth - std::size_t{1}];
    Place& to = path_[node.depth];
    const std::int32_t move = automaton_.Move(from.state, node.byte);
    if (move >= 0) [[likely]] {
      to = {.state = move, .top = from.top};
      // Only the first byte of an output is left out; elsewhere its move is as good as any.
      if (node.depth > 1 || !matcher_.strips_next_space()) return true;
    }
    to = from;
    if (node.depth == 1 && node.byte == ' ' && matcher_.strips_next_space()) return true;
    stack_.Return(from.top);
    const bool is_read = automaton_.Read(node.byte, to.state, stack_);
    to.top = stack_.top();
    return is_read;
  }

  void AddTokens(const VocabularyTrie::Node& node, std::uint32_t end_token) {
    const Place& place = path_[node.depth];
    stack_.Return(place.top);
    const int need = automaton_.Need(place.state);
    if (need > Automaton::kMaxDepth || !stack_.Allows(stack_.depth() + need)) return;
    for (std::uint32_t i = node.first_token; i < end_token; ++i) {
      const auto id = static_cast<std::size_t>(vocabulary_.token_ids()[i]);
      words_[id / kBitsPerWord] |= std::uint64_t{1} << (id % kBitsPerWord);
    }
  }

  ConstraintStep Finish() {
    const std::vector<StateId>& given = matcher_.stack();
    ConstraintStep step = {.mask = TokenMask(std::move(words_), vocabulary_.vocab_size())};
    step.stack_top.assign(given.end() - stack_.num_seen(), given.end());
    step.saw_bottom = stack_.saw_bottom();
    const int depth = static_cast<int>(given.size());
    // Over a lower stack what was not too deep is not too deep either.
    const bool was_limited = stack_.was_limited();
    step.min_depth = was_limited ? depth : 0;
    step.max_depth = was_limited ? depth : depth + Automaton::kMaxDepth - stack_.deepest();
    return step;
  }

  const ConstraintMatcher& matcher_;
  const Automaton& automaton_;
  const VocabularyTrie& vocabulary_;
  SharedStack stack_;
  std::vector<Place> path_;  // by depth
  std::vector<std::uint64_t> words_;
};

}  // namespace

TokenMask::TokenMask(std::vector<std::uint64_t> words, std::int32_t vocab_size)
    : words_(std::move(words)) {
  for (const std::uint64_t word : words_) num_allowed_ += std::popcount(word);
  // A list is smaller and read in no time.
  if (num_allowed_ > vocab_size / 32) return;
  for (std::size_t i = 0; i < words_.size(); ++i) {
    ForEachBit(words_[i], i, [&](std::size_t id) { ids_.push_back(static_cast<TokenId>(id)); });
  }
  ids_.shrink_to_fit();
  words_ = {};
}

bool TokenMask::Allows(TokenId id) const {
  if (words_.empty()) return std::binary_search(ids_.begin(), ids_.end(), id);
  const auto i = static_cast<std::size_t>(id);
  return (words_[i / kBitsPerWord] >> (i % kBitsPerWord) & 1u) != 0;
}

void TokenMask::CopyTo(std::span<std::uint32_t> mask) const {
  constexpr std::size_t kBits = 32;
  std::ranges::fill(mask, 0u);
  for (const TokenId id : ids_) {
    const auto i = static_cast<std::size_t>(id);
    mask[i / kBits] |= std::uint32_t{1} << i % kBits;
  }
  for (std::size_t i = 0; i < words_.size(); ++i) {
    mask[2 * i] = static_cast<std::uint32_t>(words_[i]);
    if (2 * i + 1 < mask.size()) mask[2 * i + 1] = static_cast<std::uint32_t>(words_[i] >> kBits);
  }
}

std::size_t TokenMask::num_bytes() const {
  return sizeof(*this) + words_.capacity() * sizeof(words_[0]) + ids_.capacity() * sizeof(ids_[0]);
}

bool ConstraintStep::Covers(std::span<const StateId> stack) const {
  const auto depth = static_cast<int>(stack.size());
  const std::size_t size = stack_top.size();
  if (depth < min_depth || depth > max_depth || stack.size() < size) return false;
  if (saw_bottom && stack.size() != size) return false;
  return std::equal(stack_top.begin(), stack_top.end(),
                    stack.end() - static_cast<std::ptrdiff_t>(size));
}

ConstraintStep AllowedTokens(const ConstraintMatcher& matcher) {
  return VocabularyWalk(matcher).Run();
}

}  // namespace quire::engine
