#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "base/status.h"
#include "engine/sampling/constraints/compile_budget.h"
#include "engine/sampling/constraints/constraint.h"
#include "engine/sampling/constraints/constraint_spec.h"
#include "engine/tokenizer/tokenizer.h"

namespace quire::engine {

inline constexpr std::size_t kMaxChoices = 1024;
// Of all choices together, and of a schema.
inline constexpr std::size_t kMaxConstraintBytes = std::size_t{64} << 10;

// Compiles constraints for one vocabulary, on the caller's thread and within limits, and keeps the
// last ones: the calls of one task bring the same.
//
// Thread-safe. `tokenizer` must outlive it.
class ConstraintCompiler {
 public:
  static constexpr std::size_t kMaxCached = 64;
  static constexpr std::size_t kMaxCachedBytes = std::size_t{64} << 20;

  // `vocab_size` is the model's; `end_tokens` end an output and are never part of its text.
  ConstraintCompiler(const Tokenizer& tokenizer, std::int32_t vocab_size,
                     std::vector<TokenId> end_tokens,
                     const constraints::CompileLimits& limits = {});

  // Null for std::monostate. Returns INVALID_ARGUMENT that begins with the field
  // ("constraint.regex: byte 5: ...") if the constraint is malformed, not supported, larger or
  // slower to compile than the limits, or if no output of this vocabulary satisfies it.
  StatusOr<std::shared_ptr<const Constraint>> Compile(const ConstraintSpec& spec);

  // Constraints that are kept.
  std::size_t num_cached() const;

 private:
  using Result = StatusOr<std::shared_ptr<const Constraint>>;
  // One constraint that somebody compiles or has compiled; the same one is compiled once.
  struct Entry {
    std::string key;
    std::mutex mutex;
    std::optional<Result> result;  // guarded by mutex
    std::size_t num_bytes = 0;     // guarded by the compiler's mutex_
  };
  // An entry's owners: the list and whoever compiles or waits for it.
  using Entries = std::list<std::shared_ptr<Entry>>;

  // The entry of `key`, made if it is not there.
  std::shared_ptr<Entry> EntryOf(std::string key);
  // Keeps an entry that compiled, or forgets one that did not.
  void Settle(Entry& entry, const Result& result);
  void Erase(Entries::iterator entry);

  Result CompileNow(const ConstraintSpec& spec);
  const std::shared_ptr<const constraints::VocabularyTrie>& Vocabulary();

  const Tokenizer& tokenizer_;
  const std::int32_t vocab_size_;
  const std::vector<TokenId> end_tokens_;
  const constraints::CompileLimits limits_;

  std::once_flag vocabulary_once_;
  std::shared_ptr<const constraints::VocabularyTrie> vocabulary_;

  mutable std::mutex mutex_;
  Entries entries_;  // the last used first; guarded by mutex_
  // By the keys that the entries hold; guarded by mutex_.
  absl::flat_hash_map<std::string_view, Entries::iterator> index_;
  std::size_t num_bytes_ = 0;  // guarded by mutex_
};

}  // namespace quire::engine
