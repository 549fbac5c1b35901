#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/kv/prefix_history.h"
#include "engine/sampling/constraints/constraint_spec.h"
#include "engine/sampling/sampling_params.h"
#include "engine/sampling/scored_token.h"
#include "engine/tokenizer/tokenizer.h"

namespace quire::engine {

// How much of the machine a request gets beside others: each class has eight times the share of the
// one before.
enum class Priority { kBatch, kNormal, kInteractive };

// Whose request it is, and with which others it belongs together.
struct SchedulingParams {
  Priority priority = Priority::kNormal;
  std::string client;  // whose share it takes from; the empty name is one of them
  // Requests of one client with one group share one turn, one deadline, the earliest of theirs, and
  // one cancel (Engine::CancelGroup). Empty: none.
  std::string group;
  // The prefix cache finds only what was computed under the same salt.
  std::string cache_salt;
};

// API-facing unit of work. Immutable once submitted.
struct Request {
  std::vector<TokenId> prompt;  // at least one token
  SamplingParams sampling;
  SchedulingParams scheduling;
  std::int32_t num_outputs = 1;  // outputs of one prompt, each with its own random numbers
  // Tokens guessed ahead per step from what the sequence repeats (prompt lookup); 0: none. Changes
  // the time, never the output.
  std::int32_t max_draft_tokens = 0;
  std::int32_t max_new_tokens = 256;  // 0 with num_prompt_logprobs: scoring only
  // Strings that end the output; they and what follows are not part of it.
  std::vector<std::string> stop;
  std::vector<TokenId> stop_token_ids;  // besides the model's end-of-sequence tokens
  bool ignore_eos = false;
  // Output tokens before an end-of-sequence or stop token may be sampled. Stop strings do not wait.
  std::int32_t min_tokens = 0;
  // What the output must be. End tokens are sampled only where it may end; where nothing can
  // follow, it ends without one (kStop). stop_token_ids must then be special tokens.
  ConstraintSpec constraint = {};
  // The `n` most likely tokens with each output token, besides its own; nothing: no log-probs.
  std::optional<std::int32_t> num_logprobs;
  // The same for each prompt token after the first.
  std::optional<std::int32_t> num_prompt_logprobs;
  std::optional<std::chrono::steady_clock::time_point> deadline;
};

enum class FinishReason { kStop, kStopString, kLength };

// What one output took.
struct Usage {
  std::int32_t prompt_tokens = 0;
  std::int32_t cached_tokens = 0;  // of the prompt, found in the prefix cache
  PrefixMissReason prefix_miss{};  // why they are not more
  std::int32_t completion_tokens = 0;
  std::int32_t draft_tokens = 0;           // guessed ahead
  std::int32_t accepted_draft_tokens = 0;  // of those, right
  std::chrono::nanoseconds queue_time{0};
  std::chrono::nanoseconds prefill_time{0};
  std::chrono::nanoseconds decode_time{0};
};

// What became known since the last event of a request. Deltas, never cumulative.
struct OutputEvent {
  std::int32_t output = 0;  // which of num_outputs
  std::string text;         // whole characters only
  std::vector<TokenId> ids;
  std::vector<ScoredToken> logprobs;         // one per id if asked for
  std::vector<ScoredToken> prompt_logprobs;  // in the first event, if asked for
  std::optional<FinishReason> finish;        // set in the last event of each output, and only there
  std::string stop_match;                    // the stop string that ended the output
  Usage usage;                               // of this output; complete in its last event
};

}  // namespace quire::engine
