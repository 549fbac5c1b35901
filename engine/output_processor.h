#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "engine/output_channel.h"
#include "engine/sampling/stop_checker.h"
#include "engine/scheduler/request.h"
#include "engine/scheduler/sequence.h"
#include "engine/tokenizer/incremental_detokenizer.h"
#include "engine/tokenizer/tokenizer.h"

namespace quire::engine {

// Turns the tokens of one output of a request into events on its channel: text, stop strings, end
// of sequence, length, usage. What happened in a step goes out with Flush, so that the engine can
// free the blocks of a request before its reader learns that it ended.
//
// Engine thread only. `request` and `tokenizer` must outlive it.
class OutputProcessor {
 public:
  using Clock = std::chrono::steady_clock;

  // `eos_token_ids` are the model's; Request::ignore_eos leaves them out. The channel's owners:
  // this and the stream that the caller of Submit reads.
  OutputProcessor(const Request& request, std::int32_t output,
                  std::span<const TokenId> eos_token_ids, const Tokenizer& tokenizer,
                  std::shared_ptr<OutputChannel> channel, Clock::time_point submitted);

  // The sequence is in a batch, which counts the first time: what the prefix cache did for it is
  // part of the usage.
  void OnScheduled(const Sequence& sequence, Clock::time_point now);
  // So many guesses were tried.
  void OnDraft(std::int32_t num_draft, std::int32_t num_accepted);
  void OnPromptLogprobs(std::vector<ScoredToken> logprobs);
  // Whether these tokens, which come next, may end the output. Cheap: no text is made.
  bool MayEndWith(std::span<const ScoredToken> tokens, bool is_complete) const;
  // A sampled token, `is_complete` if its constraint lets none follow; tokens of one step come one
  // after the other. True if it was the last.
  bool OnToken(ScoredToken token, bool is_complete, Clock::time_point now);
  // The prompt is computed and no token is wanted.
  void OnPromptDone(Clock::time_point now);
  // Ends the output with an error.
  void OnError(Status status) { error_ = std::move(status); }

  // Gives out what happened since the last call, if anything.
  void Flush();

  const OutputChannel& channel() const { return *channel_; }

 private:
  OutputEvent NewEvent() const;
  bool IsEndToken(TokenId id) const;
  // What the output is after `id`; nothing if it goes on.
  std::optional<FinishReason> FinishAfter(TokenId id) const;
  void AppendText(TokenId id, OutputEvent& event);
  void Finish(FinishReason reason, OutputEvent& event);

  const Request& request_;
  const std::int32_t output_;
  std::vector<TokenId> end_tokens_;
  const Tokenizer& tokenizer_;
  const std::shared_ptr<OutputChannel> channel_;
  IncrementalDetokenizer detokenizer_;
  StopChecker stop_checker_;
  std::vector<ScoredToken> prompt_logprobs_;  // not given out yet
  std::optional<OutputEvent> event_;          // of this step
  Status error_;
  Usage usage_;
  Clock::time_point submitted_;
  Clock::time_point scheduled_;
  Clock::time_point first_token_;
  bool is_scheduled_ = false;
};

}  // namespace quire::engine
